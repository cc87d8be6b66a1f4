"""New tensors in the dtype of this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.base.quiet import quiet
from dlframe.dtypes import as_dtype
from dlframe.ops.calling import wrap
from dlframe.ops.indexing import number_for
from dlframe.ops.record import Array, TensorBase, to_array
from dlframe.ops.strides import strided_memory
from dlframe.tensor.arguments import shape_of, size_by_name, sizes
from dlframe.tensor.devices import check_placement

if TYPE_CHECKING:
    from dlframe.tensor import Tensor


class CreationMethods(TensorBase):
    """New tensors, by default in the dtype of this one; see `dlframe.tensor.creation`."""

    __slots__ = ()

    def new_tensor(
        self: Any,
        data: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:
        """A tensor with a copy of `data`.

        >>> import dlframe as dl
        >>> dl.tensor([1.0]).new_tensor([1, 2])
        tensor([1., 2.])
        """
        check_placement(device, layout, pin_memory)
        return _filled(self, np.shape(to_array(data)), data, dtype, requires_grad)

    @size_by_name
    def new_zeros(
        self: Any,
        *size: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:
        """Zeros.

        >>> import dlframe as dl
        >>> dl.tensor([1]).new_zeros(2)
        tensor([0, 0])
        """
        check_placement(device, layout, pin_memory)
        return _filled(self, sizes(size), 0, dtype, requires_grad)

    @size_by_name
    def new_ones(
        self: Any,
        *size: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:
        """Ones.

        >>> import dlframe as dl
        >>> dl.tensor([2]).new_ones(2)
        tensor([1, 1])
        """
        check_placement(device, layout, pin_memory)
        return _filled(self, sizes(size), 1, dtype, requires_grad)

    def new_full(
        self: Any,
        size: Any,
        fill_value: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:
        """Filled with one value.

        >>> import dlframe as dl
        >>> dl.tensor([2]).new_full((2,), 7)
        tensor([7, 7])
        """
        check_placement(device, layout, pin_memory)
        return _filled(self, sizes((size,)), fill_value, dtype, requires_grad)

    @size_by_name
    def new_empty(
        self: Any,
        *size: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:
        """Uninitialized memory.

        >>> import dlframe as dl
        >>> dl.tensor([2]).new_empty(0, 2).shape
        (0, 2)
        """
        check_placement(device, layout, pin_memory)
        memory = _memory(self, sizes(size), dtype)
        return wrap(memory).requires_grad_(requires_grad)

    def new_empty_strided(
        self: Any,
        size: Any,
        stride: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:
        """Uninitialized memory with these steps between its elements; see `dlframe.empty_strided`.

        >>> import dlframe as dl
        >>> dl.tensor([2]).new_empty_strided((2, 3), (1, 2)).stride()
        (1, 2)
        """
        check_placement(device, layout, pin_memory)
        kind = self.array.dtype if dtype is None else as_dtype(dtype)
        memory = strided_memory(sizes((size,)), sizes((stride,)), kind)
        return wrap(memory).requires_grad_(requires_grad)


def _memory(x: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    return np.empty(shape_of((shape,)), x.array.dtype if dtype is None else as_dtype(dtype))


@quiet
def _filled(x: Any, shape: tuple[int, ...], value: Any, dtype: Any, requires_grad: bool) -> Tensor:
    memory = _memory(x, shape, dtype)
    number = isinstance(value, (int, float))
    memory[...] = number_for("new_full", value, memory.dtype) if number else to_array(value)
    out: Tensor = wrap(memory).requires_grad_(requires_grad)
    return out
