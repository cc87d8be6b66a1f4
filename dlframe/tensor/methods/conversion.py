"""Other dtypes, and new tensors like this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dlframe import ops
from dlframe.dtypes import DType, as_dtype
from dlframe.errors import GradientError
from dlframe.ops.op import cast
from dlframe.ops.record import TensorBase, mark_mutated
from dlframe.tensor.devices import KNOWN, check_device
from dlframe.tensor.types import TensorType, named_dtype, type_name

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

# The methods float(), int() and bool() hide the built-in types inside the class.
Int: TypeAlias = int
Float: TypeAlias = float
Bool: TypeAlias = bool


class ConversionMethods(TensorBase):
    """Other dtypes, and new tensors like this one."""

    __slots__ = ()

    def to(
        self: Any,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: Bool = False,
        copy: Bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        """In another dtype: `to(dtype)`, `to(other)`, `to("cpu")`, `to("cpu", dtype)`.

        >>> import dlframe as dl
        >>> dl.tensor([1, 2]).to(dl.float16)
        tensor([1., 2.], dtype=dlframe.float16)
        """
        flags = []
        for arg in args:
            if isinstance(arg, TensorBase):
                dtype = arg.array.dtype
            elif isinstance(arg, bool):
                flags.append(arg)  # non_blocking, and then copy
            elif isinstance(arg, str) and arg.partition(":")[0] in KNOWN:
                device = arg
            elif isinstance(arg, int):
                device = f"cuda:{arg}"  # the number of a GPU
            elif arg is not None:
                dtype = arg
        check_device(device)
        target = self.array.dtype if dtype is None else as_dtype(dtype)
        if target != self.array.dtype:
            return _cast(self, target)
        return self.clone() if copy or flags[1:] == [True] else self

    def type(self: Any, dtype: Any = None, non_blocking: Bool = False) -> Any:
        """PyTorch's name for tensors of this dtype, or the tensor in another dtype.

        >>> import dlframe as dl
        >>> dl.ones(2).type()
        'dlframe.FloatTensor'
        >>> dl.ones(2).type(dl.LongTensor)
        tensor([1, 1])
        """
        return type_name(self.array.dtype) if dtype is None else self.to(named_dtype(dtype))

    def float(self: Any) -> Tensor:
        """In float32."""
        return self.to(np.float32)

    def double(self: Any) -> Tensor:
        """In float64."""
        return self.to(np.float64)

    def half(self: Any) -> Tensor:
        """In float16."""
        return self.to(np.float16)

    def long(self: Any) -> Tensor:
        """In int64."""
        return self.to(np.int64)

    def int(self: Any) -> Tensor:
        """In int32."""
        return self.to(np.int32)

    def short(self: Any) -> Tensor:
        """In int16."""
        return self.to(np.int16)

    def char(self: Any) -> Tensor:
        """In int8."""
        return self.to(np.int8)

    def byte(self: Any) -> Tensor:
        """In uint8."""
        return self.to(np.uint8)

    def bool(self: Any) -> Tensor:
        """In bool."""
        return self.to(np.bool_)

    def cpu(self: Any) -> Tensor:
        """The tensor itself, since the CPU is the only device."""
        return self

    def cuda(self: Any, device: Any = None, non_blocking: Bool = False) -> Tensor:
        """Raises a DeviceError: there is no GPU; ask `dlframe.cuda.is_available` first."""
        return self.to("cuda")

    def apply_(self: Any, callable: Any) -> Tensor:
        """Replace each element by the result of a Python function; slow, and without gradient.

        >>> import dlframe as dl
        >>> dl.tensor([1.0, 2.0]).apply_(lambda v: v + 1)
        tensor([2., 3.])
        """
        return self._mapped("apply_", callable)

    def map_(self: Any, tensor: Tensor, callable: Any) -> Tensor:
        """Replace each element by a Python function of it and of `tensor`, which broadcasts.

        >>> import dlframe as dl
        >>> dl.tensor([1.0, 2.0]).map_(dl.tensor([3.0, 4.0]), lambda a, b: a * b)
        tensor([3., 8.])
        """
        return self._mapped("map_", callable, np.broadcast_to(tensor.array, self.array.shape))

    def map2_(self: Any, x: Tensor, y: Tensor, callable: Any) -> Tensor:
        """Replace each element by a Python function of it and of those of `x` and `y`.

        >>> import dlframe as dl
        >>> dl.ones(2).map2_(dl.ones(2), dl.tensor([3.0, 4.0]), lambda a, b, c: a + b * c)
        tensor([4., 5.])
        """
        others = [np.broadcast_to(other.array, self.array.shape) for other in (x, y)]
        return self._mapped("map2_", callable, *others)

    def _mapped(self: Any, name: str, function: Any, *others: Any) -> Tensor:
        if self.needs_grad:
            raise GradientError(
                f"Can't call {name}() on a tensor that requires grad; use x.detach().{name}()"
            )
        columns = [a.reshape(-1).tolist() for a in (self.array, *others)]
        values = [function(*row) for row in zip(*columns, strict=True)]
        self.array[...] = np.array(values, self.array.dtype).reshape(self.array.shape)
        mark_mutated(self.array, name)
        return self

    def type_as(self: Any, other: Tensor) -> Tensor:
        """In the dtype of `other`."""
        return self.to(other.array.dtype)

    def contiguous(self: Any, memory_format: Any = None) -> Tensor:
        """The tensor itself if its elements are in order in memory, otherwise a copy.

        There is one order, that of the dimensions, whatever `memory_format` asks for.
        """
        return ops.ordered(self)

    def new(self: Any, *args: Any) -> Tensor:
        """A tensor in this one's dtype: of values, or, of sizes, uninitialized memory.

        >>> import dlframe as dl
        >>> dl.tensor([1]).new([2, 3])
        tensor([2, 3])
        """
        return TensorType("new", self.array.dtype)(*args)


def _cast(x: Any, dtype: DType) -> Any:
    """Differentiable between floats; without history when a float becomes an integer."""
    source = x if dtype.kind == "f" else x.detach()
    return cast(source, dtype=dtype)
