"""Windows as columns and back, and channels that change places with pixels or with each other."""

from __future__ import annotations

from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = ["ChannelShuffle", "Fold", "PixelShuffle", "PixelUnshuffle", "Unfold"]

Size = int | tuple[int, ...]


class Unfold(Module):
    """Each window of an image as a column: (N, C, H, W) to (N, C · elements of a window, windows).

    A convolution is this and one matrix product: `weight.flatten(1) @ unfold(x)`. It is also how an
    image becomes the patches of a vision transformer. It takes as many times the memory as there
    are windows over each element.

    Args:
        kernel_size: height and width of a window, or one number for both.
        dilation: the distance between the elements of a window.
        padding: rows and columns of zeros added on each side.
        stride: the distance between windows.

    Formula: `dlframe/ops/folding.py`, im2col.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Unfold((2, 3))(dl.randn(2, 5, 3, 4)).shape
    (2, 30, 4)
    """

    def __init__(
        self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """The windows, side by side."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Module):
    """Add columns up to an image: (N, C · elements of a window, windows) to (N, C, H, W).

    It is the adjoint of `Unfold`, and its inverse only where windows do not overlap: otherwise each
    place holds a sum. Divide by `fold(unfold(ones))` for the mean.

    Args:
        output_size: height and width of the image, or one number for both.
        kernel_size: height and width of a window, or one number for both.
        dilation: the distance between the elements of a window.
        padding: rows and columns cut off at each side.
        stride: the distance between windows.

    Formula: `dlframe/ops/folding.py`, col2im.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Fold((4, 5), (2, 2))(dl.randn(1, 3 * 2 * 2, 12)).shape
    (1, 3, 4, 5)
    """

    def __init__(
        self,
        output_size: Size,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """The image."""
        return F.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )


class PixelShuffle(Module):
    """Make r² channels r × r pixels: (*, C r², H, W) to (*, C, r H, r W).

    At the end of a network that enlarges images: the convolutions before it work at the small size,
    and no place gets more copies than another, as with a transposed convolution (Shi et al. 2016).

    Args:
        upscale_factor: r.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.PixelShuffle(3)(dl.randn(1, 9, 4, 4)).shape
    (1, 1, 12, 12)
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """The larger image."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Make r × r pixels r² channels: (*, C, r H, r W) to (*, C r², H, W).

    It is the inverse of `PixelShuffle`. It makes an image smaller and loses nothing, where a
    strided convolution or pooling would.

    Args:
        downscale_factor: r.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.PixelUnshuffle(3)(dl.randn(1, 1, 12, 12)).shape
    (1, 9, 4, 4)
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """The image with more channels."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Take the channels of g groups in turn: (N, C, *) to the same shape.

    Between convolutions with `groups=g`, which would never exchange anything otherwise (Zhang et
    al. 2018, "ShuffleNet").

    Args:
        groups: g, a divisor of C.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ChannelShuffle(2)(dl.arange(4.0).reshape(1, 4, 1, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """The same channels in another order."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """The number of groups."""
        return f"groups={self.groups}"
