"""The schedules, with the arguments they are tested with. Neither dlframe nor torch is needed.

A row makes a schedule of an optimizer with two groups, from a namespace that has all of them:
`everything(dlframe.optim)` or `everything(torch.optim)`. `tests/golden/make_schedules.py` records
PyTorch's rates and momenta for the rows; `tests/optim`, `tests/oracle`, `tests/training` and
`tests/test_states.py` go through them too.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

Make = Callable[[Any, Any], Any]

STEPS = 30
METRICS = [0.51, 0.95, 0.14, 0.95, 0.31, 0.42, 0.83, 0.41, 0.55, 0.03, 0.75, 0.54, 0.33, 0.79, 0.3,
           0.45, 0.13, 0.4, 0.2, 0.26, 0.17, 0.32, 0.25, 0.68, 0.3, 0.55, 0.7, 0.02, 0.3, 0.29]  # fmt: skip
"""What `ReduceLROnPlateau` is stepped with."""


def everything(optim: Any) -> SimpleNamespace:
    """All schedules of `dlframe.optim` or `torch.optim` under their names."""
    schedules = {name: getattr(optim.lr_scheduler, name) for name in optim.lr_scheduler.__all__}
    return SimpleNamespace(**schedules, SWALR=optim.swa_utils.SWALR)


class Inverse:
    """A callable object, whose attributes are in the state."""

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, step: float) -> float:
        return 1 / (1 + self.strength * step)


def _of(name: str, *arguments: Any, **options: Any) -> Make:
    return lambda m, optimizer: getattr(m, name)(optimizer, *arguments, **options)


def _nested(m: Any, o: Any) -> Any:
    inner = m.SequentialLR(o, [m.ConstantLR(o), m.ExponentialLR(o, 0.5)], [2])
    return m.SequentialLR(o, [inner, m.StepLR(o, 2), m.LinearLR(o)], [4, 9])


SCHEDULES: dict[str, list[Make]] = {
    "LambdaLR": [
        _of("LambdaLR", lambda t: 1 / (1 + t)),
        lambda m, o: m.LambdaLR(o, [Inverse(0.5), lambda t: 0.9**t]),
    ],
    "MultiplicativeLR": [
        _of("MultiplicativeLR", lambda t: 0.9),
        lambda m, o: m.MultiplicativeLR(o, [Inverse(0.1), lambda t: 1 - 1 / (t + 1)]),
    ],
    "StepLR": [_of("StepLR", 4), _of("StepLR", step_size=3, gamma=0.7)],
    "MultiStepLR": [_of("MultiStepLR", [3, 7, 7, 20], gamma=0.5)],
    "ConstantLR": [_of("ConstantLR"), _of("ConstantLR", factor=0.25, total_iters=9)],
    "LinearLR": [
        _of("LinearLR"),
        _of("LinearLR", start_factor=0.1, end_factor=0.5, total_iters=12),
        _of("LinearLR", start_factor=1.0, end_factor=0.0, total_iters=7),
    ],
    "ExponentialLR": [_of("ExponentialLR", gamma=0.9)],
    "PolynomialLR": [
        _of("PolynomialLR"),
        _of("PolynomialLR", total_iters=20, power=2.0),
        _of("PolynomialLR", total_iters=40, power=0.9),
    ],
    "CosineAnnealingLR": [
        _of("CosineAnnealingLR", T_max=10),
        _of("CosineAnnealingLR", T_max=7, eta_min=0.05),
    ],
    "CosineAnnealingWarmRestarts": [
        _of("CosineAnnealingWarmRestarts", T_0=7),
        _of("CosineAnnealingWarmRestarts", T_0=3, T_mult=2, eta_min=0.01),
    ],
    "CyclicLR": [
        _of("CyclicLR", 0.1, 0.5, step_size_up=4),
        _of("CyclicLR", [0.1, 0.2], [0.5, 0.4], 3, 5, mode="triangular2"),
        _of("CyclicLR", 0.1, 0.5, 4, mode="exp_range", gamma=0.95, base_momentum=[0.5, 0.6]),
        _of("CyclicLR", 0.1, 0.5, 4, cycle_momentum=False, scale_fn=lambda k: 1 / k),
        lambda m, o: m.CyclicLR(o, 0.1, 1.0, 4, scale_fn=Inverse(0.1), scale_mode="iterations"),
    ],
    "OneCycleLR": [
        _of("OneCycleLR", 0.5, total_steps=30),
        _of("OneCycleLR", [0.5, 0.7], epochs=5, steps_per_epoch=8, anneal_strategy="linear"),
        _of("OneCycleLR", 0.5, 35, pct_start=0.4, three_phase=True, max_momentum=[0.9, 0.8]),
        _of("OneCycleLR", 0.5, 31, cycle_momentum=False, div_factor=5, final_div_factor=10.0),
        _of("OneCycleLR", 0.5, 31, pct_start=1.0),  # phases without steps
        _of("OneCycleLR", 0.5, 31, pct_start=0.0, three_phase=True),
    ],
    "SequentialLR": [
        lambda m, o: m.SequentialLR(
            o, [m.LinearLR(o, 0.1), m.CosineAnnealingLR(o, 8, eta_min=0.01)], [5]
        ),
        lambda m, o: m.SequentialLR(
            o, [m.ConstantLR(o), m.ExponentialLR(o, 0.5), m.CosineAnnealingLR(o, 8)], [4, 9]
        ),
        _nested,
    ],
    "ChainedScheduler": [
        lambda m, o: m.ChainedScheduler([m.LinearLR(o, 0.1), m.ExponentialLR(o, 0.9)]),
        lambda m, o: m.ChainedScheduler([m.StepLR(o, 4), m.CosineAnnealingLR(o, 8)], o),
    ],
    "ReduceLROnPlateau": [
        _of("ReduceLROnPlateau", patience=2),
        _of("ReduceLROnPlateau", "max", 0.5, 1, threshold=0.1, cooldown=2),
        _of("ReduceLROnPlateau", threshold_mode="abs", patience=0, min_lr=[0.01, 0.3]),
        _of("ReduceLROnPlateau", "max", threshold_mode="abs", threshold=0.5, patience=3),
    ],
    "SWALR": [
        _of("SWALR", 0.05, anneal_epochs=6),
        _of("SWALR", [0.05, 0.1], 8, anneal_strategy="linear"),
        _of("SWALR", 0.05, anneal_epochs=0),
    ],
}

ANY_OPTIMIZERS = {
    **{name: rows[0] for name, rows in SCHEDULES.items()},
    "CyclicLR": SCHEDULES["CyclicLR"][3],
    "OneCycleLR": SCHEDULES["OneCycleLR"][3],
    "SequentialLR": SCHEDULES["SequentialLR"][2],
}
"""A row of each that needs neither momentum nor two groups."""

JUMPS: dict[str, Callable[[int], float]] = {
    **dict.fromkeys(
        (
            "StepLR",
            "MultiStepLR",
            "ConstantLR",
            "LinearLR",
            "ExponentialLR",
            "PolynomialLR",
            "CosineAnnealingLR",
            "LambdaLR",
        ),
        lambda t: 2 * t,
    ),
    "CosineAnnealingWarmRestarts": lambda t: 0.75 * t,
}
"""The schedules whose `step` takes an epoch, and what it is given at the t-th step."""

CASES = [
    (f"{name}-{i}-{optimizer}-{kind}", name, make, optimizer, kind)
    for name, rows in SCHEDULES.items()
    for i, make in enumerate(rows)
    for optimizer in (("SGD", "Adam") if name in ("CyclicLR", "OneCycleLR") else ("SGD",))
    for kind in (("step", "epoch") if name in JUMPS else ("step",))
]
"""Name of the case, schedule, row, optimizer, and whether `step` is given an epoch."""


def step(name: str, schedule: Any, t: int, kind: str) -> None:
    """The t-th step, from 1."""
    if name == "ReduceLROnPlateau":
        schedule.step(METRICS[t - 1])
    elif kind == "epoch":
        schedule.step(JUMPS[name](t))
    else:
        schedule.step()


def momenta(optimizer: Any) -> list[float]:
    """The momentum of each group."""
    return [group["betas"][0] if "betas" in group else group["momentum"]
            for group in optimizer.param_groups]  # fmt: skip
