"""Functions that write by index, out of place; their in-place forms are methods.

If several values go to one place, the last one stays, but (as in PyTorch) each of them gets the
gradient of that place. Sums and other reductions use all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.errors import (
    ArgumentError,
    DimensionError,
    DTypeError,
    IndexTypeError,
    OutOfRangeError,
    ShapeError,
)
from dlframe.ops.calling import wrap
from dlframe.ops.record import Array, TensorBase
from dlframe.tensor.arguments import checked_dim, numpy_names, require_tensor
from dlframe.tensor.functions.indexing import (
    from_the_front,
    indices_along,
    require_long,
    vector_of_indices,
)
from dlframe.tensor.functions.masking import filling_for

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_put_",
    "index_reduce",
    "put",
    "scatter",
    "scatter_add",
    "scatter_reduce",
]

_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


# --- elements along a dimension ----------------------------------------------------------------


@numpy_names
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | float | None = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> Tensor:
    """A copy of `input` with `out[i, index[i, j, k], k] = src[i, j, k]`, for dim = 1.

    A number instead of `src` (or as `value`) goes to all places. With `reduce="add"` or
    `"multiply"` the old values take part, as in `scatter_reduce`.

    Raises:
        DTypeError: `src` has another dtype than `input`.
        ShapeError: `index` is larger than `src`, or than `input` in another dimension.
        OutOfRangeError: an index outside the dimension.

    >>> dl.scatter(dl.zeros(2, 3), 1, dl.tensor([[0], [2]]), 1.0)
    tensor([[1., 0., 0.],
            [0., 0., 1.]])
    """
    if reduce not in (None, "add", "multiply"):
        raise ArgumentError(f"reduce argument must be either add or multiply, got {reduce!r}")
    source: Any = value if src is None else src
    if src is None and isinstance(value, TensorBase):
        source = value.array.item()
    if source is None:
        raise TypeError("scatter(): one of src and value must be given")
    if not isinstance(source, TensorBase):
        number = ops.number_for("scatter", source, input.dtype)
        source = wrap(np.broadcast_to(number, index.shape))
    if reduce is not None:
        name = {"add": "sum", "multiply": "prod"}[reduce]
        return _scattered("scatter", input, dim, index, source, name)
    x, places, source = _places("scatter", input, dim, index, source)
    if places is None:
        return _with_none_of(source, input)
    return ops.ordered(_shaped(ops.replace_at(x, source, index=places), input))


scatter_ = in_place_form(scatter)


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of `input` with `out[i, index[i, j, k], k] += src[i, j, k]`, for dim = 1.

    If indices repeat, all their values are added.

    >>> dl.scatter_add(dl.zeros(3), 0, dl.tensor([0, 2, 0]), dl.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    require_tensor("scatter_add", "'src'", src)
    x, places, source = _places("scatter_add", input, dim, index, src)
    if places is None:
        return _with_none_of(source, input)
    return ops.ordered(_shaped(ops.add(x, ops.put_at(source, index=places, size=x.shape)), input))


scatter_add_ = in_place_form(scatter_add)


@numpy_names
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`scatter_add` with another reduction: "sum", "prod", "mean", "amax" or "amin".

    Without `include_self`, elements of `input` that receive a value are replaced and take no
    part. A mean of integers is rounded down.

    >>> x, index = dl.ones(2), dl.tensor([0, 0, 1])
    >>> dl.scatter_reduce(x, 0, index, dl.tensor([2.0, 5.0, 4.0]), "amax")
    tensor([5., 4.])
    >>> dl.scatter_reduce(x, 0, index, dl.tensor([2.0, 5.0, 4.0]), "mean", include_self=False)
    tensor([3.5000, 4.0000])
    """
    if reduce not in _REDUCTIONS:
        raise ArgumentError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    require_tensor("scatter_reduce", "'src'", src)
    return _scattered("scatter_reduce", input, dim, index, src, reduce, include_self)


scatter_reduce_ = in_place_form(scatter_reduce)


def _scattered(
    name: str, input: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool = True
) -> Any:
    x, places, source = _places(name, input, dim, index, src)
    if places is None:
        return _with_none_of(source, input)
    return _reduced(input, source, ops.flat_places(places, x.shape), reduce, include_self)


def _with_none_of(src: Any, input: Any) -> Any:
    """A copy of `input` for an empty index: `src` gets a gradient of zeros, as in PyTorch."""
    if not src.requires_grad or src.dtype != input.dtype:
        return ops.contiguous(input)
    none = slice(0)
    out = ops.replace_at(ops.ravel(input), ops.take_at(ops.ravel(src), index=none), index=none)
    return _shaped(out, input)


def _places(name: str, input: Any, dim: int, index: Any, src: Any) -> tuple[Any, Any, Any]:
    """`input` with at least one dimension, the places named by `index`, their elements of `src`."""
    dim = checked_dim(dim, input.ndim)
    if not index.array.size:
        return input, None, src
    places = indices_along(name, index.array, dim, input.shape)
    if src.dtype != input.dtype:
        raise DTypeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, got {input.dtype} and "
            f"{src.dtype}; convert one of them"
        )
    if max(src.ndim, 1) != max(index.ndim, 1):
        raise ShapeError(
            f"{name}(): Index tensor must have the same number of dimensions as src tensor, got "
            f"{list(index.shape)} for {list(src.shape)}"
        )
    shape = index.shape or (1,)
    if any(n > m for n, m in zip(shape, src.shape or (1,), strict=True)):
        raise ShapeError(
            f"{name}(): Expected index {list(index.shape)} to be no larger than src "
            f"{list(src.shape)} in every dimension"
        )
    x, src = (t if t.ndim else ops.ravel(t) for t in (input, src))
    if src.shape != shape:
        src = ops.take_at(src, index=tuple(slice(n) for n in shape))
    if places is None:  # a 0-d input has one place
        places = np.zeros(shape, np.int64)
    return x, ops.along_within(places, dim, x.array.shape), src


def _reduced(input: Any, src: Any, places: Array, reduce: str, include_self: bool) -> Any:
    """`src` reduced into flat `places` of `input`."""
    x = ops.ravel(input)
    if reduce == "prod":
        out = ops.scatter_prod(x, src, places=places, include_self=include_self)
    elif reduce in ("amax", "amin"):
        out = ops.scatter_extreme(x, src, places=places, reduce=reduce, include_self=include_self)
    else:
        if not include_self:
            x = ops.replace_at(x, 0.0, index=places)
        out = ops.add(x, ops.put_at(src, index=places, size=x.shape))
        if reduce == "mean":
            out = _divided(out, places, include_self)
    return _shaped(out, input)


def _divided(total: Any, places: Array, include_self: bool) -> Any:
    """`total` divided by the number of elements that went into it."""
    if total.dtype.kind == "b":
        raise DTypeError("scatter_reduce(): a mean of bools is not defined; use .float() first")
    counts = np.bincount(places.reshape(-1), minlength=total.shape[0]) + include_self
    divisor = wrap(np.maximum(counts, 1).astype(total.dtype))
    return ops.divide(total, divisor) if total.dtype.kind == "f" else total // divisor


def _shaped(out: Any, input: Any) -> Any:
    return out if out.shape == input.shape else ops.reshape(out, shape=input.shape)


# --- slices along a dimension ------------------------------------------------------------------


@numpy_names
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """A copy of `input` with `out[:, index[j]] += alpha · source[:, j]`, for dim = 1.

    Raises:
        ShapeError: `source` does not have one slice per index, or other sizes than `input`.
        OutOfRangeError: an index outside the dimension.

    >>> dl.index_add(dl.zeros(3), 0, dl.tensor([0, 2, 0]), dl.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    x, places, source = _slices("index_add", input, dim, index, source)
    if alpha != 1:
        source = ops.multiply(source, filling_for("index_add", alpha, input))
    return ops.ordered(_shaped(ops.add(x, ops.put_at(source, index=places, size=x.shape)), input))


index_add_ = in_place_form(index_add)


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with `out[:, index[j]] = source[:, j]`, for dim = 1.

    >>> dl.index_copy(dl.zeros(3), 0, dl.tensor([0, 2]), dl.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    require_long("index_copy", index.array)
    x, places, source = _slices("index_copy", input, dim, index, source)
    return ops.ordered(_shaped(ops.replace_at(x, source, index=places), input))


index_copy_ = in_place_form(index_copy)


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | float) -> Tensor:
    """A copy of `input` with `out[:, index[j]] = value`, for dim = 1.

    Negative indices count from the end.

    >>> dl.index_fill(dl.zeros(3), 0, dl.tensor([0, 2]), 5.0)
    tensor([5., 0., 5.])
    """
    dim = checked_dim(dim, input.ndim)
    if index.dtype != np.int64:
        raise IndexTypeError(
            f"index_fill(): Expected dtype int64 for index, got {index.dtype}; use .long()"
        )
    if index.ndim > 1:
        raise ShapeError(f"index_fill(): Index has to be a vector/scalar, got {list(index.shape)}")
    filling = filling_for("index_fill", value, input)
    x = input if input.ndim else ops.ravel(input)
    places = from_the_front("index_fill", index.array.reshape(-1), x.shape[dim], dim)
    places = np.unique(places)  # a place that is named twice counts once in the gradient
    return _shaped(ops.replace_at(x, filling, index=_along(dim, places)), input)


index_fill_ = in_place_form(index_fill)


@numpy_names
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """`index_add` with another reduction: "prod", "mean", "amax" or "amin".

    Without `include_self`, slices of `input` that receive another one take no part.

    >>> dl.index_reduce(dl.ones(2), 0, dl.tensor([0, 0]), dl.tensor([2.0, 3.0]), "prod")
    tensor([6., 1.])
    """
    if reduce not in _REDUCTIONS[1:]:
        raise ArgumentError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    x, places, source = _slices("index_reduce", input, dim, index, source)
    flat = np.arange(x.array.size).reshape(x.shape)[places]
    return _reduced(input, source, flat, reduce, include_self)


index_reduce_ = in_place_form(index_reduce)


def _slices(name: str, input: Any, dim: int, index: Any, source: Any) -> tuple[Any, Any, Any]:
    """`input` with at least one dimension, the index of the slices in it, and `source` likewise."""
    dim = checked_dim(dim, input.ndim)
    n = input.shape[dim] if input.ndim else 1
    places = vector_of_indices(name, index.array, dim, n)
    if source.dtype != input.dtype:
        raise DTypeError(
            f"{name}(): self ({input.dtype}) and source ({source.dtype}) must have the same dtype; "
            "convert one of them"
        )
    x, given = (t if t.ndim else ops.ravel(t) for t in (input, source))
    if given.ndim != x.ndim:
        raise DimensionError(
            f"{name}(): source has {given.ndim} dimensions, self has {x.ndim}; they must match"
        )
    if given.shape[dim] != places.size:
        raise OutOfRangeError(
            f"{name}(): Number of indices ({places.size}) should be equal to source.size({dim}): "
            f"({given.shape[dim]})"
        )
    if given.shape != (*x.shape[:dim], places.size, *x.shape[dim + 1 :]):
        raise ShapeError(
            f"{name}(): source tensor shape must match self tensor shape, excluding the specified "
            f"dimension {dim}. Got self.shape = {list(input.shape)} source.shape = "
            f"{list(source.shape)}"
        )
    return x, _along(dim, places), given


def _along(dim: int, places: Array) -> tuple[Any, ...]:
    return (*(slice(None),) * dim, places)


# --- anywhere ----------------------------------------------------------------------------------


def index_put(
    input: Tensor, indices: Sequence[Any], values: Tensor, accumulate: bool = False
) -> Tensor:
    """A copy of `input` with `out[indices] = values`, which broadcast; or, accumulating, `+=`.

    `indices` is a tuple of tensors, integers or one mask. Unlike `out[indices] += values`,
    accumulating adds all values at places that repeat.

    Raises:
        DTypeError: `values` have another dtype than `input`.

    >>> rows = dl.tensor([0, 0])
    >>> dl.index_put(dl.zeros(2), (rows,), dl.tensor([1.0, 2.0]), accumulate=True)
    tensor([3., 0.])
    """
    if not isinstance(indices, (tuple, list)):
        raise TypeError(
            f"index_put(): 'indices' must be tuple of Tensors, not {type(indices).__name__}"
        )
    if any(part is not None and not isinstance(part, TensorBase) for part in indices):
        raise TypeError("index_put(): expected Tensors as 'indices'; x[...] = v takes all")
    require_tensor("index_put", "'values'", values)
    if values.array.dtype != input.dtype:
        raise DTypeError(
            "Index put requires the source and destination dtypes match, got "
            f"{input.dtype} for the destination and {values.array.dtype} for the source."
        )
    # here None means a whole dimension, not a new one
    places = ops.plain_index(tuple(slice(None) if part is None else part for part in indices))
    if not accumulate:
        return ops.replace_at(input, values, index=places)
    found = ops.take_at(np.broadcast_to(np.zeros((), bool), input.shape), index=places).shape
    try:
        spread = ops.broadcast_to(values, shape=found)
    except ValueError:
        raise ShapeError(
            f"shape mismatch: value tensor of shape {list(values.array.shape)} cannot be broadcast "
            f"to indexing result of shape {list(found)}"
        ) from None
    return ops.add(input, ops.put_at(spread, index=places, size=input.shape))


index_put_ = in_place_form(index_put)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `out.ravel()[index] = source`; or, accumulating, `+=`.

    Negative indices count from the end; places that repeat add up when accumulating.

    Raises:
        DimensionError: `index` and `source` have different numbers of elements.

    >>> dl.put(dl.zeros(2, 2), dl.tensor([3, 0]), dl.tensor([5.0, 6.0]))
    tensor([[6., 0.],
            [0., 5.]])
    """
    require_long("put", index.array)
    if source.dtype != input.dtype:
        raise DTypeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{input.dtype} and source.dtype = {source.dtype}"
        )
    if source.array.size != index.array.size:
        raise DimensionError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source.array.size}, index.numel() = {index.array.size}"
        )
    places = from_the_front("put", index.array.reshape(-1), input.array.size)
    x, source = ops.ravel(input), ops.ravel(source)
    if accumulate:
        out = ops.add(x, ops.put_at(source, index=places, size=x.shape))
    else:
        out = ops.replace_at(x, source, index=places)
    return _shaped(out, input)


put_ = in_place_form(put)
