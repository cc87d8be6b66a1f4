"""Linear and the layers that only change a shape."""

from __future__ import annotations

from samples.modules import Row

MODULES: list[Row] = []
