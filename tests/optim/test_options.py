"""Options that no optimizer can use, refused when it is made with PyTorch's words."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from samples.optimizers import OPTIMIZERS

import dlframe as dl
from dlframe import nn, optim

Refusal = tuple[dict[str, Any], str]

NOT_NEGATIVE = ("weight_decay", "momentum", "alpha", "lr_decay", "momentum_decay")
# By the name of the option, for every optimizer that has it.
OF_OPTIONS: dict[str, list[tuple[Any, str]]] = {
    "lr": [
        (-1.0, "Invalid learning rate: -1.0"),
        (float("nan"), "Invalid learning rate: nan"),
        (dl.tensor([0.1, 0.2]), r"Tensor lr must be 1-element, got shape \[2\]"),
    ],
    "eps": [(-1.0, "Invalid epsilon value: -1.0")],
    "betas": [
        ((1.0, 0.9), "Invalid beta parameter at index 0: 1.0"),
        ((0.9, -0.5), "Invalid beta parameter at index 1: -0.5"),
        ((0.9,), r"betas must be a pair of numbers; got \(0.9,\)"),
        (0.9, "betas must be a pair of numbers; got 0.9"),
    ],
    "rho": [(1.5, "Invalid rho value: 1.5")],
    "etas": [
        ((0.5, 0.9), "Invalid eta values: 0.5, 0.9"),
        ((0.0, 1.5), "Invalid eta values: 0.0, 1.5"),
        ((0.5,), r"etas must be a pair of numbers; got \(0.5,\)"),
    ],
    "step_sizes": [((0.1, 0.2, 0.3), "step_sizes must be a pair of numbers")],
    "initial_accumulator_value": [(-1.0, "Invalid initial_accumulator_value value: -1.0")],
    **{name: [(-1.0, f"Invalid {name} value: -1.0")] for name in NOT_NEGATIVE},
}
ADAM: list[Refusal] = [
    ({"lr": dl.tensor(0.1), "foreach": True}, "lr as a Tensor"),
    (
        {"betas": (dl.tensor(0.5), dl.tensor(0.5)), "foreach": True},
        r"betas\[0\] as a Tensor is not supported",
    ),
    ({"betas": (0, 0.9)}, "both floats or both Tensors"),
    ({"betas": (dl.tensor(0.5), 0.9)}, "both floats or both Tensors"),
    ({"betas": (dl.tensor([0.5, 0.5]), dl.tensor(0.5))}, "must be 1-element"),
]
# What only one of them refuses.
OF_OPTIMIZERS: dict[str, list[Refusal]] = {
    "Adam": ADAM,
    "AdamW": ADAM,
    "SGD": [
        ({"nesterov": True}, "Nesterov momentum requires"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "Nesterov momentum requires"),
    ],
    "SparseAdam": [
        ({"lr": 0.0}, "Invalid learning rate: 0.0"),
        ({"eps": 0.0}, "Invalid epsilon value: 0.0"),
    ],
}
ANY_SIGN = {("ASGD", "alpha")}  # PyTorch takes a negative power too


def refusals_of(name: str) -> list[Refusal]:
    options = inspect.signature(getattr(optim, name)).parameters
    common: list[Refusal] = [
        ({option: value}, message)
        for option, values in OF_OPTIONS.items()
        if option in options and (name, option) not in ANY_SIGN
        for value, message in values
    ]
    return common + OF_OPTIMIZERS.get(name, [])


REFUSALS = [(name, *refusal) for name in OPTIMIZERS for refusal in refusals_of(name)]


@pytest.mark.parametrize("name, options, message", REFUSALS)
def test_unfit_options_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(optim, name)([nn.Parameter(dl.zeros(1))], **options)
