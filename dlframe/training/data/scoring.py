"""What is made of a model's outputs: one array, probabilities, classes, a score, its own loss."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.metrics import Accuracy, Metric, R2Score, SubsetAccuracy, scores_of
from dlframe.metrics.labels import threshold_of
from dlframe.tensor import Tensor, to_array
from dlframe.training.data.arrays import as_tensor, is_array
from dlframe.training.data.batches import Batch, Measured, batch_length, check_scalar
from dlframe.training.data.outputs import LossPerOutput
from dlframe.training.data.targets import BINARY, DISTANCES, LABELS, is_one_of, name_of

# --- outputs -----------------------------------------------------------------------------------


def joined(outputs: list[Any]) -> Any:
    """The outputs of all batches as one; a list of them where they cannot be."""
    first = outputs[0]
    if isinstance(first, Tensor):
        shapes = {tuple(one.shape[1:]) if one.ndim else None for one in outputs}
        if len(shapes) == 1 and None not in shapes:
            return Tensor(np.concatenate([to_array(one) for one in outputs]))
        return [one.detach() for one in outputs]
    if isinstance(first, Mapping):
        return {key: joined([one[key] for one in outputs]) for key in first}
    if isinstance(first, (tuple, list)):
        parts = [joined([one[i] for one in outputs]) for i in range(len(first))]
        named = hasattr(first, "_fields")
        return type(first)(*parts) if named else type(first)(parts)
    return outputs


def probabilities(outputs: Any, loss: Any, model: Any) -> Any:
    """Probabilities of classes; ArgumentError where the outputs are not known to say them."""
    if isinstance(loss, LossPerOutput):
        return _each(probabilities, outputs, loss)
    kind = scores_of(None, model) or scores_of(loss, model)
    if kind is None or (is_one_of(loss, DISTANCES) and scores_of(None, model) is None):
        raise ArgumentError(
            f"predict_proba: neither the last layer of the model nor the loss ({name_of(loss)}) "
            "says how its outputs become probabilities. Use predict(), and a softmax or sigmoid of "
            "your own"
        )
    scores = _tensor(outputs, "predict_proba")
    single = scores.ndim == 1 or (scores.ndim > 1 and scores.shape[1] == 1)
    if kind == "log_probabilities":
        scores = scores.exp()
    elif kind == "logits":
        sigmoid = single or is_one_of(loss, BINARY)
        scores = scores.sigmoid() if sigmoid else scores.softmax(dim=1)
    if not single:
        return scores
    array = to_array(scores)
    array = array[:, None] if array.ndim == 1 else array
    return Tensor(np.concatenate([1 - array, array], axis=1))


def classes(outputs: Any, loss: Any, model: Any) -> Any:
    """The most probable classes, as int64."""
    if isinstance(loss, LossPerOutput):
        return _each(classes, outputs, loss)
    array = to_array(_tensor(outputs, "predict_classes"))
    _refuse_nan(array)
    single = array.ndim == 1 or array.shape[1] == 1
    if not single and not is_one_of(loss, BINARY):
        return Tensor(array.argmax(axis=1).astype(np.int64))
    threshold = threshold_of(None, scores_of(loss, model))
    if threshold is None:
        raise ArgumentError(
            f"predict_classes: neither the last layer of the model nor the loss ({name_of(loss)}) "
            "says above which score the class is 1. Use predict() > threshold"
        )
    chosen = (array > threshold).astype(np.int64)
    return Tensor(chosen.reshape(len(chosen), *chosen.shape[2:]) if single else chosen)


def _refuse_nan(outputs: Any) -> None:
    """Raise ArgumentError for samples whose output is NaN: argmax would make class 0 of some."""
    if outputs.dtype.kind != "f":
        return
    bad = np.isnan(outputs.reshape(len(outputs), -1)).any(axis=1)
    if bad.any():
        raise ArgumentError(
            f"predict_classes: the output of sample {int(bad.argmax())} is nan, which is of no "
            f"class ({int(bad.sum())} such among {len(bad)} samples); look for nan in the inputs "
            "and in the weights"
        )


def _each(function: Any, outputs: Any, loss: LossPerOutput) -> dict[Any, Any]:
    """The result for each output that has a loss, by its name or number."""
    return {key: function(outputs[key], one, None) for key, one in loss.losses.items()}


def _tensor(outputs: Any, where: str) -> Tensor:
    if isinstance(outputs, Tensor) and outputs.ndim:
        return outputs
    raise ArgumentError(
        f"{where}: the model's output must be one Tensor for all samples; got "
        f"{type(outputs).__name__}. Use predict()"
    )


# --- a score -----------------------------------------------------------------------------------


def score_of(loss: Any) -> Metric:
    """Accuracy for a loss of classes, R² for one of numbers; ArgumentError for any other."""
    if is_one_of(loss, LABELS):
        return Accuracy()
    if is_one_of(loss, BINARY):
        return _DecisionAccuracy()
    if is_one_of(loss, DISTANCES):
        return R2Score()
    raise ArgumentError(
        f"score: the loss ({name_of(loss)}) does not say whether the model tells classes or "
        "numbers. Use evaluate(x, y, metrics=[…])"
    )


class _DecisionAccuracy(Accuracy):
    """Accuracy; of several labels (N, L), the share of samples all of which are decided right.

    The decisions are those of `classes`.
    """

    def update(self, output: Any, target: Any) -> None:
        scores, truth = to_array(output), to_array(target)
        several = scores.ndim > 1 and scores.shape[1] > 1 and scores.shape == truth.shape
        if several and ((truth == 0) | (truth == 1)).all():
            samples = SubsetAccuracy(scores=self.assumed)
            samples.update(scores, truth)
            self.add(samples.state)
        else:
            super().update(output, target)


# --- what metrics get --------------------------------------------------------------------------


_OF_CLASSES = {"classification", "probabilities", "ranking"}
"""The modules of `metrics` whose classes compare outputs with labels."""


def target_for(metric: Metric, part: Measured) -> Any:
    """The target in the form that a metric takes: labels for metrics of classes."""
    return part.labels if _takes_labels(type(metric)) else part.target


@functools.lru_cache(maxsize=256)
def _takes_labels(kind: type) -> bool:
    return bool({cls.__module__.rpartition(".")[2] for cls in kind.__mro__} & _OF_CLASSES)


def scaled_like(target: Any, batch: Batch, form: Any, loss: Any) -> Any:
    """Bytes that are images to be rebuilt, scaled as the inputs are."""
    if not isinstance(target, Tensor) or target.array.dtype != np.uint8:
        return target
    if not is_one_of(loss, (*DISTANCES, *BINARY)):
        return target
    for one in batch.values():
        same = isinstance(one, Tensor) and one.shape == target.shape
        if same and one.dtype.kind == "f" and (target.ndim > 2 or target.shape[-1] > 8):
            return form.floats(target, "y", one.dtype)
    return target


# --- a model with a loss of its own ------------------------------------------------------------


def own_loss(output: Any, batch: Batch) -> tuple[Any, Tensor]:
    """The output of a model that returns its loss, and this loss."""
    if batch.weight is not None or batch.class_weights is not None:
        raise ArgumentError(
            "fit: sample_weight and class_weight need a loss of each sample, and this model "
            "returns its loss itself"
        )
    if isinstance(output, Mapping) and "loss" in output:
        loss = output["loss"]
    elif isinstance(output, Tensor) and output.array.size == 1:
        loss = output
    elif hasattr(output, "loss"):
        loss = output.loss
    else:
        is_tensor = isinstance(output, Tensor)
        got = f"shape {list(output.shape)}" if is_tensor else type(output).__name__
        raise ArgumentError(
            "loss=None is for a model that returns its loss: a Tensor of one number, or a dict "
            f'with "loss"; got {got}. Give a loss: Trainer(model, "cross_entropy", …)'
        )
    check_scalar(loss)
    target = as_tensor(batch.target, "y") if is_array(batch.target) else batch.target
    batch.size = float(batch_length(batch.values(), output))
    batch.parts[None] = Measured(output, target, target, float(loss.item()), batch.size)
    return output, loss
