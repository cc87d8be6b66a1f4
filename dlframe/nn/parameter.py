"""Parameter and Buffer: the two kinds of tensor that belong to a module."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from dlframe.dtypes import get_default_dtype
from dlframe.errors import DTypeError, ShapeError
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.devices import check_device

__all__ = ["Buffer", "Parameter"]


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
                f"accumulate_grad: the gradient has shape {array.shape}, the parameter "
                f"{self.array.shape}; {_advice(array.shape, self.array.shape)}"
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


def _advice(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Advice how a gradient of `shape` can get the parameter's shape, if that can be guessed."""
    if shape == wanted[::-1]:
        return "transpose it"
    if len(shape) >= len(wanted):
        kept = shape[len(shape) - len(wanted) :]
        if all(n in (1, m) for n, m in zip(wanted, kept, strict=True)):
            return "sum over the axes that were broadcast, such as the batch"
    return "each element of the parameter needs one derivative"


def new_parameter(shape: tuple[int, ...], dtype: Any = None, device: Any = None) -> Parameter:
    """An uninitialized parameter of that shape, by default in the default dtype."""
    check_device(device)
    return Parameter(np.empty(shape, dtype=get_default_dtype() if dtype is None else dtype))


class Buffer(Tensor):
    """A tensor that a module saves but does not train, such as a running mean or a mask.

    `self.mean = nn.Buffer(t)` does the same as `self.register_buffer("mean", t)`.
    With `persistent=False` it is not in the `state_dict`.
    """

    def __init__(self, data: Tensor | np.ndarray | None = None, *, persistent: bool = True) -> None:
        requires_grad = isinstance(data, Tensor) and data.requires_grad
        super().__init__(_checked_array(data, "Buffer"), requires_grad)
        self.persistent = persistent
