"""Products of two matrices, the large ones shared by dlframe's threads.

The threads are `dlframe.base.threads`, since those of a BLAS wait in a busy loop, in which they
take a processor from the threads that compute what comes next.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dlframe.base import blas, threads
from dlframe.ops.record import Array

__all__ = ["dot", "two_dots"]

_ALONE = 1 << 18  # multiplications, from which OpenBLAS would wake its own threads,
_VECTOR = 1 << 13  # and for a matrix and a vector
# Multiplications that take 0.8 ms, of one product or of two: several times as long as it takes to
# wake a thread, where the processors are virtual
_SHARED = 1 << 25


def dot(x: Array, y: Array) -> Any:
    """`x @ y`; shared by threads if both are large matrices of floats."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        return x @ y  # of examples under vmap
    if threads.number() == 1:
        return x.dot(y)  # faster than @ for small matrices
    if x.ndim != 2 or y.ndim != 2:
        return x.dot(y) if max(x.size, y.size) < _VECTOR else _alone(x, y)
    rows, columns = x.shape[0], y.shape[1]
    work = rows * columns * x.shape[1]
    if work < (_VECTOR if rows == 1 or columns == 1 else _ALONE):
        return x.dot(y)
    if work < _SHARED or y.dtype != x.dtype or x.dtype.char not in "fd":
        return _alone(x, y)
    out = np.empty((rows, columns), x.dtype)
    if rows >= columns:
        threads.shared(lambda part: np.matmul(x[part], y, out=out[part]), rows, _least(rows, work))
    else:
        threads.shared(
            lambda part: np.matmul(x, y[:, part], out=out[:, part]), columns, _least(columns, work)
        )
    return out


def two_dots(x: Array, y: Array, z: Array, w: Array) -> tuple[Any, Any]:
    """`x @ y` and `z @ w`, which take the same time; by two threads at once if they are large.

    Where there are just two threads, that is better than to share out each product.
    """
    if type(x) is np.ndarray is type(y) and type(z) is np.ndarray is type(w):
        work = x.size * y.shape[-1]
        n = threads.number()
        if n > 1 and 2 * work >= _SHARED and (n == 2 or work < _SHARED):
            made: list[Any] = [None, None]

            def make(i: int, a: Array, b: Array) -> None:
                made[i] = a.dot(b)

            threads.together([partial(make, 0, x, y), partial(make, 1, z, w)])
            return made[0], made[1]
    return dot(x, y), dot(z, w)


def _alone(x: Array, y: Array) -> Any:
    with blas.alone():
        return x.dot(y)


def _least(count: int, work: int) -> int:
    """How many of the rows or columns take so long that another thread pays."""
    return max(1, count * (_SHARED // 2) // work)
