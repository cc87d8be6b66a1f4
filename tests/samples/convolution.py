"""Convolutions of every kind, and the folding of windows."""

from __future__ import annotations

from samples.modules import Row

MODULES: list[Row] = []
