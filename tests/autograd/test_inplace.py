"""In-place operations: right gradients through bases and views, or an error, never a lie."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import dlframe as dl
from dlframe.autograd import inplace
from dlframe.errors import DTypeError, GradientError, ShapeError
from dlframe.tensor.functions import (
    activation,
    arithmetic,
    clamping,
    comparison,
    exponential,
    special,
    steps,
    trigonometric,
)


def leaf(*values):
    return dl.tensor(values, dtype=dl.float64, requires_grad=True)


def test_a_value_that_was_kept_and_then_changed_raises_with_its_name():
    x = leaf(1.0, 2.0)
    y = x * 1.0
    z = (y * y).sum()
    y.add_(1)
    message = r"multiply.*'[xy]'.*\[2\].*inplace operation \(add_\).*clone"
    with pytest.raises(GradientError, match=message):
        z.backward()


def test_a_write_spares_what_its_own_rule_needs():
    x = leaf(1.0, 2.0)
    y = x * 1.0
    y.sin_().mul_(y).addcmul_(y, x, value=3)
    # y = s + 3 s x for s = sin² x
    s, d = np.sin(x.array) ** 2, 2 * np.sin(x.array) * np.cos(x.array)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.array, d * (1 + 3 * x.array) + 3 * s)


def test_a_write_can_be_differentiated_twice():
    x = leaf(1.0, 2.0)
    y = x * x
    y[0].mul_(x[1])  # (x₀² x₁, x₁²)
    (g,) = dl.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [4.0, 5.0]
    (h,) = dl.autograd.grad(g.sum(), x)
    assert h.tolist() == [6.0, 4.0]


def test_changing_the_kept_result_raises():
    x = leaf(1.0)
    y = x.exp()
    y.mul_(2)
    with pytest.raises(GradientError, match="'out'"):
        y.sum().backward()


def test_changing_a_view_of_what_was_kept_raises():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1.0
    z = (y * y).sum()
    y[0].zero_()
    with pytest.raises(GradientError, match="inplace"):
        z.backward()


def test_changing_a_kept_constant_through_numpy_marks_raises():
    w = dl.ones(2, dtype=dl.float64)
    x = leaf(1.0, 2.0)
    z = (x * w).sum()
    w.array += 1
    dl.autograd.mark_mutated(w.array, "a test")
    with pytest.raises(GradientError, match="a test"):
        z.backward()


def test_what_was_changed_before_it_was_kept_is_fine():
    w = dl.ones(2, dtype=dl.float64)
    w += 1
    x = leaf(1.0, 2.0)
    (x * w).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_what_no_rule_keeps_may_change():
    x = leaf(1.0, 2.0)
    y = x + 1.0
    z = (y + 1.0).sum()
    y.zero_()
    z.backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_the_version_counts_writes_to_the_memory():
    x = dl.zeros(3)
    assert x._version == 0
    x[0] = 1
    x[1:].fill_(2)
    assert x._version == x.detach()._version == 2


class TestLeaves:
    def test_cannot_be_written_to_while_recording(self):
        for write in (
            lambda x: x.add_(1),
            lambda x: x.__setitem__(0, 1.0),
            lambda x: x.__iadd__(1),
        ):
            with pytest.raises(GradientError, match="a leaf Variable that requires grad"):
                write(leaf(1.0))

    def test_views_of_leaves_neither(self):
        with pytest.raises(GradientError, match="a view of a leaf"):
            leaf(1.0, 2.0)[0].zero_()

    def test_nothing_is_written_when_it_raises(self):
        x = leaf(1.0)
        with pytest.raises(GradientError):
            x.add_(1)
        assert x.tolist() == [1.0]

    def test_can_be_written_to_under_no_grad(self):
        x = leaf(1.0)
        with dl.no_grad():
            x -= 0.5
            x[0] *= 2
        assert x.tolist() == [1.0]
        assert x.requires_grad
        assert x.is_leaf


class TestGradients:
    def test_of_an_in_place_chain(self):
        x = leaf(1.0, 2.0)
        y = x * 2.0
        y.add_(1).mul_(3)
        y.sum().backward()
        assert x.grad.tolist() == [6.0, 6.0]

    def test_of_an_assignment_into_a_buffer(self):
        x = leaf(2.0)
        buffer = dl.zeros(3, dtype=dl.float64)
        buffer[1] = x[0] * 3
        (buffer * dl.tensor([1.0, 10.0, 100.0], dtype=dl.float64)).sum().backward()
        assert x.grad.tolist() == [30.0]

    def test_what_was_overwritten_gets_none(self):
        x = leaf(1.0, 2.0, 3.0)
        y = x * 1.0
        y[1] = 7.0
        (y * 2.0).sum().backward()
        assert x.grad.tolist() == [2.0, 0.0, 2.0]

    def test_a_mask(self):
        x, v = leaf(1.0, -2.0, 3.0), leaf(5.0)
        y = x * 2.0
        y[y < 0] = v
        y.sum().backward()
        assert x.grad.tolist() == [2.0, 0.0, 2.0]
        assert v.grad.tolist() == [1.0]

    def test_writing_to_a_view_changes_its_base(self):
        x = leaf(1.0, 2.0, 3.0)
        base = x * 1.0
        view = base[1:]
        view.mul_(10)
        assert base.tolist() == [1.0, 20.0, 30.0]
        base.sum().backward()
        assert x.grad.tolist() == [1.0, 10.0, 10.0]

    def test_writing_to_the_base_changes_its_views(self):
        x = leaf(1.0, 2.0, 3.0)
        base = x * 1.0
        view = base[1:]
        base.mul_(10)
        assert view.tolist() == [20.0, 30.0]
        view.sum().backward()
        assert x.grad.tolist() == [0.0, 10.0, 10.0]

    def test_writing_to_one_view_changes_another(self):
        x = leaf(1.0, 2.0, 3.0)
        base = x * 1.0
        first, all_of_it = base[0], base.reshape(3, 1)
        first.mul_(5)
        all_of_it.sum().backward()
        assert x.grad.tolist() == [5.0, 1.0, 1.0]

    def test_a_view_of_a_view(self):
        x = leaf(*range(6))
        base = x * 1.0
        base.reshape(2, 3)[1][2].mul_(7)
        base.sum().backward()
        assert x.grad.tolist() == [1.0, 1.0, 1.0, 1.0, 1.0, 7.0]

    def test_a_buffer_that_did_not_require_grad_does_after_a_view_was_written(self):
        x = leaf(2.0)
        buffer = dl.zeros(2, 2, dtype=dl.float64)
        buffer[0].copy_(x * 3.0)
        assert buffer.requires_grad
        buffer.sum().backward()
        assert x.grad.tolist() == [6.0]

    def test_a_view_learns_at_once_that_its_base_got_a_gradient(self):
        x = leaf(2.0, 3.0)
        buffer = dl.ones(3, dtype=dl.float64)
        view, other = buffer[:2], buffer[1:]
        other.mul_(x)
        assert view.requires_grad
        (view * 10.0).sum().backward()
        assert x.grad.tolist() == [10.0, 0.0]

    def test_a_constant_over_everything_leaves_a_gradient_of_zero(self):
        x = leaf(1.0, 2.0)
        y = x * 2.0
        y.zero_()
        assert y.requires_grad
        y.sum().backward()
        assert x.grad.tolist() == [0.0, 0.0]

    def test_has_the_dtype_of_each_operand(self):
        x, y = dl.ones(2, requires_grad=True), leaf(2.0, 3.0)
        z = x * 1.0
        z.add_(y).mul_(y)
        z.sum().backward()
        assert (z.dtype, x.grad.dtype, y.grad.dtype) == (dl.float32, dl.float32, dl.float64)
        assert y.grad.tolist() == [5.0, 7.0]

    def test_retained_follows_the_tensor_to_its_new_value(self):
        x = leaf(1.0, 2.0)
        base = x * 2.0
        view = base[:1]
        base.retain_grad()
        view.retain_grad()
        base.mul_(3)
        (view * 5.0).sum().backward()
        assert base.retains_grad
        assert view.retains_grad
        assert base.grad.tolist() == [5.0, 0.0]
        assert view.grad.tolist() == [5.0]

    def test_second_order_through_an_assignment(self):
        x = leaf(2.0, 3.0)
        y = x * 1.0
        y[0] = (x[1] * x[1]).reshape(())
        (g,) = dl.autograd.grad((y * y).sum(), x, create_graph=True)
        # y = (b², b), so L = b⁴ + b² and dL/db = 4 b³ + 2 b
        assert g.tolist() == pytest.approx([0.0, 4 * 27 + 6])
        (h,) = dl.autograd.grad(g.sum(), x)
        assert h.tolist() == pytest.approx([0.0, 12 * 9 + 2])


class TestViewsInMemory:
    """What a view shows is a question of memory, not of the calls that made it."""

    def test_a_view_through_another_order_of_the_elements(self):
        x = dl.arange(6.0).reshape(2, 3).requires_grad_()
        y = x.t() * 1  # NumPy keeps the order of x
        y.t().view(-1)[2:].mul_(5)
        (y * y).sum().backward()
        assert x.grad.tolist() == [[0.0, 2.0, 100.0], [150.0, 200.0, 250.0]]

    def test_a_base_with_gaps(self):
        x = leaf(1.0, 2.0)
        base = dl.from_numpy(np.ones((4, 6))[::2, ::3])
        view = base[1]
        base.mul_(x)
        view.mul_(3)
        (base * base).sum().backward()
        assert x.grad.tolist() == [20.0, 40.0]

    def test_windows_that_share_elements(self):
        x = leaf(1.0, 2.0, 3.0, 4.0)
        y = x * 1
        windows = dl.ops.take_at(y, index=...)
        windows.array = np.lib.stride_tricks.as_strided(y.array, (3, 2), (8, 8))
        y.mul_(2)
        windows.sum().backward()
        assert x.grad.tolist() == [2.0, 4.0, 4.0, 2.0]
        with pytest.raises(RuntimeError, match="single memory location"):
            windows.mul_(2)

    def test_a_view_keeps_its_graph_when_its_base_is_detached(self):
        x = leaf(1.0, 2.0)
        y = x * 3
        view = y[0]
        y.detach_()
        view.backward()
        assert x.grad.tolist() == [3.0, 0.0]
        with pytest.raises(GradientError, match="a view of a leaf"):
            view.mul_(2)

    def test_a_view_made_without_recording_cannot_be_written_to_while_recording(self):
        y = leaf(1.0, 2.0) * 1
        with dl.no_grad():
            view = y[0]
            view.mul_(2)
        with pytest.raises(GradientError, match="created in no_grad mode"):
            view.mul_(2)
        assert y.tolist() == [2.0, 2.0]


class TestWhatRulesKeep:
    def test_of_an_index(self):
        x, rows, columns = leaf(1.0, 2.0), dl.tensor([0]), dl.tensor([1])
        y = x.reshape(1, 2)[rows, columns]
        columns.zero_()
        with pytest.raises(GradientError, match=r"'index'.*inplace operation \(zero_\)|copy_"):
            y.backward()

    def test_of_any_number_of_inputs(self):
        x = leaf(1.0, 2.0)
        y, z = x * 1, x * 2
        out = dl.ops.einsum("i,i->", y, z)
        y.zero_()
        with pytest.raises(GradientError, match="inplace operation"):
            out.backward()


class TestErrors:
    def test_the_shape_cannot_change(self):
        with pytest.raises(ShapeError, match="doesn't match the broadcast shape"):
            dl.ones(2).add_(dl.ones(3, 2))

    def test_nor_do_leading_dimensions_of_size_1_fit(self):
        with pytest.raises(ShapeError, match="doesn't match the broadcast shape"):
            dl.ones(2).add_(dl.ones(1, 2))

    def test_an_expanded_tensor_has_no_memory_of_its_own(self):
        with pytest.raises(RuntimeError, match=r"single memory location.*clone"):
            dl.ones(1).expand(3).add_(1)
        with pytest.raises(RuntimeError, match=r"single memory location.*clone"):
            dl.ones(1).expand(3)[0] = 1.0

    def test_floats_do_not_go_into_integers(self):
        with pytest.raises(DTypeError, match="can't be cast"):
            dl.tensor([1, 2]).add_(0.5)

    def test_integers_of_any_width_take_integers(self):
        assert dl.tensor([1, 2], dtype=dl.uint8).add_(dl.tensor([1, -2])).tolist() == [2, 0]
        with pytest.raises(DTypeError, match="can't be cast"):
            dl.tensor([True]).add_(dl.tensor([1]))

    def test_a_value_that_does_not_fit_the_region(self):
        x = dl.zeros(3)
        with pytest.raises(ShapeError, match=r"\[2\].*\[3\]"):
            x[:] = dl.ones(2)
        assert not x.array.any()


def test_every_augmented_assignment_writes_to_the_memory():
    x = dl.tensor([13, 6])
    alias = x
    x += 4
    x -= 1
    x *= 3
    x //= 2
    x %= 16
    x &= 12
    x |= 1
    x ^= 4
    x <<= 2
    x >>= 1
    assert x is alias
    assert x.tolist() == [2 * (((n * 3 // 2 % 16) & 12 | 1) ^ 4) for n in (16, 9)]


def test_numpy_shares_memory():
    x = dl.zeros(2)
    x.numpy()[0] = 5
    assert x.tolist() == [5.0, 0.0]
    a = np.zeros(2)
    dl.from_numpy(a).add_(1)
    assert a.tolist() == [1.0, 1.0]


# --- written at once ---------------------------------------------------------------------------

FAMILIES = (
    activation,
    arithmetic,
    clamping,
    comparison,
    exponential,
    special,
    steps,
    trigonometric,
)
OPTIONS = {
    "add_": [("y",), ("y", {"alpha": 0.3}), (0.5, {"alpha": 2}), ({"other": "y"},)],
    "sub_": [("y",), (0.5,), ("y", {"alpha": 2})],
    "clamp_": [(-0.5, {"max": 0.5}), (1.0, -1.0), ("y",), ({"max": "y"},), ()],
    "clamp_min_": [("y",), (0.1,), ({"min": 0.1},)],
    "clamp_max_": [("y",), (0.1,)],
    "div_": [("y",), (3.0,), ("y", {"rounding_mode": "floor"})],
    "round_": [(), ({"decimals": 1},)],
}
SPECIAL = [math.nan, math.inf, -math.inf, -0.0, 0.0, 0.3, -0.7, 1.5, -2.5, 1e-6, 100.0, 2.0]
DTYPES = [dl.float32, dl.float64, dl.float16, dl.int64, dl.uint8, dl.bool]


def writers():
    """The in-place forms that can leave the work to a ufunc, with the calls to compare."""
    for family in FAMILIES:
        for name, form in vars(family).items():
            if hasattr(form, "__wrapped__") and name == form.__name__:  # and no second name
                into = inspect.getclosurevars(form).nonlocals["into"]
                if into is not None:
                    rows = OPTIONS.get(name) or ([()] if into.nin == 1 else [("y",), (0.5,)])
                    yield from (pytest.param(form, row, id=f"{name}{row}") for row in rows)


WRITERS = list(writers())


def outcome(form, row, dtype):
    """What a call leaves in the memory of its argument, or the error that it raises."""
    values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] if dtype.kind in "iu" else SPECIAL
    x = dl.tensor(values).to(dtype).reshape(3, 4).t()
    y = x.flip(0).contiguous()
    places = [y if a == "y" else a for a in row if not isinstance(a, dict)]
    names = {k: y if a == "y" else a for a in row if isinstance(a, dict) for k, a in a.items()}
    memory, version = x.array, x._version
    try:
        assert form(x, *places, **names) is x
    except (RuntimeError, TypeError, ValueError) as error:
        return type(error), str(error)
    assert x.array is memory
    assert x._version == version + 1
    return x.dtype, x.array.copy()


@pytest.mark.parametrize(("form", "row"), WRITERS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_without_a_graph_the_same_bits_come_into_the_same_memory(form, row, dtype):
    at_once = outcome(form, row, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inplace, "_written_at_once", lambda *args: False)
        by_a_result = outcome(form, row, dtype)
    assert at_once[0] == by_a_result[0]
    np.testing.assert_array_equal(at_once[1], by_a_result[1])
    if isinstance(at_once[0], np.dtype) and dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(at_once[1]), np.signbit(by_a_result[1]))


def test_the_functions_that_are_one_ufunc_write_at_once():
    found = {row.values[0].__name__ for row in WRITERS}
    assert found >= {"exp_", "add_", "mul_", "asinh_", "floor_", "eq_", "gcd_", "atan2_", "clamp_"}
    assert not found & {"erf_", "sigmoid_", "xlogy_", "nan_to_num_"}


def test_operands_that_overlap_are_read_before_they_are_written():
    x = dl.arange(5.0)
    x[1:].add_(x[:-1])
    assert x.tolist() == [0, 1, 3, 5, 7]
    x = dl.arange(4.0).reshape(2, 2)
    x.mul_(x.t()).sub_(x)
    assert x.tolist() == [[0, 0], [0, 0]]


def test_what_numpy_alone_would_take_is_refused():
    x = dl.ones(2)
    with pytest.raises(TypeError):
        x.add_(1.0, where=np.array([True, False]))
    with pytest.raises(TypeError):
        x.exp_(1.0)
    with pytest.raises(ShapeError):
        x.add_(dl.ones(3, 2))
    with pytest.raises(RuntimeError):
        x.clamp_()
    assert x.tolist() == [1, 1]


# --- writes to other parts of the memory -------------------------------------------------------


class Assign(dl.autograd.Function):
    """Writes a value into a column of a scratch tensor, as solvers of differential equations do."""

    @staticmethod
    def forward(ctx, scratch, value, index):
        ctx.index = index
        scratch.data[index] = value
        return scratch

    @staticmethod
    def backward(ctx, g):
        return g, g[ctx.index], None


def test_columns_written_later_do_not_change_those_that_were_kept():
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    w = dl.tensor([0.5, 0.25, 0.125])
    k = Assign.apply(dl.zeros(2, 3), x, (..., 0))
    y = (k[..., :1] * x[:, None]).sum(-1)
    k = Assign.apply(k, y, (..., 1))
    (k[..., :2] * w[:2]).sum().backward()
    assert x.grad.tolist() == [1.0, 1.5]


@pytest.mark.parametrize(
    "write",
    [
        lambda h: h.data[:, 1:].mul_(2),
        lambda h: h[:, 1:].mul_(2),
        lambda h: h.detach()[1:, 0].fill_(3),
        lambda h: h.data.__setitem__((slice(None), 2), 7.0),
        lambda h: h.data.__setitem__((1, 1), 7.0),
    ],
)
@pytest.mark.parametrize("times", [1, 30])
def test_an_element_that_is_not_written_to_may_be_kept(write, times):
    x = dl.ones(2, 3, requires_grad=True)
    h = x * 2
    y = h[:1, :1] * h[:1, :1]
    for _ in range(times):
        write(h)
    y.sum().backward()
    assert x.grad.tolist() == [[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_many_different_places_are_told_apart():
    x = dl.ones(100, requires_grad=True)
    h = x * 2
    y = h[::2].square()
    for i in range(1, 100, 2):
        h.data[i] = 0.0
    y.sum().backward(retain_graph=True)
    assert x.grad[:4].tolist() == [8.0, 0.0, 8.0, 0.0]
    h.data[50] = 1.0
    with pytest.raises(GradientError, match=r"square: the gradient needs 'x' .* \(__setitem__\)"):
        y.sum().backward()


def test_writes_to_parts_of_a_batch():
    def f(x):
        y = x * 1
        y[0] = y[1] * 2
        y[1:].mul_(3)
        return y * y

    x = dl.arange(6.0).reshape(2, 3)
    assert dl.func.vmap(f)(x).tolist() == [f(row).tolist() for row in x]


def test_read_only_memory_is_named():
    array = np.zeros(3, np.float32)
    array.flags.writeable = False
    x = dl.from_numpy(array)
    for write in (x.zero_, x.normal_, lambda: x.add_(1)):
        with pytest.raises(RuntimeError, match="memory of the written-to tensor is read-only"):
            write()
    with pytest.raises(RuntimeError, match="more than one element"):
        dl.zeros(1).expand(3).zero_()
