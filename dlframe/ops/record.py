"""The fields of tensors, the nodes of the graph, and the log of writes to memory.

A graph consists of `Node`s, not of tensors: a node holds its op, the targets of its gradients,
and the arrays that its rules need. Tensors refer to nodes, and nodes to older nodes and
to leaves, so there are no reference cycles and everything is freed by reference count.

In-place changes are watched by one log for all arrays (`mark_mutated`), not by a counter on each
tensor. So an operation has no extra cost, and a backward pass compares one integer per node until
something changed.
"""

from __future__ import annotations

import itertools
import operator
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from dlframe.base import nests
from dlframe.errors import DTypeError, GradientError, ShapeError
from dlframe.ops.places import Places

Array = np.ndarray[Any, np.dtype[Any]]

# Whether operations are recorded. A context variable: each thread and each coroutine has its own.
grad_mode: ContextVar[bool] = ContextVar("grad_mode", default=True)
inference: ContextVar[bool] = ContextVar("inference", default=False)

# Creation order of nodes and mutations, one clock for both.
clock = itertools.count(1)


class TensorBase:
    """The fields of a tensor. `dlframe.tensor.Tensor` adds the methods."""

    __slots__ = (
        "__dict__",
        "__weakref__",
        "array",
        "gradient",
        "hooks",
        "needs_grad",
        "node",
        "view_of",
        "views",
    )

    array: Array  # the values
    node: Node | None  # the node of the operation that computed it; None for a leaf
    needs_grad: bool
    gradient: Any  # a tensor, or None; `grad` checks its new value
    view_of: View | None  # which tensor this one is a view of
    hooks: dict[int, Any] | None  # a leaf's gradient hooks; a result's hook that fills .grad
    views: list[weakref.ref[TensorBase]]  # views made while it had no gradient; unset at first

    def _set_grad(self, value: Any) -> None:
        if value is not None:
            _check_gradient(self, value)
        self.gradient = value

    def _drop_grad(self) -> None:
        self.gradient = None

    # the getter is a C function, since optimizers read many gradients
    grad = property(
        operator.attrgetter("gradient"), _set_grad, _drop_grad, "The gradient, or None."
    )


def _check_gradient(x: TensorBase, value: Any) -> None:
    """Raise unless `value` can be the gradient of `x`."""
    if not isinstance(value, TensorBase):
        raise DTypeError(
            "assigned grad expected to be a Tensor or None but got grad of type "
            f"{type(value).__name__}; set x.grad = dl.from_numpy(array)"
        )
    if value is x:
        raise GradientError("can't assign a tensor as its own grad")
    if value.array.shape != x.array.shape:
        raise ShapeError(
            f"attempting to assign a gradient of size {list(value.array.shape)} to a tensor of "
            f"size {list(x.array.shape)}; they must be the same"
        )
    if value.array.dtype != x.array.dtype:
        raise DTypeError(
            f"attempting to assign a gradient with dtype {value.array.dtype} to a tensor of dtype "
            f"{x.array.dtype}; convert it with .to(x.dtype)"
        )


class Node:
    """One recorded operation: where the gradients go, and what the rules need to compute them."""

    __slots__ = ("__weakref__", "args", "hooks", "op", "outputs", "seq", "shapes", "targets")

    op: Any  # a `dlframe.ops.definition.NodeOp`, which holds the rules
    seq: int  # creation order
    targets: Sequence[Any]  # per input: an older node, a leaf tensor, or None
    args: Any  # per input: the values that its rule needs; None once released
    shapes: tuple[Any, ...] | None  # input shapes, if gradients must be un-broadcast
    outputs: Any  # per output (shape, dtype), for operations with several outputs
    hooks: dict[int, Any] | None

    def __init__(
        self, op: Any, targets: Sequence[Any], args: Any, *, shapes: Any = None, outputs: Any = None
    ):
        # `dlframe.ops.calling` has a copy of this where it records operations, for speed
        self.op, self.targets, self.args = op, targets, args
        self.shapes, self.outputs, self.hooks = shapes, outputs, None
        self.seq = next(clock)  # after the targets, since a view among them may get a new node

    def name(self) -> str:
        """The name that PyTorch gives such a node."""
        return str(self.op.grad_name)

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes (or leaves) to which the gradients go next, as `grad_fn.next_functions`."""
        return tuple((target, 0) for target in self.targets)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


class View:
    """The base of a view, whose memory it shows, and the node of the base at that time."""

    __slots__ = ("base", "base_node", "several")

    def __init__(self, base: TensorBase, base_node: Node | None, several: str = ""):
        self.base, self.base_node = base, base_node
        self.several = several  # the function that returned it, or its base, in a tuple


# Marks a tensor made in inference mode; it has no rules and is not part of any graph.
INFERENCE = Node(None, (), ())


def walk(
    roots: Iterable[Any], inside: Callable[[Node], bool] = lambda _: True
) -> tuple[list[Node], list[Any]]:
    """The graph behind the targets `roots`: its nodes, oldest first, and its borders.

    A border is where the walk ends: a leaf, or a node that is not `inside`.
    """
    nodes: dict[Node, None] = {}
    borders: dict[Any, None] = {}
    stack = list(roots)
    while stack:
        target = stack.pop()
        if target is None or target in nodes or target in borders:
            continue
        if target.__class__ is Node and inside(target):
            nodes[target] = None
            stack.extend(target.targets)
        else:
            borders[target] = None
    return sorted(nodes, key=operator.attrgetter("seq")), list(borders)


def to_array(x: Any) -> Array:
    """The ndarray of a tensor (whether or not it requires grad), or of anything array-like."""
    return x.array if isinstance(x, TensorBase) else np.asarray(x)


def unwrapped(x: Any) -> Any:
    """The array of a tensor; anything else, a batch of `vmap` among it, as it is."""
    return x.array if isinstance(x, TensorBase) else x


def target_of(x: TensorBase) -> Any:
    """The target of the gradient of `x`: its node, or the leaf itself."""
    if x.view_of is not None and x.view_of.base.node is not x.view_of.base_node:
        renew(x, x.view_of)
    return x.node or x


def renew(x: TensorBase, view: View) -> None:
    """Give a view a new node after a write to its base: the view is read from the present base.

    If the base was detached since, the view keeps its old graph.
    """
    view.base_node = view.base.node
    if view.base.needs_grad:
        move_to(x, _reader[0](x, view.base).node, True)


# The function that records a view as read from its base; `dlframe.ops.regions` sets it.
_reader: list[Callable[[TensorBase, TensorBase], TensorBase]] = []


def bind_reader(read: Callable[[TensorBase, TensorBase], TensorBase]) -> None:
    """Set the function that reads a view from its base again."""
    _reader[:] = [read]


def move_to(x: TensorBase, node: Node | None, needs_grad: bool) -> None:
    """Make `x` the result of `node`; the hook that fills `x.grad` moves too."""
    before, x.node = x.node, node
    if x.hooks is not None and before is not None and before.hooks and node is not None:
        node.hooks = node.hooks or {}
        for key, hook in x.hooks.items():
            before.hooks.pop(key, None)
            node.hooks[key] = hook
    if needs_grad and not x.needs_grad:
        x.needs_grad = True
        _wake_views(x)
    x.needs_grad = needs_grad


def note_view(view: TensorBase, base: TensorBase) -> None:
    """Note a view of `base`, which needs no gradient: a write to the base may change that.

    Operations check `needs_grad` first, so it must be set in views too, and at once.
    """
    try:
        views = base.views
    except AttributeError:
        views = base.views = []
    if len(views) & (len(views) - 1) == 0:  # whenever the length is a power of two
        views[:] = [ref for ref in views if ref() is not None]
    views.append(weakref.ref(view))


def _wake_views(base: TensorBase) -> None:
    for ref in getattr(base, "views", ()):
        view = ref()
        if view is not None and view.view_of is not None:
            renew(view, view.view_of)


# --- in-place changes --------------------------------------------------------------------------


class Write(NamedTuple):
    """What an error says of a write: the operation, and the number of writes to that memory."""

    by: str
    version: int


class Mutation:
    """The writes to the memory of an array: the last one, their number, and where they went."""

    __slots__ = ("by", "count", "places", "ref", "seq", "whole")

    places: Places | None  # of writes to parts of it, since all of it was written at `whole`

    def __init__(self, owner: Array, log: dict[int, Mutation]):
        key = id(owner)
        self.ref = weakref.ref(owner, lambda _: log.pop(key, None))
        self.count = self.seq = self.whole = 0
        self.by, self.places = "", None

    def note_part(self, owner: Array, array: Array) -> None:
        """Note where the last write went: to `array`, a view of the owner."""
        if not _is_part(array, owner):
            self.whole, self.places = self.seq, None
            return
        with _noting:
            places = self.places
            if places is None:
                places = self.places = Places(owner)
            places.note(array, self.seq)
            if self.places is not places:  # another thread wrote to all of it meanwhile
                self.whole = self.seq

    def touched(self, array: Array, since: int) -> bool:
        """Whether one of the writes after the time `since` went to an element of `array`."""
        places = self.places  # before the time of all of it: another thread may write
        if self.whole > since or not issubclass(type(array), np.ndarray):
            return bool(array.size)
        return array.size > 0 and places is not None and places.changed(array, since)


def _is_part(array: Array, owner: Array) -> bool:
    """Whether `array` shows some of the owner's elements, so that it has its own place."""
    if not issubclass(type(array), np.ndarray):  # batches of vmap only say that they are arrays
        return False
    contiguous = owner.flags.c_contiguous or owner.flags.f_contiguous
    return contiguous and array.size != owner.size and array.itemsize == owner.itemsize


_log: dict[int, Mutation] = {}
_last = [0, 0]  # the clock at the latest mutation of anything, and how often it was not a node's
_noting = threading.RLock()  # so that no write of another thread is lost

if hasattr(os, "register_at_fork"):  # a child forked meanwhile would wait for ever
    os.register_at_fork(
        before=_noting.acquire, after_in_parent=_noting.release, after_in_child=_noting.release
    )


def owner_of(array: Array) -> Array:
    """The array that owns the memory: a view and its base have the same owner."""
    base: Any = array.base
    while base is not None:
        if isinstance(base, np.ndarray):
            array = base
        base = getattr(base, "base", None)  # NumPy's as_strided inserts another object
    return array


def mark_mutated(array: Array, by: str) -> None:
    """Note that the memory of `array` was written to, so older graphs that kept it will raise."""
    mark_mutated_many((array,), by)


def mark_mutated_many(arrays: Iterable[Array], by: str) -> None:
    """`mark_mutated` for several arrays that one operation wrote to."""
    _last[0] = seq = next(clock)
    _last[1] += 1
    for array in arrays:
        owner = array if array.base is None else owner_of(array)
        entry = _log.get(id(owner))
        if entry is None:
            entry = _log[id(owner)] = Mutation(owner, _log)
        entry.seq, entry.by = seq, by
        entry.count += 1
        if owner is array:
            entry.whole, entry.places = seq, None
        else:
            entry.note_part(owner, array)


def version_of(array: Array) -> int:
    """The number of in-place writes to the memory of `array`."""
    entry = _log.get(id(owner_of(array)))
    return entry.count if entry else 0


def last_mutation() -> int:
    """The clock at the latest in-place change of any array."""
    return _last[0]


def nodes_recorded() -> int:
    """How many nodes have been recorded."""
    _last[1] += 1
    return next(clock) - _last[1]


def changed_since(array: Array, seq: int) -> Write | None:
    """The latest write to the memory of `array`, if its elements changed after the time `seq`."""
    entry = _log.get(id(owner_of(array)))
    if entry is None or entry.seq <= seq or not entry.touched(array, seq):
        return None
    return Write(entry.by, entry.count)


def check_kept(node: Node, *, first_order: bool = False) -> None:
    """Raise if an array that `node` kept was written to after it was kept.

    `first_order`: only if a pass on arrays uses it.
    """
    for names, values in node.op.kept_by(node, first_order=first_order):
        for name, value in zip(names, values, strict=True):
            for array in (value,) if isinstance(value, np.ndarray) else nests.leaves(value):
                entry = changed_since(array, node.seq) if isinstance(array, np.ndarray) else None
                if entry is not None:
                    raise GradientError(
                        f"{node.op.name}: the gradient needs {name!r} of shape "
                        f"{list(array.shape)}, which was modified by an inplace operation "
                        f"({entry.by}) after {node.op.name} had kept it; it is now at version "
                        f"{entry.version}. Use the out-of-place form, or .clone() before writing."
                    )
