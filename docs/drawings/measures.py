"""Metrics: rankings and their curves, and probabilities beside what happens."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import metrics
from drawings.page import HAIRLINE, LOOKS, MUTED, axes_page


def ranking_curves() -> Any:
    """The same ranking of many and of few positive samples: ROC stays, precision falls."""
    rng = np.random.default_rng(4)
    figure, ((roc, recall),) = axes_page(2, 1, 8.2, 3.5)
    for look, (name, positive) in zip(LOOKS, {"half": 2000, "2 %": 80}.items(), strict=False):
        negative = 4000 - positive
        truth = np.repeat([1, 0], [positive, negative])
        scores = rng.normal(size=4000) + 1.5 * truth
        points = metrics.roc_curve(scores, truth)
        area = metrics.auroc(scores, truth)
        label = f"{name} positive: AUROC {area:.2f}"
        roc.plot(points.false_positive_rate, points.true_positive_rate, label=label, **look)
        curve = metrics.precision_recall_curve(scores, truth)
        area = metrics.average_precision(scores, truth)
        label = f"{name} positive: AP {area:.2f}"
        recall.plot(curve.recall[1:], curve.precision[1:], label=label, drawstyle="steps", **look)
        recall.axhline(positive / 4000, color=HAIRLINE, lw=1, zorder=0)
    roc.plot([0, 1], [0, 1], color=MUTED, lw=0.8, ls=":", label="guessing: 0.50")
    roc.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate (recall)")
    recall.set(title="Precision–recall", xlabel="recall", ylabel="precision")
    for axes in (roc, recall):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
        axes.set_aspect("equal")
    roc.legend(loc="lower right")
    recall.legend(loc="center right", bbox_to_anchor=(1.02, 0.36), fontsize=7.5)
    return figure


def reliability() -> Any:
    """What happens to samples of each confidence: of true probabilities, and of logits tripled."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 1.2, 20_000)
    happens = rng.random(20_000) < 1 / (1 + np.exp(-logits))
    figure, ((axes, bars),) = axes_page(2, 1, 8.2, 3.5)
    axes.plot([0, 1], [0, 1], color=MUTED, lw=0.8, ls=":", label="as often as said")
    models = {"calibrated": 1.0, "overconfident (logits × 3)": 3.0}
    marks = zip(LOOKS, "os", models.items(), (-0.018, 0.018), strict=False)
    for look, marker, (name, factor), shift in marks:
        curve = metrics.reliability_curve(factor * logits, happens, 10, scores="logits")
        error = metrics.calibration_error(factor * logits, happens, bins=10, scores="logits")
        axes.plot(
            *(curve.confidence, curve.accuracy),
            marker=marker, ms=4, label=f"{name.split()[0]}: ECE {error:.2f}", **look,
        )  # fmt: skip
        share = curve.samples / curve.samples.sum()
        middle = np.floor(curve.confidence * 10) / 10 + 0.05
        bars.bar(middle + shift, share, width=0.034, color=look["color"], label=name)
    axes.set(title="Reliability", xlabel="probability of class 1", ylabel="share of class 1")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    axes.set_aspect("equal")
    axes.legend(loc="lower right", fontsize=7)
    bars.set(title="Samples in each bin", xlabel="probability of class 1", ylabel="share")
    bars.set(xlim=(-0.03, 1.03))
    bars.legend(loc="upper center", fontsize=7.5)
    return figure


PICTURES = {
    "ranking-curves": ranking_curves,
    "reliability": reliability,
}
