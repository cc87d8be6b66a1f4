"""The cells of recurrent networks: one step of a sequence, and the derivative of the step.

Each is written twice. `step` and `back` read as in the papers, and work on tensors as well, so that
derivatives of all orders come from them; gates are blocks of columns, in PyTorch's order.
`fast_step`, `slopes` and `fast_back` give the same numbers in place. There each gate is a matrix of
its own, and their order puts side by side what is treated alike. The weights are halved where a
sigmoid follows: σ(x) = ½ + ½ tanh(x / 2), so one tanh serves all gates. What the way back needs of
the way forward are slopes, by which gradients are multiplied: they are computed for all steps at
once, which takes fewer calls.

Letters: zx = W_ih x + b_ih and zh = W_hh h + b_hh; h is the state, and c the second one of an LSTM;
dh is the gradient by h.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe.ops.activation import relu, through_relu
from dlframe.ops.exponential import sigmoid
from dlframe.ops.shape import concatenate
from dlframe.ops.trigonometric import tanh

__all__ = ["GRU", "LSTM", "RELU", "TANH", "Cell"]

# mypy: disable-error-code="no-untyped-def"
# (arguments are typed by their names: see above)


class Cell:
    """What `dlframe.ops.recurrent` asks of a cell."""

    gates = 1  # blocks of rows in the weights
    states = 1  # 1 for h, 2 for h and c
    matrices = 1  # how many the fast step works on
    of_x = of_h = slice(0, 1)  # which of them W_ih x gives, and which W_hh h
    x_order: Sequence[int] = (0,)  # the gate in each of these
    h_order: Sequence[int] = (0,)
    halved: Sequence[int] = ()  # the gates that are sigmoids
    kept = 0  # how many arrays like the state the fast step fills for the way back
    more = 0  # how many slopes there are besides those of z
    direct = False  # whether h goes into the next h without a weight, too

    # Each cell defines, with its own number of states:
    #   step(zx, zh, *state) -> the next state, and notes for `back`
    #   back(notes, *gradients of the next state) -> the gradients of zx and zh, that of h past zh
    #       or None, and that of c, if there is one
    #   fast_step(z, *arrays): from z = zx + zh fill the next state, and turn z into the gates
    #   slopes(dz, z, *arrays): fill dz with the slopes of the next state by z, of all steps
    #   fast_back(dz, z, dh, dc): turn slopes into gradients; dh and dc become what goes to the
    #       step before past zh.
    # `arrays` are h before and after the step, then c before and after, then what is `kept`.
    step: Callable[..., Any]
    back: Callable[..., Any]
    fast_step: Callable[..., None]
    slopes: Callable[..., None]
    fast_back: Callable[..., None]


def _blocks(z: Any, count: int) -> list[Any]:
    """The blocks of columns."""
    n = z.shape[-1] // count
    return [z[:, i * n : (i + 1) * n] for i in range(count)]


# --- Elman's -----------------------------------------------------------------------------------


class _Tanh(Cell):
    """h' = tanh(zx + zh) (Elman 1990)."""

    def step(self, zx, zh, h):
        h = tanh(zx + zh)
        return (h,), h

    def back(self, notes, dh):
        h = notes
        dz = dh * (1.0 - h * h)
        return dz, dz, None

    def fast_step(self, z, h, out):
        np.tanh(z[0], out=out)

    def slopes(self, dz, z, h, out):
        np.multiply(out, out, out=dz[0])
        np.subtract(1, dz, out=dz)

    def fast_back(self, dz, z, dh):
        dz *= dh


class _Relu(Cell):
    """h' = max(0, zx + zh)."""

    def step(self, zx, zh, h):
        h = relu(zx + zh)
        return (h,), h

    def back(self, notes, dh):
        dz = through_relu(dh, notes)
        return dz, dz, None

    def fast_step(self, z, h, out):
        np.maximum(z[0], 0, out=out)

    def slopes(self, dz, z, h, out):
        np.not_equal(out, 0, out=dz[0], casting="unsafe")

    def fast_back(self, dz, z, dh):
        dz[0] = through_relu(dh, dz[0])


# --- with gates --------------------------------------------------------------------------------


class _Lstm(Cell):
    """c' = f c + i g and h' = o tanh(c') (Hochreiter and Schmidhuber 1997).

    i, f, o = σ(zx + zh) and g = tanh(zx + zh), each of its own block of rows in the weights.
    """

    gates, matrices, states = 4, 4, 2
    of_x = of_h = slice(0, 4)
    x_order = h_order = (2, 0, 1, 3)  # g, i, f, o
    halved = (0, 1, 3)
    kept = 1  # tanh(c')
    more = 1  # of h' by c'

    def step(self, zx, zh, h, c):
        i, f, g, o = _blocks(zx + zh, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        new = f * c + i * g
        t = tanh(new)
        return (o * t, new), (i, f, g, o, c, t)

    def back(self, notes, dh, dc):
        i, f, g, o, c, t = notes
        dc = dc + dh * o * (1.0 - t * t)
        di, df = dc * g * i * (1.0 - i), dc * c * f * (1.0 - f)
        dg, do = dc * i * (1.0 - g * g), dh * t * o * (1.0 - o)
        dz = concatenate(di, df, dg, do, axis=1)
        return dz, dz, None, dc * f

    def fast_step(self, z, h, out, c, new, t):
        np.tanh(z, out=z)
        sigmoids = z[1:]
        sigmoids *= 0.5
        sigmoids += 0.5
        g, i, f, o = z
        np.multiply(f, c, out=new)
        np.multiply(i, g, out=t)
        new += t
        np.tanh(new, out=t)
        np.multiply(o, t, out=out)

    def slopes(self, dz, z, h, out, c, new, t):
        # as in `back`, with x - x y for x (1 - y): fewer passes over memory
        (g, i, f, o), (dg, di, df, do, by_c) = z, dz
        np.multiply(i, g, out=di)
        np.multiply(di, g, out=dg)
        np.subtract(i, dg, out=dg)  # i (1 - g²)
        np.multiply(di, i, out=df)
        di -= df  # g i (1 - i)
        np.multiply(c, f, out=do)
        np.multiply(do, f, out=df)
        np.subtract(do, df, out=df)  # c f (1 - f)
        np.multiply(out, t, out=by_c)
        np.subtract(o, by_c, out=by_c)  # o (1 - t²), as out = o t
        np.multiply(out, o, out=do)
        np.subtract(out, do, out=do)  # t o (1 - o)

    def fast_back(self, dz, z, dh, dc):
        by_h, by_c = dz[3:], dz[:3]
        by_h *= dh
        dc += by_h[1]
        by_c *= dc
        dc *= z[2]


class _Gru(Cell):
    """h' = (1 - u) n + u h, with u the update gate, usually z (Cho et al. 2014).

    r, u = σ(zx + zh) and n = tanh(zx + r zh), each of its own block of rows in the weights.
    """

    gates, matrices = 3, 4
    of_h, of_x = slice(0, 3), slice(1, 4)  # zh of n, r and u, and zx of n
    h_order, x_order = (2, 0, 1), (0, 1, 2)
    halved = (0, 1)
    direct = True

    def step(self, zx, zh, h):
        (xr, xu, xn), (hr, hu, hn) = _blocks(zx, 3), _blocks(zh, 3)
        r, u = sigmoid(xr + hr), sigmoid(xu + hu)
        n = tanh(xn + r * hn)
        return (n + u * (h - n),), (r, u, n, h, hn)

    def back(self, notes, dh):
        r, u, n, h, hn = notes
        dn = dh * (1.0 - u) * (1.0 - n * n)
        dr, du = dn * hn * r * (1.0 - r), dh * (h - n) * u * (1.0 - u)
        dx, dzh = concatenate(dr, du, dn, axis=1), concatenate(dr, du, dn * r, axis=1)
        return dx, dzh, dh * u

    def fast_step(self, z, h, out):
        hn, r, u, n = z
        sigmoids = z[1:3]
        np.tanh(sigmoids, out=sigmoids)
        sigmoids *= 0.5
        sigmoids += 0.5
        np.multiply(r, hn, out=out)
        n += out
        np.tanh(n, out=n)
        np.subtract(h, n, out=out)
        out *= u
        out += n

    def slopes(self, dz, z, h, out):
        (hn, r, u, n), (dhn, dr, du, dn) = z, dz
        np.multiply(n, n, out=dhn)
        np.subtract(1, dhn, out=dhn)
        np.multiply(dhn, u, out=dn)
        np.subtract(dhn, dn, out=dn)  # (1 - u) (1 - n²)
        np.subtract(h, n, out=dr)
        dr *= u
        np.multiply(dr, u, out=du)
        np.subtract(dr, du, out=du)  # (h - n) u (1 - u)
        np.multiply(dn, r, out=dhn)
        np.multiply(dhn, hn, out=dr)
        dr -= dr * r  # dn hn r (1 - r)

    def fast_back(self, dz, z, dh):
        dz *= dh
        dh *= z[2]


TANH, RELU, LSTM, GRU = _Tanh(), _Relu(), _Lstm(), _Gru()
