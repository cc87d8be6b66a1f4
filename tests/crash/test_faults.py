"""Every call on the disk fails once: a named error, the old file, nothing left, another try."""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dlframe as dl
from crash.disk import Folder, read
from crash.recording import Call, Recorder, failing, os_error
from crash.runs import EPOCHS, TRAIN, run, run_again, weights, without_times
from dlframe import nn, utils
from dlframe.cli import main
from dlframe.utils.atomic import is_temporary

DISK_FULL = lambda: os_error(errno.ENOSPC)
OTHERS = [lambda code=code: os_error(code) for code in (errno.EIO, errno.EACCES, errno.EROFS)]

# An error, and whether it comes when the call is done: only an interrupt does.
STRIKES = [
    *((error, False) for error in (DISK_FULL, *OTHERS, MemoryError, KeyboardInterrupt)),
    (KeyboardInterrupt, True),
]


# A failure of these may change nothing: a folder that is there, leftovers, a disk without locks.
OPTIONAL = ("mkdir", "listdir", "scandir", "flock", "stat", "open", "fsync folder")

OLD = {"w": dl.arange(600.0), "note": "old", "more": [1, None, "x"]}
NEW = {"w": dl.arange(600.0) * 2, "note": "new", "more": [2, None, "y"]}


def save(folder: Path) -> None:
    utils.save(NEW, folder / "x.h5")


def save_compressed(folder: Path) -> None:
    utils.save(NEW, folder / "x.h5", compression=4)


def save_into_new_folders(folder: Path) -> None:
    utils.save(NEW, folder / "deep" / "er" / "x.h5")


def save_as_pytorch(folder: Path) -> None:
    utils.save(NEW, folder / "x.h5", format="torch")


def save_tensors(folder: Path) -> None:
    utils.save({"w": NEW["w"]}, folder / "x.h5", format="safetensors")


def save_arrays(folder: Path) -> None:
    utils.save({"w": NEW["w"]}, folder / "x.h5", format="npz")


def write_text(folder: Path) -> None:
    with utils.atomic_write(folder / "x.h5", "w") as file:
        file.write("line\n" * 5000)


def checkpoint(folder: Path) -> None:
    model = nn.Linear(3, 2)
    utils.save_checkpoint(folder / "step-3.h5", model=model, keep=2, compression=1, epoch=3)


def prepare(folder: Path) -> Folder:
    folder.mkdir()
    utils.save(OLD, folder / "x.h5")
    for step in (1, 2):
        utils.save_checkpoint(folder / f"step-{step}.h5", epoch=step)
    return read(folder)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0


def strike(
    act: Callable[[Path], None], folder: Path, number: int, error: BaseException, afterwards: bool
) -> tuple[BaseException | None, Recorder]:
    """Let one call fail, and look at all that must hold whatever came of it."""
    handles = open_files()
    raised: BaseException | None = None
    with Recorder(folder, failing(number, error, afterwards=afterwards)) as recorder:
        try:
            act(folder)
        except (OSError, MemoryError, KeyboardInterrupt) as caught:
            raised = caught
    struck = f"{recorder.calls[number]}: {error!r}"
    assert recorder.left_open == [], struck
    assert open_files() == handles, struck
    left = [name for name in read(folder) if is_temporary(Path(name).name)]
    assert left == [], struck
    return raised, recorder


ACTS = [
    *(save, save_compressed, save_into_new_folders, save_as_pytorch, save_arrays, save_tensors),
    *(write_text, checkpoint),
]


def trials() -> list[Any]:
    """Each act with some strikes at some calls, for every day; all of them, slowly."""
    some = [
        pytest.param(act, error, False, 7)
        for act in ACTS
        for error in (DISK_FULL, KeyboardInterrupt)
    ]
    slow = [
        pytest.param(act, error, afterwards, 1, marks=pytest.mark.slow)
        for act in ACTS
        for error, afterwards in STRIKES
    ]
    return [*some, *slow]


@pytest.mark.parametrize("act, error, afterwards, every", trials())
def test_every_call_fails_once(
    tmp_path: Path, act: Any, error: Callable[[], BaseException], afterwards: bool, every: int
) -> None:
    old = prepare(tmp_path / "old")
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    with Recorder(tmp_path / "new") as recorder:
        act(tmp_path / "new")
    new = sorted(read(tmp_path / "new"))
    renamed = next(i for i, call in enumerate(recorder.calls) if call.kind == "rename")
    for number in range(len(act.__name__) % every, len(recorder.calls), every):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "old", folder)
        raised, recorder = strike(act, folder, number, error(), afterwards)
        call = recorder.calls[number]
        check_error(recorder, raised, error(), call)
        if raised is not None and (number < renamed or (number == renamed and not afterwards)):
            # folders may be new, and empty
            assert {n: c for n, c in read(folder).items() if c is not None} == old, call
        act(folder)
        assert sorted(read(folder)) == new, call


def check_error(
    recorder: Recorder, raised: BaseException | None, error: BaseException, call: Call
) -> None:
    """The error itself came through, and says of which file."""
    if raised is None:
        assert not recorder.struck or (isinstance(error, OSError) and call.kind in OPTIONAL), call
        return
    assert type(raised) is type(error), (call, raised)
    if isinstance(raised, OSError):
        assert isinstance(error, OSError)
        assert raised.errno == error.errno, (call, raised)
        assert raised.filename is not None, (call, raised)


# --- whole runs --------------------------------------------------------------------------------


IN_TURN = [DISK_FULL, OTHERS[0], MemoryError, KeyboardInterrupt]  # OTHERS[0]: EIO


def strikes(calls: list[Call], some: int | None, part: int) -> list[tuple[int, BaseException]]:
    """Which calls fail, and how: all but most writes into a file, each with the next error.

    The writes of one save, of which a run has hundreds, fail one by one in the tests above.
    """
    if some is not None:
        return [(i, DISK_FULL()) for i in range(some // 2, len(calls), some)]
    chosen = [i for i, call in enumerate(calls) if call.kind != "write" or i % 19 == 0]
    return [(i, IN_TURN[k % len(IN_TURN)]()) for k, i in enumerate(chosen)][part::PARTS]


PARTS = 4


def sample(some: int) -> list[Any]:
    """Some calls, for every day; slowly all of them, in parts for several processes."""
    marks = (pytest.mark.slow, pytest.mark.timeout(1200))
    return [(some, 0), *[pytest.param(None, part, marks=marks) for part in range(PARTS)]]


@pytest.mark.parametrize("some, part", sample(1201))
def test_a_run_goes_on_after_a_call_that_failed(
    tmp_path: Path, some: int | None, part: int
) -> None:
    (tmp_path / "whole").mkdir()
    with Recorder(tmp_path / "whole") as recorder:
        whole = without_times(run(tmp_path / "whole", None, EPOCHS, None))
    for number, error in strikes(recorder.calls, some, part):
        folder = tmp_path / str(number)
        folder.mkdir()
        raised, recorder = strike(
            lambda path: run(path, None, EPOCHS, None), folder, number, error, False
        )
        check_error(recorder, raised, error, recorder.calls[number])
        last = folder / "checkpoints" / "last.h5"
        again = run(folder, None, EPOCHS, last if last.exists() else None)
        assert not again.epochs or without_times(again) == whole  # 0: all was done


@pytest.mark.parametrize("some, part", sample(401))
def test_the_command_goes_on_after_a_call_that_failed(
    tmp_path: Path, some: int | None, part: int, capsys: Any
) -> None:
    (tmp_path / "whole").mkdir()
    with Recorder(tmp_path / "whole") as recorder:
        assert main([*TRAIN, str(tmp_path / "whole" / "run")]) == 0
    whole = weights(tmp_path / "whole" / "run")
    for number, error in strikes(recorder.calls, some, part):
        folder = tmp_path / str(number)
        folder.mkdir()
        codes: list[int] = []
        _, recorder = strike(
            lambda path: codes.append(main([*TRAIN, str(path / "run")])),  # noqa: B023 - called within its turn of the loop
            folder, number, error, False,
        )  # fmt: skip
        call = recorder.calls[number]
        expected = 130 if isinstance(error, KeyboardInterrupt) else 1
        # that a file of a lock is left means nothing
        may_fail = call.kind in OPTIONAL or call == Call("unlink", "run/.lock")
        assert codes == [expected] or (codes == [0] and may_fail), (call, codes)
        if codes != [0]:
            run_again(folder / "run")
        assert weights(folder / "run") == whole, call


# --- a real disk -------------------------------------------------------------------------------

FULL_DISK = """
import os, resource, signal, sys
from pathlib import Path
import dlframe as dl
from dlframe import utils

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder, step = Path(sys.argv[1]), int(sys.argv[2])
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
state = {"w": dl.randn(20, 30), "generator": dl.get_rng_state(), "history": [0.5] * 200}
utils.save({"old": True}, folder / "x.h5")
for compression in (0, 1):
    utils.save(state, folder / "whole.h5", compression=compression)
    size = (folder / "whole.h5").stat().st_size
    (folder / "whole.h5").unlink()
    for limit in range(0, size, step):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
        try:
            utils.save(state, folder / "x.h5", compression=compression)
        except OSError as error:
            caught = error
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        assert caught.filename == str(folder / "x.h5"), caught
        assert os.listdir(folder) == ["x.h5"], os.listdir(folder)
        assert utils.load(folder / "x.h5") == {"old": True}
        del caught
    utils.save(state, folder / "x.h5", compression=compression)
    utils.save({"old": True}, folder / "x.h5")
print("done")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
@pytest.mark.parametrize("step", [601, pytest.param(17, marks=pytest.mark.slow)])
def test_a_disk_that_fills_at_any_byte_leaves_the_old_file(tmp_path: Path, step: int) -> None:
    """Inside HDF5's library too, which crashes if it sees a write fail while it closes a file."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", FULL_DISK, tmp_path, str(step)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "done\n", done.stderr


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no interval timers")
def test_signals_do_not_disturb_a_save(tmp_path: Path) -> None:
    """A call that a signal interrupts (EINTR) is made again."""
    ticks = 0

    def count(number: int, frame: Any) -> None:
        nonlocal ticks
        ticks += 1

    before = signal.signal(signal.SIGALRM, count)
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    try:
        while ticks < 300:
            utils.save(NEW, tmp_path / "x.h5")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert utils.load(tmp_path / "x.h5")["note"] == "new"
