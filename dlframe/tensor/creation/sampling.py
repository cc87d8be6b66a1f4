"""Tensors of random numbers, equal to PyTorch's for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.base.quiet import quietly
from dlframe.dtypes import as_dtype
from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops.record import TensorBase, to_array
from dlframe.random import Generator, or_default
from dlframe.tensor import Tensor
from dlframe.tensor.arguments import shape_of, size_by_name
from dlframe.tensor.creation.constants import float_dtype
from dlframe.tensor.devices import check_placement

__all__ = [
    "bernoulli",
    "binomial",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "randint",
    "randn",
    "randperm",
]


@size_by_name
def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Uniform on [0, 1): PyTorch's numbers for the same seed.

    >>> _ = dl.manual_seed(0)
    >>> dl.rand(2)
    tensor([0.4963, 0.7682])
    """
    check_placement(device, layout, pin_memory)
    return Tensor(or_default(generator).uniform(shape_of(size), float_dtype(dtype)), requires_grad)


@size_by_name
def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Standard normal: PyTorch's numbers for the same seed.

    >>> _ = dl.manual_seed(0)
    >>> dl.randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    check_placement(device, layout, pin_memory)
    return Tensor(or_default(generator).normal(shape_of(size), float_dtype(dtype)), requires_grad)


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Integers uniform on [low, high); `randint(high, size)` starts at 0.

    >>> _ = dl.manual_seed(0)
    >>> dl.randint(10, (4,))
    tensor([4, 9, 3, 0])
    """
    check_placement(device, layout, pin_memory)
    if isinstance(high, (tuple, list)):
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise TypeError("randint: the size is missing; randint(high, size) or (low, high, size)")
    kind = np.dtype(np.int64) if dtype is None else as_dtype(dtype)
    if kind.kind in "iu" and high - 1 > np.iinfo(kind).max:
        raise ArgumentError(f"randint: high - 1 = {high - 1} is out of bounds for {kind}")
    values = or_default(generator).randint(low, high, shape_of((size,)))
    return Tensor(values.astype(kind, copy=False), requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = np.int64,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A random permutation of 0 … n - 1.

    >>> _ = dl.manual_seed(0)
    >>> dl.randperm(4)
    tensor([0, 1, 3, 2])
    """
    check_placement(device, layout, pin_memory)
    values = or_default(generator).randperm(n)
    return Tensor(values.astype(as_dtype(dtype), copy=False), requires_grad)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Normal numbers. Mean and standard deviation are numbers with a `size`, or tensors.

    `dtype` and `requires_grad` can be passed only together with a `size`.

    >>> dl.normal(0.0, 1.0, (2, 2)).shape
    (2, 2)
    """
    rng = or_default(generator)
    if size is not None:
        check_placement(device, layout, pin_memory)
        values = rng.normal(shape_of((size,)), float_dtype(dtype), mean=mean, std=std)
        return Tensor(values, requires_grad)
    if not isinstance(mean, TensorBase) and not isinstance(std, TensorBase):
        raise TypeError("normal: the size is missing; normal(mean, std, size), or pass tensors")
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
    return Tensor(quietly(lambda: (rng.normal(shape, dtype) * s + m).astype(dtype)))


def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None
) -> Tensor:
    """1 or 0; each element of `input` (or `p`) is the probability of 1.

    >>> dl.bernoulli(dl.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    return input.bernoulli(p, generator=generator)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Indices drawn with the probabilities in each row of `input`, whose sum may be any number.

    >>> dl.multinomial(dl.tensor([0.0, 1.0]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    return input.multinomial(num_samples, replacement, generator=generator)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of events; each element of `input` is the mean λ of one.

    P(k) = λᵏ e^{-λ} / k!. PyTorch's numbers for the same seed, drawn one by one, a million in some
    seconds.

    >>> _ = dl.manual_seed(0)
    >>> dl.poisson(dl.tensor([0.5, 4.0, 100.0]))
    tensor([ 2.,  5., 94.])
    """
    return Tensor(or_default(generator).poisson(input.array))


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of successes in `count` trials that succeed with probability `prob`.

    P(k) = (n over k) pᵏ (1 - p)ⁿ⁻ᵏ. PyTorch's numbers for the same seed, drawn one by one.

    >>> _ = dl.manual_seed(0)
    >>> dl.binomial(dl.tensor([5.0, 100.0]), dl.tensor([0.5, 0.3]))
    tensor([ 4., 34.])
    """
    for name, x in (("count", count), ("prob", prob)):
        if not x.is_floating_point():
            raise ArgumentError(
                f"binomial only supports floating-point dtypes for {name}, got: {x.dtype}"
            )
    return Tensor(or_default(generator).binomial(count.array, prob.array))
