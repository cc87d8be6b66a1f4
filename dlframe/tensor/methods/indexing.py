"""Picking elements, and putting them, as methods and in place."""

from __future__ import annotations

from dlframe.ops.record import TensorBase
from dlframe.tensor import functions as F
from dlframe.tensor.methods.support import in_place_form


class IndexingMethods(TensorBase):
    """Picking and putting elements; see `dlframe.tensor.functions.indexing`."""

    __slots__ = ()

    gather = F.gather
    take_along_dim = F.take_along_dim
    index_select = F.index_select
    take = F.take
    scatter = F.scatter
    scatter_add = F.scatter_add
    scatter_reduce = F.scatter_reduce
    index_add = F.index_add
    index_copy = F.index_copy
    index_fill = F.index_fill
    index_put = F.index_put
    index_reduce = F.index_reduce
    put = F.put
    masked_fill = F.masked_fill
    masked_scatter = F.masked_scatter
    masked_select = F.masked_select
    nonzero = F.nonzero
    nonzero_static = F.nonzero_static
    argwhere = F.argwhere

    # --- in place ------------------------------------------------------------------------------

    scatter_ = in_place_form(F.scatter)
    scatter_add_ = in_place_form(F.scatter_add)
    scatter_reduce_ = in_place_form(F.scatter_reduce)
    index_add_ = in_place_form(F.index_add)
    index_copy_ = in_place_form(F.index_copy)
    index_fill_ = in_place_form(F.index_fill)
    index_put_ = in_place_form(F.index_put)
    index_reduce_ = in_place_form(F.index_reduce)
    put_ = in_place_form(F.put)
    masked_fill_ = in_place_form(F.masked_fill)
    masked_scatter_ = in_place_form(F.masked_scatter)
