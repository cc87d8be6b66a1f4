"""Metrics: how good a model is, in numbers that add up over batches.

Each is there twice: as a function of output and target (`dlframe.metrics.functional`), and as an
object that collects batches (`update`, `compute`, `reset`). The averaging is in the name.
"""

from __future__ import annotations

from dlframe.listing import gathered
from dlframe.metrics import functional
from dlframe.metrics.classification import *
from dlframe.metrics.functional import *
from dlframe.metrics.metric import *
from dlframe.metrics.report import *

__all__ = gathered(__name__, "functional")
