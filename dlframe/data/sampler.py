"""Samplers: the order in which a loader visits the samples.

Each draws what PyTorch's draws, at the same moment, so that one seed gives one order in both.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar, cast

import numpy as np

from dlframe import random
from dlframe.tensor import Tensor, to_array

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Base of all samplers: `__iter__` gives indices (or lists of them), `__len__` how many.

    >>> class Backwards(Sampler):
    ...     def __init__(self, data):
    ...         self.data = data
    ...     def __iter__(self):
    ...         return reversed(range(len(self.data)))
    >>> list(Backwards("abc"))
    [2, 1, 0]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler[int]):
    """0, 1, …, n-1."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A random order; with `replacement`, `num_samples` independent draws.

    Without a `generator` each pass seeds one of its own with a draw from the default generator,
    so that other random numbers drawn during the pass do not change the order.

    >>> import dlframe as dl
    >>> sorted(RandomSampler("abcd"))
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: random.Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(
                "num_samples should be a positive integer value, but got "
                f"num_samples={self.num_samples}"
            )

    @property
    def num_samples(self) -> int:
        """How many indices a pass gives; by default the size of the data, which may change."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        # a chain of lists takes a tenth of the time of a generator that yields number by number
        return itertools.chain.from_iterable(self._drawn())

    def _drawn(self) -> Iterator[list[int]]:
        """The indices in the pieces in which they are drawn, each when it is asked for."""
        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            seed = int(random.or_default(None).random_int64(1)[0])
            generator = random.Generator().manual_seed(seed)
        if self.replacement:
            # 32 at a time, so that a shared generator advances as in PyTorch
            for _ in range(self.num_samples // 32):
                yield generator.randint(0, n, (32,)).tolist()
            yield generator.randint(0, n, (self.num_samples % 32,)).tolist()
        else:
            for _ in range(self.num_samples // n):
                yield generator.randperm(n).tolist()
            if rest := self.num_samples % n:
                yield generator.randperm(n).tolist()[:rest]
            elif self.generator is not None:
                generator.raw32(n - 1)  # PyTorch draws a permutation here, and uses none of it

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in a random order, without replacement."""

    def __init__(self, indices: Sequence[int], generator: random.Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        generator = random.or_default(self.generator)
        for i in generator.randperm(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices, each drawn with probability proportional to its weight.

    `weights` is 1-d and need not sum to 1; without `replacement` an index comes at most once.

    >>> import dlframe as dl
    >>> list(WeightedRandomSampler([0.0, 1.0, 0.0], 3))
    [1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: random.Generator | None = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        numbers = np.array(to_array(weights), dtype=np.float64)
        if numbers.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {numbers.shape}"
            )
        self.weights = Tensor(numbers)
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        generator = random.or_default(self.generator)
        drawn = generator.multinomial(self.weights.array, self.num_samples, self.replacement)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class DistributedSampler(Sampler[T_co]):
    """The share of process `rank` of `num_replicas`: every `num_replicas`-th index.

    All processes draw the same order, from `seed + epoch`; call `set_epoch` before each epoch, or
    the order stays the same. The first indices come again at the end where the number of samples
    does not divide evenly, unless `drop_last` leaves out the rest.

    There are no groups of processes to ask here, so both numbers must be given: else it raises
    RuntimeError, as PyTorch does where it was built without them.

    >>> [list(DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError(
                "DistributedSampler: Requires distributed package to be available; here pass the "
                "number of processes and which one this is: num_replicas=1, rank=0 for a single one"
            )
        if rank >= num_replicas or rank < 0:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else -(-n // num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[T_co]:
        n = len(self.dataset)
        indices = list(range(n))
        if self.shuffle:
            generator = random.Generator().manual_seed(self.seed + self.epoch)
            indices = generator.randperm(n).tolist()
        again = itertools.islice(itertools.cycle(indices), self.total_size)
        share = list(again)[self.rank :: self.num_replicas]
        return iter(cast("list[T_co]", share))

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next pass belongs to; it decides about the order."""
        self.epoch = epoch


class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` indices from another sampler; the last may be short or dropped.

    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool
    ) -> None:
        _check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        n = len(cast("Sized", self.sampler))
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")
