"""Losses as modules, and those that are more than one formula."""

from __future__ import annotations

from samples.modules import Row

MODULES: list[Row] = []
