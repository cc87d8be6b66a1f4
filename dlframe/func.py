"""Transformations of functions under PyTorch's path; written in `dlframe.autograd.func`.

>>> import dlframe as dl
>>> dl.func.grad(lambda x: x**2)(dl.tensor(3.0))
tensor(6.)
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    # Each family by itself: through two stars type checkers lose the names.
    from dlframe.autograd.func.batching import *
    from dlframe.autograd.func.derivatives import *
    from dlframe.autograd.func.jacobians import *
    from dlframe.autograd.func.modules import *

__all__ = lazily(__name__)
