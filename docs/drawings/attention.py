"""Attention: weights of a sentence, masks, the layers of transformers, and memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from dlframe.nn import functional as F
from drawings.layers import PALE_BLUE, PALE_ORANGE, PALE_PINK, PALE_TEAL, shades
from drawings.page import INK, LOOKS, MUTED, PAPER, arrow, axes_page, cells, note, plain_page

SENTENCE = ["The", "cat", "saw", "the", "dogs", ",", "and", "they", "barked", "until", "it", "ran"]
SINGULAR, PLURAL = {"cat", "it"}, {"dogs", "they"}
NOUNS, PRONOUNS = {"cat", "dogs"}, {"it", "they"}


def weights() -> Any:
    """P of a sentence, from queries and keys that are made so that pronouns find their nouns."""
    n = len(SENTENCE)
    number = np.array([[w in SINGULAR, w in PLURAL] for w in SENTENCE], float)
    noun = np.array([w in NOUNS for w in SENTENCE], float)[:, None]
    pronoun = np.array([w in PRONOUNS for w in SENTENCE], float)[:, None]
    angles = np.arange(n)[:, None] * 0.25
    place = np.hstack([np.cos(angles), np.sin(angles)])  # places near each other fit
    key = np.hstack([number * noun, noun, place])
    query = np.hstack([4 * number * pronoun, 2 * pronoun, 25 * place * (1 - pronoun)])
    given = (dl.tensor(x, dtype=dl.float32) for x in (query, key, np.eye(n)))
    p = F.scaled_dot_product_attention(*given, scale=1.0).numpy()  # with V = 1 the result is P
    figure, axes = plain_page(6.6, 5.1)
    side, left, top = 0.33, 1.0, 0.95
    # of small numbers only the shade is shown
    text = np.array(
        [
            [f"{x:.1f}"[1:] if 0.15 <= x < 0.95 else "1" if x >= 0.95 else "" for x in row]
            for row in p
        ]
    )
    colours = shades(p, 0, 1)
    cells(axes, text, left, top, side, shades=colours, text="{}")
    for i, word in enumerate(SENTENCE):
        bold = {"weight": "bold"} if word in PRONOUNS else {}
        note(axes, left - 0.1, top + (i + 0.5) * side, word, ha="right", **bold)
        note(
            axes,
            left + (i + 0.35) * side,
            top - 0.1,
            word,
            rotation=60,
            ha="left",
            va="bottom",
            rotation_mode="anchor",
        )
    note(
        axes,
        left + n * side + 0.15,
        top + 0.5 * side,
        "each row: what one\nword takes from all",
        ha="left",
        va="top",
        color=MUTED,
    )
    return figure


def masks() -> Any:
    """A causal mask, one of padding, and both."""
    n = 6
    causal = ~np.isfinite(nn.Transformer.generate_square_subsequent_mask(n).numpy())
    padding = np.broadcast_to(np.arange(n) >= 4, (n, n))
    figure, axes = plain_page(7.2, 2.65)
    side, left = 0.27, 0.55
    for name, mask in (
        ("causal", causal),
        ("padding of the last two", padding),
        ("both", causal | padding),
    ):
        text = np.where(mask, "−∞", "0")
        colours = [[PALE_ORANGE if hidden else PAPER for hidden in row] for row in mask]
        cells(axes, text, left, 0.62, side, shades=colours, text="{}")
        note(axes, left + n * side / 2, 0.25, name, weight="bold")
        note(axes, left + n * side / 2, 0.62 + n * side + 0.18, "keys", color=MUTED)
        note(axes, left - 0.15, 0.62 + n * side / 2, "queries", color=MUTED, rotation=90)
        left += n * side + 0.6
    return figure


def heads() -> Any:
    """Three heads of a layer: each with weights of its own, their results side by side."""
    dl.manual_seed(1)
    layer = nn.MultiheadAttention(12, 3, batch_first=True)
    with dl.no_grad():
        layer.in_proj_weight.mul_(3.0)  # as far from equal as in a trained layer
        x = dl.randn(1, 4, 12)
        weights = layer(x, x, x, average_attn_weights=False)[1][0].numpy()
    figure, axes = plain_page(7.4, 3.55)
    colours, side, middle = [PALE_BLUE, PALE_ORANGE, PALE_PINK], 0.22, 1.85
    box(axes, 0.55, middle, 0.5, 0.9, "x", PAPER)
    note(axes, 0.55, middle + 0.65, "(L, E)", size=8.5, color=MUTED)
    box(axes, 5.05, middle, 0.26, 0.9, "", PAPER)
    for i, (p, colour) in enumerate(zip(weights, colours, strict=True)):
        y = 0.8 + 1.05 * i
        arrow(axes, (0.82, middle), (1.45, y), color=INK)
        box(axes, 2.05, y, 1.15, 0.42, f"Q{i + 1}, K{i + 1}, V{i + 1}", colour)
        arrow(axes, (2.65, y), (3.05, y), color=INK)
        cells(axes, p, 3.1, y - 2 * side, side, shades=shades(p, 0, 1), text="")
        arrow(axes, (3.1 + 4 * side + 0.05, y), (4.85, middle), color=INK)
        box(axes, 5.0 + 0.32 * i, middle, 0.32, 0.9, f"Y{i + 1}", colour)
    note(axes, 2.05, 0.22, "E features to d = E / h", size=8.5, color=MUTED)
    note(axes, 3.1 + 2 * side, 0.22, "P", weight="bold")
    note(axes, 5.32, middle + 0.65, "(L, E)", size=8.5, color=MUTED)
    note(axes, 5.32, middle - 0.65, "side by side", size=8.5, color=MUTED)
    arrow(axes, (5.82, middle), (6.1, middle), color=INK)
    box(axes, 6.38, middle, 0.5, 0.42, "W", PALE_TEAL)
    note(axes, 6.46, middle + 0.06, "O", size=6.5)
    arrow(axes, (6.64, middle), (6.95, middle), color=INK)
    note(axes, 7.1, middle, "y")
    return figure


def box(axes: Any, x: float, y: float, width: float, height: float, text: str, colour: str) -> None:
    """A block with a text around a middle."""
    from matplotlib.patches import Rectangle

    corner = (x - width / 2, y - height / 2)
    axes.add_patch(Rectangle(corner, width, height, facecolor=colour, edgecolor=INK, lw=0.9))
    note(axes, x, y, text)


# --- block diagrams ----------------------------------------------------------------------------

WIDE, HIGH, STEP = 1.45, 0.3, 0.47
COLOURS = {
    "norm": PALE_TEAL,
    "+": PAPER,
    "self-attention": PALE_BLUE,
    "attention to memory": PALE_PINK,
    "network": PALE_ORANGE,
}


def block(axes: Any, x: float, y: float, text: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    wide = 0.3 if text == "+" else WIDE
    axes.add_patch(
        FancyBboxPatch(
            (x - wide / 2, y - HIGH / 2), wide, HIGH,
            boxstyle="round,pad=0,rounding_size=0.08", facecolor=COLOURS[text],
            edgecolor=INK, lw=0.9,
        )
    )  # fmt: skip
    note(axes, x, y, text)


def chain(axes: Any, x: float, bottom: float, parts: list[str], first: bool) -> None:
    """The parts from the bottom up, each with its way around it."""
    y = bottom
    note(axes, x, y + 0.1, "x", style="italic")
    y -= 0.1
    for part in parts:
        inner = ["norm", part] if first else [part]
        start = y
        for text in [*inner, "+"]:
            arrow(axes, (x, y), (x, y - STEP + HIGH / 2), color=INK)
            y -= STEP
            block(axes, x, y, text)
            if text == "attention to memory":
                note(axes, x - WIDE / 2 - 0.62, y, "memory", size=8.5, color=MUTED)
                arrow(axes, (x - WIDE / 2 - 0.34, y), (x - WIDE / 2, y), color=INK)
            y -= HIGH / 2
        side, middle = x + WIDE / 2 + 0.18, y + HIGH / 2
        axes.plot([x, side, side], [start - 0.06, start - 0.06, middle], color=MUTED, lw=1.2)
        arrow(axes, (side, middle), (x + 0.15, middle))
        if not first:
            arrow(axes, (x, y), (x, y - STEP + HIGH / 2), color=INK)
            y -= STEP
            block(axes, x, y, "norm")
            y -= HIGH / 2
    arrow(axes, (x, y), (x, y - 0.25), color=INK)
    note(axes, x, y - 0.34, "y", style="italic")


def layers() -> Any:
    """The encoder layer in both forms, and the decoder layer."""
    figure, axes = plain_page(7.4, 6.9)
    bottom = 6.7
    chain(axes, 1.1, bottom, ["self-attention", "network"], first=False)
    chain(axes, 3.4, bottom, ["self-attention", "network"], first=True)
    chain(axes, 6.2, bottom, ["self-attention", "attention to memory", "network"], first=True)
    for x, text in (
        (1.1, "encoder layer"),
        (3.4, "encoder layer,\nnorm_first"),
        (6.2, "decoder layer,\nnorm_first"),
    ):
        note(axes, x, 0.22, text, weight="bold")
    return figure


def transformer() -> Any:
    """The stacks of encoder and decoder layers, and the memory between them."""
    figure, axes = plain_page(6.6, 3.6)
    model = nn.Transformer(8, 2, num_encoder_layers=3, num_decoder_layers=3)
    left, right, bottom, step = 1.5, 4.9, 2.85, 0.62
    for x, stack, name, source, colour in (
        (left, model.encoder, "encoder layer", "src", PALE_BLUE),
        (right, model.decoder, "decoder layer", "tgt", PALE_PINK),
    ):
        note(axes, x, 3.4, source, style="italic")
        arrow(axes, (x, 3.3), (x, bottom + 0.19), color=INK)
        for k in range(len(stack.layers)):
            box(axes, x, bottom - k * step, WIDE, 0.38, name, colour)
            end = bottom - k * step - step + (0.19 if k + 1 < len(stack.layers) else 0.15)
            arrow(axes, (x, bottom - k * step - 0.19), (x, end), color=INK)
        box(axes, x, bottom - 3 * step, WIDE, HIGH, "norm", PALE_TEAL)
    top = bottom - 3 * step
    arrow(axes, (right, top - 0.15), (right, top - 0.5), color=INK)
    note(axes, right, top - 0.62, "y", style="italic")
    note(axes, (left + right) / 2 - 0.3, top - 0.16, "memory", size=8.5, color=MUTED)
    axes.plot([left + WIDE / 2, 3.4, 3.4], [top, top, bottom], color=INK, lw=1.2)
    for k in range(3):
        arrow(axes, (3.38, bottom - k * step), (right - WIDE / 2, bottom - k * step), color=INK)
    return figure


# --- memory ------------------------------------------------------------------------------------


def by_hand(q: Any, k: Any, v: Any) -> Any:
    n = q.shape[-2]
    later = dl.ones(n, n, dtype=dl.bool).triu(1)
    scores = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).masked_fill(later, -dl.inf)
    return scores.softmax(-1) @ v


def peak(attend: Any, length: int, backward: bool) -> float:
    """The most memory at once, in MB."""
    dl.manual_seed(0)
    q, k, v = (dl.randn(1, 4, length, 32, requires_grad=backward) for _ in range(3))
    tracemalloc.start()
    y = attend(q, k, v)
    if backward:
        y.sum().backward()
    most = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return most


def memory() -> Any:
    """The most memory at once, with and without a backward pass, over the length."""
    lengths = [128, 256, 512, 1024, 1536, 2048]
    ours = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)
    ours(*(dl.ones(1, 4, 16, 32) for _ in range(3)))
    figure, ((axes,),) = axes_page(1, 1, 6.4, 3.0)
    curves = {
        "by hand, with gradient": (by_hand, True),
        "one operation, with gradient": (ours, True),
        "one operation": (ours, False),
    }
    for look, (name, (attend, backward)) in zip(LOOKS, curves.items(), strict=False):
        most = [peak(attend, n, backward) for n in lengths]
        axes.plot(lengths, most, marker="o", markersize=3, label=name, **look)
    axes.set_xlabel("length (4 heads of 32 features)")
    axes.set_ylabel("MB")
    axes.set_yscale("log")
    axes.set_ylim(0.2, 2000)
    axes.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    axes.legend(loc="upper left")
    return figure


PICTURES = {
    "attention-weights": weights,
    "attention-masks": masks,
    "attention-heads": heads,
    "transformer-layers": layers,
    "transformer-stacks": transformer,
    "attention-memory": memory,
}
