"""Convolution, pooling, grids, normalization and recurrent layers."""

from __future__ import annotations

from typing import Any

from dlframe.errors import ShapeError
from dlframe.nn import functional as F
from dlframe.nn.functional import (
    adaptive_avg_pool1d,
    avg_pool1d,
    bilinear,
    channel_shuffle,
    conv1d,
    conv2d,
    conv3d,
    conv_tbc,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    max_pool1d_with_indices,
    native_channel_shuffle,
    pixel_shuffle,
    pixel_unshuffle,
    rms_norm,
)
from dlframe.nn.functional.grids import affine_grid_generator, grid_sampler
from dlframe.nn.functional.recurrent import (
    gru,
    gru_cell,
    lstm,
    lstm_cell,
    rnn_relu,
    rnn_relu_cell,
    rnn_tanh,
    rnn_tanh_cell,
)
from dlframe.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
    "affine_grid_generator",
    "avg_pool1d",
    "batch_norm",
    "bilinear",
    "channel_shuffle",
    "constant_pad_nd",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_tbc",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolution",
    "grid_sampler",
    "grid_sampler_2d",
    "grid_sampler_3d",
    "group_norm",
    "gru",
    "gru_cell",
    "instance_norm",
    "layer_norm",
    "lstm",
    "lstm_cell",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool3d",
    "native_channel_shuffle",
    "pixel_shuffle",
    "pixel_unshuffle",
    "rms_norm",
    "rnn_relu",
    "rnn_relu_cell",
    "rnn_tanh",
    "rnn_tanh_cell",
]


# --- convolution and pooling -------------------------------------------------------------------


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Tensor:
    """`conv1d`, `conv2d` or `conv3d` by the number of dimensions, or the transposed one.

    >>> dl.convolution(dl.ones(1, 1, 3), dl.ones(1, 1, 2), None, [1], [0], [1], False, [0], 1)
    tensor([[[2., 2.]]])
    """
    nd = weight.ndim - 2
    if not 1 <= nd <= 3:
        raise ShapeError(f"convolution: expected a weight of 3 to 5 dimensions, got {weight.ndim}")
    if transposed:
        turned = (conv_transpose1d, conv_transpose2d, conv_transpose3d)[nd - 1]
        return turned(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return (conv1d, conv2d, conv3d)[nd - 1](input, weight, bias, stride, padding, dilation, groups)


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """`nn.functional.max_pool1d`, without indices.

    >>> dl.max_pool1d(dl.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    out: Tensor = F.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)
    return out


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """`nn.functional.max_pool2d`, without indices.

    >>> dl.max_pool2d(dl.tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2)
    tensor([[[3.]]])
    """
    out: Tensor = F.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)
    return out


def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """`nn.functional.max_pool3d`, without indices.

    >>> dl.max_pool3d(dl.ones(1, 2, 2, 2), 2).shape
    (1, 1, 1, 1)
    """
    out: Tensor = F.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)
    return out


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """The maxima and their places; `nn.functional.adaptive_max_pool1d` gives these if asked.

    >>> dl.adaptive_max_pool1d(dl.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    (tensor([[3., 2.]]), tensor([[1, 2]]))
    """
    values, indices = F.adaptive_max_pool1d(input, output_size, return_indices=True)
    return values, indices


def constant_pad_nd(input: Tensor, pad: Any, value: float = 0) -> Tensor:
    """`nn.functional.pad` with a constant.

    >>> dl.constant_pad_nd(dl.tensor([1.0, 2.0]), (1, 2), 9.0)
    tensor([9., 1., 2., 9., 9.])
    """
    return F.pad(input, pad, "constant", value)


# --- grids -------------------------------------------------------------------------------------


def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sampler` of images.

    >>> x = dl.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> dl.grid_sampler_2d(x, dl.zeros(1, 1, 1, 2), 0, 0, True)
    tensor([[[[1.5000]]]])
    """
    _check_dimensions("grid_sampler_2d", input, 4)
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sampler` of volumes.

    >>> dl.grid_sampler_3d(dl.ones(1, 1, 2, 2, 2), dl.zeros(1, 1, 1, 1, 3), 0, 0, True)
    tensor([[[[[1.]]]]])
    """
    _check_dimensions("grid_sampler_3d", input, 5)
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def _check_dimensions(name: str, input: Tensor, count: int) -> None:
    if input.ndim != count:
        raise ShapeError(f"{name}: expected {count}D input, got {list(input.shape)}")


# --- normalization -----------------------------------------------------------------------------


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`nn.functional.batch_norm`, with the statistics after weight and bias.

    >>> dl.batch_norm(dl.tensor([[1.0], [3.0]]), None, None, None, None, True, 0.1, 1e-8, False)
    tensor([[-1.],
            [ 1.]])
    """
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`nn.functional.instance_norm`, with the statistics after weight and bias.

    >>> dl.instance_norm(dl.tensor([[[1.0, 3.0]]]), None, None, None, None, True, 0.1, 0.0, False)
    tensor([[[-1.,  1.]]])
    """
    return F.instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """`nn.functional.layer_norm`.

    >>> dl.layer_norm(dl.tensor([1.0, 3.0]), (2,), eps=0.0)
    tensor([-1.,  1.])
    """
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.group_norm`.

    >>> dl.group_norm(dl.tensor([[1.0, 3.0]]), 1, eps=0.0)
    tensor([[-1.,  1.]])
    """
    return F.group_norm(input, num_groups, weight, bias, eps)
