"""Transformations of functions: `grad`, `vmap`, `jacrev` and others.

Each takes a function and returns another one, so they can be nested: `vmap(grad(loss))` is the
gradient for each example, and `jacfwd(jacrev(f))` is a Hessian.
"""

from __future__ import annotations

from dlframe.autograd.func.batching import vmap
from dlframe.autograd.func.derivatives import (
    grad,
    grad_and_value,
    jvp,
    linearize,
    value_and_grad,
    vjp,
)
from dlframe.autograd.func.jacobians import hessian, jacfwd, jacrev
from dlframe.autograd.func.modules import (
    functional_call,
    replace_all_batch_norm_modules_,
    stack_module_state,
)

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
]
