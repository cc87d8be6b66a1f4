"""What arguments may look like: dims from either end, sizes as tuples or not, NumPy's names."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from dlframe import ops
from dlframe.dtypes import as_dtype
from dlframe.errors import ArgumentError, DimensionError, DTypeError, GradientError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase, grad_mode

Shape = tuple[int, ...]
Dims = int | Sequence[int] | None
F = TypeVar("F", bound=Callable[..., Any])


def numpy_names(function: F) -> F:
    """Let `function` take `axis` and `keepdims` for `dim` and `keepdim`, as in PyTorch."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            if "axis" in kwargs:
                kwargs["dim"] = kwargs.pop("axis")
            if "keepdims" in kwargs:
                kwargs["keepdim"] = kwargs.pop("keepdims")
        try:
            return function(*args, **kwargs)
        except AttributeError:  # a list has no shape: found when it is too late, at no cost before
            if args or "input" in kwargs:
                _check_first(function.__name__, args[0] if args else kwargs["input"])
            raise

    return call  # type: ignore[return-value] # the same signature, kept by wraps


def _check_first(name: str, input: Any) -> None:
    """Raise TypeError if the first argument is no tensor, or a list with something else in it."""
    where = "argument 'input' (position 1) must be Tensor, not"
    if isinstance(input, (list, tuple)) and name in ("cat", "stack"):
        i = next((i for i, x in enumerate(input) if not isinstance(x, TensorBase)), 0)
        where, input = f"expected Tensor as element {i} in argument 0, but got", input[i]
    if not isinstance(input, TensorBase):
        raise TypeError(
            f"{name}(): {where} {type(input).__name__}; dl.tensor() makes a tensor of it"
        ) from None


def checked_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front; a 0-d tensor counts as having one dimension.

    Raises:
        DimensionError: outside the range.
    """
    n = ndim or 1
    if not -n <= dim < n:
        raise DimensionError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim}): "
            f"the tensor has {ndim} dimension{'' if ndim == 1 else 's'}, and the last is -1"
        )
    return operator.index(dim) % n


def checked_dims(dims: Iterable[int], ndim: int) -> tuple[int, ...]:
    """Several dims, each named once."""
    n = ndim or 1
    index = operator.index
    found = tuple([index(dim) % n if -n <= dim < n else checked_dim(dim, ndim) for dim in dims])
    if len(set(found)) != len(found):
        twice = next(dim for dim in found if found.count(dim) > 1)
        raise ArgumentError(f"dim {twice} appears multiple times in the list of dims {found}")
    return found


def axis_of(dim: Dims, ndim: int) -> int | tuple[int, ...] | None:
    """The `axis` of an op for a `dim`: None and () mean all dimensions."""
    if dim is None:
        return None
    if isinstance(dim, (tuple, list)):
        several = checked_dims(dim, ndim)
        return several if several and ndim else None
    found = checked_dim(operator.index(dim), ndim)  # type: ignore[arg-type] # a sequence was met above
    return found if ndim else None


def sizes(args: Any) -> Shape:
    """A shape given as `(2, 3)`, as `((2, 3),)` or as `([2, 3],)`."""
    if isinstance(args, int):
        return (args,)
    if len(args) == 1 and not hasattr(args[0], "__index__"):
        args = args[0]
    try:
        return tuple(map(operator.index, args))
    except TypeError:
        raise TypeError(f"sizes must be integers, got {args!r}") from None


def shape_of(size: Any) -> Shape:
    """The sizes, of which none is negative."""
    shape = sizes(size)
    if any(n < 0 for n in shape):
        raise ArgumentError(f"Trying to create tensor with negative dimension: {list(shape)}")
    return shape


def size_by_name(function: F) -> F:
    """Let a function of `*size` take `size=` too, as PyTorch's does."""

    @functools.wraps(function)
    def call(*size: Any, **kwargs: Any) -> Any:
        if "size" in kwargs:
            size = (*size, kwargs.pop("size"))
        if not size:
            raise TypeError(f"{function.__name__}: the size is missing; () is that of a number")
        return function(*size, **kwargs)

    return call  # type: ignore[return-value] # the same signature, kept by wraps


def to_dtype(input: Any, dtype: Any) -> Any:
    """`input` in another dtype; floats keep their history, integers have none."""
    if dtype is None or (target := as_dtype(dtype)) == input.dtype:
        return input
    return ops.cast(input if target.kind == "f" else wrap(input.array), dtype=target)


def kept_in(input: Any, dtype: Any) -> Any:
    """`to_dtype`, but a graph is not lost to integers without a word.

    Raises:
        GradientError: integers of a tensor that requires grad.
    """
    if dtype is not None and input.needs_grad and as_dtype(dtype).kind != "f" and grad_mode.get():
        raise GradientError(
            f"Autograd not support dtype: {as_dtype(dtype)} has no gradient; "
            "use .detach() first, or a dtype of floats"
        )
    return to_dtype(input, dtype)


def require_floats(name: str, input: Any) -> None:
    """Raise unless the elements are floats."""
    if input.array.dtype.kind != "f":
        raise DTypeError(
            f"{name}(): could not infer output dtype. Input dtype must be a floating point dtype, "
            "got "
            f"{input.dtype}; convert with .float(), or pass dtype="
        )
