"""User-written Functions, under dlframe and under PyTorch."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

CASES = []


def case(program):
    CASES.append(program)
    return program


def function(lib, **methods):
    """A Function with these static methods."""
    methods = {name: staticmethod(method) for name, method in methods.items()}
    return type("Fn", (lib.autograd.Function,), methods)


@case
def identity(lib):
    F = function(lib, forward=lambda ctx, x: x, backward=lambda ctx, g: g * 2)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = F.apply(x)
    return_ = (y is x, y.requires_grad, y.is_leaf)
    (y * 3).sum().backward()
    return [list(return_), x.grad]


@case
def identity_nograd_input(lib):
    F = function(lib, forward=lambda ctx, x: x, backward=lambda ctx, g: g * 2)
    x = lib.tensor([1.0, 2.0])
    y = F.apply(x)
    return [y.requires_grad]


@case
def dirty_leaf(lib):
    def f(ctx, x):
        ctx.mark_dirty(x)
        return x.add_(1)

    F = function(lib, forward=f, backward=lambda ctx, g: g * 2)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = F.apply(x)
    y.sum().backward()
    return [x.grad]


@case
def dirty_nonleaf(lib):
    def f(ctx, x):
        ctx.mark_dirty(x)
        return x.add_(1)

    F = function(lib, forward=f, backward=lambda ctx, g: g * 2)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = F.apply(y)
    y.mul_(2)
    z.sum().backward()
    return [x.grad, z is y]


@case
def dirty_view(lib):
    def f(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(5)

    F = function(lib, forward=f, backward=lambda ctx, g: g * 5)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    v = y[:1]
    F.apply(v)
    y.sum().backward()
    return [x.grad, y]


@case
def dirty_kept(lib):
    def f(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(5)

    F = function(lib, forward=f, backward=lambda ctx, g: g * 5)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = y * y
    F.apply(y)
    z.sum().backward()
    return [x.grad]


@case
def save_output(lib):
    def f(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    F = function(lib, forward=f, backward=lambda ctx, g: g * ctx.saved_tensors[0])
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = F.apply(x)
    (g,) = lib.autograd.grad(y.sum(), x, create_graph=True)
    return [g, *lib.autograd.grad(g.sum(), x)]


@case
def save_output_modified(lib):
    def f(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    F = function(lib, forward=f, backward=lambda ctx, g: g * ctx.saved_tensors[0])
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = F.apply(x)
    y.mul_(2)
    y.sum().backward()
    return [x.grad]


@case
def two_outputs_double(lib):
    def f(ctx, x):
        ctx.save_for_backward(x)
        return x * x, x * 3

    def b(ctx, g, h):
        (x,) = ctx.saved_tensors
        return 2 * x * g + 3 * h

    F = function(lib, forward=f, backward=b)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    a, c = F.apply(x)
    (g,) = lib.autograd.grad((a * c).sum(), x, create_graph=True)
    return [g, *lib.autograd.grad(g.sum(), x)]


@case
def two_outputs_saved_out(lib):
    def f(ctx, x):
        a, c = x.exp(), x * 3
        ctx.save_for_backward(a, c)
        return a, c

    def b(ctx, g, h):
        a, _c = ctx.saved_tensors
        return a * g + 3 * h

    F = function(lib, forward=f, backward=b)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    a, c = F.apply(x)
    (g,) = lib.autograd.grad((a * c).sum(), x, create_graph=True)
    return [g, *lib.autograd.grad(g.sum(), x)]


@case
def unused_output_materialized(lib):
    seen = []

    def b(ctx, g, h):
        seen.append([g.tolist(), h.tolist()])
        return g

    F = function(lib, forward=lambda ctx, x: (x * 1, x * 2), backward=b)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    _a, c = F.apply(x)
    c.sum().backward()
    return [seen]


@case
def int_output(lib):
    F = function(
        lib, forward=lambda ctx, x: (x * 1, (x * 2).long()), backward=lambda ctx, g, h: g * 7
    )
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    a, c = F.apply(x)
    a.sum().backward()
    return [x.grad, c.requires_grad, c]


@case
def none_output(lib):
    F = function(
        lib, forward=lambda ctx, x: (x * 1, None, "s"), backward=lambda ctx, g, h, s: g * 7
    )
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    a, n, s = F.apply(x)
    a.sum().backward()
    return [x.grad, n, s]


@case
def list_output(lib):
    F = function(lib, forward=lambda ctx, x: [x * 1, x * 2], backward=lambda ctx, g, h: g * 7)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    r = F.apply(x)
    return [type(r).__name__, r[0].requires_grad]


@case
def none_grad(lib):
    F = function(lib, forward=lambda ctx, x, y: x * y, backward=lambda ctx, g: (g, None))
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = lib.tensor([1.0, 2.0], requires_grad=True)
    F.apply(x, y).sum().backward()
    return [x.grad, y.grad]


@case
def broadcast_grad(lib):
    F = function(lib, forward=lambda ctx, x, y: x * y, backward=lambda ctx, g: (g, g))
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = lib.tensor([[1.0], [2.0]], requires_grad=True)
    F.apply(x, y).sum().backward()
    return [x.grad, y.grad]


@case
def wrong_dtype_grad(lib):
    F = function(lib, forward=lambda ctx, x: x * 1, backward=lambda ctx, g: g.double())
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    F.apply(x).sum().backward()
    return [x.grad, str(x.grad.dtype)[-7:]]


@case
def kwargs_nontensor(lib):
    def f(ctx, x, k, s):
        ctx.k = k
        return x * k

    F = function(lib, forward=f, backward=lambda ctx, g: (g * ctx.k, None, None))
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    F.apply(x, 3, "a").sum().backward()
    return [x.grad]


@case
def in_nograd(lib):
    F = function(lib, forward=lambda ctx, x: x * 2, backward=lambda ctx, g: g)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    with lib.no_grad():
        y = F.apply(x)
    return [y.requires_grad]


@case
def save_none(lib):
    def f(ctx, x):
        ctx.save_for_backward(x, None)
        return x * 2

    F = function(
        lib, forward=f, backward=lambda ctx, g: g * (3 if ctx.saved_tensors[1] is None else 1)
    )
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    F.apply(x).sum().backward()
    return [x.grad]


@case
def saved_twice(lib):
    def f(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    F = function(lib, forward=f, backward=lambda ctx, g: g * 2 * ctx.saved_tensors[0])
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = F.apply(x)
    y.sum().backward()
    y.sum().backward()
    return [x.grad]


@case
def retain_twice(lib):
    def f(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    F = function(lib, forward=f, backward=lambda ctx, g: g * 2 * ctx.saved_tensors[0])
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = F.apply(x)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return [x.grad]


@case
def view_returned(lib):
    F = function(lib, forward=lambda ctx, x: x[:1], backward=lambda ctx, g: lib.cat([g, g * 0]))
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = F.apply(x * 1)
    (y * 2).sum().backward()
    return [x.grad]


@case
def needs_input(lib):
    seen = []

    def b(ctx, g):
        seen.append(list(ctx.needs_input_grad))
        return g, None, None

    F = function(lib, forward=lambda ctx, x, y, k: x * 1, backward=b)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    F.apply(x, lib.ones(2), 5).sum().backward()
    return [seen]


@case
def forward_with_grad_inside(lib):
    seen = []

    def f(ctx, x):
        seen.append(lib.is_grad_enabled())
        return x * 2

    def b(ctx, g):
        seen.append(lib.is_grad_enabled())
        return g

    F = function(lib, forward=f, backward=b)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    F.apply(x).sum().backward()
    return [seen]


@case
def enable_grad_in_backward(lib):
    def f(ctx, x):
        ctx.save_for_backward(x)
        return (x**3).detach()

    def b(ctx, g):
        (x,) = ctx.saved_tensors
        with lib.enable_grad():
            z = x.detach().requires_grad_()
            (r,) = lib.autograd.grad((z**3).sum(), z)
        return g * r

    F = function(lib, forward=f, backward=b)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    F.apply(x).sum().backward()
    return [x.grad]


@case
def mark_nondiff(lib):
    def f(ctx, x):
        i = x > 1
        ctx.mark_non_differentiable(i)
        return x * 2, i

    F = function(lib, forward=f, backward=lambda ctx, g, h: g * 5)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    a, i = F.apply(x)
    a.sum().backward()
    return [x.grad, i]


@case
def mark_nondiff_float(lib):
    def f(ctx, x):
        i = x * 3
        ctx.mark_non_differentiable(i)
        return x * 2, i

    F = function(lib, forward=f, backward=lambda ctx, g, h: g * 5 + h)
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    a, i = F.apply(x)
    (a + i).sum().backward()
    return [x.grad, i.requires_grad]


@pytest.mark.parametrize("program", CASES, ids=lambda f: f.__name__)
def test_the_outcome_is_pytorchs(program, agree):
    agree(program)
