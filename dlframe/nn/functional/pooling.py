"""Pooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ShapeError
from dlframe.nn.functional.checks import batched as with_batch
from dlframe.nn.functional.checks import sizes_of
from dlframe.ops import window
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window; beyond the edges lies -∞.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size, stride, padding, dilation: one number, or one per dimension; stride is the kernel by default.
        ceil_mode: round sizes up, so that the last window may reach over the edge.
        return_indices: also give, for each maximum, its index in the flattened H · W plane.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.max_pool2d(dl.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    batched = with_batch("max_pool2d", 2, input)
    options = _pool_options(
        "max_pool2d", batched.shape, kernel_size, stride, padding, dilation, ceil_mode
    )
    out = window.max_pool(batched, **options)
    indices = _winner_indices(batched, out, options) if return_indices else None
    if batched is not input:
        out = ops.squeeze(out, axis=0)
        indices = None if indices is None else ops.squeeze(indices, axis=0)
    return out if indices is None else (out, indices)


def _winner_indices(x: Any, out: Any, options: dict[str, Any]) -> Tensor:
    """Where each maximum stands in the flattened plane."""
    del options["windows"]
    places = window.winners(to_array(x), to_array(out), **options)
    return Tensor(places % math.prod(x.shape[2:]))


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size, stride, padding, ceil_mode: as in `max_pool2d`.
        count_include_pad: whether padded zeros count as elements.
        divisor_override: divide by this number in place of the window's size.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.avg_pool2d(dl.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """
    if divisor_override == 0:
        raise ValueError("avg_pool2d: divisor must be not zero")
    batched = with_batch("avg_pool2d", 2, input)
    options = _pool_options("avg_pool2d", batched.shape, kernel_size, stride, padding, 1, ceil_mode)
    options.pop("dilation")
    total = window.sum_windows(batched, **options)
    if divisor_override is not None:
        scale: Any = 1 / divisor_override
    else:
        scale = (1 / _window_counts(batched.shape[2:], options, count_include_pad)).astype(
            batched.dtype
        )
        scale = float(scale.flat[0]) if (scale == scale.flat[0]).all() else Tensor(scale)
    out = total * scale
    return out if batched is input else ops.squeeze(out, axis=0)  # type: ignore[no-any-return]


def _window_counts(size: Any, options: dict[str, Any], include_pad: bool) -> Array:
    """How many elements each window has: those inside, and the padding if it counts."""
    counts: Any = np.ones(())
    parts = zip(
        size, options["windows"], options["kernel"], options["stride"], options["padding"], strict=True
    )
    for n, out, k, s, (before, after) in parts:
        start = np.arange(out) * s - before
        end = np.minimum(start + k, n + after)
        length = end - start if include_pad else np.minimum(end, n) - np.maximum(start, 0)
        counts = np.multiply.outer(counts, length)
    return np.asarray(counts)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
    """The mean of the input's rows ⌊i H / h⌋ … ⌈(i + 1) H / h⌉, likewise its columns, for an output of (h, w).

    Args:
        input: (N, C, H, W) or (C, H, W).
        output_size: one number or two; None keeps the input's size.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_avg_pool2d(dl.arange(16.0).reshape(1, 1, 4, 4), 1)
    tensor([[[[7.5000]]]])
    """
    with_batch("adaptive_avg_pool2d", 2, input)
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * 2
    if len(wanted) != 2:
        raise ShapeError(
            f"adaptive_avg_pool2d: output_size must be one number or two, got {output_size}"
        )
    sizes = [n if w is None else int(w) for n, w in zip(input.shape[-2:], wanted, strict=True)]
    if min(sizes) < 0:
        raise ShapeError(f"adaptive_avg_pool2d: output_size must be at least 0, got {output_size}")
    if sizes == [1, 1]:
        return ops.mean(input, axis=(-2, -1), keepdims=True)  # type: ignore[no-any-return]
    rows, columns = (
        Tensor(_averaging_matrix(n, w).astype(input.dtype))
        for n, w in zip(input.shape[-2:], sizes, strict=True)
    )
    return ops.matmul(ops.matmul(rows, input), ops.swapaxes(columns, axis1=0, axis2=1))  # type: ignore[no-any-return]


def _averaging_matrix(n: int, out: int) -> Array:
    """Row i holds 1 / length over the elements that output i averages."""
    start, end = np.arange(out) * n // out, -(-(np.arange(out) + 1) * n // out)
    inside = (np.arange(n) >= start[:, None]) & (np.arange(n) < end[:, None])
    return np.asarray(inside / (end - start)[:, None])


def _pool_options(
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
    strides = kernel if stride is None or stride == () else sizes_of(name, "stride", stride, nd)
    pads = sizes_of(name, "padding", padding, nd, least=0)
    dilations = sizes_of(name, "dilation", dilation, nd)
    if any(2 * p > (k - 1) * d + 1 for p, k, d in zip(pads, kernel, dilations, strict=True)):
        raise ShapeError(
            f"{name}: pad should be at most half of effective kernel size, got padding {pads} for {kernel}"
        )
    out = []
    for n, k, s, p, d in zip(shape[2:], kernel, strides, pads, dilations, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        size = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (size - 1) * s >= n + p:
            size -= 1  # a window must not start beyond the edge
        out.append(size)
    if min(out) < 1:
        raise ShapeError(
            f"{name}: an input of shape {list(shape)} gives an output of size {out}: Output size is too small. "
            "Use a smaller kernel, padding, or fewer pooling layers."
        )
    return {
        "windows": tuple(out),
        "kernel": kernel,
        "stride": strides,
        "padding": tuple((p, p) for p in pads),
        "dilation": dilations,
    }
