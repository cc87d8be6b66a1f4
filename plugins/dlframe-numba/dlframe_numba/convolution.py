"""The three operations of convolution: which algorithm computes which shape.

3 x 3 kernels with stride 1 on many channels go to `dlframe_numba.winograd`, all others to
`dlframe_numba.direct`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dlframe.kernels import Kernel

from dlframe_numba import direct, pixels, winograd

__all__ = ["convolution", "convolution_input", "convolution_weight"]

Array = np.ndarray[Any, np.dtype[Any]]

_CHANNELS = 24  # from so many on (in the geometric mean), transforms for Winograd's method pay
_OUTPUTS = 12  # that fill a vector of outputs well enough
_NARROW = 24  # rows of which vectors of places lose too many
_GROUP = 4  # outputs of a group: with fewer, gradients of the weight are faster as they are
_WORK = 1 << 18  # multiplications that take some ten times as long as the call


def _known(x: Array, weight: Array, dims: int) -> bool:
    """Whether both are float arrays of one dtype, with one to three spatial dimensions."""
    return (
        x.dtype == weight.dtype
        and x.dtype.char in "fd"
        and 1 <= dims <= 3
        and x.size > 0
        and weight.size > 0
    )


def _plain(x: Array) -> Array:
    """`x` in order; writable, since numba compiles everything once more for read-only arrays."""
    x = np.ascontiguousarray(x)
    return x if x.flags.writeable else x.copy()


def _for_winograd(
    x: Array, kernel: Any, stride: Any, dilation: Any, groups: int, outputs: int
) -> bool:
    return (
        kernel == (3, 3)
        and set(stride) == {1} == set(dilation)
        and groups == 1
        and x.dtype == np.float32
        and x.shape[1] * outputs >= _CHANNELS**2
    )


def _for_pixels(x: Array, size: Any, stride: Any, groups: int, outputs: int) -> bool:
    return (
        groups == 1
        and len(size) <= 2
        and outputs >= _OUTPUTS
        and (max(stride) > 1 or size[-1] < _NARROW)
    )


# --- the convolution ---------------------------------------------------------------------------


def _convolution(
    x: Any, weight: Any, bias: Any = None, *, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    kernel = weight.shape[2:]
    if not _known(x, weight, len(kernel)) or (bias is not None and bias.dtype != x.dtype):
        return NotImplemented
    size = tuple(
        [
            (n + a + b - d * (k - 1) - 1) // s + 1
            for n, (a, b), d, k, s in zip(
                x.shape[2:], padding, dilation, kernel, stride, strict=True
            )
        ]
    )
    if min(size) < 1 or len(x) * math.prod(size) * weight.size < _WORK:
        return NotImplemented
    x, weight = _plain(x), _plain(weight)
    if _for_winograd(x, kernel, stride, dilation, groups, len(weight)):
        out = winograd.convolved(x, weight, bias, size, (padding[0][0], padding[1][0]))
        if out is not None:
            return out
    if max(kernel) == 1 and max(stride) == 1:  # a product of matrices
        return NotImplemented
    if _for_pixels(x, size, stride, groups, len(weight)):
        return pixels.convolved(x, weight, bias, size, stride, padding, dilation)
    return direct.convolved(x, weight, bias, size, stride, padding, dilation, groups)


convolution = Kernel(forward=_convolution)

# --- its adjoint in the input ------------------------------------------------------------------


def _convolution_input(
    y: Any, weight: Any, bias: Any = None, *, size: Any, stride: Any, padding: Any, dilation: Any,
    groups: int,
) -> Any:  # fmt: skip
    kernel = weight.shape[2:]
    if not _known(y, weight, len(kernel)) or (bias is not None and bias.dtype != y.dtype):
        return NotImplemented
    if min(size) < 1 or len(y) * math.prod(y.shape[2:]) * weight.size < _WORK:
        return NotImplemented
    if max(kernel) == 1 and max(stride) == 1:
        return NotImplemented
    if not np.isfinite(weight).all():  # times the zeros in the padding they would be nan
        return NotImplemented
    y, weight = _plain(y), _plain(weight)
    if _for_winograd(y, kernel, stride, dilation, groups, weight.shape[1]):
        turned = np.ascontiguousarray(weight[:, :, ::-1, ::-1].swapaxes(0, 1))
        out = winograd.convolved(y, turned, bias, size, (2 - padding[0][0], 2 - padding[1][0]))
        if out is not None:
            return out
    if _for_pixels(y, size, stride, groups, weight.shape[1]):
        return pixels.input_gradient(y, weight, bias, size, stride, padding, dilation)
    return direct.input_gradient(y, weight, bias, size, stride, padding, dilation, groups)


convolution_input = Kernel(forward=_convolution_input)

# --- its adjoint in the weight -----------------------------------------------------------------


def _convolution_weight(
    x: Any, y: Any, *, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    inputs, outputs = x.shape[1] // groups, y.shape[1] // groups
    if not _known(x, y, len(kernel)) or (groups > 1 and outputs < _GROUP):
        return NotImplemented
    if y.size * inputs * math.prod(kernel) < _WORK:
        return NotImplemented
    if max(kernel) == 1 and max(stride) == 1:
        return NotImplemented
    x, y = _plain(x), _plain(y)
    if _for_winograd(x, kernel, stride, dilation, groups, outputs):
        weight = winograd.weight_gradient(x, y, (padding[0][0], padding[1][0]))
        if weight is not None:
            return weight
    return direct.weight_gradient(x, y, kernel, stride, padding, dilation, groups)


convolution_weight = Kernel(forward=_convolution_weight)
