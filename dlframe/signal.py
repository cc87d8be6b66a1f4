"""Signal processing under PyTorch's path; written in `dlframe.tensor.signal`.

>>> dl.signal.windows.hann(4, sym=False)
tensor([0.0000, 0.5000, 1.0000, 0.5000])
"""

from __future__ import annotations

import sys

from dlframe.tensor.signal import windows

__all__ = ["windows"]

# For `import dlframe.signal.windows`, as the standard library does for `os.path`.
sys.modules[f"{__name__}.windows"] = windows
