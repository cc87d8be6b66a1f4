"""Several values reduced into each place: product, maximum or minimum.

The sum is `put_at`, which is linear. Here places are counted through the flattened tensor, so
that one operation works for every kind of index.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import GradientError
from dlframe.ops.elementwise import where
from dlframe.ops.indexing import replace_at, take_at
from dlframe.ops.op import op
from dlframe.ops.record import Array, TensorBase, unwrapped

__all__ = ["scatter_extreme", "scatter_prod"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

_EXTREMES = {"amax": np.maximum, "amin": np.minimum}


def _reduced(ufunc: Any, x: Array, src: Array, places: Array, first: Any) -> Array:
    """`x` with `ufunc` of all values that go to a place; `first`, if given, replaces `x` there."""
    out = x.reshape(-1).copy()
    if first is not None:
        out[places] = first
    ufunc.at(out, places.reshape(-1), src.reshape(-1))
    return out.reshape(x.shape)


def _taken(x: Any, places: Array) -> Any:
    return take_at(x.reshape(-1), index=places)


def _counted(x: Any, places: Array, size: int) -> Any:
    """For each place the number of the bools `x` that go there and are True."""
    return np.bincount(places.reshape(-1), unwrapped(x).reshape(-1), size)


# --- products ----------------------------------------------------------------------------------


@op(latex=r"x_i \prod_{\mathrm{index} = i} v")
def scatter_prod(x: Array, src: Array, *, places: Array, include_self: bool) -> Array:
    """Each element of `x` times the elements of `src` that go to its place."""
    return _reduced(np.multiply, x, src, places, None if include_self else 1)


@scatter_prod.vjp("x", latex=r"g_i \prod_{\mathrm{index} = i} v")
def _(g, src, shape, dtype, *, places, include_self):
    # d(x Π s)/dx = Π s; without x itself, only places to which nothing goes depend on it
    if not include_self:
        return replace_at(g.reshape(-1), 0.0, index=places).reshape(shape)
    ones = np.ones(shape, dtype)
    return g * scatter_prod(ones, src, places=places, include_self=True)


@scatter_prod.vjp("src", latex=r"\frac{g_{\mathrm{index}} z_{\mathrm{index}}}{v}")
def _(g, x, src, out, *, places, include_self):
    # d(x Π s)/ds = (x Π s) / s; for the only zero among the factors, the product of the others
    zero = unwrapped(src) == 0
    zeros = _counted(zero, places, math.prod(x.shape))
    alone = zero & (zeros[places] == 1)
    share = _taken(g * out, places) / where(zero, 1.0, src)
    if not zero.any():
        return share
    others = scatter_prod(x, where(alone, 1.0, src), places=places, include_self=include_self)
    share = where(alone, _taken(g * others, places), share)
    several = bool((zeros > 1).any()) and isinstance(g, TensorBase)
    return once(share) if several else share


@op(latex="x")
def once(x: Array) -> Array:
    """`x`, which may be differentiated once only: its formula is wrong for second derivatives."""
    return x.copy()


@once.vjp("x", latex=r"\mathrm{undefined}")
def _(g):
    # d²(a b c)/(da db) = c also where a = b = 0, which (a b c) / a does not say
    raise GradientError(
        "scatter_reduce(): Double backward is unsupported for src when more than one zero in src "
        "is scattered to the same position in self"
    )


# --- extremes ----------------------------------------------------------------------------------


@op(latex=r"\max(x_i, \max_{\mathrm{index} = i} v)")
def scatter_extreme(
    x: Array, src: Array, *, places: Array, reduce: str, include_self: bool
) -> Array:
    """The largest ("amax") or smallest ("amin") of all values that go to a place."""
    first = None
    if not include_self:
        first = _least(x.dtype) if reduce == "amax" else _greatest(x.dtype)
    return _reduced(_EXTREMES[reduce], x, src, places, first)


def _least(dtype: Any) -> Any:
    return -math.inf if dtype.kind == "f" else False if dtype.kind == "b" else np.iinfo(dtype).min


def _greatest(dtype: Any) -> Any:
    return math.inf if dtype.kind == "f" else True if dtype.kind == "b" else np.iinfo(dtype).max


def _shares(
    x: Array, src: Array, out: Array, places: Array, include_self: bool
) -> tuple[Array, Array]:
    """The part of its gradient that each element of `x` and of `src` gets: ties share evenly."""
    hit_x, hit_src = x == out, src == out.reshape(-1)[places]
    if not include_self:
        hit_x.reshape(-1)[places] = False
        untouched = np.ones(x.size, bool)
        untouched[places] = False
        hit_x |= untouched.reshape(x.shape)
    n = hit_x + _counted(hit_src, places, x.size).reshape(x.shape)
    part = (1 / n).astype(out.dtype)
    return hit_x * part, hit_src * part.reshape(-1)[places]


@scatter_extreme.vjp(
    "x", latex=r"\frac{g_i [x_i = z_i]}{[x_i = z_i] + \sum_{\mathrm{index} = i} [v = z_i]}"
)
def _(g, x, src, out, *, places, include_self):
    # the elements that equal the extreme share the gradient; all others have no influence
    return g * _shares(unwrapped(x), unwrapped(src), unwrapped(out), places, include_self)[0]


@scatter_extreme.vjp(
    "src",
    latex=r"\frac{g_i [v_k = z_i]}{[x_i = z_i] + \sum_{\mathrm{index} = i} [v = z_i]},"
    r" \quad i = \mathrm{index}_k",
)
def _(g, x, src, out, *, places, include_self):
    # as for x: the elements that equal the extreme share the gradient
    share = _shares(unwrapped(x), unwrapped(src), unwrapped(out), places, include_self)[1]
    return _taken(g, places) * share
