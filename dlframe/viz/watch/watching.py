"""`viz.watch` and `dlframe watch`: the page that follows runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dlframe.errors import ArgumentError

STATIC = Path(__file__).parent / "static"

# A report is a page of its own, with its script in it. It may be anybody's, so it runs in a box:
# it reads nothing of this server and of the other runs, and sends nothing.
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

LARGEST_PICTURE = 64 << 20  # bytes
MEDIA_TYPES = {
    ".png": "image/png",
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".html": "text/html",
}

Places = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class Watching:
    """A page that follows runs: `url` is its address, `stop()` ends it. It is a context, too."""

    def __init__(self, runs: Places, *, port: int = 0) -> None:
        from dlframe.viz.pages import server as web
        from dlframe.viz.watch.watcher import Watcher

        self.watcher = Watcher(_places(runs))
        self.server = web.LocalServer(
            [
                web.page("/", (STATIC / "watch.html").read_text("utf-8")),
                web.files("/static", web.STATIC),
                web.files("/watch", STATIC),
                web.command("/update", self._update),
                web.answer("/file", self._file),
                web.answer("/curves.csv", self._curves),
                web.stream("/news", self.watcher.news),
            ],
            port=port,
            name="dlframe watch",
        )

    def _update(self, body: dict[str, Any]) -> Any:
        have, shown = body.get("have"), body.get("shown")
        if not isinstance(have, dict) or not isinstance(shown, list):
            raise ArgumentError("an update needs `have`, an object, and `shown`, a list")
        return self.watcher.update(have, [str(key) for key in shown])

    def _curves(self, query: dict[str, str]) -> Any:
        from starlette.responses import StreamingResponse

        keys = query.get("runs", "").split(",")
        return StreamingResponse(self.watcher.table(keys), media_type="text/csv")

    def _file(self, query: dict[str, str]) -> Any:
        """A picture or a report of a run; the watcher knows which there are."""
        from starlette.responses import Response

        path = self.watcher.picture(query["run"], query["name"])
        kind = path.suffix.lower()
        try:
            # what was a file when the run was looked at may be a link by now
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(descriptor, "rb") as file:
                content = file.read(LARGEST_PICTURE + 1)
        except OSError as error:
            return Response(f"{path.name}: {error.strerror}", 404, media_type="text/plain")
        if len(content) > LARGEST_PICTURE:
            return Response(f"{path.name} is too large", 413, media_type="text/plain")
        headers = {"Content-Security-Policy": REPORT_POLICY} if kind == ".html" else None
        return Response(content, media_type=MEDIA_TYPES[kind], headers=headers)

    @property
    def url(self) -> str:
        """The address of the page."""
        return self.server.url

    def start(self) -> Self:
        """Begin; when this returns, the page is there."""
        self.server.start()
        self.watcher.start()
        return self

    def show(self, *, open_browser: bool = True) -> None:
        """Begin, print the address, open the browser, and wait for Ctrl-C."""
        self.watcher.start()
        try:
            self.server.show(open_browser=open_browser)
        finally:
            self.stop()

    def stop(self) -> None:
        """End: the address answers no more, and no thread is left."""
        self.watcher.stop()
        self.server.stop()

    def __repr__(self) -> str:
        return f"Watching({self.url})"

    def _repr_html_(self) -> str:
        """A link, for notebooks."""
        return f'<a href="{self.url}" target="_blank" rel="noopener">{self.url}</a>'

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def watch(
    runs: Places = "runs", *, port: int = 0, open_browser: bool = True, block: bool = True
) -> Watching | None:
    """Show a page in the browser that follows training runs and compares them, while they train.

    Args:
        runs: folders of runs, folders that hold such folders, or files of `JSONLogger`,
            `CSVLogger` and `History.save`; one or several. Runs that begin later are found.
        port: of the address on this machine; 0 takes a free one.
        open_browser: whether to open the browser, where there is a screen.
        block: wait for Ctrl-C, as the command `dlframe watch` does; otherwise return a `Watching`,
            whose `url` is the address and whose `stop()` ends it.

    Raises ArgumentError for a port that is none, OSError for one that is taken, and
    MissingExtraError without `pip install 'dlframe[web]'`.

    >>> import tempfile
    >>> with watch(tempfile.mkdtemp(), open_browser=False, block=False) as page:
    ...     page.url
    'http://127.0.0.1:.../'
    """
    watching = Watching(runs, port=port)
    if block:
        watching.show(open_browser=open_browser)
        return None
    watching.start()
    if open_browser:
        watching.server.open_browser()
    return watching


def _places(runs: Any) -> list[Path]:
    one_only = isinstance(runs, str | bytes | os.PathLike) or not isinstance(runs, Iterable)
    given: list[Any] = [runs] if one_only else list(runs)
    if not given:
        raise ArgumentError("watch: no folder was named; runs is the usual one")
    for one in given:
        if not isinstance(one, str | os.PathLike):
            raise TypeError(
                f"watch: runs must be paths of folders or files; got {type(one).__name__} {one!r}"
            )
    return [Path(one) for one in given]
