"""Parametrizations, weight and spectral norm, fusion, pruning."""

from __future__ import annotations

from samples.modules import Row

MODULES: list[Row] = []
