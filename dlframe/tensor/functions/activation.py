"""The activations that PyTorch has at its top level; `nn.functional` has all of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.random import Generator, or_default
from dlframe.tensor.arguments import require_floats

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "celu",
    "celu_",
    "hardshrink",
    "prelu",
    "relu",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "threshold",
    "threshold_",
]


def relu(input: Tensor) -> Tensor:
    """max(x, 0); the gradient at 0 is 0.

    >>> dl.relu(dl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if input.array.dtype.kind == "b":
        raise DTypeError("relu: Boolean inputs not supported; convert with .float()")
    return ops.relu(input)


relu_ = in_place_form(relu, ops.relu)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight · x, with a weight to be learned (He et al. 2015).

    Args:
        input: any shape; with several weights (N, C, *).
        weight: one, or C of them, of the dtype of `input`.

    >>> dl.prelu(dl.tensor([[-1.0, -1.0]]), dl.tensor([0.5, 0.1]))
    tensor([[-0.5000, -0.1000]])
    """
    require_floats("prelu", input)
    if weight.dtype != input.dtype:
        raise DTypeError(
            f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}; convert "
            "with .to(dtype)"
        )
    shape, count = input.shape, math.prod(weight.shape)
    if count != 1:
        channels = shape[1] if len(shape) > 1 else 1
        if len(weight.shape) != 1 or count != channels or not shape:
            raise ShapeError(
                "prelu: expected one weight, or one for each channel (dimension 1 of the input), "
                f"got weight{list(weight.shape)} for input{list(shape)}"
            )
        weight = ops.reshape(weight, shape=(count, *[1] * (len(shape) - 2)))
    elif len(weight.shape) > 1:
        raise ShapeError(
            f"prelu: expected `weight` to be a scalar or 1D tensor, got weight{list(weight.shape)}"
        )
    else:
        weight = ops.reshape(weight, shape=())
    return ops.prelu(input, weight)


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """x where x > 0, else a · x with random a from [lower, upper) (Xu et al. 2015).

    Each element that is not positive draws its own a. Without `training` a is the mean of the ends.

    >>> dl.rrelu(dl.tensor([-1.0, 2.0]), 0.1, 0.3)
    tensor([-0.2000,  2.0000])
    """
    require_floats("rrelu", input)
    for name, end in (("lower", lower), ("upper", upper)):
        if not math.isfinite(end):
            raise ArgumentError(f"rrelu: {name} bound must be finite, got {end}")
    if lower > upper:
        raise ArgumentError(
            "rrelu: Lower bound should be less than or equal to the upper bound, got "
            f"{lower} and {upper}"
        )
    input = ops.ordered(input)  # as PyTorch, which gives its results in order
    if not training:
        return ops.leaky_relu(input, negative_slope=(lower + upper) / 2)
    return ops.prelu(input, _slopes(input.array, lower, upper, or_default(generator)))


def _slopes(x: Any, lower: float, upper: float, generator: Generator) -> Tensor:
    """1 for positive elements and nan, a random number for each of the others."""
    slopes = np.ones_like(x)
    drawn = x <= 0
    slopes[drawn] = generator.uniform((int(drawn.sum()),), np.float64, low=lower, high=upper)
    return wrap(slopes)


rrelu_ = in_place_form(rrelu)


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha (exp(x / alpha) - 1) (Barron 2017).

    Unlike `elu` it is smooth for every alpha.

    >>> dl.celu(dl.tensor([-1.0, 2.0]), alpha=0.5)
    tensor([-0.4323,  2.0000])
    """
    require_floats("celu", input)
    if alpha == 0:
        raise ArgumentError("celu: alpha cannot be 0")
    return ops.celu(input, alpha=alpha)


celu_ = in_place_form(celu)


def selu(input: Tensor) -> Tensor:
    """1.0507 (x where x > 0, else 1.6733 (exp(x) - 1)) (Klambauer et al. 2017).

    >>> dl.selu(dl.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    require_floats("selu", input)
    return ops.selu(input)


selu_ = in_place_form(selu)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x, and 0 where |x| ≤ lambd.

    >>> dl.hardshrink(dl.tensor([-2.0, 0.3, 2.0]))
    tensor([-2.,  0.,  2.])
    """
    require_floats("hardshrink", input)
    return ops.hardshrink(input, lambd=lambd)


def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """`input` where it is above `threshold`, else `value`.

    >>> dl.threshold(dl.tensor([-1.0, 2.0]), 0.5, 9.0)
    tensor([9., 2.])
    """
    if input.array.dtype.kind == "b":
        raise DTypeError("threshold: not implemented for bool; convert with .float()")
    if input.array.dtype.kind != "f":  # the result stays one of integers
        threshold, value = int(threshold), int(value)
    return ops.where(ops.less_equal(input, threshold), value, input)


threshold_ = in_place_form(threshold)
