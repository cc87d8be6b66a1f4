"""Tiles of vectors whose sums stay in registers: the heart of a product of matrices.

A product of matrices, and so a convolution, is as fast as it keeps its sums in registers while it
reads few numbers from memory. A compiler does not find this by itself, so loops say it: a tile is a
tuple of vectors, row after row, and each step adds to all of them. As in `dlframe_numba.vectors`,
no place is checked.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dlframe_numba.building import (
    NUMBER,
    Vector,
    beyond,
    everywhere,
    loaded,
    nothing,
    place,
    row_at,
    saved,
    times_plus,
)

__all__ = [
    "add_tile",
    "filled",
    "numbers",
    "outer",
    "repeated",
    "save_rows",
    "save_tile",
    "spread",
    "zeros",
]


@intrinsic(prefer_literal=True)
def zeros(typing, like, count):
    """A tile of `count` vectors of the dtype of the array `like`."""
    tile = types.UniTuple(Vector(like.dtype), count.literal_value)

    def code(context, builder, signature, args):
        zero = ir.Constant(tile.dtype.kind, [0.0] * tile.dtype.lanes)
        return context.make_tuple(builder, tile, [zero] * tile.count)

    return tile(like, count), code


@intrinsic(prefer_literal=True)
def filled(typing, values, at, rows, columns):
    """A tile whose row r has values[at + r] everywhere."""
    r, c = rows.literal_value, columns.literal_value
    tile = types.UniTuple(Vector(values.dtype), r * c)

    def code(context, builder, signature, args):
        start = place(context, builder, values, *args[:2])
        numbers = [builder.load(beyond(builder, start, i)) for i in range(r)]
        rows = [everywhere(builder, number, tile.dtype.lanes) for number in numbers]
        return context.make_tuple(builder, tile, [row for row in rows for _ in range(c)])

    return tile(values, NUMBER, rows, columns), code


@intrinsic(prefer_literal=True)
def repeated(typing, values, at, rows, columns):
    """A tile of which each row has values[at …]."""
    r, c = rows.literal_value, columns.literal_value
    tile = types.UniTuple(Vector(values.dtype), r * c)

    def code(context, builder, signature, args):
        start = place(context, builder, values, *args[:2])
        return context.make_tuple(builder, tile, _columns(builder, start, c, tile.dtype) * r)

    return tile(values, NUMBER, rows, columns), code


@intrinsic(prefer_literal=True)
def numbers(typing, values, at, count):
    """values[at], …, values[at + count - 1] as a tuple."""
    kind = types.UniTuple(NUMBER, count.literal_value)

    def code(context, builder, signature, args):
        start = place(context, builder, values, *args[:2])
        found = [builder.load(beyond(builder, start, i)) for i in range(kind.count)]
        return context.make_tuple(builder, kind, found)

    return kind(values, NUMBER, count), code


def _products(builder, tile, sums, scalars, columns):
    """The tile's vectors plus each of `scalars` (by row) times each of `columns`."""
    vector, c = tile.dtype, len(columns)
    out = []
    for r, scalar in enumerate(scalars):
        factor = everywhere(builder, builder.load(scalar), vector.lanes)
        for column, total in zip(columns, sums[r * c : (r + 1) * c], strict=True):
            out.append(times_plus(builder, factor, column, total, vector))
    return out


def _columns(builder, start, count, vector):
    return [loaded(builder, beyond(builder, start, j * vector.lanes), vector) for j in range(count)]


@intrinsic(prefer_literal=True)
def outer(typing, tile, x, ix, y, iy, rows):
    """tile[r, v] += x[ix + r] · y[iy + lanes v …]; the tile has `rows` rows."""
    r, vector = rows.literal_value, tile.dtype

    def code(context, builder, signature, args):
        sums = cgutils.unpack_tuple(builder, args[0], tile.count)
        start = place(context, builder, x, *args[1:3])
        scalars = [beyond(builder, start, i) for i in range(r)]
        start = place(context, builder, y, *args[3:5])
        columns = _columns(builder, start, tile.count // r, vector)
        found = _products(builder, tile, sums, scalars, columns)
        return context.make_tuple(builder, tile, found)

    return tile(tile, x, NUMBER, y, NUMBER, rows), code


@intrinsic
def spread(typing, tile, x, places, ix, y, iy):
    """tile[r, v] += x[places[r] + ix] · y[iy + lanes v …]."""
    r, vector = places.count, tile.dtype

    def code(context, builder, signature, args):
        sums = cgutils.unpack_tuple(builder, args[0], tile.count)
        starts = cgutils.unpack_tuple(builder, args[2], r)
        scalars = [
            beyond(builder, place(context, builder, x, args[1], start), args[3]) for start in starts
        ]
        start = place(context, builder, y, *args[4:])
        columns = _columns(builder, start, tile.count // r, vector)
        found = _products(builder, tile, sums, scalars, columns)
        return context.make_tuple(builder, tile, found)

    return tile(tile, x, places, NUMBER, y, NUMBER), code


def _each(context, builder, kind, args, tile, columns):
    """The tile's vectors, and their places in an array whose rows are `step` apart."""
    start = place(context, builder, kind, *args[1:3])
    for i, value in enumerate(cgutils.unpack_tuple(builder, args[0], tile.count)):
        spot = row_at(builder, start, args[3], i // columns)
        yield value, beyond(builder, spot, i % columns * tile.dtype.lanes)


@intrinsic(prefer_literal=True)
def save_tile(typing, tile, out, at, step, columns):
    """out[at + r step + lanes v …] = tile[r, v]."""

    def code(context, builder, signature, args):
        pieces = _each(context, builder, out, args, tile, columns.literal_value)
        for value, spot in pieces:
            saved(builder, value, spot, tile.dtype)
        return nothing(context)

    return types.none(tile, out, NUMBER, NUMBER, columns), code


@intrinsic(prefer_literal=True)
def add_tile(typing, tile, out, at, step, columns):
    """out[at + r step + lanes v …] += tile[r, v]."""

    def code(context, builder, signature, args):
        pieces = _each(context, builder, out, args, tile, columns.literal_value)
        for value, spot in pieces:
            total = builder.fadd(loaded(builder, spot, tile.dtype), value)
            saved(builder, total, spot, tile.dtype)
        return nothing(context)

    return types.none(tile, out, NUMBER, NUMBER, columns), code


@intrinsic
def save_rows(typing, tile, out, places, at):
    """out[places[r] + at + lanes v …] = tile[r, v]."""
    columns, vector = tile.count // places.count, tile.dtype

    def code(context, builder, signature, args):
        values = cgutils.unpack_tuple(builder, args[0], tile.count)
        starts = cgutils.unpack_tuple(builder, args[2], places.count)
        for i, value in enumerate(values):
            spot = beyond(
                builder, place(context, builder, out, args[1], starts[i // columns]), args[3]
            )
            saved(builder, value, beyond(builder, spot, i % columns * vector.lanes), vector)
        return nothing(context)

    return types.none(tile, out, places, NUMBER), code
