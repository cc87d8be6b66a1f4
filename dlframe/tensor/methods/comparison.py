"""Comparisons, logic and bits, as methods and in place."""

from __future__ import annotations

from dlframe.ops.record import TensorBase
from dlframe.tensor import functions as F
from dlframe.tensor.methods.support import in_place_form


class ComparisonMethods(TensorBase):
    """Comparisons, logic and bits; see `dlframe.tensor.functions.comparison`."""

    __slots__ = ()

    eq = F.eq
    ne = not_equal = F.ne
    lt = less = F.lt
    le = less_equal = F.le
    gt = greater = F.gt
    ge = greater_equal = F.ge
    equal = F.equal
    isclose = F.isclose
    allclose = F.allclose

    logical_and = F.logical_and
    logical_or = F.logical_or
    logical_xor = F.logical_xor
    logical_not = F.logical_not
    bitwise_and = F.bitwise_and
    bitwise_or = F.bitwise_or
    bitwise_xor = F.bitwise_xor
    bitwise_not = F.bitwise_not
    bitwise_left_shift = F.bitwise_left_shift
    bitwise_right_shift = F.bitwise_right_shift
    gcd = F.gcd
    lcm = F.lcm

    isnan = F.isnan
    isinf = F.isinf
    isfinite = F.isfinite
    isposinf = F.isposinf
    isneginf = F.isneginf
    isreal = F.isreal
    is_nonzero = F.is_nonzero
    signbit = F.signbit

    # --- in place ------------------------------------------------------------------------------

    eq_ = in_place_form(F.eq)
    ne_ = not_equal_ = in_place_form(F.ne)
    lt_ = less_ = in_place_form(F.lt)
    le_ = less_equal_ = in_place_form(F.le)
    gt_ = greater_ = in_place_form(F.gt)
    ge_ = greater_equal_ = in_place_form(F.ge)
    logical_and_ = in_place_form(F.logical_and)
    logical_or_ = in_place_form(F.logical_or)
    logical_xor_ = in_place_form(F.logical_xor)
    logical_not_ = in_place_form(F.logical_not)
    bitwise_and_ = in_place_form(F.bitwise_and)
    bitwise_or_ = in_place_form(F.bitwise_or)
    bitwise_xor_ = in_place_form(F.bitwise_xor)
    bitwise_not_ = in_place_form(F.bitwise_not)
    bitwise_left_shift_ = in_place_form(F.bitwise_left_shift)
    bitwise_right_shift_ = in_place_form(F.bitwise_right_shift)
    gcd_ = in_place_form(F.gcd)
    lcm_ = in_place_form(F.lcm)
