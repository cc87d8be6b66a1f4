"""The local server: what it answers, to whom, and how it ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlframe.errors import ArgumentError, ShapeError
from dlframe.viz.pages.server import (
    LARGEST_BODY,
    Channel,
    LocalServer,
    answer,
    command,
    files,
    page,
    stream,
    to_json,
)


def fails_with(error: Exception) -> Any:
    def function(query: dict[str, str]) -> None:
        raise error

    return function


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("server")
    shown = tmp_path / "shown"
    (shown / "deep").mkdir(parents=True)
    (shown / "a.js").write_text("let a = 1;")
    (shown / "deep" / "b.css").write_text("p {}")
    (tmp_path / "secret.txt").write_text("secret")
    (shown / "link.txt").symlink_to(tmp_path / "secret.txt")
    return shown


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def live(channel: Channel) -> Iterator[LocalServer]:
    with LocalServer([page("/", "x"), stream("/news", channel)], name="live") as running:
        yield running


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LocalServer]:
    routes = [
        page("/", "<!doctype html><title>é</title>"),
        files("/static", folder),
        answer("/sum", lambda query: {"sum": sum(float(one) for one in query["of"].split())}),
        answer("/shape", fails_with(ShapeError("a sentence"))),
        command("/double", lambda body: {"doubled": 2 * body["x"]}),
    ]
    with LocalServer(routes, name="a test") as running:
        yield running


def address(server: LocalServer) -> tuple[str, int]:
    host, _, port = server.url.removeprefix("http://").strip("/").partition(":")
    return host, int(port)


def ask(
    server: LocalServer, path: str, method: str = "GET", body: Any = None, **headers: str | None
) -> tuple[int, str, http.client.HTTPMessage]:
    """One request; `None` leaves a header out."""
    host, port = address(server)
    connection = http.client.HTTPConnection(host, port, timeout=10)
    all_headers = {"Host": f"{host}:{port}"}
    if method == "POST":
        all_headers |= {"Origin": server.url.strip("/"), "Content-Type": "application/json"}
    all_headers |= {key.replace("_", "-"): value for key, value in headers.items()}
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    text = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    for key, value in all_headers.items():
        if value is not None:
            connection.putheader(key, value)
    connection.putheader("Content-Length", str(len(text)))
    connection.endheaders(text)
    response = connection.getresponse()
    try:
        return response.status, response.read().decode(), response.headers
    finally:
        connection.close()


# --- what it answers ---------------------------------------------------------------------------


def test_a_page_files_answers_and_commands(server: LocalServer) -> None:
    status, text, headers = ask(server, "/")
    assert (status, text) == (200, "<!doctype html><title>é</title>")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert ask(server, "/static/a.js")[:2] == (200, "let a = 1;")
    assert ask(server, "/static/deep/b.css")[:2] == (200, "p {}")
    assert ask(server, "/sum?of=1+2.5")[:2] == (200, '{"sum":3.5}')
    assert ask(server, "/double", "POST", {"x": 21})[:2] == (200, '{"doubled":42}')


def test_answers_are_not_held_back(server: LocalServer) -> None:
    """Of a kept connection, each further answer took 40 ms: its body waited for its head."""
    with socket.create_connection(("127.0.0.1", int(server.url.split(":")[2][:-1]))) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert server._server is not None
        (connection,) = server._server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_errors_of_the_asker_are_sentences(server: LocalServer) -> None:
    assert ask(server, "/shape")[:2] == (400, '{"error":"a sentence"}')
    status, text, _ = ask(server, "/sum?of=x")
    assert status == 400
    assert "could not convert" in text
    assert ask(server, "/double", "POST", {})[:2] == (400, '{"error":"x"}')
    assert ask(server, "/double", "POST", [1])[0] == 400
    assert ask(server, "/double", "POST", b"{")[0] == 400
    assert ask(server, "/double", "POST", b"[" * 100_000)[0] == 400
    assert ask(server, "/double", "POST", b" " * (LARGEST_BODY + 1))[0] == 413
    assert ask(server, "/nothing")[0] == 404


def test_every_answer_says_what_a_page_may_do(server: LocalServer) -> None:
    for path in ("/", "/static/a.js", "/sum?of=1", "/nothing", "/shape"):
        headers = ask(server, path)[2]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_json_that_a_browser_reads() -> None:
    value = {"a": [1.0, float("nan"), np.float32(2)], "b": (np.arange(2), float("-inf")), 3: None}
    assert json.loads(to_json(value)) == {"a": [1.0, None, 2.0], "b": [[0, 1], None], "3": None}
    assert to_json(Path("é")) == '"é"'


# --- to whom -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "0",
        "127.0.0.1:x",
        "localhost/../evil",
        "[::2]",
        "10.0.0.1",
    ],
)
def test_a_name_that_is_not_ours_gets_nothing(server: LocalServer, host: str) -> None:
    status, text, _ = ask(server, "/", Host=host)
    assert status in (400, 403)  # 400: no HTTP at all
    assert "<title>" not in text


def test_our_names_with_any_port_are_answered_as_behind_a_tunnel(server: LocalServer) -> None:
    for host in ("localhost", "localhost:9999", "127.0.0.1:1", "[::1]:8000", "LOCALHOST:5"):
        assert ask(server, "/", Host=host)[0] == 200, host
    own = {"Host": "localhost:9999", "Origin": "http://localhost:9999"}
    assert ask(server, "/double", "POST", {"x": 1}, **own)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://localhost"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_command_of_another_site_is_refused(server: LocalServer, headers: Any) -> None:
    status, text, _ = ask(server, "/double", "POST", {"x": 1}, **headers)
    assert status in (403, 415)
    assert "doubled" not in text


def test_other_sites_may_link_to_a_page_and_embed_nothing(server: LocalServer) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert ask(server, "/", **link)[0] == 200
    script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert ask(server, "/static/a.js", **script)[0] == 403
    assert ask(server, "/sum?of=1", Origin="http://evil.example")[0] == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_are_refused(server: LocalServer, method: str) -> None:
    assert ask(server, "/double", method)[0] == 405
    assert ask(server, "/double")[0] == 405
    assert ask(server, "/sum?of=1", "POST", {})[0] == 405


@pytest.mark.parametrize(
    "path",
    [
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/link.txt",
        "/static/deep/../../secret.txt",
        "/static/..%5csecret.txt",
        "/static/a.js%00.txt",
        "/static",
        "/static/",
        "/static/deep",
    ],
)
def test_only_the_files_of_the_folder_are_served(server: LocalServer, path: str) -> None:
    status, text, _ = ask(server, path)
    assert status in (307, 400, 404)
    assert "secret" not in text
    assert "root:" not in text


# --- news --------------------------------------------------------------------------------------


class Listener:
    """A page that listens, as far as bytes go."""

    def __init__(self, server: LocalServer, path: str = "/news") -> None:
        self.socket = socket.create_connection(address(server), timeout=10)
        host = "{}:{}".format(*address(server))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        self.text = ""

    def read_until(self, text: str) -> str:
        while text not in self.text:
            came = self.socket.recv(65536)
            assert came, f"ended before {text!r}: {self.text!r}"
            self.text += came.decode()
        return self.text

    def read_to_the_end(self) -> str:
        try:
            while came := self.socket.recv(65536):
                self.text += came.decode()
        except ConnectionResetError:
            pass
        return self.text


@pytest.fixture
def listen() -> Iterator[Any]:
    """Makes listeners, whose connections are closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(server: LocalServer) -> Listener:
            listener = Listener(server)
            stack.callback(listener.socket.close)
            return listener

        yield make


def test_who_listens_hears_the_newest_and_what_comes(
    live: LocalServer, channel: Channel, listen: Any
) -> None:
    channel.send({"n": 0})
    channel.send({"n": 1})
    listener = listen(live)
    text = listener.read_until('data: {"n":1}\n\n')
    assert "text/event-stream" in text
    assert '{"n":0}' not in text
    channel.send({"n": 2})
    assert listener.read_until('{"n":2}')
    assert channel.listeners == 1
    listener.socket.close()
    end = time.monotonic() + 10
    while channel.listeners and time.monotonic() < end:
        channel.send({"n": 3})  # who is gone is noticed by writing
        time.sleep(0.01)
    assert channel.listeners == 0


def test_many_listen_and_one_of_them_slowly(
    live: LocalServer, channel: Channel, listen: Any
) -> None:
    slow = listen(live)
    quick = [listen(live) for _ in range(20)]
    for one in [slow, *quick]:
        assert channel.wait_for_listener(10)
        one.read_until("listening")
    for n in range(100):  # 10 MB, more than any buffer between the two holds
        channel.send({"n": n, "text": "x" * 100_000})
    channel.send("the last")
    for one in quick:
        one.read_until('"the last"')
    slow.read_until('"the last"')
    assert slow.text.count("data:") <= 101


@pytest.mark.parametrize("reads", [True, False])
def test_it_ends_at_once_with_open_streams(channel: Channel, listen: Any, reads: bool) -> None:
    server = LocalServer([stream("/news", channel)]).start()
    listeners = [listen(server) for _ in range(5)]
    for one in listeners:
        one.read_until("listening")
    idle = socket.create_connection(address(server))
    half = socket.create_connection(address(server))
    half.sendall(b"GET / HT")
    if not reads:
        channel.send("x" * 30_000_000)
        time.sleep(0.1)
    threads = set(threading.enumerate())
    server.stop()
    left = set(threading.enumerate())
    assert {t.name for t in threads - left} >= {server.name}  # its own, which served
    assert left <= threads
    assert channel.listeners == 0
    for one in listeners:
        one.read_to_the_end()
    idle.close()
    half.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(server))
    channel.send("nobody")
    server.stop()  # again: nothing


# --- beginning and end -------------------------------------------------------------------------


def test_it_listens_on_the_loopback_only(server: LocalServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for other in others - {"127.0.0.1", "127.0.1.1", "::1"}:
        with pytest.raises(OSError):
            socket.create_connection((other, address(server)[1]), timeout=2)


def test_a_port_that_is_taken(server: LocalServer) -> None:
    port = address(server)[1]
    with pytest.raises(OSError, match=f"watch: port {port} is taken by another program; another"):
        LocalServer([], port=port, name="watch").start()
    for wrong in (-1, 65536, "80"):
        with pytest.raises(ArgumentError, match=f"from 0 to 65535, got {wrong!r}"):
            LocalServer([], port=wrong)
    with pytest.raises(RuntimeError, match="started already"):
        server.start()


def test_a_port_is_free_again_after_the_end(live: LocalServer) -> None:
    port = address(live)[1]
    ask(live, "/")
    live.stop()
    with LocalServer([page("/", "again")], port=port) as second:
        assert ask(second, "/")[1] == "again"


def test_a_fault_is_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    with LocalServer([answer("/", fails_with(ZeroDivisionError("oops")))]) as server:
        status, text, _ = ask(server, "/")
    assert (status, text) == (500, "Internal Server Error")
    assert "ZeroDivisionError: oops" in caplog.text


PROGRAM = """
from dlframe.viz.pages.server import *
channel = Channel()
server = LocalServer([page("/", "x"), stream("/news", channel)], name="a program")
server.show(open_browser=False)
print("ended")
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_ends_it_with_open_streams() -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("a program: http://127.0.0.1:")
        host, _, port = line.split()[2].removeprefix("http://").strip("/").partition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f"GET /news HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            assert connection.recv(100)
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
        assert time.monotonic() - started < 5
    assert (out, err, process.returncode) == ("ended\n", "", 0)


def test_without_the_extra_its_name_is_said() -> None:
    program = """
import sys

class Absent:
    def find_spec(self, name, path, target=None):
        if name == "{absent}":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
try:
    import dlframe.viz.pages.server
except ImportError as error:
    print(type(error).__name__, error, sep=": ")
"""
    for absent in ("starlette", "uvicorn"):
        code = program.format(absent=absent)
        done = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
        advice = "it comes with an extra: pip install 'dlframe[web]'"
        assert done.stdout.strip() == f"MissingExtraError: {absent} is not installed; {advice}"
