"""Tensors to and from other libraries without a copy, by the DLPack protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe.tensor.creation import from_dlpack

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule from which another library makes an array, once; both share memory.

    Newer libraries take the tensor itself: `numpy.from_dlpack(tensor)`.

    Raises:
        GradientError: the tensor requires grad.

    >>> import dlframe as dl
    >>> type(dl.utils.dlpack.to_dlpack(dl.ones(2))).__name__
    'PyCapsule'
    """
    return tensor.__dlpack__()
