"""Tensors from data, from constants, and from the random stream."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from dlframe.devices import check_device
from dlframe.dtypes import DType, as_dtype, get_default_dtype, promote_types
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.functions.arguments import sizes
from dlframe.ops.record import Array, TensorBase
from dlframe.random import Generator, or_default
from dlframe.tensor import Tensor, to_array

F = TypeVar("F", bound=Callable[..., Any])
_int64 = np.dtype("int64")

# --- data --------------------------------------------------------------------------------------


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of `data`: numbers, nested sequences, arrays or tensors.

    Python floats become the default dtype, ints int64, bools bool; arrays keep their dtype.

    Raises:
        ShapeError: rows of different lengths.
        DTypeError: data that are no numbers.

    >>> import dlframe as dl
    >>> dl.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    check_device(device)
    return Tensor(np.array(_values(data, dtype)), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, without a copy where that is possible.

    >>> import dlframe as dl, numpy as np
    >>> a = np.zeros(2)
    >>> dl.as_tensor(a).numpy() is a
    True
    """
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return Tensor(_values(data, dtype))


def from_numpy(ndarray: Array) -> Tensor:
    """A tensor that shares the memory of an array.

    >>> import dlframe as dl, numpy as np
    >>> dl.from_numpy(np.arange(3.0))
    tensor([0., 1., 2.], dtype=dlframe.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(
            f"expected np.ndarray (got {type(ndarray).__name__}); use dl.tensor for other data"
        )
    if not ndarray.dtype.isnative:
        raise ArgumentError(
            "from_numpy: given numpy array has byte order different from the native byte order, so "
            "no tensor can share its memory; use dl.tensor, which copies"
        )
    return Tensor(ndarray)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's array on the CPU, through DLPack.

    `copy` is True for memory of its own, False for an error where that would be needed.

    >>> import dlframe as dl, numpy as np
    >>> dl.from_dlpack(np.arange(3))
    tensor([0, 1, 2])
    """
    check_device(device)
    return Tensor(np.from_dlpack(ext_tensor, copy=copy))


def _values(data: Any, dtype: Any) -> Array:
    """`data` as an array in the dtype that PyTorch would infer."""
    target = None if dtype is None else as_dtype(dtype)
    if isinstance(data, (TensorBase, np.ndarray, np.generic)):
        array = to_array(data)
        return array if target is None else array.astype(target, copy=False)
    if isinstance(data, (list, tuple)):
        data = _plain(data)
    try:
        array = np.array(data)
    except ValueError as error:
        raise ShapeError(
            "tensor: the nested sequences have different lengths, so they form no tensor "
            f"({error}); pad them to one length, or keep them in a list"
        ) from None
    _check_numbers(array, data)
    if target is None:
        target = _inferred(array, data)
    elif target.kind in "iu":
        _check_range(array, target)
    return array.astype(target, copy=False)


def _plain(data: Any) -> Any:
    """Nested sequences with the numbers of one-element tensors in their places."""
    if isinstance(data, TensorBase):
        if data.array.size != 1:
            raise ShapeError(
                "tensor: only one element tensors can be converted to Python scalars, and the "
                f"sequence holds one of shape {list(data.array.shape)}; use dl.stack()"
            )
        return data.array.reshape(())[()]
    return [_plain(x) for x in data] if isinstance(data, (list, tuple)) else data


def _check_numbers(array: Array, data: Any) -> None:
    if array.dtype.kind == "O" and all(isinstance(v, int) for v in array.flat):
        raise ArgumentError("tensor: Overflow: an integer does not fit into int64")
    if array.dtype.kind not in "buif":
        raise DTypeError(
            f"tensor: cannot make a tensor of {type(data).__name__} data (NumPy's dtype for it is "
            f"{array.dtype})"
        )


def _inferred(array: Array, data: Any) -> DType:
    """The dtype of nested sequences: NumPy's numbers keep theirs, Python's follow PyTorch."""
    if array.dtype.kind == "b" or not array.size:
        return array.dtype if array.dtype.kind == "b" else get_default_dtype()
    kinds = set(map(type, _leaves(data)))
    if kinds <= {bool, int, float}:
        if array.dtype.kind == "u":
            raise ArgumentError("tensor: Overflow: an integer does not fit into int64")
        return get_default_dtype() if array.dtype.kind == "f" else array.dtype
    python = {bool: np.bool_, int: np.int64, float: get_default_dtype()}
    dtypes = {as_dtype(python.get(type(x)) or x.dtype) for x in _leaves(data)}
    return functools.reduce(promote_types, dtypes)


def _leaves(data: Any) -> Iterator[Any]:
    if isinstance(data, Iterable) and not isinstance(data, np.ndarray):
        for item in data:
            yield from _leaves(item)
    else:
        yield data


def _check_range(array: Array, dtype: DType) -> None:
    """Raise where Python's numbers do not fit; -1 in uint8 is 255, as in PyTorch."""
    if not array.size:
        return
    limit = np.iinfo(dtype)
    low, high = float(array.min()), float(array.max())
    if not (-limit.max - 1 <= low and high <= limit.max):
        raise ArgumentError(
            f"tensor: values from {array.min()} to {array.max()} cannot be converted to type "
            f"{dtype} without overflow"
        )


# --- constants ---------------------------------------------------------------------------------


def _size_by_name(function: F) -> F:
    """Let a function of ``*size`` take ``size=`` too, as PyTorch's does."""

    @functools.wraps(function)
    def call(*size: Any, **kwargs: Any) -> Any:
        if "size" in kwargs:
            size = (*size, kwargs.pop("size"))
        if not size:
            raise TypeError(f"{function.__name__}: the size is missing; () is that of a number")
        return function(*size, **kwargs)

    return call  # type: ignore[return-value] # the same signature, kept by wraps


def _shape(size: Any) -> tuple[int, ...]:
    shape = sizes(size)
    if any(n < 0 for n in shape):
        raise ArgumentError(f"Trying to create tensor with negative dimension: {list(shape)}")
    return shape


def _dtype(dtype: Any) -> DType:
    return get_default_dtype() if dtype is None else as_dtype(dtype)


@_size_by_name
def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the given shape.

    >>> import dlframe as dl
    >>> dl.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    check_device(device)
    return Tensor(np.zeros(_shape(size), _dtype(dtype)), requires_grad)


@_size_by_name
def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the given shape.

    >>> import dlframe as dl
    >>> dl.ones(2, dtype=dl.int64)
    tensor([1, 1])
    """
    check_device(device)
    return Tensor(np.ones(_shape(size), _dtype(dtype)), requires_grad)


@_size_by_name
def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialized memory of the given shape.

    >>> import dlframe as dl
    >>> dl.empty(2, 0).shape
    (2, 0)
    """
    check_device(device)
    return Tensor(np.empty(_shape(size), _dtype(dtype)), requires_grad)


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The given shape filled with one value, whose type decides the dtype.

    >>> import dlframe as dl
    >>> dl.full((2,), 7)
    tensor([7, 7])
    """
    check_device(device)
    value = _values(fill_value, dtype)
    if value.ndim:
        raise TypeError(f"full: fill_value must be a number, got one of shape {list(value.shape)}")
    return Tensor(np.full(_shape((size,)), value, value.dtype), requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones on the diagonal of an n × m matrix, zeros elsewhere.

    >>> import dlframe as dl
    >>> dl.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_device(device)
    rows, columns = _shape((n, n if m is None else m))
    return Tensor(np.eye(rows, columns, dtype=_dtype(dtype)), requires_grad)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, … below `end`; int64 for integers, else the default dtype.

    ``arange(end)`` starts at 0. Floats are start + i · step in float64, rounded once; PyTorch adds
    the steps within a vector register in the dtype itself, so its last bits depend on the machine.

    >>> import dlframe as dl
    >>> dl.arange(0, 1, 0.25)
    tensor([0.0000, 0.2500, 0.5000, 0.7500])
    """
    check_device(device)
    start, end, step = (
        _number(v) for v in ((0, start, step) if end is None else (start, end, step))
    )
    whole = all(isinstance(v, int) for v in (start, end, step))
    kind = _int64 if dtype is None and whole else _dtype(dtype)
    if kind.kind == "b":
        raise DTypeError("arange: there is no range of bools")
    if kind.kind in "iu":
        start, end, step = int(start), int(end), int(step)
    if not step or not (end - start) / step >= 0 or math.isinf(end - start):
        raise ArgumentError(
            f"arange: upper bound and lower bound inconsistent with step: from {start} to {end} in "
            f"steps of {step} there is no sequence"
        )
    values = start + step * np.arange(math.ceil((end - start) / step))
    return Tensor(values.astype(kind), requires_grad)


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, (Tensor, np.generic)) else value


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` values from `start` to `end`, both included.

    >>> import dlframe as dl
    >>> dl.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_device(device)
    kind = _dtype(dtype)
    return Tensor(_evenly(_number(start), _number(end), steps, kind).astype(kind), requires_grad)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`base` to the power of `steps` exponents from `start` to `end`, both included.

    >>> import dlframe as dl
    >>> dl.logspace(0, 3, 4, base=2)
    tensor([1., 2., 4., 8.])
    """
    check_device(device)
    exponents = _evenly(_number(start), _number(end), steps, as_dtype(np.float64))
    return Tensor((float(base) ** exponents).astype(_dtype(dtype)), requires_grad)


def _evenly(start: Any, end: Any, steps: int, kind: DType) -> Array:
    """Evenly spaced values, to be rounded to `kind`.

    As in PyTorch the first half counts from the start and the second half back from the end, with
    a step of the dtype `kind`. PyTorch multiplies and adds with one rounding; in a wider type that
    is what the two operations come to.
    """
    steps = operator.index(steps)
    if steps < 0:
        raise ArgumentError(f"linspace: number of steps must be non-negative, got {steps}")
    if kind.kind == "b":
        raise DTypeError("linspace: there is no range of bools")
    own = kind if kind.kind == "f" else as_dtype(np.float64)
    wide: Any = {2: np.float16, 4: np.float64}.get(own.itemsize, np.longdouble)
    a, b = (own.type(kind.type(v)) for v in (start, end))
    if steps == 1:
        return np.array([a])
    step = wide((b - a) / own.type(steps - 1))
    i = np.arange(steps)
    forward: Array = wide(a) + step * i.astype(wide)
    backward: Array = wide(b) - step * (steps - 1 - i).astype(wide)
    return np.where(i < steps // 2, forward, backward).astype(own)


# --- in the shape of another tensor ------------------------------------------------------------


def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros with the shape and dtype of `input`."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones with the shape and dtype of `input`."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Uninitialized memory with the shape and dtype of `input`, in the same order in memory."""
    check_device(device)
    if not isinstance(input, TensorBase):
        raise TypeError(
            f"expected a Tensor (got {type(input).__name__}); for arrays there is dl.from_numpy"
        )
    kind = input.array.dtype if dtype is None else as_dtype(dtype)
    return Tensor(np.empty_like(input.array, kind, subok=False), requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """One value in the shape and dtype of `input`.

    >>> import dlframe as dl
    >>> dl.full_like(dl.ones(2), 7)
    tensor([7., 7.])
    """
    out = empty_like(input, dtype=dtype, device=device, requires_grad=requires_grad)
    out.array[...] = to_array(fill_value)
    return out


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of `input`."""
    out = empty_like(input, dtype=dtype, device=device).uniform_(generator=generator)
    return out.requires_grad_(requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Standard normal, in the shape and dtype of `input`."""
    out = empty_like(input, dtype=dtype, device=device).normal_(generator=generator)
    return out.requires_grad_(requires_grad)


def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers uniform on [low, high), in the shape and dtype of `input`; see `randint`."""
    low, high = (0, low) if high is None else (low, high)
    out = empty_like(input, dtype=dtype, device=device).random_(low, high, generator=generator)
    return out.requires_grad_(requires_grad)


# --- random ------------------------------------------------------------------------------------


@_size_by_name
def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform on [0, 1): PyTorch's numbers for the same seed.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> dl.rand(2)
    tensor([0.4963, 0.7682])
    """
    check_device(device)
    return Tensor(or_default(generator).uniform(_shape(size), _dtype(dtype)), requires_grad)


@_size_by_name
def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Standard normal: PyTorch's numbers for the same seed.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> dl.randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    check_device(device)
    return Tensor(or_default(generator).normal(_shape(size), _dtype(dtype)), requires_grad)


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers uniform on [low, high); ``randint(high, size)`` starts at 0.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> dl.randint(10, (4,))
    tensor([4, 9, 3, 0])
    """
    check_device(device)
    if isinstance(high, (tuple, list)):
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise TypeError("randint: the size is missing; randint(high, size) or (low, high, size)")
    kind = _int64 if dtype is None else as_dtype(dtype)
    if kind.kind in "iu" and high - 1 > np.iinfo(kind).max:
        raise ArgumentError(f"randint: high - 1 = {high - 1} is out of bounds for {kind}")
    values = or_default(generator).randint(low, high, _shape((size,)))
    return Tensor(values.astype(kind, copy=False), requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = _int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A random permutation of 0 … n - 1.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> dl.randperm(4)
    tensor([0, 1, 3, 2])
    """
    check_device(device)
    values = or_default(generator).randperm(n)
    return Tensor(values.astype(as_dtype(dtype), copy=False), requires_grad)


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
        return Tensor(rng.normal(_shape((size,)), get_default_dtype(), mean=mean, std=std))
    m, s = to_array(mean), to_array(std)
    if (s < 0).any():
        raise ArgumentError(f"normal: expects all std >= 0.0, the smallest is {s.min()}")
    dtype = m.dtype if isinstance(mean, TensorBase) else s.dtype
    try:
        shape = np.broadcast_shapes(m.shape, s.shape)
    except ValueError:
        raise ShapeError(
            f"normal: mean of shape {list(m.shape)} and std of shape {list(s.shape)} cannot be "
            "broadcast together"
        ) from None
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
