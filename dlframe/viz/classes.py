"""The classes of a data set and of a classifier: their scores, and how many samples they have."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.errors import ArgumentError, ShapeError, did_you_mean
from dlframe.metrics import averages
from dlframe.metrics.intervals import of_share
from dlframe.viz import given, style
from dlframe.viz.matrix import matrix_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TALLEST = 14.0  # inches of all bars, however many classes there are
SMALLEST_TEXT = 5.0  # points
HATCHES = ("", "////", "....", "xxxx")
MEANS: tuple[Any, ...] = ((0, (1, 1)), (0, (4, 1.6)), (0, (6, 1.4, 1.2, 1.4)), (0, (2, 3)))
SCORES = {
    "precision": averages.precision,
    "recall": averages.recall,
    "f1": averages.f1,
    "specificity": averages.specificity,
}


def chosen(where: str, names: str | Sequence[str], known: Iterable[str]) -> list[str]:
    """The names of what to draw, one or more; ArgumentError for one that is not known."""
    names, known = [names] if isinstance(names, str) else list(names), list(known)
    for i, name in enumerate(names):
        if name not in known:
            raise ArgumentError(
                f"{where}: there is no {name!r}.{did_you_mean(name, known)} Known: "
                f"{', '.join(known)}"
            )
        if name in names[:i]:
            raise ArgumentError(f"{where}: {name!r} occurs twice in names")
    if not names:
        raise ArgumentError(f"{where}: names is empty; choose of {', '.join(known)}")
    return names


def class_scores(
    matrix: Any,
    classes: Any = None,
    *,
    target: Any = None,
    names: str | Sequence[str] = ("precision", "recall"),
    scores: str | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw bars of the precision and recall of each class, their means, and its number of samples.

    Args:
        matrix, classes, target, scores: as for `confusion`: a confusion matrix (C, C), outputs and
            labels, or a model and its data.
        names: of "precision", "recall", "f1" and "specificity".

    Thin lines are Wilson's 95 % intervals of shares (all but F1): with few samples they are wide.
    A class that was never predicted has no precision, and one without samples no recall. Dotted
    lines, and the legend, are the means over the classes that occur, in which every class weighs
    the same, and a precision or recall that there is not counts as 0: those of
    `metrics.precision(…, "macro")`, and of scikit-learn.

    Raises:
        ArgumentError: no names, or one that is unknown or occurs twice.

    >>> figure = class_scores(np.array([[8, 2], [0, 10]]), ["cat", "dog"])
    >>> [round(float(bar.get_width()), 3) for bar in figure.axes[0].patches]
    [1.0, 0.833, 0.8, 1.0]
    """
    names = chosen("class_scores", names, SCORES)
    table, classes = matrix_of("class_scores", matrix, classes, target, scores)
    count = len(table)
    with style.house_style():
        labels = given.names(classes, count, 24)
        row = min(0.19 * len(names) + 0.14, TALLEST / count)
        height = 0.9 + count * row
        figure = style.new_figure(6.2, height, title)
        style.lay_out(figure, height)
        axes = figure.subplots()
        step = 0.8 / len(names)
        counts = averages.counts_of_matrix(table)
        for i, name in enumerate(names):
            hits, of = SCORES[name](counts)
            mean = averages.macro(SCORES[name], counts, 0.0)
            rows = np.arange(count) + (i - (len(names) - 1) / 2) * step
            shares = np.divide(hits, of, out=np.zeros(count), where=of > 0)
            hatch, colour = HATCHES[i], style.CLASS_COLOURS[i]
            label = name if np.isnan(mean) else f"{name}, mean {mean:.3f}"
            axes.barh(rows, shares, step * 0.9, label=label, color=colour,
                      **_texture(hatch, 72 * row * step))  # fmt: skip
            if count > 1 and not np.isnan(mean):
                _draw_mean(axes, mean, colour, i)
            _draw_intervals(axes, name, rows, hits, of, 72 * row * step)
        support = table.sum(axis=1)
        _name_rows(axes, [f"{a}  ({int(n):,})" for a, n in zip(labels, support, strict=True)], row)
        axes.set(xlim=(0, 1.0), ylim=(count - 0.45, -0.55))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(len(names), 2), borderpad=0.2
        )
        return style.finish(figure, path)


def _texture(hatch: str, thick: float) -> dict[str, Any]:
    """Edges and hatches of bars that are `thick` points high; thin ones would be all edge."""
    if thick < 4:
        return {"lw": 0}
    return {"hatch": hatch, "edgecolor": style.PAPER, "lw": 0.4}


def _draw_mean(axes: Axes, mean: float, colour: str, i: int) -> None:
    """A dotted line over all classes, that can be told from a bar below it."""
    from matplotlib.patheffects import withStroke

    seen = [withStroke(linewidth=3.0, foreground=style.PAPER)]
    axes.axvline(mean, color=colour, lw=1.4, linestyle=MEANS[i], zorder=1.5, path_effects=seen)


def _draw_intervals(axes: Axes, name: str, rows: Any, hits: Any, of: Any, thick: float) -> None:
    """Draw them on bars that are `thick` points high."""
    from matplotlib.patheffects import withStroke

    line = min(1.0, 0.14 * thick)
    seen = [withStroke(linewidth=2.4 * line, foreground=style.PAPER)]  # on dark bars as well
    for row, hit, count in zip(rows, hits, of, strict=True):
        if not count:
            axes.text(0.005, row, "none", size=min(7.0, thick), color=style.MUTED, va="center")
        elif name != "f1":
            low, high = of_share(int(hit), int(count), 0.95, None)
            axes.plot([low, high], [row, row], color=style.INK, lw=line, path_effects=seen)


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
        classes = next((c for d in several.values() if (c := given.classes_of(d))), None)
    if classes is None and any(map(given.are_names, several.values())):
        classes = sorted(
            {str(n) for one in several.values() for n in given.numbers_of(one).ravel()}
        )
    found = {str(name): _labels_of(one, classes) for name, one in several.items()}
    seen = max((int(one.max()) + 1 for one in found.values() if one.size), default=0)
    count = max(seen, len(classes) if classes is not None else 0)
    if not count:
        raise ShapeError("class_balance: there are no labels")
    with style.house_style():
        names = given.names(classes, count, 24)
        row = min(0.19 * len(found) + 0.12, TALLEST / count)
        shown = style.shortened_apart(list(found), 30)
        height = 0.9 + count * row + 0.17 * (len(found) - 1)  # of the legend, if one to a line
        figure = style.new_figure(6.2, height, title, _imbalance(found, count))
        style.lay_out(figure, height)
        axes = figure.subplots()
        step = 0.82 / len(found)
        for i, (name, one) in enumerate(zip(shown, found.values(), strict=True)):
            counts = np.bincount(one, minlength=count)
            values = counts / max(counts.sum(), 1) if len(found) > 1 else counts
            rows = np.arange(count) + (i - (len(found) - 1) / 2) * step
            axes.barh(rows, values, step * 0.9, label=name, color=style.CLASS_COLOURS[i % 10],
                      **_texture(HATCHES[i % len(HATCHES)], 72 * row * step))  # fmt: skip
        _name_rows(axes, names, row)
        axes.set(ylim=(count - 0.45, -0.55), xlabel="share" if len(found) > 1 else "samples")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        if len(found) > 1:
            longest = max(style.text_width(name, style.SUBTITLE_SIZE) for name in shown) + 0.75
            columns = max(1, min(len(found), int(4.6 / longest)))
            above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1.0)}
            axes.legend(ncols=columns, borderpad=0.2, **above)
        return style.finish(figure, path)


def _name_rows(axes: Axes, names: Sequence[str], row: float) -> None:
    """Name the rows of bars, `row` inches each; of very many every fifth, tenth … one."""
    size = max(SMALLEST_TEXT, min(style.SUBTITLE_SIZE, row * 72 * 0.85))
    needed = math.ceil(size * 1.1 / 72 / row)
    every = next((e for e in (1, 5, 10, 20, 50, 100) if e >= needed), needed)
    places = range(0, len(names), every)
    axes.set_yticks(places, [names[i] for i in places], size=size)


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


def _labels_of(data: Any, classes: Sequence[object] | None) -> Any:
    """The labels of a data set, or labels in one of their forms, as integers (N,)."""
    array = given.targets_of(data, "class_balance")
    if array.ndim > 2:
        raise ShapeError(f"class_balance: labels are (N,) or one-hot (N, C); got {array.shape}")
    return given.labels_of(array, classes, "labels", "class_balance")
