"""Steps of optimizers: one pass over parameters, gradients and state, for a dozen of NumPy's.

They round as dlframe's own steps do, so a run with this package and one without agree to the last
bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from dlframe.kernels import Kernel

from dlframe_numba.compiling import exact

__all__ = ["SGD", "Adam"]


@exact
def _adam(p, g, m, v, near, weight, beta2, share, step_size, correction, eps):
    for i in range(p.size):
        if near:  # m + weight (g - m)
            m[i] += (g[i] - m[i]) * weight
        else:  # the same, from the nearer end
            m[i] = g[i] - (g[i] - m[i]) * weight
        v[i] = v[i] * beta2 + g[i] * share * g[i]
        p[i] -= m[i] * step_size / (np.sqrt(v[i]) / correction + eps)


@exact
def _momentum(p, g, b, lr, kept, new_share, nesterov):
    for i in range(p.size):
        b[i] = b[i] * kept + g[i] * new_share
        step = g[i] + b[i] * kept if nesterov else b[i]
        p[i] -= step * lr


@exact
def _first_momentum(p, g, b, lr, kept, nesterov):
    for i in range(p.size):
        b[i] = g[i]
        step = g[i] + b[i] * kept if nesterov else b[i]
        p[i] -= step * lr


@exact
def _plain(p, g, lr):
    for i in range(p.size):
        p[i] -= g[i] * lr


def _are_known(*arrays: Any) -> bool:
    dtype = arrays[0].dtype
    if dtype != np.float32 and dtype != np.float64:
        return False
    return all(
        x.dtype == dtype and x.ndim == 1 and x.flags.c_contiguous and x.flags.writeable
        for x in arrays
    )


def _update_adam(
    p: Any,
    g: Any,
    m: Any,
    v: Any,
    v_max: Any,
    u: Any,
    w: Any,
    beta1: float,
    beta2: float,
    step_size: Any,
    correction2_sqrt: Any,
    eps: Any,
) -> Any:
    if v_max is not None or not _are_known(p, g, m, v):
        return NotImplemented
    number = p.dtype.type
    near = 1 - beta1 < 0.5
    weight = number(1 - beta1 if near else 1 - (1 - beta1))
    shares = number(beta2), number(1 - beta2)
    _adam(p, g, m, v, near, weight, *shares, step_size, correction2_sqrt, eps)
    return None


def _update_sgd(
    p: Any,
    g: Any,
    b: Any,
    t: Any,
    u: Any,
    lr: Any,
    kept: Any,
    new_share: Any,
    fresh: bool,
    nesterov: bool,
) -> Any:
    if not _are_known(p, g, *(() if b is None else (b,))):
        return NotImplemented
    if b is None:
        _plain(p, g, lr)
    elif fresh:
        _first_momentum(p, g, b, lr, kept, bool(nesterov))
    else:
        _momentum(p, g, b, lr, kept, new_share, bool(nesterov))
    return None


Adam = Kernel(update=_update_adam, smallest=512)
SGD = Kernel(update=_update_sgd, smallest=2048)
