"""Look-up tables, and labels as vectors."""

from __future__ import annotations

import numpy as np

from dlframe.autograd import mark_mutated_many
from dlframe.errors import ArgumentError, DTypeError, LabelError, ShapeError
from dlframe.nn.functional.checks import check_range
from dlframe.ops import networks
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array

__all__ = ["embedding", "one_hot"]


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
    return networks.take_rows(
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
    return Tensor(np.asarray(index[..., None] == np.arange(num_classes)).astype(np.int64, "C"))
