"""The looks of lines that stand for names: runs, models, classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dlframe.viz import style

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
