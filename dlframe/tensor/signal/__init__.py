"""Signal processing: PyTorch's `torch.signal`, which has windows."""

from __future__ import annotations

from dlframe.tensor.signal import windows

__all__ = ["windows"]
