"""User-written functions."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.autograd import Function, gradcheck, gradgradcheck, once_differentiable
from dlframe.errors import GradientError, ShapeError


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        return g * out


class SumAndDifference(Function):
    @staticmethod
    def forward(x, y, scale):
        return (x + y) * scale, (x - y) * scale

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.scale = inputs[2]

    @staticmethod
    def backward(ctx, gs, gd):
        return (gs + gd) * ctx.scale, (gs - gd) * ctx.scale, None


def x64(*values):
    return dl.tensor(values, dtype=dl.float64, requires_grad=True)


@pytest.mark.parametrize("function", [Cube, Exp])
def test_gradients_of_both_orders(function):
    assert gradcheck(function.apply, x64(0.3, -1.2))
    assert gradgradcheck(function.apply, x64(0.3, -1.2))


def test_several_outputs_and_arguments_that_are_no_tensors():
    x, y = x64(1.0, 2.0), x64(3.0, 5.0)
    assert gradcheck(lambda a, b: SumAndDifference.apply(a, b, 2.0), (x, y))
    s, _ = SumAndDifference.apply(x, y, 2.0)  # the second output gets no gradient
    s.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_saved_output_makes_no_reference_cycle():
    gc.disable()
    try:
        x = x64(1.0)
        y = Exp.apply(x)
        node = weakref.ref(y.node)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_saved_tensors_are_freed_by_backward():
    x = x64(1.0)
    y = Cube.apply(x * 1.0)
    y.backward()
    with pytest.raises(GradientError, match="retain_graph"):
        y.backward()


def test_a_saved_tensor_that_was_changed_raises():
    x = x64(1.0)
    y = x * 1.0
    z = Cube.apply(y)
    y.add_(1)
    with pytest.raises(GradientError, match="modified by an inplace operation"):
        z.backward()


def test_the_number_and_the_shapes_of_gradients_are_checked():
    class TooFew(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g

    class WrongShape(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return dl.ones(5, dtype=dl.float64)

    with pytest.raises(GradientError, match="expected 2, got 1"):
        TooFew.apply(x64(1.0), x64(1.0)).backward()
    with pytest.raises(ShapeError, match=r"\[5\].*\[2\]"):
        WrongShape.apply(x64(1.0, 2.0)).sum().backward()


def test_needs_input_grad():
    seen = []

    class Probe(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            return g, g

    Probe.apply(x64(1.0), dl.ones(1)).backward()
    assert seen == [(True, False)]


def test_once_differentiable_refuses_the_second_order():
    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    x, start = x64(3.0), x64(1.0)
    (g,) = dl.autograd.grad(Once.apply(x), x, start, create_graph=True)
    assert g.item() == 6.0
    with pytest.raises(GradientError, match="once_differentiable"):
        g.backward()


def test_mark_dirty_and_mark_non_differentiable():
    class AddOne(Function):
        @staticmethod
        def forward(ctx, x):
            x.array[...] += 1
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 10  # not the true gradient, so that its use can be seen

    class SortWithOrder(Function):
        @staticmethod
        def forward(ctx, x):
            order = dl.from_numpy(np.argsort(x.array))
            ctx.mark_non_differentiable(order)
            ctx.order = order
            return x[order], order

        @staticmethod
        def backward(ctx, g, _):
            out = dl.zeros(*g.shape, dtype=g.dtype)
            out[ctx.order] = g
            return out

    x = x64(1.0)
    y = x * 1.0
    z = AddOne.apply(y)
    assert z is y
    z.sum().backward()
    assert x.grad.tolist() == [10.0]
    values, order = SortWithOrder.apply(x64(3.0, 1.0))
    assert values.requires_grad
    assert not order.requires_grad


class Tripled(Function):
    """In place, with a gradient that can be told from the true one."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(3)

    @staticmethod
    def backward(ctx, g):
        return g * 30


def test_a_dirty_leaf_is_refused():
    with pytest.raises(GradientError, match=r"Tripled\.forward: a leaf Variable"):
        Tripled.apply(x64(1.0))


def test_a_dirty_view_changes_its_base():
    x = x64(1.0, 2.0)
    base = x * 1.0
    Tripled.apply(base[:1])
    base.sum().backward()
    assert base.tolist() == [3.0, 2.0]
    assert x.grad.tolist() == [30.0, 1.0]


def test_outputs_that_are_no_tensors_pass_through():
    class Named(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1, None, "name"

        @staticmethod
        def backward(ctx, g, none, name):
            return g

    x = x64(1.0)
    y, none, name = Named.apply(x)
    y.backward()
    assert (none, name, x.grad.item()) == (None, "name", 1.0)


def test_a_gradient_takes_the_dtype_of_its_input():
    class Half(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g.half()

    x = x64(1.0)
    Half.apply(x).backward()
    assert x.grad.dtype == dl.float64


def test_set_materialize_grads():
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, a, b):
            seen.append((a, b))
            return a

    x = x64(1.0)
    Two.apply(x)[0].sum().backward()
    assert seen[0][1] is None


def test_a_wrong_gradient_is_found():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g

    for fast in (True, False):
        with pytest.raises(GradientError, match="gradcheck"):
            gradcheck(Wrong.apply, x64(0.3, 2.0), fast_mode=fast)
        assert not gradcheck(Wrong.apply, x64(0.3, 2.0), fast_mode=fast, raise_exception=False)


def test_a_gradient_that_changes_from_run_to_run_is_found():
    class Drifting(Function):
        runs = 0

        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            Drifting.runs += 1
            return g * (1 + 1e-9 * Drifting.runs)

    with pytest.raises(GradientError, match="not reentrant"):
        gradcheck(Drifting.apply, x64(1.0))
    assert gradcheck(Drifting.apply, x64(1.0), nondet_tol=1e-6)


def test_gradcheck_wants_float64():
    with pytest.raises(ValueError, match="float64"):
        gradcheck(dl.exp, dl.ones(1, requires_grad=True))


@pytest.mark.parametrize("fast_mode", [False, True])
def test_gradgradcheck_finds_two_gradients_that_are_swapped(fast_mode: bool) -> None:
    """Along equal numbers for both the mistake would not show."""
    a = dl.tensor([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0], [0.0, 1.5, 0.3]], dtype=dl.float64)

    class Slope(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, s: Any) -> Any:
            ctx.save_for_backward(x, s)
            return s * (a @ x) + a.T @ (s * x)

        @staticmethod
        def backward(ctx: Any, v: Any) -> Any:
            x, s = ctx.saved_tensors
            # right for x is a.T @ (s * v) + (a @ v) * s
            return a.T @ (s * v) + (a @ s) * v, (a @ x) * v + x * (a @ v)

    class Product(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * (a @ x)

        @staticmethod
        def backward(ctx: Any, s: Any) -> Any:
            (x,) = ctx.saved_tensors
            return Slope.apply(x, s)

    x = dl.tensor([0.5, -1.0, 2.0], dtype=dl.float64, requires_grad=True)
    assert gradcheck(Product.apply, x, fast_mode=fast_mode)
    with pytest.raises(GradientError, match="gradcheck: "):
        gradgradcheck(Product.apply, x, fast_mode=fast_mode)
