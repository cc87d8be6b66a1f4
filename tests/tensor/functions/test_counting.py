"""unique, bincount, isin, meshgrid, var_mean and std_mean, by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.errors import ArgumentError, DimensionError, DTypeError, ShapeError

nan = float("nan")


def lists(found: Any) -> list[Any]:
    return [x.tolist() for x in found]


# --- unique ------------------------------------------------------------------------------------


def test_unique_of_all_elements() -> None:
    x = dl.tensor([[2, 3], [2, 1]])
    assert dl.unique(x).tolist() == [1, 2, 3]
    found = dl.unique(x, return_inverse=True, return_counts=True)
    assert lists(found) == [[1, 2, 3], [[1, 2], [1, 0]], [1, 2, 1]]
    assert [y.dtype for y in found] == [dl.int64] * 3
    assert lists(dl.unique(x, return_counts=True)) == [[1, 2, 3], [1, 2, 1]]
    assert dl.unique(dl.tensor([True, False])).dtype == dl.bool


def test_unique_slices() -> None:
    x = dl.tensor([[1, 2], [0, 9], [1, 2]])
    found = dl.unique(x, return_inverse=True, return_counts=True, dim=0)
    assert lists(found) == [[[0, 9], [1, 2]], [1, 0, 1], [1, 2]]
    assert dl.unique(dl.tensor([[1, 1, 0]]), axis=-1).tolist() == [[0, 1]]


def test_unique_of_little() -> None:
    assert lists(dl.unique(dl.tensor(3.0), return_inverse=True)) == [[3.0], 0]
    found = dl.unique(dl.zeros(0, 3), return_inverse=True, return_counts=True)
    assert [x.shape for x in found] == [(0,), (0, 3), (0,)]
    assert dl.unique(dl.zeros(0, 3), dim=0).shape == (0, 3)
    with pytest.raises(ShapeError, match=r"no other dimension may have size 0, got \[0, 3\]"):
        dl.unique(dl.zeros(0, 3), dim=1)
    with pytest.raises(DimensionError, match="no dimensions"):
        dl.unique(dl.tensor(3.0), dim=0)
    with pytest.raises(DimensionError, match="but got 1"):
        dl.unique(dl.zeros(2), dim=1)


def test_every_nan_is_unique() -> None:
    values, counts = dl.unique(dl.tensor([nan, 1.0, nan, 1.0]), return_counts=True)
    np.testing.assert_array_equal(values.array, [1.0, nan, nan])
    assert counts.tolist() == [2, 1, 1]


def test_the_gradient_of_unique_goes_to_the_first() -> None:
    x = dl.tensor([2.0, 1.0, 2.0], requires_grad=True)
    (dl.unique(x) * dl.tensor([10.0, 20.0])).sum().backward()
    assert x.grad.tolist() == [20.0, 10.0, 0.0]


# --- bincount ----------------------------------------------------------------------------------


def test_bincount() -> None:
    x = dl.tensor([1, 1, 3])
    assert dl.bincount(x).tolist() == [0, 2, 0, 1]
    assert dl.bincount(x, minlength=6).tolist() == [0, 2, 0, 1, 0, 0]
    assert dl.bincount(x.to(dl.uint8), minlength=2).dtype == dl.int64
    assert dl.bincount(x[:0], minlength=2).tolist() == [0, 0]
    assert dl.bincount(x[:0]).shape == (0,)


def test_bincount_with_weights() -> None:
    x, weights = dl.tensor([1, 1, 3]), dl.tensor([0.5, 1.0, 2.0], requires_grad=True)
    sums = dl.bincount(x, weights, minlength=5)
    assert sums.tolist() == [0.0, 1.5, 0.0, 2.0, 0.0]
    assert sums.dtype == dl.float32
    (sums * dl.arange(5)).sum().backward()
    assert weights.grad.tolist() == [1.0, 1.0, 3.0]
    for other in (dl.float16, dl.float64, dl.int64):
        assert dl.bincount(x, weights.detach().to(other)).dtype == dl.float64


# --- isin --------------------------------------------------------------------------------------


def test_isin() -> None:
    x = dl.tensor([[1, 2], [3, 4]])
    assert dl.isin(x, dl.tensor([[2], [4]])).tolist() == [[False, True], [False, True]]
    assert dl.isin(x, 3, invert=True).tolist() == [[True, True], [False, True]]
    assert dl.isin(1, x).tolist() is True
    assert dl.isin(dl.tensor([1, 2]), dl.tensor([1.5, 2.0])).tolist() == [False, True]
    assert dl.isin(dl.tensor([0.1, nan]), 0.1).tolist() == [True, False]
    assert dl.isin(dl.tensor([nan]), dl.tensor([nan])).tolist() == [False]
    assert dl.isin(dl.tensor([1.0]), dl.zeros(0)).tolist() == [False]


# --- meshgrid ----------------------------------------------------------------------------------


def test_meshgrid() -> None:
    x, y = dl.tensor([1.0, 2.0], requires_grad=True), dl.tensor([3.0, 4.0, 5.0])
    rows, columns = dl.meshgrid(x, y, indexing="ij")
    assert rows.tolist() == [[1, 1, 1], [2, 2, 2]]
    assert columns.tolist() == [[3, 4, 5], [3, 4, 5]]
    with pytest.warns(UserWarning, match="indexing argument"):
        assert lists(dl.meshgrid([x, y])) == [rows.tolist(), columns.tolist()]
    assert np.shares_memory(columns.array, y.array)
    rows.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_meshgrid_of_xy_is_numpys() -> None:
    x, y, z = np.arange(2.0), np.arange(3.0), np.arange(4.0)
    for arrays in ((x,), (x, y), (x, y, z)):
        ours = dl.meshgrid(*map(dl.from_numpy, arrays), indexing="xy")
        for a, b in zip(ours, np.meshgrid(*arrays, indexing="xy"), strict=True):
            np.testing.assert_array_equal(a.array, b)
    assert dl.meshgrid(dl.tensor(1.0), dl.ones(3), indexing="ij")[0].shape == (1, 3)


# --- variances with means ----------------------------------------------------------------------


def test_variance_and_mean() -> None:
    x = dl.tensor([[1.0, 2.0, 6.0], [2.0, 2.0, 2.0]])
    assert lists(dl.var_mean(x, 1)) == [[7.0, 0.0], [3.0, 2.0]]
    assert lists(dl.var_mean(x, dim=1, correction=0, keepdim=True))[1] == [[3.0], [2.0]]
    assert lists(dl.var_mean(dl.tensor([1.0, 3.0]), False)) == [1.0, 2.0]  # unbiased, by place
    assert lists(dl.std_mean(dl.tensor([1.0, 3.0]), axis=0, unbiased=False)) == [1.0, 2.0]


# pytest.warns shows what the library's own filter hides: 0 / 0 for the variance of one number
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_the_variance_of_one_number() -> None:
    with pytest.warns(UserWarning, match=r"var_mean\(\): degrees of freedom is <= 0"):
        assert dl.var_mean(dl.ones(1))[1].item() == 1.0


# --- kinds -------------------------------------------------------------------------------------


def test_kinds() -> None:
    assert dl.is_tensor(dl.nn.Parameter(dl.ones(1)))
    assert not dl.is_tensor(np.ones(1))
    assert dl.is_floating_point(dl.ones(1, dtype=dl.float16))
    assert not dl.is_floating_point(dl.tensor([True]))
    with pytest.raises(TypeError, match="must be a Tensor, not float"):
        dl.is_floating_point(1.0)


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: dl.bincount(dl.tensor([-1])), ArgumentError, "non-negative.* smallest -1"),
        (lambda: dl.bincount(dl.tensor([[1]])), ArgumentError, r"1-d .*shape \[1, 1\]"),
        (lambda: dl.bincount(dl.tensor(1)), ArgumentError, r"1-d .*shape \[\]"),
        (lambda: dl.bincount(dl.tensor([1.0])), DTypeError, "integers, got float32"),
        (lambda: dl.bincount(dl.tensor([True])), DTypeError, "integers, got bool"),
        (lambda: dl.bincount(dl.tensor([1]), minlength=-1), ArgumentError, "got -1"),
        (lambda: dl.bincount(dl.tensor([1]), dl.ones(2)), ShapeError, r"got \[2\] and \[1\]"),
        (lambda: dl.isin(1, 2), TypeError, r"got \['int', 'int'\]"),
        (lambda: dl.isin(dl.tensor([1]), [1]), TypeError, r"got \['Tensor', 'list'\]"),
        (lambda: dl.meshgrid(), ShapeError, "non-empty"),
        (lambda: dl.meshgrid(dl.ones(2, 2)), ShapeError, r"got \[2, 2\] as argument 0"),
        (lambda: dl.meshgrid(dl.ones(1), dl.tensor([1])), DTypeError, "float32 and int64"),
        (lambda: dl.meshgrid(dl.ones(1), indexing="yx"), ArgumentError, "'ij' or 'xy', got 'yx'"),
        (lambda: dl.meshgrid([1, 2]), TypeError, r"got \['int', 'int'\]"),
        (lambda: dl.var_mean(dl.tensor([1, 2])), DTypeError, "var_mean.*floating point"),
    ],
)
def test_what_makes_no_sense(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
