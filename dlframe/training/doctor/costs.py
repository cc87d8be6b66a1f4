"""What training will cost, as measured on the first batches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from dlframe.optim import Optimizer
from dlframe.tensor import Tensor
from dlframe.training.data.batches import length_of
from dlframe.training.doctor import machine
from dlframe.training.doctor.case import Case
from dlframe.training.doctor.report import Finding

# Beside what is counted, the process needs some for temporary results, about as much again.
_TOO_MUCH = 0.5


def time_per_epoch(case: Case) -> Iterator[Finding]:
    """The median time of a step, times the batches of an epoch."""
    if not case.step_seconds or case.seen is None:
        return
    with case.alone():
        optimizer = case.optimizer or case.fresh(1e-3)
        if optimizer is None:
            return
        case.model.train()
        case.step_seconds.clear()
        for number in range(3):
            case.step(optimizer, case.batches[number % len(case.batches)])
    if not case.step_seconds:
        return
    step = statistics.median(case.step_seconds)
    count = length_of(case.loader)
    load = _load_seconds(case)
    text = f"{1000 * step:.3g} ms for a step, {1000 * load:.3g} ms to load a batch"
    if count is not None:
        text = f"{_duration((step + load) * count)} ({count:,} batches; {text})"
    case.estimates["time of an epoch"] = text
    if load > step and count is not None and count > 1:
        yield Finding(
            "note", "training data",
            f"loading a batch takes {1000 * load:.3g} ms, a step {1000 * step:.3g} ms",
            load / step,
            "training waits for the data",
            "num_workers=2 or more loads ahead; __getitems__ loads a batch at once; do once what "
            "a transform does each time",
        )  # fmt: skip


def _load_seconds(case: Case) -> float:
    """The mean time to load a batch, the first one left out: it starts the workers."""
    times = []
    iterator = iter(case.loader)
    for _ in range(4):
        began = time.perf_counter()
        if next(iterator, None) is None:
            break
        times.append(time.perf_counter() - began)
    return statistics.fmean(times[1:] or times or [0.0])


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def memory(case: Case) -> Iterator[Finding]:
    """Parameters, gradients, the optimizer's state, and the activations of a batch."""
    if case.seen is None:
        return
    weights = sum(p.array.nbytes for p in case.model.parameters())
    trained = sum(p.array.nbytes for p in case.model.parameters() if p.requires_grad)
    state = _state_bytes(case.optimizer)
    if state == 0 and case.optimizer is not None:
        # before the first step: Adam and its kin keep two numbers for each parameter
        state = (2 if any("betas" in g for g in case.optimizer.param_groups) else 1) * trained
    activations = case.seen.activation_bytes()
    total = weights + trained + state + activations
    case.estimates["memory"] = (
        f"{machine.size(total)}: weights {machine.size(weights)}, gradients "
        f"{machine.size(trained)}, optimizer {machine.size(state)}, activations of a batch "
        f"{machine.size(activations)}"
    )
    there = machine.memory_available()
    if there is not None and total > _TOO_MUCH * there:
        yield Finding(
            "warning", "memory",
            f"training needs at least {machine.size(total)}, and {machine.size(there)} are free",
            total / there,
            "with temporary results it may need as much again; then the system ends the process",
            "smaller batches, a smaller model, or activation checkpoints (utils.checkpoint)",
        )  # fmt: skip


def _state_bytes(optimizer: Optimizer | None) -> int:
    if optimizer is None:
        return 0
    values = [v for entry in optimizer.state.values() for v in entry.values()]
    return sum(v.array.nbytes for v in values if isinstance(v, Tensor))
