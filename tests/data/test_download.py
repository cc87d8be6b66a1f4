"""Downloads against a real server that answers well and badly."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dlframe.data.download import _disk_errors, download
from dlframe.errors import DownloadError

CONTENT = bytes(range(256)) * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()
QUICK = {"backoff": 0.01, "timeout": 5.0, "progress": False}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "file.bin"


def leftovers(target: Path) -> list[str]:
    return sorted(p.name for p in target.parent.iterdir() if p != target)


@pytest.mark.parametrize("sums", [{"sha256": SHA}, {"md5": MD5}, {"sha256": SHA.upper()}, {}])
def test_the_file_arrives_and_nothing_else_stays(
    server: Any, target: Path, sums: dict[str, str]
) -> None:
    server.files["/f"] = CONTENT
    assert download(server.url("/f"), target, **sums, **QUICK) == target
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == []


def test_a_file_that_is_there_is_not_fetched_again(server: Any, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert server.requests == []


def test_a_damaged_file_is_replaced(server: Any, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"damaged")
    server.files["/f"] = CONTENT
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT


def test_a_connection_that_breaks_off_is_continued(server: Any, target: Path) -> None:
    server.files["/f"] = CONTENT
    server.bad["/f"] = ["break", "break"]
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT
    half, three_quarters = len(CONTENT) // 2, len(CONTENT) * 3 // 4
    ranges = [asked for _, asked in server.requests]
    assert ranges == [None, f"bytes={half}-", f"bytes={three_quarters}-"]


def test_a_later_call_continues_what_an_earlier_one_left(server: Any, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(CONTENT[:1000])
    server.files["/f"] = CONTENT
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT
    assert server.requests == [("/f", "bytes=1000-")]


def test_a_server_without_ranges_starts_again(server: Any, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(CONTENT[:1000])
    server.files["/f"] = CONTENT
    server.always["/f"] = "no ranges"
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [CONTENT + b"more", CONTENT])
def test_a_part_as_long_as_the_file_or_longer_is_thrown_away(
    server: Any, target: Path, part: bytes
) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(part)
    server.files["/f"] = CONTENT
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_part_with_other_bytes_is_noticed_and_fetched_again(server: Any, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(b"x" * 1000)
    server.files["/f"] = CONTENT
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT
    assert server.requests == [("/f", "bytes=1000-"), ("/f", None)]


def test_a_server_that_gives_another_range_is_not_believed(server: Any, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(CONTENT[:1000])
    server.files["/f"] = CONTENT
    server.bad["/f"] = ["other range"]
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT


def test_server_errors_are_tried_again(server: Any, target: Path) -> None:
    server.files["/f"] = CONTENT
    server.bad["/f"] = ["500", "503", "429"]
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT


def test_the_next_mirror_is_asked(server: Any, target: Path) -> None:
    server.files["/good"] = CONTENT
    server.files["/wrong"] = b"something else"
    server.always["/html"] = "html"
    server.always["/down"] = "500"
    urls = [server.url(p) for p in ("/missing", "/down", "/html", "/wrong", "/good")]
    download(urls, target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT
    asked = [path for path, _ in server.requests]
    assert asked == ["/missing", "/down", "/down", "/down", "/down", "/html", "/wrong", "/good"]


def test_the_error_lists_every_answer(server: Any, target: Path) -> None:
    server.files["/wrong"] = b"something else"
    server.always["/html"] = "html"
    server.always["/plain"] = "plain html"
    server.always["/down"] = "503"
    server.files["/broken"] = CONTENT
    server.always["/broken"] = "break"
    paths = ("/missing", "/down", "/html", "/plain", "/wrong", "/broken")
    with pytest.raises(DownloadError) as caught:
        download([server.url(p) for p in paths], target, sha256=SHA, attempts=2, **QUICK)
    text = str(caught.value)
    assert "file.bin could not be downloaded" in text
    for path in paths:
        assert server.url(path) in text
    assert "status 404 Not Found" in text
    assert "status 503 Service Unavailable (2 attempts)" in text
    assert text.count("an HTML page came instead of the file") == 2
    assert "Please log in" in text
    wrong = hashlib.sha256(b"something else").hexdigest()
    assert f"sha256 expected {SHA}, received {wrong}" in text
    assert "connection" in text
    assert "by hand" in text
    assert not target.exists()


def test_a_silent_server_times_out(server: Any, target: Path) -> None:
    server.always["/f"] = "silent"
    with pytest.raises(DownloadError, match=r"timed out: no byte for 0.2 s \(2 attempts\)"):
        download(server.url("/f"), target, attempts=2, timeout=0.2, backoff=0.01, progress=False)


def test_no_server_at_all(server: Any, target: Path) -> None:
    url = server.url("/f")
    server.http.server_close()
    with pytest.raises(DownloadError, match="connection failed"):
        download(url, target, attempts=1, **QUICK)


def test_a_senseless_address_is_not_tried_again(target: Path) -> None:
    with pytest.raises(DownloadError, match=r"MissingSchema|InvalidURL"):
        download("no-address", target, **QUICK)


@pytest.mark.parametrize("by_argument", [True, False])
def test_offline(
    server: Any, target: Path, monkeypatch: pytest.MonkeyPatch, by_argument: bool
) -> None:
    server.files["/f"] = CONTENT
    if not by_argument:
        monkeypatch.setenv("DLFRAME_OFFLINE", "1")
    offline = True if by_argument else None
    with pytest.raises(DownloadError, match=r"it is not there; downloads are switched off"):
        download(server.url("/f"), target, sha256=SHA, offline=offline, **QUICK)
    target.parent.mkdir()
    target.write_bytes(b"damaged")
    with pytest.raises(DownloadError, match=f"damaged: sha256 expected {SHA}"):
        download(server.url("/f"), target, sha256=SHA, offline=offline, **QUICK)
    target.write_bytes(CONTENT)
    download(server.url("/f"), target, sha256=SHA, offline=offline, **QUICK)
    assert server.requests == []


def test_the_argument_overrides_the_environment(
    server: Any, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLFRAME_OFFLINE", "1")
    server.files["/f"] = CONTENT
    download(server.url("/f"), target, sha256=SHA, offline=False, **QUICK)
    assert target.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is full")
def test_a_full_disk(target: Path) -> None:
    target.parent.mkdir()
    with (
        pytest.raises(DownloadError, match=r"file.bin cannot be written to .*the disk is full"),
        _disk_errors(target),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")


def test_a_folder_that_cannot_be_made(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot be written"):
        download(server.url("/f"), tmp_path / "file" / "deep" / "f.bin", **QUICK)


def test_threads_fetch_once(server: Any, target: Path) -> None:
    server.files["/f"] = CONTENT
    threads = [
        threading.Thread(
            target=download, args=(server.url("/f"), target), kwargs={"sha256": SHA, **QUICK}
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert leftovers(target) == []


def test_a_killed_download_leaves_no_lock(server: Any, target: Path) -> None:
    server.files["/f"] = CONTENT
    server.bad["/f"] = ["silent"]
    call = f"download({server.url('/f')!r}, {str(target)!r})"
    code = f"from dlframe.data.download import download; {call}"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    lock = target.with_name("file.bin.lock")
    deadline = time.monotonic() + 20
    while not server.requests:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert lock.exists()
    process.kill()
    process.wait()
    assert lock.exists()  # the file is there, the lock is not
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == []


def test_the_progress_bar_counts_bytes(
    server: Any, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files["/f"] = CONTENT
    download(server.url("/f"), target, sha256=SHA, backoff=0.01, timeout=5, progress=True)
    shown = capsys.readouterr().err
    assert "file.bin" in shown
    assert "250k/250k" in shown
    target.unlink()
    download(server.url("/f"), target, sha256=SHA, **QUICK)
    assert capsys.readouterr().err == ""
