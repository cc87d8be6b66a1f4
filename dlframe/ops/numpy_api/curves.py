"""NumPy's polynomials, interpolation and sequences between two ends, on tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, GradientError, ShapeError
from dlframe.ops.numpy_api.decompositions import lstsq
from dlframe.ops.numpy_api.elementwise import vander
from dlframe.ops.numpy_api.linalg import convolve, vectors
from dlframe.ops.numpy_api.shape import moveaxis
from dlframe.ops.numpy_api.support import array_like, array_likes, floating, rule_for
from dlframe.ops.record import to_array

# --- between two ends --------------------------------------------------------------------------


@rule_for("linspace")
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """start + t (stop - start) for `num` values of t from 0 to 1."""
    if num < 0:
        raise ArgumentError(f"np.linspace: num must not be negative, got {num}")
    start, stop = (floating(x, dtype) for x in array_likes((start, stop)))
    steps = num - 1 if endpoint else num
    step = (stop - start) / (steps or math.nan)
    out = start + (stop - start) / max(steps, 1) * _column(num, step)
    if endpoint and num > 1:
        out = _ending_in(out, stop)
    return (moveaxis(out, 0, axis), step) if retstep else moveaxis(out, 0, axis)


def _ending_in(out: Any, stop: Any) -> Any:
    """The values of `out`, the last one without the rounding of a computation."""
    last = ops.broadcast_to(stop, shape=(1, *out.shape[1:]))
    return ops.concatenate(out[:-1], last, axis=0)


def _column(num: int, like: Any) -> Any:
    """0, 1, 2 … along a new first axis, before the axes of `like`."""
    return np.arange(num, dtype=like.dtype).reshape((num,) + (1,) * len(like.shape))


@rule_for("logspace")
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """base to the powers that `linspace` gives."""
    exponents = linspace(start, stop, num, endpoint, dtype=dtype)
    return moveaxis(ops.power(base, exponents), 0, axis)


@rule_for("geomspace")
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """start (stop / start)^t for `num` values of t from 0 to 1."""
    start, stop = (floating(x, dtype) for x in array_likes((start, stop)))
    if (to_array(start) * to_array(stop) <= 0).any():
        raise DTypeError(
            "np.geomspace: the ends have different signs, so the numbers between are complex, "
            "which tensors cannot hold"
        )
    share = _column(num, start * stop) / max(num - 1 if endpoint else num, 1)
    out = start * ops.power(stop / start, share)
    return moveaxis(_ending_in(out, stop) if endpoint and num > 1 else out, 0, axis)


@rule_for("interp")
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """Linear between the two points of (xp, fp) around each x; constant outside all points."""
    x, xp, fp = (floating(v) for v in array_likes((x, xp, fp)))
    n = math.prod(xp.shape)
    if len(xp.shape) != 1 or xp.shape != fp.shape or not n:
        raise ShapeError(
            "np.interp: xp and fp must be vectors of one length of at least 1, got shapes "
            f"{list(xp.shape)} and {list(fp.shape)}"
        )
    if n == 1:  # the constant; a second point makes the piece that the formula needs
        xp, fp = ops.concatenate(xp, xp + 1.0, axis=0), ops.concatenate(fp, fp, axis=0)
    low = np.clip(np.searchsorted(to_array(xp), to_array(x), "right") - 1, 0, len(to_array(xp)) - 2)
    x0, x1, f0, f1 = (ops.take(v, i, axis=0) for v in (xp, fp) for i in (low, low + 1))
    out = f0 + (x - x0) * ((f1 - f0) / (x1 - x0))
    out = ops.where(to_array(x) < to_array(xp)[0], fp[0] if left is None else left, out)
    return ops.where(to_array(x) > to_array(xp)[-1], fp[-1] if right is None else right, out)


# --- polynomials: coefficients, the highest power first ----------------------------------------


@rule_for("polyadd")
def polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = _of_one_length(a1, a2)
    return a1 + a2


@rule_for("polysub")
def polysub(a1: Any, a2: Any) -> Any:
    a1, a2 = _of_one_length(a1, a2)
    return a1 - a2


def _of_one_length(a1: Any, a2: Any) -> list[Any]:
    parts = array_likes((a1, a2))
    n = max(len(p) for p in parts)
    return [ops.pad(p, pad_width=((n - len(p), 0),), value=0) for p in parts]


@rule_for("polymul")
def polymul(a1: Any, a2: Any) -> Any:
    """The coefficients of a product are a convolution."""
    return convolve(*(_without_leading_zeros(p) for p in array_likes((a1, a2))))


def _without_leading_zeros(p: Any) -> Any:
    return p[len(p) - max(1, len(np.trim_zeros(to_array(p), "f"))) :]


@rule_for("polydiv")
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """The quotient and the remainder, by long division."""
    u, v = (floating(p) for p in array_likes((u, v)))
    quotient = []
    rest = u
    for _ in range(len(u) - len(v) + 1):
        factor = rest[0] / v[0]
        quotient.append(factor)
        taken = ops.pad(v * factor, pad_width=((0, len(rest) - len(v)),), value=0)
        rest = (rest - taken)[1:]
    while len(rest) > 1 and np.allclose(to_array(rest)[0], 0, rtol=1e-14):
        rest = rest[1:]
    return ops.stack(*quotient) if quotient else u[:1] * 0, rest


@rule_for("polyder")
def polyder(p: Any, m: int = 1) -> Any:
    p = array_like(p)
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1, dtype=p.dtype)
    return p


@rule_for("polyint")
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The coefficients of the integral; `k` are the constants of its `m` steps."""
    p = floating(p)
    constants = np.broadcast_to(0.0 if k is None else to_array(k), m).astype(p.dtype)
    for i in range(m):
        p = ops.concatenate(p / np.arange(len(p), 0, -1, dtype=p.dtype), constants[i : i + 1])
    return p


@rule_for("poly")
def poly(seq_of_zeros: Any) -> Any:
    """The coefficients of Π (x - zero)."""
    zeros = floating(seq_of_zeros)
    if len(zeros.shape) != 1:
        raise GradientError(
            "np.poly has no gradient rule for a matrix, which needs its eigenvalues: "
            "use t.detach().numpy() for the values"
        )
    out: Any = np.ones(1, zeros.dtype)
    for i in range(len(zeros)):
        out = ops.pad(out, pad_width=((0, 1),), value=0) - ops.pad(
            out * zeros[i], pad_width=((1, 0),), value=0
        )
    return out


@rule_for("polyfit")
def polyfit(x: Any, y: Any, deg: int, rcond: Any = None) -> Any:
    """The polynomial of degree `deg` nearest to the points, by least squares."""
    x, y = (floating(v) for v in array_likes((x, y)))
    if len(x.shape) != 1 or not x.shape[0] or x.shape[:1] != y.shape[:1]:
        raise ShapeError(
            "np.polyfit: x must be a vector of at least one element, and y have as many rows; got "
            f"shapes {list(x.shape)} and {list(y.shape)}"
        )
    powers = vander(x, deg + 1)
    scale = ops.sqrt((powers * powers).sum(axis=0))  # columns of one length: well conditioned
    limit = len(to_array(x)) * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    found = lstsq(powers / scale, y, limit)[0]
    return found / (scale[:, None] if len(y.shape) == 2 else scale)


# --- windows of one series over another --------------------------------------------------------


@rule_for("correlate")
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """`out[k] = Σ a[i + k] v[i]`: a convolution with `v` turned around."""
    a, v = vectors("correlate", a, v)
    if len(a) < len(v):  # the result is that of the exchanged call, turned around
        return ops.flip(convolve(v, ops.flip(a, axis=0), mode), axis=0)
    return convolve(a, ops.flip(v, axis=0), mode)


# --- np.emath ----------------------------------------------------------------------------------


def _real_where(name: str, inside: Any, function: Any) -> None:
    """The rule of np.emath's function: where the result is real, that of the ordinary one."""

    def rule(x: Any) -> Any:
        x = floating(x)
        if not inside(to_array(x)).all():
            raise DTypeError(f"np.emath.{name}: the result is complex, which tensors cannot hold")
        return function(x)

    rule_for(f"emath.{name}")(rule)


_real_where("sqrt", lambda a: ~(a < 0), ops.sqrt)
_real_where("log", lambda a: ~(a < 0), ops.log)
_real_where("log2", lambda a: ~(a < 0), ops.log2)
_real_where("log10", lambda a: ~(a < 0), ops.log10)
_real_where("arcsin", lambda a: ~(abs(a) > 1), ops.arcsin)
_real_where("arccos", lambda a: ~(abs(a) > 1), ops.arccos)
_real_where("arctanh", lambda a: ~(abs(a) > 1), ops.arctanh)


@rule_for("emath.power")
def power(x: Any, p: Any) -> Any:
    x, p = (floating(v) for v in array_likes((x, p)))
    if (to_array(x) < 0).any():
        raise DTypeError("np.emath.power: the result is complex, which tensors cannot hold")
    return ops.power(x, p)


@rule_for("emath.logn")
def logn(n: Any, x: Any) -> Any:
    n, x = (floating(v) for v in array_likes((n, x)))
    if (to_array(x) < 0).any() or (to_array(n) < 0).any():
        raise DTypeError("np.emath.logn: the result is complex, which tensors cannot hold")
    return ops.log(x) / ops.log(n)
