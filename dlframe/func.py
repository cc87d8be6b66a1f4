"""Transformations of functions under PyTorch's path; written in `dlframe.autograd.func`.

>>> import dlframe as dl
>>> dl.func.grad(lambda x: x**2)(dl.tensor(3.0))
tensor(6.)
"""

from __future__ import annotations

from dlframe.autograd.func import *
from dlframe.autograd.func import __all__
