"""Views under dlframe and PyTorch: who may be written to, and what then has which gradient."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

pytest.importorskip("torch")

CASES = []


def case(program):
    CASES.append(program)
    return program


def base(lib):
    x = lib.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    return x, x * 1


@case
def ng_view(lib):
    x, y = base(lib)
    with lib.no_grad():
        v = y[0]
    v.mul_(2)
    y.sum().backward()
    return [x.grad]


@case
def ng_view_leaf(lib):
    x = lib.ones(2, 2, requires_grad=True)
    with lib.no_grad():
        v = x[0]
    v.mul_(2)
    return [x]


@case
def ng_view_of_view(lib):
    _x, y = base(lib)
    with lib.no_grad():
        v = y[0]
    w = v[0:1]
    w.mul_(2)
    return [w.requires_grad]


@case
def ng_view_base_gets_grad(lib):
    x = lib.ones(2, requires_grad=True)
    b = lib.zeros(2, 2)
    with lib.no_grad():
        v = b[0]
    b.mul_(x)
    return [v.requires_grad, b.requires_grad]


@case
def ng_view_plain(lib):
    b = lib.zeros(2, 2)
    with lib.no_grad():
        v = b[0]
    v.add_(2)
    return [v, b]


@case
def ng_view_in_ng(lib):
    x, y = base(lib)
    with lib.no_grad():
        v = y[0]
        v.mul_(3)
    y.sum().backward()
    return [x.grad, y]


@case
def detach_view(lib):
    x, y = base(lib)
    d = y.detach()
    d[0].mul_(5)
    y.sum().backward()
    return [x.grad, y]


@case
def detach_saved(lib):
    x, y = base(lib)
    z = y * y
    y.detach()[0].mul_(5)
    z.sum().backward()
    return [x.grad, y]


@case
def detach_is_view(lib):
    _x, y = base(lib)
    d = y.detach()
    return [d._base is None, d.is_leaf, d._version]


@case
def detach_(lib):
    _x, y = base(lib)
    y.detach_()
    return [y.requires_grad, y.is_leaf]


@case
def detach_view_(lib):
    _x, y = base(lib)
    y[0].detach_()
    return [y.requires_grad, y.is_leaf]


@case
def detach_base_then_view(lib):
    _x, y = base(lib)
    v = y[0]
    y.detach_()
    return [v.requires_grad, y.requires_grad]


@case
def detach_base_then_view2(lib):
    _x, y = base(lib)
    v = y[0]
    y.detach_()
    v.mul_(2)
    return [v.requires_grad, y.requires_grad, y]


@case
def detach_base_then_view3(lib):
    x, y = base(lib)
    v = y[0]
    y.detach_()
    v.sum().backward()
    return [x.grad]


@case
def reqgrad_view(lib):
    b = lib.zeros(2, 2)
    v = b[0]
    v.requires_grad_()
    return [v.is_leaf, b.requires_grad, v.requires_grad]


@case
def reqgrad_view2(lib):
    b = lib.zeros(2, 2)
    v = b[0]
    v.requires_grad_()
    (v * 2).sum().backward()
    return [v.grad, b.requires_grad]


@case
def reqgrad_view3(lib):
    b = lib.zeros(2, 2)
    v = b[0]
    v.requires_grad_()
    b.mul_(2)
    return [v.requires_grad, b.requires_grad]


@case
def reqgrad_view4(lib):
    b = lib.zeros(2, 2)
    v = b[0]
    v.requires_grad_()
    v.mul_(2)
    return [v.requires_grad, b.requires_grad]


@case
def reqgrad_base_after_view2(lib):
    b = lib.zeros(2, 2)
    v = b[0]
    b.requires_grad_()
    v.mul_(2)
    return [v.requires_grad, b]


@case
def reqgrad_false_view(lib):
    _x, y = base(lib)
    v = y[0]
    v.requires_grad_(False)
    return [v.requires_grad]


@case
def expand_base_write(lib):
    x, y = base(lib)
    e = y[:, :1].expand(2, 3)
    y.mul_(3)
    e.sum().backward()
    return [x.grad, e]


@case
def fortran_view(lib):
    x = lib.arange(6.0).reshape(2, 3).requires_grad_()
    y = x.t() * 1
    v = y.t().view(-1)
    v[2:].mul_(5)
    (y * y).sum().backward()
    return [x.grad, y]


@case
def from_np_fortran(lib):
    x = lib.ones(3, 2, requires_grad=True)
    y = lib.from_numpy(np.asfortranarray(np.ones((3, 2), np.float32)))
    v = y.t().view(-1)
    y.mul_(x)
    v[1:4].mul_(3.0)
    (y * y).sum().backward()
    return [x.grad, y]


@case
def int_inplace_float(lib):
    a = lib.tensor([1, 2])
    a.mul_(0.5)
    return [a]


@case
def int_float_t(lib):
    a = lib.tensor([1, 2])
    a.mul_(lib.tensor([0.5, 0.5]))
    return [a]


@case
def bool_mul_int(lib):
    a = lib.tensor([True, False])
    a.mul_(lib.tensor([1, 2]))
    return [a]


@case
def i32_add_i64(lib):
    a = lib.tensor([1, 2], dtype=lib.int32)
    a.add_(lib.tensor([1, 2]))
    return [a, str(a.dtype)[-5:]]


@case
def u8_add_i64(lib):
    a = lib.tensor([1, 2], dtype=lib.uint8)
    a.add_(lib.tensor([1, -2]))
    return [a, str(a.dtype)[-5:]]


@case
def f16_add_f64(lib):
    a = lib.tensor([1.0, 2.0], dtype=lib.float16)
    a.add_(lib.tensor([1.0, 2.0], dtype=lib.float64))
    return [a, str(a.dtype)[-5:]]


@case
def lt_(lib):
    a = lib.tensor([1.0, 2.0])
    a.lt_(1.5)
    return [a]


@case
def inplace_hook(lib):
    x, y = base(lib)
    y.register_hook(lambda g: g * 10)
    y.mul_(2)
    y.sum().backward()
    return [x.grad]


@case
def inplace_hook_retain(lib):
    x, y = base(lib)
    y.retain_grad()
    y.mul_(2)
    (y * 3).sum().backward()
    return [x.grad, y.grad]


@case
def inplace_nested_leaf(lib):
    x = lib.ones(2, requires_grad=True)
    y = lib.ones(2)
    y.copy_(x)
    y.backward(lib.ones(2))
    return [x.grad]


@case
def fill_leaf(lib):
    x = lib.ones(2, requires_grad=True)
    x.fill_(2)
    return [x]


@case
def zero_leaf_data(lib):
    x = lib.ones(2, requires_grad=True)
    x.data.zero_()
    return [x]


@case
def copy_shape(lib):
    x = lib.ones(2, 3)
    x.copy_(lib.ones(2))
    return [x]


@case
def copy_shape2(lib):
    x = lib.ones(3)
    x.copy_(lib.ones(1, 3))
    return [x]


@case
def set_shape2(lib):
    x = lib.ones(3)
    x[:] = lib.ones(1, 1, 3)
    return [x]


@case
def set_idx_shape2(lib):
    x = lib.zeros(3)
    x[lib.tensor([0, 1])] = lib.ones(1, 1, 2)
    return [x]


@case
def set_mask_shape2(lib):
    x = lib.zeros(3)
    x[lib.tensor([True, False, True])] = lib.ones(1, 1, 2)
    return [x]


@case
def data_set(lib):
    x = lib.ones(3, requires_grad=True)
    x.data = lib.zeros(3)
    return [x, x.requires_grad]


@case
def data_set2(lib):
    x = lib.ones(3, requires_grad=True)
    y = x * 2
    y.data = lib.zeros(3)
    return [y, y.requires_grad]


@case
def data_set_shape(lib):
    x = lib.ones(3, requires_grad=True)
    x.data = lib.zeros(2)
    return [x]


@case
def inplace_on_0d(lib):
    x = lib.ones((), requires_grad=True)
    y = x * 2
    y.mul_(3)
    y[...] = y * 2
    y.backward()
    return [x.grad, y]


@case
def saved_then_idx(lib):
    x, y = base(lib)
    z = y.exp()
    z[0, 0] = 0.0
    z.sum().backward()
    return [x.grad]


@case
def set_none(lib):
    x, y = base(lib)
    y[None, 0] = 5.0
    y.sum().backward()
    return [x.grad, y]


@case
def set_true(lib):
    x, y = base(lib)
    y[True] = 5.0
    y.sum().backward()
    return [x.grad, y]


@case
def set_false(lib):
    x, y = base(lib)
    y[False] = 5.0
    y.sum().backward()
    return [x.grad, y]


@case
def set_dup(lib):
    x = lib.zeros(3, requires_grad=True)
    v = lib.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y[lib.tensor([0, 0, 1])] = v
    y.sum().backward()
    return [x.grad, v.grad, y]


@case
def iadd_dup(lib):
    x = lib.zeros(3, requires_grad=True)
    v = lib.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y[lib.tensor([0, 0, 1])] += v
    y.sum().backward()
    return [x.grad, v.grad, y]


@case
def inplace_err_unmodified(lib):
    y = lib.zeros(3)
    with contextlib.suppress(RuntimeError):
        y.add_(lib.zeros(2))
    return [y._version]


@case
def unbind_write(lib):
    _x, y = base(lib)
    y.unbind()[0].mul_(2)
    return [y]


@case
def split_write(lib):
    _x, y = base(lib)
    y.split(1)[0][0].mul_(2)
    return [y]


@case
def chunk_write_of_what_gets_a_gradient(lib):
    x, y = base(lib)
    y = y.detach()
    y.chunk(2)[0].mul_(x[0])
    return [y]


@case
def iteration_write_without_gradient(lib):
    y = lib.zeros(2, 2)
    for row in y:
        row += 1
    return [y]


@case
def unbind_write_without_recording(lib):
    _x, y = base(lib)
    rows = y.unbind()
    with lib.no_grad():
        rows[0].mul_(2)
    return [y]


@case
def tensor_split_write(lib):
    x, y = base(lib)
    y.tensor_split(2)[0].mul_(2)
    y.sum().backward()
    return [x.grad, y]


@case
def transposed_in_place(lib):
    x = lib.arange(6.0).reshape(2, 3).requires_grad_()
    y = x * 1
    v = y[0]
    y.t_()
    y.mul_(lib.arange(6.0).reshape(3, 2))
    (v * v).sum().backward()
    return [x.grad, y, v]


@case
def view_transposed_in_place(lib):
    x = lib.arange(6.0).reshape(2, 3).requires_grad_()
    y = x * 1
    v = y[:, 1:]
    v.t_()
    v.mul_(lib.arange(4.0).reshape(2, 2))
    (y * y).sum().backward()
    return [x.grad, y, v]


@case
def unsqueezed_in_place(lib):
    x, y = base(lib)
    v = y[1]
    y.unsqueeze_(0)
    v.mul_(3)
    y.sum().backward()
    return [x.grad, y]


@case
def strided_write(lib):
    x = lib.arange(6.0).requires_grad_()
    y = x * 1
    y.as_strided((2, 2), (3, 1), 1).mul_(5)
    (y * y).sum().backward()
    return [x.grad, y]


@case
def strided_of_a_view(lib):
    x = lib.arange(8.0).requires_grad_()
    y = x * 1
    v = y.reshape(2, 4).t()[1:].as_strided((2, 2), (2, 1), 3)
    y.mul_(x)
    (v * v).sum().backward()
    return [x.grad, v]


@case
def windows_after_a_write(lib):
    x = lib.arange(6.0).requires_grad_()
    y = x * 1
    v = y.unfold(0, 3, 1)
    y[2] = 7.0
    (v * v).sum().backward()
    return [x.grad, v]


@case
def windows_apart_write(lib):
    x = lib.arange(6.0).requires_grad_()
    y = x * 1
    y.unfold(0, 2, 3).mul_(5)
    (y * y).sum().backward()
    return [x.grad, y]


@case
def names(lib):
    """Of the nodes that reads and writes by index leave."""
    x, y = base(lib)
    reads = [x[0], x[0:1], x[0, 0], x[:, 0], x[lib.tensor([0])], x[x > 0], x[0, 1:]]
    found = [name(lib, t) for t in reads]
    y[lib.tensor([0])] = 1.0
    found.append(name(lib, y))
    v = y[0]
    v.mul_(2)
    return [*found, name(lib, y), name(lib, v)]


def name(lib, t):
    return t.grad_fn.name().rpartition("::")[2]


@pytest.mark.parametrize("program", CASES, ids=lambda f: f.__name__)
def test_the_outcome_is_pytorchs(program, agree):
    agree(program)
