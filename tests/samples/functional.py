"""Calls of `nn.functional`, argument by argument, as both libraries understand them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from samples.table import Array, Call, Numbers

n = Numbers(11)
inf, nan = math.inf, math.nan
REDUCTIONS = ("mean", "sum", "none")


def custom(name: str, run: Callable[..., Any], inputs: tuple[Array, ...], order: int = 2) -> Call:
    """A call "function: what is special", written as run(lib, F, *tensors) with F = nn.functional."""
    function, _, note = name.partition(": ")
    return Call(
        f"nn.functional.{function}",
        inputs,
        note=note,
        run=lambda lib, *xs: run(lib, lib.nn.functional, *xs),
        order=order,
        dtypes=False,  # samples of the operations beneath try these
        variants=False,
        # beyond 1 / (x (1 - x)) few digits are lost
        tolerance=1e-9 if function == "binary_cross_entropy" else 1e-10,
    )


def of(name: str, case: str, *inputs: Array, order: int = 2, **options: Any) -> Call:
    """A function with tensors as its first arguments and plain options."""
    return custom(
        f"{name}: {case}", lambda lib, F, *xs: getattr(F, name)(*xs, **options), inputs, order
    )


x = n.away(3, 4)


# --- linear, labels as vectors -----------------------------------------------------------------


def ints(lib: Any, values: Any) -> Any:
    return lib.tensor(np.asarray(values, np.int64))


SPARSE = [
    *(of("linear", f"{shape}{' bias' if bias else ''}", n.away(*shape), n.away(2, shape[-1]),
         *([n.away(2)] if bias else []))
      for shape in [(3,), (4, 3), (2, 4, 3), (0, 3), (2, 0, 3)] for bias in (False, True)),
    of("linear", "weight of one dimension", n.away(4, 3), n.away(3)),
    *(custom(f"one_hot: {case}", lambda lib, F, args=args: F.one_hot(ints(lib, args[0]), *args[1:]),
           (), order=0)
      for case, args in {"": ([0, 2],), "classes": ([[0, 2]], 4), "0-d": (1,), "none": ([], 3)}.items()),
]  # fmt: skip


# --- convolution -------------------------------------------------------------------------------


plane = n.spread(2, 2, 7, 6)


# --- losses ------------------------------------------------------------------------------------

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
]

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

REST = [
    of("pad", "mode", plane, pad=(1, 2, 0, 1), mode="constant"),
]  # fmt: skip

CALLS = [
    *FLAGS,
    *REST,
    *SPARSE,
    *NUMBERS,
    *CLASSES,
]
