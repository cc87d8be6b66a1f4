"""The names of measured quantities: which exist, which direction is better, which were meant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from dlframe.errors import ArgumentError, did_you_mean

_LOW = re.compile(r"loss|error|perplexity|(^|_)(mse|mae|rmse|nll|seconds)($|_)")
_HIGH = re.compile(r"accuracy|precision|recall|f1|auc|score|(^|_)(acc|r2|iou|dice)($|_)")


def mode_of(name: str) -> str | None:
    """Whether low or high values are good, by the name: "min" for losses, "max" for accuracies.

    None if the name does not tell.

    >>> mode_of("val_loss"), mode_of("val_accuracy"), mode_of("lr")
    ('min', 'max', None)
    """
    low, high = _LOW.search(name.lower()), _HIGH.search(name.lower())
    if bool(low) == bool(high):
        return None
    return "min" if low else "max"


def infer_mode(name: str) -> str:
    """`mode_of` the name; raises ArgumentError if the name does not tell."""
    mode = mode_of(name)
    if mode is None:
        raise ArgumentError(
            f"the name {name!r} does not tell whether low or high values are good; "
            'pass mode="min" or mode="max"'
        )
    return mode


def check_mode(mode: str | None) -> str | None:
    """The mode, which may be None; raises ArgumentError for another word."""
    if mode not in (None, "min", "max"):
        raise ArgumentError(f'mode must be "min" or "max"; got {mode!r}')
    return mode


def better(value: float, best: float | None, mode: str, min_delta: float = 0.0) -> bool:
    """Whether a value is an improvement of more than `min_delta`; NaN never is."""
    if math.isnan(value):
        return False
    if best is None:
        return True
    return value < best - min_delta if mode == "min" else value > best + min_delta


def unknown_name(where: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name."""
    known = list(known)
    return (
        f"{where}: there is no {name!r}.{did_you_mean(name, known)} "
        f"Known: {', '.join(known) or 'nothing yet'}"
    )


def check_monitor(where: str, name: str, known: Iterable[str]) -> None:
    """Raise ArgumentError unless `name` is among the quantities that training will measure."""
    known = list(known)
    if name in known:
        return
    if name.startswith("val_") and not any(n.startswith("val_") for n in known):
        raise ArgumentError(
            f"{where}: {name!r} needs validation data: fit(train, val); without them there are "
            f"only {', '.join(known)}"
        )
    raise ArgumentError(unknown_name(where, name, known))
