"""The Tensor's methods, a file per family; `dlframe.tensor.Tensor` inherits them all.

A function whose first argument is the tensor is the method itself (``exp = F.exp``), and its
in-place form is made of it (``exp_ = in_place_form(F.exp)``). What it does is written, with formula
and example, in `dlframe.functions`.
"""

from __future__ import annotations

from dlframe.methods.attributes import Attributes
from dlframe.methods.comparison import ComparisonMethods
from dlframe.methods.conversion import ConversionMethods
from dlframe.methods.creation import CreationMethods
from dlframe.methods.elementwise import ElementwiseMethods
from dlframe.methods.filling import FillingMethods
from dlframe.methods.indexing import IndexingMethods
from dlframe.methods.linalg import LinalgMethods
from dlframe.methods.operators import Operators
from dlframe.methods.reduction import ReductionMethods
from dlframe.methods.shape import ShapeMethods

__all__ = [
    "Attributes",
    "ComparisonMethods",
    "ConversionMethods",
    "CreationMethods",
    "ElementwiseMethods",
    "FillingMethods",
    "IndexingMethods",
    "LinalgMethods",
    "Operators",
    "ReductionMethods",
    "ShapeMethods",
]
