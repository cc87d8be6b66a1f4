"""Samples of dlframe/ops/losses.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.table import Array, Numbers, Sample

n = Numbers(7)
REDUCTIONS = ("mean", "sum", "none")


def reduced(values: Array, reduction: str, count: Any = None) -> Any:
    if reduction == "none":
        return values
    total = values.sum()
    return total if reduction == "sum" else total / (values.size if count is None else count)


def mse_loss(x: Array, y: Array, reduction: str) -> Any:
    return reduced((x - y) ** 2, reduction)


def l1_loss(x: Array, y: Array, reduction: str) -> Any:
    return reduced(np.abs(x - y), reduction)


def huber_loss(x: Array, y: Array, delta: float, reduction: str) -> Any:
    d = np.abs(x - y)
    return reduced(np.where(d < delta, d**2 / 2, delta * (d - delta / 2)), reduction)


def bce(x: Array, y: Array, weight: Any = None, *, reduction: str) -> Any:
    values = -(y * np.log(x) + (1 - y) * np.log(1 - x))
    return reduced(values if weight is None else values * weight, reduction)


def bce_with_logits(
    x: Array, y: Array, weight: Any = None, pos_weight: Any = None, *, reduction: str
) -> Any:
    p = 1 / (1 + np.exp(-x))
    values = -((1 if pos_weight is None else pos_weight) * y * np.log(p) + (1 - y) * np.log(1 - p))
    return reduced(values if weight is None else values * weight, reduction)


def cross_entropy(
    x: Array, target: Array, weight: Any = None, ignore_index: int = -100, label_smoothing: float = 0.0, *, reduction: str
) -> Any:  # fmt: skip
    """One target after the other."""
    classes = x.shape[min(1, x.ndim - 1)]
    w = np.ones(classes) if weight is None else weight
    values, total = np.zeros(target.shape), 0.0
    for place in np.ndindex(target.shape):
        t = int(target[place])
        if t == ignore_index:
            continue
        row = x[(place[0], slice(None), *place[1:])] if place else x
        logp = row - np.log(np.exp(row).sum())
        q = w * label_smoothing / classes
        q[t] += w[t] * (1 - label_smoothing)
        values[place] = -(q * logp).sum()
        total += w[t]
    return reduced(values, reduction, total)


def nll_loss(
    x: Array, target: Array, weight: Any = None, ignore_index: int = -100, *, reduction: str
) -> Any:
    classes = x.shape[min(1, x.ndim - 1)]
    w = np.ones(classes) if weight is None else weight
    values, total = np.zeros(target.shape), 0.0
    for place in np.ndindex(target.shape):
        t = int(target[place])
        if t != ignore_index:
            values[place] = -w[t] * x[(place[0], t, *place[1:]) if place else (t,)]
            total += w[t]
    return reduced(values, reduction, total)


def hinge_loss(x: Array, target: Array, margin: float, p: int, reduction: str) -> Any:
    return reduced(np.maximum(0, margin - target * x) ** p, reduction)


def soft_margin_loss(x: Array, target: Array, reduction: str) -> Any:
    return reduced(np.log(1 + np.exp(-target * x)), reduction)


def classes(lib: Any, name: str, x: Any, options: dict[str, Any]) -> Any:
    """The public function with tensors instead of arrays."""
    given = dict(options)
    target = lib.as_tensor(given.pop("target"))
    if "weight" in given:
        given["weight"] = lib.as_tensor(given["weight"]).to(x.dtype)
    return getattr(lib.nn.functional, name)(x, target, **given)


def of_classes(op: str, reference: Any, x: Array, **options: Any) -> list[Sample]:
    return [
        Sample(op, (x,), {**options, "reduction": r}, reference=reference,
               call=lambda lib, x, o={**options, "reduction": r}: classes(lib, op, x, o))
        for r in REDUCTIONS
    ]  # fmt: skip


def of_pairs(op: str, reference: Any, *inputs: Any, **options: Any) -> list[Sample]:
    return [
        Sample(op, inputs, {**options, "reduction": r}, reference=reference, public=f"nn.functional.{op}",
               public_options={**options, "reduction": r})
        for r in REDUCTIONS
    ]  # fmt: skip


def with_weights(lib: Any, name: str, inputs: tuple[Any, ...], reduction: str) -> Any:
    names = ("weight", "pos_weight")
    given = {k: v for k, v in zip(names, inputs[2:], strict=False) if v is not None}
    return getattr(lib.nn.functional, name)(*inputs[:2], **given, reduction=reduction)


def of_probabilities(op: str, reference: Any, *inputs: Any) -> list[Sample]:
    return [
        Sample(op, inputs, {"reduction": r}, reference=reference, fixed=(2, 3),
               call=lambda lib, *xs, r=r: with_weights(lib, op, xs, r))
        for r in REDUCTIONS
    ]  # fmt: skip


signs = (2 * n.ints(0, 2, 3, 4) - 1).astype(np.int8)
weights, labels, ignored = n.ints(1, 4, 4), n.ints(0, 4, 5), np.array([1, -100, 3, 0, -100])
probability, chance = (n.unit(3, 4) + 1) / 2, (n.unit(3, 4) + 1) / 2

SAMPLES = [
    *of_pairs("mse_loss", mse_loss, n.away(3, 4), n.away(3, 4)),
    *of_pairs("l1_loss", l1_loss, n.spread(3, 4), n.spread(3, 4) + 0.07),
    *of_pairs("huber_loss", huber_loss, n.spread(3, 4), n.spread(3, 4) + 0.07, delta=0.71),
    *of_probabilities("binary_cross_entropy", bce, probability, chance),
    *of_probabilities("binary_cross_entropy", bce, probability, chance, n.positive(3, 4)),
    *of_probabilities("binary_cross_entropy_with_logits", bce_with_logits, n.away(3, 4), chance),
    *of_probabilities("binary_cross_entropy_with_logits", bce_with_logits, n.away(3, 4), chance, n.positive(3, 4)),
    *of_probabilities("binary_cross_entropy_with_logits", bce_with_logits, n.away(3, 4), chance, None, n.positive(4)),
    *of_classes("cross_entropy", cross_entropy, n.away(5, 4), target=labels),
    *of_classes("cross_entropy", cross_entropy, n.away(4), target=np.array(2)),
    *of_classes("cross_entropy", cross_entropy, n.away(2, 4, 3), target=n.ints(0, 4, 2, 3)),
    *of_classes("cross_entropy", cross_entropy, n.away(5, 4), target=ignored),
    *of_classes("cross_entropy", cross_entropy, n.away(5, 4), target=labels, weight=weights),
    *of_classes("cross_entropy", cross_entropy, n.away(5, 4), target=ignored, weight=weights, label_smoothing=0.2),
    *of_classes("cross_entropy", cross_entropy, n.away(5, 4), target=labels, label_smoothing=0.1),
    *of_classes("cross_entropy", cross_entropy, n.away(5, 4), target=labels, ignore_index=1),
    *of_classes("nll_loss", nll_loss, -n.positive(5, 4), target=labels),
    *of_classes("nll_loss", nll_loss, -n.positive(4), target=np.array(2)),
    *of_classes("nll_loss", nll_loss, -n.positive(2, 4, 3), target=n.ints(0, 4, 2, 3), weight=weights),
    *of_classes("nll_loss", nll_loss, -n.positive(5, 4), target=ignored, weight=weights),
    *(
        Sample("hinge_loss", (n.away(3, 4),), {"target": signs, "margin": 1.1, "p": p, "reduction": r},
               reference=hinge_loss)
        for p in (1, 2)
        for r in REDUCTIONS
    ),
    *of_classes("soft_margin_loss", soft_margin_loss, n.away(3, 4), target=signs),
]  # fmt: skip
