"""A real browser for tests: Chromium without a window, driven by Playwright.

The tests below tests/viz have its fixtures; they are marked slow. `page` is an empty page
(Playwright's `Page`). A test fails, although all its assertions hold, if the page wrote an error to
the console, threw one, or asked for anything that is not on this machine; what a test expects of
these it takes out of `page.faults`, a list of sentences. A test that failed leaves pictures of its
pages: the report says where.

Wait with Playwright's `expect(page.locator("#n")).to_have_text("1")`: our pages forbid `eval`, and
`page.wait_for_function` needs it.

`watched` makes more pages, such as those of a phone or of dark colours. Playwright keeps an event
loop in the thread of the tests, where `asyncio.run` would fail then; so the browser lives as long
as the tests of one file.

Where there is no Chromium, the tests are skipped, and say so. `make browser` installs Debian's.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HERE = {"127.0.0.1", "localhost"}
FLAGS = [
    "--no-sandbox",  # containers are often root's
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # no name but this machine's is looked up, so nothing leaves it
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]


def chromium() -> str | None:
    """The path of the system's Chromium or Chrome."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for the tests of one file; its user's folder is new, and is removed at the end."""
    playwright = pytest.importorskip("playwright.sync_api", reason="comes with the test extra")
    program = chromium()
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed; see `make browser`")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=FLAGS, headless=True)
        yield running
        running.close()


@pytest.fixture
def watched(
    browser: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., Any]]:
    """Makes pages, each in a context of its own; `watched(color_scheme="dark")` and so on."""
    contexts = []
    faults: list[str] = []
    failed_before = request.session.testsfailed

    def make(**options: Any) -> Any:
        context = browser.new_context(**options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        watch(context, faults)
        page = context.new_page()
        page.faults = faults
        return page

    yield make
    if request.session.testsfailed > failed_before:
        for number, page in enumerate(page for one in contexts for page in one.pages):
            picture = tmp_path / f"page-{number}.png"
            page.screenshot(path=picture)
            print(f"a picture of {page.url}: {picture}")
    for context in contexts:
        context.close()
    assert not faults, faults


@pytest.fixture
def page(watched: Callable[..., Any]) -> Any:
    """An empty page, 1000 × 800 pixels."""
    return watched(viewport={"width": 1000, "height": 800})


def watch(context: Any, faults: list[str]) -> None:
    """Note the errors of all pages of a context, and requests to other machines."""

    def console(message: Any) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            faults.append(f"console, {message.type}: {message.text} ({where})")

    def asked(request: Any) -> None:
        if leaves(request.url):
            faults.append(f"leaves this machine: {request.url}")

    context.on("console", console)
    context.on("weberror", lambda error: faults.append(f"error: {error.error}"))
    context.on("request", asked)


def leaves(url: str) -> bool:
    """Whether a request of this address would go to another machine."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ws", "wss"):
        return parts.hostname not in HERE
    return not re.fullmatch("file|data|blob|about", parts.scheme)


# Of each text below an element: words of letters and digits whose parts stand in several lines.
BROKEN = r"""(top) => {
  const broken = [];
  const texts = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    for (const word of texts.currentNode.data.matchAll(/[\p{L}\p{N}]+/gu)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map((one) => Math.round(one.top)));
      if (lines.size > 1) broken.push(word[0]);
    }
  }
  return broken;
}"""


def broken_words(page: Any, selector: str) -> list[str]:
    """The words in the elements of a selector that a line's end cuts in two."""
    return [word for one in page.locator(selector).all() for word in one.evaluate(BROKEN)]
