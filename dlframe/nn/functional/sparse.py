"""Linear layers, look-up tables, and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.autograd import mark_mutated_many, no_grad
from dlframe.errors import DTypeError, ShapeError
from dlframe.nn.functional.checks import check_range
from dlframe.ops import fused
from dlframe.ops.record import Array
from dlframe.random import Generator, or_default
from dlframe.tensor import Tensor, to_array

linear = fused.linear


def dropout(
    input: Any,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Zero each element with probability p and scale the rest by 1 / (1 - p) (Srivastava et al. 2014).

    Without `training` the input comes back as it is. Each call draws a new mask, PyTorch's for the same seed.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(0)
    >>> sorted(set(F.dropout(dl.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input  # type: ignore[no-any-return]
    mask = or_default(generator).keep_mask(1 - p, tuple(input.shape)).astype(input.dtype)
    if p < 1:
        mask /= 1 - p
    noise = Tensor(mask)
    return input.mul_(noise) if inplace else input * noise  # type: ignore[no-any-return]


def embedding(
    input: Any,
    weight: Any,
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
        padding_idx: this row gets no gradient.
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
    index, rows = to_array(input), weight.shape[0]
    if index.dtype.kind not in "iu":
        raise DTypeError(
            f"embedding: indices must be integers, got {index.dtype}; convert them with .long()"
        )
    check_range("embedding", "index", index, rows, "the embedding has {} rows")
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise ValueError(
                f"embedding: padding_idx {padding_idx} must lie within the {rows} rows"
            )
        padding_idx %= rows
    if max_norm is not None:
        _shorten_rows(to_array(weight), np.unique(index), max_norm, norm_type)
    out = fused.take_rows(weight, index=index, skip=padding_idx)
    if scale_grad_by_freq and out.requires_grad:
        counts = np.bincount(index.reshape(-1), minlength=rows)[index]
        out.register_hook(lambda g: g / Tensor(counts[..., None].astype(g.dtype)))
    return out  # type: ignore[no-any-return]


@no_grad()
def _shorten_rows(weight: Array, used: Array, max_norm: float, norm_type: float) -> None:
    norms = (np.abs(weight[used]) ** norm_type).sum(axis=1) ** (1 / norm_type)
    long = norms > max_norm
    weight[used[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(weight.dtype)
    mark_mutated_many((weight,), "embedding(max_norm=…)")


def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
    """Zeros with a 1 at each index, in a new last dimension.

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
            raise ShapeError(
                "one_hot: can not infer the number of classes from an empty tensor; pass num_classes"
            )
        num_classes = int(index.max()) + 1
    check_range("one_hot", "class value", index, num_classes, "there are {} classes")
    return Tensor(np.asarray(index[..., None] == np.arange(num_classes)).astype(np.int64))
