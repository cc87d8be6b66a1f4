"""Layers with their own forward and backward, on plain arrays.

Such a layer needs no graph. `forward` takes and returns arrays, and stores the arrays for
`backward` in attributes. `backward` takes dL/d(output), adds to the gradients and returns
dL/d(input), which must not be None if the input requires grad::

    class Linear(nn.Module):
        def __init__(self, in_features, out_features):
            super().__init__()
            self.weight = nn.Parameter(dl.randn(out_features, in_features))

        def forward(self, x):
            self.x = x
            return x @ self.weight.array.T

        def backward(self, grad_output):
            self.weight.accumulate_grad(grad_output.T @ self.x)
            return grad_output @ self.weight.array

It can be used in three ways, and any optimizer trains it:

- in a loop of your own: `y = layer.forward(x)`, …, `dx = layer.backward(dy)`;
- in `nn.Sequential`, whose `backward` calls the layers in reverse order;
- called with Tensors, among ordinary layers: the call becomes one node of the graph, and
  `loss.backward()` calls the layer's own `backward`.

If the method `backward` of a class means something else, set `own_backward = False` in the class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.autograd import Function, is_grad_enabled
from dlframe.errors import GradientError, ShapeError
from dlframe.ops.record import unwrapped
from dlframe.tensor import Tensor, to_array

if TYPE_CHECKING:
    from dlframe.nn.module import Module


def forward_on_arrays(module: Module, *args: Any, **kwargs: Any) -> Any:
    """Call a module that has its own backward: arrays give arrays, Tensors join the graph."""
    if not any(isinstance(value, Tensor) for value in (*args, *kwargs.values())):
        return module.forward(*args, **kwargs)
    for name, value in kwargs.items():
        if isinstance(value, Tensor) and value.requires_grad:
            raise GradientError(
                f"{type(module).__name__}: the keyword argument {name!r} requires grad; its own "
                "backward gives gradients to positional arguments only; pass it by position"
            )
    arrays = {name: unwrapped(value) for name, value in kwargs.items()}
    return _OwnBackward.apply(module, arrays, len(args), *args, *module.parameters())


_BEFORE = 3  # arguments of _OwnBackward before those of the module


def returned_none(name: str, i: int | None = None) -> str:
    """The message for a backward without the gradient that layers before it need."""
    where = "its input" if i is None else f"input {i}, which requires grad"
    return (
        f"{name}.backward returned None for {where}: the layers before it would not learn. End it "
        "with `return` and dL/d(input); where that is 0, return np.zeros_like(the input)"
    )


class _OwnBackward(Function):
    """One call of such a module, as a node of the graph."""

    @staticmethod
    def forward(ctx: Any, module: Module, kwargs: dict[str, Any], count: int, *tensors: Any) -> Any:
        args, ctx.parameters = tensors[:count], tensors[count:]
        output = module.forward(*map(unwrapped, args), **kwargs)
        ctx.module, ctx.kept = module, _kept(module)
        ctx.shapes = [value.shape if isinstance(value, Tensor) else None for value in args]
        if isinstance(output, tuple):
            return tuple(Tensor(to_array(part)) for part in output)
        return Tensor(to_array(output))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        if is_grad_enabled():  # not once_differentiable, with which some second derivatives are 0
            raise GradientError(
                f"{type(ctx.module).__name__} has its own backward on plain arrays, which cannot "
                "be differentiated again: leave out create_graph=True, or use operations only"
            )
        current = _put_back(ctx.kept)
        before = [parameter.grad for parameter in ctx.parameters]
        try:
            # The layer adds to .grad by itself. Here the engine must do it, so that autograd.grad()
            # and hooks get these gradients too: the layer gets an empty .grad for the moment.
            for parameter in ctx.parameters:
                parameter.grad = None
            grad_input = ctx.module.backward(*(g.array for g in gradients))
            grads = [parameter.grad for parameter in ctx.parameters]
        finally:
            _put_back(current)
            for parameter, grad in zip(ctx.parameters, before, strict=True):
                parameter.grad = grad
        if grad_input is None:
            grad_input = (None,) * len(ctx.shapes)
        inputs = grad_input if isinstance(grad_input, tuple) else (grad_input,)
        if len(inputs) != len(ctx.shapes):
            raise GradientError(
                f"{type(ctx.module).__name__}.backward returned {len(inputs)} gradients, but its "
                f"forward took {len(ctx.shapes)} arguments; return one for each, or None"
            )
        found = list(map(_as_gradient, inputs))
        for i, g in enumerate(found):
            if g is None and ctx.needs_input_grad[i + _BEFORE]:
                raise GradientError(returned_none(type(ctx.module).__name__, i))
        _check_shapes(type(ctx.module).__name__, found, ctx.shapes)
        return None, None, None, *found, *map(_as_gradient, grads)


def _check_shapes(name: str, gradients: list[Tensor | None], shapes: list[Any]) -> None:
    """A gradient in its input's shape; the graph may sum over axes that the layer added."""
    for i, (g, shape) in enumerate(zip(gradients, shapes, strict=True)):
        if g is None or shape is None or _sums_to(g.shape, shape):
            continue
        raise ShapeError(
            f"{name}.backward returned a gradient of shape {tuple(g.shape)} for input {i}, whose "
            f"shape is {tuple(shape)}; the two must be equal"
        )


def _sums_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, wanted) == tuple(shape)
    except ValueError:
        return False


def _as_gradient(value: Any) -> Tensor | None:
    if value is None or isinstance(value, Tensor):
        return value
    return Tensor(np.asarray(value))


Kept = list[tuple["Module", dict[str, Any]]]


def _kept(module: Module) -> Kept:
    """The plain attributes of the module and its parts, in which forward stores its arrays."""
    kept: Kept = []
    for part in module.modules():
        plain = {name: v for name, v in part.__dict__.items() if part._slot(name) is None}
        plain.pop("training", None)
        kept.append((part, plain))
    return kept


def _put_back(kept: Kept) -> Kept:
    """Set the attributes to `kept`, and return their old values, to restore them later.

    A module may be called several times before the first backward, as in a recurrent network;
    each backward needs the arrays of its own forward.
    """
    replaced: Kept = []
    for part, attributes in kept:
        now = part.__dict__
        changed = {k: v for k, v in attributes.items() if k in now and now[k] is not v}
        replaced.append((part, {k: now[k] for k in changed}))
        now.update(changed)
    return replaced
