"""In-place writes, to tensors and to views of them, under dlframe and under PyTorch."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

CASES = []


def case(program):
    CASES.append(program)
    return program


@case
def stale_view_gains_grad(lib):
    w = lib.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = lib.ones(3)
    v = b[:2]
    b.mul_(w)
    out = (v * 2 + 1).sum() + 0 * w.sum()
    out.backward()
    return [w.grad, v.requires_grad]


@case
def stale_view_via_sibling(lib):
    w = lib.tensor([1.0, 2.0], requires_grad=True)
    b = lib.ones(3)
    v = b[:2]
    u = b[1:]
    u.copy_(w)
    (v * 3).sum().backward()
    return [w.grad, v, b]


@case
def view_of_view(lib):
    x = lib.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    a = y.t()
    b = a[0]
    b.mul_(5)
    c = a[1]
    c.add_(b)
    (y * y).sum().backward()
    return [x.grad, y]


@case
def expand_inplace(lib):
    x = lib.tensor([1.0], requires_grad=True)
    y = (x * 2).expand(3)
    y.add_(1)
    return [y]


@case
def broadcast_result_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = lib.zeros(3, 2)
    y.add_(x)
    y.mul_(x)
    y.sum().backward()
    return [x.grad]


@case
def setitem_broadcast(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    z = lib.tensor(3.0, requires_grad=True)
    y = lib.zeros(4, 2) + z
    y[1:3] = x
    y[0] = z * 2
    y[:, 1] = x[0]
    (y * y).sum().backward()
    return [x.grad, z.grad]


@case
def setitem_mask(lib):
    x = lib.tensor([1.0, -2.0, 3.0], requires_grad=True)
    y = x * 1
    y[y < 0] = x[0] * 2
    (y**2).sum().backward()
    return [x.grad]


@case
def setitem_index_dup(lib):
    x = lib.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = lib.zeros(4)
    y[lib.tensor([0, 2, 3])] = x
    (y * lib.arange(4.0)).sum().backward()
    return [x.grad]


@case
def setitem_lead1(lib):
    x = lib.ones(1, 2, requires_grad=True)
    y = lib.zeros(2) + 0
    y[:] = x
    y.sum().backward()
    return [x.grad]


@case
def setitem_view_of_self(lib):
    x = lib.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = x * 1
    y[:2] = y[2:]
    (y * lib.tensor([1.0, 10.0, 100.0, 1000.0])).sum().backward()
    return [x.grad, y]


@case
def setitem_overlap(lib):
    y = lib.tensor([1.0, 2.0, 3.0, 4.0])
    y[1:] = y[:-1] * 1
    return [y]


@case
def select_inplace_rnn(lib):
    w = lib.tensor(2.0, requires_grad=True)
    h = lib.ones(2)
    out = lib.zeros(3, 2)
    for t in range(3):
        h = h * w
        out[t] = h
    out.sum().backward()
    return [w.grad, out]


@case
def inplace_sigmoid(lib):
    x = lib.tensor([-1.0, 2.0], requires_grad=True)
    y = x * 3
    y.sigmoid_()
    y.sum().backward()
    return [x.grad]


@case
def inplace_kept_sin(lib):
    x = lib.tensor([-1.0, 2.0], requires_grad=True)
    y = x * 1
    y.sin_()
    y.sum().backward()
    return [x.grad]


@case
def inplace_pow(lib):
    x = lib.tensor([-1.0, 2.0], requires_grad=True)
    y = x * 1
    y.pow_(2)
    y.sum().backward()
    return [x.grad]


@case
def inplace_div_by_self(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    y.div_(x)
    y.sum().backward()
    return [x.grad]


@case
def inplace_mul_kept_other(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    z = x * 2
    z.mul_(y)
    y.add_(1)
    z.sum().backward()
    return [x.grad]


@case
def inplace_mixed_dtype(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = lib.tensor([1.0, 2.0], dtype=lib.float64, requires_grad=True)
    z = x * 1
    z.add_(y)
    z.mul_(y)
    z.sum().backward()
    return [x.grad, y.grad, z.dtype == lib.float32, str(y.grad.dtype)[-7:]]


@case
def inplace_nograd_then_use(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    with lib.no_grad():
        y.mul_(5)
    (y * 3).sum().backward()
    return [x.grad, y.requires_grad]


@case
def copy_into_leaf_buffer(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    b = lib.zeros(2, 2)
    b.copy_(x)
    (b * lib.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    return [x.grad]


@case
def zero_then_use(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    y.zero_()
    (y + x).sum().backward()
    return [x.grad, y.requires_grad]


@case
def fill_view(lib):
    x = lib.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    y.t()[0].fill_(9.0)
    (y * y).sum().backward()
    return [x.grad]


@case
def fill_with_grad_value(lib):
    w = lib.tensor(3.0, requires_grad=True)
    y = lib.zeros(3)
    y.fill_(w)
    y.sum().backward()
    return [w.grad]


@case
def masked_fill_inplace_view(lib):
    x = lib.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    y[0].masked_fill_(lib.tensor([True, False]), 0.0)
    (y * y).sum().backward()
    return [x.grad]


@case
def diag_view_inplace(lib):
    x = lib.ones(3, 3, requires_grad=True)
    y = x * 1
    y.diagonal().mul_(5)
    (y * y).sum().backward()
    return [x.grad]


@case
def transposed_setitem(lib):
    x = lib.ones(2, 3, requires_grad=True)
    y = x * 1
    y.t()[1] = lib.tensor([5.0, 6.0])
    (y * y).sum().backward()
    return [x.grad, y]


@case
def chained_index_assign(lib):
    x = lib.ones(2, 3, requires_grad=True)
    w = lib.tensor(2.0, requires_grad=True)
    y = x * 1
    y[0][1] = w
    y[1][:2] = w * 3
    (y * y).sum().backward()
    return [x.grad, w.grad]


@case
def inplace_on_view_with_kept(lib):
    x = lib.ones(4, requires_grad=True)
    y = x * 2
    v = y[:2]
    z = (v * v).sum()
    y[1] = 1.0  # y[3] would change nothing that was kept: only PyTorch refuses then
    z.backward()
    return [x.grad]


@case
def aug_index(lib):
    x = lib.ones(4, requires_grad=True)
    y = x * 2
    y[1] += 5
    y[2] *= 3
    (y * y).sum().backward()
    return [x.grad, y]


@case
def aug_index_leaf_nograd(lib):
    x = lib.ones(4, requires_grad=True)
    with lib.no_grad():
        x[1] += 5
    return [x]


@case
def squeeze_views(lib):
    x = lib.ones(1, 3, requires_grad=True)
    y = x * 2
    s = y.squeeze(0)
    s[0] = 0.0
    u = y.unsqueeze(0)
    u.mul_(2)
    (s * s).sum().backward()
    return [x.grad, s]


@case
def clone_of_view(lib):
    x = lib.ones(3, requires_grad=True)
    y = x * 1
    c = y[:2].clone()
    c.mul_(4)
    (c.sum() + y.sum()).backward()
    return [x.grad]


@case
def contiguous_self(lib):
    x = lib.ones(2, 2, requires_grad=True)
    y = x * 1
    c = y.contiguous()
    c.mul_(2)
    y.sum().backward()
    return [x.grad]


@case
def reshape_copy_not_view(lib):
    x = lib.ones(2, 3, requires_grad=True)
    y = x * 1
    r = y.t().reshape(6)
    r.mul_(5)
    (y.sum() + r.sum()).backward()
    return [x.grad, y]


@case
def index_by_tensor_copy(lib):
    x = lib.ones(3, requires_grad=True)
    y = x * 1
    r = y[lib.tensor([0, 1])]
    r.mul_(5)
    (y.sum() + r.sum()).backward()
    return [x.grad, y]


@case
def add_out_of_place_then_base_changed(lib):
    x = lib.ones(3, requires_grad=True)
    y = x * 1
    z = y + 1
    y.mul_(7)
    (z.sum() + y.sum()).backward()
    return [x.grad]


@case
def grad_none_for_int_branch(lib):
    x = lib.tensor([1.5, 2.5], requires_grad=True)
    y = x.long()
    return [y.requires_grad]


@case
def lerp_inplace(lib):
    x = lib.tensor([1.0, 2.0], requires_grad=True)
    a = lib.zeros(2)
    a.lerp_(x, 0.25)
    a.sum().backward()
    return [x.grad, a]


@case
def float_into_int_view(lib):
    a = lib.zeros(3, dtype=lib.int64)
    a[0] = 2.7
    return [a]


@case
def float_tensor_into_int(lib):
    a = lib.zeros(3, dtype=lib.int64)
    a[0] = lib.tensor(2.7)
    a.copy_(lib.tensor([1.9, -1.9, 0.0]))
    return [a]


@case
def bool_add_(lib):
    a = lib.tensor([True, False])
    a.add_(1)
    return [a]


@case
def int_div_(lib):
    a = lib.tensor([1, 2])
    a.div_(2)
    return [a]


@case
def float_iadd_int(lib):
    a = lib.tensor([1.0, 2.0])
    a += lib.tensor([1, 2])
    a //= 2
    a %= 2
    return [a]


@case
def int_inplace_ops(lib):
    a = lib.tensor([5, 6])
    b = a
    a &= 3
    a |= 8
    a ^= 1
    a <<= 2
    a >>= 1
    return [a, b]


@case
def uint8_add_(lib):
    a = lib.tensor([250, 6], dtype=lib.uint8)
    a.add_(10)
    return [a]


@case
def iadd_scalar_tensor_item(lib):
    x = lib.tensor(1.0, requires_grad=True)
    t = lib.zeros(())
    t += x
    t += x * 2
    t.backward()
    return [x.grad]


@case
def setitem_ellipsis_none(lib):
    x = lib.ones(2, requires_grad=True)
    b = lib.zeros(2, 2)
    b[..., 0] = x
    b[None][0, 1, 1] = x[0] * 4
    b.sum().backward()
    return [x.grad, b]


@case
def setitem_bool_rows(lib):
    x = lib.ones(3, requires_grad=True)
    b = lib.zeros(2, 3)
    b[lib.tensor([False, True])] = x
    (b * 2).sum().backward()
    return [x.grad]


@case
def setitem_mixed(lib):
    x = lib.ones(2, requires_grad=True)
    b = lib.zeros(3, 4)
    b[[0, 2], 1:3] = x
    (b * lib.arange(12.0).reshape(3, 4)).sum().backward()
    return [x.grad, b]


@case
def where_inplace_cond(lib):
    x = lib.tensor([1.0, -1.0], requires_grad=True)
    c = x > 0
    y = lib.where(c, x * 2, x * 3)
    c.fill_(True) if lib is not None else 0
    y.sum().backward()
    return [x.grad]


@case
def max_then_mutate(lib):
    x = lib.tensor([1.0, 3.0, 2.0], requires_grad=True)
    y = x * 1
    m = y.max()
    y.add_(10.0)
    m.backward()
    return [x.grad]


@case
def mm_then_mutate(lib):
    x = lib.ones(2, 2, requires_grad=True)
    y = x * 1
    w = lib.ones(2, 2)
    z = y @ w
    w.add_(1.0)
    z.sum().backward()
    return [x.grad]


@case
def weight_updated_between(lib):
    w = lib.ones(2, 2, requires_grad=True)
    x = lib.ones(1, 2)
    z = (x @ w) @ w
    with lib.no_grad():
        w -= 0.1
    z.sum().backward()
    return [w.grad]


@pytest.mark.parametrize("program", CASES, ids=lambda f: f.__name__)
def test_the_outcome_is_pytorchs(program, agree):
    agree(program)
