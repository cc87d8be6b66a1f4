"""Where a tensor's memory is, and PyTorch's methods that ask for other memory than the CPU's."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from dlframe.base.elsewhere import Elsewhere
from dlframe.errors import DeviceError
from dlframe.ops.record import TensorBase
from dlframe.tensor.devices import layout, strided
from dlframe.tensor.storage import TypedStorage, UntypedStorage

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["MemoryMethods"]

DENSE = "All tensors are dense: leave it out"
FULL = "Numbers are not quantized: leave it out"
FOURIER = "NumPy has the transform, without gradients: np.fft, on x.detach().numpy()"
REAL = "There are no complex tensors; keep real and imaginary parts in two"


def warn_of_sharing(what: str) -> None:
    """Warn that processes get copies."""
    warnings.warn(
        f"{what}: processes do not share tensors; a new process gets a copy, and what it writes is "
        "not seen here. Threads share all tensors",
        stacklevel=3,
    )


class MemoryMethods(TensorBase):
    """Where a tensor's memory is, and what asks for other memory than the CPU's."""

    __slots__ = ()

    name: str | None = None  # PyTorch's compiler gave names; an object may have one of its own
    output_nr = 0  # each result of an operation has a node of its own
    is_vulkan = is_xla = is_ipu = is_mtia = is_maia = is_sparse_csr = is_distributed = False

    @property
    def layout(self) -> layout:
        """Always `dl.strided`: an array with a step along each dimension.

        >>> import dlframe as dl
        >>> dl.ones(2).layout
        dlframe.strided
        """
        return strided

    def to_dense(self: Any, dtype: Any = None, *, masked_grad: bool = True) -> Tensor:
        """The tensor itself, which is dense; in `dtype`, if there is one."""
        return self if dtype is None else self.to(dtype)

    def storage(self) -> TypedStorage:
        """The memory that the tensor shares with its views, as a sequence of elements.

        >>> import dlframe as dl
        >>> x = dl.arange(4)
        >>> x[2:].storage().size()
        4
        """
        return TypedStorage(self)

    def untyped_storage(self) -> UntypedStorage:
        """The memory that the tensor shares with its views, in bytes.

        >>> import dlframe as dl
        >>> dl.ones(2).untyped_storage().nbytes()
        8
        """
        return UntypedStorage(self)

    def share_memory_(self) -> Self:
        """The tensor itself, with a warning: processes do not share tensors, threads do."""
        warn_of_sharing("share_memory_")
        return self

    def pin_memory(self, device: Any = None) -> Self:
        """Raises a DeviceError: memory is pinned for a GPU, and there is none.

        As PyTorch on a machine without: ask `dlframe.cuda.is_available` first.
        """
        raise DeviceError(
            "pin_memory: cannot access accelerator device when none is available; leave it out"
        )

    def as_subclass(self: Any, cls: type) -> Any:
        """The same elements and graph as a tensor of a subclass.

        >>> import dlframe as dl
        >>> class Points(dl.Tensor):
        ...     pass
        >>> type(dl.ones(2).as_subclass(Points)).__name__
        'Points'
        """
        found = self.view_as(self)
        found.__class__ = cls
        return found

    def dim_order(self: Any, *, ambiguity_check: Any = False) -> tuple[int, ...]:
        """The dimensions, from the largest step in memory to the smallest.

        Raises:
            RuntimeError: with `ambiguity_check`, where other orders describe the memory as well,
                since a dimension has size 1, or two have the same step.

        >>> import dlframe as dl
        >>> dl.ones(2, 3).t().dim_order()
        (1, 0)
        """
        steps = self.stride()
        if ambiguity_check and (1 in self.shape or len(set(steps)) < len(steps)):
            raise RuntimeError(
                f"dim_order: shape {tuple(self.shape)} with steps {steps} has several orders"
            )
        return tuple(sorted(range(len(steps)), key=lambda dim: -steps[dim]))

    @property
    def volatile(self) -> bool:
        """Always False: `dl.no_grad()` has taken its place."""
        warnings.warn("volatile was removed (Variable.volatile is always False)", stacklevel=2)
        return False

    @volatile.setter
    def volatile(self, value: bool) -> None:
        warnings.warn(
            "volatile was removed and now has no effect. Use `with torch.no_grad():` instead",
            stacklevel=2,
        )

    def xpu(self: Any, device: Any = None, non_blocking: bool = False) -> Tensor:
        """Raises a DeviceError: there is no GPU."""
        return self.to("xpu")

    if not TYPE_CHECKING:  # what PyTorch's tensors have besides
        bfloat16 = Elsewhere("NumPy has no bfloat16: use x.float(), which is more exact")
        cfloat = cdouble = chalf = Elsewhere(REAL)
        to_sparse = to_sparse_coo = to_sparse_csr = to_sparse_csc = Elsewhere(DENSE)
        to_sparse_bsr = to_sparse_bsc = to_mkldnn = to_padded_tensor = Elsewhere(DENSE)
        coalesce = is_coalesced = indices = values = crow_indices = col_indices = Elsewhere(DENSE)
        row_indices = ccol_indices = sparse_dim = dense_dim = sparse_mask = Elsewhere(DENSE)
        smm = sspaddmm = sparse_resize_ = sparse_resize_and_clear_ = Elsewhere(DENSE)
        resize_as_sparse_ = Elsewhere(DENSE)
        dequantize = int_repr = qscheme = q_scale = q_zero_point = Elsewhere(FULL)
        q_per_channel_axis = q_per_channel_scales = q_per_channel_zero_points = Elsewhere(FULL)
        stft = istft = Elsewhere(FOURIER)
        eig = Elsewhere(f"{REAL}; dl.linalg.eigh(x) is for symmetric matrices")
        symeig = Elsewhere("It is dl.linalg.eigh(x)")
        solve = Elsewhere("It is dl.linalg.solve(A, x)")
        lstsq = Elsewhere("It is dl.linalg.lstsq(A, x)")
        resize = resize_as = Elsewhere("It is x.reshape(sizes), or x.resize_(sizes)")
        reinforce = Elsewhere(
            "The loss is minus the log of the probability times the reward; then loss.backward()"
        )
        storage_type = Elsewhere("It is x.dtype")
        record_stream = ipu = mtia = Elsewhere("There is no such device: leave it out")
