"""A tensor's size, its kind and its place in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dlframe.errors import DimensionError, DTypeError
from dlframe.ops import record
from dlframe.ops.places import address
from dlframe.ops.record import TensorBase
from dlframe.tensor.arguments import checked_dim
from dlframe.tensor.size import Size

if TYPE_CHECKING:
    from dlframe.tensor import Tensor


class Attributes(TensorBase):
    """A tensor's size, its kind and its place in memory."""

    __slots__ = ()

    # --- size ----------------------------------------------------------------------------------

    def size(self, dim: int | None = None) -> Any:
        """The shape as a `Size`, or the size along `dim`."""
        shape = self.array.shape
        return Size(shape) if dim is None else shape[_existing(dim, len(shape))]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    nelement = numel

    def element_size(self) -> int:
        """Bytes per element."""
        return self.array.itemsize

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.array.nbytes

    # --- kind ----------------------------------------------------------------------------------

    is_cpu = True
    is_cuda = is_mps = is_xpu = is_meta = False
    is_sparse = is_quantized = is_nested = is_mkldnn = False

    def is_floating_point(self) -> bool:
        """Whether the elements are floats."""
        return self.array.dtype.kind == "f"

    def is_signed(self) -> bool:
        """Whether the dtype has negative numbers."""
        return self.array.dtype.kind in "if"

    def is_inference(self) -> bool:
        """Whether the tensor was made in inference mode, so that it cannot be part of a graph."""
        return self.node is record.INFERENCE

    def is_same_size(self, other: Tensor) -> bool:
        """Whether `other` has this shape."""
        return self.array.shape == other.array.shape

    # There are no complex tensors, and so nothing to conjugate.

    def is_complex(self) -> bool:
        """Always False, since there are no complex tensors."""
        return False

    is_conj = is_neg = is_complex

    @property
    def real(self: Any) -> Tensor:
        """The tensor itself: its numbers are real."""
        return self

    @property
    def imag(self) -> Tensor:
        """Raises a DTypeError: real numbers have no imaginary part here, as in PyTorch."""
        raise DTypeError("imag is not implemented for tensors with non-complex dtypes")

    def conj(self: Any) -> Tensor:
        """The tensor itself: its numbers are real."""
        return self

    conj_physical = conj_physical_ = resolve_conj = resolve_neg = conj

    # --- memory --------------------------------------------------------------------------------

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in memory in order."""
        return self.array.flags.c_contiguous

    def stride(self, dim: int | None = None) -> Any:
        """Steps in elements (not bytes) from one index to the next, per dimension."""
        a = self.array
        if a.size:
            steps = tuple(s // a.itemsize for s in a.strides)
        else:  # NumPy's are all 0
            steps = tuple(math.prod(max(n, 1) for n in a.shape[i + 1 :]) for i in range(a.ndim))
        return steps if dim is None else steps[_existing(dim, len(steps))]

    def storage_offset(self) -> int:
        """The distance in elements from the start of the memory to the first element."""
        owner = record.owner_of(self.array)
        return (address(self.array) - address(owner)) // self.array.itemsize

    def data_ptr(self) -> int:
        """The address of the first element; 0 without elements."""
        return address(self.array) if self.array.size else 0

    def get_device(self) -> int:
        """The number of the GPU; always -1, which means the CPU."""
        return -1

    def is_pinned(self) -> bool:
        """Always False, since memory is only pinned for a GPU."""
        return False

    def is_shared(self) -> bool:
        """Always False, since processes do not share tensors."""
        return False

    def is_set_to(self, tensor: Tensor) -> bool:
        """Whether both are the same elements of the same memory."""
        a, b = self.array, tensor.array
        return (
            a.shape == b.shape
            and a.strides == b.strides
            and a.dtype == b.dtype
            and address(a) == address(b)
        )


def _existing(dim: int, ndim: int) -> int:
    """`dim` counted from the front; a 0-d tensor has none."""
    if not ndim:
        raise DimensionError(f"Dimension specified as {dim} but tensor has no dimensions")
    return checked_dim(dim, ndim)
