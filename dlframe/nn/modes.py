"""Training and evaluation modes for a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dlframe.nn.module import Module

__all__: list[str] = []  # PyTorch has neither


@contextmanager
def modes_kept(model: Module) -> Iterator[None]:
    """Restore the training or evaluation mode of each part of the model after the block."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """The model is in evaluation mode within the block, and each part in its own mode after it.

    >>> from dlframe import nn
    >>> model = nn.Sequential(nn.Linear(1, 1), nn.Dropout().eval())
    >>> with evaluating(model):
    ...     print([part.training for part in model.modules()])
    [False, False, False]
    >>> [part.training for part in model.modules()]
    [True, True, False]
    """
    with modes_kept(model):
        model.eval()
        yield
