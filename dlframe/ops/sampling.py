"""Sums of a few numbers at places that differ from point to point: sampling an image along a grid.

For each point there are some places (`taps`) and a weight for each; the value is the weighted sum.
The operation is linear in the image and in the weights, so its gradients are two more of the same
kind, and the three are each other's derivatives, as those of a convolution are.

Shapes: images (N, C, places), weights and taps (N, taps, points), values (N, C, points). A tap that
equals the number of places lies outside the image, where all is 0.
"""

from __future__ import annotations

import numpy as np

from dlframe.ops.op import op
from dlframe.ops.record import Array, unwrapped

__all__ = ["reflect", "sample_taps", "spread_taps", "weigh_taps"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

_BLOCK = 65536  # numbers that are found at once


@op(latex=r"\sum_k w_{ki} x_{p_{ki}}")
def sample_taps(x, weights, *, taps):
    """y[n, c, i] = Σ_k weights[n, k, i] · x[n, c, taps[n, k, i]]."""
    rows, flat = _rows(x), _flat(taps, x.shape[2] + 1)
    total = np.empty((len(x), taps.shape[2], x.shape[1]), np.result_type(x, weights))
    for part in _blocks(taps, x.shape[1]):
        found = np.take(rows, flat[part], 0)
        np.einsum("nki,nkic->nic", weights[part], found, out=total[part])
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
    size = places + 1
    out = np.zeros((n, channels, size), np.result_type(y, weights))
    memory, flat = out.reshape(-1), _flat(taps, channels * size).reshape(-1)
    for c in range(channels):  # the same places serve all channels: they differ in the start
        values = weights * y[:, c, None]
        np.add.at(memory[c * size :], flat, values.reshape(-1))
    return out[..., :places]


@spread_taps.vjp("y", latex=r"\sum_k w_{ki} g_{p_{ki}}")
def _(g, weights, *, taps):
    return sample_taps(g, weights, taps=taps)


@spread_taps.vjp("weights", latex=r"y_i g_{p_{ki}}")
def _(g, y, *, taps):
    return weigh_taps(y, g, taps=taps)


@op(latex=r"y_i x_{p_{ki}}")
def weigh_taps(y, x, *, taps):
    """The adjoint in the weights: w[n, k, i] = Σ_c y[n, c, i] · x[n, c, taps[n, k, i]]."""
    rows, flat = _rows(x), _flat(taps, x.shape[2] + 1)
    points = np.ascontiguousarray(y.swapaxes(1, 2))
    total = np.empty(taps.shape, np.result_type(y, x))
    for part in _blocks(taps, x.shape[1]):
        found = np.take(rows, flat[part], 0)
        np.einsum("nic,nkic->nki", points[part], found, out=total[part])
    return total


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


def _flat(taps: Array, size: int) -> Array:
    """The taps in a flattened array, in which each sample has that size."""
    return taps + np.arange(len(taps))[:, None, None] * size


def _blocks(taps: Array, channels: int) -> list[slice]:
    """A few samples at a time, so that the numbers found for their taps fit a processor's cache."""
    n = len(taps)
    step = max(1, _BLOCK * n // max(1, taps.size * channels))
    return [slice(a, a + step) for a in range(0, n, step)]


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
