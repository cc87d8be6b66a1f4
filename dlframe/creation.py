"""Tensors from data, from constants, and from the random stream."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.dtypes import as_dtype, get_default_dtype
from dlframe.errors import DTypeError, ShapeError
from dlframe.functions import sizes
from dlframe.ops.record import Array, TensorBase
from dlframe.random import Generator, or_default
from dlframe.tensor import Tensor, to_array


def tensor(
    data: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """A tensor with a copy of `data`: numbers, nested sequences, arrays or tensors.

    Python floats become the default dtype, ints int64, bools bool; arrays keep their dtype.

    Raises:
        ShapeError: rows of different lengths.

    >>> import dlframe as dl
    >>> dl.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    _check_device(device)
    return Tensor(np.array(_values(data, dtype)), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, without a copy where that is possible.

    >>> import dlframe as dl, numpy as np
    >>> a = np.zeros(2)
    >>> dl.as_tensor(a).numpy() is a
    True
    """
    _check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return Tensor(_values(data, dtype))


def from_numpy(array: Array) -> Tensor:
    """A tensor that shares the memory of `array`.

    >>> import dlframe as dl, numpy as np
    >>> dl.from_numpy(np.arange(3.0))
    tensor([0., 1., 2.], dtype=dlframe.float64)
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"expected np.ndarray (got {type(array).__name__}); use dl.tensor for other data"
        )
    return Tensor(array)


def from_dlpack(source: Any) -> Tensor:
    """A tensor that shares the memory of another library's array on the CPU, through DLPack."""
    return Tensor(np.from_dlpack(source))


def _values(data: Any, dtype: Any) -> Array:
    """`data` as an array in the dtype that PyTorch would infer."""
    if isinstance(data, (TensorBase, np.ndarray, np.generic)):
        array = to_array(data)
        return array if dtype is None else array.astype(as_dtype(dtype), copy=False)
    if isinstance(data, (list, tuple)):
        data = _unwrapped(data)
    try:
        array = np.array(data)
    except ValueError as error:
        raise ShapeError(
            f"tensor: the nested sequences have different lengths, so they form no tensor ({error}); "
            "pad them to one length, or keep them in a list"
        ) from None
    if array.dtype.kind not in "buif":
        raise DTypeError(
            f"tensor: cannot make a tensor of {type(data).__name__} data (NumPy dtype {array.dtype})"
        )
    if dtype is not None:
        return array.astype(as_dtype(dtype), copy=False)
    if array.dtype.kind == "f" and not _holds_arrays(data):
        return array.astype(get_default_dtype())
    return array


def _unwrapped(data: Any) -> Any:
    """Nested sequences with their tensors turned into arrays."""
    if isinstance(data, TensorBase):
        return data.array
    return [_unwrapped(x) for x in data] if isinstance(data, (list, tuple)) else data


def _holds_arrays(data: Any) -> bool:
    while isinstance(data, list) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def _check_device(device: Any) -> None:
    if device is not None and not str(device).startswith("cpu"):
        raise ValueError(f"the only device is 'cpu', got {device!r}")


def _dtype(dtype: Any) -> Any:
    return get_default_dtype() if dtype is None else as_dtype(dtype)


# --- constants -----------------------------------------------------------------------------------------


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Zeros of the given shape.

    >>> import dlframe as dl
    >>> dl.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    _check_device(device)
    return Tensor(np.zeros(sizes(size), _dtype(dtype)), requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Ones of the given shape.

    >>> import dlframe as dl
    >>> dl.ones(2, dtype=dl.int64)
    tensor([1, 1])
    """
    _check_device(device)
    return Tensor(np.ones(sizes(size), _dtype(dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Uninitialized memory of the given shape.

    >>> import dlframe as dl
    >>> dl.empty(2, 0).shape
    (2, 0)
    """
    _check_device(device)
    return Tensor(np.empty(sizes(size), _dtype(dtype)), requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """The given shape filled with one value, whose type decides the dtype.

    >>> import dlframe as dl
    >>> dl.full((2,), 7)
    tensor([7, 7])
    """
    value = _values(fill_value, dtype)
    return Tensor(np.full(sizes((size,)), value, value.dtype), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of an n × m matrix, zeros elsewhere.

    >>> import dlframe as dl
    >>> dl.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return Tensor(np.eye(n, m, dtype=_dtype(dtype)), requires_grad)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """start, start + step, … below `end`; int64 for integers, else the default dtype.

    >>> import dlframe as dl
    >>> dl.arange(0, 1, 0.25)
    tensor([0.0000, 0.2500, 0.5000, 0.7500])
    """
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) / step < 0:
        raise ValueError(
            f"arange: start {start}, end {end} and step {step} give no sequence; check the sign of step"
        )
    if dtype is None:
        dtype = (
            np.int64 if all(isinstance(v, (int, np.integer)) for v in (start, end, step)) else None
        )
    kind = _dtype(dtype)
    exact = (
        np.arange(start, end, step)
        if kind.kind in "iu"
        else start + step * np.arange(_steps(start, end, step))
    )
    return Tensor(exact.astype(kind), requires_grad)


def _steps(start: Any, end: Any, step: Any) -> int:
    return int(np.ceil((end - start) / step))


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` values from `start` to `end`, both included.

    >>> import dlframe as dl
    >>> dl.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    return Tensor(np.linspace(start, end, steps).astype(_dtype(dtype)), requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros with the shape and dtype of `input`."""
    return Tensor(np.zeros(input.array.shape, dtype or input.array.dtype), requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones with the shape and dtype of `input`."""
    return Tensor(np.ones(input.array.shape, dtype or input.array.dtype), requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialized memory with the shape and dtype of `input`."""
    return Tensor(np.empty(input.array.shape, dtype or input.array.dtype), requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """One value in the shape and dtype of `input`."""
    return Tensor(np.full(input.array.shape, fill_value, dtype or input.array.dtype), requires_grad)


# --- random --------------------------------------------------------------------------------------------


def rand(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Uniform on [0, 1): PyTorch's numbers for the same seed.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> dl.rand(2)
    tensor([0.4963, 0.7682])
    """
    return Tensor(or_default(generator).uniform(sizes(size), _dtype(dtype)), requires_grad)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Standard normal: PyTorch's numbers for the same seed.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> dl.randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    return Tensor(or_default(generator).normal(sizes(size), _dtype(dtype)), requires_grad)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
) -> Tensor:
    """Integers uniform on [low, high); ``randint(high, size)`` starts at 0.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> dl.randint(10, (4,))
    tensor([4, 9, 3, 0])
    """
    if size is None:
        low, high, size = 0, low, high
    values = or_default(generator).randint(low, high, sizes((size,)))
    return Tensor(values if dtype is None else values.astype(as_dtype(dtype)))


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None) -> Tensor:
    """A random permutation of 0 … n - 1.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> dl.randperm(4)
    tensor([2, 0, 1, 3])
    """
    values = or_default(generator).randperm(n)
    return Tensor(values if dtype is None else values.astype(as_dtype(dtype)))


def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of `input`."""
    return rand(input.array.shape, generator=generator, dtype=dtype or input.array.dtype)


def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None) -> Tensor:
    """Standard normal, in the shape and dtype of `input`."""
    return randn(input.array.shape, generator=generator, dtype=dtype or input.array.dtype)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None
) -> Tensor:
    """Normal with the given mean and standard deviation: numbers with a `size`, or tensors.

    >>> import dlframe as dl
    >>> dl.normal(0.0, 1.0, (2, 2)).shape
    (2, 2)
    """
    rng = or_default(generator)
    if size is not None:
        return Tensor(rng.normal(sizes((size,)), get_default_dtype(), mean=mean, std=std))
    m, s = to_array(mean), to_array(std)
    if (s < 0).any():
        raise ValueError(f"normal: expects all elements of std >= 0.0, the smallest is {s.min()}")
    dtype = m.dtype if isinstance(mean, TensorBase) else s.dtype
    shape = np.broadcast_shapes(m.shape, s.shape)
    return Tensor((rng.normal(shape, dtype) * s + m).astype(dtype))


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element gives, else 0.

    >>> import dlframe as dl
    >>> dl.bernoulli(dl.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    return input.bernoulli(generator=generator)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Indices drawn with the probabilities (of any sum) that each row of `input` gives.

    >>> import dlframe as dl
    >>> dl.multinomial(dl.tensor([0.0, 1.0]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    return input.multinomial(num_samples, replacement, generator=generator)
