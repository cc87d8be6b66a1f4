"""`viz.playground`: the page on which a small network learns points in the plane."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from dlframe.viz.playground.settings import Settings

if TYPE_CHECKING:
    from dlframe.viz.pages.server import LocalServer

__all__ = ["Playground", "playground"]


def playground(
    settings: Settings | None = None,
    *,
    port: int = 0,
    open_browser: bool = True,
    block: bool = True,
) -> Playground:
    """Show a page on which a small network learns points in the plane.

    The network is trained here, by dlframe; the page draws it, and sends what is chosen. Every page
    that is opened has a network of its own.

    Args:
        settings: with which the page begins; None for the defaults. The page's address holds what
            is chosen there, and comes before them.
        port: of the address on this machine; 0 takes a free one.
        open_browser: whether to open the page, where there is a screen.
        block: wait for Ctrl-C, which ends it; False returns at once, as in a notebook.

    Returns:
        The open playground, with its `url` and `stop()`; `with` stops it, too.

    Needs the extra: `pip install 'dlframe[web]'`.

    Raises:
        ArgumentError: a port that is no number from 0 to 65535.
        OSError: the port is taken.

    >>> with playground(open_browser=False, block=False) as opened:
    ...     print(opened.url)
    http://127.0.0.1:...
    """
    from dlframe.viz.playground.app import Pages, make_server  # with a server, which is an extra

    server = make_server(Pages(Settings() if settings is None else settings), port=port)
    if block:
        server.show(open_browser=open_browser)
    else:
        server.start()
        if open_browser:
            server.open_browser()
    return Playground(server)


class Playground:
    """An open playground, as `playground(block=False)` returns it."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server

    @property
    def url(self) -> str:
        """The address of the page."""
        return self._server.url

    def stop(self) -> None:
        """End it, with the networks of all its pages."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
