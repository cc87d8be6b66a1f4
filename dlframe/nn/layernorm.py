"""Layer normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, new_parameter
from dlframe.tensor import Tensor

__all__ = ["LayerNorm"]


class LayerNorm(Module):
    """y = (x - μ) / √(σ² + ε) · w + b, with μ and σ² (dividing by n) over the last dimensions.

    Shapes: (*, *normalized_shape) to the same; w and b of `normalized_shape` start as 1 and 0.
    Ba, Kiros and Hinton (2016), "Layer normalization".

    Args:
        normalized_shape: the sizes of the last dimensions, or one number for the last one.
        eps: added to the variance.
        elementwise_affine: whether there are w and b.
        bias: whether there is b.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    Formula: `dlframe/ops/networks.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.LayerNorm(2, elementwise_affine=False)(dl.tensor([[1.0, 3.0], [0.0, 10.0]]))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        self.normalized_shape = tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = new_parameter(self.normalized_shape, dtype, device)
        self.register_parameter("weight", weight if elementwise_affine else None)
        shift = new_parameter(self.normalized_shape, dtype)
        self.register_parameter("bias", shift if elementwise_affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """The normalized input."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )
