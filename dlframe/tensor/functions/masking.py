"""Functions that read and write where a mask of bools holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.errors import DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase
from dlframe.tensor.arguments import to_dtype
from dlframe.tensor.functions.indexing import broadcast_shape

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["masked_fill", "masked_scatter", "masked_select"]


def masked_fill(input: Tensor, mask: Tensor, value: Tensor | float) -> Tensor:
    """`value`, a number or a 0-d tensor, where the mask holds, else `input`; both broadcast.

    Raises:
        DTypeError: the mask is not bool.
        ArgumentError: the number is too large for the dtype of `input`.

    >>> dl.tensor([1.0, 2.0]).masked_fill(dl.tensor([True, False]), 0.0)
    tensor([0., 2.])
    """
    _require_bool("masked_fill", mask)
    filling = filling_for("masked_fill", value, input)
    broadcast_shape("masked_fill", input.shape, mask.shape)
    return ops.ordered(ops.where(mask, filling, input))


masked_fill_ = in_place_form(masked_fill)


def filling_for(name: str, value: Any, input: Tensor) -> Tensor:
    """A number, or a 0-d tensor, as a 0-d tensor in the dtype of `input`."""
    if isinstance(value, (bool, int, float)):
        return wrap(ops.number_for(name, value, input.dtype))
    if not isinstance(value, TensorBase):
        raise TypeError(f"{name}(): value must be a number or a tensor, got {value!r}")
    if value.array.ndim:
        raise ShapeError(
            f"{name} only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.array.ndim} dimension(s); use where()"
        )
    return to_dtype(value, input.dtype)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The elements of `source`, one after the other, where the mask holds, else `input`.

    Raises:
        ShapeError: `source` has fewer elements than the mask has places.
        DTypeError: the mask is not bool, or `source` has another dtype than `input`.

    >>> x, mask = dl.zeros(2, 2), dl.tensor([[True, False], [True, True]])
    >>> dl.masked_scatter(x, mask, dl.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor([[1., 0.],
            [2., 3.]])
    """
    _require_bool("masked_scatter", mask)
    if source.dtype != input.dtype:
        raise DTypeError(
            "masked_scatter: expected self and source to have same dtypes but got "
            f"{input.dtype} and {source.dtype}"
        )
    shape = broadcast_shape("masked_scatter", input.shape, mask.shape)
    whole = np.broadcast_to(mask.array, shape)
    count = int(np.count_nonzero(whole))
    if source.array.size < count:
        raise ShapeError(
            "masked_scatter: Number of elements of source < number of ones in mask: "
            f"{source.array.size} < {count}"
        )
    first = ops.take_at(ops.ravel(source), index=slice(count))
    out = ops.replace_at(ops.broadcast_to(input, shape=shape), first, index=whole)
    return ops.ordered(out)


masked_scatter_ = in_place_form(masked_scatter)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask holds, as a vector; both broadcast.

    >>> dl.masked_select(dl.tensor([1.0, 2.0, 3.0]), dl.tensor([True, False, True]))
    tensor([1., 3.])
    """
    _require_bool("masked_select", mask)
    shape = broadcast_shape("masked_select", input.shape, mask.shape)
    whole = np.broadcast_to(mask.array, shape)
    return ops.take_at(ops.broadcast_to(input, shape=shape), index=whole)


def _require_bool(name: str, mask: Any) -> None:
    if mask.dtype.kind != "b":
        raise DTypeError(
            f"{name} only supports boolean masks, but got mask with dtype {mask.dtype}; compare "
            "it, or use .bool()"
        )
