"""Histograms of weights, gradients and activations: at one moment, and along training."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.training.callbacks.layers import LayerLog
from dlframe.training.distributions import Array, Course
from dlframe.viz import style
from dlframe.viz.layers import (
    WORDS,
    Log,
    Moment,
    Names,
    borders,
    courses_of,
    ending,
    entry_of,
    is_log,
    label_of,
    log_of,
    moment_of,
)
from dlframe.viz.panels import PANEL, arrangement, nothing_yet, x_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPIKE = 5  # times as high as all others is a bin that is cut off
CELLS = 96  # of the values, in a picture along training
PALE = ("#dbe6f2", "#b3cbe4", "#7fa6cf", "#4f80b8")  # of bands, from outside to inside


def histograms(
    source: Moment | Log,
    batch: Any = None,
    *,
    kind: str | None = None,
    step: int | None = None,
    layers: Names | None = None,
    bins: int = 60,
    log_scale: bool = False,
    limit: int = 24,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw how the weights, gradients or outputs of each layer are distributed at one moment.

    Args:
        source: a model, or its named parameters: as they are now. Or a `training.LayerLog` or its
            file: one of its entries.
        batch: what the model is called with, in evaluation mode, to see the outputs of its layers;
            a tuple for several inputs. It is put into the dtype of the model.
        kind: "weights", "gradients", "outputs", and of a log also "output_gradients". By default
            the outputs if there is a batch, otherwise the weights.
        step: the step of the log's entry, by default the last.
        layers: names as patterns, such as "encoder.*"; all by default.
        bins: of a model; a log has its own. Half a percent at each end, far away, is one bin.
        log_scale: of the heights, so that rare values can be seen.
        limit: draw the first so many.

    Each panel has its own axis, from the lowest to the highest value unless a few lie far away:
    then it ends near the bulk of them, and the two numbers are in the heading of the panel. Heights
    are densities, so that areas can be compared; a bin that is five times as high as all others,
    as that of the zeros of a relu, is cut off.

    Raises:
        ArgumentError: an unknown kind or layer, a step without an entry, gradients before backward.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> figure = histograms(model)
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    >>> figure = histograms(model, dl.randn(16, 4))
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['0 Linear', '1 ReLU', '2 Linear']
    """
    kind = kind or ("weights" if batch is None else "outputs")
    if bins < 3 or limit < 1:
        raise ArgumentError(f"histograms: bins must be 3 or more, limit 1 or more; got {bins}, "
                            f"{limit}")  # fmt: skip
    labels: dict[str, str] = {}
    entry, remark = 0, ""
    if is_log(source):
        log = log_of("histograms", source)
        courses, entry = (
            courses_of("histograms", log, kind, layers),
            entry_of("histograms", log, step),
        )
        labels = {name: label_of(name, log) for name in courses}
        remark = f"{WORDS[kind]} at step {log.steps[entry]}" if courses else ""
    else:
        courses = moment_of("histograms", source, batch, kind, bins, layers)
        labels = _labels(source, courses)
        remark = WORDS[kind]
    with style.house_style():
        shown = list(courses)[:limit]
        if not shown:
            return style.finish(nothing_yet(title), path)
        if len(courses) > limit:
            remark += f", the first {limit} of {len(courses)}; layers= chooses others"
        figure, grid = _grid(len(shown), title, remark.capitalize(), 0.8)
        for axes, name in zip(grid, shown, strict=True):
            _draw_histogram(axes, labels[name], courses[name], entry, log_scale=log_scale)
        return style.finish(figure, path)


def _labels(source: Any, courses: Mapping[str, Any]) -> dict[str, str]:
    named = getattr(source if hasattr(source, "named_modules") else getattr(source, "model", None),
                    "named_modules", dict)  # fmt: skip
    kinds = {name: type(module).__name__ for name, module in dict(named()).items()}
    return {name: f"{name} {kinds[name]}" if name in kinds else name for name in courses}


def _draw_histogram(axes: Axes, label: str, course: Course, i: int, *, log_scale: bool) -> None:
    _heading(axes, label, _numbers(course, i))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if not course.count[i] > 0:  # also where the entry has none
        return _say(axes, "no finite values" if course.count[i] == 0 else "not recorded")
    edges, counts = course.edges[i], course.counts[i]
    if course.min[i] == course.max[i]:
        axes.set_xticks([])
        return _say(axes, f"all {course.min[i]:.3g}")
    widths = np.diff(edges)
    heights = np.divide(counts / counts.sum(), widths, out=np.zeros(len(counts)), where=widths > 0)
    axes.stairs(heights, edges, fill=True, color=style.BLUE, lw=0)
    low, high = _bulk(course, i)
    axes.set_xlim(low, high)
    second, first = np.sort(heights)[-2:]
    if first > SPIKE * second > 0 and not log_scale:
        axes.set_ylim(0, 2 * second)
    if log_scale:
        axes.set_yscale("log")
        axes.set_yticks([], minor=True)
        axes.set_yticks([])
    if low < 0 < high:
        axes.axvline(0, color=style.ORANGE, lw=1)
    _few_ticks(axes)
    return None


def _numbers(course: Course, i: int) -> str:
    """The line beneath a panel's heading."""
    if not course.count[i] > 0:
        return ""
    words = [f"mean {course.mean[i]:.2g}, std {course.std[i]:.2g}"]
    low, high = _bulk(course, i)
    if course.min[i] < low or course.max[i] > high:
        words.append(f"from {course.min[i]:.2g} to {course.max[i]:.2g}")
    for share, word in (
        (course.zeros[i], "zeros"),
        (course.dead[i], "of units dead"),
        (course.saturated[i], "saturated"),
        (course.not_finite[i], "not finite"),
    ):
        if share > 0:
            words.append(f"{style.percent(float(share))} {word}")
    return ", ".join(words)


def _bulk(course: Course, i: int) -> tuple[float, float]:
    """The range to draw: all values, or those near the bulk if some are far away."""
    inner_low, inner_high = _inside(course, i)
    room = 0.3 * (inner_high - inner_low)
    return max(float(course.edges[i, 0]), inner_low - room), min(
        float(course.edges[i, -1]), inner_high + room
    )


def _inside(course: Course, i: int) -> tuple[float, float]:
    """The range without the wide bins at the ends, which have half a percent of the values."""
    edges, few = course.edges[i], 0.01 * course.counts[i].sum()
    if len(edges) < 5:
        return float(edges[0]), float(edges[-1])
    low, high = (int(end <= few) for end in course.counts[i, [0, -1]])
    return float(edges[low]), float(edges[len(edges) - 1 - high])


# --- along training ----------------------------------------------------------------------------


def histogram_course(
    log: Log,
    *,
    kind: str = "outputs",
    layers: Names | None = None,
    limit: int = 12,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the histogram of each layer along training: a column for each entry of the log.

    The darker a cell, the more of the values of that step are in it; each panel has a scale of its
    own, whose end many zeros exceed. A layer whose columns shrink to a line at 0 has stopped to
    respond, and one whose columns collapse again and again trains badly: fastai calls it the
    colorful dimension (Howard and Gugger, "Deep Learning for Coders", 2020, chapter 13).

    Args:
        log: a `training.LayerLog` or its file.
        kind: "weights", "gradients", "outputs" or "output_gradients".
        layers: names as patterns; all by default.
        limit: draw the first so many.

    The range of a panel is that of 99 % of the values at each entry, so a few far away are outside.

    Raises ArgumentError for an unknown kind or layer, or one that the log does not have.

    >>> log, layer = dl.training.LayerLog(), nn.Linear(4, 3)
    >>> with log.attach(layer):
    ...     for _ in range(5):
    ...         layer(dl.randn(8, 4)).sum().backward()
    ...         log.record()
    >>> figure = histogram_course(log)
    >>> figure.axes[0].collections[0].get_array().shape
    (96, 5)
    """
    found = log_of("histogram_course", log)
    return _course_picture("histogram_course", found, kind, layers, limit, title, path, _draw_heat)


def quantile_course(
    log: Log,
    *,
    kind: str = "weights",
    layers: Names | None = None,
    limit: int = 12,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the quantiles of each tensor along training, as bands around the median.

    The bands go from one quantile of the log to its counterpart: with those that a log has by
    default, they hold 98, 90 and 50 % of the values. TensorBoard's distributions are such bands.

    Args:
        log: a `training.LayerLog` or its file.
        kind: "weights", "gradients", "outputs" or "output_gradients".
        layers: names as patterns; all by default.
        limit: draw the first so many.

    Raises ArgumentError for an unknown kind or layer, or one that the log does not have.

    >>> log, layer = dl.training.LayerLog(), nn.Linear(4, 3)
    >>> with log.attach(layer):
    ...     for _ in range(5):
    ...         layer(dl.randn(8, 4)).sum().backward()
    ...         log.record()
    >>> figure = quantile_course(log)
    >>> [axes.get_title(loc="left") for axes in figure.axes], len(figure.axes[0].collections)
    (['weight', 'bias'], 3)
    """
    found = log_of("quantile_course", log)
    return _course_picture("quantile_course", found, kind, layers, limit, title, path, _draw_bands)


def _course_picture(
    where: str,
    log: LayerLog,
    kind: str,
    layers: Names | None,
    limit: int,
    title: str | None,
    path: str | os.PathLike[str] | None,
    draw: Callable[[Axes, LayerLog, Course], None],
) -> Figure:
    if limit < 1:
        raise ArgumentError(f"{where}: limit must be 1 or more; got {limit}")
    courses = courses_of(where, log, kind, layers)
    with style.house_style():
        shown = list(courses)[:limit]
        if not shown:
            return style.finish(nothing_yet(title), path)
        remark = f"{WORDS[kind].capitalize()}. {_legend_of(where, log)}"
        if len(courses) > limit:
            remark += f" The first {limit} of {len(courses)} are drawn; layers= chooses others."
        figure, grid = _grid(len(shown), title, remark, 1.0)
        for axes, name in zip(grid, shown, strict=True):
            _heading(axes, label_of(name, log), "")
            axes.set_xlabel("step")
            if not (courses[name].count > 0).any():
                axes.set_yticks([])
                _say(axes, "no finite values")
                continue
            draw(axes, log, courses[name])
            steps = np.asarray(log.steps, np.float64)
            limits = axes.get_ylim()
            x_axis(axes, steps, np.array(limits))
            axes.set_ylim(limits)
        return style.finish(figure, path)


def _legend_of(where: str, log: LayerLog) -> str:
    if where == "histogram_course":
        return "The darker a cell, the more of the values of its step are in it."
    pairs = [f"{100 * (high - low):.4g} %" for low, high in _pairs(log.quantiles)]
    bands = f"; the bands hold {', '.join(pairs)} of the values" if pairs else ""
    return f"The line is the median{bands}."


def _cells(course: Course) -> tuple[Array, Array]:
    """The borders of the cells (CELLS + 1,), and the share of the values in each (CELLS, n)."""
    known = course.count > 0
    shares = np.zeros((CELLS, len(course)))
    if not known.any():
        return np.linspace(-1, 1, CELLS + 1), shares
    ranges = np.array([_inside(course, int(i)) for i in np.flatnonzero(known)])
    low, high = float(ranges[:, 0].min()), float(ranges[:, 1].max())
    if not high - low > 1e-9 * max(abs(low), abs(high), 1e-300):
        room = 0.5 * abs(low) or 0.5
        low, high = low - room, high + room
    cells = np.linspace(low, high, CELLS + 1)
    for i in np.flatnonzero(known):
        counts = course.counts[i]
        below = np.concatenate([[0.0], counts.cumsum()]) / counts.sum()
        with np.errstate(all="ignore"):  # bins narrower than float64 can divide by
            shares[:, i] = np.nan_to_num(np.diff(np.interp(cells, course.edges[i], below)))
    return cells, shares


def _draw_heat(axes: Axes, log: LayerLog, course: Course) -> None:
    from matplotlib.colors import PowerNorm

    cells, shares = _cells(course)
    shown = np.where(course.count > 0, shares, np.nan)
    # the zeros of a relu are a spike, beside which all other cells would be white
    most = float(np.quantile(shares[shares > 0], 0.98)) if (shares > 0).any() else 1.0
    axes.pcolormesh(
        borders(log.steps), cells, shown, cmap=style.blue_scale(),
        norm=PowerNorm(0.4, 0, most, clip=True), rasterized=True,
    )  # fmt: skip
    if cells[0] < 0 < cells[-1]:
        axes.axhline(0, color=style.ORANGE, lw=0.8)


def _pairs(levels: Any) -> list[tuple[float, float]]:
    """Quantiles and their counterparts, the widest pair first."""
    levels = list(levels)
    found = [(low, high) for low, high in zip(levels, levels[::-1], strict=True) if low < high]
    return [pair for pair in found if math.isclose(sum(pair), 1)]


def _draw_bands(axes: Axes, log: LayerLog, course: Course) -> None:
    levels, steps = course.levels.tolist(), log.steps
    pairs = _pairs(levels)
    for k, (low, high) in enumerate(pairs):
        bottom, top = (course.quantiles[:, levels.index(one)] for one in (low, high))
        axes.fill_between(steps, bottom, top, color=PALE[min(k, len(PALE) - 1)], lw=0)
    if 0.5 in levels:
        median = course.quantiles[:, levels.index(0.5)]
        marker = "o" if len(steps) == 1 else None
        axes.plot(steps, median, color=style.INK, lw=1.4, marker=marker)
    axes.grid(axis="y")


# --- panels ------------------------------------------------------------------------------------


def _grid(count: int, title: str | None, remark: str, tall: float) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels; their heights are `tall` times the usual."""
    columns, rows = arrangement(count)
    width, height = PANEL[columns]
    height *= rows * tall
    figure = style.new_figure(width * columns, height, title, remark)
    style.lay_out(figure, height)
    grid = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in grid[count:]:
        axes.remove()
    return figure, grid[:count]


def _heading(axes: Axes, label: str, numbers: str) -> None:
    """A panel's heading, and a smaller line of numbers beneath it, broken to its width."""
    columns = axes.get_subplotspec().get_gridspec().ncols  # type: ignore[union-attr] # of subplots
    wide = PANEL[columns][0] - 0.5
    lines = style.wrapped(numbers, wide, style.SMALL_SIZE)
    most = int(wide / 0.085)
    axes.set_title(ending(label, most), pad=6 + 11 * len(lines))
    for i, line in enumerate(lines):
        axes.annotate(
            line, (0, 1), xycoords="axes fraction", xytext=(0, 4 + 11 * (len(lines) - 1 - i)),
            textcoords="offset points", size=style.SMALL_SIZE, color=style.MUTED, va="bottom",
        )  # fmt: skip


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, color=style.MUTED, ha="center", va="center",
              transform=axes.transAxes)  # fmt: skip


def _few_ticks(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.xaxis.get_major_formatter().set_powerlimits((-3, 4))  # type: ignore[attr-defined] # a ScalarFormatter
