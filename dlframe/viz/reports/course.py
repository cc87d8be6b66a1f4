"""The sections about the course of training: curves, rates, norms, times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.training.callbacks.monitor import mode_of
from dlframe.training.history import History
from dlframe.viz.pages.html import Markup, element, joined, line_chart, table
from dlframe.viz.reports.source import Source, not_finite

MOST_POINTS = 4000  # of a line
MOST_ROWS = 200  # epochs in the table of numbers
MOST_SERIES = 12  # of parameters or layers that are shown at first
MOST_PARAMETERS = 60  # whose norms are in the page
DIGITS = 7  # of numbers in charts

OTHER = ("seconds", "averaged")  # in a history, but no curves

Values = NDArray[np.float64]


def number(value: Any, digits: int = 4) -> str:
    """A number for the eye: 0.01234, 1,234, 1.2e-05.

    >>> number(0.012345), number(1234567), number(float("nan"))
    ('0.01234', '1,234,567', 'NaN')
    """
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, (int, np.integer)) or float(value).is_integer():
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.{digits}g}"
    return f"{value:.{digits}g}"


def seconds(value: float) -> str:
    """A time for the eye: 0.32 s, 12 s, 3 min 20 s, 2 h 5 min.

    >>> seconds(0.3217), seconds(200), seconds(7500)
    ('0.32 s', '3 min 20 s', '2 h 5 min')
    """
    if value < 10:
        return f"{value:.2g} s" if value < 1 else f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


# --- curves ------------------------------------------------------------------------------------


def curves(source: Source) -> Markup | None:
    """A chart for each quantity, training and validation together, and the numbers as a table."""
    history = source.history
    panels = panels_of(history)
    if not panels:
        return None
    charts = []
    for name, lines in panels.items():
        best = best_of(history, name)
        options: dict[str, Any] = {
            "series": [
                {"name": label, **points(x, y), "look": 1 if label == "training" else 2}
                for label, (x, y) in lines.items()
            ],
            "xLabel": "epoch",
            "yLabel": name,
            "label": f"{name} in training and validation",
            "marks": [] if best is None else [{"x": best[0], "text": f"best: {best[0]}"}],
        }
        text = None if best is None else f"Best {name}: {number(best[1])} in epoch {best[0]}."
        charts.append(element("div", element("h3", name), line_chart(options, caption=text)))
    grid = element("div", charts, class_="side-by-side" if len(charts) > 1 else None)
    return joined(_bad_epochs(history), grid, _table_of(history))


def panels_of(history: History) -> dict[str, dict[str, tuple[Values, Values]]]:
    """Quantity → its lines, "training" and "validation": the epochs and the values."""
    reports = {f"best_{name}{end}" for name in history for end in ("", "_epoch")}
    panels: dict[str, dict[str, tuple[Values, Values]]] = {}
    for name in history:
        if name in OTHER or name in reports or is_rate(name):
            continue
        y = column(history, name)
        if y is None:
            continue
        x = np.arange(1.0, len(y) + 1)
        is_validation = name.startswith("val_")
        if is_validation:
            kept = measured_epochs(y)
            x, y = x[kept], y[kept]
        label = "validation" if is_validation else "training"
        panels.setdefault(name.removeprefix("val_"), {})[label] = (x, y)
    return dict(sorted(panels.items(), key=lambda one: one[0] != "loss"))


def is_rate(name: str) -> bool:
    """Whether a column has learning rates: lr, lr_1, lr_body …"""
    return name == "lr" or name.startswith("lr_")


def column(history: Mapping[str, Sequence[Any]], name: str) -> Values | None:
    """The numbers of a column; None for lists, such as one number for each class."""
    values = history[name]
    if not values or any(isinstance(one, (list, tuple)) for one in values):
        return None
    return np.asarray(values, np.float64)


def measured_epochs(y: Values) -> NDArray[np.bool_]:
    """Which epochs were validated: where it was every k-th, NaN in the others is no gap."""
    finite = np.flatnonzero(np.isfinite(y)) + 1
    every = np.ones(len(y), bool)
    if len(finite) < 2 or finite[0] < 2:
        return every
    expected = np.arange(finite[0], len(y) + 1, finite[0])
    regular = np.array_equal(finite, np.union1d(expected, finite[-1:]))
    return np.isfinite(y) if regular else every


def best_of(history: History, name: str) -> tuple[int, float] | None:
    """The best epoch of a quantity, of validation if there is one, if its name tells the better."""
    mode = mode_of(name)
    chosen = f"val_{name}" if f"val_{name}" in history else name
    values = None if mode is None else column(history, chosen)
    if values is None or np.isfinite(values).sum() < 2:
        return None
    return history.best(chosen, mode)


def points(x: Values, y: Values) -> dict[str, list[float | None]]:
    """x and y for a chart, with fewer points and digits where there are many."""
    kept = thinned(y)
    return {
        "x": [float(f"{value:.15g}") for value in x[kept]],
        "y": [float(f"{v:.{DIGITS}g}") if math.isfinite(v) else None for v in y[kept]],
    }


def thinned(y: Values, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """The numbers of at most so many points, among them the extremes and the gaps.

    Of each stretch these stay: the first point, the lowest, the highest, the last, and one that is
    not finite.

    >>> y = np.zeros(100)
    >>> y[37] = 1
    >>> 37 in thinned(y, 20), len(thinned(y, 20)) <= 20
    (True, True)
    """
    if len(y) <= most:
        return np.arange(len(y))
    kept: set[int] = set()
    for part in np.array_split(np.arange(len(y)), max(1, most // 5)):
        finite = part[np.isfinite(y[part])]
        kept |= {int(part[0]), int(part[-1])}
        if len(finite) < len(part):
            kept.add(int(part[~np.isfinite(y[part])][0]))
        if len(finite):
            kept |= {int(finite[y[finite].argmin()]), int(finite[y[finite].argmax()])}
    return np.array(sorted(kept))


def _bad_epochs(history: History) -> Markup | None:
    """A sentence about losses that were not finite."""
    epochs = not_finite(history["loss"]) if "loss" in history else []
    if not epochs:
        return None
    where = ", ".join(map(str, epochs[:10])) + (" …" if len(epochs) > 10 else "")
    return element(
        "p", f"The loss was NaN or infinite in epoch {where}: see the gaps.", class_="bad"
    )


def _table_of(history: History) -> Markup:
    """The numbers of each epoch, behind a click."""
    names = [name for name in history if column(history, name) is not None]
    records = history.records()
    every = -(-len(records) // MOST_ROWS)
    chosen = [one for i, one in enumerate(records) if i % every == 0 or i == len(records) - 1]
    rows = [[one["epoch"], *(number(one[name]) for name in names)] for one in chosen]
    what = "Each epoch in numbers" if every == 1 else f"One epoch of every {every} in numbers"
    columns = ["epoch", *names]
    numbers = table(columns, rows, caption=what, numbers=range(len(columns)))
    return element("details", element("summary", what), numbers)


# --- inside of epochs --------------------------------------------------------------------------


def steps(source: Source) -> Markup | None:
    """The loss inside of epochs, where a StepLog recorded it."""
    log = source.steps
    if not log:
        return None
    x, y = np.asarray(log["x"], np.float64), np.asarray(log["loss"], np.float64)
    options = {
        "series": [{"name": "loss", **points(x, y)}],
        "xLabel": "step",
        "yLabel": "loss",
        "label": "loss inside of epochs",
    }
    return line_chart(options, caption="The loss of training batches, as they came.")


def rates(source: Source) -> Markup | None:
    """The learning rate: of each step where that was recorded, else of each epoch."""
    log, history = source.steps, source.history
    series: list[dict[str, Any]] = []
    names = [name for name in history if is_rate(name)]
    if log and len(names) <= 1:
        x, y = np.asarray(log["x"], np.float64), np.asarray(log["lr"], np.float64)
        series, over = [{"name": "lr", **points(x, y)}], "step"
    else:
        over = "epoch"
        for name in names:
            values = column(history, name)
            if values is not None:
                series.append({"name": name, **points(np.arange(1.0, len(values) + 1), values)})
    if not series:
        return None
    different = {value for one in series for value in one["y"] if value is not None}
    if len(series) == 1 and len(different) == 1:
        return element("p", f"Constant: {number(different.pop())}.")
    return line_chart({"series": series, "xLabel": over, "yLabel": "learning rate"})


# --- gradients and weights ---------------------------------------------------------------------


def norms(source: Source) -> Markup | None:
    """What a NormLog or a LayerLog recorded of parameters and layers over the steps."""
    charts = []
    if source.norms:
        x = np.asarray(source.norms["steps"], np.float64)
        both = {"gradients": source.norms["gradients"], "weights": source.norms["weights"]}
    elif source.layers is not None:
        x = np.asarray(source.layers.steps, np.float64)
        kinds = {"gradients": source.layers.gradients, "weights": source.layers.weights}
        both = {kind: {name: one.norm for name, one in of.items()} for kind, of in kinds.items()}
    else:
        return None
    for key, title, text in (
        ("gradients", "norm of the gradient", "Before clipping."),
        ("weights", "norm of the parameter", ""),
    ):
        if both[key]:
            charts.append(_norm_chart(x, both[key], title, text))
    return joined(charts, _of_layers(source))


def _of_layers(source: Source) -> Markup | None:
    """The sizes of updates, and of layers' outputs the spread and the dead units."""
    log = source.layers
    if log is None:
        return None
    x = np.asarray(log.steps, np.float64)
    charts = []
    if log.updates:
        text = "The length of each step, ‖Δw‖ / ‖w‖; about 0.001 is usual."
        charts.append(_norm_chart(x, log.updates, "relative size of the updates", text))
    spread = {name: one.std for name, one in log.outputs.items()}
    if spread:
        text = "The standard deviation of what each layer returns."
        charts.append(_norm_chart(x, spread, "spread of the outputs", text))
    dead = {name: one.dead for name, one in log.outputs.items() if np.nan_to_num(one.dead).any()}
    if dead:
        text = "The share of units that are 0 for all samples of a step."
        charts.append(_norm_chart(x, dead, "dead units", text, log=False))
    return joined(charts)


def _norm_chart(
    x: Values, columns: Mapping[str, Any], title: str, text: str, *, log: bool = True
) -> Markup:
    names = list(columns)[:MOST_PARAMETERS]
    few = max(200, 8 * MOST_POINTS // max(1, len(names)))  # points in all stay about the same
    shown = set(names[:: -(-len(names) // MOST_SERIES)])
    series = []
    for name in names:
        y = np.asarray(columns[name], np.float64)
        kept = thinned(y, min(few, MOST_POINTS))
        series.append({"name": name, **points(x[kept], y[kept]), "hidden": name not in shown})
    if len(shown) < len(names):
        text += f" {len(shown)} of {len(names)} are shown; press a name for more."
    if len(columns) > len(names):
        text += f" {len(columns) - len(names)} more are left out."
    options = {"series": series, "xLabel": "step", "yLabel": title, "logY": log}
    heading = element("h3", title[0].upper() + title[1:])
    return joined(heading, line_chart(options, caption=text.strip() or None))


# --- times -------------------------------------------------------------------------------------


def times(source: Source) -> Markup | None:
    """Seconds of the epochs, and how many steps and samples were done in a second."""
    history = source.history
    if "seconds" not in history:
        return None
    spent = column(history, "seconds")
    if spent is None or not np.isfinite(spent).any():
        return None
    known = spent[np.isfinite(spent)]
    total, median = float(known.sum()), float(np.median(known))
    rows: list[tuple[str, str]] = [
        ("all epochs", seconds(total)),
        ("an epoch (median)", seconds(median)),
    ]
    if source.batches and total > 0:
        rows.append(("steps per second", number(float(f"{source.batches / total:.3g}"))))
    if source.samples and median > 0:
        rows.append(("samples per second", number(float(f"{source.samples / median:.3g}"))))
    chart = None
    if len(spent) > 2:
        series = [{"name": "seconds", **points(np.arange(1.0, len(spent) + 1), spent)}]
        chart = line_chart(
            {"series": series, "xLabel": "epoch", "yLabel": "seconds", "height": 180},
            caption="Each epoch with its validation.",
        )
    return joined(table(["", "time or rate"], rows, caption="Speed", numbers=[1]), chart)
