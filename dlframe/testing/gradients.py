"""Gradients against central differences: which elements differ, and the hints of `hints`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe.autograd import grad
from dlframe.nn import Module
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.testing.claims import (
    Broken,
    arrays_of,
    backward,
    claim,
    cotangents,
    fresh,
    is_float,
    require,
    seeded,
    tensors_in,
)
from dlframe.testing.hints import COMPARED, HINTS

TOLD = 4  # gradients that a message tells of


def run(layer: Callable[..., Any], inputs: Sequence[Any], seed: int) -> list[Tensor]:
    """The output tensors of one call."""
    outputs = tensors_in(seeded(seed, lambda: layer(*inputs)))
    require(outputs, "forward returned no tensor")
    return outputs


def check_first_order(
    name: str,
    layer: Module,
    inputs: Sequence[Any],
    seed: int,
    atol: float,
    rtol: float,
    *,
    fixed: Sequence[int] = (),
    right_in_training: bool = False,
) -> None:
    """Along one random line in each input and parameter: backward against a central difference.

    `fixed` are the places of inputs without a gradient.
    """
    with claim(name, "has the gradients of its values"):
        found = Compared(layer, inputs, seed, fixed)
        # not the numbers of the cotangents: along those, W and its transposed look alike
        rng = np.random.default_rng((seed, 1))
        wrong = []
        for what, x in found.places.items():
            line = rng.standard_normal(x.shape)
            slope = found.slope(what, line)
            if not abs((found.gradient(what) * line).sum() - slope) <= atol + rtol * abs(slope):
                wrong.append(what)
        if wrong:
            told = [_told(found, what, rtol) for what in wrong[:TOLD]]
            if len(wrong) > TOLD:
                told.append(f"and {len(wrong) - TOLD} more are wrong: {', '.join(wrong[TOLD:])}")
            if right_in_training:
                told.append("In training they are right: does backward look at self.training?")
            raise Broken("\n".join(told))


class _Function(Module):
    """A function of tensors as a module without parameters."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


def explained(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    fixed: Sequence[int],
    seed: int,
    rtol: float,
) -> str:
    """What is wrong with a function's gradients, in lines; "" if that cannot be found out."""
    try:
        found = Compared(_Function(function), inputs, seed, fixed)
        lines = [_told(found, what, rtol) for what in list(found.places)[:TOLD]]
    except Exception:  # noqa: BLE001 - the function is of the user's, and broken
        return ""
    return "".join(f"\n{line}" for line in lines if "elements differ" in line)


class Compared:
    """One call of a layer: its gradients, and the slopes of its outputs."""

    def __init__(
        self, layer: Module, inputs: Sequence[Any], seed: int, fixed: Sequence[int]
    ) -> None:
        self.layer, self.seed = layer, seed
        wanted = [i for i, x in enumerate(inputs) if is_float(x) and i not in fixed]
        self.args = fresh(inputs, np.float64, requires_grad=wanted)
        self.model = copy.deepcopy(layer)
        outputs = run(self.model, self.args, seed)
        self.recorded = [i for i, out in enumerate(outputs) if out.requires_grad]
        self.outputs = [outputs[i] for i in self.recorded]
        self.values = [to_array(out).copy() for out in self.outputs]
        self.starts = [to_array(g) for g in cotangents(self.outputs, seed)]
        self.places = _places(self.model, self.args, wanted)
        backward(self.outputs, seed)
        grads = arrays_of([x.grad for x in self.places.values()])
        self.grads = dict(zip(self.places, grads, strict=True))

    def gradient(self, what: str) -> Array:
        """The gradient that backward gave; zeros for none."""
        g = self.grads[what]
        return np.zeros(self.places[what].shape) if g is None else g

    def slope(self, what: str, line: Array, starts: Sequence[Array] | None = None) -> float:
        """How fast the outputs, weighted by `starts`, change along `line` in one place."""
        starts, eps, values = self.starts if starts is None else starts, 1e-6, []
        for step in (eps, -eps):
            moved, inputs = copy.deepcopy(self.layer), fresh(self.args, np.float64)
            target = _places(moved, inputs, range(len(inputs)))[what]
            target.array += step * line  # a fresh copy that is in no graph
            outputs = run(moved, inputs, self.seed)
            ends = [to_array(outputs[i]) for i in self.recorded]
            values.append(sum(float((y * g).sum()) for y, g in zip(ends, starts, strict=True)))
        return (values[0] - values[1]) / (2 * eps)

    def right(self, what: str) -> Array:
        """The right gradient, element by element; of a large one, the first elements."""
        shape = self.places[what].shape
        found = []
        for place in list(np.ndindex(shape))[:COMPARED]:
            line = np.zeros(shape)
            line[place] = 1.0
            found.append(self.slope(what, line))
        return np.array(found)

    def again(self, what: str, starts: Sequence[Array]) -> Array | None:
        """What backward gives for other gradients of the outputs."""
        model = copy.deepcopy(self.layer)
        args = [
            Tensor(to_array(x).copy(), requires_grad=x.requires_grad)
            if isinstance(x, Tensor)
            else x
            for x in self.args
        ]
        outputs = [out for out in run(model, args, self.seed) if out.requires_grad]
        target = _places(model, args, range(len(args)))[what]
        (g,) = grad(outputs, target, [Tensor(s) for s in starts], allow_unused=True)
        return None if g is None else to_array(g)


def _places(model: Module, args: Sequence[Any], wanted: Sequence[int]) -> dict[str, Any]:
    """The inputs and parameters that have gradients, by their names in messages."""
    inputs = {f"input {i}": args[i] for i in wanted if is_float(args[i])}
    return inputs | dict(model.named_parameters())


def _told(found: Compared, what: str, rtol: float) -> str:
    """Where a gradient is wrong, both values, their ratio, and what that probably means."""
    grads = found.gradient(what)
    places = list(np.ndindex(grads.shape))[:COMPARED]
    got, want = grads.reshape(-1)[: len(places)], found.right(what)
    wrong = ~(np.abs(got - want) <= 1e-6 + rtol * np.abs(want))  # nan is wrong, too
    if not wrong.any():
        return f"of {what} backward gives wrong numbers, not in the first {COMPARED} elements"
    k = int(np.where(wrong, np.abs(got - want), -1).argmax())
    text = (
        f"of {what} backward gives {got[k]:.6g} at {list(places[k])}, "
        f"the central difference {want[k]:.6g}"
    )
    if abs(want[k]) > 1e-6:
        text += f" (ratio {got[k] / want[k]:.4g})"
    text += f"; {int(wrong.sum())} of {got.size} elements differ"
    if got.size < grads.size:
        return text  # hints need all of it
    a, b = grads, want.reshape(grads.shape)
    for hint in HINTS:
        said = hint(found, what, a, b)
        if said:
            return f"{text}, {said}" if said.startswith("all") else f"{text}. {said}"
    return text


# --- parameters where mistakes show ------------------------------------------------------------


def varied(layer: Module, seed: int) -> Module:
    """The layer, with numbers of its own in parameters that are all 0 or all 1.

    A gradient that leaves out a weight of 1 or a bias of 0 would be right otherwise.
    """
    rng = np.random.default_rng(seed)
    for p in layer.parameters():
        if p.array.size and p.array.dtype.kind == "f" and (p.array == p.array.flat[0]).all():
            noise = rng.uniform(0.1, 0.4, p.array.shape) * rng.choice([-1, 1], p.array.shape)
            p.array = np.asarray(p.array + noise, p.array.dtype)
    return layer


__all__ = ["check_first_order", "run", "varied"]
