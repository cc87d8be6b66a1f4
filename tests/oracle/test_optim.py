"""Optimizers beside PyTorch's: larger parameters, and state that travels both ways."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from samples.optimizers import OPTIMIZERS

import dlframe as dl
from dlframe import nn, optim
from dlframe.tensor import Tensor

torch = pytest.importorskip("torch")

KINDS = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    *((name, {"lr": row.lr}) for name, row in OPTIMIZERS.items()),
    *((name, {"lr": row.lr, **row.typical}) for name, row in OPTIMIZERS.items()),
    *((name, {"lr": row.lr, **row.decay}) for name, row in OPTIMIZERS.items() if row.decay),
]
SHAPES = ((300, 200), (200,), (7, 3), ())


def pair(
    name: str,
    options: dict[str, Any],
    rng: np.random.Generator,
    *,
    named: bool = False,
    dtype: Any = np.float32,
) -> Any:
    """The same optimizer of the same parameters, ours and PyTorch's."""
    arrays = [np.array(rng.normal(size=s), dtype) for s in SHAPES]
    ours = [nn.Parameter(np.array(a)) for a in arrays]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
    names = [f"p{i}" for i in range(len(arrays))]
    return (
        ours,
        theirs,
        getattr(optim, name)(list(zip(names, ours)) if named else ours, **options),
        getattr(torch.optim, name)(list(zip(names, theirs)) if named else theirs, **options),
    )


def advance(rng: np.random.Generator, ours: Any, theirs: Any, *optimizers: Any) -> None:
    row = OPTIMIZERS[type(optimizers[0]).__name__]
    for p, q in zip(ours, theirs, strict=True):
        g = np.array(row.gradient(rng.normal(size=p.array.shape)), p.array.dtype)
        p.grad, q.grad = Tensor(g), torch.tensor(g)
        if row.skips_zeros:
            q.grad = q.grad.to_sparse()
    for optimizer in optimizers:
        optimizer.step()


def assert_close(ours: Any, theirs: Any, rtol: float = 2e-6, atol: float = 4e-6) -> None:
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=rtol, atol=atol)


@pytest.mark.parametrize(
    "name, options",
    [(name, options) for name, row in OPTIMIZERS.items() for options in row.combinations()],
)
def test_a_hundred_steps_in_float64(
    name: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    ours, theirs, optimizer, oracle = pair(name, options, rng, dtype=np.float64)
    for _ in range(100):
        advance(rng, ours, theirs, optimizer, oracle)
    assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


UNFIT = [
    *({"lr": value} for value in (-1.0, 0.0)),
    *({"eps": value} for value in (-1.0, 0.0)),
    *({"rho": value} for value in (-0.5, 1.5, 1.0)),
    *({"betas": value} for value in ((1.0, 0.9), (0.9, -0.5), (0, 0.9), (0.9, 1.5))),
    *({"etas": value} for value in ((0.5, 0.9), (0.0, 2.0), (1.5, 2.0))),
    *({name: -1.0} for name in ("weight_decay", "momentum_decay", "lambd", "alpha", "t0")),
    *({name: -1.0} for name in ("momentum", "lr_decay", "initial_accumulator_value")),
]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_options_are_refused_with_the_same_words(name: str) -> None:
    p, q = nn.Parameter(dl.zeros(2)), torch.nn.Parameter(torch.zeros(2))
    for options in UNFIT:
        outcomes = []
        for kind, x in ((getattr(optim, name), p), (getattr(torch.optim, name), q)):
            try:
                kind([x], **options)
                outcomes.append("")
            except ValueError as error:
                outcomes.append(str(error))
            except TypeError:  # it has no such option
                outcomes.append("TypeError")
        assert outcomes[0] == outcomes[1], options


@pytest.mark.parametrize("name, options", KINDS)
@pytest.mark.parametrize("named", [False, True])
def test_state_travels_both_ways(
    name: str, options: dict[str, Any], named: bool, rng: np.random.Generator
) -> None:
    ours, theirs, optimizer, oracle = pair(name, options, rng, named=named)
    for _ in range(20):
        advance(rng, ours, theirs, optimizer, oracle)
    assert_close(ours, theirs)
    assert repr(optimizer) == repr(oracle)

    # PyTorch's state into a new optimizer of ours
    restored = getattr(optim, name)(
        optimizer.param_groups[0]["params"]
        if not named
        else list(zip(optimizer.param_groups[0]["param_names"], ours)),
        lr=9.0,
    )
    restored.load_state_dict(oracle.state_dict())
    for p, q in zip(ours, theirs, strict=True):
        p.array[...] = q.detach().numpy()
    for _ in range(20):
        advance(rng, ours, theirs, restored, oracle)
    assert_close(ours, theirs)

    # and ours, as tensors of theirs, into one of PyTorch's
    state = copy.deepcopy(restored.state_dict())
    for entry in state["state"].values():
        for key, value in entry.items():
            entry[key] = torch.tensor(value.numpy())
    assert state["param_groups"] == oracle.state_dict()["param_groups"]
    oracle = getattr(torch.optim, name)(
        theirs if not named else list(zip([f"p{i}" for i in range(len(theirs))], theirs)), lr=9.0
    )
    oracle.load_state_dict(state)
    for _ in range(20):
        advance(rng, ours, theirs, restored, oracle)
    assert_close(ours, theirs)


@pytest.mark.parametrize("name, options", KINDS)
def test_several_groups_are_printed_as_pytorch_prints_them(
    name: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    ours, theirs, *_ = pair(name, options, rng)
    texts = [
        repr(getattr(module, name)([{"params": p, "name": "a"} for p in params], **options))
        for module, params in ((optim, ours), (torch.optim, theirs))
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name, options", KINDS)
def test_state_has_the_same_keys_in_the_same_order(
    name: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    ours, theirs, optimizer, oracle = pair(name, options, rng)
    advance(rng, ours, theirs, optimizer, oracle)
    a, b = optimizer.state_dict(), oracle.state_dict()
    assert list(a["state"]) == list(b["state"])
    for i in a["state"]:
        assert list(a["state"][i]) == list(b["state"][i])
    assert [sorted(group) for group in a["param_groups"]] == [
        sorted(group) for group in b["param_groups"]
    ]


@pytest.mark.parametrize(
    "name, options",
    [
        ("StepLR", {"step_size": 2}),
        ("MultiStepLR", {"milestones": [2]}),
        ("ExponentialLR", {"gamma": 0.5}),
        ("ConstantLR", {}),
        ("LinearLR", {}),
        ("CosineAnnealingLR", {"T_max": 5}),
        ("ReduceLROnPlateau", {}),
    ],
)
def test_schedulers_have_the_same_state(
    name: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    _, _, optimizer, oracle = pair("SGD", {"lr": 0.5}, rng)
    ours = getattr(optim.lr_scheduler, name)(optimizer, **options)
    theirs = getattr(torch.optim.lr_scheduler, name)(oracle, **options)
    metrics = (1.0,) if name == "ReduceLROnPlateau" else ()
    for _ in range(3):
        optimizer.step()
        oracle.step()
        ours.step(*metrics)
        theirs.step(*metrics)
    assert ours.state_dict() == theirs.state_dict()
    again = getattr(optim.lr_scheduler, name)(optimizer, **options)
    again.load_state_dict(theirs.state_dict())
    assert again.state_dict() == theirs.state_dict()


def test_a_tensor_as_learning_rate(rng: np.random.Generator) -> None:
    for name in OPTIMIZERS:
        arrays = rng.normal(size=(2, 50)).astype(np.float32)
        p, q = nn.Parameter(arrays[0].copy()), torch.nn.Parameter(torch.tensor(arrays[0]))
        optimizer = getattr(optim, name)([p], lr=dl.tensor(0.1))
        oracle = getattr(torch.optim, name)([q], lr=torch.tensor(0.1))
        a = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        b = torch.optim.lr_scheduler.ExponentialLR(oracle, 0.9)
        for _ in range(10):
            advance(rng, [p], [q], optimizer, oracle)
            a.step()
            b.step()
            assert a.get_last_lr()[0].item() == b.get_last_lr()[0].item()
        assert_close([p], [q])
        optimizer.load_state_dict(oracle.state_dict())
        a.load_state_dict(b.state_dict())
        group = optimizer.param_groups[0]
        rates = [group["lr"], group["initial_lr"], *a.base_lrs, *a.get_last_lr()]
        assert [type(rate) for rate in rates] == [Tensor] * 4
        advance(rng, [p], [q], optimizer, oracle)
        assert_close([p], [q])
