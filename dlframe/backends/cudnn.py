"""NVIDIA's library of layers: not here."""

from __future__ import annotations

__all__ = ["is_available", "version"]


def is_available() -> bool:
    """Never.

    >>> import dlframe as dl
    >>> dl.backends.cudnn.is_available()
    False
    """
    return False


def version() -> None:
    """None: there is no version of what is not here.

    >>> import dlframe as dl
    >>> dl.backends.cudnn.version()
    """


# They may be set; nothing reads them.
enabled = benchmark = allow_tf32 = False
deterministic = True
