"""Look-up tables, and labels as vectors."""

from __future__ import annotations

import numpy as np

from dlframe.autograd import mark_mutated
from dlframe.base.quiet import quiet
from dlframe.errors import ArgumentError, DTypeError, LabelError, ShapeError
from dlframe.nn.functional.checks import same_dtype
from dlframe.tensor import Tensor, functions, to_array
from dlframe.tensor.arguments import check_range
from dlframe.tensor.functions.embedding import too_long

__all__ = ["embedding", "embedding_bag", "one_hot"]


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
    if len(weight.shape) == 2 and padding_idx is not None:
        rows = weight.shape[0]
        if not -rows <= padding_idx < rows:
            raise ArgumentError(
                f"embedding: padding_idx {padding_idx} is not one of the {rows} rows"
            )
        padding_idx %= rows
    if max_norm is not None:
        _shorten_rows("embedding", input, weight, max_norm, norm_type)
    padding = -1 if padding_idx is None else padding_idx
    return functions.embedding(weight, input, padding, scale_grad_by_freq, sparse)


@quiet
def _shorten_rows(
    name: str, indices: Tensor, weight: Tensor, max_norm: float, norm_type: float
) -> None:
    """As `dl.embedding_renorm_`, also for parameters: it is no step of the graph."""
    rows, factors = too_long(weight, indices, max_norm, norm_type)
    weight.array[rows] *= factors
    mark_mutated(weight.array, f"{name}(max_norm=…)")


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, the mean or the maximum of the rows that each bag of indices names.

    Args:
        input: integers: (B, N) for B bags of N indices each, or (M,) for bags of any sizes, one
            after the other.
        weight: (rows, width).
        offsets: (B,), where each bag of a 1-D input begins. The first is 0; a bag without indices
            is all zeros.
        max_norm: rows that are used and longer than this are first scaled to it, in place.
        norm_type: the p of that norm.
        scale_grad_by_freq: divide each row's gradient by how often the row was used; not for
            maxima.
        mode: "sum", "mean" or "max".
        sparse: accepted and ignored; gradients are dense. Not for maxima.
        per_sample_weights: in the shape of `input`, a factor for each row of a sum.
        include_last_offset: whether the last offset is the end of the last bag.
        padding_idx: indices of this row are left out of their bags.

    Returns:
        (B, width).

    Raises:
        LabelError: an index outside 0 … rows - 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> rows = dl.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    >>> F.embedding_bag(dl.tensor([[0, 1], [2, 2]]), rows, mode="sum")
    tensor([[ 3., 30.],
            [ 8., 80.]])
    >>> F.embedding_bag(dl.tensor([0, 1, 2]), rows, offsets=dl.tensor([0, 2, 2]), mode="mean")
    tensor([[ 1.5000, 15.0000],
            [ 0.0000,  0.0000],
            [ 4.0000, 40.0000]])
    """
    shares = per_sample_weights
    if shares is not None and tuple(shares.shape) != tuple(input.shape):
        raise ShapeError(
            f"embedding_bag: per_sample_weights{list(shares.shape)} must have the shape of "
            f"input{list(input.shape)}"
        )
    if len(weight.shape) != 2:
        raise ShapeError(
            f"embedding_bag: weight has to be a 2D Tensor, (rows, width), got {list(weight.shape)}"
        )
    if len(input.shape) == 2:
        if offsets is not None:
            raise ArgumentError(
                "embedding_bag: if input is 2D, then offsets has to be None, as each row is a bag; "
                "flatten() the input for bags of other sizes"
            )
        count, size = input.shape
        offsets, include_last_offset = Tensor(np.arange(count) * size), False
        input, shares = input.reshape(-1), None if shares is None else shares.reshape(-1)
    elif len(input.shape) != 1:
        raise ShapeError(
            f"embedding_bag: input has to be 1D or 2D Tensor, but got input{list(input.shape)}"
        )
    elif offsets is None:
        raise ArgumentError(
            "embedding_bag: offsets has to be a 1D Tensor for a 1D input: where each bag begins. "
            "For one bag it is tensor([0])"
        )
    if mode not in _MODES:
        raise ArgumentError(f"embedding_bag: mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and (scale_grad_by_freq or sparse):
        what = "scaling the gradient by the frequency" if scale_grad_by_freq else "sparse weights"
        raise ArgumentError(f"embedding_bag: max mode does not support {what}")
    if shares is not None:
        if mode != "sum":
            raise NotImplementedError(
                f"embedding_bag: per_sample_weights are for mode='sum', got mode={mode!r}"
            )
        same_dtype("embedding_bag", weight=weight, per_sample_weights=shares)
    if max_norm is not None:
        _shorten_rows("embedding_bag", input, weight, max_norm, norm_type)
    return functions.embedding_bag(
        weight,
        input,
        offsets,
        scale_grad_by_freq,
        _MODES.index(mode),
        sparse,
        shares,
        include_last_offset,
        padding_idx,
    )[0]


_MODES = ("sum", "mean", "max")  # the numbers that `dl.embedding_bag` has for them


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
