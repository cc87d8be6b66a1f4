"""Networks on plain arrays: layers with their own backward, and ordinary ones, side by side.

`Sequential` works on arrays if it is given one: `y = net(x)`, then `dx = net.backward(dy)`. Each
layer is called forward, and noted with what its backward needs; backward then goes from the last
layer to the first. One with its own backward gets back the arrays that it kept; any other records
a small graph of its own, and `autograd` walks it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from dlframe import autograd
from dlframe.base import nests
from dlframe.errors import GradientError
from dlframe.nn.module import Module
from dlframe.nn.own_backward import kept_by, put_back, returned_none
from dlframe.tensor import Tensor, to_array

__all__ = ["ByHand"]

Backward = Callable[..., Any]  # gradients of the outputs -> gradients of the inputs

# The backward of the last call on arrays of a ByHand or a Sequential.
_backward_of: WeakKeyDictionary[Module, Backward] = WeakKeyDictionary()


class ByHand(Module):
    """An ordinary module with `forward` and `backward` on plain arrays.

    `backward` takes dL/d(output), adds to `.grad` of the module's parameters, and returns
    dL/d(input): a tuple for several inputs, None for one of integers. Called with tensors, it is
    the module itself.

    >>> import numpy as np
    >>> layer = nn.ByHand(nn.Linear(3, 2))
    >>> y = layer(np.ones((4, 3), np.float32))
    >>> type(y).__name__, layer.backward(np.ones_like(y)).shape
    ('ndarray', (4, 3))
    >>> layer.module.bias.grad
    tensor([4., 4.])
    """

    own_backward = False  # with tensors, the module is recorded as usual

    def __init__(self, module: Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any) -> Any:
        """The module's outputs: arrays for arrays, tensors for tensors."""
        if any(isinstance(x, Tensor) for x in inputs):
            return self.module(*inputs)
        output, _backward_of[self] = call(self.module, *inputs)
        return output

    def backward(self, *grad_outputs: np.ndarray) -> Any:
        """The gradients of the inputs of the last call on arrays."""
        return backward_of(self)(*grad_outputs)


def call(module: Any, *inputs: Any) -> tuple[Any, Backward]:
    """Call any module on arrays; gives the outputs, as arrays, and the function for backward."""
    if module.own_backward:
        output, kept = module(*inputs), kept_by(module)
        return output, lambda *g: _with_kept(module, kept, g)
    if callable(getattr(module, "backward", None)):  # a Sequential, a ByHand
        output = module(*inputs)
        return output, _backward_of.get(module, module.backward)
    leaves = [Tensor(np.asarray(x)) for x in inputs]
    for leaf in leaves:
        leaf.requires_grad_(leaf.array.dtype.kind == "f" and autograd.is_grad_enabled())
    result = module(*leaves)
    outputs = [x for x in nests.leaves(result) if isinstance(x, Tensor)]
    arrays = nests.map_leaves(lambda x: to_array(x) if isinstance(x, Tensor) else x, result)
    return arrays, lambda *g: _by_graph(module, leaves, outputs, g)


def call_in_order(owner: Module, layers: list[tuple[str, Module]], x: Any) -> Any:
    """Call layers one after another on arrays, and note the backward of `owner`."""
    steps = []
    for name, layer in layers:
        x, backward = call(layer, x)
        steps.append((f"layer {name!r} ({layer._get_name()})", backward))
    _backward_of[owner] = lambda g: _in_reverse(steps, g)
    return x


def backward_of(module: Module) -> Backward:
    """The backward of the last call of `module` on arrays."""
    backward = _backward_of.get(module)
    if backward is None:
        raise GradientError(
            f"{module._get_name()}.backward: there was no forward on arrays before. Call it with "
            "an array; after a call with Tensors use loss.backward()"
        )
    return backward


def _with_kept(module: Any, kept: Any, g: tuple[Any, ...]) -> Any:
    current = put_back(kept)
    try:
        return module.backward(*g)
    finally:
        put_back(current)


def _by_graph(
    module: Module, leaves: list[Tensor], outputs: list[Tensor], g: tuple[Any, ...]
) -> Any:
    if len(g) != len(outputs):
        raise GradientError(
            f"{module._get_name()}.backward: got {len(g)} gradients for {len(outputs)} outputs"
        )
    pairs = [
        (y, gy) for y, gy in zip(outputs, g, strict=True) if y.requires_grad and gy is not None
    ]
    if not pairs:
        raise GradientError(
            f"{module._get_name()}.backward: nothing was recorded in forward; it ran under "
            "no_grad(), or none of its inputs and parameters needs a gradient"
        )
    for leaf in leaves:
        leaf.grad = None
    grads = [Tensor(np.asarray(gy, dtype=y.array.dtype)) for y, gy in pairs]
    autograd.backward([y for y, _ in pairs], grads, retain_graph=True)
    found = [None if leaf.grad is None else leaf.grad.array for leaf in leaves]
    return found[0] if len(found) == 1 else tuple(found)


def _in_reverse(steps: list[tuple[str, Backward]], g: Any) -> Any:
    after = ""  # the layer whose backward was called last
    for name, backward in reversed(steps):
        if g is None:
            raise GradientError(returned_none(after))
        g = backward(g)
        after = name
    return g
