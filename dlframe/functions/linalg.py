"""Products of vectors, matrices and batches of them, under PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.errors import DTypeError, ShapeError
from dlframe.functions.arguments import to_dtype
from dlframe.ops.record import TensorBase

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "bmm",
    "dot",
    "einsum",
    "inner",
    "matmul",
    "mm",
    "mv",
    "outer",
    "tensordot",
]


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product of the last two dimensions; dimensions before them broadcast.

    (..., n, k) and (..., k, m) give (..., n, m). A 1-d tensor is a vector, whose dimension the
    result does not have.

    Raises:
        ShapeError: the sizes k differ, or the dimensions before do not broadcast.
        DTypeError: the dtypes differ.

    >>> dl.matmul(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dl.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    return ops.matmul(input, other)


def mm(input: Tensor, mat2: Tensor, out_dtype: Any = None) -> Tensor:
    """The product of two matrices: (n, k) and (k, m) give (n, m), in `out_dtype` if given.

    >>> dl.mm(dl.tensor([[1.0, 2.0]]), dl.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    _require("mm", (input, 2, "matrix"), (mat2, 2, "matrix"))
    return to_dtype(ops.matmul(input, mat2), out_dtype)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector: (n, k) and (k) give (n).

    >>> dl.mv(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dl.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    _require("mv", (input, 2, "matrix"), (vec, 1, "vector"))
    return ops.matmul(input, vec)


def bmm(input: Tensor, mat2: Tensor, out_dtype: Any = None) -> Tensor:
    """The products of two batches of matrices: (b, n, k) and (b, k, m) give (b, n, m).

    >>> dl.bmm(dl.ones(2, 1, 3), dl.ones(2, 3, 1))
    tensor([[[3.]],
            [[3.]]])
    """
    _require("bmm", (input, 3, "batch of matrices"), (mat2, 3, "batch of matrices"))
    if input.shape[0] != mat2.shape[0]:
        raise ShapeError(
            "bmm: Expected size for first two dimensions of batch2 tensor to be: "
            f"[{input.shape[0]}, {input.shape[2]}] "
            f"but got: {list(mat2.shape[:2])}; matmul() broadcasts batches"
        )
    return to_dtype(ops.matmul(input, mat2), out_dtype)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Σ input · tensor, of two vectors of one length.

    >>> dl.dot(dl.tensor([1.0, 2.0]), dl.tensor([3.0, 4.0]))
    tensor(11.)
    """
    _require("dot", (input, 1, "vector"), (tensor, 1, "vector"))
    return ops.matmul(input, tensor)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of the elements of two vectors: (n) and (m) give (n, m).

    >>> dl.outer(dl.tensor([1.0, 2.0]), dl.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    _require("outer", (input, 1, "vector"), (vec2, 1, "vector"))
    return ops.multiply(ops.expand_dims(input, axis=1), vec2)


def inner(input: Any, other: Any) -> Tensor:
    """The dot products of the last dimensions: (..., k) and (~, k) give (..., ~).

    >>> dl.inner(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dl.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    if not input.ndim or not other.ndim:
        return ops.multiply(input, other)
    return ops.tensordot(input, other, axes=((-1,), (-1,)))


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Products summed over the last `dims` dimensions of `a` and the first of `b`.

    `dims` may also be two lists: the dimensions of `a`, and those of `b` that go with them.

    >>> dl.tensordot(dl.ones(2, 3, 4), dl.ones(4, 3), dims=([1, 2], [1, 0]))
    tensor([12., 12.])
    """
    return ops.tensordot(a, b, axes=dims)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Products summed over the indices that the result does not have, in Einstein's notation.

    Each operand has a letter per dimension; "..." stands for dimensions that broadcast; a letter
    twice in one operand means its diagonal. Without "->" the result has the letters that occur
    once, in alphabetical order.

    Raises:
        ShapeError: letters and shapes do not fit together.

    >>> dl.einsum("ij,jk->ik", dl.ones(2, 3), dl.ones(3, 2))
    tensor([[3., 3.],
            [3., 3.]])
    >>> dl.einsum("ii", dl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if len(operands) == 1 and not isinstance(operands[0], TensorBase):
        operands = tuple(operands[0])
    return ops.einsum(equation, *operands)


def _require(name: str, *operands: tuple[Any, int, str]) -> None:
    """Raise unless the two operands have the right number of dimensions, and fit."""
    for x, ndim, what in operands:
        if x.ndim != ndim:
            raise ShapeError(
                f"{name}: expected a {what} ({ndim}D), got shape {list(x.shape)}; matmul() takes "
                "any"
            )
    x, y = operands[0][0], operands[1][0]
    if name != "outer" and x.dtype != y.dtype:
        raise DTypeError(
            f"{name}: expected both tensors to have the same dtype, but got {x.dtype} and {y.dtype}"
        )
