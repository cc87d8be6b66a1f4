"""Products of two vectors, matrices or batches of them, and such a product added to something."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.dtypes import result_type
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.tensor.arguments import (
    checked_dim,
    require_dimensions,
    require_factors,
    require_same_dtype,
    require_to_broadcast,
    to_dtype,
)

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addmv_",
    "addr",
    "baddbmm",
    "bmm",
    "cross",
    "dot",
    "ger",
    "inner",
    "kron",
    "matmul",
    "mm",
    "mv",
    "outer",
    "vdot",
]


# --- two factors -------------------------------------------------------------------------------


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product of the last two dimensions; dimensions before them broadcast.

    (..., n, k) and (..., k, m) give (..., n, m). A 1-d tensor is a vector, and the
    result does not have its dimension.

    Raises:
        ShapeError: the sizes k differ, or the dimensions before do not broadcast.
        DTypeError: the dtypes differ, or are bool.

    >>> dl.matmul(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dl.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    return ops.matmul(input, other)


def mm(input: Tensor, mat2: Tensor, out_dtype: Any = None) -> Tensor:
    """The product of two matrices: (n, k) and (k, m) give (n, m), in `out_dtype` if given.

    >>> dl.mm(dl.tensor([[1.0, 2.0]]), dl.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    require_factors("mm", (input, 2, "matrix"), (mat2, 2, "matrix"))
    return to_dtype(ops.matmul(input, mat2), out_dtype)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector: (n, k) and (k) give (n).

    >>> dl.mv(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dl.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    require_factors("mv", (input, 2, "matrix"), (vec, 1, "vector"))
    return ops.matmul(input, vec)


def bmm(input: Tensor, mat2: Tensor, out_dtype: Any = None) -> Tensor:
    """The products of two batches of matrices: (b, n, k) and (b, k, m) give (b, n, m).

    >>> dl.bmm(dl.ones(2, 1, 3), dl.ones(2, 3, 1))
    tensor([[[3.]],
            [[3.]]])
    """
    _require_batches("bmm", input, mat2)
    return to_dtype(ops.matmul(input, mat2), out_dtype)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Σ input · tensor, of two vectors of one length.

    >>> dl.dot(dl.tensor([1.0, 2.0]), dl.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return _dot("dot", input, tensor)


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Σ input · other, of two vectors of one length: the same as `dot`, for real numbers.

    >>> dl.vdot(dl.tensor([1.0, 2.0]), dl.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return _dot("vdot", input, other)


def _dot(name: str, x: Any, y: Any) -> Any:
    require_factors(name, (x, 1, "vector"), (y, 1, "vector"))
    if x.shape != y.shape:
        raise ShapeError(
            f"{name}: inconsistent tensor size, expected two vectors with the same number of "
            f"elements, but got {x.shape[0]} and {y.shape[0]} elements respectively"
        )
    return ops.matmul(x, y)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """The dot products of the last dimensions: (..., k) and (~, k) give (..., ~).

    >>> dl.inner(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dl.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    if input.ndim and other.ndim and input.shape[-1] != other.shape[-1]:
        raise ShapeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    if input.ndim and other.ndim:
        require_same_dtype("inner", input, other)
    return ops.inner(input, other)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of the elements of two vectors: (n) and (m) give (n, m).

    >>> dl.outer(dl.tensor([1.0, 2.0]), dl.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    require_dimensions("outer", (input, 1, "vector"), (vec2, 1, "vector"))
    return ops.multiply(ops.expand_dims(input, axis=1), vec2)


def ger(input: Tensor, vec2: Tensor) -> Tensor:
    """Another name of `outer`.

    >>> dl.ger(dl.tensor([1.0, 2.0]), dl.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    return outer(input, vec2)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker's product: every element of `input` times the whole of `other`, as blocks.

    Sizes n and m along a dimension give n · m. The tensor with fewer dimensions gets dimensions
    of size 1 in front.

    >>> dl.kron(dl.tensor([1, 10]), dl.tensor([[1, 2], [3, 4]]))
    tensor([[ 1,  2, 10, 20],
            [ 3,  4, 30, 40]])
    """
    return ops.kron(input, other)


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """input × other, the vectors orthogonal to both, of three elements along `dim`.

    Without `dim` the first dimension of size 3 is taken; `linalg.cross` takes the last one.
    Other dimensions broadcast.

    Raises:
        ShapeError: no dimension of size 3, or the number of dimensions differs.

    >>> dl.cross(dl.tensor([1, 0, 0]), dl.tensor([0, 1, 0]), dim=0)
    tensor([0, 0, 1])
    """
    if dim is None:
        found = [i for i, n in enumerate(input.shape) if n == 3]
        if not found:
            raise ShapeError(f"cross: no dimension of size 3 in input of shape {list(input.shape)}")
        dim = found[0]
    return vector_product("cross", input, other, dim)


def vector_product(name: str, x: Any, y: Any, dim: int) -> Any:
    """x × y along `dim`; error messages name the function `name`."""
    if x.ndim != y.ndim:
        raise ShapeError(
            f"{name}: inputs must have the same number of dimensions, got {list(x.shape)} and "
            f"{list(y.shape)}; add dimensions of size 1 with unsqueeze()"
        )
    axis = checked_dim(dim, x.ndim)
    if not x.ndim or x.shape[axis] != 3 or y.shape[axis] != 3:
        raise ShapeError(
            f"{name}: inputs dimension {dim} must have length 3, got {list(x.shape)} and "
            f"{list(y.shape)}"
        )
    require_same_dtype(name, x, y)
    require_to_broadcast(name, tuple(x.shape), tuple(y.shape))
    return ops.cross(x, y, axis=axis)


# --- a product added to something --------------------------------------------------------------


def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    out_dtype: Any = None,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> Tensor:
    """beta · input + alpha · mat1 mat2: (n, k) and (k, m), and an input that broadcasts to (n, m).

    With `beta=0` the input is ignored, even if it is nan.

    >>> dl.addmm(dl.ones(2), dl.ones(3, 4), dl.ones(4, 2), alpha=0.5)
    tensor([[3., 3.],
            [3., 3.],
            [3., 3.]])
    """
    require_dimensions("addmm", (mat1, 2, "matrix"), (mat2, 2, "matrix"))
    return to_dtype(_added("addmm", input, mat1, mat2, beta, alpha), out_dtype)


addmm_ = in_place_form(addmm)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · mat vec: (n, k) and (k), and an input that broadcasts to (n).

    >>> dl.addmv(dl.tensor([1.0, 2.0]), dl.ones(2, 3), dl.ones(3))
    tensor([4., 5.])
    """
    require_dimensions("addmv", (mat, 2, "matrix"), (vec, 1, "vector"))
    return _added("addmv", input, mat, vec, beta, alpha)


addmv_ = in_place_form(addmv)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · vec1 vec2ᵀ: (n) and (m), and an input that broadcasts to (n, m).

    Dtypes are promoted; of bools, + is "or" and · is "and".

    >>> dl.addr(dl.zeros(2, 2), dl.tensor([1.0, 2.0]), dl.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    require_dimensions("addr", (vec1, 1, "vector"), (vec2, 1, "vector"))
    dtype = result_type(input, vec1, vec2)
    if dtype.kind != "f" and not all(isinstance(factor, int) for factor in (beta, alpha)):
        raise ArgumentError(
            f"addr: for {dtype} tensors beta and alpha must be whole numbers, got beta={beta!r} "
            f"and alpha={alpha!r}"
        )
    row, column = ops.expand_dims(vec1, axis=1), ops.expand_dims(vec2, axis=0)
    if dtype.kind == "b":
        _require_room("addr", input, (vec1.shape[0], vec2.shape[0]))
        product = (row & column) & bool(alpha)
        return product | input if beta else product
    input, row, column = (to_dtype(x, dtype) for x in (input, row, column))
    return _added("addr", input, row, column, beta, alpha)


addr_ = in_place_form(addr)


def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    out_dtype: Any = None,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> Tensor:
    """beta · input + alpha · batch1 batch2: (b, n, k) and (b, k, m), and an input that broadcasts.

    >>> dl.baddbmm(dl.tensor([1.0]), dl.ones(2, 1, 3), dl.ones(2, 3, 1), beta=10)
    tensor([[[13.]],
            [[13.]]])
    """
    _require_batches("baddbmm", batch1, batch2)
    return to_dtype(_added("baddbmm", input, batch1, batch2, beta, alpha), out_dtype)


baddbmm_ = in_place_form(baddbmm)


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta · input + alpha · Σ_b batch1[b] batch2[b]: (b, n, k) and (b, k, m) give (n, m).

    >>> dl.addbmm(dl.zeros(1, 1), dl.ones(2, 1, 3), dl.ones(2, 3, 1))
    tensor([[6.]])
    """
    _require_batches("addbmm", batch1, batch2)
    b, n, k = batch1.shape
    # one product adds up those of all batches: `left` has them side by side, `right` stacked
    left = ops.transpose(batch1, axes=(1, 0, 2)).reshape((n, b * k))
    right = batch2.reshape((b * k, batch2.shape[2]))
    return _added("addbmm", input, left, right, beta, alpha)


addbmm_ = in_place_form(addbmm)


def _added(name: str, input: Any, x: Any, y: Any, beta: Any, alpha: Any) -> Any:
    """beta · input + alpha · xy, where the result has the shape of the product."""
    if not input.dtype == x.dtype == y.dtype:
        raise DTypeError(
            f"{name}: input and both factors must have the same dtype, but got {input.dtype}, "
            f"{x.dtype} and {y.dtype}; convert with .to(dtype)"
        )
    _require_room(name, input, (*x.shape[:-1], *y.shape[x.ndim - 1 :]))
    if x.dtype.kind != "f":
        if not (math.isfinite(beta) and math.isfinite(alpha)):
            raise ArgumentError(
                f"{name}: value cannot be converted to type {x.dtype} without overflow: "
                f"beta={beta}, alpha={alpha}"
            )
        beta, alpha = int(beta), int(alpha)
    return ops.addmm(input, x, y, beta=beta, alpha=alpha)


# --- what the arguments must be ----------------------------------------------------------------


def _require_batches(name: str, batch1: Any, batch2: Any) -> None:
    require_factors(name, (batch1, 3, "batch of matrices"), (batch2, 3, "batch of matrices"))
    b, _, k = batch1.array.shape
    if batch2.array.shape[:2] != (b, k):
        raise ShapeError(
            f"{name}: Expected size for first two dimensions of batch2 tensor to be: [{b}, {k}] "
            f"but got: {list(batch2.shape[:2])}; matmul() broadcasts batches"
        )


def _require_room(name: str, input: Any, shape: tuple[int, ...]) -> None:
    """Raise unless `input` broadcasts to the result's shape."""
    sizes = (1,) * (len(shape) - input.ndim) + tuple(input.shape)
    if len(sizes) > len(shape) or any(n not in (1, m) for n, m in zip(sizes, shape, strict=True)):
        raise ShapeError(
            f"{name}: input of shape {list(input.shape)} does not broadcast to {list(shape)}, the "
            "shape of the product"
        )
