"""Sums of a few numbers at places that differ from point to point: sampling an image along a grid.

For each point there are some places (`taps`) and a weight for each; the value is the weighted sum.
The operation is linear in the image and in the weights, so its gradients are two more of the same
kind, and the three are each other's derivatives, as those of a convolution are.

Shapes: images (N, C, places), weights and taps (N, taps, points), values (N, C, points). A tap that
equals the number of places lies outside the image, where all is 0.
"""

from __future__ import annotations

import numpy as np

from dlframe.ops.indexing import add_to_rows
from dlframe.ops.op import op
from dlframe.ops.record import Array, unwrapped

__all__ = ["reflect", "sample_taps", "spread_taps", "weigh_taps"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


@op(latex=r"\sum_k w_{ki} x_{p_{ki}}")
def sample_taps(x, weights, *, taps):
    """y[n, c, i] = Σ_k weights[n, k, i] · x[n, c, taps[n, k, i]]."""
    rows, flat = _rows(x), _flat(taps, x.shape[2])
    total = weights[:, 0, :, None] * np.take(rows, flat[:, 0], 0)
    for k in range(1, taps.shape[1]):
        total += weights[:, k, :, None] * np.take(rows, flat[:, k], 0)
    return total.swapaxes(1, 2)


@sample_taps.vjp("x", latex=r"\sum_{p_{ki} = j} w_{ki} g_i")
def _(g, weights, shape, *, taps):
    return spread_taps(g, weights, taps=taps, places=shape[2])


@sample_taps.vjp("weights", latex=r"g_i x_{p_{ki}}")
def _(g, x, *, taps):
    return weigh_taps(g, x, taps=taps)


@op(latex=r"\sum_{p_{ki} = j} w_{ki} y_i")
def spread_taps(y, weights, *, taps, places):
    """The adjoint of sample_taps in its image: what each point got goes back to its taps."""
    n, channels = y.shape[:2]
    points = np.ascontiguousarray(y.swapaxes(1, 2))
    out = np.zeros((n * (places + 1), channels), np.result_type(y, weights))
    flat = _flat(taps, places)
    for k in range(weights.shape[1]):
        values = weights[:, k, :, None] * points
        add_to_rows(out, flat[:, k].reshape(-1), values.reshape(-1, channels))
    return out.reshape(n, places + 1, channels)[:, :places].swapaxes(1, 2)


@spread_taps.vjp("y", latex=r"\sum_k w_{ki} g_{p_{ki}}")
def _(g, weights, *, taps):
    return sample_taps(g, weights, taps=taps)


@spread_taps.vjp("weights", latex=r"y_i g_{p_{ki}}")
def _(g, y, *, taps):
    return weigh_taps(y, g, taps=taps)


@op(latex=r"y_i x_{p_{ki}}")
def weigh_taps(y, x, *, taps):
    """The adjoint in the weights: w[n, k, i] = Σ_c y[n, c, i] · x[n, c, taps[n, k, i]]."""
    rows, flat = _rows(x), _flat(taps, x.shape[2])
    points = np.ascontiguousarray(y.swapaxes(1, 2))
    found = [np.vecdot(points, np.take(rows, flat[:, k], 0)) for k in range(taps.shape[1])]
    return np.stack(found, axis=1)


@weigh_taps.vjp("y", latex=r"\sum_k g_{ki} x_{p_{ki}}")
def _(g, x, *, taps):
    return sample_taps(x, g, taps=taps)


@weigh_taps.vjp("x", latex=r"\sum_{p_{ki} = j} g_{ki} y_i")
def _(g, y, shape, *, taps):
    return spread_taps(y, g, taps=taps, places=shape[2])


def _rows(x: Array) -> Array:
    """A row of channels for each place of a sample, and one of zeros for all outside."""
    n, channels, places = x.shape
    rows = np.zeros((n, places + 1, channels), x.dtype)
    rows[:, :places] = x.swapaxes(1, 2)
    return rows.reshape(n * (places + 1), channels)


def _flat(taps: Array, places: int) -> Array:
    """The rows of the taps."""
    return taps + np.arange(len(taps))[:, None, None] * (places + 1)


# --- places beyond the edges -------------------------------------------------------------------


@op(order="K", latex=r"\mathrm{fold}(x)")
def reflect(x, *, low, high):
    """`x` folded back into low … high, as between two mirrors."""
    return reflected(x, low, high)[0]


@reflect.vjp("x", latex=r"\pm g")
def _(g, x, *, low, high):
    return g * reflected(unwrapped(x), low, high)[1]


def reflected(x: Array, low: float, high: float) -> tuple[Array, Array]:
    """The folded places, and the sign of their slope."""
    if low == high:
        return np.full_like(x, low), np.zeros_like(x)
    span, distance = high - low, abs(x - low)
    turns = np.floor(distance / span)
    rest = distance - turns * span
    even = turns % 2 == 0
    place = np.where(even, rest + low, span - rest + low)
    sign = np.where(even, 1, -1) * np.where(x < low, -1, 1)
    return place.astype(x.dtype, copy=False), sign.astype(x.dtype)
