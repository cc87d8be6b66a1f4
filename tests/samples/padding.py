"""Layers that pad or rearrange: padding, pixel and channel shuffles."""

from __future__ import annotations

from samples.modules import Row

MODULES: list[Row] = []
