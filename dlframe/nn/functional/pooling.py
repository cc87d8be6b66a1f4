"""Pooling over even windows: maxima, means and norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError
from dlframe.nn.functional.checks import batched as with_batch
from dlframe.nn.functional.checks import sizes_of
from dlframe.nn.functional.windows import in_float32, windows_of
from dlframe.ops import pooling
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
]


# --- maximum -----------------------------------------------------------------------------------


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y[n, c, i] = max_k x[n, c, i·s + k·d - p], for (N, C, L) or (C, L); see `max_pool2d`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.max_pool1d(dl.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    options = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool1d", 1, input, *options, return_indices)


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
    options = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool2d", 2, input, *options, return_indices)


def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool2d` for volumes: (N, C, D, H, W) or (C, D, H, W).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.max_pool3d(dl.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[7.]]]])
    """
    options = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool3d", 3, input, *options, return_indices)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool1d` with `return_indices=True`, whatever the last argument says.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.max_pool1d_with_indices(dl.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)[1]
    tensor([[1, 2]])
    """
    options = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool1d", 1, input, *options, True)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d` with `return_indices=True`, whatever the last argument says.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.max_pool2d_with_indices(dl.arange(16.0).reshape(1, 4, 4), 2)[1]
    tensor([[[ 5,  7],
             [13, 15]]])
    """
    options = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool2d", 2, input, *options, True)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool3d` with `return_indices=True`, whatever the last argument says.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.max_pool3d_with_indices(dl.arange(8.0).reshape(1, 2, 2, 2), 2)[1]
    tensor([[[[7]]]])
    """
    options = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool3d", 3, input, *options, True)


def _max_pool(
    name: str,
    nd: int,
    x: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    batched = with_batch(name, nd, x)
    options = windows_of(name, batched.shape, kernel_size, stride, padding, dilation, ceil_mode)
    out = pooling.max_pool(batched, **options)
    indices = _places_of_maxima(batched, out, options) if return_indices else None
    if batched is not x:
        out = ops.squeeze(out, axis=0)
        indices = None if indices is None else ops.squeeze(indices, axis=0)
    return out if indices is None else (out, indices)


def _places_of_maxima(x: Any, out: Any, options: dict[str, Any]) -> Any:
    options = {key: value for key, value in options.items() if key != "windows"}
    return pooling.winners(x, out, **options)


# --- mean --------------------------------------------------------------------------------------


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """y[n, c, i] = 1/k Σ_k x[n, c, i·s + k - p], for (N, C, L) or (C, L); see `avg_pool2d`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.avg_pool1d(dl.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad)
    return _avg_pool("avg_pool1d", 1, input, *options, None)


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
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return _avg_pool("avg_pool2d", 2, input, *options)


def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """`avg_pool2d` for volumes: (N, C, D, H, W) or (C, D, H, W).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.avg_pool3d(dl.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[3.5000]]]])
    """
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return _avg_pool("avg_pool3d", 3, input, *options)


def _avg_pool(
    name: str,
    nd: int,
    x: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> Tensor:
    if divisor == 0:
        raise ArgumentError(f"{name}: divisor_override must not be zero")
    batched = with_batch(name, nd, x)
    options = windows_of(name, batched.shape, kernel_size, stride, padding, 1, ceil_mode)
    del options["dilation"]
    if x.dtype == np.int64:  # as in PyTorch, the quotient loses its fraction
        total = pooling.sum_windows(to_array(batched), **options)
        exact = total / to_array(divisor or _counts(batched, options, count_include_pad))
        out: Any = Tensor(np.trunc(exact).astype(np.int64))
    else:
        out = in_float32(
            name,
            batched,
            lambda v: (
                pooling.sum_windows(v, **options)
                / (divisor or _counts(v, options, count_include_pad))
            ),
        )
    return out if batched is x else ops.squeeze(out, axis=0)


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


# --- norms -------------------------------------------------------------------------------------


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Tensor:
    """y[n, c, i] = (Σ_k x[n, c, i·s + k]ᵖ)^(1/p), for (N, C, L) or (C, L); see `lp_pool2d`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.lp_pool1d(dl.tensor([[3.0, 4.0, 0.0, 0.0]]), 2, 2)
    tensor([[5., 0.]])
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Tensor:
    """y[n, c, i, j] = (Σ_{k, l} x[n, c, i·s + k, j·s + l]ᵖ)^(1/p).

    p = 1 gives sums, p = ∞ the maximum of |x|. Signs are kept, as in PyTorch: for an odd p a
    negative sum has no root, and gives NaN. Where the sum is 0 the gradient is 0.

    Args:
        input: (N, C, H, W) or (C, H, W).
        norm_type: p.
        kernel_size, stride, ceil_mode: as in `max_pool2d`. The sum of a window that reaches over
            the edge is scaled up to the size of a whole one.

    Returns:
        (N, C, H', W') with H' = ⌊(H - k) / s⌋ + 1.

    Raises:
        ShapeError: a dimension that is missing, or a window that does not fit.
        ZeroDivisionError: p is 0.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.lp_pool2d(dl.tensor([[[3.0, 4.0], [0.0, 12.0]]]), 2, 2)
    tensor([[[13.]]])
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Tensor:
    """`lp_pool2d` for volumes: (N, C, D, H, W) or (C, D, H, W).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.lp_pool3d(dl.ones(1, 2, 2, 2), 3, 2)
    tensor([[[[2.0000]]]])
    """
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(
    name: str,
    nd: int,
    x: Tensor,
    p: float,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
) -> Any:
    if math.isinf(p):
        sign = 1 if p > 0 else -1
        size = ops.absolute(x) * sign
        return _max_pool(name, nd, size, kernel_size, stride, 0, 1, ceil_mode, False) * sign
    mean = _avg_pool(name, nd, x**p, kernel_size, stride, 0, ceil_mode, True, None)
    total = mean * math.prod(sizes_of(name, "kernel_size", kernel_size, nd))
    # the root's slope at 0 is infinite: 1 takes the place of 0 under it
    zero = to_array(total) == 0
    root = ops.where(zero, 1.0, total) ** (1.0 / p)
    return ops.where(zero, 0.0 if p > 0 else math.inf, root)
