"""Parameter and Buffer: the two kinds of tensor that belong to a module, with a size or without."""

from __future__ import annotations

import copy
import math
import sys
from typing import Any, ClassVar

import numpy as np

from dlframe.dtypes import get_default_dtype
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.record import TensorBase
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.devices import check_device

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter"]


def _checked_array(data: Tensor | np.ndarray | None, kind: str) -> np.ndarray:
    """The array of `data`, shared and not copied; without data an empty float32 array."""
    if data is None:
        return np.empty(0, dtype=np.float32)
    if isinstance(data, Tensor):
        return data.array
    if isinstance(data, np.ndarray):
        return data
    raise TypeError(
        f"{kind}: expected a Tensor or an ndarray, got {type(data).__name__}; "
        f"write nn.{kind}(dl.tensor(...))"
    )


class Parameter(Tensor):
    """A tensor that is trained. Assigned to an attribute of a module, it is in `parameters()`.

    It shares memory with `data` and is a leaf, as in PyTorch.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Parameter(dl.tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    def __init__(self, data: Tensor | np.ndarray | None = None, requires_grad: bool = True) -> None:
        array = _checked_array(data, "Parameter")
        if requires_grad and array.dtype.kind != "f":
            raise DTypeError(
                f"Parameter: only floating-point tensors have gradients, got {array.dtype}; "
                "use requires_grad=False, or keep it with register_buffer"
            )
        super().__init__(array, requires_grad)

    def accumulate_grad(self, gradient: Tensor | np.ndarray) -> None:
        """Add `gradient`, of the parameter's own shape, to `grad`: for a hand-written backward.

        Raises ShapeError for any other shape: a gradient is never broadcast.

        >>> import numpy as np
        >>> weight = Parameter(np.zeros(2, dtype=np.float32))
        >>> weight.accumulate_grad(np.array([1.0, 2.0]))
        >>> weight.accumulate_grad(np.array([1.0, 2.0]))
        >>> weight.grad
        tensor([2., 4.])
        """
        array = to_array(gradient)
        if array.shape != self.array.shape:
            raise ShapeError(
                f"{_name_in_callers(self)}accumulate_grad: the gradient has shape {array.shape}, "
                f"the parameter {self.array.shape}; {advice(array.shape, self.array.shape)}"
            )
        if self.grad is None:
            # a copy, since the caller may change its array later
            self.grad = Tensor(array.astype(self.array.dtype))
        else:
            self.grad.array += array.astype(self.array.dtype, copy=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        # neither gradient nor attributes, as in PyTorch: a copied model begins without gradients
        copied = object.__new__(type(self))
        Tensor.__init__(copied, copy.deepcopy(self.array), self.needs_grad)
        memo[id(self)] = copied
        return copied

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


def advice(shape: tuple[int, ...], wanted: tuple[int, ...], of: str = "parameter") -> str:
    """Advice how a gradient of `shape` can get the shape of what it is of, if that is known."""
    if shape != wanted and sorted(shape) == sorted(wanted):
        return "transpose it" if len(shape) == 2 else "its axes are in another order: transpose it"
    if len(wanted) == 1 < len(shape) and shape[-1] != wanted[0] and wanted[0] in shape:
        return f"sum over the other axes, all but axis {shape.index(wanted[0])}"
    if len(shape) >= len(wanted):
        kept = shape[len(shape) - len(wanted) :]
        if all(n in (1, m) for n, m in zip(wanted, kept, strict=True)):
            return "sum over the axes that were broadcast, such as the batch"
    if len(shape) < len(wanted) or 1 in shape:
        kept = wanted[len(wanted) - len(shape) :]
        if all(n in (1, m) for n, m in zip(shape, kept, strict=True)):
            return f"each element of the {of} has a derivative of its own: do not sum or average"
    if math.prod(shape) == math.prod(wanted):
        return "reshape it"
    return f"each element of the {of} needs one derivative"


def _name_in_callers(parameter: Any) -> str:
    """The prefix "Linear.weight." for a parameter of the module whose method called."""
    frame = sys._getframe(2)
    owner: Any = frame.f_locals.get("self")
    for name, value in getattr(owner, "__dict__", {}).items():
        if value is parameter:
            return f"{type(owner).__name__}.{name}."
    return ""


def new_parameter(shape: tuple[int, ...], dtype: Any = None, device: Any = None) -> Parameter:
    """An uninitialized parameter of that shape, by default in the default dtype."""
    check_device(device)
    if not all(hasattr(n, "__index__") for n in shape):
        raise TypeError(
            f"a layer's sizes must be integers, and they would make a parameter of {list(shape)}; "
            "a / b is a float, a // b an integer"
        )
    return Parameter(np.empty(shape, dtype=get_default_dtype() if dtype is None else dtype))


class Buffer(Tensor):
    """A tensor that a module saves but does not train, such as a running mean or a mask.

    `self.mean = nn.Buffer(t)` does the same as `self.register_buffer("mean", t)`.
    With `persistent=False` it is not in the `state_dict`.

    >>> module = nn.Module()
    >>> module.mean = nn.Buffer(dl.zeros(2))
    >>> list(module.state_dict()), list(module.parameters())
    (['mean'], [])
    """

    def __init__(self, data: Tensor | np.ndarray | None = None, *, persistent: bool = True) -> None:
        requires_grad = isinstance(data, Tensor) and data.requires_grad
        super().__init__(_checked_array(data, "Buffer"), requires_grad)
        self.persistent = persistent


# --- without a size ----------------------------------------------------------------------------

_memory: Any = TensorBase.__dict__["array"]  # the slot that `array` hides below


class UninitializedTensorMixin(Tensor):
    """A tensor whose size is not known yet. It has a dtype, and whether it will need a gradient.

    Every use of its values raises ArgumentError. `materialize` makes it an ordinary tensor, and the
    object stays the same: an optimizer that was given it before trains it afterwards.
    """

    __slots__ = ()
    cls_to_become: ClassVar[type[Tensor]]

    def _begin(self, requires_grad: bool, device: Any, dtype: Any) -> None:
        check_device(device)
        empty = np.empty(0, get_default_dtype() if dtype is None else dtype)
        Tensor.__init__(self, empty, requires_grad)

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary tensor of that shape, whose values are yet to be set."""
        check_device(device)
        _memory.__set__(self, np.empty(tuple(shape), self.dtype if dtype is None else dtype))
        self.__class__ = self.cls_to_become  # type: ignore[assignment]  # the class changes

    def cast(self, dtype: Any) -> None:
        """Change the dtype that `materialize` gives."""
        _memory.__set__(self, np.empty(0, dtype))

    @property
    def dtype(self) -> Any:
        """The type that the elements will have."""
        return _memory.__get__(self).dtype

    @property
    def array(self) -> Any:
        """There are no values yet: raises ArgumentError."""
        raise ArgumentError(
            f"{type(self).__name__}: this parameter or buffer has neither a size nor values yet. A "
            "lazy module takes its sizes from its first input: call the model once, with a batch "
            "of the usual shape, before its parameters are used"
        )

    @array.setter
    def array(self, value: Any) -> None:
        _memory.__set__(self, value)

    @property
    def shape(self) -> Any:
        """There is no shape yet: raises ArgumentError."""
        return self.array

    def is_floating_point(self) -> bool:
        """Whether the dtype is one of floats."""
        return bool(self.dtype.kind == "f")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, None, self.dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        make, arguments = self.__reduce_ex__(4)
        memo[id(self)] = copied = make(*arguments)
        return copied


def is_lazy(param: Any) -> bool:
    """Whether `param` is a parameter or buffer without a size.

    >>> is_lazy(UninitializedParameter())
    True
    """
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose size is not known yet: a lazy module has such until its first call.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.LazyLinear(2)
    >>> layer.weight
    <UninitializedParameter>
    >>> layer(dl.ones(4, 3)).shape, layer.weight.shape
    ((4, 2), (2, 3))
    """

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        self._begin(requires_grad, device, dtype)


class UninitializedBuffer(UninitializedTensorMixin, Buffer):
    """A buffer whose size is not known yet, such as the running mean of a lazy BatchNorm.

    >>> from dlframe import nn
    >>> mean = nn.UninitializedBuffer()
    >>> mean.materialize((3,))
    >>> mean.shape
    (3,)
    """

    cls_to_become = Tensor

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        self._begin(requires_grad, device, dtype)
        self.persistent = persistent
