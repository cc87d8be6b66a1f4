"""Checks of how the model runs: its modes, chance in evaluation, samples that mix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlframe.autograd import no_grad
from dlframe.base import nests
from dlframe.nn.modes import modes_kept
from dlframe.tensor import Tensor
from dlframe.training.doctor.case import Case, length, listed, parts_of
from dlframe.training.doctor.observing import Step, observed
from dlframe.training.doctor.report import Finding
from dlframe.training.doctor.rows import Array, as_array

# Products over other rows of a batch may round otherwise: a thousand roundings of float32.
_ROUNDING = 1e-4

_DEPENDENT = ("_DropoutNd", "Dropout", "AlphaDropout", "FeatureAlphaDropout", "_BatchNorm",
              "BatchNorm", "_NormBase")  # fmt: skip # parts that evaluation mode changes


def mode(case: Case) -> Iterator[Finding]:
    """Parts that wait for training mode."""
    parts = [name for name, _ in parts_of(case.model, *_DEPENDENT)]
    still = [name for name in parts if not case.modes[name]]
    if not still:
        return
    whole = not case.modes[""]
    yield Finding(
        "warning" if whole else "note", "the model" if whole else listed(still),
        f"{len(still)} of {len(parts)} parts that differ between training and evaluation are in "
        f"evaluation mode: {listed(still)}",
        float(len(still)),
        "dropout then does nothing, and batch normalization uses and keeps its old statistics",
        "model.train() before training, also after each validation (Trainer.fit does it); parts "
        "that are frozen on purpose stay so only if train() of the model skips them",
    )  # fmt: skip


def chance_in_evaluation(case: Case) -> Iterator[Finding]:
    """Two runs in evaluation mode give the same."""
    if case.seen is None:
        return
    inputs = case.batch[0]
    first = _leaves(case.evaluated(inputs, 0))
    second = _leaves(case.evaluated(inputs, 1))
    if not first or all(_same(a, b) for a, b in zip(first, second, strict=False)):
        return
    with case.alone(), modes_kept(case.model), no_grad(), observed() as observer:
        case.model.eval()
        case.forward(*inputs)
    drops = [step for step in observer.steps if _is_dropout(step)]
    where = drops[0].path or "the model" if drops else "the model"
    yield Finding(
        "warning" if drops else "note", where,
        "the output in evaluation mode differs between two runs"
        + (f": dropout is active ({len(drops)} times)" if drops else ""),
        float(len(drops)),
        "validation and predictions are then worse, and random",
        "F.dropout(x, p, training=self.training), or nn.Dropout" if drops else
        "draw random numbers only `if self.training`, unless sampling is meant (as in a VAE)",
    )  # fmt: skip


def _is_dropout(step: Step) -> bool:
    """A product with a mask of zeros and one other number, which is above 1."""
    if step.name != "multiply" or len(step.inputs) != 2:
        return False
    mask = as_array(step.inputs[1])
    if mask is None or mask.dtype.kind != "f" or not mask.size or isinstance(step.inputs[1], float):
        return False
    top = mask.max()
    return bool(top > 1 and ((mask == 0) | (mask == top)).all() and (mask == 0).any())


def mixed_samples(case: Case) -> Iterator[Finding]:
    """In evaluation mode the output of a sample depends on this sample alone."""
    inputs = case.batch[0] if case.seen is not None else []
    count = length(inputs)
    arrays = [as_array(part) for part in inputs]
    if count < 4 or any(a is None or not a.ndim or len(a) != count for a in arrays):
        return
    outputs = _outputs(case, inputs, count)
    if outputs is None:
        return
    # the first sample and the last one, since a recurrence along the batch goes in one direction;
    # all others become one sample, since a mean does not see an exchange
    for kept in (0, count - 1):
        order = np.full(count, count // 2)
        order[kept] = kept
        changed = [Tensor(a[order]) for a in arrays if a is not None]
        again = _outputs(case, changed, count)
        if again is None:
            return
        gap = max(_gap(a[kept], b[kept]) for a, b in zip(outputs, again, strict=True))
        if gap > _ROUNDING:
            yield Finding(
                "warning" if _is_batch_first(case, outputs[0], count) else "note", "the model",
                f"the output of sample {kept} changes by {gap:.2g} (relative) when other samples "
                "of the batch change, in evaluation mode",
                gap,
                "a prediction then depends on what else is in the batch; most often the batch was "
                "taken for another dimension",
                "batch_first=True in recurrent layers and attention; x.flatten(1), not "
                "x.reshape(C, -1); softmax and means over dim=1 or -1, not 0; batch normalization "
                "with track_running_stats",
            )  # fmt: skip
            return


def _is_batch_first(case: Case, output: Array, count: int) -> bool:
    """Whether the first dimension surely counts samples: there is one target for each.

    An output that has a number for each pair of samples mixes them on purpose.
    """
    if output.shape[1:2] == (count,) and (case.classes == count or not case.uses_target):
        return False
    target = as_array(case.batch[1])
    return target is not None and target.ndim >= 1 and len(target) == count and (
        target.ndim == 1 or bool(case.train.places)
    )  # fmt: skip


def _outputs(case: Case, inputs: list[Any], count: int) -> list[Array] | None:
    """The outputs that have a row for each sample; None if there is none."""
    found = [a for a in _leaves(case.evaluated(inputs)) if a.ndim and len(a) == count]
    return found or None


def _leaves(value: Any) -> list[Array]:
    """All arrays in a nest of outputs."""
    found: list[Array] = []

    def add(leaf: Any) -> Any:
        array = as_array(leaf)
        if array is not None:
            found.append(array)
        return leaf

    nests.map_leaves(add, value)
    return found


def _gap(a: Array, b: Array) -> float:
    """The largest difference, relative to the largest number."""
    if not np.isfinite(a).all() or not np.isfinite(b).all() or not a.size:
        return 0.0
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-12))


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
