"""Operands of any two shapes that broadcast: NumPy's values, gradients of the operands' shapes."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dlframe as dl
from dlframe import ops

OPERATIONS = ["add", "subtract", "multiply", "divide", "maximum", "power", "arctan2"]
pairs = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=4)


@given(pairs, st.sampled_from(OPERATIONS), st.integers(0, 2**32 - 1))
def test_two_operands(shapes: Any, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.uniform(0.5, 2, shape) for shape in shapes.input_shapes)
    x, y = dl.tensor(a, requires_grad=True), dl.tensor(b, requires_grad=True)
    out = getattr(ops, name)(x, y)
    np.testing.assert_array_equal(out.detach().numpy(), getattr(np, name)(a, b))

    weights = rng.standard_normal(out.shape)
    gx, gy = dl.autograd.grad(out, [x, y], dl.tensor(weights))
    # the same with operands stretched beforehand, their gradients added up by hand
    tall = [dl.tensor(np.broadcast_to(v, shapes.result_shape), requires_grad=True) for v in (a, b)]
    wide = dl.autograd.grad(getattr(ops, name)(*tall), tall, dl.tensor(weights))
    for got, whole, operand in zip((gx, gy), wide, (a, b), strict=True):
        lead = whole.ndim - operand.ndim
        total = whole.numpy().sum(axis=tuple(range(lead)))
        stretched = tuple(i for i, n in enumerate(operand.shape) if n == 1 and total.shape[i] != 1)
        np.testing.assert_allclose(
            got.numpy(), total.sum(axis=stretched, keepdims=True), atol=1e-10
        )


@given(
    hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3),
    st.integers(0, 2**32 - 1),
)
def test_three_operands(shapes: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    condition, a, b = (rng.standard_normal(shape) for shape in shapes.input_shapes)
    x, y = dl.tensor(a, requires_grad=True), dl.tensor(b, requires_grad=True)
    out = dl.where(dl.tensor(condition > 0), x, y)
    np.testing.assert_array_equal(out.detach().numpy(), np.where(condition > 0, a, b))
    gx, gy = dl.autograd.grad(out.sum(), [x, y])
    assert gx.shape == a.shape
    assert gy.shape == b.shape
    assert float(gx.sum() + gy.sum()) == pytest.approx(out.numel())


@given(
    hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=3, max_side=3),
    st.integers(0, 2**32 - 1),
)
def test_matrix_products(shapes: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal(shape) for shape in shapes.input_shapes)
    x, y = dl.tensor(a, requires_grad=True), dl.tensor(b, requires_grad=True)
    out = x @ y
    np.testing.assert_allclose(out.detach().numpy(), a @ b, atol=1e-12)
    weights = rng.standard_normal(out.shape)
    gx, gy = dl.autograd.grad(out, [x, y], dl.tensor(weights))
    # the product is linear in each operand, so g · operand is the weighted product itself
    whole = float((weights * (a @ b)).sum())
    assert float((gx.numpy() * a).sum()) == pytest.approx(whole, abs=1e-9)
    assert float((gy.numpy() * b).sum()) == pytest.approx(whole, abs=1e-9)
