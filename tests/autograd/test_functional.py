"""autograd.functional, by hand; PyTorch's numbers are in tests/samples/autograd.py."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp
from dlframe.errors import GradientError


def x64(*shape, seed=0):
    return dl.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def close(a, b):
    return np.allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-12)


def quadratic(a):
    """½ xᵀ A x, with the Hessian ½ (A + Aᵀ)."""
    return lambda x: x @ a @ x / 2


def test_a_quadratic_form():
    a, x, v = x64(3, 3), x64(3, seed=1), x64(3, seed=2)
    f, h = quadratic(a), (a + a.T) / 2
    assert close(jacobian(f, x), h @ x)
    assert close(hessian(f, x), h)
    for product in (vhp, hvp):
        value, hv = product(f, x, v)
        assert close(value, f(x))
        assert close(hv, h @ v)


@pytest.mark.parametrize("vectorize", [False, True])
def test_jacobians_of_several_outputs_and_inputs(vectorize):
    x, y = x64(2), x64(3, seed=1)
    blocks = jacobian(lambda s, t: (s.sum() * t, s * 2), (x, y), vectorize=vectorize)
    assert close(blocks[0][0], y[:, None].expand(3, 2))
    assert close(blocks[0][1], x.sum() * dl.eye(3, dtype=dl.float64))
    assert close(blocks[1][0], 2 * dl.eye(2, dtype=dl.float64))
    assert close(blocks[1][1], dl.zeros(2, 3, dtype=dl.float64))
    assert not any(b.requires_grad for row in blocks for b in row)


def test_forward_mode_is_reverse_mode():
    x, y = x64(2), x64(3, seed=1)
    f = lambda s, t: (s.sum() * t.exp(), s.sin())
    columns = jacobian(f, (x, y), vectorize=True, strategy="forward-mode")
    for row, other in zip(columns, jacobian(f, (x, y)), strict=True):
        assert all(close(a, b) for a, b in zip(row, other, strict=True))
    g = lambda s: s.prod()
    assert close(
        hessian(g, y, vectorize=True, outer_jacobian_strategy="forward-mode"), hessian(g, y)
    )


def test_products_are_jacobians_times_vectors():
    x = x64(3)
    f = lambda t: dl.stack([t.prod(), t.sum().sin()])
    j = jacobian(f, x)
    u, v = x64(2, seed=1), x64(3, seed=2)
    assert close(vjp(f, x, u)[1], u @ j)
    assert close(jvp(f, x, v)[1], j @ v)


def test_results_can_be_differentiated_when_asked():
    x = x64(3).requires_grad_()
    f = lambda t: (t**4).sum()
    (g,) = dl.autograd.grad(hessian(f, x, create_graph=True).sum(), x)
    assert close(g, 24 * x.detach())
    (g,) = dl.autograd.grad(jacobian(f, x, create_graph=True, vectorize=True).sum(), x)
    assert close(g, 12 * x.detach() ** 2)
    assert not hessian(f, x).requires_grad
    assert x.grad is None


def test_a_tuple_of_one_stays_a_tuple():
    x = x64(2)
    assert jacobian(lambda t: (t,), (x,))[0][0].shape == (2, 2)
    assert hessian(lambda t: t.sum().reshape(1), (x,))[0][0].shape == (2, 2)
    assert jacobian(lambda t: t[:0], x).shape == (0, 2)


def test_no_grad_outside_does_not_matter():
    with dl.no_grad():
        assert close(jacobian(lambda t: t * t, x64(2)), dl.diag(2 * x64(2)))


linear, constant = (lambda t: (2 * t).sum()), (lambda t: dl.ones(1, dtype=dl.float64))
STRICT = {
    "an output without graph": (
        "does not require gradients",
        lambda x: vjp(constant, x, strict=True),
    ),
    "an unused input": (
        "independent of input 1",
        lambda x: vjp(lambda a, b: a.sum(), (x, x), strict=True),
    ),
    "an unused input of a Jacobian": (
        "independent of input 1",
        lambda x: jacobian(lambda a, b: a.sum(), (x, x), strict=True),
    ),
    "a constant Jacobian": (
        "create_graph=True",
        lambda x: jacobian(linear, x, strict=True, create_graph=True),
    ),
    "a linear function's Hessian": (
        "violated by a linear function",
        lambda x: hessian(linear, x, strict=True),
    ),
    "a linear function's vhp": ("twice differentiable", lambda x: vhp(linear, x, x, strict=True)),
    "a quadratic function's hvp": ("independent", lambda x: hvp(linear, x, x, strict=True)),
    "vectorized": (
        "not supported together",
        lambda x: jacobian(linear, x, strict=True, vectorize=True),
    ),
    "forward": (
        "not supported together",
        lambda x: jacobian(linear, x, strict=True, strategy="forward-mode"),
    ),
}


@pytest.mark.parametrize("case", STRICT)
def test_strict_mode(case):
    message, call = STRICT[case]
    with pytest.raises(GradientError, match=message):
        call(x64(3))


BAD = {
    "a list of inputs": (TypeError, lambda x: vjp(dl.sin, [x])),
    "a number among the inputs": (TypeError, lambda x: vjp(dl.sin, (3.0,))),
    "a list of outputs": (TypeError, lambda x: jacobian(lambda t: [t], x)),
    "no v": (RuntimeError, lambda x: vjp(dl.sin, x)),
    "no v for J v": (RuntimeError, lambda x: jvp(dl.sum, x)),
    "v of another shape": (RuntimeError, lambda x: vjp(dl.sin, x, dl.ones(5))),
    "too many v": (RuntimeError, lambda x: vjp(dl.sin, x, (x, x))),
    "too few v": (RuntimeError, lambda x: hvp(lambda a, b: (a * b).sum(), (x, x), x)),
    "a Hessian of two numbers": (RuntimeError, lambda x: hessian(lambda t: (t.sum(), t.sum()), x)),
    "a Hessian of a vector": (RuntimeError, lambda x: hessian(dl.sin, x)),
    "an unknown strategy": (AssertionError, lambda x: jacobian(dl.sin, x, strategy="sideways")),
    "an unknown outer strategy": (
        AssertionError,
        lambda x: hessian(dl.sum, x, outer_jacobian_strategy="up"),
    ),
    "forward mode, one by one": (
        NotImplementedError,
        lambda x: jacobian(dl.sin, x, strategy="forward-mode"),
    ),
    "forward mode, recorded": (
        NotImplementedError,
        lambda x: jacobian(dl.sin, x, True, strategy="forward-mode", vectorize=True),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    kind, call = BAD[case]
    with pytest.raises(kind):
        call(x64(3))
