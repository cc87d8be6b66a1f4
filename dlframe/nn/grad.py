"""The gradients of convolutions alone: PyTorch's `nn.grad`.

A convolution is linear in its input and in its weight. So its gradient by one of them needs only
the other one and the gradient g of the output, not the convolution::

    conv_input:  dx[j] = Σ W[k] g[i]  over all i, k with s i + d k - p = j
    conv_weight: dW[k] = Σ g[i] x[s i + d k - p]  over all i

with stride s, dilation d and padding p; sums over channels as in `F.conv2d`. Each can be
differentiated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.checks import same_dtype, sizes_of
from dlframe.ops import offsets, window
from dlframe.tensor import Tensor
from dlframe.tensor.arguments import require_tensor

__all__ = [
    "conv1d_input",
    "conv1d_weight",
    "conv2d_input",
    "conv2d_weight",
    "conv3d_input",
    "conv3d_weight",
]

Sizes = int | Sequence[int]


def conv1d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv1d` by its input.

    Args:
        input_size: (N, C, L), the shape of the input.
        weight: (O, C / groups, kernel size).
        grad_output: (N, O, L'), the gradient of the output.
        stride, padding, dilation, groups: as in `F.conv1d`; padding is a number or one per
            dimension.

    Returns:
        The gradient, of the shape `input_size`.

    Raises:
        ShapeError: `grad_output` is not what the convolution of such an input gives.

    >>> from dlframe.nn.grad import conv1d_input
    >>> conv1d_input((1, 1, 4), dl.tensor([[[1.0, 10.0]]]), dl.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[ 1., 12., 23., 30.]]])
    """
    return _by_input(1, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv1d` by its weight.

    Args:
        input: (N, C, L).
        weight_size: (O, C / groups, kernel size), the shape of the weight.
        grad_output: (N, O, L'), the gradient of the output.
        stride, padding, dilation, groups: as in `F.conv1d`; padding is a number or one per
            dimension.

    Returns:
        The gradient, of the shape `weight_size`.

    Raises:
        ShapeError: `grad_output` is not what the convolution with such a weight gives.

    >>> from dlframe.nn.grad import conv1d_weight
    >>> x, g = dl.tensor([[[1.0, 2.0, 3.0, 4.0]]]), dl.tensor([[[1.0, 0.0, 10.0]]])
    >>> conv1d_weight(x, (1, 1, 2), g)
    tensor([[[31., 42.]]])
    """
    return _by_weight(1, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv2d` by its input.

    As `conv1d_input`, for images (N, C, H, W).

    >>> from dlframe.nn.grad import conv2d_input
    >>> conv2d_input((1, 1, 2, 3), dl.ones(1, 1, 2, 2), dl.tensor([[[[1.0, 10.0]]]]))
    tensor([[[[ 1., 11., 10.],
              [ 1., 11., 10.]]]])
    """
    return _by_input(2, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv2d` by its weight.

    As `conv1d_weight`, for images (N, C, H, W).

    >>> from dlframe.nn.grad import conv2d_weight
    >>> conv2d_weight(dl.ones(1, 1, 2, 3), (1, 1, 2, 2), dl.tensor([[[[1.0, 10.0]]]]))
    tensor([[[[11., 11.],
              [11., 11.]]]])
    """
    return _by_weight(2, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv3d` by its input.

    As `conv1d_input`, for volumes (N, C, D, H, W).

    >>> from dlframe.nn.grad import conv3d_input
    >>> conv3d_input((1, 1, 1, 1, 3), dl.ones(1, 1, 1, 1, 2), dl.ones(1, 1, 1, 1, 2)).flatten()
    tensor([1., 2., 1.])
    """
    return _by_input(3, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv3d` by its weight.

    As `conv1d_weight`, for volumes (N, C, D, H, W).

    >>> from dlframe.nn.grad import conv3d_weight
    >>> conv3d_weight(dl.ones(1, 1, 1, 1, 3), (1, 1, 1, 1, 2), dl.ones(1, 1, 1, 1, 2)).flatten()
    tensor([2., 2.])
    """
    return _by_weight(3, input, weight_size, grad_output, stride, padding, dilation, groups)


def _by_input(nd: int, size: Sequence[int], weight: Tensor, g: Tensor, *options: Any) -> Tensor:
    name, size = f"conv{nd}d_input", tuple(size)
    require_tensor(name, "weight", weight)
    require_tensor(name, "grad_output", g)
    same_dtype(name, weight=weight, grad_output=g)
    checked = _checked(name, nd, size, tuple(weight.shape), tuple(g.shape), options)
    result: Tensor = window.convolution_input(g, weight, size=size[2:], **checked)
    return result


def _by_weight(nd: int, x: Tensor, size: Sequence[int], g: Tensor, *options: Any) -> Tensor:
    name, size = f"conv{nd}d_weight", tuple(size)
    require_tensor(name, "input", x)
    require_tensor(name, "grad_output", g)
    same_dtype(name, input=x, grad_output=g)
    checked = _checked(name, nd, tuple(x.shape), size, tuple(g.shape), options)
    result: Tensor = window.convolution_weight(x, g, kernel=size[2:], **checked)
    return result


def _checked(
    name: str,
    nd: int,
    x: tuple[int, ...],
    weight: tuple[int, ...],
    g: tuple[int, ...],
    options: tuple[Any, ...],
) -> dict[str, Any]:
    """The options as the operations take them, if the three shapes belong together."""
    stride, padding, dilation, groups = options
    if any(len(shape) != nd + 2 for shape in (x, weight, g)):
        raise ShapeError(
            f"{name}: expected {nd + 2} dimensions, with the batch, of input, weight and "
            f"grad_output; got {list(x)}, {list(weight)} and {list(g)}"
        )
    if not isinstance(groups, int) or groups < 1 or weight[0] % groups:
        raise ArgumentError(
            f"{name}: groups must be a positive divisor of the {weight[0]} output channels, got "
            f"{groups!r}"
        )
    strides = sizes_of(name, "stride", stride, nd)
    pads = tuple((p, p) for p in sizes_of(name, "padding", padding, nd, least=0))
    dilations = sizes_of(name, "dilation", dilation, nd)
    out = offsets.output_sizes(x[2:], weight[2:], strides, pads, dilations)
    if x[1] != weight[1] * groups or g != (x[0], weight[0], *out) or min(out) < 1:
        raise ShapeError(
            f"{name}: the convolution of input{list(x)} with weight{list(weight)} and "
            f"groups={groups} would need {weight[1] * groups} channels and give "
            f"{[x[0], weight[0], *out]}; got grad_output{list(g)}"
        )
    return {"stride": strides, "padding": pads, "dilation": dilations, "groups": groups}
