"""Differences, derivatives and integrals of sampled functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from dlframe.ops.record import TensorBase, to_array
from dlframe.tensor.arguments import checked_dim, checked_dims, numpy_names
from dlframe.tensor.functions.joining import cat

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["cumulative_trapezoid", "diff", "gradient", "trapezoid", "trapz"]


# --- differences -------------------------------------------------------------------------------


@numpy_names
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """out[i] = input[i + 1] - input[i] along a dimension, `n` times; of bools, if they differ.

    Args:
        input: with at least one dimension.
        n: how many times.
        dim: along which dimension.
        prepend, append: values before and behind `input` along `dim`.

    >>> dl.diff(dl.tensor([1, 4, 9]))
    tensor([3, 5])
    >>> dl.diff(dl.tensor([1, 4, 9]), n=2, prepend=dl.tensor([0]))
    tensor([2, 2])
    """
    if not input.ndim:
        raise ShapeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise ArgumentError(f"order must be non-negative but got {n}")
    ends = [x for x in (prepend, append) if x is not None]
    if any(x.ndim != input.ndim for x in ends):
        raise ShapeError(
            "diff expects prepend or append to be the same dimension as input, got "
            f"{[x.ndim for x in ends]} and {input.ndim}"
        )
    dim = checked_dim(dim, input.ndim)
    if n == 0:
        return ops.copy(input)  # without the ends, as in PyTorch
    parts = [x for x in (prepend, input, append) if x is not None]
    out = cat(parts, dim) if ends else input
    return ops.diff(out, n=n, axis=dim)


def gradient(
    input: Tensor,
    *,
    spacing: Any = 1,
    dim: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """The derivatives of a function given by samples, one tensor for each dimension.

    Inside, the central difference (f(x + h) - f(x - h)) / 2h, or its form for unequal distances,
    both exact for parabolas; at the two ends the one-sided difference.

    Args:
        input: the samples.
        spacing: the distance of samples; or a list with one distance, or with one vector of
            coordinates, for each dimension.
        dim: which dimensions, by default all.
        edge_order: 1, or 2 to be exact for parabolas at the ends, too.

    >>> dl.gradient(dl.tensor([0.0, 1.0, 4.0, 9.0]))
    (tensor([1., 2., 4., 5.]),)
    >>> dl.gradient(dl.tensor([0.0, 1.0, 9.0]), spacing=(dl.tensor([0.0, 1.0, 3.0]),), edge_order=2)
    (tensor([0., 2., 6.]),)
    """
    if edge_order not in (1, 2):
        raise ArgumentError(
            f"torch.gradient only supports edge_order=1 and edge_order=2, got {edge_order}"
        )
    if input.dtype == "uint8":
        raise DTypeError("torch.gradient does not support uint8 input, which wraps around below 0")
    every = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    dims = checked_dims(every, input.ndim)
    if dims and not input.ndim:
        raise DimensionError("gradient: a tensor without dimensions has no derivatives")
    spacings = _spacings(spacing, len(dims))
    for axis in dims:
        if input.shape[axis] < edge_order + 1:
            raise ShapeError(
                "torch.gradient expected each dimension size to be at least edge_order+1, got "
                f"size {input.shape[axis]} at dimension {axis}"
            )
    out = []
    for axis, step in zip(dims, spacings, strict=True):
        _check_coordinates(step, input.shape[axis], axis)
        out.append(ops.sampled_derivative(input, step, axis=axis, edge_order=edge_order))
    return tuple(out)


def _spacings(spacing: Any, count: int) -> list[Any]:
    """The distance, or the coordinates, for each dimension."""
    if not isinstance(spacing, (list, tuple)):
        if isinstance(spacing, TensorBase) and spacing.array.ndim:
            raise TypeError("gradient: pass coordinates as a list with one vector per dimension")
        return [spacing] * count
    if len(spacing) != count:
        raise ArgumentError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
            f"equal to the number of dimensions, {count}, but got a list of length {len(spacing)}"
        )
    return list(spacing)


def _check_coordinates(spacing: Any, n: int, dim: int) -> None:
    if np.ndim(to_array(spacing)) and spacing.shape != (n,):
        raise ShapeError(
            f"torch.gradient expected each element of spacing to have the size {n} of dimension "
            f"{dim}, got shape {list(spacing.shape)}"
        )


# --- integrals ---------------------------------------------------------------------------------


@numpy_names
def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """The integral by the trapezoidal rule: Σ (y[i] + y[i + 1]) / 2 · (x[i + 1] - x[i]).

    Args:
        y: the samples.
        x: where they were taken, a vector or anything that broadcasts to `y`.
        dx: instead of `x`, the distance of samples, by default 1.
        dim: along which dimension.

    >>> dl.trapezoid(dl.tensor([1.0, 2.0, 4.0]))
    tensor(4.5000)
    >>> dl.trapezoid(dl.tensor([1.0, 2.0, 4.0]), dl.tensor([0.0, 1.0, 3.0]))
    tensor(7.5000)
    """
    if y.ndim and not y.shape[axis := checked_dim(dim, y.ndim)]:
        return y.new_zeros(y.shape[:axis] + y.shape[axis + 1 :])
    dim, widths = _widths("trapezoid", y, x, dx, dim)
    return ops.trapezoid(y, widths, axis=dim)


@numpy_names
def trapz(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """`trapezoid` under its older name.

    >>> dl.trapz(dl.tensor([1.0, 2.0, 4.0]), dx=2)
    tensor(9.)
    """
    return trapezoid(y, x, dx=dx, dim=dim)


@numpy_names
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """The integrals up to each sample after the first; arguments as for `trapezoid`.

    >>> dl.cumulative_trapezoid(dl.tensor([1.0, 2.0, 4.0]))
    tensor([1.5000, 4.5000])
    """
    dim, widths = _widths("cumulative_trapezoid", y, x, dx, dim)
    pairs = ops.pair_sums(y, dim)
    if x is not None:
        return (pairs * widths).cumsum(dim) / 2.0
    return (pairs * (widths / 2.0)).cumsum(dim)


def _widths(name: str, y: Any, x: Any, dx: Any, dim: int) -> tuple[int, Any]:
    """The dimension from the front, and the distances of the samples: those of `x`, or `dx`."""
    if x is not None and dx is not None:
        raise TypeError(f"{name}() takes x or dx, not both")
    dim = checked_dim(dim, y.ndim)
    if not y.ndim:
        raise DimensionError(
            f"{name}: Dimension specified as {dim} but tensor has no dimensions to integrate along"
        )
    if y.dtype.kind == "b" or (x is not None and x.dtype.kind == "b"):
        raise DTypeError(f"{name}: received a bool input for `x` or `y`, but bool is not supported")
    if x is None:
        return dim, 1.0 if dx is None else dx
    if x.ndim == 1:
        if x.shape[0] != y.shape[dim]:
            raise ShapeError(
                f"{name}: There must be one `x` value for each sample point, got {x.shape[0]} for "
                f"{y.shape[dim]}"
            )
        x = ops.reshape(x, shape=tuple([-1 if i == dim else 1 for i in range(y.ndim)]))
    elif x.ndim < y.ndim:
        x = ops.reshape(x, shape=(1,) * (y.ndim - x.ndim) + x.shape)
    return dim, ops.diff(x, axis=dim)
