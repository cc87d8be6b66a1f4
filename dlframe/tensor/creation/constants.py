"""Tensors with one value everywhere or on a diagonal, and the indices of triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.dtypes import DType, as_dtype, get_default_dtype
from dlframe.errors import ArgumentError
from dlframe.ops.strides import strided_memory
from dlframe.tensor import Tensor
from dlframe.tensor.arguments import shape_of, size_by_name, sizes
from dlframe.tensor.creation.data import values_of
from dlframe.tensor.devices import check_placement

__all__ = [
    "empty",
    "empty_permuted",
    "empty_strided",
    "eye",
    "full",
    "ones",
    "tril_indices",
    "triu_indices",
    "zeros",
]


def float_dtype(dtype: Any) -> DType:
    """The dtype, by default the default dtype of floats."""
    return get_default_dtype() if dtype is None else as_dtype(dtype)


@size_by_name
def zeros(
    *size: Any,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros of the given shape.

    >>> dl.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    check_placement(device, layout, pin_memory)
    return Tensor(np.zeros(shape_of(size), float_dtype(dtype)), requires_grad)


@size_by_name
def ones(
    *size: Any,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Ones of the given shape.

    >>> dl.ones(2, dtype=dl.int64)
    tensor([1, 1])
    """
    check_placement(device, layout, pin_memory)
    return Tensor(np.ones(shape_of(size), float_dtype(dtype)), requires_grad)


@size_by_name
def empty(
    *size: Any,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Uninitialized memory of the given shape.

    >>> dl.empty(2, 0).shape
    (2, 0)
    """
    check_placement(device, layout, pin_memory)
    return Tensor(np.empty(shape_of(size), float_dtype(dtype)), requires_grad)


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """The given shape filled with one value, whose type decides the dtype.

    >>> dl.full((2,), 7)
    tensor([7, 7])
    """
    check_placement(device, layout, pin_memory)
    value = values_of(fill_value, dtype)
    if value.ndim:
        raise TypeError(f"full: fill_value must be a number, got one of shape {list(value.shape)}")
    return Tensor(np.full(shape_of((size,)), value, value.dtype), requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Ones on the diagonal of an n × m matrix, zeros elsewhere.

    >>> dl.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_placement(device, layout, pin_memory)
    rows, columns = shape_of((n, n if m is None else m))
    return Tensor(np.eye(rows, columns, dtype=float_dtype(dtype)), requires_grad)


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = np.int64,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """The rows and columns of the elements in the lower triangle of a row × col matrix.

    >>> dl.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    check_placement(device, layout, pin_memory)
    rows, columns = shape_of((row, col))
    places = np.stack(np.tril_indices(rows, offset, columns))
    return Tensor(places.astype(as_dtype(dtype or np.int64)))


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = np.int64,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """The rows and columns of the elements in the upper triangle of a row × col matrix.

    >>> dl.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    check_placement(device, layout, pin_memory)
    rows, columns = shape_of((row, col))
    places = np.stack(np.triu_indices(rows, offset, columns))
    return Tensor(places.astype(as_dtype(dtype or np.int64)))


# --- with an order in memory -------------------------------------------------------------------


def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Uninitialized memory in which element (i, j …) lies at i · stride₀ + j · stride₁ ….

    >>> dl.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    check_placement(device, layout, pin_memory)
    return Tensor(
        strided_memory(shape_of((size,)), sizes((stride,)), float_dtype(dtype)), requires_grad
    )


def empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Uninitialized memory that lies in order when the dimensions are taken in the given order.

    >>> dl.empty_permuted((2, 3, 5), (0, 2, 1)).stride()
    (15, 1, 3)
    """
    check_placement(device, layout, pin_memory)
    shape, order = shape_of((size,)), sizes((physical_layout,))
    if sorted(order) != list(range(len(shape))):
        raise ArgumentError(
            "empty_permuted: physical_layout must name every dimension once; got "
            f"{list(order)} for {len(shape)} dimensions"
        )
    memory = np.empty([shape[i] for i in order], float_dtype(dtype))
    return Tensor(memory.transpose(np.argsort(order)), requires_grad)
