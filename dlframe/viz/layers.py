"""What pictures of a network's inside may be given, and which of its layers they draw."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.nn import Module
from dlframe.tensor import Tensor, to_array
from dlframe.training.callbacks.layers import (
    KINDS,
    LayerLog,
    check_kind,
    outputs_of,
    read_layers,
)
from dlframe.training.data.inputs import InputForm
from dlframe.training.distributions import QUANTILES, Array, Course, Pool
from dlframe.training.evaluator import Evaluator
from dlframe.viz import given

Named = Mapping[str, Any] | Iterable[tuple[str, Any]]
Moment = Module | Evaluator | Named
Log = LayerLog | str | os.PathLike[str]
Names = str | Sequence[str]

WORDS = {
    "weights": "weights",
    "gradients": "gradients",
    "outputs": "outputs",
    "output_gradients": "gradients of outputs",
}
MOST = 1_000_000  # values of a tensor in a histogram


def is_log(source: Any) -> bool:
    """Whether it is a log of layers or its file."""
    return isinstance(source, (LayerLog, str, os.PathLike))


def log_of(where: str, source: Any) -> LayerLog:
    """The log, which may be in a file; TypeError for anything else."""
    if isinstance(source, LayerLog):
        return source
    if isinstance(source, (str, os.PathLike)):
        return read_layers(source)
    raise TypeError(
        f"{where}: expected a training.LayerLog or the path of its file; got "
        f"{type(source).__name__}"
    )


def named_values(where: str, source: Any, kind: str) -> dict[str, NDArray[Any]]:
    """The weights or the gradients of a model or of named parameters; without, it is left out."""
    if given.is_model(source):
        source = (source if isinstance(source, Module) else source.model).named_parameters()
    pairs = list(source.items() if isinstance(source, Mapping) else _pairs(where, source))
    if kind == "weights":
        return {name: to_array(value) for name, value in pairs}
    found = {}
    for name, value in pairs:
        grad = value.grad if isinstance(value, Tensor) else value
        if grad is not None:
            found[name] = to_array(grad)
    if pairs and not found:
        raise ArgumentError(
            f"{where}: none of the {len(pairs)} parameters has a gradient; call loss.backward() "
            "before, and zero_grad() after"
        )
    return found


def _pairs(where: str, source: Any) -> list[tuple[str, Any]]:
    pairs = list(source) if isinstance(source, Iterable) else None
    if pairs is None or not all(isinstance(one, tuple) and len(one) == 2 for one in pairs):
        raise TypeError(
            f"{where}: expected a model, its named_parameters(), a training.LayerLog or the path "
            f"of its file; got {type(source).__name__}"
        )
    return pairs


def moment_of(
    where: str, source: Any, batch: Any, kind: str, bins: int, layers: Names | None
) -> dict[str, Course]:
    """One distribution for each tensor of a kind: of a model as it is, or in a call of it."""
    check_kind(where, kind, KINDS[:-1])
    if kind in ("weights", "gradients"):
        pools = {}
        for name, array in chosen(where, named_values(where, source, kind), layers).items():
            pools[name] = Pool(MOST)
            pools[name].add(array)
    elif kind == "output_gradients":
        raise ArgumentError(
            f"{where}: the gradients of outputs are known while training goes on; record them with "
            "a training.LayerLog, and pass that"
        )
    else:
        if not given.is_model(source) or batch is None:
            raise ArgumentError(f"{where}: the outputs of layers need a model and batch=, a batch")
        pools = chosen(where, _outputs(source, batch), layers)
    return {name: Course.of([pool.row(QUANTILES, bins)], QUANTILES) for name, pool in pools.items()}


def _outputs(source: Any, batch: Any) -> dict[str, Pool]:
    model = source if isinstance(source, Module) else source.model
    inputs = batch if isinstance(batch, tuple) else (batch,)
    tensors = [one if isinstance(one, Tensor) else Tensor(np.asarray(one)) for one in inputs]
    return outputs_of(model, InputForm(None).bring(tensors, model, lambda some: model(*some)))


def chosen(
    where: str, values: Mapping[str, Any], layers: Names | None, *, biases: bool = True
) -> dict[str, Any]:
    """The entries whose names fit one of the patterns, or lie in a layer that does."""
    patterns = [layers] if isinstance(layers, str) else layers
    if patterns is None:
        found = dict(values)
    else:
        found = {}
        for pattern in patterns:
            fitting = {name: v for name, v in values.items() if _fits(name, pattern)}
            if not fitting:
                raise ArgumentError(
                    f"{where}: nothing has a name like {pattern!r}."
                    f"{did_you_mean(pattern, values)} There are {', '.join(values) or 'none'}"
                )
            found |= fitting
        found = {name: value for name, value in values.items() if name in found}
    if biases:
        return found
    # a model of nothing but biases is drawn
    return {name: v for name, v in found.items() if name.split(".")[-1] != "bias"} or found


def _fits(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"{pattern}.*")


def courses_of(where: str, log: LayerLog, kind: str, layers: Names | None) -> dict[str, Course]:
    """The courses of a kind in a log; none if the log has no entry yet."""
    check_kind(where, kind, KINDS[:-1])
    courses = log.courses(kind)
    if len(log) and not courses:
        raise ArgumentError(
            f"{where}: the log has no {kind}; make it with kinds that have {kind!r}, and look at "
            "layers that the model calls"
        )
    return chosen(where, courses, layers) if len(log) else {}


def label_of(name: str, log: LayerLog | None) -> str:
    """The name of a layer with its class, where that is known."""
    kind = None if log is None else log.types.get(name)
    return name if kind in (None, name) else f"{name} {kind}"


def ending(name: str, limit: int) -> str:
    """The name, or as much of its end as fits: that is where names of layers differ."""
    name = " ".join(name.split())
    return name if len(name) <= limit else f"…{name[1 - limit :]}"


def entry_of(where: str, log: LayerLog, step: int | None) -> int:
    """The place of an entry; the last one unless a step is given."""
    if step is None:
        return len(log) - 1
    if step not in log.steps:
        near = sorted(log.steps, key=lambda one: abs(one - step))[:3]
        raise ArgumentError(
            f"{where}: the log has no entry of step {step}; the nearest are "
            f"{', '.join(map(str, sorted(near))) or 'none'}"
        )
    return log.steps.index(step)


def borders(steps: Sequence[int]) -> Array:
    """The borders (n + 1,) between columns for these steps: in the middle between two."""
    x = np.asarray(steps, np.float64)
    if len(x) < 2:
        return np.array([x[0] - 0.5, x[0] + 0.5])
    middle = (x[1:] + x[:-1]) / 2
    return np.concatenate([[2 * x[0] - middle[0]], middle, [2 * x[-1] - middle[-1]]])
