"""NumPy's differences, derivatives and integrals of sampled functions on tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dlframe import ops
from dlframe.ops.numpy_api.support import array_like, floating, in_dtype, rule_for
from dlframe.ops.record import to_array


@rule_for("diff")
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """`a[i+1] - a[i]` along an axis, `n` times."""
    a = array_like(a)
    if n == 0:
        return a  # without the ends, as in NumPy
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    if not a.shape:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = normalize_axis_index(axis, len(a.shape))
    one = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    ends = [x if x is None else array_like(x, a) for x in (prepend, append)]
    first, last = (x if x is None or x.shape else ops.broadcast_to(x, shape=one) for x in ends)
    pieces = [x for x in (first, a, last) if x is not None]
    whole = ops.concatenate(*pieces, axis=axis) if len(pieces) > 1 else a
    return ops.diff(whole, n=n, axis=axis)


@rule_for("ediff1d")
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    steps = diff(ops.ravel(array_like(ary)))
    pieces = [array_like(x, steps) for x in (to_begin, steps, to_end) if x is not None]
    return ops.concatenate(*(ops.ravel(x) for x in pieces), axis=0)


@rule_for("gradient")
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Distances are numbers, coordinates vectors: one for all axes, or one for each."""
    f = floating(array_like(f))
    count = len(f.shape)
    places = tuple(range(count)) if axis is None else normalize_axis_tuple(axis, count)
    spacings = list(varargs) * len(places) if len(varargs) == 1 else list(varargs)
    if len(spacings) not in (0, len(places)):
        raise TypeError("invalid number of arguments")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    if any(f.shape[a] < edge_order + 1 for a in places):
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) "
            "elements are required."
        )
    # the result has the dtype of f, whatever that of the coordinates
    steps = [in_dtype(s, f.dtype) if np.ndim(to_array(s)) else s for s in spacings]
    rows = zip(places, steps or [1.0] * len(places))
    out = [ops.sampled_derivative(f, step, axis=a, edge_order=edge_order) for a, step in rows]
    return out[0] if len(out) == 1 else tuple(out)


@rule_for("trapezoid", "trapz")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Σ (y[i] + y[i+1]) · (x[i+1] - x[i]) / 2, computed in this order, as NumPy does.

    PyTorch has another formula for samples at one distance, so `ops.trapezoid` gives other numbers.
    """
    y = floating(y)
    place = normalize_axis_index(axis, len(y.shape))
    widths: Any = dx
    if x is not None:
        x = array_like(x, y)
        widths = diff(x, axis=axis if len(x.shape) > 1 else 0)
        if len(x.shape) == 1:
            widths = ops.reshape(widths, shape=(*widths.shape, *(1,) * (len(y.shape) - 1 - place)))
    elif isinstance(dx, (list, tuple)):
        widths = array_like(dx, y)
    return ops.sum(ops.pair_sums(y, place) * widths / 2.0, axis=place)
