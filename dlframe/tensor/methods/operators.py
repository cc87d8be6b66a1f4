"""The operators; they are the operations themselves, so that a + b needs no second call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace import write_at
from dlframe.base.lazily import IN_ADVANCE, deferred
from dlframe.ops.record import TensorBase

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

if IN_ADVANCE:
    from dlframe.tensor.functions import arithmetic, comparison
else:
    globals().update(deferred("dlframe.tensor.functions", "arithmetic", "comparison"))


class Operators(TensorBase):
    """Python's operators, in place as well, and indexing."""

    __slots__ = ()

    __add__ = ops.add
    __sub__ = ops.subtract
    __mul__ = ops.multiply
    __truediv__ = ops.divide
    __pow__ = ops.power
    __matmul__ = ops.matmul
    __floordiv__ = ops.floor_divide
    __mod__ = ops.remainder
    __neg__ = ops.negative
    __abs__ = ops.abs
    __invert__ = ops.bitwise_not
    __and__ = ops.bitwise_and
    __or__ = ops.bitwise_or
    __xor__ = ops.bitwise_xor
    __lshift__ = ops.left_shift
    __rshift__ = ops.right_shift
    __lt__ = ops.less
    __le__ = ops.less_equal
    __gt__ = ops.greater
    __ge__ = ops.greater_equal
    __hash__ = object.__hash__

    def __radd__(self: Any, other: Any) -> Any:
        return ops.add(other, self)

    def __rsub__(self: Any, other: Any) -> Any:
        return ops.subtract(other, self)

    def __rmul__(self: Any, other: Any) -> Any:
        return ops.multiply(other, self)

    def __rtruediv__(self: Any, other: Any) -> Any:
        return ops.multiply(ops.reciprocal(self), other)  # PyTorch's numbers, to the last bit

    def __rpow__(self: Any, other: Any) -> Any:
        return ops.power(other, self)

    def __rmatmul__(self: Any, other: Any) -> Any:
        return ops.matmul(other, self)

    def __rfloordiv__(self: Any, other: Any) -> Any:
        return ops.floor_divide(other, self)

    def __rmod__(self: Any, other: Any) -> Any:
        return ops.remainder(other, self)

    def __rand__(self: Any, other: Any) -> Any:
        return ops.bitwise_and(other, self)

    def __ror__(self: Any, other: Any) -> Any:
        return ops.bitwise_or(other, self)

    def __rxor__(self: Any, other: Any) -> Any:
        return ops.bitwise_xor(other, self)

    def __rlshift__(self: Any, other: Any) -> Any:
        return ops.left_shift(other, self)

    def __rrshift__(self: Any, other: Any) -> Any:
        return ops.right_shift(other, self)

    def __pos__(self: Any) -> Any:
        return self

    def __eq__(self: Any, other: object) -> Any:
        return ops.equal(self, other) if is_numeric(other) else NotImplemented

    def __ne__(self: Any, other: object) -> Any:
        return ops.not_equal(self, other) if is_numeric(other) else NotImplemented

    def __getitem__(self: Any, index: Any) -> Tensor:
        return ops.getitem(self, index=index)

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        write_at(self, index, value)

    # --- in place ------------------------------------------------------------------------------

    __iadd__ = arithmetic.add_
    __isub__ = arithmetic.sub_
    __imul__ = arithmetic.mul_
    __itruediv__ = arithmetic.div_
    __ipow__ = arithmetic.pow_
    __ifloordiv__ = arithmetic.floor_divide_
    __imod__ = arithmetic.remainder_
    __iand__ = comparison.bitwise_and_
    __ior__ = comparison.bitwise_or_
    __ixor__ = comparison.bitwise_xor_
    __ilshift__ = comparison.bitwise_left_shift_
    __irshift__ = comparison.bitwise_right_shift_


def is_numeric(value: object) -> bool:
    """Whether `value` can be compared with a tensor, element by element."""
    return isinstance(value, (TensorBase, np.ndarray, np.generic, bool, int, float))
