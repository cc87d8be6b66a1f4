"""Upsampling: larger images by interpolation."""

from __future__ import annotations

from typing import Any

from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]

Size = int | tuple[int, ...]
Factor = float | tuple[float, ...]


class Upsample(Module):
    """The input in another size: y = W x along each dimension, with the weights W of the mode.

    A decoder enlarges its images with it, and lets a convolution follow. Unlike a transposed
    convolution it leaves no checkerboard (Odena et al. 2016, doi:10.23915/distill.00003). It
    invents no detail, and when shrinking it passes numbers over: use `AvgPool2d`, or `interpolate`
    with `antialias=True`, for that.

    Shapes: (N, C, L), (N, C, H, W) or (N, C, D, H, W) to the same with the new size.

    Args:
        size: the new size of the spatial dimensions, one number for all or one for each.
        scale_factor: instead of it, the factor, likewise; sizes are rounded down.
        mode: "nearest", "nearest-exact" or "area"; "linear" for signals; "bilinear" or "bicubic"
            for images; "trilinear" for volumes.
        align_corners: keep the outermost numbers at the ends, not the edges of their pixels.
        recompute_scale_factor: take the step from the rounded sizes, not from `scale_factor`.

    Formula: `dlframe/ops/resampling.py`, weigh.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Upsample(scale_factor=2, mode="bilinear")(dl.tensor([[[[0.0, 4.0]]]]))
    tensor([[[[0., 1., 3., 4.],
              [0., 1., 3., 4.]]]])
    """

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: Factor | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        self.scale_factor: Any = None
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple(float(factor) for factor in scale_factor)
        elif scale_factor:
            self.scale_factor = float(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """The input in the new size."""
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            recompute_scale_factor=self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        """The size or factor, and the mode."""
        factor, size = self.scale_factor, self.size
        what = f"size={size!r}" if factor is None else f"scale_factor={factor!r}"
        return f"{what}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` of images that repeats pixels; PyTorch's former name.

    Shapes: (N, C, H, W) to (N, C, H', W').

    Formula: `dlframe/ops/resampling.py`, weigh.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.UpsamplingNearest2d(scale_factor=2)(dl.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        scale_factor: float | tuple[float, float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` of images by linear interpolation with aligned corners; PyTorch's former name.

    Shapes: (N, C, H, W) to (N, C, H', W').

    Formula: `dlframe/ops/resampling.py`, weigh.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.UpsamplingBilinear2d((2, 3))(dl.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1.0000, 1.5000, 2.0000],
              [1.0000, 1.5000, 2.0000]]]])
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        scale_factor: float | tuple[float, float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
