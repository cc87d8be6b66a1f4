"""The Tensor: an array, and its place in the graph.

What a method does is written, with formula and example, in `dlframe.functions`; where a function
takes the same arguments it is the method. The operators are the ops themselves. ``dim`` and
``keepdim`` are PyTorch's names, and their meaning is PyTorch's where it differs from NumPy's.
"""

from __future__ import annotations

import copy
import functools
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeAlias

import numpy as np

from dlframe import functions as F
from dlframe import ops
from dlframe.autograd.backward import backward as _backward
from dlframe.autograd.hooks import RemovableHandle, add_hook
from dlframe.autograd.inplace import in_place, write, write_at
from dlframe.devices import CPU, KNOWN, check_device, device
from dlframe.dtypes import DType, as_dtype, get_default_dtype
from dlframe.errors import ArgumentError, DTypeError, GradientError, ShapeError
from dlframe.functions.arguments import checked_dim, sizes
from dlframe.functions.shape import expand, repeat, view
from dlframe.ops import numpy_api, record
from dlframe.ops.calling import bind_tensor, wrap
from dlframe.ops.op import cast
from dlframe.ops.record import Array, Node, TensorBase
from dlframe.printing import tensor_text
from dlframe.random import Generator, or_default

# The methods float(), int() and bool() hide the built-in types inside the class.
Int: TypeAlias = int
Float: TypeAlias = float
Bool: TypeAlias = bool


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method that puts what `function` returns into the tensor's own memory."""
    name = f"{function.__name__}_"

    @functools.wraps(function)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return in_place(function, self, name, *args, **kwargs)

    method.__name__, method.__qualname__, method.__module__ = name, f"Tensor.{name}", __name__
    method.__doc__ = f"`{function.__name__}` in place."
    return method


class Tensor(TensorBase):
    """A multi-dimensional array that can remember how it was computed.

    Args:
        array: the values, an ndarray; it is wrapped and not copied. `dlframe.tensor` copies from
            any data.
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
            listed = isinstance(array, (list, tuple))  # Tensor([1, 2]) is of floats, as PyTorch's
            array = np.asarray(array)
            if listed or array.dtype == np.float64:
                array = array.astype(get_default_dtype())
        canonical = as_dtype(array.dtype)
        if array.dtype is not canonical:
            array = array.astype(canonical)
        self.array = array
        self.node = self.grad = self.view_of = self.hooks = None
        self.needs_grad = False
        if requires_grad:
            if type(requires_grad) is Int:
                raise ArgumentError("Tensor takes values, not sizes; use dl.empty(2, 3) for these")
            self.requires_grad_()

    # --- what it is -----------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[Int, ...]:
        """The size along each dimension."""
        return self.array.shape

    def size(self, dim: Int | None = None) -> Any:
        """The shape, or the size along `dim`."""
        shape = self.array.shape
        return shape if dim is None else shape[checked_dim(dim, len(shape))]

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

    ndimension = dim

    def numel(self) -> Int:
        """The number of elements."""
        return self.array.size

    nelement = numel

    def element_size(self) -> Int:
        """Bytes per element."""
        return self.array.itemsize

    @property
    def itemsize(self) -> Int:
        """Bytes per element."""
        return self.array.itemsize

    @property
    def nbytes(self) -> Int:
        """Bytes of all elements."""
        return self.array.nbytes

    @property
    def device(self) -> device:
        """Always ``device("cpu")``."""
        return CPU

    @property
    def is_leaf(self) -> Bool:
        """Whether no recorded operation made this tensor."""
        return not self.needs_grad or record.target_of(self) is self

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for a leaf."""
        target = record.target_of(self)
        return target if self.needs_grad and isinstance(target, Node) else None

    @property
    def requires_grad(self) -> Bool:
        """Whether operations on this tensor are recorded, so that gradients reach it."""
        return self.needs_grad

    @requires_grad.setter
    def requires_grad(self, value: Bool) -> None:
        if value and self.array.dtype.kind != "f":
            raise DTypeError(
                "only Tensors of floating point dtype can require gradients, this one is "
                f"{self.array.dtype}; convert it with .float()"
            )
        if not value and not self.is_leaf:
            raise GradientError(
                "you can only change requires_grad flags of leaf variables; use .detach() for a "
                "result without history"
            )
        self.needs_grad = bool(value)

    def requires_grad_(self, requires_grad: Bool = True) -> Tensor:
        """Set `requires_grad`, and return the tensor."""
        self.requires_grad = requires_grad
        return self

    def is_floating_point(self) -> Bool:
        """Whether the elements are floats."""
        return self.array.dtype.kind == "f"

    def is_complex(self) -> Bool:
        """Never: there are no complex tensors."""
        return False

    def is_signed(self) -> Bool:
        """Whether the dtype has negative numbers."""
        return self.array.dtype.kind in "if"

    def is_contiguous(self) -> Bool:
        """Whether the elements lie in memory in order."""
        return self.array.flags.c_contiguous

    def is_inference(self) -> Bool:
        """Whether the tensor was made in inference mode, and so can never enter a graph."""
        return self.node is record.INFERENCE

    def stride(self, dim: Int | None = None) -> Any:
        """Steps in elements (not bytes) from one index to the next, per dimension."""
        steps = tuple(s // self.array.itemsize for s in self.array.strides)
        return steps if dim is None else steps[checked_dim(dim, len(steps))]

    @property
    def _version(self) -> Int:
        return record.version_of(self.array)

    @property
    def _base(self) -> TensorBase | None:
        return None if self.view_of is None else self.view_of.base

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
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        return self.array

    def __array__(self, dtype: Any = None, copy: Bool | None = None) -> Array:
        if self.needs_grad:
            raise GradientError(
                "a Tensor that requires grad does not turn into an array by itself, since its "
                "graph would be lost without a word. Use tensor.detach().numpy(), or a dlframe "
                "function in place of NumPy's."
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

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> Int:
        if self.array.dtype.kind not in "iu" or self.array.size != 1:
            raise TypeError(
                "only integer tensors of a single element can be converted to an index; this one "
                f"has dtype {self.array.dtype} and shape {list(self.array.shape)}"
            )
        return int(self.array.item())

    def __bool__(self) -> Bool:
        if self.array.size != 1:
            what = "more than one value" if self.array.size else "no values"
            raise ShapeError(
                f"Boolean value of Tensor with {what} is ambiguous; use .any() or .all()"
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
        if not _is_numeric(value):
            raise TypeError(
                "Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
                f"{type(value).__name__}"
            )
        return bool((self.array == to_array(value)).any())

    def __repr__(self) -> str:
        return tensor_text(self)

    def __format__(self, spec: str) -> str:
        # as in PyTorch, f"{loss}" is the number alone; a Parameter prints in full
        if self.array.ndim == 0 and type(self) is Tensor:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise GradientError(
                "Only leaf tensors can be pickled; use .detach() for a result without history"
            )
        return _rebuild, (type(self), self.array, self.needs_grad, self.__dict__)

    def __getstate__(self) -> NoReturn:
        raise TypeError("tensors are pickled through __reduce_ex__")

    def __deepcopy__(self, memo: dict[Int, Any]) -> Tensor:
        if not self.is_leaf:
            raise GradientError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol at the moment; use .detach() or .clone()"
            )
        copied: Tensor = _rebuild(type(self), self.array.copy(), self.needs_grad, {})
        memo[id(self)] = copied  # before the attributes, which may lead back here
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        if self.grad is not None:
            copied.grad = copy.deepcopy(self.grad.detach(), memo)
        return copied

    # --- the graph ------------------------------------------------------------------------------

    def backward(
        self,
        gradient: Any = None,
        retain_graph: Bool | None = None,
        create_graph: Bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient to the ``.grad`` of the leaves; see `dlframe.autograd.backward`."""
        _backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory, without the graph."""
        return wrap(self.array)

    def detach_(self) -> Tensor:
        """Cut this tensor off its graph."""
        if self.view_of is not None:
            raise GradientError("Can't detach views in-place. Use detach() instead.")
        self.node, self.needs_grad, self.hooks = None, False, None
        return self

    @property
    def data(self) -> Tensor:
        """The same memory without the graph; writes to it count as in-place changes."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self.array = value.array

    @property
    def retains_grad(self) -> Bool:
        """Whether this is a result that keeps its gradient, see `retain_grad`."""
        return self.hooks is not None and not self.is_leaf

    def retain_grad(self) -> None:
        """Let this result keep its gradient in ``.grad``, as leaves do."""
        if not self.needs_grad:
            raise GradientError("can't retain_grad on Tensor that has requires_grad=False")
        if self.is_leaf or self.hooks is not None:
            return
        ref = weakref.ref(self)

        def keep(g: Any) -> None:
            tensor = ref()
            if tensor is not None:
                tensor.grad = g.clone() if tensor.grad is None else tensor.grad + g

        handle = self.register_hook(keep)
        self.hooks = {handle.id: keep}  # it moves with the tensor to the nodes of later writes

    def register_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        """Call `hook` with each gradient of this tensor; what it returns, if not None, replaces it.

        >>> import dlframe as dl
        >>> x = dl.ones(2, requires_grad=True)
        >>> handle = x.register_hook(lambda g: 10 * g)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        if not self.needs_grad:
            raise GradientError("cannot register a hook on a tensor that doesn't require gradient")
        holder: Any = record.target_of(self)
        if holder.hooks is None:
            holder.hooks = {}
        handle = add_hook(holder.hooks, hook)
        if self.hooks is not None and holder is not self:
            # what fills .grad comes last: it sees what the other hooks made of the gradient
            holder.hooks.update({key: holder.hooks.pop(key) for key in self.hooks})
        return handle

    # --- conversion -----------------------------------------------------------------------------

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: Bool = False,
        copy: Bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        """In another dtype: ``to(dtype)``, ``to(other)``, ``to("cpu")``, ``to("cpu", dtype)``.

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
            elif arg is not None:
                dtype = arg
        check_device(device)
        target = self.array.dtype if dtype is None else as_dtype(dtype)
        if target != self.array.dtype:
            return _cast(self, target)
        return self.clone() if copy or flags[1:] == [True] else self

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

    def short(self) -> Tensor:
        """In int16."""
        return self.to(np.int16)

    def char(self) -> Tensor:
        """In int8."""
        return self.to(np.int8)

    def byte(self) -> Tensor:
        """In uint8."""
        return self.to(np.uint8)

    def bool(self) -> Tensor:
        """In bool."""
        return self.to(np.bool_)

    def cpu(self) -> Tensor:
        """The tensor itself: there is no other device."""
        return self

    def cuda(self, device: Any = None, non_blocking: Bool = False) -> Tensor:
        """Raises an ArgumentError: there is no GPU; ask `dlframe.cuda.is_available` first."""
        return self.to("cuda")

    def type_as(self, other: Tensor) -> Tensor:
        """In the dtype of `other`."""
        return self.to(other.array.dtype)

    def contiguous(self) -> Tensor:
        """The tensor itself if its elements lie in order, else a copy in which they do."""
        return self if self.array.flags.c_contiguous else self.clone()

    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: Bool = False
    ) -> Tensor:
        """A tensor with a copy of `data`, by default in this one's dtype."""
        return self.new_full(
            np.shape(to_array(data)), data, dtype=dtype, device=device, requires_grad=requires_grad
        )

    def new_zeros(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: Bool = False
    ) -> Tensor:
        """Zeros, by default in this one's dtype."""
        return self.new_full(
            sizes(size), 0, dtype=dtype, device=device, requires_grad=requires_grad
        )

    def new_ones(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: Bool = False
    ) -> Tensor:
        """Ones, by default in this one's dtype."""
        return self.new_full(
            sizes(size), 1, dtype=dtype, device=device, requires_grad=requires_grad
        )

    def new_empty(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: Bool = False
    ) -> Tensor:
        """Uninitialized memory, by default in this one's dtype."""
        check_device(device)
        kind = self.array.dtype if dtype is None else as_dtype(dtype)
        return Tensor(np.empty(sizes(size), kind), requires_grad)

    def new_full(
        self,
        size: Any,
        fill_value: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: Bool = False,
    ) -> Tensor:
        """Filled with one value, by default in this one's dtype."""
        out = self.new_empty(size, dtype=dtype, device=device)
        out.array[...] = to_array(fill_value)
        return out.requires_grad_(requires_grad)

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

    def __rlshift__(self, other: Any) -> Any:
        return ops.left_shift(other, self)

    def __rrshift__(self, other: Any) -> Any:
        return ops.right_shift(other, self)

    def __pos__(self) -> Tensor:
        return self

    def __eq__(self, other: object) -> Any:
        return ops.equal(self, other) if _is_numeric(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return ops.not_equal(self, other) if _is_numeric(other) else NotImplemented

    def __getitem__(self, index: Any) -> Tensor:
        return ops.getitem(self, index=index)

    def __setitem__(self, index: Any, value: Any) -> None:
        write_at(self, index, value)

    # --- arithmetic and comparison --------------------------------------------------------------

    add = F.add
    sub = subtract = F.sub
    mul = multiply = F.mul
    div = divide = F.div
    true_divide = F.div
    pow = F.pow
    remainder = F.remainder
    fmod = F.fmod
    floor_divide = F.floor_divide
    addcmul = F.addcmul
    addcdiv = F.addcdiv
    lerp = F.lerp
    maximum = F.maximum
    minimum = F.minimum
    clamp = F.clamp
    clip = F.clip
    logaddexp = F.logaddexp
    atan2 = arctan2 = F.atan2

    eq = F.eq
    ne = not_equal = F.ne
    lt = less = F.lt
    le = less_equal = F.le
    gt = greater = F.gt
    ge = greater_equal = F.ge
    equal = F.equal
    isclose = F.isclose
    allclose = F.allclose

    logical_and = F.logical_and
    logical_or = F.logical_or
    logical_xor = F.logical_xor
    logical_not = F.logical_not
    bitwise_and = F.bitwise_and
    bitwise_or = F.bitwise_or
    bitwise_xor = F.bitwise_xor
    bitwise_not = F.bitwise_not
    bitwise_left_shift = F.bitwise_left_shift
    bitwise_right_shift = F.bitwise_right_shift

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """This tensor where `condition` holds, else `other`; see `dlframe.where`."""
        return F.where(condition, self, other)

    # --- elementwise functions ------------------------------------------------------------------

    clone = F.clone
    abs = absolute = F.abs
    neg = negative = F.neg
    positive = F.positive
    sign = F.sign
    signbit = F.signbit
    square = F.square
    sqrt = F.sqrt
    rsqrt = F.rsqrt
    reciprocal = F.reciprocal
    exp = F.exp
    exp2 = F.exp2
    expm1 = F.expm1
    log = F.log
    log2 = F.log2
    log10 = F.log10
    log1p = F.log1p
    sin = F.sin
    cos = F.cos
    tan = F.tan
    asin = arcsin = F.asin
    acos = arccos = F.acos
    atan = arctan = F.atan
    sinh = F.sinh
    cosh = F.cosh
    tanh = F.tanh
    asinh = arcsinh = F.asinh
    acosh = arccosh = F.acosh
    atanh = arctanh = F.atanh
    sigmoid = F.sigmoid
    relu = F.relu
    erf = F.erf
    floor = F.floor
    ceil = F.ceil
    trunc = fix = F.trunc
    round = F.round
    isnan = F.isnan
    isinf = F.isinf
    isfinite = F.isfinite

    # --- reductions -----------------------------------------------------------------------------

    sum = F.sum
    mean = F.mean
    prod = F.prod
    var = F.var
    std = F.std
    norm = F.norm
    max = F.max
    min = F.min
    amax = F.amax
    amin = F.amin
    argmax = F.argmax
    argmin = F.argmin
    any = F.any
    all = F.all
    count_nonzero = F.count_nonzero
    logsumexp = F.logsumexp
    softmax = F.softmax
    log_softmax = F.log_softmax
    cumsum = F.cumsum
    cumprod = F.cumprod
    sort = F.sort
    argsort = F.argsort
    topk = F.topk

    # --- linear algebra -------------------------------------------------------------------------

    matmul = F.matmul
    mm = F.mm
    mv = F.mv
    bmm = F.bmm
    dot = F.dot
    inner = F.inner
    outer = F.outer

    # --- shape ----------------------------------------------------------------------------------

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape; see `dlframe.reshape`."""
        return F.reshape(self, sizes(shape))

    def reshape_as(self, other: Tensor) -> Tensor:
        """The same elements in the shape of `other`."""
        return F.reshape(self, other.array.shape)

    def view(self, *shape: Any) -> Tensor:
        """The same memory in another shape, or, given a dtype, its bytes read in another way.

        >>> import dlframe as dl
        >>> x = dl.zeros(2, 3)
        >>> x.view(-1)[0] = 1
        >>> x[0, 0]
        tensor(1.)
        >>> dl.tensor([1.0]).view(dl.int32)
        tensor([1065353216], dtype=dlframe.int32)
        """
        if len(shape) == 1 and isinstance(shape[0], (np.dtype, type)):
            return self._viewed_as(as_dtype(shape[0]))
        return view(self, sizes(shape))

    def _viewed_as(self, dtype: DType) -> Tensor:
        if self.needs_grad and dtype != self.array.dtype:
            raise GradientError(
                f"view: bytes of {self.array.dtype} read as {dtype} have no gradient; "
                "use .to(dtype) to convert, or .detach() first"
            )
        return self if dtype == self.array.dtype else wrap(self.array.view(dtype))

    def view_as(self, other: Tensor) -> Tensor:
        """The same memory in the shape of `other`."""
        return view(self, other.array.shape)

    flatten = F.flatten
    unflatten = F.unflatten
    ravel = F.ravel
    squeeze = F.squeeze
    unsqueeze = F.unsqueeze
    transpose = swapdims = F.transpose
    swapaxes = F.swapaxes
    t = F.t
    movedim = moveaxis = F.movedim

    def permute(self, *dims: Any) -> Tensor:
        """The dimensions in another order; see `dlframe.permute`."""
        return F.permute(self, sizes(dims))

    @property
    def T(self) -> Tensor:
        """All dimensions reversed."""
        return F.permute(self, tuple(range(self.array.ndim))[::-1])

    @property
    def mT(self) -> Tensor:
        """The last two dimensions swapped."""
        return F.transpose(self, -2, -1)

    H, mH = T, mT

    def expand(self, *size: Any) -> Tensor:
        """Repeated along new dimensions and along those of size 1, without a copy; -1 keeps a size.

        >>> import dlframe as dl
        >>> dl.tensor([[1], [2]]).expand(-1, 3)
        tensor([[1, 1, 1],
                [2, 2, 2]])
        """
        return expand(self, sizes(size))

    def expand_as(self, other: Tensor) -> Tensor:
        """Expanded to the shape of `other`."""
        return expand(self, other.array.shape)

    broadcast_to = F.broadcast_to

    def repeat(self, *repeats: Any) -> Tensor:
        """Copied so often along each dimension.

        >>> import dlframe as dl
        >>> dl.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
        """
        return repeat(self, sizes(repeats))

    def tile(self, *dims: Any) -> Tensor:
        """`repeat` where missing counts in front are 1; see `dlframe.tile`."""
        return F.tile(self, sizes(dims))

    repeat_interleave = F.repeat_interleave

    def flip(self, *dims: Any) -> Tensor:
        """The elements in reverse order along `dims`; see `dlframe.flip`."""
        return F.flip(self, sizes(dims))

    roll = F.roll

    def split(self, split_size: Any, dim: Int = 0) -> tuple[Tensor, ...]:
        """Parts of `split_size` along `dim`, or of the sizes in a list; see `dlframe.split`."""
        return F.split(self, split_size, dim)

    chunk = F.chunk
    unbind = F.unbind
    narrow = F.narrow
    select = F.select
    tril = F.tril
    triu = F.triu
    diagonal = F.diagonal
    diag = F.diag

    # --- indexing -------------------------------------------------------------------------------

    gather = F.gather
    take_along_dim = F.take_along_dim
    index_select = F.index_select
    scatter = F.scatter
    scatter_add = F.scatter_add
    masked_fill = F.masked_fill
    masked_select = F.masked_select
    nonzero = F.nonzero
    argwhere = F.argwhere

    # --- in place: the operation, and its result put into this memory ---------------------------

    add_ = _in_place(F.add)
    sub_ = subtract_ = _in_place(F.sub)
    mul_ = multiply_ = _in_place(F.mul)
    div_ = divide_ = true_divide_ = _in_place(F.div)
    pow_ = _in_place(F.pow)
    remainder_ = _in_place(F.remainder)
    fmod_ = _in_place(F.fmod)
    floor_divide_ = _in_place(F.floor_divide)
    addcmul_ = _in_place(F.addcmul)
    addcdiv_ = _in_place(F.addcdiv)
    lerp_ = _in_place(F.lerp)
    clamp_ = clip_ = _in_place(F.clamp)
    eq_ = _in_place(F.eq)
    ne_ = not_equal_ = _in_place(F.ne)
    lt_ = less_ = _in_place(F.lt)
    le_ = less_equal_ = _in_place(F.le)
    gt_ = greater_ = _in_place(F.gt)
    ge_ = greater_equal_ = _in_place(F.ge)
    logical_and_ = _in_place(F.logical_and)
    logical_or_ = _in_place(F.logical_or)
    logical_xor_ = _in_place(F.logical_xor)
    logical_not_ = _in_place(F.logical_not)
    bitwise_and_ = _in_place(F.bitwise_and)
    bitwise_or_ = _in_place(F.bitwise_or)
    bitwise_xor_ = _in_place(F.bitwise_xor)
    bitwise_not_ = _in_place(F.bitwise_not)
    bitwise_left_shift_ = _in_place(F.bitwise_left_shift)
    bitwise_right_shift_ = _in_place(F.bitwise_right_shift)

    abs_ = absolute_ = _in_place(F.abs)
    neg_ = negative_ = _in_place(F.neg)
    sign_ = _in_place(F.sign)
    square_ = _in_place(F.square)
    sqrt_ = _in_place(F.sqrt)
    rsqrt_ = _in_place(F.rsqrt)
    reciprocal_ = _in_place(F.reciprocal)
    exp_ = _in_place(F.exp)
    exp2_ = _in_place(F.exp2)
    expm1_ = _in_place(F.expm1)
    log_ = _in_place(F.log)
    log2_ = _in_place(F.log2)
    log10_ = _in_place(F.log10)
    log1p_ = _in_place(F.log1p)
    sin_ = _in_place(F.sin)
    cos_ = _in_place(F.cos)
    tan_ = _in_place(F.tan)
    asin_ = arcsin_ = _in_place(F.asin)
    acos_ = arccos_ = _in_place(F.acos)
    atan_ = arctan_ = _in_place(F.atan)
    atan2_ = arctan2_ = _in_place(F.atan2)
    sinh_ = _in_place(F.sinh)
    cosh_ = _in_place(F.cosh)
    tanh_ = _in_place(F.tanh)
    asinh_ = arcsinh_ = _in_place(F.asinh)
    acosh_ = arccosh_ = _in_place(F.acosh)
    atanh_ = arctanh_ = _in_place(F.atanh)
    sigmoid_ = _in_place(F.sigmoid)
    relu_ = _in_place(F.relu)
    erf_ = _in_place(F.erf)
    floor_ = _in_place(F.floor)
    ceil_ = _in_place(F.ceil)
    trunc_ = fix_ = _in_place(F.trunc)
    round_ = _in_place(F.round)
    cumsum_ = _in_place(F.cumsum)
    cumprod_ = _in_place(F.cumprod)
    tril_ = _in_place(F.tril)
    triu_ = _in_place(F.triu)
    masked_fill_ = _in_place(F.masked_fill)
    scatter_ = _in_place(F.scatter)
    scatter_add_ = _in_place(F.scatter_add)

    __iadd__ = add_
    __isub__ = sub_
    __imul__ = mul_
    __itruediv__ = div_
    __ipow__ = pow_
    __ifloordiv__ = floor_divide_
    __imod__ = remainder_
    __iand__ = bitwise_and_
    __ior__ = bitwise_or_
    __ixor__ = bitwise_xor_
    __ilshift__ = bitwise_left_shift_
    __irshift__ = bitwise_right_shift_

    def copy_(self, src: Any, non_blocking: Bool = False) -> Tensor:
        """Take over the values of `src`, which may broadcast and have another dtype."""
        source = src if isinstance(src, TensorBase) else wrap(np.asarray(src))
        return write(self, cast(source, dtype=self.array.dtype), "copy_")

    def fill_(self, value: Any) -> Tensor:
        """Set every element to `value`, a number or a 0-d tensor."""
        if np.ndim(to_array(value)):
            raise ShapeError(
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{np.ndim(to_array(value))} dimensions; use copy_()"
            )
        return self.copy_(value)

    def zero_(self) -> Tensor:
        """Set every element to 0."""
        return self.copy_(0)

    # --- random numbers: PyTorch's for the same seed --------------------------------------------

    def _fill(self, draw: Callable[[tuple[Int, ...]], Array], by: str) -> Tensor:
        """Write what `draw` gives for a shape, in the order in which the elements lie in memory."""
        a = self.array
        if a.flags.c_contiguous:
            values = draw(a.shape)
        else:
            order = np.argsort([-abs(stride) for stride in a.strides], kind="stable")
            values = draw(tuple([a.shape[i] for i in order])).transpose(np.argsort(order))
        return write(self, wrap(values.astype(a.dtype, copy=False)), by)

    def normal_(
        self, mean: Float = 0, std: Float = 1, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw from the normal distribution.

        >>> import dlframe as dl
        >>> _ = dl.manual_seed(0)
        >>> dl.empty(3).normal_()
        tensor([ 1.5410, -0.2934, -2.1788])
        """
        rng = or_default(generator)
        # PyTorch makes blocks of 16 only in contiguous memory
        draw = rng.normal if self.array.flags.c_contiguous else rng.normal_by_pairs
        dtype = self.array.dtype
        return self._fill(lambda shape: draw(shape, dtype, mean=mean, std=std), "normal_")

    def log_normal_(
        self, mean: Float = 1, std: Float = 2, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw the exp of normal numbers with the given mean and standard deviation."""
        rng, dtype = or_default(generator), self.array.dtype
        return self._fill(
            lambda shape: rng.log_normal(shape, dtype, mean=mean, std=std), "log_normal_"
        )

    def uniform_(
        self, from_: Float = 0, to: Float = 1, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw uniformly from [from_, to).

        >>> import dlframe as dl
        >>> _ = dl.manual_seed(0)
        >>> dl.empty(2).uniform_(-1, 1)
        tensor([-0.0075,  0.5364])
        """
        rng, dtype = or_default(generator), self.array.dtype
        return self._fill(lambda shape: rng.uniform(shape, dtype, low=from_, high=to), "uniform_")

    def exponential_(self, lambd: Float = 1, *, generator: Generator | None = None) -> Tensor:
        """Draw from the exponential distribution with rate `lambd`."""
        rng, dtype = or_default(generator), self.array.dtype
        return self._fill(lambda shape: rng.exponential(shape, dtype, lambd=lambd), "exponential_")

    def cauchy_(
        self, median: Float = 0, sigma: Float = 1, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw from the Cauchy distribution."""
        rng, dtype = or_default(generator), self.array.dtype
        return self._fill(
            lambda shape: rng.cauchy(shape, dtype, median=median, sigma=sigma), "cauchy_"
        )

    def geometric_(self, p: Float, *, generator: Generator | None = None) -> Tensor:
        """Draw the number of trials until the first success, each with probability `p`."""
        rng, dtype = or_default(generator), self.array.dtype
        return self._fill(lambda shape: rng.geometric(p, shape, dtype), "geometric_")

    def bernoulli_(self, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
        """Draw 1 with probability `p` (a number, or a tensor of this shape), else 0."""
        rng = or_default(generator)
        if not isinstance(p, TensorBase):
            return self._fill(lambda shape: rng.keep_mask(p, shape), "bernoulli_")
        return self._fill(lambda shape: rng.bernoulli(p.array), "bernoulli_")

    def random_(
        self, from_: Int = 0, to: Int | None = None, *, generator: Generator | None = None
    ) -> Tensor:
        """Draw integers uniformly from [from_, to), or from all that the dtype holds exactly.

        ``random_(to)`` starts at 0.
        """
        rng, dtype = or_default(generator), self.array.dtype
        if to is None and from_ == 0:
            return self._fill(lambda shape: rng.random(shape, dtype), "random_")
        low, high = (0, from_) if to is None else (from_, to)
        return self._fill(lambda shape: rng.randint(low, high, shape), "random_")

    def bernoulli(self, *, generator: Generator | None = None) -> Tensor:
        """1 with the probability that each element gives, else 0."""
        return wrap(or_default(generator).bernoulli(self.array))

    def multinomial(
        self, num_samples: Int, replacement: Bool = False, *, generator: Generator | None = None
    ) -> Tensor:
        """Indices drawn with the probabilities that each row gives."""
        return wrap(or_default(generator).multinomial(self.array, num_samples, replacement))


def _is_numeric(value: object) -> bool:
    return isinstance(value, (TensorBase, np.ndarray, np.generic, bool, int, float))


def _cast(x: Tensor, dtype: DType) -> Tensor:
    """Differentiable between floats; without history when a float becomes an integer."""
    source = x if dtype.kind == "f" else x.detach()
    return cast(source, dtype=dtype)


def _rebuild(cls: Any, array: Array, requires_grad: bool, attributes: dict[str, Any]) -> Any:
    x = object.__new__(cls)
    Tensor.__init__(x, array, requires_grad)
    x.__dict__.update(attributes)
    return x


def to_array(x: Any) -> Array:
    """The ndarray of a tensor (whether or not it requires grad), or of anything array-like."""
    return x.array if isinstance(x, TensorBase) else np.asarray(x)


bind_tensor(Tensor)
