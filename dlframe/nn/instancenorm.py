"""Instance normalization."""

from __future__ import annotations

import warnings
from typing import Any

from dlframe import ops
from dlframe.errors import ShapeError
from dlframe.nn import functional as F
from dlframe.nn.batchnorm import LazyRunningNorm, RunningNorm
from dlframe.tensor import Tensor

__all__ = [
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _InstanceNorm(RunningNorm):
    """The base class of InstanceNorm1d, 2d and 3d, which differ only in the shapes."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        """The normalized samples; in training the running statistics, if any, are updated too."""
        self._check_input_dim(input)
        self._check_channels(input)
        unbatched = self._channel_dim(input) == 0
        out = F.instance_norm(
            ops.expand_dims(input, axis=0) if unbatched else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            use_input_stats=self.training or not self.track_running_stats,
            momentum=0.0 if self.momentum is None else self.momentum,
            eps=self.eps,
        )
        return ops.squeeze(out, axis=0) if unbatched else out

    def _channel_dim(self, input: Tensor) -> int:
        return len(input.shape) - min(self._dims)  # 0 without a batch

    def _check_channels(self, input: Tensor) -> None:
        dim = self._channel_dim(input)
        channels = input.shape[dim]
        if channels == self.num_features:
            return
        if self.affine:
            raise ShapeError(
                f"expected input's size at dim={dim} to match num_features ({self.num_features}), "
                f"but got: {channels}."
            )
        warnings.warn(
            f"input's size at dim={dim} does not match num_features: {channels} and "
            f"{self.num_features}. Without scale and shift the layer works all the same.",
            stacklevel=3,
        )


class InstanceNorm1d(_InstanceNorm):
    """y = (x - μ) / √(σ² + ε) · w + b for each channel of each sample, over its length.

    It takes away level and contrast of each channel: what is left is the shape of the signal. So it
    also takes away what level and contrast told, and it cannot be used where only one value is left
    per channel. Ulyanov, Vedaldi and Lempitsky (2016), "Instance normalization: the missing
    ingredient for fast stylization".

    By default there are no parameters, and evaluation does the same as training.

    Shapes: (N, C, L), or (C, L) without a batch, with C = `num_features`.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: how fast the running statistics change.
        affine: whether there are w and b; they start as 1 and 0.
        track_running_stats: whether to keep running statistics, which evaluation then uses.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.
        bias: whether there is b, if `affine`.

    Formula: `dlframe/ops/normalization.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.InstanceNorm1d(2)(dl.tensor([[[1.0, 3.0], [10.0, 50.0]]]))
    tensor([[[-1.0000,  1.0000],
             [-1.0000,  1.0000]]])
    """

    _dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """y = (x - μ) / √(σ² + ε) · w + b for each channel of each image, over its pixels.

    Arguments, parameters and statistics are those of `InstanceNorm1d`.

    Shapes: (N, C, H, W) or (C, H, W), with C = `num_features`.

    Formula: `dlframe/ops/normalization.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.InstanceNorm2d(100, affine=True)(dl.randn(20, 100, 35, 45)).shape
    (20, 100, 35, 45)
    """

    _dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """y = (x - μ) / √(σ² + ε) · w + b for each channel of each volume.

    Arguments, parameters and statistics are those of `InstanceNorm1d`.

    Shapes: (N, C, D, H, W) or (C, D, H, W), with C = `num_features`.

    Formula: `dlframe/ops/normalization.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.InstanceNorm3d(4)(dl.randn(2, 4, 3, 5, 5)).shape
    (2, 4, 3, 5, 5)
    """

    _dims = (4, 5)


class LazyInstanceNorm1d(LazyRunningNorm, InstanceNorm1d):
    """An `InstanceNorm1d` that takes `num_features` from its first input, and becomes one by it.

    By default it has parameters and running statistics, as in PyTorch.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyInstanceNorm1d(affine=False)
    >>> layer(dl.randn(2, 3, 4)).shape
    (2, 3, 4)
    >>> layer.num_features, type(layer).__name__
    (3, 'InstanceNorm1d')
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(LazyRunningNorm, InstanceNorm2d):
    """An `InstanceNorm2d` that takes `num_features` from its first input, and becomes one by it.

    By default it has parameters and running statistics, as in PyTorch.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyInstanceNorm2d(affine=False)
    >>> layer(dl.randn(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    >>> layer.num_features, type(layer).__name__
    (3, 'InstanceNorm2d')
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(LazyRunningNorm, InstanceNorm3d):
    """An `InstanceNorm3d` that takes `num_features` from its first input, and becomes one by it.

    By default it has parameters and running statistics, as in PyTorch.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyInstanceNorm3d(affine=False)
    >>> layer(dl.randn(2, 3, 2, 4, 4)).shape
    (2, 3, 2, 4, 4)
    >>> layer.num_features, type(layer).__name__
    (3, 'InstanceNorm3d')
    """

    cls_to_become = InstanceNorm3d
