"""Tensors in the shape and dtype of another one."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.dtypes import as_dtype
from dlframe.ops import memory
from dlframe.ops.indexing import number_for
from dlframe.ops.record import TensorBase, to_array
from dlframe.random import Generator
from dlframe.tensor import Tensor
from dlframe.tensor.devices import check_placement, contiguous_format

__all__ = [
    "empty_like",
    "full_like",
    "ones_like",
    "rand_like",
    "randint_like",
    "randn_like",
    "zeros_like",
]


def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Zeros with the shape and dtype of `input`.

    >>> dl.zeros_like(dl.tensor([1, 2]))
    tensor([0, 0])
    """
    return _filled(input, 0, dtype, layout, device, requires_grad, memory_format)


def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Ones with the shape and dtype of `input`.

    >>> dl.ones_like(dl.tensor([1.5, 2]), dtype=dl.int64)
    tensor([1, 1])
    """
    return _filled(input, 1, dtype, layout, device, requires_grad, memory_format)


def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Uninitialized memory with the shape and dtype of `input`, in the same order in memory.

    >>> dl.empty_like(dl.zeros(2, 3).T).stride()
    (1, 3)
    """
    check_placement(device, layout)
    if not isinstance(input, TensorBase):
        raise TypeError(
            f"expected a Tensor (got {type(input).__name__}); for arrays there is dl.from_numpy"
        )
    kind = input.array.dtype if dtype is None else as_dtype(dtype)
    ordered = memory_format == contiguous_format
    array = np.empty(input.shape, kind) if ordered else memory.empty_like(input.array, kind)
    return Tensor(array, requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """One value in the shape and dtype of `input`.

    >>> dl.full_like(dl.ones(2), 7)
    tensor([7., 7.])
    """
    return _filled(input, fill_value, dtype, layout, device, requires_grad, memory_format)


def _empty(input: Any, dtype: Any, layout: Any, device: Any, memory_format: Any) -> Tensor:
    return empty_like(input, dtype=dtype, layout=layout, device=device, memory_format=memory_format)


def _filled(
    input: Any,
    value: Any,
    dtype: Any,
    layout: Any,
    device: Any,
    requires_grad: bool,
    memory_format: Any,
) -> Tensor:
    out = _empty(input, dtype, layout, device, memory_format)
    number = isinstance(value, (int, float))
    out.array[...] = number_for("full_like", value, out.dtype) if number else to_array(value)
    return out.requires_grad_(requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of `input`.

    >>> _ = dl.manual_seed(0)
    >>> dl.rand_like(dl.zeros(2))
    tensor([0.4963, 0.7682])
    """
    out = _empty(input, dtype, layout, device, memory_format).uniform_(generator=generator)
    return out.requires_grad_(requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Standard normal, in the shape and dtype of `input`.

    >>> _ = dl.manual_seed(0)
    >>> dl.randn_like(dl.zeros(2))
    tensor([ 1.5410, -0.2934])
    """
    out = _empty(input, dtype, layout, device, memory_format).normal_(generator=generator)
    return out.requires_grad_(requires_grad)


def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Integers uniform on [low, high), in the shape and dtype of `input`; see `randint`.

    >>> _ = dl.manual_seed(0)
    >>> dl.randint_like(dl.zeros(2), 10)
    tensor([4., 9.])
    """
    low, high = (0, low) if high is None else (low, high)
    out = _empty(input, dtype, layout, device, memory_format).random_(
        low, high, generator=generator
    )
    return out.requires_grad_(requires_grad)
