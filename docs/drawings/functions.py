"""Curves of losses, with their derivatives by autograd."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from drawings.page import BLUE, INK, ORANGE, axes_page, lines, note, zero_axes


def value_and_slope(function: Any, x: Any) -> tuple[Any, Any]:
    """f(x) and f'(x) as arrays."""
    points = dl.tensor(x, dtype=dl.float64, requires_grad=True)
    y = function(points)
    y.sum().backward()
    return y.detach().numpy(), points.grad.numpy()


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


def binary_losses() -> Any:
    """Binary cross entropy of a probability and of a logit."""
    figure, grid = axes_page(2, 1, 7.4, 2.9)
    p = np.linspace(0.001, 0.999, 999)
    logits = np.linspace(-6, 6, 601)
    for axes, x, loss, label in (
        (grid[0, 0], p, nn.BCELoss(reduction="none"), "probability x"),
        (grid[0, 1], logits, nn.BCEWithLogitsLoss(reduction="none"), "logit x"),
    ):
        curves = {}
        for target in (1.0, 0.0, 0.3):
            t = dl.full((len(x),), target, dtype=dl.float64)
            curves[f"target {target:g}"] = loss(dl.tensor(x), t).numpy()
        lines(axes, x, curves)
        axes.set_title(type(loss).__name__)
        axes.set(xlabel=label, ylim=(0, 5), xlim=(x[0], x[-1]))
        axes.legend(loc="upper center")
    return figure


def margin_losses() -> Any:
    """Losses of the margin t · x of two classes."""
    margin = np.linspace(-2, 3, 501)
    one = dl.ones(len(margin), dtype=dl.float64)
    x = dl.tensor(margin)
    figure, grid = axes_page(1, 1, 5.6, 3.0)
    axes = grid[0, 0]
    zero_axes(axes)
    curves = {
        "HingeLoss()": nn.HingeLoss(reduction="none")(x, one),
        "HingeLoss(p=2)": nn.HingeLoss(p=2, reduction="none")(x, one),
        "HingeLoss(margin=0)": nn.HingeLoss(margin=0, reduction="none")(x, one),
        "SoftMarginLoss()": nn.SoftMarginLoss(reduction="none")(x, one),
    }
    lines(axes, margin, {name: y.numpy() for name, y in curves.items()})
    axes.set(xlabel="t · x: negative where the answer is wrong", ylabel="loss", ylim=(-0.1, 4))
    axes.set_xlim(-2, 3)
    return figure


def cross_entropy() -> Any:
    """Cross entropy over the probability of the true class, without and with label smoothing."""
    p = np.linspace(0.002, 0.998, 499)
    classes = 10
    rest = np.log((1 - p) / (classes - 1))  # the others share what is left
    logits = dl.tensor(np.column_stack([np.log(p), *[rest] * (classes - 1)]))
    target = dl.zeros(len(p), dtype=dl.int64)
    figure, grid = axes_page(1, 1, 5.2, 2.9)
    axes = grid[0, 0]
    for smoothing, look in ((0.0, "label_smoothing=0"), (0.1, "label_smoothing=0.1")):
        loss = nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)
        y = loss(logits, target).numpy()
        colour, dash = (BLUE, "solid") if not smoothing else (ORANGE, (0, (5, 1.6)))
        axes.plot(p, y, color=colour, linestyle=dash, label=look)
        if smoothing:
            best = int(y.argmin())
            axes.plot(p[best], y[best], "o", mfc="none", mec=INK, ms=8)
            note(axes, p[best] - 0.02, y[best] + 0.35, f"lowest at p = {p[best]:.2f}", ha="right")
    axes.set(xlabel="probability p of the true class, of 10", ylabel="loss", xlim=(0, 1))
    axes.set_ylim(0, 4)
    axes.legend()
    return figure


def hinge_embedding() -> Any:
    """The two branches of HingeEmbeddingLoss."""
    x = np.linspace(0, 2, 401)
    loss = nn.HingeEmbeddingLoss(reduction="none")
    one = dl.ones(len(x), dtype=dl.float64)
    figure, grid = axes_page(1, 1, 4.6, 2.4)
    axes = grid[0, 0]
    points = dl.tensor(x)
    lines(
        axes,
        x,
        {
            "t = 1: alike, be near": loss(points, one).numpy(),
            "t = −1: unalike, keep the margin": loss(points, -one).numpy(),
        },
    )
    axes.set(xlabel="distance x", ylabel="loss", xlim=(0, 2), ylim=(0, 2.8))
    axes.legend(loc="upper left")
    return figure


PICTURES = {
    "losses-regression": regression_losses,
    "losses-binary": binary_losses,
    "losses-margin": margin_losses,
    "loss-cross-entropy": cross_entropy,
    "loss-hinge-embedding": hinge_embedding,
}
