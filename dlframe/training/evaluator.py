"""Evaluator: measures a model on data, in evaluation mode."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.autograd import no_grad
from dlframe.base.elsewhere import Elsewhere, without_elsewhere
from dlframe.errors import ArgumentError
from dlframe.metrics import Mean, Metric, scores_of
from dlframe.nn import Module
from dlframe.nn.modes import evaluating
from dlframe.tensor import Tensor, to_array
from dlframe.training.by_name import make_loss, make_metrics
from dlframe.training.checks import check_lists, check_measured, check_scores
from dlframe.training.data import batches, data_forms, scoring
from dlframe.training.data.arrays import as_tensor, is_array, mapped
from dlframe.training.data.batches import Batch, Measured, batch_length
from dlframe.training.data.broadcasting import broadcasting_refused, may_broadcast
from dlframe.training.data.inputs import InputForm, Parts, Taken, taken_by
from dlframe.training.data.outputs import LossPerOutput, OfOutput, TotalLoss, output_name, pick
from dlframe.training.data.targets import fitted, name_of
from dlframe.training.data.weighting import ClassWeights, own_size, weighted


class Evaluator:
    """Measures a model, or lets it predict: `Evaluator(model, loss, metrics).evaluate(data)`.

    It is the part of a `Trainer` that needs no optimizer. A subclass can override `split` (from a
    batch to inputs and target) and `forward` (from inputs to output).

    Args:
        loss: a function of (output, target) that returns one number, or the name of a loss, such as
            "cross_entropy". A dict or list of them is for a model with several outputs, which then
            has as many targets. None is for a model that returns its loss: a Tensor of one number,
            or a dict with "loss".
        metrics: metrics, their classes or names ("accuracy"), or functions of (output, target). A
            metric that was not told what scores are learns it from the last layer of the model or
            from the loss (`metrics.scores_of`): probabilities are cut at 0.5, logits at 0. With
            several outputs, a dict or list of lists.
        loss_weights: of several losses, in their sum.
        inputs, target, weight: where in a batch they are: keys of a dict, or positions in a tuple.
            `inputs` may be a list of several, or a dict from arguments of the model to keys.
            `inputs=0, target=0` is for an autoencoder. Without them a batch is (inputs…, target),
            or (input, target, weight) for a model of one input, or a dict with the keys x, y and
            sample_weight.
        scale: a factor for inputs of integers, such as 1 / 255 for bytes; the model gets floats.

    Inputs are brought to the dtype of the model's parameters; integers stay integers if the model
    takes them, as an Embedding does, which is tried with two samples. Targets are brought to what
    the loss takes: labels to int64, numbers to the dtype of the output, (N,) to (N, 1) where the
    output has this shape, and for losses such as MSELoss labels to one-hot rows.

    >>> x = dl.linspace(-1, 1, 64).reshape(64, 1)
    >>> evaluator = dl.training.Evaluator(nn.Linear(1, 1), nn.MSELoss())
    >>> sorted(evaluator.evaluate((x, 2 * x + 1))), evaluator.predict(x).shape
    (['loss'], (64, 1))
    """

    def __init__(
        self,
        model: Module,
        loss: Any,
        metrics: Any = (),
        *,
        loss_weights: Any = None,
        inputs: Any = None,
        target: Any = None,
        weight: Any = None,
        scale: float | None = None,
    ) -> None:
        owner = type(self).__name__
        check_lists(owner, metrics=metrics)
        check_measured(owner, model)
        self.model = model
        self.loss = make_loss(loss, loss_weights, owner)
        self.metrics = make_metrics(metrics, self.loss, owner)
        check_scores(owner, self.loss, model)
        self._parts = Parts(owner, inputs, target, weight, self.loss is None)
        self._form = InputForm(scale)
        self._taken: tuple[Any, Taken] | None = None
        self._looked_at: set[Any] = set()  # the outputs whose loss was computed

    def split(self, batch: Any) -> tuple[Any, ...]:
        """Inputs and target of a batch, or inputs, target and weight; override it for other forms.

        Inputs are a list, or a dict of the model's arguments.
        """
        inputs, target, weight = self._parts.of(batch, self._takes())
        return (inputs, target) if weight is None else (inputs, target, weight)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The model's output; override it to call the model in another way."""
        return self.model(*inputs, **named)

    def evaluate(
        self,
        data: Any,
        y: Any = None,
        *,
        metrics: Any = None,
        sample_weight: Any = None,
        batch_size: int = 256,
        num_workers: int = 0,
    ) -> dict[str, Any]:
        """Loss and metrics on other data, in evaluation mode; the model's modes stay as they were.

        The loss is the mean over all samples, however they are cut into batches. Where cross
        entropy has weights of classes or ignores labels, it is weighted as the loss itself does.

        Args:
            data: what `fit` takes: a pair (x, y), a data set, a loader; or the inputs alone, with
                `y` for the targets.
            metrics: measured instead of those of the constructor.
            sample_weight: of arrays (x, y): the loss is the weighted mean.
        """
        data = data_forms.with_target(
            data, y, sample_weight, "evaluate", needs_target=self._needs_target()
        )
        loader = data_forms.make_loader(
            data, batch_size, shuffle=False, num_workers=num_workers, where="evaluate"
        )
        with self._with_metrics(metrics):
            results = self._measure(loader, lambda: True)
        assert results is not None
        return results

    def predict(self, x: Any, *, batch_size: int = 256, num_workers: int = 0) -> Any:
        """The model's outputs for arrays, tensors, a data set or a loader, in evaluation mode.

        Where batches have targets, the targets are ignored. Several outputs come as a tuple, list
        or dict; outputs that differ in more than the number of samples, as sequences of different
        lengths do, as a list of one per batch.
        """
        outputs = []
        with evaluating(self.model), no_grad():
            for part in data_forms.prediction_batches(x, batch_size, num_workers):
                inputs = self._parts.inputs_of(part, self._takes())
                inputs = self._form.bring(inputs, self.model, self._output)
                if is_array(x):
                    self._form.refuse_swallowed(inputs, None, self.model, self._output)
                outputs.append(self._output(inputs))
        if not outputs:
            raise ArgumentError("predict: there is nothing to predict; got no sample")
        return scoring.joined(outputs)

    def predict_proba(self, x: Any, *, batch_size: int = 256, num_workers: int = 0) -> Any:
        """Probabilities of classes (N, C): what the loss and the last layer make of the outputs.

        One score per sample gives two columns, as in scikit-learn. With several labels per sample
        (BCE losses with several outputs), each has its own probability. Raises ArgumentError where
        it is not certain what the outputs are.
        """
        outputs = self.predict(x, batch_size=batch_size, num_workers=num_workers)
        return scoring.probabilities(outputs, self.loss, self.model)

    def predict_classes(self, x: Any, *, batch_size: int = 256, num_workers: int = 0) -> Any:
        """The most probable class of each sample (N,), int64; 0 or 1 for each of several labels."""
        outputs = self.predict(x, batch_size=batch_size, num_workers=num_workers)
        return scoring.classes(outputs, self.loss, self.model)

    def score(self, data: Any, y: Any = None, *, batch_size: int = 256) -> float:
        """One number as in scikit-learn: accuracy for classes, R² for numbers; higher is better.

        The loss says which. Of several labels per sample (N, L) it is the share of samples all of
        whose labels are right. Raises ArgumentError for a loss that says neither.
        """
        metric = scoring.score_of(self.loss)
        return float(self.evaluate(data, y, metrics=[metric], batch_size=batch_size)[metric.name])

    if not TYPE_CHECKING:  # in Keras, Lightning, skorch and fastai
        compile = Elsewhere("Loss, optimizer and metrics are arguments: Trainer(model, loss, …)")
        criterion = criterion_ = loss_fn = loss_func = Elsewhere("It is trainer.loss")
        decision_function = Elsewhere("The outputs are trainer.predict(x)")
        get_preds = predict_on_batch = predict_step = Elsewhere("It is trainer.predict(x)")
        get_weights = Elsewhere("It is trainer.model.state_dict()")
        set_weights = load_weights = load_params = Elsewhere(
            "It is trainer.model.load_state_dict(utils.load(path))"
        )
        layers = Elsewhere("They are the modules of trainer.model: list(model.children())")
        lightning_module = module = module_ = net = network = Elsewhere("It is trainer.model")
        metrics_names = Elsewhere("They are [metric.name for metric in trainer.metrics]")
        predict_generator = Elsewhere("It is trainer.predict(loader)")
        save_weights = save_params = export = Elsewhere(
            "It is utils.save(trainer.model.state_dict(), path)"
        )
        summary = Elsewhere("It is utils.summary(trainer.model, input_shape)")
        test = validate = test_step = test_on_batch = evaluate_generator = Elsewhere(
            "It is trainer.evaluate(data)"
        )

    def __dir__(self) -> list[str]:
        return without_elsewhere(super().__dir__(), self)

    # --- a batch -------------------------------------------------------------------------------

    def _needs_target(self) -> bool:
        """Whether inputs alone are no data."""
        own = type(self).split is not Evaluator.split
        return not (own or self._parts.are_named or self.loss is None)

    def _takes(self) -> Taken:
        """What the model takes, or a `forward` of a subclass."""
        if self._taken is None or self._taken[0] is not self.model:
            own = type(self).forward is not Evaluator.forward
            self._taken = (self.model, taken_by(self.forward if own else self.model.forward))
        return self._taken[1]

    def _output(self, inputs: Any) -> Any:
        return self.forward(**inputs) if isinstance(inputs, dict) else self.forward(*inputs)

    def _take(self, batch: Any, classes: ClassWeights | None = None) -> Batch:
        """A batch with its inputs in the form that the model takes."""
        inputs, target, *weight = self.split(batch)
        inputs = self._form.bring(inputs, self.model, self._output)
        if target is not None:
            self._form.refuse_swallowed(inputs, target, self.model, self._output)
        return Batch(inputs, target, weight[0] if weight else None, classes)

    def _loss_of(self, batch: Batch) -> tuple[Any, Tensor]:
        """Output and loss; the batch then has the target in the form that the loss takes."""
        output = self._output(batch.inputs)
        batch.parts.clear()
        if self.loss is None:
            return scoring.own_loss(output, batch)
        given = batch.target
        if not isinstance(given, Tensor):
            given = mapped(as_tensor, given, "y")
        if not isinstance(self.loss, LossPerOutput):
            loss = self._part(None, self.loss, output, given, batch)
            batch.target = batch.parts[None].target
        else:
            pairs = list(self.loss.pairs(output, given))
            losses = [
                self._part(key, self.loss.losses[key], out, wanted, batch) * self.loss.weights[key]
                for key, out, wanted in pairs
            ]
            loss = sum(losses[1:], start=losses[0])
            batch.size = next(iter(batch.parts.values())).size
        return output, loss

    def _part(self, key: Any, loss: Any, output: Any, target: Any, batch: Batch) -> Tensor:
        """The loss of one output."""
        target = scoring.scaled_like(target, batch, self._form, loss)
        target, labels = fitted(loss, output, target)
        part = batch.parts[key] = Measured(output, target, labels)
        weight = batch.weight
        if weight is not None and not is_array(weight):
            weight = pick(weight, key, "weight", type(self).__name__)
        size: float | None = None
        with self._first_look(key, loss, output, target):
            if weight is None and batch.class_weights is None:
                value = loss(output, target)
                batches.check_scalar(value)
                size = own_size(loss, target)
                part.size = float(batch_length(target, output)) if size is None else size
            if weight is not None or batch.class_weights is not None or size == 0.0:
                # also where no label of the batch counts: its mean is 0/0
                value, part.size = weighted(
                    loss, output, target, labels, weight, batch.class_weights
                )
        part.loss = batches.per_sample(loss, float(value.item()), part.size)
        batch.size = part.size
        assert isinstance(value, Tensor)
        return value

    def _first_look(self, key: Any, loss: Any, output: Any, target: Any) -> Any:
        """A block in which the loss of an output is computed; the first time it is watched."""
        if key in self._looked_at:
            return nullcontext()
        self._looked_at.add(key)
        if not may_broadcast(output, target):
            return nullcontext()
        return broadcasting_refused(name_of(loss), output, target)

    def _pairs(self) -> Callable[[Any], tuple[Any, Any]]:
        """From a batch to inputs and target as the model and the loss get them."""
        shapes: list[Any] = []  # of the output of a sample, and its dtype

        def pair(batch: Any) -> tuple[Any, Any]:
            taken = self._take(batch)
            target = mapped(as_tensor, taken.target, "y")
            if isinstance(self.loss, LossPerOutput) or self.loss is None:
                return taken.inputs, target
            if not shapes:
                output = None
                with evaluating(self.model), no_grad(), suppress(Exception):
                    output = self._output(taken.inputs)  # who uses the pair sees what is raised
                if not isinstance(output, Tensor) or not output.ndim:
                    return taken.inputs, target
                shapes.append((output.shape[1:], output.array.dtype))
            shape, dtype = shapes[0]
            like = Tensor(np.zeros((batch_length(taken.values()), *shape), dtype))
            return taken.inputs, fitted(self.loss, like, target)[0]

        return pair

    # --- means ---------------------------------------------------------------------------------

    def _measure(self, loader: Any, keep_going: Callable[[], bool]) -> dict[str, Any] | None:
        """The means over a loader, or None if `keep_going` returned False."""
        sums = self._new_sums()
        count, broken = 0, False
        with evaluating(self.model), no_grad():
            for raw in loader:
                if not keep_going():
                    return None
                batch = self._take(raw)
                output, loss = self._loss_of(batch)
                value = float(loss.item())
                # NaN has no class: then metrics are NaN as the loss is, and training may go on
                broken = broken or (math.isnan(value) and has_nan(output))
                some = {n: m for n, m in sums.items() if is_loss(m)} if broken else sums
                add_batch(some, self.loss, value, output, batch)
                count += 1
        if not count:
            raise ArgumentError(f"evaluate: the data gave no batch{batches.why_empty(loader)}")
        return {
            name: math.nan if broken and not is_loss(metric) else plain_value(metric.compute())
            for name, metric in sums.items()
        }

    @contextmanager
    def _with_metrics(self, metrics: Any) -> Iterator[None]:
        """In the block, other metrics are measured."""
        if metrics is None:
            yield
            return
        before = self.metrics
        self.metrics = make_metrics(metrics, self.loss, "evaluate")
        try:
            yield
        finally:
            self.metrics = before

    def _new_sums(self) -> dict[str, Metric]:
        """Empty sums for loss and metrics; the metrics that were passed in are not changed."""
        sums: dict[str, Metric] = {"loss": Mean("loss")}
        if isinstance(self.loss, LossPerOutput):
            sums["loss"] = TotalLoss(self.loss.weights)
            for key in self.loss.losses:
                part = OfOutput(key, Mean("loss"))
                sums[part.name] = part
        for metric in self.metrics:
            sums[metric.name] = copied = copy.deepcopy(metric)
            copied.reset()
            if isinstance(copied, OfOutput):
                copied.assume(scores_of(self.loss.losses[copied.key]))
            else:
                copied.assume(scores_of(self.loss, self.model))
        return sums

    def _names(self) -> list[str]:
        """The names of what is measured."""
        names = ["loss"]
        if isinstance(self.loss, LossPerOutput):
            names += [f"{output_name(key)}_loss" for key in self.loss.losses]
        return [*names, *[metric.name for metric in self.metrics]]


def add_batch(
    sums: dict[str, Metric],
    loss: Any,
    value: float,
    output: Any,
    batch: Batch,
    reporting: Sequence[Any] = (),
) -> None:
    """Add a batch to the sums of an epoch, with the numbers that regularizers report."""
    samples = batch_length(batch.target, output)
    reported = {one.name: batches.per_sample(one, one.last, samples) for one in reporting}
    whole = batch.parts.get(None)
    if isinstance(loss, LossPerOutput):
        parts = [batch.parts[key] for key in loss.losses]
        sums["loss"].update([part.loss for part in parts], [part.size for part in parts])
    else:
        sums["loss"].update(value if whole is None else whole.loss, batch.size)
    for name, metric in sums.items():
        if name in reported:
            metric.update(reported[name], samples)
        elif isinstance(metric, OfOutput):
            part = batch.parts[metric.key]
            if isinstance(metric.metric, Mean):
                metric.update(part.loss, part.size)
            else:
                metric.update(part.output, scoring.target_for(metric.metric, part))
        elif name != "loss":
            part = whole or Measured(output, batch.target, batch.target)
            metric.update(part.output, scoring.target_for(metric, part))


def is_loss(metric: Metric) -> bool:
    """Whether it is the loss, of all outputs or of one."""
    return isinstance(metric.metric if isinstance(metric, OfOutput) else metric, (Mean, TotalLoss))


def has_nan(output: Any) -> bool:
    """Whether an output, or one of several, has NaN."""
    arrays = [to_array(leaf) for leaf in batches.leaves(output) if isinstance(leaf, Tensor)]
    return any(array.dtype.kind == "f" and bool(np.isnan(array).any()) for array in arrays)


def plain_value(value: Any) -> Any:
    """A number as float, an array as nested lists: what JSON can hold."""
    array = np.asarray(to_array(value))
    return float(array) if array.ndim == 0 else array.tolist()
