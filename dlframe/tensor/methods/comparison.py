"""Comparisons, logic and bits, as methods and in place."""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, deferred
from dlframe.ops.record import TensorBase

if IN_ADVANCE:
    from dlframe.tensor.functions import comparison
else:
    globals().update(deferred("dlframe.tensor.functions", "comparison"))


class ComparisonMethods(TensorBase):
    """Comparisons, logic and bits; see `dlframe.tensor.functions.comparison`."""

    __slots__ = ()

    eq, eq_ = comparison.eq, comparison.eq_
    ne, ne_ = not_equal, not_equal_ = comparison.ne, comparison.ne_
    lt, lt_ = less, less_ = comparison.lt, comparison.lt_
    le, le_ = less_equal, less_equal_ = comparison.le, comparison.le_
    gt, gt_ = greater, greater_ = comparison.gt, comparison.gt_
    ge, ge_ = greater_equal, greater_equal_ = comparison.ge, comparison.ge_
    equal = comparison.equal
    isclose = comparison.isclose
    allclose = comparison.allclose

    logical_and, logical_and_ = comparison.logical_and, comparison.logical_and_
    logical_or, logical_or_ = comparison.logical_or, comparison.logical_or_
    logical_xor, logical_xor_ = comparison.logical_xor, comparison.logical_xor_
    logical_not, logical_not_ = comparison.logical_not, comparison.logical_not_
    bitwise_and, bitwise_and_ = comparison.bitwise_and, comparison.bitwise_and_
    bitwise_or, bitwise_or_ = comparison.bitwise_or, comparison.bitwise_or_
    bitwise_xor, bitwise_xor_ = comparison.bitwise_xor, comparison.bitwise_xor_
    bitwise_not, bitwise_not_ = comparison.bitwise_not, comparison.bitwise_not_
    bitwise_left_shift = comparison.bitwise_left_shift
    bitwise_left_shift_ = comparison.bitwise_left_shift_
    bitwise_right_shift = comparison.bitwise_right_shift
    bitwise_right_shift_ = comparison.bitwise_right_shift_
    gcd, gcd_ = comparison.gcd, comparison.gcd_
    lcm, lcm_ = comparison.lcm, comparison.lcm_

    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    isposinf = comparison.isposinf
    isneginf = comparison.isneginf
    isreal = comparison.isreal
    is_nonzero = comparison.is_nonzero
    signbit = comparison.signbit
