"""Connections that end when a server is too slow, at whichever point they are."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import requests


class Watch:
    """Ends connections that are too slow, at whichever point they are.

    A timeout of a socket counts the silence before each byte. So a byte now and then, header after
    header, or "100 Continue" without end would hold us for ever.
    """

    def __init__(self) -> None:
        self.expired = False
        self._deadline = float("inf")
        self._sockets: list[socket.socket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="dlframe-download", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        for connection in self._sockets:
            connection.close()

    def within(self, seconds: float) -> None:
        """The present step must be done in that time."""
        self._deadline = time.monotonic() + seconds

    def session(self) -> requests.Session:
        """A session whose connections are watched, and which follows no redirection by itself.

        (It would read the body of a redirection, however long that is.)
        """
        import requests

        watch = self

        class Adapter(requests.adapters.HTTPAdapter):
            def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
                pool = super().get_connection_with_tls_context(*args, **options)
                made_by: Any = (
                    pool  # urllib3's, whose types do not show the class of its connections
                )
                made_by.ConnectionCls = watch._watched(made_by.ConnectionCls)
                return pool

        class Session(requests.Session):
            def get_redirect_target(self, resp: requests.Response) -> str | None:
                return None

        session = Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, Adapter())
        return session

    def _watched(self, kind: Any) -> Any:
        watch = self

        class Watched(kind):  # type: ignore[misc] # known at run time only
            def _new_conn(self) -> Any:
                connection = super()._new_conn()
                # a copy, since TLS takes the socket itself over
                watch._sockets.append(connection.dup())
                return connection

        return Watched

    def _look(self) -> None:
        while not self._over.wait(0.05):
            if time.monotonic() > self._deadline:
                self.expired = True
                for connection in list(self._sockets):
                    with suppress(OSError):  # it has ended by itself
                        connection.shutdown(socket.SHUT_RDWR)
