"""Layers that multiply by a matrix, and the identity."""

from __future__ import annotations

import math
from typing import Any

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.lazy import LazyModuleMixin
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, UninitializedParameter, new_parameter
from dlframe.tensor import Tensor

__all__ = ["Bilinear", "Identity", "LazyLinear", "Linear"]


class Identity(Module):
    """y = x, for a place where a layer may be left out. It accepts and ignores any arguments.

    >>> from dlframe import nn
    >>> nn.Identity(54, unused=True)(7)
    7
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """The input itself."""
        return input


class Linear(Module):
    """y = x Wᵀ + b, for x of shape (*, in_features) and y of shape (*, out_features).

    `weight` has shape (out_features, in_features), `bias` (out_features,). Both start uniform
    on (-√k, √k) with k = 1 / in_features.

    Formula: `dlframe/ops/networks.py`, linear.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.Linear(20, 30)
    >>> layer(dl.randn(128, 20)).shape
    (128, 30)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = new_parameter((out_features, in_features), dtype, device)
        self.register_parameter("bias", new_parameter((out_features,), dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        # with this slope, kaiming_uniform_'s bound is 1 / √fan_in: LeCun's initialization
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """x Wᵀ + b."""
        out: Tensor = ops.linear(input, self.weight, self.bias)
        return out

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """A `Linear` that takes `in_features` from its first input, and becomes a Linear by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> model = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))
    >>> model(dl.ones(2, 3, 8, 8)).shape
    (2, 10)
    >>> model[1]
    Linear(in_features=192, out_features=10, bias=True)
    """

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new initial values, if the sizes are known."""
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take `in_features` from `input`."""
        if not input.ndim:
            raise ShapeError("LazyLinear: input needs a last dimension of features, got a 0-d one")
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            self.materialize(
                {"weight": (self.out_features, self.in_features), "bias": (self.out_features,)}
            )
            self.reset_parameters()
        if self.in_features == 0:  # the parameters came from load_state_dict
            if input.shape[-1] != self.weight.shape[-1]:
                raise ShapeError(
                    f"LazyLinear: the loaded weight{list(self.weight.shape)} takes "
                    f"{self.weight.shape[-1]} features, got input{list(input.shape)}"
                )
            self.in_features = input.shape[-1]


class Bilinear(Module):
    """yₒ = x₁ᵀ Aₒ x₂ + bₒ, for x₁ of shape (*, in1_features), x₂ of shape (*, in2_features).

    `weight` has shape (out_features, in1_features, in2_features), `bias` (out_features,). Both
    start uniform on (-√k, √k) with k = 1 / in1_features.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.Bilinear(20, 30, 40)
    >>> layer(dl.randn(128, 20), dl.randn(128, 30)).shape
    (128, 40)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ArgumentError(f"in1_features must be > 0, but got (in1_features={in1_features})")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = new_parameter((out_features, in1_features, in2_features), dtype, device)
        self.register_parameter("bias", new_parameter((out_features,), dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """x₁ᵀ Aₒ x₂ + bₒ for each o."""
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
