"""Tensors from data, from constants, and from the random stream."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.tensor.creation.constants import *
    from dlframe.tensor.creation.data import *
    from dlframe.tensor.creation.like import *
    from dlframe.tensor.creation.ranges import *
    from dlframe.tensor.creation.sampling import *
    from dlframe.tensor.creation.windows import *

__all__ = lazily(__name__)
