"""A local server for pages in one's own browser.

A page is text of ours; it asks for answers (`answer`), sends commands (`command`) and listens for
news (`stream`). Each of these is a route, made from a plain function, and a `LocalServer` has a
list of them:

    ticks = Channel()
    server = LocalServer([
        page("/", "<!doctype html> ..."),
        files("/static", STATIC),
        answer("/numbers", lambda query: {"sum": 3}),
        command("/pause", lambda body: training.pause()),
        stream("/ticks", ticks),
    ])
    server.show()              # prints the address, opens the browser, ends with Ctrl-C

In the page, `fetch("/numbers")` gets an answer, `fetch("/pause", {method: "POST", headers:
{"Content-Type": "application/json"}, body: "{}"})` commands, and `new EventSource("/ticks")`
listens: its `message` events bring what `ticks.send(value)` sent, as JSON.

The server is for the people who may use this machine's loopback address, and for no one else:

- it listens on 127.0.0.1 only. From afar: `ssh -L 8000:localhost:8000 MACHINE`;
- a request must name this machine in its Host header, so that no site whose name was made to point
  at 127.0.0.1 can read it (DNS rebinding);
- a command must come from a page of this server (Origin header) and be JSON, so that no other site
  can send one;
- a page may load and run only what this server gives (Content-Security-Policy), nothing is kept in
  a cache, and no page can be framed by others.

Starlette and uvicorn are an extra: `pip install 'dlframe[web]'`.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from dlframe.base.printable import error_text
from dlframe.errors import ArgumentError, DlframeError, needs
from dlframe.viz.pages.html import STATIC
from dlframe.viz.pages.values import to_json

with needs("starlette", extra="web"):
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.requests import Request
    from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
    from starlette.routing import BaseRoute, Mount, Route
    from starlette.staticfiles import StaticFiles
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
with needs("uvicorn", extra="web"):
    import uvicorn

__all__ = [
    "STATIC",
    "Channel",
    "LocalServer",
    "answer",
    "command",
    "files",
    "page",
    "stream",
    "to_json",
]

LOOPBACK = "127.0.0.1"
OUR_NAMES = {"127.0.0.1", "localhost", "::1"}
LARGEST_BODY = 1 << 20  # bytes of a command
HEARTBEAT = 15.0  # seconds; a listener that is gone is noticed by writing to it
PATIENCE = 0.3  # seconds that open connections get to end by themselves when the server stops

# Only what this server itself gives: no inline script or style, no other machine, no frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Channel:
    """News for the pages that listen to it: each gets the newest value, and then every later one.

    `send` may be called in any thread, as often as there is news. A page that is slow, or hidden,
    misses values and still gets the newest: nothing queues up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._newest: tuple[int, str] | None = None
        self._came = threading.Condition(self._lock)

    def send(self, value: object) -> None:
        """Tell all who listen, and those who come later, what `to_json` makes of the value."""
        text = to_json(value)
        with self._lock:
            number = self._newest[0] + 1 if self._newest else 1
            self._newest = (number, text)
            self._ring()

    @property
    def listeners(self) -> int:
        """How many pages listen now."""
        with self._lock:
            return len(self._bells)

    def wait_for_listener(self, seconds: float | None = None) -> bool:
        """Wait until a page listens; False if none came within the time."""
        with self._came:
            return self._came.wait_for(lambda: bool(self._bells), seconds)

    def _ring(self) -> None:
        for bell, loop in list(self._bells.items()):
            try:
                loop.call_soon_threadsafe(bell.set)
            except RuntimeError:  # the loop ended: its server was stopped
                self._bells.pop(bell, None)

    def _wake(self) -> None:
        with self._lock:
            self._ring()

    async def _values(self, stopping: Callable[[], bool]) -> AsyncIterator[str]:
        bell = asyncio.Event()
        seen = 0
        with self._came:
            self._bells[bell] = asyncio.get_running_loop()
            self._came.notify_all()
        try:
            yield ": listening\n\n"
            while not stopping():
                bell.clear()
                newest = self._newest
                if newest is not None and newest[0] != seen:
                    seen = newest[0]
                    yield f"id: {seen}\ndata: {newest[1]}\n\n"
                    continue
                try:
                    await asyncio.wait_for(bell.wait(), HEARTBEAT)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            with self._lock:
                self._bells.pop(bell, None)


# --- routes ------------------------------------------------------------------------------------


def page(path: str, html: str | Callable[[], str]) -> Route:
    """A page: its text, or what makes the text each time that it is asked for."""

    def endpoint(request: Request) -> Response:
        text = html if isinstance(html, str) else html()
        return Response(text, media_type="text/html")

    return Route(path, endpoint)


def files(path: str, folder: Path) -> Mount:
    """The files of a folder and of its subfolders; nothing outside of it, not by links either."""
    return Mount(path, StaticFiles(directory=folder))


def answer(path: str, function: Callable[[dict[str, str]], object]) -> Route:
    """What a function of the query (`?run=a&since=3`) returns: JSON, or a Response as it is.

    It runs in a thread. ValueError, KeyError and dlframe's errors become status 400 with the
    sentence in `{"error": ...}`; others are faults, status 500, and shown where the server runs.
    """

    async def endpoint(request: Request) -> Response:
        query = dict(request.query_params)
        return await _answered(function, query)

    return Route(path, endpoint)


def command(path: str, function: Callable[[dict[str, Any]], object]) -> Route:
    """A POST of a JSON object, handed to a function; what it returns is the answer, as JSON.

    It runs in a thread; errors are answered as those of `answer` are.
    """

    async def endpoint(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                return _error(413, f"a command has at most {LARGEST_BODY} bytes")
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return _error(400, "the command is not JSON")
        if not isinstance(value, dict):
            return _error(400, "the command is not a JSON object")
        return await _answered(function, value)

    return Route(path, endpoint, methods=["POST"])


def stream(path: str, channel: Channel) -> Route:
    """What a channel sends, as server-sent events; ends when the server stops."""

    async def endpoint(request: Request) -> Response:
        server: LocalServer = request.app.state.server
        return StreamingResponse(
            channel._values(lambda: server.stopping), media_type="text/event-stream"
        )

    route = Route(path, endpoint)
    route.channel = channel  # type: ignore[attr-defined]  # the server wakes it when it stops
    return route


async def _answered(function: Callable[[Any], object], argument: object) -> Response:
    try:
        value = await run_in_threadpool(function, argument)
    except (DlframeError, ValueError, KeyError) as error:
        text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        return _error(400, text or error_text(error))
    return value if isinstance(value, Response) else Response(to_json(value), 200, JSON)


JSON = {"Content-Type": "application/json"}


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)


# --- the guard ---------------------------------------------------------------------------------


class _Guard:
    """Refuses requests of other sites, and writes the headers of every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        fault = refusal(scope["method"], Headers(scope=scope))
        if fault:
            await _error(*fault)(scope, receive, with_headers)
        else:
            await self.app(scope, receive, with_headers)


def refusal(method: str, headers: Headers) -> tuple[int, str] | None:
    """Why a request is not answered, with the status to say it; None if all is well."""
    host = headers.getlist("host")
    if len(host) != 1 or _host_name(host[0]) not in OUR_NAMES:
        return 403, "this server answers to localhost and 127.0.0.1 only"
    if method not in ("GET", "HEAD", "POST"):
        return 405, f"{method} is not known here"
    navigation = headers.get("sec-fetch-mode", "navigate") == "navigate"
    # "same-site" is another port of this machine: a server of somebody else's
    foreign = headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
    if foreign and not (navigation and method != "POST"):
        return 403, "another site asked for this"
    origins = headers.getlist("origin")
    own = f"http://{host[0]}"
    if any(origin != own for origin in origins):
        return 403, "another site asked for this"
    if method == "POST":
        if not origins:
            return 403, f"a command needs the header Origin: {own}"
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return 415, "a command is of the type application/json"
    return None


def _host_name(host: str) -> str | None:
    if not host or any(one in host for one in "@/\\?# "):
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:  # no address, or no port
        return None
    else:
        return parts.hostname


# --- the server --------------------------------------------------------------------------------


class _Uvicorn(uvicorn.Server):
    """uvicorn's server in a thread; what it leaves open when it stops is cut off."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(PATIENCE, self._cut_off)
        await super().shutdown(sockets)
        self._cut_off()
        await asyncio.sleep(0)  # the transports close in the loop's next round

    def _cut_off(self) -> None:
        for connection in list(self.server_state.connections):  # those that do not read
            if (transport := connection.transport) is not None:
                transport.abort()


class LocalServer:
    """Serves routes on the loopback address, in a thread of its own.

    Args:
        routes: what `page`, `files`, `answer`, `command` and `stream` make, or routes of Starlette.
        port: the port; 0 takes a free one.
        name: what it is, for the line that tells the address.

    It begins with `start`, at the end of which it answers at `url`, and ends with `stop`, also with
    open streams and readers that do not read: nothing of it is left. `with` does both. `show`
    is for the command line. Raises ArgumentError for a port that is no number from 0 to 65535 and
    OSError for one that is taken.
    """

    def __init__(
        self, routes: Sequence[BaseRoute], *, port: int = 0, name: str = "dlframe"
    ) -> None:
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise ArgumentError(f"port is a number from 0 to 65535, got {port!r}; 0: a free one")
        self.name = name
        self.stopping = False
        self._port = port
        self._channels = [one.channel for one in routes if hasattr(one, "channel")]
        icon = Route("/favicon.ico", lambda request: PlainTextResponse("", 204))
        app = Starlette(routes=[*routes, icon])
        app.state.server = self
        self._app = _Guard(app)
        self._server: _Uvicorn | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        """The address, with a slash at its end. Before `start` the port may not be known: 0."""
        return f"http://{LOOPBACK}:{self._port}/"

    def start(self) -> Self:
        """Begin; when this returns, the server answers. A server starts only once."""
        if self._thread is not None:
            raise RuntimeError(f"{self.name}: the server was started already; make another one")
        listening = _listen(self._port, self.name)
        self._port = listening.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=5,  # for a function that does not return; see PATIENCE
            limit_concurrency=500,
        )
        self._server = _Uvicorn(config)
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(listening, started), name=self.name, daemon=True
        )
        self._thread.start()
        started.wait()
        return self

    def _run(self, listening: socket.socket, started: threading.Event) -> None:
        assert self._server is not None

        async def serve() -> None:
            assert self._server is not None
            asyncio.get_running_loop().call_soon(started.set)  # the socket queues until then
            await self._server.serve(sockets=[listening])

        try:
            asyncio.run(serve())
        finally:
            listening.close()
            started.set()
            self._ended.set()

    def stop(self) -> None:
        """End within a second: streams are closed, readers that do not read are cut off."""
        if self._server is None or self._thread is None:
            return
        self.stopping = True
        self._server.should_exit = True
        for channel in self._channels:
            channel._wake()
        self._thread.join()

    def wait(self) -> None:
        """Wait until `stop` is called in another thread; Ctrl-C stops the server and ends it."""
        try:
            while not self._ended.wait(0.5):  # short: a wait without end hears no Ctrl-C on Windows
                pass
        finally:
            self.stop()

    def show(self, *, open_browser: bool = True) -> None:
        """Start, print the address, open the browser, and wait for Ctrl-C."""
        self.start()
        try:
            print(f"{self.name}: {self.url} (Ctrl-C ends it)", flush=True)  # noqa: T201 - its use
            if open_browser:
                self.open_browser()
            self.wait()
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()

    def open_browser(self) -> bool:
        """Show the page in the user's browser; False where there is no screen to show it on.

        A browser for terminals is left alone: it would take the terminal.
        """
        linux = not sys.platform.startswith(("win", "darwin"))
        screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
        if linux and not screen:
            return False
        # in a thread: some browsers return only when they are closed
        threading.Thread(target=webbrowser.open, args=(self.url,), daemon=True).start()
        return True

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _listen(port: int, name: str) -> socket.socket:
    try:
        listening = socket.create_server((LOOPBACK, port), backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = "is taken by another program; another --port, or 0 for a free one"
        elif error.errno == errno.EACCES:
            why = "may not be used by this account; ports from 1024 on may"
        else:
            why = f"cannot be used: {error.strerror or error}"
        fault = OSError(f"{name}: port {port} {why}")
        fault.errno = error.errno
        raise fault from None
    # asyncio does this for sockets that name their protocol, which these do not; without it the
    # body of an answer waits for 40 ms until its head is acknowledged
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
