"""PyTorch's data pipes, which are not here: they may be imported, and say so when they are used.

PyTorch keeps them for old programs only; nobody has developed them since 2024.
"""

from __future__ import annotations

from typing import Any, NoReturn, Self

__all__ = [
    "DFIterDataPipe",
    "DataChunk",
    "IterDataPipe",
    "MapDataPipe",
    "argument_validation",
    "functional_datapipe",
    "guaranteed_datapipes_determinism",
    "non_deterministic",
    "runtime_validation",
    "runtime_validation_disabled",
]


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(
        f"{name}: there are no data pipes here. Write a Dataset, or for a stream an "
        "IterableDataset whose __iter__ is a generator: map is a line of its loop, "
        "filter an if, and shuffle and batch are arguments of DataLoader"
    )


class _Pipe:
    """Refuses to be made, called, or derived from."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        _refuse(cls.__name__)

    def __init_subclass__(cls, **_: Any) -> None:
        if cls.__module__ != __name__:
            _refuse(cls.__mro__[1].__name__)


class IterDataPipe(_Pipe):
    """PyTorch's stream with methods for its steps: not here."""


class MapDataPipe(_Pipe):
    """PyTorch's data set with methods for its steps: not here."""


class DFIterDataPipe(IterDataPipe):
    """PyTorch's stream of data frames: not here."""


class DataChunk(_Pipe):
    """PyTorch's list of samples in a pipe: not here."""


class functional_datapipe(_Pipe):
    """PyTorch's decorator that makes a pipe a method of all others: not here."""


class guaranteed_datapipes_determinism(_Pipe):
    """PyTorch's block in which pipes must be deterministic: not here."""


class non_deterministic(_Pipe):
    """PyTorch's mark of pipes that are not deterministic: not here."""


class runtime_validation_disabled(_Pipe):
    """PyTorch's block in which pipes check no types: not here."""


def argument_validation(f: Any) -> NoReturn:
    """PyTorch's check of the types of a pipe's arguments: not here."""
    _refuse("argument_validation")


def runtime_validation(f: Any) -> NoReturn:
    """PyTorch's check of the types of a pipe's samples: not here."""
    _refuse("runtime_validation")
