"""What the arguments of functions may be, and the form in which they come out of the checks.

Dims count from either end, sizes are tuples or not, names are PyTorch's or NumPy's, and operands
are tensors or numbers.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from dlframe import ops
from dlframe.dtypes import (
    as_dtype,
    float32,
    float64,
    get_default_dtype,
    promote_types,
    result_type,
)
from dlframe.errors import (
    ArgumentError,
    DimensionError,
    DTypeError,
    GradientError,
    LabelError,
    ShapeError,
)
from dlframe.ops.batched import all_examples
from dlframe.ops.calling import advice_for, wrap
from dlframe.ops.record import Array, TensorBase, grad_mode

Shape = tuple[int, ...]
Dims = int | Sequence[int] | None
Number = int | float | bool
F = TypeVar("F", bound=Callable[..., Any])


# --- names -------------------------------------------------------------------------------------


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
    """Raise TypeError if the first argument is not a tensor, or a list with something else."""
    if isinstance(input, (list, tuple)) and name in ("cat", "stack"):
        i = next((i for i, x in enumerate(input) if not isinstance(x, TensorBase)), 0)
        if not isinstance(input[i], TensorBase):
            raise TypeError(
                f"{name}(): expected Tensor as element {i} in argument 0, but got "
                f"{type(input[i]).__name__}; {advice_for(input[i])}"
            ) from None
    else:
        require_tensor(name, "'input' (position 1)", input)


def also_named(**names: str) -> Callable[[F], F]:
    """Let arguments go by a second name: PyTorch documents one, and its parser takes another.

    The keywords are the names in the signature, which are those of the documentation.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for name, other in names.items():
                if other in kwargs:
                    kwargs[name] = kwargs.pop(other)
            return function(*args, **kwargs)

        return call  # type: ignore[return-value] # the same signature, kept by wraps

    return decorate


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


# --- dims and sizes ----------------------------------------------------------------------------


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
    """The sizes; raises if one is negative."""
    shape = sizes(size)
    if any(n < 0 for n in shape):
        raise ArgumentError(f"Trying to create tensor with negative dimension: {list(shape)}")
    return shape


# --- tensors and dtypes ------------------------------------------------------------------------


def require_tensor(name: str, argument: str, value: Any) -> None:
    """Raise unless `value` is a tensor."""
    if not isinstance(value, TensorBase):
        raise TypeError(
            f"{name}(): argument {argument} must be Tensor, not {type(value).__name__}; "
            f"{advice_for(value)}"
        ) from None


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


def require_floats(name: str, x: Any) -> None:
    """Raise unless the elements are floats; PyTorch has no kernels for others either."""
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: not implemented for {x.dtype}; convert with .float()")


def require_floats_or_dtype(name: str, x: Any) -> None:
    """Raise unless the elements are floats, for functions that take `dtype=` to make them so."""
    if x.array.dtype.kind != "f":
        raise DTypeError(
            f"{name}(): could not infer output dtype. Input dtype must be a floating point dtype, "
            f"got {x.dtype}; convert with .float(), or pass dtype="
        )


def require_floating(name: str, x: Any, *, wide: bool = False) -> None:
    """Raise unless `x` is a tensor of floats; `wide`: of those that LAPACK computes with."""
    _require_tensors(name, x)
    if x.array.dtype.kind != "f":
        raise DTypeError(
            f"{name}: Expected a floating point tensor as input. Got {x.array.dtype}; convert it "
            "with .float()"
        )
    if wide and x.array.dtype not in (float32, float64):
        raise DTypeError(
            f"{name}: Low precision dtypes not supported. Got {x.array.dtype}; convert it with "
            ".float()"
        )


def require_same_dtype(name: str, *tensors: Any) -> None:
    """Raise unless all are tensors of one dtype."""
    _require_tensors(name, *tensors)
    dtypes = [x.array.dtype for x in tensors]
    if dtypes.count(dtypes[0]) != len(dtypes):
        raise DTypeError(
            f"{name}: expected all tensors to have the same dtype, but got "
            f"{' and '.join(map(str, dtypes))}; convert with .to(dtype)"
        )


def _require_tensors(name: str, *values: Any) -> None:
    for i, x in enumerate(values, start=1):
        require_tensor(name, "'input' (position 1)" if i == 1 else f"at position {i}", x)


def widened(name: str, x: Any, dtype: Any) -> Any:
    """`x` in the float dtype in which a norm is asked for, which must not be narrower."""
    if dtype is None:
        return x
    wanted = as_dtype(dtype)
    if wanted.kind != "f":
        raise DTypeError(f"{name}: dtype should be floating point, but got {wanted}")
    if promote_types(x.dtype, wanted) != wanted:
        raise DTypeError(
            f"{name}: the dtype of the input ({x.dtype}) should be convertible without narrowing "
            f"to the specified dtype ({wanted})"
        )
    return to_dtype(x, wanted)


def doubled(x: Any) -> Any:
    """A tensor in float64; numbers are that already."""
    if isinstance(x, (int, float)) or x.dtype == float64:
        return x
    return ops.cast(x, dtype=float64) if x.dtype.kind == "f" else wrap(x.array.astype(float64))


def floats_of(x: Any) -> Any:
    """Integers and bools as the default float dtype."""
    return x if x.dtype.kind == "f" else wrap(x.array.astype(get_default_dtype()))


# --- operands ----------------------------------------------------------------------------------


def checked(name: str, out: Any, input: Any, other: Any) -> Any:
    """`out`, what an operation made of two operands, if it could make anything of them.

    Raises:
        TypeError: an operand is neither a tensor nor a number.
    """
    if isinstance(out, TensorBase):
        return out
    if out is NotImplemented:
        raise no_operand(name, other if isinstance(input, (TensorBase, int, float)) else input)
    dtype = get_default_dtype() if out.dtype.kind == "f" else out.dtype
    return wrap(np.asarray(out, dtype))  # of two numbers


def tensor_of(x: Any) -> Any:
    """A number as a 0-d tensor of the dtype that PyTorch gives it."""
    return x if isinstance(x, TensorBase) else wrap(np.asarray(x, result_type(x)))


def pair_of(name: str, input: Any, other: Any) -> tuple[Any, Any]:
    """Both as tensors, for the functions of floats where one of them may be a number.

    Raises:
        TypeError: both are numbers, or one is something else.
    """
    for x in (input, other):
        if not isinstance(x, (TensorBase, int, float)):
            raise no_operand(name, x)
    if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
        raise TypeError(f"{name}(): one of the two arguments must be a tensor")
    dtype = result_type(input, other)  # a number counts less than a tensor without dimensions
    if dtype.kind != "f":
        dtype = get_default_dtype()
    pair = [x if isinstance(x, TensorBase) else wrap(np.asarray(x, dtype)) for x in (input, other)]
    return pair[0], pair[1]


def no_operand(name: str, x: object) -> TypeError:
    """The error for an operand that is neither a tensor nor a number."""
    return TypeError(
        f"{name}(): operands must be tensors or numbers, not {type(x).__name__}; "
        "make a tensor with dl.tensor(...)"
    )


def scaled_into(ufunc: np.ufunc) -> Any:
    """`ufunc` into given memory, with a factor `alpha` for its second operand."""

    def into(x: Any, other: Any, *, alpha: Any = 1.0, out: Any) -> Any:
        return ufunc(x, other if alpha == 1.0 else other * alpha, out=out)

    return into


def scaled(name: str, input: Any, other: Any, alpha: Any, argument: str = "alpha") -> Any:
    """alpha · other, for the functions that take such a factor as their `argument`.

    Raises:
        DTypeError: that would make floats of integers.
    """
    if alpha == 1:
        return other
    dtype = result_type(input, other)
    if dtype.kind == "b" and isinstance(alpha, int):
        alpha = bool(alpha)  # bools stay bools
    if isinstance(alpha, float) and dtype.kind != "f":
        raise DTypeError(
            f"{name}: For integral input tensors, argument {argument} must not be a floating "
            f"point number; got {alpha}"
        )
    return ops.multiply(to_dtype(tensor_of(other), dtype), alpha)


# --- matrices ----------------------------------------------------------------------------------


def require_matrices(name: str, A: Any, *, square: bool = True) -> None:
    """Raise unless `A` is a matrix, or a batch of them, of float32 or float64."""
    require_floating(name, A, wide=True)
    shape = A.array.shape
    if len(shape) < 2:
        raise ShapeError(
            f"{name}: The input tensor A must have at least 2 dimensions. Got shape {list(shape)}"
        )
    if square and shape[-1] != shape[-2]:
        raise ShapeError(
            f"{name}: A must be batches of square matrices, but they are {shape[-2]} by "
            f"{shape[-1]} matrices"
        )


def require_factors(name: str, *operands: tuple[Any, int, str]) -> None:
    """Raise unless all have the right number of dimensions, and one dtype."""
    require_dimensions(name, *operands)
    require_same_dtype(name, *(x for x, _, _ in operands))


def require_dimensions(name: str, *operands: tuple[Any, int, str]) -> None:
    """Raise unless all have the number of dimensions that is given beside them, with its name."""
    for x, ndim, what in operands:
        if x.array.ndim != ndim:
            raise ShapeError(
                f"{name}: expected a {what} ({ndim}D), got shape {list(x.shape)}; matmul() and "
                "einsum() take any number of dimensions"
            )


def require_system(name: str, A: Any, B: Any, *, left: bool = True) -> None:
    """Raise unless A X = B, or X A = B, makes sense for matrices B."""
    require_same_dtype(name, A, B)
    if B.ndim < 2:
        raise ShapeError(
            f"{name}: The input tensor B must have at least 2 dimensions. Got shape "
            f"{list(B.shape)}; a vector is b.unsqueeze(-1)"
        )
    if A.shape[-1] != B.shape[-2 if left else -1]:
        equation = "AX = B" if left else "XA = B"
        raise ShapeError(
            f"{name}: Incompatible shapes of A and B for the equation {equation} "
            f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]}); got "
            f"A{list(A.shape)} and B{list(B.shape)}"
        )
    require_to_broadcast(name, A.shape[:-2], B.shape[:-2])


def require_to_broadcast(name: str, a: Shape, b: Shape) -> Shape:
    """The shape that two shapes broadcast to."""
    try:
        return np.broadcast_shapes(tuple(a), tuple(b))
    except ValueError:
        raise ShapeError(
            f"{name}: shapes {list(a)} and {list(b)} do not broadcast: sizes must be equal or 1, "
            "counted from the last dimension"
        ) from None


def is_vector(A: Any, B: Any) -> bool:
    """Whether the B of A X = B is a vector for each matrix of A, as PyTorch decides."""
    return bool(B.ndim == 1 or (A.ndim - 1 == B.ndim and tuple(B.shape) == tuple(A.shape[:-1])))


def tolerance(name: str, x: Any) -> Any:
    """A tolerance as a number or an array; its own gradient is not defined."""
    if isinstance(x, TensorBase):
        return x.array
    if x is None or isinstance(x, (int, float)):
        return x
    raise ArgumentError(f"{name}: a tolerance is a number or a tensor, got {x!r}")


# --- labels and indices ------------------------------------------------------------------------


def check_range(
    name: str, what: str, values: Array, count: int, where: str, ignore: int | None = None
) -> None:
    """Raise a LabelError that names the first value outside 0 … count - 1 and its place."""
    values = all_examples(values)
    if not values.size or (values.min() >= 0 and values.max() < count):
        return
    wrong = (values < 0) | (values >= count)
    if ignore is not None:
        wrong &= values != ignore
    places = np.argwhere(wrong)
    if len(places):
        at = tuple(int(i) for i in places[0])
        from_1 = bool((values[wrong] == count).all()) and not (values == 0).any()
        raise LabelError(
            f"{name}: {what} {values[at]} is out of bounds: {where.format(count)}, so values lie "
            f"in 0 … {count - 1}; found at index {list(at)} ({len(places)} such in all)"
            + (f"; if they count from 1 to {count}, subtract 1" if from_1 else "")
        )
