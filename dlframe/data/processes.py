"""Worker processes: new ones ("spawn"), connected by pipes, with batches in shared memory.

A batch is pickled with its arrays out of band (pickle protocol 5). The arrays go into one block of
shared memory, which the main process copies and frees. Pickles are exchanged only with our own
child processes; no file is unpickled here.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import queue
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import connection, resource_tracker, shared_memory
from typing import Any, NamedTuple

from dlframe.base import threads
from dlframe.base.printable import error_text
from dlframe.data.workers import (
    STOP_SECONDS,
    Died,
    Epoch,
    Failure,
    Result,
    Task,
    WorkerSetup,
    seed_worker_process,
    work,
)
from dlframe.errors import WorkerError


class Block(NamedTuple):
    """A pickled object whose arrays lie in a block of shared memory."""

    pickled: bytes
    name: str
    sizes: list[int]


def pack(value: Any) -> Block:
    """Pickle, with the arrays in shared memory."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    sizes = [view.nbytes for view in views]
    if not sum(sizes):
        return Block(pickled, "", sizes)
    block = shared_memory.SharedMemory(create=True, size=sum(sizes))
    start = 0
    assert block.buf is not None  # it is None after close() only
    for view, size in zip(views, sizes, strict=True):
        block.buf[start : start + size] = view
        start += size
    block.close()
    return Block(pickled, block.name, sizes)


def unpack(packed: Block) -> Any:
    """Restore the object, with memory of its own, and free the block."""
    memory = bytearray()
    if packed.name:
        block = shared_memory.SharedMemory(name=packed.name)
        assert block.buf is not None
        memory = bytearray(block.buf[: sum(packed.sizes)])
        block.close()
        block.unlink()
    view = memoryview(memory)
    buffers = []
    start = 0
    for size in packed.sizes:
        buffers.append(view[start : start + size])
        start += size
    return pickle.loads(packed.pickled, buffers=buffers)  # noqa: S301 - from our own child


def portable(failure: Failure) -> Failure:
    """The failure with its error pickled, or without it if the error cannot be pickled."""
    error: Any = None
    with contextlib.suppress(BaseException):  # an exception's pickling is its author's code
        error = pickle.dumps(failure.error)
    return failure._replace(error=error)


def restored(failure: Failure) -> Failure:
    """The failure as the worker made it, without its error if that cannot be made again."""
    error: Any = failure.error
    try:
        error = None if error is None else pickle.loads(error)  # noqa: S301 - from our own child
    except (Exception, SystemExit):  # noqa: BLE001 - its `__init__` may raise anything
        error = None
    return failure._replace(error=error if isinstance(error, BaseException) else None)


def _unpacked(result: Result) -> Result:
    """The result as the worker made it; what cannot be made again is an error that says so."""
    if result.kind == "error":
        return result._replace(payload=restored(result.payload))
    try:
        return result._replace(payload=unpack(result.payload))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the code of its class
        text = f"the batch cannot be restored in the main process: {error_text(error)}"
        return result._replace(kind="error", payload=Failure(text, "", None))


def main(setup: WorkerSetup, worker: int, pipe: connection.Connection) -> None:
    """The main function of a worker process."""
    # Ctrl-C goes to all processes of the group; only the main process should react
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _mask_interrupts(signal.SIG_UNBLOCK)
    seed_worker_process(setup.base_seed, worker)
    threads.set_number(1)  # the workers are the threads
    inbox: queue.SimpleQueue[Epoch | Task | BaseException | None] = queue.SimpleQueue()
    stopping = threading.Event()

    def receive() -> Epoch | Task | None:
        message = inbox.get()
        if isinstance(message, BaseException):
            raise message
        return message

    def listen() -> None:
        # reads all the time, so that the main process never waits for room in the pipe, and so
        # that the end of the main process is noticed, since it breaks the pipe
        try:
            while (message := pipe.recv()) is not None:
                inbox.put(message)
        except (EOFError, OSError):
            pass
        except BaseException as error:  # noqa: BLE001 - an index that cannot be made again here
            inbox.put(error)
            return
        stopping.set()
        inbox.put(None)

    threading.Thread(target=listen, daemon=True).start()

    def send(result: Result) -> None:
        if result.kind == "error":
            result = result._replace(payload=portable(result.payload))
        else:
            try:
                result = result._replace(payload=pack(result.payload))
            except BaseException as error:  # noqa: BLE001 - a batch that cannot be pickled
                text = f"the batch cannot be sent to the main process: {error_text(error)}"
                result = result._replace(kind="error", payload=Failure(text, "", None))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            pipe.send(result)

    work(setup, worker, receive, send, stopping.is_set)


def _mask_interrupts(how: int) -> set[Any]:
    """Block or unblock Ctrl-C in this thread, and return the old mask; no effect on Windows."""
    if not hasattr(signal, "pthread_sigmask"):
        return set()
    return signal.pthread_sigmask(how, {signal.SIGINT})


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Start processes with Ctrl-C blocked, so that it does not interrupt their imports."""
    before = _mask_interrupts(signal.SIG_BLOCK)
    try:
        yield
    finally:
        if signal.SIGINT not in before:
            _mask_interrupts(signal.SIG_UNBLOCK)


class ProcessWorkers:
    """Workers in processes of their own: for data sets that are slow in pure Python."""

    kind = "process"

    def __init__(self, setups: list[WorkerSetup], context: Any = None) -> None:
        context = context or multiprocessing.get_context("spawn")
        if context.get_start_method() == "fork":
            # one for all processes: else each worker has its own, which misses what is freed here
            resource_tracker.ensure_running()
        self._pipes: list[connection.Connection] = []
        self._processes: list[Any] = []
        try:
            for worker, setup in enumerate(setups):
                self._start(context, setup, worker)
        except BaseException as error:
            self.stop()
            if isinstance(error, (pickle.PicklingError, AttributeError, TypeError)):
                raise WorkerError(
                    f"DataLoader: cannot start a worker process: {error}. Worker processes need a "
                    "dataset, collate_fn and worker_init_fn that can be pickled: functions and "
                    "classes at the top of a module, no lambdas; worker_type='thread' needs none "
                    "of that"
                ) from error
            raise

    def _start(self, context: Any, setup: WorkerSetup, worker: int) -> None:
        ours, theirs = context.Pipe(duplex=True)
        process = context.Process(
            target=main,
            args=(setup, worker, theirs),
            name=f"dlframe-loader-{worker}",
            daemon=True,
        )
        self._pipes.append(ours)
        with _starting():
            process.start()
        self._processes.append(process)
        theirs.close()  # only the child holds it now, so the pipe breaks when the child ends

    def send(self, worker: int, message: Epoch | Task) -> None:
        # receive() reports a worker that has ended, since its pipe breaks
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._pipes[worker].send(message)

    def receive(self, timeout: float | None) -> Result | None:
        for ready in connection.wait(self._pipes, timeout):
            worker = next(i for i, pipe in enumerate(self._pipes) if pipe is ready)
            try:
                result: Result = self._pipes[worker].recv()
            except (EOFError, OSError):
                raise Died(worker, self._obituary(worker)) from None
            return _unpacked(result)
        # a child of a worker may have inherited the pipe, which then stays whole without the worker
        for worker, process in enumerate(self._processes):
            if not (process.is_alive() or self._pipes[worker].poll()):
                raise Died(worker, self._obituary(worker))
        return None

    def _obituary(self, worker: int) -> str:
        process = self._processes[worker]
        process.join(STOP_SECONDS)
        code = process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = "; the system kills so when memory runs out" if name == "SIGKILL" else ""
            return f"process {process.pid} was killed by {name}{hint}"
        hint = (
            "; if this is a script, the code that starts the loader must be under "
            'if __name__ == "__main__":'
        )
        return f"process {process.pid} ended with exit code {code}{hint if code else ''}"

    def stop(self) -> None:
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.send(None)
        deadline = time.monotonic() + STOP_SECONDS
        for pipe, process in zip(self._pipes, self._processes, strict=False):
            while process.is_alive() and time.monotonic() < deadline:
                self._drain(pipe)  # the worker may be waiting for room in the pipe
                process.join(0.02)
            self._drain(pipe)
            _end(process)
        for pipe in self._pipes:
            pipe.close()
        self._pipes = []
        self._processes = []

    def abandon(self) -> None:
        """Stop at once: a worker is known to be stuck."""
        for process in self._processes:
            process.terminate()
        self.stop()

    @staticmethod
    def _drain(pipe: connection.Connection) -> None:
        """Free the shared memory of batches that will not be used."""
        with contextlib.suppress(EOFError, OSError):
            while pipe.poll():
                result = pipe.recv()
                _unpacked(result)


def _end(process: Any) -> None:
    """End a process by force if it still runs, and release it."""
    for force in (process.terminate, process.kill):
        if process.is_alive():
            force()
            process.join(1.0)
    if not process.is_alive():
        process.close()
