"""The Tensor: an array, and its place in the graph.

Methods are one-liners; what they do is written, with formula and example, in `dlframe.functions`. The
operators are the ops themselves. ``dim`` and ``keepdim`` are PyTorch's names, and their meaning is PyTorch's
where it differs from NumPy's.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from dlframe import functions as F
from dlframe import ops
from dlframe.autograd.backward import backward as _backward
from dlframe.autograd.hooks import RemovableHandle, add_hook
from dlframe.autograd.inplace import write, write_at
from dlframe.dtypes import DType, as_dtype, get_default_dtype
from dlframe.errors import DTypeError, GradientError, ShapeError
from dlframe.functions.arguments import numpy_names
from dlframe.ops import numpy_api, record
from dlframe.ops.calling import bind_tensor, wrap
from dlframe.ops.op import cast
from dlframe.ops.record import Array, Node, TensorBase
from dlframe.printing import tensor_text
from dlframe.random import Generator, default_generator


# The methods float(), int() and bool() hide the built-in types inside the class.
Int = int
Float = float
Bool = bool


class Tensor(TensorBase):
    """A multi-dimensional array that can remember how it was computed.

    Args:
        array: the values, an ndarray; it is wrapped and not copied. `dlframe.tensor` copies from any data.
        requires_grad: whether gradients with respect to this tensor are wanted.

    >>> import dlframe as dl
    >>> x = dl.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> (x @ x).sum().backward()
    >>> x.grad
    tensor([[ 7., 11.],
            [ 9., 13.]])
    """

    __slots__ = ()

    def __init__(self, array: Any = (), requires_grad: Bool = False):
        if isinstance(array, TensorBase):
            array = array.array
        elif not isinstance(array, np.ndarray):
            array = np.asarray(array)
            if array.dtype == np.float64:
                array = array.astype(get_default_dtype())
        canonical = as_dtype(array.dtype)
        if array.dtype is not canonical:
            array = array.astype(canonical)
        self.array = array
        self.node = self.grad = self.view_of = self.hooks = None
        self.needs_grad = False
        if requires_grad:
            self.requires_grad_()

    # --- what it is -----------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[Int, ...]:
        """The size along each dimension."""
        return self.array.shape

    def size(self, dim: Int | None = None) -> Any:
        """The shape, or the size along `dim`."""
        return (
            self.array.shape
            if dim is None
            else self.array.shape[F.checked_dim(dim, self.array.ndim)]
        )

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self.array.dtype

    @property
    def ndim(self) -> Int:
        """The number of dimensions."""
        return self.array.ndim

    def dim(self) -> Int:
        """The number of dimensions."""
        return self.array.ndim

    def numel(self) -> Int:
        """The number of elements."""
        return int(self.array.size)

    nelement = numel

    def element_size(self) -> Int:
        """Bytes per element."""
        return int(self.array.itemsize)

    @property
    def nbytes(self) -> Int:
        """Bytes of all elements."""
        return int(self.array.nbytes)

    @property
    def device(self) -> str:
        """Always ``"cpu"``."""
        return "cpu"

    @property
    def is_leaf(self) -> Bool:
        """Whether no recorded operation made this tensor."""
        return not self.needs_grad or self.node is None

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for a leaf."""
        if not self.needs_grad:
            return None
        target = record.target_of(self)
        return target if isinstance(target, Node) else None

    @property
    def requires_grad(self) -> Bool:
        """Whether operations on this tensor are recorded, so that gradients reach it."""
        return self.needs_grad

    @requires_grad.setter
    def requires_grad(self, value: Bool) -> None:
        if value and self.array.dtype.kind != "f":
            raise DTypeError(
                f"only Tensors of floating point dtype can require gradients, this one is {self.array.dtype}; "
                "convert it with .float()"
            )
        if not value and self.needs_grad and self.node is not None:
            raise GradientError(
                "you can only change requires_grad flags of leaf variables; use .detach() for a result without history"
            )
        self.needs_grad = bool(value)

    def requires_grad_(self, requires_grad: Bool = True) -> Tensor:
        """Set `requires_grad`, and return the tensor."""
        self.requires_grad = requires_grad
        return self

    def is_floating_point(self) -> Bool:
        """Whether the elements are floats."""
        return self.array.dtype.kind == "f"

    def is_contiguous(self) -> Bool:
        """Whether the elements lie in memory in order."""
        return bool(self.array.flags.c_contiguous)

    def stride(self, dim: Int | None = None) -> Any:
        """Steps in elements (not bytes) from one index to the next, per dimension."""
        steps = tuple(s // self.array.itemsize for s in self.array.strides)
        return steps if dim is None else steps[dim]

    @property
    def _version(self) -> Int:
        return record.version_of(self.array)

    @property
    def _base(self) -> Tensor | None:
        return None if self.view_of is None else self.view_of.base  # type: ignore[return-value]

    # --- out to Python and NumPy ----------------------------------------------------------------

    def item(self) -> Any:
        """The value of a one-element tensor as a Python number."""
        if self.array.size != 1:
            raise ShapeError(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar; "
                "reduce it first, or use tolist()"
            )
        return self.array.item()

    def tolist(self) -> Any:
        """The values as nested Python lists."""
        return self.array.tolist()

    def numpy(self, *, force: Bool = False) -> Array:
        """The values as an ndarray that shares memory.

        Raises:
            GradientError: the tensor requires grad (unless `force`): use ``.detach().numpy()``.
        """
        if self.needs_grad and not force:
            raise GradientError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        return self.array

    def __array__(self, dtype: Any = None, copy: Bool | None = None) -> Array:
        if self.needs_grad:
            raise GradientError(
                "a Tensor that requires grad does not turn into an array by itself, since its graph would be "
                "lost without a word. Use tensor.detach().numpy(), or a dlframe function in place of NumPy's."
            )
        return np.array(self.array, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return numpy_api.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return numpy_api.call_function(func, args, kwargs)

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self.needs_grad:
            raise GradientError("Can't export tensors that require gradient, use tensor.detach()")
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    def __float__(self) -> Float:
        return float(self.item())

    def __int__(self) -> Int:
        return int(self.item())

    def __index__(self) -> Int:
        if self.array.dtype.kind not in "iu" or self.array.size != 1:
            raise DTypeError(
                "only integer tensors of a single element can be converted to an index"
            )
        return int(self.array.item())

    def __bool__(self) -> Bool:
        if self.array.size != 1:
            raise ShapeError(
                f"Boolean value of Tensor with {'no values' if not self.array.size else 'more than one value'} is "
                "ambiguous; use .any() or .all()"
            )
        return bool(self.array.item())

    def __len__(self) -> Int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(F.unbind(self))

    def __contains__(self, value: Any) -> Bool:
        return bool((self.array == (value.array if isinstance(value, TensorBase) else value)).any())

    def __repr__(self) -> str:
        return tensor_text(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.node is not None and self.needs_grad:
            raise GradientError(
                "Only leaf tensors can be pickled; use .detach() for a result without history"
            )
        return _rebuild, (type(self), self.array, self.needs_grad, self.__dict__)

    def __deepcopy__(self, memo: dict[Int, Any]) -> Tensor:
        if self.node is not None and self.needs_grad:
            raise GradientError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment; use .detach() or .clone()"
            )
        copied: Tensor = _rebuild(type(self), self.array.copy(), self.needs_grad, self.__dict__)
        if self.grad is not None:
            copied.grad = Tensor(self.grad.array.copy())
        memo[id(self)] = copied
        return copied

    # --- the graph ------------------------------------------------------------------------------

    def backward(
        self,
        gradient: Any = None,
        retain_graph: Bool | None = None,
        create_graph: Bool = False,
        inputs: Any = None,
    ) -> None:
        """Add this tensor's gradient to the ``.grad`` of the leaves; see `dlframe.autograd.backward`."""
        _backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory, without the graph."""
        return wrap(self.array)  # type: ignore[no-any-return]

    def detach_(self) -> Tensor:
        """Cut this tensor off its graph."""
        if self.view_of is not None:
            raise GradientError("Can't detach views in-place. Use detach() instead.")
        self.node, self.needs_grad = None, False
        return self

    @property
    def data(self) -> Tensor:
        """The same memory without the graph; writing to it is not watched, so prefer ``no_grad()``."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self.array = value.array

    def clone(self) -> Tensor:
        """A copy; its gradient goes to the original."""
        return F.clone(self)  # type: ignore[no-any-return]

    def retain_grad(self) -> None:
        """Let this result keep its gradient in ``.grad``, as leaves do."""
        if not self.needs_grad:
            raise GradientError("can't retain_grad on Tensor that has requires_grad=False")
        if self.node is None:
            return
        ref = weakref.ref(self)

        def keep(g: Any) -> None:
            tensor = ref()
            if tensor is not None:
                tensor.grad = g.detach().clone() if tensor.grad is None else tensor.grad + g

        self.register_hook(keep)

    def register_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        """Call `hook` with each gradient of this tensor; what it returns (if not None) replaces the gradient."""
        if not self.needs_grad:
            raise GradientError("cannot register a hook on a tensor that doesn't require gradient")
        holder: Any = record.target_of(self)
        if holder.hooks is None:
            holder.hooks = {}
        return add_hook(holder.hooks, hook)

    def __getstate__(self) -> NoReturn:
        raise TypeError("tensors are pickled through __reduce_ex__")

    # --- conversion -----------------------------------------------------------------------------

    def to(self, *args: Any, dtype: Any = None, copy: Bool = False, **_: Any) -> Tensor:
        """In another dtype: ``to(dtype)``, ``to(other)``, ``to("cpu")``, ``to("cpu", dtype)``."""
        for arg in args:
            if isinstance(arg, Tensor):
                dtype = arg.array.dtype
            elif isinstance(arg, str) and arg.partition(":")[0] in (
                "cpu",
                "cuda",
                "mps",
                "meta",
                "xpu",
            ):
                if not arg.startswith("cpu"):
                    raise ValueError(f"to: the only device is 'cpu', got {arg!r}")
            elif not isinstance(arg, bool) and arg is not None:
                dtype = arg
        target = self.array.dtype if dtype is None else as_dtype(dtype)
        if target == self.array.dtype:
            return self.clone() if copy else self
        return _cast(self, target)

    def type(self, dtype: Any = None) -> Any:
        """The dtype's name, or the tensor in another dtype."""
        return f"dlframe.{self.array.dtype}" if dtype is None else self.to(dtype)

    def float(self) -> Tensor:
        """In float32."""
        return self.to(np.float32)

    def double(self) -> Tensor:
        """In float64."""
        return self.to(np.float64)

    def half(self) -> Tensor:
        """In float16."""
        return self.to(np.float16)

    def long(self) -> Tensor:
        """In int64."""
        return self.to(np.int64)

    def int(self) -> Tensor:
        """In int32."""
        return self.to(np.int32)

    def bool(self) -> Tensor:
        """In bool."""
        return self.to(np.bool_)

    def cpu(self) -> Tensor:
        """The tensor itself: there is no other device."""
        return self

    def type_as(self, other: Tensor) -> Tensor:
        """In the dtype of `other`."""
        return self.to(other.array.dtype)

    def new_tensor(self, data: Any, dtype: Any = None, requires_grad: Any = False) -> Tensor:
        """A tensor of `data` with this one's dtype."""
        values = np.array(
            data.array if isinstance(data, TensorBase) else data, dtype=dtype or self.array.dtype
        )
        return Tensor(values, requires_grad)

    def new_zeros(self, *size: Any, dtype: Any = None, requires_grad: Any = False) -> Tensor:
        """Zeros of this dtype."""
        return Tensor(np.zeros(F.sizes(size), dtype or self.array.dtype), requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, requires_grad: Any = False) -> Tensor:
        """Ones of this dtype."""
        return Tensor(np.ones(F.sizes(size), dtype or self.array.dtype), requires_grad)

    def new_empty(self, *size: Any, dtype: Any = None, requires_grad: Any = False) -> Tensor:
        """Uninitialized memory of this dtype."""
        return Tensor(np.empty(F.sizes(size), dtype or self.array.dtype), requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, dtype: Any = None, requires_grad: Any = False
    ) -> Tensor:
        """Filled with one value, of this dtype."""
        return Tensor(np.full(size, fill_value, dtype or self.array.dtype), requires_grad)

    # --- operators: the ops themselves, so that a + b costs no second call ----------------------

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

    def __radd__(self, other: Any) -> Any:
        return ops.add(other, self)

    def __rsub__(self, other: Any) -> Any:
        return ops.subtract(other, self)

    def __rmul__(self, other: Any) -> Any:
        return ops.multiply(other, self)

    def __rtruediv__(self, other: Any) -> Any:
        return ops.divide(other, self)

    def __rpow__(self, other: Any) -> Any:
        return ops.power(other, self)

    def __rmatmul__(self, other: Any) -> Any:
        return ops.matmul(other, self)

    def __rfloordiv__(self, other: Any) -> Any:
        return ops.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Any:
        return ops.remainder(other, self)

    def __rand__(self, other: Any) -> Any:
        return ops.bitwise_and(other, self)

    def __ror__(self, other: Any) -> Any:
        return ops.bitwise_or(other, self)

    def __rxor__(self, other: Any) -> Any:
        return ops.bitwise_xor(other, self)

    def __pos__(self) -> Tensor:
        return self

    def __eq__(self, other: object) -> Any:
        return ops.equal(self, other) if _is_numeric(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return ops.not_equal(self, other) if _is_numeric(other) else NotImplemented

    def __getitem__(self, index: Any) -> Tensor:
        return ops.getitem(self, index=index)  # type: ignore[no-any-return]

    def __setitem__(self, index: Any, value: Any) -> None:
        write_at(self, index, value)

    def __iadd__(self, other: Any) -> Tensor:
        return self.add_(other)

    def __isub__(self, other: Any) -> Tensor:
        return self.sub_(other)

    def __imul__(self, other: Any) -> Tensor:
        return self.mul_(other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self.div_(other)

    def __ipow__(self, other: Any) -> Tensor:
        return self.pow_(other)

    # --- arithmetic -----------------------------------------------------------------------------

    def add(self, other: Any, *, alpha: Any = 1) -> Tensor:
        return F.add(self, other, alpha=alpha)  # type: ignore[no-any-return]

    def sub(self, other: Any, *, alpha: Any = 1) -> Tensor:
        return F.sub(self, other, alpha=alpha)  # type: ignore[no-any-return]

    subtract = sub

    def mul(self, other: Any) -> Tensor:
        return F.mul(self, other)  # type: ignore[no-any-return]

    multiply = mul

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        return F.div(self, other, rounding_mode=rounding_mode)  # type: ignore[no-any-return]

    divide = true_divide = div

    def pow(self, exponent: Any) -> Tensor:
        return F.pow(self, exponent)  # type: ignore[no-any-return]

    def remainder(self, other: Any) -> Tensor:
        return F.remainder(self, other)  # type: ignore[no-any-return]

    def fmod(self, other: Any) -> Tensor:
        return F.fmod(self, other)  # type: ignore[no-any-return]

    def floor_divide(self, other: Any) -> Tensor:
        return F.floor_divide(self, other)  # type: ignore[no-any-return]

    def maximum(self, other: Any) -> Tensor:
        return F.maximum(self, other)  # type: ignore[no-any-return]

    def minimum(self, other: Any) -> Tensor:
        return F.minimum(self, other)  # type: ignore[no-any-return]

    def eq(self, other: Any) -> Tensor:
        return F.eq(self, other)  # type: ignore[no-any-return]

    def ne(self, other: Any) -> Tensor:
        return F.ne(self, other)  # type: ignore[no-any-return]

    def lt(self, other: Any) -> Tensor:
        return F.lt(self, other)  # type: ignore[no-any-return]

    def le(self, other: Any) -> Tensor:
        return F.le(self, other)  # type: ignore[no-any-return]

    def gt(self, other: Any) -> Tensor:
        return F.gt(self, other)  # type: ignore[no-any-return]

    def ge(self, other: Any) -> Tensor:
        return F.ge(self, other)  # type: ignore[no-any-return]

    def logical_and(self, other: Any) -> Tensor:
        return F.logical_and(self, other)  # type: ignore[no-any-return]

    def logical_or(self, other: Any) -> Tensor:
        return F.logical_or(self, other)  # type: ignore[no-any-return]

    def logical_xor(self, other: Any) -> Tensor:
        return F.logical_xor(self, other)  # type: ignore[no-any-return]

    def bitwise_and(self, other: Any) -> Tensor:
        return F.bitwise_and(self, other)  # type: ignore[no-any-return]

    def bitwise_or(self, other: Any) -> Tensor:
        return F.bitwise_or(self, other)  # type: ignore[no-any-return]

    def bitwise_xor(self, other: Any) -> Tensor:
        return F.bitwise_xor(self, other)  # type: ignore[no-any-return]

    def matmul(self, other: Any) -> Tensor:
        return F.matmul(self, other)  # type: ignore[no-any-return]

    def mm(self, mat2: Any) -> Tensor:
        return F.mm(self, mat2)  # type: ignore[no-any-return]

    def mv(self, vec: Any) -> Tensor:
        return F.mv(self, vec)  # type: ignore[no-any-return]

    def bmm(self, mat2: Any) -> Tensor:
        return F.bmm(self, mat2)  # type: ignore[no-any-return]

    def dot(self, other: Any) -> Tensor:
        return F.dot(self, other)  # type: ignore[no-any-return]

    def outer(self, vec2: Any) -> Tensor:
        return F.outer(self, vec2)  # type: ignore[no-any-return]

    def lerp(self, end: Any, weight: Any) -> Tensor:
        return F.lerp(self, end, weight)  # type: ignore[no-any-return]

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        return F.clamp(self, min, max)  # type: ignore[no-any-return]

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        return F.clamp(self, min, max)  # type: ignore[no-any-return]

    def where(self, condition: Any, other: Any) -> Tensor:
        return F.where(condition, self, other)  # type: ignore[no-any-return]

    def round(self, *, decimals: Any = 0) -> Tensor:
        return F.round(self, decimals=decimals)  # type: ignore[no-any-return]

    # --- elementwise functions ------------------------------------------------------------------

    def abs(self) -> Tensor:
        return F.abs(self)  # type: ignore[no-any-return]

    def absolute(self) -> Tensor:
        return F.absolute(self)  # type: ignore[no-any-return]

    def neg(self) -> Tensor:
        return F.neg(self)  # type: ignore[no-any-return]

    def negative(self) -> Tensor:
        return F.negative(self)  # type: ignore[no-any-return]

    def sign(self) -> Tensor:
        return F.sign(self)  # type: ignore[no-any-return]

    def exp(self) -> Tensor:
        return F.exp(self)  # type: ignore[no-any-return]

    def exp2(self) -> Tensor:
        return F.exp2(self)  # type: ignore[no-any-return]

    def expm1(self) -> Tensor:
        return F.expm1(self)  # type: ignore[no-any-return]

    def log(self) -> Tensor:
        return F.log(self)  # type: ignore[no-any-return]

    def log1p(self) -> Tensor:
        return F.log1p(self)  # type: ignore[no-any-return]

    def log2(self) -> Tensor:
        return F.log2(self)  # type: ignore[no-any-return]

    def log10(self) -> Tensor:
        return F.log10(self)  # type: ignore[no-any-return]

    def sqrt(self) -> Tensor:
        return F.sqrt(self)  # type: ignore[no-any-return]

    def rsqrt(self) -> Tensor:
        return F.rsqrt(self)  # type: ignore[no-any-return]

    def square(self) -> Tensor:
        return F.square(self)  # type: ignore[no-any-return]

    def reciprocal(self) -> Tensor:
        return F.reciprocal(self)  # type: ignore[no-any-return]

    def sin(self) -> Tensor:
        return F.sin(self)  # type: ignore[no-any-return]

    def cos(self) -> Tensor:
        return F.cos(self)  # type: ignore[no-any-return]

    def tan(self) -> Tensor:
        return F.tan(self)  # type: ignore[no-any-return]

    def asin(self) -> Tensor:
        return F.asin(self)  # type: ignore[no-any-return]

    def acos(self) -> Tensor:
        return F.acos(self)  # type: ignore[no-any-return]

    def atan(self) -> Tensor:
        return F.atan(self)  # type: ignore[no-any-return]

    def sinh(self) -> Tensor:
        return F.sinh(self)  # type: ignore[no-any-return]

    def cosh(self) -> Tensor:
        return F.cosh(self)  # type: ignore[no-any-return]

    def tanh(self) -> Tensor:
        return F.tanh(self)  # type: ignore[no-any-return]

    def sigmoid(self) -> Tensor:
        return F.sigmoid(self)  # type: ignore[no-any-return]

    def relu(self) -> Tensor:
        return F.relu(self)  # type: ignore[no-any-return]

    def erf(self) -> Tensor:
        return F.erf(self)  # type: ignore[no-any-return]

    def floor(self) -> Tensor:
        return F.floor(self)  # type: ignore[no-any-return]

    def ceil(self) -> Tensor:
        return F.ceil(self)  # type: ignore[no-any-return]

    def trunc(self) -> Tensor:
        return F.trunc(self)  # type: ignore[no-any-return]

    def logical_not(self) -> Tensor:
        return F.logical_not(self)  # type: ignore[no-any-return]

    def bitwise_not(self) -> Tensor:
        return F.bitwise_not(self)  # type: ignore[no-any-return]

    def isnan(self) -> Tensor:
        return F.isnan(self)  # type: ignore[no-any-return]

    def isinf(self) -> Tensor:
        return F.isinf(self)  # type: ignore[no-any-return]

    def isfinite(self) -> Tensor:
        return F.isfinite(self)  # type: ignore[no-any-return]

    # --- reductions -----------------------------------------------------------------------------

    @numpy_names
    def sum(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        return F.sum(self, dim, keepdim, dtype=dtype)  # type: ignore[no-any-return]

    @numpy_names
    def mean(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        return F.mean(self, dim, keepdim, dtype=dtype)  # type: ignore[no-any-return]

    @numpy_names
    def prod(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        return F.prod(self, dim, keepdim, dtype=dtype)  # type: ignore[no-any-return]

    @numpy_names
    def var(
        self, dim: Any = None, unbiased: Any = None, keepdim: Any = False, *, correction: Any = None
    ) -> Tensor:
        return F.var(self, dim, unbiased, keepdim, correction=correction)  # type: ignore[no-any-return]

    @numpy_names
    def std(
        self, dim: Any = None, unbiased: Any = None, keepdim: Any = False, *, correction: Any = None
    ) -> Tensor:
        return F.std(self, dim, unbiased, keepdim, correction=correction)  # type: ignore[no-any-return]

    @numpy_names
    def max(self, dim: Any = None, keepdim: Any = False) -> Any:
        return F.max(self, dim, keepdim)

    @numpy_names
    def min(self, dim: Any = None, keepdim: Any = False) -> Any:
        return F.min(self, dim, keepdim)

    @numpy_names
    def amax(self, dim: Any = (), keepdim: Any = False) -> Tensor:
        return F.amax(self, dim, keepdim)  # type: ignore[no-any-return]

    @numpy_names
    def amin(self, dim: Any = (), keepdim: Any = False) -> Tensor:
        return F.amin(self, dim, keepdim)  # type: ignore[no-any-return]

    @numpy_names
    def argmax(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        return F.argmax(self, dim, keepdim)  # type: ignore[no-any-return]

    @numpy_names
    def argmin(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        return F.argmin(self, dim, keepdim)  # type: ignore[no-any-return]

    @numpy_names
    def any(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        return F.any(self, dim, keepdim)  # type: ignore[no-any-return]

    @numpy_names
    def all(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        return F.all(self, dim, keepdim)  # type: ignore[no-any-return]

    @numpy_names
    def logsumexp(self, dim: Any, keepdim: Any = False) -> Tensor:
        return F.logsumexp(self, dim, keepdim)  # type: ignore[no-any-return]

    @numpy_names
    def count_nonzero(self, dim: Any = None) -> Tensor:
        return F.count_nonzero(self, dim)  # type: ignore[no-any-return]

    @numpy_names
    def cumsum(self, dim: Any, *, dtype: Any = None) -> Tensor:
        return F.cumsum(self, dim, dtype=dtype)  # type: ignore[no-any-return]

    @numpy_names
    def cumprod(self, dim: Any, *, dtype: Any = None) -> Tensor:
        return F.cumprod(self, dim, dtype=dtype)  # type: ignore[no-any-return]

    @numpy_names
    def norm(
        self, p: Any = "fro", dim: Any = None, keepdim: Any = False, dtype: Any = None
    ) -> Tensor:
        return F.norm(self, p, dim, keepdim, dtype=dtype)  # type: ignore[no-any-return]

    @numpy_names
    def softmax(self, dim: Any, dtype: Any = None) -> Tensor:
        return F.softmax(self, dim, dtype=dtype)  # type: ignore[no-any-return]

    @numpy_names
    def log_softmax(self, dim: Any, dtype: Any = None) -> Tensor:
        return F.log_softmax(self, dim, dtype=dtype)  # type: ignore[no-any-return]

    def topk(self, k: Any, dim: Any = -1, largest: Any = True, sorted: Any = True) -> Any:
        return F.topk(self, k, dim, largest, sorted)

    def sort(self, dim: Any = -1, descending: Any = False, stable: Any = False) -> Any:
        return F.sort(self, dim, descending, stable)

    def argsort(self, dim: Any = -1, descending: Any = False, stable: Any = False) -> Tensor:
        return F.argsort(self, dim, descending, stable)  # type: ignore[no-any-return]

    def allclose(
        self, other: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False
    ) -> Any:
        return F.allclose(self, other, rtol, atol, equal_nan)

    def isclose(
        self, other: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False
    ) -> Tensor:
        return F.isclose(self, other, rtol, atol, equal_nan)  # type: ignore[no-any-return]

    def equal(self, other: Any) -> Any:
        return F.equal(self, other)

    # --- shape ----------------------------------------------------------------------------------

    def reshape(self, *shape: Any) -> Tensor:
        return F.reshape(self, F.sizes(shape))  # type: ignore[no-any-return]

    def view(self, *shape: Any) -> Tensor:
        if len(shape) == 1 and not isinstance(shape[0], (Int, tuple, list)):
            return wrap(self.array.view(as_dtype(shape[0])))  # type: ignore[no-any-return]
        return F.view(self, F.sizes(shape))  # type: ignore[no-any-return]

    def view_as(self, other: Tensor) -> Tensor:
        return F.view(self, other.array.shape)  # type: ignore[no-any-return]

    def reshape_as(self, other: Tensor) -> Tensor:
        return F.reshape(self, other.array.shape)  # type: ignore[no-any-return]

    def permute(self, *dims: Any) -> Tensor:
        return F.permute(self, F.sizes(dims))  # type: ignore[no-any-return]

    def transpose(self, dim0: Any, dim1: Any) -> Tensor:
        return F.transpose(self, dim0, dim1)  # type: ignore[no-any-return]

    swapaxes = swapdims = transpose

    def t(self) -> Tensor:
        return F.t(self)  # type: ignore[no-any-return]

    @property
    def T(self) -> Tensor:  # noqa: N802 - PyTorch's name
        """All dimensions reversed."""
        return F.permute(self, tuple(range(self.array.ndim))[::-1])  # type: ignore[no-any-return]

    @property
    def mT(self) -> Tensor:  # noqa: N802 - PyTorch's name
        """The last two dimensions swapped."""
        return F.transpose(self, -2, -1)  # type: ignore[no-any-return]

    def squeeze(self, dim: Any = None) -> Tensor:
        return F.squeeze(self, dim)  # type: ignore[no-any-return]

    def unsqueeze(self, dim: Any) -> Tensor:
        return F.unsqueeze(self, dim)  # type: ignore[no-any-return]

    def flatten(self, start_dim: Any = 0, end_dim: Any = -1) -> Tensor:
        return F.flatten(self, start_dim, end_dim)  # type: ignore[no-any-return]

    def unflatten(self, dim: Any, sizes: Any) -> Tensor:
        return F.unflatten(self, dim, sizes)  # type: ignore[no-any-return]

    def ravel(self) -> Tensor:
        return F.flatten(self)  # type: ignore[no-any-return]

    def expand(self, *sizes: Any) -> Tensor:
        return F.expand(self, F.sizes(sizes))  # type: ignore[no-any-return]

    def expand_as(self, other: Tensor) -> Tensor:
        return F.expand(self, other.array.shape)  # type: ignore[no-any-return]

    def broadcast_to(self, size: Any) -> Tensor:
        return F.broadcast_to(self, size)  # type: ignore[no-any-return]

    def repeat(self, *repeats: Any) -> Tensor:
        return F.repeat(self, F.sizes(repeats))  # type: ignore[no-any-return]

    def tile(self, *dims: Any) -> Tensor:
        return F.tile(self, F.sizes(dims))  # type: ignore[no-any-return]

    def repeat_interleave(self, repeats: Any, dim: Any = None) -> Tensor:
        return F.repeat_interleave(self, repeats, dim)  # type: ignore[no-any-return]

    def movedim(self, source: Any, destination: Any) -> Tensor:
        return F.movedim(self, source, destination)  # type: ignore[no-any-return]

    def flip(self, *dims: Any) -> Tensor:
        return F.flip(self, F.sizes(dims))  # type: ignore[no-any-return]

    def roll(self, shifts: Any, dims: Any = None) -> Tensor:
        return F.roll(self, shifts, dims)  # type: ignore[no-any-return]

    def split(self, split_size: Any, dim: Any = 0) -> Any:
        return F.split(self, split_size, dim)

    def chunk(self, chunks: Any, dim: Any = 0) -> Any:
        return F.chunk(self, chunks, dim)

    def unbind(self, dim: Any = 0) -> Any:
        return F.unbind(self, dim)

    def narrow(self, dim: Any, start: Any, length: Any) -> Tensor:
        return F.narrow(self, dim, start, length)  # type: ignore[no-any-return]

    def select(self, dim: Any, index: Any) -> Tensor:
        return F.select(self, dim, index)  # type: ignore[no-any-return]

    def tril(self, diagonal: Any = 0) -> Tensor:
        return F.tril(self, diagonal)  # type: ignore[no-any-return]

    def triu(self, diagonal: Any = 0) -> Tensor:
        return F.triu(self, diagonal)  # type: ignore[no-any-return]

    def diagonal(self, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Tensor:
        return F.diagonal(self, offset, dim1, dim2)  # type: ignore[no-any-return]

    def diag(self, diagonal: Any = 0) -> Tensor:
        return F.diag(self, diagonal)  # type: ignore[no-any-return]

    def contiguous(self) -> Tensor:
        """The tensor itself if its elements lie in order, else a copy in which they do."""
        return self if self.array.flags.c_contiguous else self.clone()

    # --- indexing -------------------------------------------------------------------------------

    def gather(self, dim: Any, index: Any) -> Tensor:
        return F.gather(self, dim, index)  # type: ignore[no-any-return]

    def take_along_dim(self, indices: Any, dim: Any = None) -> Tensor:
        return F.take_along_dim(self, indices, dim)  # type: ignore[no-any-return]

    def index_select(self, dim: Any, index: Any) -> Tensor:
        return F.index_select(self, dim, index)  # type: ignore[no-any-return]

    def scatter(self, dim: Any, index: Any, src: Any) -> Tensor:
        return F.scatter(self, dim, index, src)  # type: ignore[no-any-return]

    def scatter_add(self, dim: Any, index: Any, src: Any) -> Tensor:
        return F.scatter_add(self, dim, index, src)  # type: ignore[no-any-return]

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        return F.masked_fill(self, mask, value)  # type: ignore[no-any-return]

    def masked_select(self, mask: Any) -> Tensor:
        return F.masked_select(self, mask)  # type: ignore[no-any-return]

    def nonzero(self) -> Tensor:
        return F.nonzero(self)  # type: ignore[no-any-return]

    # --- in place: the operation, and its result put into this memory ---------------------------

    def add_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        return write(self, F.add(self, other, alpha=alpha), "add_")  # type: ignore[no-any-return]

    def sub_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        return write(self, F.sub(self, other, alpha=alpha), "sub_")  # type: ignore[no-any-return]

    def mul_(self, other: Any) -> Tensor:
        return write(self, F.mul(self, other), "mul_")  # type: ignore[no-any-return]

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        return write(self, F.div(self, other, rounding_mode=rounding_mode), "div_")  # type: ignore[no-any-return]

    def pow_(self, exponent: Any) -> Tensor:
        return write(self, F.pow(self, exponent), "pow_")  # type: ignore[no-any-return]

    def remainder_(self, other: Any) -> Tensor:
        return write(self, F.remainder(self, other), "remainder_")  # type: ignore[no-any-return]

    def lerp_(self, end: Any, weight: Any) -> Tensor:
        return write(self, F.lerp(self, end, weight), "lerp_")  # type: ignore[no-any-return]

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        return write(self, F.clamp(self, min, max), "clamp_")  # type: ignore[no-any-return]

    def masked_fill_(self, mask: Any, value: Any) -> Tensor:
        return write(self, F.masked_fill(self, mask, value), "masked_fill_")  # type: ignore[no-any-return]

    def scatter_(self, dim: Any, index: Any, src: Any) -> Tensor:
        return write(self, F.scatter(self, dim, index, src), "scatter_")  # type: ignore[no-any-return]

    def scatter_add_(self, dim: Any, index: Any, src: Any) -> Tensor:
        return write(self, F.scatter_add(self, dim, index, src), "scatter_add_")  # type: ignore[no-any-return]

    def abs_(self) -> Tensor:
        return write(self, F.abs(self), "abs_")  # type: ignore[no-any-return]

    def neg_(self) -> Tensor:
        return write(self, F.neg(self), "neg_")  # type: ignore[no-any-return]

    def exp_(self) -> Tensor:
        return write(self, F.exp(self), "exp_")  # type: ignore[no-any-return]

    def log_(self) -> Tensor:
        return write(self, F.log(self), "log_")  # type: ignore[no-any-return]

    def sqrt_(self) -> Tensor:
        return write(self, F.sqrt(self), "sqrt_")  # type: ignore[no-any-return]

    def rsqrt_(self) -> Tensor:
        return write(self, F.rsqrt(self), "rsqrt_")  # type: ignore[no-any-return]

    def reciprocal_(self) -> Tensor:
        return write(self, F.reciprocal(self), "reciprocal_")  # type: ignore[no-any-return]

    def square_(self) -> Tensor:
        return write(self, F.square(self), "square_")  # type: ignore[no-any-return]

    def sin_(self) -> Tensor:
        return write(self, F.sin(self), "sin_")  # type: ignore[no-any-return]

    def cos_(self) -> Tensor:
        return write(self, F.cos(self), "cos_")  # type: ignore[no-any-return]

    def tanh_(self) -> Tensor:
        return write(self, F.tanh(self), "tanh_")  # type: ignore[no-any-return]

    def sigmoid_(self) -> Tensor:
        return write(self, F.sigmoid(self), "sigmoid_")  # type: ignore[no-any-return]

    def relu_(self) -> Tensor:
        return write(self, F.relu(self), "relu_")  # type: ignore[no-any-return]

    def floor_(self) -> Tensor:
        return write(self, F.floor(self), "floor_")  # type: ignore[no-any-return]

    def ceil_(self) -> Tensor:
        return write(self, F.ceil(self), "ceil_")  # type: ignore[no-any-return]

    def round_(self) -> Tensor:
        return write(self, F.round(self), "round_")  # type: ignore[no-any-return]

    def trunc_(self) -> Tensor:
        return write(self, F.trunc(self), "trunc_")  # type: ignore[no-any-return]

    def copy_(self, src: Any) -> Tensor:
        """Take over the values of `src`, which may broadcast and have another dtype."""
        source = src if isinstance(src, TensorBase) else wrap(np.asarray(src))
        return write(self, cast(source, dtype=self.array.dtype), "copy_")  # type: ignore[no-any-return]

    def fill_(self, value: Any) -> Tensor:
        """Set every element to `value`."""
        return self.copy_(value)

    def zero_(self) -> Tensor:
        """Set every element to 0."""
        return self.copy_(0)

    def _draw(self, values: Array, by: str) -> Tensor:
        return write(self, wrap(values.astype(self.array.dtype, copy=False)), by)  # type: ignore[no-any-return]

    def normal_(
        self, mean: Any = 0.0, std: Any = 1.0, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw from the normal distribution."""
        rng = generator or default_generator
        return self._draw(
            rng.normal(self.array.shape, self.array.dtype, mean=mean, std=std), "normal_"
        )

    def uniform_(
        self, low: Any = 0.0, high: Any = 1.0, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw uniformly from [low, high)."""
        rng = generator or default_generator
        return self._draw(
            rng.uniform(self.array.shape, self.array.dtype, low=low, high=high), "uniform_"
        )

    def exponential_(self, lambd: Any = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Draw from the exponential distribution with rate `lambd`."""
        rng = generator or default_generator
        return self._draw(
            rng.exponential(self.array.shape, self.array.dtype, lambd=lambd), "exponential_"
        )

    def bernoulli_(self, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
        """Draw 1 with probability `p` (a number, or a tensor of this shape), else 0."""
        rng = generator or default_generator
        drawn = (
            rng.bernoulli(p.array)
            if isinstance(p, TensorBase)
            else rng.keep_mask(p, self.array.shape)
        )
        return self._draw(drawn, "bernoulli_")

    def random_(
        self, low: Any = 0, high: Any = None, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw integers uniformly from [low, high), or from all that the dtype holds exactly."""
        rng = generator or default_generator
        if high is None and low == 0:
            return self._draw(rng.random(self.array.shape, self.array.dtype), "random_")
        low, high = (0, low) if high is None else (low, high)
        return self._draw(rng.randint(low, high, self.array.shape), "random_")

    def bernoulli(self, *, generator: Generator | None = None) -> Tensor:
        """1 with the probability that each element gives, else 0."""
        return wrap((generator or default_generator).bernoulli(self.array))  # type: ignore[no-any-return]

    def multinomial(
        self, num_samples: Any, replacement: Any = False, *, generator: Generator | None = None
    ) -> Tensor:
        """Indices drawn with the probabilities that each row gives."""
        rng = generator or default_generator
        return wrap(rng.multinomial(self.array, num_samples, replacement))  # type: ignore[no-any-return]


def _is_numeric(value: object) -> Bool:
    return isinstance(value, (TensorBase, np.ndarray, np.generic, bool, int, float))


def _cast(x: Tensor, dtype: DType) -> Tensor:
    """Differentiable between floats; without history when a float becomes an integer."""
    source = x if dtype.kind == "f" else x.detach()
    return cast(source, dtype=dtype)  # type: ignore[no-any-return]


def _rebuild(cls: Any, array: Array, requires_grad: Bool, attributes: dict[str, Any]) -> Any:
    x = object.__new__(cls)
    Tensor.__init__(x, array, requires_grad)
    x.__dict__.update(attributes)
    return x


def to_array(x: Any) -> Array:
    """The ndarray of a tensor (whether or not it requires grad), or of anything array-like."""
    return x.array if isinstance(x, TensorBase) else np.asarray(x)


bind_tensor(Tensor)
