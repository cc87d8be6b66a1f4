"""Sums over products of any number of factors, and over any of their dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError
from dlframe.ops.contraction import equation_of
from dlframe.ops.record import TensorBase
from dlframe.tensor.arguments import checked_dims, require_factors, require_same_dtype

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["chain_matmul", "einsum", "tensordot"]


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of all matrices, in the order that takes the fewest multiplications.

    `linalg.multi_dot` is the same, of a list.

    >>> dl.chain_matmul(dl.ones(2, 3), dl.ones(3, 4), dl.ones(4, 1))
    tensor([[12.],
            [12.]])
    """
    if not matrices:
        raise ArgumentError("chain_matmul(): expected one or more matrices")
    require_factors("chain_matmul", *((x, 2, "matrix") for x in matrices))
    out = ops.multi_dot(*matrices)
    return ops.copy(out) if len(matrices) == 1 else out


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Products summed over the last `dims` dimensions of `a` and the first of `b`.

    `dims` may also be two lists: the dimensions of `a`, and those of `b` that go with them.

    >>> dl.tensordot(dl.ones(2, 3, 4), dl.ones(4, 3), dims=([1, 2], [1, 0]))
    tensor([12., 12.])
    """
    if isinstance(dims, TensorBase):
        dims = dims.array.tolist() if dims.array.size > 1 else dims.array.item()
    require_same_dtype("tensordot", a, b)
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ArgumentError(
                f"tensordot: dims must lie between 0 and {min(a.ndim, b.ndim)}, the smaller number "
                f"of dimensions of {list(a.shape)} and {list(b.shape)}; got {dims}"
            )
        return ops.tensordot(a, b, axes=dims)
    if not isinstance(dims, (tuple, list)) or len(dims) != 2:
        raise ArgumentError(
            f"tensordot expects dims to be int or two lists of dimensions, but got {dims!r}"
        )
    dims_a, dims_b = (checked_dims(d, x.ndim) for d, x in zip(dims, (a, b), strict=True))
    if len(dims_a) != len(dims_b):
        raise ArgumentError(
            f"tensordot: both dimension lists should have same length, got {dims[0]} and {dims[1]}"
        )
    return ops.tensordot(a, b, axes=(dims_a, dims_b))


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Products summed over the indices that the result does not have, in Einstein's notation.

    Each operand has a letter per dimension; "..." stands for dimensions that broadcast; a letter
    twice in one operand means its diagonal. Without "->" the result has the letters that occur
    once, in alphabetical order (capitals first). Instead of an equation, each operand may be
    followed by a list of numbers, and a last list belongs to the result.

    Several operands are multiplied two at a time, the cheapest pair first.

    Raises:
        ShapeError: letters and shapes do not fit together.
        DTypeError: dtypes differ and something is summed.

    >>> dl.einsum("ij,jk->ik", dl.ones(2, 3), dl.ones(3, 2))
    tensor([[3., 3.],
            [3., 3.]])
    >>> dl.einsum("ii", dl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    >>> dl.einsum(dl.ones(2, 3), [0, 1], dl.ones(3), [1])
    tensor([3., 3.])
    """
    equation, operands = equation_of((equation, *operands))
    for x in operands:
        if not isinstance(x, TensorBase):
            raise DTypeError(f"einsum: operands must be tensors, got {type(x).__name__}")
    dtypes = [x.array.dtype for x in operands]
    if len(operands) > 1 and (dtypes.count(dtypes[0]) < len(dtypes) or dtypes[0].kind == "b"):
        _require_no_sum(equation, dtypes)
    return ops.einsum(equation, *operands)


def _require_no_sum(equation: str, dtypes: list[Any]) -> None:
    """Raise if products are summed and the dtypes are not allowed in a matrix product."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    factors = [set(part) for part in left.split(",")]
    shared = {c for c in left if c.isalpha() and sum(c in part for part in factors) > 1}
    if shared.difference(output if arrow else ""):
        what = "bools" if dtypes[0] == dtypes[-1] else " and ".join(map(str, dtypes))
        raise DTypeError(
            f"einsum: {equation!r} sums products, which takes numbers of one dtype, got {what}; "
            "convert with .to(dtype)"
        )
