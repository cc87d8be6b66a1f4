"""Intel's library of layers: not here."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """Never.

    >>> import dlframe as dl
    >>> dl.backends.mkldnn.is_available()
    False
    """
    return False
