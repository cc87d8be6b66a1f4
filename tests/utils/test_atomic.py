from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlframe.utils import atomic_write


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writes_bytes_and_text_and_creates_folders(tmp_path):
    target = tmp_path / "a" / "b" / "data.bin"
    with atomic_write(target) as file:
        file.write(b"\x00\r\n\xff")
    assert target.read_bytes() == b"\x00\r\n\xff"
    with atomic_write(target, "w") as file:
        file.write("grün")
    assert target.read_text(encoding="utf-8") == "grün"
    assert names(target.parent) == ["data.bin"]


def test_the_old_file_is_there_until_the_block_ends(tmp_path):
    target = tmp_path / "x"
    target.write_text("old")
    with atomic_write(target, "w") as file:
        file.write("new")
        file.flush()
        assert target.read_text() == "old"
    assert target.read_text() == "new"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    target = tmp_path / "x"
    target.write_text("old")
    with pytest.raises(failure), atomic_write(target, "w") as file:
        file.write("half")
        raise failure
    assert target.read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_a_failure_without_an_old_file_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="stop"), atomic_write(tmp_path / "x"):
        raise ValueError("stop")
    assert names(tmp_path) == []


def test_permissions(tmp_path):
    target = tmp_path / "x"
    old = os.umask(0o027)
    try:
        with atomic_write(target):
            pass
        assert stat.S_IMODE(target.stat().st_mode) == 0o640  # the umask, as for any new file
    finally:
        os.umask(old)
    target.chmod(0o604)
    with atomic_write(target):
        pass
    assert stat.S_IMODE(target.stat().st_mode) == 0o604  # those of the file that is replaced


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "far" / "real")
    with atomic_write(link, "w") as file:
        file.write("through")
    assert link.is_symlink()
    assert (tmp_path / "far" / "real").read_text() == "through"


def test_refuses_what_is_no_regular_file(tmp_path):
    with pytest.raises(IsADirectoryError, match="folder"), atomic_write(tmp_path):
        pass
    with pytest.raises(OSError, match="not a regular file"), atomic_write(Path(os.devnull)):
        pass
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    with pytest.raises(ValueError, match="mode"), atomic_write(tmp_path / "x", "r"):
        pass


def test_long_names(tmp_path):
    name = "ä" * 127  # 254 bytes, one less than a file system takes
    with atomic_write(tmp_path / name):
        pass
    assert names(tmp_path) == [name]


def test_leftovers_of_killed_processes_are_swept(tmp_path):
    target = tmp_path / "last.h5"
    stale, fresh = tmp_path / ".last.h5.aa.tmp", tmp_path / ".last.h5.bb.tmp"
    other = tmp_path / ".best.h5.aa.tmp"
    for path in (stale, fresh, other):
        path.write_text("half")
    past = time.time() - 7200
    os.utime(stale, (past, past))
    os.utime(other, (past, past))
    with atomic_write(target):
        pass
    assert not stale.exists()  # nobody has written to it for two hours
    assert fresh.exists()  # perhaps another process is writing it now
    assert other.exists()  # belongs to another file


def test_a_full_disk_leaves_the_old_file(tmp_path):
    # A limit on the file size is the nearest thing to a full disk that needs no privileges.
    target = tmp_path / "x"
    target.write_text("old")
    code = """
import errno, resource, signal, sys
from dlframe.utils import atomic_write
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with atomic_write(sys.argv[1]) as file:
        file.write(bytes(1_000_000))
except OSError as error:
    print(error.errno == errno.EFBIG, error.filename == sys.argv[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, target], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True True\n", done.stderr
    assert target.read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_a_termination_in_the_block_is_survived_by_the_old_file(tmp_path):
    target = tmp_path / "x"
    target.write_text("old")
    code = """
import sys, time
from dlframe.utils import atomic_write
with atomic_write(sys.argv[1], "w") as file:
    file.write("half"); file.flush()
    print("ready", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, target], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGKILL)
    assert target.read_text() == "old"
