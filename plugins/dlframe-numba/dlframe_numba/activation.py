"""Activations and their gradients, in one pass over memory each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dlframe.kernels import Kernel

from dlframe_numba.compiling import formula, loop
from dlframe_numba.mathematics import F, erf, exp
from dlframe_numba.sharing import flat, flat_alike, shared

__all__ = ["gelu"]

_ROOT_HALF = F(math.sqrt(0.5))
_BY_ROOT_2PI = F(1 / math.sqrt(2 * math.pi))

# --- gelu --------------------------------------------------------------------------------------


@formula
def _normal(x):
    """Φ(x)."""
    return F(0.5) * (F(1) + erf(x * _ROOT_HALF))


@loop
def _gelu(out, x):
    for i in range(x.size):
        out[i] = x[i] * _normal(x[i])


@loop
def _gelu_kept(out, phi, x):
    for i in range(x.size):
        phi[i] = _normal(x[i])
        out[i] = x[i] * phi[i]


@loop
def _gelu_slope(dx, g, x, phi):
    # d x Φ(x) = Φ(x) + x φ(x)
    for i in range(x.size):
        dx[i] = g[i] * (phi[i] + x[i] * exp(F(-0.5) * x[i] * x[i]) * _BY_ROOT_2PI)


def _forward(x: Any, *, approximate: str = "none") -> Any:
    given = flat(x)
    if given is None or x.dtype != np.float32 or approximate != "none":
        return NotImplemented
    out = np.empty_like(x)
    found = flat(out)
    shared(lambda a, b: _gelu(found[a:b], given[a:b]), x.size, 4)
    return out


def _fast_forward(x: Any, *, approximate: str = "none") -> Any:
    given = flat(x)
    if given is None or x.dtype != np.float32 or approximate != "none":
        return NotImplemented
    out, phi = np.empty_like(x), np.empty_like(x)
    found, kept = flat(out), flat(phi)
    shared(lambda a, b: _gelu_kept(found[a:b], kept[a:b], given[a:b]), x.size, 4)
    return out, phi


def _fast_backward(g: Any, needs: Any, x: Any, residuals: Any, *, approximate: str) -> Any:
    given = flat_alike(g, x, residuals)
    if given is None or x.dtype != np.float32 or approximate != "none":
        return NotImplemented
    dx = np.empty_like(x)
    arrays = [flat(dx), *given]
    shared(lambda a, b: _gelu_slope(*[v[a:b] for v in arrays]), x.size, 4)
    return (dx,)


gelu = Kernel(forward=_forward, fast_forward=_fast_forward, fast_backward=_fast_backward)
