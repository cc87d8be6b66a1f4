"""Steps on vectors for maxima: loading some lanes, comparing, keeping where the larger ones are.

As in `dlframe_numba.vectors`, no place is checked. Numbers of offsets are floats here, so that
they lie in the same lanes as what they belong to.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dlframe_numba.building import (
    INT,
    NUMBER,
    Vector,
    below,
    beyond,
    called,
    everywhere,
    lane_numbers,
    partly_loaded,
    partly_saved,
    place,
)

__all__ = [
    "constant",
    "contest",
    "load_bytes",
    "load_even",
    "load_run",
    "load_steps",
    "save_bytes",
    "save_pairs",
    "save_run",
    "where_equal",
]


def _between(builder, begin, end, vector, first=0):
    return builder.and_(
        below(builder, end, vector, first), builder.not_(below(builder, begin, vector, first))
    )


@intrinsic
def constant(typing, like, value):
    """A vector of the dtype of `like`, with `value` everywhere."""
    vector = Vector(like.dtype)

    def code(context, builder, signature, args):
        number = context.cast(builder, args[1], value, vector.dtype)
        return everywhere(builder, number, vector.lanes)

    return vector(like, value), code


@intrinsic
def load_run(typing, x, at, begin, end):
    """x[at + lane] for begin <= lane < end."""
    vector = Vector(x.dtype)

    def code(context, builder, signature, args):
        mask = _between(builder, *args[2:], vector)
        return partly_loaded(builder, place(context, builder, x, *args[:2]), mask, vector)

    return vector(x, NUMBER, NUMBER, NUMBER), code


@intrinsic
def load_even(typing, x, at, begin, end):
    """x[at + 2 lane] for begin <= lane < end."""
    vector = Vector(x.dtype)

    def code(context, builder, signature, args):
        start, n = place(context, builder, x, *args[:2]), vector.lanes
        begin = builder.add(args[2], args[2])
        end = builder.sub(builder.add(args[3], args[3]), ir.Constant(INT, 1))
        halves = [
            partly_loaded(
                builder, beyond(builder, start, i), _between(builder, begin, end, vector, i), vector
            )
            for i in (0, n)
        ]
        return builder.shuffle_vector(*halves, lane_numbers(range(0, 2 * n, 2)))

    return vector(x, NUMBER, NUMBER, NUMBER), code


@intrinsic
def load_steps(typing, x, at, step, begin, end):
    """x[at + step lane] for begin <= lane < end."""
    vector = Vector(x.dtype)

    def code(context, builder, signature, args):
        value = cgutils.alloca_once_value(builder, ir.Constant(vector.kind, [0.0] * vector.lanes))
        begin, end = args[3:]
        with cgutils.for_range(builder, end, start=begin, intp=INT) as turn:
            at = builder.add(args[1], builder.mul(args[2], turn.index))
            number = builder.load(place(context, builder, x, args[0], at))
            changed = builder.insert_element(builder.load(value), number, turn.index)
            builder.store(changed, value)
        return builder.load(value)

    n = NUMBER
    return vector(x, n, n, n, n), code


@intrinsic
def save_run(typing, value, out, at, end):
    """out[at + lane] = value for lane < end."""

    def code(context, builder, signature, args):
        start = place(context, builder, out, *args[1:3])
        partly_saved(builder, args[0], start, below(builder, args[3], value), value)
        return context.get_dummy_value()

    return types.none(value, out, NUMBER, NUMBER), code


@intrinsic
def save_pairs(typing, x, y, out, at, end):
    """out[at + 2 lane] = x and out[at + 2 lane + 1] = y for lane < end."""

    def code(context, builder, signature, args):
        n, start = x.lanes, place(context, builder, out, *args[2:4])
        limit = builder.add(args[4], args[4])
        for first in (0, n):
            order = [i // 2 + i % 2 * n for i in range(first, first + n)]
            pairs = builder.shuffle_vector(args[0], args[1], lane_numbers(order))
            mask = below(builder, limit, x, first)
            partly_saved(builder, pairs, beyond(builder, start, first), mask, x)
        return context.get_dummy_value()

    return types.none(x, y, out, NUMBER, NUMBER), code


@intrinsic
def contest(typing, best, which, value, number, begin, end, none):
    """In the lanes from `begin` to `end`, take `value` where it is larger, nan, or the first.

    Returns:
        The maxima, and the numbers of those who won; `none` is the number of nobody.
    """
    pair = types.UniTuple(best, 2)

    def code(context, builder, signature, args):
        best_, which_, value_, number, begin, end, none = args
        larger = builder.fcmp_ordered(">", value_, best_)
        nan = builder.fcmp_unordered("uno", value_, value_)
        first = builder.fcmp_ordered("==", which_, none)
        take = builder.or_(builder.or_(larger, nan), first)
        take = builder.and_(take, _between(builder, begin, end, best))
        chosen = [builder.select(take, value_, best_), builder.select(take, number, which_)]
        return context.make_tuple(builder, pair, chosen)

    return pair(best, best, best, best, NUMBER, NUMBER, best), code


@intrinsic
def where_equal(typing, value, which, number):
    """`value` in the lanes in which `which` is `number`, otherwise 0."""

    def code(context, builder, signature, args):
        same = builder.fcmp_ordered("==", args[1], args[2])
        return builder.select(same, args[0], ir.Constant(value.kind, [0.0] * value.lanes))

    return value(value, value, value), code


def _masked_bytes(builder, start, count, vector):
    kind = ir.VectorType(ir.IntType(8), vector.lanes)
    pointer = builder.bitcast(start, kind.as_pointer())
    return kind, pointer, ir.Constant(ir.IntType(32), 1), below(builder, count, vector)


@intrinsic
def save_bytes(typing, value, out, at, end):
    """out[at + lane] = value for lane < end, as whole numbers of one byte."""

    def code(context, builder, signature, args):
        start = place(context, builder, out, *args[1:3])
        kind, pointer, align, mask = _masked_bytes(builder, start, args[3], value)
        words = builder.fptosi(args[0], ir.VectorType(ir.IntType(32), value.lanes))
        name = f"llvm.masked.store.v{value.lanes}i8.p0"
        called(builder, name, ir.VoidType(), builder.trunc(words, kind), pointer, align, mask)
        return context.get_dummy_value()

    return types.none(value, out, NUMBER, NUMBER), code


@intrinsic
def load_bytes(typing, like, x, at, end):
    """x[at + lane] for lane < end, whole numbers of one byte, in the dtype of `like`."""
    vector = Vector(like.dtype)

    def code(context, builder, signature, args):
        start = place(context, builder, x, *args[1:3])
        kind, pointer, align, mask = _masked_bytes(builder, start, args[3], vector)
        name = f"llvm.masked.load.v{vector.lanes}i8.p0"
        zero = ir.Constant(kind, [0] * vector.lanes)
        value = called(builder, name, kind, pointer, align, mask, zero)
        words = builder.zext(value, ir.VectorType(ir.IntType(32), vector.lanes))
        return builder.sitofp(words, vector.kind)

    return vector(like, x, NUMBER, NUMBER), code
