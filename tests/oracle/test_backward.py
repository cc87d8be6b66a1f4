"""Hooks, modes and what `grad` and `backward` are asked for, under dlframe and under PyTorch."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

CASES = []


def case(program):
    CASES.append(program)
    return program


@case
def hook_changes(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    z = y + y * 3
    z.sum().backward()
    return [x.grad]


@case
def inputs_inside_the_graph_retain(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    h = x * 2
    h.register_hook(lambda g: g * 3)
    z = (h * h).sum()
    z.backward(inputs=[h], retain_graph=True)
    first = h.grad.tolist()
    z.backward(retain_graph=True)
    second = h.grad.tolist()
    z.backward(inputs=[x, h, x], retain_graph=True)
    third = h.grad.tolist()
    z.backward(inputs=[x])
    return [h.retains_grad, first, second, third, h.grad, x.grad]


@case
def hook_on_a_quotient_in_the_second_order(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = lib.tensor([3.0, 5.0], requires_grad=True)
    z = x / y
    z.register_hook(lambda g: g * 3)
    (g,) = lib.autograd.grad((z * z).sum(), y, create_graph=True)
    return [g, *lib.autograd.grad(g.sum(), [x, y])]


@case
def hooks_order_chain(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g + 1)
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    return [x.grad]


@case
def hook_before_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.mul_(3)
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 5).sum().backward()
    return [seen, x.grad]


@case
def retain_after_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.mul_(3)
    y.retain_grad()
    (y * 5).sum().backward()
    return [y.grad]


@case
def retain_before_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    (y * 5).sum().backward()
    return [y.grad, y.retains_grad]


@case
def retain_base_view_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y[0].mul_(3)
    (y * 5).sum().backward()
    return [y.grad, x.grad]


@case
def retain_view_base_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    v = y[:1]
    v.retain_grad()
    y.mul_(3)
    (v * 5).sum().backward()
    return [v.grad, x.grad]


@case
def retain_twice(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return [y.grad]


@case
def retain_with_hook(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    return [y.grad, x.grad]


@case
def retain_with_hook_before(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    y.sum().backward()
    return [y.grad, x.grad]


@case
def nograd_view_write_in_nograd(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    with lib.no_grad():
        v = y[:1]
        v.mul_(3)
    y.sum().backward()
    return [y, x.grad]


@case
def nograd_view_write_kept(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y * y
    with lib.no_grad():
        v = y[:1]
        v.mul_(3)
    z.sum().backward()
    return [x.grad]


@case
def nograd_leaf_view(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    with lib.no_grad():
        v = x[:1]
        v.mul_(3)
        x[1] = 9.0
    (x * x).sum().backward()
    return [x, x.grad]


@case
def nograd_leaf_view_write_later(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    with lib.no_grad():
        v = x[:1]
    v.mul_(2)
    return [x]


@case
def detach_share(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    d = y.detach()
    d.mul_(10)
    y.sum().backward()
    return [y, x.grad, d.requires_grad]


@case
def detach_share_kept(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y * y
    y.detach().mul_(10)
    z.sum().backward()
    return [x.grad]


@case
def detach_view_of_leaf_write(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    x.detach()[0] = 5.0
    (x * x).sum().backward()
    return [x, x.grad]


@case
def multi_output_max(lib):
    x = lib.tensor([[1.0, 5.0], [7.0, 2.0]], requires_grad=True)
    v, i = x.max(1)
    v2, _ = x.min(0)
    (v.sum() * 2 + v2.sum()).backward()
    return [x.grad, i]


@case
def split_chunks(lib):
    x = lib.arange(6.0).requires_grad_()
    a, b, c = (x * 1).split(2)
    ((a * b).sum() + c.sum()).backward()
    return [x.grad]


@case
def grad_of_intermediate_after_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.mul_(3)
    z = (y * y).sum()
    return list(lib.autograd.grad(z, [x, y]))


@case
def backward_twice_accum(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    g = x.grad
    (x * x).sum().backward()
    return [g, x.grad, g is x.grad]


@case
def set_grad_none_keeps(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    g = x.grad
    x.grad = None
    (x * x * x).sum().backward()
    return [g, x.grad]


@case
def create_graph_accum(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    (g * g).sum().backward()
    return [x.grad]


@case
def inputs_arg(lib):
    x = lib.tensor([1.0], requires_grad=True)
    y = lib.tensor([2.0], requires_grad=True)
    (x * y).backward(inputs=[x])
    return [x.grad, y.grad]


@case
def inputs_nonleaf(lib):
    x = lib.tensor([1.0], requires_grad=True)
    y = x * 2
    (y * y).backward(inputs=[y])
    return [x.grad, y.grad]


@case
def two_roots_same(lib):
    x = lib.tensor([1.0], requires_grad=True)
    y = x * 2
    lib.autograd.backward([y, y])
    return [x.grad]


@case
def two_roots_dependent(lib):
    x = lib.tensor([1.0], requires_grad=True)
    y = x * 2
    z = y * 3
    lib.autograd.backward([y, z])
    return [x.grad]


@case
def grad_outputs_kept(lib):
    x = lib.tensor([1.0, 1.0], requires_grad=True)
    g = lib.tensor([1.0, 2.0])
    y = x + 0
    (r,) = lib.autograd.grad(y, x, g)
    r += 1
    return [g]


@case
def grad_out_same_as_leaf_grad(lib):
    x = lib.tensor([1.0, 1.0], requires_grad=True)
    y = lib.tensor([1.0, 1.0], requires_grad=True)
    g = lib.tensor([1.0, 2.0])
    (x + y).backward(g)
    x.grad += 1
    return [g, y.grad]


@case
def hook_inplace_on_grad(lib):
    x = lib.tensor([1.0, 1.0], requires_grad=True)
    y = lib.tensor([1.0, 1.0], requires_grad=True)
    z = x + y
    x.register_hook(lambda g: g.mul(2))
    z.sum().backward()
    return [x.grad, y.grad]


@case
def leaf_hook_and_grad(lib):
    x = lib.tensor([1.0, 1.0], requires_grad=True)
    x.register_hook(lambda g: g * 2)
    return list(lib.autograd.grad((x * 3).sum(), x))


@case
def requires_grad_on_view(lib):
    b = lib.ones(3)
    v = b[:2]
    v.requires_grad_()
    (v * 2).sum().backward()
    return [v.grad, b.requires_grad, v.is_leaf]


@case
def view_of_leaf_requires(lib):
    x = lib.ones(3, requires_grad=True)
    v = x[:2]
    v.sum().backward()
    return [x.grad, v.is_leaf]


@case
def data_setter(lib):
    x = lib.ones(3, requires_grad=True)
    x.data = lib.zeros(3)
    (x * x + x).sum().backward()
    return [x.grad]


@case
def grad_is_view(lib):
    x = lib.ones(2, 3, requires_grad=True)
    y = x.t().reshape(-1)
    y.sum().backward()
    x.grad[0] = 7.0
    return [x.grad]


@case
def expand_grad(lib):
    x = lib.ones(2, 1, requires_grad=True)
    x.expand(2, 3).sum().backward()
    x.grad += 1
    return [x.grad]


@case
def sum_grad_writable(lib):
    x = lib.ones(2, 3, requires_grad=True)
    x.sum().backward()
    x.grad[0, 0] = 5.0
    return [x.grad]


@case
def mean_hook_inplace(lib):
    x = lib.ones(2, 3, requires_grad=True)
    y = x * 1
    y.register_hook(lambda g: g.mul_(2))
    y.sum().backward()
    return [x.grad]


@case
def detach_inplace_method(lib):
    x = lib.ones(2, requires_grad=True)
    y = x * 2
    y.detach_()
    y.requires_grad_()
    (y * 3).sum().backward()
    return [y.grad, x.grad]


@case
def double_backward_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.mul_(x)
    (g,) = lib.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = lib.autograd.grad(g.sum(), x)
    return [g, h]


@case
def double_backward_view_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y[0].mul_(x[1])
    (g,) = lib.autograd.grad((y * y).sum(), x, create_graph=True)
    (h,) = lib.autograd.grad(g.sum(), x)
    return [g, h]


@case
def write_under_enable_in_nograd(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    with lib.no_grad():
        b = lib.zeros(2)
        with lib.enable_grad():
            b.add_(y)
    b.sum().backward()
    return [x.grad]


@case
def grad_with_none_grad_outputs(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    return list(lib.autograd.grad([(x * 2).sum(), (x * x)], x, [None, lib.ones(2)]))


@case
def grad_outputs_wrong(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    return list(lib.autograd.grad(x * 2, x))


@case
def backward_on_vector_with_1(lib):
    x = lib.tensor([1.0], requires_grad=True)
    (x * 2).backward()
    return [x.grad]


@case
def set_requires_grad_false_leaf(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    x.requires_grad_(False)
    y.sum().backward()
    return [x.grad]


@case
def chunk_view_grad(lib):
    x = lib.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    a, b = (x * 1).chunk(2)
    (a * b).sum().backward()
    return [x.grad]


@case
def grad_of_leaf_twice_inputs(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    return list(lib.autograd.grad((x * x).sum(), [x, x]))


# PyTorch warns of the reference cycle that create_graph makes of a leaf and its gradient
@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("program", CASES, ids=lambda f: f.__name__)
def test_the_outcome_is_pytorchs(program, agree):
    agree(program)
