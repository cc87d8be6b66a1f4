"""Servers that send anything but what they should, byte by byte: the next address is tried."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlframe.data import download as module
from dlframe.data.download import download
from dlframe.errors import DownloadError

CONTENT = bytes(range(256)) * 40
MD5 = hashlib.md5(CONTENT).hexdigest()
OK = b"HTTP/1.1 200 OK\r\n"

TAG = b'ETag: "one"\r\n'

Answer = Callable[[socket.socket], None]


class Raw:
    """Sends to each connection whatever a function writes, after reading the request."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}/file.bin"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection: socket.socket) -> None:
        with connection:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                piece = connection.recv(1 << 16)
                if not piece:
                    return
                request += piece
            self.requests.append(request)
            with contextlib.suppress(OSError):  # the other side has had enough
                self.answer(connection)


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer | bytes], Raw]]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("DLFRAME_OFFLINE", raising=False)
    servers: list[Raw] = []

    def start(answer: Answer | bytes) -> Raw:
        if isinstance(answer, bytes):
            content = answer
            servers.append(Raw(lambda connection: connection.sendall(content)))
        else:
            servers.append(Raw(answer))
        return servers[-1]

    yield start
    for server in servers:
        with contextlib.suppress(OSError):
            server.listening.shutdown(socket.SHUT_RDWR)
        server.listening.close()


def length(value: bytes) -> bytes:
    return OK + b"Content-Length: " + value + b"\r\n\r\n" + CONTENT


def chunks(*sizes_and_data: tuple[bytes, bytes]) -> bytes:
    body = b"".join(size + b"\r\n" + data + b"\r\n" for size, data in sizes_and_data)
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + body


def leading_to(location: bytes) -> bytes:
    return b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"


MALFORMED = {
    "nothing": b"",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9,
    "status ²": "HTTP/1.1 ²00 OK\r\n\r\n".encode(),
    "status of 5000 digits": b"HTTP/1.1 " + b"2" * 5000 + b" OK\r\n\r\n",
    "length ²": length("²".encode("latin-1")),
    "length of 5000 digits": length(b"9" * 5000),
    "length below 0": length(b"-5"),
    "two lengths": length(b"5, 6"),
    "length with a control character": length(b"5\x1d"),
    "length in words": length(b"many"),
    "more than there is": length(b"99999"),
    "headers without end": OK + b"X: y\r\n" * 1000,
    "a header line without end": OK + b"X: " + b"y" * 100_000,
    "chunk below 0": chunks((b"-5", CONTENT)),
    "chunk of -1": chunks((b"-1", CONTENT)),
    "chunk ²": chunks(("²".encode(), CONTENT)),
    "chunk of 5000 digits": chunks((b"f" * 5000, CONTENT)),
    "chunk without a size": chunks((b"", CONTENT)),
    "chunk with a sign": chunks((b"+5", CONTENT)),
    "chunk that is longer": chunks((b"5", CONTENT)),
    "chunk that is shorter": chunks((b"fffff", CONTENT)),
    "chunks that end": chunks((b"5", b"abcde")),
    "length and chunks": chunks((b"5", CONTENT[:5]), (b"0", b"")).replace(
        OK, OK + b"Content-Length: 5\r\n"
    ),
    "unknown encoding": OK + b"Transfer-Encoding: \xff\x1b[2J\r\n\r\n" + CONTENT,
    "to nowhere": leading_to(b""),
    "to broken brackets": leading_to(b"http://[::1"),
    "to no text": leading_to(b"http://\xff/"),
    "to a bad port": leading_to(b"http://127.0.0.1:99999999/"),
    "to a file": leading_to(b"file:///etc/passwd"),
    "to itself": leading_to(b"?"),
    "partial, unasked": b"HTTP/1.1 206 Partial\r\nContent-Range: bytes \xb2-\r\n\r\n" + CONTENT,
    "later, ²": b"HTTP/1.1 503 No\r\nRetry-After: \xb2\r\n\r\n",
    "a page": OK + b"Content-Type: text/html\r\n\r\n<html>\x1b[2J",
}


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("checksum", [{"md5": MD5}, {}], ids=["known", "unknown"])
def test_the_next_address_is_tried(
    raw: Any, tmp_path: Path, answer: bytes, checksum: dict[str, str]
) -> None:
    bad, good = raw(answer), raw(length(str(len(CONTENT)).encode()))
    urls = [bad.url, good.url]
    path = download(urls, tmp_path / "file.bin", **checksum, backoff=0.001, attempts=2, timeout=5)
    assert path.read_bytes() == CONTENT
    assert bad.requests
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]
    with pytest.raises(DownloadError) as caught:
        download(bad.url, tmp_path / "other.bin", **checksum, backoff=0.001, attempts=1, timeout=5)
    assert all(line.isprintable() for line in str(caught.value).splitlines())


def repeat(piece: bytes, pause: float, first: bytes = b"") -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return answer


def redirection_with_an_endless_body(connection: socket.socket) -> None:
    repeat(bytes(1 << 16), 0, b"HTTP/1.1 302 Found\r\nLocation: ?\r\n\r\n")(connection)


ENDLESS = {
    "a byte now and then": repeat(b"x", 0.03, OK + b"Content-Length: 99999\r\n\r\n"),
    "a chunk now and then": repeat(b"1\r\nx\r\n", 0.03, OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "a line of a chunk": repeat(b"0", 0.03, OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "a header now and then": repeat(b"X: y\r\n", 0.03, OK),
    "a letter of a header": repeat(b"x", 0.03, OK),
    "continue": repeat(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
    "a body without end": repeat(b"x" * (1 << 16), 0, OK + b"\r\n"),
    "chunks without end": repeat(
        b"10000\r\n" + b"x" * (1 << 16) + b"\r\n", 0, OK + b"Transfer-Encoding: chunked\r\n\r\n"
    ),
    "a body that is announced": repeat(b"x", 0, OK + b"Content-Length: 999999999999\r\n\r\n"),
    "redirection": redirection_with_an_endless_body,
}


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS)
def test_what_never_ends_is_given_up(
    raw: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr(module, "LEAST_SPEED", 1 << 18)  # a piece in a quarter of a second
    bad, good = raw(answer), raw(length(str(len(CONTENT)).encode()))
    path = download(
        [bad.url, good.url], tmp_path / "file.bin", timeout=0.2, attempts=1, most_bytes=1 << 22
    )
    assert path.read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]
    left = [t for t in threading.enumerate() if t.name == "dlframe-download"]
    assert not left


@pytest.mark.parametrize(
    ("address", "target", "checked", "followed"),
    [
        ("http://a/", "http://b/", False, True),
        ("http://a/", "https://b/", False, True),
        ("https://a/", "https://b/", False, True),
        ("https://a/", "http://b/", True, True),
        ("https://a/", "http://b/", False, False),
        ("http://a/", "ftp://b/", True, False),
        ("http://a/", "file:///etc/passwd", True, False),
    ],
)
def test_redirections_that_are_followed(
    address: str, target: str, checked: bool, followed: bool
) -> None:
    assert module._may_lead(address, target, module.Options(is_checked=checked)) == followed


def test_a_proxy_is_used_and_watched_too(
    raw: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = raw(length(str(len(CONTENT)).encode()))
    endless = raw(repeat(b"x", 0.03, OK))
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("http_proxy", good.url.removesuffix("/file.bin"))
    address = "http://nowhere.invalid/file.bin"
    assert download(address, tmp_path / "file.bin").read_bytes() == CONTENT
    assert good.requests[0].startswith(b"GET http://nowhere.invalid/file.bin ")
    monkeypatch.setenv("http_proxy", endless.url.removesuffix("/file.bin"))
    with pytest.raises(DownloadError, match="too slow"):
        download(address, tmp_path / "other.bin", timeout=0.2, attempts=1)


# --- the part that has arrived -----------------------------------------------------------------


class Versions:
    """A server whose file changes; it breaks off its first answer in the middle."""

    def __init__(self, validator: bytes, *, honest: bool = True) -> None:
        self.validator, self.honest = validator, honest
        self.contents = [b"A" * 10_000, b"B" * 10_000]
        self.count = 0

    def __call__(self, connection: socket.socket) -> None:
        request = self.server.requests[-1]
        content = self.contents[min(self.count, 1)]
        validator = self.validator % self.count if b"%d" in self.validator else self.validator
        self.count += 1
        same = b"If-Range: " not in request or not self.honest
        same = same or validator.split(b": ")[-1] in request
        if b"Range: bytes=" in request and same:
            start = int(request.split(b"bytes=")[1].split(b"-")[0])
            connection.sendall(
                b"HTTP/1.1 206 Partial\r\nContent-Range: bytes %d-9999/10000\r\n" % start
                + validator + b"\r\nContent-Length: %d\r\n\r\n" % (10_000 - start) + content[start:]
            )  # fmt: skip
        else:
            end = 5_000 if self.count == 1 else 10_000
            head = OK + validator + b"\r\nContent-Length: 10000\r\n\r\n"
            connection.sendall(head + content[:end])

    server: Raw


@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize("validator", [b'ETag: "%d"', b'ETag: W/"%d"', b"X: y"])
def test_a_part_of_another_version_is_not_continued(
    raw: Any, tmp_path: Path, validator: bytes, honest: bool
) -> None:
    versions = Versions(validator, honest=honest)
    versions.server = raw(versions)
    path = download(versions.server.url, tmp_path / "file.bin", backoff=0.001)
    assert path.read_bytes() == b"B" * 10_000
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


@pytest.mark.parametrize(
    "validator", [b'ETag: "one"', b"Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT"]
)
def test_a_part_of_the_same_version_is(raw: Any, tmp_path: Path, validator: bytes) -> None:
    versions = Versions(validator)
    versions.contents[1] = versions.contents[0]
    versions.server = raw(versions)
    path = download(versions.server.url, tmp_path / "file.bin", backoff=0.001)
    assert path.read_bytes() == b"A" * 10_000
    assert b"Range: bytes=5000-" in versions.server.requests[1]
    assert b"If-Range: " + validator.split(b": ")[1] in versions.server.requests[1]


def test_a_range_that_is_shorter_than_asked_for_is_continued(raw: Any, tmp_path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        request = server.requests[-1]
        if b"Range: bytes=" not in request:
            connection.sendall(length(b"10240")[: -len(CONTENT) + 1000].replace(OK, OK + TAG))
            return
        start = int(request.split(b"bytes=")[1].split(b"-")[0])
        some = CONTENT[start : start + 4000]
        connection.sendall(
            b"HTTP/1.1 206 Partial\r\n" + TAG
            + b"Content-Range: bytes %d-%d/10240\r\n" % (start, start + len(some) - 1)
            + b"Content-Length: %d\r\n\r\n" % len(some) + some
        )  # fmt: skip

    server = raw(answer)
    assert download(server.url, tmp_path / "x", backoff=0.001).read_bytes() == CONTENT
    assert len(server.requests) == 4


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("name", ["file.bin.part", "file.bin.part.json", "file.bin.lock"])
@pytest.mark.parametrize("kind", ["symbolic", "hard", "to nothing"])
def test_nothing_is_written_through_links(raw: Any, tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "data").mkdir()
    outside, link = tmp_path / "precious", tmp_path / "data" / name
    if kind != "to nothing":
        outside.write_text("precious")
    if kind == "hard":
        os.link(outside, link)
    else:
        link.symlink_to(outside)
    server = raw(length(str(len(CONTENT)).encode()))
    target = tmp_path / "data" / "file.bin"
    if name.endswith(".lock") and kind != "hard":
        with pytest.raises(DownloadError):
            download(server.url, target, md5=MD5)
    else:
        assert download(server.url, target, md5=MD5).read_bytes() == CONTENT
    assert outside.exists() == (kind != "to nothing")
    assert kind == "to nothing" or outside.read_text() == "precious"


def test_a_description_that_is_damaged_means_a_new_beginning(raw: Any, tmp_path: Path) -> None:
    server = raw(length(str(len(CONTENT)).encode()))
    for content in (b"", b"[" * 99_999, b"[]", b'{"etag": 7, "address": {}}', b"\xff", b"{}"):
        (tmp_path / "file.bin.part").write_bytes(b"begun")
        (tmp_path / "file.bin.part.json").write_bytes(content)
        assert download(server.url, tmp_path / "file.bin").read_bytes() == CONTENT
        assert b"Range:" not in server.requests[-1]
        (tmp_path / "file.bin").unlink()
