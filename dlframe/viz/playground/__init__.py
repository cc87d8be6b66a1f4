"""The playground: a page where one watches a small network learn points in the plane."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.viz.playground.program import program
    from dlframe.viz.playground.session import Session
    from dlframe.viz.playground.settings import Settings

__all__ = ["Session", "Settings", "program"]

lazily(__name__)
