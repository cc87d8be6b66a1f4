"""The differentiable primitives, with NumPy's names and semantics (`axis`, `keepdims`).

Given arrays an op returns an array; given a tensor among its inputs it returns a tensor and
records the call. What a family offers is listed in its module's `__all__`.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.ops.activation import *
    from dlframe.ops.attention import *
    from dlframe.ops.bessel import *
    from dlframe.ops.broadcast import *
    from dlframe.ops.calculus import *
    from dlframe.ops.comparison import *
    from dlframe.ops.contraction import *
    from dlframe.ops.ctc import *
    from dlframe.ops.decompositions import *
    from dlframe.ops.distances import *
    from dlframe.ops.elementwise import *
    from dlframe.ops.erf import *
    from dlframe.ops.exponential import *
    from dlframe.ops.extending import *
    from dlframe.ops.folding import *
    from dlframe.ops.gamma import *
    from dlframe.ops.indexing import *
    from dlframe.ops.linalg import *
    from dlframe.ops.linear_cross_entropy import *
    from dlframe.ops.losses import *
    from dlframe.ops.margins import *
    from dlframe.ops.matrix_functions import *
    from dlframe.ops.networks import *
    from dlframe.ops.normalization import *
    from dlframe.ops.norms import *
    from dlframe.ops.op import *  # after `elementwise`: the notation of that name, not the module
    from dlframe.ops.polynomials import *
    from dlframe.ops.pooling import *
    from dlframe.ops.recurrent import *
    from dlframe.ops.reduction import *
    from dlframe.ops.regions import *
    from dlframe.ops.repeating import *
    from dlframe.ops.resampling import *
    from dlframe.ops.sampling import *
    from dlframe.ops.scan import *
    from dlframe.ops.scatter import *
    from dlframe.ops.shape import *
    from dlframe.ops.solvers import *
    from dlframe.ops.sorting import *
    from dlframe.ops.splitting import *
    from dlframe.ops.statistics import *
    from dlframe.ops.steps import *
    from dlframe.ops.strides import *
    from dlframe.ops.trigonometric import *
    from dlframe.ops.window import *

__all__ = lazily(__name__)
