"""The arguments of pooling: sizes, strides and padding of windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn.functional.checks import sizes_of


def windows_of(
    name: str,
    shape: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> dict[str, Any]:
    """Tuples for all arguments, and the size of the output."""
    nd = len(shape) - 2
    kernel = sizes_of(name, "kernel_size", kernel_size, nd)
    strides = sizes_of(name, "stride", stride, nd) if stride not in (None, (), []) else kernel
    pads = sizes_of(name, "padding", padding, nd, least=0)
    dilations = sizes_of(name, "dilation", dilation, nd)
    if min(shape[1:]) < 1:
        raise ShapeError(f"{name}: only the batch may be empty, got input{list(shape)}")
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    if any(2 * p > r for p, r in zip(pads, reach, strict=True)):
        raise ArgumentError(
            f"{name}: pad should be at most half of effective kernel size, got padding {pads} for "
            f"windows of {tuple(reach)}"
        )
    out = []
    for n, r, s, p in zip(shape[2:], reach, strides, pads, strict=True):
        room = n + 2 * p - r
        size = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (size - 1) * s >= n + p:
            size -= 1  # a window must not start beyond the edge
        out.append(size)
    if min(out) < 1:
        raise ShapeError(
            f"{name}: Output size is too small: input{list(shape)} gives {out} windows of "
            f"{tuple(reach)}. Use a smaller kernel, padding, or fewer pooling layers."
        )
    for n, k, s, p, d, count in zip(shape[2:], kernel, strides, pads, dilations, out, strict=True):
        if d > 1 and p and not _all_inside(n, k, s, p, d, count):
            raise ShapeError(
                f"{name}: a window of input{list(shape)} lies in the padding: the kernel {kernel} "
                f"with dilation {dilations} steps over all elements. Use less dilation or padding."
            )
    return {
        "windows": tuple(out),
        "kernel": kernel,
        "stride": strides,
        "padding": tuple((p, p) for p in pads),
        "dilation": dilations,
    }


def _all_inside(n: int, kernel: int, stride: int, padding: int, dilation: int, count: int) -> bool:
    """Whether each window has an element of the input."""
    places = np.arange(count)[:, None] * stride + np.arange(kernel) * dilation - padding
    return bool(((places >= 0) & (places < n)).any(axis=1).all())


def in_float32(name: str, x: Any, compute: Callable[[Any], Any]) -> Any:
    """`compute(x)` for floats; for float16, sums are taken in float32.

    Raises:
        DTypeError: integers or bools.
    """
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: not implemented for {x.dtype}; convert with .float()")
    if x.dtype != np.float16:
        return compute(x)
    return ops.cast(compute(ops.cast(x, dtype=np.dtype(np.float32))), dtype=x.dtype)
