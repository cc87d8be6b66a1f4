"""The recorded graph itself: its nodes, hooks on several tensors at once, and edges.

A tensor's `grad_fn` is a `Node`, and `node.next_functions` are the nodes of its operands. Hooks on
nodes get the gradients between operations: `node.register_prehook(hook)` those of the node's
results, `node.register_hook(hook)` those of its inputs as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from dlframe.autograd.backward import at_end
from dlframe.base.hooks import RemovableHandle
from dlframe.base.lazily import tell_missing
from dlframe.errors import ArgumentError, GradientError
from dlframe.ops import record
from dlframe.ops.record import Node, TensorBase


class GradientEdge(NamedTuple):
    """A tensor's place in the graph, without the tensor: for `inputs` of `grad` and `backward`."""

    node: Any
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The place in the graph that `tensor` has now.

    >>> import dlframe as dl
    >>> x = dl.ones(2, requires_grad=True)
    >>> edge = dl.autograd.graph.get_gradient_edge(x.exp())
    >>> edge.node
    <ExpBackward0>
    """
    if not tensor.needs_grad:
        raise GradientError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    return GradientEdge(record.target_of(tensor), 0)


def increment_version(tensor: Any) -> None:
    """Note that the memory of tensors was written to, so that values kept before are invalid.

    >>> import dlframe as dl
    >>> x = dl.ones(2)
    >>> dl.autograd.graph.increment_version(x)
    >>> x._version
    1
    """
    tensors = (tensor,) if isinstance(tensor, TensorBase) else tuple(tensor)
    record.mark_mutated_many([x.array for x in tensors], "increment_version")


@contextmanager
def save_on_cpu(pin_memory: bool = False, device_type: str = "cpu") -> Iterator[None]:
    """Do nothing: the graph is always in the computer's main memory."""
    yield


def register_multi_grad_hook(
    tensors: Sequence[Any], fn: Callable[..., None], *, mode: str = "all"
) -> RemovableHandle:
    """Call `fn` once per backward that reaches some of `tensors`.

    Args:
        tensors: the tensors whose gradients `fn` gets.
        fn: with mode "all" it is called at the end of backward, with a list of one gradient (or
            None) per tensor; with mode "any" it is called with the first gradient that arrives.
        mode: "all" or "any".

    >>> import dlframe as dl
    >>> a, b = dl.ones(1, requires_grad=True), dl.ones(1, requires_grad=True)
    >>> handle = dl.autograd.graph.register_multi_grad_hook([a, b], print)
    >>> (2 * a).backward()
    [tensor([2.]), None]
    """
    if mode not in ("all", "any"):
        raise ArgumentError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    state = _All(len(tensors), fn) if mode == "all" else _Any(fn)
    handles = [x.register_hook(lambda g, i=i: state.arrived(i, g)) for i, x in enumerate(tensors)]
    return _Handles(handles)


class _All:
    """Collects the gradients of one backward, and calls the hook at its end."""

    def __init__(self, n: int, fn: Callable[..., None]):
        self.n, self.fn = n, fn
        self.found: dict[int, Any] = {}

    def arrived(self, i: int, g: Any) -> None:
        if not self.found:
            at_end.append(self.done)
        self.found[i] = g

    def done(self) -> None:
        found, self.found = self.found, {}
        self.fn([found.get(i) for i in range(self.n)])


class _Any:
    """Calls the hook with the first gradient of each backward."""

    def __init__(self, fn: Callable[..., None]):
        self.fn, self.ran = fn, False

    def arrived(self, i: int, g: Any) -> None:
        if not self.ran:
            self.ran = True
            at_end.append(self.done)
            self.fn(g)

    def done(self) -> None:
        self.ran = False


class _Handles(RemovableHandle):
    """The hooks on several tensors as one."""

    def __init__(self, handles: Iterable[RemovableHandle]):
        super().__init__({})
        self._handles = list(handles)

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()


__all__ = [
    "GradientEdge",
    "Node",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
]


tell_missing(__name__)
