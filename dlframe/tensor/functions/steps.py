"""Signs, rounding, and the parts of a float, by PyTorch's names."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.errors import DTypeError
from dlframe.tensor.arguments import checked, require_floats
from dlframe.tensor.functions import return_types

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "ceil",
    "ceil_",
    "fix",
    "fix_",
    "floor",
    "floor_",
    "frac",
    "frac_",
    "frexp",
    "heaviside",
    "round",
    "round_",
    "sgn",
    "sign",
    "trunc",
    "trunc_",
]


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1; 0 for nan.

    >>> dl.sign(dl.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    return ops.sign(input)


sign_ = in_place_form(sign, ops.sign)


def sgn(input: Tensor) -> Tensor:
    """The same as `sign`; the two differ for complex numbers only.

    >>> dl.sgn(dl.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    return ops.sign(input)


sgn_ = in_place_form(sgn, ops.sign)


def floor(input: Tensor) -> Tensor:
    """The largest integer that is not above `input`.

    >>> dl.floor(dl.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    return ops.floor(input)


floor_ = in_place_form(floor, ops.floor)


def ceil(input: Tensor) -> Tensor:
    """The smallest integer that is not below `input`.

    >>> dl.ceil(dl.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """
    return ops.ceil(input)


ceil_ = in_place_form(ceil, ops.ceil)


def trunc(input: Tensor) -> Tensor:
    """The integer part, towards zero.

    >>> dl.trunc(dl.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """
    return ops.trunc(input)


trunc_ = in_place_form(trunc, ops.trunc)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with that many decimals, halves to the even one; the gradient is 0.

    Computed as PyTorch does, round(input · 10^decimals) / 10^decimals, so 10^decimals must be a
    float. Negative `decimals` round to tens, hundreds …

    >>> dl.round(dl.tensor([0.5, 1.5, 2.5]))
    tensor([0., 2., 2.])
    >>> dl.round(dl.tensor([0.1234]), decimals=2)
    tensor([0.1200])
    """
    decimals = operator.index(decimals)
    if decimals == 0:
        return ops.rint(input)
    require_floats("round", input)
    return ops.round_to(input, decimals)


round_ = in_place_form(round, ops.rint)


def frac(input: Tensor) -> Tensor:
    """input without its whole part: input - trunc(input).

    >>> dl.frac(dl.tensor([1.5, -2.25]))
    tensor([ 0.5000, -0.2500])
    """
    return ops.frac(input)


frac_ = in_place_form(frac, ops.frac)


def frexp(input: Tensor) -> return_types.frexp:
    """input = mantissa · 2^exponent, where ½ ≤ |mantissa| < 1 and the exponent is an int32.

    Raises:
        DTypeError: integers.

    >>> mantissa, exponent = dl.frexp(dl.tensor([8.0, -3.0]))
    >>> mantissa, exponent
    (tensor([ 0.5000, -0.7500]), tensor([4, 2], dtype=dlframe.int32))
    """
    if input.dtype.kind != "f":
        raise DTypeError(
            f"frexp() only supports floating-point dtypes, got {input.dtype}; convert with .float()"
        )
    return return_types.frexp(*ops.frexp(input))


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 where input < 0, 1 where input > 0, and `values` where input = 0.

    >>> dl.heaviside(dl.tensor([-1.5, 0.0, 2.0]), dl.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if input.dtype != values.dtype:
        raise DTypeError(
            f"heaviside: both tensors need one dtype, got {input.dtype} and {values.dtype}"
        )
    return checked("heaviside", ops.heaviside(input, values), input, values)


heaviside_ = in_place_form(heaviside, ops.heaviside)


fix, fix_ = trunc, trunc_  # PyTorch's second name
