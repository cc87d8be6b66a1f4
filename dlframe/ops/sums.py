"""Sums of arrays that are exact to a few roundings, along whatever axes of whatever memory.

NumPy adds numbers that lie one after the other in memory in pairs of halves, but along every other
axis row to row: in float32 a sum of a million equal rows is off by 1 %. `add` takes the axes in
the order of memory, and adds many rows in blocks, and blocks of blocks, so that never more than
about `_FEW` numbers are added one by one. BLAS multiplies rows and small blocks with ones, which
is several times as fast as NumPy's loops over them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from dlframe.ops.record import Array

__all__ = ["add", "add_products", "add_weighted", "dot", "ones", "row_sums"]

Shape = tuple[int, ...]

_reduce: Any = np.add.reduce  # what `x.sum` calls through a layer of Python

_FEW = 64  # numbers that may be added one by one; in long rows, twice as many
_ROW = 1024  # numbers in a row that BLAS adds as exactly as pairs of halves
_BLOCK = 4096  # numbers in a block of rows; up to twice as many BLAS starts no threads
_LONG = 32768  # numbers for which the pairs of halves are fast enough


def add(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    """`x.sum(axis=axis, keepdims=keepdims)`, as exact along any axes as along the last one."""
    kind = type(x)  # a batch of vmap, whose __class__ is ndarray, is none
    if axis == 0 and not keepdims and kind is np.ndarray and x.ndim == 2:
        small = _added_small(x)
        if small is not None:
            return small
    try:
        if axis is None:
            direct = kind is np.ndarray and x.size <= _LONG and x.flags.c_contiguous
        else:
            direct = x.size <= _BLOCK and axis.__class__ is int and x.shape[axis] <= _FEW
    except IndexError:
        direct = True  # NumPy raises an error that says more
    char = x.dtype.char
    if char == "e":
        return add(x.astype(np.float32), axis, keepdims).astype(np.float16)
    if direct or char not in "fd" or not issubclass(kind, np.ndarray):
        return _reduce(x, axis=axis, keepdims=keepdims)
    plan = _plan(x.shape, x.strides, axis)
    if plan is None:
        return _reduce(x, axis=axis, keepdims=keepdims)
    x = _in_runs(x, plan)
    for run in plan.added:
        x = _added(x, run)
    return _finished(x, plan).reshape(plan.kept if keepdims else plan.dropped)


def _added_small(x: Array) -> Any:
    """The sum of the rows of a small matrix in order, such as a batch's; None for others."""
    n, width = x.shape
    if n * width > 2 * _BLOCK or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return None
    if n <= 2 * _FEW:  # BLAS adds several rows at once
        return ones(n, x.dtype).dot(x)
    blocks = _divisor(n)
    if blocks is None:
        return None
    x = ones(n // blocks, x.dtype).dot(x.reshape(n // blocks, blocks * width))
    return ones(blocks, x.dtype).dot(x.reshape(blocks, width))


@lru_cache(maxsize=1024)
def _divisor(n: int) -> int | None:
    """A divisor near √n that is at most `_FEW`, as its quotient is; None if there is none."""
    return next((k for k in range(math.isqrt(n), 0, -1) if n % k == 0 and n // k <= _FEW), None)


class _Plan(NamedTuple):
    """How `add` goes through the memory of an array."""

    once: tuple[slice, ...] | None  # the part to read, if there are repeated axes (of stride 0)
    times: int  # how many times it is to be added
    order: Shape | None  # the axes in the order of memory
    runs: Shape  # the sizes of the runs of axes that are like one axis in memory
    added: Shape  # the runs to add along, the last one first
    back: tuple[Shape, Shape] | None  # the sizes that are left, and the order that `x` has them in
    read: Shape  # the shape of the result, with 1 for axes that were added or read once
    kept: Shape  # and with 1 for axes that were added
    dropped: Shape  # and without these


def _in_runs(x: Array, plan: _Plan) -> Array:
    if plan.once is not None:
        x = x[plan.once]
    if plan.order is not None:
        x = x.transpose(plan.order)
    return x.reshape(plan.runs)


def _finished(x: Array, plan: _Plan) -> Array:
    if plan.back is not None:
        x = np.ascontiguousarray(x.reshape(plan.back[0]).transpose(plan.back[1]))
    if plan.once is not None:
        x = np.broadcast_to(x.reshape(plan.read) * plan.times, plan.kept).copy()
    return x


@lru_cache(maxsize=1024)  # programs use the same shapes many times
def _plan(shape: Shape, strides: Shape, axis: Any, products: bool = False) -> _Plan | None:
    """The plan for one kind of array; None if NumPy's own sum is as exact and as fast."""
    every = range(len(shape))
    given = every if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = {a % len(shape) for a in given if -len(shape) <= a < len(shape)}
    if len(axes) < len(given) or 0 in shape:
        return None  # an error that NumPy raises, or nothing to add
    repeated = [i for i in every if strides[i] == 0 and shape[i] > 1]
    read = [i for i in every if strides[i] != 0 and shape[i] > 1]
    read.sort(key=lambda i: -abs(strides[i]))
    groups: list[list[int]] = []  # neighbours in memory that are both added along, or both left
    for i in read:
        before = groups[-1][-1] if groups else i
        joined = strides[before] == shape[i] * strides[i] and (before in axes) == (i in axes)
        groups[-1].append(i) if joined else groups.append([i])
    runs = tuple([math.prod([shape[i] for i in group]) for group in groups])
    added = tuple([k for k in reversed(range(len(runs))) if groups[k][0] in axes])
    if not (repeated or products) and len(added) == 1 and _is_direct(runs, *added):
        return None
    if not (repeated or added):
        return None
    left = [i for i in read if i not in axes]
    order = [i for i in every if i not in read] + read
    turned = tuple([shape[i] for i in left]), _inverse(left)
    return _Plan(
        once=tuple([slice(1 if i in repeated else None) for i in every]) if repeated else None,
        times=math.prod([shape[i] for i in repeated if i in axes]),
        order=None if order == list(every) else tuple(order),
        runs=runs,
        added=added,
        back=None if left == sorted(left) else turned,
        read=tuple([shape[i] if i in left else 1 for i in every]),
        kept=tuple([1 if i in axes else shape[i] for i in every]),
        dropped=tuple([shape[i] for i in every if i not in axes]),
    )


def _is_direct(runs: Shape, k: int) -> bool:
    """Whether NumPy itself adds well along the k-th run."""
    if k == len(runs) - 1:
        return math.prod(runs) <= _LONG and (runs[k] > _ROW or k == 0)
    return runs[k] <= 2 * _FEW and runs[k] * math.prod(runs[k + 1 :]) > 2 * _BLOCK


def _inverse(order: list[int]) -> Shape:
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def _added(x: Array, run: int) -> Any:
    """The sum along one axis of an array whose axes are in the order of memory."""
    if run == x.ndim - 1:
        return _added_row(x)
    return _added_rows(x if run == x.ndim - 2 else np.moveaxis(x, run, -2))


def _added_row(x: Array) -> Any:
    """The sum along the last axis."""
    n = x.shape[-1]
    if (n > _ROW and x.size <= _LONG) or x.strides[-1] != x.itemsize:
        return _reduce(x, axis=-1)
    if n <= _ROW:
        return np.vecdot(x, ones(n, x.dtype))
    used = n - n % _ROW
    rows = x[..., :used].reshape(*x.shape[:-1], -1, _ROW)
    total = _added_row(np.vecdot(rows, ones(_ROW, x.dtype)))
    return total if used == n else total + _added_row(x[..., used:])


def _added_rows(x: Array) -> Any:
    """The sum along the last axis but one: of blocks first, then of their sums."""
    *outer, n, width = x.shape
    if _few(n, width):
        if n * width > 2 * _BLOCK or x.strides[-1] != x.itemsize:
            return _reduce(x, axis=-2)
        return ones(n, x.dtype) @ x if outer else ones(n, x.dtype).dot(x)
    joined = x.strides[-2] == width * x.strides[-1]  # several rows are like one in memory
    if width < 32 and not joined:
        return _added_row(np.ascontiguousarray(x.swapaxes(-1, -2)))
    head, blocks = _blocks(n, width, joined)
    sums = _added_rows((x if head == n else x[..., :head, :]).reshape(*outer, *blocks))
    total = _added_rows(sums.reshape(*outer, -1, width))
    return total if head == n else total + _added_rows(x[..., head:, :])


def _few(n: int, width: int) -> bool:
    """Whether so many rows are added one by one."""
    return n <= (2 * _FEW if n * width > 2 * _BLOCK else _FEW)


@lru_cache(maxsize=1024)
def _blocks(n: int, width: int, joined: bool) -> tuple[int, Shape]:
    """How many rows go into blocks, and the shape that makes the blocks."""
    if 32 * width > 2 * _BLOCK:  # NumPy's loop is fast: large blocks
        count = n // -(-n // (2 * _FEW))
    elif n < _ROW:
        root = math.isqrt(n)
        count = next((k for k in range(root, root // 2, -1) if n % k == 0), root)
    else:
        count = 32
    wide = max(1, _BLOCK // (count * width)) if joined else 1
    blocks = max(1, n // (count * wide))
    wide = n // (count * blocks)  # so many rows are one in the block
    several = (blocks,) if blocks > 1 else ()
    return blocks * count * wide, (*several, count, wide * width)


def add_products(x: Array, y: Array, axes: Shape) -> Any:
    """`(x * y).sum(axis=axes, keepdims=True)`, as exact as `add`, without the array of products.

    If `x` and `y` do not lie in memory alike, there is such an array.
    """
    plan = None
    if type(x) is np.ndarray is type(y) and x.strides == y.strides and x.itemsize > 2:
        plan = _plan(x.shape, x.strides, axes, products=True)
    if plan is None or plan.once is not None or plan.added[0] < len(plan.runs) - 2:
        return add(x * y, axes, True)
    x, y = _in_runs(x, plan), _in_runs(y, plan)
    first, *others = plan.added
    if first < x.ndim - 1:
        sums = _products_of_rows(x, y)
    else:
        sums = dot(x, y) if x.strides[-1] == x.itemsize else _added_row(x * y)
    for run in others:
        sums = _added(sums, run)
    return _finished(sums, plan).reshape(plan.kept)


def dot(x: Array, y: Array) -> Any:
    """Σ x · y along the last axis of contiguous arrays, as exact as `add`; `y` may be one row."""
    n = x.shape[-1]
    if n <= _ROW:
        # a product of a matrix and a vector adds fewer numbers side by side
        return x.dot(y) if x.ndim == 1 or (y.ndim == 1 and n <= 8 * _FEW) else np.vecdot(x, y)
    if x.ndim == 1 and n <= 2 * _BLOCK:
        return _reduce(x * y)
    used = n - n % _ROW
    parts = [v[..., :used].reshape(*v.shape[:-1], -1, _ROW) for v in (x, y)]
    total = add(np.vecdot(*parts), x.ndim - 1)
    return total if used == n else total + np.vecdot(x[..., used:], y[..., used:])


def row_sums(x: Array, weights: Array | None = None) -> Any:
    """Σ x · weights along the rows of a matrix in order, as a column; weights of 1, if not given.

    One weight for each column, or for each number.
    """
    n = x.shape[1]
    if weights is None:
        return add(x, 1, True) if n > _ROW else dot(x, ones(n, x.dtype))[:, None]
    return dot(x, weights)[:, None]


def add_weighted(x: Array, weights: Array) -> Any:
    """Σ weights[i] · x[i] of the rows of a matrix, as exact as `add`."""
    n, width = x.shape
    head = n - n % _FEW
    if n - head == n:
        return weights.dot(x)
    blocks = x[:head].reshape(-1, _FEW, width)
    total = add(np.matmul(weights[:head].reshape(-1, 1, _FEW), blocks)[:, 0], 0)
    return total if head == n else total + weights[head:].dot(x[head:])


def _products_of_rows(x: Array, y: Array) -> Any:
    """Σ x · y along the last axis but one."""
    *outer, n, width = x.shape
    if _few(n, width):
        return np.einsum("...nw,...nw->...w", x, y)
    head, blocks = _blocks(n, width, x.strides[-2] == width * x.strides[-1])
    parts = (v[..., :head, :].reshape(*outer, *blocks) for v in (x, y))
    total = _added_rows(_products_of_rows(*parts).reshape(*outer, -1, width))
    return total if head == n else total + _products_of_rows(x[..., head:, :], y[..., head:, :])


_ONES = {dtype: np.ones(_ROW, dtype) for dtype in "efd"}


def ones(n: int, dtype: Any) -> Array:
    """`n` ones, at most `_ROW`; a product with them is a sum."""
    return _ONES[dtype.char][:n]
