"""Whole sequences of LSTM and GRU: for each step one product for each gate and one compiled pass.

Sequences do not meet, so each thread takes some of them through all steps. An LSTM does so without
Python. What is kept for the gradient is what `dlframe.ops.recurrent` keeps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from dlframe.base import blas, threads
from dlframe.kernels import Kernel
from dlframe.ops.sums import add

from dlframe_numba.compiling import loop
from dlframe_numba.mathematics import F, sigmoid, tanh
from dlframe_numba.products import gemm
from dlframe_numba.sharing import in_parts, shared

__all__ = ["gru_layer", "lstm_layer"]

# The order of the gates in memory, by their places in PyTorch's weights: those of an LSTM are
# i, f, g, o there and g, i, f, o here, as in `dlframe.ops.cells`.
_LSTM = (2, 0, 1, 3)
_BACK = (1, 2, 0, 3)
_FEW = 4  # sequences of a part, at least: products with fewer rows take as long
# A GRU's are r, u, n there. Here W_hh h gives n, r, u, and W_ih x gives r, u, n.
_OF_X, _OF_H, _OF_H_BACK = (0, 1, 2), (2, 0, 1), (1, 2, 0)


# z and dz have a matrix for each gate, with the rows of all steps; `first` is that of this step.
# The compiler works on eight numbers at once only where few arrays take part in a loop: it has to
# make sure that they do not overlap. So each row is gone through several times.


@loop
def _lstm_step(z, bias, c, new, t, out, first):
    """From z = W_ih x + W_hh h: the gates into z, then c', tanh c' and h'."""
    rows, n = c.shape
    for r in range(rows):
        at = first + r
        for j in range(n):
            z[0, at, j] = tanh(z[0, at, j] + bias[0, j])
        for k in range(1, 4):
            for j in range(n):
                z[k, at, j] = sigmoid(z[k, at, j] + bias[k, j])
        for j in range(n):
            new[r, j] = z[1, at, j] * z[0, at, j] + z[2, at, j] * c[r, j]
        for j in range(n):
            t[r, j] = tanh(new[r, j])
        for j in range(n):
            out[r, j] = z[3, at, j] * t[r, j]


@loop
def _lstm_back(dz, dc, z, c, t, dh, dout, first):
    """From the gradients of h' and c' those of z; dc becomes the gradient of c."""
    rows, n = c.shape
    for r in range(rows):
        at = first + r
        for j in range(n):
            dh[r, j] += dout[r, j]
        for j in range(n):
            dc[r, j] += dh[r, j] * z[3, at, j] * (F(1) - t[r, j] * t[r, j])
        for j in range(n):
            o = z[3, at, j]
            dz[3, at, j] = dh[r, j] * t[r, j] * o * (F(1) - o)
        for j in range(n):
            g = z[0, at, j]
            dz[0, at, j] = dc[r, j] * z[1, at, j] * (F(1) - g * g)
        for j in range(n):
            i = z[1, at, j]
            dz[1, at, j] = dc[r, j] * z[0, at, j] * i * (F(1) - i)
        for j in range(n):
            f = z[2, at, j]
            dz[2, at, j] = dc[r, j] * c[r, j] * f * (F(1) - f)
        for j in range(n):
            dc[r, j] *= z[2, at, j]


@in_parts
def _lstm_steps(
    first, last, number, z, weight, bias, before_c, after_c, t, before_h, after_h, sequences,
    reverse, parts,
):  # fmt: skip
    """All steps of some of the sequences; z = W_ih x becomes the gates."""
    rows, size = z.shape[1], z.shape[2]
    steps, one = rows // sequences, F(1)
    for part in range(first, last):
        a, b = sequences * part // parts, sequences * (part + 1) // parts
        for step in range(steps):
            at = (steps - 1 - step if reverse else step) * sequences + a
            end = at + b - a
            for k in range(4):
                gemm(
                    z, (k * rows + at) * size, size, before_h, at * size, size, False,
                    weight, k * size * size, size, False, b - a, size, size, one, one,
                )  # fmt: skip
            _lstm_step(z, bias, before_c[at:end], after_c[at:end], t[at:end], after_h[at:end], at)


@in_parts
def _lstm_steps_back(
    first, last, number, dz, dh, dc, weight, z, before_c, t, dout, sequences, reverse, parts
):
    rows, size = z.shape[1], z.shape[2]
    steps = rows // sequences
    for part in range(first, last):
        a, b = sequences * part // parts, sequences * (part + 1) // parts
        for step in range(steps):
            at = (step if reverse else steps - 1 - step) * sequences + a
            end = at + b - a
            _lstm_back(dz, dc[a:b], z, before_c[at:end], t[at:end], dh[a:b], dout[at:end], at)
            for k in range(4):
                gemm(
                    dh, a * size, size, dz, (k * rows + at) * size, size, False,
                    weight, k * size * size, size, False, b - a, size, size, F(1),
                    F(1) if k else F(0),
                )  # fmt: skip


@in_parts
def _of_inputs(first, last, number, z, x, weight):
    """z = W_ih x, gate by gate."""
    rows, size, features = z.shape[1], z.shape[2], x.shape[1]
    for k in range(first, last):
        gemm(
            z, k * rows * size, size, x, 0, features, False,
            weight, k * size * features, features, True, rows, size, features, F(1), F(0),
        )  # fmt: skip


@in_parts
def _of_weights(first, last, number, dw_ih, dw_hh, dz, x, h):
    """The gradients of W_ih, then those of W_hh, gate by gate."""
    gates, rows, size = dz.shape
    features = x.shape[1]
    for i in range(first, last):
        k = i % gates
        if i < gates:
            gemm(
                dw_ih, k * size * features, features, dz, k * rows * size, size, True,
                x, 0, features, False, size, features, rows, F(1), F(0),
            )  # fmt: skip
        else:
            gemm(
                dw_hh, k * size * size, size, dz, k * rows * size, size, True,
                h, 0, size, False, size, size, rows, F(1), F(0),
            )  # fmt: skip


@loop
def _gru_step(z, zh, bias, h, out, first):
    """z is (·, r, u, n) of W_ih x and becomes (W_hh h of n, r, u, n); zh is (n, r, u) of W_hh h."""
    rows, n = h.shape
    for i in range(rows):
        at = first + i
        for j in range(n):
            z[0, at, j] = zh[0, i, j] + bias[0, j]
        for k in range(1, 3):
            for j in range(n):
                z[k, at, j] = sigmoid(z[k, at, j] + zh[k, i, j] + bias[k, j])
        for j in range(n):
            z[3, at, j] = tanh(z[3, at, j] + bias[3, j] + z[1, at, j] * z[0, at, j])
        for j in range(n):
            out[i, j] = z[3, at, j] + z[2, at, j] * (h[i, j] - z[3, at, j])


@loop
def _gru_back(dz, direct, z, h, dh, dout, first):
    """The gradients of z, and what goes to h without a weight."""
    rows, n = h.shape
    for i in range(rows):
        at = first + i
        for j in range(n):
            dh[i, j] += dout[i, j]
        for j in range(n):
            u = z[2, at, j]
            direct[i, j] = dh[i, j] * u
        for j in range(n):
            u = z[2, at, j]
            dz[2, at, j] = dh[i, j] * (h[i, j] - z[3, at, j]) * u * (F(1) - u)
        for j in range(n):
            new = z[3, at, j]
            dz[3, at, j] = dh[i, j] * (F(1) - z[2, at, j]) * (F(1) - new * new)
        for j in range(n):
            dz[0, at, j] = dz[3, at, j] * z[1, at, j]
        for j in range(n):
            r = z[1, at, j]
            dz[1, at, j] = dz[3, at, j] * z[0, at, j] * r * (F(1) - r)


@loop
def _add_parts(out, parts):
    """The sum of the three parts, one for each gate."""
    rows, n = out.shape
    for i in range(rows):
        for j in range(n):
            out[i, j] = parts[0, i, j] + parts[1, i, j] + parts[2, i, j]


# --- what both share ---------------------------------------------------------------------------


def _is_known(*arrays: Any) -> bool:
    return all(
        x is None or (x.dtype == np.float32 and x.flags.c_contiguous and x.flags.writeable)
        for x in arrays
    )


def _arranged(weight: Any, order: tuple[int, ...]) -> Any:
    """A block of rows for each gate, in this order."""
    gates = len(order)
    blocks = weight.reshape(gates, len(weight) // gates, *weight.shape[1:])
    return np.ascontiguousarray(blocks[list(order)])


def _turned(blocks: Any) -> Any:
    """Each block transposed, in order in memory."""
    return np.ascontiguousarray(blocks.transpose(0, 2, 1))


def _together(blocks: Any, order: tuple[int, ...]) -> Any:
    """The blocks in this order, as one weight."""
    found = blocks[list(order)]
    return found.reshape(-1, *found.shape[2:])


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


def _parts(count: int) -> int:
    """How many parts of the sequences go through the steps at the same time."""
    return max(1, min(threads.number(), count // _FEW))


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
    size, count = h.shape[1], x.shape[1]
    rows = x.reshape(-1, x.shape[2])
    z = np.empty((4, len(rows), size), np.float32)
    bias = np.zeros((4, size), np.float32)
    if b_ih is not None:
        bias += _arranged(b_ih + b_hh, _LSTM)
    before_h, after_h = _history(x, h, reverse)
    before_c, after_c = _history(x, c, reverse)
    t = np.empty_like(after_c)
    weight = _turned(_arranged(w_hh, _LSTM))
    parts = _parts(count)
    with blas.alone():
        _of_inputs(4, rows.size * size / 16, z, rows, _arranged(w_ih, _LSTM))
        _lstm_steps(
            parts, z.size * size / parts / 16, z, weight, bias, before_c, after_c, t, before_h,
            after_h, count, bool(reverse), parts,
        )  # fmt: skip
    out = after_h.reshape(*x.shape[:2], size).copy()  # a write must not change what is kept
    arrays = [before_h, after_h, before_c, after_c, t]
    running = _last(after_h, x, reverse), _last(after_c, x, reverse)
    return (out, *running), (z, arrays)


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
    before_h, _, before_c, _, t = arrays
    if not _is_known(x, w_ih, w_hh, z, before_h, before_c, t, *g):
        return NotImplemented
    size, count = t.shape[1], x.shape[1]
    dout, dh, dc = g[0].reshape(-1, size), g[1].copy(), g[2].copy()
    dz = np.empty_like(z)
    parts = _parts(count)
    rows = x.reshape(-1, x.shape[2])
    dw_ih = np.empty((4, size, x.shape[2]), np.float32)
    dw_hh = np.empty((4, size, size), np.float32)
    with blas.alone():
        _lstm_steps_back(
            parts, z.size * size / parts / 16, dz, dh, dc, _arranged(w_hh, _LSTM), z, before_c, t,
            dout, count, bool(reverse), parts,
        )  # fmt: skip
        dx = _of_x(dz, _arranged(w_ih, _LSTM), x) if needs[0] else None
        if needs[3] or needs[4]:
            work = len(rows) * size * max(size, x.shape[2]) / 16
            _of_weights(8 if needs[4] else 4, work, dw_ih, dw_hh, dz, rows, before_h)
    dw_ih = _together(dw_ih, _BACK) if needs[3] else None
    dw_hh = _together(dw_hh, _BACK) if needs[4] else None
    db = _together(add(dz, 1), _BACK) if needs[5] or needs[6] else None
    other = db.copy() if needs[6] else None
    return dx, dh, dc, dw_ih, dw_hh, db if needs[5] else None, other, None


def _of_x(dz: Any, weight: Any, x: Any) -> Any:
    """The gradient of the input: the sum over the gates."""
    dx = np.dot(dz[0], weight[0])
    for part, w in zip(dz[1:], weight[1:], strict=True):
        dx += np.dot(part, w)
    return dx.reshape(x.shape)


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
    z = np.empty((4, len(rows), size), np.float32)
    np.matmul(rows, _turned(_arranged(w_ih, _OF_X)), out=z[1:])
    bias = np.zeros((4, size), np.float32)
    if b_ih is not None:
        bias[1:] += _arranged(b_ih, _OF_X)
        bias[:3] += _arranged(b_hh, _OF_H)
    before, after = _history(x, h, reverse)
    weight = _turned(_arranged(w_hh, _OF_H))

    def task(a: int, b: int) -> None:
        zh = np.empty((3, b - a, size), np.float32)
        for at in _walk(x, reverse, a, b):
            np.matmul(before[at], weight, out=zh)
            _gru_step(z, zh, bias, before[at], after[at], at.start)

    _by_sequences(task, x, size)
    out = after.reshape(*x.shape[:2], size).copy()
    return (out, _last(after, x, reverse)), (z, [before, after])


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
    if not _is_known(x, w_ih, w_hh, z, before, *g):
        return NotImplemented
    size = before.shape[1]
    dout, dh = g[0].reshape(-1, size), g[1].copy()
    dz, direct = np.empty_like(z), np.empty_like(dh)
    by_x, by_h = dz[1:], dz[:3]
    weight = _arranged(w_hh, _OF_H)

    def task(a: int, b: int) -> None:
        own, past = dh[a:b], direct[a:b]
        parts = np.empty((3, b - a, size), np.float32)
        for at in reversed(_walk(x, reverse, a, b)):
            _gru_back(dz, past, z, before[at], own, dout[at], at.start)
            np.matmul(by_h[:, at], weight, out=parts)
            _add_parts(own, parts)
            np.add(own, past, out=own)

    _by_sequences(task, x, size)
    rows = x.reshape(-1, x.shape[2])
    dx = _of_x(by_x, _arranged(w_ih, _OF_X), x) if needs[0] else None
    dw_ih = _together(np.matmul(by_x.swapaxes(1, 2), rows), _OF_X) if needs[2] else None
    dw_hh = _together(np.matmul(by_h.swapaxes(1, 2), before), _OF_H_BACK) if needs[3] else None
    db_ih = _together(add(by_x, 1), _OF_X) if needs[4] else None
    db_hh = _together(add(by_h, 1), _OF_H_BACK) if needs[5] else None
    return dx, dh, dw_ih, dw_hh, db_ih, db_hh


def _gru_values(*args: Any, **options: Any) -> Any:
    found = _gru(*args, **options)
    return found if found is NotImplemented else found[0]


gru_layer = Kernel(forward=_gru_values, fast_forward=_gru, fast_backward=_gru_slopes)
