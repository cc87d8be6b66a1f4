"""Where and how a tensor's memory may lie: on the CPU, strided, in pages of the common kind."""

from __future__ import annotations

from typing import Any

from dlframe.devices import check_device
from dlframe.errors import ArgumentError

__all__ = ["contiguous_format", "preserve_format", "strided"]

# PyTorch's constants for the only layout, and for orders in memory, which NumPy decides here.
strided = "strided"
contiguous_format = "contiguous_format"
preserve_format = "preserve_format"


def check_placement(device: Any, layout: Any = None, pin_memory: bool = False) -> None:
    """Raise an ArgumentError for what there is not: other devices and layouts, pinned memory."""
    if device is not None:
        check_device(device)
    if layout is not None and layout != strided:
        raise ArgumentError(f"layout: dlframe's tensors are strided, got {layout!r}")
    if pin_memory:
        raise ArgumentError("pin_memory: pinned memory is of use to a GPU alone, and there is none")
