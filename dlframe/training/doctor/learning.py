"""Experiments: learn one small batch by heart, and take a few steps with the user's optimizer."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlframe.autograd import no_grad
from dlframe.nn import Module
from dlframe.tensor import Tensor
from dlframe.training.doctor.case import Batch, Case, parts_of, some
from dlframe.training.doctor.report import Finding
from dlframe.training.doctor.rows import Array, as_array
from dlframe.training.rate_range import lr_range_test

_FEW = 8  # samples to learn by heart: more of them only take longer
_RATES = (1e-3, 1e-2, 0.1)  # of Adam: its default, and what networks of a few units need
_STEPS = 200
# A model that does not look at its inputs cannot get below the best constant; this much below it
# it has surely looked.
_LEARNED = 0.9

_TRIAL = 20  # steps with the user's optimizer
_LAST = 5  # of them, whose mean loss counts: one batch differs from the next
_WORSE = 2.0  # twice the loss at the start, and worse than chance, is no difference of batches

# The finder's suggestions for the same model lie within a factor of ten of each other; a rate of a
# thousandth needs a thousand times the steps.
_SLOW = 1000.0
_FINDER_STEPS = 60


def overfits_one_batch(case: Case) -> Iterator[Finding]:
    """The loss of a few samples can be made small (Karpathy, "A recipe for training …", 2019)."""
    if case.start is None or case.seen is None:
        return
    batch = some(case.batch, _FEW)
    constant = best_constant(case, batch)
    best, first, steps = math.inf, math.inf, 0
    for lr in _RATES:
        if case.is_out_of_time:
            raise LeftOutError(f"the {case.seconds:g} seconds were over before it could end")
        losses = _memorize(case, batch, lr, lambda first, now: _is_learned(first, now, constant))
        best, first, steps = min(best, *losses), losses[0], max(steps, len(losses))
        if _is_learned(first, best, constant):
            return
    size = len(as_array(batch[1])) if _rows(batch[1]) else 1  # type: ignore[arg-type] # it has rows
    against = f"; the best constant answer has {constant:.4g}" if constant is not None else ""
    yield Finding(
        "warning", "one batch",
        f"after {steps} steps on the same {size} samples, with Adam at {_RATES[0]:g}, "
        f"{_RATES[1]:g} and {_RATES[2]:g}, the loss has gone from {first:.4g} to {best:.4g}"
        f"{against}",
        best,
        "a network that cannot learn a handful of samples by heart will not learn many: perhaps it "
        "does not see its inputs, the targets belong to other inputs, or gradients do not arrive",
        "follow one sample by hand: loss.explain() shows every number on its way",
    )  # fmt: skip


class LeftOutError(Exception):
    """A check that was not made, and why."""


def _rows(value: Any) -> bool:
    array = as_array(value)
    return array is not None and array.ndim > 0


def _is_learned(first: float, now: float, constant: float | None) -> bool:
    if constant is not None:
        return now <= _LEARNED * constant
    return now < first - 0.05 * abs(first)  # what a loss of an unknown kind can reach is not known


def _memorize(
    case: Case, batch: Batch, lr: float, done: Callable[[float, float], bool]
) -> list[float]:
    with case.alone():
        case.model.train()
        for _, part in parts_of(case.model, "_DropoutNd", "Dropout", "AlphaDropout"):
            part.eval()  # its noise is not to be learned
        optimizer = case.fresh(lr)
        assert optimizer is not None
        losses: list[float] = []
        for _ in range(_STEPS):
            losses.append(case.step(optimizer, batch))
            if not math.isfinite(losses[-1]) or done(losses[0], losses[-1]):
                break
            if len(losses) % 10 == 0 and case.is_out_of_time:
                break
    return [loss if math.isfinite(loss) else math.inf for loss in losses]


def best_constant(case: Case, batch: Batch) -> float | None:
    """The loss of the best answer that is the same for all samples of a batch; None if unknown."""
    seen = case.seen
    target = as_array(batch[1])
    output = as_array(case.output)
    if seen is None or target is None or output is None or not seen.is_plain or not output.ndim:
        return None
    answer: Array | None = None
    count = len(target)
    shape = (count, *output.shape[1:])
    if seen.kind in ("cross_entropy", "nll_loss") and target.dtype.kind in "iu":
        classes = seen.classes or 1
        axis = _class_axis(output, target, classes)
        if axis is None:
            return None
        used = target[(target >= 0) & (target < classes)]
        shares = np.bincount(used.ravel(), minlength=classes) / max(1, used.size)
        places = [-1 if i == axis else 1 for i in range(output.ndim)]
        answer = np.log(np.maximum(shares, 1e-12)).reshape(places)
    elif target.shape != shape:
        return None
    elif seen.kind == "binary_cross_entropy":
        answer = np.clip(target.mean(axis=0, keepdims=True), 1e-6, 1 - 1e-6)
    elif seen.kind == "binary_cross_entropy_with_logits":
        p = np.clip(target.mean(axis=0, keepdims=True, dtype=np.float64), 1e-6, 1 - 1e-6)
        answer = np.log(p / (1 - p))
    elif seen.kind in ("mse_loss", "huber_loss"):
        answer = target.mean(axis=0, keepdims=True)
    elif seen.kind == "l1_loss":
        answer = np.median(target, axis=0, keepdims=True)
    if answer is None:
        return None
    value = float(
        case.loss(Tensor(np.broadcast_to(answer, shape).astype(output.dtype)), batch[1]).item()
    )
    # samples that all have one target are learned by a constant: nothing can be compared with it
    return value if math.isfinite(value) and value > 1e-3 else None


def _class_axis(output: Array, target: Array, classes: int) -> int | None:
    """Which dimension of the output has the classes, for a loss that may rearrange it."""
    places = [i for i in range(1, output.ndim) if output.shape[i] == classes]
    if output.shape[-1:] == (classes,) and output.ndim != target.ndim + 1:
        return output.ndim - 1
    return places[0] if len(places) == 1 else (1 if 1 in places else None)


def learning_rate(case: Case) -> Iterator[Finding]:
    """A few steps with the given optimizer and rate; and what the range test suggests."""
    optimizer = case.optimizer
    if optimizer is None or case.seen is None or not case.seen.loss.requires_grad:
        return
    rates = [float(group["lr"]) for group in optimizer.param_groups if "lr" in group]
    if not rates or rates[0] == 0:
        return
    if case.is_out_of_time:
        raise LeftOutError(f"the {case.seconds:g} seconds were over before it could begin")
    losses = _trial(case)
    suggestion = _suggestion(case)
    first, last = losses[0], statistics.fmean(losses[-_LAST:])
    hint = "" if suggestion is None else f"; the range test suggests {suggestion:.1e}"
    worst = max(_WORSE * first, case.chance or 0.0) if first > 0 else math.inf
    if not math.isfinite(last) or last > worst:
        yield Finding(
            "warning", type(optimizer).__name__,
            f"with lr {rates[0]:g} the loss goes from {first:.4g} to {last:.4g} in "
            f"{len(losses)} steps{hint}",
            rates[0],
            "the steps are too large: each one overshoots",
            f"lr={suggestion:.1e}" if suggestion is not None else "a tenth of the rate",
        )  # fmt: skip
        return
    if suggestion is None:
        return
    # against the same batches without a step: the first batch may be a hard one
    begin = _untrained(case, losses)
    falls = begin - last > 0.01 * abs(begin)
    warms_up = any(
        "initial_lr" in g and float(g["initial_lr"]) != float(g["lr"])
        for g in optimizer.param_groups
    )
    if rates[0] * _SLOW < suggestion and not falls and not warms_up:
        yield Finding(
            "warning", type(optimizer).__name__,
            f"with lr {rates[0]:g} the loss goes from {begin:.4g} to {last:.4g} in "
            f"{len(losses)} steps{hint}, {suggestion / rates[0]:,.0f} times as much",
            rates[0],
            "the steps are so small that training takes a thousand times as long, or seems to "
            "stand still",
            f"lr={suggestion:.1e}",
        )  # fmt: skip
    else:
        case.estimates["learning rate"] = f"{rates[0]:g}{hint.replace(';', ',', 1)}"


def _trial(case: Case) -> list[float]:
    """The losses of a few steps with the optimizer as it is."""
    assert case.optimizer is not None
    with case.alone():
        case.model.train()
        losses: list[float] = []
        for number in range(_TRIAL):
            losses.append(case.step(case.optimizer, case.batches[number % len(case.batches)]))
            if not math.isfinite(losses[-1]) or (number >= _LAST and case.is_out_of_time):
                break
    return losses


def _untrained(case: Case, losses: list[float]) -> float:
    """The mean loss of the last batches of a trial, for the weights before it."""
    count = len(case.batches)
    with case.alone():
        case.model.train()
        with no_grad():
            return statistics.fmean(
                float(case.loss(case.forward(*inputs), target).item())
                for inputs, target in (
                    case.batches[number % count] for number in range(len(losses))[-_LAST:]
                )
            )


class _Called(Module):
    """The model, called as the training calls it."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.model = case.model
        self.call = case.forward

    def forward(self, *inputs: Any) -> Any:
        return self.call(*inputs)


def _suggestion(case: Case) -> float | None:
    """The rate that the range test suggests; None where it suggests none, or takes too long."""
    assert case.optimizer is not None
    one = statistics.median(case.step_seconds) if case.step_seconds else 0.0
    if one * _FINDER_STEPS > 0.5 * case.seconds:
        return None
    with case.alone():
        loader = [(*inputs, target) for inputs, target in case.batches]
        found = lr_range_test(
            _Called(case), case.loss, loader, case.optimizer, steps=_FINDER_STEPS, start=1e-6
        )
    return found.suggestion
