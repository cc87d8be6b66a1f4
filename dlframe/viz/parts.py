"""The parts of a model, by name, and what they return."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.nn import Module


def part_of(model: Module, layer: Module | str, where: str) -> tuple[Module, str]:
    """A part of a model and its name, given one of them; ArgumentError if it has no such part."""
    names = dict(model.named_modules())
    if isinstance(layer, str):
        if layer not in names:
            raise ArgumentError(
                f"{where}: the model has no part {layer!r}.{did_you_mean(layer, names)} Known: "
                f"{', '.join(filter(None, names))}"
            )
        return names[layer], layer
    for name, part in names.items():
        if part is layer:
            return part, name or type(part).__name__
    raise ArgumentError(f"{where}: this {type(layer).__name__} is not a part of the model")


@contextmanager
def outputs_seen(part: Module) -> Iterator[list[Any]]:
    """What a part returns in the calls within a block."""
    seen: list[Any] = []
    handle = part.register_forward_hook(lambda module, args, output: seen.append(output))
    try:
        yield seen
    finally:
        handle.remove()
