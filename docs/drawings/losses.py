"""Losses: their values, their derivatives by autograd, and what they pull where."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from dlframe.ops.ctc import Lattice
from drawings.curves import value_and_slope
from drawings.layers import PALE_BLUE, PALE_ORANGE
from drawings.page import (
    BLUE,
    HAIRLINE,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    arrow,
    axes_page,
    frame,
    lines,
    note,
    plain_page,
    zero_axes,
)


def of_target(loss: nn.Module, target: float) -> Any:
    """The loss as a function of its input alone."""
    return lambda x: loss(x, dl.full(x.shape, target, dtype=dl.float64))


def curves(of: Any, targets: tuple[float, ...]) -> dict[str, Any]:
    """A function for each target, under its name."""
    return {f"t = {t:g}": of(t) for t in targets}


def two_rows(panels: list[tuple[str, str, Any, dict[str, Any]]], width: float, limits: Any) -> Any:
    """Values above and derivatives below: per panel a title, a label, the axis and the curves."""
    figure, grid = axes_page(len(panels), 2, width, 4.3)
    for column, ((title, label, x, functions), tops) in enumerate(zip(panels, limits, strict=True)):
        found = {name: value_and_slope(f, x) for name, f in functions.items()}
        for row in (0, 1):
            axes = grid[row, column]
            zero_axes(axes)
            lines(axes, x, {name: pair[row] for name, pair in found.items()})
            axes.set(xlim=(x[0], x[-1]), ylim=tops[row])
            if row or column:
                axes.get_legend().remove() if row else None
        grid[0, column].set_title(title)
        grid[1, column].set_xlabel(label)
    grid[0, 0].set_ylabel("loss")
    grid[1, 0].set_ylabel("derivative")
    return figure


# --- numbers -----------------------------------------------------------------------------------


def regression_losses() -> Any:
    """Losses of a difference, and what each passes back."""
    d = np.linspace(-3, 3, 601)
    zero = dl.zeros(len(d), dtype=dl.float64)
    losses = {
        "MSELoss": nn.MSELoss(reduction="none"),
        "L1Loss": nn.L1Loss(reduction="none"),
        "HuberLoss, δ = 1": nn.HuberLoss(reduction="none"),
        "SmoothL1Loss, β = ½": nn.SmoothL1Loss(reduction="none", beta=0.5),
    }
    curves = {name: value_and_slope(lambda x, f=f: f(x, zero), d) for name, f in losses.items()}
    figure, grid = axes_page(2, 1, 7.4, 3.0)
    for axes, part, title in zip(grid[0], (0, 1), ("loss", "derivative"), strict=True):
        zero_axes(axes)
        lines(axes, d, {name: curve[part] for name, curve in curves.items()})
        axes.set_title(title)
        axes.set(xlabel="x − t", xlim=(-3, 3))
    grid[0, 0].set_ylim(-0.1, 4)
    grid[0, 1].set_ylim(-2.2, 4.4)
    grid[0, 0].get_legend().remove()
    grid[0, 1].legend(loc="upper left")
    return figure


def distributions() -> Any:
    """Losses that compare distributions, over what the model gives."""
    x, rates, log_p = (
        np.linspace(-3, 3, 301),
        np.linspace(-2.5, 3, 301),
        np.linspace(-4, -0.02, 301),
    )

    def gauss(v: float) -> Any:
        loss, zero = nn.GaussianNLLLoss(reduction="none"), dl.zeros(len(x), dtype=dl.float64)
        return lambda mean: loss(mean, zero, v)

    poisson = nn.PoissonNLLLoss(reduction="none")
    divergence = nn.KLDivLoss(reduction="none")

    def kl(share: float) -> Any:
        """Both classes, for the logarithm of the first one's probability."""
        return lambda p: (
            of_target(divergence, share)(p) + of_target(divergence, 1 - share)((1 - p.exp()).log())
        )

    panels: list[tuple[str, str, Any, dict[str, Any]]] = [
        ("GaussianNLLLoss", "x - t", x, {f"v = {v:g}": gauss(v) for v in (0.25, 1, 4)}),
        ("PoissonNLLLoss", "x, log of the rate", rates,
         curves(lambda t: of_target(poisson, t), (0, 2, 6))),
        ("KLDivLoss", "x, log p of class 1 of 2", log_p, curves(kl, (0.1, 0.5, 0.9))),
    ]  # fmt: skip
    return two_rows(panels, 7.8, [((-1, 9), (-6, 6)), ((-6, 16), (-7, 10)), ((-0.1, 3), (-2, 4))])


# --- classes -----------------------------------------------------------------------------------


def binary_losses() -> Any:
    """Binary cross entropy of a probability and of a logit."""
    p, logits = np.linspace(0.001, 0.999, 999), np.linspace(-6, 6, 601)
    panels = [
        (type(loss).__name__, label, x, curves(lambda t, f=loss: of_target(f, t), (1.0, 0.0, 0.3)))
        for loss, label, x in (
            (nn.BCELoss(reduction="none"), "probability x", p),
            (nn.BCEWithLogitsLoss(reduction="none"), "logit x", logits),
        )
    ]  # fmt: skip
    return two_rows(panels, 7.4, [((0, 5), (-8, 8)), ((0, 5), (-1.15, 1.15))])


def cross_entropy() -> Any:
    """Cross entropy over the probability of the true class, without and with label smoothing."""
    p = np.linspace(0.002, 0.998, 499)
    classes = 10
    rest = np.log((1 - p) / (classes - 1))  # the others share what is left
    logits = np.column_stack([np.log(p), *[rest] * (classes - 1)])
    target = dl.zeros(len(p), dtype=dl.int64)
    figure, grid = axes_page(2, 1, 7.4, 2.9)
    for smoothing, look in ((0.0, "label_smoothing=0"), (0.1, "label_smoothing=0.1")):
        loss = nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)
        y, slope = value_and_slope(lambda x, f=loss: f(x, target), logits)
        colour, dash = (BLUE, "solid") if not smoothing else (ORANGE, (0, (5, 1.6)))
        grid[0, 0].plot(p, y, color=colour, linestyle=dash, label=look)
        grid[0, 1].plot(p, slope[:, 0], color=colour, linestyle=dash, label=look)
        if smoothing:
            best = int(y.argmin())
            grid[0, 0].plot(p[best], y[best], "o", mfc="none", mec=INK, ms=8)
            text = f"lowest at p = {p[best]:.2f}"
            note(grid[0, 0], p[best] + 0.05, y[best] + 0.62, text, ha="right")
    for axes, title in zip(grid[0], ("loss", "derivative with respect to its logit"), strict=True):
        zero_axes(axes)
        axes.set(xlabel="probability p of the true class, of 10", xlim=(0, 1))
        axes.set_title(title)
    grid[0, 0].set_ylim(0, 4)
    grid[0, 0].legend()
    return figure


# --- margins -----------------------------------------------------------------------------------


def margin_losses() -> Any:
    """Losses of the margin t · x of two classes."""
    margin = np.linspace(-2, 3, 501)
    named = {
        "HingeLoss()": nn.HingeLoss(reduction="none"),
        "HingeLoss(p=2)": nn.HingeLoss(p=2, reduction="none"),
        "PerceptronLoss()": nn.PerceptronLoss(reduction="none"),
        "SoftMarginLoss()": nn.SoftMarginLoss(reduction="none"),
    }
    curves = {name: value_and_slope(of_target(f, 1.0), margin) for name, f in named.items()}
    figure, grid = axes_page(2, 1, 7.4, 2.9)
    for axes, part, title in zip(grid[0], (0, 1), ("loss", "derivative"), strict=True):
        zero_axes(axes)
        lines(axes, margin, {name: curve[part] for name, curve in curves.items()})
        axes.set(xlabel="t · x: negative where the answer is wrong", xlim=(-2, 3))
        axes.set_title(title)
    grid[0, 0].set_ylim(-0.1, 4)
    grid[0, 1].set_ylim(-4.2, 0.4)
    grid[0, 1].get_legend().remove()
    return figure


def several_classes() -> Any:
    """The hinge for three classes: over how far both wrong ones are behind the right one."""
    ahead = np.linspace(-3, 1.5, 181)
    first, second = np.meshgrid(ahead, ahead)
    scores = dl.tensor(np.stack([np.zeros(first.size), first.ravel(), second.ravel()], axis=1))
    target = dl.zeros(len(scores), dtype=dl.int64)
    figure, grid = axes_page(3, 1, 7.8, 2.75)
    for axes, loss in zip(
        grid[0],
        (
            nn.CrammerSingerLoss(reduction="none"),
            nn.WestonWatkinsLoss(reduction="none"),
            nn.CrossEntropyLoss(reduction="none"),
        ),
        strict=True,
    ):
        y = loss(scores, target).numpy().reshape(first.shape)
        levels = [0, 0.02, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
        axes.contourf(ahead, ahead, y, levels, cmap="Blues")
        drawn = axes.contour(ahead, ahead, y, levels[1:], colors=INK, linewidths=0.6)
        axes.clabel(drawn, [0.5, 1, 2, 3], fontsize=7, fmt="%g")
        axes.plot([-3, -1, -1], [-1, -1, -3], color=ORANGE, lw=1.6)  # the margin
        axes.axhline(0, color=MUTED, lw=0.7)
        axes.axvline(0, color=MUTED, lw=0.7)
        axes.set(xlabel="x₁ − xₜ", xticks=[-3, -2, -1, 0, 1], yticks=[-3, -2, -1, 0, 1])
        axes.set_title(type(loss).__name__)
        axes.set_aspect("equal")
    grid[0, 0].set_ylabel("x₂ − xₜ")
    return figure


def several_labels() -> Any:
    """Pairs of a right and a wrong class that are nearer than the margin."""
    scores = dl.tensor([2.2, 1.5, 1.1, 0.7, -0.6, 0.3], dtype=dl.float64).requires_grad_()
    right = [0, 2, 5]
    loss = nn.MultiLabelMarginLoss()(scores, dl.tensor([*right, -1, -1, -1]))
    loss.backward()
    figure, axes = plain_page(6.4, 2.1)

    def place(k: int) -> tuple[float, float]:
        return 1.6 + 1.6 * scores[k].item(), 1.1

    arrow(axes, (0.3, 1.1), (6.2, 1.1), color=MUTED)
    note(axes, 6.0, 1.35, "score", color=MUTED)
    for k in range(6):
        x, y = place(k)
        is_right = k in right
        look = {
            "marker": "o" if is_right else "s",
            "color": BLUE if is_right else ORANGE,
            "ms": 10,
            "zorder": 5,
        }
        axes.plot([x], [y], **look)
        note(axes, x, y + 0.27, f"{k}", size=8.5)
        pull = -scores.grad[k].item()
        if pull:
            arrow(axes, (x, y - 0.2), (x + 0.75 * pull, y - 0.2), color=INK, lw=1.6)
    for j in right:
        for i in set(range(6)) - set(right):
            if scores[j].item() - scores[i].item() < 1:
                arrow(axes, place(j), place(i), bend=0.5, arrowstyle="-", lw=0.7, color=MUTED)
    note(axes, 3.2, 1.75, "round: right classes, square: wrong ones, black: minus the gradient")
    note(axes, 3.2, 0.22, f"arcs: pairs within the margin; loss {loss.item():.2f}", color=MUTED)
    return figure


# --- pairs and triples -------------------------------------------------------------------------


def pairs() -> Any:
    """Losses of a distance, of an angle and of a difference."""
    distance, angle = np.linspace(0, 2, 401), np.linspace(0, math.pi, 401)
    difference = np.linspace(-2, 2, 401)
    hinge, ranking = (
        nn.HingeEmbeddingLoss(reduction="none"),
        nn.MarginRankingLoss(0.5, reduction="none"),
    )
    cosine = nn.CosineEmbeddingLoss(0.3, reduction="none")

    def turned(sign: int) -> Any:
        def of_angle(a: Any) -> Any:
            fixed = dl.tensor([[1.0, 0.0]], dtype=dl.float64).repeat(len(a), 1)
            signs = dl.full((len(a),), sign, dtype=dl.int64)
            return cosine(dl.stack([a.cos(), a.sin()], 1), fixed, signs)

        return of_angle

    def ranked(sign: float) -> Any:
        def of_difference(d: Any) -> Any:
            return ranking(
                d, dl.zeros(d.shape, dtype=dl.float64), dl.full(d.shape, sign, dtype=dl.float64)
            )

        return of_difference

    panels: list[tuple[str, str, Any, dict[str, Any]]] = [
        ("HingeEmbedding", "distance x", distance, curves(lambda t: of_target(hinge, t), (1, -1))),
        ("CosineEmbedding, 0.3", "angle between x₁ and x₂", angle, curves(turned, (1, -1))),
        ("MarginRanking, 0.5", "x₁ − x₂", difference, curves(ranked, (1, -1))),
    ]  # fmt: skip
    return two_rows(
        panels,
        7.8,
        [((-0.1, 2.1), (-1.2, 1.2)), ((-0.1, 2.1), (-1.2, 1.2)), ((-0.1, 2.7), (-1.2, 1.2))],
    )


def triplet() -> Any:
    """An anchor, its positive and three negatives, and where the gradient moves them."""
    from matplotlib.patches import Circle

    figure, grid = axes_page(2, 1, 7.6, 3.3)
    for axes, swap in zip(grid[0], (False, True), strict=True):
        anchor, positive = (0.0, 0.0), (0.9, 0.3)
        near = math.hypot(*positive)
        for radius, look in ((near, (0, (2, 2))), (near + 0.6, "solid")):
            axes.add_patch(Circle(anchor, radius, fill=False, ec=MUTED, lw=1, ls=look))
        negatives = [(-0.45, 0.35), (1.25, 0.55), (-1.5, -1.2)]
        moved = {name: np.zeros(2) for name in ("anchor", "positive")}
        for negative in negatives:
            points = [
                dl.tensor([p], dtype=dl.float64, requires_grad=True)
                for p in (anchor, positive, negative)
            ]
            loss = nn.TripletMarginLoss(0.6, swap=swap)(*points)
            a, p, n = dl.autograd.grad(loss, points)
            moved["anchor"] -= a.numpy()[0]
            moved["positive"] -= p.numpy()[0]
            axes.plot(*negative, "s", color=ORANGE, ms=8)
            note(axes, negative[0], negative[1] - 0.22, f"{loss.item():.2f}", size=8, color=MUTED)
            pull(axes, negative, -n.numpy()[0])
        for name, point, marker in (("anchor", anchor, "D"), ("positive", positive, "o")):
            axes.plot(*point, marker, color=BLUE, ms=8)
            pull(axes, point, moved[name])
        note(axes, 0.0, -0.24, "anchor", size=8.5)
        note(axes, 0.8, 0.47, "positive", size=8.5, ha="right")
        note(axes, -1.5, -1.63, "far enough", size=8.5)
        axes.set_title(f"TripletMarginLoss(0.6, swap={swap})")
        axes.set(xlim=(-2, 2), ylim=(-1.75, 1.75))
        axes.axis("off")
        axes.set_aspect("equal")
    return figure


def pull(axes: Any, point: Any, way: Any) -> None:
    """An arrow that shows a step against the gradient."""
    if np.hypot(*way) > 1e-6:
        end = (point[0] + 0.3 * way[0], point[1] + 0.3 * way[1])
        arrow(axes, tuple(point), end, color=INK, lw=1.6, shrinkA=5, shrinkB=0)


# --- sequences and vocabularies ----------------------------------------------------------------


def ctc() -> Any:
    """The lattice of the target "cat": how probable it is that a path is in a state."""
    letters, times = "-act", 9
    log_probs = dl.log_softmax(
        dl.randn(times, 1, 4, generator=dl.Generator().manual_seed(5)) * 1.2, dim=2
    )
    target = np.array([[2, 1, 3]])
    lattice = Lattice(log_probs.double().numpy(), target, np.array([times]), np.array([3]), 0)
    gamma, states = lattice.occupancy()[:, 0], lattice.states[0]
    figure, axes = plain_page(7.4, 3.3)
    step_x, step_y, left, top = 0.68, 0.37, 0.9, 0.55

    def place(t: int, s: int) -> tuple[float, float]:
        return left + t * step_x, top + s * step_y

    for t in range(1, times):  # the ways, as thick as they are probable
        for s in range(len(states)):
            for start in (s, s - 1, s - 2):
                if start < 0 or (start == s - 2 and not lattice.jumps[0, s]):
                    continue
                share = flow(lattice, t, start, s)
                (x0, y0), (x1, y1) = place(t - 1, start), place(t, s)
                axes.plot([x0, x1], [y0, y1], color=BLUE if share > 0.01 else HAIRLINE,
                          lw=0.6 + 5 * share, solid_capstyle="round", zorder=1)  # fmt: skip
    for t in range(times):
        note(axes, place(t, 0)[0], 0.25, f"t = {t + 1}", size=8, color=MUTED)
        for s, state in enumerate(states):
            x, y = place(t, s)
            axes.plot([x], [y], "o", ms=17, mfc=PAPER, mec=MUTED, mew=0.6, zorder=2)
            axes.plot([x], [y], "o", ms=17, color=BLUE, alpha=float(gamma[t, s]), mew=0, zorder=3)
            if gamma[t, s] >= 0.005:
                ink = PAPER if gamma[t, s] > 0.55 else INK
                note(
                    axes,
                    x,
                    y,
                    f"{gamma[t, s]:.2f}"[1:] if gamma[t, s] < 0.995 else "1",
                    size=7.5,
                    color=ink,
                    zorder=4,
                )
            if t == 0:
                note(axes, left - 0.45, y, letters[state], size=11, weight="bold")
    cost = float(lattice.loss[0])
    note(
        axes,
        3.7,
        3.15,
        f"in the circles: γ, how probable the state is; loss −ln Σ = {cost:.2f}",
        color=MUTED,
    )
    return figure


def flow(lattice: Lattice, t: int, start: int, end: int) -> float:
    """How probable it is that a path goes from one state to another between t - 1 and t."""
    gamma = lattice.occupancy()[:, 0]
    alpha, emitted = lattice.alpha[:, 0], lattice.emitted[:, 0]
    if gamma[t, end] == 0:
        return 0.0
    return float(np.exp(alpha[t - 1, start] + emitted[t, end] - alpha[t, end]) * gamma[t, end])


def adaptive() -> Any:
    """The head and the clusters, as wide as they have classes."""
    layer = nn.AdaptiveLogSoftmaxWithLoss(64, 10_000, [200, 2000], div_value=4.0)
    figure, axes = plain_page(7.4, 3.0)
    blocks = [(layer.head, 0.35, 2.2, BLUE, PALE_BLUE, "head")]
    for i, (cluster, left) in enumerate(zip(layer.tail, (2.75, 5.0), strict=True)):
        blocks.append((cluster, left, 2.15, ORANGE, PALE_ORANGE, f"cluster {i + 1}"))
    for block, left, width, dark, pale, name in blocks:
        hidden = 64 if name == "head" else block[0].out_features
        out = layer.head_size if name == "head" else block[1].out_features
        height = 0.2 + 1.1 * hidden / 64
        box(axes, left, 1.95 - height, width, height, pale, dark)
        note(axes, left + width / 2, 1.95 - height / 2, f"{hidden} × {out}", size=8.5)
        note(axes, left + width / 2, 0.25, name, weight="bold")
    first, second = (f"{a}–{b - 1}" for a, b in ((200, 2000), (2000, 10_000)))
    note(axes, 1.45, 2.25, "classes 0–199 and 2 entries", size=8.5)
    note(axes, 3.82, 2.25, f"classes {first}", size=8.5)
    note(axes, 6.07, 2.25, f"classes {second}", size=8.5)
    arrow(axes, (2.38, 1.4), (2.75, 1.6), color=INK)
    arrow(axes, (2.38, 1.1), (5.3, 1.7), color=INK, bend=-0.3)
    weights = sum(p.numel() for p in layer.parameters())
    text = f"{weights:,} weights instead of {64 * 10_000:,}; height: features of a softmax"
    note(axes, 3.7, 2.72, text, color=MUTED)
    return figure


def box(
    axes: Any, left: float, top: float, width: float, height: float, pale: str, dark: str
) -> None:
    """A filled block with an edge."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, top), width, height, facecolor=pale, edgecolor=dark, lw=1.2))


def in_parts() -> Any:
    """The matrix of logits, of which only a few rows exist at a time."""
    figure, axes = plain_page(7.2, 2.5)
    rows = nn.LinearCrossEntropyOptions().rows_for(64, 8, 64, "float32")
    box(axes, 0.4, 0.5, 0.45, 1.6, PALE_BLUE, BLUE)
    note(axes, 0.62, 0.28, "x (N, in)", size=8.5)
    note(axes, 1.1, 1.3, "·", size=14)
    box(axes, 1.35, 1.05, 2.0, 0.4, PALE_BLUE, BLUE)
    note(axes, 2.35, 0.83, "Wᵀ (in, C)", size=8.5)
    note(axes, 3.62, 1.3, "=", size=12)
    box(axes, 3.9, 0.5, 2.4, 1.6, PAPER, HAIRLINE)
    note(axes, 5.1, 0.28, "logits (N, C)", size=8.5)
    height = 1.6 * rows / 64
    for k in range(64 // rows):
        now = k == 5
        box(axes, 3.9, 0.5 + k * height, 2.4, height, PALE_ORANGE if now else PAPER, HAIRLINE)
        if now:
            frame(axes, 3.9, 0.5 + k * height, 2.4, height, ORANGE)
            frame(axes, 0.4, 0.5 + k * height, 0.45, height, ORANGE)
    box(axes, 6.55, 0.5, 0.12, 1.6, PALE_BLUE, BLUE)
    note(axes, 6.62, 0.28, "log Σ e (N)", size=8.5)
    note(
        axes,
        3.6,
        2.32,
        "only the framed rows exist; what is kept for backward is one number per row",
        color=MUTED,
    )
    return figure


PICTURES = {
    "losses-regression": regression_losses,
    "losses-distributions": distributions,
    "losses-binary": binary_losses,
    "loss-cross-entropy": cross_entropy,
    "losses-margin": margin_losses,
    "losses-classes": several_classes,
    "loss-labels": several_labels,
    "losses-pairs": pairs,
    "loss-triplet": triplet,
    "loss-ctc": ctc,
    "loss-adaptive": adaptive,
    "loss-in-parts": in_parts,
}
