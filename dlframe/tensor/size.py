"""Size: a shape with PyTorch's method `numel`."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any, Self

__all__ = ["Size"]


class Size(tuple[int, ...]):
    """A shape: a tuple of sizes with a method for the number of elements.

    `x.size()` returns one. `x.shape` is a plain tuple, which costs less to make; `dl.Size(x.shape)`
    makes a Size of it.

    >>> import dlframe as dl
    >>> dl.zeros(2, 3).size()
    dlframe.Size([2, 3])
    >>> dl.Size([2, 3]).numel()
    6
    """

    __slots__ = ()
    package = "dlframe"  # as it is printed

    def __new__(cls, sizes: Iterable[int] = ()) -> Self:
        try:
            return super().__new__(cls, map(operator.index, sizes))
        except TypeError:
            raise TypeError(f"Size takes whole numbers, got {sizes!r}") from None

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return Size(found) if isinstance(found, tuple) else found

    def __add__(self, other: Any) -> Any:
        return Size(super().__add__(tuple(other)))

    def __radd__(self, other: Any) -> Any:
        if not isinstance(other, tuple):  # so that `sizes += x.size()` adds to a list
            return NotImplemented
        return Size(other + tuple(self))

    def __mul__(self, n: Any) -> Size:
        return Size(super().__mul__(n))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"{self.package}.Size({list(self)})"
