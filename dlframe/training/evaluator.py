"""Evaluator: measures a model on data, in evaluation mode."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from dlframe.autograd import no_grad
from dlframe.errors import ArgumentError
from dlframe.metrics import Mean, Metric, scores_of
from dlframe.nn import Module
from dlframe.nn.modes import evaluating
from dlframe.tensor import Tensor, to_array
from dlframe.training import batches
from dlframe.training.batches import batch_length
from dlframe.training.checks import check_lists, check_measured


class Evaluator:
    """Measures a model, or lets it predict: `Evaluator(model, loss, metrics).evaluate(data)`.

    It is the part of a `Trainer` that needs no optimizer. A subclass can override `split` (from a
    batch to inputs and target) and `forward` (from inputs to output).

    Args:
        loss: a function of (output, target) that returns one number.
        metrics: a metric that was not told what scores are learns it from the last layer of the
            model or from the loss (`metrics.scores_of`): probabilities are cut at 0.5, logits at 0.

    >>> x = dl.linspace(-1, 1, 64).reshape(64, 1)
    >>> evaluator = dl.training.Evaluator(nn.Linear(1, 1), nn.MSELoss())
    >>> sorted(evaluator.evaluate((x, 2 * x + 1))), evaluator.predict(x).shape
    (['loss'], dl.Size([64, 1]))
    """

    def __init__(
        self, model: Module, loss: Callable[[Any, Any], Any], metrics: Sequence[Metric] = ()
    ) -> None:
        check_lists(type(self).__name__, metrics=metrics)
        check_measured(type(self).__name__, model, metrics)
        self.model = model
        self.loss = loss
        self.metrics = list(metrics)

    def split(self, batch: Any) -> tuple[list[Any], Any]:
        """The model's inputs and the target of a batch; override it for batches of other forms."""
        return batches.split_batch(batch)

    def forward(self, *inputs: Any) -> Any:
        """The model's output; override it to call the model in another way."""
        return self.model(*inputs)

    def evaluate(self, data: Any, *, batch_size: int = 256, num_workers: int = 0) -> dict[str, Any]:
        """Loss and metrics on other data, in evaluation mode; the model's modes stay as they were.

        `data` is what `fit` takes.
        """
        loader = batches.make_loader(
            data, batch_size, shuffle=False, num_workers=num_workers, where="evaluate"
        )
        results = self._measure(loader, lambda: True)
        assert results is not None
        return results

    def predict(self, x: Any, *, batch_size: int = 256, num_workers: int = 0) -> Tensor:
        """The model's outputs for arrays, tensors, a data set or a loader, in evaluation mode.

        Where batches have targets, the targets are ignored.
        """
        parts: Iterable[Any]
        if isinstance(x, (Tensor, np.ndarray)):
            parts = ([x[i : i + batch_size]] for i in range(0, len(x), batch_size))
        else:
            parts = batches.make_loader(
                x, batch_size, shuffle=False, num_workers=num_workers, where="predict"
            )
        with evaluating(self.model), no_grad():
            outputs = [to_array(self.forward(*batches.inputs_of(part))) for part in parts]
        if not outputs:
            raise ArgumentError("predict: there is nothing to predict; got no sample")
        return Tensor(np.concatenate(outputs))

    def _measure(self, loader: Any, keep_going: Callable[[], bool]) -> dict[str, Any] | None:
        """The means over a loader, or None if `keep_going` returned False."""
        sums = self._new_sums()
        count = 0
        with evaluating(self.model), no_grad():
            for batch in loader:
                if not keep_going():
                    return None
                inputs, target = self.split(batch)
                output = self.forward(*inputs)
                loss = self.loss(output, target)
                batches.check_scalar(loss)
                add_batch(sums, self.loss, float(loss.item()), output, target)
                count += 1
        if not count:
            raise ArgumentError(f"evaluate: the data gave no batch{batches.why_empty(loader)}")
        return {name: plain_value(metric.compute()) for name, metric in sums.items()}

    def _new_sums(self) -> dict[str, Metric]:
        """Empty sums for loss and metrics; the metrics that were passed in are not changed."""
        sums: dict[str, Metric] = {"loss": Mean("loss")}
        for metric in self.metrics:
            sums[metric.name] = copied = copy.deepcopy(metric)
            copied.reset()
            copied.assume(scores_of(self.loss, self.model))
        return sums


def add_batch(
    sums: dict[str, Metric],
    loss: Callable[..., Any],
    value: float,
    output: Any,
    target: Any,
    reporting: Sequence[Any] = (),
) -> None:
    """Add a batch to the sums of an epoch, with the numbers that regularizers report."""
    samples = batch_length(target, output)
    reported = {one.name: batches.per_sample(one, one.last, samples) for one in reporting}
    sums["loss"].update(batches.per_sample(loss, value, samples), samples)
    for name, metric in sums.items():
        if name in reported:
            metric.update(reported[name], samples)
        elif name != "loss":
            metric.update(output, target)


def plain_value(value: Any) -> Any:
    """A number as float, an array as nested lists: what JSON can hold."""
    array = np.asarray(to_array(value))
    return float(array) if array.ndim == 0 else array.tolist()
