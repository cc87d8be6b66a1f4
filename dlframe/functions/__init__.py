"""PyTorch's functions, by PyTorch's names, arguments and defaults; Tensor's methods call them.

What a family offers is listed in its module's ``__all__``.
"""

from __future__ import annotations

import sys

from dlframe.functions.arithmetic import *
from dlframe.functions.axes import *
from dlframe.functions.choices import *
from dlframe.functions.comparison import *
from dlframe.functions.contraction import *
from dlframe.functions.counting import *
from dlframe.functions.diagonals import *
from dlframe.functions.exponential import *
from dlframe.functions.extremes import *
from dlframe.functions.filling import *
from dlframe.functions.histograms import *
from dlframe.functions.in_place import *
from dlframe.functions.indexing import *
from dlframe.functions.joining import *
from dlframe.functions.masking import *
from dlframe.functions.matrices import *
from dlframe.functions.norms import *
from dlframe.functions.numeric import *
from dlframe.functions.padding import *
from dlframe.functions.products import *
from dlframe.functions.reduction import *
from dlframe.functions.regions import *
from dlframe.functions.repeating import *
from dlframe.functions.reshaping import *
from dlframe.functions.scan import *
from dlframe.functions.scatter import *
from dlframe.functions.searching import *
from dlframe.functions.sorting import *
from dlframe.functions.special import *
from dlframe.functions.splitting import *
from dlframe.functions.statistics import *
from dlframe.functions.steps import *
from dlframe.functions.trigonometric import *

FAMILIES = (
    "arithmetic",
    "axes",
    "choices",
    "comparison",
    "contraction",
    "counting",
    "diagonals",
    "exponential",
    "extremes",
    "filling",
    "histograms",
    "in_place",
    "indexing",
    "joining",
    "masking",
    "matrices",
    "norms",
    "numeric",
    "padding",
    "products",
    "reduction",
    "regions",
    "repeating",
    "reshaping",
    "scan",
    "scatter",
    "searching",
    "sorting",
    "special",
    "splitting",
    "statistics",
    "steps",
    "trigonometric",
)
_listed = [sys.modules[f"{__name__}.{family}"].__all__ for family in FAMILIES]
__all__ = sorted(name for names in _listed for name in names)
