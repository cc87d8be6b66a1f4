"""Data sets: they return samples by index, or as a stream."""

from __future__ import annotations

import bisect
import copy
import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar, cast

import numpy as np

from dlframe import random
from dlframe.data.batch import Batch, join, take
from dlframe.data.stream import splitting
from dlframe.errors import AssertedArgumentError, AssertedShapeError
from dlframe.ops.calling import wrap
from dlframe.tensor import Tensor

T_co = TypeVar("T_co", covariant=True)
T_stack = TypeVar("T_stack", tuple[Any, ...], dict[str, Any])


class Dataset(Generic[T_co]):
    """A map from keys (most often 0 … n-1) to samples.

    A subclass defines `__getitem__(index)` and, as samplers need it, `__len__`. It may also
    define `__getitems__(indices)`, which returns the samples of a whole batch at once: a list of
    samples, or, where the data lie in arrays, a `dlframe.data.Batch` of columns.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, index):
    ...         return index, index ** 2
    >>> Squares()[3]
    (3, 9)
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """A stream of samples: a subclass defines `__iter__` (without it, it cannot be made).

    Every worker iterates over a shallow copy of its own. Split the stream with
    `dlframe.data.get_worker_info`, otherwise each sample comes once per worker.

    >>> class Countdown(IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> list(Countdown() + Countdown())
    [3, 2, 1, 3, 2, 1]
    """

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ChainDataset([self, other])


def batch_getter(dataset: Any) -> Callable[[list[Any]], Sequence[Any]] | None:
    """`dataset.__getitems__`, or None where samples must be fetched one by one.

    If a subclass overrides only `__getitem__`, every sample must be fetched through it, so an
    inherited `__getitems__` is not used.
    """
    getter = getattr(dataset, "__getitems__", None)
    if not callable(getter):
        return None
    if "__getitems__" not in getattr(dataset, "__dict__", {}):
        for cls in type(dataset).__mro__:
            if "__getitems__" in vars(cls):
                break
            if "__getitem__" in vars(cls):
                return None
    return cast("Callable[[list[Any]], Sequence[Any]]", getter)


def fetch(dataset: Any, indices: list[Any]) -> Sequence[Any]:
    """The samples at these indices, fetched at once if the data set can do that."""
    getter = batch_getter(dataset)
    if getter is None:
        with splitting() as narrow:
            return [_one(dataset, index, narrow([i])) for i, index in enumerate(indices)]
    samples = getter(indices)
    if len(samples) != len(indices):
        raise ValueError(
            f"{type(dataset).__name__}.__getitems__: output size mismatch. "
            f"Expected {len(indices)} samples, got {len(samples)}"
        )
    return samples


def _one(dataset: Any, index: Any, streams: AbstractContextManager[None]) -> Any:
    with streams:
        return dataset[index]


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors (or ndarrays, which are shared) of one length; sample i is `(t[i] for t in
    tensors)`.

    Raises ShapeError where the first dimensions differ.

    >>> import dlframe as dl
    >>> data = TensorDataset(dl.arange(6).reshape(3, 2), dl.tensor([5, 6, 7]))
    >>> len(data), data[1][1].item()
    (3, 6)
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor | np.ndarray[Any, Any]) -> None:
        if not tensors:
            raise AssertedShapeError("TensorDataset: pass at least one tensor")
        self.tensors = tuple(t if isinstance(t, Tensor) else Tensor(t) for t in tensors)
        shapes = [t.array.shape for t in self.tensors]
        if any(len(shape) == 0 or shape[0] != shapes[0][0] for shape in shapes):
            raise AssertedShapeError(
                "TensorDataset: Size mismatch between tensors: the first dimension counts the "
                f"samples and must be the same in all; got shapes {shapes}"
            )

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([tensor[index] for tensor in self.tensors])

    def __getitems__(self, indices: list[int]) -> Batch:
        places = np.asarray(indices)  # once for all tensors
        return Batch(
            tuple(
                [
                    t[indices] if t.requires_grad else wrap(take(t.array, places))
                    for t in self.tensors
                ]
            )
        )

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset[T_stack]):
    """Data sets of one length side by side: a sample is the tuple (or dict) of their samples.

    >>> import dlframe as dl
    >>> pairs = StackDataset(image=[10, 11], text=["a", "b"])
    >>> pairs[1]
    {'image': 11, 'text': 'b'}
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "StackDataset: pass the data sets either by position (samples are tuples) or by "
                "name (samples are dicts), not both"
            )
        if not args and not kwargs:
            raise ValueError("StackDataset: At least one dataset should be passed")
        self.datasets = args or kwargs
        lengths = [len(dataset) for dataset in self._all()]
        if len(set(lengths)) != 1:
            raise ValueError(f"StackDataset: Size mismatch between datasets; got lengths {lengths}")
        self._length = lengths[0]

    def _all(self) -> list[Any]:
        """The data sets as a list, whether they are named or not."""
        if isinstance(self.datasets, dict):
            return list(self.datasets.values())
        return list(self.datasets)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: list[Any]) -> Batch:
        columns = [fetch(dataset, indices) for dataset in self._all()]
        if isinstance(self.datasets, dict):
            return Batch(dict(zip(self.datasets, columns, strict=True)))
        return Batch(tuple(columns))

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Data sets one after the other.

    Raises ArgumentError for no data set at all or for an IterableDataset.

    >>> both = ConcatDataset([[1, 2], [3, 4, 5]])
    >>> len(both), both[2], both[-1]
    (5, 3, 5)
    """

    datasets: list[Any]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertedArgumentError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertedArgumentError(
                "ConcatDataset does not support IterableDataset, which has no indices; "
                "use ChainDataset"
            )
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence: Iterable[Sized]) -> list[int]:
        """Where each data set ends."""
        return list(itertools.accumulate(len(dataset) for dataset in sequence))

    @property
    def cummulative_sizes(self) -> list[int]:
        """`cumulative_sizes` under its old name."""
        warnings.warn(
            "`cummulative_sizes` attribute is renamed to `cumulative_sizes`",
            FutureWarning,
            stacklevel=2,
        )
        return self.cumulative_sizes

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def _locate(self, index: int) -> tuple[int, int]:
        """Which data set holds the sample, and at which place in it."""
        if index < 0:
            if -index > len(self):
                raise ValueError(
                    "ConcatDataset: absolute value of index should not exceed dataset length; "
                    f"got index {index} for {len(self)} samples"
                )
            index += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        if which == len(self.datasets):
            raise IndexError(f"ConcatDataset: index {index} is outside 0..{len(self) - 1}")
        return which, index - (self.cumulative_sizes[which - 1] if which else 0)

    def __getitem__(self, index: int) -> T_co:
        which, local = self._locate(index)
        return cast("T_co", self.datasets[which][local])

    def __getitems__(self, indices: list[int]) -> Sequence[Any]:
        """Each data set is asked once; the samples come back in the order asked for."""
        located = [self._locate(index) for index in indices]
        groups: dict[int, list[int]] = {}
        for place, (which, _) in enumerate(located):
            groups.setdefault(which, []).append(place)
        parts = []
        with splitting() as narrow:
            for which, places in groups.items():
                with narrow(places):
                    local = [located[place][1] for place in places]
                    parts.append(fetch(self.datasets[which], local))
        order = np.argsort(np.array([place for places in groups.values() for place in places]))
        if all(isinstance(part, Batch) for part in parts):
            joined = join(cast("list[Batch]", parts), order)
            if joined is not None:
                return joined
        samples = [sample for part in parts for sample in part]
        return [samples[i] for i in order]


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other.

    Raises ArgumentError for a data set that is not an IterableDataset.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __copy__(self) -> ChainDataset:
        """With copies of the streams, so that each worker of a loader has its own."""
        chain = type(self).__new__(type(self))
        vars(chain).update(vars(self))
        if isinstance(self.datasets, (list, tuple)):
            chain.datasets = [copy.copy(dataset) for dataset in self.datasets]
        return chain

    def _streams(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertedArgumentError(
                    "ChainDataset only supports IterableDataset; "
                    f"got {type(dataset).__name__}. Use ConcatDataset for data sets with indices"
                )
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._streams():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._streams())


class Subset(Dataset[T_co]):
    """The samples of a data set at the given indices.

    >>> list(Subset("abcde", [4, 0]))
    ['e', 'a']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices
        cls = type(self)
        if cls.__getitem__ is not Subset.__getitem__ and cls.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{cls.__name__} overrides __getitem__ but not __getitems__, which the loader "
                "calls for a whole batch. Add:\n\n"
                "    def __getitems__(self, indices):\n"
                "        return [self[index] for index in indices]"
            )

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return cast("T_co", self.dataset[[self.indices[i] for i in index]])
        return cast("T_co", self.dataset[self.indices[index]])

    def __getitems__(self, indices: list[int]) -> Sequence[T_co]:
        return fetch(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any,
    lengths: Sequence[int | float],
    generator: random.Generator | None = None,
) -> list[Subset[Any]]:
    """Split into disjoint random subsets, with PyTorch's permutation for the same generator.

    `lengths` are counts, or fractions that sum to 1: then each part gets floor(fraction · n)
    samples, and the remaining samples go one by one to the first parts.

    >>> import dlframe as dl
    >>> train, test = random_split(range(10), [0.75, 0.25], generator=dl.Generator().manual_seed(1))
    >>> len(train), len(test)
    (8, 2)
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_from_fractions(len(dataset), lengths)
    if sum(lengths) != len(dataset):
        raise ValueError(
            "random_split: Sum of input lengths does not equal the length of the input dataset! "
            f"Got lengths {list(lengths)}, sum {sum(lengths)}, for {len(dataset)} samples"
        )
    counts = cast("Sequence[int]", lengths)
    generator = random.or_default(generator)
    order = generator.randperm(len(dataset)).tolist()
    ends = itertools.accumulate(counts)
    return [Subset(dataset, order[e - n : e]) for e, n in zip(ends, counts, strict=True)]


def _lengths_from_fractions(n: int, fractions: Sequence[float]) -> list[int]:
    for i, fraction in enumerate(fractions):
        if fraction < 0 or fraction > 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1; got {fraction}")
    counts = [math.floor(n * fraction) for fraction in fractions]
    for i in range(n - sum(counts)):
        counts[i % len(counts)] += 1
    for i, count in enumerate(counts):
        if count == 0:
            warnings.warn(
                f"Length of split at index {i} is 0. This might result in an empty dataset.",
                stacklevel=3,
            )
    return counts
