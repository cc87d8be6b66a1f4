"""Operations that rearrange elements: reshaping, transposing, joining, padding.

A reshape, a transpose and a diagonal are views: they share memory with their input where NumPy can.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from dlframe.errors import ShapeError
from dlframe.ops.broadcast import sum_to
from dlframe.ops.elementwise import contiguous
from dlframe.ops.indexing import number_for
from dlframe.ops.op import op
from dlframe.ops.record import Array

Shape = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "concatenate",
    "diagonal",
    "expand_dims",
    "flip",
    "pad",
    "put_diagonal",
    "ravel",
    "reshape",
    "roll",
    "rot90",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "transpose",
    "tril",
    "triu",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


@op(view=True, latex="x")
def reshape(x: Array, *, shape: Shape) -> Any:
    """The same elements in another shape; one size may be -1."""
    try:
        return x.reshape(shape)
    except ValueError:
        raise ShapeError(
            f"reshape: shape {list(shape)} is invalid for input of size {x.size} (shape "
            f"{list(x.shape)}): "
            "the sizes must multiply to the same number; one of them may be -1"
        ) from None


@reshape.vjp("x", latex="g")
def _(g, shape):
    return g.reshape(shape)


@op(view=True, latex=r"X^\top")
def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Any:
    """The axes in the order `axes`; by default reversed."""
    return x.transpose(axes)


@transpose.vjp("x", latex=r"G^\top")
def _(g, *, axes):
    if axes is None:
        return transpose(g)
    n = len(axes)
    inverse = sorted(range(n), key=lambda i: axes[i] % n)
    return transpose(g, axes=tuple(inverse))


@op(view=True, latex=r"X^\top")
def swapaxes(x: Array, *, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    return x.swapaxes(axis1, axis2)


@swapaxes.vjp("x", latex=r"G^\top")
def _(g, *, axis1, axis2):
    return g.swapaxes(axis1, axis2)


@op(order="like", latex="x_{n-1-i}")
def flip(x: Array, *, axis: int | tuple[int, ...]) -> Any:
    """The elements in reverse order along `axis`; a copy, as in PyTorch."""
    return np.flip(x, axis).copy("K")


@flip.vjp("x", latex="g_{n-1-i}")
def _(g, *, axis):
    return flip(g, axis=axis)


@op(latex=r"x_{(i - s) ~\mathrm{mod}~ n}")
def roll(x: Array, *, shift: int | Shape, axis: int | tuple[int, ...] | None = None) -> Any:
    """The elements moved by `shift`; those moved out at one end come in at the other."""
    if isinstance(axis, tuple) and isinstance(shift, tuple) and len(axis) == len(shift) == 1:
        (axis,), (shift,) = axis, shift
    if not isinstance(axis, int) or not isinstance(shift, int) or not x.size:
        return np.roll(x, shift, axis)
    before, end = (slice(None),) * (axis % x.ndim), -shift % x.shape[axis]
    return np.concatenate((x[(*before, slice(end, None))], x[(*before, slice(end))]), axis)


@roll.vjp("x", latex=r"g_{(i + s) ~\mathrm{mod}~ n}")
def _(g, *, shift, axis):
    back = tuple(-s for s in shift) if isinstance(shift, tuple) else -shift
    return roll(g, shift=back, axis=axis)


@op(promotes=("arrays",), latex=r"(x_1, x_2, \ldots)")
def concatenate(*arrays: Array, axis: int = 0) -> Any:
    """The arrays one after the other along an axis that they have."""
    return np.concatenate(arrays, axis=axis)


@concatenate.vjp("*arrays", latex="g_i")
def _(g, shapes, *, axis):
    before = (slice(None),) * (axis % g.ndim)
    ends = list(itertools.accumulate((shape[axis] for shape in shapes), initial=0))
    return [g[(*before, slice(a, b))] for a, b in itertools.pairwise(ends)]


@op(promotes=("arrays",), latex=r"(x_1, x_2, \ldots)")
def stack(*arrays: Array, axis: int = 0) -> Any:
    """The arrays, of one shape, side by side along a new axis."""
    before = axis if axis >= 0 else axis + arrays[0].ndim + 1
    place = (slice(None),) * before + (None,)  # np.stack does the same in twice the time
    return np.concatenate([x[place] for x in arrays], axis=axis)


@stack.vjp("*arrays", latex="g_i")
def _(g, shapes, *, axis):
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, i)] for i in range(len(shapes))]


@op(latex=r"x_{i ~\mathrm{mod}~ n}")
def tile(x: Array, *, reps: Shape) -> Any:
    """`x` repeated `reps` times along each axis, as whole copies."""
    return np.tile(x, reps)


@tile.vjp("x", latex=r"\sum_{i ~\mathrm{mod}~ n = j} g_i")
def _(g, shape, *, reps):
    n = max(len(reps), len(shape))
    sizes = (1,) * (n - len(shape)) + shape
    counts = (1,) * (n - len(reps)) + tuple(reps)
    # (copies, size) for each axis; then the copies are added up
    pairs = tuple(itertools.chain.from_iterable(zip(counts, sizes, strict=True)))
    once = tuple(itertools.chain.from_iterable((1, size) for size in sizes))
    return sum_to(g.reshape(pairs), shape=once).reshape(shape)


@op(latex="(c, x, c)")
def pad(x: Array, *, pad_width: Pairs, value: float = 0) -> Any:
    """`x` with (before, after) elements of `value` added along axes, or removed if negative."""
    size = [n + a + b for n, (a, b) in zip(x.shape, pad_width, strict=True)]
    out = np.full(size, number_for("pad", value, x.dtype), x.dtype)
    out[_inner(pad_width)] = x[_inner(_opposite(pad_width))]
    return out


@pad.vjp("x", latex="g_{i + b}")
def _(g, *, pad_width):
    return pad(g, pad_width=_opposite(pad_width))  # added elements are removed, removed ones are 0


def _inner(pad_width: Pairs) -> tuple[slice, ...]:
    """The places of the elements of the unpadded array."""
    return tuple(slice(max(a, 0), -b if b > 0 else None) for a, b in pad_width)


def _opposite(pad_width: Pairs) -> Pairs:
    return tuple((-a, -b) for a, b in pad_width)


@op(latex=r"x_{ij} [j \leq i + k]")
def tril(x: Array, *, k: int = 0) -> Any:
    """The lower triangle of each matrix, up to the k-th diagonal; zeros above."""
    return np.tril(x, k)


@tril.vjp("x", latex=r"g_{ij} [j \leq i + k]")
def _(g, *, k):
    return tril(g, k=k)


@op(latex=r"x_{ij} [j \geq i + k]")
def triu(x: Array, *, k: int = 0) -> Any:
    """The upper triangle of each matrix, from the k-th diagonal; zeros below."""
    return np.triu(x, k)


@triu.vjp("x", latex=r"g_{ij} [j \geq i + k]")
def _(g, *, k):
    return triu(g, k=k)


@op(view=True, latex="x_{i, i+k}")
def diagonal(x: Array, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of the matrices in axis1 and axis2, as the last axis of the result."""
    view = x.diagonal(offset, axis1, axis2)
    view.flags.writeable = x.flags.writeable  # NumPy makes it read-only
    return view


@diagonal.vjp("x", latex="g_i [j = i + k]")
def _(g, shape, *, offset, axis1, axis2):
    return put_diagonal(g, size=shape, offset=offset, axis1=axis1, axis2=axis2)


@op(latex="x_i [j = i + k]")
def put_diagonal(x: Array, *, size: Shape, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Zeros of shape `size` with `x` on the diagonal."""
    out = np.zeros(size, x.dtype)
    diagonal(out, offset=offset, axis1=axis1, axis2=axis2)[...] = x
    return out


@put_diagonal.vjp("x", latex="g_{i, i+k}")
def _(g, *, offset, axis1, axis2):
    return diagonal(g, offset=offset, axis1=axis1, axis2=axis2)


def squeeze(x: Any, *, axis: int | tuple[int, ...] | None = None) -> Any:
    """`x` without its axes of size 1, or only without those that `axis` names."""
    shape = x.shape
    if axis is None:
        return reshape(x, shape=tuple([n for n in shape if n != 1]))
    if isinstance(axis, int):
        axis = (axis,)
    axes = [a % len(shape) for a in axis if shape]
    return reshape(x, shape=tuple([n for i, n in enumerate(shape) if n != 1 or i not in axes]))


def expand_dims(x: Any, *, axis: int) -> Any:
    """`x` with a new axis of size 1."""
    axis %= len(x.shape) + 1
    return reshape(x, shape=(*x.shape[:axis], 1, *x.shape[axis:]))


def ravel(x: Any) -> Any:
    """All elements along one axis."""
    return reshape(x, shape=(math.prod(x.shape),))


def atleast_1d(x: Any) -> Any:
    """`x`; a number as a vector of one."""
    return x if x.shape else reshape(x, shape=(1,))


def atleast_2d(x: Any) -> Any:
    """`x`; a vector as a row."""
    n = len(x.shape)
    return x if n > 1 else reshape(x, shape=(*(1,) * (2 - n), *x.shape))


def atleast_3d(x: Any) -> Any:
    """`x`; a vector (n,) as (1, n, 1), a matrix (n, m) as (n, m, 1)."""
    n = len(x.shape)
    return x if n > 2 else reshape(x, shape=(*(1,) * (n < 2), *x.shape, *(1,) * (1 + (n < 1))))


def rot90(x: Any, *, k: int, axes: tuple[int, int]) -> Any:
    """`x` rotated `k` times by 90° in the plane of two axes, from first to second; a copy."""
    first, second = axes
    if k % 2 == 0:
        return flip(x, axis=axes) if k % 4 else contiguous(x)
    return swapaxes(flip(x, axis=second if k % 4 == 1 else first), axis1=first, axis2=second)
