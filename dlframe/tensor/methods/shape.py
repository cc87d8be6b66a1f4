"""Methods that give the same elements another shape or order, also in place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace_views import in_another_shape
from dlframe.base.lazily import IN_ADVANCE, deferred
from dlframe.dtypes import DType, as_dtype
from dlframe.errors import DTypeError, GradientError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import Array, TensorBase, grad_mode
from dlframe.tensor import functions
from dlframe.tensor.arguments import sizes
from dlframe.tensor.functions.axes import matrices_transposed
from dlframe.tensor.functions.repeating import repeat
from dlframe.tensor.functions.reshaping import expand, sum_to_size, view
from dlframe.tensor.functions.views import unfold

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

if IN_ADVANCE:
    from dlframe.tensor import functions as F
    from dlframe.tensor.functions import diagonals
else:
    globals().update(deferred("dlframe.tensor.functions", "F", "diagonals"))


class ShapeMethods(TensorBase):
    """Views, copies and other orders; see `dlframe.tensor.functions`."""

    __slots__ = ()

    # --- another shape -------------------------------------------------------------------------

    def reshape(self: Any, *shape: Any, **named: Any) -> Tensor:
        """The same elements in another shape; see `dlframe.reshape`."""
        return ops.reshape(
            self, shape=sizes(shape if not named else _with_named("reshape", shape, named, "shape"))
        )

    def reshape_as(self: Any, other: Tensor) -> Tensor:
        """The same elements in the shape of `other`."""
        return functions.reshape(self, other.array.shape)

    def view(self: Any, *shape: Any, **named: Any) -> Tensor:
        """The same memory in another shape, or, given a dtype, its bytes read in another way.

        >>> import dlframe as dl
        >>> x = dl.zeros(2, 3)
        >>> x.view(-1)[0] = 1
        >>> x[0, 0]
        tensor(1.)
        >>> dl.tensor([1.0]).view(dl.int32)
        tensor([1065353216], dtype=dlframe.int32)
        """
        if named:
            shape = _with_named("view", shape, named, "dtype" if "dtype" in named else "size")
        if len(shape) == 1 and isinstance(shape[0], (np.dtype, type)):
            return self._viewed_as(as_dtype(shape[0]))
        return view(self, sizes(shape))

    def _viewed_as(self: Any, dtype: DType) -> Tensor:
        if self.needs_grad and dtype != self.array.dtype:
            raise GradientError(
                f"view: bytes of {self.array.dtype} read as {dtype} have no gradient; "
                "use .to(dtype) to convert, or .detach() first"
            )
        return self if dtype == self.array.dtype else wrap(self.array.view(dtype))

    def resize_(self: Any, *sizes_: Any, memory_format: Any = None) -> Tensor:
        """Give this tensor another shape, also one with more elements, in place.

        The elements stay in order. If there are fewer, they share the memory as before; if there
        are more, the tensor gets memory of its own, and the new ones are 0 (in PyTorch arbitrary).

        Raises:
            GradientError: the tensor requires grad; `reshape` has a gradient.

        >>> import dlframe as dl
        >>> dl.tensor([1.0, 2.0, 3.0]).resize_(2, 2)
        tensor([[1., 2.],
                [3., 0.]])
        """
        shape = sizes(sizes_)
        if any(n < 0 for n in shape):
            raise ShapeError(f"resize_: sizes must not be negative, got {list(shape)}")
        return self._with_memory("resize_", _resized(self.array, shape))

    def resize_as_(self: Any, tensor: Tensor, memory_format: Any = None) -> Tensor:
        """`resize_` to the shape of another tensor."""
        return self.resize_(tensor.array.shape)

    def set_(
        self: Any, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
    ) -> Tensor:
        """Let this tensor show the memory of `source` (or nothing): the same object, other values.

        Args:
            source: a tensor of the same dtype.
            storage_offset, size, stride: which of its elements, as in `as_strided`.

        >>> import dlframe as dl
        >>> x, y = dl.zeros(2), dl.ones(3)
        >>> x.set_(y)
        tensor([1., 1., 1.])
        """
        if source is None:
            return self._with_memory("set_", np.empty(0, self.array.dtype))
        if source.array.dtype != self.array.dtype:
            raise DTypeError(
                f"set_: Could not set tensor of dtype {source.array.dtype} to a tensor of dtype "
                f"{self.array.dtype}; convert it with .to(dtype)"
            )
        part = source.detach()
        if size is not None:
            part = functions.as_strided(part, size, stride or _steps(size), storage_offset)
        return self._with_memory("set_", part.array)

    def _with_memory(self: Any, name: str, array: Any) -> Tensor:
        """Let this tensor show other memory; views of the old one keep that."""
        if self.needs_grad and (self.node is not None or grad_mode.get()):
            raise GradientError(
                f"cannot {name.rstrip('_')} variables that require grad; use x.detach(), or "
                "reshape, which has a gradient"
            )
        for ref in getattr(self, "views", ()):
            view = ref()
            if view is not None:
                view.view_of = None
        self.views = []
        self.array, self.view_of = array, None
        return self

    def view_as(self: Any, other: Tensor) -> Tensor:
        """The same memory in the shape of `other`."""
        return view(self, other.array.shape)

    flatten = F.flatten
    unflatten = F.unflatten
    ravel = F.ravel
    squeeze = F.squeeze
    unsqueeze = F.unsqueeze

    def expand(self: Any, *size: Any, **named: Any) -> Tensor:
        """Repeated along new dimensions and along those of size 1, without a copy; -1 keeps a size.

        >>> import dlframe as dl
        >>> dl.tensor([[1], [2]]).expand(-1, 3)
        tensor([[1, 1, 1],
                [2, 2, 2]])
        """
        return expand(self, _given("expand", _with_named("expand", size, named, "size")))

    def expand_as(self: Any, other: Tensor) -> Tensor:
        """Expanded to the shape of `other`."""
        return expand(self, other.array.shape)

    broadcast_to = F.broadcast_to

    def sum_to_size(self: Any, *size: Any, **named: Any) -> Tensor:
        """The sum over the dimensions along which `size` would be broadcast to this shape.

        >>> import dlframe as dl
        >>> dl.ones(2, 3).sum_to_size(1, 3)
        tensor([[2., 2., 2.]])
        """
        return sum_to_size(
            self, _given("sum_to_size", _with_named("sum_to_size", size, named, "size"))
        )

    # --- another order of dimensions -----------------------------------------------------------

    transpose = F.transpose
    swapaxes = F.swapaxes
    swapdims = F.swapdims
    t = F.t
    adjoint = F.adjoint
    movedim = moveaxis = F.movedim

    def permute(self: Any, *dims: Any, **named: Any) -> Tensor:
        """The dimensions in another order; see `dlframe.permute`."""
        return functions.permute(
            self, sizes(dims if not named else _with_named("permute", dims, named, "dims"))
        )

    @property
    def T(self: Any) -> Tensor:
        """All dimensions reversed."""
        return ops.transpose(self)

    @property
    def mT(self: Any) -> Tensor:
        """The last two dimensions swapped."""
        return matrices_transposed(self, "tensor.mT")

    @property
    def H(self: Any) -> Tensor:
        """A matrix transposed (PyTorch also conjugates complex numbers)."""
        if self.array.ndim not in (0, 2):
            raise ShapeError(
                f"tensor.H is only supported on matrices (2-D tensors). Got {self.array.ndim}-D "
                "tensor. For batches of matrices, consider using tensor.mH"
            )
        return matrices_transposed(self, "tensor.H")

    @property
    def mH(self: Any) -> Tensor:
        """The last two dimensions swapped (PyTorch also conjugates complex numbers)."""
        return matrices_transposed(self, "tensor.mH")

    # --- repeated, and in another order --------------------------------------------------------

    def repeat(self: Any, *repeats: Any, **named: Any) -> Tensor:
        """Copies of the whole tensor, side by side; one number of copies for each dimension.

        >>> import dlframe as dl
        >>> dl.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
        """
        return repeat(self, _given("repeat", _with_named("repeat", repeats, named, "repeats")))

    def tile(self: Any, *dims: Any, **named: Any) -> Tensor:
        """`repeat` where missing counts in front are 1; see `dlframe.tile`."""
        return functions.tile(
            self, sizes(dims if not named else _with_named("tile", dims, named, "dims"))
        )

    repeat_interleave = F.repeat_interleave

    def flip(self: Any, *dims: Any, **named: Any) -> Tensor:
        """The elements in reverse order along `dims`; see `dlframe.flip`."""
        return functions.flip(
            self, sizes(dims if not named else _with_named("flip", dims, named, "dims"))
        )

    fliplr = F.fliplr
    flipud = F.flipud
    roll = F.roll
    rot90 = F.rot90

    # --- pieces --------------------------------------------------------------------------------

    def split(self: Any, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """Parts of `split_size` along `dim`, or of the sizes in a list; see `dlframe.split`."""
        return functions.split(self, split_size, dim)

    def unsafe_split(self: Any, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """`split` whose parts may be written to in place; see `dlframe.unsafe_split`."""
        return functions.unsafe_split(self, split_size, dim)

    hsplit = F.hsplit
    vsplit = F.vsplit
    dsplit = F.dsplit
    split_with_sizes = F.split_with_sizes
    unsafe_split_with_sizes = F.unsafe_split_with_sizes
    tensor_split = F.tensor_split
    chunk = F.chunk
    unsafe_chunk = F.unsafe_chunk
    unbind = F.unbind
    narrow = F.narrow
    narrow_copy = F.narrow_copy
    select = F.select

    # --- regions -------------------------------------------------------------------------------

    unfold = unfold
    as_strided = F.as_strided
    as_strided_scatter = F.as_strided_scatter
    diagonal_scatter = F.diagonal_scatter
    select_scatter = F.select_scatter
    slice_scatter = F.slice_scatter

    # --- triangles and diagonals ---------------------------------------------------------------

    tril, tril_ = diagonals.tril, diagonals.tril_
    triu, triu_ = diagonals.triu, diagonals.triu_
    diagonal = F.diagonal
    diag = F.diag
    diag_embed = F.diag_embed
    diagflat = F.diagflat

    # --- differences ---------------------------------------------------------------------------

    diff = F.diff

    # --- in place, in another shape: the tensor itself becomes the view ------------------------

    squeeze_ = in_another_shape(functions.squeeze)
    unsqueeze_ = in_another_shape(functions.unsqueeze)
    transpose_ = in_another_shape(functions.transpose)
    swapaxes_ = in_another_shape(functions.swapaxes)
    swapdims_ = in_another_shape(functions.swapdims)
    t_ = in_another_shape(functions.t)
    as_strided_ = in_another_shape(functions.as_strided)


def _given(name: str, args: tuple[Any, ...]) -> tuple[int, ...]:
    """The sizes of a call; at least one must be given, and `x.expand(())` gives ()."""
    if not args:
        raise TypeError(f"{name}() missing 1 required positional arguments: the sizes")
    return sizes(args)


def _with_named(
    method: str, given: tuple[Any, ...], named: dict[str, Any], name: str
) -> tuple[Any, ...]:
    """The numbers, given one by one or (PyTorch allows both) together as `name=`."""
    if not named:
        return given
    if given or set(named) != {name}:
        raise TypeError(f"{method}() takes either several numbers or {name}=, got {[*named]}")
    return (named[name],)


def _resized(array: Array, shape: tuple[int, ...]) -> Array:
    """The elements in another shape: in the same memory if there are enough, else followed by 0."""
    count, flat = math.prod(shape), array.reshape(-1)
    if count <= flat.size:
        return flat[:count].reshape(shape)
    grown = np.zeros(count, array.dtype)
    grown[: flat.size] = flat
    return grown.reshape(shape)


def _steps(size: Any) -> tuple[int, ...]:
    """The strides of elements in order."""
    return tuple(math.prod(size[i + 1 :]) for i in range(len(size)))
