"""The pictures that several problems share: lines beside each other, and maps of the plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.study.results import Results
from dlframe.study.working import DONE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Line = tuple[Any, Any]
Panel = Mapping[str, Line]

WIDTH, HEIGHT = 7.2, 3.4


def lines(
    panels: Mapping[str, Panel],
    title: str,
    x_label: str = "",
    y_label: str = "",
    dots: Sequence[str] = (),
    equal: bool = False,
) -> Figure:
    """A panel for each name, with its lines (x, y); those in `dots` are drawn as points."""
    from dlframe.viz import style
    from dlframe.viz.looks import draw_legend, legend_strip, looks_of

    with style.house_style():
        names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
        looks = looks_of(names)
        for name in dots:
            looks[name] |= {"linestyle": "none", "markersize": 3.0}
        strip = legend_strip(looks, WIDTH)
        figure = style.new_figure(WIDTH, HEIGHT + strip, title)
        draw_legend(figure, HEIGHT + strip, looks, WIDTH)
        style.lay_out(figure, HEIGHT)
        row = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (name, panel) in zip(row, panels.items(), strict=True):
            axes.set_title(name)
            axes.set_xlabel(x_label)
            _draw(axes, panel, looks, dots)
            if equal:
                axes.set_aspect("equal")
        row[0].set_ylabel(y_label)
        return style.finish(figure, None)


def _draw(axes: Axes, panel: Panel, looks: Mapping[str, Any], dots: Sequence[str]) -> None:
    """Markers stand on some points of a line, at others than those of the line before it."""
    for order, (name, (x, y)) in enumerate(panel.items()):
        each = max(1, len(x) // 8)
        every = 1 if name in dots else (order * each // 3 % each, each)
        axes.plot(x, y, **looks[name], markevery=every)
    axes.grid(axis="y")


def maps(fields: Mapping[str, NDArray[Any]], title: str) -> Figure:
    """Values on the unit square, a picture with a scale of its own for each name."""
    from dlframe.viz import style

    with style.house_style():
        from matplotlib.ticker import MaxNLocator

        figure = style.new_figure(WIDTH, HEIGHT, title)
        style.lay_out(figure, HEIGHT)
        row = figure.subplots(1, len(fields), squeeze=False)[0]
        for axes, (name, values) in zip(row, fields.items(), strict=True):
            image = axes.imshow(values, origin="lower", extent=(0, 1, 0, 1), cmap="cividis")
            axes.contour(values, 6, extent=(0, 1, 0, 1), colors="white", linewidths=0.6)
            axes.set_title(name)
            axes.set(xlabel="x", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
            bar = figure.colorbar(image, ax=axes, orientation="horizontal")
            bar.ax.tick_params(labelsize=style.SMALL_SIZE)
            bar.locator = MaxNLocator(3)
            bar.update_ticks()
        row[0].set_ylabel("y")
        return style.finish(figure, None)


def courses(results: Results, arms: Sequence[str], name: str, title: str) -> Figure | None:
    """A quantity along training on a logarithmic scale, of each arm's first finished run."""
    from dlframe import viz

    found = results.curves()
    chosen = {arm: {name: _positive(found[arm][0][name])} for arm in arms if arm in found}
    if not chosen:
        return None
    return viz.compare(chosen, names=[name], band="none", log_scale=True, title=title)


def _positive(values: Sequence[float]) -> list[float]:
    """What a logarithmic scale can show; differences below rounding are shown as rounding."""
    return [max(value, 1e-16) for value in values]


def files_of(results: Results, arm: str, name: str) -> list[Path]:
    """The file of this name from each finished run of an arm that left it, in order of seeds."""
    if arm not in results.arms:
        return []
    folders = [results.folder_of(run) for run in results.of(arm) if run["status"] == DONE]
    paths = [folder / name for folder in folders if folder is not None]
    return [path for path in paths if path.is_file()]


def mean_of(results: Results, arm: str, name: str) -> float:
    """The mean of a measured value over the finished runs of an arm; NaN without one."""
    values = [v for v in results.values(name)[arm] if np.isfinite(v)]
    return float(np.mean(values)) if values else float("nan")
