"""The browser that the tests of pages use, on a small page of the local server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dlframe.viz.pages.server import Channel, LocalServer, command, files, stream
from dlframe.viz.pages.server import page as page_at

expect = pytest.importorskip("playwright.sync_api", reason="comes with the test extra").expect
pytestmark = pytest.mark.slow  # a browser starts in a second or two

HTML = """<!doctype html><html lang="en"><title>A page</title><p id="n"></p><button>press</button>
<script src="/static/page.js"></script>"""
SCRIPT = """
new EventSource("/news").onmessage = (event) => {
  document.getElementById("n").textContent = JSON.parse(event.data).n;
};
document.querySelector("button").onclick = () =>
  fetch("/press", {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"});
"""


def test_a_page_hears_news_and_sends_commands(page: Any, tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text(SCRIPT)
    news = Channel()
    pressed = []

    def press(body: dict[str, Any]) -> None:
        pressed.append(body)
        news.send({"n": "pressed"})

    routes = [page_at("/", HTML), files("/static", tmp_path), stream("/news", news)]
    with LocalServer([*routes, command("/press", press)]) as server:
        page.goto(server.url)
        news.send({"n": 1})
        expect(page.locator("#n")).to_have_text("1")
        page.get_by_role("button").click()
        expect(page.locator("#n")).to_have_text("pressed")
        assert pressed == [{}]
        assert page.faults == []
        page.goto("about:blank")  # a stream that the server ends is an error of the console


def test_what_a_page_may_not_do_is_seen(page: Any) -> None:
    """Otherwise every other test of pages would be satisfied with anything."""
    html = """<!doctype html><title>x</title><script>document.title = "ran"</script>
    <img src="http://example.org/a.png" alt="">"""
    with LocalServer([page_at("/", html)]) as server:
        page.goto(server.url)
        page.wait_for_load_state()
        assert page.title() == "x"
    assert any("Content Security Policy" in fault and "script" in fault for fault in page.faults)
    assert any("img-src" in fault for fault in page.faults)
    page.faults.clear()
    page.goto("about:blank")
    page.evaluate("() => { console.error('said'); setTimeout(() => { throw Error('thrown') }) }")
    page.evaluate("() => fetch('http://example.org').catch(() => 0)")
    page.wait_for_timeout(100)
    for text in ("said", "thrown", "leaves this machine: http://example.org"):
        assert any(text in fault for fault in page.faults), page.faults
    page.faults.clear()
