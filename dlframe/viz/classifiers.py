"""How good a classifier is: ROC and precision–recall curves, calibration, scores of each class."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import metrics
from dlframe.errors import ArgumentError, ShapeError
from dlframe.metrics.curves import steps_of
from dlframe.metrics.intervals import of_share
from dlframe.metrics.labels import refuse_nan
from dlframe.metrics.probabilities import beliefs
from dlframe.tensor import Tensor, special
from dlframe.viz import given, style
from dlframe.viz.classes import chosen
from dlframe.viz.given import Answers
from dlframe.viz.looks import looks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 4.2  # inches of a square plot
MOST = 20  # lines that can be told apart in one plot
MOST_INSIDE = 5  # of more lines the legend would hide some, so it is beside the plot
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
            each class against the rest; or a model or `Trainer`. A dict of them compares models: of
            two classes one curve each; of more the mean of their areas says more than a curve.
        target: the labels (N,), as numbers, names or one-hot rows. Of a model, its data: a data
            set, a loader, or a pair (x, y).
        classes: the names of the classes, by default those of the data set.
        scores: "logits" or "probabilities", for more than two classes, where their values do not
            tell; see `metrics.auroc`.

    The legend has the area under each curve: the share of pairs of a positive and a negative of
    which the positive has the higher score. Fawcett, "An introduction to ROC analysis" (2006).

    Raises:
        ArgumentError: more curves than can be told apart, or a dict of outputs of many classes.
        ShapeError, LabelError: as `metrics.roc_curve`.

    >>> figure = roc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> figure.axes[0].get_legend().get_texts()[0].get_text()
    'area 0.750'
    """

    def curve(one: Answers, positive: int | None) -> tuple[Any, Any, float]:
        points = metrics.roc_curve(one.output, one.target, positive, scores=one.scores)
        x, y = points.false_positive_rate, points.true_positive_rate
        return x, y, float(np.trapezoid(y, x))

    with style.house_style():
        lines = _lines(_several("roc", output, target, classes, scores), curve, "roc")
        labels = _labels({name: line[2] for name, line in lines.items()}, "area")
        figure, axes = _square(title, "false positive rate", "true positive rate", labels)
        axes.plot([0, 1], [0, 1], **CHANCE)
        _draw_lines(axes, lines, labels, "area")
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

    def curve(one: Answers, positive: int | None) -> tuple[Any, Any, float]:
        points = metrics.precision_recall_curve(one.output, one.target, positive, scores=one.scores)
        gained = np.diff(points.recall)
        return points.recall, points.precision, float((gained * points.precision[1:]).sum())

    with style.house_style():
        several = _several("precision_recall", output, target, classes, scores)
        lines = _lines(several, curve, "precision_recall")
        labels = _labels({name: line[2] for name, line in lines.items()}, "average precision")
        figure, axes = _square(title, "recall", "precision", labels)
        if len(lines) == 1 or isinstance(output, Mapping):
            first = next(iter(several.values()))
            axes.axhline(float((first.target == 1).mean()), **CHANCE)
        _draw_lines(axes, lines, labels, "average precision", drawstyle="steps-pre")
        return style.finish(figure, path)


ECE = "ECE"
EQUAL_ERROR = "equal error rate"
SMALLEST_RATE = 1e-12  # stands for 0, which the scale of a normal deviate has at −∞
RATE_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)


def det(
    output: Any,
    target: Any,
    classes: Sequence[object] | None = None,
    *,
    scores: str | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw detection error tradeoffs: the share of positives missed over that of false alarms.

    The arguments are those of `roc`. Both axes are scaled by the quantiles of the normal
    distribution, which spreads small rates: where scores of positives and of negatives are normal,
    the curve is a straight line. The best curve is the one nearest to the lower left corner. The
    legend has the equal error rate: where the ROC curve, a straight line between its points, has as
    large a share of misses as of false alarms. A rate of 0 is at the edge of the picture. Martin et
    al., "The DET curve in assessment of detection task performance" (1997).

    >>> figure = det(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> figure.axes[0].get_legend().get_texts()[0].get_text()
    'equal error rate 0.500'
    """

    def curve(one: Answers, positive: int | None) -> tuple[Any, Any, float]:
        points = metrics.roc_curve(one.output, one.target, positive, scores=one.scores)
        x, y = points.false_positive_rate, 1 - points.true_positive_rate
        return x, y, _equal_error(x, y)

    with style.house_style():
        lines = _lines(_several("det", output, target, classes, scores), curve, "det")
        labels = _labels({name: line[2] for name, line in lines.items()}, EQUAL_ERROR)
        figure, axes = _square(title, "false positive rate", "false negative rate", labels)
        _scale_by_quantiles(axes, [rates for line in lines.values() for rates in line[:2]])
        axes.plot([SMALLEST_RATE, 1 - SMALLEST_RATE], [SMALLEST_RATE, 1 - SMALLEST_RATE], **CHANCE)
        _draw_lines(axes, lines, labels, EQUAL_ERROR, drawstyle="steps-post")
        return style.finish(figure, path)


def _equal_error(false_alarms: Any, misses: Any) -> float:
    """Where misses, which fall, meet false alarms, which grow; linear between points."""
    if np.isnan(false_alarms).any() or np.isnan(misses).any():
        return float("nan")
    above = misses - false_alarms  # from 1 to -1
    i = int(np.flatnonzero(above <= 0)[0])
    share = above[i - 1] / (above[i - 1] - above[i])
    return float(false_alarms[i - 1] + share * (false_alarms[i] - false_alarms[i - 1]))


def quantile(rate: Any) -> Any:
    """The normal deviate below which a share of `rate` lies; 0 and 1 are far, but finite."""
    inside = np.clip(np.asarray(rate, np.float64), SMALLEST_RATE, 1 - SMALLEST_RATE)
    return special.ndtri(Tensor(inside)).numpy()


def share_below(deviate: Any) -> Any:
    """The inverse of `quantile`."""
    return special.ndtr(Tensor(np.asarray(deviate, np.float64))).numpy()


def _scale_by_quantiles(axes: Axes, rates: Sequence[Any]) -> None:
    """Scale both axes, from somewhat below the smallest rate to somewhat above the largest."""
    inside = np.concatenate([one[(one > 0) & (one < 1)] for one in rates] + [[0.01, 0.5]])
    low = max(float(inside.min()) / 2, 1e-7)
    high = min((1 + float(inside.max())) / 2, 1 - 1e-4)
    ticks = [tick for tick in RATE_TICKS if low <= tick <= high]
    axes.set_xscale("function", functions=(quantile, share_below))
    axes.set_yscale("function", functions=(quantile, share_below))
    axes.set(xlim=(low, high), ylim=(low, high))
    names = [f"{100 * tick:.6g} %" for tick in ticks]
    axes.set_xticks(ticks, names, size=style.SMALL_SIZE)
    axes.set_yticks(ticks, names, size=style.SMALL_SIZE)


def _several(
    where: str,
    output: Any,
    target: Any,
    classes: Sequence[object] | None,
    scores: str | None,
) -> dict[str, Answers]:
    """The answers of each model by its name; of "" if it is one without a name."""
    outputs = output if isinstance(output, Mapping) else {"": output}
    if not outputs:
        raise ArgumentError(f"{where}: the dict of outputs is empty")
    found = {
        str(name): given.answers(where, one, target, classes, scores)
        for name, one in outputs.items()
    }
    for one in found.values():
        if not one.target.size:
            raise ShapeError(f"{where}: there are no samples; got output{one.output.shape}")
        if one.columns == 1 and one.output.dtype.kind != "f" and one.target.max() > 1:
            raise ArgumentError(
                f"{where}: needs scores, such as probabilities, and got labels of shape "
                f"{one.output.shape}; of a model pass its outputs before argmax"
            )
    return found


def _lines(
    several: Mapping[str, Answers],
    curve: Callable[[Answers, int | None], tuple[Any, Any, float]],
    where: str,
) -> dict[str, tuple[Any, Any, float]]:
    """The points and the area of each curve by its name; "" if there is one only."""
    many = [name for name, one in several.items() if one.columns > 2]
    if many and "" not in several:
        raise ArgumentError(
            f"{where}: {many[0]!r} has scores of {several[many[0]].columns} classes; models are "
            "compared on two, so pass the scores of one class and labels of 0 and 1"
        )
    if many:
        one = several[many[0]]
        names = given.names(one.classes, one.columns, 200)
        count = len(names)
        if count > MOST:
            raise ArgumentError(
                f"{where}: {count} curves cannot be told apart; draw up to {MOST}: pass the "
                "scores of one class (N,) and labels of 0 and 1"
            )
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ArgumentError(f"{where}: the class name {twice[0]!r} occurs more than once")
        return {name: curve(one, i) for i, name in enumerate(names)}
    if len(several) > MOST:
        raise ArgumentError(
            f"{where}: {len(several)} curves cannot be told apart; draw up to {MOST}"
        )
    return {name: curve(one, None) for name, one in several.items()}


def _labels(values: Mapping[str, float], what: str) -> dict[str, str]:
    """What the legend says of each line, by its name; the best first, as the eye looks for it."""
    sign = 1 if what in (EQUAL_ERROR, ECE) else -1
    ranked = sorted(values.items(), key=lambda pair: sign * np.nan_to_num(pair[1]))
    short = dict(zip(values, style.shortened_apart(list(values), 24), strict=True))
    labels = {}
    for name, value in ranked:
        number = "undefined" if np.isnan(value) else f"{value:.3f}"
        labels[name] = f"{short[name]}  {number}" if name else f"{what} {number}"
    return labels


def _room_beside(labels: Mapping[str, str]) -> float:
    """Inches for the legend, if it is beside the plot."""
    if len(labels) <= MOST_INSIDE:
        return 0.0
    return max(style.text_width(one, style.SUBTITLE_SIZE) for one in labels.values()) + 0.75


def _place_of_legend(labels: Mapping[str, str], inside: str) -> dict[str, Any]:
    if len(labels) <= MOST_INSIDE:
        return {"loc": inside}
    return {"loc": "upper left", "bbox_to_anchor": (1.0, 1.02)}


def _square(
    title: str | None, x_label: str, y_label: str, labels: Mapping[str, str]
) -> tuple[Figure, Axes]:
    """A figure with a square of both rates; of many labels with room for them at its right."""
    figure = style.new_figure(SIDE + 0.9 + _room_beside(labels), SIDE + 0.6, title)
    style.lay_out(figure, SIDE + 0.6)
    axes = figure.subplots()
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=x_label, ylabel=y_label, aspect="equal")
    axes.grid(visible=True)
    return figure, axes


def _draw_lines(
    axes: Axes,
    lines: Mapping[str, tuple[Any, Any, float]],
    labels: Mapping[str, str],
    what: str,
    **how: Any,
) -> None:
    looks = looks_of(lines)
    for name, label in labels.items():
        x, y, _ = lines[name]
        look = dict(looks[name])
        if len(x) > 60:  # a marker for each sample would hide the curve
            look["markevery"] = MARK_EVERY
        axes.plot(x, y, **look, **how, label=label)
    place = _place_of_legend(labels, "best")
    legend = axes.legend(title=what if len(lines) > 1 else None, handlelength=2.6, **place)
    legend.set_frame_on(True)
    legend.get_frame().set(facecolor=style.PAPER, edgecolor="none", alpha=0.85)


# --- one threshold after the other -------------------------------------------------------------

RATES = ("precision", "recall", "f1", "specificity", "accuracy", "positive")


def thresholds(
    output: Any,
    target: Any,
    *,
    positive: int = 1,
    names: str | Sequence[str] = ("precision", "recall", "f1"),
    scores: str | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw precision, recall and F1 over the threshold from which on a sample counts as positive.

    Args:
        output: one score per sample (N,), of any kind; scores of C classes (N, C), of which the
            probability of `positive` is taken; or a model or `Trainer`.
        target: the labels (N,); of a model, its data.
        positive: the class that is to be found.
        names: of "precision", "recall", "f1", "specificity", "accuracy", and "positive", the share
            of samples that count as positive.
        scores: "logits" or "probabilities" of several classes, where their values do not tell.

    With TP, FP and P the samples that are rightly and wrongly taken for positive and those that
    are, precision is TP / (TP + FP), recall TP / P and F1 2 TP / (TP + FP + P). A ring marks the
    threshold with the best F1. Choose it on validation data: on the data on which it was chosen it
    looks better than it is.

    Raises:
        ArgumentError: an unknown name, or a class that is no class or that no sample has.

    >>> figure = thresholds(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> figure.axes[0].get_title()
    'best F1 0.800 from 0.35 on'
    """
    names = chosen("thresholds", names, RATES)
    if isinstance(positive, bool) or not isinstance(positive, (int, np.integer)):
        raise ArgumentError(f"thresholds: positive must be the number of a class; got {positive!r}")
    if isinstance(output, Mapping):
        raise ArgumentError("thresholds: pass one output; of a dict draw each by itself")
    one = _several("thresholds", output, target, None, scores)[""]
    values, what = _scores_of(one, positive)
    true = one.target == positive
    if not true.any() or true.all():
        raise ArgumentError(
            f"thresholds: of {true.size} samples {int(true.sum())} are of class {positive}; there "
            "must be some of it and some of others"
        )
    steps = steps_of(values, true)
    hits, wrong, at = (np.asarray(part[::-1], np.float64) for part in steps)
    count, found = hits + wrong, float(true.sum())
    f1 = 2 * hits / (count + found)
    rates = {
        "precision": hits / count,
        "recall": hits / found,
        "f1": f1,
        "specificity": 1 - wrong / (true.size - found),
        "accuracy": (hits + true.size - found - wrong) / true.size,
        "positive": count / true.size,
    }
    best = int(f1.argmax())
    with style.house_style():
        figure = style.new_figure(6.0, 3.9, title)
        style.lay_out(figure, 3.9)
        axes = figure.subplots()
        for name, look in looks_of(names).items():
            how = dict(look, drawstyle="steps-pre", markevery=MARK_EVERY if len(at) > 1 else 1)
            axes.plot(at, rates[name], **how, label="F1" if name == "f1" else name)
        if "f1" in names:
            ring = {"marker": "o", "ms": 11, "mfc": "none", "mec": style.INK, "mew": 1.4}
            axes.plot(at[best], f1[best], linestyle="none", **ring, zorder=5)  # type: ignore[arg-type] # a dict of several kinds
        axes.set_title(
            f"best F1 {f1[best]:.3f} from {at[best]:.3g} on", loc="center", weight="normal",
            size=style.SUBTITLE_SIZE, color=style.MUTED,
        )  # fmt: skip
        axes.set(xlabel=f"threshold ({what})", ylim=(-0.02, 1.02))
        if what == "probability":
            axes.set_xlim(-0.02, 1.02)
        axes.grid(visible=True)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), handlelength=2.6)
        return style.finish(figure, path)


def _scores_of(one: Answers, positive: int) -> tuple[Any, str]:
    """The score of a class for each sample, in float64, and what it is."""
    columns = one.columns
    if columns == 1:
        if positive not in (0, 1):
            raise ArgumentError(
                f"thresholds: one score per sample is of two classes; positive must be 0 or 1, "
                f"got {positive}"
            )
        values = one.output.astype(np.float64).reshape(-1)
        refuse_nan(values, "output")
        inside = bool(values.min() >= 0 and values.max() <= 1)
        values = values if positive else (1 - values if inside else -values)
        return values, "probability" if inside else one.scores or "score"
    if not 0 <= positive < columns:
        raise ArgumentError(
            f"thresholds: positive must be a class from 0 to {columns - 1}; got {positive}"
        )
    return beliefs(one.output, one.target, scores=one.scores).p[:, positive], "probability"


# --- calibration -------------------------------------------------------------------------------


def calibration(
    output: Any,
    target: Any,
    *,
    bins: int = 10,
    adaptive: bool = False,
    scores: str | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw how often a model is right where it says that it is sure: a reliability diagram.

    Of two classes from one score per sample (N,), x is the probability of class 1, and y the share
    of samples of class 1; of several (N, C), x is the probability of the likeliest class, and y the
    share of samples of which it is the true one. On the diagonal probabilities can be taken at
    their word; below it the model is too sure. The bars below count the samples of each bin; the
    legend has the expected calibration error. Thin lines are Wilson's 95 % intervals of the shares,
    of one model only. Guo et al., "On calibration of modern neural networks" (2017).

    Args:
        output: probabilities or logits, or a model or `Trainer`; or a dict of several.
        target: the labels (N,); of a model, its data.
        bins: how many.
        adaptive: bins of about as many samples each, in place of bins of one width.
        scores: "logits" or "probabilities", where that is not certain, see `metrics.log_loss`.

    >>> figure = calibration(np.array([0.2, 0.2, 0.9, 0.7]), np.array([0, 1, 1, 1]), bins=2)
    >>> figure.axes[0].lines[1].get_ydata().tolist()
    [0.5, 1.0]
    """
    several = _several("calibration", output, target, None, scores)
    errors = {}
    for name, one in several.items():
        errors[name] = metrics.CalibrationError(bins=bins, adaptive=adaptive, scores=one.scores)
        errors[name].update(one.output, one.target)
    measured = {name: error.curve() for name, error in errors.items()}
    with style.house_style():
        height = SIDE + 1.3
        labels = _labels({name: float(error.compute()) for name, error in errors.items()}, ECE)
        figure = style.new_figure(SIDE + 0.9 + _room_beside(labels), height, title)
        style.lay_out(figure, height)
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(SIDE, 0.9))
        axes.plot([0, 1], [0, 1], **CHANCE)
        looks = looks_of(several)
        for name, label in labels.items():
            curve = measured[name]
            axes.plot(curve.confidence, curve.accuracy, **looks[name], label=label)
            look = dict(looks[name])
            if len(several) == 1:
                _draw_shares(axes, curve)
                below.vlines(curve.confidence, 0, curve.samples, color=look["color"], lw=7)
                look |= {"linestyle": "none", "marker": ""}
            below.plot(curve.confidence, curve.samples, **look)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        is_several = any(one.columns > 1 for one in several.values())
        axes.set_ylabel("share that is right" if is_several else "share of class 1")
        axes.grid(visible=True)
        place = _place_of_legend(labels, "upper left")
        axes.legend(title=ECE if len(several) > 1 else None, handlelength=2.6, **place)
        below.set_yscale("symlog", linthresh=2)
        below.set(xlabel="probability", ylabel="samples", ylim=(0, None))
        most = max(curve.samples.max() for curve in measured.values())
        powers = [10**n for n in range(1, 12) if 10**n <= most]
        below.set_yticks([0, *powers[:: len(powers) // 4 + 1]])
        below.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        below.grid(axis="y")
        return style.finish(figure, path)


def _draw_shares(axes: Axes, curve: Any) -> None:
    """The intervals of the shares of a reliability curve."""
    for x, share, count in zip(curve.confidence, curve.accuracy, curve.samples, strict=True):
        low, high = of_share(round(share * count), int(count), 0.95, None)
        axes.plot([x, x], [low, high], color=style.INK, lw=0.9, zorder=1)
