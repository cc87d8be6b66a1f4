"""Functions that choose between elements: maxima, minima, bounds and conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.errors import ArgumentError, DTypeError
from dlframe.ops.calling import wrap
from dlframe.ops.memory import in_order
from dlframe.ops.record import TensorBase
from dlframe.tensor.arguments import Number, checked, tensor_of

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "clamp",
    "clamp_",
    "clamp_max",
    "clamp_max_",
    "clamp_min",
    "clamp_min_",
    "clip",
    "clip_",
    "fmax",
    "fmin",
    "maximum",
    "minimum",
    "nan_to_num",
    "nan_to_num_",
    "where",
]


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements, nan if one is nan; equal ones get half the gradient each.

    >>> dl.maximum(dl.tensor([1.0, 5.0]), dl.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """
    return checked("maximum", ops.maximum(input, other), input, other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements, nan if one is nan; equal ones get half the gradient each.

    >>> dl.minimum(dl.tensor([1.0, 5.0]), dl.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return checked("minimum", ops.minimum(input, other), input, other)


def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements, ignoring nan; of equal ones the first gets the gradient.

    >>> dl.fmax(dl.tensor([1.0, float("nan")]), dl.tensor([3.0, 2.0]))
    tensor([3., 2.])
    """
    return checked("fmax", ops.fmax(input, other), input, other)


def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements, ignoring nan; of equal ones the first gets the gradient.

    >>> dl.fmin(dl.tensor([1.0, float("nan")]), dl.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return checked("fmin", ops.fmin(input, other), input, other)


def clamp(
    input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None
) -> Tensor:
    """`input` held between `min` and `max`, numbers or tensors; where min > max the result is max.

    Raises:
        ArgumentError: neither bound is given.

    >>> dl.clamp(dl.tensor([-2.0, 0.5, 3.0]), min=-1, max=1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise ArgumentError("clamp: At least one of 'min' or 'max' must not be None")
    return ops.clip(input, min, max)


def _clip(x: Any, min: Any = None, max: Any = None, *, out: Any) -> Any:
    if min is None and max is None:
        raise TypeError
    return np.clip(x, min, max, out=out)


clamp_ = in_place_form(clamp, into=_clip)


def clamp_min(input: Tensor, min: Tensor | Number) -> Tensor:
    """`input`, but not below `min`.

    >>> dl.clamp_min(dl.tensor([-2.0, 0.5]), 0)
    tensor([0.0000, 0.5000])
    """
    return ops.clip(input, min, None)


clamp_min_ = in_place_form(clamp_min, into=np.maximum)


def clamp_max(input: Tensor, max: Tensor | Number) -> Tensor:
    """`input`, but not above `max`.

    >>> dl.clamp_max(dl.tensor([-2.0, 0.5]), 0)
    tensor([-2.,  0.])
    """
    return ops.clip(input, None, max)


clamp_max_ = in_place_form(clamp_max, into=np.minimum)


def where(
    condition: Tensor, input: Tensor | Number | None = None, other: Tensor | Number | None = None
) -> Any:
    """`input` where the condition holds, else `other`; for a condition alone, its indices.

    Raises:
        DTypeError: the condition is not bool.

    >>> x = dl.tensor([-1.0, 2.0])
    >>> dl.where(x > 0, x, 0.0)
    tensor([0., 2.])
    >>> dl.where(x > 0)
    (tensor([1]),)
    """
    if input is None and other is None:
        return tuple(map(wrap, in_order(np.nonzero(np.atleast_1d(condition.array)))))
    if input is None or other is None:
        raise TypeError("where(): give both `input` and `other`, or neither")
    if condition.dtype.kind != "b":
        raise DTypeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{condition.dtype}; "
            "compare it, or convert it with .bool()"
        )
    if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
        input = tensor_of(input)
    return ops.where(condition, input, other)


def nan_to_num(
    input: Tensor,
    nan: float | None = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """`input` with nan replaced by a number, and ±∞ by default by the largest finite ones.

    >>> dl.nan_to_num(dl.tensor([float("nan"), float("inf"), 1.0]), posinf=9.0)
    tensor([0., 9., 1.])
    """
    if input.dtype.kind != "f":
        return ops.copy(input)
    return ops.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


nan_to_num_ = in_place_form(nan_to_num)


clip, clip_ = clamp, clamp_  # PyTorch's second name
