"""Products and linear algebra, as methods and in place."""

from __future__ import annotations

from dlframe import functions as F
from dlframe.ops.record import TensorBase


class LinalgMethods(TensorBase):
    """Products of vectors and matrices; see `dlframe.functions.linalg`."""

    __slots__ = ()

    matmul = F.matmul
    mm = F.mm
    mv = F.mv
    bmm = F.bmm
    dot = F.dot
    inner = F.inner
    outer = F.outer
