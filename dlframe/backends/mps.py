"""Apple's Metal: not here."""

from __future__ import annotations

__all__ = ["is_available", "is_built"]


def is_available() -> bool:
    """Never.

    >>> import dlframe as dl
    >>> dl.backends.mps.is_available()
    False
    """
    return False


def is_built() -> bool:
    """Never.

    >>> import dlframe as dl
    >>> dl.backends.mps.is_built()
    False
    """
    return False
