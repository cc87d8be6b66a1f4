"""Checks of arguments that several functions share; most return the argument in its final form.

Checks of dims, sizes, dtypes and operands, for all functions of tensors, are in
`dlframe.tensor.arguments`.
"""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.autograd import is_grad_enabled
from dlframe.dtypes import promote_types
from dlframe.errors import ArgumentError, DTypeError, GradientError, LabelError, ShapeError
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.arguments import check_range, require_floats, require_tensor
from dlframe.tensor.creation import as_tensor

Shape = tuple[int, ...]


# --- shapes and dtypes -------------------------------------------------------------------------


def batched(name: str, nd: int, x: Any) -> Any:
    """`x` with a batch dimension in front, if it has none."""
    if len(x.shape) not in (nd + 1, nd + 2):
        raise ShapeError(
            f"{name}: expected {nd + 1}D (unbatched) or {nd + 2}D (batched) input, got "
            f"{list(x.shape)}; add missing dimensions with unsqueeze()"
        )
    return ops.expand_dims(x, axis=0) if len(x.shape) == nd + 1 else x


def sizes_of(name: str, argument: str, value: Any, nd: int, least: int = 1) -> tuple[int, ...]:
    """One integer per dimension, from one for all or one for each."""
    single = isinstance(value, (int, np.integer))
    listed = () if isinstance(value, str) else value
    try:
        values = (int(value),) * nd if single else tuple(map(operator.index, listed))
    except TypeError:
        raise TypeError(
            f"{name}: {argument} must be integers, got {value!r}; a / b is a float, a // b an "
            "integer"
        ) from None
    if len(values) == 1:
        values *= nd
    if len(values) != nd or any(v < least for v in values):
        raise ArgumentError(
            f"{name}: {argument} must be one integer of at least {least}, or {nd}, got {value}"
        )
    return values


def check_same_shape(name: str, input: Shape, target: Shape) -> None:
    """Raise unless both shapes are equal: nothing is broadcast."""
    if input != target:
        raise ShapeError(
            f"{name}: input and target must have the same shape, got input{list(input)} and "
            f"target{list(target)}; squeeze(), unsqueeze() or expand() one of them on purpose"
        )


def same_dtype(name: str, **tensors: Any) -> None:
    """Raise unless all given tensors have the same dtype."""
    found = {key: value.dtype for key, value in tensors.items() if value is not None}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{key} {dtype}" for key, dtype in found.items())
        raise DTypeError(
            f"{name}: expected all to have one dtype, got {listed}; convert with .to(dtype)"
        )


def pair(name: str, input: Any, target: Any) -> tuple[Any, Any]:
    """Both as tensors, checked to have one shape, in one float dtype."""
    if not hasattr(input, "shape"):
        require_tensor(name, "'input' (position 1)", input)
    if not isinstance(target, Tensor):
        target = as_tensor(target)
    check_same_shape(name, input.shape, target.shape)
    if input.dtype is not target.dtype:
        dtype = promote_types(input.dtype, target.dtype)
        input, target = input.to(dtype), target.to(dtype)
    require_floats(name, input)
    return input, target


def constant(name: str, what: str, value: Any) -> Array:
    """The array of an argument that has no gradient; raises if one is asked for."""
    if isinstance(value, Tensor) and value.requires_grad and is_grad_enabled():
        raise GradientError(
            f"{name}: not differentiable with respect to {what}, which requires grad; "
            f"pass {what}.detach()"
        )
    return to_array(value)


# --- labels ------------------------------------------------------------------------------------


def check_signs(name: str, targets: Array) -> None:
    """Raise a LabelError that names the first target that is neither -1 nor 1."""
    wrong = np.argwhere(np.abs(targets) != 1)
    if len(wrong):
        at = tuple(int(i) for i in wrong[0])
        raise LabelError(
            f"{name}: targets must be -1 or 1, got {targets[at]} at index {list(at)}; map 0 to -1 "
            "with 2 t - 1"
        )


def check_class_targets(name: str, input: Any, target: Any, ignore: int | None = None) -> Array:
    """The right class of each row of scores (N, C) or (C,), as int64 of shape (N,) or ()."""
    shape, labels = tuple(input.shape), to_array(target)
    if len(shape) not in (1, 2):
        raise ShapeError(f"{name}: expected scores of shape (N, C) or (C,), got {list(shape)}")
    if labels.shape != shape[:-1]:
        raise ShapeError(
            f"{name}: expected target size {list(shape[:-1])} for input{list(shape)}, one class "
            f"for each row, got target{list(labels.shape)}"
        )
    check_integers(name, labels)
    check_range(name, "Target", labels, shape[-1], "the input has {} classes", ignore)
    return np.asarray(labels, np.int64)


def check_integers(name: str, labels: Array) -> None:
    """Raise unless the labels are integers."""
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: expected class indices to be integers, got {labels.dtype}; convert them with "
            ".long()"
        )


# --- reductions --------------------------------------------------------------------------------


def reduction_of(name: str, size_average: Any, reduce: Any, reduction: str) -> str:
    """The reduction, checked; from PyTorch's former pair of flags if they are given."""
    if size_average is not None or reduce is not None:
        reduction = reduction_by_flags(size_average, reduce)
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(
            f"{name}: {reduction} is not a valid value for reduction; use 'mean', 'sum' or 'none'"
        )
    return reduction


def reduction_by_flags(size_average: Any, reduce: Any) -> str:
    """The reduction that PyTorch's former pair of flags stands for, with PyTorch's warning."""
    if isinstance(size_average, Tensor) or isinstance(reduce, Tensor):
        raise TypeError(
            "a loss is made first, with its settings, and then called with the tensors: "
            "nn.MSELoss()(input, target)"
        )
    reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        "size_average and reduce args will be deprecated, please use "
        f"reduction='{reduction}' instead.",
        stacklevel=4,
    )
    return reduction
