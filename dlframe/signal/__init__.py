"""Signal processing: PyTorch's `torch.signal`, which has windows.

>>> dl.signal.windows.hann(4, sym=False)
tensor([0.0000, 0.5000, 1.0000, 0.5000])
"""

from __future__ import annotations

from dlframe.signal import windows

__all__ = ["windows"]
