"""Pooling to a size that is given: adaptive and fractional windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from dlframe.errors import ArgumentError
from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.nn.pooling import Size, tuple_of
from dlframe.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
]

OutputSize = int | tuple[int | None, ...] | None


# --- a given size of the output ----------------------------------------------------------------


class _AdaptiveAvgPool(Module):
    _pool: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: OutputSize) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Any:
        """The means."""
        return self._pool(input, self.output_size)

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of ranges that give an output of `output_size`, for any length of the input.

    Element i of the output is the mean of the elements ⌊i·L / L'⌋ to ⌈(i + 1)·L / L'⌉ of the input.

    Shapes: (N, C, L) or (C, L) to the same with L' = `output_size`.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AdaptiveAvgPool1d(2)(dl.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]]))
    tensor([[2., 4.]])
    """

    _pool = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of windows that give an output of `output_size`, for any size of the input.

    Row i of the output is the mean of the rows ⌊i·H / H'⌋ to ⌈(i + 1)·H / H'⌉ of the input: windows
    of unequal size, which overlap if H' does not divide H. With size 1 it is the mean of each
    channel, which makes a network's last layer independent of the image's size (Lin et al. 2013,
    arXiv:1312.4400).

    Shapes: (N, C, H, W) or (C, H, W) to the same with (H', W') = `output_size`; one number means
    for both, None for the input's own size.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AdaptiveAvgPool2d((5, 7))(dl.randn(1, 64, 8, 9)).shape
    (1, 64, 5, 7)
    """

    _pool = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of boxes that give an output of `output_size`, for any size of a volume.

    Shapes: (N, C, D, H, W) or (C, D, H, W) to the same with (D', H', W') = `output_size`.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AdaptiveAvgPool3d((1, None, 2))(dl.randn(1, 6, 5, 8, 9)).shape
    (1, 6, 1, 8, 2)
    """

    _pool = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPool(Module):
    _pool: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: OutputSize, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with `return_indices` also their places."""
        return self._pool(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The maxima of ranges that give an output of `output_size`, for any length of the input.

    The ranges are those of `AdaptiveAvgPool1d`.

    Shapes: (N, C, L) or (C, L) to the same with L' = `output_size`.

    Formula: `dlframe/ops/pooling.py`, max_within.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AdaptiveMaxPool1d(2, return_indices=True)(dl.tensor([[1.0, 5.0, 3.0, 4.0, 2.0]]))
    (tensor([[5., 4.]]), tensor([[1, 3]]))
    """

    _pool = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maxima of windows that give an output of `output_size`, for any size of the input.

    The windows are those of `AdaptiveAvgPool2d`. With size 1 it says whether a feature is anywhere
    in the image.

    Shapes: (N, C, H, W) or (C, H, W) to the same with (H', W') = `output_size`; one number means
    for both, None for the input's own size.

    Args:
        output_size: the size.
        return_indices: also return the place of each maximum in the image, for unpooling.

    Formula: `dlframe/ops/pooling.py`, max_within.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AdaptiveMaxPool2d((1, 2))(dl.arange(15.0).reshape(1, 3, 5))
    tensor([[[12., 14.]]])
    """

    _pool = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The maxima of boxes that give an output of `output_size`, for any size of a volume.

    Shapes: (N, C, D, H, W) or (C, D, H, W) to the same with (D', H', W') = `output_size`.

    Formula: `dlframe/ops/pooling.py`, max_within.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.AdaptiveMaxPool3d((1, None, 2))(dl.randn(1, 6, 5, 8, 9)).shape
    (1, 6, 1, 8, 2)
    """

    _pool = staticmethod(F.adaptive_max_pool3d)


# --- fractional windows ------------------------------------------------------------------------


class _FractionalMaxPool(Module):
    _pool: ClassVar[Callable[..., Any]]
    _nd: ClassVar[int]
    _random_samples: Tensor | None

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: float | tuple[float, ...] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name, nd = type(self).__name__, self._nd
        if any(k <= 0 for k in tuple_of(kernel_size, nd)):
            raise ArgumentError(f"{name}: kernel_size must be greater than 0, got {kernel_size}")
        if output_size is None and output_ratio is None:
            raise ArgumentError(
                f"{name}: requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ArgumentError(
                f"{name}: only one of output_size and output_ratio may be specified"
            )
        if output_ratio is not None and not all(0 < r < 1 for r in tuple_of(output_ratio, nd)):
            raise ArgumentError(f"{name}: output_ratio must be between 0 and 1, got {output_ratio}")
        self.kernel_size = tuple_of(kernel_size, nd)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else tuple_of(output_size, nd)
        self.output_ratio = None if output_ratio is None else tuple_of(output_ratio, nd)

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with `return_indices` also their places."""
        return self._pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The maxima of windows at uneven, random places: pooling by a factor such as √2 (Graham 2014).

    `MaxPool2d(2)` keeps a quarter of the numbers, so few layers leave nothing. Here the factor is
    free: windows of one size start ⌊α⌋ or ⌈α⌉ after each other, as a random number says that is
    drawn for each plane in every call, also in evaluation (arXiv:1412.6071). So it distorts images
    a little, as an augmentation does; for the same numbers twice, seed the generator or give
    `_random_samples`.

    Shapes: (N, C, H, W) or (C, H, W) to the same with H' = `output_size`, or ⌊ratio · H⌋.

    Args:
        kernel_size: height and width of a window, or one number for both.
        output_size: the size, or one number for height and width.
        output_ratio: or its share of the input's size, between 0 and 1.
        return_indices: also return the place of each maximum in the image, for unpooling.
        _random_samples: numbers of [0, 1), of shape (N, C, 2), to use instead of random ones.

    Formula: `dlframe/ops/pooling.py`, max_within.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.FractionalMaxPool2d(2, output_ratio=0.7)(dl.randn(4, 3, 20, 30)).shape
    (4, 3, 14, 21)
    """

    _pool = staticmethod(F.fractional_max_pool2d)
    _nd = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """The maxima of boxes at uneven, random places of a volume.

    Shapes: (N, C, D, H, W) or (C, D, H, W) to the same with D' = `output_size`, or ⌊ratio · D⌋. The
    arguments are those of `FractionalMaxPool2d`, with three dimensions.

    Formula: `dlframe/ops/pooling.py`, max_within.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.FractionalMaxPool3d(2, output_size=(4, 6, 6))(dl.randn(1, 3, 6, 8, 8)).shape
    (1, 3, 4, 6, 6)
    """

    _pool = staticmethod(F.fractional_max_pool3d)
    _nd = 3
