"""A block that may train and measure, and leaves everything as it was."""

from __future__ import annotations

import copy
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlframe.autograd import mark_mutated
from dlframe.data import DataLoader
from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.nn.parameter import is_lazy
from dlframe.optim import Optimizer
from dlframe.tensor import Tensor
from dlframe.training.random_state import random_state, set_random_state
from dlframe.training.trainer_state import go_to, position_of


@contextmanager
def untouched(
    *modules: Any, optimizer: Optimizer | None = None, loader: Any = None, where: str
) -> Iterator[None]:
    """After the block, all is bit for bit as before it, also after an error or Ctrl-C.

    That is: parameters, buffers, other attributes, modes and gradients of the modules; the options
    and state of the optimizer; the position of the loader; the states of the generators of random
    numbers. In the block, the parameters begin without gradients, and the optimizer works on a copy
    of its state. Lists and dicts that a module of one's own changes in place are not put back.

    Raises ArgumentError, before the block, for a module whose parameters have no sizes yet.
    """
    parts = [part for module in modules if isinstance(module, Module) for part in module.modules()]
    tensors = _tensors(parts, optimizer)
    if any(is_lazy(tensor) for tensor in tensors):
        raise ArgumentError(
            f"{where}: the model has lazy layers, whose sizes are not known before the first "
            "batch; call it once before"
        )
    attributes = [(part, dict(vars(part))) for part in parts]
    values = [(tensor, tensor.array, tensor.array.copy(), tensor.grad) for tensor in tensors]
    optimizers = [(one, dict(vars(one))) for one in _optimizers(optimizer)]
    # what the schedules of the optimizers compare their own steps with
    counts = [(one._steps, one._steps.made) for one, _ in optimizers if one._steps is not None]
    position, of_loader = position_of(loader), None
    if isinstance(loader, DataLoader):
        of_loader = dict(vars(loader))
    randomness = random_state()
    try:
        for tensor in tensors:
            tensor.grad = None
        for one, _ in optimizers:
            _work_on_copy(one)
        yield
    finally:
        with _ctrl_c_later():
            for part, saved in attributes:
                vars(part).clear()
                vars(part).update(saved)
            for tensor, array, value, grad in values:
                tensor.array = array
                if array.flags.writeable:
                    np.copyto(array, value)
                    mark_mutated(array, where)
                tensor.grad = grad
            for one, saved in optimizers:
                vars(one).clear()
                vars(one).update(saved)
            for steps, made in counts:
                steps.made = made
            go_to(loader, position)
            if of_loader is not None:  # an epoch in progress goes on
                vars(loader).update(of_loader)
            set_random_state(randomness)


def _tensors(parts: Iterable[Module], optimizer: Optimizer | None) -> list[Any]:
    """All tensors that the modules and the optimizer hold, each once."""
    found = [value for part in parts for value in vars(part).values() if isinstance(value, Tensor)]
    if optimizer is not None:
        found += [p for group in optimizer.param_groups for p in group["params"]]
    return list({id(tensor): tensor for tensor in found}.values())


def _optimizers(optimizer: Any) -> list[Optimizer]:
    """The optimizer, and those that it works with, such as the one that SAM wraps."""
    if optimizer is None:
        return []
    inner = [value for value in vars(optimizer).values() if isinstance(value, Optimizer)]
    return [optimizer, *(one for value in inner for one in _optimizers(value))]


def _work_on_copy(optimizer: Optimizer) -> None:
    """Give an optimizer copies of its options and state; its parameters are the same ones."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    same = {id(p): p for p in parameters}
    state = {key: copy.deepcopy(value, dict(same)) for key, value in optimizer.state.items()}
    groups = [copy.deepcopy(group, dict(same)) for group in optimizer.param_groups]
    fresh = type(optimizer.state)(dict) if hasattr(optimizer.state, "default_factory") else {}
    fresh.update(state)
    optimizer.__setstate__({"state": fresh, "param_groups": groups})


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done; then it has its usual effect."""
    before = signal.getsignal(signal.SIGINT)
    mine = threading.current_thread() is threading.main_thread()
    if not mine or before is None or before is signal.SIG_IGN:
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)
