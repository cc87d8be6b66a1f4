"""Embeddings and bags of them."""

from __future__ import annotations

from samples.modules import Row

MODULES: list[Row] = []
