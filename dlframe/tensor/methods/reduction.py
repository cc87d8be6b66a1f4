"""Reductions, running results, orders and statistics, as methods and in place."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, deferred
from dlframe.ops.record import TensorBase

if IN_ADVANCE:
    from dlframe.tensor import functions as F
    from dlframe.tensor.functions import norms, scan
else:
    globals().update(deferred("dlframe.tensor.functions", "F", "norms", "scan"))


class ReductionMethods(TensorBase):
    """Reductions along dimensions; see `dlframe.tensor.functions.reduction`."""

    __slots__ = ()

    sum = F.sum
    nansum = F.nansum
    mean = F.mean
    nanmean = F.nanmean
    prod = F.prod
    var = F.var
    std = F.std
    norm = F.norm
    dist = F.dist
    renorm, renorm_ = norms.renorm, norms.renorm_
    trace = F.trace
    max = F.max
    min = F.min
    amax = F.amax
    amin = F.amin
    aminmax = F.aminmax
    argmax = F.argmax
    argmin = F.argmin
    any = F.any
    all = F.all
    count_nonzero = F.count_nonzero
    logsumexp = F.logsumexp
    softmax = F.softmax
    log_softmax = F.log_softmax

    # --- running -------------------------------------------------------------------------------

    cumsum, cumsum_ = scan.cumsum, scan.cumsum_
    cumprod, cumprod_ = scan.cumprod, scan.cumprod_
    cummax = F.cummax
    cummin = F.cummin
    logcumsumexp = F.logcumsumexp

    # --- in order ------------------------------------------------------------------------------

    sort = F.sort
    argsort = F.argsort
    msort = F.msort
    topk = F.topk
    kthvalue = F.kthvalue
    median = F.median
    nanmedian = F.nanmedian
    mode = F.mode
    quantile = F.quantile
    nanquantile = F.nanquantile

    # --- counts --------------------------------------------------------------------------------

    unique = F.unique
    unique_consecutive = F.unique_consecutive
    bincount = F.bincount
    histc = F.histc
    histogram = F.histogram
    cov = F.cov
    corrcoef = F.corrcoef
