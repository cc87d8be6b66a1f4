"""PyTorch's functions, by PyTorch's names, arguments and defaults; Tensor's methods call them.

What a family offers is listed in its module's ``__all__``.
"""

from __future__ import annotations

import sys

from dlframe.functions.arithmetic import *
from dlframe.functions.choices import *
from dlframe.functions.comparison import *
from dlframe.functions.counting import *
from dlframe.functions.exponential import *
from dlframe.functions.indexing import *
from dlframe.functions.joining import *
from dlframe.functions.linalg import *
from dlframe.functions.reduction import *
from dlframe.functions.shape import *
from dlframe.functions.special import *
from dlframe.functions.steps import *
from dlframe.functions.trigonometric import *

FAMILIES = (
    "arithmetic",
    "choices",
    "comparison",
    "counting",
    "exponential",
    "indexing",
    "joining",
    "linalg",
    "reduction",
    "shape",
    "special",
    "steps",
    "trigonometric",
)
_listed = [sys.modules[f"{__name__}.{family}"].__all__ for family in FAMILIES]
__all__ = sorted(name for names in _listed for name in names)
