"""`Variable`, PyTorch's name for tensors with gradients before version 0.4."""

from __future__ import annotations

from typing import Any

from dlframe.tensor import Tensor

__all__ = ["Variable"]


class VariableMeta(type):
    """Lets every tensor be an instance."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=VariableMeta):
    """`Variable(x)` is a tensor with the same memory and without x's graph; a Tensor does the same.

    Args:
        data: a tensor; without one, an empty tensor.
        requires_grad: whether gradients are computed for it.
        volatile: means nothing any more; use `torch.no_grad()`.

    Raises:
        TypeError: data is no tensor.

    >>> import dlframe as dl
    >>> x = dl.autograd.Variable(dl.ones(2), requires_grad=True)
    >>> x, isinstance(x, dl.autograd.Variable), type(x) is dl.Tensor
    (tensor([1., 1.], requires_grad=True), True, True)
    """

    def __new__(  # type: ignore[misc] # a tensor, as PyTorch's does
        cls, data: Any = None, requires_grad: bool = False, volatile: bool = False
    ) -> Tensor:
        if data is None:
            found = Tensor([])
        elif isinstance(data, Tensor):
            found = data.detach()
        else:
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if requires_grad:
            found.requires_grad_()
        return found
