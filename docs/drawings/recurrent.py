"""Pictures of recurrent networks: unrolled steps, gates, packing, gradients against distance."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from dlframe.nn.utils.rnn import pack_sequence
from drawings.page import (
    BLUE,
    INK,
    LOOKS,
    MUTED,
    ORANGE,
    PAPER,
    arrow,
    axes_page,
    cells,
    note,
    plain_page,
)

PALE_BLUE, PALE_ORANGE, PALE_PINK = "#d5e3f3", "#fbe3c6", "#f3d3e0"


def box(
    axes: Any,
    x: float,
    y: float,
    text: str,
    shade: str = PAPER,
    width: float = 0.8,
    height: float = 0.42,
) -> None:
    """A labelled box around a middle."""
    from matplotlib.patches import FancyBboxPatch

    shape = FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=shade, edgecolor=INK, lw=1,
    )  # fmt: skip
    axes.add_patch(shape)
    note(axes, x, y, text)


def dot(axes: Any, x: float, y: float, text: str) -> None:
    """An operation in a circle."""
    from matplotlib.patches import Circle

    axes.add_patch(Circle((x, y), 0.14, facecolor=PAPER, edgecolor=INK, lw=1, zorder=3))
    note(axes, x, y, text, size=10, zorder=4)


def unrolled() -> Any:
    """One cell with its loop, and the same cell at four steps."""
    figure, axes = plain_page(7.4, 2.5)
    state = {"color": BLUE, "lw": 1.6}
    box(axes, 0.95, 1.25, "cell", PALE_BLUE, width=0.6)
    arrow(axes, (0.95, 2.1), (0.95, 1.48))
    arrow(axes, (0.95, 1.02), (0.95, 0.4))
    axes.plot([1.25, 1.6, 1.6, 0.3, 0.3], [1.25, 1.25, 0.72, 0.72, 1.25], **state)
    arrow(axes, (0.28, 1.25), (0.66, 1.25), **state)
    note(axes, 0.95, 2.25, "x")
    note(axes, 0.95, 0.25, "h")
    note(axes, 1.75, 0.95, "h", color=BLUE)
    note(axes, 2.2, 1.25, "=", size=16)
    for k, (before, after) in enumerate(pairwise("₀₁₂₃₄")):
        x = 3.4 + 1.1 * k
        box(axes, x, 1.25, "cell", PALE_BLUE, width=0.6)
        arrow(axes, (x, 2.1), (x, 1.48))
        arrow(axes, (x, 1.02), (x, 0.4))
        arrow(axes, (x - 0.8, 1.25), (x - 0.29, 1.25), **state)
        note(axes, x - 0.55, 1.05, f"h{before}", color=BLUE)
        note(axes, x, 2.25, f"x{after}")
        note(axes, x, 0.25, f"h{after}")
    arrow(axes, (7.0, 1.25), (7.35, 1.25), **state)
    return figure


def rnn() -> Any:
    """The one sum and the one function of a plain recurrent cell."""
    figure, axes = plain_page(6.4, 2.1)
    note(axes, 0.35, 0.6, "h", color=BLUE, size=11)
    note(axes, 0.35, 1.6, "x", size=11)
    box(axes, 1.7, 0.6, "V h", PALE_BLUE)
    box(axes, 1.7, 1.6, "W x + b", PAPER, width=0.95)
    arrow(axes, (0.5, 0.6), (1.28, 0.6), color=BLUE, lw=1.6)
    arrow(axes, (0.5, 1.6), (1.2, 1.6))
    dot(axes, 3.0, 0.6, "+")
    arrow(axes, (2.12, 0.6), (2.84, 0.6))
    axes.plot([2.2, 3.0], [1.6, 1.6], color=MUTED, lw=1.2)
    arrow(axes, (3.0, 1.6), (3.0, 0.76))
    box(axes, 4.2, 0.6, "tanh", PALE_ORANGE)
    arrow(axes, (3.16, 0.6), (3.78, 0.6))
    arrow(axes, (4.62, 0.6), (5.7, 0.6), color=BLUE, lw=1.6)
    note(axes, 5.87, 0.6, "h′", color=BLUE, size=11)
    note(axes, 4.9, 1.6, "all of h passes V and tanh at each step", size=8.5, color=MUTED)
    return figure


def lstm() -> Any:
    """The gates of an LSTM between c and h."""
    figure, axes = plain_page(7.0, 3.3)
    axes.plot([0.5, 6.5], [0.55, 0.55], color=ORANGE, lw=2.4, zorder=1)
    arrow(axes, (6.4, 0.55), (6.75, 0.55), color=ORANGE, lw=2.4)
    note(axes, 0.25, 0.55, "c", color=ORANGE, size=11)
    note(axes, 6.88, 0.55, "c′", color=ORANGE, size=11)
    gates = [
        (1.5, "f = σ", PALE_BLUE),
        (2.6, "i = σ", PALE_BLUE),
        (3.7, "g = tanh", PALE_ORANGE),
        (4.9, "o = σ", PALE_BLUE),
    ]
    for x, text, shade in gates:
        box(axes, x, 2.1, text, shade, width=0.9)
        arrow(axes, (x, 2.72), (x, 2.33))
    axes.plot([0.5, 4.9], [2.75, 2.75], color=MUTED, lw=1.2)
    note(axes, 0.25, 2.75, "h, x")
    note(axes, 2.7, 3.0, "W x + V h + b, one block of rows for each", size=8.5, color=MUTED)
    dot(axes, 1.5, 0.55, "×")
    arrow(axes, (1.5, 1.88), (1.5, 0.72))
    dot(axes, 3.15, 1.25, "×")
    arrow(axes, (2.6, 1.88), (3.06, 1.36))
    arrow(axes, (3.7, 1.88), (3.24, 1.36))
    dot(axes, 3.15, 0.55, "+")
    arrow(axes, (3.15, 1.1), (3.15, 0.72))
    box(axes, 5.6, 1.1, "tanh", PALE_ORANGE, width=0.7)
    arrow(axes, (5.6, 0.58), (5.6, 0.87), color=ORANGE)
    dot(axes, 5.6, 2.1, "×")
    arrow(axes, (5.6, 1.32), (5.6, 1.94))
    arrow(axes, (5.36, 2.1), (5.45, 2.1))
    arrow(axes, (5.75, 2.1), (6.7, 2.1), color=BLUE, lw=1.6)
    note(axes, 6.86, 2.1, "h′", color=BLUE, size=11)
    note(axes, 2.3, 0.33, "keep", size=8.5, color=MUTED)
    note(axes, 4.2, 0.33, "add", size=8.5, color=MUTED)
    note(axes, 6.05, 1.75, "show", size=8.5, color=MUTED)
    return figure


def gru() -> Any:
    """The gates of a GRU between h and h'."""
    figure, axes = plain_page(7.0, 3.3)
    axes.plot([0.5, 6.5], [0.55, 0.55], color=BLUE, lw=2.4, zorder=1)
    arrow(axes, (6.4, 0.55), (6.75, 0.55), color=BLUE, lw=2.4)
    note(axes, 0.25, 0.55, "h", color=BLUE, size=11)
    note(axes, 6.88, 0.55, "h′", color=BLUE, size=11)
    dot(axes, 4.3, 0.55, "×")
    dot(axes, 5.7, 0.55, "+")
    box(axes, 1.6, 2.4, "r = σ", PALE_BLUE, width=0.9)
    box(axes, 4.3, 2.4, "z = σ", PALE_BLUE, width=0.9)
    box(axes, 5.7, 2.4, "n = tanh", PALE_ORANGE, width=0.95)
    axes.plot([0.5, 5.7], [3.0, 3.0], color=MUTED, lw=1.2)
    note(axes, 0.25, 3.0, "x")
    note(axes, 2.95, 2.8, "r and z see x and h", size=8.5, color=MUTED)
    for x in (1.6, 4.3, 5.7):
        arrow(axes, (x, 3.0), (x, 2.63))
    box(axes, 1.6, 1.3, "V h + d", PAPER, width=0.9)
    arrow(axes, (1.6, 0.58), (1.6, 1.07), color=BLUE)
    dot(axes, 2.75, 1.75, "×")
    arrow(axes, (2.07, 1.4), (2.62, 1.7))
    arrow(axes, (2.07, 2.3), (2.62, 1.83))
    axes.plot([2.89, 5.05], [1.75, 1.75], color=MUTED, lw=1.2)
    arrow(axes, (5.05, 1.75), (5.35, 2.18))
    arrow(axes, (4.3, 2.18), (4.3, 0.72))
    note(axes, 4.42, 1.2, "z: keep", size=8.5, color=MUTED, ha="left")
    dot(axes, 5.7, 1.25, "×")
    arrow(axes, (5.7, 2.18), (5.7, 1.42))
    arrow(axes, (5.7, 1.1), (5.7, 0.72))
    note(axes, 5.92, 1.25, "1 − z: replace", size=8.5, color=MUTED, ha="left")
    note(axes, 2.75, 1.45, "r: forget", size=8.5, color=MUTED, ha="left")
    return figure


def packing() -> Any:
    """Three sequences, padded and packed."""
    sequences = [dl.tensor([1, 2, 3, 4]), dl.tensor([5, 6]), dl.tensor([7, 8, 9])]
    packed = pack_sequence(sequences, enforce_sorted=False)
    figure, axes = plain_page(7.4, 2.6)
    side, top = 0.38, 0.75
    shade = [PALE_BLUE, PALE_ORANGE, PALE_PINK]
    note(axes, 0.3 + 2 * side, 0.4, "padded")
    for i, sequence in enumerate(sequences):
        values = sequence.tolist() + ["·"] * (4 - len(sequence))
        shades = [[shade[i]] * len(sequence) + [PAPER] * (4 - len(sequence))]
        cells(axes, np.array([values], dtype=object), 0.3, top + i * side, side, shades=shades)
    arrow(axes, (2.0, top + 1.5 * side), (2.45, top + 1.5 * side))
    note(axes, 2.7 + 2 * side, 0.4, "the longest first: a staircase")
    order = packed.sorted_indices.tolist()
    for row, i in enumerate(order):
        values = [sequences[i].tolist()]
        cells(axes, values, 2.7, top + row * side, side, shades=[[shade[i]] * len(values[0])])
    for k, size in enumerate(packed.batch_sizes.tolist()):
        note(axes, 2.7 + (k + 0.5) * side, top + 3 * side + 0.2, str(size), color=MUTED)
    note(axes, 2.7 + 2 * side, top + 3 * side + 0.48, "batch_sizes", size=8.5, color=MUTED)
    arrow(axes, (4.4, top + 1.5 * side), (4.8, top + 1.5 * side))
    note(axes, 4.95 + 3.2 * side, 0.4, "data: step after step")
    data = packed.data.tolist()
    owner = {v: i for i, s in enumerate(sequences) for v in s.tolist()}
    step = np.repeat(np.arange(4), packed.batch_sizes.numpy())
    for k in range(4):
        part = [v for v, s in zip(data, step, strict=True) if s == k]
        left = 4.95 + sum(int(s < k) for s in step) * 0.24
        cells(
            axes,
            [part],
            left,
            top + 0.5 * side + 0.12 + 0 * k,
            0.24,
            shades=[[shade[owner[v]] for v in part]],
        )
        if k:
            axes.plot([left, left], [top + 0.1, top + 1.6 * side], color=INK, lw=1.6)
    return figure


def distances() -> Any:
    """How much the last output depends on the input some steps before it, measured."""
    figure, (row,) = axes_page(1, 1, 6.6, 3.2)
    axes, steps, size = row[0], 100, 32
    made = {
        "RNN": lambda: nn.RNN(8, size),
        "RNN with ReLU, W × 3": lambda: larger(nn.RNN(8, size, nonlinearity="relu")),
        "LSTM": lambda: nn.LSTM(8, size),
        "GRU, bias of z + 3": lambda: open_gate(nn.GRU(8, size)),
        "LSTM, bias of f + 3": lambda: open_gate(nn.LSTM(8, size)),
    }
    for look, (name, make) in zip(LOOKS, made.items(), strict=True):
        norms = []
        for seed in range(10):
            dl.manual_seed(seed)
            model, x = make(), dl.randn(steps, 16, 8, requires_grad=True)
            out = model(x)[0]
            (out[-1] * dl.randn(16, size)).sum().backward()
            norms.append(np.sqrt((x.grad.numpy().astype(float) ** 2).sum(axis=(1, 2)))[::-1])
        mean = np.exp(np.mean(np.log(np.maximum(norms, 1e-45)), axis=0))
        axes.semilogy(np.arange(steps), mean / mean[0], label=name, **look)
    axes.set_ylim(1e-16, 1e10)
    powers = {-15: "10⁻¹⁵", -10: "10⁻¹⁰", -5: "10⁻⁵", 0: "1", 5: "10⁵", 10: "10¹⁰"}
    axes.set_yticks([10.0**power for power in powers], list(powers.values()))
    axes.minorticks_off()
    axes.set_xlabel("steps between input and output")
    axes.set_ylabel("norm of the gradient")
    axes.legend(fontsize=8, loc="center right", bbox_to_anchor=(1.0, 0.38))
    return figure


def larger(model: Any) -> Any:
    """With three times the weights from state to state."""
    with dl.no_grad():
        model.weight_hh_l0.mul_(3)
    return model


def open_gate(model: Any) -> Any:
    """With the gate that keeps the state, the second block of rows, near 1."""
    with dl.no_grad():
        model.bias_ih_l0[model.hidden_size : 2 * model.hidden_size] += 3
    return model


PICTURES = {
    "recurrent-unrolled": unrolled,
    "recurrent-rnn": rnn,
    "recurrent-lstm": lstm,
    "recurrent-gru": gru,
    "recurrent-packing": packing,
    "recurrent-distance": distances,
}
