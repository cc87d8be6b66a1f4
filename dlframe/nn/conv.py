"""Convolutions and transposed convolutions over one, two or three dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.functional.convolution import margins, transposed_sizes
from dlframe.nn.lazy import LazyModuleMixin
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, UninitializedParameter, new_parameter
from dlframe.tensor import Tensor

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
]

Sizes = int | tuple[int, ...]


def _numbers(value: Any, nd: int) -> tuple[int, ...]:
    """One number for all dimensions, or one for each."""
    return tuple(value) if isinstance(value, Sequence) else (value,) * nd


class _Kernels(Module):
    """The fields, initial values and text of all convolutions."""

    weight: Parameter
    bias: Parameter | None
    padding: tuple[int, ...] | str
    _nd: ClassVar[int]  # the number of spatial dimensions
    _function: ClassVar[Callable[..., Any]]  # of nn.functional

    def _begin(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        transposed: bool,
        output_padding: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        if groups <= 0:
            raise ArgumentError(f"groups must be a positive integer, got {groups}")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ArgumentError(f"{name} must be divisible by groups: {channels}, {groups}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = _numbers(kernel_size, self._nd)
        self.stride = _numbers(stride, self._nd)
        self.padding = padding if isinstance(padding, str) else _numbers(padding, self._nd)
        self.dilation = _numbers(dilation, self._nd)
        self.transposed = transposed
        self.output_padding = _numbers(output_padding, self._nd)
        self.groups = groups
        self.padding_mode = padding_mode
        outer, inner = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        self.weight = new_parameter((outer, inner // groups, *self.kernel_size), dtype, device)
        self.register_parameter("bias", new_parameter((out_channels,), dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        # with this slope, kaiming_uniform_'s bound is 1 / √fan_in: LeCun's initialization
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = math.prod(self.weight.shape[1:])
        if self.bias is not None and fan_in > 0:
            init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def extra_repr(self) -> str:
        """The arguments that are not the default."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * len(value):
                text += f", {name}={value}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


# --- convolution -------------------------------------------------------------------------------


class _Convolution(_Kernels):
    """A convolution; the classes below say over how many dimensions."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ArgumentError(f"Invalid padding string {padding!r}, should be 'same' or 'valid'")
        if padding == "same" and any(s != 1 for s in _numbers(stride, self._nd)):
            raise ArgumentError("padding='same' is not supported for strided convolutions")
        modes = ["zeros", "reflect", "replicate", "circular"]
        if padding_mode not in modes:
            raise ArgumentError(f"padding_mode must be one of {modes}, but got {padding_mode!r}")
        self._begin(
            in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups,
            bias, padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """The convolved input."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The same with another weight, for subclasses: PyTorch's name."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            pairs = (
                margins(padding, self.kernel_size, self.dilation)
                if isinstance(padding, str)
                else [(p, p) for p in padding]
            )
            amounts = [n for pair in reversed(pairs) for n in pair]
            input, padding = F.pad(input, amounts, mode=self.padding_mode), 0
        function = type(self)._function
        out: Tensor = function(
            input, weight, bias, self.stride, padding, self.dilation, self.groups
        )
        return out


class Conv1d(_Convolution):
    """Slide kernels along a sequence: y[o, i] = b[o] + Σ_ck W[o, c, k] · x[c, i·s + k·d - p].

    The arguments are those of `Conv2d`. Shapes: x is (N, in_channels, L), or without N; y is
    (N, out_channels, L') with L' = ⌊(L + 2p - d (k - 1) - 1) / s⌋ + 1; `weight` is (out_channels,
    in_channels / groups, k), `bias` (out_channels,).

    For signals, text and time series: k neighbouring steps give one. To see only the past, pad
    k - 1 zeros before and none after (`nn.ConstantPad1d((k - 1, 0), 0)`); to see far, raise the
    dilation layer by layer (van den Oord et al. 2016, "WaveNet").

    Formula: `dlframe/ops/window.py`, convolution.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.Conv1d(16, 33, 3, stride=2)
    >>> layer(dl.randn(20, 16, 50)).shape
    (20, 33, 24)
    """

    _nd = 1
    _function = F.conv1d


class Conv2d(_Convolution):
    """Slide kernels over images: y[o, i, j] = b[o] + Σ_ckl W[o, c, k, l] · x[c, i + k, j + l].

    (With stride s, padding p and dilation d the last indices are i·s + k·d - p and j·s + l·d - p.)

    Shapes: x is (N, in_channels, H, W), or without N; y is (N, out_channels, H', W') with
    H' = ⌊(H + 2p - d (k - 1) - 1) / s⌋ + 1. `weight` is (out_channels, in_channels / groups,
    *kernel), `bias` (out_channels,). Both start uniform on ±1 / √(elements of one kernel).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output, one kernel each.
        kernel_size: height and width of a kernel, or one number for both.
        stride: steps of the kernel.
        padding: rows and columns added on each side, or `"valid"` (none), or `"same"` (as many
            as keep the size; for stride 1).
        dilation: distance between the elements of a kernel.
        groups: the channels are split into that many groups, each convolved on its own.
        bias: whether to add one.
        padding_mode: what is added: `"zeros"`, or the image continued by `"reflect"`,
            `"replicate"` (its edge) or `"circular"` (its other side).
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    Formula: `dlframe/ops/window.py`, convolution.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))
    >>> layer(dl.randn(2, 16, 10, 20)).shape
    (2, 33, 8, 20)
    """

    _nd = 2
    _function = F.conv2d


class Conv3d(_Convolution):
    """Slide kernels through volumes or films: `Conv2d` with one more dimension.

    The arguments are those of `Conv2d`, with three numbers where it takes two. Shapes: x is
    (N, in_channels, D, H, W), or without N; y is (N, out_channels, D', H', W'); `weight` is
    (out_channels, in_channels / groups, *kernel), `bias` (out_channels,).

    A kernel of 3·3·3 costs three times one of 3·3, at every place of a volume; a (1, 3, 3)
    followed by a (3, 1, 1) is cheaper (Tran et al. 2018).

    Formula: `dlframe/ops/window.py`, convolution.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.Conv3d(2, 4, (3, 5, 2), stride=(2, 1, 1), padding=(4, 2, 0))
    >>> layer(dl.randn(1, 2, 10, 8, 6)).shape
    (1, 4, 8, 8, 5)
    """

    _nd = 3
    _function = F.conv3d


# --- transposed convolution --------------------------------------------------------------------


class _Transposed(_Kernels):
    """A transposed convolution; the classes below say over how many dimensions."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if padding_mode != "zeros":
            raise ArgumentError(
                f'Only "zeros" padding mode is supported for {name}, got {padding_mode!r}'
            )
        self._begin(
            in_channels, out_channels, kernel_size, stride, padding, dilation, True,
            output_padding, groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The enlarged input; `output_size` chooses among the sizes that a stride allows."""
        more = self.output_padding if output_size is None else self._missing(input, output_size)
        function = type(self)._function
        out: Tensor = function(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups,
            self.dilation,
        )  # fmt: skip
        return out

    def _missing(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output_padding that gives this size."""
        name, nd, given = type(self).__name__, self._nd, input.ndim
        wanted = tuple(output_size)[-nd:]
        if len(output_size) not in (nd, given) or given not in (nd + 1, nd + 2):
            raise ShapeError(
                f"{name}: for {given}D input, output_size must have {nd} or {given} elements, got "
                f"{tuple(output_size)}"
            )
        least = transposed_sizes(
            input.shape[-nd:], self.kernel_size, self.stride, self.padding, (0,) * nd, self.dilation
        )
        most = tuple(n + s - 1 for n, s in zip(least, self.stride, strict=True))
        if any(not a <= n <= b for n, a, b in zip(wanted, least, most, strict=True)):
            raise ShapeError(
                f"{name}: requested an output size of {wanted}, but valid sizes range from {least} "
                f"to {most} for input{list(input.shape)} and stride {self.stride}"
            )
        return tuple(n - a for n, a in zip(wanted, least, strict=True))


class ConvTranspose1d(_Transposed):
    """Spread each step of a sequence, times a kernel, over a longer one.

    The arguments are those of `ConvTranspose2d`. Shapes: x is (N, in_channels, L), or without N; y
    is (N, out_channels, L') with L' = (L - 1) s - 2p + d (k - 1) + output_padding + 1; `weight` is
    (in_channels, out_channels / groups, k), `bias` (out_channels,).

    Formula: `dlframe/ops/window.py`, convolution_input.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.ConvTranspose1d(16, 33, 4, stride=2, padding=1)
    >>> layer(dl.randn(20, 16, 50)).shape
    (20, 33, 100)
    """

    _nd = 1
    _function = F.conv_transpose1d


class ConvTranspose2d(_Transposed):
    """Spread each pixel over a larger image: y[o, j] = b[o] + Σ W[c, o, k] x[c, i].

    The sum is over all c, i, k with i·s + k·d - p = j, in both dimensions. It is what the gradient
    of `Conv2d` does, so it has that layer's sizes the other way round; it is not its inverse.

    Shapes: x is (N, in_channels, H, W), or without N; y is (N, out_channels, H', W') with
    H' = (H - 1) s - 2p + d (k - 1) + output_padding + 1. `weight` is (in_channels, out_channels /
    groups, *kernel), `bias` (out_channels,). Both start uniform on ±1 / √(out_channels / groups ·
    elements of a kernel).

    For decoders, generators and segmentation, where an image grows. With a kernel that is not a
    multiple of the stride the copies overlap unevenly, and show as a chessboard (Odena et al.
    2016); take k = 2s with p = s/2, or enlarge the image first and use a `Conv2d`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: height and width of a kernel, or one number for both.
        stride: the distance of the copies of the kernel.
        padding: rows and columns cut off at each side.
        output_padding: rows and columns added at the end, less than the stride or the dilation.
        groups: the channels are split into that many groups, each convolved on its own.
        bias: whether to add one.
        dilation: distance between the elements of a kernel.
        padding_mode: `"zeros"`; there is no other.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    Formula: `dlframe/ops/window.py`, convolution_input.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> down, up = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ConvTranspose2d(8, 3, 3, 2, 1)
    >>> x = dl.randn(1, 3, 12, 12)
    >>> up(down(x)).shape, up(down(x), output_size=x.size()).shape
    ((1, 3, 11, 11), (1, 3, 12, 12))
    """

    _nd = 2
    _function = F.conv_transpose2d


class ConvTranspose3d(_Transposed):
    """Spread each element of a volume, times a kernel, over a larger one.

    The arguments are those of `ConvTranspose2d`, with three numbers where it takes two. Shapes: x
    is (N, in_channels, D, H, W), or without N; y is (N, out_channels, D', H', W'); `weight` is
    (in_channels, out_channels / groups, *kernel), `bias` (out_channels,).

    Formula: `dlframe/ops/window.py`, convolution_input.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.ConvTranspose3d(16, 8, (3, 5, 2), stride=(2, 1, 1), padding=(0, 4, 2))
    >>> layer(dl.randn(1, 16, 3, 10, 6)).shape
    (1, 8, 7, 6, 3)
    """

    _nd = 3
    _function = F.conv_transpose3d


# --- lazy --------------------------------------------------------------------------------------


class _LazyKernels(LazyModuleMixin, _Kernels):
    """The parts of the lazy classes: `in_channels` comes from the first input."""

    def _wait(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new initial values, if the sizes are known."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take `in_channels` from `input`."""
        if not self.has_uninitialized_params():
            return
        name, nd = type(self).__name__, self._nd
        if input.ndim not in (nd + 1, nd + 2):
            raise ShapeError(
                f"{name}: expected {nd + 1}D (unbatched) or {nd + 2}D (batched) input, got "
                f"{list(input.shape)}; add missing dimensions with unsqueeze()"
            )
        channels = input.shape[-nd - 1]
        if channels % self.groups:
            raise ArgumentError(
                f"{name}: in_channels must be divisible by groups={self.groups}, and "
                f"input{list(input.shape)} has {channels} channels"
            )
        self.in_channels = channels
        outer, inner = self.out_channels, channels
        if self.transposed:
            outer, inner = inner, outer
        shape = (outer, inner // self.groups, *self.kernel_size)
        self.materialize({"weight": shape, "bias": (self.out_channels,)})
        self.reset_parameters()


class _LazyConvolution(_LazyKernels, _Convolution):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype
        )
        self._wait(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConvolution, Conv1d):
    """A `Conv1d` that takes `in_channels` from its first input, and becomes a Conv1d by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyConv1d(4, 3)
    >>> layer(dl.ones(2, 5, 8)).shape, layer
    ((2, 4, 6), Conv1d(5, 4, kernel_size=(3,), stride=(1,)))
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConvolution, Conv2d):
    """A `Conv2d` that takes `in_channels` from its first input, and becomes a Conv2d by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyConv2d(4, 3)
    >>> layer(dl.ones(2, 5, 8, 8)).shape, layer
    ((2, 4, 6, 6), Conv2d(5, 4, kernel_size=(3, 3), stride=(1, 1)))
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConvolution, Conv3d):
    """A `Conv3d` that takes `in_channels` from its first input, and becomes a Conv3d by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyConv3d(4, 2)
    >>> layer(dl.ones(5, 3, 3, 3)).shape, layer
    ((4, 2, 2, 2), Conv3d(5, 4, kernel_size=(2, 2, 2), stride=(1, 1, 1)))
    """

    cls_to_become = Conv3d


class _LazyTransposed(_LazyKernels, _Transposed):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._wait(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyTransposed, ConvTranspose1d):
    """A `ConvTranspose1d` that takes `in_channels` from its first input, and becomes one by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyConvTranspose1d(4, 2, stride=2)
    >>> layer(dl.ones(2, 5, 8)).shape, layer
    ((2, 4, 16), ConvTranspose1d(5, 4, kernel_size=(2,), stride=(2,)))
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposed, ConvTranspose2d):
    """A `ConvTranspose2d` that takes `in_channels` from its first input, and becomes one by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyConvTranspose2d(4, 2, stride=2)
    >>> layer(dl.ones(2, 5, 8, 8)).shape, layer
    ((2, 4, 16, 16), ConvTranspose2d(5, 4, kernel_size=(2, 2), stride=(2, 2)))
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyTransposed, ConvTranspose3d):
    """A `ConvTranspose3d` that takes `in_channels` from its first input, and becomes one by it.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyConvTranspose3d(4, 1)
    >>> layer(dl.ones(5, 2, 2, 2)).shape, layer
    ((4, 2, 2, 2), ConvTranspose3d(5, 4, kernel_size=(1, 1, 1), stride=(1, 1, 1)))
    """

    cls_to_become = ConvTranspose3d
