"""Norms of vectors and matrices, condition numbers and ranks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DimensionError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.matrix_functions import threshold
from dlframe.ops.reduction import count_of
from dlframe.tensor.arguments import (
    also_named,
    axis_of,
    checked_dim,
    checked_dims,
    numpy_names,
    require_floating,
    require_matrices,
    tolerance,
    widened,
)

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["cond", "matrix_norm", "matrix_rank", "norm", "vector_norm"]

_INF = math.inf


@numpy_names
@also_named(x="input")
def vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) with p = `ord`; max |x| for ∞, min |x| for -∞, the number of nonzeros for 0.

    The tensor is one vector whatever its shape, or its vectors lie along `dim`. The gradient is
    sign(x) (|x| / ‖x‖)^(p-1); it is 0 at the origin, and equal extremes share it.

    Raises:
        ArgumentError: there are no elements, and p is negative or ∞.

    >>> dl.linalg.vector_norm(dl.tensor([3.0, -4.0]))
    tensor(5.)
    >>> dl.linalg.vector_norm(dl.tensor([[3.0, -4.0], [1.0, 1.0]]), 1, dim=1)
    tensor([7., 2.])
    """
    if not isinstance(ord, (int, float)):
        raise TypeError(f"linalg.vector_norm: ord must be a number, not {type(ord).__name__}")
    require_floating("linalg.vector_norm", x)
    x = widened("linalg.vector_norm", x, dtype)
    axis = checked_dims(dim, x.ndim) if isinstance(dim, (tuple, list)) else dim
    axis = axis_of(axis, x.ndim)
    if (ord < 0 or ord == _INF) and not count_of(x.shape, axis):
        raise ArgumentError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the "
            f"operation does not have an identity; shape {list(x.shape)}"
        )
    return ops.vector_norm(x, ord=float(ord), axis=axis, keepdims=keepdim)


@numpy_names
@also_named(A="input")
def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """A norm of the matrices in the two dimensions `dim`.

    ====== ==============================  ====== ==============================
    "fro"  √Σ A²                           "nuc"  the sum of the singular values
    2      the largest singular value      -2     the smallest
    1      the largest Σ|A| of a column    -1     the smallest
    ∞      the largest Σ|A| of a row       -∞     the smallest
    ====== ==============================  ====== ==============================

    >>> dl.linalg.matrix_norm(dl.tensor([[3.0, 0.0], [0.0, -4.0]]), 2)
    tensor(4.)
    """
    name = "linalg.matrix_norm"
    require_floating(name, A)
    if A.ndim < 2:
        raise ShapeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if isinstance(dim, int):
        raise TypeError(f"{name}: dim must be a 2-tuple. Got {dim}")
    if len(dim) != 2:
        raise ArgumentError(f"{name}: dim must be a 2-tuple. Got {tuple(dim)}")
    if ord not in ("fro", "nuc", 1, -1, 2, -2, _INF, -_INF):
        raise ArgumentError(f"{name}: Order {ord} not supported.")
    rows, columns = (checked_dim(d, A.ndim) for d in dim)
    if rows == columns:
        raise ArgumentError(f"{name}: dims must be different. Got {tuple(dim)}")
    if ord in ("nuc", 2, -2):
        require_floating(name, A, wide=True)
    A = widened(name, A, dtype)
    if A.shape[rows] and A.shape[columns]:
        return ops.matrix_norm(A, ord, axis=(rows, columns), keepdims=keepdim)
    nothing = {-1: not A.shape[columns], -_INF: not A.shape[rows], -2: True}
    if nothing.get(ord, False):
        raise DimensionError(
            f"{name}: the norm of order {ord} is a smallest value, of which there is none; shape "
            f"{list(A.shape)}"
        )
    return A.sum((rows, columns), keepdim=keepdim)  # zeros


@numpy_names
def norm(
    input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """`vector_norm` or `matrix_norm`.

    Without `ord` it is the 2-norm of all elements, or of those along `dim`. With `ord` it is a
    matrix norm for two dimensions, and a vector norm for one.

    >>> A = dl.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> dl.linalg.norm(A), dl.linalg.norm(A, 2)
    (tensor(5.), tensor(4.))
    """
    if dim is not None:
        dims = (dim,) if isinstance(dim, int) else tuple(dim)
        if ord is not None and len(dims) not in (1, 2):
            raise ArgumentError(
                f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}"
            )
        matrix = len(dims) == 2 and ord is not None
    else:
        dims = None
        if ord is not None and input.ndim not in (1, 2):
            raise ShapeError(
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                f"{input.ndim}D."
            )
        matrix = ord is not None and input.ndim == 2
    if matrix or isinstance(ord, str):
        return matrix_norm(input, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(input, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


@also_named(A="input")
def cond(A: Tensor, p: Any = None) -> Tensor:
    """The condition number ‖A‖ ‖A⁻¹‖, by default of the 2-norm: the ratio of singular values.

    `p` is an order of `matrix_norm`. For singular matrices it is ∞.

    >>> dl.linalg.cond(dl.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(2.)
    """
    if p not in (None, "fro", "nuc", 1, -1, 2, -2, _INF, -_INF):
        raise ArgumentError(f"linalg.cond got an invalid norm type: {p}")
    spectral = p in (None, 2, -2)
    name = "linalg.cond" if spectral else f"linalg.cond(ord={p})"
    require_matrices(name, A, square=not spectral and A.numel() > 0)
    if not A.array.size:
        return wrap(np.zeros(A.shape[:-2], A.dtype))
    return ops.cond(A, p)


@also_named(A="input")
def matrix_rank(
    A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """How many singular values are above max(atol, rtol · the largest).

    Without `atol`, rtol is max(m, n) ε; `tol` is an older name of `atol`. With `hermitian` the
    eigenvalues of the lower triangle are counted. Ranks have no gradient.

    >>> dl.linalg.matrix_rank(dl.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    name = "linalg.matrix_rank"
    require_matrices(name, A, square=hermitian and A.numel() > 0)
    a = A.array
    if not a.size:
        return wrap(np.zeros(a.shape[:-2], np.int64))
    s = np.abs(ops.eigvalsh(a)) if hermitian else ops.svdvals(a)
    atol = tolerance(name, tol if atol is None else atol)
    limit = threshold(s, a.shape, atol, tolerance(name, rtol))
    return wrap(np.asarray((s > limit[..., None]).sum(axis=-1)))
