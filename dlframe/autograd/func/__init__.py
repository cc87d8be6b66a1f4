"""Transformations of functions: `grad`, `vmap`, `jacrev` and others.

Each takes a function and returns another one, so they can be nested: `vmap(grad(loss))` is the
gradient for each example, and `jacfwd(jacrev(f))` is a Hessian.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.autograd.func.batching import *
    from dlframe.autograd.func.derivatives import *
    from dlframe.autograd.func.jacobians import *
    from dlframe.autograd.func.modules import *

__all__ = lazily(__name__)
