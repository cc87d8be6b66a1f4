"""Fetching one batch: the part of the loader that runs in the main thread or in a worker."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from dlframe.data.dataset import Subset, fetch
from dlframe.data.stream import SampleDraws, drawing


@dataclass(frozen=True)
class WorkerInfo:
    """Describes a worker; `get_worker_info` returns it inside one."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker_info: ContextVar[WorkerInfo | None] = ContextVar("worker_info", default=None)


def get_worker_info() -> WorkerInfo | None:
    """This worker's number, their count, its seed and its data set; None outside a worker.

    >>> get_worker_info() is None
    True
    """
    return _worker_info.get()


def set_worker_info(info: WorkerInfo) -> None:
    """Make this thread a worker; threads and processes start with one of their own."""
    _worker_info.set(info)


@dataclass(frozen=True)
class FetchPlan:
    """The settings of a fetch, which are the same in every worker."""

    iterable: bool
    batched: bool  # an index is a list of samples' indices, and the collate function gets a list
    drop_last: bool
    collate_fn: Callable[[Any], Any]


def make_fetcher(plan: FetchPlan, dataset: Any, seed: int, epoch: int) -> Callable[[Any], Any]:
    """A function from the index (or the list of indices) to the finished batch, for one epoch."""
    if plan.iterable:
        return StreamFetcher(plan, dataset, seed, epoch)
    return MapFetcher(plan, dataset, seed, epoch)


class MapFetcher:
    """Fetches by index; a failure is marked with the sample that caused it."""

    def __init__(self, plan: FetchPlan, dataset: Any, seed: int, epoch: int) -> None:
        self.plan = plan
        self.dataset = dataset
        self.seed = seed
        self.epoch = epoch

    def __call__(self, index: Any) -> Any:
        try:
            with drawing(self._draws(index)):
                samples = fetch(self.dataset, index) if self.plan.batched else self.dataset[index]
        except StopIteration as error:  # it would end the epoch silently
            text = "the data set raised StopIteration for an index"
            raise RuntimeError(f"{text}, while fetching {self._blame(index)}") from error
        except BaseException as error:  # SystemExit and the like end a worker, too
            if not _is_of_the_user(error):
                add_note(error, f"while fetching {self._blame(index)}")
            raise
        return collate(self.plan, samples, lambda: describe(self.dataset, index))

    def _draws(self, index: Any) -> SampleDraws:
        indices = index if isinstance(index, list) else [index]
        return SampleDraws(self.seed, self.epoch, indices)

    def _blame(self, index: Any) -> str:
        """The sample at fault: the first one that also fails alone."""
        if not self.plan.batched:
            return describe(self.dataset, index)
        for single in index:
            try:
                with drawing(self._draws(single)):
                    self.dataset[single]
            except BaseException:  # noqa: BLE001 - the error itself is on its way already
                return describe(self.dataset, single)
        return describe(self.dataset, index)


class StreamFetcher:
    """Fetches the next samples of an IterableDataset; raises StopIteration at its end."""

    def __init__(self, plan: FetchPlan, dataset: Any, seed: int, epoch: int) -> None:
        self.plan = plan
        self.dataset = dataset
        self.seed = seed
        self.epoch = epoch
        self.taken = 0
        self.ended = False
        self.samples: Iterator[Any] = iter(dataset)

    def __call__(self, index: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.plan.batched:
            return self._collate(self._next())
        samples = []
        for _ in index:
            try:
                samples.append(self._next())
            except StopIteration:
                self.ended = True
                break
        if not samples or (self.plan.drop_last and len(samples) < len(index)):
            raise StopIteration
        return self._collate(samples)

    def _collate(self, samples: Any) -> Any:
        def last() -> str:
            return f"up to sample {self.taken - 1} of the stream {name_of(self.dataset)}"

        return collate(self.plan, samples, last)

    def _next(self) -> Any:
        # samples of a stream have no index: they are counted, and the workers' counts interleave
        info = get_worker_info()
        number = self.taken * info.num_workers + info.id if info else self.taken
        try:
            with drawing(SampleDraws(self.seed, self.epoch, [number])):
                sample = next(self.samples)
        except StopIteration:
            raise
        except BaseException as error:
            if not _is_of_the_user(error):
                where = f"sample {self.taken} of the stream {name_of(self.dataset)}"
                add_note(error, f"while fetching {where}")
            raise
        self.taken += 1
        return sample


def collate(plan: FetchPlan, samples: Any, which: Callable[[], str]) -> Any:
    """The batch; a failure is marked with the samples, as `which` names them."""
    try:
        return plan.collate_fn(samples)
    except StopIteration as error:  # it would end the epoch silently
        text = "the collate function raised StopIteration while collating"
        raise RuntimeError(f"{text} {which()}") from error
    except BaseException as error:
        if not _is_of_the_user(error):
            add_note(error, f"while collating {which()}")
        raise


def add_note(error: BaseException, text: str) -> None:
    """Note on an error where it happened, even if its class makes that hard."""
    try:
        BaseException.add_note(error, text)
    except BaseException:  # noqa: BLE001 - a class of the user's, with notes of its own kind
        with contextlib.suppress(BaseException):
            error.__notes__ = [text]


def _is_of_the_user(error: BaseException) -> bool:
    """Whether it is a Ctrl-C, which workers do not get; then nothing is looked for any more."""
    return isinstance(error, KeyboardInterrupt) and get_worker_info() is None


def name_of(dataset: Any) -> str:
    """The name of the data set's class; for a subset also that of the whole."""
    name = type(dataset).__name__
    if isinstance(dataset, Subset):
        return f"{name} of {name_of(dataset.dataset)}"
    return name


def describe(dataset: Any, index: Any) -> str:
    """For messages: "sample 3 of Subset of MNIST (sample 17 of MNIST)", or a batch's samples."""
    if index is None or (isinstance(index, list) and index and index[0] is None):
        return f"the next samples of the stream {name_of(dataset)}"
    if isinstance(index, list):
        shown = ", ".join(map(repr, index[:8])) + (", …" if len(index) > 8 else "")
        return f"samples [{shown}] of {name_of(dataset)}"
    text = f"sample {index!r} of {name_of(dataset)}"
    if isinstance(dataset, Subset):
        while isinstance(dataset, Subset):
            try:
                index, dataset = dataset.indices[index], dataset.dataset
            except (IndexError, TypeError):
                return text
        text += f" (sample {index!r} of {name_of(dataset)})"
    return text
