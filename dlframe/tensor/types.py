"""PyTorch's old names of tensors by their dtype: `FloatTensor`, `LongTensor` …

`x.type()` returns such a name. As in PyTorch, each is a constructor of tensors of that dtype, can
be used in `isinstance`, and can be passed to `x.type(...)`, which converts to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import dtypes
from dlframe.errors import ArgumentError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase, to_array
from dlframe.tensor.size import Size

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "named_dtype",
    "type_name",
]


class TensorType:
    """Tensors of one dtype, under PyTorch's old name.

    >>> import dlframe as dl
    >>> dl.LongTensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> dl.FloatTensor(2, 3).shape  # sizes: uninitialized memory, as dl.empty
    (2, 3)
    >>> isinstance(dl.ones(2), dl.FloatTensor)
    True
    """

    def __init__(self, name: str, dtype: Any):
        self.name, self.dtype = name, dtype

    def __call__(self, *args: Any) -> Tensor:
        """A copy of a sequence or an array in this dtype; for sizes, uninitialized memory."""
        if len(args) == 1 and isinstance(args[0], Size):
            args = args[0]
        elif len(args) == 1 and not isinstance(args[0], (int, np.integer)):
            return wrap(np.array(to_array(args[0]), self.dtype))
        elif not args:
            args = (0,)
        return wrap(np.empty(args, self.dtype))

    def __instancecheck__(self, x: object) -> bool:
        return isinstance(x, TensorBase) and x.array.dtype == self.dtype

    def __repr__(self) -> str:
        return f"<class 'dlframe.{self.name}'>"


HalfTensor = TensorType("HalfTensor", dtypes.float16)
FloatTensor = TensorType("FloatTensor", dtypes.float32)
DoubleTensor = TensorType("DoubleTensor", dtypes.float64)
ByteTensor = TensorType("ByteTensor", dtypes.uint8)
CharTensor = TensorType("CharTensor", dtypes.int8)
ShortTensor = TensorType("ShortTensor", dtypes.int16)
IntTensor = TensorType("IntTensor", dtypes.int32)
LongTensor = TensorType("LongTensor", dtypes.int64)
BoolTensor = TensorType("BoolTensor", dtypes.bool)

_BY_NAME = {
    kind.name: kind
    for kind in (
        *(HalfTensor, FloatTensor, DoubleTensor),
        *(ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor, BoolTensor),
    )
}
_BY_DTYPE = {kind.dtype: kind.name for kind in _BY_NAME.values()}


def type_name(dtype: Any) -> str:
    """The name for tensors of a dtype: `"dlframe.FloatTensor"`.

    >>> type_name(np.dtype("int64"))
    'dlframe.LongTensor'
    """
    return f"dlframe.{_BY_DTYPE.get(dtype, f'{dtype.name.title()}Tensor')}"


def named_dtype(kind: Any) -> Any:
    """The dtype for `"torch.FloatTensor"`, `dl.FloatTensor` or anything that names a dtype.

    >>> named_dtype("torch.HalfTensor")
    dtype('float16')

    Raises:
        ArgumentError: for another name of a tensor.
    """
    if isinstance(kind, TensorType):
        return kind.dtype
    if isinstance(kind, str) and kind.endswith("Tensor"):
        found = _BY_NAME.get(kind.rpartition(".")[2])
        if found is None:
            raise ArgumentError(f"invalid type: {kind!r}; try one of {', '.join(_BY_NAME)}")
        return found.dtype
    return dtypes.as_dtype(kind)
