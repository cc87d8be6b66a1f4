"""Layers with a backward of their own, called on plain arrays as in a loop by hand."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlframe.base import nests
from dlframe.nn import Module
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.testing.claims import (
    Broken,
    claim,
    fresh,
    is_float,
    require,
    require_same,
    seeded,
)
from dlframe.testing.gradients import run

TOLERANCE = 1e-9  # in float64, where the same is computed in another order


def check_by_hand(
    name: str, layer: Module, inputs: Sequence[Any], seed: int, *, fixed: Sequence[int] = ()
) -> None:
    """Arrays in, arrays out: the gradients of the graph, for each call its own, added up.

    `fixed` are the places of inputs without a gradient.
    """
    graph = _Graph(layer, inputs, seed, fixed)
    model = copy.deepcopy(layer)
    with claim(name, "gives arrays for arrays"):
        outputs = _outputs(_call(model, _arrays(inputs), seed))
        require(outputs, "forward returned no array")
        for i, (y, want) in enumerate(zip(outputs, graph.outputs, strict=True)):
            require_same(y, want, f"output {i}", rtol=TOLERANCE, atol=TOLERANCE)
    with claim(name, "leaves its inputs, and the gradient that it is given, as they are"):
        args = _arrays(inputs)
        starts = [g.copy() for g in graph.starts]
        before = [x.copy() for x in _outputs(args)]
        found = _backward(model, args, seed, starts)
        for i, (x, was) in enumerate(zip(_outputs(args), before, strict=True)):
            require_same(x, was, f"input {i} was written to")
        for i, (g, was) in enumerate(zip(starts, graph.starts, strict=True)):
            require_same(g, was, f"the gradient of output {i} was written to")
    with claim(name, "gives on arrays the gradients that it gives in the graph"):
        for i, want in graph.inputs.items():
            returned = found[i] if len(found) == len(inputs) else None
            if returned is None:
                raise Broken(f"backward returned None for input {i}; return dL/d(input)")
            _require_equal(to_array(returned), want, f"the gradient of input {i}")
        for key, want in graph.parameters.items():
            _require_parameter(model, key, want, 1)
    with claim(name, "adds to the gradients that are there"):
        _backward(model, _arrays(inputs), seed, graph.starts)
        for key, want in graph.parameters.items():
            _require_parameter(model, key, want, 2)
    with claim(name, "gives each call its own gradients, whatever was called before"):
        other = [_moved(x) for x in _arrays(inputs)]
        for between in ("backward", "no backward"):
            model = copy.deepcopy(layer)
            if between == "backward":
                _backward(model, other, seed, [0.5 * g for g in graph.starts])
                model.zero_grad()
            else:
                _call(model, other, seed)
            found = _backward(model, _arrays(inputs), seed, graph.starts)
            said = f"after another call with {between}, the gradient of"
            for i, want in graph.inputs.items():
                _require_equal(to_array(found[i]), want, f"{said} input {i}")
            for key, want in graph.parameters.items():
                p = model.get_parameter(key)
                require(p.grad is not None, f"{said} {key} is None")
                _require_equal(to_array(p.grad), want, f"{said} {key}")
    _check_dtypes(name, layer, inputs, seed, graph.starts)


def _check_dtypes(
    name: str, layer: Module, inputs: Sequence[Any], seed: int, starts: Sequence[Array]
) -> None:
    for dtype in (np.float32, np.float64):
        cast = copy.deepcopy(layer).to(np.dtype(dtype))
        with claim(name, f"gives {np.dtype(dtype)} arrays for {np.dtype(dtype)} arrays"):
            args = _arrays(inputs, dtype)
            outputs = _outputs(_call(cast, args, seed))
            for i, y in enumerate(outputs):
                require(y.dtype.kind != "f" or y.dtype == dtype, f"output {i} is {y.dtype}")
            found = _backward(cast, args, seed, [g.astype(dtype) for g in starts])
            for i, (x, g) in enumerate(zip(args, found, strict=True)):
                if is_float(x) and g is not None:
                    got = to_array(g).dtype
                    require(got == dtype, f"the gradient of input {i} is {got}")


class _Graph:
    """The outputs and gradients of a call with tensors."""

    def __init__(
        self, layer: Module, inputs: Sequence[Any], seed: int, fixed: Sequence[int]
    ) -> None:
        model = copy.deepcopy(layer)
        wanted = [i for i in range(len(inputs)) if i not in fixed]
        args = fresh(inputs, np.float64, requires_grad=wanted)
        outputs = run(model, args, seed)
        self.outputs = [to_array(y).copy() for y in outputs]
        rng = np.random.default_rng(seed)
        self.starts = [rng.standard_normal(y.shape) for y in outputs]
        recorded = [i for i, y in enumerate(outputs) if y.requires_grad]
        total: Any = 0.0
        for i in recorded:
            total = (outputs[i] * Tensor(self.starts[i])).sum() + total
        require(recorded, "no output has a graph")
        total.backward()
        self.inputs = {
            i: to_array(x.grad) for i, x in enumerate(args) if is_float(x) and x.grad is not None
        }
        self.parameters = {
            key: to_array(p.grad) for key, p in model.named_parameters() if p.grad is not None
        }


def _arrays(inputs: Sequence[Any], dtype: Any = np.float64) -> list[Any]:
    """The inputs as plain arrays, floats among them in `dtype`."""
    return [x.array if isinstance(x, Tensor) else x for x in fresh(inputs, dtype)]


def _call(model: Module, inputs: Sequence[Any], seed: int) -> Any:
    return seeded(seed, lambda: model(*inputs))


def _outputs(out: Any) -> list[Array]:
    kinds = (np.ndarray, np.generic)
    return [np.asarray(y) for y in nests.leaves(out) if isinstance(y, kinds)]


def _backward(
    model: Module, args: Sequence[Any], seed: int, starts: Sequence[Array]
) -> tuple[Any, ...]:
    _call(model, args, seed)
    found = model.backward(*starts)
    if isinstance(found, tuple):
        return found
    return (found, *(None for _ in args[1:]))


def _moved(x: Any) -> Any:
    """Other numbers of the same shape; integers stay."""
    return 0.7 * x[::-1] if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.ndim else x


def _require_parameter(model: Module, key: str, want: Array, calls: int) -> None:
    p = model.get_parameter(key)
    what = f"the gradient of {key}" + ("" if calls == 1 else " after two calls")
    require(p.grad is not None, f"{what} is None")
    _require_equal(to_array(p.grad), calls * want, what)


def _require_equal(got: Array, want: Array, what: str) -> None:
    """Fail with the first place, both values and their ratio."""
    require(got.shape == want.shape, f"{what} has shape {got.shape} instead of {want.shape}")
    wrong = ~np.isclose(got, want, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    if not wrong.any():
        return
    k = np.unravel_index(int(np.where(wrong, np.abs(got - want), -1).argmax()), got.shape)
    text = f"{what} is {got[k]:.6g} at {[int(n) for n in k]} instead of {want[k]:.6g}"
    ratio = got[k] / want[k] if want[k] else np.nan
    if np.allclose(got, ratio * want, rtol=1e-6, atol=1e-9):
        text += f", all by the factor {ratio:.4g}"
        if "two calls" in what and np.isclose(ratio, 0.5):
            text += ": the second call overwrites the first; accumulate_grad() adds"
        elif "two calls" in what and np.isclose(ratio, 1.5):
            text += ": the first call counts again; is something summed up in an attribute?"
    elif "another call" in what:
        text += "; is something from the other call kept in an attribute?"
    raise Broken(text)


__all__ = ["check_by_hand"]
