"""Reductions, running results, orders and statistics, as methods and in place."""

from __future__ import annotations

from dlframe import functions as F
from dlframe.methods.support import in_place_form
from dlframe.ops.record import TensorBase


class ReductionMethods(TensorBase):
    """Reductions along dimensions; see `dlframe.functions.reduction`."""

    __slots__ = ()

    sum = F.sum
    mean = F.mean
    prod = F.prod
    var = F.var
    std = F.std
    norm = F.norm
    max = F.max
    min = F.min
    amax = F.amax
    amin = F.amin
    argmax = F.argmax
    argmin = F.argmin
    any = F.any
    all = F.all
    count_nonzero = F.count_nonzero
    logsumexp = F.logsumexp
    softmax = F.softmax
    log_softmax = F.log_softmax
    cumsum = F.cumsum
    cumprod = F.cumprod
    sort = F.sort
    argsort = F.argsort
    topk = F.topk

    # --- in place ---

    cumsum_ = in_place_form(F.cumsum)
    cumprod_ = in_place_form(F.cumprod)
