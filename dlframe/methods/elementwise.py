"""Functions of each element, as methods and in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe import functions as F
from dlframe.methods.support import in_place_form
from dlframe.ops.record import TensorBase

if TYPE_CHECKING:
    from dlframe.tensor import Tensor


class ElementwiseMethods(TensorBase):
    """Arithmetic and functions of each element; see `dlframe.functions.elementwise`."""

    __slots__ = ()

    add = F.add
    sub = subtract = F.sub
    mul = multiply = F.mul
    div = divide = F.div
    true_divide = F.div
    pow = F.pow
    remainder = F.remainder
    fmod = F.fmod
    floor_divide = F.floor_divide
    addcmul = F.addcmul
    addcdiv = F.addcdiv
    lerp = F.lerp
    maximum = F.maximum
    minimum = F.minimum
    clamp = F.clamp
    clip = F.clip
    logaddexp = F.logaddexp
    atan2 = arctan2 = F.atan2

    def where(self: Any, condition: Tensor, other: Any) -> Tensor:
        """This tensor where `condition` holds, else `other`; see `dlframe.where`."""
        return F.where(condition, self, other)

    clone = F.clone
    abs = absolute = F.abs
    neg = negative = F.neg
    positive = F.positive
    sign = F.sign
    square = F.square
    sqrt = F.sqrt
    rsqrt = F.rsqrt
    reciprocal = F.reciprocal
    exp = F.exp
    exp2 = F.exp2
    expm1 = F.expm1
    log = F.log
    log2 = F.log2
    log10 = F.log10
    log1p = F.log1p
    sin = F.sin
    cos = F.cos
    tan = F.tan
    asin = arcsin = F.asin
    acos = arccos = F.acos
    atan = arctan = F.atan
    sinh = F.sinh
    cosh = F.cosh
    tanh = F.tanh
    asinh = arcsinh = F.asinh
    acosh = arccosh = F.acosh
    atanh = arctanh = F.atanh
    sigmoid = F.sigmoid
    relu = F.relu
    erf = F.erf
    floor = F.floor
    ceil = F.ceil
    trunc = fix = F.trunc
    round = F.round

    # --- in place ---

    add_ = in_place_form(F.add)
    sub_ = subtract_ = in_place_form(F.sub)
    mul_ = multiply_ = in_place_form(F.mul)
    div_ = divide_ = true_divide_ = in_place_form(F.div)
    pow_ = in_place_form(F.pow)
    remainder_ = in_place_form(F.remainder)
    fmod_ = in_place_form(F.fmod)
    floor_divide_ = in_place_form(F.floor_divide)
    addcmul_ = in_place_form(F.addcmul)
    addcdiv_ = in_place_form(F.addcdiv)
    lerp_ = in_place_form(F.lerp)
    clamp_ = clip_ = in_place_form(F.clamp)
    abs_ = absolute_ = in_place_form(F.abs)
    neg_ = negative_ = in_place_form(F.neg)
    sign_ = in_place_form(F.sign)
    square_ = in_place_form(F.square)
    sqrt_ = in_place_form(F.sqrt)
    rsqrt_ = in_place_form(F.rsqrt)
    reciprocal_ = in_place_form(F.reciprocal)
    exp_ = in_place_form(F.exp)
    exp2_ = in_place_form(F.exp2)
    expm1_ = in_place_form(F.expm1)
    log_ = in_place_form(F.log)
    log2_ = in_place_form(F.log2)
    log10_ = in_place_form(F.log10)
    log1p_ = in_place_form(F.log1p)
    sin_ = in_place_form(F.sin)
    cos_ = in_place_form(F.cos)
    tan_ = in_place_form(F.tan)
    asin_ = arcsin_ = in_place_form(F.asin)
    acos_ = arccos_ = in_place_form(F.acos)
    atan_ = arctan_ = in_place_form(F.atan)
    atan2_ = arctan2_ = in_place_form(F.atan2)
    sinh_ = in_place_form(F.sinh)
    cosh_ = in_place_form(F.cosh)
    tanh_ = in_place_form(F.tanh)
    asinh_ = arcsinh_ = in_place_form(F.asinh)
    acosh_ = arccosh_ = in_place_form(F.acosh)
    atanh_ = arctanh_ = in_place_form(F.atanh)
    sigmoid_ = in_place_form(F.sigmoid)
    relu_ = in_place_form(F.relu)
    erf_ = in_place_form(F.erf)
    floor_ = in_place_form(F.floor)
    ceil_ = in_place_form(F.ceil)
    trunc_ = fix_ = in_place_form(F.trunc)
    round_ = in_place_form(F.round)
