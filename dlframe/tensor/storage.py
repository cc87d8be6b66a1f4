"""A tensor's memory under PyTorch's names: `x.storage()`, `x.untyped_storage()`.

It is that of an ndarray, which views share. Programs ask for its address and size, and old ones
read its elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlframe.ops import record
from dlframe.ops.places import address
from dlframe.ops.record import Array, TensorBase
from dlframe.tensor.devices import CPU, device

__all__ = ["TypedStorage", "UntypedStorage"]


class UntypedStorage:
    """The memory that a tensor and its views share, in bytes.

    >>> import dlframe as dl
    >>> x = dl.ones(2, 3)
    >>> x[0].untyped_storage().nbytes()
    24
    >>> x[1].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    True
    """

    def __init__(self, x: TensorBase) -> None:
        self.owner: Array = record.owner_of(x.array)

    def data_ptr(self) -> int:
        """The address of its first byte; 0 without any."""
        return address(self.owner) if self.owner.size else 0

    def nbytes(self) -> int:
        """How many bytes it has."""
        return self.owner.nbytes

    size = __len__ = nbytes

    def is_shared(self) -> bool:
        """Always False, since processes do not share tensors."""
        return False

    @property
    def device(self) -> device:
        """Always `device("cpu")`."""
        return CPU


class TypedStorage(UntypedStorage):
    """The memory that a tensor and its views share, as a sequence of elements.

    >>> import dlframe as dl
    >>> dl.arange(6).reshape(2, 3).t().storage().tolist()
    [0, 1, 2, 3, 4, 5]
    """

    def __init__(self, x: TensorBase) -> None:
        super().__init__(x)
        self.elements: Array = self.owner.ravel(order="K").view(x.array.dtype)

    def size(self) -> int:
        """How many elements it has."""
        return self.elements.size

    __len__ = size

    @property
    def dtype(self) -> Any:
        """The type of its elements."""
        return self.elements.dtype

    def element_size(self) -> int:
        """Bytes per element."""
        return self.elements.itemsize

    def untyped(self) -> UntypedStorage:
        """The same memory, in bytes."""
        return self

    def tolist(self) -> list[Any]:
        """Its elements, in the order of memory."""
        return self.elements.tolist()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: int | slice) -> Any:
        return self.elements[index].tolist()

    def __setitem__(self, index: int | slice, value: Any) -> None:
        self.elements[index] = value
        record.mark_mutated(self.elements, "storage")
