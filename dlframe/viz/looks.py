"""The looks of lines that stand for names: runs, models, classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dlframe.viz import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.4, 1.2, 1.4)))


def looks_of(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colours, markers and dashes: with up to 10 names each colour is used once."""
    colours, markers = style.CLASS_COLOURS, style.MARKERS
    return {
        name: {
            "color": colours[i % len(colours)],
            "marker": markers[(i + i // len(colours)) % len(markers)],
            "linestyle": DASHES[(i + i // len(colours)) % len(DASHES)],
            "markersize": 4.5,
        }
        for i, name in enumerate(names)
    }


# --- the legend --------------------------------------------------------------------------------

_LINE = 0.165  # inches


def _label(name: str, width: float) -> str:
    return style.fitting(name, width - 2 * style.MARGIN - 0.75, style.SUBTITLE_SIZE)


def _columns(names: Mapping[str, Any], width: float) -> int:
    longest = max(style.text_width(_label(name, width), style.SUBTITLE_SIZE) for name in names)
    return max(1, min(len(names), int((width - 2 * style.MARGIN) / (longest + 0.75))))


def legend_strip(names: Mapping[str, Any], width: float) -> float:
    """The height of a legend above a body of this width, in inches."""
    return math.ceil(len(names) / _columns(names, width)) * _LINE + 0.12


def draw_legend(
    figure: Figure, body: float, looks: Mapping[str, dict[str, Any]], width: float
) -> None:
    """One legend for all panels, between the heading and the first row."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], **look, label=_label(name, width)) for name, look in looks.items()]
    _, tall = figure.get_size_inches()
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(style.MARGIN / width, (body - 0.05) / tall),
        ncols=_columns(looks, width),
        handlelength=3.0,
        labelspacing=0.25,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.8,
    )
