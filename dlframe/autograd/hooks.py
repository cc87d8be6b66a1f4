"""Hooks of leaves and nodes: functions that see gradients on their way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlframe.hooks import RemovableHandle, add_hook
from dlframe.ops.calling import wrap
from dlframe.ops.record import Node, TensorBase


class PostHook:
    """A hook of a leaf for when its `.grad` is complete: among gradient hooks it does nothing."""

    def __init__(self, function: Callable[[Any], None]):
        self.function = function

    def __call__(self, g: Any) -> None:
        return None


# --- hooks of nodes ----------------------------------------------------------------------------


class HookedOp:
    """The op of a node with hooks that see what comes out as well; otherwise as it was."""

    simple = False  # so that the engine's quick loop leaves it to others

    def __init__(self, op: Any):
        self.op = op
        self.after: dict[int, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.op, name)

    def run(self, g: Any, grads: list[Any]) -> list[Any]:
        """Show each hook the gradients on both sides; what it returns replaces those behind."""
        incoming = tuple([_tensor(x) for x in (g if isinstance(g, tuple) else (g,))])
        for hook in list(self.after.values()):
            outgoing = tuple([_tensor(x) for x in grads])
            changed = hook(outgoing, incoming)
            if changed is None:
                continue
            changed = changed if isinstance(changed, tuple) else (changed,)
            if len(changed) != len(grads):
                raise RuntimeError(
                    f"a hook on {self.op.grad_name} has returned an incorrect number of values "
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
    """Call `fn(grad_inputs, grad_outputs)` when backward has gone through this node.

    Both are tuples. What it returns, if not None, replaces `grad_inputs`: the gradients of the
    operation's inputs.

    >>> import dlframe as dl
    >>> x = dl.ones(2, requires_grad=True)
    >>> y = x * 3
    >>> handle = y.grad_fn.register_hook(lambda inputs, outputs: (10 * inputs[0], inputs[1]))
    >>> y.sum().backward()
    >>> x.grad
    tensor([30., 30.])
    """
    if not isinstance(self.op, HookedOp):
        self.op = HookedOp(self.op)
    return add_hook(self.op.after, fn)


def _register_prehook(self: Node, fn: Callable[..., Any]) -> RemovableHandle:
    """Call `fn(grad_outputs)` with a tuple before backward goes through this node.

    What it returns, if not None, replaces the gradients.
    """

    def on_gradient(g: Any) -> Any:
        changed = fn((g,))
        return changed[0] if isinstance(changed, tuple) else changed

    if self.hooks is None:
        self.hooks = {}
    return add_hook(self.hooks, on_gradient)


# Nodes lie below this module and know of no hooks: mypy finds no such attributes in them.
Node.register_hook = _register_hook  # type: ignore[attr-defined]
Node.register_prehook = _register_prehook  # type: ignore[attr-defined]
