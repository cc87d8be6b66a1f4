"""Picking elements, and putting them, as methods and in place."""

from __future__ import annotations

from dlframe import functions as F
from dlframe.methods.support import in_place_form
from dlframe.ops.record import TensorBase


class IndexingMethods(TensorBase):
    """Picking and putting elements; see `dlframe.functions.indexing`."""

    __slots__ = ()

    gather = F.gather
    take_along_dim = F.take_along_dim
    index_select = F.index_select
    scatter = F.scatter
    scatter_add = F.scatter_add
    masked_fill = F.masked_fill
    masked_select = F.masked_select
    nonzero = F.nonzero
    argwhere = F.argwhere

    # --- in place ---

    masked_fill_ = in_place_form(F.masked_fill)
    scatter_ = in_place_form(F.scatter)
    scatter_add_ = in_place_form(F.scatter_add)
