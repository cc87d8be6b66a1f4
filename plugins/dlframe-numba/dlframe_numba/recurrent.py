"""Whole sequences of LSTM and GRU: for each step one product of matrices and one compiled pass.

Sequences do not meet, so each thread takes some of them through all steps. The products are
NumPy's. What is kept for the gradient is what `dlframe.ops.recurrent` keeps; only, the gates of one
sequence lie side by side in memory, so that one product serves all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from dlframe.kernels import Kernel
from dlframe.ops.sums import add

from dlframe_numba.compiling import loop
from dlframe_numba.mathematics import F, sigmoid, tanh
from dlframe_numba.sharing import shared

__all__ = ["gru_layer", "lstm_layer"]

# The order of the gates in memory, by their places in PyTorch's weights: those of an LSTM are
# i, f, g, o there and g, i, f, o here, as in `dlframe.ops.cells`.
_LSTM = (2, 0, 1, 3)
_BACK = (1, 2, 0, 3)
# A GRU's are r, u, n there. Here W_hh h gives n, r, u, and W_ih x gives r, u, n.
_OF_H, _OF_H_BACK = (2, 0, 1), (1, 2, 0)


@loop
def _lstm_step(z, zh, bias, c, new, t, out):
    """From z = W_ih x and zh = W_hh h: the gates into z, then c', tanh c' and h'."""
    rows, n = c.shape
    for r in range(rows):
        for j in range(n):
            g = tanh(z[r, 0, j] + zh[r, 0, j] + bias[0, j])
            i = sigmoid(z[r, 1, j] + zh[r, 1, j] + bias[1, j])
            f = sigmoid(z[r, 2, j] + zh[r, 2, j] + bias[2, j])
            o = sigmoid(z[r, 3, j] + zh[r, 3, j] + bias[3, j])
            z[r, 0, j] = g
            z[r, 1, j] = i
            z[r, 2, j] = f
            z[r, 3, j] = o
            cell = f * c[r, j] + i * g
            new[r, j] = cell
            size = tanh(cell)
            t[r, j] = size
            out[r, j] = o * size


@loop
def _lstm_back(dz, dc, z, c, t, dh, dout):
    """From the gradients of h' and c' those of z; dc becomes the gradient of c."""
    rows, n = c.shape
    for r in range(rows):
        for j in range(n):
            g = z[r, 0, j]
            i = z[r, 1, j]
            f = z[r, 2, j]
            o = z[r, 3, j]
            d = dh[r, j] + dout[r, j]
            size = t[r, j]
            by_c = dc[r, j] + d * o * (F(1) - size * size)
            dz[r, 0, j] = by_c * i * (F(1) - g * g)
            dz[r, 1, j] = by_c * g * i * (F(1) - i)
            dz[r, 2, j] = by_c * c[r, j] * f * (F(1) - f)
            dz[r, 3, j] = d * size * o * (F(1) - o)
            dc[r, j] = by_c * f


@loop
def _gru_step(z, zh, bias, h, out):
    """z is (·, r, u, n) of W_ih x and becomes (W_hh h of n, r, u, n); zh is (n, r, u) of W_hh h."""
    rows, n = h.shape
    for k in range(rows):
        for j in range(n):
            hn = zh[k, 0, j] + bias[0, j]
            r = sigmoid(z[k, 1, j] + zh[k, 1, j] + bias[1, j])
            u = sigmoid(z[k, 2, j] + zh[k, 2, j] + bias[2, j])
            new = tanh(z[k, 3, j] + bias[3, j] + r * hn)
            z[k, 0, j] = hn
            z[k, 1, j] = r
            z[k, 2, j] = u
            z[k, 3, j] = new
            out[k, j] = new + u * (h[k, j] - new)


@loop
def _gru_back(dz, direct, z, h, dh, dout):
    """The gradients of z, and what goes to h without a weight."""
    rows, n = h.shape
    for k in range(rows):
        for j in range(n):
            hn = z[k, 0, j]
            r = z[k, 1, j]
            u = z[k, 2, j]
            new = z[k, 3, j]
            d = dh[k, j] + dout[k, j]
            dn = d * (F(1) - u) * (F(1) - new * new)
            dz[k, 0, j] = dn * r
            dz[k, 1, j] = dn * hn * r * (F(1) - r)
            dz[k, 2, j] = d * (h[k, j] - new) * u * (F(1) - u)
            dz[k, 3, j] = dn
            direct[k, j] = d * u


# --- what both share ---------------------------------------------------------------------------


def _is_known(*arrays: Any) -> bool:
    return all(
        x is None or (x.dtype == np.float32 and x.flags.c_contiguous and x.flags.writeable)
        for x in arrays
    )


def _arranged(weight: Any, order: tuple[int, ...]) -> Any:
    """The gates' rows in this order."""
    gates = len(order)
    blocks = weight.reshape(gates, len(weight) // gates, *weight.shape[1:])
    return np.ascontiguousarray(blocks[list(order)]).reshape(weight.shape)


def _history(x: Any, first: Any, reverse: bool) -> tuple[Any, Any]:
    """The states before and after each step, which share memory; the first one is filled in."""
    steps, n = x.shape[:2]
    memory = np.empty(((steps + 1) * n, first.shape[1]), np.float32)
    one, other = memory[: steps * n], memory[n:]
    before, after = (other, one) if reverse else (one, other)
    start = slice((steps - 1) * n, None) if reverse else slice(n)
    before[start] = first
    return before, after


def _walk(x: Any, reverse: bool, a: int, b: int) -> list[slice]:
    """The rows of sequences a to b at each step, in the order of the steps."""
    steps, n = x.shape[:2]
    rows = [slice(t * n + a, t * n + b) for t in range(steps)]
    return rows[::-1] if reverse else rows


def _last(after: Any, x: Any, reverse: bool) -> Any:
    """The state after the last step."""
    n = x.shape[1]
    return after[slice(n) if reverse else slice(len(after) - n, None)].copy()


def _by_sequences(task: Any, x: Any, size: int) -> None:
    shared(task, x.shape[1], cost=x.shape[0] * size * 8)


# --- LSTM --------------------------------------------------------------------------------------


def _lstm(
    x: Any,
    h: Any,
    c: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    w_hr: Any = None,
    *,
    sizes: Any = None,
    reverse: bool = False,
) -> Any:
    if w_hr is not None or sizes is not None or not x.size or x.ndim != 3:
        return NotImplemented
    if not _is_known(x, h, c, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    size = h.shape[1]
    rows = x.reshape(-1, x.shape[2])
    z = np.dot(rows, _arranged(w_ih, _LSTM).T).reshape(len(rows), 4, size)
    bias = np.zeros((4, size), np.float32)
    if b_ih is not None:
        bias += _arranged(b_ih + b_hh, _LSTM).reshape(4, size)
    before_h, after_h = _history(x, h, reverse)
    before_c, after_c = _history(x, c, reverse)
    t = np.empty_like(after_c)
    weight = np.ascontiguousarray(_arranged(w_hh, _LSTM).T)
    zh = np.empty((len(h), 4, size), np.float32)

    def task(a: int, b: int) -> None:
        part = zh[a:b]
        for at in _walk(x, reverse, a, b):
            np.dot(before_h[at], weight, out=part.reshape(b - a, 4 * size))
            _lstm_step(z[at], part, bias, before_c[at], after_c[at], t[at], after_h[at])

    _by_sequences(task, x, size)
    out = after_h.reshape(*x.shape[:2], size).copy()  # a write must not change what is kept
    arrays = [before_h, after_h, before_c, after_c, t]
    running = _last(after_h, x, reverse), _last(after_c, x, reverse)
    return (out, *running), (z.transpose(1, 0, 2), arrays)


def _lstm_slopes(
    g: Any,
    needs: Any,
    x: Any,
    w_ih: Any,
    w_hh: Any,
    w_hr: Any,
    residuals: Any,
    *,
    sizes: Any,
    reverse: bool,
) -> Any:
    z, arrays = residuals
    if w_hr is not None or sizes is not None or not x.size or x.ndim != 3:
        return NotImplemented
    z = z.transpose(1, 0, 2)
    before_h, _, before_c, _, t = arrays
    if not _is_known(x, w_ih, w_hh, z, before_h, before_c, t, *g):
        return NotImplemented
    size = t.shape[1]
    dout, dh, dc = g[0].reshape(-1, size), g[1].copy(), g[2].copy()
    dz = np.empty_like(z)
    weight = _arranged(w_hh, _LSTM)

    def task(a: int, b: int) -> None:
        by_h, by_c = dh[a:b], dc[a:b]
        for at in reversed(_walk(x, reverse, a, b)):
            _lstm_back(dz[at], by_c, z[at], before_c[at], t[at], by_h, dout[at])
            np.dot(dz[at].reshape(b - a, 4 * size), weight, out=by_h)

    _by_sequences(task, x, size)
    dz = dz.reshape(len(dz), 4 * size)
    dx = np.dot(dz, _arranged(w_ih, _LSTM)).reshape(x.shape) if needs[0] else None
    dw_ih = dw_hh = db = None
    if needs[3]:
        dw_ih = _arranged(np.dot(dz.T, x.reshape(-1, x.shape[2])), _BACK)
    if needs[4]:
        dw_hh = _arranged(np.dot(dz.T, before_h), _BACK)
    if needs[5] or needs[6]:
        db = _arranged(add(dz, 0), _BACK)
    other = db.copy() if needs[6] else None
    return dx, dh, dc, dw_ih, dw_hh, db if needs[5] else None, other, None


def _lstm_values(*args: Any, **options: Any) -> Any:
    found = _lstm(*args, **options)
    return found if found is NotImplemented else found[0]


lstm_layer = Kernel(forward=_lstm_values, fast_forward=_lstm, fast_backward=_lstm_slopes)

# --- GRU ---------------------------------------------------------------------------------------


def _gru(
    x: Any,
    h: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    *,
    sizes: Any = None,
    reverse: bool = False,
) -> Any:
    if sizes is not None or not x.size or x.ndim != 3:
        return NotImplemented
    if not _is_known(x, h, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    size = h.shape[1]
    rows = x.reshape(-1, x.shape[2])
    z = np.empty((len(rows), 4, size), np.float32)
    np.matmul(rows, w_ih.T, out=z.reshape(len(rows), 4 * size)[:, size:])
    bias = np.zeros((4, size), np.float32)
    if b_ih is not None:
        bias[1:] += b_ih.reshape(3, size)
        bias[:3] += _arranged(b_hh, _OF_H).reshape(3, size)
    before, after = _history(x, h, reverse)
    weight = np.ascontiguousarray(_arranged(w_hh, _OF_H).T)
    zh = np.empty((len(h), 3, size), np.float32)

    def task(a: int, b: int) -> None:
        part = zh[a:b]
        for at in _walk(x, reverse, a, b):
            np.dot(before[at], weight, out=part.reshape(b - a, 3 * size))
            _gru_step(z[at], part, bias, before[at], after[at])

    _by_sequences(task, x, size)
    out = after.reshape(*x.shape[:2], size).copy()
    return (out, _last(after, x, reverse)), (z.transpose(1, 0, 2), [before, after])


def _gru_slopes(
    g: Any,
    needs: Any,
    x: Any,
    w_ih: Any,
    w_hh: Any,
    residuals: Any,
    *,
    sizes: Any,
    reverse: bool,
) -> Any:
    z, (before, _) = residuals
    if sizes is not None or not x.size or x.ndim != 3:
        return NotImplemented
    z = z.transpose(1, 0, 2)
    if not _is_known(x, w_ih, w_hh, z, before, *g):
        return NotImplemented
    size = before.shape[1]
    dout, dh = g[0].reshape(-1, size), g[1].copy()
    dz, direct = np.empty_like(z), np.empty_like(dh)
    flat = dz.reshape(len(dz), 4 * size)
    by_x, by_h = flat[:, size:], flat[:, : 3 * size]
    weight = _arranged(w_hh, _OF_H)

    def task(a: int, b: int) -> None:
        own, past = dh[a:b], direct[a:b]
        for at in reversed(_walk(x, reverse, a, b)):
            _gru_back(dz[at], past, z[at], before[at], own, dout[at])
            np.matmul(by_h[at], weight, out=own)
            np.add(own, past, out=own)

    _by_sequences(task, x, size)
    dx = np.matmul(by_x, w_ih).reshape(x.shape) if needs[0] else None
    dw_ih = dw_hh = db_ih = db_hh = None
    if needs[2]:
        dw_ih = np.matmul(by_x.T, x.reshape(-1, x.shape[2]))
    if needs[3]:
        dw_hh = _arranged(np.matmul(by_h.T, before), _OF_H_BACK)
    if needs[4] or needs[5]:
        total = add(flat, 0)
        db_ih = total[size:].copy() if needs[4] else None
        db_hh = _arranged(total[: 3 * size], _OF_H_BACK) if needs[5] else None
    return dx, dh, dw_ih, dw_hh, db_ih, db_hh


def _gru_values(*args: Any, **options: Any) -> Any:
    found = _gru(*args, **options)
    return found if found is NotImplemented else found[0]


gru_layer = Kernel(forward=_gru_values, fast_forward=_gru, fast_backward=_gru_slopes)
