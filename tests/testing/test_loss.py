"""check_loss accepts losses that conform; each of its claims is broken by one here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from samples.broken import (
    BrokenObjects,
    HalfGradient,
    claims,
    contiguous,
)

import dlframe as dl
from dlframe import nn, testing

BROKEN = BrokenObjects()
breaks = BROKEN.breaks


SCORES = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [0.1, 0.2, 0.4], [-1.0, 0.6, 0.9]])
LABELS = np.array([0, 2, 1, 1])
TARGETS = np.array([[0.1, 0.9, 0.4], [0.3, 0.8, 0.2], [0.7, 0.6, 0.55], [0.35, 0.95, 0.15]])


@pytest.mark.parametrize(
    ("make", "input", "target", "options"),
    [
        (nn.MSELoss, SCORES, TARGETS, {}),
        (nn.L1Loss, SCORES, TARGETS, {}),
        (nn.HuberLoss, SCORES, TARGETS, {}),
        (nn.BCEWithLogitsLoss, SCORES, TARGETS, {}),
        (nn.BCELoss, TARGETS, TARGETS[::-1].copy(), {}),
        (nn.CrossEntropyLoss, SCORES, LABELS, {}),
        (nn.NLLLoss, SCORES, LABELS, {}),
        (
            lambda **options: nn.CrossEntropyLoss(weight=dl.tensor([1.0, 2.0, 0.5]), **options),
            SCORES,
            LABELS,
            {"weighted": True},
        ),
    ],
)
def test_losses_that_conform(make: Any, input: Any, target: Any, options: Any) -> None:
    testing.check_loss(make, input, target, **options)


class Squares(nn.Module):
    """(x - t)², right in all; the broken ones below change a part."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def check(self, input: Any, target: Any) -> None:
        if input.shape != target.shape:
            raise ValueError(f"{input.shape}, {target.shape}")

    def values(self, input: Any, target: Any) -> Any:
        return (input - target) ** 2

    def mean(self, values: Any) -> Any:
        return values.mean()

    def sum(self, values: Any) -> Any:
        return values.sum()

    def none(self, values: Any) -> Any:
        return values

    def forward(self, input: Any, target: Any) -> Any:
        self.check(input, target)
        return getattr(self, self.reduction)(self.values(input, target))


class Picked(Squares):
    """-x[label], without looking at the labels."""

    def check(self, input: Any, target: Any) -> None:
        if target.shape != input.shape[:1]:
            raise ValueError(f"{input.shape}, {target.shape}")

    def values(self, input: Any, target: Any) -> Any:
        return -input[np.arange(len(target)), target.array % 3]


def check_loss(**methods: Any) -> None:
    testing.check_loss(type("Loss", (Squares,), methods), SCORES, TARGETS)


def test_the_base_of_the_broken_losses_conforms() -> None:
    check_loss()


def init_by_sum(self: Any, reduction: str = "sum") -> None:
    Squares.__init__(self, reduction)


def init_anything(self: Any, reduction: str = "mean") -> None:
    Squares.__init__(self, reduction if reduction in ("mean", "sum") else "none")


def values_in_place(self: Any, input: Any, target: Any) -> Any:
    out = (input - target) ** 2
    target.array[...] = 0.0
    return out


breaks(r"the factory makes a Module, given reduction= or nothing: TypeError")(
    lambda: testing.check_loss(lambda: nn.MSELoss(), SCORES, TARGETS)
)
breaks("Loss prints under its name")(lambda: check_loss(__repr__=lambda self: "?"))
breaks("leaves input and target as they are: argument 1")(
    lambda: check_loss(values=values_in_place)
)
breaks('gives one number for "mean" and "sum"')(lambda: check_loss(mean=lambda self, v: v.mean(0)))
breaks('gives one value per sample or element for "none"')(
    lambda: check_loss(none=lambda self, v: v.sum())
)
breaks('gives for "sum" the sum of the values')(lambda: check_loss(sum=lambda self, v: v.mean()))
breaks('gives for "mean" the mean of the values')(lambda: check_loss(mean=lambda self, v: v.sum()))
breaks('gives for "mean" the mean of the values .* is not between')(
    lambda: testing.check_loss(
        type("Loss", (Squares,), {"mean": lambda self, v: v.sum()}), SCORES, TARGETS, weighted=True
    )
)
breaks('reduces with "mean" unless told otherwise')(lambda: check_loss(__init__=init_by_sum))
breaks("refuses a reduction that does not exist: .*maximal")(
    lambda: check_loss(__init__=init_anything)
)
breaks("computes in float32 for float32: output 0 is float64")(
    lambda: check_loss(values=lambda self, x, t: (x.double() - t) ** 2)
)
breaks("computes in float64 for float64: output 0 is float32")(
    lambda: check_loss(values=lambda self, x, t: (x.float() - t.float()) ** 2)
)
breaks("gives in float32 nearly what it gives in float64")(
    lambda: check_loss(values=lambda self, x, t: (x - t) ** 2 + (x.element_size() - 4))
)
breaks(r"Loss\(reduction=.mean.\) takes inputs that are not contiguous")(
    lambda: check_loss(values=lambda self, x, t: (x - t) ** 2 * (1.0 if contiguous(t) else 2.0))
)
breaks("refuses shapes that do not match: .* was accepted")(
    lambda: check_loss(check=lambda self, x, t: None)
)
breaks("refuses labels that are not classes: label 3 among 3 classes was accepted")(
    lambda: testing.check_loss(Picked, SCORES, LABELS)
)
breaks('reduction="none".* has the gradients of its values')(
    lambda: check_loss(none=lambda self, v: HalfGradient.apply(v) / 2.0)
)


# --- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("message", BROKEN.calls)
def test_what_is_broken_is_found(message: str) -> None:
    BROKEN.find(message)


@pytest.mark.parametrize("claim", claims("loss"))
def test_every_claim_is_broken_by_something(claim: str) -> None:
    assert BROKEN.covers(claim)
