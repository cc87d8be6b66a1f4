"""Checks the arguments and results of functions to differentiate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlframe.errors import GradientError, ShapeError
from dlframe.ops.record import TensorBase

Argnums = int | tuple[int, ...]


def chosen(by: str, args: tuple[Any, ...], argnums: Any) -> Any:
    """The arguments with respect to which to differentiate: one, or a tuple of them."""
    if not isinstance(argnums, (int, tuple)):
        raise GradientError(f"{by}: argnum should be int or Tuple[int], got: {type(argnums)}")
    several = argnums if isinstance(argnums, tuple) else (argnums,)
    if not several:
        raise GradientError(f"{by}: argnums must be non-empty")
    for i in several:
        if not -len(args) <= i < len(args):
            raise GradientError(f"{by}: Got argnum={i}, but only {len(args)} positional inputs")
    if len({i % len(args) for i in several}) < len(several):
        raise GradientError(f"{by}: argnums elements must be unique, got {argnums}")
    picked = tuple(args[i] for i in several)
    return picked if isinstance(argnums, tuple) else picked[0]


def replaced(args: tuple[Any, ...], argnums: Argnums, values: Any) -> list[Any]:
    """The arguments, with `values` instead of those chosen by `argnums`."""
    new = list(args)
    several = argnums if isinstance(argnums, tuple) else (argnums,)
    for i, value in zip(several, values if isinstance(argnums, tuple) else (values,), strict=True):
        new[i] = value
    return new


def with_aux(by: str, out: Any, has_aux: bool) -> tuple[Any, Any]:
    """A function's result as the pair of output and aux."""
    if not has_aux:
        return out, None
    if not (isinstance(out, tuple) and len(out) == 2):
        raise GradientError(
            f"{by}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return out


def check_tensors(by: str, outputs: Sequence[Any]) -> None:
    """Raise unless all are tensors."""
    for y in outputs:
        if not isinstance(y, TensorBase):
            raise GradientError(
                f"{by}: Expected f to return only tensors, got unsupported type {type(y)}"
            )


def check_scalar(by: str, y: Any) -> None:
    """Raise unless `y` is a tensor without dimensions."""
    if not isinstance(y, TensorBase):
        raise GradientError(
            f"{by}: Expected f(*args) to return a scalar tensor, got {type(y).__name__}; if it "
            "returns more than that, (output, aux), pass has_aux=True"
        )
    if y.array.ndim:
        raise ShapeError(
            f"{by}: Expected f(*args) to return a scalar tensor, got tensor with {y.array.ndim} "
            "dims. Maybe you'd like to use the vjp or jacrev APIs instead?"
        )


def check_like(what: str, g: Any, y: Any) -> None:
    """Raise unless `g`, a cotangent or a tangent, is a tensor of the shape of `y`."""
    if not isinstance(g, TensorBase):
        raise GradientError(f"each {what} must be a Tensor, got {type(g).__name__}")
    if g.array.shape != y.array.shape:
        raise ShapeError(
            f"the {what} has shape {list(g.array.shape)}, what it belongs to "
            f"{list(y.array.shape)}; they must be the same"
        )


__all__ = [
    "Argnums",
    "check_like",
    "check_scalar",
    "check_tensors",
    "chosen",
    "replaced",
    "with_aux",
]
