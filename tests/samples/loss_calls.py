"""Calls of the losses of numbers and of classes, argument by argument."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.functional import case, custom, ints, of
from samples.table import Array, Call, Numbers

n = Numbers(11)
inf = math.inf
REDUCTIONS = ("mean", "sum", "none")


# --- of numbers --------------------------------------------------------------------------------

a, b, w = n.spread(3, 4), n.spread(3, 4) + 0.07, n.positive(3, 4)
probability, chance = n.rng.uniform(0.05, 0.95, (3, 4)), n.rng.uniform(0, 1, (3, 4))
edges = np.array([0.0, 1.0, 0.0, 1.0, 0.5]), np.array([0.0, 0.0, 1.0, 1.0, 0.3])
far = np.array([-800.0, -30.0, 0.0, 30.0, 800.0]), np.array([0.0, 1.0, 0.5, 0.0, 1.0])


def weighted(name: str, case: str, *inputs: Array, order: int = 2, **options: Any) -> Call:
    """The last input is the weight, by keyword."""
    return custom(
        f"{name}: {case}", lambda lib, F, x, y, w: getattr(F, name)(x, y, weight=w, **options), inputs, order
    )  # fmt: skip


def constant(name: str, case: str, x: Array, y: Array, order: int = 2, **arrays: Any) -> Call:
    """Arrays among the options become tensors without gradient."""

    def run(lib: Any, F: Any, x: Any, y: Any) -> Any:
        given = {
            key: lib.tensor(v).to(x.dtype) if isinstance(v, np.ndarray) else v
            for key, v in arrays.items()
        }
        return getattr(F, name)(x, y, **given)

    return custom(f"{name}: {case}", run, (x, y), order)


NUMBERS = [
    *(of(name, reduction, a, b, reduction=reduction)
      for name in ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss") for reduction in REDUCTIONS),
    *(of(name, f"empty {reduction}", a[:0], b[:0], reduction=reduction, order=0)
      for name in ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss") for reduction in REDUCTIONS),
    *(of(name, "equal", a, a, reduction="sum")
      for name in ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss")),
    *(weighted(name, f"weight {reduction}", a, b, w, reduction=reduction)
      for name in ("mse_loss", "l1_loss", "huber_loss") for reduction in REDUCTIONS),
    *(of("huber_loss", f"delta {delta} {r}", a, b, delta=delta, reduction=r) for delta in (0.3, 2.5) for r in REDUCTIONS),
    *(of("smooth_l1_loss", f"beta {beta} {r}", a, b, beta=beta, reduction=r) for beta in (0, 0.3, 2.5) for r in REDUCTIONS),
    *(custom(f"soft_margin_loss: {shape} {r}", lambda lib, F, x, r=r: F.soft_margin_loss(x, lib.ones_like(x) * (1 - 2 * (x < 0.4)), reduction=r),
           (x,), order)
      for shape, x, order in (("matrix", a, 2), ("empty", a[:0], 0)) for r in REDUCTIONS),
    of("mse_loss", "numbers", np.array(2.0), np.array(5.0)),
    *(of("binary_cross_entropy", reduction, probability, chance, reduction=reduction) for reduction in REDUCTIONS),
    *(of("binary_cross_entropy", f"empty {reduction}", a[:0], b[:0], reduction=reduction, order=0) for reduction in REDUCTIONS),
    *(constant("binary_cross_entropy", f"weight {weight.shape} {reduction}", probability, chance, weight=weight,
               reduction=reduction)
      for weight in (w, w[0], w[:, :1]) for reduction in REDUCTIONS),
    of("binary_cross_entropy", "at 0 and 1", *edges, reduction="none", order=0),
    *(of("binary_cross_entropy_with_logits", reduction, a, chance, reduction=reduction) for reduction in REDUCTIONS),
    *(of("binary_cross_entropy_with_logits", f"empty {reduction}", a[:0], b[:0], reduction=reduction, order=0)
      for reduction in REDUCTIONS),
    *(constant("binary_cross_entropy_with_logits", f"{list(given)} {reduction}", a, chance, reduction=reduction, **given)
      for given in ({"weight": w}, {"pos_weight": w[0]}, {"weight": w[:, :1], "pos_weight": w})
      for reduction in REDUCTIONS),
    of("binary_cross_entropy_with_logits", "far from 0", *far, reduction="none", order=1),
]  # fmt: skip


def classes(
    name: str, case: str, x: Array, target: Any, order: int = 2, **options: Any
) -> list[Call]:
    """A loss of class indices, in all reductions."""

    def run(lib: Any, F: Any, x: Any, reduction: str) -> Any:
        given = dict(options)
        if "weight" in given:
            given["weight"] = lib.tensor(given["weight"]).to(x.dtype)
        return getattr(F, name)(x, ints(lib, target), reduction=reduction, **given)

    return [
        custom(f"{name}: {case} {r}", lambda lib, F, x, r=r: run(lib, F, x, r), (x,), order)
        for r in REDUCTIONS
    ]


logits, grid = n.away(5, 4), n.away(2, 4, 2, 3)
labels, places = n.ints(0, 4, 5), n.ints(0, 4, 2, 2, 3)
some, none = np.where(labels == 1, -100, labels), np.full(5, -100)
class_weight = n.positive(4)
masked = np.where(np.arange(4) == 3, -inf, logits)

CLASSES = [
    call
    for name in ("cross_entropy", "nll_loss")
    for call in [
        *classes(name, "", logits, labels),
        *classes(name, "no batch", logits[0], 2),
        *classes(name, "images", grid, places),
        *classes(name, "(N, C, d)", grid[..., 0], places[..., 0]),
        *classes(name, "weight", logits, labels, weight=class_weight),
        *classes(name, "weight images", grid, places, weight=class_weight, ignore_index=2),
        *classes(name, "ignored", logits, some),
        *classes(name, "ignore_index", logits, labels, ignore_index=3),
        *classes(name, "weight ignored", logits, some, weight=class_weight),
        *classes(name, "ignored without batch", logits[0], -100),
        *classes(name, "all ignored", logits, none, order=1),
        *classes(name, "empty", logits[:0], labels[:0], order=0),
        *classes(name, "-inf", masked, labels % 3, order=1),
        *classes(name, "-inf ignored", masked[:, ::-1].copy(), some, order=0),
    ]
]  # fmt: skip
CLASSES += [
    call
    for case, options in {
        "smoothing": {}, "smoothing weight": {"weight": class_weight},
        "smoothing weight ignored": {"weight": class_weight, "ignore_index": 1}, "smoothing ignored": {"ignore_index": 1},
    }.items()
    for smoothing in (0.1, 1.0)
    for call in [
        *classes("cross_entropy", f"{case} {smoothing}", logits, labels, label_smoothing=smoothing, **options),
        *classes("cross_entropy", f"{case} {smoothing} images", grid, places, label_smoothing=smoothing, **options),
        *classes("cross_entropy", f"{case} {smoothing} no batch", logits[0], 2, label_smoothing=smoothing, **options),
    ]
]  # fmt: skip


def soft(case: str, x: Array, target: Array, order: int = 2, **options: Any) -> list[Call]:
    """Probabilities as targets, which get a gradient too."""
    return [
        custom(f"cross_entropy: probabilities {case} {r}",
             lambda lib, F, *xs, r=r: F.cross_entropy(*xs[:2], *xs[2:], reduction=r, **options),
             (x, target, *([class_weight] if "weight" in case else [])), order)
        for r in REDUCTIONS
    ]  # fmt: skip


CLASSES += [
    *soft("", logits, n.positive(5, 4)),
    *soft("no batch", logits[0], n.positive(4)),
    *soft("images", grid, n.positive(2, 4, 2, 3)),
    *soft("weight", logits, n.positive(5, 4)),
    *soft("weight images", grid, n.positive(2, 4, 2, 3)),
    *soft("smoothing", logits, n.positive(5, 4), label_smoothing=0.2),
    *soft("weight smoothing", logits, n.positive(5, 4), label_smoothing=0.2),
    *soft("empty", logits[:0], logits[:0], order=0),
    # targets whose weights are 0: the mean is nan, and so is the gradient, but not of what is ignored
    *(call for name in ("cross_entropy", "nll_loss") for call in classes(
        name, "weight of nothing", logits, labels, weight=np.where(np.arange(4) == 3, class_weight, 0), ignore_index=3)),
    *classes("cross_entropy", "smoothing weight of nothing", logits, labels, weight=np.where(np.arange(4) == 3, class_weight, 0),
             ignore_index=3, label_smoothing=0.1),
]  # fmt: skip

# PyTorch's former pair of flags for the reduction, which all older losses take
FLAGS = [
    custom(
        f"{name}: {flags}",
        lambda lib, F, x, name=name, flags=flags: getattr(F, name)(
            x, ints(lib, [0, 2, 1]) if name in ("cross_entropy", "nll_loss") else lib.ones_like(x), **flags
        ),
        (probability,),
    )
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "soft_margin_loss", "binary_cross_entropy",
                 "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss")
    for flags in ({"size_average": False}, {"size_average": True, "reduce": True}, {"reduce": False})
]  # fmt: skip

CALLS = [*FLAGS, *NUMBERS, *CLASSES]


# --- what must raise ---------------------------------------------------------------------------

PAIRS = ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "binary_cross_entropy",
         "binary_cross_entropy_with_logits")  # fmt: skip
LABELLED = ("cross_entropy", "nll_loss")

ERRORS = [
    # pairs of numbers
    *(case(f"{name}: shapes", lambda lib, F, f=name: getattr(F, f)(lib.zeros(3, 1), lib.zeros(3)),
           rf"{name}: .*\[3, 1\].*\[3\].*squeeze", in_torch=name.startswith("binary"))
      for name in (*PAIRS, "hinge_loss", "soft_margin_loss")),
    *(case(f"{name}: reduction", lambda lib, F, f=name: getattr(F, f)(lib.ones(2), lib.ones(2), reduction="avg"),
           "avg is not a valid value for reduction")
      for name in PAIRS),
    *(case(f"{name}: integers", lambda lib, F, f=name: getattr(F, f)(ints(lib, [1, 0]), ints(lib, [1, 0])),
           rf"{name}: not implemented for int64", RuntimeError)
      for name in PAIRS),
    *(case(f"{name}: weight", lambda lib, F, f=name: getattr(F, f)(lib.ones(2), lib.ones(2), weight=lib.ones(1)),
           rf"{name}: weight and input must have the same shape.*\[1\].*\[2\]")
      for name in PAIRS[:3]),
    *(case(f"{name}: weight does not fit",
           lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 3), lib.ones(2, 3), weight=lib.ones(2)),
           rf"{name}: weight\[2\] does not broadcast to target\[2, 3\]", RuntimeError)
      for name in PAIRS[4:]),
    *(case(f"{name}: weight is larger",
           lambda lib, F, f=name: getattr(F, f)(lib.ones(3), lib.ones(3), weight=lib.ones(2, 3)),
           r"weight\[2, 3\] does not broadcast to target\[3\]", RuntimeError)
      for name in PAIRS[4:]),
    *(case(f"{name}: weight requires grad",
           lambda lib, F, f=name: getattr(F, f)(lib.ones(2), lib.ones(2), weight=lib.ones(2, requires_grad=True)),
           "not differentiable with respect to weight", RuntimeError)
      for name in PAIRS[4:]),
    case("huber_loss: delta", lambda lib, F: F.huber_loss(lib.ones(2), lib.ones(2), delta=0), "non-positive.*got 0", RuntimeError),
    case("smooth_l1_loss: beta", lambda lib, F: F.smooth_l1_loss(lib.ones(2), lib.ones(2), beta=-1), "negative values", RuntimeError),
    case("binary_cross_entropy: input", lambda lib, F: F.binary_cross_entropy(lib.tensor([0.5, 1.5]), lib.ones(2)),
         r"input should be between 0 and 1, got 1.5 at index \[1\].*sigmoid", RuntimeError),
    case("binary_cross_entropy: target", lambda lib, F: F.binary_cross_entropy(lib.ones(2), lib.tensor([0.5, -1.5])),
         r"target should be between 0 and 1, got -1.5 at index \[1\]", RuntimeError),
    case("binary_cross_entropy: dtypes", lambda lib, F: F.binary_cross_entropy(lib.ones(2), ints(lib, [1, 1])),
         "int64 but expected float32", RuntimeError),
    case("hinge_loss: labels", lambda lib, F: F.hinge_loss(lib.ones(3), lib.tensor([1.0, 0.0, -1.0])),
         r"got 0.0 at index \[1\].*2 t - 1", IndexError, in_torch=False),
    case("soft_margin_loss: labels", lambda lib, F: F.soft_margin_loss(lib.ones(3), lib.tensor([1.0, 0.0, -1.0])),
         r"got 0.0 at index \[1\].*2 t - 1", IndexError, in_torch=False),
    case("soft_margin_loss: target requires grad",
         lambda lib, F: F.soft_margin_loss(lib.ones(2), lib.ones(2, requires_grad=True)),
         "not differentiable with respect to", RuntimeError),
    case("hinge_loss: p", lambda lib, F: F.hinge_loss(lib.ones(3), lib.ones(3), p=3), "p must be 1 or 2, got 3", in_torch=False),
    # classes
    *(entry for name in LABELLED for entry in (
        case(f"{name}: label too large", lambda lib, F, f=name: getattr(F, f)(lib.ones(3, 4), ints(lib, [1, 4, 9])),
             r"Target 4 is out of bounds.*4 classes.*0 … 3.*index \[1\] \(2 such", IndexError),
        case(f"{name}: negative label", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 4), ints(lib, [1, -1])),
             r"Target -1 is out of bounds.*index \[1\]", IndexError),
        case(f"{name}: batch sizes", lambda lib, F, f=name: getattr(F, f)(lib.ones(3, 4), ints(lib, [1, 2])),
             rf"{name}: Expected target size \[3\] for input\[3, 4\], got target\[2\]"),
        case(f"{name}: column of labels", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 4), ints(lib, [1, 2]).reshape(2, 1)),
             r"squeeze\(-1\)", RuntimeError),
        case(f"{name}: labels of floats", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 4), lib.ones(2)),
             r"integers, got float32.*\.long\(\)", RuntimeError),
        case(f"{name}: no dimension", lambda lib, F, f=name: getattr(F, f)(lib.tensor(1.0), lib.tensor(1)),
             r"\(C,\), \(N, C\) or \(N, C, \*\)", RuntimeError if name == "cross_entropy" else ValueError),
        case(f"{name}: integers", lambda lib, F, f=name: getattr(F, f)(ints(lib, [1, 2]).reshape(1, 2), ints(lib, [1])),
             r"not implemented for int64", RuntimeError),
        case(f"{name}: weight", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 4), ints(lib, [1, 2]), weight=lib.ones(3)),
             r"all 4 classes.*\[3\]", RuntimeError),
        case(f"{name}: weight requires grad",
             lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 2), ints(lib, [1]), weight=lib.ones(2, requires_grad=True)),
             r"weight, which requires grad; pass weight.detach\(\)", RuntimeError),
        case(f"{name}: reduction", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 2), ints(lib, [1]), reduction="avg"),
             "avg is not a valid value for reduction"),
    )),
    case("cross_entropy: smoothing", lambda lib, F: F.cross_entropy(lib.ones(1, 2), ints(lib, [1]), label_smoothing=1.5),
         "between 0.0 and 1.0, got 1.5", RuntimeError),
    case("cross_entropy: probabilities to ignore", lambda lib, F: F.cross_entropy(lib.ones(1, 2), lib.ones(1, 2), ignore_index=1),
         "ignore_index is not supported for floating point target", RuntimeError),
    case("cross_entropy: weight of probabilities",
         lambda lib, F: F.cross_entropy(lib.ones(1, 2), lib.ones(1, 2), weight=lib.ones(3)), r"all 2 classes.*\[3\]", RuntimeError),
]  # fmt: skip
