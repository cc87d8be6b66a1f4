"""Steps on vectors, which loops call: loading, adding, saving, and turning squares of numbers.

They become instructions, and are not called. Arrays are one-dimensional and without gaps; places in
them count elements. No place is checked.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from dlframe_numba.building import (
    INT,
    NUMBER,
    Vector,
    below,
    beyond,
    lane_numbers,
    loaded,
    nothing,
    partly_loaded,
    partly_saved,
    place,
    row_at,
    saved,
    times_plus,
    transposed,
)

__all__ = [
    "add",
    "doubt",
    "even_run",
    "load",
    "run",
    "save",
    "subtract",
    "turn",
]


@intrinsic
def load(typing, x, at):
    """x[at …]."""
    vector = Vector(x.dtype)

    def code(context, builder, signature, args):
        return loaded(builder, place(context, builder, x, *args), vector)

    return vector(x, NUMBER), code


@intrinsic
def save(typing, value, out, at):
    """out[at …] = value."""

    def code(context, builder, signature, args):
        saved(builder, args[0], place(context, builder, out, *args[1:]), value)
        return nothing(context)

    return types.none(value, out, NUMBER), code


@intrinsic
def add(typing, x, y):
    """x + y."""
    return x(x, x), lambda context, builder, signature, args: builder.fadd(*args)


@intrinsic
def subtract(typing, x, y):
    """x - y."""
    return x(x, x), lambda context, builder, signature, args: builder.fsub(*args)


@intrinsic
def doubt(typing, faults, x):
    """faults + 0 · x: zero, as long as all numbers were finite, and nan ever after."""
    zero = ir.Constant(x.kind, [0.0] * x.lanes)

    def code(context, builder, signature, args):
        return times_plus(builder, args[1], zero, args[0], x)

    return x(faults, x), code


@intrinsic
def run(typing, source, at, out, to, begin, end):
    """out[to + i] = source[at + i] for begin <= i < end, of which a vector has all."""
    vector = Vector(source.dtype)

    def code(context, builder, signature, args):
        mask = builder.and_(
            below(builder, args[5], vector), builder.not_(below(builder, args[4], vector))
        )
        value = partly_loaded(builder, place(context, builder, source, *args[:2]), mask, vector)
        partly_saved(builder, value, place(context, builder, out, *args[2:4]), mask, vector)
        return nothing(context)

    n = NUMBER
    return types.none(source, n, out, n, n, n), code


@intrinsic
def even_run(typing, source, at, out, to, count):
    """out[to + i] = source[at + 2 i] for i < count, but not more than a vector has."""
    vector = Vector(source.dtype)

    def code(context, builder, signature, args):
        start, count = place(context, builder, source, *args[:2]), args[4]
        limit = builder.sub(builder.add(count, count), ir.Constant(INT, 1))
        parts = [
            partly_loaded(
                builder, beyond(builder, start, i), below(builder, limit, vector, i), vector
            )
            for i in (0, vector.lanes)
        ]
        value = builder.shuffle_vector(*parts, lane_numbers(range(0, 2 * vector.lanes, 2)))
        target = place(context, builder, out, *args[2:4])
        partly_saved(builder, value, target, below(builder, count, vector), vector)
        return nothing(context)

    n = NUMBER
    return types.none(source, n, out, n, n), code


@intrinsic
def turn(typing, source, at, step, rows, columns, out, to, out_step, out_rows):
    """out[to + i out_step + j] = source[at + j step + i] for i < columns and j < out_rows.

    It is zero for j >= rows. None of the three numbers counts beyond a vector.
    """
    vector = Vector(source.dtype)

    def code(context, builder, signature, args):
        lanes, none = range(vector.lanes), below(builder, ir.Constant(INT, 0), vector)
        start = place(context, builder, source, *args[:2])
        across = below(builder, args[4], vector)
        values = []
        for j in lanes:
            there = builder.icmp_signed("<", ir.Constant(INT, j), args[3])
            mask = builder.select(there, across, none)
            spot = row_at(builder, start, args[2], j)
            values.append(partly_loaded(builder, spot, mask, vector))
        values = transposed(builder, values, vector.lanes)
        start, across = place(context, builder, out, *args[5:7]), below(builder, args[8], vector)
        for i in lanes:
            with builder.if_then(builder.icmp_signed("<", ir.Constant(INT, i), args[4])):
                spot = row_at(builder, start, args[7], i)
                partly_saved(builder, values[i], spot, across, vector)
        return nothing(context)

    n = NUMBER
    return types.none(source, n, n, n, n, out, n, n, n), code
