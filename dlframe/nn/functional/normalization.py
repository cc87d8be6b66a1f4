"""Normalization."""

from __future__ import annotations

import math
from typing import Any

from dlframe import ops
from dlframe.autograd import mark_mutated_many
from dlframe.base.quiet import quietly
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.checks import same_dtype
from dlframe.ops import networks
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.arguments import require_floats

__all__ = ["batch_norm", "layer_norm"]


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ_c) / √(σ²_c + eps) · w_c + b_c for each channel c (Ioffe & Szegedy 2015).

    With `training`, μ and σ² (biased) are those of the batch, and the running statistics move:
    `running = (1 - momentum) · running + momentum · batch`, the variance unbiased. Without it,
    the running statistics are used and stay as they are.

    Args:
        input: (N, C, *).
        running_mean, running_var: (C,), or both None while training.
        weight, bias: (C,) or None.

    Returns:
        A tensor of the input's shape.

    Raises:
        ShapeError: sizes that do not belong together, or one value per channel while training.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.batch_norm(dl.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    _check_channels(input, given)
    if eps < 0 or (training and eps == 0):
        raise ArgumentError(
            f"batch_norm: eps must be non-negative, and positive during training, got {eps}"
        )
    if (running_mean is None) != (running_var is None):
        raise ArgumentError(
            "batch_norm: running_mean and running_var must either both be None or neither"
        )
    if training:
        return _with_batch_statistics(input, running_mean, running_var, weight, bias, momentum, eps)
    if running_mean is None or running_var is None:
        raise ArgumentError(
            "batch_norm: running_mean and running_var must be defined in evaluation mode"
        )
    scale = (running_var + eps) ** -0.5
    scale = scale if weight is None else scale * weight
    shift = -running_mean * scale if bias is None else bias - running_mean * scale
    shape = (1, input.shape[1]) + (1,) * (len(input.shape) - 2)
    return input * ops.reshape(scale, shape=shape) + ops.reshape(shift, shape=shape)


def _check_channels(input: Tensor, given: dict[str, Tensor | None]) -> None:
    if len(input.shape) < 2:
        raise ShapeError(f"batch_norm: expected (N, C, *), got input{list(input.shape)}")
    require_floats("batch_norm", input)
    same_dtype("batch_norm", input=input, **given)
    channels = input.shape[1]
    for name, value in given.items():
        if value is not None and tuple(value.shape) != (channels,):
            raise ShapeError(
                f"batch_norm: {name} should contain {channels} elements, one per channel, got "
                f"{list(value.shape)} for input{list(input.shape)}"
            )


def _with_batch_statistics(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any,
    bias: Any,
    momentum: float,
    eps: float,
) -> Any:
    axes = (0, *range(2, len(input.shape)))
    count = math.prod(input.shape[a] for a in axes)
    if count == 1:
        raise ShapeError(
            "batch_norm: Expected more than 1 value per channel when training, got input size "
            f"{list(input.shape)}. To predict, call model.eval() first; to train, use larger "
            "batches (drop_last=True leaves out a small last one)"
        )
    mean, var, _ = stats = quietly(networks.moments, to_array(input), axes)
    if running_mean is not None and running_var is not None and count:
        moved = running_mean.array, running_var.array
        for running, batch in zip(moved, (mean, var * (count / (count - 1))), strict=True):
            quietly(_move, running, batch.reshape(-1), momentum)
        mark_mutated_many(moved, "batch_norm")
    return networks.normalize(input, weight, bias, axes=axes, over=axes, eps=eps, stats=stats)


def _move(running: Any, batch: Any, momentum: float) -> None:
    running *= 1 - momentum
    running += momentum * batch


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ) / √(σ² + eps) · w + b, with μ and σ² (biased) over the last dimensions.

    Each sample is normalized on its own (Ba, Kiros & Hinton 2016).

    Args:
        input: (*, *normalized_shape).
        normalized_shape: the sizes of the dimensions to normalize over; an int for one.
        weight, bias: of shape `normalized_shape`, or None.

    Returns:
        A tensor of the input's shape.

    Raises:
        ShapeError: an input that does not end in `normalized_shape`, or parameters of another one.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.layer_norm(dl.tensor([1.0, 3.0]), (2,))
    tensor([-1.0000,  1.0000])
    """
    wanted = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    nd, total = len(wanted), len(input.shape)
    if not nd or tuple(input.shape[-nd:]) != wanted:
        raise ShapeError(
            f"layer_norm: given normalized_shape={list(wanted)}, expected input with shape [*, "
            f"{', '.join(map(str, wanted))}], but got input{list(input.shape)}"
        )
    require_floats("layer_norm", input)
    same_dtype("layer_norm", input=input, weight=weight, bias=bias)
    for name, value in {"weight": weight, "bias": bias}.items():
        if value is not None and tuple(value.shape) != wanted:
            raise ShapeError(
                f"layer_norm: expected {name} to be of the same shape as normalized_shape, got "
                f"{name}{list(value.shape)} and normalized_shape={list(wanted)}"
            )
    over = tuple(range(total - nd))
    return networks.normalize(
        input, weight, bias, axes=tuple(range(total - nd, total)), over=over, eps=eps
    )
