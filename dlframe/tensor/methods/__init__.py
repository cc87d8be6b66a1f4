"""The Tensor's methods, a file per family; `dlframe.tensor.Tensor` inherits them all.

A function whose first argument is the tensor is the method itself, and so is its in-place form:
`exp, exp_ = exponential.exp, exponential.exp_`. What both do is written, with formula and example,
in `dlframe.tensor.functions`.
"""

from __future__ import annotations

from dlframe.tensor.methods.attributes import Attributes
from dlframe.tensor.methods.comparison import ComparisonMethods
from dlframe.tensor.methods.conversion import ConversionMethods
from dlframe.tensor.methods.creation import CreationMethods
from dlframe.tensor.methods.elementwise import ElementwiseMethods
from dlframe.tensor.methods.filling import FillingMethods
from dlframe.tensor.methods.indexing import IndexingMethods
from dlframe.tensor.methods.linalg import LinalgMethods
from dlframe.tensor.methods.memory import MemoryMethods
from dlframe.tensor.methods.operators import Operators
from dlframe.tensor.methods.reduction import ReductionMethods
from dlframe.tensor.methods.shape import ShapeMethods

__all__ = [
    "Attributes",
    "ComparisonMethods",
    "ConversionMethods",
    "CreationMethods",
    "ElementwiseMethods",
    "FillingMethods",
    "IndexingMethods",
    "LinalgMethods",
    "MemoryMethods",
    "Operators",
    "ReductionMethods",
    "ShapeMethods",
]
