"""Windows as columns and back, and channels that change places with pixels or with each other."""

from __future__ import annotations

import math
from typing import Any

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.checks import batched as with_batch
from dlframe.nn.functional.checks import sizes_of
from dlframe.ops import offsets
from dlframe.tensor import Tensor
from dlframe.tensor.arguments import require_tensor

__all__ = [
    "channel_shuffle",
    "fold",
    "native_channel_shuffle",
    "pixel_shuffle",
    "pixel_unshuffle",
    "unfold",
]

# --- windows -----------------------------------------------------------------------------------


def unfold(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Each window of an image as a column: what a convolution multiplies by its kernels.

    Args:
        input: (N, C, H, W), or (C, H, W).
        kernel_size: height and width of a window, or one number for both.
        dilation: the distance between the elements of a window; likewise.
        padding: rows and columns of zeros added on each side; likewise.
        stride: the distance between windows; likewise.

    Returns:
        (N, C · kernel height · kernel width, number of windows).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.unfold(dl.arange(6.0).reshape(1, 2, 3), 2)
    tensor([[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]])
    """
    require_tensor("unfold", "input", input)
    x = with_batch("unfold", 2, input)
    options = _window("unfold", kernel_size, dilation, padding, stride)
    windows = offsets.output_sizes(x.shape[2:], **options)
    if min(windows) < 1:
        raise ShapeError(
            f"unfold: no window fits: input{list(input.shape)} with kernel_size={kernel_size}, "
            f"dilation={dilation} and padding={padding} gives {windows} windows"
        )
    out = ops.im2col(x, **options)
    return out if x is input else ops.squeeze(out, axis=0)


def fold(
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Add columns up to an image, each element at the place that `unfold` would have read it from.

    It is the adjoint of `unfold`. Where windows overlap the values are added, so `fold(unfold(x))`
    is x times the number of windows at each place.

    Args:
        input: (N, C · kernel height · kernel width, number of windows), or without N.
        output_size: height and width of the image, or one number for both.
        kernel_size, dilation, padding, stride: as in `unfold`.

    Returns:
        (N, C, H, W).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.fold(dl.ones(4, 2), (2, 3), 2)
    tensor([[[1., 2., 1.],
             [1., 2., 1.]]])
    """
    require_tensor("fold", "input", input)
    x = with_batch("fold", 1, input)
    size = sizes_of("fold", "output_size", output_size, 2)
    options = _window("fold", kernel_size, dilation, padding, stride)
    rows, windows = math.prod(options["kernel"]), offsets.output_sizes(size, **options)
    if x.shape[1] % rows:
        raise ShapeError(
            f"fold: dimension 1 of the input must be divisible by the {rows} elements of a window "
            f"of kernel_size={kernel_size}, got input{list(input.shape)}"
        )
    if min(windows) < 0 or math.prod(windows) != x.shape[2]:
        raise ShapeError(
            f"fold: output_size={size} with kernel_size={kernel_size}, dilation={dilation}, "
            f"padding={padding} and stride={stride} has {windows[0]} · {windows[1]} windows, but "
            f"input{list(input.shape)} has {x.shape[2]} columns"
        )
    out = ops.col2im(x, size=size, **options)
    return out if x is input else ops.squeeze(out, axis=0)


def _window(name: str, kernel: Any, dilation: Any, padding: Any, stride: Any) -> dict[str, Any]:
    return {
        "kernel": sizes_of(name, "kernel_size", kernel, 2),
        "stride": sizes_of(name, "stride", stride, 2),
        "padding": tuple((p, p) for p in sizes_of(name, "padding", padding, 2, least=0)),
        "dilation": sizes_of(name, "dilation", dilation, 2),
    }


# --- channels and pixels -----------------------------------------------------------------------


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """r² channels become r × r pixels: y[c, r·i + a, r·j + b] = x[r²·c + r·a + b, i, j].

    Args:
        input: (*, C r², H, W).
        upscale_factor: r.

    Returns:
        (*, C, r H, r W).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.pixel_shuffle(dl.arange(8.0).reshape(4, 1, 2), 2)
    tensor([[[0., 2., 1., 3.],
             [4., 6., 5., 7.]]])
    """
    *batch, channels, height, width = _image("pixel_shuffle", input)
    r = _factor("pixel_shuffle", "upscale_factor", upscale_factor)
    if channels % (r * r):
        raise ShapeError(
            "pixel_shuffle: the channels (dimension -3) must be divisible by the square of "
            f"upscale_factor, and {channels} are not divisible by {r * r}; got "
            f"input{list(input.shape)}"
        )
    split = (*batch, channels // (r * r), r, r, height, width)
    return _rearranged(input, split, (0, 3, 1, 4, 2), (split[-5], height * r, width * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """r × r pixels become r² channels: the inverse of `pixel_shuffle`.

    Args:
        input: (*, C, r H, r W).
        downscale_factor: r.

    Returns:
        (*, C r², H, W).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.pixel_unshuffle(dl.tensor([[[0.0, 2.0, 1.0, 3.0], [4.0, 6.0, 5.0, 7.0]]]), 2).flatten()
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    *batch, channels, height, width = _image("pixel_unshuffle", input)
    r = _factor("pixel_unshuffle", "downscale_factor", downscale_factor)
    if height % r or width % r:
        raise ShapeError(
            f"pixel_unshuffle: height and width must be divisible by downscale_factor={r}, got "
            f"{height} × {width} in input{list(input.shape)}"
        )
    split = (*batch, channels, height // r, r, width // r, r)
    return _rearranged(input, split, (0, 2, 4, 1, 3), (channels * r * r, height // r, width // r))


def _rearranged(x: Tensor, split: Any, order: Any, joined: Any) -> Any:
    """`x` with its last three dimensions split into five, in another order, joined again."""
    first = len(split) - 5
    axes = (*range(first), *(first + i for i in order))
    turned = ops.transpose(ops.reshape(x, shape=split), axes=axes)
    return ops.reshape(ops.contiguous(turned), shape=(*split[:first], *joined))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels of g groups, taken in turn: y[n, g·j + i] = x[n, i·C/g + j].

    Args:
        input: (N, C, *).
        groups: g, a divisor of C.

    Returns:
        The same shape.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.channel_shuffle(dl.arange(6).reshape(1, 6, 1), 2).flatten()
    tensor([0, 3, 1, 4, 2, 5])
    """
    require_tensor("channel_shuffle", "input", input)
    if len(input.shape) < 3:
        raise ShapeError(
            f"channel_shuffle: expects input of more than 2 dimensions, got {list(input.shape)}"
        )
    batch, channels, *rest = input.shape
    if groups < 1 or channels % groups:
        raise ArgumentError(
            f"channel_shuffle: groups must be positive and divide the number of channels, got "
            f"groups={groups} for input{list(input.shape)}"
        )
    split = ops.reshape(input, shape=(batch, groups, channels // groups, *rest))
    turned = ops.contiguous(ops.swapaxes(split, axis1=1, axis2=2))
    out: Tensor = ops.reshape(turned, shape=tuple(input.shape))
    return out


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The same as `channel_shuffle`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.native_channel_shuffle(dl.arange(4).reshape(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    return channel_shuffle(input, groups)


def _image(name: str, x: Any) -> Any:
    require_tensor(name, "input", x)
    if len(x.shape) < 3:
        raise ShapeError(
            f"{name}: expects input of at least 3 dimensions (channels, height, width), got "
            f"{list(x.shape)}"
        )
    return x.shape


def _factor(name: str, argument: str, value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise ArgumentError(f"{name}: {argument} must be a positive integer, got {value!r}")
    return value
