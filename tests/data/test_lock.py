"""The lock: exclusive between threads and processes, and never stale."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from dlframe.data.lock import file_lock, try_lock
from dlframe.errors import DownloadError


def test_one_at_a_time(tmp_path: Path) -> None:
    inside = 0
    most = 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(5):
            with file_lock(tmp_path / "l"):
                inside += 1
                most = max(most, inside)
                time.sleep(0.001)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert not (tmp_path / "l").exists()


def test_a_lock_file_that_was_left_behind_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "l").write_text("left by a crash")
    with file_lock(tmp_path / "l", timeout=0):
        pass


def test_waiting_has_an_end(tmp_path: Path) -> None:
    with file_lock(tmp_path / "l"):
        second = file_lock(tmp_path / "l", timeout=0.2)
        with pytest.raises(DownloadError, match=r"waited 0\.2 s"), second:
            pass


def test_trying_does_not_wait(tmp_path: Path) -> None:
    with try_lock(tmp_path / "l") as first, try_lock(tmp_path / "l") as second:
        assert (first, second) == (True, False)
    assert not (tmp_path / "l").exists()
    with try_lock(tmp_path / "l") as again:
        assert again


def test_an_error_inside_releases_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), file_lock(tmp_path / "l"):
        raise KeyError
    with file_lock(tmp_path / "l", timeout=0):
        pass


def test_a_folder_that_does_not_exist_is_an_error_and_no_endless_wait(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), file_lock(tmp_path / "no" / "l"):
        pass
