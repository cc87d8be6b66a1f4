"""Windows as columns, and columns added up to where they came from: each other's adjoint."""

from __future__ import annotations

import math

import numpy as np

from dlframe.ops.offsets import kernel_first, meetings_of, output_sizes
from dlframe.ops.op import op

__all__ = ["col2im", "im2col"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


@op(latex=r"x_{s i + k}")
def im2col(x, *, kernel, stride, padding, dilation):
    """y[n, (c, k), i] = x[n, c, i · stride + k · dilation - padding]: each window as a column."""
    windows = output_sizes(x.shape[2:], kernel, stride, padding, dilation)
    columns = np.zeros((*x.shape[:2], *kernel, *windows), x.dtype)
    at = kernel_first(columns, len(kernel), 2)
    for offset, window, inside in meetings_of(
        x.shape[2:], windows, kernel, stride, padding, dilation
    ):
        at[offset][window] = x[inside]
    return columns.reshape(len(x), x.shape[1] * math.prod(kernel), math.prod(windows))


@im2col.vjp("x", latex=r"\sum_{s i + k = j} g_{k i}")
def _(g, shape, *, kernel, stride, padding, dilation):
    return col2im(
        g, size=shape[2:], kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )


@op(latex=r"\sum_{s i + k = j} x_{k i}")
def col2im(x, *, size, kernel, stride, padding, dilation):
    """y[n, c, j] = Σ x[n, (c, k), i] over all i, k with i · stride + k · dilation - padding = j."""
    windows = output_sizes(size, kernel, stride, padding, dilation)
    channels = x.shape[1] // math.prod(kernel)
    total = np.zeros((len(x), channels, *size), x.dtype)
    at = kernel_first(x.reshape(len(x), channels, *kernel, *windows), len(kernel), 2)
    for offset, window, inside in meetings_of(size, windows, kernel, stride, padding, dilation):
        total[inside] += at[offset][window]
    return total


@col2im.vjp("x", latex=r"g_{s i + k}")
def _(g, *, kernel, stride, padding, dilation):
    return im2col(g, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
