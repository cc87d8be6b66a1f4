"""Pictures of data, training and mistakes, as matplotlib Figures and as files.

Every function takes Tensors or arrays, returns a Figure, and with `path=` also saves it, whole or
not at all. matplotlib is an extra (`pip install 'dlframe[viz]'`) and is imported on first use.
pyplot is never imported.
"""

from __future__ import annotations

from dlframe.viz.boundaries import decision_boundary
from dlframe.viz.curves import curves
from dlframe.viz.graph import graph
from dlframe.viz.grids import filters_grid, mistakes_grid, sample_grid
from dlframe.viz.matrix import confusion
from dlframe.viz.style import house_style, save
from dlframe.viz.tracker import Tracker

__all__ = [
    "Tracker",
    "confusion",
    "curves",
    "decision_boundary",
    "filters_grid",
    "graph",
    "house_style",
    "mistakes_grid",
    "sample_grid",
    "save",
]
