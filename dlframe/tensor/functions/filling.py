"""One value in the shape of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.errors import ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.op import cast
from dlframe.ops.record import TensorBase, to_array

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["fill"]


def fill(input: Tensor, value: float | Tensor) -> Tensor:
    """A tensor like `input` with one value everywhere: a number, or a 0-d tensor with a gradient.

    >>> dl.fill(dl.zeros(2), 7)
    tensor([7., 7.])
    """
    source: Any = value if isinstance(value, TensorBase) else wrap(to_array(value))
    if source.array.ndim:
        raise ShapeError(
            "fill only supports 0-dimension value tensor but got tensor with "
            f"{source.array.ndim} dimensions."
        )
    source = source if source.dtype == input.dtype else cast(source, dtype=input.dtype)
    out: Any = ops.replace_at(input.detach(), source, index=...)
    return out
