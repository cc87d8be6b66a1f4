"""Describes an array in a line: shape, dtype, the range of its numbers, and which are infinite."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.ops.batched import all_examples
from dlframe.ops.record import Array, unwrapped


def values_of(value: Any) -> Any:
    """The array of a tensor, of all examples within a `vmap`; anything else as it is."""
    return all_examples(unwrapped(value))


def describe(value: Any) -> str:
    """Shape, dtype and statistics of an array; a number as it is.

    >>> describe(np.array([1.0, np.nan, 3.0]))
    'float64 [3], min 1, max 3, mean 2, 1 nan (first at [1])'
    """
    if not isinstance(value, (np.ndarray, np.generic)):
        return repr(value) if isinstance(value, (bool, int, float)) else type(value).__name__
    array = np.asarray(value)
    return ", ".join([f"{array.dtype} {list(array.shape)}", *statistics(array)])


def statistics(array: Array) -> list[str]:
    """The parts of `describe` after the shape: of the finite numbers, then of the others."""
    if not array.size:
        return ["empty"]
    if array.dtype.kind == "b":
        return [f"{int(array.sum())} true"]
    finite = array[np.isfinite(array)].astype(np.float64) if array.dtype.kind == "f" else array
    parts = []
    if array.size == 1 and finite.size:
        parts.append(f"value {finite.item():.6g}")
    elif finite.size:
        parts += [
            f"min {finite.min():.4g}",
            f"max {finite.max():.4g}",
            f"mean {finite.mean(dtype=np.float64):.4g}",
        ]
    if array.dtype.kind != "f":
        return parts
    return parts + [text for text in (counted("nan", array), counted("inf", array)) if text]


def counted(what: str, array: Any) -> str:
    """The number of values that are "nan" or "inf", and the first place; "" if there are none.

    >>> counted("inf", np.array([0.0, -np.inf])), counted("inf", np.array([-np.inf, np.inf]))
    ('1 -inf (first at [1])', '2 ±inf (first at [0])')
    """
    found = np.isnan(array) if what == "nan" else np.isinf(array)
    count = int(np.count_nonzero(found))
    if not count:
        return ""
    if what == "inf" and (array[found] < 0).any():
        what = "±inf" if (array[found] > 0).any() else "-inf"
    first = [int(i) for i in np.unravel_index(int(found.argmax()), found.shape)]
    return f"{count} {what} (first at {first})" if found.ndim else f"{count} {what}"
