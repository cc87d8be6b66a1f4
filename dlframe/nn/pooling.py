"""Pooling: one number for each window of an image."""

from __future__ import annotations

from typing import Any

from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = ["AdaptiveAvgPool2d", "AvgPool2d", "MaxPool2d"]

Size = int | tuple[int, int]


class MaxPool2d(Module):
    """The largest value in each window: y[i, j] = max_{k, l} x[i·s + k·d - p, j·s + l·d - p].

    Shapes: (N, C, H, W) or (C, H, W) to the same with H' = ⌊(H + 2p - d (k - 1) - 1) / s⌋ + 1.

    Args:
        kernel_size: height and width of a window, or one number for both.
        stride: steps of the window; by default its size.
        padding: rows and columns of -∞ added on each side; at most half of the window.
        dilation: distance between the elements of a window.
        return_indices: also return the place of each maximum in the image, for unpooling.
        ceil_mode: ⌈⌉ instead of ⌊⌋: windows may reach over the edge.

    Formula: `dlframe/ops/pooling.py`, max_pool.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.MaxPool2d(2)(dl.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with `return_indices` also their places."""
        return F.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    """The mean of each window.

    Shapes: (N, C, H, W) or (C, H, W) to the same with H' = ⌊(H + 2p - k) / s⌋ + 1.

    Args:
        kernel_size: height and width of a window, or one number for both.
        stride: steps of the window; by default its size.
        padding: rows and columns of zeros added on each side; at most half of the window.
        ceil_mode: ⌈⌉ instead of ⌊⌋: windows may reach over the edge.
        count_include_pad: whether the added zeros count as elements of the mean.
        divisor_override: divide the sum by this number instead.

    Formula: `dlframe/ops/pooling.py`, sum_windows.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AvgPool2d(2)(dl.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """The sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """The means of windows that give an output of `output_size`, for any size of the input.

    Row i of the output is the mean of the rows ⌊i·H / H'⌋ to ⌈(i + 1)·H / H'⌉ of the input.

    Shapes: (N, C, H, W) or (C, H, W) to the same with (H', W') = `output_size`; one number means
    for both, None for the input's own size.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AdaptiveAvgPool2d((5, 7))(dl.randn(1, 64, 8, 9)).shape
    (1, 64, 5, 7)
    """

    def __init__(self, output_size: int | tuple[int | None, int | None] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"
