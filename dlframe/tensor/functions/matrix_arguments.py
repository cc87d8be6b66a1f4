"""What the functions of linear algebra require of their arguments, said in one way."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from dlframe.dtypes import as_dtype, float32, float64, promote_types
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.record import TensorBase
from dlframe.tensor.functions.arguments import to_dtype

Shape = tuple[int, ...]
F = TypeVar("F", bound=Callable[..., Any])


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


def require_floating(name: str, A: Any, *, wide: bool = False) -> None:
    """Raise unless `A` is a tensor of floats; `wide`: of those that LAPACK computes with."""
    if not isinstance(A, TensorBase):
        raise TypeError(f"{name}: expected a tensor, got {type(A).__name__}")
    if A.array.dtype.kind != "f":
        raise DTypeError(
            f"{name}: Expected a floating point tensor as input. Got {A.array.dtype}; convert it "
            "with .float()"
        )
    if wide and A.array.dtype not in (float32, float64):
        raise DTypeError(
            f"{name}: Low precision dtypes not supported. Got {A.array.dtype}; convert it with "
            ".float()"
        )


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


def require_same_dtype(name: str, *tensors: Any) -> None:
    """Raise unless all are tensors of one dtype."""
    for x in tensors:
        if not isinstance(x, TensorBase):
            raise TypeError(f"{name}: expected a tensor, got {type(x).__name__}")
    dtypes = [x.array.dtype for x in tensors]
    if dtypes.count(dtypes[0]) != len(dtypes):
        raise DTypeError(
            f"{name}: expected all tensors to have the same dtype, but got "
            f"{' and '.join(map(str, dtypes))}; convert with .to(dtype)"
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


def tolerance(name: str, x: Any) -> Any:
    """A tolerance as a number or an array; its own gradient is not defined."""
    if isinstance(x, TensorBase):
        return x.array
    if x is None or isinstance(x, (int, float)):
        return x
    raise ArgumentError(f"{name}: a tolerance is a number or a tensor, got {x!r}")
