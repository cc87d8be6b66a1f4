"""Linear layers."""

from __future__ import annotations

from dlframe import ops
from dlframe.ops import networks
from dlframe.tensor import Tensor

__all__ = ["linear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b.

    Args:
        input: (*, in).
        weight: (out, in), or (in,) for a single output.
        bias: (out,) or None.

    Returns:
        (*, out), or (*) for a weight of shape (in,).

    Raises:
        ShapeError: sizes that do not fit together.
        DTypeError: input and weight differ in dtype.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.linear(dl.tensor([[1.0, 2.0]]), dl.tensor([[3.0, 4.0]]), dl.tensor([0.5]))
    tensor([[11.5000]])
    """
    if len(weight.shape) == 1 and bias is None:
        return ops.matmul(input, weight)
    return networks.linear(input, weight, bias)
