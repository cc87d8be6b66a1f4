"""Unpooling: maxima back to where they stood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.nn.pooling import Size, tuple_of
from dlframe.tensor import Tensor

__all__ = [
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


class _MaxUnpool(Module):
    _unpool: ClassVar[Callable[..., Any]]
    _nd: ClassVar[int]

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
    ) -> None:
        super().__init__()
        self.kernel_size = tuple_of(kernel_size, self._nd)
        self.stride = self.kernel_size if stride is None else tuple_of(stride, self._nd)
        self.padding = tuple_of(padding, self._nd)

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Any:
        """The input at its places, and zeros."""
        sizes = self.kernel_size, self.stride, self.padding
        return self._unpool(input, indices, *sizes, output_size)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Maxima back at the places that `MaxPool1d` returned, and zeros elsewhere.

    Shapes: (N, C, L) or (C, L) to the same with L' = (L - 1) s - 2p + k, or `output_size`.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> x = dl.tensor([[1.0, 3.0, 2.0, 0.0, 4.0]])
    >>> values, indices = nn.MaxPool1d(2, return_indices=True)(x)
    >>> nn.MaxUnpool1d(2)(values, indices, output_size=x.shape[-1:])
    tensor([[0., 3., 2., 0., 0.]])
    """

    _unpool = staticmethod(F.max_unpool1d)
    _nd = 1


class MaxUnpool2d(_MaxUnpool):
    """Maxima back at the places that `MaxPool2d` returned, and zeros elsewhere.

    A decoder that undoes the pooling of its encoder keeps edges sharp with it, since the places are
    those of the encoder's features (Zeiler et al. 2011; Noh et al. 2015, arXiv:1505.04366). All but
    the maxima are lost. Where windows overlap, a place may be named twice: one of its values stays,
    and each gets the whole gradient.

    Shapes: (N, C, H, W) or (C, H, W) to the same with H' = (H - 1) s - 2p + k, or `output_size`.

    Args:
        kernel_size: height and width of the pooling's windows, or one number for both.
        stride: its steps; by default the window's size.
        padding: its padding.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> values, indices = nn.MaxPool2d(2, return_indices=True)(dl.arange(16.0).reshape(1, 4, 4))
    >>> nn.MaxUnpool2d(2)(values, indices)
    tensor([[[ 0.,  0.,  0.,  0.],
             [ 0.,  5.,  0.,  7.],
             [ 0.,  0.,  0.,  0.],
             [ 0., 13.,  0., 15.]]])
    """

    _unpool = staticmethod(F.max_unpool2d)
    _nd = 2


class MaxUnpool3d(_MaxUnpool):
    """Maxima back at the places that `MaxPool3d` returned, and zeros elsewhere.

    Shapes: (N, C, D, H, W) or (C, D, H, W) to the same with D' as H' of `MaxUnpool2d`.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> values, indices = nn.MaxPool3d(2, return_indices=True)(dl.randn(1, 4, 4, 4))
    >>> nn.MaxUnpool3d(2)(values, indices).shape
    (1, 4, 4, 4)
    """

    _unpool = staticmethod(F.max_unpool3d)
    _nd = 3
