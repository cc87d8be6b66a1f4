"""Jobs of several threads: who takes part, and what is left of them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from dlframe.base import threads

from dlframe_numba import pool, sharing
from dlframe_numba.sharing import in_parts, in_slices


@in_parts
def _mark(first, last, number, out, length):
    """Which thread did what; each part takes some time."""
    for i in range(first, last):
        total = 0.0
        for j in range(length):
            total += np.sqrt(j * 1.0)
        out[i] = number + (total < 0)


@in_slices("table")
def _look_up(out, x, table):
    for i in range(len(x)):
        out[i] = table[x[i]]


@pytest.fixture(autouse=True)
def _three_threads():
    before = threads.number()
    threads.set_number(3)
    yield
    threads.set_number(before)


def test_several_threads_take_parts():
    out = np.full(64, -1)
    end = time.monotonic() + 60
    while out.max() < 1 and time.monotonic() < end:  # the system may be slow to wake a thread
        _mark(len(out), 1 << 20, out, 200_000)
    assert out.min() == 0
    assert 1 <= out.max() <= 2
    assert pool.STATE[pool.OPEN] == pool.STATE[pool.BUSY] == 0


def test_one_thread_takes_all_where_there_is_one():
    threads.set_number(1)
    out = np.full(64, -1)
    _mark(len(out), 1 << 20, out, 10)
    assert (out == 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100, 1000])
def test_each_item_is_computed_once(count, rng, monkeypatch):
    monkeypatch.setattr(sharing, "FEW", 1)
    monkeypatch.setattr(sharing, "_SOME", 1)
    table, x = rng.standard_normal(count), rng.permutation(count)
    for _ in range(20):
        out = np.zeros(count)
        _look_up(count, 300, out, x, table)
        assert (out == table[x]).all()


def test_threads_with_jobs_of_their_own(rng):
    """One of them has the helpers, the others go without."""
    table, x = rng.standard_normal(1 << 16), rng.integers(0, 1 << 16, 1 << 18)
    wrong = []

    def work():
        for _ in range(30):
            out = np.zeros(len(x))
            _look_up(len(x), 4, out, x, table)
            wrong.append(not (out == table[x]).all())

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(wrong) == 120
    assert not any(wrong)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_has_helpers_of_its_own(rng):
    table, x = rng.standard_normal(1 << 16), rng.integers(0, 1 << 16, 1 << 18)
    out = np.zeros(len(x))
    _look_up(len(x), 4, out, x, table)
    child = os.fork()
    if child == 0:
        out[:] = 0
        for _ in range(20):
            _look_up(len(x), 4, out, x, table)
        os._exit(0 if (out == table[x]).all() and pool.STATE[pool.BUSY] == 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_program_ends_while_threads_look_for_work():
    code = """
import dlframe as dl
dl.set_num_threads(4)
x = dl.randn(1000, 1000)
for _ in range(3):
    x.relu()
print("done")
"""
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
