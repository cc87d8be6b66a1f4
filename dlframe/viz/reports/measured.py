"""What a model says of data, and what is true: the numbers behind the results of a report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import metrics
from dlframe.base.printable import error_text
from dlframe.errors import ArgumentError, DlframeError
from dlframe.metrics.labels import label_pair
from dlframe.metrics.probabilities import beliefs
from dlframe.metrics.scores import scores_of
from dlframe.tensor import Tensor, to_array
from dlframe.training.data import batches, data_forms, scoring
from dlframe.training.data.stream import is_once
from dlframe.training.evaluator import Evaluator
from dlframe.training.untouched import untouched
from dlframe.viz import given

Array = NDArray[Any]
Pick = Callable[[NDArray[np.int64]], Array]
WHERE = "report"


@dataclass
class Measured:
    """Outputs (N, …) and targets (N, …) of all samples, in the order of the data.

    Attributes:
        kind: "classes" (one of several), "numbers", or "other", of which nothing is measured.
        scores: "logits", "probabilities" …, where it is known.
        inputs: the inputs of the samples with these numbers, (K, …).
        example: the inputs of the first samples, as the model takes them.
        why: why nothing is measured.
    """

    name: str
    count: int
    kind: str
    output: Array
    target: Array
    classes: Sequence[object] | None = None
    scores: str | None = None
    inputs: Pick | None = None
    example: Any = None
    why: str = ""
    predicted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    confidence: NDArray[np.float64] | None = None
    matrix: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    def __post_init__(self) -> None:
        if self.kind == "classes":
            try:
                self._tell_classes()
            except (DlframeError, ValueError, TypeError) as error:
                self.kind, self.why = "other", error_text(error)
        if self.kind == "numbers":
            self.output = self.output.reshape(self.count, -1).astype(np.float64)
            self.target = self.target.reshape(self.count, -1).astype(np.float64)

    def _tell_classes(self) -> None:
        pair = label_pair(self.output, self.target, scores=self.scores)
        self.predicted, self.target = pair.predicted, pair.true
        columns = self.output.shape[1] if self.output.ndim == 2 else 1
        labels = np.concatenate([pair.predicted, pair.true])
        count = max(columns, 2, len(self.classes or ()), int(labels.max(initial=0)) + 1)
        self.matrix = metrics.confusion_matrix(pair.predicted, pair.true, count)
        if self.output.dtype.kind == "f" and self.scores is not None:
            p = beliefs(self.output, self.target, scores=self.scores).p
            self.confidence = p[np.arange(len(p)), self.predicted]

    @property
    def wrong(self) -> NDArray[np.int64]:
        """The numbers of the samples that were taken for another class, the surest first."""
        wrong = np.flatnonzero(self.predicted != self.target)
        if self.confidence is not None:
            wrong = wrong[np.argsort(-self.confidence[wrong], kind="stable")]
        return wrong


def measured(
    model: Any, data: Any, classes: Sequence[object] | None = None, *, name: str = "data given"
) -> Measured:
    """Let a model (a Module, an Evaluator, a Trainer) say something of each sample of data.

    Model, data and random streams are afterwards as they were.
    """
    if not given.is_data(data) and not hasattr(data, "__iter__"):
        raise ArgumentError(
            f"{WHERE}: data must be what Trainer.evaluate takes: a data set, a loader or a pair "
            f"(x, y) of arrays; got {type(data).__name__}"
        )
    if is_once(data):
        raise ArgumentError(
            f"{WHERE}: the data is an iterator, whose samples can be read only once; pass a "
            "DataLoader, a data set or a list of batches"
        )
    evaluator = given.evaluator_of(model)
    loss = evaluator.loss if isinstance(model, Evaluator) else None
    classes = given.classes_of(data) if classes is None else classes
    if isinstance(data, tuple) and given.is_data(data) and given.are_names(data[1]):
        classes = given.sorted_names(data[1]) if classes is None else classes
        data = (data[0], given.labels_of(data[1], classes, "target", WHERE))
    if isinstance(data, Mapping) and {"x", "y"} <= set(data):
        data = (data["x"], data["y"])
    targets: list[Any] = []
    example: list[Any] = []

    def look(batch: Any, _: Any) -> None:
        targets.append(batch.target)
        if not example:
            example.append(batch.inputs)

    outputs = given.outputs_of(evaluator, data, WHERE, look)
    joined = scoring.joined(outputs)
    count = sum(batches.batch_length(one) for one in outputs)
    common: dict[str, Any] = {
        "name": name,
        "count": count,
        "classes": classes,
        "example": first_samples(example[0]),
    }
    nothing = np.zeros(0)
    if not isinstance(joined, Tensor):
        why = "the model has several outputs, or outputs of different sizes"
        return Measured(kind="other", output=nothing, target=nothing, why=why, **common)
    if any(one is None or not hasattr(one, "__array__") for one in targets):
        why = "the targets are not one array"
        return Measured(kind="other", output=nothing, target=nothing, why=why, **common)
    output = to_array(joined)
    try:
        target = np.concatenate([to_array(one) for one in targets])
    except ValueError:
        why = "the targets differ in size from batch to batch"
        return Measured(kind="other", output=nothing, target=nothing, why=why, **common)
    kind, why = kind_of(output, target, loss)
    if kind != "other" and (why := unmeasurable(kind, output)):
        kind = "other"
    found = Measured(
        kind=kind,
        output=output,
        target=target,
        scores=scores_of(loss, evaluator.model) or given._kind_of(output),
        inputs=lambda chosen: inputs_of(evaluator, data, chosen),
        why=why,
        **common,
    )
    if found.kind == "classes" and classes is not None and len(classes) < len(found.matrix):
        raise ArgumentError(f"{WHERE}: {len(classes)} class names for {len(found.matrix)} classes")
    return found


def kind_of(output: Array, target: Array, loss: Any) -> tuple[str, str]:
    """Whether outputs tell classes, numbers or something else; and why not, for the last."""
    if not output.size or not target.size:
        return "other", "there are no samples"
    if output.ndim > 2 or target.ndim > 2 or len(output) != len(target):
        return "other", f"output{output.shape} and target{target.shape} are no one label per sample"
    several = output.ndim == 2 and output.shape[1] > 1
    rows = target.ndim == 2 and target.shape[1] > 1
    one_hot = rows and bool(
        np.isin(target, (0, 1)).all() and (np.count_nonzero(target, axis=1) == 1).all()
    )
    told = None
    if loss is not None:
        with contextlib.suppress(ArgumentError):
            told = "numbers" if "r2" in scoring.score_of(loss).name.lower() else "classes"
    if told is None:
        same = output.size == target.size
        told = "numbers" if target.dtype.kind == "f" and same and not one_hot else "classes"
    if told == "numbers" and output.size == target.size:
        return "numbers", ""
    if rows and not one_hot:
        return "other", "a sample may have several labels"
    if not several and target.size and not np.isin(target, (0, 1)).all():
        return "other", f"one score per sample, and targets up to {target.max():g}"
    return "classes", ""


def unmeasurable(kind: str, output: Array) -> str:
    """Why results would mislead, empty if they do not: the class of outputs like NaN is chance."""
    rows = output.reshape(len(output), -1)
    if rows.dtype.kind != "f":
        return ""
    if kind == "numbers":
        bad = ~np.isfinite(rows).all(axis=1)
    elif rows.shape[1] == 1:
        bad = np.isnan(rows[:, 0])
    else:  # a logit or the logarithm of a probability may be -inf, but not all of a sample
        bad = ~np.isfinite(rows.max(axis=1))
    count = np.count_nonzero(bad)
    if not count:
        return ""
    return f"the model's output is nan or infinite for {count} of {len(rows)} samples"


def first_samples(inputs: Any, count: int = 32) -> Any:
    """The first samples of a batch's inputs, in the same form."""

    def cut(one: Any) -> Any:
        return Tensor(to_array(one)[:count]) if isinstance(one, (Tensor, np.ndarray)) else one

    if isinstance(inputs, Mapping):
        return {name: cut(one) for name, one in inputs.items()}
    return tuple(cut(one) for one in inputs)


def inputs_of(evaluator: Evaluator, data: Any, chosen: NDArray[np.int64]) -> Array:
    """The first input of the samples with these numbers; the data are read once more."""
    loader = data_forms.make_loader(data, 256, shuffle=False, num_workers=0, where=WHERE)
    found: dict[int, Any] = {}
    wanted, begin = set(chosen.tolist()), 0
    with untouched(evaluator.model, loader=loader, where=WHERE):
        for batch in loader:
            inputs = evaluator._take(batch).inputs
            first = to_array(next(iter(batches.leaves(inputs))))
            for number in wanted & set(range(begin, begin + len(first))):
                found[number] = first[number - begin].copy()
            begin += len(first)
            if len(found) == len(wanted):
                break
    return np.stack([found[number] for number in chosen.tolist()])
