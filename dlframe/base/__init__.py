"""Parts that everything else uses and that know no tensors: nests, hooks, imports, safe text."""

from __future__ import annotations

from dlframe.base import hooks, nests, printable

__all__ = ["hooks", "nests", "printable"]
