"""Runs a model once on trial inputs, and leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlframe import nn, random
from dlframe.dtypes import get_default_dtype
from dlframe.nn.parameter import is_lazy
from dlframe.tensor import Tensor

Inputs = tuple[tuple[Any, ...], dict[str, Any]]  # positional and keyword arguments


def trial_inputs(where: str, size: Any, data: Any, dtypes: Any) -> Inputs:
    """The arguments of a call: those given, or zeros of the sizes given."""
    if (size is None) == (data is None):
        raise ValueError(f"{where}: give either input_size or input_data")
    if data is None:
        data = _zeros(where, size, get_default_dtype() if dtypes is None else dtypes)
    if isinstance(data, Mapping):
        return (), dict(data)
    many = isinstance(data, (tuple, list)) and not hasattr(data, "_fields")
    return (tuple(data) if many else (data,)), {}


def _zeros(where: str, size: Any, dtypes: Any) -> Any:
    """Zeros in the place of each shape: valid indices for an embedding, and nothing is drawn."""
    if isinstance(size, Mapping):
        return {
            k: _zeros(where, n, dtypes[k] if isinstance(dtypes, Mapping) else dtypes)
            for k, n in size.items()
        }
    if isinstance(size, (Tensor, np.ndarray)):
        raise TypeError(f"{where}: input_size is a shape; pass the input itself as input_data=")
    if isinstance(size, (int, np.integer)):
        raise TypeError(f"{where}: input_size is a shape or a nest of shapes; {size} is a number")
    if all(isinstance(n, (int, np.integer)) for n in size):
        return Tensor(np.zeros(tuple(size), dtypes))
    listed = dtypes if isinstance(dtypes, (list, tuple)) else [dtypes] * len(size)
    return [_zeros(where, part, dtype) for part, dtype in zip(size, listed, strict=True)]


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Afterwards restore the random generator, and the numbers in parameters and buffers."""
    before = [
        (t, t.array.copy()) for t in (*model.parameters(), *model.buffers()) if not is_lazy(t)
    ]
    with random.fork_rng():
        try:
            yield
        finally:
            for tensor, array in before:
                if tensor.array.tobytes() != array.tobytes():
                    tensor.data = Tensor(array)
