"""Compares nests of values, as files hold them."""

from __future__ import annotations

import math

import numpy as np

from dlframe.tensor import Tensor


def same(a, b):
    """Whether two nests are equal in types, order of keys, bits of floats, dtypes and shapes."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Tensor):
        return a.requires_grad == b.requires_grad and same(a.array, b.array)
    if isinstance(a, (np.ndarray, np.generic)):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if a.dtype.char == "g":  # 80 bits in 16 bytes: what stands in the rest means nothing
            return np.array_equal(a, b, equal_nan=True)
        return a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return math.copysign(1, a) == math.copysign(1, b) and (a == b or math.isnan(a + b))
    return a == b
