"""Functions that return what they computed on the way as well: statistics, or a mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import functional as F
from dlframe.tensor import Tensor, creation, functions
from dlframe.tensor.arguments import require_floats

__all__ = [
    "native_batch_norm",
    "native_dropout",
    "native_group_norm",
    "native_layer_norm",
]


def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """`batch_norm`, μ of the batch, and 1 / √(σ² + eps); both are empty without `training`.

    >>> x = dl.tensor([[1.0], [3.0]])
    >>> dl.native_batch_norm(x, None, None, None, None, True, 0.1, 0.5625)
    (tensor([[-0.8000],
            [ 0.8000]]), tensor([2.]), tensor([0.8000]))
    """
    out = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return out, input.new_empty(0), input.new_empty(0)
    axes = (0, *range(2, input.ndim))
    mean, rstd = _statistics(input.detach(), axes, eps)
    return out, functions.flatten(mean), functions.flatten(rstd)


def native_layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """`layer_norm`, the mean of each sample, and 1 / √(σ² + eps).

    >>> dl.native_layer_norm(dl.tensor([1.0, 3.0]), (2,), None, None, 0.5625)
    (tensor([-0.8000,  0.8000]), tensor([2.]), tensor([0.8000]))
    """
    out = F.layer_norm(input, normalized_shape, weight, bias, eps)
    axes = tuple(range(input.ndim - len(tuple(normalized_shape)), input.ndim))
    return out, *_statistics(input.detach(), axes, eps)


def native_group_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    N: int,
    C: int,
    HxW: int,
    group: int,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """`group_norm`, the mean of each group of each sample, and 1 / √(σ² + eps); all have gradients.

    N, C and HxW repeat the sizes of the input: samples, channels, and numbers of each channel.

    >>> dl.native_group_norm(dl.tensor([[1.0, 3.0]]), None, None, 1, 2, 1, 1, 0.5625)
    (tensor([[-0.8000,  0.8000]]), tensor([[2.]]), tensor([[0.8000]]))
    """
    shape = tuple(input.shape)
    if shape[:2] != (N, C) or math.prod(shape[2:]) != HxW:
        raise ShapeError(
            f"native_group_norm: expected {N} samples of {C} channels of {HxW} numbers (N, C and "
            f"HxW), got input{list(shape)}"
        )
    out = F.group_norm(input, group, weight, bias, eps)
    mean, rstd = _statistics(functions.reshape(input, (N, group, -1)), (2,), eps)
    return out, functions.squeeze(mean, 2), functions.squeeze(rstd, 2)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """`dropout`, and the mask of what was kept. Left open, `train` is true.

    >>> _ = dl.manual_seed(2)
    >>> dl.native_dropout(dl.ones(3), 0.5, True)
    (tensor([0., 2., 0.]), tensor([False,  True, False]))
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"native_dropout: p must be between 0 and 1, got {p}")
    mask = creation.ones_like(input, dtype=bool)
    if p == 0 or train is False:
        return functions.clone(input), mask
    require_floats("native_dropout", input)
    mask.bernoulli_(1 - p)
    return input * mask * (0.0 if p == 1 else 1 / (1 - p)), mask


def _statistics(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    """μ and 1 / √(σ² + eps) over the axes, with their dimensions."""
    mean, var = functions.mean(x, axes, True), functions.var(x, axes, correction=0, keepdim=True)
    return mean, functions.rsqrt(var + eps)
