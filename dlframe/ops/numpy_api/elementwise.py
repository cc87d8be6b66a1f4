"""NumPy's elementwise functions on tensors, and those ufuncs that are not ops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.numpy_api.support import (
    array_like,
    array_likes,
    floating,
    in_dtype,
    operands,
    rule_for,
)
from dlframe.ops.op import elementwise
from dlframe.ops.record import to_array
from dlframe.ops.steps import zero_gradient

# --- ufuncs that are not ops: a rule, or the formula in ops ------------------------------------


cbrt = elementwise(
    np.cbrt, floats=True, latex=r"\sqrt[3]{x}", x=lambda g, out: g / (3.0 * (out * out))
)
degrees = elementwise(
    np.degrees, floats=True, latex=r"\frac{180}{\pi} x", x=lambda g: g * (180 / math.pi)
)
radians = elementwise(
    np.radians, floats=True, latex=r"\frac{\pi}{180} x", x=lambda g: g * (math.pi / 180)
)
spacing = elementwise(np.spacing, floats=True, latex=r"\varepsilon(x)", x=zero_gradient)
# NumPy's, which is nan for nan; `ops.heaviside` is PyTorch's
heaviside = elementwise(
    np.heaviside,
    floats=True,
    latex="[x > 0] + y [x = 0]",
    x=zero_gradient,
    y=lambda g, x: g * (x == 0.0),
)


def divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """The whole quotient and the remainder."""
    x, y = operands(x, y)
    return ops.floor_divide(x, y), ops.remainder(x, y)


def modf(x: Any) -> tuple[Any, Any]:
    """The fractional and the whole part."""
    x = floating(x)
    whole = ops.trunc(x)
    return x - whole, whole


def float_power(x: Any, y: Any) -> Any:
    """x^y in float64."""
    return ops.power(in_dtype(x, np.float64), in_dtype(y, np.float64))


def ldexp(x: Any, y: Any) -> Any:
    """x · 2^y for whole numbers y."""
    x = floating(x)
    return x * np.ldexp(np.ones((), x.dtype), to_array(y))


def matmul(x: Any, y: Any) -> Any:
    """The matrix product."""
    return ops.matmul(*array_likes((x, y)))


def matvec(x: Any, y: Any) -> Any:
    """Matrices times vectors, both in stacks."""
    x, y = array_likes((x, y))
    return ops.matmul(x, y[..., None])[..., 0]


def vecmat(x: Any, y: Any) -> Any:
    """Vectors times matrices, both in stacks."""
    x, y = array_likes((x, y))
    return ops.matmul(x[..., None, :], y)[..., 0, :]


def vecdot(x: Any, y: Any, *, axis: int = -1) -> Any:
    """Σ x y along an axis."""
    x, y = array_likes((x, y))
    if axis != -1:
        x, y = ops.swapaxes(x, axis1=axis, axis2=-1), ops.swapaxes(y, axis1=axis, axis2=-1)
    if x.shape[-1:] != y.shape[-1:] or not x.shape:
        raise ShapeError(
            f"np.vecdot: both need vectors of one length along axis {axis}, got shapes "
            f"{list(x.shape)} and {list(y.shape)}"
        )
    return ops.sum(x * y, axis=-1)


# --- functions ---------------------------------------------------------------------------------


@rule_for("real", "real_if_close")
def real(val: Any) -> Any:
    """The tensor itself: dlframe has no complex numbers."""
    return val


@rule_for("copy")
def copy(a: Any) -> Any:
    return ops.copy(a)


@rule_for("astype")
def astype(x: Any, dtype: Any) -> Any:
    return ops.cast(x, dtype=np.dtype(dtype))


@rule_for("clip")
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    a, low, high = array_like(a), *(x if x is None else operands(a, x)[1] for x in (low, high))
    return ops.clip(a, low, high)


@rule_for("where")
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return np.nonzero(to_array(condition))
    if x is None or y is None:
        raise ArgumentError("np.where: either both or neither of x and y should be given")
    return ops.where(to_array(condition), *operands(x, y))


@rule_for("select")
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ArgumentError(
            f"np.select: {len(condlist)} conditions for {len(choicelist)} choices; each has one"
        )
    out, *choices = operands(default, *choicelist)
    for condition, choice in reversed(list(zip(condlist, choices))):
        out = ops.where(to_array(condition), choice, out)
    return out


@rule_for("full_like")
def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    size = np.broadcast_shapes(to_array(a).shape if shape is None else shape)
    filled = in_dtype(fill_value, to_array(a).dtype if dtype is None else dtype)
    return ops.copy(ops.broadcast_to(filled, shape=size))


@rule_for("round", "around")
def round(a: Any, decimals: int = 0) -> Any:
    """Halves to the even neighbour; the gradient is zero. Bools stay bools."""
    a = array_like(a)
    if a.dtype.kind == "b":
        return ops.copy(a)
    if a.dtype.kind != "f":
        return wrap(np.round(to_array(a), decimals))
    return ops.round_to(a, decimals) if decimals else ops.rint(a)


@rule_for("fix")
def fix(x: Any) -> Any:
    return ops.trunc(array_like(x))


@rule_for("nan_to_num")
def nan_to_num(x: Any, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    return ops.nan_to_num(array_like(x), nan=nan, posinf=posinf, neginf=neginf)


@rule_for("sinc")
def sinc(x: Any) -> Any:
    return ops.sinc(array_like(x))


@rule_for("i0")
def i0(x: Any) -> Any:
    return ops.i0(array_like(x))


@rule_for("unwrap")
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    """Whole periods are added, so that neighbours do not jump; they are constants for gradients."""
    p = floating(p)
    a = to_array(p)
    return p + (np.unwrap(a, discont, axis, period=period) - a).astype(a.dtype)


@rule_for("polyval")
def polyval(p: Any, x: Any) -> Any:
    """p[0] xⁿ⁻¹ + … + p[n-1], by Horner's rule."""
    p, x = array_likes((p, x))
    out = x * 0
    for i in range(p.shape[0]):
        out = out * x + p[i]
    return out


@rule_for("vander")
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The columns 1, x, x² … in falling order of powers, or rising."""
    x = array_like(x)
    if len(x.shape) != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    return ops.vander(x, n=x.shape[0] if N is None else N, increasing=increasing)
