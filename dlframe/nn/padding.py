"""Layers that pad: with a constant, or with the input continued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from dlframe.errors import ShapeError
from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]

Sizes = int | tuple[int, ...]


class _Padding(Module):
    """A layer that pads by its mode; the classes below say over how many dimensions."""

    _nd: ClassVar[int]  # the number of spatial dimensions
    _mode: ClassVar[str]

    def __init__(self, padding: Sizes) -> None:
        super().__init__()
        self.padding = _both_sides(padding, self._nd)

    def forward(self, input: Tensor) -> Tensor:
        """The padded input."""
        nd, name = self._nd, type(self).__name__
        if input.ndim not in (nd + 1, nd + 2):
            raise ShapeError(
                f"{name}: expected {nd + 1}D or {nd + 2}D input (got {input.ndim}D input of shape "
                f"{list(input.shape)})"
            )
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


def _both_sides(padding: Any, nd: int) -> tuple[int, ...]:
    """One number for all sides, or those given."""
    return tuple(padding) if isinstance(padding, Sequence) else (padding,) * (2 * nd)


# --- constants ---------------------------------------------------------------------------------


class _ConstantPadding(Module):
    """A layer that pads with one value, an input of any number of dimensions."""

    _nd: ClassVar[int]

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__()
        self.padding = _both_sides(padding, self._nd)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The padded input."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The padding and its value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadding):
    """Add steps of one value around a sequence.

    Args:
        padding: (left, right), or one number for all; a negative one cuts off.
        value: what is added.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ConstantPad1d((2, 1), 3.5)(dl.zeros(1, 2))
    tensor([[3.5000, 3.5000, 0.0000, 0.0000, 3.5000]])
    """

    _nd = 1


class ConstantPad2d(_ConstantPadding):
    """Add rows and columns of one value around an image.

    Args:
        padding: (left, right, top, bottom), or one number for all; a negative one cuts off.
        value: what is added.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ConstantPad2d((1, 0, 0, 1), 9.0)(dl.zeros(1, 2, 2))
    tensor([[[9., 0., 0.],
             [9., 0., 0.],
             [9., 9., 9.]]])
    """

    _nd = 2


class ConstantPad3d(_ConstantPadding):
    """Add elements of one value around a volume.

    Args:
        padding: (left, right, top, bottom, front, back), or one number for all; a negative one
            cuts off.
        value: what is added.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ConstantPad3d((3, 3, 6, 6, 0, 1), 3.5)(dl.randn(4, 3, 10, 5, 8)).shape
    (4, 3, 11, 17, 14)
    """

    _nd = 3


class _ZeroPadding(_ConstantPadding):
    """The same with 0."""

    def __init__(self, padding: Sizes) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class ZeroPad1d(_ZeroPadding):
    """Add zeros around a sequence.

    Args:
        padding: (left, right), or one number for all; a negative one cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ZeroPad1d((1, 2))(dl.ones(1, 2))
    tensor([[0., 1., 1., 0., 0.]])
    """

    _nd = 1


class ZeroPad2d(_ZeroPadding):
    """Add zeros around an image.

    Args:
        padding: (left, right, top, bottom), or one number for all; a negative one cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ZeroPad2d((1, 1, 2, 0))(dl.ones(1, 1, 2))
    tensor([[[0., 0., 0., 0.],
             [0., 0., 0., 0.],
             [0., 1., 1., 0.]]])
    """

    _nd = 2


class ZeroPad3d(_ZeroPadding):
    """Add zeros around a volume.

    Args:
        padding: (left, right, top, bottom, front, back), or one number for all; a negative one
            cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ZeroPad3d(3)(dl.randn(2, 3, 4, 5, 6)).shape
    (2, 3, 10, 11, 12)
    """

    _nd = 3


# --- the input continued -----------------------------------------------------------------------


class ReflectionPad1d(_Padding):
    """Continue a sequence by its mirror image: … 2 1 | 0 1 2 3 | 2 1 …

    Less than the size of each dimension may be added: the edge itself is not repeated.

    Args:
        padding: (left, right), or one number for all; a negative one cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ReflectionPad1d(2)(dl.arange(4.0)[None])
    tensor([[2., 1., 0., 1., 2., 3., 2., 1.]])
    """

    _nd = 1
    _mode = "reflect"


class ReflectionPad2d(_Padding):
    """Continue an image by its mirror image: … 2 1 | 0 1 2 3 | 2 1 …

    Less than the size of each dimension may be added: the edge itself is not repeated.

    Args:
        padding: (left, right, top, bottom), or one number for all; a negative one cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ReflectionPad2d((1, 1, 2, 0))(dl.randn(1, 2, 3, 3)).shape
    (1, 2, 5, 5)
    """

    _nd = 2
    _mode = "reflect"


class ReflectionPad3d(_Padding):
    """Continue a volume by its mirror image: … 2 1 | 0 1 2 3 | 2 1 …

    Less than the size of each dimension may be added: the edge itself is not repeated.

    Args:
        padding: (left, right, top, bottom, front, back), or one number for all; a negative one
            cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ReflectionPad3d(1)(dl.randn(1, 2, 3, 3, 3)).shape
    (1, 2, 5, 5, 5)
    """

    _nd = 3
    _mode = "reflect"


class ReplicationPad1d(_Padding):
    """Continue a sequence by its edge: … 0 0 | 0 1 2 3 | 3 3 …

    Any number may be added.

    Args:
        padding: (left, right), or one number for all; a negative one cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ReplicationPad1d(2)(dl.arange(4.0)[None])
    tensor([[0., 0., 0., 1., 2., 3., 3., 3.]])
    """

    _nd = 1
    _mode = "replicate"


class ReplicationPad2d(_Padding):
    """Continue an image by its edge: … 0 0 | 0 1 2 3 | 3 3 …

    Any number may be added.

    Args:
        padding: (left, right, top, bottom), or one number for all; a negative one cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ReplicationPad2d((1, 1, 2, 0))(dl.randn(1, 2, 3, 3)).shape
    (1, 2, 5, 5)
    """

    _nd = 2
    _mode = "replicate"


class ReplicationPad3d(_Padding):
    """Continue a volume by its edge: … 0 0 | 0 1 2 3 | 3 3 …

    Any number may be added.

    Args:
        padding: (left, right, top, bottom, front, back), or one number for all; a negative one
            cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ReplicationPad3d(1)(dl.randn(1, 2, 3, 3, 3)).shape
    (1, 2, 5, 5, 5)
    """

    _nd = 3
    _mode = "replicate"


class CircularPad1d(_Padding):
    """Continue a sequence as a ring: … 2 3 | 0 1 2 3 | 0 1 …

    At most the size of each dimension may be added. For what has no edge: angles, days, the globe.

    Args:
        padding: (left, right), or one number for all; a negative one cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.CircularPad1d(2)(dl.arange(4.0)[None])
    tensor([[2., 3., 0., 1., 2., 3., 0., 1.]])
    """

    _nd = 1
    _mode = "circular"


class CircularPad2d(_Padding):
    """Continue an image as a ring: … 2 3 | 0 1 2 3 | 0 1 …

    At most the size of each dimension may be added. For what has no edge: angles, days, the globe.

    Args:
        padding: (left, right, top, bottom), or one number for all; a negative one cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.CircularPad2d((1, 1, 2, 0))(dl.randn(1, 2, 3, 3)).shape
    (1, 2, 5, 5)
    """

    _nd = 2
    _mode = "circular"


class CircularPad3d(_Padding):
    """Continue a volume as a ring: … 2 3 | 0 1 2 3 | 0 1 …

    At most the size of each dimension may be added. For what has no edge: angles, days, the globe.

    Args:
        padding: (left, right, top, bottom, front, back), or one number for all; a negative one
            cuts off.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.CircularPad3d(1)(dl.randn(1, 2, 3, 3, 3)).shape
    (1, 2, 5, 5, 5)
    """

    _nd = 3
    _mode = "circular"
