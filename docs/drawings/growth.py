"""The growth of time and memory with sizes, from the numbers that `benchmarks` measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drawings.page import LOOKS, axes_page

MEASURED = Path(__file__).resolve().parents[1] / "measured" / "growth.json"
TITLES = {
    "batch": "batch size",
    "width": "width",
    "depth": "layers",
    "image": "image size",
    "steps": "steps of an LSTM",
    "length": "length of texts",
}


def growth() -> Any:
    """A column for each size that grows: the time above, the memory below."""
    curves = json.loads(MEASURED.read_text("utf-8"))
    figure, axes = axes_page(len(curves), 2, 11.5, 4.4)
    for curve, (above, below) in zip(curves, axes.T, strict=True):
        points = curve["points"]
        unit = points[0]["seconds"][1]
        sizes = [point["size"] for point in points]
        for library, name in enumerate(("dlframe", "PyTorch")):
            look = {**LOOKS[library], "marker": "os"[library], "markersize": 3.5, "label": name}
            above.plot(sizes, [point["seconds"][library] / unit for point in points], **look)
            below.plot(sizes, [point["peak"][library] / 2**20 for point in points], **look)
        above.set_title(TITLES[curve["name"]])
        for panel in (above, below):
            panel.loglog(base=2)
            panel.set_xticks(sizes[:: max(1, (len(sizes) + 2) // 3)])
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            panel.minorticks_off()
    axes[0, 0].set_ylabel("time (PyTorch's first: 1)")
    axes[1, 0].set_ylabel("peak memory, MiB")
    axes[0, 0].legend()
    return figure


PICTURES = {"growth": growth}
