"""Resampling along an axis: each new number is a weighted sum of a few old ones.

Interpolation and adaptive means differ only in the weights, which are a matrix with few numbers in
each row (`Band`). Its transpose takes gradients back, so one operation, `weigh`, is its own
derivative. An image is resampled along one axis after another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from dlframe.ops.op import op
from dlframe.ops.record import Array

__all__ = ["weigh"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

_BLOCK = 64  # rows of a block: BLAS is fast, and few zeros are multiplied


# --- the matrix and its product ----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Band:
    """A matrix with few numbers other than 0 in each row, near each other: as dense blocks.

    Args:
        shape: rows and columns.
        blocks: triples (rows, columns, matrix); rows and columns are slices or arrays.
        disjoint: whether the blocks have no row in common, and leave none out.
    """

    shape: tuple[int, int]
    blocks: list[tuple[Any, Any, Array]]
    disjoint: bool = True

    @classmethod
    def of(cls, index: Array, weights: Array, columns: int, dtype: Any) -> Band:
        """The matrix whose row i has weights[i, k] in column index[i, k]; both are (rows, k)."""
        blocks = []
        for start in range(0, len(index), _BLOCK):
            part = slice(start, min(start + _BLOCK, len(index)))
            used, places = np.unique(index[part], return_inverse=True)
            block = np.zeros((len(index[part]), len(used)))
            np.add.at(block, (np.arange(len(block))[:, None], places.reshape(len(block), -1)),
                      weights[part])  # fmt: skip
            together = used[-1] - used[0] + 1 == len(used)
            place = slice(int(used[0]), int(used[-1]) + 1) if together else used
            blocks.append((part, place, block.astype(dtype)))
        return cls((len(index), columns), blocks)

    @cached_property
    def transpose(self) -> Band:
        """The matrix with rows and columns exchanged."""
        blocks = [(columns, rows, block.T) for rows, columns, block in self.blocks]
        return Band(self.shape[::-1], blocks, disjoint=False)

    @cached_property
    def is_identity(self) -> bool:
        """Whether the product is the vector itself."""
        same = all(
            isinstance(columns, slice)
            and rows == columns
            and np.array_equal(block, np.eye(len(block)))
            for rows, columns, block in self.blocks
        )
        return self.shape[0] == self.shape[1] and same

    def in_fixed_point(self) -> Band:
        """The weights rounded to multiples of 2⁻ᵖ, for the p that makes integers of 16 bits."""
        largest = max(float(block.max()) for _, _, block in self.blocks)
        full = (p for p in range(22) if int(0.5 + largest * 2 ** (p + 1)) >= 2**15)
        bits = next(full, 22)
        unit = 2.0**-bits
        rounded = [
            (rows, columns, np.sign(block) * np.floor(abs(block) / unit + 0.5) * unit)
            for rows, columns, block in self.blocks
        ]
        return Band(self.shape, rounded)

    def dense(self) -> Array:
        """The whole matrix."""
        out = np.zeros(self.shape)
        for rows, columns, block in self.blocks:
            out[rows][:, columns] += block
        return out


@op(latex=r"\sum_j W_{ij} x_j")
def weigh(x, *, matrix, axis):
    """yᵢ = Σⱼ Wᵢⱼ xⱼ along an axis, with the numbers of a `Band` as W."""
    shape = (*x.shape[:axis], matrix.shape[0], *x.shape[axis + 1 :])
    # axes before, the axis, axes behind
    sizes = (int(np.prod(shape[:axis])), x.shape[axis], int(np.prod(shape[axis + 1 :])))
    dtype = np.promote_types(x.dtype, np.float32)
    rows = x.astype(dtype, copy=False).reshape(sizes)
    times = _times if _is_finite(x) else _times_one_by_one
    return times(matrix, rows).reshape(shape).astype(x.dtype, copy=False)


@weigh.vjp("x", latex=r"\sum_i W_{ij} g_i")
def _(g, *, matrix, axis):
    return weigh(g, matrix=matrix.transpose, axis=axis)


def _times(matrix: Band, x: Array) -> Array:
    """W x for x of shape (before, columns, behind)."""
    new = np.empty if matrix.disjoint else np.zeros
    out = new((len(x), matrix.shape[0], x.shape[2]), x.dtype)
    for rows, columns, block in matrix.blocks:
        part = x[:, columns]
        y = part[..., 0].dot(block.T)[..., None] if x.shape[2] == 1 else np.matmul(block, part)
        if matrix.disjoint:
            out[:, rows] = y
        else:
            out[:, rows] += y
    return out


def _is_finite(x: Array) -> bool:
    return not x.size or bool(np.isfinite(x.max()) and np.isfinite(x.min()))


def _times_one_by_one(matrix: Band, x: Array) -> Array:
    """The same without products of 0 and x, which are NaN where x is infinite."""
    out = np.zeros((len(x), matrix.shape[0], x.shape[2]), x.dtype)
    for i, row in enumerate(matrix.dense().astype(x.dtype)):
        (used,) = row.nonzero()
        out[:, i] = np.einsum("k,nkm->nm", row[used], x[:, used])
    return out


# --- means over ranges -------------------------------------------------------------------------


def even_ranges(n: int, out: int) -> tuple[Array, Array]:
    """Where each of `out` ranges that together cover 0 … n - 1 begins, and where it ends."""
    i = np.arange(out)
    return i * n // max(out, 1), -(-(i + 1) * n // max(out, 1))


@lru_cache(maxsize=256)
def averages(n: int, out: int, dtype: Any) -> Band:
    """The matrix of the means over even ranges."""
    start, end = even_ranges(n, out)
    k = np.arange((end - start).max(initial=1))
    inside = start[:, None] + k < end[:, None]
    index = np.minimum(start[:, None] + k, n - 1)
    return Band.of(index, inside / (end - start)[:, None], n, dtype)


# --- interpolation -----------------------------------------------------------------------------


@lru_cache(maxsize=256)
def interpolation(
    mode: str,
    n: int,
    out: int,
    *,
    scale: float | None = None,
    align_corners: bool = False,
    antialias: bool = False,
    dtype: Any = np.float32,
) -> Band:
    """The matrix that makes `out` numbers of n.

    Args:
        mode: "nearest", "nearest-exact", "linear", "cubic" or "lanczos".
        n, out: the old and the new size.
        scale: the factor between them, if it is not out / n.
        align_corners: whether the first and the last numbers keep their places; otherwise the edges
            of the outermost intervals do.
        antialias: whether the kernel grows with the step between places, so that all are read.
        dtype: of the places and weights.
    """
    if mode.startswith("nearest"):
        index = _nearest(mode, n, out, scale)[:, None]
        return Band.of(index, np.ones(index.shape), n, dtype)
    real = np.dtype(dtype).type
    if align_corners:
        step = real(n - 1) / real(out - 1) if out > 1 else real(0)
    else:
        step = real(1 / scale) if scale else real(n) / real(out)
    i = np.arange(out, dtype=dtype)
    if antialias:
        return Band.of(*_antialiased(mode, n, step * (i + real(0.5)), step), n, dtype)
    places = step * i if align_corners else step * (i + real(0.5)) - real(0.5)
    if mode == "linear":
        places = np.clip(places, 0, n - 1)  # constant beyond the outermost numbers
    first = np.floor(places)
    t = (places - first)[:, None]
    taps, kernel = (np.arange(2), _linear) if mode == "linear" else (np.arange(-1, 3), _cubic)
    index = first.astype(np.int64)[:, None] + taps
    return Band.of(np.clip(index, 0, n - 1), kernel(t - taps.astype(dtype)), n, dtype)


def _nearest(mode: str, n: int, out: int, scale: float | None) -> Array:
    """The place that each new number is copied from; in float32, as in PyTorch, for all dtypes."""
    i = np.arange(out)
    step = np.float32(1 / scale) if scale else np.float32(n) / np.float32(out)
    if mode == "nearest":
        places = i.astype(np.float32) * step
    else:
        places = ((i + 0.5) * step).astype(np.float32)
    index: Array = np.floor(places).astype(np.int64)
    return index.clip(max=n - 1)


def _linear(t: Array) -> Array:
    """1 - |t|: the weight of a neighbour at distance t."""
    return np.asarray(np.maximum(1 - abs(t), 0))


def cubic_near(t: Any, a: float = -0.75) -> Any:
    """Keys' kernel at a distance of at most 1 (Keys 1981); a is its slope at distance 1."""
    return ((a + 2) * t - (a + 3)) * t * t + 1


def cubic_far(t: Any, a: float = -0.75) -> Any:
    """Keys' kernel at a distance from 1 to 2."""
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a


def _cubic(t: Array, a: float = -0.75) -> Array:
    t = abs(t)
    return np.where(t <= 1, cubic_near(t, a), np.where(t < 2, cubic_far(t, a), 0))


def _lanczos(t: Array) -> Array:
    """sinc(t) sinc(t / 3), for distances below 3."""
    return np.where(abs(t) < 3, np.sinc(t) * np.sinc(t / 3), 0)


# the kernel for shrinking, and the distance at which it ends
_SMOOTH: dict[str, tuple[Callable[[Array], Array], int]] = {
    "linear": (_linear, 1),
    "cubic": (lambda t: _cubic(t, -0.5), 2),
    "lanczos": (_lanczos, 3),
}


def _antialiased(mode: str, n: int, centre: Array, step: Any) -> tuple[Array, Array]:
    """Places and weights of a kernel stretched by `step`, if that is over 1; weights sum to 1."""
    kernel, reach = _SMOOTH[mode]
    stretch = max(step, type(step)(1))
    first = np.maximum((centre - reach * stretch + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + reach * stretch + 0.5).astype(np.int64), n)
    index = first[:, None] + np.arange((end - first).max(initial=1))
    weights = kernel((index - centre[:, None] + 0.5) / stretch) * (index < end[:, None])
    return np.minimum(index, n - 1), weights / weights.sum(axis=1, keepdims=True)
