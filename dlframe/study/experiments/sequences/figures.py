"""Pictures of sequences: gradients over distance, and gates along a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.study.experiments.sequences.gradients import SMALLEST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]
Panels = Mapping[str, Mapping[str, Sequence[float]]]

LOWEST = -12  # the power of ten that is drawn of a gradient, by that at distance 0
MARKS = 8  # on a line


def over_distance(panels: Panels, columns: int, title: str) -> Figure:
    """A panel for each name, with lines of gradients by that at distance 0, in powers of ten."""
    from dlframe.viz import style
    from dlframe.viz.looks import draw_legend, legend_strip, looks_of

    with style.house_style():
        rows = -(-len(panels) // columns)
        width, height = 3.4 * columns, 2.5 * rows
        looks = looks_of(dict.fromkeys(name for lines in panels.values() for name in lines))
        strip = legend_strip(looks, width)
        note = f"Divided by the gradient at distance 0; what is below 10^{LOWEST} is drawn there."
        figure = style.new_figure(width, height + strip, title, note)
        style.lay_out(figure, height)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
        for axes, (name, lines) in zip(grid, panels.items(), strict=False):
            for line, sizes in lines.items():
                powers = np.log10(np.maximum(sizes, SMALLEST) / max(sizes[0], SMALLEST))
                shown = np.maximum(powers, LOWEST)
                axes.plot(shown, **looks[line], markevery=max(1, len(sizes) // MARKS))
            axes.set(title=name, xlabel="steps back")
            axes.grid(axis="y")
        for axes in grid[::columns]:
            axes.set_ylabel("gradient, powers of ten")
        for axes in grid[len(panels) :]:
            axes.remove()
        draw_legend(figure, height + strip, looks, width)
        return style.finish(figure, None)


def by_gradient(points: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """A point for each run: what is left of its gradient over the delay, and its accuracy."""
    from dlframe.viz import style
    from dlframe.viz.looks import draw_legend, legend_strip, looks_of

    with style.house_style():
        width, height = 6.0, 3.4
        looks = looks_of(points)
        strip = legend_strip(looks, width)
        figure = style.new_figure(width, height + strip, "Remembered, and what gradient is left")
        style.lay_out(figure, height)
        axes = figure.subplots()
        for name, (x, y) in points.items():
            look = {**looks[name], "linestyle": "none", "markersize": 6, "alpha": 0.75}
            axes.plot(x, y, **look)
        axes.set_xlabel("gradient left over the delay after training, powers of ten")
        axes.set_ylabel("accuracy")
        axes.grid()
        shown = {name: {**look, "linestyle": "none"} for name, look in looks.items()}
        draw_legend(figure, height + strip, shown, width)
        return style.finish(figure, None)


def gate_maps(gates: Mapping[str, Array], marked: Sequence[int], title: str) -> Figure:
    """A map for each gate, units by steps; dark is open. Triangles are at the marked steps."""
    from matplotlib.ticker import MaxNLocator

    from dlframe.viz import style

    with style.house_style():
        width, height = 7.4, 1.75 * len(gates) + 0.3
        figure = style.new_figure(width, height, title, "Dark is open (1), white is closed (0).")
        style.lay_out(figure, height)
        grid = figure.subplots(len(gates), 1, squeeze=False, sharex=True).ravel()
        for axes, (name, values) in zip(grid, gates.items(), strict=True):
            order = np.argsort(values.mean(axis=0))
            image = axes.imshow(values[:, order].T, aspect="auto", vmin=0, vmax=1,
                                cmap=style.blue_scale(), interpolation="nearest")  # fmt: skip
            axes.plot(marked, np.full(len(marked), -1.6), "v", color=style.ORANGE, markersize=7,
                      markeredgecolor=style.INK, clip_on=False)  # fmt: skip
            axes.set_ylim(values.shape[1] - 0.5, -2.6)
            axes.set(ylabel=name, yticks=[])
        grid[-1].set_xlabel("step")
        grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.colorbar(image, ax=list(grid), pad=0.02, aspect=30)
        return style.finish(figure, None)
