"""Models by name, so that a file of weights can name its model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.models.classic import cnn, lenet, linear, mlp
from dlframe.nn import Module

MODELS: dict[str, Callable[..., Module]] = {
    "linear": linear,
    "mlp": mlp,
    "cnn": cnn,
    "lenet": lenet,
}
"""The functions by the names that the command line uses."""


def build(name: str, **arguments: Any) -> Module:
    """The model of that name; raises ArgumentError for an unknown name.

    >>> build("mlp", in_features=2, hidden=[8], classes=3)(dl.zeros(5, 2)).shape
    (5, 3)
    """
    if name not in MODELS:
        raise ArgumentError(
            f"there is no model {name!r}.{did_you_mean(name, MODELS)} Known: {', '.join(MODELS)}"
        )
    return MODELS[name](**arguments)
