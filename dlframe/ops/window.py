"""Sliding windows: convolution, over any number of spatial dimensions.

The gradients of a convolution are two more operations of the same kind, and the three are each
other's derivatives. How they are computed is in `dlframe.ops.convolving`, and for one kernel per
channel in `dlframe.ops.depthwise`. Pooling (`dlframe.ops.pooling`) adds the elements of a window,
or takes their maximum.

Sizes are tuples with one number per spatial dimension; `padding` has a pair (before, after) each.
"""

from __future__ import annotations

import math

import numpy as np

from dlframe.ops import convolving, depthwise
from dlframe.ops.offsets import output_sizes
from dlframe.ops.op import op
from dlframe.ops.reduction import sum

__all__ = [
    "convolution",
    "convolution_input",
    "convolution_weight",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

_MANY = 16  # small convolutions, which take longer than one with columns that are added up


# --- convolution -------------------------------------------------------------------------------


@op(latex=r"\sum_k W_k x_{s i + k} + b")
def convolution(x, weight, bias=None, *, stride, padding, dilation, groups):
    """y[n, o, i] = b[o] + Σ_{c, k} W[o, c, k] · x[n, c, i · stride + k · dilation - padding]."""
    size = output_sizes(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    if depthwise.fits(x.shape[1], len(weight), groups, stride):
        out = depthwise.convolved(x, weight, size, padding, dilation)
        return out if bias is None else out + bias.reshape((-1,) + (1,) * len(size))
    out = np.empty((len(x), len(weight), *size), np.result_type(x, weight))
    return convolving.convolved(x, weight, bias, out, stride, padding, dilation, groups)


@convolution.vjp("x", latex=r"\sum_{s i + k = j} W_k g_i")
def _(g, weight, shape, *, stride, padding, dilation, groups):
    return convolution_input(
        g, weight, size=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution.vjp("weight", latex=r"\sum_i g_i x_{s i + k}")
def _(g, x, shape, *, stride, padding, dilation, groups):
    return convolution_weight(
        x, g, kernel=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution.vjp("bias", latex=r"\sum_i g_i")
def _(g):
    return sum(g, axis=(0, *range(2, g.ndim)))


@op(latex=r"\sum_{s i + k = j} W_k y_i + b")
def convolution_input(y, weight, bias=None, *, size, stride, padding, dilation, groups):
    """The adjoint of a convolution in its input: a transposed convolution, linear in y and weight.

    x[n, c, j] = b[c] + Σ W[o, c, k] · y[n, o, i] over all o, i, k with i · stride + k · dilation -
    padding = j.
    """
    channels, outputs, kernel = weight.shape[1] * groups, y.shape[1], weight.shape[2:]
    arguments = (y, weight, bias, size, stride, padding, dilation, groups)
    infinite = not np.isfinite(weight).all()  # times the zeros in the padding: nan
    if infinite or math.prod(stride) > _MANY:
        return convolving.spread_by_columns(*arguments)
    if depthwise.fits(channels, outputs, groups, stride):
        reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        sizes = zip(reach, padding, size, y.shape[2:], strict=True)
        margins = tuple((r - a, n - k + a) for r, (a, _), n, k in sizes)
        if min(map(min, margins)) >= 0:
            turned = weight[(..., *(slice(None, None, -1),) * len(kernel))]
            x = depthwise.convolved(y, turned, size, margins, dilation)
            return x if bias is None else x + bias.reshape((-1,) + (1,) * len(size))
    return convolving.spread(*arguments)


@convolution_input.vjp("y", latex=r"\sum_k W_k g_{s i + k}")
def _(g, weight, shape, *, stride, padding, dilation, groups):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _first(convolution(g, weight, **options), shape)


@convolution_input.vjp("weight", latex=r"\sum_i y_i g_{s i + k}")
def _(g, y, shape, *, stride, padding, dilation, groups):
    return convolution_weight(
        g, y, kernel=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution_input.vjp("bias", latex=r"\sum_j g_j")
def _(g):
    return sum(g, axis=(0, *range(2, g.ndim)))


@op(latex=r"\sum_i y_i x_{s i + k}")
def convolution_weight(x, y, *, kernel, stride, padding, dilation, groups):
    """The adjoint of a convolution in its weight, linear in x and in y."""
    if depthwise.fits(x.shape[1], y.shape[1], groups, stride):
        weight = depthwise.weight_gradient(x, y, kernel, padding, dilation)
        if np.isfinite(weight).all():  # infinity times the zeros between two rows is nan
            return weight
    return convolving.gathered(x, y, kernel, stride, padding, dilation, groups)


@convolution_weight.vjp("x", latex=r"\sum_{s i + k = j} g_k y_i")
def _(g, y, shape, *, stride, padding, dilation, groups):
    return convolution_input(
        y, g, size=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution_weight.vjp("y", latex=r"\sum_k g_k x_{s i + k}")
def _(g, x, shape, *, stride, padding, dilation, groups):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _first(convolution(x, g, **options), shape)


def _first(windows, shape):
    """The windows that `shape` counts: a large output padding has room for more."""
    if windows.shape == shape:
        return windows
    return windows[(..., *(slice(n) for n in shape[2:]))]
