"""Tensors from data, from constants, and from the random stream."""

from __future__ import annotations

import sys

from dlframe.creation.constants import *
from dlframe.creation.data import *
from dlframe.creation.like import *
from dlframe.creation.placement import *
from dlframe.creation.ranges import *
from dlframe.creation.sampling import *
from dlframe.creation.windows import *

PARTS = ("constants", "data", "like", "placement", "ranges", "sampling", "windows")
_listed = [sys.modules[f"{__name__}.{part}"].__all__ for part in PARTS]
__all__ = sorted(name for names in _listed for name in names)
