"""Modules called on plain arrays: no tensors, and a `backward` for each layer.

A call with arrays gives arrays, and the module notes what its `backward` needs. `backward` takes
dL/d(output), adds to the `.grad` of the parameters, and returns dL/d(input)::

    loss = criterion(net(x), target)
    dx = net.backward(criterion.backward())

A layer with a backward of its own (`dlframe.nn.own_backward`) keeps arrays in its attributes. Any
other one is called with tensors in place of the arrays, and keeps that small graph as
`_last_call`: its gradients are those of the rules of its operations. A `Sequential` on arrays
calls its layers in order, and their backward in reverse order, so both kinds stand side by side.

In the forward of an ordinary module arrays are constants, as ever: there the graph is recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from threading import get_ident
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import autograd
from dlframe.autograd.func.modules import replaced
from dlframe.base import nests
from dlframe.errors import GradientError, ShapeError
from dlframe.nn.hooks import has_backward_hooks
from dlframe.nn.own_backward import (
    Kept,
    keep_calls,
    kept_by,
    places_of_targets,
    put_back,
    returned_none,
)
from dlframe.nn.parameter import advice
from dlframe.ops.record import target_of, walk
from dlframe.tensor import Tensor, to_array

if TYPE_CHECKING:
    from dlframe.nn.module import Module

_LOOKED_AT = 64  # values of a list or dict in which an array is searched

# --- which calls are by hand -------------------------------------------------------------------


def way_of(
    module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[..., Any] | None:
    """How to call a module whose arguments are arrays; None for a call with tensors.

    It looks at the calls around this one: in the forward of an ordinary module, arrays are
    constants of a graph.
    """
    found = False
    for value in (*args, *kwargs.values()):
        for x in islice(nests.leaves(value), _LOOKED_AT):
            if isinstance(x, Tensor):
                return None
            found = found or issubclass(type(x), np.ndarray)  # a batch of vmap only looks like one
    if not found:
        return None
    by_hand = arrays_stay_arrays(1)
    if module.own_backward:
        return None if by_hand else _call_with_constants
    return call if by_hand else None


def arrays_stay_arrays(skipped: int = 0) -> bool:
    """Whether the innermost call around us computes on arrays, or there is none.

    `skipped` calls of modules are left out: the one that asks.
    """
    from dlframe.nn.module import Module  # on first use, since it imports this file

    code = Module.__call__.__code__
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is call_in_order.__code__:
            return True
        if frame.f_code is code:
            if not skipped:
                return bool(frame.f_locals["self"].own_backward)
            skipped -= 1
        frame = frame.f_back
    return not replaced.get()  # tensors that functional_call puts in place want gradients


def _call_with_constants(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a layer with its own backward on arrays, as a node of the graph recorded around it."""
    args, kwargs = nests.map_leaves(lambda x: Tensor(x) if _is_array(x) else x, (args, kwargs))
    return module(*args, **kwargs)


def _is_array(x: Any) -> bool:
    return issubclass(type(x), np.ndarray)


# --- a call, and its backward ------------------------------------------------------------------


class Call:
    """What a module keeps of its last call on arrays."""

    def __init__(self, name: str, run: _Graph | _Row | None, why: str = "") -> None:
        self.name, self.run, self.why = name, run, why
        self.thread: int | None = get_ident()

    def backward(self, *g: Any) -> Any:
        """The gradients of the inputs; what was kept for them is free afterwards."""
        if self.thread not in (None, get_ident()):
            raise GradientError(
                f"{self.name}.backward: the last call on arrays was in another thread; give each "
                "thread a copy of the module (copy.deepcopy)"
            )
        if self.run is None:
            raise GradientError(f"{self.name}.backward: {self.why}")
        found = self.run(*g)
        if self.thread is not None:
            self.run = None
            self.why = (
                "the backward of the last call was called already, and what it kept is free. Each "
                "call has one backward, and it belongs to the last call; a layer that is used "
                "several times goes several times into an nn.Sequential"
            )
        return found

    def keep(self) -> None:
        """Let backward be called several times, from any thread: a graph around decides that."""
        self.thread = None
        if self.run is not None:
            self.run.keep()

    def __reduce__(self) -> Any:
        # copies and files of a module do not hold the graph of its last call
        return Call, (self.name, None, "this is a copy, which was not called on arrays itself")


_NOT_KEPT = "the last call was under no_grad(), where nothing is kept for backward"


def call(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a module that has no backward of its own on arrays: arrays come out."""
    module._last_call = None  # first of all, so that two calls are never in memory at once
    if module._is_a_row() and module._direct_call and len(args) == 1 and not kwargs:
        return call_in_order(module, module._own_modules(), args[0])
    targets = places_of_targets(module) if len(args) > 1 else ()
    recording = autograd.is_grad_enabled()
    leaves = [
        nests.map_leaves(partial(_leaf, recorded=recording and i not in targets), value)
        for i, value in enumerate(args)
    ]
    given = leaves
    if any(getattr(part, "inplace", False) for part in module.modules()):
        # what starts a graph may not be overwritten, and the caller may need it
        given = nests.map_leaves(lambda x: x.clone() if isinstance(x, Tensor) else x, leaves)
    named = {
        key: nests.map_leaves(partial(_leaf, recorded=False), value)
        for key, value in kwargs.items()
    }
    result = module(*given, **named)
    outputs = [x for x in nests.leaves(result) if isinstance(x, Tensor)]
    name = module._get_name()
    run = _Graph(name, leaves, outputs, targets) if recording else None
    module._last_call = Call(name, run, _NOT_KEPT)
    kept = _arrays_kept(leaves, outputs)
    return nests.map_leaves(lambda x: _apart(x, kept) if isinstance(x, Tensor) else x, result)


def _leaf(x: Any, recorded: bool) -> Any:
    """An array as a tensor without a copy, which requires grad if it is of floats."""
    if not _is_array(x):
        return x
    tensor = Tensor(np.asarray(x))
    return tensor.requires_grad_() if recorded and tensor.array.dtype.kind == "f" else tensor


def backward(self: Any, *grad_outputs: Any) -> Any:
    """The gradients of the last call on arrays, for training without a graph.

    Adds dL/d(parameter) to the `.grad` of each parameter that requires grad, and returns
    dL/d(input). It may be called once for each call, and belongs to the last one. What the call
    kept is free afterwards.

    Args:
        grad_outputs: dL/d(output), an array of the output's shape for each output, None for one
            that L does not depend on. A single output of one element, such as a loss, needs none.

    Returns:
        The gradient of the positional argument, in its shape: an array, or the same nest of
        arrays. A tuple for several arguments. None for integers and what is not an array. A loss
        gives no gradient for its `target`, and an array if one argument is left.

    Raises:
        GradientError: no call on arrays before, one under `no_grad()`, or a second backward.
        ShapeError: a gradient of another shape than its output.

    >>> layer, criterion = nn.Linear(3, 2), nn.MSELoss()
    >>> x, target = np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32)
    >>> loss = criterion(layer(x), target)
    >>> layer.backward(criterion.backward()).shape
    (4, 3)
    >>> layer.weight.grad.shape
    (2, 3)
    """
    last = self._last_call
    if last is None:
        name = self._get_name()
        if self.own_backward:
            raise GradientError(
                f"{name}: super().backward is for layers without a backward of their own; make "
                "the other layer a part, self.part = ..., and call self.part.backward(g)"
            )
        raise GradientError(
            f"{name}.backward: there was no call on arrays before. Call it with an array, as in "
            "y = layer(x), not layer.forward(x); after a call with Tensors use loss.backward()"
        )
    return last.backward(*grad_outputs)


class _Graph:
    """The backward of a call that was recorded with tensors in place of its arrays."""

    def __init__(
        self, name: str, args: list[Any], outputs: list[Tensor], targets: Sequence[int]
    ) -> None:
        self.name, self.args, self.outputs = name, args, outputs
        self.targets, self.retain = targets, False

    def keep(self) -> None:
        self.retain = True

    def __call__(self, *g: Any) -> Any:
        pairs = [(y, gy) for y, gy in self._paired(g) if y.requires_grad]
        leaves = [x for x in nests.leaves(self.args) if isinstance(x, Tensor)]
        for leaf in leaves:
            leaf.grad = None
        if pairs:
            ends, starts = zip(*pairs, strict=True)
            autograd.backward(ends, starts, retain_graph=self.retain)
        found = [
            nests.map_leaves(_gradient, x) for i, x in enumerate(self.args) if i not in self.targets
        ]
        if self.targets:  # of labels, lengths and numbers there is nothing to return
            some = [x for x in found if any(g is not None for g in nests.leaves(x))]
            found = some if len(some) == 1 else found
        return found[0] if len(found) == 1 else tuple(found)

    def _paired(self, g: tuple[Any, ...]) -> list[tuple[Tensor, Tensor]]:
        """Each output and its gradient, which is checked."""
        if not g and len(self.outputs) == 1:
            (y,) = self.outputs
            if y.array.size != 1:
                raise GradientError(
                    f"{self.name}.backward: its output has shape {y.array.shape}; give "
                    "dL/d(output), an array of that shape"
                )
            return [(y, Tensor(np.ones(y.array.shape, y.array.dtype)))]
        if len(g) != len(self.outputs):
            raise GradientError(
                f"{self.name}.backward: got {len(g)} gradients for {len(self.outputs)} outputs; "
                "give one for each, None where L does not depend on it"
            )
        pairs = []
        for i, (y, gy) in enumerate(zip(self.outputs, g, strict=True)):
            if gy is None:
                continue
            gradient, wanted = to_array(gy), y.array.shape
            if gradient.dtype.kind not in "fiub":
                raise GradientError(
                    f"{self.name}.backward: the gradient is {_kind(gy)}, not an array of numbers"
                )
            if gradient.shape != wanted:
                which = "the output" if len(g) == 1 else f"output {i}"
                raise ShapeError(
                    f"{self.name}.backward: the gradient has shape {gradient.shape}, {which} "
                    f"{wanted}; {advice(gradient.shape, wanted, 'output')}"
                )
            pairs.append((y, Tensor(gradient.astype(y.array.dtype, copy=False))))
        return pairs


def _gradient(x: Any) -> Any:
    """The gradient of an input: zeros if the outputs do not depend on it, None for integers."""
    if not isinstance(x, Tensor) or not x.requires_grad:
        return None
    return np.zeros_like(x.array) if x.grad is None else x.grad.array


def _arrays_kept(args: list[Any], outputs: list[Tensor]) -> list[np.ndarray]:
    """The arrays that backward will use, those of the caller and of the module among them."""
    nodes, leaves = walk([target_of(x) for x in outputs if x.requires_grad])
    kept = [x.array for x in leaves]
    for node in nodes:
        kept += [
            to_array(x) for x in nests.leaves(node.args) if isinstance(x, (Tensor, np.ndarray))
        ]
    return kept + [x.array for x in nests.leaves(args) if isinstance(x, Tensor)]


def _apart(x: Tensor, kept: list[np.ndarray]) -> np.ndarray:
    """The array of an output, which its owner may write to."""
    array: np.ndarray = x.array
    shared = any(np.may_share_memory(array, k) for k in kept)
    return array.copy() if shared else array


def _kind(x: Any) -> str:
    return f"{x.dtype}" if isinstance(x, (Tensor, np.ndarray)) else type(x).__name__


# --- layers in a row ---------------------------------------------------------------------------


def call_in_order(owner: Module, layers: list[tuple[str, Module]], x: Any) -> Any:
    """Call layers one after another on arrays, and note the backward of `owner`."""
    owner._last_call = None
    recording = autograd.is_grad_enabled()
    steps: list[_Step] = []
    for name, layer in layers:
        by_graph = not layer.own_backward or has_backward_hooks(layer)
        given = x
        x = call(layer, (x,), {}) if by_graph and layer.own_backward else layer(x)
        if recording:
            step = _Step(f"layer {name!r} ({layer._get_name()})", layer, given, by_graph)
            step.outputs = _outputs(x)
            steps.append(step)
    name = owner._get_name()
    owner._last_call = Call(name, _Row(name, steps) if recording else None, _NOT_KEPT)
    return x


def _outputs(x: Any) -> int:
    """The number of arrays that a layer returned."""
    return sum(isinstance(y, (np.ndarray, np.generic)) for y in nests.leaves(x))


class _Step:
    """One call of a layer in a row, with what it left for its backward."""

    def __init__(self, name: str, layer: Any, given: Any, by_graph: bool) -> None:
        self.name, self.layer = name, layer
        self.shape = given.shape if isinstance(given, np.ndarray) else None
        self.last: Call | None = layer._last_call if by_graph else None
        self.kept: Kept = [] if by_graph else kept_by(layer)
        self.outputs = 1

    def backward(self, *g: Any) -> Any:
        if self.last is not None:
            return self.last.backward(*g)
        current = put_back(self.kept)
        try:
            return self.layer.backward(*g)
        finally:
            put_back(current)

    def check(self, g: Any) -> None:
        """Fail if the layer returned a gradient of another shape than its input."""
        if self.shape is None or not isinstance(g, (np.ndarray, np.generic, Tensor)):
            return
        shape = tuple(g.shape)
        if shape != self.shape:
            raise ShapeError(
                f"{self.name}.backward returned a gradient of shape {shape}, its input has shape "
                f"{self.shape}; {advice(shape, self.shape, 'input')}"
            )


class _Row:
    """The backward of layers one after another."""

    def __init__(self, name: str, steps: list[_Step]) -> None:
        self.name, self.steps = name, steps

    def keep(self) -> None:
        for step in self.steps:
            if step.last is not None:
                step.last.keep()
            keep_calls(step.kept)

    def __call__(self, *g: Any) -> Any:
        outputs = self.steps[-1].outputs if self.steps else 1
        is_loss = not g and outputs == 1 and self.steps and self.steps[-1].last is not None
        if len(g) != outputs and not is_loss:
            raise GradientError(
                f"{self.name}.backward: got {len(g)} gradient{'s' * (len(g) != 1)} for {outputs} "
                f"output{'s' * (outputs != 1)}"
                + ("; give one for each, None where L does not depend on it" * (outputs != 1))
            )
        found: Any = g[0] if g else None
        for i in range(len(self.steps) - 1, -1, -1):
            step = self.steps[i]
            found = step.backward(*g)
            if found is None and i > 0:
                raise GradientError(returned_none(step.name))
            if found is not None:
                step.check(found)
            # a layer with several outputs gets a gradient for each, as the layer after it gave them
            several = i > 0 and self.steps[i - 1].outputs != 1
            g = tuple(nests.leaves(found)) if several else (found,)
        return found
