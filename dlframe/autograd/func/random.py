"""Random numbers inside `vmap`: an error, the same for all examples, or different ones."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from dlframe.autograd.batching import Batch
from dlframe.errors import VmapError


class Randomness:
    """Turns a generator into one that draws for a whole batch."""

    def __init__(self, batch: Batch, mode: str):
        self.batch, self.mode = batch, mode

    def __call__(self, generator: Any) -> Any:
        return generator if self.mode == "same" else BatchGenerator(generator, self)


class BatchGenerator:
    """A generator whose draws get the batch dimension, in front as PyTorch's do."""

    def __init__(self, generator: Any, how: Randomness):
        self._generator, self._how = generator, how

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._generator, name)
        if not callable(method) or name in ("get_state", "set_state", "manual_seed"):
            return method
        if self._how.mode == "error":
            return _refuse
        names = list(inspect.signature(method).parameters)
        if "shape" in names:
            return lambda *args, **kwargs: self._draw(method, names.index("shape"), args, kwargs)
        return lambda *args, **kwargs: self._one_by_one(method, args, kwargs)

    def _draw(self, method: Any, place: int, args: Any, kwargs: Any) -> Any:
        """Draw with an additional dimension, and hide that dimension."""
        size = self._how.batch.size
        if place < len(args):
            shape, args = args[place], list(args)
            args[place] = (size, *((shape,) if isinstance(shape, int) else shape))
        else:
            shape = kwargs["shape"]
            kwargs["shape"] = (size, *((shape,) if isinstance(shape, int) else shape))
        return self._how.batch.batched(method(*args, **kwargs))

    def _one_by_one(self, method: Any, args: Any, kwargs: Any) -> Any:
        """Draw by probabilities, or in another way: one example after the other."""
        batch = self._how.batch
        rows = [method(*[_example(a, batch, i) for a in args], **kwargs) for i in range(batch.size)]
        return batch.batched(np.stack(rows))


def _example(x: Any, batch: Batch, i: int) -> Any:
    if isinstance(x, np.ndarray):
        return batch.physical(x)[i, ...]
    return x


def _refuse(*_: Any, **__: Any) -> Any:
    raise VmapError(
        "vmap: called random operation while in randomness error mode. Please either use the "
        "'same' or 'different' randomness flags on vmap or perform the randomness operation out "
        "of vmap"
    )


__all__ = ["Randomness"]
