"""Batch normalization, and what layers with running statistics have in common.

The formulas, with the mean and the variance, are those of `dlframe.ops.normalization.normalize`;
the running values are updated in `dlframe.nn.functional.normalization`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.autograd import mark_mutated_many
from dlframe.dtypes import get_default_dtype
from dlframe.errors import ShapeError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.lazy import LazyModuleMixin
from dlframe.nn.module import Module
from dlframe.nn.parameter import (
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
    new_parameter,
)
from dlframe.tensor import Tensor

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "SyncBatchNorm",
]


class RunningNorm(Module):
    """The base class of the layers that may have running statistics: their fields."""

    # Files of PyTorch before 0.4.1 do not have it; then it stays as it is.
    _optional_state = ("num_batches_tracked",)

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _dims: tuple[int, ...]  # how many dimensions the input may have

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

    def _channel_dim(self, input: Tensor) -> int:
        return 1

    def _check_input_dim(self, input: Tensor) -> None:
        if len(input.shape) not in self._dims:
            expected = " or ".join(f"{dim}D" for dim in self._dims)
            raise ShapeError(
                f"expected {expected} input (got {len(input.shape)}D input): "
                f"input{list(input.shape)}{self._advice(len(input.shape))}"
            )

    def _advice(self, dims: int) -> str:
        """The class for an input of so many dimensions."""
        family = type(self).__name__[:-2]
        meant = {2: "1d", 3: "1d", 4: "2d", 5: "3d"}.get(dims)
        if meant is None or not type(self).__module__.startswith("dlframe."):
            return ""
        return f"; {family}{meant} is the layer for it"

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class LazyRunningNorm(LazyModuleMixin, RunningNorm):
    """The base class of those that take `num_features` from their first input."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(dtype=dtype)
            self.running_var = UninitializedBuffer(dtype=dtype)
            self.num_batches_tracked = Tensor(np.zeros((), np.int64))

    def reset_parameters(self) -> None:
        """Set the initial values, if the sizes are known."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take `num_features` from `input`."""
        self._check_input_dim(input)
        self.num_features = input.shape[self._channel_dim(input)]
        if self.has_uninitialized_params():
            names = ("weight", "bias", "running_mean", "running_var")
            self.materialize(dict.fromkeys(names, (self.num_features,)))
            self.reset_parameters()


class _BatchNorm(RunningNorm):
    """The base class of BatchNorm1d, 2d and 3d, which differ only in the shapes."""

    def forward(self, input: Tensor) -> Tensor:
        """The normalized batch; in training the running statistics are updated too."""
        self._check_input_dim(input)
        momentum = self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
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


class BatchNorm1d(_BatchNorm):
    """y = (x - μ) / √(σ² + ε) · w + b for each feature, over the batch.

    In training, μ and σ² (dividing by n) are those of the batch, and the running ones are updated:
    `running = (1 - momentum) · running + momentum · batch`, the variance there dividing by n - 1.
    In evaluation the running statistics are used. Ioffe and Szegedy (2015), "Batch normalization".

    It lets networks learn at larger rates and from worse initial values. It fails with small
    batches, whose statistics are mostly noise; where samples of a batch must not know each other;
    and where the running statistics do not fit what comes in evaluation.

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

    Formula: `dlframe/ops/normalization.py`, normalize.

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

    Formula: `dlframe/ops/normalization.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.BatchNorm2d(100)
    >>> layer(dl.randn(20, 100, 35, 45)).shape
    (20, 100, 35, 45)
    >>> list(layer.state_dict())
    ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
    """

    _dims = (4,)


class BatchNorm3d(_BatchNorm):
    """y = (x - μ) / √(σ² + ε) · w + b for each channel, over the batch and the volume.

    Arguments, parameters and statistics are those of `BatchNorm1d`.

    Shapes: (N, C, D, H, W), with C = `num_features`.

    Formula: `dlframe/ops/normalization.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.BatchNorm3d(4)(dl.randn(2, 4, 3, 5, 5)).shape
    (2, 4, 3, 5, 5)
    """

    _dims = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch normalization whose statistics several processes would share.

    dlframe trains in one process, where it is `BatchNorm1d`, `2d` and `3d` in one. It is here so
    that models that have it can be loaded and run.

    Shapes: (N, C, *), with C = `num_features`.

    Args:
        num_features, eps, momentum, affine, track_running_stats: as in `BatchNorm1d`.
        process_group: kept, without effect.
        device, dtype, bias: as in `BatchNorm1d`.

    Formula: `dlframe/ops/normalization.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm2d(3), nn.ReLU()))[0]
    SyncBatchNorm(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if len(input.shape) < 2:
            raise ShapeError(f"expected at least 2D input (got {len(input.shape)}D input)")
        if input.shape[1] == 0:
            raise ShapeError("SyncBatchNorm number of input channels should be non-zero")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """`module` with a SyncBatchNorm, of the same parameters, for each BatchNorm in it."""
        result = module
        if isinstance(module, _BatchNorm):
            result = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            result.weight, result.bias = module.weight, module.bias
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                setattr(result, name, getattr(module, name))
            result.training = module.training
        for name, child in module.named_children():
            result.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return result


class LazyBatchNorm1d(LazyRunningNorm, BatchNorm1d):
    """A `BatchNorm1d` that takes `num_features` from its first input, and becomes one by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyBatchNorm1d(affine=False)
    >>> layer(dl.randn(2, 3, 4)).shape
    (2, 3, 4)
    >>> layer.num_features, type(layer).__name__
    (3, 'BatchNorm1d')
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(LazyRunningNorm, BatchNorm2d):
    """A `BatchNorm2d` that takes `num_features` from its first input, and becomes one by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyBatchNorm2d(affine=False)
    >>> layer(dl.randn(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    >>> layer.num_features, type(layer).__name__
    (3, 'BatchNorm2d')
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(LazyRunningNorm, BatchNorm3d):
    """A `BatchNorm3d` that takes `num_features` from its first input, and becomes one by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyBatchNorm3d(affine=False)
    >>> layer(dl.randn(2, 3, 2, 4, 4)).shape
    (2, 3, 2, 4, 4)
    >>> layer.num_features, type(layer).__name__
    (3, 'BatchNorm3d')
    """

    cls_to_become = BatchNorm3d
