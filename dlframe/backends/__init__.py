"""What programs ask about PyTorch's libraries, and set in them: none of them is here.

Settings may be changed, as ``backends.cudnn.benchmark = True``; nothing reads them.

>>> import dlframe as dl
>>> dl.backends.mps.is_available()
False
"""

from __future__ import annotations

from dlframe.backends import cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
