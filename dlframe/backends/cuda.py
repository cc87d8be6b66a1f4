"""CUDA's products of matrices: not here."""

from __future__ import annotations

from types import SimpleNamespace

__all__ = ["is_built"]

# Settings, which nothing reads.
matmul = SimpleNamespace(allow_tf32=False)


def is_built() -> bool:
    """Never.

    >>> import dlframe as dl
    >>> dl.backends.cuda.is_built()
    False
    """
    return False
