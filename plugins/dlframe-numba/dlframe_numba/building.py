"""Vectors of the processor as a type of numba, and the pieces that steps on them are made of.

A `Vector` holds as many neighbouring numbers as a register of the processor does. The functions
under "pieces of code" write instructions: each gets the builder of numba's compiler, and its values
are those of the compiled program. `dlframe_numba.vectors` and `tiles` make of them what loops call.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

__all__ = [
    "BYTES",
    "INT",
    "INT32",
    "NUMBER",
    "Vector",
    "aligned",
    "below",
    "beyond",
    "called",
    "everywhere",
    "lane_numbers",
    "lanes_of",
    "loaded",
    "nothing",
    "partly_loaded",
    "partly_saved",
    "place",
    "row_at",
    "saved",
    "times_plus",
    "transposed",
]

_FEATURES = llvm.get_host_cpu_features()
BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx") else 16
"""The size of a register."""

INT, INT32, NUMBER = ir.IntType(64), ir.IntType(32), types.intp


def lanes_of(dtype: Any) -> int:
    """How many numbers a vector holds."""
    return BYTES // np.dtype(dtype).itemsize


def aligned(size: int, dtype: Any) -> Any:
    """Zeros that begin where a register may be loaded in one piece."""
    dtype = np.dtype(dtype)
    room = np.zeros(size + 64 // dtype.itemsize, dtype)
    start = -room.ctypes.data % 64 // dtype.itemsize
    return room[start : start + size]


class Vector(types.Type):
    """The type of a vector of `float32` or `float64`."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.lanes = dtype, BYTES * 8 // dtype.bitwidth
        real = ir.FloatType() if dtype == types.float32 else ir.DoubleType()
        self.kind = ir.VectorType(real, self.lanes)
        self.suffix = f"v{self.lanes}f{dtype.bitwidth}"
        self.align = dtype.bitwidth // 8  # of any element
        super().__init__(name=f"Vector({dtype}, {self.lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, vector.kind)


# --- pieces of code ----------------------------------------------------------------------------


def place(context, builder, kind, array, place):
    return builder.gep(context.make_array(kind)(context, builder, array).data, [place])


def beyond(builder, pointer, count):
    return builder.gep(pointer, [ir.Constant(INT, count) if isinstance(count, int) else count])


def row_at(builder, pointer, step, r):
    return beyond(builder, pointer, builder.mul(step, ir.Constant(INT, r)))


def loaded(builder, pointer, vector):
    return builder.load(builder.bitcast(pointer, vector.kind.as_pointer()), align=vector.align)


def saved(builder, value, pointer, vector):
    pointer = builder.bitcast(pointer, vector.kind.as_pointer())
    builder.store(value, pointer, align=vector.align)


def called(builder, name, result, *args):
    kind = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def partly_loaded(builder, pointer, mask, vector):
    args = [
        builder.bitcast(pointer, vector.kind.as_pointer()),
        ir.Constant(INT32, vector.align),
        mask,
        ir.Constant(vector.kind, [0.0] * vector.lanes),
    ]
    return called(builder, f"llvm.masked.load.{vector.suffix}.p0", vector.kind, *args)


def partly_saved(builder, value, pointer, mask, vector):
    args = [
        value,
        builder.bitcast(pointer, vector.kind.as_pointer()),
        ir.Constant(INT32, vector.align),
        mask,
    ]
    called(builder, f"llvm.masked.store.{vector.suffix}.p0", ir.VoidType(), *args)


def everywhere(builder, scalar, lanes):
    """A vector whose elements are all `scalar`."""
    kind = ir.VectorType(scalar.type, lanes)
    none = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(none, scalar, ir.Constant(INT32, 0))
    return builder.shuffle_vector(one, none, lane_numbers([0] * lanes))


def lane_numbers(which):
    return ir.Constant(ir.VectorType(INT32, len(which)), list(which))


def below(builder, limit, vector, first=0):
    """For each lane, whether its number (counted from `first`) is less than `limit`."""
    numbers = lane_numbers(range(first, first + vector.lanes))
    limit = everywhere(builder, builder.trunc(limit, INT32), vector.lanes)
    return builder.icmp_signed("<", numbers, limit)


def times_plus(builder, a, b, c, vector):
    return called(builder, f"llvm.fmuladd.{vector.suffix}", a.type, a, b, c)


def transposed(builder, values, lanes):
    """A square of vectors, turned: in each round, halves of two vectors change places."""
    half = lanes // 2
    while half:
        low = lane_numbers([i if not i & half else lanes + (i ^ half) for i in range(lanes)])
        high = lane_numbers([i | half if not i & half else lanes + i for i in range(lanes)])
        for j in range(lanes):
            if not j & half:
                pair = values[j], values[j | half]
                values[j] = builder.shuffle_vector(*pair, low)
                values[j | half] = builder.shuffle_vector(*pair, high)
        half //= 2
    return values


def nothing(context):
    return context.get_dummy_value()
