"""OpenMP as PyTorch uses it: not here."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """Never.

    >>> import dlframe as dl
    >>> dl.backends.openmp.is_available()
    False
    """
    return False
