"""Parts that everything else uses and that do not know tensors: nests, hooks, lists, safe text."""

from __future__ import annotations

from dlframe.base import hooks, listing, nests, printable

__all__ = ["hooks", "listing", "nests", "printable"]
