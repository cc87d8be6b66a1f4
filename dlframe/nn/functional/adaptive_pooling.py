"""Pooling to a size that is given: adaptive and fractional windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn.functional.checks import batched as with_batch
from dlframe.nn.functional.checks import sizes_of
from dlframe.nn.functional.windows import in_float32
from dlframe.ops import pooling, resampling
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.creation import rand

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]


# --- adaptive means ----------------------------------------------------------------------------


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means over ranges ⌊i L / l⌋ to ⌈(i + 1) L / l⌉ - 1; see `adaptive_avg_pool2d`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_avg_pool1d(dl.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]]), 2)
    tensor([[2., 4.]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


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
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """`adaptive_avg_pool2d` for volumes: (N, C, D, H, W) or (C, D, H, W).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_avg_pool3d(dl.arange(8.0).reshape(1, 2, 2, 2), (2, 1, 1))
    tensor([[[[1.5000]],
    <BLANKLINE>
             [[5.5000]]]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def _adaptive_avg_pool(name: str, nd: int, x: Tensor, output_size: Any) -> Any:
    return adaptive_average(name, nd, x, _target(name, nd, x, output_size))


def adaptive_average(name: str, nd: int, x: Tensor, sizes: Sequence[int]) -> Any:
    """The means over ranges that give an output of these sizes."""
    if all(n == 1 for n in sizes):
        every = tuple(range(-nd, 0))
        return in_float32(name, x, lambda v: ops.mean(v, axis=every, keepdims=True))
    return in_float32(name, x, lambda v: _averages(v, sizes))


def _averages(x: Any, sizes: Sequence[int]) -> Any:
    """The means over ranges along the last axes, one axis after another."""
    y = x
    for axis, out in enumerate(sizes, len(x.shape) - len(sizes)):
        n = y.shape[axis]
        if out and n % out == 0:  # ranges of one length, side by side
            shape = (*y.shape[:axis], out, n // out, *y.shape[axis + 1 :])
            y = y if out == n else ops.mean(ops.reshape(y, shape=shape), axis=axis + 1)
        else:
            matrix = resampling.averages(n, out, y.dtype)
            y = resampling.weigh(y, matrix=matrix, axis=axis)
    return ops.copy(x) if y is x else y


def _target(name: str, nd: int, x: Tensor, output_size: Any) -> tuple[int, ...]:
    """The size of the output."""
    with_batch(name, nd, x)
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * nd
    if len(wanted) != nd or any(w is not None and w < 0 for w in wanted):
        numbers = ("", "one number", "one number or two", "one number or three")[nd]
        raise ArgumentError(f"{name}: output_size must be {numbers}, got {output_size}")
    if min(x.shape[-nd:]) == 0:
        raise ShapeError(f"{name}: expected non-empty images, got input{list(x.shape)}")
    sizes = zip(x.shape[-nd:], wanted, strict=True)
    return tuple(n if w is None else int(w) for n, w in sizes)


# --- adaptive maxima ---------------------------------------------------------------------------


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of ranges ⌊i L / l⌋ to ⌈(i + 1) L / l⌉ - 1; see `adaptive_max_pool2d`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_max_pool1d(dl.tensor([[1.0, 5.0, 3.0, 4.0, 2.0]]), 2)
    tensor([[5., 4.]])
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of rows ⌊i H / h⌋ to ⌈(i + 1) H / h⌉ - 1 and columns likewise.

    Args:
        input: (N, C, H, W) or (C, H, W).
        output_size: (h, w), or one number for both; None keeps the input's size.
        return_indices: also return where in the flattened H · W plane each maximum stands.

    Returns:
        (N, C, h, w), or a pair with the indices.

    Raises:
        ShapeError: a dimension that is missing or empty.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_max_pool2d(dl.arange(15.0).reshape(1, 3, 5), 2)
    tensor([[[ 7.,  9.],
             [12., 14.]]])
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool2d` for volumes: (N, C, D, H, W) or (C, D, H, W).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_max_pool3d(dl.arange(8.0).reshape(1, 2, 2, 2), (2, 1, 1))
    tensor([[[[3.]],
    <BLANKLINE>
             [[7.]]]])
    """
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` with `return_indices=True`, whatever the last argument says.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_max_pool1d_with_indices(dl.tensor([[1.0, 5.0, 3.0]]), 1)[1]
    tensor([[1]])
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` with `return_indices=True`, whatever the last argument says.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_max_pool2d_with_indices(dl.arange(15.0).reshape(1, 3, 5), 1)[1]
    tensor([[[14]]])
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` with `return_indices=True`, whatever the last argument says.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.adaptive_max_pool3d_with_indices(dl.arange(8.0).reshape(1, 2, 2, 2), 1)[1]
    tensor([[[[7]]]])
    """
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, True)


def _adaptive_max_pool(name: str, nd: int, x: Tensor, output_size: Any, indices: bool) -> Any:
    sizes = _target(name, nd, x, output_size)
    ranges = tuple(_even(n, out) for n, out in zip(x.shape[-nd:], sizes, strict=True))
    return _max_within(name, nd, x, ranges, indices)


def _even(n: int, out: int) -> Array:
    """The places of each of `out` ranges that cover 0 … n - 1; short ones repeat their last."""
    start, end = resampling.even_ranges(n, out)
    k = int((end - start).max(initial=1))
    return np.minimum(start[:, None] + np.arange(k), end[:, None] - 1)


def _max_within(name: str, nd: int, x: Tensor, ranges: tuple[Array, ...], indices: bool) -> Any:
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: not implemented for {x.dtype}; convert with .float()")
    batched = with_batch(name, nd, x)
    out = pooling.max_within(batched, ranges=ranges)
    places = None
    if indices:
        found = pooling.places_within(to_array(batched), ranges)
        places = Tensor(found.reshape(out.shape))
    if batched is not x:
        out = ops.squeeze(out, axis=0)
        places = None if places is None else ops.squeeze(places, axis=0)
    return out if places is None else (out, places)


# --- fractional windows ------------------------------------------------------------------------


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Maxima of windows at uneven, random places, for any size of the output (Graham 2014).

    With u from [0, 1) for each plane and axis, and α = (H - k) / (h - 1), window i starts at
    ⌊(i + u) α⌋ - ⌊u α⌋, and the last one at H - k.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: k: height and width of a window, or one number for both.
        output_size: (h, w), or one number for both.
        output_ratio: instead of the size: h / H and w / W, or one number for both, below 1.
        return_indices: also return where in the flattened H · W plane each maximum stands.
        _random_samples: u, of shape (N, C, 2): for columns and for rows; by default drawn.

    Returns:
        (N, C, h, w), or a pair with the indices.

    Raises:
        ArgumentError: neither size nor ratio is given.
        ShapeError: windows that do not fit.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(0)
    >>> F.fractional_max_pool2d(dl.arange(25.0).reshape(1, 5, 5), 2, output_size=3)
    tensor([[[ 6.,  7.,  9.],
             [11., 12., 14.],
             [21., 22., 24.]]])
    """
    options = (kernel_size, output_size, output_ratio)
    return _fractional("fractional_max_pool2d", 2, input, *options, return_indices, _random_samples)


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """`fractional_max_pool2d` for volumes; `_random_samples` are for depth, rows and columns.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.fractional_max_pool3d(dl.arange(27.0).reshape(1, 3, 3, 3), 2, output_size=1)
    tensor([[[[26.]]]])
    """
    options = (kernel_size, output_size, output_ratio)
    return _fractional("fractional_max_pool3d", 3, input, *options, return_indices, _random_samples)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` with `return_indices=True`, whatever that argument says.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.fractional_max_pool2d_with_indices(dl.arange(9.0).reshape(1, 3, 3), 2, output_size=1)[1]
    tensor([[[8]]])
    """
    options = (kernel_size, output_size, output_ratio, True)
    return _fractional("fractional_max_pool2d", 2, input, *options, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d` with `return_indices=True`, whatever that argument says.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> x = dl.arange(27.0).reshape(1, 3, 3, 3)
    >>> F.fractional_max_pool3d_with_indices(x, 2, output_size=1)[1]
    tensor([[[[26]]]])
    """
    options = (kernel_size, output_size, output_ratio, True)
    return _fractional("fractional_max_pool3d", 3, input, *options, _random_samples)


def _fractional(
    name: str,
    nd: int,
    x: Tensor,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    indices: bool,
    samples: Tensor | None,
) -> Any:
    batched = with_batch(name, nd, x)
    kernel = sizes_of(name, "kernel_size", kernel_size, nd)
    if output_size is None and output_ratio is None:
        raise ArgumentError(f"{name}: requires either an output_size or an output_ratio")
    if output_size is not None:
        sizes = sizes_of(name, "output_size", output_size, nd)
    else:
        single = not isinstance(output_ratio, (tuple, list))
        ratios = (output_ratio,) * nd if single else output_ratio
        if len(ratios) != nd:
            raise ArgumentError(f"{name}: output_ratio must be one number or {nd}, got {ratios}")
        sizes = tuple(int(n * r) for n, r in zip(x.shape[-nd:], ratios, strict=True))
    for n, k, out in zip(x.shape[-nd:], kernel, sizes, strict=True):
        if out < 1 or out + k - 1 > n:
            raise ShapeError(
                f"{name}: {out} windows of {k} elements, each at a place of its own, do not fit "
                f"{n} elements: kernel_size {kernel}, output size {sizes}, input{list(x.shape)}. "
                "Make one of the first two smaller."
            )
    u = _samples(name, batched, nd, samples)
    order = range(nd) if nd == 3 else reversed(range(nd))
    planes = zip(order, batched.shape[2:], kernel, sizes, strict=True)
    ranges = tuple(_uneven(u[..., at], n, k, out) for at, n, k, out in planes)
    return _max_within(name, nd, x, ranges, indices)


def _samples(name: str, x: Any, nd: int, samples: Tensor | None) -> Array:
    """One number of [0, 1) for each plane and axis."""
    shape = (*x.shape[:2], nd)
    if samples is None:
        samples = rand(*shape, dtype=x.dtype)
    if tuple(samples.shape) != shape:
        raise ShapeError(
            f"{name}: _random_samples must have shape {list(shape)}: one number for each sample, "
            f"channel and spatial dimension; got {list(samples.shape)}"
        )
    u = to_array(samples)
    if not ((u >= 0) & (u <= 1)).all():
        raise ArgumentError(f"{name}: _random_samples must lie between 0 and 1")
    return u


def _uneven(u: Array, n: int, k: int, out: int) -> Array:
    """The places of the windows along one axis, per plane: (N, C, out, k)."""
    start = np.full((*u.shape, out), n - k)
    if out > 1:
        alpha = u.dtype.type(n - k) / u.dtype.type(out - 1)
        i = np.arange(out - 1, dtype=u.dtype)
        first = np.trunc(u[..., None] * alpha)
        start[..., :-1] = np.trunc((i + u[..., None]) * alpha) - first
    return start[..., None] + np.arange(k)
