"""Workers: what they know, how they fail, and that none is left behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import random as python_random
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    get_worker_info,
)
from dlframe.errors import ShapeError, StateDictError, WorkerError

ROOT = Path(__file__).resolve().parents[2]


class Numbers(Dataset):
    """Sample i is i; `on` maps an index to what happens instead."""

    def __init__(self, n: int, on: dict[int, Callable[[], Any]] | None = None) -> None:
        self.n = n
        self.on = on or {}

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> int:
        if index in self.on:
            self.on[index]()
        return index


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class Quiet(Exception):
    """Made with other arguments than a text."""

    def __init__(self, *, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Last(BaseException):
    pass


class Stubborn(Exception):
    """Takes no notes, and has no text."""

    __notes__ = property(lambda self: raise_(SystemExit(1))())  # type: ignore[assignment] # another type on purpose

    def __str__(self) -> str:
        raise SystemExit(2)


# Each gives a new error, since notes stay with an error.
ENDINGS: list[Callable[[], BaseException]] = [
    lambda: SystemExit("no such disk"), KeyboardInterrupt, GeneratorExit, MemoryError,
    StopIteration, Mute, Last, Stubborn, lambda: OSError(5, "no device"),
]  # fmt: skip


def workers_alive() -> int:
    return sum(t.name.startswith("dlframe-loader") for t in threading.enumerate())


def raise_(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


class TestInfo:
    def test_outside_there_is_none(self) -> None:
        assert get_worker_info() is None
        list(DataLoader(Numbers(3), num_workers=2))
        assert get_worker_info() is None

    def test_each_worker_knows_itself(self) -> None:
        seen = {}

        def init(worker: int) -> None:
            info = get_worker_info()
            assert info is not None
            seen[worker] = info

        data = Numbers(8)
        generator = dl.Generator().manual_seed(4)
        list(DataLoader(data, num_workers=3, worker_init_fn=init, generator=generator))
        base_seed = int(dl.Generator().manual_seed(4).random_int64(1)[0])
        assert sorted(seen) == [0, 1, 2]
        for worker, info in seen.items():
            assert (info.id, info.num_workers, info.seed) == (worker, 3, base_seed + worker)
            assert isinstance(info.dataset, Numbers)
            assert info.dataset is not data

    def test_without_an_init_function_the_data_are_shared(self) -> None:
        data = Numbers(1)
        infos: list[Any] = []
        data.on = {0: lambda: infos.append(get_worker_info())}
        list(DataLoader(data, num_workers=1))
        assert infos[0].dataset is data


class TestPrefetching:
    def test_workers_run_ahead_and_not_too_far(self) -> None:
        fetched: list[int] = []
        on = {i: (lambda i=i: fetched.append(i)) for i in range(50)}
        iterator = iter(DataLoader(Numbers(50, on), num_workers=2, prefetch_factor=3))
        next(iterator)
        deadline = time.monotonic() + 5
        while len(fetched) < 7 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.05)
        assert sorted(fetched) == list(range(7))  # one handed out, 2 · 3 under way
        del iterator

    def test_slow_samples_do_not_change_the_order(self, rng: np.random.Generator) -> None:
        on = {int(i): (lambda: time.sleep(0.005)) for i in rng.choice(40, 10, replace=False)}
        batches = list(DataLoader(Numbers(40, on), batch_size=2, num_workers=3))
        assert [i for batch in batches for i in batch.tolist()] == list(range(40))

    def test_persistent_workers_stay(self) -> None:
        threads = set()
        on = {i: (lambda: threads.add(threading.get_ident())) for i in range(8)}
        loader = DataLoader(Numbers(8, on), num_workers=2, persistent_workers=True)
        for _ in range(3):
            assert [int(b.item()) for b in loader] == list(range(8))
        assert workers_alive() == 2
        assert len(threads) == 2
        del loader

    def test_persistent_workers_forget_an_epoch_that_was_broken_off(self) -> None:
        loader = DataLoader(Numbers(20), num_workers=2, persistent_workers=True)
        for stop in (1, 5):
            for number, batch in enumerate(loader):
                assert batch.item() == number
                if number == stop:
                    break
        assert [int(b.item()) for b in loader] == list(range(20))


class Drawing(Dataset):
    """Each sample is a number of dlframe's, of Python's and of NumPy's global generator."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[float, float, float]:
        return dl.rand(()).item(), python_random.random(), np.random.rand()  # noqa: NPY002 - the generator that PyTorch seeds


@pytest.mark.parametrize("persistent", [False, True])
class TestDraws:
    """What two workers draw in two epochs is what PyTorch's draw."""

    def draw(self, persistent: bool, **options: Any) -> Any:
        dl.manual_seed(13)
        loader = DataLoader(Drawing(), 2, num_workers=2, persistent_workers=persistent, **options)
        return np.stack([np.stack([x.array for x in b]) for _ in range(2) for b in loader])

    def test_in_threads(self, golden: Any, persistent: bool) -> None:
        theirs = golden("data")[f"draws_{persistent}"]
        assert (self.draw(persistent)[:, 0] == theirs[:, 0]).all()

    @pytest.mark.skipif(sys.platform != "linux", reason="forks safely on Linux alone")
    @pytest.mark.filterwarnings("ignore:.*use of fork.. may lead to deadlocks")
    def test_in_processes(self, golden: Any, persistent: bool) -> None:
        theirs = golden("data")[f"draws_{persistent}"]
        assert (self.draw(persistent, multiprocessing_context="fork") == theirs).all()


def test_a_worker_has_the_seed_that_pytorch_gives_it() -> None:
    seeds: dict[int, Any] = {}

    def init(worker: int) -> None:
        before = dl.initial_seed()
        dl.manual_seed(5)
        state = dl.get_rng_state()
        seeds[worker] = before, float(dl.rand(()))
        dl.set_rng_state(state)
        assert float(dl.rand(())) == seeds[worker][1]

    dl.manual_seed(1)
    base_seed = int(dl.Generator().manual_seed(1).random_int64(1)[0])
    list(DataLoader(Numbers(2), num_workers=2, worker_init_fn=init))
    dl.manual_seed(5)
    number = float(dl.rand(()))
    assert seeds == {0: (base_seed, number), 1: (base_seed + 1, number)}


class TestWithoutOrder:
    def test_what_is_done_first_comes_first(self) -> None:
        release = threading.Event()
        data = Numbers(9, {0: lambda: release.wait(20)})
        iterator = iter(DataLoader(data, num_workers=2, in_order=False))
        seen = [next(iterator).item() for _ in range(5)]
        assert 0 not in seen
        release.set()
        seen += [batch.item() for batch in iterator]
        assert sorted(seen) == list(range(9))

    @pytest.mark.parametrize("persistent", [False, True])
    def test_streams_and_epochs(self, persistent: bool) -> None:
        class Stream(IterableDataset):
            def __iter__(self) -> Iterator[int]:
                info = get_worker_info()
                assert info is not None
                return iter(range(info.id * 10, info.id * 10 + 3 + info.id))

        loader = DataLoader(Stream(), num_workers=3, in_order=False, persistent_workers=persistent)
        for _ in range(2):
            seen = sorted(batch.item() for batch in loader)
            assert seen == [0, 1, 2, 10, 11, 12, 13, 20, 21, 22, 23, 24]
        del loader

    def test_it_has_no_place_to_go_on_from(self) -> None:
        loader = DataLoader(Numbers(4), num_workers=1, in_order=False)
        iterator = iter(loader)
        next(iterator)
        with pytest.raises(StateDictError, match="in_order=True"):
            loader.state_dict()
        list(iterator)
        assert loader.state_dict()["epoch"] == 1

    def test_a_timeout(self) -> None:
        release = threading.Event()
        data = Numbers(2, {0: lambda: release.wait(20)})
        iterator = iter(DataLoader(data, num_workers=2, in_order=False, timeout=0.2))
        assert next(iterator).item() == 1
        with pytest.raises(WorkerError, match=r"timed out .* samples \[0\] of Numbers"):
            next(iterator)
        release.set()


def test_a_context_can_be_set_later_and_is_checked() -> None:
    loader = DataLoader([1], num_workers=1)
    with pytest.raises(ValueError, match="valid start method"):
        loader.multiprocessing_context = "teleport"
    assert (loader.worker_type, loader.multiprocessing_context) == ("thread", None)
    loader.multiprocessing_context = "spawn"
    assert loader.worker_type == "process"


def test_streams_in_a_chain_are_copied_for_each_worker() -> None:
    class Counter(IterableDataset):
        def __iter__(self) -> Iterator[int]:
            self.n = 0
            return self

        def __next__(self) -> int:
            if self.n == 50:
                raise StopIteration
            self.n += 1
            time.sleep(0)
            return self.n

    loader = DataLoader(Counter() + Counter(), num_workers=2, batch_size=None)
    assert sorted(loader) == sorted([*range(1, 51)] * 4)


class TestEnding:
    def test_at_the_end_of_the_epoch(self) -> None:
        list(DataLoader(Numbers(10), num_workers=3))
        assert workers_alive() == 0

    def test_after_a_break(self) -> None:
        for _ in DataLoader(Numbers(100), num_workers=3):
            break
        assert workers_alive() == 0

    def test_after_an_error_in_the_loop(self) -> None:
        def loop() -> None:
            for _ in DataLoader(Numbers(100), num_workers=3):
                raise KeyError

        with pytest.raises(KeyError):
            loop()
        gc.collect()
        assert workers_alive() == 0

    def test_in_a_cycle_of_references(self) -> None:
        holder: dict[str, Any] = {"iterator": iter(DataLoader(Numbers(100), num_workers=1))}
        holder["self"] = holder
        del holder
        gc.collect()
        assert workers_alive() == 0

    def test_a_program_ends_although_a_worker_hangs(self) -> None:
        code = """
        import time
        from dlframe.data import DataLoader
        class Hangs:
            def __len__(self): return 2
            def __getitem__(self, i): time.sleep(1000)
        import dlframe.data.workers
        dlframe.data.workers.STOP_SECONDS = 0.2
        iterator = iter(DataLoader(Hangs(), num_workers=1))
        print("done")
        """
        assert run_script(code).stdout == "done\n"


class TestErrors:
    def test_the_sample_and_the_data_set_are_named(self) -> None:
        data = Subset(Numbers(9, {7: raise_(ValueError("damaged"))}), [1, 3, 5, 7])
        with pytest.raises(WorkerError) as caught:
            list(DataLoader(data, batch_size=2, num_workers=2))
        text = "worker 1 failed: ValueError: damaged (while fetching sample 3 of Subset of Numbers"
        assert text in str(caught.value)
        assert "(sample 7 of Numbers)" in str(caught.value)
        assert isinstance(caught.value.__cause__, ValueError)
        assert workers_alive() == 0

    KINDS = (KeyError, FileNotFoundError, UnicodeDecodeError, MemoryError, ShapeError, Quiet)

    @pytest.mark.parametrize("kind", KINDS)
    def test_it_is_of_the_kind_of_the_workers(self, kind: type[Exception]) -> None:
        error = {
            FileNotFoundError: OSError(2, "gone", "a.png"),
            UnicodeDecodeError: UnicodeDecodeError("utf-8", b"x", 0, 1, "odd"),
            Quiet: Quiet(code=4, why="so"),
        }.get(kind) or kind("line\nline")
        with pytest.raises(kind) as caught:
            list(DataLoader(Numbers(2, {1: raise_(error)}), num_workers=1))
        assert isinstance(caught.value, WorkerError)
        assert type(caught.value).__name__ == kind.__name__
        assert str(caught.value).startswith("DataLoader worker 0 failed: ")
        assert caught.value.__cause__ is error
        assert getattr(caught.value, "code", None) == getattr(error, "code", None)
        again = pickle.loads(pickle.dumps(caught.value))  # as a study in processes does
        assert (type(again), str(again)) == (WorkerError, str(caught.value))

    def test_batches_before_the_error_arrive(self) -> None:
        seen = []
        loader = DataLoader(Numbers(9, {5: raise_(ValueError())}), num_workers=2)
        with pytest.raises(WorkerError, match="sample 5 of Numbers"):
            seen.extend(batch.item() for batch in loader)
        iterator = iter(loader)
        assert [next(iterator).item() for _ in range(5)] == [0, 1, 2, 3, 4]

    def test_an_exit_in_a_worker_is_an_error(self) -> None:
        with pytest.raises(WorkerError, match="SystemExit: 3"):
            list(DataLoader(Numbers(2, {0: raise_(SystemExit(3))}), num_workers=1))

    def test_stop_iteration_is_an_error(self) -> None:
        with pytest.raises(WorkerError, match="raised StopIteration"):
            list(DataLoader(Numbers(2, {0: raise_(StopIteration())}), num_workers=1))

    @pytest.mark.parametrize("where", ["sample", "collate", "init", "stream", "iter"])
    @pytest.mark.parametrize("new", ENDINGS, ids=lambda new: type(new()).__name__)
    def test_whatever_ends_a_worker_is_an_error(
        self, new: Callable[[], BaseException], where: str
    ) -> None:
        def act() -> None:
            raise new()

        error = new()

        class Stream(IterableDataset):
            def __iter__(self) -> Iterator[int]:
                return self.values() if where == "stream" else act()  # type: ignore[return-value] # of either kind

            def values(self) -> Iterator[int]:
                yield 0
                yield 1
                act()

        data = Numbers(9, {3: act} if where == "sample" else {})
        loader = DataLoader(
            Stream() if where in ("stream", "iter") else data,
            num_workers=2,
            collate_fn=(lambda samples: act()) if where == "collate" else None,
            worker_init_fn=(lambda worker: act()) if where == "init" else None,
        )
        with pytest.raises(WorkerError) as caught:
            list(loader)
        text = str(caught.value)
        kind = type(error).__name__
        assert re.search(r"worker [01] failed: (RuntimeError: .*StopIteration|" + kind + ")", text)
        places = {
            "sample": "while fetching sample 3 of Numbers",
            "collate": r"while collating samples \[[01]\] of Numbers",
            "init": r"in worker_init_fn|its task was samples \[[01]\] of Numbers",
            "stream": "(while fetching sample 2 of|its task was the next samples of) the stream",
            "iter": "its task was the next samples of the stream Stream",
        }
        task = r"its task was (samples \[[0-3]\] of Numbers|the next samples of the stream Stream)"
        assert re.search(task if isinstance(error, Stubborn) else places[where], text), text
        assert workers_alive() == 0

    @pytest.mark.parametrize("new", ENDINGS, ids=lambda new: type(new()).__name__)
    def test_without_workers_it_is_what_it_was(self, new: Callable[[], BaseException]) -> None:
        def act(*samples: Any) -> None:
            raise new()

        kind = RuntimeError if new is StopIteration else type(new())
        for loader in (
            DataLoader(Numbers(9, {3: act}), batch_size=2),
            DataLoader(Numbers(9), collate_fn=act),
        ):
            with pytest.raises(kind):
                list(loader)

    def test_a_thread_that_ends_outside_of_its_tasks(self) -> None:
        import ctypes

        iterator = iter(DataLoader(Numbers(9, {1: lambda: time.sleep(0.2)}), num_workers=1))
        (thread,) = [t for t in threading.enumerate() if t.name == "dlframe-loader-0"]
        raised = ctypes.pythonapi.PyThreadState_SetAsyncExc
        assert raised(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)) == 1
        with pytest.raises(WorkerError, match=r"worker 0 (died|failed).*(SystemExit|fetching)"):
            for _ in iterator:
                pass

    def test_in_the_init_function(self) -> None:
        def init(worker: int) -> None:
            raise OSError("no device")

        with pytest.raises(WorkerError, match=r"OSError: no device \(in worker_init_fn\)"):
            list(DataLoader(Numbers(2), num_workers=1, worker_init_fn=init))

    def test_in_the_iterator_of_a_stream(self) -> None:
        class Stream(IterableDataset):
            def __iter__(self) -> Iterator[int]:
                raise OSError("not connected")

        with pytest.raises(WorkerError, match="OSError: not connected"):
            list(DataLoader(Stream(), num_workers=1))

    def test_in_the_middle_of_a_stream(self) -> None:
        class Stream(IterableDataset):
            def __iter__(self) -> Iterator[int]:
                yield 1
                raise OSError("connection lost")

        with pytest.raises(WorkerError, match=r"connection lost .* sample 1 of the stream Stream"):
            list(DataLoader(Stream(), num_workers=1))

    def test_in_the_collate_function(self) -> None:
        with pytest.raises(WorkerError, match=r"while collating samples \[0, 1\] of list"):
            list(DataLoader([object(), object()], batch_size=2, num_workers=1))

    def test_a_timeout_names_what_is_stuck(self) -> None:
        release = threading.Event()
        data = Numbers(6, {2: lambda: release.wait(20)})
        loader = DataLoader(data, batch_size=2, num_workers=2, timeout=0.2)
        iterator = iter(loader)
        next(iterator)
        start = time.monotonic()
        message = r"timed out after 0.2 seconds: worker 1 is still fetching samples \[2, 3\] of Num"
        with pytest.raises(WorkerError, match=message):
            next(iterator)
        assert time.monotonic() - start < 15  # and not the 20 of the sample
        release.set()

    def test_a_timeout_of_a_stream(self) -> None:
        release = threading.Event()

        class Stream(IterableDataset):
            def __iter__(self) -> Iterator[bool]:
                yield release.wait(20)

        message = "worker 0 is still fetching the next samples of the stream Stream"
        with pytest.raises(WorkerError, match=message):
            next(iter(DataLoader(Stream(), num_workers=1, timeout=0.1)))
        release.set()

    def test_a_slow_worker_within_the_timeout_is_fine(self) -> None:
        data = Numbers(4, {i: lambda: time.sleep(0.05) for i in range(4)})
        assert len(list(DataLoader(data, num_workers=1, timeout=5))) == 4


def script_file(code: str, folder: Path) -> Path:
    file = folder / "script.py"
    file.write_text(textwrap.dedent(code), encoding="utf-8")
    return file


def environment() -> dict[str, str]:
    # this repository's dlframe, whether it is installed or not
    path = os.pathsep.join([*sys.path, str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "error"}


def run_script(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment(), timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork"
)
def test_forked_workers_leave_no_memory_behind() -> None:
    done = run_script(
        """
        import warnings
        from dlframe.data import DataLoader

        warnings.simplefilter("ignore", DeprecationWarning)  # BLAS has threads
        data = [float(i) for i in range(6)]
        loader = DataLoader(data, batch_size=2, num_workers=2, multiprocessing_context="fork")
        print([batch.tolist() for batch in loader])
        """
    )
    assert done.stdout == "[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]\n"


@pytest.mark.parametrize("worker_type", ["thread", "process"])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, worker_type: str) -> None:
    file = script_file(
        f"""
        import multiprocessing, sys, threading, time
        from dlframe.data import DataLoader

        class Slow:
            def __len__(self): return 1000
            def __getitem__(self, i):
                time.sleep(0.05)
                return i

        if __name__ == "__main__":
            try:
                for batch in DataLoader(Slow(), num_workers=2, worker_type={worker_type!r}):
                    sys.stdout.write("batch\\n")  # in one piece, which print() may not be
                    sys.stdout.flush()
            except KeyboardInterrupt as error:
                print("interrupted", getattr(error, "__notes__", []))
            alive = [t.name for t in threading.enumerate() if t.name.startswith("dlframe-loader")]
            print(alive, multiprocessing.active_children())
        """,
        tmp_path,
    )
    process = subprocess.Popen(
        [sys.executable, file],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,  # so that the whole group gets the signal, as from a terminal
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "batch\n"
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    lines = [line for line in out.splitlines() if line != "batch"]
    assert lines[0].startswith("interrupted")
    assert lines[1] == "[] []"
    assert err == ""


class TestProcesses:
    """Each case starts interpreters, so there are few, and each looks at much."""

    def test_they_load_the_same_batches(self) -> None:
        data = TensorDataset(dl.arange(22).reshape(11, 2))

        def load(**options: Any) -> list[Any]:
            dl.manual_seed(3)
            loader = DataLoader(data, batch_size=2, shuffle=True, **options)
            return [batch[0].tolist() for _ in range(2) for batch in loader]

        options = {"num_workers": 2, "persistent_workers": True}
        assert load(worker_type="process", **options) == load(**options)

    @pytest.mark.slow
    def test_what_crosses_the_border(self, tmp_path: Path) -> None:
        """Seeds, info, writable arrays, big and odd batches, errors, and shared memory freed."""
        file = script_file(
            """
            import random
            import numpy as np
            import dlframe as dl
            from dlframe.data import DataLoader, Dataset, get_worker_info
            from dlframe.errors import WorkerError

            class Odd(Exception):
                def __init__(self, a, b):
                    super().__init__(f"{a} {b}")

            class Data(Dataset):
                def __len__(self): return 6
                def __getitem__(self, i):
                    info = get_worker_info()
                    if i == 4:
                        raise ValueError("damaged")
                    if i == 5:
                        raise Odd(1, 2)
                    draws = (random.random(), np.random.rand(), dl.random.initial_seed())
                    return np.full((300, 300), i), "text", info.id, info.seed, draws, self.label

            def init(worker):
                get_worker_info().dataset.label = f"set up by {worker}"

            def load(indices):
                return DataLoader(Data(), sampler=indices, num_workers=2, worker_type="process",
                                  worker_init_fn=init, generator=dl.Generator().manual_seed(1))

            if __name__ == "__main__":
                batches = list(load([0, 1, 2]))
                for i, (image, text, worker, seed, draws, label) in enumerate(batches):
                    assert image.shape == (1, 300, 300) and (image.array == i).all()
                    image.array[...] = 0
                    assert text == ("text",) and worker.item() == i % 2
                    assert label == (f"set up by {i % 2}",)
                base = int(dl.Generator().manual_seed(1).random_int64(1)[0])
                seeds = [batch[3].item() for batch in batches]
                assert seeds == [base, base + 1, base]
                draws = [tuple(d.item() for d in batch[4]) for batch in batches]
                random.seed(base)
                state = np.random.SeedSequence([0, base & 0xFFFFFFFF, base >> 32, 0])
                np.random.seed(state.generate_state(4))
                assert draws[0][:2] == (random.random(), np.random.rand())
                assert draws[0] != draws[1]
                for index, name in ((4, "ValueError: damaged"), (5, "Odd: 1 2")):
                    try:
                        list(load([0, index]))
                    except WorkerError as error:
                        assert name in str(error), error
                        assert f"while fetching sample {index} of Data" in str(error), error
                        assert "in __getitem__" in str(error), error  # the worker's traceback
                    else:
                        raise AssertionError
                iterator = iter(load([0, 1, 2, 3] * 5))
                next(iterator)
                del iterator  # batches under way are thrown away, their memory is freed
            """,
            tmp_path,
        )
        done = subprocess.run(
            [sys.executable, file],
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""  # the resource tracker would complain here of leaked memory

    ATTEMPT = """
        import os, signal, sys, time
        from dlframe.data import DataLoader
        from dlframe.errors import WorkerError

        class Data:
            def __init__(self, how): self.how = how
            def __len__(self): return 6
            def __getitem__(self, i):
                if i == 3 and self.how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                if i == 3 and self.how == "orphan":  # which keeps the worker's pipe open
                    if os.fork() == 0:
                        time.sleep(4)
                        os._exit(0)
                    os.kill(os.getpid(), signal.SIGKILL)
                if i == 3 and self.how == "exit":
                    os._exit(7)
                if i == 3 and self.how == "hang":
                    time.sleep(1000)
                return i

        def attempt(how, **options):
            try:
                list(DataLoader(Data(how), batch_size=2, num_workers=2, worker_type="process",
                                **options))
            except WorkerError as error:
                print(error, flush=True)
        """

    def attempt(self, folder: Path, main: str) -> list[str]:
        guard = 'if __name__ == "__main__":\n' + textwrap.indent(textwrap.dedent(main), "    ")
        file = script_file(textwrap.dedent(self.ATTEMPT) + guard, folder)
        done = subprocess.run(
            [sys.executable, file],
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.splitlines()

    @pytest.mark.slow
    def test_a_killed_worker_and_one_that_cannot_start(self, tmp_path: Path) -> None:
        main = """
        attempt("kill")
        attempt("exit")
        attempt("orphan")
        attempt(lambda: 0)
        """
        killed, ended, orphan, lambda_ = self.attempt(tmp_path, main)
        assert "worker 1 died while it was fetching samples [2, 3] of Data" in killed
        assert "was killed by SIGKILL" in killed
        assert "samples [2, 3] of Data" in ended
        assert "exit code 7" in ended
        assert "was killed by SIGKILL" in orphan
        assert "can be pickled" in lambda_
        assert "worker_type='thread'" in lambda_

    @pytest.mark.slow
    def test_errors_and_batches_that_cannot_cross(self, tmp_path: Path) -> None:
        main = """
        for how in HOW:
            try:
                list(DataLoader(Data(how), num_workers=1, worker_type="process"))
            except WorkerError as error:
                print(type(error.__cause__).__name__, str(error).splitlines()[0], flush=True)
        """
        self_made = """
        class Base(Exception):
            def __init__(self, a, b):
                super().__init__("text")
        class NoReduce(Exception):
            def __reduce__(self): raise SystemExit(3)
        class Another(Exception):
            def __reduce__(self): return int, ()
        class Leaves(Exception):
            def __reduce__(self): return sys.exit, (4,)
        class Batch:
            def __init__(self, back): self.back = back
            def __reduce__(self): return (sys.exit, (5,)) if self.back else 1 / 0
        HOW = ["Base", "NoReduce", "Another", "Leaves", "exit", "Batch", "Batch back"]
        class Data:
            def __init__(self, how): self.how = how
            def __len__(self): return 2
            def __getitem__(self, i):
                if i == 0 or self.how.startswith("Batch"):
                    return 0
                if self.how == "exit":
                    raise SystemExit(6)
                raise Base(1, 2) if self.how == "Base" else globals()[self.how]()
        def collate(samples): return samples
        """
        program = textwrap.dedent(self.ATTEMPT) + textwrap.dedent(self_made)
        program += textwrap.dedent("""
        class Loader(DataLoader):
            pass
        def odd(samples): return Batch(False)
        def odd_back(samples): return Batch(True)
        """)
        guard = 'if __name__ == "__main__":\n' + textwrap.indent(textwrap.dedent(main), "    ")
        guard = guard.replace(
            'worker_type="process")',
            'worker_type="process", collate_fn={"Batch": odd, "Batch back": odd_back}.get(how))',
        )
        file = script_file(program + guard, tmp_path)
        done = subprocess.run(
            [sys.executable, file], capture_output=True, text=True, check=False,
            env=environment(), timeout=120,
        )  # fmt: skip
        assert done.stderr == ""
        lines = done.stdout.splitlines()
        assert [line.split()[0] for line in lines] == [
            "NoneType", "NoneType", "NoneType", "NoneType", "SystemExit", "NoneType", "NoneType",
        ]  # fmt: skip
        for line in lines[:5]:
            assert "worker 0 failed" in line
            assert "sample 1 of Data" in line
        assert "cannot be sent to the main process: ZeroDivisionError" in lines[5]
        assert "cannot be restored in the main process: SystemExit: 5" in lines[6]
        assert all("samples [0] of Data" in line for line in lines[5:])

    @pytest.mark.slow
    def test_a_worker_that_hangs(self, tmp_path: Path) -> None:
        (hung,) = self.attempt(tmp_path, 'attempt("hang", timeout=10)')
        assert "timed out after 10 seconds: worker 1 is still fetching samples [2, 3]" in hung
