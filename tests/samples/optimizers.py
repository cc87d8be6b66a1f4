"""The optimizers, with the options they are tested with: a row for each. No dlframe is needed.

`tests/golden/make_optim.py` records PyTorch's trajectories for the rows; the tests of `tests/optim`,
of `tests/testing` and of `tests/oracle` go through them too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

Options = dict[str, Any]

FLAGS = [False, True]
DECAY = [0.0, 0.1]


class Optimizer(NamedTuple):
    """What to test of one optimizer.

    Attributes:
        lr: the learning rate of the trajectories.
        grid: each combination of these is a trajectory over 100 steps.
        typical: options with which it is tested in other ways: all of its state in use.
        downhill: options that halve the distance to the minimum of a bowl within 100 steps.
        single: options of further trajectories.
        shapes: of parameters that it takes.
        closure: whether it evaluates the loss itself, and has one group only.
        skips_zeros: whether elements stay where they are if their gradient is zero.
    """

    lr: float
    grid: dict[str, list[Any]]
    typical: Options
    downhill: list[Options]
    single: tuple[Options, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ((3, 4), (4,), (2, 1, 2), ())
    closure: bool = False
    skips_zeros: bool = False

    @property
    def decay(self) -> Options:
        """A weight decay, if it has one."""
        return {"weight_decay": 0.1} if "weight_decay" in self.grid else {}

    def gradient(self, values: Any) -> Any:
        """An array as a gradient: with zeros, if they mean something else than small numbers."""
        return values * (abs(values) > 0.2) if self.skips_zeros else values

    def combinations(self) -> Iterator[Options]:
        """The options of all trajectories but the typical one."""
        for values in itertools.product(*self.grid.values()):
            options = dict(zip(self.grid, values, strict=True))
            if not options.get("nesterov") or (options["momentum"] and not options["dampening"]):
                yield {"lr": self.lr, **options}
        yield from ({"lr": self.lr, **options} for options in self.single)


OPTIMIZERS = {
    "Adadelta": Optimizer(
        lr=1.0,
        grid={"weight_decay": DECAY, "maximize": FLAGS},
        single=({"rho": 0.5, "eps": 1e-3},),
        typical={"eps": 1e-3},
        downhill=[{"eps": 0.01}, {"lr": 2.0, "rho": 0.5, "eps": 1e-3}],
    ),
    "Adagrad": Optimizer(
        lr=0.05,
        grid={
            "lr_decay": [0.0, 0.1],
            "weight_decay": DECAY,
            "initial_accumulator_value": [0.0, 0.5],
            "maximize": FLAGS,
        },
        single=({"eps": 0.1},),
        typical={"lr_decay": 0.01, "initial_accumulator_value": 0.1},
        downhill=[{"lr": 0.5}, {"lr": 0.5, "lr_decay": 0.01}],
    ),
    "SGD": Optimizer(
        lr=0.05,
        grid={
            "momentum": [0.0, 0.9],
            "dampening": [0.0, 0.25],
            "weight_decay": DECAY,
            "nesterov": FLAGS,
            "maximize": FLAGS,
        },
        typical={"momentum": 0.9, "weight_decay": 0.1},
        downhill=[
            {"lr": 0.1},
            {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        ],
    ),
    "Adam": Optimizer(
        lr=0.01,
        grid={"weight_decay": DECAY, "amsgrad": FLAGS, "maximize": FLAGS},
        single=({"betas": [0.25, 0.5], "eps": 1e-3},),
        typical={"amsgrad": True},
        downhill=[{"lr": 0.05}, {"lr": 0.05, "weight_decay": 0.01, "amsgrad": True}],
    ),
    "AdamW": Optimizer(
        lr=0.01,
        grid={"weight_decay": DECAY, "amsgrad": FLAGS, "maximize": FLAGS},
        typical={},
        downhill=[{"lr": 0.05, "amsgrad": True}],
    ),
    "Adamax": Optimizer(
        lr=0.01,
        grid={"weight_decay": DECAY, "maximize": FLAGS},
        single=({"betas": [0.25, 0.5], "eps": 1e-3},),
        typical={},
        downhill=[{"lr": 0.05}, {"lr": 0.05, "weight_decay": 0.01}],
    ),
    "ASGD": Optimizer(
        lr=0.05,
        grid={"weight_decay": DECAY, "t0": [1e6, 10.0], "maximize": FLAGS},
        single=({"lambd": 0.1, "alpha": 0.5, "t0": 3.0},),
        typical={"lambd": 0.1, "t0": 4.0},
        downhill=[{"lr": 0.1}, {"lr": 0.1, "lambd": 0.1}],
    ),
    "NAdam": Optimizer(
        lr=0.01,
        grid={"weight_decay": DECAY, "decoupled_weight_decay": FLAGS, "maximize": FLAGS},
        single=(
            {"betas": [0.25, 0.5], "eps": 1e-3},
            {"momentum_decay": 0.0},
            {"momentum_decay": 0.5},
        ),
        typical={},
        downhill=[{"lr": 0.05}, {"lr": 0.05, "decoupled_weight_decay": True, "weight_decay": 0.01}],
    ),
    "RAdam": Optimizer(
        lr=0.01,
        grid={"weight_decay": DECAY, "decoupled_weight_decay": FLAGS, "maximize": FLAGS},
        single=({"betas": [0.25, 0.5], "eps": 1e-3}, {"betas": [0.9, 0.9]}),
        typical={},
        downhill=[{"lr": 0.1}, {"lr": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.01}],
    ),
    "Rprop": Optimizer(
        lr=0.01,
        grid={"maximize": FLAGS},
        single=({"etas": [0.25, 2.0]}, {"step_sizes": [0.008, 0.015]}),
        typical={},
        # the smallest step is 0, so that a learning rate of 0 makes none
        downhill=[{"step_sizes": [0.0, 50.0]}, {"etas": [0.5, 1.5], "step_sizes": [0.0, 1.0]}],
    ),
    "SparseAdam": Optimizer(
        lr=0.01,
        grid={"maximize": FLAGS},
        single=({"betas": [0.25, 0.5], "eps": 1e-3},),
        typical={},
        downhill=[{"lr": 0.05}],
        skips_zeros=True,
    ),
    "RMSprop": Optimizer(
        lr=0.01,
        grid={
            "momentum": [0.0, 0.9],
            "centered": FLAGS,
            "weight_decay": DECAY,
            "maximize": FLAGS,
        },
        single=({"alpha": 0.5, "centered": True},),
        typical={"momentum": 0.9, "centered": True},
        downhill=[{"lr": 0.02}, {"lr": 0.02, "centered": True, "momentum": 0.5}],
    ),
}

# Those whose rule needs a parameter as a whole, or all of them; their tests: tests/optim/test_whole.py.
WHOLE = {
    "Adafactor": Optimizer(
        lr=0.05,
        grid={"weight_decay": DECAY, "maximize": FLAGS},
        single=(
            {"eps": (0.1, 0.3), "d": 2.0},
            {"eps": (None, 0.0), "beta2_decay": -0.5, "lr": 2.0},
        ),
        typical={"weight_decay": 0.1, "d": 1.5},
        downhill=[{"lr": 0.2}, {"lr": 0.2, "beta2_decay": -0.5, "weight_decay": 0.01}],
    ),
    "LBFGS": Optimizer(
        lr=1.0,
        grid={"max_iter": [1, 4], "history_size": [2, 10]},
        single=(
            {"line_search_fn": "strong_wolfe"},
            {"line_search_fn": "strong_wolfe", "max_iter": 3, "history_size": 2},
            {"line_search_fn": "strong_wolfe", "max_eval": 1, "lr": 0.5},
            {"line_search_fn": "strong_wolfe", "max_iter": 3, "lr": 10.0},
            {"tolerance_grad": 0.1, "tolerance_change": 1e-4},
        ),
        typical={"line_search_fn": "strong_wolfe", "max_iter": 3},
        downhill=[{"max_iter": 2}, {"max_iter": 2, "line_search_fn": "strong_wolfe"}],
        closure=True,
    ),
    "Muon": Optimizer(
        lr=0.02,
        grid={"weight_decay": DECAY, "momentum": [0.0, 0.9]},
        single=(
            {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"},
            {"ns_coefficients": (2.0, -1.5, 0.5), "ns_steps": 2, "eps": 0.1},
        ),
        typical={"adjust_lr_fn": "match_rms_adamw"},
        downhill=[{"lr": 0.2, "weight_decay": 0.0}],
        shapes=((3, 4), (4, 3), (2, 5), (4, 4)),
    ),
}

# In float16, where the smallest numbers are large.
HALF: list[tuple[str, Options]] = [
    ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "eps": 1e-4}),
]


def valley(x: Any) -> Any:
    """A convex function of a vector, which may be a tensor or an array; steep where x changes."""
    return ((1 - x) ** 2).sum() + 10 * ((x[1:] - x[:-1]) ** 2).sum() + (x**4).sum()
