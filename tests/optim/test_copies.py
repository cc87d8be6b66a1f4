"""A copy of an optimizer, with model and schedule, trains as the original does, to the bit."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples.optimizers import OPTIMIZERS, WHOLE
from samples.schedules import METRICS, SCHEDULES, everything

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ScheduleWarning

WAYS: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
}
LAMBDAS = {"LambdaLR": {0, 1}, "MultiplicativeLR": {0, 1}, "CyclicLR": {3}}  # pickle refuses them


class Net(nn.Module):
    """A small network all of whose parameters are matrices, one of them idle in most passes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4, bias=False)
        self.last = nn.Linear(4, 2, bias=False)
        self.idle = nn.Parameter(dl.ones(2, 2))

    def forward(self, x: dl.Tensor, t: int) -> dl.Tensor:
        y = self.last(self.first(x).tanh())
        return y @ self.idle if t % 3 == 2 else y


class Run:
    """A model, its optimizer and a schedule, and the training of them."""

    def __init__(self, make: Callable[[Any], Any], schedule: Callable[[Any], Any]) -> None:
        dl.manual_seed(0)
        self.model = Net()
        first, last, idle = self.model.parameters()
        groups = [{"params": [first, idle]}, {"params": [last], "lr": 0.02}]
        self.optimizer = make(groups)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ScheduleWarning)  # PyTorch's, of nested sequences
            self.schedule = schedule(self.optimizer)
        self.t = 0

    def closure(self) -> Any:
        self.optimizer.zero_grad()
        x = dl.from_numpy(np.random.default_rng(self.t).normal(size=(5, 3)).astype(np.float32))
        loss = (self.model(x, self.t) - 1).square().mean()
        loss.backward()
        return loss

    def train(self, steps: int) -> None:
        plateau = isinstance(self.schedule, optim.lr_scheduler.ReduceLROnPlateau)
        for _ in range(steps):
            self.t += 1
            self.optimizer.step(self.closure)
            self.schedule.step(*([METRICS[self.t]] if plateau else []))

    def values(self) -> list[Any]:
        """All that training has changed."""
        return [
            [p.tolist() for p in self.model.parameters()],
            [group["lr"] for group in self.optimizer.param_groups],
            self.schedule.get_last_lr(),
        ]


def of(kind: Any, **options: Any) -> Callable[[Any], Any]:
    return lambda groups: kind(groups, **options)


def one_group(kind: Any, **options: Any) -> Callable[[Any], Any]:
    return lambda groups: kind([p for group in groups for p in group["params"]], **options)


def regularized(groups: Any) -> Any:
    optimizer = optim.SGD(groups, lr=0.1, momentum=0.9)
    optim.GradientNoise(0.1, generator=dl.Generator().manual_seed(3)).attach(optimizer)
    optim.ClipGradNorm(0.5).attach(optimizer)
    return optimizer


MAKERS: dict[str, Callable[[Any], Any]] = {
    **{
        name: (one_group if row.closure else of)(
            getattr(optim, name), **{"lr": row.lr, **row.typical}
        )
        for name, row in {**OPTIMIZERS, **WHOLE}.items()
    },
    "a rate that is a tensor": lambda groups: optim.Adam(groups, lr=dl.tensor(0.05)),
    "SAM": lambda groups: optim.SAM(optim.SGD(groups, lr=0.1, momentum=0.9)),
    "SAM of Adam, adaptive": lambda groups: optim.SAM(optim.Adam(groups), adaptive=True),
    "regularizers": regularized,
}
SCHEDULERS = everything(optim)


def halving(optimizer: Any) -> Any:
    return optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)


CASES = [
    *((name, make, halving, way) for name, make in MAKERS.items() for way in WAYS),
    *(
        (f"{name}-{i}", MAKERS["SGD"], lambda o, make=make: make(SCHEDULERS, o), way)
        for name, rows in SCHEDULES.items()
        for i, make in enumerate(rows)
        for way in WAYS
        if way == "deepcopy" or i not in LAMBDAS.get(name, ())
    ),
]
ALL = pytest.mark.parametrize(
    "make, schedule, way", [case[1:] for case in CASES], ids=[f"{c[0]}-{c[3]}" for c in CASES]
)


@ALL
def test_a_copy_of_all_three_trains_as_the_original(
    make: Callable[[Any], Any], schedule: Callable[[Any], Any], way: str
) -> None:
    run = Run(make, schedule)
    run.train(4)
    twin = WAYS[way](run)
    params = [p for group in twin.optimizer.param_groups for p in group["params"]]
    assert {id(p) for p in params} == {id(p) for p in twin.model.parameters()}
    assert not {id(p) for p in params} & {id(p) for p in run.model.parameters()}
    assert {id(p) for p in twin.optimizer.state} <= {id(p) for p in params}
    assert twin.schedule.optimizer is twin.optimizer
    before = run.values()
    twin.train(5)  # alone, so that what both share would show
    assert run.values() == before
    run.train(5)
    assert twin.values() == run.values()
    if not isinstance(run.schedule, optim.lr_scheduler.ReduceLROnPlateau):
        assert twin.values() != before


@pytest.mark.parametrize("name", MAKERS)
def test_a_copied_schedule_notices_wrong_order_in_its_own_loop(name: str) -> None:
    twin = copy.deepcopy(Run(MAKERS[name], halving))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ScheduleWarning)
        twin.train(3)
    with pytest.warns(ScheduleWarning, match="stepped twice"):
        twin.schedule.step()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_an_optimizer_alone_has_its_own_parameters(name: str, way: str) -> None:
    run = Run(MAKERS[name], halving)
    run.train(4)
    optimizer = WAYS[way](run.optimizer)
    pairs = [
        (p, q)
        for ours, theirs in zip(run.optimizer.param_groups, optimizer.param_groups, strict=True)
        for p, q in zip(ours["params"], theirs["params"], strict=True)
    ]
    for _ in range(3):
        run.closure()
        for p, q in pairs:
            q.grad = None if p.grad is None else p.grad.clone()
        run.optimizer.step()
        optimizer.step()
        assert all(p is not q and p.tolist() == q.tolist() for p, q in pairs)


@pytest.mark.parametrize("name", MAKERS)
def test_a_shallow_copy_shares_parameters_and_state(name: str) -> None:
    """As in PyTorch: steps of both are steps of one optimizer."""
    run, reference = Run(MAKERS[name], halving), Run(MAKERS[name], halving)
    run.train(1)
    reference.train(1)
    other = copy.copy(run.optimizer)
    for t in range(6):
        run.t = reference.t = t
        (run.optimizer, other)[t % 2].step(run.closure)
        reference.optimizer.step(reference.closure)
    assert run.values()[0] == reference.values()[0]
