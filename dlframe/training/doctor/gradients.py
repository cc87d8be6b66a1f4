"""Checks of the gradients at the start: is there one for each parameter, and of which size?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlframe.nn import Module
from dlframe.nn.parameter import Parameter
from dlframe.ops.record import Node
from dlframe.tensor import Tensor
from dlframe.training.doctor.case import Case, listed, rows_alike
from dlframe.training.doctor.report import Finding
from dlframe.training.doctor.rows import Array

# float32 rounds to 1.2e-7 of a number near 1; and Adam's eps is 1e-8, so that a gradient near it
# makes smaller steps than the learning rate says.
_VANISHED = 1e-7

# Of the gradients of two layers, relative to their weights: while the one moves by its own size,
# the other moves by a hundred thousandth.
_APART = 1e-5

# A step of SGD with rate 0.01 then is as large as the weights.
_EXPLODED = 100.0


def detached(case: Case) -> Iterator[Finding]:
    """A loss that leads back to no parameter."""
    seen = case.seen
    if seen is None or seen.loss.requires_grad:
        return
    trainable = [name for name, p in case.model.named_parameters() if p.requires_grad]
    if not trainable:
        yield Finding(
            "error", "parameters",
            "no parameter of the model is to be trained"
            + ("" if not list(case.model.parameters()) else ": all have requires_grad=False"),
            0.0,
            "training would change nothing",
            "requires_grad_(True) on those to train",
        )  # fmt: skip
        return
    yield Finding(
        "error", "the loss",
        f"it has no gradient: none of the {len(trainable)} trainable parameters leads to it",
        float(len(trainable)),
        "something on the way leaves the graph: .detach(), .item(), .numpy(), .data, argmax, "
        "rounding, a comparison, or no_grad()",
        "compute the loss from the model's output by differentiable operations only",
    )  # fmt: skip


def unused_parameters(case: Case) -> Iterator[Finding]:
    """Trainable parameters that got no gradient in any of three batches."""
    start = case.start
    if start is None:
        return
    trainable = [name for name, p in case.model.named_parameters() if p.requires_grad]
    unused = [name for name in trainable if not start.ever[name]]
    if unused:
        yield Finding(
            "warning", "parameters",
            f"{len(unused)} of {len(trainable)} trainable parameters get no gradient: "
            f"{listed(unused)}",
            float(len(unused)),
            "forward does not use them, or what they make leaves the graph (detach, .data)",
            "use them, remove them, or say requires_grad_(False)",
        )  # fmt: skip


def zero_gradients(case: Case) -> Iterator[Finding]:
    """Parameters whose gradient is exactly 0, at first and after three steps."""
    start = case.start
    if start is None:
        return
    zero = [name for name, g in start.later.items() if g is not None and not start.moved[name]]
    if zero:
        parameters = dict(case.model.named_parameters())
        yield Finding(
            # of a bias alone they may cancel, as that of a difference of two means
            "warning" if any(parameters[name].ndim > 1 for name in zero) else "note",
            "gradients",
            f"the gradients of {listed(zero)} are exactly 0, also after three steps",
            float(len(zero)),
            "what they make has no effect: units that are never active, a product with 0, or "
            "several layers that all begin with 0",
            "look at the activations there (dead-units), and at the initial weights",
        )  # fmt: skip


def gradient_sizes(case: Case) -> Iterator[Finding]:
    """The root mean square of each weight's gradient, against the weight's, and each other's."""
    start = case.start
    if case.broke_after:
        yield Finding(
            "error", "gradients",
            f"the first loss is finite, but after {case.broke_after} steps of Adam with rate 0.001 "
            "it is nan or infinite",
            float(case.broke_after),
            "a gradient is nan or infinite: the slope of sqrt or of a norm at 0, a power, "
            "a division",
            "sqrt(x + eps); `with dl.autograd.detect_anomaly():` around backward names the line",
        )  # fmt: skip
    if start is None:
        return
    parameters = dict(case.model.named_parameters())
    sizes: dict[str, float] = {}
    for name, g in start.later.items():
        if g is None or parameters[name].array.ndim < 2 or not g.any() or not g.size:
            continue
        sizes[name] = _rms(g[g != 0])  # an embedding has gradients of the rows that were used
    # relative to the weights; those that begin with 0 have no size yet
    relative = {
        name: size / weight
        for name, size in sizes.items()
        if (weight := _rms(parameters[name].array)) > 0
    }
    if len(sizes) < 2 or not relative:
        return  # of a single layer, gradients may cancel by chance
    smallest = min(sizes, key=lambda name: sizes[name])
    most, least = max(relative, key=lambda n: relative[n]), min(relative, key=lambda n: relative[n])
    if sizes[smallest] < _VANISHED or relative[least] < _APART * relative[most]:
        name = smallest if sizes[smallest] < _VANISHED else least
        yield Finding(
            "warning", name,
            f"its gradient is {sizes[name]:.2g} (root mean square), that of {most} "
            f"{sizes[most]:.2g}: gradients vanish on the way back",
            sizes[name],
            "this layer hardly learns: its steps are lost in rounding, or in the noise of batches",
            "relu or gelu instead of sigmoid or tanh, normalization layers, shortcuts around "
            "layers, initial weights for the activation (nn.init.kaiming_normal_)",
        )  # fmt: skip
    if relative[most] > _EXPLODED:
        yield Finding(
            "warning", most,
            f"its gradient is {relative[most]:.3g} times as large as its weights "
            f"({sizes[most]:.3g}, root mean square)",
            relative[most],
            "one step of SGD with rate 0.01 replaces the weights",
            "scale inputs and targets to variance 1, draw smaller initial weights, or clip: "
            "Trainer(…, clip_grad_norm=1.0)",
        )  # fmt: skip


def _rms(array: Array) -> float:
    return float(np.sqrt(np.mean(np.square(array.astype(np.float64))))) if array.size else 0.0


def symmetric_weights(case: Case) -> Iterator[Finding]:
    """Units that begin alike, and whose gradients are alike, stay alike."""
    start = case.start
    if start is None:
        return
    if start.alike:
        units = {name: len(dict(case.model.named_parameters())[name].array) for name in start.alike}
        yield Finding(
            "warning", listed(start.alike),
            f"all {units[start.alike[0]]} rows of {start.alike[0]} are equal, also after three "
            f"steps ({len(start.alike)} such weights)",
            float(units[start.alike[0]]),
            "units with equal weights get equal gradients: the layer works as a single unit",
            "random initial weights: nn.init.kaiming_uniform_, or the layer's own default",
        )  # fmt: skip
        return
    weights = [(n, p) for n, p in case.model.named_parameters() if p.array.ndim >= 2]
    alike = [name for name, p in weights[:-1] if rows_alike(p.array) and p.requires_grad]
    if alike:
        yield Finding(
            "note", listed(alike),
            "all rows of a weight begin equal; their gradients differ",
            float(len(alike)),
            "other layers break the symmetry, but slowly",
            "random initial weights, unless this is meant (as in a residual branch)",
        )  # fmt: skip


def frozen(case: Case) -> Iterator[Finding]:
    """Parameters that are not to be trained."""
    named = list(case.model.named_parameters())
    fixed = [name for name, p in named if not p.requires_grad]
    if not fixed or len(fixed) == len(named):
        return
    last = named[-1][0]
    if last in fixed:
        learned = [name for name, p in named if p.requires_grad]
        yield Finding(
            "warning", last,
            f"the last layer is frozen, while {len(learned)} parameters before it are trained "
            f"({listed(learned, 3)})",
            float(len(fixed)),
            "in fine-tuning it is the other way round: the first layers stay, the last is learned",
            "requires_grad_(True) on the last layer",
        )  # fmt: skip
        return
    yield Finding(
        "note", "parameters",
        f"{len(fixed)} of {len(named)} parameters are frozen: {listed(fixed)}",
        float(len(fixed)),
        "they keep their values",
        "requires_grad_(True), if they are to be trained",
    )  # fmt: skip


def hidden_parameters(case: Case) -> Iterator[Finding]:
    """Trainable tensors in the graph of the loss that the model's parameters() does not list."""
    known = {id(p) for p in case.model.parameters()}
    if isinstance(case.loss, Module):
        known |= {id(p) for p in case.loss.parameters()}
    held = {
        id(p)
        for group in (case.optimizer.param_groups if case.optimizer is not None else ())
        for p in group["params"]
    }
    places = _places(case.model, known)
    found = {id(leaf): leaf for leaf in _leaves(case) if id(leaf) not in known | held}
    given = {id(part) for part in (case.batch[0] if case.batches else ())}
    foreign = [leaf for key, leaf in found.items() if key not in given]
    names = [places.get(id(leaf), f"a tensor of shape {list(leaf.shape)}") for leaf in foreign]
    names += [name for key, name in places.items() if key not in found]
    if names:
        yield Finding(
            "warning", "parameters",
            f"{len(names)} trainable tensors are not among the model's parameters: "
            f"{listed(names)}",
            float(len(names)),
            "parameters() and state_dict() do not list them, so they are neither trained nor "
            "saved; a plain list or dict of layers hides them, and so does a layer that forward "
            "makes anew",
            "nn.ModuleList, nn.ModuleDict or nn.ParameterList; nn.Parameter for a tensor; make "
            "layers in __init__",
        )  # fmt: skip


def _places(model: Module, known: set[int]) -> dict[int, str]:
    """Parameters in plain containers of a model, by their ids, with names."""
    found: dict[int, str] = {}
    for path, part in model.named_modules():
        for name, value in vars(part).items():
            if not isinstance(value, (list, tuple, dict)):
                continue
            entries = value.items() if isinstance(value, dict) else enumerate(value)
            for key, entry in entries:
                where = f"{path}.{name}[{key!r}]".removeprefix(".")
                inner: list[tuple[str, Any]] = []
                if isinstance(entry, Module):
                    inner = [(f"{where}.{n}", p) for n, p in entry.named_parameters()]
                elif isinstance(entry, Parameter):
                    inner = [(where, entry)]
                found |= {id(p): n for n, p in inner if id(p) not in known and p.requires_grad}
    return found


def _leaves(case: Case) -> Iterator[Tensor]:
    """The leaves of the graph of the loss."""
    if case.seen is None or case.seen.loss.node is None:
        return
    todo: list[Any] = [case.seen.loss.node]
    seen = {id(todo[0])}
    while todo:
        node = todo.pop()
        for target in node.targets:
            if target is None or id(target) in seen:
                continue
            seen.add(id(target))
            if target.__class__ is Node:
                todo.append(target)
            elif isinstance(target, Tensor) and target.requires_grad:
                yield target
