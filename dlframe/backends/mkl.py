"""Intel's library of linear algebra as PyTorch links it: not here."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """Never.

    >>> import dlframe as dl
    >>> dl.backends.mkl.is_available()
    False
    """
    return False
