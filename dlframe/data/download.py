"""Downloads that can be trusted: mirrors, checksums, resume, one process at a time, atomic.

A file is fetched into `NAME.part`, checked, and only then renamed to `NAME`. So a file with its
own name is always complete. If the connection breaks, the same call or a later one continues
`NAME.part`, provided that the server can do that (HTTP Range) and still has the version of the file
that `NAME.part` began with, which `NAME.part.json` describes. The environment variable
`DLFRAME_OFFLINE=1` forbids any connection.

Nothing that a server sends is believed: an answer that is malformed, too slow, or too large only
means that the next address is tried.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin, urlsplit

from dlframe.base.printable import error_text, printable
from dlframe.data.lock import file_lock
from dlframe.data.partial import Part
from dlframe.data.watch import Watch
from dlframe.errors import DownloadError

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16
LEAST_SPEED = 2048  # bytes per second; slower than any line of today, so it is a fault or a trick
MOST_BYTES = 1 << 36  # of a file whose size nobody told
REDIRECTS = 10
LONGEST_LINE = 1 << 12  # of a chunk's size
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
    most_bytes: int = MOST_BYTES
    is_checked: bool = False  # whether the content will be compared with a checksum


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
    most_bytes: int | None = None,
) -> Path:
    """Fetch a file from the first address that gives the right content; returns its path.

    `urls` are mirrors of one content, tried in order. Each is tried up to `attempts` times if a
    second attempt may help (broken connections, timeouts, status 429 and 5xx). A file that exists
    already and has the right checksum is kept, another one is replaced. `timeout` counts seconds
    without a byte, and an answer may take twice as long to begin; after that, an address that sends
    less than 2 KiB a second or more than `most_bytes` is given up. `progress=None` shows a bar only
    on a terminal.

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
    options = Options(
        timeout,
        attempts,
        backoff,
        progress,
        most_bytes or MOST_BYTES,
        checksum.expected is not None,
    )
    with _disk_errors(path):
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
    part = Part(path)
    reason = ""
    for attempt in range(options.attempts):
        try:
            resumed = _fetch(address, part, options)
            if checksum.fits(part.path):
                part.finish(path)
                return
            complaint = checksum.complaint(part.path)
            part.discard()
            if not resumed:
                raise _Refused(f"wrong content: {complaint}")
            # the beginning may be of another file: fetch all of it again from this address
            raise _Again(f"wrong content after a resumed download: {complaint}")
        except _Again as again:
            reason = str(again)
            if attempt + 1 < options.attempts:
                time.sleep(max(again.wait, options.backoff * 2**attempt))
    raise _Refused(f"{reason} ({options.attempts} attempts)")


# --- talking to a server -----------------------------------------------------------------------


def _fetch(address: str, part: Part, options: Options) -> bool:
    """Fetch the missing part of the file; returns whether its beginning existed before."""
    have, version = part.size(), part.version()
    if not options.is_checked:
        kept = version.get("kept")
        have = min(have, kept) if type(kept) is int and kept > 0 else 0
    # identity: with a content encoding, ranges would count the bytes of the encoded file
    headers = {"Accept-Encoding": "identity", "User-Agent": "dlframe"}
    if have and (condition := _may_resume(address, version, options)) is not None:
        headers["Range"] = f"bytes={have}-"
        headers |= condition
    else:
        have = 0
    with Watch() as watch, watch.session() as session:
        with _network_errors(watch, options):
            answer = _ask(session, address, headers, watch, options)
        with answer:
            with _network_errors(watch, options):
                start, total = _check_answer(answer, part, have, version, options)
            body = _body(answer, start, total, watch, options)
            _receive(answer, body, part, start, total, address, options)
            return start > 0


def _may_resume(address: str, version: dict[str, Any], options: Options) -> dict[str, str] | None:
    """Headers that ask for the rest of the very file that was begun; None: begin anew."""
    if version.get("address") == address:
        for name in ("etag", "modified"):
            value = version.get(name)
            if isinstance(value, str) and value.isascii() and value.isprintable():
                return {"If-Range": value}
    return {} if options.is_checked else None


@contextmanager
def _network_errors(watch: Watch, options: Options) -> Iterator[None]:
    """Turn whatever goes wrong with a connection or an answer into _Again or _Refused."""
    import requests  # here: loading it takes longer than all of dlframe
    from requests.exceptions import BaseHTTPError  # type: ignore[attr-defined]  # urllib3's

    try:
        yield
    except (_Again, _Refused):
        raise
    except Exception as error:
        if watch.expired:
            raise _Refused(_too_slow()) from error
        if isinstance(error, requests.Timeout) or "timed out" in error_text(error).lower():
            raise _Again(f"timed out: no byte for {options.timeout:g} s") from error
        broken = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, BaseHTTPError)
        if isinstance(error, (*broken, ConnectionError)):
            raise _Again(f"the connection failed: {error_text(error)[:200]}") from error
        # a malformed address or answer
        raise _Refused(error_text(error)[:200]) from error


def _too_slow() -> str:
    return f"too slow: it sends less than {LEAST_SPEED} bytes a second, or no end of its headers"


def _ask(
    session: requests.Session,
    address: str,
    headers: dict[str, str],
    watch: Watch,
    options: Options,
) -> requests.Response:
    """The answer of an address, or of the one to which it leads; its body is not read yet."""
    watch.within(2 * options.timeout)
    for _ in range(REDIRECTS + 1):
        answer = session.get(
            address, headers=headers, stream=True, timeout=options.timeout, allow_redirects=False
        )
        if answer.status_code not in (301, 302, 303, 307, 308):
            return answer
        target = answer.headers.get("Location", "")
        answer.close()
        if not target.isascii() or not target.isprintable():
            raise _Refused(f"status {answer.status_code} to {printable(target)[:100]!r}")
        before, address = address, urljoin(address, target)
        if not _may_lead(before, address, options):
            raise _Refused(f"status {answer.status_code} to {address[:100]!r}")
    raise _Refused(f"more than {REDIRECTS} redirections")


def _may_lead(address: str, target: str, options: Options) -> bool:
    """Whether a redirection is followed; out of encryption only to a content that is checked."""
    old, new = urlsplit(address).scheme, urlsplit(target).scheme
    return new == "https" or (new == "http" and (old == "http" or options.is_checked))


def _check_answer(
    answer: requests.Response, part: Part, have: int, version: dict[str, Any], options: Options
) -> tuple[int, int | None]:
    """Where the body starts (at `have` for a resumed download, else at 0), and the file's size."""
    status, reason = answer.status_code, printable(answer.reason)
    length = _whole_number(answer.headers.get("Content-Length"), "Content-Length")
    start, total = 0, length
    if status == 206:
        first, total = _range_of(answer)
        known, etag = version.get("length"), version.get("etag")
        other_length = known is not None and total not in (None, known)
        other_version = etag is not None and answer.headers.get("ETag", etag) != etag
        if first != have or not have or other_length or other_version:
            part.discard()
            raise _Again(f"status 206: it does not continue the file at byte {have}")
        start = have
    elif status == 416:  # the server's file is shorter than ours
        part.discard()
        raise _Again(f"status 416: it cannot continue at byte {have}")
    elif status == 429 or status >= 500:
        raise _Again(f"status {status} {reason}", _retry_after(answer))
    elif status != 200:
        raise _Refused(f"status {status} {reason}")
    if start and length is not None:
        # a range may be shorter than asked for; the file's size is after its slash
        total = max(total or 0, start + length)
    if total is not None and total > options.most_bytes:
        raise _Refused(f"it would be {total:,} bytes, more than the {options.most_bytes:,} allowed")
    return start, total


def _whole_number(text: str | None, what: str) -> int | None:
    """A number of bytes; int() and isdigit() would take more than digits, and thousands of them."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise _Refused(f"its {what} is no number: {printable(text)[:40]!r}")
    return int(text)


def _range_of(answer: requests.Response) -> tuple[int | None, int | None]:
    """The first byte and the size of the file in "Content-Range: bytes 100-199/200"."""
    text = answer.headers.get("Content-Range", "")
    found = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)", text, re.ASCII)
    if found is None:
        return None, None
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _retry_after(answer: requests.Response) -> float:
    """Seconds that the server asks us to wait, half a minute at most."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 30.0) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else 0.0


def _body(
    answer: requests.Response, start: int, total: int | None, watch: Watch, options: Options
) -> Iterator[bytes]:
    """The body in pieces; CHUNK bytes after CHUNK bytes must come with the least speed."""
    encoding = answer.headers.get("Transfer-Encoding", "").strip().lower()
    received = start
    with _network_errors(watch, options):
        if encoding not in ("", "identity", "chunked") or (
            encoding == "chunked" and "Content-Length" in answer.headers
        ):
            raise _Refused(f"its Transfer-Encoding is {printable(encoding)[:40]!r}")
        raw = cast("Any", answer.raw)
        file = raw._original_response.fp if encoding == "chunked" else raw
        pieces = _chunked(file) if encoding == "chunked" else iter(lambda: file.read(CHUNK), b"")
        allowed = patience = max(options.timeout, CHUNK / LEAST_SPEED)
        since = 0  # bytes
        while True:
            asked = time.monotonic()
            watch.within(patience)
            piece = next(pieces, b"")
            watch.within(float("inf"))  # while it is written
            if watch.expired:
                raise _Refused(_too_slow())
            if not piece:
                break
            received += len(piece)
            since += len(piece)
            patience -= time.monotonic() - asked
            if since >= CHUNK:
                since, patience = 0, allowed
            if received > options.most_bytes:
                raise _Refused(f"it sends more than the {options.most_bytes:,} bytes allowed")
            yield piece
    if total is not None and received < total:
        raise _Again(f"the connection broke off after {received:,} of {total:,} bytes")


def _chunked(file: Any) -> Iterator[bytes]:
    """The content of a body in chunks (RFC 9112, 7.1); what follows the last one is not read.

    Python's own reader takes -1 for a size, and then reads without end into the memory.
    """
    while True:
        line = file.readline(LONGEST_LINE)
        found = re.fullmatch(rb"([0-9a-fA-F]{1,15})[ \t]*(;[^\n]*)?\r?\n", line)
        if found is None:
            if not line:
                raise _Again("the connection broke off between two chunks")
            raise _Refused(f"a chunk of a malformed size: {line[:40]!r}")
        left = int(found[1], 16)
        if left == 0:
            return
        while left:
            piece = file.read(min(left, CHUNK))
            if not piece:
                raise _Again("the connection broke off inside a chunk")
            left -= len(piece)
            yield piece
        if file.readline(3) not in (b"\r\n", b"\n"):
            raise _Refused("a chunk that does not end where it should")


def _receive(
    answer: requests.Response,
    body: Iterator[bytes],
    part: Part,
    start: int,
    total: int | None,
    address: str,
    options: Options,
) -> None:
    """Write the body after the first `start` bytes of the file."""
    name = part.path.stem
    piece = next(body, b"")
    if start == 0:
        _refuse_html(answer, piece, name)
    bar = _progress_bar(name, total, start, options.progress)
    try:
        version = _version_of(answer, address, total)
        with part.resume(start) if start else part.begin(version) as file:
            while piece:
                file.write(piece)
                bar.update(len(piece))
                piece = next(body, b"")
    except _Refused:
        part.discard()
        raise
    except BaseException:
        part.keep()
        raise
    finally:
        bar.close()


def _version_of(answer: requests.Response, address: str, total: int | None) -> dict[str, Any]:
    etag = answer.headers.get("ETag", "")
    return {
        "address": address,
        # a weak one ("W/…") stands for files that only mean the same
        "etag": etag if re.fullmatch(r'"[!-~]{1,200}"', etag.replace('""', '"-"')) else None,
        "modified": answer.headers.get("Last-Modified"),
        "length": total,
    }


def _refuse_html(answer: requests.Response, beginning: bytes, name: str) -> None:
    """A login or error page with status 200 is not the file."""
    if name.endswith((".html", ".htm", ".xml")):
        return
    kind = answer.headers.get("Content-Type", "")
    if "text/html" in kind or beginning.lstrip().lower().startswith(_HTML_STARTS):
        shown = printable(" ".join(beginning[:120].decode("utf-8", "replace").split()))
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
