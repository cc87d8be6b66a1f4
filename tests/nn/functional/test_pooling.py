from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F

inf, nan = math.inf, math.nan


def test_the_first_of_equal_maxima_gets_the_gradient() -> None:
    x = dl.tensor([[[[1.0, 2.0], [2.0, 0.0]]]], requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[0, 1], [0, 0]]]]


def test_overlapping_windows_add_up() -> None:
    x = dl.tensor([[[[1.0, 5.0, 2.0]]]], requires_grad=True)
    out, places = F.max_pool2d(x, (1, 2), 1, return_indices=True)
    assert (out.tolist(), places.tolist()) == ([[[[5, 5]]]], [[[[1, 1]]]])
    out.sum().backward()
    assert x.grad.tolist() == [[[[0, 2, 0]]]]


def test_nan_is_the_maximum_and_infinity_is_no_obstacle() -> None:
    x = dl.tensor([[[[1.0, nan, -inf, -inf], [inf, 2.0, -inf, -inf]]]], requires_grad=True)
    out, places = F.max_pool2d(x, 2, return_indices=True)
    np.testing.assert_array_equal(out.detach().numpy(), [[[[nan, -inf]]]])
    assert places.tolist() == [[[[1, 2]]]]
    F.max_pool2d(x, 2).backward(dl.tensor([[[[inf, nan]]]]))
    np.testing.assert_array_equal(x.grad.numpy(), [[[[0, inf, nan, 0], [0, 0, 0, 0]]]])


def test_indices_lead_back_to_the_values(rng: np.random.Generator) -> None:
    x = dl.tensor(rng.standard_normal((2, 3, 9, 8)))
    out, places = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    assert places.dtype == dl.int64
    flat = x.reshape(2, 3, 72)
    np.testing.assert_array_equal(
        dl.gather(flat, 2, places.reshape(2, 3, -1)).numpy(), out.reshape(2, 3, -1).numpy()
    )


@pytest.mark.parametrize("dtype", [dl.int64, dl.uint8, dl.float64])
def test_maxima_of_every_dtype(dtype: dl.dtype) -> None:
    x = dl.arange(16).reshape(1, 4, 4).to(dtype)
    out = F.max_pool2d(x, 3, 2, 1)
    assert out.dtype == dtype
    assert out.tolist() == [[[5, 7], [13, 15]]]


def test_max_pool_keeps_one_byte_for_each_maximum() -> None:
    """Its place in the window, so that the result may be overwritten; PyTorch keeps eight bytes."""
    x = dl.rand(8, 8, 64, 64, requires_grad=True)
    tracemalloc.start()
    try:
        out = F.max_pool2d(x, 2)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < out.array.nbytes + 1.1 * out.array.size


def test_averages_at_the_edge() -> None:
    x = dl.ones(1, 3, 3)
    assert F.avg_pool2d(x, 2, 1, 1)[0, 0].tolist() == [0.25, 0.5, 0.5, 0.25]
    assert F.avg_pool2d(x, 2, 1, 1, count_include_pad=False).tolist() == dl.ones(1, 4, 4).tolist()
    assert F.avg_pool2d(x, 2, 1, 1, divisor_override=1)[0, 0].tolist() == [1, 2, 2, 1]
    assert F.avg_pool2d(x, 2, ceil_mode=True).tolist() == dl.ones(1, 2, 2).tolist()


def test_adaptive_averages_overlap_where_sizes_do_not_divide() -> None:
    x = dl.tensor([[[0.0, 3.0, 6.0, 12.0]]])
    assert F.adaptive_avg_pool2d(x, (1, 3)).tolist() == [[[1.5, 4.5, 9]]]


def test_float32_stays_float32() -> None:
    for pool in (
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.avg_pool2d(x, 2, padding=1, count_include_pad=False),
        lambda x: F.adaptive_avg_pool2d(x, 3),
    ):
        x = dl.rand(2, 3, 7, 7, requires_grad=True)
        out = pool(x)
        out.sum().backward()
        assert (out.dtype, x.grad.dtype) == (dl.float32, dl.float32)
