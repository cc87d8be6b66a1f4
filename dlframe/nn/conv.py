"""Convolutions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, new_parameter
from dlframe.tensor import Tensor

__all__ = ["Conv2d"]

# np.pad's names for PyTorch's padding_mode; the convolution itself adds zeros.
_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pair(value: Any) -> tuple[int, ...]:
    """One number for both dimensions, or one for each."""
    return (value, value) if isinstance(value, int) else tuple(value)


class Conv2d(Module):
    """Slide kernels over images: y[o, i, j] = b[o] + Σ_ckl W[o, c, k, l] · x[c, i + k, j + l].

    (With stride s, padding p and dilation d the last indices are i·s + k·d - p and j·s + l·d - p.)

    Shapes: x is (N, in_channels, H, W), or without N; y is (N, out_channels, H', W') with
    H' = ⌊(H + 2p - d (k - 1) - 1) / s⌋ + 1. `weight` is (out_channels, in_channels / groups,
    *kernel), `bias` (out_channels,). Both start uniform on ±1 / √(elements of one kernel).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output, one kernel each.
        kernel_size: height and width of a kernel, or one number for both.
        stride: steps of the kernel.
        padding: rows and columns added on each side, or `"valid"` (none), or `"same"` (as many
            as keep the size; for stride 1).
        dilation: distance between the elements of a kernel.
        groups: the channels are split into that many groups, each convolved on its own.
        bias: whether to add one.
        padding_mode: what is added: `"zeros"`, or the image continued by `"reflect"`,
            `"replicate"` (its edge) or `"circular"` (its other side).
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    Formula: `dlframe/ops/window.py`, convolution.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))
    >>> layer(dl.randn(2, 16, 10, 20)).shape
    (2, 33, 8, 20)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ArgumentError(f"groups must be a positive integer, got {groups}")
        if in_channels % groups:
            raise ArgumentError(f"in_channels must be divisible by groups: {in_channels}, {groups}")
        if out_channels % groups:
            raise ArgumentError(
                f"out_channels must be divisible by groups: {out_channels}, {groups}"
            )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ArgumentError(f"Invalid padding string {padding!r}, should be 'same' or 'valid'")
        if padding == "same" and pair(stride) != (1, 1):
            raise ArgumentError("padding='same' is not supported for strided convolutions")
        if padding_mode not in ("zeros", *_MODES):
            raise ArgumentError(
                f"padding_mode must be one of {['zeros', *_MODES]}, but got {padding_mode!r}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair(kernel_size)
        self.stride = pair(stride)
        self.padding = padding if isinstance(padding, str) else pair(padding)
        self.dilation = pair(dilation)
        self.groups = groups
        self.padding_mode = padding_mode
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = new_parameter(shape, dtype, device)
        self.register_parameter("bias", new_parameter((out_channels,), dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        # with this slope, kaiming_uniform_'s bound is 1 / √fan_in: LeCun's initialization
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = math.prod(self.weight.shape[1:])
        if self.bias is not None and fan_in > 0:
            init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def forward(self, input: Tensor) -> Tensor:
        """The convolved images."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = self._continued(input), 0
        return F.conv2d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def _continued(self, input: Tensor) -> Tensor:
        """The image with its padding; every added row and column is a copy of one inside."""
        for axis, (before, after) in zip((-2, -1), self._margins(), strict=True):
            size = input.shape[axis]
            room = {"reflect": size - 1, "circular": size, "replicate": math.inf}[self.padding_mode]
            if max(before, after) > room:
                raise ShapeError(
                    f"Conv2d: {self.padding_mode} padding of {(before, after)} needs more than the "
                    f"{size} elements of dimension {axis}; got input{tuple(input.shape)}"
                )
            source = np.pad(np.arange(size), (before, after), mode=_MODES[self.padding_mode])  # type: ignore[call-overload]  # one of three known words
            input = ops.take(input, indices=source, axis=axis)
        return input

    def _margins(self) -> list[tuple[int, int]]:
        """The numbers of rows and of columns to add before and after."""
        if self.padding == "valid":
            return [(0, 0), (0, 0)]
        if isinstance(self.padding, str):
            total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [(n // 2, n - n // 2) for n in total]
        return [(n, n) for n in self.padding]

    def extra_repr(self) -> str:
        """The arguments that are not the default."""
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text
