"""Checks of the optimizer: which parameters it holds, and its options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from dlframe.nn import Module
from dlframe.optim import Optimizer
from dlframe.training.doctor.case import Case, listed
from dlframe.training.doctor.report import Finding


def held(optimizer: Optimizer) -> list[Any]:
    """All parameters that an optimizer holds, as often as it holds them."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def optimizer_parameters(case: Case) -> Iterator[Finding]:
    """The optimizer holds each trainable parameter of the model, once, and no other."""
    if case.optimizer is None:
        return
    named = dict(case.model.named_parameters())
    trainable = {id(p): name for name, p in named.items() if p.requires_grad}
    ours = {id(p) for p in named.values()}
    if isinstance(case.loss, Module):
        ours |= {id(p) for p in case.loss.parameters()}
    counts = Counter(id(p) for p in held(case.optimizer))
    missing = [name for key, name in trainable.items() if key not in counts]
    foreign = [p for p in held(case.optimizer) if id(p) not in ours]
    kind = type(case.optimizer).__name__
    if trainable and len(missing) == len(trainable):
        yield Finding(
            "error", kind,
            f"it holds none of the {len(trainable)} trainable parameters of the model",
            float(len(missing)),
            "it steps other tensors, and the model never changes: often the model was made, copied "
            "or converted after the optimizer",
            "make the optimizer last, from model.parameters()",
        )  # fmt: skip
        return
    if missing:
        yield Finding(
            "warning", kind,
            f"it does not hold {len(missing)} of {len(trainable)} trainable parameters: "
            f"{listed(missing)}",
            float(len(missing)),
            "they keep their initial values",
            "pass all of model.parameters(), or requires_grad_(False) for those meant to stay",
        )  # fmt: skip
    if foreign:
        shapes = listed([str(list(p.shape)) for p in foreign])
        yield Finding(
            "warning", kind,
            f"it holds {len(foreign)} tensors that are not the model's, of shapes {shapes}",
            float(len(foreign)),
            "they are stepped without need, or belong to an older copy of the model",
            "make the optimizer from this model's parameters()",
        )  # fmt: skip
    names = {id(p): name for name, p in named.items()}
    twice = [names.get(key, "a tensor") for key, n in counts.items() if n > 1]
    if twice:
        yield Finding(
            "error", kind,
            f"it holds {len(twice)} parameters more than once: {listed(twice)}",
            float(len(twice)),
            "each step is made twice, with the momentum of both",
            "list each parameter in one group only",
        )  # fmt: skip
    fixed = [n for n, p in named.items() if not p.requires_grad and id(p) in counts]
    if fixed:
        yield Finding(
            "note", kind, f"it holds {len(fixed)} frozen parameters: {listed(fixed)}",
            float(len(fixed)),
            "they have no gradient, and are left as they are",
            "nothing, or pass only those with requires_grad",
        )  # fmt: skip


def tied(case: Case) -> Iterator[Finding]:
    """Parameters that the model has under two names."""
    every = list(case.model.named_parameters(remove_duplicate=False))
    first: dict[int, str] = {}
    pairs = [
        f"{first[id(p)]} = {name}" for name, p in every if first.setdefault(id(p), name) != name
    ]
    if pairs:
        yield Finding(
            "note", "parameters", f"{len(pairs)} parameters are shared: {listed(pairs)}",
            float(len(pairs)), "their gradients are added", "nothing, if this is meant",
        )  # fmt: skip


def weight_decay(case: Case) -> Iterator[Finding]:
    """Weight decay on biases and on the scales of normalizations."""
    if case.optimizer is None:
        return
    names = {id(p): name for name, p in case.model.named_parameters()}
    small = [
        names[id(p)]
        for group in case.optimizer.param_groups
        if float(group.get("weight_decay") or 0) > 0
        for p in group["params"]
        if p.ndim <= 1 and id(p) in names
    ]
    if small:
        rate = max(float(g.get("weight_decay") or 0) for g in case.optimizer.param_groups)
        yield Finding(
            "note", type(case.optimizer).__name__,
            f"weight decay {rate:g} also acts on {len(small)} biases and scales: "
            f"{listed(small, 3)}",
            float(len(small)),
            "pulled to 0, they do not make the function simpler; most recipes leave them out",
            "two groups: parameters with ndim ≥ 2 with weight decay, all others with 0",
        )  # fmt: skip


def no_rate(case: Case) -> Iterator[Finding]:
    """A learning rate of 0."""
    if case.optimizer is None:
        return
    groups = case.optimizer.param_groups
    still = [i for i, group in enumerate(groups) if "lr" in group and float(group["lr"]) == 0]
    # a schedule that warms up begins at 0 and notes the rate that it goes to
    if still and not any("initial_lr" in groups[i] for i in still):
        yield Finding(
            "error" if len(still) == len(groups) else "warning", type(case.optimizer).__name__,
            f"the learning rate of {len(still)} of {len(groups)} groups is 0", 0.0,
            "nothing is learned", "set lr",
        )  # fmt: skip
