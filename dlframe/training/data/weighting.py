"""Means of losses in which samples and classes weigh differently."""

from __future__ import annotations

import copy
import functools
import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlframe import nn
from dlframe.base.printable import printable
from dlframe.errors import ArgumentError, LabelError, ShapeError
from dlframe.tensor import Tensor, to_array
from dlframe.training.data.arrays import is_array, plain_array, refuse_zeros
from dlframe.training.data.data_forms import labels_of
from dlframe.training.data.targets import (
    LABELS,
    as_int64,
    class_numbers,
    core_of,
    is_one_of,
    name_of,
)

Array = np.ndarray[Any, Any]
MOST_CLASSES = 10_000_000  # whose weights are a table in memory


class ClassWeights:
    """A weight for each class, by its number; classes that are not named weigh 1.

    >>> weights = ClassWeights({0: 1.0, 2: 5.0})
    >>> weights.of(np.array([2, 0, 1, 2])).tolist()
    [5.0, 1.0, 1.0, 5.0]
    """

    def __init__(
        self, weights: Mapping[int, float], *, complete: bool = False, ignored: int | None = None
    ) -> None:
        self.ignored = ignored  # the label that the loss leaves out
        self.weights = {int(key): _weight(value, key) for key, value in weights.items()}
        self.complete = complete  # whether there is one for each class
        size = max(self.weights, default=-1) + 1
        if size > MOST_CLASSES:
            raise ArgumentError(
                f"class_weight: a weight for class {size - 1}; classes are numbered 0, 1, 2, … "
                "without large gaps: classes, y = np.unique(y, return_inverse=True)"
            )
        self._table = np.ones(size)
        for label, value in self.weights.items():
            self._table[label] = value

    @classmethod
    def made(cls, given: Any, data: Any, ignored: int | None = None) -> ClassWeights | None:
        """Of a dict, a list with one weight per class, or "balanced".

        "balanced" gives class c the weight samples / (classes · samples of c), as scikit-learn.
        The names of classes may stand for their numbers, if the data set has them as `classes`.
        The label `ignored`, which the loss leaves out, is no class. Raises ArgumentError for a
        class that the data do not have, as far as they are known.
        """
        if given is None or isinstance(given, ClassWeights):
            return given
        labels = labels_of(data)
        if labels is None:
            labels = labels_of_pair(data)
        if isinstance(given, str):
            return cls._balanced(given, labels, ignored)
        if isinstance(given, Mapping):
            return cls._of_dict(given, labels, data, ignored)._some(labels)
        if is_array(given) or isinstance(given, Sequence):
            array = to_array(plain_array(given, "class_weight"))
            if array.ndim != 1:
                raise ArgumentError(
                    f"class_weight: a list has one weight for each class; got shape {array.shape}"
                )
            if labels is not None and labels.size and labels.dtype.kind in "iub":
                most = int(_without(as_int64(labels, "class_weight"), ignored).max(initial=0))
                if most >= len(array):
                    raise ArgumentError(
                        f"class_weight: {len(array)} weights for the classes 0 to "
                        f"{len(array) - 1}, and the data have class {most}"
                    )
            made = cls(dict(enumerate(array.tolist())), complete=True, ignored=ignored)
            return made._some(labels)
        raise ArgumentError(
            'class_weight: expected a dict {class: weight}, a list, or "balanced"; got '
            f"{type(given).__name__}"
        )

    def _some(self, labels: Array | None) -> ClassWeights:
        """Itself, if a class has a weight that is not 0: a class of the data, if they are known."""
        weights: Any = self._table
        if labels is not None and labels.size and labels.dtype.kind in "iu":
            weights = self.of(_without(as_int64(labels, "class_weight"), self.ignored).clip(0))
        elif not self.complete:
            return self  # classes without a weight of their own weigh 1
        refuse_zeros(weights, "class_weight")
        return self

    @classmethod
    def _balanced(cls, given: str, labels: Array | None, ignored: int | None) -> ClassWeights:
        if given != "balanced":
            raise ArgumentError(
                f'class_weight: the only word it knows is "balanced"; got {given!r}'
            )
        if labels is None:
            raise ArgumentError(
                'class_weight="balanced" counts the labels of arrays (x, y) or of a data set with '
                "`targets`; these data do not show theirs before they are read. Pass a dict or list"
            )
        numbers, counts = np.unique(_without(_numbers(labels), ignored), return_counts=True)
        if numbers.size and numbers[0] < 0:
            raise LabelError(
                f"class_weight: the training data have the label {numbers[0]}; classes are 0, 1, "
                "2, …, and only the label that the loss ignores may be another"
            )
        shares = counts.sum() / (len(numbers) * counts)
        return cls(dict(zip(numbers.tolist(), shares.tolist(), strict=True)), ignored=ignored)

    @classmethod
    def _of_dict(
        cls, given: Mapping[Any, Any], labels: Array | None, data: Any, ignored: int | None
    ) -> ClassWeights:
        names = getattr(getattr(data, "dataset", data), "classes", None)
        weights = {}
        for key, value in given.items():
            label = key
            if isinstance(key, str) and names is not None and key in list(names):
                label = list(names).index(key)
            elif isinstance(key, (bool, np.bool_)) or (
                isinstance(key, (float, np.floating)) and math.isfinite(key) and key == int(key)
            ):
                label = int(key)  # as Python itself takes True and 1.0 for the key 1
            if not isinstance(label, (int, np.integer)) or label < 0:
                known = "0, 1, 2, …" if names is None else ", ".join(map(str, names))
                raise ArgumentError(
                    f"class_weight: {printable(repr(key))} is no class; classes are {known}"
                )
            if int(label) in weights:
                raise ArgumentError(
                    f"class_weight: two weights for class {label}, one of them as "
                    f"{printable(repr(key))}"
                )
            weights[int(label)] = value
        if labels is not None:
            there = set(np.unique(_numbers(labels)).tolist())
            missing = sorted(set(weights) - there)
            if missing:
                raise ArgumentError(
                    f"class_weight: no sample of the training data is of class "
                    f"{', '.join(map(str, missing))}; their classes are "
                    f"{', '.join(map(str, sorted(there)[:20]))}"
                )
        return cls(weights, ignored=ignored)

    def of(self, labels: Array) -> Array:
        """The weights of labels; a negative label, which a loss ignores, has weight 1."""
        size = len(self._table)
        if self.ignored is not None:
            labels = np.where(labels == self.ignored, -1, labels)
        if self.complete and labels.size and labels.max() >= size:
            raise LabelError(f"class_weight: {size} weights, and a sample of class {labels.max()}")
        known = (labels >= 0) & (labels < size)
        if not size:
            return np.ones(labels.shape)
        return np.where(known, self._table[np.where(known, labels, 0)], 1.0)

    def check_classes(self, classes: int) -> None:
        """Raise ArgumentError for a weight of a class that the model has no score of."""
        if self.weights and max(self.weights) >= classes:
            raise ArgumentError(
                f"class_weight: a weight for class {max(self.weights)}, and the model has scores "
                f"for the classes 0 to {classes - 1}"
            )


def labels_of_pair(data: Any) -> Array | None:
    """The targets of arrays that were not made a data set yet."""
    if isinstance(data, Mapping):
        target = data.get("y")
    else:
        target = data[-1] if isinstance(data, tuple) and len(data) == 2 else None
    if target is None or not is_array(target):
        return None
    return np.asarray(to_array(plain_array(target, "y")))


def _without(labels: Array, ignored: int | None) -> Array:
    return labels if ignored is None else labels[labels != ignored]


def _numbers(labels: Array) -> Array:
    if labels.ndim > 1 and labels.shape[1:] != (1,):
        rows = labels.reshape(len(labels), -1)
        if labels.ndim == 2 and ((rows == 0) | (rows == 1)).all() and (rows.sum(1) == 1).all():
            return np.asarray(rows.argmax(1))  # one-hot
    if labels.dtype.kind == "f" and (labels == np.floor(labels)).all():
        return as_int64(labels, "class_weight")
    if labels.dtype.kind not in "iub":
        raise ArgumentError(
            f"class_weight: the targets are no labels (dtype {labels.dtype}); weigh the samples "
            "instead: sample_weight="
        )
    return as_int64(labels, "class_weight")


def _weight(value: Any, key: Any) -> float:
    if isinstance(value, (int, float, np.number)) and math.isfinite(value) and value >= 0:
        return float(value)
    raise ArgumentError(f"class_weight: the weight of class {key} must be 0 or more; got {value!r}")


# --- the weighted mean -------------------------------------------------------------------------


def adds_up(loss: Any) -> bool:
    """Whether the loss of a batch is a sum over samples, and not their mean; also of each output.

    Raises ArgumentError where some outputs have sums and others means.
    """
    losses = getattr(loss, "losses", {None: loss}).values()
    kinds = {
        getattr(core_of(one), "reduction", _option(one, "reduction", "mean")) == "sum"
        for one in losses
    }
    if len(kinds) > 1:
        raise ArgumentError(
            "Trainer: the losses of some outputs are sums and those of others means, so batches "
            "cannot be put together with accumulate; use one reduction for all"
        )
    return kinds == {True}


def weighted(
    loss: Any, output: Any, target: Any, labels: Any, weight: Any, classes: ClassWeights | None
) -> tuple[Tensor, float]:
    """The weighted mean Σ wᵢ ℓᵢ / Σ wᵢ of the losses of samples, and Σ wᵢ.

    It divides by the sum of the weights, as `nn.CrossEntropyLoss(weight=…)` does (Keras divides by
    the number of samples). A loss with `reduction="sum"` gives Σ wᵢ ℓᵢ. wᵢ is the product of the
    sample's weight and that of its class; where the loss itself has weights of classes or ignores
    labels, wᵢ has this factor, too.
    """
    each = unreduced(loss)(output, target)
    if not isinstance(each, Tensor) or each.ndim == 0 or each.shape[0] != output_length(output):
        shape = list(each.shape) if isinstance(each, Tensor) else type(each).__name__
        raise ShapeError(
            f"{name_of(loss)}: weights need the loss of each sample, and this loss gives {shape}. "
            'Let it take reduction="none", or return one number per sample (Trainer takes their '
            "weighted mean)"
        )
    factors = np.ones((1,) * each.ndim)
    if classes is not None:
        if is_one_of(loss, LABELS):
            classes.check_classes(int(output.shape[1] if output.ndim > 1 else output.shape[0]))
        factors = factors * _like(classes.of(class_numbers(loss, labels)), each, "class_weight")
    if weight is not None:
        factors = factors * _like(_checked(weight), each, "sample_weight")
    factors = np.broadcast_to(factors, each.shape)
    own = np.broadcast_to(_own_weights(loss, target), each.shape)
    total = (each * Tensor(factors.astype(each.array.dtype))).sum()
    counted = factors * own
    # elements of a sample share its weight: a sample counts once
    elements = each.array.size / max(1, each.shape[0])
    size = float(counted.sum(dtype=np.float64))
    reduction = getattr(core_of(loss), "reduction", _option(loss, "reduction", "mean"))
    if reduction == "sum":
        return total, size / elements
    if reduction == "batchmean":
        size /= elements
        elements = 1.0
    return (total / size if size else total * 0.0), size / elements


def own_size(loss: Any, target: Any) -> float | None:
    """What a batch weighs by the weights of classes and the ignored labels of the loss itself.

    It is what cross entropy divides by: the sum of the weights of the labels that are not ignored;
    of several labels per sample, over their number. None where each sample counts once.
    """
    own = _own_weights(loss, target)
    if own.ndim == 0 or not own.size:
        return None
    size = float(own.sum(dtype=np.float64)) / (own.size / own.shape[0])
    return None if size == own.shape[0] else size


def ignored_by(loss: Any) -> int | None:
    """The label that cross entropy leaves out; None for a loss that takes no labels."""
    if not is_one_of(loss, LABELS[:2]):
        return None
    core = core_of(loss)
    if isinstance(core, nn.Module):
        return int(getattr(core, "ignore_index", -100))
    return int(_option(loss, "ignore_index", -100))


def output_length(output: Any) -> int:
    """The number of samples of an output."""
    return int(output.shape[0]) if isinstance(output, Tensor) and output.ndim else -1


def unreduced(loss: Any) -> Any:
    """The loss with `reduction="none"`, or itself where it has no reduction."""
    if isinstance(loss, functools.partial):
        if _takes_reduction(loss.func):
            return functools.partial(loss, reduction="none")
        return functools.partial(unreduced(loss.func), *loss.args, **loss.keywords)
    if isinstance(core_of(loss), nn.Module):
        module = core_of(loss)
        if hasattr(module, "reduction"):
            module = copy.copy(module)
            module.reduction = "none"
        return module
    return functools.partial(loss, reduction="none") if _takes_reduction(loss) else loss


def _takes_reduction(function: Any) -> bool:
    try:
        return "reduction" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _option(loss: Any, name: str, default: Any) -> Any:
    return loss.keywords.get(name, default) if isinstance(loss, functools.partial) else default


def _own_weights(loss: Any, target: Any) -> Array:
    """What cross entropy divides by for each label: the weight of its class, 0 if it is ignored."""
    is_labels = isinstance(target, Tensor) and target.array.dtype.kind == "i"
    if not is_labels or not is_one_of(loss, LABELS[:2]):
        return np.ones(())  # where targets are probabilities, each sample counts once
    core = core_of(loss)
    is_module = isinstance(core, nn.Module)
    given = getattr(core, "weight", None) if is_module else _option(loss, "weight", None)
    numbers = target.array
    counted = numbers != ignored_by(loss)
    if given is None:
        return np.asarray(counted.astype(np.float64))
    table = to_array(given).astype(np.float64)
    return np.asarray(np.where(counted, table[np.where(counted, numbers, 0)], 0.0))


def _like(weights: Array, each: Tensor, what: str) -> Array:
    """Weights of samples (N,), or of each element, to be multiplied with the losses."""
    shape = tuple(each.shape)
    if weights.ndim == 2 and weights.shape[1] == 1 and weights.shape[0] == shape[0]:
        weights = weights.reshape(-1)
    if weights.shape != shape[: weights.ndim] or weights.ndim == 0:
        raise ShapeError(
            f"{what}: weights{list(weights.shape)} do not fit losses{list(shape)}; pass one weight "
            "per sample (N,), or one for each loss"
        )
    return weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))


def _checked(weight: Any) -> Array:
    array = to_array(plain_array(weight, "sample_weight")).astype(np.float64)
    if not np.isfinite(array).all() or (array < 0).any():
        raise ArgumentError("sample_weight: weights must be finite numbers of 0 or more")
    return array
