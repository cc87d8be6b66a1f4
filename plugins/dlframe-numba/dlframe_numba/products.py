"""Linear layers: products of matrices in parts that several threads take, with the bias added.

The products are BLAS's, by SciPy, which compiled code may call without Python's lock. Each thread
has one thread of BLAS; so their blocks, and the rounding of a product, depend on how many there
are, as in dlframe itself. In one thread there is nothing to gain, and dlframe multiplies.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dlframe.base import blas, threads
from dlframe.kernels import Kernel
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from scipy.linalg import cython_blas  # noqa: F401 - where numba finds its BLAS

from dlframe_numba.building import INT, NUMBER, nothing, place
from dlframe_numba.compiling import loop
from dlframe_numba.sharing import in_parts

__all__ = ["gemm", "linear", "number_at"]

_WORK = 1 << 18  # multiplications that take some microseconds
_NARROW = 32  # rows or columns of a part, at least
_ROWS = 128  # whose sum keeps its digits, as in dlframe's sums

blas.look_again()

# --- BLAS --------------------------------------------------------------------------------------

_POINTER, _CHAR = ir.IntType(8).as_pointer(), ir.IntType(8)
_GIVEN = (_POINTER, _POINTER, INT, _POINTER, INT, _POINTER, _POINTER, INT)
_GEMM = ir.FunctionType(ir.IntType(32), [_CHAR, _CHAR, _CHAR, INT, INT, INT, *_GIVEN])


def _spot(context, builder, kind, array, at, number):
    if isinstance(kind, types.Array):
        return place(context, builder, kind, array, at)
    return builder.gep(builder.inttoptr(array, number.as_pointer()), [at])


@intrinsic
def gemm(typing, out, io, wide, x, ix, wide_x, turn_x, y, iy, wide_y, turn_y, m, n, k, alpha, beta):
    """out = alpha · x y + beta · out, an m × n matrix in `out` from io on; k is the inner length.

    Each of them is in an array, or at an address. The rows of matrices in memory are `wide` numbers
    apart; `turn_x` says that x is the transposed of what lies there. No place is checked.
    """

    def code(context, builder, signature, args):
        io, wide, _, ix, wide_x, turn_x, _, iy, wide_y, turn_y, m, n, k, alpha, beta = args[1:]
        # BLAS counts down columns: in its eyes each matrix is transposed, and so is the product
        letters = [
            builder.select(turned, ir.Constant(_CHAR, ord("t")), ir.Constant(_CHAR, ord("n")))
            for turned in (turn_y, turn_x)
        ]
        spots = [
            builder.bitcast(_spot(context, builder, kind, array, at, alpha.type), _POINTER)
            for kind, array, at in ((y, args[7], iy), (x, args[3], ix), (out, args[0], io))
        ]
        factors = [
            builder.bitcast(cgutils.alloca_once_value(builder, v), _POINTER) for v in (alpha, beta)
        ]
        letter = ir.Constant(_CHAR, ord("s" if factor == types.float32 else "d"))
        function = cgutils.get_or_insert_function(builder.module, _GEMM, "numba_xxgemm")
        x_and_y = spots[0], wide_y, spots[1], wide_x
        sizes = letter, *letters, n, m, k
        builder.call(function, [*sizes, factors[0], *x_and_y, factors[1], spots[2], wide])
        return nothing(context)

    lengths = [NUMBER, NUMBER, types.boolean]
    factor = alpha
    given = [out, NUMBER, NUMBER, x, *lengths, y, *lengths, NUMBER, NUMBER, NUMBER, factor, factor]
    return types.none(*given), code


@intrinsic
def number_at(typing, address, at):
    """The number of float32 that lies `at` numbers after the address."""

    def code(context, builder, signature, args):
        spot = builder.inttoptr(args[0], ir.FloatType().as_pointer())
        return builder.load(builder.gep(spot, [args[1]]))

    return types.float32(NUMBER, NUMBER), code


# --- linear ------------------------------------------------------------------------------------


@in_parts
def _forward(first, last, number, out, x, weight, bias, parts, by_rows):
    """out = x weightᵀ + bias, by parts of its rows or columns."""
    rows, columns, inner = len(x), len(weight), x.shape[1]
    one = bias.dtype.type(1)
    for part in range(first, last):
        a, b, c, d = 0, rows, 0, columns
        if by_rows:
            a, b = rows * part // parts, rows * (part + 1) // parts
        else:
            c, d = columns * part // parts, columns * (part + 1) // parts
        some = bias[c:d]
        for i in range(a, b):
            row = out[i, c:d]
            for j in range(len(row)):
                row[j] = some[j]
        gemm(
            out, a * columns + c, columns, x, a * inner, inner, False,
            weight, c * inner, inner, True, b - a, d - c, inner, one, one,
        )  # fmt: skip


@loop
def _add_rows(total, g, a, b):
    """Sums of columns a … b of g, of some rows at a time in its dtype, then in float64."""
    some = np.zeros(b - a, g.dtype)
    for start in range(0, len(g), _ROWS):
        some[:] = 0
        for i in range(start, min(start + _ROWS, len(g))):
            row = g[i, a:b]
            for j in range(len(row)):
                some[j] += row[j]
        for j in range(b - a):
            total[a + j] += some[j]


@in_parts
def _backward(first, last, number, dx, dw, db, g, x, weight, parts, needs_x, needs_w, needs_b):
    """dx = g weight by rows, then dw = gᵀ x and db = Σ g by columns of g."""
    rows, columns, inner = len(g), g.shape[1], weight.shape[1]
    one, zero = g.dtype.type(1), g.dtype.type(0)
    before = parts if needs_x else 0
    for part in range(first, last):
        if part < before:
            a, b = rows * part // parts, rows * (part + 1) // parts
            gemm(
                dx, a * inner, inner, g, a * columns, columns, False,
                weight, 0, inner, False, b - a, inner, columns, one, zero,
            )  # fmt: skip
        else:
            i = part - before
            a, b = columns * i // parts, columns * (i + 1) // parts
            if needs_w:
                gemm(
                    dw, a * inner, inner, g, a, columns, True,
                    x, 0, inner, False, b - a, inner, rows, one, zero,
                )  # fmt: skip
            if needs_b:
                _add_rows(db, g, a, b)


def _known(*arrays: Any) -> bool:
    dtype = arrays[0].dtype
    return dtype.char in "fd" and all(
        x is None or (x.dtype == dtype and x.flags.c_contiguous and x.flags.writeable)
        for x in arrays
    )


def _parts(length: int, products: int = 1) -> int:
    """How many parts each of some products should have, of so many rows or columns."""
    return max(1, min(-(-threads.number() // products), length // _NARROW))


def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    if threads.number() == 1 or not _known(x, weight, bias) or x.ndim < 2 or weight.ndim != 2:
        return NotImplemented
    columns, inner = weight.shape
    if x.shape[-1] != inner or (bias is not None and bias.shape != (columns,)):
        return NotImplemented
    rows = math.prod(x.shape[:-1])
    work, by_rows = rows * columns * inner, rows >= columns
    parts = _parts(max(rows, columns))
    if work < _WORK or parts < 2:
        return NotImplemented
    out = np.empty((*x.shape[:-1], columns), x.dtype)
    added = np.zeros(columns, x.dtype) if bias is None else bias
    flat = x.reshape(rows, inner)
    with blas.alone():
        _forward(
            parts, work / parts / 16, out.reshape(rows, columns), flat, weight, added, parts,
            by_rows,
        )  # fmt: skip
    return out


def _linear_back(g: Any, needs: Any, x: Any, weight: Any) -> Any:
    if threads.number() == 1 or g.ndim < 2 or not _known(g, weight, x):
        return NotImplemented
    if weight is None or (needs[1] and x is None) or weight.shape[0] != g.shape[-1]:
        return NotImplemented
    rows, (columns, inner) = math.prod(g.shape[:-1]), weight.shape
    work = rows * columns * inner
    halves = bool(needs[0]) + bool(needs[1] or needs[2])
    # the two products take the same time: two threads take one each
    parts = _parts(min(rows, columns), halves)
    if work < _WORK:
        return NotImplemented
    flat = g.reshape(rows, columns)
    dx = np.empty((rows, inner) if needs[0] else (1, 1), g.dtype)
    dw = np.empty((columns, inner) if needs[1] else (1, 1), g.dtype)
    db = np.zeros(columns if needs[2] else 1, np.float64)
    given = x.reshape(rows, inner) if needs[1] else flat
    with blas.alone():
        _backward(
            halves * parts, work / parts / 16, dx, dw, db, flat, given, weight, parts,
            bool(needs[0]), bool(needs[1]), bool(needs[2]),
        )  # fmt: skip
    return (
        dx.reshape(*g.shape[:-1], inner) if needs[0] else None,
        dw if needs[1] else None,
        db.astype(g.dtype) if needs[2] else None,
    )


linear = Kernel(forward=_linear, fast_backward=_linear_back, smallest=1024)
