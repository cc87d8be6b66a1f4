"""The direction of the loss: it must be smaller where the output is closer to the target."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlframe.autograd import no_grad
from dlframe.tensor import Tensor
from dlframe.training.doctor.case import Case
from dlframe.training.doctor.observing import Observation, finite
from dlframe.training.doctor.report import Finding
from dlframe.training.doctor.rows import Array, as_array

_FEW = 8  # samples, each with a loss of its own: in a mean some could go one way, some the other
_CLOSER = (0.0, 0.1, 0.2, 0.3)  # of the way to the target
_AWAY = (0.0, 1.0, 10.0, 100.0)  # a loss without a lower end falls and falls
_ROUNDING = 1e-5  # of the loss; differences below it say nothing


def loss_direction(case: Case) -> Iterator[Finding]:
    """The loss falls where the output comes closer to the target, and has a lower end.

    A loss whose sign is wrong rewards wrong answers: it falls without end, and the model learns to
    avoid the targets. It is looked at without training: the output of each sample is moved towards
    its target, and that of all away from it.
    """
    seen = case.seen
    if seen is None or not seen.loss.requires_grad or not math.isfinite(seen.value):
        return
    if (seen.is_plain and seen.value >= 0) or not case.uses_target:
        return
    output, target = as_array(case.output), as_array(seen.target)
    if output is None or target is None or not output.ndim or not finite(output):
        return
    is_share = _is_share(seen, output)
    way = _way(output, target, is_share)
    if way is None or not finite(way) or not way.any():
        return
    with case.alone(), no_grad():
        worse = _worse_when_closer(case, output, target, way)
        away = [] if is_share else _losses(case, output, target, -way, _AWAY)
    if not worse:
        return
    endless = bool(away) and away[-1] < 0 and all(b < a for a, b in itertools.pairwise(away))
    if not (endless or is_share or (seen.kind and seen.value < 0)):
        return
    end = f", and falls without end: to {away[-1]:.4g} far away from the targets" if endless else ""
    yield Finding(
        "error" if seen.kind else "warning", "the loss",
        f"it is {seen.value:.4g}, and grows where outputs come closer to their targets, for each "
        f"of the {worse} samples looked at{end}",
        seen.value,
        "the smallest loss belongs to the worst answer: the loss falls, and accuracy with it",
        "look for a minus that is missing or too much: what is to become large, such as a "
        "log-probability, is minimized as its negative; skip=['loss-direction'] if it is meant",
    )  # fmt: skip


def _is_share(seen: Observation, output: Array) -> bool:
    """Whether the outputs are probabilities, which may not be moved out of 0 … 1."""
    made = seen.last_of(seen.output)
    by_name = made is not None and made.name in ("sigmoid", "softmax")
    return by_name and output.min() >= 0 and output.max() <= 1


def _way(output: Array, target: Array, is_share: bool) -> Array | None:
    """The direction from each output to what its target asks for; None where it is not known."""
    kind = target.dtype.kind
    if target.shape == output.shape and kind in "fiub":
        y = target.astype(np.float64)
        if not is_share and bool(((y == 0) | (y == 1)).all()):
            return 2 * y - 1  # of logits
        return np.asarray(y - output)
    labels = output.ndim > 1 and target.shape == output.shape[:1] + output.shape[2:]
    classes = output.shape[1] if output.ndim > 1 else 0
    if not labels or kind not in "iu" or classes < 2 or not target.size:
        return None
    if target.min() < 0 or target.max() >= classes:
        return None
    rows = np.zeros((*target.shape, classes))
    np.put_along_axis(rows, target[..., None].astype(np.int64), 1, axis=-1)
    one_hot = np.moveaxis(rows, -1, 1)
    return np.asarray(one_hot - output if is_share else one_hot - 1 / classes)


def _worse_when_closer(case: Case, output: Array, target: Array, way: Array) -> int:
    """How many samples were looked at, if for none of them the loss falls; 0 if for one it does."""
    size = len(output)
    if len(target) != size:
        return 0
    places = np.unique(np.linspace(0, size - 1, min(_FEW, size)).round().astype(np.int64))
    rising = 0
    for i in places.tolist():
        one = slice(i, i + 1)
        found = _losses(case, output[one], target[one], way[one], _CLOSER)
        if not found:
            return 0
        least = _ROUNDING * max(map(abs, found))
        if any(b < a - least for a, b in itertools.pairwise(found)):
            return 0
        rising += found[-1] > found[0] + least
    return len(places) if 2 * rising >= len(places) else 0


def _losses(
    case: Case, output: Array, target: Array, way: Array, shares: tuple[float, ...]
) -> list[float]:
    """The losses of outputs that are moved so far; empty if one has none that is finite."""
    like: Any = case.seen and case.seen.target
    found = []
    for share in shares:
        moved = (output + share * way).astype(output.dtype)
        try:
            wanted = Tensor(target) if isinstance(like, Tensor) else target
            value = float(case.loss(Tensor(moved), wanted).item())
        except Exception:  # noqa: BLE001 - a loss that wants more than one sample, for instance
            return []
        if not math.isfinite(value):
            return []
        found.append(value)
    return found
