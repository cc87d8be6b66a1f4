"""A page in the browser that follows training runs and compares them."""

from __future__ import annotations

__all__: list[str] = []
