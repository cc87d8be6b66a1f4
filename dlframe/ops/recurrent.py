"""Recurrent layers: one direction of one layer over all steps of all sequences, as one operation.

A cell (`dlframe.ops.cells`) is its step and the derivative of its step. All else is shared and is
here: the loop over time, the direction, sequences of several lengths, the gradients of the weights.

What does not depend on the step before is left out of the loop. W_ih x is one product for all steps
before it; the gradients of the weights are one product each after the loop back in time, which is
back-propagation through time (Werbos 1990).

The rows of x are those of the first step, then those of the second, and so on. Where sequences
have several lengths, the longer ones come first, so those that still run are the first rows of the
state.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from dlframe.ops.cells import GRU, LSTM, RELU, TANH
from dlframe.ops.op import op
from dlframe.ops.reduction import sum
from dlframe.ops.shape import concatenate
from dlframe.ops.sums import add

__all__ = ["gru_layer", "lstm_layer", "rnn_layer"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

_CHUNK = 1 << 17  # numbers of all gates that are filled at once

Steps = list[tuple[int, int]]  # the first row of each step, and the first after it


def _steps(shape: tuple[int, ...], sizes: tuple[int, ...] | None, reverse: bool) -> Steps:
    """The rows of each step, in the order in which the steps are taken."""
    ends = np.cumsum((0, *((shape[1],) * shape[0] if sizes is None else sizes))).tolist()
    steps = list(pairwise(ends))
    return steps[::-1] if reverse else steps


def _rows(x: Any) -> Any:
    """The rows of a matrix, or of (steps, sequences, features)."""
    return x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


# --- as it reads -------------------------------------------------------------------------------


def _gradients(cell, g, x, state, weights, sizes, reverse):
    """The gradients of x, of the initial state and of the weights, on arrays or tensors."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    steps, rows = _steps(x.shape, sizes, reverse), _rows(x)
    zx = rows @ w_ih.swapaxes(0, 1)
    zx = zx if b_ih is None else zx + b_ih
    before, new, notes = [], [], []
    for a, b in steps:
        h, *c = (s[: b - a] for s in state)
        zh = h @ w_hh.swapaxes(0, 1)
        after, noted = cell.step(zx[a:b], zh if b_hh is None else zh + b_hh, h, *c)
        before.append(h)
        new.append(after[0])
        notes.append(noted)
        if w_hr is not None:
            after = (after[0] @ w_hr.swapaxes(0, 1), *after[1:])
        state = [_with_first(*pair) for pair in zip(state, after, strict=True)]
    dzx: list[Any] = []
    dzh: list[Any] = []
    dout: list[Any] = []
    rows_g, *d = g
    rows_g = _rows(rows_g)
    for (a, b), noted in zip(reversed(steps), reversed(notes), strict=True):
        dh, *dc = (s[: b - a] for s in d)
        dh = dh + rows_g[a:b]
        dout.insert(0, dh)
        one, other, direct, *dc = cell.back(noted, dh if w_hr is None else dh @ w_hr, *dc)
        dzx.insert(0, one)
        dzh.insert(0, other)
        dh = other @ w_hh if direct is None else other @ w_hh + direct
        d = [_with_first(*pair) for pair in zip(d, (dh, *dc), strict=True)]
    for_x = concatenate(*(dzx[::-1] if reverse else dzx), axis=0)
    for_h = concatenate(*dzh, axis=0)
    dw_ih = for_x.swapaxes(0, 1) @ rows
    dw_hh = for_h.swapaxes(0, 1) @ concatenate(*before, axis=0)
    dw_hr = None
    if w_hr is not None:
        dw_hr = concatenate(*dout, axis=0).swapaxes(0, 1) @ concatenate(*new, axis=0)
    dx = (for_x @ w_ih).reshape(x.shape)
    return dx, *d, dw_ih, dw_hh, sum(for_x, axis=0), sum(for_h, axis=0), dw_hr


def _with_first(x, new):
    """`x` with other first rows."""
    return new if len(new) == len(x) else concatenate(new, x[len(new) :], axis=0)


# --- in place ----------------------------------------------------------------------------------


def _forward(cell, x, state, weights, sizes, reverse):
    """The results, and what `_backward` needs."""
    if x.dtype == np.float16:  # sums in float16 would lose digits
        (x, *state), weights = _cast([x, *state], np.float32), _cast(weights, np.float32)
        out, residuals = _forward(cell, x, state, weights, sizes, reverse)
        return tuple(_cast(out, np.float16)), residuals
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    steps, rows = _steps(x.shape, sizes, reverse), _rows(x)
    z, pairs, kept = _arrays(cell, rows, state, weights, sizes, reverse)
    (h, out), *pairs_of_c = pairs
    new = out if w_hr is None else kept.pop()
    arrays = [h, new, *(array for pair in pairs_of_c for array in pair), *kept]
    fill = _inputs(cell, z, rows, w_ih, b_ih, b_hh)
    from_h, weight = z[cell.of_h], _turned(_arranged(w_hh, cell.h_order, cell.halved))
    zh = np.empty((len(weight), len(state[0]), z.shape[2]), z.dtype)
    running = [s.copy() for s in state]
    for group in _groups(steps, z):
        fill(_span(group))
        for a, b in group:
            n = b - a
            if sizes is not None or (a, b) == steps[0]:
                for (before, _), s in zip(pairs, running, strict=True):
                    before[a:b] = s[:n]
            part = from_h[:, a:b]
            part += np.matmul(h[a:b], weight, out=zh[:, :n])
            cell.fast_step(z[:, a:b], *[array[a:b] for array in arrays])
            if w_hr is not None:
                np.dot(new[a:b], w_hr.T, out=out[a:b])
            if sizes is not None or (a, b) == steps[-1]:
                for (_, after), s in zip(pairs, running, strict=True):
                    s[:n] = after[a:b]
    out = out.copy()  # a write to the result must not change what is kept
    return (out.reshape(*x.shape[:-1], out.shape[1]), *running), (z, arrays)


def _arrays(cell, rows, state, weights, sizes, reverse):
    """z, the states before and after each step, and what else is kept; not filled."""
    _, w_hh, _, _, w_hr = weights
    total, size = len(rows), w_hh.shape[0] // cell.gates
    # where all run to the end, a state is after one step and before the next in the same memory
    length = (len(state[0]) if sizes is None else total) + total
    z, *others = _room(
        rows.dtype,
        (cell.matrices, total, size),
        *[(length, s.shape[1]) for s in state],
        *[(total, size)] * (cell.kept + (w_hr is not None)),
    )
    ends = [(m[:total], m[length - total :]) for m in others[: cell.states]]
    pairs = [(last, first) if reverse else (first, last) for first, last in ends]
    return z, pairs, others[cell.states :]


def _room(dtype, *shapes):
    """Arrays of these shapes, in one piece of memory.

    When twice its largest piece is free, malloc returns memory to the system; to get it back, page
    by page, would take as long as the arithmetic here.
    """
    sizes = [math.prod(shape) for shape in shapes]
    ends = np.cumsum(sizes).tolist()
    memory = np.empty(ends[-1], dtype)
    return [
        memory[end - size : end].reshape(shape)
        for shape, size, end in zip(shapes, sizes, ends, strict=True)
    ]


def _groups(steps, z):
    """The steps in groups whose rows of z fit the cache, to be used again while they are there."""
    room = max(1, _CHUNK // max(1, z.shape[0] * z.shape[2]))  # rows
    per_step = max(1, *(b - a for a, b in steps)) if steps else 1
    count = max(1, room // per_step)
    return [steps[i : i + count] for i in range(0, len(steps), count)]


def _span(group):
    """The rows of these steps."""
    return slice(min(group[0][0], group[-1][0]), max(group[0][1], group[-1][1]))


def _inputs(cell, z, rows, w_ih, b_ih, b_hh):
    """A function that writes W_ih x and both biases into some rows of z."""
    weight, first = _turned(_arranged(w_ih, cell.x_order, cell.halved)), cell.of_x.start
    bias = np.zeros((len(z), z.shape[2]), z.dtype)
    if b_ih is not None:
        bias[cell.of_x] = _arranged(b_ih, cell.x_order, cell.halved)
        bias[cell.of_h] += _arranged(b_hh, cell.h_order, cell.halved)
        # a feature that is always 1 adds the bias without another pass over z
        rows = np.concatenate([rows, np.ones((len(rows), 1), z.dtype)], axis=1)
        weight = np.concatenate([weight, bias[first:, None]], axis=1)
    alone, of_x = z[:first], z[cell.of_x]

    def fill(at):
        alone[:, at] = bias[:first, None]
        np.matmul(rows[at], weight, out=of_x[:, at])

    return fill


def _arranged(weight, order, halved=()):
    """The gates' blocks of rows in `order`, some of them times ½."""
    gates = len(order)
    blocks = weight.reshape(gates, len(weight) // gates, *weight.shape[1:])[list(order)]
    for i, gate in enumerate(order):
        if gate in halved:
            blocks[i] *= 0.5
    return blocks


def _arranged_back(blocks, order):
    """The gates' blocks of rows in PyTorch's order."""
    n, *shape = blocks.shape[1:]
    out = np.empty((len(order) * n, *shape), blocks.dtype)
    out.reshape(blocks.shape)[list(order)] = blocks
    return out


def _turned(blocks):
    """Each matrix transposed, in order in memory."""
    return np.ascontiguousarray(blocks.transpose(0, 2, 1))


def _cast(arrays, dtype):
    return [None if a is None else a.astype(dtype) for a in arrays]


def _backward(cell, g, needs, x, weights, residuals, sizes, reverse):
    """The gradients of all inputs that need one, as in `_gradients`."""
    if x.dtype == np.float16:
        (x, *g), weights = _cast([x, *g], np.float32), _cast(weights, np.float32)
        grads = _backward(cell, g, needs, x, weights, residuals, sizes, reverse)
        return _cast(grads, np.float16)
    w_ih, w_hh, w_hr = weights
    z, arrays = residuals
    steps, rows, dout = _steps(x.shape, sizes, reverse), _rows(x), _rows(g[0])
    weight = _arranged(w_hh, cell.h_order)
    d = [s.copy() for s in g[1:]]
    n, width = d[0].shape
    dz, dh_room = _room(z.dtype, (len(z) + cell.more, *z.shape[1:]), (len(weight), n, width))
    dzx, dzh = dz[cell.of_x], dz[cell.of_h]
    projected: Any = None if w_hr is None else np.empty((len(rows), width), z.dtype)
    for group in reversed(_groups(steps, z)):
        at = _span(group)
        cell.slopes(dz[:, at], z[:, at], *[array[at] for array in arrays])
        for a, b in reversed(group):
            n = b - a
            dh, *dc = [s[:n] for s in d]
            dh += dout[a:b]
            dm = dh
            if w_hr is not None:
                projected[a:b] = dh
                dm = dh.dot(w_hr)
            cell.fast_back(dz[:, a:b], z[:, a:b], dm, *dc)
            parts = np.matmul(dzh[:, a:b], weight, out=dh_room[:, :n])
            if cell.direct:
                dh += np.add.reduce(parts, axis=0)
            else:
                np.add.reduce(parts, axis=0, out=dh)
    dx: Any = None
    if needs[0]:
        parts = np.matmul(dzx, _arranged(w_ih, cell.x_order))
        dx = np.add.reduce(parts, axis=0).reshape(x.shape)
    needs = [*needs[1 + len(d) :], False, False, False]
    dw_ih = dw_hh = db_hh = dw_hr = None
    db_ih: Any = None
    if needs[0]:
        dw_ih = _arranged_back(np.matmul(dzx.swapaxes(1, 2), rows), cell.x_order)
    if needs[1]:
        dw_hh = _arranged_back(np.matmul(dzh.swapaxes(1, 2), arrays[0]), cell.h_order)
    if needs[2]:
        db_ih = _arranged_back(add(dzx, 1), cell.x_order)
    if needs[3]:
        same = db_ih is not None and cell.of_x == cell.of_h
        db_hh = db_ih.copy() if same else _arranged_back(add(dzh, 1), cell.h_order)
    if needs[4]:
        dw_hr = projected.T.dot(arrays[1])
    return dx, *d, dw_ih, dw_hh, db_ih, db_hh, dw_hr


# --- the operations ----------------------------------------------------------------------------


# The gradients in words of mathematics: δ is that by the sums W_ih x + b_ih + W_hh h + b_hh.
_LATEX = {
    "x": r"W_{ih}^\top \delta_t",
    "h": r"W_{hh}^\top \delta_1",
    "c": r"f_1 \frac{\partial L}{\partial c_1}",
    "w_ih": r"\sum_t \delta_t x_t^\top",
    "w_hh": r"\sum_t \delta_t h_{t-1}^\top",
    "b_ih": r"\sum_t \delta_t",
    "b_hh": r"\sum_t \delta_t",
    "w_hr": r"\sum_t \frac{\partial L}{\partial h_t} (o_t \tanh c_t)^\top",
}


def _rnn(relu):
    return RELU if relu else TANH


@op(latex=r"h_t = f(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})")
def rnn_layer(x, h, w_ih, w_hh, b_ih=None, b_hh=None, *, relu=False, sizes=None, reverse=False):
    """hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), or with max(0, ·); and the last h.

    x is (steps, sequences, features), or with `sizes`, the number of sequences that run at each
    step, (their sum, features). With `reverse` the last step is the first.
    """
    return _forward(_rnn(relu), x, [h], [w_ih, w_hh, b_ih, b_hh, None], sizes, reverse)[0]


@rnn_layer.vjp_of_all(_LATEX)
def _(g, x, h, w_ih, w_hh, b_ih, b_hh, *, relu, sizes, reverse):
    weights = (w_ih, w_hh, b_ih, b_hh, None)
    return _gradients(_rnn(relu), g, x, (h,), weights, sizes, reverse)[:6]


@rnn_layer.fast_forward
def _(x, h, w_ih, w_hh, b_ih, b_hh, *, relu=False, sizes=None, reverse=False):
    return _forward(_rnn(relu), x, [h], [w_ih, w_hh, b_ih, b_hh, None], sizes, reverse)


@rnn_layer.fast_backward
def _(g, needs, x, w_ih, w_hh, residuals, *, relu, sizes, reverse):
    return _backward(_rnn(relu), g, needs, x, [w_ih, w_hh, None], residuals, sizes, reverse)[:6]


@op(latex=r"h_t = o_t \tanh c_t, \quad c_t = f_t c_{t-1} + i_t g_t")
def lstm_layer(x, h, c, w_ih, w_hh, b_ih=None, b_hh=None, w_hr=None, *, sizes=None, reverse=False):
    """hₜ = oₜ tanh cₜ with cₜ = fₜ cₜ₋₁ + iₜ gₜ, times w_hr if there is one; and the last h and c.

    The rest is as in `rnn_layer`.
    """
    return _forward(LSTM, x, [h, c], [w_ih, w_hh, b_ih, b_hh, w_hr], sizes, reverse)[0]


@lstm_layer.vjp_of_all(_LATEX)
def _(g, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, *, sizes, reverse):
    weights = (w_ih, w_hh, b_ih, b_hh, w_hr)
    return _gradients(LSTM, g, x, (h, c), weights, sizes, reverse)


@lstm_layer.fast_forward
def _(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, *, sizes=None, reverse=False):
    return _forward(LSTM, x, [h, c], [w_ih, w_hh, b_ih, b_hh, w_hr], sizes, reverse)


@lstm_layer.fast_backward
def _(g, needs, x, w_ih, w_hh, w_hr, residuals, *, sizes, reverse):
    return _backward(LSTM, g, needs, x, [w_ih, w_hh, w_hr], residuals, sizes, reverse)


@op(latex=r"h_t = (1 - z_t) n_t + z_t h_{t-1}")
def gru_layer(x, h, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes=None, reverse=False):
    """hₜ = (1 - zₜ) nₜ + zₜ hₜ₋₁; and the last h. The rest is as in `rnn_layer`."""
    return _forward(GRU, x, [h], [w_ih, w_hh, b_ih, b_hh, None], sizes, reverse)[0]


@gru_layer.vjp_of_all(_LATEX)
def _(g, x, h, w_ih, w_hh, b_ih, b_hh, *, sizes, reverse):
    weights = (w_ih, w_hh, b_ih, b_hh, None)
    return _gradients(GRU, g, x, (h,), weights, sizes, reverse)[:6]


@gru_layer.fast_forward
def _(x, h, w_ih, w_hh, b_ih, b_hh, *, sizes=None, reverse=False):
    return _forward(GRU, x, [h], [w_ih, w_hh, b_ih, b_hh, None], sizes, reverse)


@gru_layer.fast_backward
def _(g, needs, x, w_ih, w_hh, residuals, *, sizes, reverse):
    return _backward(GRU, g, needs, x, [w_ih, w_hh, None], residuals, sizes, reverse)[:6]
