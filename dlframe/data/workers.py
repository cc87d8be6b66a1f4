"""The loader's workers: threads, or processes when asked, that fetch batches ahead of time.

Both use the same messages. A worker receives `Epoch` (start a fetcher), `Task` (fetch these
indices) and None (stop), and it returns `Result`s. It does its tasks in the order given.
"""

from __future__ import annotations

import contextlib
import queue
import random as python_random
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from dlframe import random
from dlframe.base.printable import error_text
from dlframe.data.fetch import FetchPlan, WorkerInfo, add_note, make_fetcher, set_worker_info
from dlframe.errors import WorkerError
from dlframe.random.default import use_in_thread

STOP_SECONDS = 5.0  # how long a worker may take to finish its sample when the loader stops


class Epoch(NamedTuple):
    """Begin an epoch; `run` numbers the epochs of these workers, to recognize late results."""

    run: int
    seed: int
    epoch: int


class Task(NamedTuple):
    """Fetch one batch."""

    run: int
    number: int
    index: Any


class Result(NamedTuple):
    """The result of a task: `kind` is "data", "error" or "end" (the worker's stream has ended)."""

    worker: int
    run: int
    number: int
    kind: str
    payload: Any


class Failure(NamedTuple):
    """An error in a form that can be sent to another process."""

    summary: str
    trace: str
    error: BaseException | None
    noted: bool = False  # whether the summary says where it happened


@dataclass(frozen=True)
class WorkerSetup:
    """The arguments with which every worker starts."""

    plan: FetchPlan
    dataset: Any
    num_workers: int
    base_seed: int
    init_fn: Callable[[int], None] | None


class Died(Exception):
    """A worker process ended by itself."""

    def __init__(self, worker: int, how: str) -> None:
        super().__init__(how)
        self.worker = worker
        self.how = how


class Workers(Protocol):
    """A group of workers as the loader sees it."""

    kind: str

    def send(self, worker: int, message: Epoch | Task) -> None:
        """Queue a message; returns at once."""

    def receive(self, timeout: float | None) -> Result | None:
        """The next result of any worker, None after the timeout; raises Died."""

    def stop(self) -> None:
        """End all workers and wait for them; may be called twice."""


def work(
    setup: WorkerSetup,
    worker: int,
    receive: Callable[[], Epoch | Task | None],
    send: Callable[[Result], None],
    stopping: Callable[[], bool],
) -> None:
    """The main loop of a worker, in a thread or in a process."""
    info = WorkerInfo(worker, setup.num_workers, setup.base_seed + worker, setup.dataset)
    set_worker_info(info)
    broken: BaseException | None = None
    try:
        if setup.init_fn is not None:
            setup.init_fn(worker)
    except BaseException as error:  # noqa: BLE001 - reported with the first task
        add_note(error, "in worker_init_fn")
        broken = error
    fetcher: Callable[[Any], Any] | None = None
    while (message := receive()) is not None:
        if stopping():
            continue
        if isinstance(message, Epoch):
            try:
                fetcher = make_fetcher(setup.plan, setup.dataset, message.seed, message.epoch)
            except BaseException as error:  # noqa: BLE001 - iter(dataset): reported likewise
                broken = error
            continue
        kind, payload = _attempt(setup, fetcher, broken, message)
        send(Result(worker, message.run, message.number, kind, payload))


def _attempt(
    setup: WorkerSetup,
    fetcher: Callable[[Any], Any] | None,
    broken: BaseException | None,
    task: Task,
) -> tuple[str, Any]:
    """("data", batch), ("end", None) or ("error", failure)."""
    if broken is not None:
        return "error", failure_of(broken)
    assert fetcher is not None
    try:
        return "data", fetcher(task.index)
    except StopIteration as error:
        return ("end", None) if setup.plan.iterable else ("error", failure_of(error))
    except BaseException as error:  # noqa: BLE001 - SystemExit too must reach the main thread
        return "error", failure_of(error)


def failure_of(error: BaseException) -> Failure:
    """The error, its notes on where it happened, and its traceback as text."""
    try:
        notes = "; ".join(map(str, getattr(error, "__notes__", [])))
        summary = error_text(error, keep="\n\t")
        if notes:
            summary = f"{summary} ({notes})"
        trace = "".join(traceback.format_exception(error))
        return Failure(summary, trace, error, noted=bool(notes))
    except BaseException:  # noqa: BLE001 - no memory, or notes that raise: better little than nothing
        return Failure(type(error).__name__, "", error)


def run_thread(
    setup: WorkerSetup,
    worker: int,
    receive: Callable[[], Epoch | Task | None],
    send: Callable[[Result | Died], None],
    stopping: Callable[[], bool],
) -> None:
    """The main function of a worker thread, which never ends without a word."""
    try:
        use_in_thread(random.Generator().manual_seed(setup.base_seed + worker))
        work(setup, worker, receive, send, stopping)
    except BaseException as error:  # noqa: BLE001 - the main thread waits for this one
        send(Died(worker, error_text(error)))


class ThreadWorkers:
    """Workers in this process; they run in parallel while NumPy has released the GIL."""

    kind = "thread"

    def __init__(self, setups: list[WorkerSetup]) -> None:
        self._results: queue.SimpleQueue[Result | Died] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._inboxes: list[queue.SimpleQueue[Epoch | Task | None]] = []
        self._threads: list[threading.Thread] = []
        for worker, setup in enumerate(setups):
            inbox: queue.SimpleQueue[Epoch | Task | None] = queue.SimpleQueue()
            # a daemon, so that the program can end while a sample is still being fetched
            thread = threading.Thread(
                target=run_thread,
                args=(setup, worker, inbox.get, self._results.put, self._stopping.is_set),
                name=f"dlframe-loader-{worker}",
                daemon=True,
            )
            self._inboxes.append(inbox)
            try:
                thread.start()
            except BaseException:  # the system has no more threads: leave none waiting for work
                self.stop()
                raise
            self._threads.append(thread)

    def send(self, worker: int, message: Epoch | Task) -> None:
        self._inboxes[worker].put(message)

    def receive(self, timeout: float | None) -> Result | None:
        try:
            result = self._results.get(timeout=timeout)
        except queue.Empty:
            for worker, thread in enumerate(self._threads):
                if not (thread.is_alive() or self._stopping.is_set()) and self._results.empty():
                    raise Died(worker, "its thread has ended") from None
            return None
        if isinstance(result, Died):
            raise result
        return result

    def stop(self) -> None:
        self._stopping.set()
        for inbox in self._inboxes:
            inbox.put(None)
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            # the garbage collector may run this in a worker, which cannot wait for itself
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def abandon(self) -> None:
        """Stop without waiting: a worker is known to be stuck."""
        self._stopping.set()
        for inbox in self._inboxes:
            inbox.put(None)


def seed_worker_process(base_seed: int, worker: int) -> None:
    """Seed Python's, NumPy's and dlframe's global generators, each worker differently.

    As in PyTorch: seed + worker for Python and for us, NumPy's from a SeedSequence of both.
    """
    seed = base_seed + worker
    python_random.seed(seed)
    random.manual_seed(seed)
    entropy = [worker, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    state = np.random.SeedSequence(entropy).generate_state(4)
    np.random.seed(state)  # noqa: NPY002 - the user's code in the worker may draw from it


def worker_failed(what: str, failure: Failure, *, remote: bool) -> WorkerError:
    """The error that the main thread raises for a worker's: of the same kind, and a WorkerError."""
    text = f"DataLoader {what} failed: {failure.summary}"
    if remote:
        text = f"{text}\n\nThe traceback of the worker:\n{failure.trace}"
    error = failure.error
    if isinstance(error, Exception) and not isinstance(error, (StopIteration, WorkerError)):
        with contextlib.suppress(BaseException):  # the code of its class may do anything
            return _of_both_kinds(error, text)
    return WorkerError(text)


def _of_both_kinds(error: Exception, text: str) -> WorkerError:
    """A WorkerError that `except` takes for the worker's error too, as PyTorch raises it."""
    kind = type(error)
    if issubclass(WorkerError, kind):
        return WorkerError(text)
    namespace = {
        "__module__": kind.__module__,
        "__doc__": kind.__doc__,
        "__str__": lambda self: text,  # that of KeyError would quote it
        "__reduce__": lambda self: (WorkerError, (text,)),
    }
    both: Any = type(kind.__name__, (WorkerError, kind), namespace)
    # without `__init__`, which may ask for other arguments
    try:
        raised: WorkerError = kind.__new__(both, text)
    except TypeError:  # Python asks for the first base's, as with MemoryError
        raised = WorkerError.__new__(both, text)
    vars(raised).update(vars(error))
    vars(raised).pop("__notes__", None)  # they are in the text
    raised.args = (text,)
    return raised
