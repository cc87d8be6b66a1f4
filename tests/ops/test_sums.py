"""Sums of float32 are right to a few roundings, for every shape, axis and order of memory.

float64 says what is right. The bounds are in units of eps, the distance from 1 to the next float32.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.sums import (
    GRADIENTS_OF_SCANS,
    OF_ROWS,
    REDUCTIONS,
    SCANS,
    equal_numbers,
    error,
    gradient_of_scan,
    layouts,
    numbers,
)

import dlframe as dl
import dlframe.nn.functional as F
from dlframe import nn, ops
from dlframe.ops.sums import add, add_products, dot

EPS = 2.0**-23
MANY = 1_000_000

# the numbers of axes, and sums that are short, long, narrow, wide, and have a rest of all blocks
SHAPES = [(2000,), (40000,), (300, 7), (7, 300), (1000, 20), (130, 300), (70, 9000), (4, 1000, 3),
          (50, 17, 40), (5, 6, 4, 60), (1, 300, 1, 5)]  # fmt: skip


def axes_of(ndim):
    return [c for k in range(1, ndim + 1) for c in itertools.combinations(range(ndim), k)]


# --- the function beneath ----------------------------------------------------------------------


@pytest.mark.parametrize("make", [equal_numbers, numbers])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_add_is_exact_along_any_axes_of_any_memory(shape, make):
    for x in layouts(make, shape):
        before = x.copy()
        for axes in axes_of(len(shape)):
            right = x.sum(axes, np.float64, keepdims=True)
            out = add(x, axes, True)
            assert out.shape == right.shape
            assert out.dtype == x.dtype
            assert np.abs(out / right - 1).max() < 12 * EPS, (x.strides, axes)
            dropped = add(x, axes if len(axes) > 1 else axes[0])
            assert np.abs(dropped / right.squeeze(axes) - 1).max() < 12 * EPS, (x.strides, axes)
        assert np.array_equal(x, before)


@st.composite
def arrays_and_axes(draw):
    """A view of random memory with a step of any sign along each axis, and some of its axes."""
    sizes = st.sampled_from([1, 2, 3, 17, 64, 65, 129, 257, 1025])
    shape = draw(st.lists(sizes, min_size=1, max_size=4).filter(lambda s: math.prod(s) < 200_000))
    steps = draw(st.tuples(*[st.sampled_from([1, 1, 1, -1, 2, -2])] * len(shape)))
    order = draw(st.permutations(range(len(shape))))
    memory = numbers(tuple(shape[i] * abs(steps[i]) for i in order))
    x = memory.transpose([order.index(i) for i in range(len(shape))])
    axes = draw(st.sets(st.sampled_from(range(len(shape)))))
    return x[tuple(slice(None, None, s) for s in steps)], tuple(axes)


@given(arrays_and_axes(), st.booleans())
@settings(max_examples=60)
def test_add_is_exact_for_any_view(view, keepdims):
    x, axes = view
    right = x.sum(axes, np.float64, keepdims=keepdims)
    out = np.asarray(add(x, axes, keepdims))
    assert out.shape == np.shape(right)
    assert np.abs(out / right - 1).max() < 12 * EPS
    right = (x.astype(np.float64) * x).sum(axes, keepdims=True)
    assert np.abs(add_products(x, x, axes) / right - 1).max() < 16 * EPS


def test_sums_of_what_is_repeated_read_it_once():
    x = dl.full((1,), 0.1).expand(100_000, 100_000)
    assert x.sum().item() == pytest.approx(1e9)
    assert x.t().sum(0)[:2].tolist() == pytest.approx([1e4] * 2)


def test_add_in_float64_and_float16():
    x = numbers((5000, 3)).astype(np.float64)
    right = [math.fsum(column) for column in x.T]
    assert np.allclose(add(x, 0), right, rtol=1e-15, atol=0)
    half = np.full((5000, 3), 0.1, np.float16)
    assert add(half, 0).tolist() == [500.0] * 3  # of 499.88
    assert ops.mean(half, axis=0).tolist() == [half[0, 0]] * 3
    assert ops.mean(np.full(5000, 100.0, np.float16)) == 100.0  # whose sum is no float16


def test_what_add_returns_is_new_and_may_be_written():
    x = equal_numbers((300, 300))
    for view in (x, x[:1], np.broadcast_to(x[:1], x.shape), np.broadcast_to(x[0, 0], x.shape)):
        for axis in ((), 0, 1, None):
            out = np.asarray(add(view, axis))
            assert not np.shares_memory(out, view)
            out[...] = 0
    assert x[0, 0] == np.float32(0.1)


def test_what_add_leaves_to_numpy():
    assert add(np.zeros((0, 3), np.float32), 0).tolist() == [0, 0, 0]
    assert add(np.zeros((3, 0), np.float32), 0).shape == (0,)
    assert add(np.float32(3)[...], 0) == 3
    assert add(np.arange(10_000).reshape(5000, 2), 0).tolist() == [24995000, 25000000]
    x = equal_numbers((300, 300))
    for axis in (2, -3, (0, 2)):
        with pytest.raises(np.exceptions.AxisError):
            add(x, axis)
    with pytest.raises(ValueError, match="duplicate"):
        add(x, (0, -2))


def test_infinities_and_nan():
    x = equal_numbers((3000, 4))
    x[5, 0], x[6, 1], x[7, 2] = np.inf, -np.inf, np.nan
    for view in (x, x.T.copy().T, np.repeat(x, 2, 1)[:, ::2]):
        out = add(view, 0)
        assert out[:2].tolist() == [np.inf, -np.inf]
        assert np.isnan(out[2])
        assert out[3] == pytest.approx(300)


@pytest.mark.parametrize("make", [equal_numbers, numbers])
@pytest.mark.parametrize("shape", [(3000,), (3, 2500), (3000, 3), (40, 3, 20, 20)], ids=str)
def test_products(shape, make):
    for x in layouts(make, shape):
        y = make(shape)
        for axes in axes_of(len(shape)):
            right = (x.astype(np.float64) * y).sum(axes, keepdims=True)
            assert np.abs(add_products(x, y, axes) / right - 1).max() < 12 * EPS
    right = (y.astype(np.float64) * y).sum(-1)
    assert np.abs(dot(y, y) / right - 1).max() < 12 * EPS


# --- what the library offers -------------------------------------------------------------------


def with_numbers(*names):
    """Every name with each kind of numbers, but no deviations of equal numbers, which are 0."""
    pairs = itertools.product(names, (equal_numbers, numbers))
    spread = ("var", "std", "batch_norm")
    defined = [(n, f) for n, f in pairs if f is numbers or not any(s in n for s in spread)]
    return pytest.mark.parametrize(("name", "make"), defined)


def check_reduction(name, x, dim):
    f = REDUCTIONS[name]
    assert error(f(dl, x, dim), f(dl, x.double(), dim)) < 12 * EPS


def check_of_rows(name, x):
    f = OF_ROWS[name]
    assert error(f(dl, x), f(dl, x.double())) < 12 * EPS


@with_numbers(*REDUCTIONS)
def test_reductions(name, make):
    for shape in ((3000, 3), (40, 3, 50)):
        for a in layouts(make, shape):
            if min(abs(s) for s in a.strides):  # the numbers of expanded memory may all be equal
                for dim in axes_of(len(shape)):
                    check_reduction(name, dl.Tensor(a), dim)


@with_numbers(*OF_ROWS)
def test_results_that_add_rows(name, make):
    for a in (make((3000, 3)), make((3, 3000)).T, make((6000, 6))[::2, ::2]):
        check_of_rows(name, dl.Tensor(a))


@pytest.mark.slow
@with_numbers(*REDUCTIONS, *OF_ROWS)
def test_a_million_rows(name, make):
    x = dl.Tensor(make((MANY, 2)))
    if name in OF_ROWS:
        check_of_rows(name, x)
    else:
        check_reduction(name, x, 0)
        check_reduction(name, x, (0, 1))
        check_reduction(name, x.t(), 1)


@pytest.mark.slow
def test_the_variance_of_four_million_rows():
    x = (10 + dl.arange(4_000_000).remainder(1000) / 1000).reshape(-1, 1)
    x = x.expand(-1, 2).contiguous()
    for v in x.var(0).tolist():
        assert v == pytest.approx(float(np.var(x.double().numpy()[:, 0], ddof=1)), rel=1e-6)


def test_variances_of_numbers_far_from_zero():
    """Their mean is rounded; its error must not be part of the variance."""
    x = dl.arange(5000.0).remainder(7).reshape(2500, 2) + 1_000_000
    for dim in (0, 1, None):
        right = float(x.double().var(dim).reshape(-1)[0])
        assert float(x.var(dim).reshape(-1)[0]) == pytest.approx(right, rel=1e-6)
    assert error(dl.cov(x.t()), dl.cov(x.double().t())) < 1e-6
    assert (x.t()[:, :2000] * 0.1).var(1).min() >= 0
    assert dl.full((5000, 2), 0.1).std(0).max() < 1e-8


def test_images_of_bytes_half_white_half_black():
    images = dl.tensor([255.0, 0.0]).reshape(2, 1, 1, 1).expand(2, 200, 200, 3).contiguous()
    assert images.mean((0, 1, 2)).tolist() == pytest.approx([127.5] * 3)
    assert images.std((0, 1, 2), correction=0).tolist() == pytest.approx([127.5] * 3)
    norm = nn.BatchNorm2d(3, momentum=1.0)
    norm(images.permute(0, 3, 1, 2))
    assert norm.running_mean.tolist() == pytest.approx([127.5] * 3)
    assert norm.running_var.tolist() == pytest.approx([127.5**2 * 80000 / 79999] * 3)


def test_numpy_functions_of_tensors():
    x, wide = dl.full((3000, 3), 0.1), np.full((3000, 3), np.float32(0.1), np.float64)
    for f in (np.sum, np.mean, np.average, np.nansum, np.nanmean, np.linalg.norm, np.trapezoid,
              np.add.reduce):  # fmt: skip
        assert error(f(x, axis=0), dl.Tensor(f(wide, axis=0))) < 12 * EPS, f
    x = dl.Tensor(numbers((3000, 3)))
    wide = x.double().numpy()
    assert error(np.var(x, axis=0), dl.Tensor(np.var(wide, axis=0))) < 12 * EPS
    assert error(np.cov(x, rowvar=False), dl.Tensor(np.cov(wide, rowvar=False))) < 50 * EPS


def test_vmap_adds_as_exactly():
    x = dl.full((2, 3000, 3), 0.1)
    right = dl.vmap(lambda t: t.sum(0))(x.double())
    assert error(dl.vmap(lambda t: t.sum(0))(x), right) < 12 * EPS
    assert dl.vmap(lambda t: t.cumsum(0))(x).equal(x.double().cumsum(1).float())


def test_the_norm_of_gradients():
    x = dl.zeros(MANY, requires_grad=True)
    x.grad = dl.full((MANY,), 0.1)
    assert float(nn.utils.clip_grad_norm_([x], 1.0)) == pytest.approx(100, rel=12 * EPS)


def test_an_average_pool_over_large_images():
    x = dl.full((2, 3, 100, 100), 0.1)
    assert error(F.adaptive_avg_pool2d(x, 1), F.adaptive_avg_pool2d(x.double(), 1)) < 12 * EPS


# --- scans -------------------------------------------------------------------------------------


@with_numbers(*SCANS)
def test_scans_are_carried_in_float64(name, make):
    f = SCANS[name]
    for shape in ((30000,), (6000, 3), (3, 6000), (3, 4, 2500), (20, 30, 20)):
        for a in layouts(make, shape):
            x = dl.Tensor(a)
            for dim in range(len(shape)):
                out, right = f(dl, x, dim), f(dl, x.double(), dim)
                assert out.dtype == dl.float32
                assert out.shape == right.shape
                assert np.allclose(out.numpy(), right.numpy(), rtol=1.01 * EPS, atol=0)


@with_numbers(*GRADIENTS_OF_SCANS)
def test_gradients_of_scans(name, make):
    for shape in ((20000,), (3000, 3)):
        x = dl.Tensor(make(shape))
        right = gradient_of_scan(name, dl, x.double(), 0)
        assert error(gradient_of_scan(name, dl, x, 0), right) < 12 * EPS


def test_single_scans():
    large = 2.0**24
    found = dl.tensor([large, 1, 1, 1, 1]).cumsum(0)
    assert found.tolist() == [large, large, large + 2, large + 4, large + 4]
    big = float(np.float32(1e20))
    found = dl.tensor([1e20, 1e20, 1e-20, 1e-20]).cumprod(0)
    assert found.tolist() == [big, math.inf, big, 1.0]
    assert dl.logcumsumexp(dl.zeros(100_000), 0)[-1].item() == pytest.approx(math.log(100_000))
    trapezoids = dl.cumulative_trapezoid(dl.full((10_000,), 0.1))
    assert trapezoids[-1].item() == pytest.approx(999.9)
    assert dl.full((4000,), 0.1, dtype=dl.float16).cumsum(0)[-1].item() == pytest.approx(400, 1e-3)
