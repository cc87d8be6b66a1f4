"""The samples of a data set as the checks read them: some, evenly spread, each hashed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlframe.data import DataLoader, Subset
from dlframe.data.dataset import IterableDataset
from dlframe.tensor import Tensor
from dlframe.training.data.batches import length_of

Split = Callable[[Any], tuple[list[Any], Any]]
Array = np.ndarray[Any, np.dtype[Any]]

_AT_ONCE = 128  # samples in a batch while reading
_KEPT = 2048  # samples whose values are kept for statistics; a mean is known to 2 % of a deviation
_BYTES = 256 << 20  # of samples that are read: a second's work of hashing
_TWICE = 8  # samples that are read a second time


@dataclass
class Rows:
    """Samples of one data set.

    `total` is None where the data do not say how many samples they have. `keys` are hashes of the
    samples' inputs, `wholes` of inputs and target. `places` are the indices of the samples, and
    empty where there are none. `inputs` and `target` hold the values of the first samples read.
    """

    name: str
    total: int | None = None
    places: list[int] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    wholes: list[bytes] = field(default_factory=list)
    inputs: list[Array] = field(default_factory=list)
    targets: list[Array] = field(default_factory=list)
    origins: list[tuple[int, int]] = field(default_factory=list)
    inputs_repeat: bool = True
    targets_repeat: bool = True

    @property
    def looked(self) -> int:
        """How many samples were read."""
        return len(self.keys)

    @property
    def share(self) -> float:
        """The part of the data set that was read; 1 where its size is not known."""
        return self.looked / self.total if self.total else 1.0

    @property
    def text(self) -> str:
        """For a report: "640 of 60,000"."""
        total = "an unknown number" if self.total is None else f"{self.total:,}"
        return f"{self.looked:,} of {total}"

    def target(self) -> Array | None:
        """The targets of all samples read, if they can be put into one array."""
        shapes = {part.shape[1:] for part in self.targets if part.ndim}
        if not self.targets or len(shapes) != 1 or any(part.ndim == 0 for part in self.targets):
            return None
        return np.concatenate(self.targets)

    def place(self, row: int) -> str:
        """Where a sample is, for a message."""
        return f"sample {self.places[row]}" if self.places else f"sample {row} as they come"


def read(loader: Any, split: Split, samples: int, name: str, seconds: float) -> Rows:
    """Read up to `samples` samples of a loader, evenly spread over its data set.

    No further batch is read after the given time.
    """
    until = time.perf_counter() + seconds
    rows = Rows(name, _size(loader))
    indices = _indices(loader, samples, rows.total)
    if indices is None:
        for batch in loader:
            _add(rows, batch, split, samples)
            if rows.looked >= samples or time.perf_counter() > until:
                break
        return rows
    limit = len(indices)
    for batch in _reader(loader, indices):
        before = rows.looked
        size = _add(rows, batch, split, limit)
        if before == 0 and size and rows.looked:
            limit = min(limit, max(_AT_ONCE, _BYTES // max(1, size // rows.looked)))
        if rows.looked >= limit or time.perf_counter() > until:
            break
    rows.places = [int(i) for i in indices[: rows.looked]]
    rows.origins = [_origin(loader.dataset, i) for i in rows.places]
    _read_again(rows, loader, split)
    return rows


def first_unreadable(loader: Any, split: Split, samples: int, seconds: float) -> int | None:
    """The lowest index that was to be read and cannot be; None where that is not found in time."""
    until = time.perf_counter() + seconds
    for index in sorted(_indices(loader, samples, _size(loader)) or []):
        if time.perf_counter() > until:
            break
        try:
            for batch in _reader(loader, [index]):
                split(batch)
        except Exception:  # noqa: BLE001 - whatever a data set of the user's raises
            return index
    return None


def _size(loader: Any) -> int | None:
    dataset = getattr(loader, "dataset", None)
    if dataset is not None:
        return length_of(dataset)
    return None


def _indices(loader: Any, samples: int, total: int | None) -> list[int] | None:
    """Indices spread over the data set, in mixed order; None where samples have no indices."""
    if (
        not isinstance(loader, DataLoader)
        or isinstance(loader.dataset, IterableDataset)
        or loader.batch_sampler is None
        or not total
    ):
        return None
    chosen = np.linspace(0, total - 1, min(samples, total)).round().astype(np.int64)
    # in mixed order, so that the first of them stand for all of a data set that is sorted
    order: list[int] = np.random.default_rng(0).permutation(chosen).tolist()
    return order


def _reader(loader: DataLoader, indices: list[int]) -> Iterable[Any]:
    subset: Subset[Any] = Subset(loader.dataset, indices)
    return DataLoader(subset, _AT_ONCE, collate_fn=loader.collate_fn)


def _add(rows: Rows, batch: Any, split: Split, limit: int) -> int:
    """Add the samples of a batch; returns the bytes of its inputs."""
    inputs, target = split(batch)
    arrays = [array for part in inputs if (array := as_array(part)) is not None and array.ndim]
    y = as_array(target)
    count = len(arrays[0]) if arrays else len(y) if y is not None and y.ndim else 1
    arrays = [array for array in arrays if len(array) == count]
    kept = rows.looked
    room = max(0, min(count, limit - kept))
    fits = y is not None and y.ndim > 0 and len(y) == count
    for i, key in enumerate(_hashes(arrays, room)):
        rows.keys.append(key)
        own = _bytes(y[i]) if fits and y is not None else b""
        rows.wholes.append(hashlib.blake2b(key + own, digest_size=16).digest())
    if y is not None:
        rows.targets.append(y[:room].copy() if fits else y.copy())
    if kept < _KEPT:
        _keep(rows, [array[: min(room, _KEPT - kept)] for array in arrays])
    return sum(array.nbytes for array in arrays)


def _keep(rows: Rows, arrays: list[Array]) -> None:
    """Keep the values of the first samples, as far as their shapes agree."""
    if not rows.inputs:
        rows.inputs = [array.copy() for array in arrays]
    elif [a.shape[1:] for a in arrays] == [a.shape[1:] for a in rows.inputs]:
        rows.inputs = [np.concatenate(pair) for pair in zip(rows.inputs, arrays, strict=True)]


def _hashes(arrays: list[Array], count: int) -> Iterator[bytes]:
    for i in range(count):
        digest = hashlib.blake2b(digest_size=16)
        for array in arrays:
            digest.update(_bytes(array[i]))
        yield digest.digest()


def _bytes(value: Any) -> bytes:
    """The bytes of a sample; numbers of all float dtypes as float32, so that they compare."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        array = array.astype(np.float32) + np.float32(0)  # -0 is 0
    return str(array.shape).encode() + array.tobytes()


def _origin(dataset: Any, index: int) -> tuple[int, int]:
    """The data set and index from which a chain of subsets takes a sample."""
    while type(dataset) is Subset:
        dataset, index = dataset.dataset, int(dataset.indices[index])
    return id(dataset), index


def _read_again(rows: Rows, loader: Any, split: Split) -> None:
    """Note whether the same sample is the same when it is read a second time."""
    again = Rows(rows.name)
    for batch in _reader(loader, rows.places[:_TWICE]):
        _add(again, batch, split, _TWICE)
    if not rows.looked or len(rows.targets[:1]) == 0:
        return
    rows.inputs_repeat = rows.keys[: again.looked] == again.keys
    first, second = rows.targets[0], again.targets[0]
    if first.ndim and second.ndim:
        rows.targets_repeat = np.array_equal(first[: len(second)], second, equal_nan=_float(first))


def _float(array: Array) -> bool:
    return array.dtype.kind in "fc"


def as_array(value: Any) -> Array | None:
    """The array of a tensor or array; None for anything else."""
    if isinstance(value, Tensor):
        return value.array
    return value if isinstance(value, np.ndarray) else None
