"""Convolutions and transposed convolutions, over one, two or three dimensions."""

from __future__ import annotations

from typing import Any

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn.functional.checks import batched as with_batch
from dlframe.nn.functional.checks import same_dtype, sizes_of
from dlframe.ops import offsets, window
from dlframe.tensor import Tensor
from dlframe.tensor.arguments import require_tensor

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_tbc",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]

# --- convolution -------------------------------------------------------------------------------


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, o, i] = b[o] + Σ_{c, k} W[o, c, k] · x[n, c, i·s + k·d - p].

    The arguments are those of `conv2d`, for sequences: input (N, C, L) or (C, L), weight
    (O, C / groups, kernel size), result (N, O, L').

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.conv1d(dl.tensor([[1.0, 2.0, 4.0, 8.0]]), dl.tensor([[[-1.0, 1.0]]]))
    tensor([[1., 2., 4.]])
    """
    return _convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


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


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, o, i] = b[o] + Σ_{c, k} W[o, c, k] · x[n, c, i·s + k·d - p], with i and k of 3 numbers.

    The arguments are those of `conv2d`, for volumes or films: input (N, C, D, H, W) or
    (C, D, H, W), weight (O, C / groups, *kernel size), result (N, O, D', H', W').

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.conv3d(dl.ones(1, 2, 3, 3, 3), dl.ones(4, 2, 3, 3, 3)).flatten()
    tensor([54., 54., 54., 54.])
    """
    return _convolution("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


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
    _check_weight(name, nd, weight, groups)
    outputs, channels = weight.shape[0], weight.shape[1] * groups
    _check_channels(name, x, batched.shape[1], weight, channels, groups)
    _check_bias(name, bias, outputs)
    _check_dtypes(name, x, weight, bias)
    kernel = tuple(weight.shape[2:])
    pads = _paddings(name, padding, kernel, strides, dilations)
    size = offsets.output_sizes(batched.shape[2:], kernel, strides, pads, dilations)
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


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """y[t, n, o] = b[o] + Σ_{k, c} x[t + k - p, n, c] · W[k, c, o]: `conv1d` with time first.

    Args:
        input: (T, N, C): time, batch, channels.
        weight: (kernel size, C, O).
        bias: (O,).
        pad: p, the steps of zeros before and after.

    Returns:
        (T + 2p - kernel size + 1, N, O).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.conv_tbc(dl.ones(5, 1, 2), dl.ones(3, 2, 1), dl.zeros(1)).flatten()
    tensor([6., 6., 6.])
    """
    for argument, value in (("input", input), ("weight", weight), ("bias", bias)):
        require_tensor("conv_tbc", argument, value)
    if len(input.shape) != 3 or len(weight.shape) != 3:
        raise ShapeError(
            "conv_tbc: input must have 3 dimensions (time, batch, channels), and weight 3 (kernel "
            f"size, channels, output channels), got {list(input.shape)} and {list(weight.shape)}"
        )
    x, kernels = ops.transpose(input, axes=(1, 2, 0)), ops.transpose(weight, axes=(2, 1, 0))
    out = _convolution("conv_tbc", 1, x, kernels, bias, 1, pad, 1, 1)
    return ops.contiguous(ops.transpose(out, axes=(2, 0, 1)))


# --- transposed convolution --------------------------------------------------------------------


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """y[n, o, j] = b[o] + Σ W[c, o, k] · x[n, c, i] over all c, i, k with i·s + k·d - p = j.

    The arguments are those of `conv_transpose2d`, for sequences: input (N, C, L) or (C, L), weight
    (C, O / groups, kernel size), result (N, O, L').

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.conv_transpose1d(dl.tensor([[1.0, 2.0]]), dl.tensor([[[1.0, 1.0, 1.0]]]), stride=2)
    tensor([[1., 1., 3., 2., 2.]])
    """
    return _transposed(
        "conv_transpose1d",
        1,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Each element of the input, times the kernel, is added to its place in a larger output.

    y[n, o, j] = b[o] + Σ W[c, o, k] · x[n, c, i] over all c, i, k with i·s + k·d - p = j (in both
    dimensions): the adjoint of `conv2d` in its input, and not its inverse (Zeiler et al. 2010).

    Args:
        input: (N, C, H, W), or (C, H, W) without a batch.
        weight: (C, O / groups, kernel height, kernel width).
        bias: (O,) or None.
        stride: s, the distance of the copies of the kernel: one number or one per dimension.
        padding: p, the rows and columns cut off at each side; likewise.
        output_padding: op, rows and columns added at the end, less than stride or dilation: a
            strided convolution gives one size for several, and this chooses which.
        groups: channels are split into this many groups, each with its own part of the weight.
        dilation: d, the distance between the elements of a kernel; likewise.

    Returns:
        (N, O, H', W') with H' = (H - 1) s - 2p + d(k - 1) + op + 1.

    Raises:
        ShapeError: channels that do not match, or a padding that cuts everything off.
        ArgumentError: an invalid stride, padding, output_padding or dilation.
        DTypeError: input, weight and bias differ in dtype.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.conv_transpose2d(dl.ones(1, 1, 2), dl.ones(1, 1, 2, 2))
    tensor([[[1., 2., 1.],
             [1., 2., 1.]]])
    """
    return _transposed(
        "conv_transpose2d",
        2,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Each element of the input, times the kernel, is added to its place in a larger output.

    The arguments are those of `conv_transpose2d`, for volumes: input (N, C, D, H, W) or
    (C, D, H, W), weight (C, O / groups, *kernel size), result (N, O, D', H', W').

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.conv_transpose3d(dl.ones(1, 3, 3, 3), dl.ones(1, 2, 2, 2, 2), stride=2).shape
    (2, 6, 6, 6)
    """
    return _transposed(
        "conv_transpose3d",
        3,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def _transposed(
    name: str,
    nd: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Any:
    batched = with_batch(name, nd, x)
    strides = sizes_of(name, "stride", stride, nd)
    dilations = sizes_of(name, "dilation", dilation, nd)
    pads = sizes_of(name, "padding", padding, nd, least=0)
    more = sizes_of(name, "output_padding", output_padding, nd, least=0)
    _check_weight(name, nd, weight, groups)
    _check_channels(name, x, batched.shape[1], weight, weight.shape[0], groups)
    _check_bias(name, bias, weight.shape[1] * groups)
    _check_dtypes(name, x, weight, bias)
    if any(m >= max(s, d) for m, s, d in zip(more, strides, dilations, strict=True)):
        raise ArgumentError(
            f"{name}: output padding must be smaller than either stride or dilation, but got "
            f"output_padding={more}, stride={strides}, dilation={dilations}"
        )
    kernel = tuple(weight.shape[2:])
    size = transposed_sizes(batched.shape[2:], kernel, strides, pads, more, dilations)
    if min(size) < 0:
        raise ShapeError(
            f"{name}: the output would have size {size}: padding={pads} cuts off all of it; got "
            f"input{list(x.shape)} and weight{list(weight.shape)}. Use less padding."
        )
    out = window.convolution_input(
        batched,
        weight,
        bias,
        size=size,
        stride=strides,
        padding=tuple((p, p) for p in pads),
        dilation=dilations,
        groups=groups,
    )
    return out if batched is x else ops.squeeze(out, axis=0)


def transposed_sizes(
    size: Any, kernel: Any, stride: Any, padding: Any, more: Any, dilation: Any
) -> Any:
    """(n - 1) stride - 2 padding + dilation (k - 1) + more + 1, per spatial dimension."""
    return tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + m + 1
        for n, k, s, p, m, d in zip(size, kernel, stride, padding, more, dilation, strict=True)
    )


# --- checks ------------------------------------------------------------------------------------


def _check_weight(name: str, nd: int, weight: Any, groups: int) -> None:
    if len(weight.shape) != nd + 2 or min(weight.shape) < 1:
        raise ShapeError(
            f"{name}: weight needs {nd + 2} dimensions, all of at least 1, got {list(weight.shape)}"
        )
    if groups < 1 or weight.shape[0] % groups:
        raise ArgumentError(
            f"{name}: groups must be positive and divide the first dimension of weight, got "
            f"groups={groups} for {weight.shape[0]} channels in weight{list(weight.shape)}"
        )


def _check_channels(name: str, x: Any, got: int, weight: Any, wanted: int, groups: int) -> None:
    if got != wanted:
        advice = f"Make in_channels {got}, or give it {wanted} channels."
        if x.shape[-1] == wanted:
            first = x.ndim - weight.ndim + 1
            advice = f"Are the channels last? x.movedim(-1, {first}) brings them to their place."
        elif wanted == 1 and x.ndim < weight.ndim:
            advice = "It was taken as one example; for a batch without channels: x.unsqueeze(1)."
        raise ShapeError(
            f"{name}: given groups={groups}, weight of size {list(weight.shape)}, expected "
            f"input{list(x.shape)} to have {wanted} channels, but got {got} channels instead. "
            + advice
        )


def _check_bias(name: str, bias: Any, outputs: int) -> None:
    if bias is not None and tuple(bias.shape) != (outputs,):
        raise ShapeError(
            f"{name}: bias must have shape [{outputs}], one number per output channel, got "
            f"{list(bias.shape)}"
        )


def _check_dtypes(name: str, x: Any, weight: Any, bias: Any) -> None:
    same_dtype(name, input=x, weight=weight, bias=bias)
    if x.dtype.kind == "b":
        raise DTypeError(f"{name}: not implemented for bool; convert with .float()")


def _paddings(name: str, padding: Any, kernel: Any, stride: Any, dilation: Any) -> offsets.Pairs:
    if not isinstance(padding, str):
        return tuple((p, p) for p in sizes_of(name, "padding", padding, len(kernel), least=0))
    if padding == "same" and any(s != 1 for s in stride):
        raise ArgumentError(
            f"{name}: padding='same' is not supported for strided convolutions, got stride={stride}"
        )
    if padding not in ("same", "valid"):
        raise ArgumentError(
            f"{name}: Invalid padding string: {padding!r}; use 'same', 'valid' or numbers"
        )
    return margins(padding, kernel, dilation)


def margins(padding: str, kernel: Any, dilation: Any) -> offsets.Pairs:
    """The elements to add before and after: so many that the size stays, or none."""
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((t // 2, t - t // 2) for t in total)  # the odd one goes to the end
