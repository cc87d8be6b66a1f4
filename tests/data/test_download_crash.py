"""Downloads and unpacking: power cuts at every call, and every call that fails once."""

from __future__ import annotations

import errno
import hashlib
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crash.disk import Materialized, read
from crash.recording import Recorder, failing, os_error
from crash.states import Counts, Effort, check_recording, efforts, states

from dlframe.data import download as downloads
from dlframe.data.download import download
from dlframe.errors import DownloadError

CONTENT = np.random.default_rng(0).bytes(9000)
SUM = hashlib.sha256(CONTENT).hexdigest()
QUICK = {"backoff": 0.001, "timeout": 5.0, "progress": False}


@pytest.fixture(autouse=True)
def _small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pieces in a small file, and no waiting for a disk that is a model."""
    monkeypatch.setattr(downloads, "CHUNK", 2048)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.mark.parametrize("sums", [{"sha256": SUM}, {}], ids=["checksum", "no checksum"])
@pytest.mark.parametrize("effort", efforts(60))
def test_after_a_power_cut_the_file_is_whole_or_fetched_again(
    server: Any, tmp_path: Path, effort: Effort, sums: dict[str, str]
) -> None:
    folder = tmp_path / "written"
    folder.mkdir()
    server.files["/f"] = CONTENT
    server.etags["/f"] = '"one"'
    server.files["/other"] = CONTENT[::-1] * 2  # a mirror with another version, which breaks off
    server.etags["/other"] = '"other"'
    server.bad |= {"/other": ["break"] * 3, "/f": ["break"]}
    urls = [server.url("/other"), server.url("/f")]
    with Recorder(folder) as recorder:
        with pytest.raises(DownloadError):
            download(urls[0], folder / "deep" / "f.bin", **sums, **QUICK, attempts=2)
        download(urls[1], folder / "deep" / "f.bin", **sums, **QUICK)
    check_recording(recorder, folder)

    found, counts = Materialized(tmp_path / "found"), Counts()
    rng = random.Random(0)
    for _, state in states(recorder.before, recorder.changes, effort, counts):
        assert state.get("deep/f.bin") in (None, CONTENT)
        if rng.randrange(5 * effort.trials):
            continue
        path = found.hold(state) / "deep" / "f.bin"
        assert download(server.url("/f"), path, **sums, **QUICK).read_bytes() == CONTENT
        found.look_again()
        if "deep/f.bin" not in state:  # otherwise nothing was done, and empty notes may have stayed
            assert sorted(found.held) == ["deep", "deep/f.bin"]
    counts.print("download")


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, MemoryError, KeyboardInterrupt])
def test_every_call_fails_once(server: Any, tmp_path: Path, error: Any, every: int) -> None:
    server.files["/f"] = CONTENT

    def fetch(folder: Path) -> Path:
        return download(server.url("/f"), folder / "deep" / "f.bin", sha256=SUM, **QUICK)

    (tmp_path / "whole").mkdir()
    with Recorder(tmp_path / "whole") as recorder:
        fetch(tmp_path / "whole")
    for number in range(0, len(recorder.calls), every):
        folder = tmp_path / str(number)
        folder.mkdir()
        made = os_error(error) if error in errno.errorcode else error()
        caught: BaseException | None = None
        with Recorder(folder, failing(number, made)) as recorder:
            try:
                fetch(folder)
            except (DownloadError, MemoryError, KeyboardInterrupt) as raised:
                caught = raised
        if caught is None:
            assert not recorder.struck or error in errno.errorcode, recorder.calls[number]
        elif error in errno.errorcode:
            assert "f.bin cannot be written to" in str(caught), caught
            assert ("the disk is full" in str(caught)) is (error == errno.ENOSPC)
        else:
            assert type(caught) is error
        assert recorder.left_open == [], recorder.calls[number]
        assert read(folder).get("deep/f.bin") in (None, CONTENT)
        was_there = "deep/f.bin" in read(folder)
        assert fetch(folder).read_bytes() == CONTENT
        if not was_there:  # otherwise only a note may have stayed
            assert sorted(read(folder)) == ["deep", "deep/f.bin"], recorder.calls[number]
