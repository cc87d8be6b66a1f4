"""The studies that come with dlframe, a module each: `dlframe study NAME` runs them.

A module of this kind is what a study file of one's own is: functions that make a run, and `Study`
objects at its top level.
"""

from __future__ import annotations

__all__ = ["STUDIES"]

STUDIES = {
    "disk": "points in the unit square, inside or outside a disk: optimizers, activations, losses",
}
"""The names of the modules here, and what each one asks."""
