"""PyTorch's functions, by PyTorch's names, arguments and defaults; Tensor's methods call them.

What a family offers is listed in its module's `__all__`.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.tensor.functions.activation import *
    from dlframe.tensor.functions.arithmetic import *
    from dlframe.tensor.functions.axes import *
    from dlframe.tensor.functions.calculus import *
    from dlframe.tensor.functions.clamping import *
    from dlframe.tensor.functions.comparison import *
    from dlframe.tensor.functions.contraction import *
    from dlframe.tensor.functions.copies import *
    from dlframe.tensor.functions.counting import *
    from dlframe.tensor.functions.diagonals import *
    from dlframe.tensor.functions.distances import *
    from dlframe.tensor.functions.dropout import *
    from dlframe.tensor.functions.embedding import *
    from dlframe.tensor.functions.exponential import *
    from dlframe.tensor.functions.extremes import *
    from dlframe.tensor.functions.factors import *
    from dlframe.tensor.functions.filling import *
    from dlframe.tensor.functions.histograms import *
    from dlframe.tensor.functions.indexing import *
    from dlframe.tensor.functions.joining import *
    from dlframe.tensor.functions.masking import *
    from dlframe.tensor.functions.matrices import *
    from dlframe.tensor.functions.norms import *
    from dlframe.tensor.functions.products import *
    from dlframe.tensor.functions.properties import *
    from dlframe.tensor.functions.reduction import *
    from dlframe.tensor.functions.removed import *
    from dlframe.tensor.functions.repeating import *
    from dlframe.tensor.functions.reshaping import *
    from dlframe.tensor.functions.scan import *
    from dlframe.tensor.functions.scattering import *
    from dlframe.tensor.functions.searching import *
    from dlframe.tensor.functions.segments import *
    from dlframe.tensor.functions.sorting import *
    from dlframe.tensor.functions.special import *
    from dlframe.tensor.functions.splitting import *
    from dlframe.tensor.functions.statistics import *
    from dlframe.tensor.functions.steps import *
    from dlframe.tensor.functions.trigonometric import *
    from dlframe.tensor.functions.views import *

__all__ = lazily(__name__)
