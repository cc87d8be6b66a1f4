"""Downloads that can be trusted: mirrors, checksums, resume, one process at a time, atomic.

A file is fetched into `NAME.part`, checked, and only then renamed to `NAME`. So a file with its
own name is always complete. If the connection breaks, the same call or a later one continues
`NAME.part`, provided that the server can do that (HTTP Range). The environment variable
`DLFRAME_OFFLINE=1` forbids any connection.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe.data.lock import file_lock
from dlframe.errors import DownloadError

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16
_HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<?xml version")


@dataclass(frozen=True)
class Checksum:
    """The checksum that a file must have: sha256 where it is known, otherwise md5."""

    sha256: str | None = None
    md5: str | None = None

    def of(self, path: Path) -> str:
        """The file's checksum, of the kind that is expected."""
        name = "sha256" if self.sha256 else "md5"
        with path.open("rb") as file:
            return hashlib.file_digest(
                file, lambda: hashlib.new(name, usedforsecurity=False)
            ).hexdigest()

    @property
    def expected(self) -> str | None:
        """The expected value, or None if it is unknown."""
        return self.sha256 or self.md5

    def fits(self, path: Path) -> bool:
        """Whether the file has the expected content; True if the checksum is unknown."""
        return self.expected is None or self.of(path) == self.expected.lower()

    def complaint(self, path: Path) -> str:
        """The expected and the received checksum, for a message."""
        name = "sha256" if self.sha256 else "md5"
        return f"{name} expected {self.expected}, received {self.of(path)}"


@dataclass(frozen=True)
class Options:
    """Timeouts, and how often to try again."""

    timeout: float = 30.0  # seconds without a byte
    attempts: int = 4  # per address
    backoff: float = 1.0  # seconds before the second attempt, doubled each time
    progress: bool | None = None  # None: a bar where the output is a terminal


class _Refused(Exception):
    """This address will not give the file; another may."""


class _Again(Exception):
    """This attempt failed; the next may succeed."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def is_offline(offline: bool | None = None) -> bool:
    """The argument; for None, whether `DLFRAME_OFFLINE` is set."""
    if offline is not None:
        return offline
    return os.environ.get("DLFRAME_OFFLINE", "").strip().lower() in {"1", "true", "yes", "on"}


def download(
    urls: str | Sequence[str],
    path: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    md5: str | None = None,
    offline: bool | None = None,
    timeout: float = 30.0,
    attempts: int = 4,
    backoff: float = 1.0,
    progress: bool | None = None,
) -> Path:
    """Fetch a file from the first address that gives the right content; returns its path.

    `urls` are mirrors of one content, tried in order. Each is tried up to `attempts` times if a
    second attempt may help (broken connections, timeouts, status 429 and 5xx). A file that exists
    already and has the right checksum is kept. `timeout` counts seconds without a byte;
    `progress=None` shows a bar only on a terminal.

    Raises DownloadError, which names the file, every address and the answer of each.

    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp(), "a.txt")
    >>> _ = file.write_bytes(b"abc")
    >>> download("https://example.org/a", file, md5="900150983cd24fb0d6963f7d28e17f72") == file
    True
    """
    path = Path(path)
    addresses = [urls] if isinstance(urls, str) else list(urls)
    checksum = Checksum(sha256, md5)
    options = Options(timeout, attempts, backoff, progress)
    if _is_there(path, checksum):
        return path
    if is_offline(offline):
        found = "it is not there"
        if path.exists():
            found = f"what is there is damaged: {checksum.complaint(path)}"
        raise DownloadError(
            f"{path.name} is needed at {path}, and {found}; downloads are switched off "
            f"(DLFRAME_OFFLINE or offline=True). {_by_hand(addresses, path)}"
        )
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(path.with_name(path.name + ".lock")):
            if not _is_there(path, checksum):  # another process may have fetched it meanwhile
                _from_any(addresses, path, checksum, options)
    return path


def _is_there(path: Path, checksum: Checksum) -> bool:
    return path.is_file() and checksum.fits(path)


def _by_hand(addresses: Sequence[str], path: Path) -> str:
    return f"To get it by hand, save {addresses[0]} as {path}"


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Say which file could not be written, and why."""
    try:
        yield
    except DownloadError:
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", None)}:  # Windows has no quota
            reason = "the disk is full" + _free(path)
        else:
            reason = f"{error.strerror or error}"
        raise DownloadError(
            f"{path.name} cannot be written to {path.parent}: {reason}. Free some space or choose "
            "another folder (root=…); the part that has arrived is kept and will be continued"
        ) from error


def _free(path: Path) -> str:
    try:
        return f" ({shutil.disk_usage(path.parent).free:,} bytes are free)"
    except OSError:
        return ""


def _from_any(addresses: Sequence[str], path: Path, checksum: Checksum, options: Options) -> None:
    """Try the addresses in order."""
    answers = []
    for address in addresses:
        try:
            _from_one(address, path, checksum, options)
        except _Refused as refusal:
            answers.append(f"  {address}: {refusal}")
        else:
            return
    raise DownloadError(
        f"{path.name} could not be downloaded to {path.parent}:\n" + "\n".join(answers) + "\n"
        f"Check the connection (and the proxy settings). {_by_hand(addresses, path)}"
    )


def _from_one(address: str, path: Path, checksum: Checksum, options: Options) -> None:
    """Several attempts at one address; raises _Refused."""
    part = path.with_name(path.name + ".part")
    reason = ""
    for attempt in range(options.attempts):
        try:
            resumed = _fetch(address, part, options)
            if checksum.fits(part):
                _finish(part, path)
                return
            complaint = checksum.complaint(part)
            part.unlink()
            if not resumed:
                raise _Refused(f"wrong content: {complaint}")
            # the beginning may be of another file: fetch all of it again from this address
            raise _Again(f"wrong content after a resumed download: {complaint}")
        except _Again as again:
            reason = str(again)
            if attempt + 1 < options.attempts:
                time.sleep(max(again.wait, options.backoff * 2**attempt))
    raise _Refused(f"{reason} ({options.attempts} attempts)")


def _finish(part: Path, path: Path) -> None:
    """Rename the file to its own name, and force it to the disk."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def _fetch(address: str, part: Path, options: Options) -> bool:
    """Fetch the missing part of the file; returns whether its beginning existed before."""
    import requests  # here: loading it takes longer than all of dlframe
    from requests.exceptions import BaseHTTPError  # type: ignore[attr-defined]  # urllib3's

    have = part.stat().st_size if part.is_file() else 0
    # identity: with a content encoding, ranges would count the bytes of the encoded file
    headers = {"Accept-Encoding": "identity", "User-Agent": "dlframe"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with requests.get(address, headers=headers, stream=True, timeout=options.timeout) as answer:
            start = _check_answer(answer, part, have)
            _receive(answer, part, start, options)
            return start > 0
    except (requests.Timeout, requests.ConnectionError, BaseHTTPError) as error:
        if "timed out" in str(error).lower():
            raise _Again(f"timed out: no byte for {options.timeout:g} s") from error
        raise _Again(f"the connection failed: {_short(error)}") from error
    except requests.RequestException as error:  # a malformed address, too many redirects
        raise _Refused(_short(error)) from error


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}"


def _check_answer(answer: requests.Response, part: Path, have: int) -> int:
    """Where the body starts: at `have` for a resumed download, else at 0."""
    status = answer.status_code
    if status == 206 and _range_start(answer) == have:
        return have
    if status in {206, 416}:
        # the server's file is shorter than ours, or it gives another range than asked for
        part.unlink(missing_ok=True)
        raise _Again(f"status {status}: it cannot continue at byte {have}")
    if status == 429 or status >= 500:
        raise _Again(f"status {status} {answer.reason}", _retry_after(answer))
    if status != 200:
        raise _Refused(f"status {status} {answer.reason}")
    return 0


def _range_start(answer: requests.Response) -> int | None:
    """The first byte in "Content-Range: bytes 100-199/200"."""
    first = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdigit() else None


def _retry_after(answer: requests.Response) -> float:
    """Seconds that the server asks us to wait, half a minute at most."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 30.0) if text.isdigit() else 0.0


def _receive(answer: requests.Response, part: Path, start: int, options: Options) -> None:
    """Write the body after the first `start` bytes of the file."""
    length = answer.headers.get("Content-Length")
    total = start + int(length) if length and length.isdigit() else None
    bar = _progress_bar(part.stem, total, start, options.progress)
    received = start
    try:
        with part.open("ab" if start else "wb") as file:
            for chunk in answer.raw.stream(CHUNK, decode_content=False):
                if received == 0:
                    _refuse_html(answer, chunk, part.stem)
                file.write(chunk)
                received += len(chunk)
                bar.update(len(chunk))
    except _Refused:
        part.unlink(missing_ok=True)
        raise
    finally:
        bar.close()
    if total is not None and received < total:
        raise _Again(f"the connection broke off after {received:,} of {total:,} bytes")


def _refuse_html(answer: requests.Response, beginning: bytes, name: str) -> None:
    """A login or error page with status 200 is not the file."""
    if name.endswith((".html", ".htm", ".xml")):
        return
    kind = answer.headers.get("Content-Type", "")
    if "text/html" in kind or beginning.lstrip().lower().startswith(_HTML_STARTS):
        shown = " ".join(beginning[:120].decode("utf-8", "replace").split())
        raise _Refused(
            f"an HTML page came instead of the file ({shown!r}); a proxy, a login or a moved "
            "address"
        )


def _progress_bar(name: str, total: int | None, start: int, progress: bool | None) -> Any:
    from tqdm import tqdm  # here: only a download needs it

    return tqdm(
        desc=name,
        total=total,
        initial=start,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=None if progress is None else not progress,
    )
