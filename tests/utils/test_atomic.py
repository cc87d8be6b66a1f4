from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dlframe.utils import atomic_write
from dlframe.utils.atomic import check_writable, without_links


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
    code = """
import os, sys
from dlframe.utils import atomic_write
with atomic_write(sys.argv[1], "w") as file:
    file.write("half"); file.flush()
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(9)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "best.h5"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with child:
        assert child.stdout.readline() == "ready\n"
        alive = set(names(tmp_path))
        mine = [".last.h5.aa.tmp", ".x.tmp", "last.h5.0123456789abcdef.tmp"]  # no names of ours
        for name in mine:
            (tmp_path / name).write_text("mine")
        with atomic_write(tmp_path / "last.h5"):
            assert alive < set(names(tmp_path))
        assert {*alive, *mine, "last.h5"} == set(names(tmp_path))  # the child still writes it
        child.stdin.close()
        child.wait()
    assert alive < set(names(tmp_path))
    with atomic_write(tmp_path / "last.h5"):
        pass
    assert names(tmp_path) == sorted([*mine, "last.h5"])


def test_writers_of_one_folder_never_sweep_each_other(tmp_path):
    def write(number):
        for i in range(40):
            with atomic_write(tmp_path / f"{number % 3}", "w") as file:
                file.write(f"{number} {i} " * 1000)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads change between any two steps of a sweep
    try:
        for _ in range(10):
            with ThreadPoolExecutor(6) as pool:
                list(pool.map(write, range(6)))
    finally:
        sys.setswitchinterval(interval)
    assert names(tmp_path) == ["0", "1", "2"]
    for path in tmp_path.iterdir():
        text = path.read_text()
        assert text == text[: len("0 39 ")] * 1000


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs, and links need a privilege")
def test_only_regular_files_are_swept(tmp_path):
    (tmp_path / "kept").write_text("mine")
    os.mkfifo(tmp_path / ".a.0123456789abcdef.tmp")  # to open it would wait for a writer
    (tmp_path / ".b.0123456789abcdef.tmp").symlink_to(tmp_path / "kept")
    (tmp_path / ".c.0123456789abcdef.tmp").mkdir()
    before = names(tmp_path)
    with atomic_write(tmp_path / "x"):
        pass
    assert names(tmp_path) == sorted([*before, "x"])


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_in_a_folder_can_be_forbidden(tmp_path):
    folder, outside = tmp_path / "run", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "x").write_text("precious")
    (folder / "x").symlink_to(outside / "x")
    (folder / "broken").symlink_to(outside / "nothing")
    (folder / "inner").symlink_to(outside)
    (tmp_path / "shortcut").symlink_to(folder)
    with without_links(tmp_path / "shortcut"):
        for name in ("x", "broken", "inner/x", "inner/new/y"):
            for way in (folder, tmp_path / "shortcut", folder / ".." / "run"):
                with pytest.raises(OSError, match="symbolic link"), atomic_write(way / name):
                    pass
        with atomic_write(tmp_path / "shortcut" / "new" / "y", "w") as file:
            file.write("fine")
        with atomic_write(tmp_path / "other"):  # outside of the folder links are as always
            pass
    assert (folder / "new" / "y").read_text() == "fine"
    assert names(outside) == ["x"]
    assert (outside / "x").read_text() == "precious"
    with atomic_write(folder / "x", "w") as file:
        file.write("new")
    assert (outside / "x").read_text() == "new"


def test_another_hard_link_keeps_the_old_content(tmp_path):
    (tmp_path / "x").write_text("old")
    os.link(tmp_path / "x", tmp_path / "snapshot")
    with atomic_write(tmp_path / "x", "w") as file:
        file.write("new")
    assert (tmp_path / "snapshot").read_text() == "old"


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


def test_whether_a_file_can_be_written_is_found_out_without_a_trace(tmp_path):
    old = tmp_path / "old.txt"
    old.write_text("as it was")
    check_writable(old)
    check_writable(tmp_path / "new" / "file")
    assert old.read_text() == "as it was"
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "new", old]
    with pytest.raises(OSError, match="old"):
        check_writable(old / "below")
    with pytest.raises(IsADirectoryError):
        check_writable(tmp_path)
