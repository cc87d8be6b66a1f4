"""PyTorch's constants for the only layout, and for orders in memory, which NumPy decides here."""

from __future__ import annotations

from dlframe.devices import STRIDED

__all__ = ["contiguous_format", "preserve_format", "strided"]

strided = STRIDED
contiguous_format = "contiguous_format"
preserve_format = "preserve_format"
