"""Special functions by the names of `torch.special`; to users `dlframe.special`."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.tensor.special.bessel import *
    from dlframe.tensor.special.elementary import *
    from dlframe.tensor.special.gamma import *
    from dlframe.tensor.special.normal import *
    from dlframe.tensor.special.polynomials import *

__all__ = lazily(__name__)
