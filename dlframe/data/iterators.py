"""One pass over a loader: in the main thread, or with workers."""

from __future__ import annotations

import copy
import itertools
import time
import warnings
import weakref
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dlframe.data.dataset import Dataset
from dlframe.data.fetch import describe, make_fetcher
from dlframe.data.position import EpochOrder
from dlframe.data.workers import (
    Died,
    Epoch,
    Failure,
    Result,
    Task,
    ThreadWorkers,
    WorkerSetup,
    worker_failed,
)
from dlframe.errors import WorkerError

if TYPE_CHECKING:
    from dlframe.data.loader import DataLoader

# Seconds after which a waiting main thread wakes up, so that Ctrl-C works where a lock blocks it.
LOOK_UP_SECONDS = 1.0


class LoaderIterator(Iterator[Any]):
    """The batches of one epoch; `iter(loader)` returns it."""

    def __init__(self, loader: DataLoader, order: EpochOrder) -> None:
        self._attach(loader, order)

    def _attach(self, loader: DataLoader, order: EpochOrder) -> None:
        """Copy the loader's settings; a reference to the loader itself could be a cycle."""
        self._order = order
        self._sampler = loader._index_sampler
        self._dataset = loader.dataset
        self._is_stream = loader._is_stream
        self._len_called = loader._len_called

    def __len__(self) -> int:
        return len(self._sampler)  # type: ignore[arg-type] # without a length it raises TypeError

    def __next__(self) -> Any:
        if self._order.finished:
            raise StopIteration
        try:
            batch = self._next_batch()
        except StopIteration:
            self._order.finished = True
            raise
        self._order.delivered += 1
        promised = self._len_called
        if self._is_stream and promised is not None and self._order.delivered == promised + 1:
            warnings.warn(
                f"Length of IterableDataset {self._dataset} was reported to be {promised} (when "
                f"accessing len(dataloader)), but {self._order.delivered} samples have been "
                "fetched. With workers, each must take its own share of the stream: see "
                "get_worker_info",
                stacklevel=2,
            )
        return batch

    def _next_batch(self) -> Any:
        raise NotImplementedError


class SingleIterator(LoaderIterator):
    """Fetches in the main thread, when asked."""

    def __init__(self, loader: DataLoader, order: EpochOrder) -> None:
        super().__init__(loader, order)
        self._fetch = make_fetcher(loader.plan, loader.dataset, order.base_seed, order.epoch)
        # a stream has no indices: when it is resumed, it is read again up to its position
        self._skip = order.delivered if loader._is_stream else 0

    def _next_batch(self) -> Any:
        for _ in range(self._skip):
            self._fetch(next(self._order))
        self._skip = 0
        return self._fetch(next(self._order))


class WorkerIterator(LoaderIterator):
    """Lets each worker fetch `prefetch_factor` batches ahead, and returns them in order.

    Task n goes to worker n mod num_workers, as in PyTorch; a worker whose stream has ended is
    skipped. With `in_order=False` a task goes to the worker that has fewest, and what is done first
    is returned first.

    The workers end with the epoch, with an error, or when the iterator is deleted (as after
    `break`).
    """

    def __init__(self, loader: DataLoader, order: EpochOrder) -> None:
        self.base_seed = order.base_seed
        self.closed = False
        self._run = 0
        self._count = loader.num_workers
        self._persistent = loader.persistent_workers
        self._limit = loader.num_workers * max(1, loader.prefetch_factor or 1)
        self._timeout = float(loader.timeout)
        self._in_order = loader.in_order
        self._workers = _start_workers(loader, order.base_seed)
        # the finalizer refers to the workers but not to this object, so it runs on deletion
        self._stop = weakref.finalize(self, self._workers.stop)
        self.begin(loader, order)

    def begin(self, loader: DataLoader, order: EpochOrder) -> None:
        """Start an epoch; with persistent workers it may be a later one."""
        self._attach(loader, order)
        self._run += 1
        self._sent = 0
        self._received = 0  # results taken; in order, the number of the next task to hand out
        self._waiting: dict[int, tuple[int, Any]] = {}  # task → worker, index: still being fetched
        self._done: dict[int, Result] = {}
        self._active = [True] * self._count
        self._turns = itertools.cycle(range(self._count))
        self._skip = order.delivered if loader._is_stream else 0
        for worker in range(self._count):
            self._workers.send(worker, Epoch(self._run, order.base_seed, order.epoch))
        for _ in range(self._limit):
            self._send_next()

    def close(self) -> None:
        """End the workers and wait for them."""
        self.closed = True
        self._stop()

    def _next_batch(self) -> Any:
        try:
            while self._skip:
                self._take()
                self._skip -= 1
            return self._take()
        except StopIteration:
            if not self._persistent:
                self.close()
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                error.add_note(f"while waiting for a worker: {self._outstanding()}")
            self.close()
            raise

    def _take(self) -> Any:
        """The result of the next task in order, or of any."""
        if self.closed:
            raise StopIteration
        deadline = time.monotonic() + self._timeout if self._timeout else None
        while self._received < self._sent:
            number = self._received if self._in_order else next(iter(self._done), -1)
            result = self._done.pop(number, None)
            if result is None:
                self._receive(deadline)
                continue
            self._received += 1
            if result.kind == "end":
                continue
            self._send_next()
            if result.kind == "error":
                self._raise(result)
            return result.payload
        raise StopIteration

    def _receive(self, deadline: float | None) -> None:
        """Wait for one result and store it."""
        pause = LOOK_UP_SECONDS
        if deadline is not None:
            pause = min(pause, deadline - time.monotonic())
            if pause <= 0:
                self._time_out()
        try:
            result = self._workers.receive(pause)
        except Died as death:
            raise WorkerError(
                f"DataLoader worker {death.worker} died while it was fetching "
                f"{self._task_of(death.worker)}: {death.how}"
            ) from None
        if result is None or result.run != self._run:  # late, from an unfinished epoch
            return
        _, index = self._waiting.pop(result.number)
        if result.kind == "error" and not result.payload.noted:
            where = f"its task was {describe(self._dataset, index)}"
            summary = f"{result.payload.summary} ({where})"
            result = result._replace(payload=result.payload._replace(summary=summary))
        self._done[result.number] = result
        if result.kind == "end" and self._active[result.worker]:
            self._active[result.worker] = False
            self._send_next()

    def _send_next(self) -> None:
        """Draw the next indices and queue them with the next worker that still has data."""
        if not any(self._active):
            return
        index = next(self._order, _NOTHING)
        if index is _NOTHING:
            return
        worker = self._next_worker()
        self._waiting[self._sent] = (worker, index)
        self._workers.send(worker, Task(self._run, self._sent, index))
        self._sent += 1

    def _next_worker(self) -> int:
        """The one whose turn it is, or, without order, the one that has fewest tasks."""
        if self._in_order:
            return next(w for w in self._turns if self._active[w])
        tasks = Counter(worker for worker, _ in self._waiting.values())
        return min((w for w in range(self._count) if self._active[w]), key=lambda w: tasks[w])

    def _raise(self, result: Result) -> None:
        failure: Failure = result.payload
        remote = self._workers.kind == "process"
        raise worker_failed(f"worker {result.worker}", failure, remote=remote) from failure.error

    def _time_out(self) -> None:
        worker, index = next(iter(self._waiting.values()))
        self._stop.detach()
        self._workers.abandon()
        raise WorkerError(
            f"DataLoader timed out after {self._timeout:g} seconds: worker {worker} is still "
            f"fetching {describe(self._dataset, index)}. Find out what these samples wait for, or "
            "raise timeout="
        )

    def _task_of(self, worker: int) -> str:
        """The present task of a worker: its first one without a result."""
        for busy, index in self._waiting.values():
            if busy == worker:
                return describe(self._dataset, index)
        return "nothing"

    def _outstanding(self) -> str:
        if not self._waiting:
            return "no task"
        worker, index = next(iter(self._waiting.values()))
        return f"worker {worker} is fetching {describe(self._dataset, index)}"


_NOTHING = object()


def _start_workers(loader: DataLoader, base_seed: int) -> Any:
    setups = []
    for _ in range(loader.num_workers):
        dataset = loader.dataset
        own = loader._is_stream or loader.worker_init_fn is not None
        if own and isinstance(dataset, Dataset):
            dataset = copy.copy(dataset)  # so that worker_init_fn can set each one up differently
        setups.append(
            WorkerSetup(loader.plan, dataset, loader.num_workers, base_seed, loader.worker_init_fn)
        )
    if loader.worker_type == "process":
        from dlframe.data.processes import ProcessWorkers  # loads multiprocessing's shared memory

        return ProcessWorkers(setups, loader.multiprocessing_context)
    return ThreadWorkers(setups)
