"""Evenly spaced numbers."""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

import numpy as np

from dlframe.base.quiet import quiet
from dlframe.dtypes import DType, as_dtype
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.record import Array
from dlframe.tensor import Tensor
from dlframe.tensor.creation.constants import float_dtype
from dlframe.tensor.devices import check_placement

__all__ = [
    "arange",
    "linspace",
    "logspace",
    "range",
]


@quiet
def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """start, start + step, … below `end`; int64 for integers, else the default dtype.

    `arange(end)` starts at 0. Floats are start + i · step in float64, rounded once; PyTorch adds
    the steps within a vector register in the dtype itself, so its last bits depend on the machine.

    >>> dl.arange(0, 1, 0.25)
    tensor([0.0000, 0.2500, 0.5000, 0.7500])
    """
    check_placement(device, layout, pin_memory)
    start, end, step = (
        _number(v) for v in ((0, start, step) if end is None else (start, end, step))
    )
    whole = all(isinstance(v, int) for v in (start, end, step))
    kind = np.dtype(np.int64) if dtype is None and whole else float_dtype(dtype)
    if kind.kind == "b":
        raise DTypeError("arange: there is no range of bools")
    length: float | None = None
    if kind.kind in "iu":
        if kind != np.int64 and step:  # PyTorch rounds after counting, except for int64
            length = (end - start) / step
        start, end, step = int(start), int(end), int(step)
    if not step or not (end - start) / step >= 0 or math.isinf(end - start):
        raise ArgumentError(
            f"arange: upper bound and lower bound inconsistent with step: from {start} to {end} in "
            f"steps of {step} there is no sequence"
        )
    count = math.ceil((end - start) / step if length is None else length)
    values = start + step * np.arange(count)
    return Tensor(values.astype(kind), requires_grad)


def range(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, … up to `end` itself, of floats; PyTorch deprecates it for `arange`.

    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     dl.range(1, 2.5, 0.5)
    tensor([1.0000, 1.5000, 2.0000, 2.5000])
    """
    warnings.warn(
        "range is deprecated and will be removed in a future release because its behavior is "
        "inconsistent with Python's range builtin. Instead, use arange, which produces values in "
        "[start, end).",
        UserWarning,
        stacklevel=2,
    )
    check_placement(device, layout)
    start, end, step = (
        _number(v) for v in ((0, start, step) if end is None else (start, end, step))
    )
    if not step or not (end - start) / step >= 0 or math.isinf(end - start):
        raise ArgumentError(
            f"range: upper bound and lower bound inconsistent with step: from {start} to {end} in "
            f"steps of {step} there is no sequence"
        )
    values = start + step * np.arange(math.floor((end - start) / step) + 1)
    return Tensor(values.astype(float_dtype(dtype)), requires_grad)


def _number(value: Any) -> Any:
    if isinstance(value, Tensor) and value.ndim:
        raise ShapeError(
            "linspace only supports 0-dimensional start and end tensors, but got one of shape "
            f"{list(value.shape)}"
        )
    return value.item() if isinstance(value, (Tensor, np.generic)) else value


@quiet
def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """`steps` values from `start` to `end`, both included.

    >>> dl.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_placement(device, layout, pin_memory)
    kind = float_dtype(dtype)
    return Tensor(_evenly(_number(start), _number(end), steps, kind).astype(kind), requires_grad)


@quiet
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """`base` to the power of `steps` exponents from `start` to `end`, both included.

    >>> dl.logspace(0, 3, 4, base=2)
    tensor([1., 2., 4., 8.])
    """
    check_placement(device, layout, pin_memory)
    exponents = _evenly(_number(start), _number(end), steps, as_dtype(np.float64))
    return Tensor((float(base) ** exponents).astype(float_dtype(dtype)), requires_grad)


def _evenly(start: Any, end: Any, steps: int, kind: DType) -> Array:
    """Evenly spaced values, to be rounded to `kind`.

    As in PyTorch, the first half counts from the start and the second half back from the end, with
    a step of the dtype `kind`. PyTorch multiplies and adds with one rounding; two operations in a
    wider type give the same.
    """
    steps = operator.index(steps)
    if steps < 0:
        raise ArgumentError(f"linspace: number of steps must be non-negative, got {steps}")
    if kind.kind == "b":
        raise DTypeError("linspace: there is no range of bools")
    own = kind if kind.kind == "f" else as_dtype(np.float64)
    wide: Any = {2: np.float16, 4: np.float64}.get(own.itemsize, np.longdouble)
    a, b = (own.type(kind.type(v)) for v in (start, end))
    if steps == 1:
        return np.array([a])
    step = wide((b - a) / own.type(steps - 1))
    i = np.arange(steps)
    forward: Array = wide(a) + step * i.astype(wide)
    backward: Array = wide(b) - step * (steps - 1 - i).astype(wide)
    return np.where(i < steps // 2, forward, backward).astype(own)
