"""Projections: what they are, that they are projections, and that they follow the steps."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError, GradientError

# a layer, and its weights in rows, one for each output unit
LAYERS: dict[str, tuple[Any, Any]] = {
    "linear": (lambda: nn.Linear(5, 3), lambda w: w),
    "conv": (lambda: nn.Conv2d(4, 6, 3, groups=2), lambda w: w.reshape(6, -1)),
    "embedding": (lambda: nn.Embedding(7, 3), lambda w: w),
    "transposed": (
        lambda: nn.ConvTranspose2d(4, 6, 3),
        lambda w: w.transpose(1, 0, 2, 3).reshape(6, -1),
    ),
    "transposed groups": (
        lambda: nn.ConvTranspose1d(4, 6, 3, groups=2),
        lambda w: np.concatenate([w[:2].transpose(1, 0, 2), w[2:].transpose(1, 0, 2)]).reshape(
            6, -1
        ),
    ),
}
EACH_LAYER = pytest.mark.parametrize(("make", "rows"), LAYERS.values(), ids=LAYERS)


def large(layer: nn.Module) -> nn.Module:
    with dl.no_grad():
        layer.weight.normal_(0, 1)
    return layer


def array(layer: Any) -> Any:
    return layer.weight.detach().numpy().copy()


@EACH_LAYER
def test_max_norm_of_each_unit(make: Any, rows: Any) -> None:
    layer = large(make().double())
    before = rows(array(layer))
    norms = np.sqrt((before**2).sum(axis=1))
    limit = 1.01 * float(np.median(norms))  # no unit lies on the limit
    constraint = optim.MaxNorm(layer, limit)
    constraint.project()
    factor = np.where(norms > limit, limit / (norms + 1e-7), 1.0)
    np.testing.assert_allclose(rows(array(layer)), before * factor[:, None], rtol=1e-12)
    assert constraint.last == np.mean(norms > limit)


@EACH_LAYER
def test_unit_norm_of_each_unit(make: Any, rows: Any) -> None:
    layer = large(make())
    before = rows(array(layer))
    constraint = optim.UnitNorm(layer)
    constraint.project()
    norms = np.sqrt((before**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(rows(array(layer)), before / norms, rtol=1e-5)
    assert constraint.last > 0.5
    constraint.project()
    assert constraint.last == 0.0


def test_max_norm_is_renorm() -> None:
    layer = large(nn.Conv1d(3, 4, 2))
    expected = dl.renorm(layer.weight.detach(), 2, 0, 1.0)
    optim.MaxNorm(layer, 1.0).project()
    np.testing.assert_allclose(array(layer), expected.numpy(), rtol=1e-6)


def test_a_vector_is_one_unit_and_zeros_stay() -> None:
    model = nn.Module()
    model.w = nn.Parameter(dl.tensor([3.0, 4.0]))
    model.zero = nn.Parameter(dl.zeros(2, 3))
    optim.UnitNorm(model).project()
    np.testing.assert_allclose(model.w.tolist(), [0.6, 0.8], rtol=1e-6)
    assert (model.zero == 0).all()


CONSTRAINTS: dict[str, Any] = {
    "max norm": lambda m: optim.MaxNorm(m, 0.7),
    "unit norm": optim.UnitNorm,
    "non-negative": optim.NonNegative,
    "bounds": lambda m: optim.Bounds(m, -0.2, 0.3),
    "below": lambda m: optim.Bounds(m, None, 0.1),
}


@pytest.mark.parametrize("make", CONSTRAINTS.values(), ids=CONSTRAINTS)
@settings(max_examples=25)
@given(values=st.lists(st.floats(-100, 100, width=32), min_size=6, max_size=6))
def test_projecting_twice_is_projecting_once(make: Any, values: list[float]) -> None:
    layer = nn.Linear(3, 2)
    layer.weight = nn.Parameter(dl.tensor(values).reshape(2, 3))
    constraint = make(layer)
    constraint.project()
    once = array(layer)
    assert np.isfinite(once).all()
    constraint.project()
    np.testing.assert_allclose(array(layer), once, rtol=1e-6, atol=1e-30)


def test_bounds_and_the_share_outside() -> None:
    layer = nn.Linear(4, 1)
    layer.weight = nn.Parameter(dl.tensor([[-2.0, -0.5, 0.0, 3.0]]))
    bounds = optim.Bounds(layer, -1.0, 1.0)
    bounds.project()
    assert layer.weight.tolist() == [[-1.0, -0.5, 0.0, 1.0]]
    assert bounds.last == 0.5
    nothing = optim.NonNegative(layer, only="bias")
    layer.bias.requires_grad_(False)
    nothing.project()
    assert np.isnan(nothing.last)  # frozen parameters are left alone


@pytest.mark.parametrize("dtype", [dl.float16, dl.float32, dl.float64])
def test_dtype_and_memory_stay(dtype: Any) -> None:
    layer = large(nn.Linear(3, 2)).to(dtype)
    view = layer.weight.detach().numpy()
    optim.MaxNorm(layer, 0.5).project()
    optim.UnitNorm(layer).project()
    assert layer.weight.dtype == dtype
    assert np.shares_memory(view, layer.weight.detach().numpy())


def test_a_graph_that_kept_the_old_weights_refuses() -> None:
    layer = large(nn.Linear(3, 2))
    out = layer(dl.ones(1, 3, requires_grad=True)).sum()
    optim.MaxNorm(layer, 0.1).project()
    with pytest.raises(GradientError, match=r"MaxNorm\.project"):
        out.backward()


# --- attached to an optimizer ------------------------------------------------------------------


def step(model: nn.Module, optimizer: optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(dl.ones(1, 3)).sum().backward()
    optimizer.step()


def norms(model: nn.Module) -> Any:
    return np.sqrt((array(model) ** 2).sum(axis=1))


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_after_each_step_until_the_handle_is_removed(make: Any) -> None:
    model = nn.Linear(3, 2)
    optimizer = make(model.parameters(), lr=1.0)
    constraint = optim.MaxNorm(model, 0.5)
    handle = constraint.attach(optimizer)
    for _ in range(3):
        step(model, optimizer)
        assert (norms(model) <= 0.5 + 1e-6).all()
    assert constraint.is_attached(optimizer)
    handle.remove()
    handle.remove()
    step(model, optimizer)
    assert not constraint.is_attached(optimizer)
    assert (norms(model) > 0.6).all()


def test_a_copy_of_the_optimizer_keeps_it() -> None:
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    handle = optim.MaxNorm(model, 0.5).attach(optimizer)
    other_model, other = copy.deepcopy((model, optimizer))
    handle.remove()
    step(other_model, other)
    assert (norms(other_model) <= 0.5 + 1e-6).all()
    third_model, third = copy.deepcopy((other_model, other))  # a copy of a copy
    step(third_model, third)
    assert (norms(third_model) <= 0.5 + 1e-6).all()


def test_loading_a_state_keeps_it() -> None:
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
    optim.MaxNorm(model, 0.5).attach(optimizer)
    step(model, optimizer)
    optimizer.load_state_dict(optimizer.state_dict())
    step(model, optimizer)
    assert (norms(model) <= 0.5 + 1e-6).all()


def test_attaching_twice_or_to_something_else_is_an_error() -> None:
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters())
    constraint = optim.NonNegative(model)
    constraint.attach(optimizer)
    with pytest.raises(ValueError, match="attached to this optimizer already"):
        constraint.attach(optimizer)
    with pytest.raises(TypeError, match="expected an optimizer; got Linear"):
        constraint.attach(model)  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: optim.MaxNorm(m, 0), "max_norm must be above 0; got 0"),
        (lambda m: optim.Bounds(m, 2, 1), "low must not be above high; got 2 and 1"),
        (lambda m: optim.Bounds(m, None, None), "both limits are None"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make(nn.Linear(2, 1))
