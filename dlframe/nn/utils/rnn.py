"""Sequences of several lengths: padded to one length, or packed without padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from dlframe import ops
from dlframe.dtypes import float16, float32, float64, int8, int16, int32, int64, uint8
from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    """The fields of a PackedSequence."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """Sequences of several lengths, step by step and without padding.

    `pack_padded_sequence` and `pack_sequence` make one; recurrent layers take it and return one.

    Fields: `data` has the first step of all sequences, the longest first, then the second step of
    those that have one, and so on; `batch_sizes` says how many there are at each step.
    `sorted_indices` is the order in which the sequences were taken, None if they came sorted, and
    `unsorted_indices` its inverse.

    >>> import dlframe as dl
    >>> from dlframe.nn.utils.rnn import pack_sequence
    >>> pack_sequence([dl.tensor([1, 2, 3]), dl.tensor([4, 5]), dl.tensor([6])])[:2]
    (tensor([1, 4, 6, 2, 5, 3]), tensor([3, 2, 1]))
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """With `data.to(...)`; itself where that changes nothing."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """Itself: all tensors are in the memory of the processor."""
        return self.to(*args, **{"device": "cpu", **kwargs}) if args or kwargs else self

    def pin_memory(self) -> Self:
        """With pinned data, which without a GPU is itself."""
        return self

    def double(self) -> Self:
        """With data in float64."""
        return self.to(float64)

    def float(self) -> Self:
        """With data in float32."""
        return self.to(float32)

    def half(self) -> Self:
        """With data in float16."""
        return self.to(float16)

    def long(self) -> Self:
        """With data in int64."""
        return self.to(int64)

    def int(self) -> Self:
        """With data in int32."""
        return self.to(int32)

    def short(self) -> Self:
        """With data in int16."""
        return self.to(int16)

    def char(self) -> Self:
        """With data in int8."""
        return self.to(int8)

    def byte(self) -> Self:
        """With data in uint8."""
        return self.to(uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU: never."""
        return False

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory: never."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one, or None.

    >>> import dlframe as dl
    >>> from dlframe.nn.utils.rnn import invert_permutation
    >>> invert_permutation(dl.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    order = permutation.array
    inverse = np.empty_like(order)
    inverse[order] = np.arange(order.size)
    return Tensor(inverse)


# --- padded and packed -------------------------------------------------------------------------


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Leave out the padding of a batch of sequences.

    Args:
        input: (L, N, *), or (N, L, *) if `batch_first`.
        lengths: of each of the N sequences, at least 1.
        batch_first: whether the sequences are the first dimension.
        enforce_sorted: raise unless the longest sequence is first, and so on. If not, they are
            sorted, and sorted back by `pad_packed_sequence`.

    >>> import dlframe as dl
    >>> from dlframe.nn.utils.rnn import pack_padded_sequence
    >>> padded = dl.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    >>> packed = pack_padded_sequence(padded, [2, 1, 3], batch_first=True, enforce_sorted=False)
    >>> packed.data, packed.batch_sizes, packed.sorted_indices
    (tensor([4, 1, 3, 5, 2, 6]), tensor([3, 2, 1]), tensor([2, 0, 1]))
    """
    steps, n = _sizes("pack_padded_sequence", input, batch_first)
    long = to_array(lengths).astype(np.int64)
    order = None
    if not enforce_sorted:
        order = np.argsort(-long, kind="stable")
        long = long[order]
    _check_lengths(long, steps, n)
    batch_sizes = np.count_nonzero(long > np.arange(long[0])[:, None], axis=1)
    step, place = _running(batch_sizes)
    sequence = place if order is None else order[place]
    index = (sequence, step) if batch_first else (step, sequence)
    data = ops.getitem(input, index)
    return PackedSequence(data, Tensor(batch_sizes), None if order is None else Tensor(order))


def _sizes(name: str, x: Tensor, batch_first: bool) -> tuple[int, int]:
    if len(x.shape) < 2:
        raise ShapeError(f"{name}: input must have at least 2 dimensions, got {list(x.shape)}")
    return (x.shape[1], x.shape[0]) if batch_first else (x.shape[0], x.shape[1])


def _check_lengths(lengths: Array, steps: int, n: int) -> None:
    name = "pack_padded_sequence"
    if lengths.shape != (n,):
        raise ShapeError(
            f"{name}: Expected `len(lengths)` to be equal to batch_size, but got "
            f"{list(lengths.shape)} lengths for {n} sequences; is batch_first right?"
        )
    if n == 0:
        raise ShapeError(f"{name}: Cannot pack empty tensors.")
    if (np.diff(lengths) > 0).any():
        raise ArgumentError(
            f"{name}: `lengths` array must be sorted in decreasing order when `enforce_sorted` is "
            f"True, got {lengths.tolist()}; you can pass `enforce_sorted=False`"
        )
    if lengths[-1] <= 0:
        raise ArgumentError(
            f"{name}: Length of all samples has to be greater than 0, but found an element in "
            f"'lengths' that is <= 0: {lengths.tolist()}"
        )
    if lengths[0] > steps:
        raise ShapeError(
            f"{name}: Expected no length above the {steps} steps of input, got {lengths.tolist()}; "
            "is batch_first right?"
        )


def _running(batch_sizes: Array) -> tuple[Array, Array]:
    """For each row of packed data its step, and its place among the sequences that run then."""
    step = np.repeat(np.arange(batch_sizes.size), batch_sizes)
    starts = np.cumsum(batch_sizes) - batch_sizes
    return step, np.arange(step.size) - starts[step]


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """A padded batch again, and the lengths: the inverse of `pack_padded_sequence`.

    Args:
        sequence: packed sequences.
        batch_first: return (N, L, *) instead of (L, N, *).
        padding_value: what comes after the ends.
        total_length: the length L, by default that of the longest sequence.

    >>> import dlframe as dl
    >>> from dlframe.nn.utils.rnn import pack_sequence, pad_packed_sequence
    >>> packed = pack_sequence([dl.tensor([1, 2, 3]), dl.tensor([4])])
    >>> pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 0, 0]]), tensor([3, 1]))
    """
    batch_sizes = to_array(sequence.batch_sizes)
    length, n = batch_sizes.size, int(batch_sizes[0])
    if total_length is not None and total_length < length:
        raise ArgumentError(
            "pad_packed_sequence: Expected total_length to be at least the length of the longest "
            f"sequence in input, but got total_length={total_length} and max sequence length being "
            f"{length}"
        )
    step, place = _running(batch_sizes)
    rows = np.full((total_length or length, n), step.size)  # of the padding, which comes last
    rows[step, place] = np.arange(step.size)
    lengths = np.count_nonzero(batch_sizes > np.arange(n)[:, None], axis=1)
    if sequence.unsorted_indices is not None:
        back = to_array(sequence.unsorted_indices)
        rows, lengths = rows[:, back], lengths[back]
    padded = _with_padding(sequence.data, rows.T if batch_first else rows, padding_value)
    return padded, Tensor(lengths)


def _with_padding(data: Tensor, rows: Array, value: float) -> Tensor:
    """`data[rows]`, with `value` where the row is the one after the last."""
    padding = np.full((1, *data.shape[1:]), value, data.dtype)
    rows = np.ascontiguousarray(rows)  # the result lies in memory as its index does
    padded: Tensor = ops.getitem(ops.concatenate(data, Tensor(padding), axis=0), rows)
    return padded


# --- lists of sequences ------------------------------------------------------------------------


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences of shapes (length, *) as one tensor (L, N, *), or (N, L, *) if `batch_first`.

    Args:
        sequences: at least one, alike in their other dimensions.
        batch_first: whether the sequences are the first dimension.
        padding_value: what fills the shorter ones.
        padding_side: `"right"`, after their end, or `"left"`, before their start.

    >>> import dlframe as dl
    >>> from dlframe.nn.utils.rnn import pad_sequence
    >>> pad_sequence([dl.tensor([1, 2, 3]), dl.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise ArgumentError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    parts = list(sequences)
    if padding_side not in ("right", "left"):
        raise ArgumentError(
            "pad_sequence: Expected padding_side to be one of left or right, but got "
            f"{padding_side}"
        )
    if not parts:
        raise ArgumentError("pad_sequence: received an empty list of sequences")
    shapes = {tuple(part.shape[1:]) for part in parts}
    if len(shapes) > 1 or any(not part.shape for part in parts):
        raise ShapeError(
            "pad_sequence: the sequences must have the same dimensions after the first, got "
            f"{', '.join(str(list(part.shape)) for part in parts)}"
        )
    lengths = np.array([len(part) for part in parts])
    starts = np.cumsum(lengths) - lengths
    data = ops.concatenate(*parts, axis=0)
    step = np.arange(lengths.max())[:, None]
    if padding_side == "left":
        step = step - (lengths.max() - lengths)
    rows = np.where((step >= 0) & (step < lengths), starts + step, len(data))
    return _with_padding(data, rows.T if batch_first else rows, padding_value)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """The sequences of a padded tensor, each of its own length: the inverse of `pad_sequence`.

    >>> import dlframe as dl
    >>> from dlframe.nn.utils.rnn import unpad_sequence
    >>> unpad_sequence(dl.tensor([[1, 2, 3], [4, 0, 0]]), [3, 1], batch_first=True)
    [tensor([1, 2, 3]), tensor([4])]
    """
    _, n = _sizes("unpad_sequence", padded_sequences, batch_first)
    long = to_array(lengths).tolist()
    if len(long) != n:
        raise ArgumentError(
            f"unpad_sequence: got {len(long)} lengths for {n} sequences; is batch_first right?"
        )
    if batch_first:
        return [padded_sequences[i, :k].clone() for i, k in enumerate(long)]
    return [padded_sequences[:k, i].clone() for i, k in enumerate(long)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of shapes (length, *): `pad_sequence`, then `pack_padded_sequence`.

    >>> import dlframe as dl
    >>> from dlframe.nn.utils.rnn import pack_sequence
    >>> pack_sequence([dl.tensor([1, 2]), dl.tensor([3])]).data
    tensor([1, 3, 2])
    """
    lengths = [len(sequence) for sequence in sequences]
    padded = pad_sequence(sequences)
    return pack_padded_sequence(padded, lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed, in their first order: the inverse of `pack_sequence`.

    >>> import dlframe as dl
    >>> from dlframe.nn.utils.rnn import pack_sequence, unpack_sequence
    >>> unpack_sequence(pack_sequence([dl.tensor([1, 2]), dl.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
