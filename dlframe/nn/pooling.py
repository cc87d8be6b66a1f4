"""Pooling over even windows of a signal, an image or a volume: maxima, means and norms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
]

Size = int | tuple[int, ...]


def tuple_of(value: Any, nd: int) -> tuple[Any, ...]:
    """One number for each dimension, from one for all; what is a sequence already stays one."""
    return tuple(value) if isinstance(value, Sequence) else (value,) * nd


# --- maximum -----------------------------------------------------------------------------------


class _MaxPool(Module):
    _pool: ClassVar[Callable[..., Any]]

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
        return self._pool(
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


class MaxPool1d(_MaxPool):
    """The largest value in each window: y[i] = max_k x[i·s + k·d - p].

    Shapes: (N, C, L) or (C, L) to the same with L' = ⌊(L + 2p - d (k - 1) - 1) / s⌋ + 1. The
    arguments are those of `MaxPool2d`, with one dimension.

    Formula: `dlframe/ops/pooling.py`, max_pool.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.MaxPool1d(3, stride=1)(dl.tensor([[1.0, 4.0, 2.0, 3.0, 0.0]]))
    tensor([[4., 4., 3.]])
    """

    _pool = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest value in each window: y[i, j] = max_{k, l} x[i·s + k·d - p, j·s + l·d - p].

    It says whether a feature is in the window, and not exactly where: the output hardly changes
    when the image moves by a pixel. Its gradient goes to the maxima only; all others learn nothing.

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

    _pool = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest value in each box of a volume, or of several frames of a film.

    Shapes: (N, C, D, H, W) or (C, D, H, W) to the same with D' as H' of `MaxPool2d`, whose
    arguments it has, with three dimensions.

    Formula: `dlframe/ops/pooling.py`, max_pool.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.MaxPool3d((2, 1, 1))(dl.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[4., 5.],
              [6., 7.]]]])
    """

    _pool = staticmethod(F.max_pool3d)


# --- mean --------------------------------------------------------------------------------------


class _AvgPool(Module):
    _pool: ClassVar[Callable[..., Any]]
    kernel_size: Any
    stride: Any
    padding: Any

    def extra_repr(self) -> str:
        """The sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPoolWithDivisor(_AvgPool):
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

    def forward(self, input: Tensor) -> Any:
        """The means."""
        return self._pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool1d(_AvgPool):
    """The mean of each window: y[i] = 1/k Σ_k x[i·s + k - p].

    Shapes: (N, C, L) or (C, L) to the same with L' = ⌊(L + 2p - k) / s⌋ + 1. The arguments are
    those of `AvgPool2d` without the divisor; as in PyTorch, the fields are tuples.

    Formula: `dlframe/ops/pooling.py`, sum_windows.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AvgPool1d(3, stride=1, padding=1)(dl.tensor([[3.0, 0.0, 3.0, 6.0]]))
    tensor([[1., 2., 3., 3.]])
    """

    _pool = staticmethod(F.avg_pool1d)

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = tuple_of(kernel_size, 1)
        self.stride = self.kernel_size if stride is None else tuple_of(stride, 1)
        self.padding = tuple_of(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Any:
        """The means."""
        sizes = self.kernel_size, self.stride, self.padding
        return self._pool(input, *sizes, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPoolWithDivisor):
    """The mean of each window: y[i, j] = 1/k² Σ_{k, l} x[i·s + k - p, j·s + l - p].

    Every element of a window gets the same share of the gradient. A mean blurs: a feature that
    fills a small part of the window is hardly seen in the output.

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

    _pool = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPoolWithDivisor):
    """The mean of each box of a volume.

    Shapes: (N, C, D, H, W) or (C, D, H, W) to the same with D' as H' of `AvgPool2d`, whose
    arguments it has, with three dimensions.

    Formula: `dlframe/ops/pooling.py`, sum_windows.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AvgPool3d((2, 1, 1))(dl.arange(8.0).reshape(1, 2, 2, 2))
    tensor([[[[2., 3.],
              [4., 5.]]]])
    """

    _pool = staticmethod(F.avg_pool3d)


# --- norms -------------------------------------------------------------------------------------


class _LPPool(Module):
    _pool: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        norm_type: float,
        kernel_size: Size,
        stride: Size | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """The norms."""
        sizes = self.kernel_size, self.stride
        return self._pool(input, float(self.norm_type), *sizes, self.ceil_mode)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window: y[i] = (Σ_k x[i·s + k]ᵖ)^(1/p).

    Shapes: (N, C, L) or (C, L) to the same with L' = ⌊(L - k) / s⌋ + 1. The arguments are those of
    `LPPool2d`, with one dimension.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.LPPool1d(2, 2)(dl.tensor([[3.0, 4.0, 5.0, 12.0]]))
    tensor([[ 5., 13.]])
    """

    _pool = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """The p-norm of each window: y[i, j] = (Σ_{k, l} x[i·s + k, j·s + l]ᵖ)^(1/p).

    Between a sum (p = 1) and a maximum (p = ∞): the larger p, the more the large elements count,
    and the more of the gradient they get (Gulcehre et al. 2014, arXiv:1311.1780). For an odd p a
    window whose sum is negative gives NaN; put a ReLU before it.

    Shapes: (N, C, H, W) or (C, H, W) to the same with H' = ⌊(H - k) / s⌋ + 1.

    Args:
        norm_type: p.
        kernel_size: height and width of a window, or one number for both.
        stride: steps of the window; by default its size.
        ceil_mode: ⌈⌉ instead of ⌊⌋: windows may reach over the edge.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.LPPool2d(2, 2)(dl.tensor([[[3.0, 4.0], [0.0, 12.0]]]))
    tensor([[[13.]]])
    """

    _pool = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """The p-norm of each box of a volume.

    Shapes: (N, C, D, H, W) or (C, D, H, W) to the same with D' as H' of `LPPool2d`, whose arguments
    it has, with three dimensions.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.LPPool3d(1, 2)(dl.ones(1, 2, 2, 2))
    tensor([[[[8.]]]])
    """

    _pool = staticmethod(F.lp_pool3d)
