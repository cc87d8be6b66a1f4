"""A batch that was fetched at once: stacked columns that can be read as a list of samples.

PyTorch's `__getitems__(indices)` returns a list of samples, which the loader then stacks.
If the data lie in arrays, neither step is needed: `array[indices]` is the batch. A `Batch` holds
such arrays, and can still be read as the list of samples that a `collate_fn` of your own expects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlframe.base import threads
from dlframe.tensor import Tensor


class Batch(Sequence[Any]):
    """Samples held column by column; `batch[i]` is sample i, `default_collate` takes the
    columns.

    `columns` is a tuple (a sample is a tuple) or a dict (a sample is a dict) of Tensors,
    ndarrays, lists or further Batches, all of one length along their first dimension. A column must
    own its memory: a view of the data set would let an in-place edit of the batch change the data.

    >>> batch = Batch((np.eye(3)[[2, 0]], np.array([7, 8])))
    >>> len(batch), batch[0][1]
    (2, 7)
    """

    def __init__(self, columns: tuple[Any, ...] | Mapping[str, Any]) -> None:
        if not columns:
            raise ValueError("Batch: there must be at least one column")
        self.columns = columns
        lengths = [len(column) for column in self.parts()]
        if len(set(lengths)) != 1:
            raise ValueError(f"Batch: the columns must have one length; got lengths {lengths}")
        self._length = lengths[0]

    def parts(self) -> list[Any]:
        """The columns as a list, whether they are named or not."""
        if isinstance(self.columns, Mapping):
            return list(self.columns.values())
        return list(self.columns)

    def with_parts(self, parts: Sequence[Any]) -> Batch:
        """A Batch with the same names and other columns."""
        if isinstance(self.columns, Mapping):
            return Batch(dict(zip(self.columns, parts, strict=True)))
        return Batch(tuple(parts))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if isinstance(self.columns, Mapping):
            return {name: element(column, index) for name, column in self.columns.items()}
        return tuple([element(column, index) for column in self.columns])

    def __repr__(self) -> str:
        return f"Batch of {len(self)} samples with {len(self.columns)} columns"


def element(column: Any, index: int) -> Any:
    """One sample's part of a column; numbers in an ndarray become Python numbers."""
    value = column[index]
    return value.item() if isinstance(value, np.generic) else value


_WORTH_A_THREAD = 1 << 21  # bytes: a thread copies them in some 0.2 milliseconds


def take(
    array: np.ndarray[Any, Any], indices: Sequence[int] | np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """array[indices] as a new array, never a view; an index outside the range raises IndexError.

    Large rows are copied by several threads (`dlframe.set_num_threads`).
    """
    places = np.asarray(indices)
    if not places.size:
        places = places.astype(np.intp)  # an empty list is an array of floats
    if not array.flags.c_contiguous:
        # `take` would bring all of the array in order first, for every batch
        out = np.empty((len(places), *array.shape[1:]), array.dtype)
        out[...] = array[places]
        return out
    if array.ndim > 1 and threads.number() > 1 and array.size:
        least = -(-_WORTH_A_THREAD * len(array) // array.nbytes)
        if len(places) >= 2 * least:
            return _taken_together(array, places, least)
    return array.take(places, axis=0)  # a copy even where the indices run in sequence


def _taken_together(
    array: np.ndarray[Any, Any], places: np.ndarray[Any, Any], least: int
) -> np.ndarray[Any, Any]:
    """The rows at these places, copied by several threads, of at least `least` rows each."""
    n = len(array)
    if places.dtype.kind not in "iu" or places.min() < -n or places.max() >= n:
        return array.take(places, axis=0)  # raises, and says why
    places = np.where(places < 0, places + n, places)
    out = np.empty((len(places), *array.shape[1:]), array.dtype)

    def copy(part: slice) -> None:
        # with mode="raise", the default, NumPy would copy to other memory first
        array.take(places[part], axis=0, out=out[part], mode="clip")

    threads.shared(copy, len(places), least)
    return out


def join(batches: Sequence[Batch], order: np.ndarray[Any, Any]) -> Batch | None:
    """The batches joined, with row order[i] at place i; None if the columns do not fit."""
    first = batches[0]
    names = list(first.columns) if isinstance(first.columns, Mapping) else len(first.columns)
    for batch in batches:
        own = list(batch.columns) if isinstance(batch.columns, Mapping) else len(batch.columns)
        if own != names:
            return None
    parts = []
    for columns in zip(*[batch.parts() for batch in batches], strict=True):
        joined = _join_columns(columns, order)
        if joined is None:
            return None
        parts.append(joined)
    return first.with_parts(parts)


def _join_columns(columns: Sequence[Any], order: np.ndarray[Any, Any]) -> Any:
    first = columns[0]
    if any(type(column) is not type(first) for column in columns):
        return None
    if isinstance(first, Tensor):
        if any(column.requires_grad for column in columns):
            return None
        array = _join_columns([column.array for column in columns], order)
        return None if array is None else Tensor(array)
    if isinstance(first, np.ndarray):
        if any(c.dtype != first.dtype or c.shape[1:] != first.shape[1:] for c in columns):
            return None
        return np.concatenate(columns)[order]
    if isinstance(first, Batch):
        return join(columns, order)
    flat = [value for column in columns for value in column]
    return [flat[i] for i in order]
