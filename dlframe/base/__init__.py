"""Parts that everything else uses and that do not know tensors: nests, hooks, lists of names."""

from __future__ import annotations

from dlframe.base import hooks, listing, nests

__all__ = ["hooks", "listing", "nests"]
