"""Lengths: norms, distances, and slices brought to a length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.dtypes import as_dtype, float16, float32
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.functions.arguments import Dims, axis_of, checked_dim, numpy_names, to_dtype
from dlframe.ops.record import TensorBase
from dlframe.ops.reduction import axes_of, count_of

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "dist",
    "norm",
    "renorm",
]


@numpy_names
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    dtype: Any = None,
) -> Tensor:
    """(Σ|x|ᵖ)^(1/p); "fro" is p = 2, ±∞ the largest or smallest |x|, 0 the number of nonzeros.

    "nuc" is the sum of the singular values of matrices. At the origin the gradient is 0.

    Args:
        dtype: what to compute in, at least as wide as the dtype of `input`.

    Raises:
        DTypeError: of integers, or of a `dtype` that is narrower.
        ShapeError: p is negative or infinite, and there is nothing to choose from.

    >>> dl.norm(dl.tensor([3.0, 4.0]))
    tensor(5.)
    >>> dl.norm(dl.tensor([[3.0, -4.0], [1.0, 1.0]]), p=1, dim=1)
    tensor([7., 2.])
    """
    _check_dtype(input, dtype)
    input = to_dtype(input, dtype)
    axis = axis_of(dim, input.ndim)
    if isinstance(p, str):
        return _matrix_norm(input, p, axis, dim, keepdim)
    return _vector_norm(input, 2.0 if p is None else p, axis, keepdim)


def _check_dtype(input: Tensor, dtype: Any) -> None:
    if input.dtype.kind != "f":
        raise DTypeError(
            f"norm: Expected a floating point tensor as input, got {input.dtype}; use .float()"
        )
    if dtype is None:
        return
    wanted = as_dtype(dtype)
    if wanted.kind != "f" or wanted.itemsize < input.dtype.itemsize:
        raise DTypeError(
            f"norm: dtype should be floating point, and the dtype of the input ({input.dtype}) "
            f"convertible to it without narrowing; got {wanted}"
        )


def _matrix_norm(input: Tensor, p: str, axis: Any, dim: Dims, keepdim: bool) -> Any:
    axes = axes_of(axis, input.ndim)
    if p == "fro" and (dim is None or len(axes) < 3):
        return ops.norm(input, axis=axis, keepdims=keepdim)
    if p not in ("fro", "nuc"):
        raise ArgumentError(f"norm: order {p!r} is not supported; use a number, 'fro' or 'nuc'")
    if len(axes) != 2:
        raise ShapeError(
            f"norm: {p!r} is a norm of matrices: dim must name two dimensions, got {dim} for an "
            f"input of shape {list(input.shape)}"
        )
    return ops.matrix_norm(input, p, axis=axes, keepdims=keepdim)


def _vector_norm(input: Tensor, p: float, axis: Any, keepdim: bool) -> Any:
    if (p < 0 or math.isinf(p)) and not count_of(input.shape, axis):
        raise ShapeError(
            f"norm: cannot compute the {p} norm over {list(input.shape)}, of which nothing is "
            "left, because the operation does not have an identity"
        )
    if p == 2:
        return ops.norm(input, axis=axis, keepdims=keepdim)
    return ops.vector_norm(input, ord=p, axis=axis, keepdims=keepdim)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """‖input - other‖ₚ of the difference of two tensors, which broadcast.

    >>> dl.dist(dl.tensor([1.0, 2.0]), dl.tensor([4.0, 6.0]))
    tensor(5.)
    """
    for name, value in (("input", input), ("other", other)):
        if not isinstance(value, TensorBase):
            raise TypeError(f"dist(): argument {name!r} must be Tensor, not {type(value).__name__}")
    if not isinstance(p, (int, float)):
        raise TypeError(f"dist(): argument 'p' must be Number, not {type(p).__name__}")
    return norm(ops.subtract(input, other), p)


@numpy_names
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Each slice along `dim`, scaled down to the norm `maxnorm` where its p-norm is larger.

    ``x · maxnorm / (‖x‖ₚ + 10⁻⁷)``.

    Raises:
        ArgumentError: `p` is not positive, or `maxnorm` is negative.
        ShapeError: `input` has fewer than two dimensions.

    >>> dl.renorm(dl.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    if p <= 0:
        raise ArgumentError(f"renorm: non-positive norms are not supported, got p = {p}")
    if maxnorm < 0:
        raise ArgumentError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.ndim < 2:
        raise ShapeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    axis = checked_dim(dim, input.ndim)
    others = tuple(i for i in range(input.ndim) if i != axis)
    wide = to_dtype(input, float32) if input.dtype == float16 else input
    size = norm(wide, p, others, keepdim=True)
    scale = ops.where(size > maxnorm, float(maxnorm) / (size + 1e-7), 1.0)
    return input * to_dtype(scale, input.dtype)
