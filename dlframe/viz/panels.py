"""What pictures of numbers over time share: series, panels side by side, their axes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ShapeError
from dlframe.tensor import Tensor, to_array
from dlframe.training.callbacks.monitor import mode_of
from dlframe.viz import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Numbers = Sequence[float] | NDArray[Any] | Tensor

PANEL = {1: (6.2, 3.6), 2: (4.6, 3.3), 3: (4.0, 3.0)}  # inches, by the number of columns
LEGEND_STRIP = 0.3
LARGEST = 1e300
MARKED_POINTS = 15  # the most markers on one line


@dataclass(frozen=True)
class Series:
    """One line: `y` over `x`, both float64 (n,); `raw` is what `y` is the mean of."""

    x: Array
    y: Array
    raw: Array | None = None

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Which values can be drawn; the range of an axis with larger ones would overflow."""
        return np.abs(self.y) < LARGEST


def series_of(
    where: str, name: str, values: object, steps: Mapping[str, Numbers] | None = None
) -> Series:
    """The values over their steps, which are 1, 2, 3 … unless given; ShapeError for a misfit."""
    y = np.asarray(to_array(values), np.float64)
    if y.ndim != 1:
        raise ShapeError(f"{where}: {name!r} must be one number per step, got shape {y.shape}")
    if steps is None or name not in steps:
        return Series(np.arange(1.0, y.size + 1), y)
    x = np.asarray(to_array(steps[name]), np.float64)
    if x.shape != y.shape:
        raise ShapeError(f"{where}: {name!r} has {y.size} values and steps of shape {x.shape}")
    return Series(x, y)


def arrangement(count: int) -> tuple[int, int]:
    """Columns and rows of so many panels."""
    columns = count if count <= 3 else 2 if count == 4 else 3
    return columns, math.ceil(count / columns)


# --- axes --------------------------------------------------------------------------------------


def x_axis(axes: Axes, x: Array, y: Array) -> None:
    """Ticks at whole numbers, the first epoch among them, and only where there are values."""
    from matplotlib.ticker import MaxNLocator

    first, last = float(x.min()), float(x.max())
    if first == last:  # a single epoch is drawn in the middle, on a wide range
        pad = max(float(np.ptp(y)), 0.05 * float(np.abs(y).max())) or 1.0
        axes.set(xlim=(first - 1, first + 1), ylim=(y.min() - pad, y.max() + pad), xticks=[first])
        return
    marks = MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]).tick_values(first, last)
    ticks = [float(mark) for mark in marks if first <= mark <= last]
    if len(ticks) < 2:  # less than two whole numbers in range: matplotlib's own choice is better
        return
    if ticks[0] - first > 0.5 * (ticks[1] - ticks[0]):
        ticks.insert(0, first)
    axes.set_xticks(ticks, [f"{tick:.15g}" for tick in ticks])


def marked(finite: NDArray[np.bool_]) -> list[int]:
    """The points with a marker: some of the line, and all without a neighbour."""
    alone = finite & ~np.r_[False, finite[:-1]] & ~np.r_[finite[1:], False]
    regular = np.zeros_like(finite)
    regular[:: max(1, math.ceil(finite.size / MARKED_POINTS))] = True
    return [int(i) for i in np.flatnonzero(finite & (regular | alone))]


def can_be_logarithmic(name: str, values: Array) -> bool:
    """Whether a quantity is positive by nature, by its name, and all of its values are."""
    return _is_positive(name) and bool(values.min() > 0)


def _is_positive(name: str) -> bool:
    return mode_of(name) == "min" or re.search(r"(^|_)(lr|learning_rate)", name) is not None


def linear_ones(values: Mapping[str, Array]) -> str | None:
    """A remark on the quantities for which a logarithmic scale was asked and cannot be drawn."""
    low = [name for name, y in values.items() if _is_positive(name) and y.size and y.min() <= 0]
    return f"not on a log scale, for values of 0 or less: {', '.join(low)}" if low else None


def name_y(axes: Axes, name: str) -> None:
    """Write the name of a quantity beside its panel, as much of it as fits there."""
    height = min(height for _, height in PANEL.values()) - 1.0  # "(log scale)" comes after it
    axes.set_ylabel(style.fitting(name, height, style.LABEL_SIZE))


def log_axis(axes: Axes, low: float, high: float) -> None:
    """A logarithmic y axis with plain numbers: 0.05, not 5 × 10⁻²."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    axes.set_yscale("log")
    if high / low < 8:  # less than a decade would get one label, or none
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    else:
        subs = (1.0, 2.0, 5.0) if high / low < 1000 else (1.0,)
        axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.set_ylabel(f"{axes.get_ylabel()} (log scale)")


def nothing_yet(title: str | None) -> Figure:
    """The picture of no values."""
    figure = style.new_figure(4.2, 1.2, title)
    axes = style.canvas_in_inches(figure, 1.2)
    axes.text(2.1, 0.6, "Nothing recorded yet.", color=style.MUTED, ha="center", va="center")
    return figure
