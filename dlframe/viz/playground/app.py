"""The playground's page: its server, and a session for each page that is open."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlframe import states
from dlframe.errors import ArgumentError, needs
from dlframe.viz.pages.server import STATIC, LocalServer, answer, command, files, page
from dlframe.viz.playground.lessons import LESSONS
from dlframe.viz.playground.packing import pack
from dlframe.viz.playground.session import Session
from dlframe.viz.playground.settings import CHOICES, LIMITS, MOST_LAYERS, MOST_UNITS, Settings

with needs("starlette", extra="web"):
    from starlette.responses import Response

__all__ = ["Pages", "make_server"]

HERE = Path(__file__).parent / "static"
MOST_SESSIONS = 16
PATIENCE = 0.25  # seconds that an update may train
MOST_AT_ONCE = 10**6  # steps or epochs of an update; the time ends it earlier


def make_server(pages: Pages, *, port: int = 0) -> LocalServer:
    """The server of the page, not yet started."""
    text = (HERE / "playground.html").read_text("utf-8")
    routes = [
        page("/", text),
        files("/static", HERE),
        files("/shared", STATIC),
        answer("/api/choices", pages.choices),
        command("/api/open", pages.open),
        command("/api/frame", pages.frame),
        command("/api/change", pages.change),
        command("/api/reset", pages.reset),
        command("/api/explain", pages.explain),
        command("/api/program", pages.program),
        command("/api/close", pages.close),
    ]
    return LocalServer(routes, port=port, name="playground")


class Pages:
    """The sessions of the open pages, at most 16; the one that was used least recently ends first.

    Commands are dicts as a page sends them; what is wrong in them is an ArgumentError in a
    sentence.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._sessions: OrderedDict[str, tuple[Session, threading.Lock]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    # --- the commands --------------------------------------------------------------------------

    def choices(self, query: Mapping[str, str]) -> dict[str, Any]:
        """What can be chosen, for the page's controls."""
        return {
            "settings": self.settings.to_dict(),
            "defaults": Settings().to_dict(),
            "choices": CHOICES,
            "limits": LIMITS,
            "most_layers": MOST_LAYERS,
            "most_units": MOST_UNITS,
            "lessons": [
                {"title": one.title, "task": one.task, "settings": one.settings.to_dict()}
                for one in LESSONS
            ],
        }

    def open(self, body: Mapping[str, Any]) -> Response:
        """A new session."""
        session = Session(Settings.of(body.get("settings", {})))
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._sessions[name] = session, threading.Lock()
            while len(self._sessions) > MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return _packed(session, body, id=name)

    def frame(self, body: Mapping[str, Any]) -> Response:
        """The state after some steps or epochs, or at present."""
        how = {
            name: _number(body, name, MOST_AT_ONCE) for name in ("steps", "epochs") if name in body
        }
        session, lock = self._session(body)
        with lock:
            made = session.advance(**how, seconds=PATIENCE) if how else 0
            return _packed(session, body, made=made)

    def change(self, body: Mapping[str, Any]) -> Response:
        """The state after other settings were taken."""
        settings = Settings.of(body.get("settings"))
        session, lock = self._session(body)
        with lock:
            began = session.change(settings)
            return _packed(session, {} if began else body, began=began)

    def reset(self, body: Mapping[str, Any]) -> Response:
        """The state at the beginning."""
        session, lock = self._session(body)
        with lock:
            session.reset()
            return _packed(session, {}, began=True)

    def explain(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What `Session.explain` says of a unit or weight."""
        layer, unit = _number(body, "layer"), _number(body, "unit")
        source = None if body.get("source") is None else _number(body, "source")
        sample = _number(body, "sample") if "sample" in body else 0
        session, lock = self._session(body)
        with lock:
            left = len(session.train.labels) - session.batch * session.settings.batch
            sample = min(sample, max(min(session.settings.batch, left) - 1, 0))
            return session.explain(layer, unit, source, sample=sample)

    def program(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The program that does the same."""
        session, lock = self._session(body)
        with lock:
            return {"program": session.program(), "as_printed": session.as_printed}

    def close(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """End a session: its page has gone."""
        with self._lock:
            self._sessions.pop(str(body.get("id")), None)
        return {}

    # --- help ----------------------------------------------------------------------------------

    def _session(self, body: Mapping[str, Any]) -> tuple[Session, threading.Lock]:
        with self._lock:
            name = body.get("id")
            if not isinstance(name, str) or name not in self._sessions:
                raise ArgumentError(
                    "This page's network is no longer there: the server was started again, or "
                    f"more than {MOST_SESSIONS} pages were opened. Reload the page."
                )
            self._sessions.move_to_end(name)
            return self._sessions[name]


def _number(body: Mapping[str, Any], name: str, most: int = 2**31) -> int:
    try:
        return int(states.integer(0, most)(body.get(name)))
    except states.Unfit as unfit:
        raise ArgumentError(f"playground: {name} is {unfit.form}") from None


def _packed(session: Session, body: Mapping[str, Any], **more: Any) -> Response:
    since = _number(body, "since") if "since" in body else -1
    drawn = _number(body, "drawn") if "drawn" in body else -1
    focus = None
    if body.get("focus") is not None:
        try:
            layer, unit = states.listed(states.integer(0, 2**31), 2)(body["focus"])
        except states.Unfit:
            raise ArgumentError("playground: focus is [layer, unit]") from None
        focus = int(layer), int(unit)
    data = pack(session, since=since, drawn=drawn, focus=focus, **more)
    return Response(data, media_type="application/octet-stream")
