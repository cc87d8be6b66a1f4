"""Metrics: numbers that say how good a model is, and that can be collected over batches.

Each metric exists as a function of output and target, and as an object that collects batches
(`update`, `compute`, `reset`, `merge`). The name tells the kind of average, and `by_name` makes a
metric from it.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.metrics import functional
    from dlframe.metrics.classification import *
    from dlframe.metrics.correlation import *
    from dlframe.metrics.curves import *
    from dlframe.metrics.functional import *
    from dlframe.metrics.intervals import *
    from dlframe.metrics.metric import *
    from dlframe.metrics.naming import *
    from dlframe.metrics.probabilities import *
    from dlframe.metrics.ranking import *
    from dlframe.metrics.regression import *
    from dlframe.metrics.report import *
    from dlframe.metrics.scores import *
    from dlframe.metrics.shares import *

__all__ = lazily(__name__)
