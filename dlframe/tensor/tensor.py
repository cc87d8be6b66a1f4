"""The Tensor: an array, and its place in the graph.

What a method does is written, with formula and example, in `dlframe.tensor.functions`; a function
that takes the same arguments is the method. The operators are the ops themselves. `dim` and
`keepdim` are PyTorch's names, and their meaning is PyTorch's where it differs from NumPy's.
"""

from __future__ import annotations

import copy
import functools
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from dlframe.autograd.backward import backward as _backward
from dlframe.autograd.hooks import PostHook
from dlframe.base.elsewhere import without_elsewhere
from dlframe.base.hooks import RemovableHandle, add_hook
from dlframe.base.quiet import quietly
from dlframe.dtypes import DType, as_dtype, get_default_dtype
from dlframe.errors import DTypeError, GradientError, ShapeError
from dlframe.ops import record
from dlframe.ops.calling import bind_tensor, wrap
from dlframe.ops.memory import is_dense
from dlframe.ops.places import address
from dlframe.ops.record import Array, Node, TensorBase, to_array
from dlframe.tensor import functions as F
from dlframe.tensor.devices import CPU, device
from dlframe.tensor.methods import (
    Attributes,
    ComparisonMethods,
    ConversionMethods,
    CreationMethods,
    ElementwiseMethods,
    FillingMethods,
    IndexingMethods,
    LinalgMethods,
    MemoryMethods,
    Operators,
    ReductionMethods,
    ShapeMethods,
)
from dlframe.tensor.methods.operators import is_numeric
from dlframe.tensor.printing import tensor_html, tensor_text
from dlframe.tensor.size import Size

if TYPE_CHECKING:
    from dlframe.viz.explain import Explanation

__all__ = ["Tensor", "to_array"]


class Tensor(
    Operators,
    Attributes,
    ElementwiseMethods,
    ComparisonMethods,
    ReductionMethods,
    LinalgMethods,
    ShapeMethods,
    IndexingMethods,
    ConversionMethods,
    CreationMethods,
    FillingMethods,
    MemoryMethods,
):
    """A multi-dimensional array that can remember how it was computed.

    Args:
        array: the values, an ndarray; it is wrapped and not copied. `dlframe.tensor` copies from
            any data. Whole numbers are sizes, as in PyTorch: `Tensor(2, 3)` is `dl.empty(2, 3)`.
        requires_grad: whether gradients with respect to this tensor are wanted.

    >>> import dlframe as dl
    >>> x = dl.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> (x @ x).sum().backward()
    >>> x.grad
    tensor([[ 7., 11.],
            [ 9., 13.]])
    """

    __slots__ = ()

    def __init__(self, array: Any = (), requires_grad: bool = False, *sizes: int):
        if isinstance(array, TensorBase):
            array = array.array
        elif type(array) is int:
            more = (requires_grad, *sizes) if type(requires_grad) is int else sizes
            array, requires_grad = np.empty((array, *more), get_default_dtype()), False
        elif isinstance(array, Size):
            array = np.empty(array, get_default_dtype())
        elif not isinstance(array, np.ndarray):
            listed = isinstance(array, (list, tuple))  # Tensor([1, 2]) is of floats, as PyTorch's
            array = np.asarray(array)
            if listed or array.dtype == np.float64:
                array = array.astype(get_default_dtype())
        canonical = as_dtype(array.dtype)
        if array.dtype is not canonical:
            array = array.astype(canonical)
        self.array = array
        self.node = self.gradient = self.view_of = self.hooks = None
        self.needs_grad = False
        if requires_grad:
            self.requires_grad_()

    # --- what it is ----------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each dimension."""
        return self.array.shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self.array.dtype

    @property
    def device(self) -> device:
        """Always `device("cpu")`."""
        return CPU

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return not self.needs_grad or record.target_of(self) is self

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for a leaf."""
        target = record.target_of(self)
        return target if self.needs_grad and isinstance(target, Node) else None

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded, so that gradients reach it."""
        return self.needs_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and self.dtype.kind != "f":
            raise DTypeError(
                "only Tensors of floating point dtype can require gradients, this one is "
                f"{self.dtype}; convert it with .float()"
            )
        if not value and not self.is_leaf:
            raise GradientError(
                "you can only change requires_grad flags of leaf variables; use .detach() for a "
                "result without history"
            )
        self.needs_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad`, and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def _version(self) -> int:
        return record.version_of(self.array)

    @property
    def _base(self) -> TensorBase | None:
        return None if self.view_of is None else self.view_of.base

    # --- out to Python and NumPy ---------------------------------------------------------------

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

    def numpy(self, *, force: bool = False) -> Array:
        """The values as an ndarray that shares memory.

        Raises:
            GradientError: the tensor requires grad (unless `force`): use `.detach().numpy()`.
        """
        if self.needs_grad and not force:
            raise GradientError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.needs_grad:
            raise GradientError(
                "a Tensor that requires grad does not turn into an array by itself, since its "
                "graph would be lost without a word. Use tensor.detach().numpy(), or a dlframe "
                "function in place of NumPy's."
            )
        return quietly(np.array, self.array, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _numpy_api().call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _numpy_api().call_function(func, args, kwargs)

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self.needs_grad:
            raise GradientError("Can't export tensors that require gradient, use tensor.detach()")
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError(
                "only integer tensors of a single element can be converted to an index; this one "
                f"has dtype {self.array.dtype} and shape {list(self.array.shape)}"
            )
        return int(self.array.item())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            what = "more than one value" if self.array.size else "no values"
            raise ShapeError(
                f"boolean value of Tensor with {what} is ambiguous; use .any() or .all()"
            )
        return bool(self.array.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(F.unbind(self))

    def __reversed__(self) -> Tensor:
        return F.flip(self, (0,)) if self.array.ndim else self

    def __contains__(self, value: Any) -> bool:
        if not is_numeric(value):
            raise DTypeError(
                "Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
                f"{type(value).__name__}"
            )
        return bool((self.array == to_array(value)).any())

    def __repr__(self) -> str:
        return tensor_text(self)

    def __dir__(self) -> list[str]:
        return without_elsewhere(super().__dir__(), self)

    def _repr_html_(self) -> str:
        return tensor_html(self)

    def __format__(self, spec: str) -> str:
        # as in PyTorch, f"{loss}" is the number alone; a Parameter prints in full
        if self.array.ndim == 0 and type(self) is Tensor:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise GradientError(
                "Only leaf tensors can be pickled or copied by copy.copy, as matplotlib does; use "
                ".detach() for a result without history"
            )
        return _rebuild, (type(self), self.array, self.needs_grad, self.__dict__)

    def __getstate__(self) -> NoReturn:
        raise TypeError("tensors are pickled through __reduce_ex__")

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise GradientError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol at the moment; use .detach() or .clone()"
            )
        copied: Tensor = _rebuild(type(self), _copied(self, memo), self.needs_grad, {})
        memo[id(self)] = copied  # before the attributes, which may lead back here
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        if self.grad is not None:
            copied.grad = copy.deepcopy(self.grad.detach(), memo)
        return copied

    # --- the graph -----------------------------------------------------------------------------

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient to the `.grad` of the leaves; see `dlframe.autograd.backward`."""
        _backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def explain(
        self, *, depth: int | None = None, max_steps: int = 100, max_elements: int = 24
    ) -> Explanation:
        """The graph behind this value, with formulas, values and gradients.

        See `dlframe.viz.explain.explain`.
        """
        from dlframe.viz.explain import explain  # on first use: few programs ask

        return explain(self, depth=depth, max_steps=max_steps, max_elements=max_elements)

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
        if not isinstance(value, TensorBase):
            raise DTypeError(
                f"data has to be a tensor, but got {type(value).__name__}; use dl.from_numpy(array)"
            )
        if self.needs_grad and value.array.dtype.kind != "f":
            raise DTypeError(
                "data set to a tensor that requires gradients must be floating point, got "
                f"{value.array.dtype}"
            )
        self.array = value.array

    @property
    def retains_grad(self) -> bool:
        """Whether this is a result that keeps its gradient, see `retain_grad`."""
        return self.hooks is not None and not self.is_leaf

    def retain_grad(self) -> None:
        """Let this result keep its gradient in `.grad`, as leaves do."""
        if not self.needs_grad:
            raise GradientError("can't retain_grad on Tensor that has requires_grad=False")
        if self.is_leaf or self.hooks is not None:
            return
        ref = weakref.ref(self)

        def keep(g: Any) -> None:
            tensor = ref()
            if tensor is not None:
                tensor.gradient = g.clone() if tensor.grad is None else tensor.grad + g

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

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook` with this leaf whenever backward has added to its `.grad`.

        >>> import dlframe as dl
        >>> x = dl.ones(2, requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(lambda t: print(t.grad))
        >>> (2 * x).sum().backward()
        tensor([2., 2.])
        """
        if not self.needs_grad:
            raise GradientError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            raise GradientError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        if self.hooks is None:
            self.hooks = {}
        return add_hook(self.hooks, PostHook(hook))


@functools.cache
def _numpy_api() -> Any:
    from dlframe.ops import numpy_api  # on first use: many programs call no function of NumPy's

    return numpy_api


def _copied(x: Tensor, memo: dict[int, Any]) -> Array:
    """The array of `x` copied, in memory shared with the copies of its base and other views."""
    array, owner = x.array, record.owner_of(x.array)
    lone = owner is array or (x.view_of is None and id(owner) not in memo) or not array.size
    if lone or not is_dense(owner):
        return copy.deepcopy(array, memo)
    flat = copy.deepcopy(owner, memo).ravel(order="K")  # a view: the copy has no gaps either
    start = address(array) - address(owner)
    return np.ndarray(array.shape, array.dtype, flat, start, array.strides)


def _rebuild(cls: Any, array: Array, requires_grad: bool, attributes: dict[str, Any]) -> Any:
    x = object.__new__(cls)
    Tensor.__init__(x, array, requires_grad)
    x.__dict__.update(attributes)
    return x


bind_tensor(Tensor)
