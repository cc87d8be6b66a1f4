"""Curves of training: one panel per quantity, training and validation together."""

from __future__ import annotations

import numbers
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.training.callbacks.monitor import mode_of
from dlframe.training.smoothing import smoothed
from dlframe.viz import style
from dlframe.viz.histories import are_numbers, history_of, steps_of
from dlframe.viz.panels import (
    LEGEND_STRIP,
    PANEL,
    Array,
    Numbers,
    Series,
    arrangement,
    can_be_logarithmic,
    linear_ones,
    log_axis,
    marked,
    name_y,
    nothing_yet,
    series_of,
    x_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Role:
    """The colour, dashes and markers by which training and validation differ."""

    label: str
    colour: str
    dashes: Any
    marker: str
    fill: str

    @property
    def look(self) -> dict[str, Any]:
        """The same for the line and for its entry in the legend."""
        return {
            "color": self.colour,
            "linestyle": self.dashes,
            "marker": self.marker,
            "markersize": 4.5,
            "markerfacecolor": self.fill,
            "markeredgecolor": self.colour,
        }


TRAINING = Role("training", style.BLUE, "solid", "o", style.BLUE)
VALIDATION = Role("validation", style.ORANGE, (0, (4, 1.6)), "s", style.PAPER)
BEST: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 10,
    "markerfacecolor": "none",
    "markeredgecolor": style.INK,
    "markeredgewidth": 1.4,
}


def curves(
    history: Any,
    *,
    names: Sequence[str] | None = None,
    steps: Mapping[str, Numbers] | None = None,
    x_label: str = "epoch",
    log_scale: bool = False,
    smoothing: float = 0.0,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw a history such as `{"loss": […], "val_loss": […], "accuracy": […]}`.

    It may also be a `Trainer` or a `Tracker`, the path of a run's folder or of a file that training
    wrote (as `training.read_history` takes), a frame, or a list of records, a dict for each epoch.

    `loss` and `val_loss` share a panel, and so do all such pairs: training is solid with dots,
    validation dashed with squares. A ring marks the best value (of validation if there is one) if
    the name tells what is better: low for losses and errors, high for accuracy, precision, recall,
    F1 and similar names.

    `names` says which series to draw; by default all except the `seconds` that a
    `dlframe.training.Trainer` records for each epoch, what its callbacks report about others
    (`best_…`, `averaged`), and what is not one number per epoch.

    `steps` gives the x values of a series, which otherwise are 1, 2, 3 …; `log_scale` is for
    losses and learning rates that are always positive; the heading names those that are not. With
    `smoothing` between 0 and 1 the running mean of a training line is drawn over the pale line
    itself; `smoothing` is the weight of the past. Values that are not finite leave gaps, and the
    heading counts them.

    >>> figure = curves({"loss": [2.1, 0.9, 0.5], "val_loss": [1.8, 1.1, 1.2]})
    >>> [axes.get_ylabel() for axes in figure.axes], figure.axes[0].get_title()
    (['loss'], 'best 1.1 at epoch 2')
    """
    check_smoothing("curves", smoothing)
    steps = steps_of(history) if steps is None else steps
    history = _chosen(history_of(history, "curves"), names)
    with style.house_style():
        series = {
            name: series_of("curves", name, values, steps) for name, values in history.items()
        }
        panels = _panels({k: line for k, line in series.items() if line.y.size}, smoothing)
        if not panels:
            return style.finish(nothing_yet(title), path)
        columns, rows = arrangement(len(panels))
        width, height = PANEL[columns]
        height *= rows
        remarks = [_gaps_counted(series)]
        if log_scale:
            remarks.append(linear_ones({name: _finite(lines) for name, lines in panels.items()}))
        remark = "\n".join(filter(None, remarks)) or None
        figure = style.new_figure(width * columns, height + LEGEND_STRIP, title, remark)
        style.lay_out(figure, height)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (name, lines) in zip(grid, panels.items(), strict=False):
            _draw_panel(axes, name, lines, x_label, log_scale=log_scale)
        for axes in grid[len(panels) :]:
            axes.remove()
        _legend(figure, height, panels)
        return style.finish(figure, path)


# --- what belongs where ------------------------------------------------------------------------


def _chosen(history: Mapping[str, Numbers], names: Sequence[str] | None) -> Mapping[str, Numbers]:
    if names is None:
        reports = [f"best_{name}{end}" for name in history for end in ("", "_epoch")]
        left_out = {"seconds", "averaged", *reports}
        return {
            name: values
            for name, values in history.items()
            if name not in left_out and (not isinstance(values, list) or are_numbers(values))
        }
    names = [names] if isinstance(names, str) else names
    unknown = [name for name in names if name not in history]
    if unknown:
        raise ValueError(f"curves: the history has no {unknown}, but {list(history)}")
    return {name: history[name] for name in names}


def check_smoothing(where: str, smoothing: Any) -> None:
    """Refuse a weight of a running mean that is none."""
    if not isinstance(smoothing, numbers.Real) or not 0 <= float(smoothing) < 1:
        raise ValueError(f"{where}: smoothing must be from 0 to below 1, got {smoothing!r}")


def _panels(series: Mapping[str, Series], smoothing: float) -> dict[str, dict[Role, Series]]:
    """Name → its lines, losses first, otherwise in the order given."""
    panels: dict[str, dict[Role, Series]] = {}
    for name, line in series.items():
        role = VALIDATION if name.startswith("val_") else TRAINING
        if smoothing and role is TRAINING:  # each point of validation is a mean already
            line = Series(line.x, smoothed(line.y, smoothing), line.y)
        panels.setdefault(name.removeprefix("val_"), {})[role] = line
    return dict(sorted(panels.items(), key=lambda panel: panel[0] != "loss"))


def _gaps_counted(series: Mapping[str, Series]) -> str | None:
    gaps = {name: int((~line.finite).sum()) for name, line in series.items()}
    gaps = {name: count for name, count in gaps.items() if count}
    if not gaps:
        return None
    return "not finite: " + ", ".join(
        f"{name} ({count} of {series[name].y.size} values)" for name, count in gaps.items()
    )


def _finite(lines: Mapping[Role, Series]) -> Array:
    return np.concatenate([line.y[line.finite] for line in lines.values()])


def _best(name: str, lines: Mapping[Role, Series]) -> tuple[float, float] | None:
    """The place of the best value, if the name tells what is better and there are several."""
    mode, line = mode_of(name), lines.get(VALIDATION, lines.get(TRAINING))
    if mode is None or line is None or line.finite.sum() < 2:
        return None
    low = mode == "min"
    y = np.where(line.finite, line.y, np.inf if low else -np.inf)
    index = int(y.argmin() if low else y.argmax())
    return float(line.x[index]), float(line.y[index])


# --- drawing -----------------------------------------------------------------------------------


def _draw_panel(
    axes: Axes, name: str, lines: Mapping[Role, Series], x_label: str, *, log_scale: bool
) -> None:
    axes.set_xlabel(x_label)
    name_y(axes, name)
    axes.grid(axis="y")
    values = _finite(lines)
    if not values.size:
        axes.set(xticks=[], yticks=[])
        place: dict[str, Any] = {"ha": "center", "va": "center", "transform": axes.transAxes}
        axes.text(0.5, 0.5, "no finite values", color=style.MUTED, **place)
        return
    for role, line in lines.items():
        _draw_line(axes, role, line)
    x_axis(axes, np.concatenate([line.x for line in lines.values()]), values)
    if log_scale and can_be_logarithmic(name, values):
        log_axis(axes, float(values.min()), float(values.max()))
    best = _best(name, lines)
    if best is not None:
        axes.plot(*best, **BEST, zorder=5, clip_on=False)
        text = f"best {best[1]:.4g} at {x_label} {best[0]:.15g}"
        axes.set_title(
            text, size=style.SUBTITLE_SIZE, weight="normal", color=style.MUTED, loc="center"
        )


def _draw_line(axes: Axes, role: Role, line: Series) -> None:
    if line.raw is not None:
        raw = np.where(np.isfinite(line.raw), line.raw, np.nan)
        axes.plot(line.x, raw, color=role.colour, alpha=0.3, lw=0.8)
    axes.plot(
        line.x,
        np.where(line.finite, line.y, np.nan),  # an infinity would spoil the axis
        **role.look,
        markevery=marked(line.finite),
        label=role.label,
    )


def _legend(figure: Figure, height: float, panels: Mapping[str, Mapping[Role, Series]]) -> None:
    """One legend for all panels, between the heading and the first row."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], **role.look, label=role.label)
        for role in (TRAINING, VALIDATION)
        if any(role in lines for lines in panels.values())
    ]
    if any(_best(name, lines) is not None for name, lines in panels.items()):
        handles.append(Line2D([], [], **BEST, label="best"))
    width, tall = figure.get_size_inches()
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(style.MARGIN / width, (height + LEGEND_STRIP - 0.13) / tall),
        ncols=len(handles),
        handlelength=3.0,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.8,
    )
