"""Special functions by the names of `torch.special`; to users `dlframe.special`."""

from __future__ import annotations

from dlframe.base.listing import gathered
from dlframe.tensor.special.bessel import *
from dlframe.tensor.special.elementary import *
from dlframe.tensor.special.gamma import *
from dlframe.tensor.special.normal import *
from dlframe.tensor.special.polynomials import *

__all__ = gathered(__name__)
