"""Whether writes to parts of an array's memory changed another part is decided exactly."""

from __future__ import annotations

import sys
import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dlframe.ops import record
from dlframe.ops.places import Places

SHAPE = (4, 5, 3)


def slices(n):
    ends = st.integers(0, n)
    return st.builds(slice, ends, ends, st.sampled_from([1, 2, 3]))


views = st.tuples(*[slices(n) for n in SHAPE]) | st.tuples(
    *[st.integers(0, n - 1) | slices(n) for n in SHAPE[:2]]
)


@given(st.sampled_from("CF"), st.lists(views, min_size=1, max_size=40), views)
def test_a_part_changed_if_a_later_write_met_it(order, writes, kept):
    owner = np.zeros(SHAPE, np.float32, order=order)
    places, since = Places(owner), len(writes) // 2
    for time, index in enumerate(writes, 1):
        places.note(owner[index], time)
        owner[index] = time
    part = owner[kept]
    assert places.changed(part, since) == bool((part > since).any())


def test_large_memory_has_a_time_for_each_cell_of_it():
    for length in 2**15 + 1, 10**6:
        places = Places(x := np.zeros(length, np.uint8))
        for i in range(2000):  # more than are remembered one by one
            places.note(x[8 * i : 8 * i + 5], i + 1)
        assert places.times.nbytes <= 2**18
        cell = places.cell
        assert places.changed(x[8 * 1000 : 8 * 1000 + 1], 1000)
        assert places.changed(x[8 * 1999 + 4 :: -1], 1999)
        assert places.changed(x[1:16004:1234], 1000)
        assert places.changed(x[8 * 1992 : 8 * 2000].view(np.float64), 1999)
        assert not places.changed(x[2000 * 8 + cell :], 0)
        assert not places.changed(x[: 8 * 1000 - cell], 1000)
        assert not places.changed(x[:0], 0)


@given(st.sampled_from("CF"), st.lists(views, min_size=1, max_size=40), views)
def test_cells_miss_no_write(order, writes, kept):
    owner = np.zeros(SHAPE, np.float32, order=order)
    places, since = Places(owner), len(writes) // 2
    places.cell, places.most = 7, 3
    for time, index in enumerate(writes, 1):
        places.note(owner[index], time)
        owner[index] = time
    part = owner[kept]
    assert places.changed(part, since) or not (part > since).any()


def test_writes_while_another_thread_looks():
    x, done = np.zeros((40, 50)), threading.Event()

    def write(k):
        while not done.is_set():
            for i in range(k, 16, 4):
                record.mark_mutated(x[i, : i + 5], "a test")

    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for _ in range(3000):
            assert record.changed_since(x[30:], 0) is None
    finally:
        done.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()


def test_many_writes_and_views_of_another_dtype():
    x = np.zeros(100, np.float32)
    for i in range(0, 100, 2):
        record.mark_mutated(x[i : i + 1], "a test")
    assert record.changed_since(x[1::2], 0) is None
    assert record.changed_since(x[::2], 0).by == "a test"
    assert record.changed_since(x[:2].view(np.int64), 0).version == 50
    assert record.changed_since(x[:0], 0) is None
    record.mark_mutated(x, "all")
    assert record.changed_since(x[1::2], 0).by == "all"


def test_a_later_time_forgets_earlier_writes():
    x = np.zeros((3, 4))
    record.mark_mutated(x[0], "first")
    between = next(record.clock)
    record.mark_mutated(x[1], "second")
    assert record.changed_since(x[0], between) is None
    assert record.changed_since(x[0], 0) is not None
    assert record.changed_since(x.T[:, 1], between) is not None
    assert record.changed_since(np.asfortranarray(x), 0) is None
