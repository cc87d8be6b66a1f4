"""Linear layers, look-up tables, and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import ops
from dlframe.autograd import mark_mutated_many
from dlframe.errors import ArgumentError, DTypeError, LabelError, ShapeError
from dlframe.nn.functional.checks import check_range
from dlframe.ops import fused
from dlframe.ops.record import Array
from dlframe.random import Generator, or_default
from dlframe.tensor import Tensor, to_array


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b.

    Args:
        input: (*, in).
        weight: (out, in), or (in,) for a single output.
        bias: (out,) or None.

    Returns:
        (*, out), or (*) for a weight of shape (in,).

    Raises:
        ShapeError: sizes that do not fit together.
        DTypeError: input and weight differ in dtype.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.linear(dl.tensor([[1.0, 2.0]]), dl.tensor([[3.0, 4.0]]), dl.tensor([0.5]))
    tensor([[11.5000]])
    """
    if len(weight.shape) == 1 and bias is None:
        return ops.matmul(input, weight)
    return fused.linear(input, weight, bias)


def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Zero each element with probability p and multiply the rest by 1 / (1 - p).

    So the expectation stays the same (Srivastava et al. 2014). Without `training` the input comes
    back as it is. Each call draws a new mask, for one seed the one that PyTorch draws.

    Args:
        input: any shape.
        p: between 0 and 1.
        training: whether to do anything.
        inplace: write into the input.
        generator: what to draw from, by default the global one.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(0)
    >>> sorted(set(F.dropout(dl.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    if input.dtype.kind != "f":
        raise DTypeError(f"dropout: expected floats, got {input.dtype}; convert with .float()")
    noise = Tensor(_noise(p, tuple(input.shape), input.dtype, generator))
    return input.mul_(noise) if inplace else input * noise


def _noise(p: float, shape: tuple[int, ...], dtype: Any, generator: Generator | None) -> Array:
    """0 with probability p, else 1 / (1 - p)."""
    if p == 1:
        return np.zeros(shape, dtype)  # as PyTorch, without drawing
    mask = or_default(generator).keep_mask(1 - p, shape).astype(dtype)
    mask /= 1 - p
    return mask


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `input` names.

    Args:
        input: integers of any shape (*).
        weight: (rows, width).
        padding_idx: this row gets no gradient; negative numbers count from the end.
        max_norm: rows that are used and longer than this are first scaled to it, in place.
        norm_type: the p of that norm.
        scale_grad_by_freq: divide each row's gradient by how often the row was used.
        sparse: accepted and ignored; gradients are dense.

    Returns:
        (*, width).

    Raises:
        LabelError: an index outside 0 … rows - 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.embedding(dl.tensor([1, 1]), dl.eye(2))
    tensor([[0., 1.],
            [0., 1.]])
    """
    index = to_array(input)
    if index.dtype.kind not in "iu":
        raise DTypeError(
            f"embedding: indices must be integers, got {index.dtype}; convert them with .long()"
        )
    if len(weight.shape) != 2:
        raise ShapeError(f"embedding: weight must be 2-D, (rows, width), got {list(weight.shape)}")
    rows = weight.shape[0]
    check_range("embedding", "index", index, rows, "the embedding has {} rows")
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise ArgumentError(f"embedding: padding_idx {padding_idx} is not one of the {rows} rows")
    if max_norm is not None:
        _shorten_rows(to_array(weight), np.unique(index), max_norm, norm_type)
    return fused.take_rows(
        weight,
        index=index,
        skip=None if padding_idx is None else padding_idx % rows,
        counts=np.bincount(index.reshape(-1), minlength=rows) if scale_grad_by_freq else None,
    )


def _shorten_rows(weight: Array, used: Array, max_norm: float, norm_type: float) -> None:
    norms = np.linalg.norm(weight[used], norm_type, axis=1)
    long = norms > max_norm
    weight[used[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(weight.dtype)
    mark_mutated_many((weight,), "embedding(max_norm=…)")


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Zeros with a 1 at each index, in a new last dimension.

    Args:
        tensor: integers of any shape (*).
        num_classes: how many there are; -1 for one more than the largest.

    Returns:
        int64 of shape (*, num_classes).

    Raises:
        ArgumentError: a value outside 0 … num_classes - 1, or none to infer the number from.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.one_hot(dl.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    index = to_array(tensor)
    if index.dtype.kind not in "iu":
        raise DTypeError(f"one_hot is only applicable to index tensors, got {index.dtype}")
    if num_classes == -1:
        if not index.size:
            raise ArgumentError(
                "one_hot: Can not infer total number of classes from empty tensor; pass num_classes"
            )
        num_classes = int(index.max()) + 1
    try:
        check_range("one_hot", "class value", index, num_classes, "there are {} classes")
    except LabelError as error:
        raise ArgumentError(str(error)) from None  # PyTorch raises a RuntimeError here
    return Tensor(np.asarray(index[..., None] == np.arange(num_classes)).astype(np.int64))
