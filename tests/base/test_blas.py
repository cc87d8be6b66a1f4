"""BLAS on one thread for a while: whoever is inside, and whatever interrupts them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

import dlframe as dl
from dlframe.base import blas, threads


def number() -> int:
    return max((get() for get, _ in blas._libraries()), default=1)


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = dl.get_num_threads()
    while threads._alone is not None:  # another test has shared something a moment ago
        time.sleep(0.01)
    dl.set_num_threads(2)
    if number() != 2:
        pytest.skip("this BLAS has no number of threads that can be set")
    yield
    dl.set_num_threads(before)


def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    with blas.alone():
        assert number() == 1
        with blas.alone():
            assert number() == 1
        assert number() == 1
    assert number() == 2


def test_the_last_of_several_threads_sets_the_number_back() -> None:
    inside, leave, seen = threading.Event(), threading.Event(), []

    def other() -> None:
        with blas.alone():
            inside.set()
            leave.wait(30)
        seen.append(number())

    thread = threading.Thread(target=other)
    with blas.alone():
        thread.start()
        assert inside.wait(30)
    assert number() == 1
    leave.set()
    thread.join()
    assert seen == [2]


def test_a_number_set_inside_holds_afterwards() -> None:
    with blas.alone():
        dl.set_num_threads(1)
        assert number() == 1
    assert number() == 1
    with blas.alone():
        dl.set_num_threads(2)
        assert number() == 1
    assert number() == 2


def test_a_limit_of_the_user_holds() -> None:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        with blas.alone():
            assert number() == 1
        assert number() == 1
    assert number() == 2


def test_a_number_that_the_user_sets_meanwhile_holds() -> None:
    from threadpoolctl import threadpool_limits

    with blas.alone():
        threadpool_limits(3)
    assert number() == 3
    threadpool_limits(2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.parametrize("meanwhile", ["pass", "step()", "dl.set_num_threads(2)"])
def test_a_process_that_is_forked_meanwhile_has_all_threads(meanwhile: str) -> None:
    code = f"""
import os, time
import dlframe as dl
from dlframe.base import blas, threads
def step():
    threads.together([int, int])
def numbers():
    end = time.monotonic() + 60
    while True:  # the thread that ends the hold says so a moment before it has done it
        found = [get() for get, _ in blas._libraries()]
        if (threads._alone is None and max(found) == 2) or time.monotonic() > end:
            return found
        time.sleep(0.01)
dl.set_num_threads(2)
step()
if not (child := os.fork()):
    {meanwhile}
    os._exit(10 + max(numbers()))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), max(numbers()))
"""
    run = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    result = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert (result.stdout, result.returncode) == ("12 2\n", 0), result.stderr


def test_an_exit_that_was_skipped_is_made_up_for() -> None:
    def interrupted() -> None:
        blas.alone().__enter__()

    interrupted()
    assert number() == 1
    with blas.alone():
        pass
    assert number() == 2


def test_blas_stays_on_one_thread_until_nothing_is_shared_any_more() -> None:
    """Its threads wait in busy loops after each product, in the way of ours."""
    threads.together([int, int])
    assert number() == 1
    threads.together([int, int])
    end = time.monotonic() + 60
    while number() == 1 and time.monotonic() < end:
        time.sleep(0.01)
    assert number() == 2


def test_a_library_that_is_loaded_meanwhile_has_one_thread_as_well() -> None:
    code = """
import numpy, dlframe as dl
from dlframe.base import blas
dl.set_num_threads(2)
with blas.alone():
    import scipy.linalg
    blas.look_again()
    print({get() for get, _ in blas._libraries()})
print({get() for get, _ in blas._libraries()})
"""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    run = [sys.executable, "-c", code]
    result = subprocess.run(
        run, capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    assert (result.stdout, result.returncode) == ("{1}\n{2}\n", 0), result.stderr


def test_products_share_nothing_with_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors and matrices of all sizes: no product wakes the threads of BLAS, and none hangs."""
    entered: list[int] = []
    enter = blas._Alone.__enter__

    def counted(self: blas._Alone) -> None:
        entered.append(1)
        enter(self)

    monkeypatch.setattr(blas._Alone, "__enter__", counted)
    for shapes in [
        ((600, 600), (600, 600)),
        ((80, 80), (80, 80)),
        ((600, 600), (600,)),
        ((600,), (600, 600)),
        ((1, 600), (600, 600)),
    ]:
        before = len(entered)
        dl.ones(*shapes[0]) @ dl.ones(*shapes[1])
        assert len(entered) > before, shapes


_INTERRUPTS = """
import random, signal, time
import dlframe as dl
from dlframe.base import blas, threads
seed = 0
random.seed(seed)
dl.set_num_threads(3)
x = dl.ones(300, 300)
x @ x
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
count, end = 0, time.monotonic() + 2
while time.monotonic() < end:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-4, 3e-3))
        while True:
            x @ x
    except KeyboardInterrupt:
        count += 1
signal.setitimer(signal.ITIMER_REAL, 0)
y = x @ x
assert (y == 300).all()
end = time.monotonic() + 60
while any(get() == 1 for get, _ in blas._libraries()) and time.monotonic() < end:
    time.sleep(0.01)
print(count > 50, [get() for get, _ in blas._libraries()])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no timers that interrupt")
def test_hundreds_of_interrupts_leave_everything_as_it_was() -> None:
    run = [sys.executable, "-c", _INTERRUPTS]
    result = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert (result.stdout, result.returncode) == ("True [3]\n", 0), result.stderr
