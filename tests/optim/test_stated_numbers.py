"""The numbers that the reference of `optim` states about single optimizers and schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.optim import lr_scheduler as lrs
from dlframe.optim.nadam import momentum
from dlframe.optim.radam import rectification


def steps(
    make: Callable[[Any], Any], gradients: list[float], start: float = 0.0, shape: Any = (1,)
) -> np.ndarray:
    """How far one weight moves against each gradient."""
    weight = nn.Parameter(dl.full(shape, start, dtype=dl.float64))
    optimizer = make([weight])
    places = [start]
    for gradient in gradients:
        weight.grad = dl.full(shape, gradient, dtype=dl.float64)
        optimizer.step()
        places.append(weight.flatten()[0].item())
    return -np.diff(places)


def touched() -> np.ndarray:
    """The steps of SparseAdam for a gradient of 1 in every hundredth step."""
    rare = [float(step % 100 == 99) for step in range(2000)]
    return steps(lambda p: optim.SparseAdam(p, lr=1.0), rare)[99::100]


def outlier() -> np.ndarray:
    """The steps of Adamax for gradients of 1 and one of 10."""
    gradients = [10.0 if step == 200 else 1.0 for step in range(2400)]
    return steps(lambda p: optim.Adamax(p, lr=1.0), gradients)


def rate(make: Callable[[Any], Any], step: int) -> float:
    """The learning rate after some steps, 1 at first."""
    schedule = make(optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0))
    return float(schedule.course(step + 1)[step][0])


ONES = [1.0] * 1000
STATED: dict[str, tuple[Callable[[], float], float, float]] = {
    # what is said: how it is computed, the number, and by how much it was rounded
    "momentum 0.9 makes steps ten times as long": (
        lambda: steps(lambda p: optim.SGD(p, lr=1.0, momentum=0.9), ONES)[-1], 10, 0.01,
    ),
    "AdamW's defaults take off 1 % in 1000 steps": (
        lambda: steps(optim.AdamW, [0.0] * 1000, start=1.0).sum(), 0.01, 0.001,
    ),
    "NAdam's momentum in the first step": (lambda: momentum(0.9, 0.004, 1), 0.45, 0.005),
    "NAdam's momentum after 1000 steps": (lambda: momentum(0.9, 0.004, 1000), 0.52, 0.005),
    "NAdam's momentum after 10000 steps": (lambda: momentum(0.9, 0.004, 10_000), 0.81, 0.005),
    "RAdam's r in step 100": (lambda: rectification(0.999, 100), 0.2, 0.05),
    "RAdam's r in step 1000": (lambda: rectification(0.999, 1000), 0.65, 0.005),
    "RAdam's r in step 3000": (lambda: rectification(0.999, 3000), 0.92, 0.005),
    "SparseAdam's first rare step": (lambda: touched()[0], 1, 0.05),
    "SparseAdam's tenth rare step": (lambda: touched()[9], 5, 0.5),
    "Adamax has not recovered after 2000 steps": (lambda: outlier()[2200], 0.74, 0.05),
    "RMSprop's first step": (
        lambda: steps(lambda p: optim.RMSprop(p, lr=1.0), [3.0])[0], 10, 0.01,
    ),
    "Adagrad's hundredth step": (
        lambda: steps(lambda p: optim.Adagrad(p, lr=1.0), ONES[:100])[99], 0.1, 0.001,
    ),
    "Adadelta's first step": (lambda: steps(optim.Adadelta, ONES[:100])[0], 0.003, 0.0005),
    "Adadelta's hundredth step": (lambda: steps(optim.Adadelta, ONES[:100])[99], 0.0047, 0.00005),
    "Adadelta's thousandth step": (lambda: steps(optim.Adadelta, ONES)[999], 0.011, 0.0005),
    "Adafactor from 0, in 100 steps": (
        lambda: -steps(optim.Adafactor, [-1.0] * 100, 0.0, (4, 4)).sum(), 0.001, 0.0001,
    ),
    "Adafactor from 1, in 100 steps": (
        lambda: -steps(optim.Adafactor, [-1.0] * 100, 1.0, (4, 4)).sum(), 1.7, 0.05,
    ),
    "ExponentialLR(0.95) falls to a half in 14 steps": (
        lambda: rate(lambda o: lrs.ExponentialLR(o, 0.95), 14), 0.5, 0.02,
    ),
    "0.955 for a hundredth after 100 steps": (
        lambda: rate(lambda o: lrs.ExponentialLR(o, 0.955), 100), 0.01, 0.0005,
    ),
    "CosineAnnealingLR rises again": (
        lambda: rate(lambda o: lrs.CosineAnnealingLR(o, 50), 100), 1, 1e-6,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", STATED)
def test_stated_numbers_hold(what: str) -> None:
    compute, stated, rounded = STATED[what]
    assert compute() == pytest.approx(stated, abs=rounded)


def test_centered_rmsprop_grows_for_a_constant_gradient() -> None:
    grown = steps(lambda p: optim.RMSprop(p, lr=1.0, alpha=0.9, centered=True), ONES[:100])
    assert grown[-1] > 100


def test_adam_with_a_short_memory_follows_the_small_gradients() -> None:
    gradients = [3.0, -1.0, -1.0] * 100
    short = {"lr": 0.01, "betas": (0.0, 0.1)}
    assert steps(lambda p: optim.Adam(p, **short), gradients).sum() < 0  # it rises
    assert steps(lambda p: optim.Adam(p, amsgrad=True, **short), gradients).sum() > 0
    assert steps(lambda p: optim.Adam(p, lr=0.01), gradients).sum() > 0
