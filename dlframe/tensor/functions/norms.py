"""Norms, distances, and slices scaled down to a norm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.dtypes import float16, float32
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.reduction import axes_of, count_of
from dlframe.tensor.arguments import (
    Dims,
    axis_of,
    checked_dim,
    numpy_names,
    require_floating,
    require_same_dtype,
    require_tensor,
    require_to_broadcast,
    to_dtype,
    widened,
)

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "cdist",
    "dist",
    "frobenius_norm",
    "norm",
    "norm_except_dim",
    "nuclear_norm",
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
        DTypeError: `input` is of integers, or `dtype` is narrower than its dtype.
        ShapeError: p is negative or infinite, and there are no elements.

    >>> dl.norm(dl.tensor([3.0, 4.0]))
    tensor(5.)
    >>> dl.norm(dl.tensor([[3.0, -4.0], [1.0, 1.0]]), p=1, dim=1)
    tensor([7., 2.])
    """
    require_floating("norm", input)
    input = widened("norm", input, dtype)
    axis = axis_of(dim, input.array.ndim)
    if p == "fro" and not isinstance(axis, tuple):
        return ops.norm(input, axis=axis, keepdims=keepdim)
    if isinstance(p, str):
        return _matrix_norm(input, p, axis, dim, keepdim)
    return _vector_norm(input, 2.0 if p is None else p, axis, keepdim)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm for each index of `dim`, over all other dimensions, which stay with size 1.

    With `dim=-1` it is one norm, of all elements. The length of the weights in weight norm.

    >>> dl.norm_except_dim(dl.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5.],
            [1.]])
    """
    if dim == -1:
        return norm(v, pow)
    dim = checked_dim(dim, v.array.ndim)
    if v.array.ndim == 1:
        return ops.absolute(v)
    return norm(v, pow, [d for d in range(v.array.ndim) if d != dim], keepdim=True)


def frobenius_norm(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """√Σx² along one or two dimensions, or of all elements for `dim=()`.

    >>> dl.frobenius_norm(dl.tensor([[3.0, 4.0]]), (0, 1))
    tensor(5.)
    """
    return norm(input, 2, None if dim == () else dim, keepdim)


def nuclear_norm(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values of the matrices in two dimensions.

    >>> dl.nuclear_norm(dl.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor(7.)
    """
    return norm(input, "nuc", dim, keepdim)


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
    """‖input - other‖ₚ, the norm of the difference of two tensors, which broadcast.

    >>> dl.dist(dl.tensor([1.0, 2.0]), dl.tensor([4.0, 6.0]))
    tensor(5.)
    """
    for name, value in (("input", input), ("other", other)):
        require_tensor("dist", repr(name), value)
    if not isinstance(p, (int, float)):
        raise TypeError(f"dist(): argument 'p' must be Number, not {type(p).__name__}")
    return norm(ops.subtract(input, other), p)


@numpy_names
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Each slice along `dim`, scaled down to the norm `maxnorm` if its p-norm is larger.

    `x · maxnorm / (‖x‖ₚ + 10⁻⁷)`.

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
    return ops.ordered(input * to_dtype(scale, input.dtype))


renorm_ = in_place_form(renorm)


# --- distances ---------------------------------------------------------------------------------

_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)


def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The distances (Σ |x1_i − x2_j|^p)^(1/p) between all rows of `x1` and of `x2`.

    (..., n, k) and (..., m, k) give (..., n, m); dimensions before the last two broadcast. p = 0
    counts the elements that differ, p = ∞ takes the largest difference. At equal rows the gradient
    is 0.

    Args:
        compute_mode: whether Euclidean distances are computed by a product of matrices: always,
            never, or from 26 rows on. This is fast, but loses digits if points are close.

    >>> dl.cdist(dl.tensor([[0.0, 0.0], [3.0, 0.0]]), dl.tensor([[0.0, 4.0]]))
    tensor([[4.],
            [5.]])
    """
    _require_points(x1, x2)
    if not p >= 0:
        raise ArgumentError(f"cdist only supports non-negative p values, got p={p}")
    if compute_mode not in _MODES:
        raise ArgumentError(
            f"{compute_mode!r} is not a valid value for compute_mode; try one of {list(_MODES)}"
        )
    if p == 2 and x1.shape[-1]:
        many = max(x1.shape[-2], x2.shape[-2]) > 25
        if compute_mode == _MODES[1] or (many and compute_mode == _MODES[0]):
            return ops.euclidean_distances(x1, x2)
    return ops.cdist(x1, x2, p=float(p))


def _require_points(x1: Any, x2: Any) -> None:
    for name, x in (("X1", x1), ("X2", x2)):
        if x.dtype.kind != "f":
            raise DTypeError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype}")
        if x.ndim < 2:
            raise ShapeError(
                f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D; x.unsqueeze(0) "
                "makes one row of a vector"
            )
    require_same_dtype("cdist", x1, x2)
    if x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            f"cdist: X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: "
            f"{x2.shape[-1]}; got {list(x1.shape)} and {list(x2.shape)}"
        )
    require_to_broadcast("cdist", tuple(x1.shape[:-2]), tuple(x2.shape[:-2]))
