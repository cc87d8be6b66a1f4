"""Picking elements, and putting them, as methods and in place."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, deferred
from dlframe.ops.record import TensorBase

if IN_ADVANCE:
    from dlframe.tensor import functions as F
    from dlframe.tensor.functions import masking, scattering
else:
    globals().update(deferred("dlframe.tensor.functions", "F", "masking", "scattering"))


class IndexingMethods(TensorBase):
    """Picking and putting elements; see `dlframe.tensor.functions.indexing`."""

    __slots__ = ()

    gather = F.gather
    take_along_dim = F.take_along_dim
    index_select = F.index_select
    take = F.take
    scatter, scatter_ = scattering.scatter, scattering.scatter_
    scatter_add, scatter_add_ = scattering.scatter_add, scattering.scatter_add_
    scatter_reduce, scatter_reduce_ = scattering.scatter_reduce, scattering.scatter_reduce_
    index_add, index_add_ = scattering.index_add, scattering.index_add_
    index_copy, index_copy_ = scattering.index_copy, scattering.index_copy_
    index_fill, index_fill_ = scattering.index_fill, scattering.index_fill_
    index_put, index_put_ = scattering.index_put, scattering.index_put_
    index_reduce, index_reduce_ = scattering.index_reduce, scattering.index_reduce_
    put, put_ = scattering.put, scattering.put_
    masked_fill, masked_fill_ = masking.masked_fill, masking.masked_fill_
    masked_scatter, masked_scatter_ = masking.masked_scatter, masking.masked_scatter_
    masked_select = F.masked_select
    nonzero = F.nonzero
    nonzero_static = F.nonzero_static
    argwhere = F.argwhere
