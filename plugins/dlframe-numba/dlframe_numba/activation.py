"""Activations and their gradients, in one pass over memory each.

The formulas are those of `dlframe.ops.activation`; each is a function of one number here.
"""

from __future__ import annotations

import math
from typing import Any

from dlframe.kernels import Kernel

from dlframe_numba.compiling import formula
from dlframe_numba.mathematics import F, erf, exp, expm1
from dlframe_numba.mathematics import sigmoid as sigmoid_of
from dlframe_numba.mathematics import tanh as tanh_of
from dlframe_numba.sharing import computed, in_slices

__all__ = ["elu", "gelu", "leaky_relu", "mish", "relu", "sigmoid", "silu", "tanh"]

# --- relu and its relatives --------------------------------------------------------------------


@in_slices()
def _relu(out, x):
    for i in range(x.size):
        out[i] = F(0) if x[i] <= F(0) else x[i]  # nan stays


@in_slices()
def _relu_slope(dx, g, out):
    for i in range(g.size):
        dx[i] = F(0) if out[i] == F(0) else g[i]  # 0 also for an infinite g, as in the rule


@in_slices()
def _leaky_relu(out, x, slope):
    for i in range(x.size):
        out[i] = x[i] * slope if x[i] <= F(0) else x[i]


@in_slices()
def _leaky_relu_slope(dx, g, x, slope):
    for i in range(g.size):
        dx[i] = g[i] * (F(1) if x[i] > F(0) else slope)


@in_slices()
def _elu(out, x, alpha):
    for i in range(x.size):
        out[i] = alpha * expm1(x[i]) if x[i] <= F(0) else x[i]


@in_slices()
def _elu_slope(dx, g, x, alpha):
    for i in range(g.size):
        dx[i] = g[i] * (alpha * exp(x[i]) if x[i] <= F(0) else F(1))


relu = Kernel(
    forward=lambda x: computed(_relu, x),
    fast_backward=lambda g, needs, out: computed(_relu_slope, g, out, gradient=True),
    smallest=8192,
)


def _leaky_relu_back(g: Any, needs: Any, x: Any, *, negative_slope: float) -> Any:
    return computed(_leaky_relu_slope, g, x, gradient=True, options=(negative_slope,))


def _elu_back(g: Any, needs: Any, x: Any, *, alpha: float) -> Any:
    return computed(_elu_slope, g, x, gradient=True, options=(alpha,))


leaky_relu = Kernel(
    forward=lambda x, *, negative_slope=0.01: computed(_leaky_relu, x, options=(negative_slope,)),
    fast_backward=_leaky_relu_back,
)
elu = Kernel(
    forward=lambda x, *, alpha=1.0: computed(_elu, x, options=(alpha,), cost=2),
    fast_backward=_elu_back,
)

# --- with exponentials -------------------------------------------------------------------------


@in_slices()
def _sigmoid(out, x):
    for i in range(x.size):
        out[i] = sigmoid_of(x[i])


@in_slices()
def _sigmoid_slope(dx, g, out):
    for i in range(g.size):
        dx[i] = g[i] * (out[i] * (F(1) - out[i]))


@in_slices()
def _tanh(out, x):
    for i in range(x.size):
        out[i] = tanh_of(x[i])


@in_slices()
def _tanh_slope(dx, g, out):
    for i in range(g.size):
        dx[i] = g[i] * (F(1) - out[i] * out[i])


@in_slices()
def _silu(out, x):
    for i in range(x.size):
        out[i] = x[i] * sigmoid_of(x[i])


@in_slices()
def _silu_kept(out, kept, x):
    for i in range(x.size):
        s = sigmoid_of(x[i])
        kept[i] = s
        out[i] = x[i] * s


@in_slices()
def _silu_slope(dx, g, x, kept):
    for i in range(g.size):
        s = kept[i]
        dx[i] = g[i] * (s * (F(1) + x[i] * (F(1) - s)))


@formula
def _tanh_of_softplus(x):
    # with e = eˣ: tanh(ln(1 + e)) = (e² + 2e) / (e² + 2e + 2)
    e = exp(min(x, F(20)))
    n = e * (e + F(2))
    return n / (n + F(2))


@in_slices()
def _mish(out, x):
    for i in range(x.size):
        out[i] = x[i] * _tanh_of_softplus(x[i])


@in_slices()
def _mish_slope(dx, g, x):
    for i in range(g.size):
        t = _tanh_of_softplus(x[i])
        dx[i] = g[i] * (t + x[i] * sigmoid_of(x[i]) * (F(1) - t * t))


sigmoid = Kernel(
    forward=lambda x: computed(_sigmoid, x, cost=2),
    fast_backward=lambda g, needs, out: computed(_sigmoid_slope, g, out, gradient=True),
)
tanh = Kernel(
    forward=lambda x: computed(_tanh, x, cost=3),
    fast_backward=lambda g, needs, out: computed(_tanh_slope, g, out, gradient=True),
    smallest=8192,
)
silu = Kernel(
    forward=lambda x: computed(_silu, x, cost=2),
    fast_forward=lambda x: computed(_silu_kept, x, kept=True, cost=2),
    fast_backward=lambda g, needs, x, residuals: computed(
        _silu_slope, g, x, residuals, gradient=True
    ),
)
mish = Kernel(
    forward=lambda x: computed(_mish, x, cost=2),
    fast_backward=lambda g, needs, x: computed(_mish_slope, g, x, gradient=True, cost=4),
)

# --- gelu --------------------------------------------------------------------------------------

_ROOT_HALF = F(math.sqrt(0.5))
_BY_ROOT_2PI = F(1 / math.sqrt(2 * math.pi))
_INNER = F(math.sqrt(2 / math.pi))
_CUBE = F(0.044715)


@formula
def _normal(x):
    """Φ(x)."""
    return F(0.5) * (F(1) + erf(x * _ROOT_HALF))


@formula
def _nearly_normal(x):
    """Φ(x) by tanh."""
    return F(0.5) * (F(1) + tanh_of(_INNER * (x + _CUBE * (x * x * x))))


@in_slices()
def _gelu(out, x):
    for i in range(x.size):
        out[i] = x[i] * _normal(x[i])


@in_slices()
def _gelu_kept(out, kept, x):
    for i in range(x.size):
        phi = _normal(x[i])
        kept[i] = phi
        out[i] = x[i] * phi


@in_slices()
def _gelu_slope(dx, g, x, phi):
    # d x Φ(x) = Φ(x) + x φ(x)
    for i in range(g.size):
        dx[i] = g[i] * (phi[i] + x[i] * (exp(F(-0.5) * (x[i] * x[i])) * _BY_ROOT_2PI))


@in_slices()
def _gelu_by_tanh(out, x):
    for i in range(x.size):
        out[i] = x[i] * _nearly_normal(x[i])


@in_slices()
def _gelu_by_tanh_kept(out, kept, x):
    for i in range(x.size):
        phi = _nearly_normal(x[i])
        kept[i] = phi
        out[i] = x[i] * phi


@in_slices()
def _gelu_by_tanh_slope(dx, g, x, phi):
    # Φ = (1 + tanh u) / 2, so Φ' = 2 Φ (1 - Φ) u'
    for i in range(g.size):
        inner = _INNER * (F(1) + F(3) * _CUBE * (x[i] * x[i]))
        dx[i] = g[i] * (phi[i] + x[i] * (F(2) * phi[i] * (F(1) - phi[i])) * inner)


_GELU = {
    "none": (_gelu, _gelu_kept, _gelu_slope),
    "tanh": (_gelu_by_tanh, _gelu_by_tanh_kept, _gelu_by_tanh_slope),
}


def _gelu_forward(x: Any, *, approximate: str = "none") -> Any:
    if approximate not in _GELU:
        return NotImplemented
    return computed(_GELU[approximate][0], x, cost=3)


def _gelu_fast_forward(x: Any, *, approximate: str = "none") -> Any:
    if approximate not in _GELU:
        return NotImplemented
    return computed(_GELU[approximate][1], x, kept=True, cost=3)


def _gelu_back(g: Any, needs: Any, x: Any, residuals: Any, *, approximate: str) -> Any:
    return computed(_GELU[approximate][2], g, x, residuals, gradient=True, cost=3)


gelu = Kernel(forward=_gelu_forward, fast_forward=_gelu_fast_forward, fast_backward=_gelu_back)
