"""Mistakes in a loop of training that raise nothing: each is said once for each optimizer.

An optimizer sees enough of the loop around it to notice four of them. Each has its own category of
warnings, so that a filter of Python's can silence it; `OptimizerWarning` is all four::

    warnings.filterwarnings("ignore", category=dl.errors.NoGradientWarning)

A step pays for this with the reading of one gradient's identity and with the sum of squares of a
part of the gradients that is in the cache anyway. Names are looked up only for a warning.
"""

from __future__ import annotations

import gc
import math
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.autograd.backward import at_end, on_leaves
from dlframe.base.quiet import quietly
from dlframe.errors import (
    AccumulatedGradientWarning,
    NoGradientWarning,
    NonFiniteGradientWarning,
    OptimizerWarning,
    UnheldParameterWarning,
)
from dlframe.nn.locating import level_of_user
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter
from dlframe.ops.record import Array, changed_since, nodes_recorded, version_of
from dlframe.tensor import Tensor

if TYPE_CHECKING:
    from dlframe.optim.optimizer import Optimizer

_LISTED = 5  # names in a message
_PASSES = 16  # backward passes after which an optimizer that never steps is no longer waited for
_SAMPLE = 16  # elements by which an array is recognized, from about half to twice as many
_NO_CLEARING = ("clip_grad", "GradientNoise")  # writes that change gradients, and clear none
_PART = 32768  # elements of a gradient that are looked at in one step


class Watch:
    """What one optimizer has noticed about the loop that it is used in."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.said: set[type[OptimizerWarning]] = set()
        self.recorded = nodes_recorded()  # before the last step without gradients
        self.steps = 0
        # a parameter that has gradients, and what its gradient was at the last step
        self.first: Tensor | None = None
        self.gradient: Any = _nobody
        self.version = -1
        self.left: Array | None = None  # some of its elements
        self.was_added_to = False
        self.summed: Array | None = None  # some elements of what backward made of it
        self.closure_is_known = False  # whether it was seen how a closure treats gradients
        # the parameters that backward reaches before the first step, and those among them that no
        # optimizer holds, with some of their elements
        self.passes = 0
        self.reached: dict[int, weakref.ref[Tensor]] | None = {}
        self.unheld: list[tuple[weakref.ref[Tensor], Array]] = []
        with _lock:
            _living.add(optimizer)
        self._listen()

    # --- after each step -----------------------------------------------------------------------

    def after_step(self, optimizer: Optimizer) -> None:
        """Look at what the step has used."""
        gradient = None if self.first is None else self.first.gradient
        if gradient is None:
            gradient = self._find_gradient(optimizer)
            if gradient is None:
                return
        if gradient is self.gradient():
            self._same_gradient(optimizer, gradient)
        else:
            self.gradient, self.version = weakref.ref(gradient), -1
        if self.reached is not None:
            self._first_step(optimizer)
        elif self.unheld:
            self._second_step(optimizer)

    def _find_gradient(self, optimizer: Optimizer) -> Any:
        """The first gradient of all, or None, which may be a mistake."""
        self.first = next((p for p in _parameters(optimizer) if p.gradient is not None), None)
        if self.first is not None:
            return self.first.gradient
        # an optimizer of somebody else's may need no gradients; and where nothing has been
        # computed yet, somebody only looks at the course of a learning rate; one that had gradients
        # before may have its turn again
        ours = type(optimizer).__module__.partition(".")[0] == __name__.partition(".")[0]
        if ours and self.reached is not None and nodes_recorded() > self.recorded:
            self._say_none(optimizer)
        self.recorded = nodes_recorded()
        return None

    def _say_none(self, optimizer: Optimizer) -> None:
        """Say that nothing has a gradient, unless backward has worked for other optimizers only."""
        reached = [p for ref in (self.reached or {}).values() if (p := ref()) is not None]
        others = _held_by(one for one in _living if one is not optimizer)
        if not reached or any(id(p) not in others for p in reached):
            self._say(
                NoGradientWarning,
                optimizer,
                f"step() found no gradient, so it changed nothing: {_why_none(optimizer)}",
            )

    def _same_gradient(self, optimizer: Optimizer, gradient: Tensor) -> None:
        """The gradient is the tensor that it was at the last step: is it a sum over steps?"""
        version = version_of(gradient.array)
        if self.was_added_to and not _is_written(gradient.array, self.version, self.summed):
            self._say(
                AccumulatedGradientWarning,
                optimizer,
                "the gradients were not cleared between steps, so each step uses the sum of the "
                f"gradients of all {self.steps + 1} steps so far. Call zero_grad() once per step, "
                "before backward() or after step(). (Sums over several backward() before one "
                f"step are not meant.) Seen in {_names(optimizer, [self.first])}",
            )
        self.version, self.was_added_to = version, False
        self.left = _some(gradient.array)
        if AccumulatedGradientWarning not in self.said:
            self._listen()

    def _first_step(self, optimizer: Optimizer) -> None:
        """Look for parameters that got gradients for which no optimizer has any use."""
        assert self.reached is not None
        reached = [p for ref in self.reached.values() if (p := ref()) is not None]
        self.reached = None
        self.unheld = [
            (weakref.ref(p), _some(p.array)) for p in _unheld(reached) if p.gradient is not None
        ]

    def _second_step(self, optimizer: Optimizer) -> None:
        """Speak of those that got no optimizer since, and that nobody changes by hand either."""
        before = [(p, some) for ref, some in self.unheld if (p := ref()) is not None]
        self.unheld = []
        unheld = _unheld([p for p, some in before if np.array_equal(_some(p.array), some)])
        if not unheld:
            return
        ours = {id(p) for p in _parameters(optimizer)}
        names = _names_in_modules(unheld, beside=ours)
        if names:
            self._say(
                UnheldParameterWarning,
                optimizer,
                f"backward() computes gradients for {_count(len(names), 'parameter')} of the same "
                f"model that no optimizer holds, so training does not change them: "
                f"{_listed(list(names.values()))}. Give them to an optimizer, or freeze them with "
                "requires_grad_(False), which saves the time as well",
            )

    # --- closures ------------------------------------------------------------------------------

    def call(self, optimizer: Optimizer, closure: Callable[[], Any]) -> Any:
        """What a closure returns that a step calls several times: does it clear the gradients?"""
        if self.closure_is_known:
            return closure()
        found = next((p for p in _parameters(optimizer) if p.gradient is not None), None)
        if found is None:
            return closure()
        self.closure_is_known = True
        gradient = found.gradient
        version, left = version_of(gradient.array), _some(gradient.array)
        was_left: list[bool] = []

        def look(leaves: Sequence[Any]) -> None:
            if not was_left and any(leaf is found for leaf in leaves):
                same = found.gradient is gradient and version_of(gradient.array) == version
                # zeros may be cleared or not: then nothing is said
                was_left.append(
                    same and bool(left.any()) and np.array_equal(_some(gradient.array), left)
                )

        with _lock:
            on_leaves.append(look)
        try:
            return closure()
        finally:
            with _lock:
                on_leaves.remove(look)
            if was_left == [True]:
                self._say(
                    AccumulatedGradientWarning,
                    optimizer,
                    "closure() does not clear the gradients, so each call adds to those of the "
                    "call before. Call zero_grad() in it, before backward(). Seen in "
                    f"{_names(optimizer, [found])}",
                )

    # --- gradients that are no numbers ---------------------------------------------------------

    def look(self, optimizer: Optimizer, g: Array) -> None:
        """Look for nan and infinities in some of the gradients of a step."""
        if not math.isfinite(quietly(g.dot, g)) and NonFiniteGradientWarning not in self.said:
            self._say_not_finite(optimizer)

    def look_at_first(self, optimizer: Optimizer) -> None:
        """`look` for an optimizer that has no flat gradients: at one parameter's.

        The first parameter is the last one that backward reaches, so that what went wrong on the
        way has come to it.
        """
        gradient = None if self.first is None else self.first.gradient
        if gradient is not None and gradient.array.dtype.kind == "f":
            self.look(optimizer, gradient.array.reshape(-1)[:_PART])

    def _say_not_finite(self, optimizer: Optimizer) -> None:
        params = [p for p in _parameters(optimizer) if isinstance(p.gradient, Tensor)]
        counts = [int((~np.isfinite(p.gradient.array)).sum()) for p in params]
        bad = [p for p, count in zip(params, counts, strict=True) if count]
        if not bad:  # squares that are too large for their dtype
            return
        self._say(
            NonFiniteGradientWarning,
            optimizer,
            f"in step {self.steps + 1} of this optimizer, the gradients of "
            f"{_count(len(bad), 'parameter')} of {len(params)} are not finite "
            f"({sum(counts)} nan or infinite elements): {_names(optimizer, bad)}. The step makes "
            "these parameters nan or infinite. dl.autograd.detect_anomaly() finds the operation "
            "that made the first one; a smaller learning rate, or nn.utils.clip_grad_norm_ from "
            "the beginning, keeps values from growing until they overflow",
        )

    # --- backward, while somebody waits for it -------------------------------------------------

    def _listen(self) -> None:
        with _lock:
            _waiting.add(self)
            if _tell not in on_leaves:
                on_leaves.append(_tell)

    def note(self, leaves: Sequence[Any]) -> bool:
        """Note which leaves a backward has reached; returns whether to wait for another."""
        if self.reached is None:
            if not any(leaf is self.first for leaf in leaves):
                return True
            self.was_added_to, self.summed = self._is_left(), None
            if self.was_added_to:
                at_end.append(self._note_sum)
            return False
        for leaf in leaves:
            if isinstance(leaf, Parameter) and leaf.needs_grad:
                self.reached[id(leaf)] = weakref.ref(leaf)
        self.passes += 1
        return self.passes < _PASSES

    def _note_sum(self) -> None:
        gradient = None if self.first is None else self.first.gradient
        self.summed = None if gradient is None else _some(gradient.array)

    def _is_left(self) -> bool:
        """Whether the gradient is as the last step left it: NumPy's writes are not counted."""
        gradient = None if self.first is None else self.first.gradient
        if gradient is None or gradient is not self.gradient() or self.left is None:
            return False
        # zeros may be cleared or not: then nothing is said
        return bool(self.left.any()) and np.array_equal(_some(gradient.array), self.left)

    # --- saying it -----------------------------------------------------------------------------

    def _say(self, kind: type[OptimizerWarning], optimizer: Optimizer, text: str) -> None:
        if kind in self.said:
            return
        self.said.add(kind)
        warnings.warn(f"{type(optimizer).__name__}: {text}.", kind, stacklevel=level_of_user())


@contextmanager
def unheeded(optimizer: Optimizer) -> Iterator[None]:
    """Let an optimizer say nothing, and forget what it saw: for whoever drives it to its limits."""
    before = optimizer._watch
    optimizer._watch = Watch(optimizer)
    optimizer._watch.said.update(OptimizerWarning.__subclasses__())
    try:
        yield
    finally:
        optimizer._watch = before


_living: weakref.WeakSet[Optimizer] = weakref.WeakSet()
_waiting: weakref.WeakSet[Watch] = weakref.WeakSet()
_lock = threading.RLock()  # of the two, and of `on_leaves`


def _nobody() -> None:
    """A weak reference to nothing."""


def _is_written(gradient: Array, version: int, summed: Array | None) -> bool:
    """Whether a gradient may have been replaced in place since the backward that gave `summed`."""
    writes = version_of(gradient) - version
    if writes == 0:
        return False
    last = changed_since(gradient, 0) if writes == 1 else None
    if last is not None and last.by.startswith(_NO_CLEARING):
        return False
    return summed is None or not _is_shrunk(_some(gradient), summed)


def _is_shrunk(now: Array, before: Array) -> bool:
    """Whether each element has its sign and at most its size: it was scaled down, or clipped."""
    same_signs = np.array_equal(np.sign(now), np.sign(before))
    return same_signs and bool((np.abs(now) <= np.abs(before)).all())


def loss_of(optimizer: Optimizer, returned: Any) -> Any:
    """What a closure returned, which a step needs; TypeError if it returned nothing."""
    if returned is None:
        raise TypeError(
            f"{type(optimizer).__name__}.step: closure() returned None; it must return the loss"
        )
    return returned


def _some(array: Array) -> Array:
    """A copy of some elements, by which to see whether an array has changed.

    They lie in many columns: the gradient of a whole column is zero where an input always is, such
    as the first pixel of digits. From one to the next it is some rows and about 0.618 of a row, the
    golden ratio, which spreads the columns evenly, however many elements there are.
    """
    columns = array.shape[-1] if array.ndim else 1
    step = max(1, array.size // _SAMPLE)
    if step >= columns:
        step += (int(0.618 * columns) - step) % columns
    while math.gcd(step, columns) > 1:
        step += 1
    copied: Array = array.flat[::step]
    return copied


def _tell(leaves: Sequence[Any]) -> None:
    with _lock:
        for watch in list(_waiting):
            if not watch.note(leaves):
                _waiting.discard(watch)
        if not _waiting and _tell in on_leaves:
            on_leaves.remove(_tell)


def _held_by(optimizers: Iterable[Optimizer]) -> set[int]:
    with _lock:
        return {id(p) for one in list(optimizers) for p in _parameters(one)}


def _unheld(params: Iterable[Tensor]) -> list[Tensor]:
    held = _held_by(_living)
    return [p for p in params if p.needs_grad and id(p) not in held]


def _parameters(optimizer: Optimizer) -> Iterable[Tensor]:
    return (p for group in optimizer.param_groups for p in group["params"])


def _why_none(optimizer: Optimizer) -> str:
    params = list(_parameters(optimizer))
    named = _names(optimizer, params)
    if not any(p.requires_grad for p in params):
        return f"none of its parameters requires grad ({named}); unfreeze some of them"
    return (
        "call loss.backward() before it, and zero_grad() not between the two; or the loss does not "
        f"depend on its parameters ({named}): are they those of this model?"
    )


# --- names -------------------------------------------------------------------------------------


def known_names(optimizer: Optimizer, params: Sequence[Any]) -> dict[int, str]:
    """By id, the names of some parameters: as the optimizer got them, or as a module has them."""
    known: dict[int, str] = {}
    for group in optimizer.param_groups:
        for p, name in zip(group["params"], group.get("param_names", ()), strict=False):
            known.setdefault(id(p), name)
    return known or _names_in_modules(params)


def _names(optimizer: Optimizer, params: Sequence[Any]) -> str:
    known: dict[int, str] = {}
    for i, group in enumerate(optimizer.param_groups):
        for k, p in enumerate(group["params"]):
            known.setdefault(id(p), f"parameter {k} of group {i}")
    known |= known_names(optimizer, params)
    return _listed([f"{known[id(p)]} {list(p.array.shape)}" for p in params])


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")


def _names_in_modules(params: Sequence[Any], beside: set[int] | None = None) -> dict[int, str]:
    """By id, the name that each parameter has in the outermost module that holds it.

    Args:
        params: those to name; one that no module holds is left out.
        beside: ids of parameters; only modules that hold one of them count.
    """
    wanted = {id(p) for p in params}
    found: dict[int, str] = {}
    modules = [x for x in gc.get_objects() if issubclass(type(x), Module)]
    for module in modules:
        try:
            names = {id(p): name for name, p in module.named_parameters()}
        except Exception:  # noqa: BLE001,S112 - a module that is being built, or torn down
            continue
        if beside is not None and beside.isdisjoint(names):
            continue
        for key in wanted & names.keys():
            if len(names[key]) > len(found.get(key, "")):
                found[key] = names[key]
    return {id(p): found[id(p)] for p in params if id(p) in found}
