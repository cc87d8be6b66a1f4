"""Running results along a dimension: sums, products, extremes of all elements so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.dtypes import as_dtype
from dlframe.errors import DTypeError
from dlframe.ops.calling import wrap
from dlframe.ops.memory import in_order
from dlframe.tensor.arguments import (
    checked_dim,
    kept_in,
    numpy_names,
    require_floats,
    require_tensor,
    to_dtype,
)
from dlframe.tensor.functions import return_types

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "logcumsumexp",
]


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sums of all elements up to each one, `out[i] = input[0] + … + input[i]`.

    Bools and integers are added as int64, float16 in float32.

    >>> dl.cumsum(dl.tensor([1, 2, 3]), dim=0)
    tensor([1, 3, 6])
    """
    return _running("cumsum", ops.cumsum, input, dim, dtype)


cumsum_ = in_place_form(cumsum)


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The products of all elements up to each one, `out[i] = input[0] · … · input[i]`.

    Bools and integers are multiplied as int64. Its gradient is right for zeros, too.

    >>> dl.cumprod(dl.tensor([1, 2, 3]), dim=0)
    tensor([1, 2, 6])
    """
    return _running("cumprod", ops.cumprod, input, dim, dtype)


cumprod_ = in_place_form(cumprod)


def _running(name: str, function: Callable[..., Any], input: Tensor, dim: int, dtype: Any) -> Any:
    if dtype is not None and as_dtype(dtype).kind == "b":
        raise DTypeError(f"{name}: not implemented for 'Bool' as dtype; use dl.int64")
    axis = checked_dim(dim, input.ndim)
    input = kept_in(input, dtype)
    # a 0-d tensor is its own running sum, in int64 if it is an integer
    out = function(input, axis=axis) if input.ndim else ops.sum(input)
    return to_dtype(out, dtype)


@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """`ln(e^input[0] + … + e^input[i])`, without overflow.

    >>> dl.logcumsumexp(dl.tensor([1000.0, 1000.0, 0.0]), dim=0)
    tensor([1000.0000, 1000.6932, 1000.6932])
    """
    require_tensor("logcumsumexp", "'input' (position 1)", input)
    require_floats("logcumsumexp", input)
    axis = checked_dim(dim, input.ndim)
    return ops.logcumsumexp(input, axis=axis) if input.ndim else ops.copy(input)


@numpy_names
def cummax(input: Tensor, dim: int) -> return_types.cummax:
    """The largest element up to each one, and its index: the last of equal ones. nan is largest.

    The gradient goes to the elements at the indices.

    >>> dl.cummax(dl.tensor([1.0, 3.0, 2.0, 3.0]), dim=0)
    dlframe.return_types.cummax(
    values=tensor([1., 3., 3., 3.]),
    indices=tensor([0, 1, 1, 3]))
    """
    return return_types.cummax(*_extreme_so_far(ops.cummax_indices, input, dim))


@numpy_names
def cummin(input: Tensor, dim: int) -> return_types.cummin:
    """The smallest element up to each one, and its index: the last of equal ones. nan is smallest.

    The gradient goes to the elements at the indices.

    >>> dl.cummin(dl.tensor([3.0, 1.0, 2.0, 1.0]), dim=0)
    dlframe.return_types.cummin(
    values=tensor([3., 1., 1., 1.]),
    indices=tensor([0, 1, 1, 3]))
    """
    return return_types.cummin(*_extreme_so_far(ops.cummin_indices, input, dim))


def _extreme_so_far(find: Callable[..., Any], input: Tensor, dim: int) -> tuple[Any, Any]:
    axis = checked_dim(dim, input.ndim)
    if not input.ndim:
        return ops.copy(input), wrap(np.zeros((), np.int64))
    indices = in_order(find(input.array, axis=axis))
    places = ops.places_along(indices, input.shape, axis)
    return ops.take_at(ops.ravel(input), index=places), wrap(indices)
