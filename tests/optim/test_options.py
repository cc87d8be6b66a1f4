"""Options that no optimizer can use, refused when it is made with PyTorch's words."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from samples.optimizers import OPTIMIZERS, WHOLE

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


# --- other types -------------------------------------------------------------------------------

NOT_NUMBERS = ["0.1", None, [0.1], {}, np.array("x"), np.ones(2), dl.ones(2), 1j]
NOT_FLAGS = ["False", [True], {}]
NOT_PAIRS = [0.9, "ab", (0.9,), (0.1, 0.2, 0.3), ("a", "b"), (0.5, None), None]
FLAGS = {"nesterov", "amsgrad", "maximize", "centered", "decoupled_weight_decay"}
PAIRS = {"betas", "etas", "step_sizes"}
EVERY = {**OPTIMIZERS, **WHOLE}


def of_another_type(name: str) -> list[tuple[str, Any]]:
    options = inspect.signature(getattr(optim, name)).parameters
    found: list[tuple[str, Any]] = []
    for option, parameter in options.items():
        if option in FLAGS:
            wrong = NOT_FLAGS
        elif option in PAIRS:
            wrong = NOT_PAIRS
        elif type(parameter.default) in (int, float):
            wrong = NOT_NUMBERS
        else:
            continue
        found += [(option, value) for value in wrong]
    return found


OTHER_TYPES = [(name, *case) for name in EVERY for case in of_another_type(name)]


@pytest.mark.parametrize("name, option, value", OTHER_TYPES)
def test_options_of_another_type_are_refused_before_a_step(
    name: str, option: str, value: Any
) -> None:
    kind, row = getattr(optim, name), EVERY[name]
    with pytest.raises((TypeError, ValueError), match=f"(?i){option}"):
        kind([nn.Parameter(dl.zeros(1, 1))], **{option: value})
    if row.closure:
        return  # it has one group
    optimizer = kind([nn.Parameter(dl.zeros(1, 1))])
    if option in optimizer.defaults and option not in {"beta2_decay", "d", "ns_steps"}:
        with pytest.raises((TypeError, ValueError), match=option):
            optimizer.add_param_group({"params": [nn.Parameter(dl.zeros(1, 1))], option: value})
        assert len(optimizer.param_groups) == 1


NUMBERS = [0.25, np.float32(0.25), np.float64(0.25), np.array(0.25), np.array([0.25])]


OF_NUMBERS = [
    (name, option)
    for name in OPTIMIZERS
    for option in inspect.signature(getattr(optim, name)).parameters
    if option in {"lr", "weight_decay", "eps", "momentum", "rho", "lambd", "lr_decay"}
]


@pytest.mark.parametrize("name, option", OF_NUMBERS)
def test_a_number_may_be_of_any_type(name: str, option: str) -> None:
    values = []
    for number in [*NUMBERS, dl.tensor(0.25), dl.tensor([0.25])]:
        p = nn.Parameter(dl.tensor([1.0, -2.0]))
        optimizer = getattr(optim, name)([p], **{option: number})
        for _ in range(3):
            p.grad = 2 * p.detach()
            optimizer.step()
        values.append(p.tolist())
    assert values == [values[0]] * len(values)
