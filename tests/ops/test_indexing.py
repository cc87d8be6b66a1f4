"""Any index, read and written: the same as NumPy's, and the gradient is the adjoint."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlframe as dl
from dlframe.ops.indexing import add_to_rows

Array = np.ndarray[Any, Any]


@st.composite
def shapes_and_indices(draw: Any) -> tuple[tuple[int, ...], Any]:
    """A shape, and an index of integers, slices, None, Ellipsis, arrays or masks that fits it."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    kind = draw(st.sampled_from(["basic", "arrays", "mask", "mixed"]))
    if kind == "basic":
        index = draw(hnp.basic_indices(shape, allow_newaxis=True).filter(forward))
    elif kind == "arrays":
        index = draw(hnp.integer_array_indices(shape, dtype=np.int64))
    elif kind == "mask":
        index = draw(hnp.arrays(bool, shape[: draw(st.integers(1, len(shape)))]))
    else:
        parts: list[Any] = [slice(None)] * len(shape)
        for place in draw(st.sets(st.integers(0, len(shape) - 1), min_size=1)):
            n = shape[place]
            parts[place] = draw(
                st.one_of(
                    st.integers(-n, n - 1),
                    st.just(slice(1, None)),
                    st.lists(st.integers(-n, n - 1), min_size=2, max_size=2).map(np.array),
                )
            )
        index = tuple(parts)
    return shape, index


def forward(index: Any) -> bool:
    """Whether no slice goes backwards, which PyTorch refuses."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(not isinstance(p, slice) or p.step is None or p.step > 0 for p in parts)


def as_tensors(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(as_tensors(part) for part in index)
    return dl.tensor(index) if isinstance(index, np.ndarray) else index


def in_two_steps(values: Array, index: Any) -> tuple[Array, Any]:
    """A view and an index of it that mean in NumPy what `index` means in PyTorch.

    PyTorch takes integers first, like slices; to NumPy they are arrays beside other arrays.
    """
    if not isinstance(index, tuple) or not any(isinstance(part, np.ndarray) for part in index):
        return values, index
    whole = slice(None)
    view = values[(*(part if isinstance(part, int) else whole for part in index), ...)]
    return view, tuple(part for part in index if not isinstance(part, int))


@settings(max_examples=200)
@given(shapes_and_indices(), st.booleans())
def test_reading(case: tuple[tuple[int, ...], Any], with_tensors: bool) -> None:
    shape, index = case
    values = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    x = dl.tensor(values, requires_grad=True)
    y = x[as_tensors(index) if with_tensors else index]
    view, rest = in_two_steps(values, index)
    np.testing.assert_array_equal(y.detach().numpy(), view[rest])

    weights = np.arange(1.0, 1 + y.numel()).reshape(y.shape)
    (g,) = dl.autograd.grad(y, x, dl.tensor(weights))
    want = np.zeros(shape)
    np.add.at(*in_two_steps(want, index), weights)
    np.testing.assert_array_equal(g.numpy(), want)


@settings(max_examples=200)
@given(shapes_and_indices(), st.booleans())
def test_writing(case: tuple[tuple[int, ...], Any], one_number: bool) -> None:
    shape, index = case
    before = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    view, rest = in_two_steps(before, index)
    region = view[rest]
    new = np.array(-1.0) if one_number else -np.arange(1.0, 1 + region.size).reshape(region.shape)
    want = before.copy()
    in_two_steps(want, index)[0][rest] = new

    x, value = dl.tensor(before, requires_grad=True), dl.tensor(new, requires_grad=True)
    y = x * 1
    y[as_tensors(index)] = value
    np.testing.assert_array_equal(y.detach().numpy(), want)

    gx, gv = dl.autograd.grad(y.sum(), [x, value], allow_unused=True)
    kept = np.ones(shape)
    in_two_steps(kept, index)[0][rest] = 0
    np.testing.assert_array_equal(gx.numpy(), kept)
    # each place of the value counts as often as the index reads it back
    np.testing.assert_array_equal(gv.numpy().sum(), region.size)


def test_reading_shares_memory_where_numpy_does() -> None:
    x = dl.zeros(3, 4)
    x[1, 2:][0] = 5
    x[0, 0].fill_(7)
    assert x.tolist() == [[7, 0, 0, 0], [0, 0, 5, 0], [0, 0, 0, 0]]
    x[dl.tensor([2])].fill_(9)  # a copy
    assert x[2].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("rows", [[0, 2, 4], [1, 1, 3, 1], []])
def test_rows_that_repeat_add_up(width: int, rows: list[int], rng: np.random.Generator) -> None:
    out, want = np.zeros((5, width)), np.zeros((5, width))
    x = rng.standard_normal((len(rows), width))
    add_to_rows(out, np.array(rows, np.int64), x)
    for row, values in zip(rows, x, strict=True):
        want[row] += values
    np.testing.assert_allclose(out, want, rtol=1e-14)
