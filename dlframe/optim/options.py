"""The options that several optimizers have, and their checks."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import states
from dlframe.optim.layout import scalar
from dlframe.tensor import Tensor

WITHOUT_EFFECT: dict[str, Any] = {
    "foreach": None,
    "fused": None,
    "capturable": False,
    "differentiable": False,
}
"""PyTorch's choices between its implementations of one formula, with their defaults.

Here there is one implementation, always on. `FlatOptimizer` takes these and keeps them.
"""


def rate(value: Any) -> Any:
    """The form of a learning rate: a finite number, or a tensor of one element.

    It may be negative: a schedule that ends at 0 comes to -1e-18 by rounding.
    """
    value = states.from_elsewhere(value)
    if isinstance(value, Tensor) and value.array.dtype.kind in "iuf" and value.array.size == 1:
        states.number(value.array.item())
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.size == 1:
        states.number(value.item())
        return Tensor(value)
    return states.number(value)


def scalar_of(form: states.Form) -> states.Form:
    """A number of a form, or a tensor of one element that is one."""

    def checked(value: Any) -> Any:
        form(scalar(rate(value)))
        return value

    return checked


STEPS, NUMBER = scalar_of(states.not_negative), scalar_of(states.number)


def _decay(value: Any) -> Any:
    states.not_negative(scalar(rate(value)))
    return rate(value)


def _share(value: Any) -> Any:
    """A number below 1, or a tensor of one element."""
    states.below(1.0)(scalar(rate(value)))
    return rate(value)


def _betas(value: Any) -> Any:
    """Two shares; a schedule may make β₁ negative."""
    pair = states.listed(_share, 2)(value)
    states.not_negative(scalar(pair[1]))
    return pair


_PAIRS = ("betas", "etas", "step_sizes")
_FLAGS = ("nesterov", "amsgrad", "maximize", "centered", "decoupled_weight_decay")

FORMS: dict[str, states.Form] = {
    "lr": rate,
    "initial_lr": rate,
    "betas": _betas,
    "eps": states.not_negative,
    "weight_decay": _decay,
    "momentum": states.number,
    "dampening": states.number,
    "alpha": states.not_negative,
    "rho": states.not_negative,
    "lambd": states.number,
    "t0": states.number,
    "momentum_decay": states.not_negative,
    "etas": states.listed(states.positive, 2),
    "step_sizes": states.listed(states.number, 2),
    "lr_decay": states.not_negative,
    "initial_accumulator_value": states.not_negative,
    **dict.fromkeys(_FLAGS, states.flag),
    **dict.fromkeys(WITHOUT_EFFECT, states.optional(states.flag)),
}
"""What the options of the optimizers may be in a saved state."""


_IN_ERRORS = {"lr": "learning rate", "eps": "epsilon value"}  # the words of PyTorch's errors


def check_not_negative(**options: Any) -> None:
    """Refuse negative numbers, NaN, and tensors of more than one element."""
    check_numbers(**options)
    for name, value in options.items():
        if not scalar(value) >= 0.0:
            what = _IN_ERRORS.get(name, f"{name} value")
            raise ValueError(f"Invalid {what}: {scalar(value)}")


def check_numbers(**options: Any) -> None:
    """Refuse what is no number, and tensors of more than one element."""
    for name, value in options.items():
        array = value.array if isinstance(value, Tensor) else value
        is_array = isinstance(array, np.ndarray)
        if is_array and array.size != 1:
            raise ValueError(f"Tensor {name} must be 1-element, got shape {list(array.shape)}")
        if not (array.dtype.kind in "biuf" if is_array else hasattr(value, "__float__")):
            raise TypeError(
                f"{name} must be a number, or a tensor of one element; got {value!r} "
                f"({type(value).__name__})"
            )


def check_counts(least: int, **options: Any) -> None:
    """Refuse what is no int, and ints below the least."""
    for name, value in options.items():
        if not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be an int; got {value!r} ({type(value).__name__})")
        if value < least:
            raise ValueError(f"{name} must be {least} or more; got {value}")


def check_kinds(group: dict[str, Any], forms: dict[str, states.Form]) -> None:
    """Refuse options of a group that are of another kind, before a step is made half way.

    Args:
        group: a parameter group.
        forms: those of its optimizer; one of a kind of its own is left alone.
    """
    for name, value in group.items():
        if name not in FORMS or forms.get(name) not in (FORMS[name], states.number):
            continue
        if name in _PAIRS:
            check_pairs(**{name: value})
        elif name in _FLAGS or name in WITHOUT_EFFECT:
            if isinstance(value, (str, bytes, list, tuple, dict)):
                raise TypeError(
                    f"{name} must be True or False; got {value!r} ({type(value).__name__})"
                )
        else:
            check_numbers(**{name: value})


def check_pairs(*, optional: bool = False, **options: Any) -> None:
    """Refuse anything but two numbers, or with `optional` also None in place of one."""
    for name, value in options.items():
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise ValueError(f"{name} must be a pair of numbers; got {value!r}")
        numbers = {f"{name}[{i}]": x for i, x in enumerate(value) if x is not None or not optional}
        check_numbers(**numbers)


def check_betas(betas: tuple[float | Tensor, float | Tensor]) -> None:
    """Refuse a share β of old values that is not in [0, 1)."""
    check_pairs(betas=betas)
    for i, beta in enumerate(betas):
        if isinstance(beta, Tensor) and beta.array.size != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")
        if not 0.0 <= scalar(beta) < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {scalar(beta)}")
