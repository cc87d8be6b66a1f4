"""PyTorch's `torch.signal`, which consists of windows."""

from __future__ import annotations

from dlframe.tensor.signal import windows

__all__ = ["windows"]
