"""A real HTTP server that answers well and badly, and a check that no worker is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_worker_is_left_behind() -> Iterator[None]:
    yield
    deadline = time.monotonic() + 5
    while left := [t.name for t in threading.enumerate() if t.name.startswith("dlframe-loader")]:
        assert time.monotonic() < deadline, f"threads left behind: {left}"
        time.sleep(0.01)


@pytest.fixture
def real_mnist(real_data: Path) -> Path:
    if not (real_data / "mnist" / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip(f"the original files of MNIST are not in {real_data / 'mnist'}")
    return real_data / "mnist"


@pytest.fixture
def real_cifar10(real_data: Path) -> Path:
    if not (real_data / "cifar10" / "cifar-10-batches-py" / "test_batch").is_file():
        pytest.skip(f"the original files of CIFAR-10 are not in {real_data / 'cifar10'}")
    return real_data / "cifar10"


class Server:
    """Serves `files` (path → bytes); `bad` says per path how to misbehave, and how often."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.bad: dict[str, list[str]] = {}  # one entry is used up per request
        self.always: dict[str, str] = {}  # misbehaviour that does not end
        self.requests: list[tuple[str, str | None]] = []  # path and Range header
        self.release = threading.Event()  # ends the silence of "silent"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def close(self) -> None:
        self.release.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, asked = request.path, request.headers.get("Range")
        self.requests.append((path, asked))
        queue = self.bad.get(path) or []
        how = queue.pop(0) if queue else self.always.get(path, "")
        request.close_connection = True
        if how.isdigit():
            self.send(request, int(how), b"sorry", {"Content-Type": "text/plain"})
        elif how == "html":
            page = b"<!DOCTYPE html><html><title>Please log in</title></html>"
            self.send(request, 200, page, {"Content-Type": "text/html; charset=utf-8"})
        elif how == "plain html":
            self.send(request, 200, b"\n <HTML><body>moved</body></html>", {})
        elif how == "silent":
            self.release.wait(10)
        elif path not in self.files:
            self.send(request, 404, b"not here", {"Content-Type": "text/plain"})
        else:
            self.send_file(request, self.files[path], asked, how)

    def send_file(
        self, request: BaseHTTPRequestHandler, content: bytes, asked: str | None, how: str
    ) -> None:
        status, headers = 200, {"Content-Type": "application/octet-stream"}
        if request.path in self.etags:
            headers["ETag"] = self.etags[request.path]
        total = len(content)
        if asked is not None and how != "no ranges":
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= total:
                self.send(request, 416, b"", {"Content-Range": f"bytes */{total}"})
                return
            if how == "other range":
                start = 0
            content, status = content[start:], 206
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        if how == "break":
            self.send(request, status, content, headers, sent=len(content) // 2)
        else:
            self.send(request, status, content, headers)

    @staticmethod
    def send(
        request: BaseHTTPRequestHandler,
        status: int,
        content: bytes,
        headers: dict[str, str],
        sent: int | None = None,
    ) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(content[:sent])
        request.wfile.flush()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # a proxy of the machine that runs the tests has no business between us and ourselves
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("DLFRAME_OFFLINE", raising=False)
    server = Server()
    yield server
    server.close()
