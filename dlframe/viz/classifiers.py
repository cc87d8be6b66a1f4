"""How good a classifier is: ROC and precision–recall curves, calibration, scores of each class."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import metrics
from dlframe.errors import ArgumentError, ShapeError, did_you_mean
from dlframe.metrics.intervals import of_share
from dlframe.metrics.labels import check_labels, whole_numbers
from dlframe.tensor import to_array
from dlframe.viz import style
from dlframe.viz.looks import looks_of
from dlframe.viz.matrix import matrix_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 4.2  # inches of a square plot
MOST = 20  # lines that can be told apart in one plot
MARK_EVERY = 0.1  # of the length of a curve
CHANCE: dict[str, Any] = {"color": style.MUTED, "lw": 1.0, "linestyle": (0, (2, 2)), "zorder": 1}


# --- curves over thresholds --------------------------------------------------------------------


def roc(
    output: Any,
    target: Any,
    classes: Sequence[object] | None = None,
    *,
    scores: str | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw ROC curves: the share of positives found over the share of negatives taken for one.

    Args:
        output: one score per sample (N,), or scores of C classes (N, C): then there is a curve for
            each class against the rest. A dict of outputs compares models: of two classes one
            curve each; of more the mean of their areas says more than a curve.
        target: the labels (N,).
        classes: the names of the classes.
        scores: "logits" or "probabilities"; needed for more than two classes, see `metrics.auroc`.

    The legend has the area under each curve: the share of pairs of a positive and a negative of
    which the positive has the higher score. Fawcett, "An introduction to ROC analysis" (2006).

    Raises:
        ArgumentError: more curves than can be told apart, or a dict of outputs of many classes.
        ShapeError, LabelError: as `metrics.roc_curve`.

    >>> figure = roc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> figure.axes[0].get_legend().get_texts()[0].get_text()
    'area 0.750'
    """

    def curve(one: Any, positive: int | None) -> tuple[Any, Any, float]:
        points = metrics.roc_curve(one, target, positive, scores=scores)
        x, y = points.false_positive_rate, points.true_positive_rate
        return x, y, float(np.trapezoid(y, x))

    with style.house_style():
        lines = _lines("roc", output, target, classes, curve)
        figure, axes = _square(title, "false positive rate", "true positive rate")
        axes.plot([0, 1], [0, 1], **CHANCE)
        _draw_lines(axes, lines, "area")
        return style.finish(figure, path)


def precision_recall(
    output: Any,
    target: Any,
    classes: Sequence[object] | None = None,
    *,
    scores: str | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw precision–recall curves: how many of those found are right, over how many are found.

    The arguments are those of `roc`. The legend has the average precision, and of one curve a
    dotted line is the share of positives: the precision of guessing. Where positives are rare,
    these curves show mistakes that ROC curves hide. Davis and Goadrich, "The relationship between
    precision-recall and ROC curves" (2006).

    >>> figure = precision_recall(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> figure.axes[0].get_legend().get_texts()[0].get_text()
    'average precision 0.833'
    """

    def curve(one: Any, positive: int | None) -> tuple[Any, Any, float]:
        points = metrics.precision_recall_curve(one, target, positive, scores=scores)
        gained = np.diff(points.recall)
        return points.recall, points.precision, float((gained * points.precision[1:]).sum())

    with style.house_style():
        lines = _lines("precision_recall", output, target, classes, curve)
        figure, axes = _square(title, "recall", "precision")
        if len(lines) == 1 or isinstance(output, Mapping):
            axes.axhline(float((to_array(target) == 1).mean()), **CHANCE)
        _draw_lines(axes, lines, "average precision", drawstyle="steps-pre")
        return style.finish(figure, path)


def _lines(
    where: str,
    output: Any,
    target: Any,
    classes: Sequence[object] | None,
    curve: Callable[[Any, int | None], tuple[Any, Any, float]],
) -> dict[str, tuple[Any, Any, float]]:
    """The points and the area of each curve by its name; "" if there is one only."""
    if isinstance(output, Mapping):
        if not output:
            raise ArgumentError(f"{where}: the dict of outputs is empty")
        many = [name for name, one in output.items() if _count(one) > 2]
        if many:
            raise ArgumentError(
                f"{where}: {many[0]!r} has scores of {_count(output[many[0]])} classes; models are "
                "compared on two, so pass the scores of one class and labels of 0 and 1"
            )
        lines = {str(name): curve(one, None) for name, one in output.items()}
    else:
        count = _count(output)
        if count > 2:
            names = style.class_names(classes, count)
            lines = {name: curve(output, i) for i, name in enumerate(names[:count])}
        else:
            lines = {"": curve(output, None)}
    if len(lines) > MOST:
        raise ArgumentError(
            f"{where}: {len(lines)} curves cannot be told apart; draw up to {MOST}: pass the "
            "scores of one class (N,) and labels of 0 and 1"
        )
    return lines


def _count(output: Any) -> int:
    array = to_array(output)
    return array.shape[1] if array.ndim == 2 else 1


def _square(title: str | None, x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = style.new_figure(SIDE + 0.9, SIDE + 0.6, title)
    style.lay_out(figure, SIDE + 0.6)
    axes = figure.subplots()
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=x_label, ylabel=y_label, aspect="equal")
    axes.grid(visible=True)
    return figure, axes


def _draw_lines(
    axes: Axes, lines: Mapping[str, tuple[Any, Any, float]], what: str, **how: Any
) -> None:
    looks = looks_of(lines)
    # the best first, as the eye looks for it
    for name, (x, y, area) in sorted(lines.items(), key=lambda line: -np.nan_to_num(line[1][2])):
        look = dict(looks[name])
        if len(x) > 60:  # a marker for each sample would hide the curve
            look["markevery"] = MARK_EVERY
        label = f"{style.shortened(name, 24)}  {area:.3f}" if name else f"{what} {area:.3f}"
        axes.plot(x, y, **look, **how, label=label)
    legend = axes.legend(title=what if len(lines) > 1 else None, handlelength=2.6)
    legend.set_frame_on(True)
    legend.get_frame().set(facecolor=style.PAPER, edgecolor="none", alpha=0.85)


# --- calibration -------------------------------------------------------------------------------


def calibration(
    output: Any,
    target: Any,
    *,
    bins: int = 10,
    scores: str | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw how often a model is right where it says that it is sure: a reliability diagram.

    Of two classes from one score per sample (N,), x is the probability of class 1, and y the share
    of samples of class 1; of several (N, C), x is the probability of the likeliest class, and y the
    share of samples of which it is the true one. On the diagonal probabilities can be taken at
    their word; below it the model is too sure. The bars below count the samples of each bin; the
    legend has the expected calibration error. Guo et al., "On calibration of modern neural
    networks" (2017).

    Args:
        output: probabilities or logits, or a dict of outputs of several models.
        target: the labels (N,).
        bins: of equal width.
        scores: "logits" or "probabilities", where that is not certain, see `metrics.log_loss`.

    >>> figure = calibration(np.array([0.2, 0.2, 0.9, 0.7]), np.array([0, 1, 1, 1]), bins=2)
    >>> figure.axes[0].lines[1].get_ydata().tolist()
    [0.5, 1.0]
    """
    outputs = output if isinstance(output, Mapping) else {"": output}
    if not outputs:
        raise ArgumentError("calibration: the dict of outputs is empty")
    with style.house_style():
        height = SIDE + 1.3
        figure = style.new_figure(SIDE + 0.9, height, title)
        style.lay_out(figure, height)
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(SIDE, 0.9))
        axes.plot([0, 1], [0, 1], **CHANCE)
        looks = looks_of(outputs)
        for name, one in outputs.items():
            curve = metrics.reliability_curve(one, target, bins, scores=scores)
            error = metrics.calibration_error(one, target, bins=bins, scores=scores)
            label = f"{style.shortened(str(name), 24)}  {error:.3f}" if name else f"ECE {error:.3f}"
            axes.plot(curve.confidence, curve.accuracy, **looks[name], label=label)
            below.plot(curve.confidence, curve.samples, **looks[name])
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_ylabel("share that is right" if _is_several(outputs) else "share of class 1")
        axes.grid(visible=True)
        axes.legend(title="ECE" if len(outputs) > 1 else None, loc="upper left", handlelength=2.6)
        below.set_yscale("symlog", linthresh=2)
        below.set(xlabel="probability", ylabel="samples", ylim=(0, None))
        most = max(line.get_ydata().max() for line in below.lines)
        powers = [10**n for n in range(1, 12) if 10**n <= most]
        below.set_yticks([0, *powers[:: len(powers) // 4 + 1]])
        below.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        below.grid(axis="y")
        return style.finish(figure, path)


def _is_several(outputs: Mapping[Any, Any]) -> bool:
    return any(_count(one) > 1 for one in outputs.values())


# --- classes -----------------------------------------------------------------------------------

SCORES = ("precision", "recall", "f1", "specificity")


def class_scores(
    matrix: Any,
    classes: Sequence[object] | None = None,
    *,
    target: Any = None,
    names: Sequence[str] = ("precision", "recall"),
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw bars of the precision and recall of each class, with the number of its samples.

    Args:
        matrix: a confusion matrix (C, C) as `metrics` counts it; or, with `target`, the outputs or
            labels that a model gave, in any form that metrics take.
        classes: the names of the classes.
        target: the true labels.
        names: of "precision", "recall", "f1" and "specificity".

    Thin lines are Wilson's 95 % intervals of shares (all but F1): with few samples they are wide.
    A class that was never predicted has no precision, and one without samples no recall.

    >>> figure = class_scores(np.array([[8, 2], [0, 10]]), ["cat", "dog"])
    >>> [round(float(bar.get_width()), 3) for bar in figure.axes[0].patches]
    [1.0, 0.833, 0.8, 1.0]
    """
    for name in names:
        if name not in SCORES:
            raise ArgumentError(
                f"class_scores: there is no {name!r}.{did_you_mean(name, SCORES)} Known: "
                f"{', '.join(SCORES)}"
            )
    table = matrix_of("class_scores", matrix, target)
    count = len(table)
    with style.house_style():
        labels = [style.shortened(one, 24) for one in style.class_names(classes, count)[:count]]
        thick = 0.19
        height = 0.9 + count * (thick * len(names) + 0.14)
        figure = style.new_figure(6.2, height, title)
        style.lay_out(figure, height)
        axes = figure.subplots()
        step = 0.8 / len(names)
        for i, name in enumerate(names):
            hits, of = _ratio(name, table)
            rows = np.arange(count) + (i - (len(names) - 1) / 2) * step
            shares = np.divide(hits, of, out=np.zeros(count), where=of > 0)
            hatch, colour = ("", "////", "....", "xxxx")[i], style.CLASS_COLOURS[i]
            axes.barh(rows, shares, step * 0.9, label=name, color=colour, hatch=hatch,
                      edgecolor=style.PAPER, lw=0.4)  # fmt: skip
            _draw_intervals(axes, name, rows, hits, of)
        support = table.sum(axis=1)
        axes.set_yticks(
            range(count), [f"{a}  ({int(n):,})" for a, n in zip(labels, support, strict=True)]
        )
        axes.set(xlim=(0, 1.0), ylim=(count - 0.45, -0.55))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(names), borderpad=0.2)
        return style.finish(figure, path)


def _ratio(name: str, table: Any) -> tuple[Any, Any]:
    """Numerators and denominators of a score of each class."""
    hits, predicted, true = table.diagonal(), table.sum(axis=0), table.sum(axis=1)
    if name == "precision":
        return hits, predicted
    if name == "recall":
        return hits, true
    if name == "f1":
        return 2 * hits, predicted + true
    return table.sum() - predicted - true + hits, table.sum() - true


def _draw_intervals(axes: Axes, name: str, rows: Any, hits: Any, of: Any) -> None:
    from matplotlib.patheffects import withStroke

    seen = [withStroke(linewidth=2.4, foreground=style.PAPER)]  # on dark bars as well
    for row, hit, count in zip(rows, hits, of, strict=True):
        if not count:
            axes.text(0.005, row, "none", size=7, color=style.MUTED, va="center")
        elif name != "f1":
            low, high = of_share(int(hit), int(count), 0.95, None)
            axes.plot([low, high], [row, row], color=style.INK, lw=1.0, path_effects=seen)


def class_balance(
    labels: Any,
    classes: Sequence[object] | None = None,
    *,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw how many samples each class has.

    Args:
        labels: a data set with `targets` (or whose samples are pairs with a label), labels (N,), or
            one-hot labels (N, C); a dict of several, such as `{"training": …, "test": …}`, is drawn
            as shares, so that a difference between them can be seen.
        classes: the names; by default those of the data set.

    Raises:
        ShapeError: labels of another shape; LabelError: labels that are not whole numbers.

    >>> figure = class_balance(np.array([0, 1, 1, 2]), ["a", "b", "c"])
    >>> [int(bar.get_width()) for bar in figure.axes[0].patches]
    [1, 2, 1]
    """
    several = labels if isinstance(labels, Mapping) else {"": labels}
    if not several:
        raise ArgumentError("class_balance: the dict of labels is empty")
    if classes is None:
        classes = next((c for d in several.values() if (c := getattr(d, "classes", None))), None)
    found = {str(name): _labels_of(one) for name, one in several.items()}
    seen = max((int(one.max()) + 1 for one in found.values() if one.size), default=0)
    count = max(seen, len(classes) if classes is not None else 0)
    if not count:
        raise ShapeError("class_balance: there are no labels")
    with style.house_style():
        names = [style.shortened(one, 24) for one in style.class_names(classes, count)[:count]]
        height = 0.9 + count * (0.19 * len(found) + 0.12)
        figure = style.new_figure(6.2, height, title, _imbalance(found, count))
        style.lay_out(figure, height)
        axes = figure.subplots()
        step = 0.82 / len(found)
        for i, (name, one) in enumerate(found.items()):
            counts = np.bincount(one, minlength=count)
            values = counts / max(counts.sum(), 1) if len(found) > 1 else counts
            rows = np.arange(count) + (i - (len(found) - 1) / 2) * step
            axes.barh(rows, values, step * 0.9, label=name, lw=0.4, edgecolor=style.PAPER,
                      color=style.CLASS_COLOURS[i % 10],
                      hatch=("", "////", "....", "xxxx")[i % 4])  # fmt: skip
        axes.set_yticks(range(count), names)
        axes.set(ylim=(count - 0.45, -0.55), xlabel="share" if len(found) > 1 else "samples")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        if len(found) > 1:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(found), borderpad=0.2)
        return style.finish(figure, path)


def _imbalance(found: Mapping[str, Any], count: int) -> str:
    parts = []
    for name, labels in found.items():
        counts = np.bincount(labels, minlength=count)
        least = counts.min()
        ratio = (
            "a class has none" if not least else f"largest to smallest {counts.max() / least:.3g}"
        )
        parts.append(f"{name + ': ' if name else ''}{len(labels):,} samples, {ratio}")
    return "; ".join(parts)


def _labels_of(data: Any) -> Any:
    """The labels of a data set, or labels in one of their forms, as integers (N,)."""
    given = getattr(data, "targets", data)
    if given is data and hasattr(data, "__getitem__") and not hasattr(data, "dtype"):
        first = data[0] if len(data) else None
        if isinstance(first, (tuple, list)) and len(first) == 2:
            given = [data[i][1] for i in range(len(data))]
    array = np.asarray(
        [to_array(one) for one in given] if isinstance(given, list) else to_array(given)
    )
    if array.ndim == 2 and array.shape[1] > 1:
        array = array.argmax(axis=1)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(f"class_balance: labels are (N,) or one-hot (N, C); got {array.shape}")
    labels = whole_numbers(array, "labels")
    check_labels(labels, None, "labels")
    return labels
