"""The confusion matrix as a picture."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe import metrics
from dlframe.errors import ArgumentError, ShapeError, did_you_mean
from dlframe.tensor import Tensor
from dlframe.viz import given, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

LONGEST_NAME = 22  # characters of a class name beside the matrix
LARGEST = 13.0  # inches of matrix, however many classes there are
SMALLEST_TEXT = 5.0  # points


def confusion(
    matrix: Any,
    classes: Any = None,
    *,
    target: Any = None,
    normalize: bool | str | None = None,
    scores: str | None = None,
    title: str | None = "Confusion matrix",
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw a confusion matrix (C, C) as `metrics` counts it: true classes are rows.

    Args:
        matrix: the matrix; or, with `target`, what a classifier gave: scores (N, C) or (N,),
            labels, names of classes; or a model or `Trainer`.
        classes: the names of the classes, by default those of the data set. In their place the
            targets may stand: `confusion(outputs, labels)`, `confusion(model, data)`.
        target: the true labels, as numbers, names or one-hot rows. Of a model, its data: a data
            set, a loader, or a pair (x, y).
        normalize: draw shares in percent: "true", or True, of the true class, so that rows sum to
            100 and the diagonal is the recall; "pred" (or "predicted") of the predicted class, so
            that columns sum to 100 and the diagonal is the precision; "all" of all samples.
        scores: what one score per sample is, see `metrics.scores_of`.

    Shades follow the square root, so that a few mistakes can be seen besides hundreds of hits.
    Empty cells are white and without a number, and so is a class of no samples: it has no shares.

    Raises:
        ArgumentError: another `normalize`, or a matrix that does not count samples.
        ShapeError: a matrix that is not square.

    >>> figure = confusion(np.array([[8, 2], [0, 10]]), ["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['8', '2', '10']
    """
    share = _share_of(normalize)
    table, classes = matrix_of("confusion", matrix, classes, target, scores)
    with style.house_style():
        names = given.names(classes, len(table), LONGEST_NAME)
        values = table if share is None else _shares(table, share.axis)
        figure, axes, bar = _page(len(table), names, title, _summary(table))
        whole = share is not None and share.axis is not None
        image = _draw_cells(axes, values, 1.0 if whole else float(np.nan_to_num(values).max()))
        _write_numbers(axes, image, values, share)
        _name_axes(axes, names)
        if bar is not None:
            _draw_bar(bar, image, share)
        return style.finish(figure, path)


def matrix_of(
    where: str, matrix: Any, classes: Any, target: Any, scores: str | None
) -> tuple[NDArray[Any], Sequence[object] | None]:
    """The confusion matrix that was given, or that of outputs and targets; and the names."""
    if target is None and _are_targets(matrix, classes):
        classes, target = None, classes
    if target is not None or given.is_model(matrix):
        found = given.answers(where, matrix, target, classes, scores)
        count = None if found.classes is None else len(found.classes)
        if found.output.ndim > 1 or (count is not None and _most(found) >= count):
            count = None
        table = metrics.confusion_matrix(found.output, found.target, count, scores=found.scores)
        return table, found.classes
    table = given.numbers_of(matrix)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        raise ShapeError(
            f"{where}: needs a square matrix of one class or more, got {table.shape}; of outputs "
            "pass the labels as well, as target="
        )
    if table.dtype.kind not in "biuf" or not np.isfinite(table).all() or table.min() < 0:
        raise ArgumentError(
            f"{where}: a confusion matrix counts samples, so its numbers are 0 or more; got "
            f"{table.dtype} numbers of which some are not. Of outputs pass the labels as well, as "
            "target="
        )
    return table, classes


def _most(found: given.Answers) -> int:
    """The highest label of two rows of labels."""
    output = found.output if found.output.dtype.kind in "iub" else np.ones(1)
    return max(int(output.max(initial=0)), int(found.target.max(initial=0)))


def _are_targets(matrix: Any, second: Any) -> bool:
    """Whether the second argument holds targets, and no names of classes."""
    if second is None:
        return False
    if given.is_data(second) or isinstance(second, Tensor):
        return True
    if given.is_model(matrix):
        return False
    first, other = given.numbers_of(matrix), given.numbers_of(second)
    if not first.ndim or len(first) != len(other):
        return False
    if first.ndim == 2 and first.shape[0] == first.shape[1]:  # a matrix, if it may be one
        return first.dtype.kind == "f" and first.min() < 0 and not given.are_names(other)
    return True


@dataclass(frozen=True)
class Share:
    """What a normalized matrix is divided by: the sums along an axis, None for the whole sum."""

    axis: int | None
    label: str
    decimals: int = 0


SHARES = {
    "true": Share(1, "share of the true class (%)"),
    "pred": Share(0, "share of the predicted class (%)"),
    "all": Share(None, "share of all samples (%)", 1),
}


def _share_of(normalize: bool | str | None) -> Share | None:
    if normalize is None or isinstance(normalize, (bool, np.bool_)):
        return SHARES["true"] if normalize else None
    if normalize == "predicted":  # the word of metrics.confusion_matrix
        normalize = "pred"
    if not isinstance(normalize, str) or normalize not in SHARES:
        hint = did_you_mean(normalize, SHARES) if isinstance(normalize, str) else ""
        raise ArgumentError(
            f"confusion: normalize must be one of 'true', 'pred' and 'all', or True, False or "
            f"None; got {normalize!r}.{hint}"
        )
    return SHARES[normalize]


def _shares(table: NDArray[Any], axis: int | None) -> NDArray[np.float64]:
    """Numbers divided by the sums along an axis; where that is 0, NaN, which is drawn empty."""
    sums = table.sum(axis=axis, keepdims=True, dtype=np.float64)
    shares = np.full(table.shape, np.nan)
    np.divide(table, sums, out=shares, where=sums > 0)
    return shares


def _summary(table: NDArray[Any]) -> str:
    samples = table.sum()
    if not samples:
        return "no samples"
    accuracy = style.percent(float(table.trace() / samples))
    return f"accuracy {accuracy} · {samples:.15g} sample{'s' if samples != 1 else ''}"


# --- the page, in inches -----------------------------------------------------------------------


def _cell(count: int) -> float:
    """Inches of a cell's side."""
    return min(0.75, max(0.11, 5.0 / count), LARGEST / count)


def _tick_size(count: int) -> float:
    return max(SMALLEST_TEXT, min(style.SUBTITLE_SIZE, _cell(count) * 72 * 0.75))


def _is_level(names: Sequence[str]) -> bool:
    """Whether all names fit below their column without being turned."""
    size = _tick_size(len(names))
    return max(style.text_width(n, size) for n in names) < _cell(len(names)) * 0.9


def _page(
    count: int, names: Sequence[str], title: str | None, subtitle: str
) -> tuple[Figure, Axes, Axes | None]:
    """Figure, the matrix' axes and the colour bar's, if there are shades enough for one."""
    size, side = _tick_size(count), max(count * _cell(count), 0.9)
    longest = max(style.text_width(n, size) for n in names)
    left = style.MARGIN + 0.3 + longest + 0.1
    bottom = style.MARGIN + 0.3 + (size / 72 if _is_level(names) else longest + 0.05) + 0.1
    thick = 0.14 if count > 3 else 0.0
    width = left + side + (0.2 + thick + 0.75 if thick else style.MARGIN)
    height = bottom + side + style.MARGIN
    figure = style.new_figure(max(width, 3.4), height, title, subtitle)
    across, up = figure.get_size_inches()
    axes = figure.add_axes((left / across, bottom / up, side / across, side / up))
    if not thick:
        return figure, axes, None
    bar = figure.add_axes(((left + side + 0.2) / across, bottom / up, thick / across, side / up))
    return figure, axes, bar


# --- drawing -----------------------------------------------------------------------------------


def _draw_cells(axes: Axes, values: NDArray[Any], most: float) -> AxesImage:
    from matplotlib.colors import PowerNorm

    norm = PowerNorm(0.5, vmin=0, vmax=most or 1.0)
    image = axes.imshow(
        values, cmap=style.blue_scale(), norm=norm, interpolation="nearest", aspect="equal"
    )
    count = len(values)
    if _cell(count) > 0.2:  # lines between cells, unless the cells are too small for them
        edges = np.arange(count + 1) - 0.5
        axes.hlines(edges, -0.5, count - 0.5, color=style.HAIRLINE, lw=0.8)
        axes.vlines(edges, -0.5, count - 0.5, color=style.HAIRLINE, lw=0.8)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(style.HAIRLINE)
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5))
    return image


def _write_numbers(axes: Axes, image: AxesImage, values: NDArray[Any], share: Share | None) -> None:
    """The number in each cell that has one, where cells are large enough to read it."""
    filled = np.argwhere(np.nan_to_num(values) > 0)
    numbers = [float(values[i, j]) for i, j in filled]
    texts = [_count(n) if share is None else _percent(n, share.decimals) for n in numbers]
    longest = max((len(t) for t in texts), default=1)
    size = min(style.LABEL_SIZE + 0.5, _cell(len(values)) * 72 * 0.85 / (0.64 * max(longest, 2)))
    if size < SMALLEST_TEXT:
        return
    for (i, j), text in zip(filled, texts, strict=True):
        red, green, blue, _ = image.to_rgba(values[i : i + 1, j : j + 1])[0, 0]
        dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.58
        axes.text(j, i, text, size=size, color=style.PAPER if dark else style.INK,
                  weight="bold" if i == j else "normal",
                  ha="center", va="center_baseline")  # fmt: skip


def _count(number: float) -> str:
    """Whole numbers in full up to ten millions, others in six digits."""
    is_whole = number == round(number) and abs(number) < 1e7
    return f"{number:.0f}" if is_whole else f"{number:.6g}"


def _percent(share: float, decimals: int = 0) -> str:
    """Percents, with "<1" and ">99" so that rounding does not hide a mistake."""
    percents, step = 100 * share, 10.0**-decimals
    if 0 < percents < step:
        return f"<{step:.{decimals}f}"
    if 100 - step < percents < 100:
        return f">{100 - step:.{decimals}f}"
    return f"{percents:.{decimals}f}"


def _name_axes(axes: Axes, names: Sequence[str]) -> None:
    count, size = len(names), _tick_size(len(names))
    # if even the smallest text is higher than a cell, only every fifth, tenth … class is named
    needed = math.ceil(size * 1.05 / 72 / _cell(count))
    every = next((e for e in (1, 5, 10, 20, 50) if e >= needed), 100)
    places = range(0, count, every)
    axes.set_xticks(places, [names[i] for i in places], size=size)
    axes.set_yticks(places, [names[i] for i in places], size=size)
    if not _is_level(names):
        axes.tick_params(axis="x", rotation=90)
    axes.tick_params(length=0, pad=4, labelcolor=style.INK)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")


def _draw_bar(bar: Axes, image: AxesImage, share: Share | None) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    factor = 1.0 if share is None else 100.0
    most = factor * float(image.get_clim()[1] or 1.0)
    inches = bar.get_window_extent().height / style.DPI
    colours = bar.figure.colorbar(image, cax=bar)
    text = FuncFormatter(lambda value, _: _count(round(factor * value, 9)))
    colours.ax.yaxis.set_major_formatter(text)
    colours.set_label("samples" if share is None else share.label)
    if share is not None and share.axis is not None:
        ticks = [0.0, 5.0, 20.0, 50.0, 100.0] if inches > 2 else [0.0, 20.0, 100.0]
    else:
        marks = MaxNLocator(nbins=4 if inches > 2 else 2, integer=share is None)
        ticks = [float(t) for t in marks.tick_values(0, most) if 0 <= t <= most]
    ticks = [tick / factor for tick in ticks]
    colours.ax.yaxis.set_major_locator(FixedLocator(ticks))
    colours.ax.minorticks_off()
    colours.ax.tick_params(length=2, labelsize=style.SMALL_SIZE)
    colours.outline.set_visible(False)
