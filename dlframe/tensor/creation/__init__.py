"""Tensors from data, from constants, and from the random stream."""

from __future__ import annotations

from dlframe.base.listing import gathered
from dlframe.tensor.creation.constants import *
from dlframe.tensor.creation.data import *
from dlframe.tensor.creation.like import *
from dlframe.tensor.creation.ranges import *
from dlframe.tensor.creation.sampling import *
from dlframe.tensor.creation.windows import *

__all__ = gathered(__name__)
