"""Batch normalization.

The formulas, with the mean and the variance, are those of `dlframe.ops.networks.normalize`; the
running values are updated in `dlframe.nn.functional.normalization`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.autograd import mark_mutated_many
from dlframe.dtypes import get_default_dtype
from dlframe.errors import ShapeError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, new_parameter
from dlframe.tensor import Tensor

__all__ = ["BatchNorm1d", "BatchNorm2d"]


class _BatchNorm(Module):
    """The base class of BatchNorm1d and BatchNorm2d, which differ only in the shapes."""

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _dims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        shape = (num_features,)
        new = new_parameter(shape, dtype, device)
        self.register_parameter("weight", new if affine else None)
        self.register_parameter("bias", new_parameter(shape, dtype) if affine and bias else None)
        dtype = get_default_dtype() if dtype is None else dtype
        for name, start in (
            ("running_mean", np.zeros(shape, dtype)),
            ("running_var", np.ones(shape, dtype)),
            ("num_batches_tracked", np.zeros((), np.int64)),
        ):
            self.register_buffer(name, Tensor(start) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Set the running statistics to mean 0 and variance 1."""
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.running_mean.array[...] = 0
        self.running_var.array[...] = 1
        self.num_batches_tracked.array[...] = 0
        mark_mutated_many((self.running_mean.array, self.running_var.array), "reset_running_stats")

    def reset_parameters(self) -> None:
        """Set the scale to 1, the shift to 0, and reset the running statistics."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """The normalized batch; in training the running statistics are updated too."""
        if len(input.shape) not in self._dims:
            expected = " or ".join(f"{dim}D" for dim in self._dims)
            raise ShapeError(f"expected {expected} input (got {len(input.shape)}D input)")
        momentum = self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.array += 1
            if momentum is None:  # the plain average over all batches
                momentum = 1.0 / float(self.num_batches_tracked.array)
        running = self.running_mean, self.running_var
        return F.batch_norm(
            input,
            *(running if self.track_running_stats or not self.training else (None, None)),
            self.weight,
            self.bias,
            training=self.training or running == (None, None),
            momentum=0.0 if momentum is None else momentum,
            eps=self.eps,
        )

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """y = (x - μ) / √(σ² + ε) · w + b for each feature, over the batch.

    In training, μ and σ² (dividing by n) are those of the batch, and the running ones are updated:
    `running = (1 - momentum) · running + momentum · batch`, the variance there dividing by n - 1.
    In evaluation the running statistics are used. Ioffe and Szegedy (2015), "Batch normalization".

    Shapes: (N, C) or (N, C, L), with C = `num_features`; parameters and statistics (C,).

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: how fast the running statistics change; None for the average over all batches.
        affine: whether there are w and b; they start as 1 and 0.
        track_running_stats: if False, evaluation uses the statistics of the batch, too.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.
        bias: whether there is b.

    Formula: `dlframe/ops/networks.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.BatchNorm1d(1)(dl.tensor([[1.0], [3.0]]))
    tensor([[-1.0000],
            [ 1.0000]], grad_fn=<...>)
    """

    _dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """y = (x - μ) / √(σ² + ε) · w + b for each channel, over the batch and the image.

    Arguments, parameters and statistics are those of `BatchNorm1d`.

    Shapes: (N, C, H, W), with C = `num_features`.

    Formula: `dlframe/ops/networks.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.BatchNorm2d(100)
    >>> layer(dl.randn(20, 100, 35, 45)).shape
    (20, 100, 35, 45)
    >>> list(layer.state_dict())
    ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
    """

    _dims = (4,)
