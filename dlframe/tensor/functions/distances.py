"""Distances and angles of pairs of vectors; `cdist` is with the norms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.autograd.modes import no_grad
from dlframe.dtypes import result_type
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.tensor.arguments import require_tensor, require_to_broadcast, to_dtype
from dlframe.tensor.functions.clamping import clamp_min_
from dlframe.tensor.functions.norms import norm

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 · x2 / (‖x1‖ ‖x2‖) along `dim`: the cosine of the angle between vectors, from -1 to 1.

    A norm below `eps` counts as `eps`, so that a vector of zeros gives 0; the gradient by it is
    large, x2 / (‖x2‖ eps). The inputs broadcast, and `dim` is one of their common shape.

    >>> dl.cosine_similarity(dl.tensor([[3.0, 4.0]]), dl.tensor([[4.0, 3.0], [-3.0, -4.0]]))
    tensor([ 0.9600, -1.0000])
    """
    for i, x in enumerate((x1, x2), start=1):
        require_tensor("cosine_similarity", f"'x{i}' (position {i})", x)
    dtype = result_type(x1, x2)
    if dtype.kind != "f":
        raise DTypeError(
            "cosine_similarity: expected common dtype to be floating point, yet common dtype is "
            f"{dtype}; convert with .float()"
        )
    shape = require_to_broadcast("cosine_similarity", tuple(x1.shape), tuple(x2.shape))
    a, b = (_unit(ops.broadcast_to(to_dtype(x, dtype), shape=shape), dim, eps) for x in (x1, x2))
    return (a * b).sum(dim)


def _unit(x: Any, dim: int, eps: float) -> Any:
    """x / max(‖x‖, eps), where the maximum has the gradient of ‖x‖, as in PyTorch."""
    size = ops.copy(norm(x, 2, dim, keepdim=True))
    with no_grad():
        clamp_min_(size, eps)
    return x / size


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """‖x1 - x2 + eps‖ₚ along the last dimension, of each pair of vectors.

    `eps` keeps the gradient finite where both are equal. The inputs broadcast.

    >>> dl.pairwise_distance(dl.zeros(2, 2), dl.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000])
    """
    require_to_broadcast("pairwise_distance", tuple(x1.shape), tuple(x2.shape))
    return norm(x1 - x2 + eps, p, -1, keepdim)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """‖xᵢ - xⱼ‖ₚ of all pairs of rows i < j: the upper triangle of `cdist(x, x)`, row by row.

    (N, D) gives N (N - 1) / 2 distances. At equal rows the gradient is 0.

    >>> dl.pdist(dl.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    if input.ndim != 2:
        raise ShapeError(
            f"pdist only supports 2D tensors, got: {input.ndim}D with shape {list(input.shape)}"
        )
    if input.dtype.kind != "f":
        raise DTypeError(
            f"pdist only supports floating-point dtypes, got {input.dtype}; convert with .float()"
        )
    if not p >= 0:
        raise ArgumentError(f"pdist only supports non-negative p values, got p={p}")
    return ops.pdist(input, p=float(p))
