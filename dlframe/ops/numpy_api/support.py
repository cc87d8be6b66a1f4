"""What the rules for NumPy's functions share: their table, and handling of arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np

from dlframe import ops
from dlframe.base import nests
from dlframe.dtypes import as_dtype, get_default_dtype
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase, grad_mode

F = TypeVar("F", bound=Callable[..., Any])


class Rule(NamedTuple):
    """A differentiable function, and which of NumPy's arguments it takes."""

    function: Callable[..., Any]
    by_position: float  # how many
    names: frozenset[str] | None  # None: any

    def takes(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether the rule knows what to do with these arguments."""
        return len(args) <= self.by_position and (
            self.names is None or self.names.issuperset(kwargs)
        )


RULES: dict[str, Rule] = {}
"""NumPy's name (`"sum"`, `"linalg.norm"`) -> how tensors do it."""


def rule_for(*names: str) -> Callable[[F], F]:
    """Enter a function into the table, under the names that NumPy has for it.

    It has NumPy's parameters in NumPy's order, but for those that it does not support.
    """

    def enter(function: F) -> F:
        code = function.__code__
        limit = float("inf") if code.co_flags & 0x04 else code.co_argcount  # 0x04: it has *args
        count = code.co_argcount + code.co_kwonlyargcount
        known = (
            None if code.co_flags & 0x08 else frozenset(code.co_varnames[:count])
        )  # 0x08: **kwargs
        for name in names:
            RULES[name] = Rule(function, limit, known)
        return function

    return enter


# --- arguments ---------------------------------------------------------------------------------


def tensors_in(value: Any) -> Iterator[TensorBase]:
    """The tensors in a nest of lists, tuples and dicts."""
    return (x for x in nests.leaves(value) if isinstance(x, TensorBase))


def recorded(value: Any) -> bool:
    """Whether an operation on the tensors in `value` would be recorded."""
    return grad_mode.get() and any(t.needs_grad for t in tensors_in(value))


def values_of(value: Any) -> Any:
    """The same nest with arrays instead of tensors; they are read-only."""
    return nests.map_leaves(_read_only, value)


def _read_only(x: Any) -> Any:
    if not isinstance(x, TensorBase):
        return x
    array = x.array.view()
    array.flags.writeable = False
    return array


def as_tensors(out: Any) -> Any:
    """NumPy's result with tensors instead of arrays, where tensors have such a dtype."""
    return nests.map_leaves(_as_tensor, out)


def _as_tensor(x: Any) -> Any:
    known = isinstance(x, np.ndarray) and x.dtype.kind in "biuf"
    return wrap(np.asarray(x)) if known else x


def array_like(x: Any, like: Any = None) -> Any:
    """A tensor or an array.

    Lists and Python numbers become arrays. Floats among them are of the default dtype, or they
    take, as all numbers do that fit, the dtype of `like`.
    """
    if isinstance(x, (TensorBase, np.ndarray, np.generic)):
        return np.asarray(x) if isinstance(x, np.generic) else x
    array = np.asarray(x)
    if like is not None and like.dtype.kind in ("f", array.dtype.kind):
        return array.astype(like.dtype)
    return array.astype(get_default_dtype()) if array.dtype.kind == "f" else array


def array_likes(xs: Any) -> list[Any]:
    """`array_like` of each; lists get the dtype of the first tensor."""
    like = next(tensors_in(list(xs)), None)
    return [array_like(x, None if like is None else like.array) for x in xs]


def operands(*xs: Any) -> list[Any]:
    """The same, but Python numbers stay Python numbers, so they do not change a result's dtype."""
    arrays = array_likes(xs)
    return [x if _is_number(x) else array for x, array in zip(xs, arrays)]


def _is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float)) and not isinstance(x, np.generic)


def in_dtype(x: Any, dtype: Any = None) -> Any:
    """A tensor or an array in `dtype`, if one is given: `array_like`, cast."""
    x = array_like(x)
    if dtype is None or x.dtype == as_dtype(dtype):
        return x
    return ops.cast(x, dtype=as_dtype(dtype))


def floating(x: Any, dtype: Any = None) -> Any:
    """`x` cast to `dtype`; without one, bools and integers become the default dtype."""
    x = in_dtype(x, dtype)
    return x if x.dtype.kind == "f" else ops.cast(x, dtype=get_default_dtype())
