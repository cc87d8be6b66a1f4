"""Linear layers."""

from __future__ import annotations

from dlframe import ops
from dlframe.errors import ShapeError
from dlframe.ops import networks
from dlframe.tensor import Tensor

__all__ = ["bilinear", "linear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b.

    Args:
        input: (*, in).
        weight: (out, in), or (in,) for a single output.
        bias: (out,), or one number for a weight of shape (in,), or None.

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
    if len(weight.shape) == 1 and (bias is None or not bias.shape):
        out = ops.matmul(input, weight)
        return out if bias is None else out + bias
    return networks.linear(input, weight, bias)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """yₒ = x₁ᵀ Wₒ x₂ + bₒ.

    Args:
        input1: (*, in1).
        input2: (*, in2), with the same leading dimensions.
        weight: (out, in1, in2).
        bias: (out,) or None.

    Returns:
        (*, out).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.bilinear(dl.tensor([1.0, 2.0]), dl.tensor([3.0]), dl.tensor([[[1.0], [10.0]]]))
    tensor([63.])
    """
    sizes = tuple(weight.shape[1:])
    if input1.shape[:-1] != input2.shape[:-1] or sizes != (input1.shape[-1], input2.shape[-1]):
        raise ShapeError(
            f"bilinear: expected inputs of shapes (*, {sizes[0]}) and (*, {sizes[-1]}) for "
            f"weight{list(weight.shape)}, got {list(input1.shape)} and {list(input2.shape)}"
        )
    left = ops.expand_dims(input1, axis=-2)  # (*, 1, in1)
    middle = ops.matmul(ops.expand_dims(left, axis=-3), weight)  # (*, out, 1, in2)
    right = ops.expand_dims(ops.expand_dims(input2, axis=-2), axis=-1)  # (*, 1, in2, 1)
    out: Tensor = ops.squeeze(ops.matmul(middle, right), axis=(-2, -1))
    return out if bias is None else out + bias
