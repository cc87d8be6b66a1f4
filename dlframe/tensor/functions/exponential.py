"""Exponentials and logarithms, by PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.tensor.arguments import Number, checked, floats_of, pair_of

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "exp",
    "exp2",
    "exp2_",
    "exp_",
    "expm1",
    "expm1_",
    "log",
    "log1p",
    "log1p_",
    "log2",
    "log2_",
    "log10",
    "log10_",
    "log_",
    "logaddexp",
    "logaddexp2",
    "logit",
    "logit_",
    "sigmoid",
    "sigmoid_",
    "xlogy",
    "xlogy_",
]


def exp(input: Tensor) -> Tensor:
    """e to the power of `input`.

    >>> dl.exp(dl.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return ops.exp(input)


exp_ = in_place_form(exp, ops.exp)


def exp2(input: Tensor) -> Tensor:
    """2 to the power of `input`.

    >>> dl.exp2(dl.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """
    return ops.exp2(input)


exp2_ = in_place_form(exp2, ops.exp2)


def expm1(input: Tensor) -> Tensor:
    """eˣ - 1, exact for small x.

    >>> dl.expm1(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return ops.expm1(input)


expm1_ = in_place_form(expm1, ops.expm1)


def log(input: Tensor) -> Tensor:
    """The natural logarithm: -∞ for 0, nan below.

    >>> dl.log(dl.tensor([1.0, 2.0]))
    tensor([0.0000, 0.6931])
    """
    return ops.log(input)


log_ = in_place_form(log, ops.log)


def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2.

    >>> dl.log2(dl.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return ops.log2(input)


log2_ = in_place_form(log2, ops.log2)


def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10.

    >>> dl.log10(dl.tensor([1.0, 100.0]))
    tensor([0., 2.])
    """
    return ops.log10(input)


log10_ = in_place_form(log10, ops.log10)


def log1p(input: Tensor) -> Tensor:
    """ln(1 + x), exact for small x.

    >>> dl.log1p(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    return ops.log1p(input)


log1p_ = in_place_form(log1p, ops.log1p)


def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """ln(eˣ + eʸ), without overflow.

    >>> dl.logaddexp(dl.tensor([1000.0]), dl.tensor([1000.0]))
    tensor([1000.6932])
    """
    return checked("logaddexp", ops.logaddexp(input, other), input, other)


def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log₂(2ˣ + 2ʸ), without overflow.

    >>> dl.logaddexp2(dl.tensor([1000.0]), dl.tensor([1000.0]))
    tensor([1001.])
    """
    return checked("logaddexp2", ops.logaddexp2(input, other), input, other)


def xlogy(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input · ln other; 0 where `input` is 0, unless `other` is nan.

    >>> dl.xlogy(dl.tensor([0.0, 2.0]), dl.tensor([0.0, 3.0]))
    tensor([0.0000, 2.1972])
    """
    return ops.xlogy(*pair_of("xlogy", input, other))


xlogy_ = in_place_form(xlogy)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ), in (0, 1).

    >>> dl.sigmoid(dl.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return ops.sigmoid(input)


sigmoid_ = in_place_form(sigmoid, ops.sigmoid)


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """ln(x / (1 - x)), the inverse of the sigmoid; with `eps` x is first held in [eps, 1 - eps].

    >>> dl.logit(dl.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    >>> dl.logit(dl.tensor([0.0, 1.0]), eps=1e-3)
    tensor([-6.9068,  6.9068])
    """
    return ops.logit(floats_of(input), eps=eps)


logit_ = in_place_form(logit)
