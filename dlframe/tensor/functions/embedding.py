"""Tables of vectors: rows by their numbers, and sums, means and maxima of bags of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd import mark_mutated
from dlframe.autograd.inplace import check_writable
from dlframe.base.quiet import quiet
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import Array, grad_mode, to_array
from dlframe.tensor.arguments import check_range

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["embedding", "embedding_bag", "embedding_renorm_"]

SUM, MEAN, MAX = 0, 1, 2


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `indices` names; row `padding_idx` gets no gradient (-1 for none).

    `nn.functional.embedding` says what the arguments are. `sparse` is without effect.

    >>> dl.embedding(dl.eye(2), dl.tensor([1, 1]))
    tensor([[0., 1.],
            [0., 1.]])
    """
    index = _indices("embedding", indices, weight)
    out: Any = ops.take_rows(
        weight,
        index=index,
        skip=padding_idx if padding_idx >= 0 else None,
        counts=_frequencies(index, weight) if scale_grad_by_freq else None,
    )
    return out


def embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool = False,
    mode: int = SUM,
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Bags of rows of `weight`, each added up (mode 0), averaged (1) or reduced to its maximum (2).

    `nn.functional.embedding_bag` says what the arguments are.

    Returns:
        The bags (B, width); the bag of each index; the count of indices in each
        bag; and, for maxima, the rows that they come from (B, width), else the counts again.

    >>> dl.embedding_bag(dl.eye(3), dl.tensor([0, 1, 1, 2]), dl.tensor([0, 3]))[0]
    tensor([[1., 2., 0.],
            [0., 0., 1.]])
    """
    index = _indices("embedding_bag", indices, weight)
    bag, count = _bags(index, to_array(offsets), include_last_offset)
    index, shares = index[: len(bag)], per_sample_weights
    of_each, rows = wrap(bag), weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise ArgumentError(
                f"embedding_bag: padding_idx must be within the number of embeddings, -{rows} "
                f"through {rows - 1}, but got {padding_idx}"
            )
        kept = index != padding_idx % rows
        index, bag = index[kept], bag[kept]
        shares = None if shares is None else shares[wrap(np.flatnonzero(kept))]
    sizes = np.bincount(bag, minlength=count)
    if mode == MAX:
        out, best = _largest(weight, index, bag, sizes)
        return out, of_each, wrap(sizes), wrap(best)
    vectors = ops.take_rows(
        weight, index=index, counts=_frequencies(index, weight) if scale_grad_by_freq else None
    )
    if shares is not None:
        vectors = vectors * ops.expand_dims(shares, axis=1)
    out = ops.add_rows(vectors, index=bag, rows=count)
    if mode == MEAN:
        out = out / wrap(np.maximum(sizes, 1).astype(weight.dtype)[:, None])
    return out, of_each, wrap(sizes), wrap(sizes.copy())


@quiet
def embedding_renorm_(
    input: Tensor, indices: Tensor, max_norm: float, norm_type: float = 2.0
) -> Tensor:
    """Shorten the rows of `input` that `indices` names to length `max_norm`, in place, if longer.

    >>> weight = dl.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]])
    >>> dl.embedding_renorm_(weight, dl.tensor([0, 1]), 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000],
            [6.0000, 8.0000]])
    """
    rows, factors = too_long(input, indices, max_norm, norm_type)
    check_writable(input, "embedding_renorm_")
    if input.requires_grad and grad_mode.get():
        scale = np.ones((input.shape[0], 1), input.dtype)
        scale[rows] = factors
        return input.mul_(wrap(scale))
    input.array[rows] *= factors
    mark_mutated(input.array, "embedding_renorm_")
    return input


@quiet
def too_long(
    weight: Tensor, indices: Tensor, max_norm: float, norm_type: float
) -> tuple[Array, Array]:
    """The rows among `indices` that are longer than `max_norm`, and what to multiply them by."""
    used = np.unique(_indices("embedding", indices, weight))
    array = to_array(weight)
    wide = np.float32 if array.dtype == np.float16 else array.dtype
    norms = np.linalg.norm(array[used].astype(wide), norm_type, axis=1)
    long = norms > max_norm
    return used[long], (max_norm / (norms[long] + 1e-7))[:, None].astype(array.dtype)


# --- what the arguments mean -------------------------------------------------------------------


def _indices(name: str, indices: Any, weight: Any) -> Array:
    index = to_array(indices)
    if index.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: indices must be integers, got {index.dtype}; convert them with .long()"
        )
    if len(weight.shape) != 2:
        raise ShapeError(f"{name}: weight must be 2-D, (rows, width), got {list(weight.shape)}")
    check_range(name, "index", index, weight.shape[0], "the embedding has {} rows")
    return index


def _frequencies(index: Array, weight: Any) -> Array:
    """How often each row is used."""
    return np.bincount(index.reshape(-1), minlength=weight.shape[0])


def _bags(index: Array, offsets: Array, include_last: bool) -> tuple[Array, int]:
    """The bag that each index belongs to, and the count of bags."""
    if index.ndim != 1 or offsets.ndim != 1:
        raise ShapeError(
            "embedding_bag: indices and offsets have to be 1D, got "
            f"{list(index.shape)} and {list(offsets.shape)}"
        )
    if offsets.dtype.kind not in "iu":
        raise DTypeError(f"embedding_bag: offsets must be integers, got {offsets.dtype}")
    n = len(index)
    if include_last and not len(offsets):
        raise ArgumentError("embedding_bag: include_last_offset needs at least one offset, the end")
    ends = offsets if include_last else np.append(offsets, n)
    if len(offsets) and offsets[0] != 0:
        raise ArgumentError(
            "embedding_bag: offsets[0] has to be 0, as the first bag begins with the first index; "
            f"got {offsets[0]}"
        )
    if (np.diff(ends) < 0).any() or (len(ends) and ends[-1] > n):
        raise ArgumentError(
            f"embedding_bag: offsets are the places where bags begin: they cannot decrease, nor be "
            f"greater than the input's length {n}; got {offsets.tolist()}"
        )
    count = len(ends) - 1
    return np.repeat(np.arange(count), np.diff(ends)), count


def _largest(weight: Any, index: Array, bag: Array, sizes: Array) -> tuple[Any, Array]:
    """The maxima of each bag, and the rows that they come from: the first ones, if several do."""
    full = np.flatnonzero(sizes)
    best = np.zeros((len(sizes), weight.shape[1]), np.int64)
    if len(full):
        starts = np.searchsorted(bag, full)
        values = to_array(weight)[index]
        highest = np.maximum.reduceat(values, starts, axis=0)[np.searchsorted(full, bag)]
        places = np.arange(len(index))[:, None]
        found = np.where((values == highest) | np.isnan(values), places, len(index))
        best[full] = index[np.minimum.reduceat(found, starts, axis=0)]
    picked = ops.take_along_axis(weight, best[full], axis=0)
    return ops.add_rows(picked, index=full, rows=len(sizes)), best
