"""Products, powers and exponentials of matrices."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.record import TensorBase
from dlframe.tensor import functions as F
from dlframe.tensor.arguments import (
    also_named,
    checked_dim,
    numpy_names,
    require_floating,
    require_same_dtype,
)
from dlframe.tensor.functions import matmul, matrix_exp
from dlframe.tensor.functions.products import vector_product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlframe.tensor import Tensor

__all__ = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_exp",
    "matrix_power",
    "multi_dot",
    "vander",
    "vecdot",
]


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of all matrices, in the order that takes the fewest multiplications.

    The first and the last may be vectors. (Cormen et al., *Introduction to Algorithms*, 14.2)

    >>> dl.linalg.multi_dot([dl.ones(2, 3), dl.ones(3, 4), dl.ones(4)])
    tensor([12., 12.])
    """
    xs = list(tensors)
    if len(xs) < 2:
        raise ArgumentError(f"multi_dot(): expected at least 2 tensors but got {len(xs)}")
    for i, x in enumerate(xs):
        allowed = (1, 2) if i in (0, len(xs) - 1) else (2,)
        if x.ndim not in allowed:
            raise ShapeError(
                f"multi_dot(): tensor {i} must be {'1D or ' if 1 in allowed else ''}2D but got "
                f"{x.ndim}D"
            )
        if x.dtype != xs[0].dtype:
            raise DTypeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                f"{xs[0].dtype} and tensor {i} {x.dtype}"
            )
    shapes = [tuple(x.shape) for x in xs]
    shapes[0] = (1, *shapes[0])[-2:]
    shapes[-1] = (*shapes[-1], 1)[:2]
    for i, (left, right) in enumerate(itertools.pairwise(shapes)):
        if left[1] != right[0]:
            raise ShapeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {list(left)} and {list(right)} "
                "cannot be multiplied"
            )
    return ops.multi_dot(*xs)


@also_named(A="input")
def matrix_power(A: Tensor, n: int) -> Tensor:
    """Aⁿ by repeated squaring; of the inverse for negative n; the identity for n = 0.

    Raises:
        LinAlgError: n < 0 and a matrix is singular.

    >>> dl.linalg.matrix_power(dl.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    return F.matrix_power(A, n)


@numpy_names
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Σ x y along `dim`; the other dimensions broadcast.

    >>> dl.linalg.vecdot(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dl.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    for v in (x, y):
        if isinstance(v, TensorBase) and v.dtype.kind == "b":
            require_floating("linalg.vecdot", v)
    require_same_dtype("linalg.vecdot", x, y)
    return (x * y).sum(checked_dim(dim, max(x.ndim, y.ndim)))


@numpy_names
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vectors orthogonal to both, of three elements along `dim`; the rest broadcasts.

    >>> dl.linalg.cross(dl.tensor([1.0, 0.0, 0.0]), dl.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    return vector_product("linalg.cross", input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of the matrices in two dimensions, by default the last two.

    >>> dl.linalg.diagonal(dl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    return F.diagonal(A, offset=offset, dim1=dim1, dim2=dim2)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """Vandermonde's matrix: rows 1, x, x², … of `N` powers, by default as many as `x` is long.

    (..., n) gives (..., n, N).

    >>> dl.linalg.vander(dl.tensor([2, 3]), N=4)
    tensor([[ 1,  2,  4,  8],
            [ 1,  3,  9, 27]])
    """
    if x.dtype.kind == "b" or x.dtype == "float16":
        raise DTypeError(
            f"linalg.vander supports floating point and integer tensors, but got {x.dtype}"
        )
    x = x if x.ndim else ops.reshape(x, shape=(1,))
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise ArgumentError(f"N must be greater than 1. Got {count} for shape {list(x.shape)}")
    return ops.vander(x, n=count, increasing=True)
