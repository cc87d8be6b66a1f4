"""Schedules and averages beside PyTorch's: states both ways, tensors as rates, random arguments."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.schedules import CASES, STEPS, everything, momenta, step

import dlframe as dl
from dlframe import nn, optim

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's, of jumps
OURS, THEIRS = everything(optim), everything(torch.optim)


def pair(kind: str, lr: Any = 0.3, their_lr: Any = 0.3) -> tuple[Any, Any]:
    options = {"momentum": 0.9} if kind == "SGD" else {}
    ours = [nn.Parameter(dl.zeros(1)) for _ in range(2)]
    theirs = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    return (
        getattr(optim, kind)([{"params": [p]} for p in ours], lr=lr, **options),
        getattr(torch.optim, kind)([{"params": [p]} for p in theirs], lr=their_lr, **options),
    )


def same(a: Any, b: Any, ours: Any, theirs: Any) -> None:
    rates = [float(x) for x in ours.get_last_lr()], [float(x) for x in theirs.get_last_lr()]
    np.testing.assert_allclose(*rates, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(momenta(a), momenta(b), rtol=1e-12)


@pytest.mark.parametrize("case, name, make, kind, how", CASES, ids=[case for case, *_ in CASES])
def test_states_travel_both_ways(case: str, name: str, make: Any, kind: str, how: str) -> None:
    (a, b), (ours, theirs) = pair(kind), (None, None)
    ours, theirs = make(OURS, a), make(THEIRS, b)
    for t in range(1, 11):
        a.step()
        b.step()
        step(name, ours, t, how)
        step(name, theirs, t, how)
        same(a, b, ours, theirs)
    mine, other = ours.state_dict(), theirs.state_dict()
    assert set(mine) == set(other)
    (c, d) = pair(kind)
    c_schedule, d_schedule = make(OURS, c), make(THEIRS, d)
    c.load_state_dict(b.state_dict())
    c_schedule.load_state_dict(copy.deepcopy(other))
    d.load_state_dict(a.state_dict())
    d_schedule.load_state_dict(copy.deepcopy(mine))
    for t in range(11, STEPS + 1):
        for optimizer in (a, b, c, d):
            optimizer.step()
        for schedule in (ours, theirs, c_schedule, d_schedule):
            step(name, schedule, t, how)
        same(a, b, ours, theirs)
        same(c, b, c_schedule, theirs)
        same(a, d, ours, d_schedule)


@pytest.mark.parametrize("case, name, make, kind, how", CASES, ids=[case for case, *_ in CASES])
def test_rates_that_are_tensors(case: str, name: str, make: Any, kind: str, how: str) -> None:
    wide = dl.tensor(0.3, dtype=dl.float64), torch.tensor(0.3, dtype=torch.float64)
    a, b = pair(kind, *wide)
    ours, theirs = make(OURS, a), make(THEIRS, b)
    for t in range(1, 15):
        a.step()
        b.step()
        step(name, ours, t, how)
        step(name, theirs, t, how)
        same(a, b, ours, theirs)


SHARES = st.floats(0.01, 1.0)


def of(name: str, **options: Any) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(name), st.fixed_dictionaries(options))


ARGUMENTS = st.one_of(
    of("StepLR", step_size=st.integers(1, 9), gamma=SHARES),
    of("PolynomialLR", total_iters=st.integers(1, 40), power=st.floats(0.1, 4)),
    of("LinearLR", start_factor=SHARES, end_factor=SHARES, total_iters=st.integers(1, 30)),
    of("CosineAnnealingLR", T_max=st.integers(1, 30), eta_min=st.floats(0, 0.2)),
    of("CosineAnnealingWarmRestarts", T_0=st.integers(1, 9), T_mult=st.integers(1, 3)),
    of(
        "CyclicLR",
        base_lr=SHARES,
        max_lr=SHARES,
        step_size_up=st.integers(1, 9),
        step_size_down=st.none() | st.integers(1, 9),
        gamma=SHARES,
        mode=st.sampled_from(["triangular", "triangular2", "exp_range"]),
    ),
    of(
        "OneCycleLR",
        max_lr=SHARES,
        total_steps=st.integers(26, 60),
        pct_start=st.floats(0.1, 0.4),
        anneal_strategy=st.sampled_from(["cos", "linear"]),
        three_phase=st.booleans(),
        div_factor=st.floats(1, 50),
    ),
    of("SWALR", swa_lr=SHARES, anneal_epochs=st.integers(0, 30)),
)


@settings(max_examples=150, deadline=None)
@given(ARGUMENTS, st.sampled_from(["SGD", "Adam"]))
def test_any_arguments(arguments: tuple[str, dict[str, Any]], kind: str) -> None:
    name, options = arguments
    a, b = pair(kind)
    ours, theirs = getattr(OURS, name)(a, **options), getattr(THEIRS, name)(b, **options)
    for _ in range(25):
        same(a, b, ours, theirs)
        a.step()
        b.step()
        ours.step()
        theirs.step()


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("function", [None, "swa", "ema", "multi_swa", "multi_ema"])
def test_averages(function: str | None, use_buffers: bool, rng: np.random.Generator) -> None:
    if function == "multi_swa" and use_buffers:
        pytest.skip("PyTorch divides integers by addcdiv, which it refuses")

    def averaged(swa_utils: Any, model: Any) -> Any:
        functions = {
            None: {},
            "swa": {"avg_fn": swa_utils.get_swa_avg_fn()},
            "ema": {"avg_fn": swa_utils.get_ema_avg_fn(0.9)},
            "multi_swa": {"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()},
            "multi_ema": {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.9)},
        }
        return swa_utils.AveragedModel(model, use_buffers=use_buffers, **functions[function])

    ours = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    a, b = averaged(optim.swa_utils, ours), averaged(torch.optim.swa_utils, theirs)
    for _ in range(6):
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            p.array[...] = rng.normal(size=p.shape)
            q.data = torch.tensor(p.numpy(force=True))
        x = rng.normal(size=(5, 3)).astype(np.float32)
        ours(dl.tensor(x))
        theirs(torch.tensor(x))
        a.update_parameters(ours)
        b.update_parameters(theirs)
    batches = rng.normal(size=(3, 7, 3)).astype(np.float32)
    optim.swa_utils.update_bn([dl.tensor(x) for x in batches], a)
    torch.optim.swa_utils.update_bn([torch.tensor(x) for x in batches], b)
    states = a.state_dict(), b.state_dict()
    assert list(states[0]) == list(states[1])
    for key, value in states[0].items():
        np.testing.assert_allclose(value.numpy(), states[1][key].numpy(), rtol=1e-5, atol=1e-6)
