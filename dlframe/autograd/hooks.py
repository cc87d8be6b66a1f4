"""Hooks of leaves and nodes: functions that backward calls with gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlframe.base.hooks import RemovableHandle, add_hook
from dlframe.base.quiet import users_own
from dlframe.errors import GradientError
from dlframe.ops.calling import wrap
from dlframe.ops.record import Node, TensorBase, grad_mode


class PostHook:
    """A hook that is called when the `.grad` of its leaf is complete, and not with gradients."""

    def __init__(self, function: Callable[[Any], None]):
        self.function = function

    def __call__(self, g: Any) -> None:
        return None


# --- hooks of nodes ----------------------------------------------------------------------------


class AfterHook:
    """A hook that gets the gradients of a node's results and of its inputs."""

    def __init__(self, function: Callable[[tuple[Any, ...], tuple[Any, ...]], Any]):
        self.function = function


def run_hooks(hooks: dict[int, Any], g: Any, create_graph: bool) -> Any:
    """Call each hook with the gradient; if it returns another one, use that."""
    for hook in list(hooks.values()):
        if hook.__class__ is AfterHook:
            continue
        tensor = g if isinstance(g, TensorBase) else wrap(g)
        token = grad_mode.set(create_graph)
        try:
            with users_own():
                changed = hook(tensor)
        finally:
            grad_mode.reset(token)
        if changed is not None:
            _check_replacement(changed, tensor.array)
            g = changed if create_graph else changed.array
    return g


def _check_replacement(changed: Any, g: Any) -> None:
    if not isinstance(changed, TensorBase):
        raise TypeError(
            f"a gradient hook returned {type(changed).__name__}; it must return a tensor, or None "
            "to leave the gradient unchanged"
        )
    new = changed.array
    if (new.shape, new.dtype) != (g.shape, g.dtype):
        raise GradientError(
            f"a gradient hook returned shape {list(new.shape)} and dtype {new.dtype} for a "
            f"gradient of shape {list(g.shape)} and dtype {g.dtype}; it must not change them"
        )


def run_after_hooks(node: Node, g: Any, grads: Sequence[Any], create_graph: bool) -> Sequence[Any]:
    """Call each `AfterHook` with the gradients of inputs and results; it may replace the former."""
    incoming = tuple([_tensor(x) for x in (g if isinstance(g, tuple) else (g,))])
    for hook in list((node.hooks or {}).values()):
        if hook.__class__ is not AfterHook:
            continue
        token = grad_mode.set(create_graph)
        try:
            with users_own():
                changed = hook.function(tuple([_tensor(x) for x in grads]), incoming)
        finally:
            grad_mode.reset(token)
        if changed is None:
            continue
        changed = changed if isinstance(changed, tuple) else (changed,)
        if len(changed) != len(grads):
            raise RuntimeError(
                f"a hook on {node.op.grad_name} has returned an incorrect number of values "
                f"(got {len(changed)}, but expected {len(grads)})"
            )
        grads = [
            c if before is None or isinstance(before, TensorBase) else c.array
            for c, before in zip(changed, grads, strict=True)
        ]
    return grads


def _tensor(x: Any) -> Any:
    return x if x is None or isinstance(x, TensorBase) else wrap(x)


def _register_hook(self: Node, fn: Callable[..., Any]) -> RemovableHandle:
    """Call `fn(grad_inputs, grad_outputs)` after backward has gone through this node.

    Both are tuples. If it returns a value, this replaces `grad_inputs`, the gradients of the
    operation's inputs.

    >>> import dlframe as dl
    >>> x = dl.ones(2, requires_grad=True)
    >>> y = x * 3
    >>> handle = y.grad_fn.register_hook(lambda inputs, outputs: (10 * inputs[0], inputs[1]))
    >>> y.sum().backward()
    >>> x.grad
    tensor([30., 30.])
    """
    if self.hooks is None:
        self.hooks = {}
    return add_hook(self.hooks, AfterHook(fn))


def _register_prehook(self: Node, fn: Callable[..., Any]) -> RemovableHandle:
    """Call `fn(grad_outputs)` with a tuple before backward goes through this node.

    If it returns a value, this replaces the gradients.
    """

    def on_gradient(g: Any) -> Any:
        changed = fn((g,))
        return changed[0] if isinstance(changed, tuple) else changed

    if self.hooks is None:
        self.hooks = {}
    return add_hook(self.hooks, on_gradient)


# Nodes are defined below this module and do not know hooks, so mypy finds no such attributes.
Node.register_hook = _register_hook  # type: ignore[attr-defined] # defined here, used there
Node.register_prehook = _register_prehook  # type: ignore[attr-defined] # defined here, used there
