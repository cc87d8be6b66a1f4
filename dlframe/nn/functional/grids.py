"""Sampling at the points of a grid: rotated, bent and warped images."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops import resampling
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.creation import linspace

__all__ = ["affine_grid", "grid_sample"]

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The input at the points of a grid: y[n, c, i, j] = x[n, c] at the place grid[n, i, j].

    A point is (x, y), or (x, y, z) in a volume, each from -1 at one edge to 1 at the other; x runs
    along the last dimension of the input. Between the numbers of the input the mode interpolates.
    Both the input and the grid get gradients, so a network can learn where to look: spatial
    transformers (Jaderberg et al. 2015, arXiv:1506.02025).

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, H', W', 2) or (N, D', H', W', 3).
        mode: "bilinear" (in volumes trilinear), "nearest" or, for images, "bicubic". By "nearest"
            the grid gets zeros as its gradient.
        padding_mode: what lies beyond the edges: "zeros", the nearest number of the "border", or
            the "reflection" of the input.
        align_corners: whether ±1 are the centres of the outermost pixels, or, by default, their
            outer edges. PyTorch warns when it is left out, and so do we.

    Returns:
        (N, C, H', W') or (N, C, D', H', W').

    Raises:
        ArgumentError: an unknown mode.
        ShapeError: input and grid that do not fit.
        DTypeError: dtypes that differ, or integers.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> x = dl.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> points = dl.tensor([[[[0.0, 0.0], [-0.5, 0.5], [3.0, 0.0]]]])
    >>> F.grid_sample(x, points, align_corners=False)
    tensor([[[[1.5000, 2.0000, 0.0000]]]])
    """
    if mode not in MODES:
        raise ArgumentError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: {mode!r}"
        )
    if padding_mode not in PADDINGS:
        raise ArgumentError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: {padding_mode!r}"
        )
    if align_corners is None:
        _warn_of_corners()
    return sampled(input, grid, mode, padding_mode, bool(align_corners))


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`nn.functional.grid_sample`, with numbers for the modes, in the order of its documentation.

    >>> import dlframe as dl
    >>> x = dl.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> dl.grid_sampler(x, dl.tensor([[[[-0.5, 0.5]]]]), 1, 0, False)
    tensor([[[[2.]]]])
    """
    if interpolation_mode not in range(3) or padding_mode not in range(3):
        raise ArgumentError(
            f"grid_sampler: interpolation_mode and padding_mode must be 0, 1 or 2, got "
            f"{interpolation_mode} and {padding_mode}"
        )
    modes = MODES[interpolation_mode], PADDINGS[padding_mode]
    return sampled(input, grid, *modes, align_corners)


def sampled(x: Any, grid: Any, mode: str, padding: str, align_corners: bool) -> Any:
    """`grid_sample` with all arguments given."""
    _check(x, grid, mode)
    nd, points = len(x.shape) - 2, tuple(grid.shape[1:-1])
    flat = ops.reshape(grid, shape=(grid.shape[0], math.prod(points), nd))
    indices, weights = [], []
    for d, n in enumerate(x.shape[2:]):
        place = _place(flat[..., nd - 1 - d], n, align_corners)
        nan_stays = mode == "bicubic" or (mode == "bilinear" and padding == "zeros" and nd == 2)
        if not nan_stays:
            place = _finite(place, n, padding, 0 if nd == 2 else n - 1)
        if mode != "bicubic":
            place = _inside(place, n, padding, align_corners)
        index, weight = _TAPS[mode](place)
        if mode == "bicubic":
            index = np.rint(to_array(_inside(Tensor(index), n, padding, align_corners)))
        indices.append(np.where((index >= 0) & (index < n), index, -1).astype(np.int64))
        weights.append(weight)
    planes = ops.reshape(x, shape=(*x.shape[:2], math.prod(x.shape[2:])))
    taps, weight = _flat_taps(indices, x.shape[2:]), _products(weights)
    out = ops.sample_taps(planes, weight, taps=taps)
    return ops.reshape(out, shape=(*x.shape[:2], *points))


def _check(x: Any, grid: Any, mode: str) -> None:
    name, shapes = "grid_sampler", f"input{list(x.shape)} and grid{list(grid.shape)}"
    nd = len(x.shape) - 2
    if nd not in (2, 3) or len(grid.shape) != nd + 2:
        raise ShapeError(
            f"{name}: expected 4D or 5D input and grid with same number of dimensions, got {shapes}"
        )
    if x.shape[0] != grid.shape[0]:
        raise ShapeError(f"{name}: expected grid and input to have same batch size, got {shapes}")
    if grid.shape[-1] != nd:
        raise ShapeError(
            f"{name}: expected grid to have size {nd} in last dimension, one number for each "
            f"spatial dimension of the input, got {shapes}"
        )
    if min(x.shape[2:]) < 1:
        raise ShapeError(f"{name}: expected input to have non-empty spatial dimensions: {shapes}")
    if nd == 3 and mode == "bicubic":
        raise ArgumentError(f"{name}: bicubic interpolation only supports 4D input, got {shapes}")
    if x.dtype != grid.dtype:
        raise DTypeError(
            f"{name}: expected input and grid to have same dtype, but input has {x.dtype} and grid "
            f"has {grid.dtype}; convert with .to(dtype)"
        )
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: not implemented for {x.dtype}; convert with .float()")


# --- where a point lies ------------------------------------------------------------------------


def _place(point: Any, n: int, align_corners: bool) -> Any:
    """-1 … 1 as 0 … n - 1, or with the edges of pixels as -½ … n - ½."""
    return (point + 1) * ((n - 1) / 2) if align_corners else (point + 1) * (n / 2) - 0.5


def _finite(place: Any, n: int, padding: str, edge: int) -> Any:
    """Places outside, or at an edge, instead of infinite ones and NaN, as PyTorch's kernels."""
    values = to_array(place)
    finite = np.isfinite(values)
    if finite.all():
        return place
    low, high = (edge, edge) if padding == "reflection" else (-9, n + 9)
    nan = -9 if padding == "zeros" else edge
    return ops.where(finite, place, np.nan_to_num(values, nan=nan, posinf=high, neginf=low))


def _inside(place: Any, n: int, padding: str, align_corners: bool) -> Any:
    """The place within the input that stands for one beyond its edges."""
    if padding == "zeros":
        return place
    if padding == "reflection":
        edge = 0.0 if align_corners else 0.5
        place = ops.reflect(place, low=-edge, high=n - 1 + edge)
    values = to_array(place)
    # at the edges themselves the slope is 0, as beyond them
    return ops.where((values > 0) & (values < n - 1), place, values.clip(0, n - 1))


# --- the numbers around a place, and their weights ---------------------------------------------


def _nearest(place: Any) -> tuple[Array, Any]:
    values = to_array(place)
    one = ops.where(np.ones(values.shape, np.bool), np.ones_like(values), place)  # of slope 0
    return np.rint(values)[:, None], ops.expand_dims(one, axis=1)


def _linear(place: Any) -> tuple[Array, Any]:
    first = np.floor(to_array(place))
    t = place - first
    return np.stack([first, first + 1], 1), ops.stack(1 - t, t, axis=1)


def _cubic(place: Any) -> tuple[Array, Any]:
    first = np.floor(to_array(place))
    near, far = resampling.cubic_near, resampling.cubic_far
    t = place - first
    index = np.stack([first + k for k in (-1, 0, 1, 2)], 1)
    return index, ops.stack(far(1 + t), near(t), near(1 - t), far(2 - t), axis=1)


_TAPS: dict[str, Callable[[Any], tuple[Array, Any]]] = {
    "nearest": _nearest,
    "bilinear": _linear,
    "bicubic": _cubic,
}


def _flat_taps(indices: Sequence[Array], sizes: Sequence[int]) -> Array:
    """All combinations of the places along each axis, as places in the flattened input."""
    found = []
    counts = [range(index.shape[1]) for index in indices]
    for combination in itertools.product(*counts):
        parts = [index[:, k] for index, k in zip(indices, combination, strict=True)]
        place = np.zeros_like(parts[0])
        for part, n in zip(parts, sizes, strict=True):
            place = place * n + part
        outside = np.logical_or.reduce([part < 0 for part in parts])
        found.append(np.where(outside, math.prod(sizes), place))
    return np.stack(found, 1)


def _products(weights: Sequence[Any]) -> Any:
    """The products of the weights along each axis, for all combinations."""
    total = weights[0]
    for weight in weights[1:]:
        n, before, points = total.shape
        pairs = ops.expand_dims(total, axis=2) * ops.expand_dims(weight, axis=1)
        total = ops.reshape(pairs, shape=(n, before * weight.shape[1], points))
    return total


# --- affine grids ------------------------------------------------------------------------------


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The grid whose points are those of an upright image, mapped by an affine transform.

    grid[n, i, j] = θ[n] (x_j, y_i, 1) for the places x, y from -1 to 1 of a picture of that size:
    with `grid_sample`, the output at (x, y) is the input at θ (x, y, 1).

    Args:
        theta: (N, 2, 3) for images, (N, 3, 4) for volumes.
        size: of the output, (N, C, H, W) or (N, C, D, H, W).
        align_corners: as in `grid_sample`, which must get the same.

    Returns:
        (N, H, W, 2) or (N, D, H, W, 3).

    Raises:
        ShapeError: matrices that do not fit the size.
        ArgumentError: matrices of integers.
        DTypeError: a size of another number of dimensions.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> mirror = dl.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> grid = F.affine_grid(mirror, (1, 1, 1, 3), align_corners=False)
    >>> F.grid_sample(dl.tensor([[[[1.0, 2.0, 3.0]]]]), grid, align_corners=False)
    tensor([[[[3.0000, 2.0000, 1.0000]]]])
    """
    if align_corners is None:
        _warn_of_corners()
    size = tuple(int(n) for n in size)
    if theta.dtype.kind != "f":
        raise ArgumentError(f"Expected theta to have floating point type, but got {theta.dtype}")
    nd = len(size) - 2
    if nd not in (2, 3):
        raise DTypeError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {size}."
        )
    if tuple(theta.shape[1:]) != (nd, nd + 1):
        raise ShapeError(
            f"Expected a batch of {nd}D affine matrices of shape Nx{nd}x{nd + 1} for size {size}. "
            f"Got {list(theta.shape)}."
        )
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "affine_grid: with align_corners=True a dimension of size 1 has its only point in the "
            "middle, at 0",
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ShapeError(f"Expected non-zero, positive output size. Got {size}")
    return affine_points(theta, size, bool(align_corners))


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """`nn.functional.affine_grid`, which checks more, with `align_corners` by its place.

    >>> import dlframe as dl
    >>> dl.affine_grid_generator(dl.tensor([[[1.0, 0, 0], [0, 1.0, 0]]]), (1, 1, 1, 2), False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    return affine_grid(theta, size, align_corners)


def affine_points(theta: Any, size: Sequence[int], align_corners: bool) -> Any:
    """`affine_grid` with all arguments given and checked."""
    axes = [_positions(n, align_corners, theta.dtype) for n in size[2:]]
    places = np.meshgrid(*axes, indexing="ij")[::-1]  # x first
    ones = np.ones(math.prod(size[2:]), theta.dtype)
    points = np.stack([*(p.reshape(-1) for p in places), ones], axis=-1)
    grid = ops.matmul(points, ops.swapaxes(theta, axis1=1, axis2=2))
    return ops.reshape(grid, shape=(size[0], *size[2:], len(size) - 2))


def _positions(n: int, align_corners: bool, dtype: Any) -> Array:
    """Places from -1 to 1, rounded as PyTorch's.

    At the identity each point meets a number of the input, where the slope jumps. On which side it
    falls, and so the gradient with which a spatial transformer starts, is a matter of rounding.
    """
    if n == 1:
        return np.zeros(1, dtype)
    ends = linspace(-1, 1, n, dtype=dtype).array
    return ends if align_corners else ends * (n - 1) / n


def _warn_of_corners() -> None:
    warnings.warn(
        "align_corners is not given and taken as False, the default since PyTorch 1.3; before, it "
        "was True. Pass the one that is meant, the same to affine_grid and grid_sample",
        stacklevel=3,
    )
