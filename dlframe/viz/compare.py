"""Runs beside each other: curves with bands over seeds, and what came out in the end."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.training.callbacks.monitor import better, check_mode, infer_mode, unknown_name
from dlframe.training.smoothing import smoothed
from dlframe.viz import style
from dlframe.viz.histories import are_numbers, history_of
from dlframe.viz.looks import draw_legend, legend_strip, looks_of
from dlframe.viz.panels import (
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

Runs = Mapping[str, Any]  # to what `history_of` takes, or to a list of such
Group = list[Series]  # the runs of one name, for one quantity

BANDS = {
    "confidence": "The band is the 95 % interval of the mean.",
    "std": "The band is the mean ± one standard deviation.",
    "range": "The band goes from the lowest to the highest.",
    "none": "",
}
MANY = 40  # more thin lines than this hide the means
_NOT_COMPARED = ("seconds", "lr", "lr_", "best_", "averaged")


# --- curves ------------------------------------------------------------------------------------


def compare(
    runs: Runs,
    *,
    names: Sequence[str] | None = None,
    band: str = "confidence",
    every_run: bool | None = None,
    smoothing: float = 0.0,
    log_scale: bool = False,
    x_label: str = "epoch",
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the curves of several runs, one panel for each quantity and one line for each name.

    `runs` maps a name to one history, or to the histories of several runs that differ in their
    seeds: then the line is their mean, as far as all of them went, and the band says how far they
    lie apart. A history is what `Trainer.fit` returns or the Trainer itself, a dict of lists, a
    file that JSONLogger, CSVLogger or `History.save` wrote, a run's folder, or a frame.

    Args:
        names: which quantities; by default the validation's where there is one, else the
            training's, without seconds, learning rates and what callbacks report.
        band: "confidence" is the 95 % interval of the mean, by Student's t with n − 1 degrees of
            freedom, mean ± t s / √n; "std" is mean ± s; "range" goes from the lowest to the
            highest; "none" draws no band.
        every_run: whether each run is a thin line, too; by default if there are at most 40. What
            lies beyond the end of the shortest run is seen in these lines only.
        smoothing: the weight of the past in a running mean of each run, from 0 to below 1.
        log_scale: for losses and other quantities that are always positive; the heading names
            those that are not.

    Raises:
        ArgumentError: no runs, an unknown band or quantity.
        ShapeError: a quantity that is not one number per epoch.

    >>> runs = {"SGD": [{"loss": [2.0, 1.0]}, {"loss": [2.2, 1.4]}], "Adam": {"loss": [1.5, 0.5]}}
    >>> figure = compare(runs, band="range")
    >>> [line.get_ydata().tolist() for line in figure.axes[0].lines if line.get_label() == "SGD"]
    [[2.1, 1.2]]
    """
    if band not in BANDS:
        raise ArgumentError(
            f"compare: band must be one of {', '.join(BANDS)}; got {band!r}."
            f"{did_you_mean(band, BANDS)}"
        )
    if not 0 <= smoothing < 1:
        raise ArgumentError(f"compare: smoothing must be from 0 to below 1; got {smoothing}")
    histories = _histories("compare", runs)
    if every_run is None:
        every_run = sum(len(group) for group in histories.values()) <= MANY
    panels = {
        name: _groups("compare", histories, name, smoothing)
        for name in _quantities("compare", histories, names)
    }
    with style.house_style():
        if not panels:
            return style.finish(nothing_yet(title), path)
        columns, rows = arrangement(len(panels))
        width, height = PANEL[columns]
        width, height = width * columns, height * rows
        looks = looks_of(histories)
        strip = legend_strip(looks, width)
        remarks = [_remarks(histories, panels, BANDS[band])]
        if log_scale:
            remarks.append(linear_ones({name: _finite(one) for name, one in panels.items()}))
        figure = style.new_figure(
            width, height + strip, title, "\n".join(filter(None, remarks)) or None
        )
        style.lay_out(figure, height)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (name, groups) in zip(grid, panels.items(), strict=False):
            axes.set_xlabel(x_label)
            name_y(axes, name)
            _draw(axes, groups, looks, band, every_run=every_run)
            values = _finite(groups)
            if log_scale and values.size and can_be_logarithmic(name, values):
                log_axis(axes, float(values.min()), float(values.max()))
        for axes in grid[len(panels) :]:
            axes.remove()
        draw_legend(figure, height + strip, looks, width)
        return style.finish(figure, path)


def _draw(
    axes: Axes,
    groups: Mapping[str, Group],
    looks: Mapping[str, dict[str, Any]],
    band: str,
    *,
    every_run: bool,
) -> None:
    axes.grid(axis="y")
    for name, runs in groups.items():
        colour = looks[name]["color"]
        if every_run and len(runs) > 1:
            for run in runs:
                y = np.where(run.finite, run.y, np.nan)  # an infinity would spoil the axis
                axes.plot(run.x, y, color=colour, alpha=0.4, lw=0.7)
        length = min(run.y.size for run in runs)
        mean, low, high = spread(np.stack([run.y[:length] for run in runs]), band)
        x = runs[0].x[:length]
        if len(runs) > 1 and band != "none":
            axes.fill_between(x, low, high, color=colour, alpha=0.16, lw=0)
        axes.plot(x, mean, **looks[name], markevery=marked(np.isfinite(mean)), label=name)
    values = _finite(groups)
    if values.size:
        x_axis(axes, np.concatenate([run.x for runs in groups.values() for run in runs]), values)


def spread(values: NDArray[Any], band: str) -> tuple[Array, Array, Array]:
    """Mean, lower and upper end of a band over the first axis; NaN where one of them is not finite.

    >>> mean, low, high = spread(np.array([[1.0], [2.0], [3.0]]), "confidence")
    >>> mean, low.round(4), high.round(4)
    (array([2.]), array([-0.4841]), array([4.4841]))
    """
    finite = np.isfinite(values).all(axis=0)
    values = np.where(finite, values, 0.0)
    mean = np.where(finite, values.mean(axis=0), np.nan)
    count = len(values)
    if band == "range":
        return (
            mean,
            np.where(finite, values.min(0), np.nan),
            np.where(finite, values.max(0), np.nan),
        )
    if band == "none" or count < 2:
        return mean, mean, mean
    half = values.std(axis=0, ddof=1)
    rounding = 8 * np.finfo(values.dtype).eps * np.abs(values).max(axis=0)
    half = np.where(np.ptp(values, axis=0) <= rounding, 0.0, half)  # equal values have no band
    if band == "confidence":
        from scipy.special import stdtrit  # on first use

        half *= stdtrit(count - 1, 0.975) / math.sqrt(count)
    return mean, mean - half, mean + half


# --- outcomes ----------------------------------------------------------------------------------


def outcomes(
    runs: Runs,
    name: str,
    *,
    at: str = "last",
    mode: str | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw what came out of several runs: a point for each, their mean and its 95 % interval.

    The interval is that of Student's t for the mean of independent runs. Those of two names may
    overlap although the difference is certain, if their runs share seeds: compare pairs then.

    Args:
        runs: as for `compare`.
        name: the quantity, such as "val_accuracy".
        at: "last" takes each run's last value, "best" its best one, which flatters the more, the
            more epochs there are to choose from.
        mode: "min" or "max" is best; None infers it from the name.

    Raises:
        ArgumentError: no runs, an unknown quantity, another word for `at` or `mode`, or a name that
            does not tell what is best.

    >>> runs = {"SGD": [{"loss": [2.0, 1.0]}, {"loss": [2.2, 1.4]}], "Adam": {"loss": [1.5, 0.5]}}
    >>> figure = outcomes(runs, "loss")
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['SGD', 'Adam']
    """
    if at not in ("last", "best"):
        raise ArgumentError(f'outcomes: at must be "last" or "best"; got {at!r}')
    histories = _histories("outcomes", runs)
    _quantities("outcomes", histories, [name])
    groups = _groups("outcomes", histories, name, 0.0)
    is_best = at == "best"
    direction = (check_mode(mode) or infer_mode(name)) if is_best else ""
    points = {
        label: np.array([_best(run.y, direction) if is_best else run.y[-1] for run in found])
        for label, found in groups.items()
    }
    with style.house_style():
        height = 0.9 + 0.42 * len(points)
        figure = style.new_figure(7.2, height, title, _outcome_remarks(name, at, points))
        style.lay_out(figure, height)
        axes = figure.subplots()
        for row, (values, look) in enumerate(
            zip(points.values(), looks_of(points).values(), strict=True)
        ):
            _draw_outcome(axes, row, values, look)
        names = [style.fitting(label, 3.4, style.SUBTITLE_SIZE) for label in points]
        axes.set_yticks(range(len(points)), names)
        axes.set_ylim(len(points) - 0.5, -0.5)
        axes.set_xlabel(name)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        return style.finish(figure, path)


def _draw_outcome(axes: Axes, row: int, values: Array, look: dict[str, Any]) -> None:
    finite = values[np.isfinite(values)]
    axes.plot(finite, np.full(finite.size, row), linestyle="none", marker=look["marker"],
              color=look["color"], markersize=6, alpha=0.55, markeredgewidth=0)  # fmt: skip
    mean, low, high = (float(end[0]) for end in spread(values[:, None], "confidence"))
    if not math.isfinite(mean):
        return
    if values.size > 1:
        axes.plot([low, high], [row, row], color=style.INK, lw=1.4, solid_capstyle="butt")
    axes.plot([mean], [row], marker="|", markersize=15, color=style.INK, markeredgewidth=2)
    width = f" ± {high - mean:.2g}" if values.size > 1 else ""
    axes.annotate(
        f"{mean:.4g}{width}", (1, row), xycoords=("axes fraction", "data"), xytext=(6, 0),
        textcoords="offset points", va="center", color=style.INK, size=style.SUBTITLE_SIZE,
    )  # fmt: skip


def _outcome_remarks(name: str, at: str, points: Mapping[str, Array]) -> str:
    counts = sorted({values.size for values in points.values()})
    runs = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    lost = {label: int((~np.isfinite(values)).sum()) for label, values in points.items()}
    text = f"The {at} {name} of {runs} run{'s' * (counts[-1] > 1)} each"
    if counts[-1] > 1:
        text += ", the mean and its 95 % interval"
    named = ", ".join(f"{label} ({count})" for label, count in lost.items() if count)
    return f"{text}." + (f"\nNot finite, so without a mean: {named}" if named else "")


def _best(values: Array, mode: str) -> float:
    best: float | None = None
    for value in values.tolist():
        if better(value, best, mode):
            best = value
    return math.nan if best is None else best


# --- what is compared --------------------------------------------------------------------------


def _histories(where: str, runs: Runs) -> dict[str, list[Mapping[str, Numbers]]]:
    if not isinstance(runs, Mapping) or not runs:
        raise ArgumentError(
            f"{where}: runs must be a dict from names to histories, such as "
            f'{{"SGD": history, "Adam": [history, history]}}; got {runs!r:.80}'
        )
    found = {}
    for name, group in runs.items():
        alone = not isinstance(group, (list, tuple)) or _are_records(group)
        several = [group] if alone else list(group)
        if not several:
            raise ArgumentError(f"{where}: {name!r} has no run")
        found[str(name)] = [history_of(run, where) for run in several]
    return found


def _are_records(group: Sequence[Any]) -> bool:
    """Whether it is one history, a dict of numbers for each epoch, and not several."""
    dicts = bool(group) and all(type(one) is dict for one in group)
    return dicts and not any(np.ndim(value) for one in group for value in one.values())


def _quantities(
    where: str,
    histories: Mapping[str, list[Mapping[str, Numbers]]],
    names: Sequence[str] | None,
) -> list[str]:
    """The names to draw, losses first."""
    known = list(
        dict.fromkeys(name for group in histories.values() for run in group for name in run)
    )
    if names is not None:
        for name in names:
            if name not in known:
                raise ArgumentError(unknown_name(where, name, known))
        return list(names)
    chosen = [name for name in known if f"val_{name}" not in known]
    chosen = [
        name
        for name in chosen
        if not name.startswith(_NOT_COMPARED) and _is_numbers(histories, name)
    ]
    return sorted(chosen, key=lambda name: name.removeprefix("val_") != "loss")


def _is_numbers(histories: Mapping[str, list[Mapping[str, Numbers]]], name: str) -> bool:
    runs = [run[name] for group in histories.values() for run in group if name in run]
    return all(map(are_numbers, runs))


def _groups(
    where: str, histories: Mapping[str, list[Mapping[str, Numbers]]], name: str, smoothing: float
) -> dict[str, Group]:
    """The runs of each name that measured a quantity."""
    found: dict[str, Group] = {}
    for label, group in histories.items():
        runs = [series_of(where, name, run[name]) for run in group if name in run]
        runs = [run for run in runs if run.y.size]
        if smoothing:
            runs = [Series(run.x, smoothed(run.y, smoothing), run.y) for run in runs]
        if runs:
            found[label] = runs
    return found


def _finite(groups: Mapping[str, Group]) -> Array:
    return np.concatenate([run.y[run.finite] for runs in groups.values() for run in runs])


def _remarks(
    histories: Mapping[str, list[Any]], panels: Mapping[str, Mapping[str, Group]], band: str
) -> str | None:
    """What the band is, how many runs there are, and what cannot be drawn."""
    counts = sorted({len(group) for group in histories.values()})
    lines = []
    if counts[-1] > 1:
        runs = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        lines.append(f"Means of {runs} runs. {band}".strip())
    gaps = {
        f"{label}, {name}": sum(int((~run.finite).sum()) for run in runs)
        for name, groups in panels.items()
        for label, runs in groups.items()
    }
    bad = [f"{place} ({count})" for place, count in gaps.items() if count]
    if bad:
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        lines.append(f"Not finite: {'; '.join(bad[:3])}{more}")
    return "\n".join(lines) or None
