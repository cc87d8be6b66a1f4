"""Normalization."""

from __future__ import annotations

import math
from typing import Any

from dlframe import ops
from dlframe.autograd import mark_mutated_many
from dlframe.errors import ShapeError
from dlframe.ops import fused
from dlframe.tensor import Tensor, to_array


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ_c) / √(σ²_c + eps) · w_c + b_c per channel c (Ioffe & Szegedy 2015).

    With `training`, μ and σ² (biased) are those of the batch, and the running statistics move by
    ``running = (1 - momentum) · running + momentum · batch``, the variance unbiased; else they are the running ones.

    Args:
        input: (N, C, *).
        running_mean, running_var, weight, bias: (C,) or None.

    Raises:
        ShapeError: one value per channel while training.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.batch_norm(dl.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    if len(input.shape) < 2:
        raise ShapeError(f"batch_norm: expected (N, C, *), got shape {list(input.shape)}")
    channels = input.shape[1]
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    for name, value in given.items():
        if value is not None and tuple(value.shape) != (channels,):
            raise ShapeError(
                f"batch_norm: {name} must have {channels} elements, one per channel, got {list(value.shape)}"
            )
    axes = (0, *range(2, len(input.shape)))
    shape = (1, channels) + (1,) * (len(input.shape) - 2)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError(
                "batch_norm: running_mean and running_var are needed when training is False"
            )
        scale = (running_var + eps) ** -0.5
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale if bias is None else bias - running_mean * scale
        return input * ops.reshape(scale, shape=shape) + ops.reshape(shift, shape=shape)
    count = math.prod(input.shape[a] for a in axes)
    if count <= 1:
        raise ShapeError(
            f"batch_norm: Expected more than 1 value per channel when training, got input size {list(input.shape)}; "
            "use a larger batch (drop_last=True), or eval()"
        )
    stats = fused.moments(to_array(input), axes)
    if running_mean is not None and running_var is not None:
        moved = to_array(running_mean), to_array(running_var)
        for running, batch in zip(moved, (stats[0], stats[1] * (count / (count - 1))), strict=True):
            running *= 1 - momentum
            running += momentum * batch.reshape(-1)
        mark_mutated_many(moved, "batch_norm")
    return fused.normalize(
        input, weight, bias, axes=axes, over=axes, eps=eps, stats=stats
    )  # type: ignore[no-any-return]


def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """(x - μ) / √(σ² + eps) · w + b, with μ and σ² (biased) over the last dimensions (Ba, Kiros & Hinton 2016).

    Args:
        input: (*, normalized_shape).
        normalized_shape: the sizes of the dimensions to normalize over.
        weight, bias: of shape `normalized_shape`, or None.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.layer_norm(dl.tensor([1.0, 3.0]), (2,))
    tensor([-1.0000,  1.0000])
    """
    wanted = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    nd = len(wanted)
    if nd < 1 or tuple(input.shape[-nd:]) != wanted:
        raise ShapeError(
            f"layer_norm: given normalized_shape={list(wanted)}, expected input with shape [*, "
            f"{', '.join(map(str, wanted))}], but got input of size {list(input.shape)}"
        )
    for name, value in {"weight": weight, "bias": bias}.items():
        if value is not None and tuple(value.shape) != wanted:
            raise ShapeError(
                f"layer_norm: {name} must have shape {list(wanted)}, got {list(value.shape)}"
            )
    total = len(input.shape)
    axes = tuple(range(total - nd, total))
    return fused.normalize(input, weight, bias, axes=axes, over=tuple(range(total - nd)), eps=eps)  # type: ignore[no-any-return]
