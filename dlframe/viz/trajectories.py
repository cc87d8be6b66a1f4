"""Runs optimizers on a surface over the plane, and draws their paths, still or moving."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.autograd.modes import enable_grad, no_grad
from dlframe.errors import ShapeError
from dlframe.nn import Parameter
from dlframe.optim.safety import unheeded
from dlframe.tensor import Tensor, to_array
from dlframe.viz import style
from dlframe.viz.surfaces import Point, Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

LEVELS = 14  # contour lines
RESOLUTION = 140  # heights along each side of the window
PANEL = 3.1  # inches across, of a panel with one path
PLOT = 4.4  # inches across, of all paths together
DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
# Colours of lines must be seen on white, so the pale ones of the classes are left out.
COLOURS = ("#1c4f8c", "#e8871e", "#b8336a", "#2e8b57", "#5b3a29", "#3aa0c9", "#8a6fc0", "#1d2733")


@dataclass(frozen=True)
class Trajectories:
    """The ways of several optimizers on one surface, by the optimizers' names.

    `paths[name]` are the places (steps + 1, 2), `values[name]` their heights (steps + 1,), both
    float64, and `gradients[name]` counts how often the optimizer asked for a gradient. After a
    place that is not finite, an optimizer is stopped, and the rest of its path is nan.
    """

    surface: Callable[[Any], Any]
    window: Window
    paths: dict[str, Array]
    values: dict[str, Array]
    gradients: dict[str, int]

    def __str__(self) -> str:
        return "\n".join(f"{name}: {self.outcome(name)}" for name in self.paths)

    def outcome(self, name: str) -> str:
        """In words: where an optimizer ended, and whether it left the window or the numbers."""
        path, value = self.paths[name], float(self.values[name][-1])
        steps = len(path) - 1
        asked = self.gradients[name]
        finite = np.isfinite(path).all(axis=1) & np.isfinite(self.values[name])
        outside = ~self._inside(path)
        cost = f" ({asked} gradients)" if asked > steps else ""
        if not finite.all():
            return f"diverges, not finite from step {int(np.argmin(finite))}{cost}"
        if outside[-1]:
            last_inside = int(np.flatnonzero(~outside)[-1]) if (~outside).any() else -1
            return f"height {value:.2g}, leaves the picture at step {last_inside + 1}{cost}"
        if outside.any():
            return (
                f"height {value:.2g}, outside of the picture for {int(outside.sum())} steps{cost}"
            )
        return f"height {value:.2g}{cost}"

    def plot(
        self,
        *,
        apart: bool = False,
        title: str | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> Figure:
        """Draw the paths over contour lines, all in one panel, or one in each if `apart`.

        A ring is the start, crosses are the global minima. Contour lines are evenly spaced in the
        logarithm of the height above the minimum, so that the flat part of a valley has as many as
        its sides; a surface without minima has evenly spaced ones. Paths are cut at the window's
        edge, and the legend (the panel's caption) says so.
        """
        with style.house_style():
            figure, _ = self._drawn(apart, title)
            return style.finish(figure, path)

    def animate(
        self,
        path: str | os.PathLike[str],
        *,
        apart: bool = False,
        title: str | None = None,
        frames: int = 60,
        seconds: float = 6.0,
    ) -> None:
        """Write the picture as a GIF in which all optimizers step at the same time.

        At most `frames` moments are shown, evenly spaced over the steps, within `seconds`; the last
        one stays for a second more. The file is written whole or not at all.
        """
        if frames < 2 or seconds <= 0:
            raise ValueError(
                f"animate: needs frames ≥ 2 and seconds > 0, got {frames} and {seconds}"
            )
        last = max(len(p) for p in self.paths.values()) - 1
        moments = np.unique(np.linspace(0, last, frames).round().astype(int))
        with style.house_style():
            figure, lines = self._drawn(apart, title)
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # nothing may move between frames

            def moving() -> Iterator[None]:
                for moment in moments:
                    for name, (line, head) in lines.items():
                        places = self._drawable(name)[: moment + 1]
                        line.set_data(*places.T)
                        head.set_data(*places[-1:].T)
                    yield

            artists = [artist for pair in lines.values() for artist in pair]
            style.save_animation(figure, path, artists, moving(), seconds / len(moments))

    # --- drawing -------------------------------------------------------------------------------

    def _drawn(self, apart: bool, title: str | None) -> tuple[Figure, dict[str, Any]]:
        """The figure, and for each optimizer its line and the dot at its end."""
        (left, right), (bottom, top) = self.window
        names = list(self.paths)
        labels = {name: f"{name}: {self.outcome(name)}" for name in names}
        ratio = min(max((top - bottom) / (right - left), 0.5), 1.3)
        if title is None:
            title = getattr(self.surface, "name", "").replace("_", " ").capitalize() or None
        if apart:
            columns = min(3, len(names))
            rows = -(-len(names) // columns)
            width, height = PANEL * columns, rows * (PANEL * ratio + 0.35)
        else:
            columns = rows = 1
            legend = max(style.text_width(label, style.SUBTITLE_SIZE) for label in labels.values())
            width, height = PLOT + 0.6, PLOT * ratio + 0.22 * len(names) + 0.2
            width = max(width, legend + 1.0)
        figure = style.new_figure(width, height, title)
        style.lay_out(figure, height)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in panels[: len(names) if apart else 1]:
            self._draw_surface(axes)
        for axes in panels[len(names) :]:
            axes.remove()
        lines = {}
        for number, name in enumerate(names):
            axes = panels[number if apart else 0]
            lines[name] = self._draw_path(axes, name, 0 if apart else number, labels[name])
            if apart:
                title = style.fitting(name, PANEL, style.LABEL_SIZE, "bold")
                axes.set_title(title, size=style.LABEL_SIZE)
                axes.set_xlabel(self.outcome(name), size=style.SMALL_SIZE, color=style.MUTED)
        if not apart:
            panels[0].legend(
                handles=[_entry(line, head) for line, head in lines.values()],
                loc="upper left",
                bbox_to_anchor=(0.0, -0.02),
                borderpad=0,
                handlelength=3.2,
            )
        return figure, lines

    def _draw_surface(self, axes: Axes) -> None:
        (left, right), (bottom, top) = self.window
        grid = np.meshgrid(
            np.linspace(left, right, RESOLUTION), np.linspace(bottom, top, RESOLUTION)
        )
        heights = heights_on(self.surface, np.stack(grid))
        minima = getattr(self.surface, "minima", ())
        levels = contour_levels(self.surface, heights)
        if len(levels) > 1:
            masked = np.ma.masked_invalid(heights)
            style.shade_between(axes, *grid, masked, levels)
            axes.contour(
                *grid, masked, levels=levels, colors="#a9b4c1", linewidths=0.6, linestyles="solid"
            )
        for x, y in minima:
            axes.plot(x, y, "+", color=style.INK, ms=10, mew=1.7, zorder=2)
        axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
        axes.spines[:].set_visible(True)

    def _draw_path(self, axes: Axes, name: str, number: int, label: str) -> tuple[Any, Any]:
        places = self._drawable(name)
        colour = COLOURS[number % len(COLOURS)]
        marker = style.MARKERS[number % len(style.MARKERS)]
        (line,) = axes.plot(
            *places.T,
            color=colour,
            linestyle=DASHES[number % len(DASHES)],
            lw=1.5,
            marker=marker,
            ms=3.2 if len(places) <= 60 else 0,
            label=label,
            zorder=3,
        )
        last = places[np.isfinite(places).all(axis=1)][-1:]
        (head,) = axes.plot(*last.T, marker=marker, color=colour, ms=6.5, mec=style.INK, zorder=4)
        axes.plot(*places[0], "o", ms=8, mfc="none", mec=style.INK, zorder=4)
        return line, head

    def _drawable(self, name: str) -> Array:
        """The path with far-away places brought nearer: matplotlib cannot draw to 1e300."""
        centre = np.mean(self.window, axis=1)
        reach = 100 * np.ptp(self.window, axis=1)
        return np.asarray(np.clip(self.paths[name], centre - reach, centre + reach))

    def _inside(self, path: Array) -> NDArray[np.bool_]:
        low, high = np.array(self.window).T
        return np.asarray(((path >= low) & (path <= high)).all(axis=1))


def trajectories(
    surface: Callable[[Any], Any],
    optimizers: Mapping[str, Callable[[list[Parameter]], Any]],
    *,
    steps: int = 100,
    start: Point | None = None,
    window: Window | None = None,
) -> Trajectories:
    """Let each optimizer walk down a surface from the same start; nothing is random.

    `surface` is one of `dlframe.viz.surfaces`, or any function of a point (2,) that returns one
    number and of points (2, ...) that returns numbers (...); then give `start` and `window`,
    ((left, right), (bottom, top)). `optimizers` are functions of a list with one float64 parameter
    of shape (2,). Every step gets a closure, so LBFGS and its like can ask for several gradients.

    Use it to see what an optimizer's options mean. Two numbers are not a network: what is best
    here is not best there.

    >>> from dlframe.viz import surfaces
    >>> ways = trajectories(
    ...     surfaces.quadratic,
    ...     {
    ...         "SGD": lambda params: optim.SGD(params, lr=0.015),
    ...         "too large a rate": lambda params: optim.SGD(params, lr=0.03),
    ...     },
    ...     steps=20,
    ... )
    >>> ways.paths["SGD"].shape, ways.paths["SGD"][-1].round(2).tolist()
    ((21, 2), [-1.48, 0.0])
    >>> print(ways)
    SGD: height 1.1
    too large a rate: height 3.1e+13, leaves the picture at step 1
    >>> figure = ways.plot()  # and ways.animate("descent.gif")
    """
    start = getattr(surface, "start", None) if start is None else start
    window = getattr(surface, "window", None) if window is None else window
    if start is None or window is None:
        raise ValueError(
            "trajectories: a function of your own needs start=(x, y) and "
            "window=((left, right), (bottom, top)); the surfaces of viz.surfaces have both"
        )
    (left, right), (bottom, top) = window
    if not (left < right and bottom < top):
        raise ValueError(
            f"trajectories: window must be ((left, right), (bottom, top)), got {window}"
        )
    if not isinstance(optimizers, Mapping):
        raise TypeError(
            "trajectories: optimizers is a dict from names to functions of a list of parameters, "
            'as in {"SGD": lambda params: SGD(params, lr=0.1)}; got '
            f"{type(optimizers).__name__}"
        )
    if steps < 1 or not optimizers:
        raise ValueError(
            f"trajectories: needs steps ≥ 1 and at least one optimizer, got steps={steps} and "
            f"{len(optimizers)} optimizers"
        )
    runs = {name: _walk(surface, make, steps, start) for name, make in optimizers.items()}
    paths = {name: path for name, (path, _) in runs.items()}
    values = {name: heights_on(surface, path.T) for name, path in paths.items()}
    return Trajectories(
        surface, window, paths, values, {n: count for n, (_, count) in runs.items()}
    )


def _entry(line: Any, head: Any) -> Any:
    """A line of the legend: dashes, and the mark at the end of the path."""
    from matplotlib.lines import Line2D

    look = {
        "color": line.get_color(),
        "linestyle": line.get_linestyle(),
        "lw": line.get_linewidth(),
    }
    return Line2D([], [], marker=head.get_marker(), ms=5, label=line.get_label(), **look)


def _walk(
    surface: Callable[[Any], Any],
    make: Callable[[list[Parameter]], Any],
    steps: int,
    start: Point,
) -> tuple[Array, int]:
    """The path (steps + 1, 2) of one optimizer, and the number of gradients that it took."""
    point = Parameter(Tensor(np.array(start, np.float64)))
    optimizer = make([point])
    asked = 0

    def closure() -> Any:
        nonlocal asked
        asked += 1
        optimizer.zero_grad()
        height = surface(point)
        if tuple(height.shape) != ():
            raise ShapeError(
                "trajectories: the surface must give one number for a point of shape (2,); got "
                f"shape {tuple(height.shape)}"
            )
        height.backward()
        return height

    path = np.full((steps + 1, 2), np.nan)
    path[0] = start
    with enable_grad(), unheeded(optimizer):
        for step in range(1, steps + 1):
            optimizer.step(closure)
            path[step] = point.detach().numpy()
            if not np.isfinite(path[step]).all():
                break
    return path, asked


def heights_on(surface: Callable[[Any], Any], points: Array) -> Array:
    """The heights (...) of points (2, ...); where they are too large for float64, inf."""
    with no_grad(), np.errstate(all="ignore"):
        heights = np.asarray(to_array(surface(Tensor(points))), np.float64)
    if heights.shape != points.shape[1:]:
        raise ShapeError(
            f"trajectories: the surface must give heights of shape {points.shape[1:]} for points "
            f"of shape {points.shape}, got {heights.shape}. Write it with p[0] and p[1]"
        )
    return heights


def contour_levels(surface: Callable[[Any], Any], heights: Array) -> Array:
    """Heights of contour lines, rising: `log_levels` above the minima, even ones without minima."""
    minima = getattr(surface, "minima", None)
    finite = heights[np.isfinite(heights)]
    if minima == () and finite.size and finite.min() < finite.max():
        return np.linspace(finite.min(), finite.max(), LEVELS + 1)
    if not minima:
        return log_levels(heights)
    lowest = float(heights_on(surface, np.array(minima, np.float64).T).min())
    return log_levels(heights, lowest)


def log_levels(heights: Array, low: float | None = None) -> Array:
    """Heights evenly spaced in the logarithm above `low`, the lowest by default; none if flat.

    Below a thousandth of a per cent of the range there are none, where they would be dots.
    """
    finite = heights[np.isfinite(heights)]
    if not finite.size or finite.min() == finite.max():
        return np.empty(0)
    low = float(finite.min()) if low is None else low
    span = float(finite.max()) - low
    first = max(float(np.quantile(finite - low, 0.005)), 1e-5 * span)
    return np.unique(low + np.concatenate([[0.0], np.geomspace(first, span, LEVELS)]))
