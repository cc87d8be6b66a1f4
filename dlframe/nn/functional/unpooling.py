"""Unpooling: maxima back to where they stood."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn.functional.checks import batched as with_batch
from dlframe.nn.functional.checks import sizes_of
from dlframe.ops.indexing import along
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.arguments import check_range

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Zeros, with the elements of the input at `indices`; see `max_unpool2d`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.max_unpool1d(dl.tensor([[3.0, 2.0]]), dl.tensor([[1, 2]]), 2)
    tensor([[0., 3., 2., 0.]])
    """
    options = (kernel_size, stride, padding, output_size)
    return _max_unpool("max_unpool1d", 1, input, indices, *options)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Zeros, with the elements of the input at the places that `max_pool2d` returned.

    Args:
        input: (N, C, H, W) or (C, H, W).
        indices: of the same shape: places in the flattened H' · W' plane.
        kernel_size, stride, padding: those of the pooling.
        output_size: (H', W'), or the shape of the whole output. Pooling gives the same size for
            several sizes of its input; this says which it was.

    Returns:
        (N, C, H', W') with H' = (H - 1) s - 2 p + k, unless `output_size` says otherwise.

    Raises:
        ShapeError: indices of another shape.
        ArgumentError: an output size that the pooling cannot have had.
        LabelError: an index outside the output.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> values, places = F.max_pool2d(dl.arange(16.0).reshape(1, 4, 4), 2, return_indices=True)
    >>> F.max_unpool2d(values, places, 2)
    tensor([[[ 0.,  0.,  0.,  0.],
             [ 0.,  5.,  0.,  7.],
             [ 0.,  0.,  0.,  0.],
             [ 0., 13.,  0., 15.]]])
    """
    options = (kernel_size, stride, padding, output_size)
    return _max_unpool("max_unpool2d", 2, input, indices, *options)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """`max_unpool2d` for volumes: (N, C, D, H, W) or (C, D, H, W).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.max_unpool3d(dl.tensor([[[[7.0]]]]), dl.tensor([[[[6]]]]), 2).flatten()
    tensor([0., 0., 0., 0., 0., 0., 7., 0.])
    """
    options = (kernel_size, stride, padding, output_size)
    return _max_unpool("max_unpool3d", 3, input, indices, *options)


def _max_unpool(
    name: str,
    nd: int,
    x: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Any:
    batched = with_batch(name, nd, x)
    places = to_array(indices)
    if places.dtype != np.int64:
        raise DTypeError(f"{name}: elements in indices should be type int64 but got {places.dtype}")
    if places.shape != tuple(x.shape):
        raise ShapeError(
            f"{name}: Expected shape of indices to be same as that of the input tensor, got "
            f"input{list(x.shape)} and indices{list(places.shape)}"
        )
    sizes = _output_size(name, nd, batched, kernel_size, stride, padding, output_size)
    if 0 in batched.shape[1:]:
        raise ShapeError(f"{name}: only the batch may be empty, got input{list(x.shape)}")
    check_range(name, "index", places, math.prod(sizes), f"the output {sizes} has {{}} places")
    planes = tuple(batched.shape[:2])
    flat = ops.reshape(batched, shape=(*planes, math.prod(batched.shape[2:])))
    zeros = np.zeros((*planes, math.prod(sizes)), x.dtype)
    index = along(places.reshape(flat.shape), 2)
    out = ops.reshape(ops.replace_at(zeros, flat, index=index), shape=(*planes, *sizes))
    return out if batched is x else ops.squeeze(out, axis=0)


def _output_size(
    name: str, nd: int, x: Any, kernel_size: Any, stride: Any, padding: Any, wanted: Any
) -> tuple[int, ...]:
    kernel = sizes_of(name, "kernel_size", kernel_size, nd)
    strides = kernel if stride is None else sizes_of(name, "stride", stride, nd)
    pads = sizes_of(name, "padding", padding, nd, least=0)
    default = tuple(
        (n - 1) * s - 2 * p + k
        for n, k, s, p in zip(x.shape[2:], kernel, strides, pads, strict=True)
    )
    if wanted is None:
        sizes = default
    else:
        sizes = tuple(int(n) for n in wanted)[-nd:]
        if len(wanted) not in (nd, nd + 2):
            raise ArgumentError(
                f"{name}: output_size should be a sequence containing {nd} or {nd + 2} elements, "
                f"got {tuple(wanted)}"
            )
        for d, (n, usual, s) in enumerate(zip(sizes, default, strides, strict=True)):
            if not usual - s < n < usual + s:
                raise ArgumentError(
                    f"{name}: invalid output_size {sizes}: dimension {d} must be between "
                    f"{usual - s} and {usual + s}, both left out, since the pooling of other "
                    f"sizes does not give {x.shape[2 + d]}"
                )
    if min(sizes) < 0:
        raise ArgumentError(
            f"{name}: output_size must contain non-negative spatial dimensions, got {sizes}"
        )
    return sizes
