"""Normalization."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.autograd import mark_mutated_many
from dlframe.base.quiet import quietly
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.checks import same_dtype
from dlframe.ops import normalization, pooling
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.arguments import require_floats

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]

# --- with running statistics -------------------------------------------------------------------


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
    _check_channels("batch_norm", input, running_mean, running_var, weight, bias)
    if eps < 0 or (training and eps == 0):
        raise ArgumentError(
            f"batch_norm: eps must be non-negative, and positive during training, got {eps}"
        )
    if not training:
        return _by_running(
            "batch_norm", "in evaluation mode", input, running_mean, running_var, weight, bias, eps
        )
    if math.prod(input.shape) == input.shape[1] != 0:
        raise ShapeError(
            "batch_norm: Expected more than 1 value per channel when training, got input size "
            f"{list(input.shape)}. To predict, call model.eval() first; to train, use larger "
            "batches (drop_last=True leaves out a small last one)"
        )
    axes = (0, *range(2, len(input.shape)))
    return _by_own(input, running_mean, running_var, weight, bias, axes, axes, momentum, eps)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ) / √(σ² + eps) · w_c + b_c, with μ and σ² of each channel c of each sample.

    Ulyanov, Vedaldi & Lempitsky (2016). The running statistics, if they are given, move by the mean
    over the batch of those of the samples.

    Args:
        input: (N, C, *), with more than one element in *.
        running_mean, running_var: (C,), or both None.
        weight, bias: (C,) or None.
        use_input_stats: False to use the running statistics, and leave them as they are.
        momentum: the part of a running value that is replaced.
        eps: added to the variance.

    Returns:
        A tensor of the input's shape.

    Raises:
        ShapeError: sizes that do not belong together, or one value per channel.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.instance_norm(dl.tensor([[[1.0, 3.0], [10.0, 50.0]]]))
    tensor([[[-1.0000,  1.0000],
             [-1.0000,  1.0000]]])
    """
    _check_channels("instance_norm", input, running_mean, running_var, weight, bias)
    if not use_input_stats:
        return _by_running(
            "instance_norm", "when use_input_stats is false",
            input, running_mean, running_var, weight, bias, eps,
        )  # fmt: skip
    if math.prod(input.shape[2:]) == 1:
        raise ShapeError(
            "instance_norm: Expected more than 1 spatial element when training, got input size "
            f"{list(input.shape)}; normalize over the batch (batch_norm) or the channels "
            "(group_norm, layer_norm) instead"
        )
    axes = tuple(range(2, len(input.shape)))
    return _by_own(input, running_mean, running_var, weight, bias, axes, (0, *axes), momentum, eps)


def _check_channels(
    name: str, input: Tensor, running_mean: Any, running_var: Any, weight: Any, bias: Any
) -> None:
    if len(input.shape) < 2:
        raise ShapeError(f"{name}: expected (N, C, *), got input{list(input.shape)}")
    require_floats(name, input)
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    same_dtype(name, input=input, **given)
    channels = input.shape[1]
    for key, value in given.items():
        if value is not None and tuple(value.shape) != (channels,):
            raise ShapeError(
                f"{name}: {key} should contain {channels} elements, one per channel, got "
                f"{list(value.shape)} for input{list(input.shape)}; make num_features {channels}"
            )
    if (running_mean is None) != (running_var is None):
        raise ArgumentError(
            f"{name}: running_mean and running_var must either both be None or neither"
        )


def _by_running(
    name: str,
    where: str,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """x · scale + shift: with given statistics it is a line for each channel."""
    if running_mean is None or running_var is None:
        raise ArgumentError(f"{name}: running_mean and running_var must be defined {where}")
    scale = (running_var + eps) ** -0.5
    scale = scale if weight is None else scale * weight
    shift = -running_mean * scale  # keeps a copy: the statistics may move on before backward
    shift = shift if bias is None else bias + shift
    shape = (1, input.shape[1]) + (1,) * (len(input.shape) - 2)
    return input * ops.reshape(scale, shape=shape) + ops.reshape(shift, shape=shape)


def _by_own(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any,
    bias: Any,
    axes: tuple[int, ...],
    over: tuple[int, ...],
    momentum: float,
    eps: float,
) -> Any:
    """Normalize by the input's own statistics, towards which the running ones move."""
    if running_mean is None or running_var is None:
        return _normalized(input, weight, bias, axes=axes, over=over, eps=eps)
    stats = quietly(normalization.moments, _wide(to_array(input)), axes)
    count = math.prod(input.shape[a] for a in axes)
    if math.prod(input.shape):
        moved = running_mean.array, running_var.array
        for running, own in zip(moved, (stats[0], stats[1] * (count / (count - 1))), strict=True):
            quietly(_move, running, own.reshape(-1, len(running)), momentum)
        mark_mutated_many(moved, "batch_norm")
    return _normalized(input, weight, bias, axes=axes, over=over, eps=eps, stats=stats)


def _move(running: Any, own: Any, momentum: float) -> None:
    """running = (1 - momentum) · running + momentum · (mean over the rows of `own`)."""
    running *= 1 - momentum
    running += momentum * (own[0] if len(own) == 1 else ops.sum(own, axis=0) / len(own))


def _normalized(input: Any, weight: Any, bias: Any, **options: Any) -> Any:
    """`ops.normalize`; float16, whose squares soon are infinite, by way of float32."""
    if input.dtype != np.float16:
        return normalization.normalize(input, weight, bias, **options)
    wide = [None if x is None else x.to(np.float32) for x in (input, weight, bias)]
    return normalization.normalize(*wide, **options).to(np.float16)


def _wide(x: Any) -> Any:
    return x.astype(np.float32) if x.dtype == np.float16 else x


# --- of each sample ----------------------------------------------------------------------------


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
    _, axes, over = _last_dimensions(
        "layer_norm", input, normalized_shape, weight=weight, bias=bias
    )
    return _normalized(input, weight, bias, axes=axes, over=over, eps=eps)


def rms_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / √(mean of x² + eps) · w, the mean over the last dimensions (Zhang & Sennrich 2019).

    This is `layer_norm` without the mean and without the bias.

    Args:
        input: (*, *normalized_shape).
        normalized_shape: the sizes of the dimensions to normalize over; an int for one.
        weight: of shape `normalized_shape`, or None.
        eps: added to the mean of the squares; None for the distance from 1 to the next number of
            the dtype (for float16 that of float32, in which it is computed).

    Returns:
        A tensor of the input's shape.

    Raises:
        ShapeError: an input that does not end in `normalized_shape`, or a weight of another one.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.rms_norm(dl.tensor([3.0, 4.0, 0.0, 0.0]), (4,))
    tensor([1.2000, 1.6000, 0.0000, 0.0000])
    """  # fmt: skip
    _, axes, over = _last_dimensions("rms_norm", input, normalized_shape, weight=weight)
    if eps is None:
        eps = float(np.finfo(np.float64 if input.dtype == np.float64 else np.float32).eps)
    return _normalized(input, weight, None, axes=axes, over=over, eps=eps, centre=False)


def _last_dimensions(
    name: str, input: Tensor, normalized_shape: Any, **parameters: Tensor | None
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The shape to normalize over, its axes, and the axes before them."""
    single = isinstance(normalized_shape, (int, np.integer))
    wanted = (int(normalized_shape),) if single else tuple(normalized_shape)
    nd, total = len(wanted), len(input.shape)
    if not nd or tuple(input.shape[-nd:]) != wanted:
        raise ShapeError(
            f"{name}: given normalized_shape={list(wanted)}, expected input with shape [*, "
            f"{', '.join(map(str, wanted))}], but got input{list(input.shape)}"
        )
    require_floats(name, input)
    same_dtype(name, input=input, **parameters)
    for key, value in parameters.items():
        if value is not None and tuple(value.shape) != wanted:
            raise ShapeError(
                f"{name}: expected {key} to be of the same shape as normalized_shape, got "
                f"{key}{list(value.shape)} and normalized_shape={list(wanted)}"
            )
    return wanted, tuple(range(total - nd, total)), tuple(range(total - nd))


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ) / √(σ² + eps) · w_c + b_c, with μ and σ² of each group of channels of each sample.

    Wu & He (2018). With one group it normalizes each sample as a whole; with as many groups as
    channels it is `instance_norm`.

    Args:
        input: (N, C, *).
        num_groups: C is split into so many groups of neighbours.
        weight, bias: (C,) or None.
        eps: added to the variance.

    Returns:
        A tensor of the input's shape.

    Raises:
        ShapeError: channels that cannot be split so, or parameters of another size.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.group_norm(dl.tensor([[1.0, 3.0, 10.0, 50.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    shape = tuple(input.shape)
    _check_channels("group_norm", input, None, None, weight, bias)
    if num_groups < 1 or shape[1] % num_groups:
        raise ShapeError(
            "group_norm: Expected number of channels in input to be divisible by num_groups, got "
            f"input{list(shape)} with {shape[1]} channels and num_groups={num_groups}"
        )
    if math.prod(shape) == num_groups:
        raise ShapeError(
            "group_norm: Expected more than 1 value per channel when training, got input size "
            f"{list(shape)} with num_groups={num_groups}: a group of one value would become 0"
        )
    groups = (num_groups, shape[1] // num_groups)
    parameters = [None if p is None else ops.reshape(p, shape=groups) for p in (weight, bias)]
    within = tuple(range(3, len(shape) + 1))  # the spatial dimensions, after that of the groups
    out = _normalized(
        ops.reshape(input, shape=(shape[0], *groups, *shape[2:])),
        *parameters,
        axes=(2, *within),
        over=(0, *within),
        eps=eps,
    )
    return ops.reshape(out, shape=shape)


# --- by neighbours and by length ---------------------------------------------------------------


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x_c / (k + alpha / size · Σ x²)^beta, the sum over `size` neighbouring channels around c.

    Krizhevsky, Sutskever & Hinton (2012). What lies beyond the first and the last channel is 0.

    Args:
        input: (N, C, *), of three dimensions or more.
        size: how many channels are in a sum: size // 2 before c, itself, and the rest after it.
        alpha, beta, k: as in the formula.

    Returns:
        A tensor of the input's shape.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.local_response_norm(dl.tensor([[[1.0], [2.0], [0.0]]]), 3, alpha=3.0, beta=1.0)
    tensor([[[0.1667],
             [0.3333],
             [0.0000]]])
    """
    if len(input.shape) < 3:
        raise ShapeError(
            "local_response_norm: Expected 3D or higher dimensionality input (got "
            f"{len(input.shape)} dimensions): (N, C, *)"
        )
    require_floats("local_response_norm", input)
    if size < 1:
        raise ArgumentError(f"local_response_norm: size must be at least 1, got {size}")
    shape = tuple(input.shape)
    if 0 in shape:
        return input
    sums = pooling.sum_windows(
        ops.reshape(input * input, shape=(shape[0], 1, shape[1], math.prod(shape[2:]))),
        windows=(shape[1], math.prod(shape[2:])),
        kernel=(size, 1),
        stride=(1, 1),
        padding=((size // 2, (size - 1) // 2), (0, 0)),
    )
    return input / (ops.reshape(sums, shape=shape) * (alpha / size) + k) ** beta


def normalize(
    input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """x / max(‖x‖_p, eps) along a dimension: vectors of length 1.

    Args:
        input: any shape.
        p: of the norm.
        dim: the dimension of the vectors, or several.
        eps: the least length to divide by, so that zeros stay zeros.
        out: where to write the result; then it has no graph.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.normalize(dl.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    result = input / input.norm(p, dim, keepdim=True).clamp_min(eps)
    return result if out is None else out.copy_(result)
