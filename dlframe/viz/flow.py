"""How gradients, activations and updates differ from layer to layer, and along training."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.training.callbacks.layers import check_kind
from dlframe.training.distributions import Array
from dlframe.training.smoothing import smoothed
from dlframe.viz import style
from dlframe.viz.layers import (
    Log,
    Moment,
    Names,
    borders,
    chosen,
    courses_of,
    ending,
    is_log,
    label_of,
    log_of,
    named_values,
)
from dlframe.viz.looks import draw_legend, legend_strip, looks_of
from dlframe.viz.panels import PANEL, arrangement, nothing_yet, x_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.3  # inches of a layer
USUAL = 1e-3
"""The usual size of an update relative to the weights (Karpathy, CS231n, "Babysitting")."""

_MANY = 10  # lines; more have colours by depth


def gradient_flow(
    source: Moment | Log,
    *,
    kind: str = "gradients",
    layers: Names | None = None,
    biases: bool = False,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the sizes of the gradients layer by layer, from the first to the last.

    Of a model or its named parameters after `backward`: bars for the mean of |g|, and a mark for
    its maximum. Of a `training.LayerLog` or its file: the mean of |g| at each entry, as a map with
    a row for each layer and a column for each entry. Both are logarithmic. Gradients that shrink
    from the last layer to the first vanish: the first ones do not learn. Gradients that grow
    explode.

    Args:
        source: a model, named parameters, a log or the path of its file.
        kind: "gradients" of the parameters; of a log also "output_gradients", and "weights" or
            "outputs", whose sizes are drawn then.
        layers: names as patterns, such as "encoder.*".
        biases: whether to draw parameters called `bias`, too.
        limits: the ends of the scale, above 0, to compare pictures; by default powers of ten that
            hold all values.

    Raises:
        ArgumentError: a model without gradients; an unknown kind or layer; limits that do not rise.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    >>> model(dl.ones(4, 2)).sum().backward()
    >>> figure = gradient_flow(model)
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['0.weight', '2.weight']
    """
    if limits is not None and not 0 < limits[0] < limits[1] < math.inf:
        raise ArgumentError(f"gradient_flow: limits must rise from above 0; got {limits}")
    if not is_log(source):
        check_kind("gradient_flow", kind, ["gradients", "weights"])
        values = named_values("gradient_flow", source, kind)
        values = chosen("gradient_flow", values, layers, biases=biases)
        return _flow_now(values, kind, limits, title, path)
    log = log_of("gradient_flow", source)
    courses = courses_of("gradient_flow", log, kind, layers)
    courses = chosen("gradient_flow", courses, None, biases=biases)
    with style.house_style():
        if not courses:
            return style.finish(nothing_yet(title), path)
        labels = [label_of(name, log) for name in courses]
        sizes = np.stack([course.mean_abs for course in courses.values()])
        remark = f"Mean of |{_LETTER[kind]}| of the {_WORDS[kind]}, the first layer on top."
        if (sizes == 0).any():
            remark += " White: all 0."
        labels = [ending(label, 40) for label in labels]
        wide = max(style.text_width(label, style.SUBTITLE_SIZE) for label in labels)
        height = max(1.9, ROW * min(len(labels), 40) + 0.8)
        figure = style.new_figure(5.6 + wide, height, title, remark)
        style.lay_out(figure, height)
        _heat(figure, figure.add_subplot(), log.steps, labels, sizes, limits)
        return style.finish(figure, path)


_LETTER = {"weights": "w", "gradients": "g", "outputs": "y", "output_gradients": "g"}
_WORDS = {
    "weights": "parameters",
    "gradients": "parameters' gradients",
    "outputs": "layers' outputs",
    "output_gradients": "gradients of the layers' outputs",
}


def _heat(
    figure: Figure,
    axes: Axes,
    steps: list[int],
    labels: list[str],
    sizes: Array,
    limits: tuple[float, float] | None,
) -> None:
    """A row for each label and a column for each step, with logarithmic colours."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator, NullLocator

    low, high = limits or _decades(sizes, sizes)
    colours = _dark_scale().with_extremes(bad=style.HAIRLINE, under=style.PAPER)
    # what is below the limits has the lightest colour, and what is 0 none
    shown = np.where(sizes > 0, np.maximum(sizes, low), np.where(sizes == 0, low / 10, np.nan))
    rows = np.arange(len(labels) + 1) - 0.5
    image = axes.pcolormesh(
        borders(steps), rows, np.ma.masked_invalid(shown), cmap=colours, norm=LogNorm(low, high),
        rasterized=True,
    )  # fmt: skip
    x_axis(axes, np.asarray(steps, np.float64), np.array([0.0, 1.0]))
    axes.set_xlim(*borders(steps)[[0, -1]])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    some = range(0, len(labels), math.ceil(len(labels) / 40))
    axes.set_yticks(list(some), [labels[i] for i in some])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("step")
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=max(20.0, 6 * figure.get_figheight()))
    decades = round(math.log10(high / low))
    bar.ax.yaxis.set_major_locator(LogLocator(numticks=min(decades, 6) + 1))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(_plain)
    bar.ax.tick_params(length=2, labelsize=style.SMALL_SIZE)


def _decades(smallest: Array, largest: Array) -> tuple[float, float]:
    """Powers of ten around all numbers that are finite and above 0."""
    low, high = (one[np.isfinite(one) & (one > 0)] for one in (smallest, largest))
    if not low.size or not high.size:
        return 0.1, 1.0
    first = math.floor(math.log10(low.min()) - 1e-9)
    return 10.0**first, 10.0 ** max(first + 1, math.ceil(math.log10(high.max()) + 1e-9))


def _dark_scale() -> Any:
    """From a pale yellow for what is small to dark blue: its lightness falls all the way."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "dlframe_dark", ["#fdf3c8", "#f5b860", "#d9628b", "#6a3d9a", "#14224f"]
    )


def _flow_now(
    values: Mapping[str, Any],
    kind: str,
    limits: tuple[float, float] | None,
    title: str | None,
    path: str | os.PathLike[str] | None,
) -> Figure:
    with style.house_style():
        if not values:
            return style.finish(nothing_yet(title), path)
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        sizes = {name: np.abs(array).astype(np.float64) for name, array in values.items()}
        mean = np.array([one.mean() if one.size else np.nan for one in sizes.values()])
        most = np.array([one.max() if one.size else np.nan for one in sizes.values()])
        labels = [ending(name, 40) for name in sizes]
        wide = max(style.text_width(label, style.SUBTITLE_SIZE) for label in labels)
        height = max(1.9, ROW * len(labels) + 0.8)
        odd = [n for n, a in zip(labels, most, strict=True) if not a > 0 or not math.isfinite(a)]
        remark = f"The sizes of the {_WORDS[kind]}, the first layer on top."
        if odd:
            remark += f" Not drawn, all 0 or not finite: {', '.join(odd[:5])}"
            remark += f" and {len(odd) - 5} more." if len(odd) > 5 else "."
        width = 5.0 + wide
        letter = _LETTER[kind]
        figure = style.new_figure(width, height + style.SUBTITLE_SIZE * 2.2 / 72, title, remark)
        style.lay_out(figure, height)
        axes = figure.add_subplot()
        axes.set_xscale("log")
        rows = np.arange(len(labels))
        good = (mean > 0) & np.isfinite(mean)
        low, high = limits or _decades(mean * 0.5, most)
        axes.barh(rows[good], mean[good] - low, left=low, height=0.55, color=style.BLUE)
        good &= np.isfinite(most)
        axes.plot(most[good], rows[good], linestyle="none", marker="D", color=style.ORANGE, ms=5)
        axes.set_xlim(low, high)
        _powers(axes, "x")
        axes.set_yticks(rows, labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        handles = [
            Patch(color=style.BLUE, label=f"mean of |{letter}|"),
            Line2D([], [], ls="none", marker="D", color=style.ORANGE, ms=5, label="largest"),
        ]
        tall = figure.get_figheight()
        figure.legend(
            handles=handles, loc="upper left", ncols=2, borderpad=0, borderaxespad=0,
            bbox_to_anchor=(style.MARGIN / width, (height + 0.22) / tall), handlelength=1.4,
        )  # fmt: skip
        return style.finish(figure, path)


def _powers(axes: Axes, which: str) -> None:
    """Ticks of a logarithmic axis, few and plain: 0.01, 1e-05."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(numticks=7))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(_plain))


def _plain(value: float, _: Any = None) -> str:
    """A power of ten as 0.01, or 1e-05."""
    return f"{value:.0e}" if value < 1e-3 else f"{value:g}"


# --- lines of layers ---------------------------------------------------------------------------


def activation_course(
    log: Log,
    *,
    layers: Names | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw mean, standard deviation and shares of the layers' outputs along training.

    There is a panel for each of: the mean, the standard deviation, the share near zero (|y| <
    0.05), and, for the layers where there are some, the share of dead units (0 for all samples of a
    step) and that of values where a sigmoid or tanh is flat. There is a line for each layer. A
    network trains well if the means stay near 0 and the deviations near 1, as fastai's
    ActivationStats shows; crashes of the deviation, and shares near zero that grow, say that the
    rate is too large or that the initial values do not fit.

    Args:
        log: a `training.LayerLog` or its file.
        layers: names as patterns; all by default.

    Raises ArgumentError for an unknown layer, and a log without outputs.

    >>> log, layer = dl.training.LayerLog(), nn.Linear(4, 3)
    >>> with log.attach(layer):
    ...     for _ in range(5):
    ...         layer(dl.randn(8, 4)).sum().backward()
    ...         log.record()
    >>> figure = activation_course(log)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['mean', 'standard deviation', 'near zero (%)']
    """
    found = log_of("activation_course", log)
    courses = courses_of("activation_course", found, "outputs", layers)
    panels: dict[str, dict[str, Array]] = {}
    for name, field, factor, always in (
        ("mean", "mean", 1, True),
        ("standard deviation", "std", 1, True),
        ("near zero (%)", "near_zero", 100, True),
        ("dead units (%)", "dead", 100, False),
        ("saturated (%)", "saturated", 100, False),
    ):
        lines = {label_of(n, found): factor * getattr(c, field) for n, c in courses.items()}
        known = {label: y for label, y in lines.items() if np.isfinite(y).any()}
        if not always:
            known = {label: y for label, y in known.items() if (y > 0).any()}
        if known:
            panels[name] = known
    labels = [label_of(name, found) for name in courses]
    return _lines("activation_course", found.steps, panels, labels, title, None, path)


def update_ratios(
    log: Log,
    *,
    layers: Names | None = None,
    biases: bool = False,
    smoothing: float = 0.0,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the size of each update relative to the weights, ‖Δw‖ / ‖w‖, along training.

    The dashed line is at 0.001. Far above it, a step changes much of what the layer has learned,
    and the rate is too large; far below it, the layer hardly learns (Karpathy, CS231n).

    Args:
        log: a `training.LayerLog` or its file.
        layers: names as patterns, such as "0.*".
        biases: whether to draw parameters called `bias`, too.
        smoothing: the weight of the past in a running mean, from 0 to below 1.

    Raises ArgumentError for an unknown layer, and a log without updates.

    >>> log, layer = dl.training.LayerLog(), nn.Linear(4, 3)
    >>> optimizer = optim.SGD(layer.parameters(), lr=0.1)
    >>> with log.attach(layer, optimizer):
    ...     for _ in range(5):
    ...         optimizer.zero_grad()
    ...         layer(dl.randn(8, 4)).square().sum().backward()
    ...         optimizer.step()
    >>> figure = update_ratios(log)
    >>> len(figure.axes[0].lines[0].get_ydata()), figure.axes[0].get_yscale()
    (5, 'log')
    """
    if not 0 <= smoothing < 1:
        raise ArgumentError(f"update_ratios: smoothing must be from 0 to below 1; got {smoothing}")
    found = log_of("update_ratios", log)
    ratios = found.updates
    if len(found) and not ratios:
        raise ArgumentError(
            "update_ratios: the log has no updates; make it with kinds that have 'updates', and "
            "attach it to the optimizers, too"
        )
    lines = chosen("update_ratios", ratios, layers if len(found) else None, biases=biases)
    if smoothing:
        lines = {name: smoothed(y, smoothing) for name, y in lines.items()}
    lines = {name: np.where(y > 0, y, np.nan) for name, y in lines.items()}
    panels = {"update / weight": lines} if lines else {}
    return _lines("update_ratios", found.steps, panels, list(lines), title, USUAL, path)


def _lines(
    where: str,
    steps: list[int],
    panels: Mapping[str, Mapping[str, Array]],
    names: list[str],
    title: str | None,
    usual: float | None,
    path: str | os.PathLike[str] | None,
) -> Figure:
    """Panels side by side, with a line for each layer."""
    with style.house_style():
        if not panels or not steps:
            return style.finish(nothing_yet(title), path)
        columns, rows = arrangement(len(panels))
        width, height = PANEL[columns]
        width, height = width * columns, height * rows
        looks = _looks(names)
        entries = _entries(looks)
        strip = legend_strip(entries, width)
        figure = style.new_figure(width, height + strip, title)
        style.lay_out(figure, height)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (name, lines) in zip(grid, panels.items(), strict=False):
            axes.set(xlabel="step", ylabel=name)
            axes.grid(axis="y")
            _draw_lines(axes, steps, lines, looks, usual)
        for axes in grid[len(panels) :]:
            axes.remove()
        draw_legend(figure, height + strip, entries, width)
        return style.finish(figure, path)


def _draw_lines(
    axes: Axes,
    steps: list[int],
    lines: Mapping[str, Array],
    looks: Mapping[str, dict[str, Any]],
    usual: float | None,
) -> None:
    x = np.asarray(steps, np.float64)
    every = max(1, math.ceil(len(steps) / 6))
    for i, (name, y) in enumerate(lines.items()):
        # markers at other places for each line, so that they do not hide each other
        marks = slice(i * every // max(1, len(lines)), None, every)
        axes.plot(x, np.where(np.isfinite(y), y, np.nan), **looks[name], lw=1.4, label=name,
                  markevery=marks if len(steps) > 6 else None)  # fmt: skip
    values = np.concatenate([y[np.isfinite(y)] for y in lines.values()])
    if not values.size:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no finite values", color=style.MUTED, ha="center", va="center",
                  transform=axes.transAxes)  # fmt: skip
        return
    if usual is not None:
        axes.axhline(usual, color=style.INK, lw=1.1, ls=(0, (5, 3)), zorder=1)
        axes.annotate("0.001", (1, usual), xycoords=("axes fraction", "data"), xytext=(4, 0),
                      textcoords="offset points", va="center", size=style.SMALL_SIZE)  # fmt: skip
        values = np.append(values, usual)
    x_axis(axes, x, values)
    if usual is not None:
        axes.set_yscale("log")
        low, high = math.log10(values.min()), math.log10(values.max())
        axes.set_ylim(10 ** (low - 0.2), 10 ** (high + 0.2))
        _powers(axes, "y")


def _looks(names: list[str]) -> dict[str, dict[str, Any]]:
    """A look for each layer; of many layers a colour by depth."""
    if len(names) <= _MANY:
        return looks_of(names)
    shades = _dark_scale()(np.linspace(0.2, 1, len(names)))
    return {name: {"color": tuple(shade)} for name, shade in zip(names, shades, strict=True)}


def _entries(looks: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the legend; of many layers some, the first and the last among them."""
    names = list(looks)
    if len(names) > _MANY:
        places: Iterable[int] = np.linspace(0, len(names) - 1, _MANY - 2).round().astype(int)
        names = [names[i] for i in places]
    return {ending(name, 40): looks[name] for name in names}
