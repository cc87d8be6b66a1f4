"""Convolution."""

from __future__ import annotations

from typing import Any

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.checks import batched as with_batch
from dlframe.nn.functional.checks import same_dtype, sizes_of
from dlframe.ops import window
from dlframe.tensor import Tensor

__all__ = ["conv2d"]


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, o, i, j] = b[o] + Σ_{c, k, l} W[o, c, k, l] · x[n, c, i·s + k·d - p, j·s + l·d - p].

    What lies beyond the edges of the input is 0 (LeCun et al. 1989).

    Args:
        input: (N, C, H, W), or (C, H, W) without a batch.
        weight: (O, C / groups, kernel height, kernel width).
        bias: (O,) or None.
        stride: s, one number or one per dimension.
        padding: p, likewise; or `"valid"` (none), or `"same"` (as much as keeps the size).
        dilation: d, the distance between the elements of a kernel; likewise.
        groups: channels are split into this many groups, each with its own part of the weight.

    Returns:
        (N, O, H', W') with H' = ⌊(H + 2p - d(k - 1) - 1) / s⌋ + 1.

    Raises:
        ShapeError: channels that do not match, or a kernel that is larger than the padded input.
        ArgumentError: an invalid stride, padding or dilation.
        DTypeError: input, weight and bias differ in dtype.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.conv2d(dl.ones(1, 1, 3, 3), dl.ones(1, 1, 2, 2))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return _convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def _convolution(
    name: str,
    nd: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    batched = with_batch(name, nd, x)
    strides = sizes_of(name, "stride", stride, nd)
    dilations = sizes_of(name, "dilation", dilation, nd)
    _check_weights(name, nd, x, batched.shape[1], weight, bias, groups)
    same_dtype(name, input=x, weight=weight, bias=bias)
    kernel = tuple(weight.shape[2:])
    pads = _paddings(name, padding, kernel, strides, dilations)
    size = window.output_sizes(batched.shape[2:], kernel, strides, pads, dilations)
    if min(size) < 1:
        room = tuple(n + sum(p) for n, p in zip(batched.shape[2:], pads, strict=True))
        reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True))
        raise ShapeError(
            f"{name}: Kernel size can't be greater than actual input size: the kernel reaches over "
            f"{reach}, the padded input has {room}; got input{list(x.shape)} and "
            f"weight{list(weight.shape)}. Add padding, or use a smaller kernel or fewer layers."
        )
    out = window.convolution(
        batched, weight, bias, stride=strides, padding=pads, dilation=dilations, groups=groups
    )
    return out if batched is x else ops.squeeze(out, axis=0)


def _check_weights(
    name: str, nd: int, x: Any, channels: int, weight: Any, bias: Any, groups: int
) -> None:
    if len(weight.shape) != nd + 2 or min(weight.shape) < 1:
        raise ShapeError(
            f"{name}: weight needs {nd + 2} dimensions, all of at least 1, got {list(weight.shape)}"
        )
    outputs = weight.shape[0]
    if groups < 1 or outputs % groups:
        raise ArgumentError(
            f"{name}: groups must be positive and divide the output channels, got groups={groups} "
            f"for {outputs} channels in weight{list(weight.shape)}"
        )
    if channels != weight.shape[1] * groups:
        raise ShapeError(
            f"{name}: given groups={groups}, weight of size {list(weight.shape)}, expected "
            f"input{list(x.shape)} to have {weight.shape[1] * groups} channels, but got {channels} "
            "channels instead"
        )
    if bias is not None and tuple(bias.shape) != (outputs,):
        raise ShapeError(
            f"{name}: bias must have shape [{outputs}], one number per output channel, got "
            f"{list(bias.shape)}"
        )


def _paddings(name: str, padding: Any, kernel: Any, stride: Any, dilation: Any) -> window.Pairs:
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        if any(s != 1 for s in stride):
            raise ArgumentError(
                f"{name}: padding='same' is not supported for strided convolutions, got "
                f"stride={stride}"
            )
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((t // 2, t - t // 2) for t in total)  # the odd one goes to the end
    if isinstance(padding, str):
        raise ArgumentError(
            f"{name}: Invalid padding string: {padding!r}; use 'same', 'valid' or numbers"
        )
    return tuple((p, p) for p in sizes_of(name, "padding", padding, len(kernel), least=0))
