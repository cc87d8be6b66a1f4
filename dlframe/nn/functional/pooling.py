"""Pooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.checks import batched as with_batch
from dlframe.nn.functional.checks import sizes_of
from dlframe.ops import pooling
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array

__all__ = ["adaptive_avg_pool2d", "avg_pool2d", "max_pool2d"]


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y[n, c, i, j] = max_{k, l} x[n, c, i·s + k·d - p, j·s + l·d - p]; beyond the edges lies -∞.

    Of equal maxima the first gets the gradient. NaN counts as the largest number.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: height and width of a window, or one number for both.
        stride: s, likewise; by default the kernel's size.
        padding: p, likewise; at most half of the window.
        dilation: d, likewise.
        ceil_mode: round sizes up: the last window may reach over the edge, but not start there.
        return_indices: also return where in the flattened H · W plane each maximum stands.

    Returns:
        (N, C, H', W') with H' = ⌊(H + 2p - d(k - 1) - 1) / s⌋ + 1, or a pair with the indices.

    Raises:
        ShapeError: a dimension that is missing, or a window that does not fit.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.max_pool2d(dl.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    batched = with_batch("max_pool2d", 2, input)
    options = _options(
        "max_pool2d", batched.shape, kernel_size, stride, padding, dilation, ceil_mode
    )
    out = pooling.max_pool(batched, **options)
    indices = _places_of_maxima(batched, out, options) if return_indices else None
    if batched is not input:
        out = ops.squeeze(out, axis=0)
        indices = None if indices is None else ops.squeeze(indices, axis=0)
    return out if indices is None else (out, indices)


def _places_of_maxima(x: Any, out: Any, options: dict[str, Any]) -> Tensor:
    options = {key: value for key, value in options.items() if key != "windows"}
    places = pooling.winners(to_array(x), to_array(out), **options)
    return Tensor(places % math.prod(x.shape[2:]))


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """y[n, c, i, j] = 1/(k·l) Σ_{k, l} x[n, c, i·s + k - p, j·s + l - p]; beyond the edges lies 0.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size, stride, padding, ceil_mode: as in `max_pool2d`.
        count_include_pad: whether padded zeros count as elements of the mean.
        divisor_override: divide by this number instead of the number of elements.

    Returns:
        (N, C, H', W') with H' = ⌊(H + 2p - k) / s⌋ + 1.

    Raises:
        ShapeError: a dimension that is missing, or a window that does not fit.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.avg_pool2d(dl.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """
    if divisor_override == 0:
        raise ArgumentError("avg_pool2d: divisor_override must not be zero")
    batched = with_batch("avg_pool2d", 2, input)
    options = _options("avg_pool2d", batched.shape, kernel_size, stride, padding, 1, ceil_mode)
    del options["dilation"]
    total = pooling.sum_windows(batched, **options)
    out = total / (divisor_override or _counts(batched, options, count_include_pad))
    return out if batched is input else ops.squeeze(out, axis=0)


def _counts(x: Any, options: dict[str, Any], include_pad: bool) -> Any:
    """How many elements each window has: those inside, and the padding if it counts."""
    counts: Array = np.ones(())
    names = ("windows", "kernel", "stride", "padding")
    for n, windows, k, s, (before, after) in zip(
        x.shape[2:], *(options[name] for name in names), strict=True
    ):
        start = np.arange(windows) * s - before
        end = np.minimum(start + k, n + after)
        length = end - start if include_pad else np.minimum(end, n) - np.maximum(start, 0)
        counts = np.multiply.outer(counts, length)
    first = float(counts.flat[0])
    return first if (counts == first).all() else Tensor(counts.astype(x.dtype))


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean over rows ⌊i H / h⌋ to ⌈(i + 1) H / h⌉ - 1, likewise columns, for an output (h, w).

    Args:
        input: (N, C, H, W) or (C, H, W).
        output_size: (h, w), or one number for both; None keeps the input's size.

    Returns:
        (N, C, h, w).

    Raises:
        ShapeError: a dimension that is missing or empty.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_avg_pool2d(dl.arange(16.0).reshape(1, 1, 4, 4), 1)
    tensor([[[[7.5000]]]])
    """
    name = "adaptive_avg_pool2d"
    with_batch(name, 2, input)
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * 2
    if len(wanted) != 2 or any(w is not None and w < 0 for w in wanted):
        raise ArgumentError(f"{name}: output_size must be one number or two, got {output_size}")
    if min(input.shape[-2:]) == 0:
        raise ShapeError(f"{name}: expected non-empty images, got input{list(input.shape)}")
    rows, columns = (n if w is None else w for n, w in zip(input.shape[-2:], wanted, strict=True))
    if rows == columns == 1:
        return ops.mean(input, axis=(-2, -1), keepdims=True)
    height, width = len(input.shape) - 2, len(input.shape) - 1
    out = _averages(_averages(input, height, rows), width, columns)
    return ops.copy(input) if out is input else out


def _averages(x: Any, axis: int, out: int) -> Any:
    """The means over `out` ranges along `axis`; together the ranges cover it."""
    n = x.shape[axis]
    if out == n:
        return x
    if out and n % out == 0:  # ranges of one length, side by side
        shape = (*x.shape[:axis], out, n // out, *x.shape[axis + 1 :])
        return ops.mean(ops.reshape(x, shape=shape), axis=axis + 1)
    before = (slice(None),) * axis
    if not out:
        return x[(*before, slice(0))]
    parts = [x[(*before, slice(i * n // out, -(-(i + 1) * n // out)))] for i in range(out)]
    return ops.concatenate(*[ops.mean(p, axis=axis, keepdims=True) for p in parts], axis=axis)


def _options(
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
