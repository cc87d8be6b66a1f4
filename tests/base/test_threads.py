"""Tasks of one computation on several threads: all of them run, errors arrive, nothing hangs."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import numpy as np
import pytest

from dlframe.base import threads


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = threads.number()
    threads.set_number(3)
    yield
    threads.set_number(before)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_each_task_runs_once_and_the_first_in_this_thread(count: int) -> None:
    ran: dict[int, list[str]] = {i: [] for i in range(count)}

    def task(i: int) -> None:
        ran[i].append(threading.current_thread().name)

    threads.together([partial(task, i) for i in range(count)])
    assert [len(names) for names in ran.values()] == [1] * count
    if count:
        assert ran[0] == [threading.current_thread().name]


def test_tasks_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=30)
    threads.together([meeting.wait] * 3)


def test_tasks_see_the_context_of_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    with np.errstate(divide="call"):
        threads.together([lambda: seen.append(np.geterr()["divide"])] * 3)
    assert seen == ["call"] * 3


@pytest.mark.parametrize("wrong", [0, 2])
def test_an_error_arrives_when_all_others_have_ended(wrong: int) -> None:
    ended = []

    def task(i: int) -> None:
        if i == wrong:
            raise KeyError(i)
        ended.append(i)

    with pytest.raises(KeyError):
        threads.together([partial(task, i) for i in range(3)])
    assert sorted(ended) == [i for i in range(3) if i != wrong]
    threads.together([partial(ended.append, 9)] * 2)  # the pool goes on
    assert ended.count(9) == 2


def test_an_error_keeps_nothing_of_the_caller_alive() -> None:
    class Large:
        pass

    def step() -> weakref.ref[Large]:
        large = Large()

        def fail(_: object = large) -> None:
            raise KeyError

        with suppress(KeyError):
            threads.together([fail, fail, fail])
        return weakref.ref(large)

    gc.disable()
    try:
        assert step()() is None
    finally:
        gc.enable()


def test_a_task_may_share_its_own_work() -> None:
    total = []
    inner = partial(threads.together, [partial(total.append, 1)] * 3)
    threads.together([inner] * 3)
    assert total == [1] * 9


def test_several_threads_may_share_work_at_once() -> None:
    total = []
    callers = [
        threading.Thread(target=threads.together, args=([partial(total.append, 1)] * 4,))
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert total == [1] * 32


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork"
)
@pytest.mark.skipif(threads._processor is None, reason="threads run where the system puts them")
def test_threads_stay_away_from_the_processor_of_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert threads._processor is not None
    mine = os.sched_getaffinity(0)
    if len(mine) == 1:
        pytest.skip("there is one processor")
    seen: list[set[int]] = []

    meeting = threading.Barrier(2, timeout=30)

    def task() -> None:
        meeting.wait()
        seen.append(os.sched_getaffinity(0))

    for processor in sorted(mine):
        monkeypatch.setattr(threads, "_processor", lambda here=processor: here)
        threads.together([meeting.wait, task])
    assert [mine - places for places in seen] == [{p} for p in sorted(mine)]
    assert os.sched_getaffinity(0) == mine


@pytest.mark.skipif(threads._processor is None, reason="threads run where the system puts them")
def test_threads_run_only_where_the_process_may() -> None:
    """Its processors may change after the threads have begun, as by `taskset`."""
    code = """
import os, threading
from dlframe.base import threads
threads.set_number(3)
def places():
    threads.together([int] * 3)
    return {p for t in threads._threads for p in os.sched_getaffinity(t.native_id)}
every = os.sched_getaffinity(0)
wrong = [places() - every]
for processor in sorted(every):
    os.sched_setaffinity(0, {processor})
    wrong.append(places() ^ {processor})
os.sched_setaffinity(0, every)
places()
wrong.append(every - places() - {threads._apart[0]})
meeting = threading.Barrier(2, timeout=30)
def nested():
    meeting.wait()
    threads.together([int] * 3)
before = places()
here = threads._apart[0]
threads._processor = lambda: here
threads.together([nested, nested])
wrong.append(before ^ places())
print(wrong == [set()] * len(wrong), wrong, every == os.sched_getaffinity(0))
"""
    run = [sys.executable, "-c", code]
    result = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout.startswith("True"), (result.stdout, result.stderr)
    assert result.stdout.endswith("True\n"), result.stdout


def test_a_forked_process_has_threads_of_its_own() -> None:
    program = """
import os, sys
from dlframe.base import threads
done = []
threads.together([lambda: done.append(1)] * 3)
child = os.fork()
threads.together([lambda: done.append(1)] * 3)
if child == 0:
    os._exit(len(done))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(done))
"""
    run = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    result = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout.split() == ["6", "6"], result.stderr


_STEPS = """
import atexit, os, signal, sys, threading, time
import numpy as np
from dlframe.base import threads
x = np.zeros(4, int)
def add(i):
    time.sleep(0.01)
    x[i] += 1
def step():
    threads.together([lambda i=i: add(i) for i in range(4)])
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(
            "step()\nthreading.Thread(target=lambda: (time.sleep(0.3), step(), print(x))).start()",
            id="a thread of the user's after the end",
        ),
        pytest.param("atexit.register(lambda: (step(), step(), print(x)))", id="at the end"),
        pytest.param("step()\natexit.register(lambda: (step(), print(x)))", id="pool at the end"),
        pytest.param(
            """
class Saver:
    def __init__(self):
        self.step, self.show, self.me = step, print, self
    def __del__(self):
        self.step()
        self.show(*x.tolist())
step()
keep = Saver()
""",
            id="in a finalizer at the very end",
        ),
        pytest.param(
            """
start = threading.Thread.start
def refuse(self):
    raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
step()
threading.Thread.start = start
step()
print(x)
""",
            id="no thread for a while",
        ),
    ],
)
def test_each_task_runs_once_where_no_thread_can_be_started(program: str) -> None:
    run = [sys.executable, "-c", _STEPS + program]
    result = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    counts = {int(count) for count in result.stdout.strip().strip("[]").split()}
    assert counts in ({1}, {2})


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself an interrupt")
@pytest.mark.parametrize("where", ["a task", "waiting"])
def test_an_interrupt_arrives_when_no_thread_works_any_more(where: str) -> None:
    ended, started = [], threading.Event()

    def first() -> None:
        assert started.wait(30)
        if where == "a task":
            signal.raise_signal(signal.SIGINT)

    def other() -> None:
        started.set()
        time.sleep(0.1)
        if where == "waiting":
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        ended.append(1)

    with pytest.raises(KeyboardInterrupt):
        threads.together([first, other])
    assert ended == [1]
    threads.together([partial(ended.append, 2)] * 3)  # the pool goes on
    assert ended == [1, 2, 2, 2]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"OPENBLAS_NUM_THREADS": "3"}, "3"),
        ({"OMP_NUM_THREADS": "2"}, "2"),
        ({"OPENBLAS_NUM_THREADS": "no", "OMP_NUM_THREADS": "5"}, "5"),
    ],
)
def test_the_usual_number_is_that_of_blas(variables: dict[str, str], expected: str) -> None:
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    clean = {k: v for k, v in os.environ.items() if k not in names}
    program = "from dlframe.base import threads; print(threads.number())"
    run = [sys.executable, "-c", program]
    result = subprocess.run(
        run, env=clean | variables, capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip() == expected
