"""Memory that comes back in every step stays in the process.

A training step frees its activations and gradients, and the next one wants as much again. By
default the C library gives large blocks back to the system at once, and the system clears each page
(4 KB) when it is touched next: for a small residual network that is a sixth of the time of a step.
"""

from __future__ import annotations

import ctypes
import os

__all__ = ["keep_freed"]

_TRIM, _MMAP = -1, -3  # the numbers of M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in malloc.h
_FREE = 512 << 20  # bytes that stay in the process when they are free
_BLOCK = 128 << 20  # bytes: larger blocks still go back to the system when they are freed
_VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed() -> bool:
    """Let the C library keep what is freed, up to half a gigabyte, for the next step.

    This is GNU's library (mallopt(3)); others are left as they are, and so is one that the user has
    set up through its environment variables.

    Returns:
        Whether it was done.
    """
    if any(os.environ.get(name) for name in _VARIABLES):
        return False
    try:
        os.confstr("CS_GNU_LIBC_VERSION")
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError, ValueError):  # not GNU's, or not Linux
        return False
    return bool(mallopt(_MMAP, _BLOCK) and mallopt(_TRIM, _FREE))
