"""Operations of dlframe as loops that numba compiles.

dlframe finds the kernels by the entry points in `pyproject.toml` and imports them when they are
needed; there is nothing to call here. Each module has a family: its loops, which numba compiles,
and for each operation a `dlframe.kernels.Kernel`, whose functions check what they are given,
allocate the results, and share the work out to threads.
"""

from __future__ import annotations

__version__ = "0.1.0"
