"""What the next step computes, by `Tensor.explain()`: its operations, and a weight's terms."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.autograd.keeping import keep_values
from dlframe.errors import ArgumentError
from dlframe.viz.explain.explanation import Explanation
from dlframe.viz.explain.formulas import formula_of
from dlframe.viz.explain.graph import Operand, Step
from dlframe.viz.explain.notation import symbol
from dlframe.viz.explain.text import call_of, numbers, whereabouts
from dlframe.viz.playground import building

if TYPE_CHECKING:
    from dlframe.viz.playground.session import Session

Array = NDArray[Any]

MOST_NUMBERS = 64  # of an array, in the text of a step
MOST_TERMS = 64  # rows of a sum; the others are added up
MOST_STEPS = 200
FILE = "program.py"


class NextStep:
    """The next step of a session, computed on a copy: the session does not notice.

    Attributes:
        explanation: that of the loss of the next batch, penalties included.
        inputs, target: the batch as the network and the loss get it.
        gradients, after: of each parameter, by its name in the model: the gradient, and the value
            that the optimizer will give it.
    """

    def __init__(self, session: Session) -> None:
        if session.stopped:
            raise ArgumentError(f"There is no next step to explain. {session.stopped}")
        self.settings = session.settings
        self.number = session.step + 1
        generator = session.generator
        with building.drawing_from(generator):
            self.inputs, self.target = session._peek()
        kept = (session.model, session.optimizer, session.penalties, session.loss_of)
        self.model, optimizer, penalties, loss_of = copy.deepcopy(kept)
        self.linears: list[Any] = [self.model[session._index(block)] for block in session.blocks]
        self.outputs: list[Array] = []
        for block in session.blocks:
            self.model[block.end].register_forward_hook(self._keep)
        self.model.train()
        names: dict[str, Any] = {
            "__name__": "program", "model": self.model, "loss_of": loss_of, "x": self.inputs,
            "y": self.target, **{penalty.name: penalty for penalty in penalties},
        }  # fmt: skip
        with building.drawing_from(generator.clone_state()), np.errstate(all="ignore"):
            with keep_values():
                _execute(_line_of_loss(session.program()), names)
            _execute(f"explanation = loss.explain(max_steps={MOST_STEPS})", names)
            optimizer.zero_grad()
            names["loss"].backward()
            self.explanation: Explanation = names["explanation"]
            self.loss = float(names["loss"].item())
            self.gradients = _arrays(self.model, of_gradients=True)
            optimizer.step()
            self.after = _arrays(self.model)
        self.before = _arrays(session.model)
        self.paths = [str(session._index(block)) for block in session.blocks]

    def _keep(self, module: Any, inputs: Any, output: Any) -> None:
        self.outputs.append(output.array)

    # --- a weight ------------------------------------------------------------------------------

    def weight(self, layer: int, unit: int, source: int) -> dict[str, Any]:
        """The terms of the gradient of a weight: ∂L/∂w = Σₙ gₙ xₙ, over the samples of the batch.

        x is what comes from the unit or feature `source`, and g the gradient of the loss with
        respect to the sum z of the unit.
        """
        self._check(layer, unit)
        x, g = self._linear(layer)
        if not 0 <= source < x.shape[1]:
            raise ArgumentError(f"layer {layer} has inputs 0 to {x.shape[1] - 1}; got {source}")
        name = f"{self.paths[layer]}.weight"
        w = float(self.before[name][unit, source])
        products = x[:, source].astype(np.float64) * g[:, unit]
        order = np.argsort(-np.abs(products), kind="stable")[:MOST_TERMS]
        rest = len(products) - len(order)
        penalties = []
        if self.settings.l1:
            penalties.append(["L1", self.settings.l1 * float(np.sign(w))])
        if self.settings.l2:
            penalties.append(["L2", self.settings.l2 * w])
        return {
            "name": f"{name}[{unit}, {source}]",
            "value": w,
            "gradient": float(self.gradients[name][unit, source]),
            "after": float(self.after[name][unit, source]),
            "terms": [
                [int(n), float(x[n, source] + 0.0), float(g[n, unit]), float(products[n] + 0.0)]
                for n in order
            ],
            "rest": [rest, float(products.sum() - products[order].sum())],
            "sum": float(products.sum()),
            "penalties": penalties,
        }

    # --- a unit --------------------------------------------------------------------------------

    def unit(self, layer: int, unit: int, sample: int = 0) -> dict[str, Any]:
        """The sum of a unit for a sample, z = Σⱼ wⱼ xⱼ + b, and the gradient that comes back to it.

        `forward` has rows of j, xⱼ, wⱼ and their product; `backward` the terms of the gradient at
        the unit's output: rows of the next layer's k, gₖ, wₖ and their product.
        """
        self._check(layer, unit)
        x, g = self._linear(layer)
        if not 0 <= sample < len(x):
            raise ArgumentError(f"the batch has samples 0 to {len(x) - 1}; got {sample}")
        weights = self.before[f"{self.paths[layer]}.weight"][unit]
        bias = self.before.get(f"{self.paths[layer]}.bias")
        products = x[sample].astype(np.float64) * weights
        b = 0.0 if bias is None else float(bias[unit])
        backward: list[list[float]] = []
        if layer + 1 < len(self.paths):
            _, following = self._linear(layer + 1)
            outgoing = self.before[f"{self.paths[layer + 1]}.weight"][:, unit]
            back = following[sample].astype(np.float64) * outgoing
            backward = [
                [k, float(following[sample, k]), float(outgoing[k]), float(back[k] + 0.0)]
                for k in range(len(outgoing))
            ]
        return {
            "name": f"unit {unit + 1}",
            "sample": sample,
            "forward": [
                [j, float(x[sample, j] + 0.0), float(weights[j]), float(products[j] + 0.0)]
                for j in range(len(weights))
            ],
            "bias": None if bias is None else b,
            "sum": float(products.sum() + b),
            "output": float(self.outputs[layer][sample, unit]),
            "backward": backward,
            "gradient_of_output": sum(row[3] for row in backward) if backward else None,
            "gradient": float(g[sample, unit]),
        }

    # --- all steps -----------------------------------------------------------------------------

    def steps(self, sample: int = 0) -> list[dict[str, Any]]:
        """The operations forward, then backward; of what has a row for each sample, one row.

        Each is a dict of `phase`, `number`, `title`, `where`, and `lines`, which are triples of a
        text, a formula in LaTeX or "", and numbers.
        """
        size = len(self.inputs)
        if not 0 <= sample < size:
            raise ArgumentError(f"the batch has samples 0 to {size - 1}; got {sample}")
        steps = self.explanation.steps
        rows = _of_samples(steps, size)
        found = [_forward(step, rows, sample) for step in steps]
        return found + [_backward(step, rows, sample) for step in reversed(steps)]

    def samples(self) -> list[list[float]]:
        """The inputs of the samples of the batch, and their classes at the end."""
        labels = self.target.array
        labels = labels if labels.ndim == 1 else labels.argmax(axis=1)
        rows = self.inputs.array.tolist()
        return [[*row, int(label)] for row, label in zip(rows, labels, strict=True)]

    # --- help ----------------------------------------------------------------------------------

    def _check(self, layer: int, unit: int) -> None:
        if not 0 <= layer < len(self.linears):
            raise ArgumentError(f"there are layers 0 to {len(self.linears) - 1}; got {layer}")
        units = self.linears[layer].out_features
        if not 0 <= unit < units:
            raise ArgumentError(f"layer {layer} has units 0 to {units - 1}; got {unit}")

    def _linear(self, layer: int) -> tuple[Array, Array]:
        """What a linear layer gets, and the gradient with respect to what it gives."""
        name = f"model.{self.paths[layer]}.weight"
        for step in self.explanation.steps:
            found = {operand.name: operand for operand in step.operands}
            if "weight" in found and found["weight"].label == name and step.gradient is not None:
                return _array(found["x"]), step.gradient
        raise ArgumentError(f"the explanation has no layer {layer}")


def _array(operand: Operand) -> Array:
    array = operand.constant if operand.value is None else operand.value.array
    return np.asarray(array)


def _arrays(model: Any, *, of_gradients: bool = False) -> dict[str, Array]:
    """Copies of the parameters, or of their gradients (zeros where there is none)."""
    found = {}
    for name, p in model.named_parameters():
        array = p.array
        if of_gradients:
            array = np.zeros_like(array) if p.gradient is None else p.gradient.array
        found[name] = array.copy()
    return found


def _line_of_loss(program: str) -> str:
    """The line that computes the loss, at the line that it has in the program."""
    lines = program.split("\n")
    n = next(i for i, line in enumerate(lines) if line.startswith("        loss = loss_of("))
    return "\n" * n + lines[n].strip()


def _execute(source: str, names: dict[str, Any]) -> None:
    """Run a line of the printed program, so that the explanation has its names and its place."""
    exec(compile(source, FILE, "exec"), names)  # noqa: S102 - our own text, made of checked names


def _of_samples(steps: list[Step], size: int) -> set[str]:
    """The names of the values that have a row for each sample: the inputs, and what follows."""
    found = {"x"}
    for step in steps:
        array = step.value
        has_rows = array is not None and array.ndim == 2 and len(array) == size
        if has_rows and any(operand.label in found for operand in step.operands):
            found.add(step.result.name)
    return found


def _forward(step: Step, rows: set[str], sample: int) -> dict[str, Any]:
    formula = formula_of(step.op)
    lines = []
    if formula:
        lines.append(["", f"z = {formula.value}", ""])
    if step.value is not None:
        lines.append(["", "z", _numbers(step.value, step.result.name in rows, sample)])
    return {
        "phase": "forward",
        "number": step.number,
        "title": f"{step.result.name} = {call_of(step)}",
        "where": whereabouts(step),
        "lines": lines,
    }


def _backward(step: Step, rows: set[str], sample: int) -> dict[str, Any]:
    formula = formula_of(step.op)
    lines = []
    if step.gradient is not None:
        lines.append(["", "g", _numbers(step.gradient, step.result.name in rows, sample)])
    for operand in step.operands:
        if operand.value is None or not operand.value.needs_grad:
            continue
        rule = formula.gradient(operand.name) if formula else None
        left = rf"\bar{{{symbol(operand.name)}}}" + (f" = {rule}" if rule else "")
        share = operand.share
        text = "" if share is None else _numbers(share, operand.label in rows, sample)
        lines.append([f"to {operand.value.name}", left, text])
    return {
        "phase": "backward",
        "number": step.number,
        "title": f"{step.result.name}: the gradient of the loss",
        "where": whereabouts(step),
        "lines": lines,
    }


def _numbers(array: Array, has_rows: bool, sample: int) -> str:
    """The numbers of an array; of one with a row for each sample, those of one sample."""
    array = np.asarray(array)
    return numbers(array[sample] if has_rows else array, MOST_NUMBERS)
