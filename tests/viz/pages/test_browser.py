"""The browser that the tests of pages use, on a small page of the local server."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path
from typing import Any

import pytest

from dlframe.viz.pages import html
from dlframe.viz.pages.server import Channel, LocalServer, command, files, stream
from dlframe.viz.pages.server import page as page_at
from tests.browser import broken_words

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
    text = """<!doctype html><title>x</title><script>document.title = "ran"</script>
    <img src="http://example.org/a.png" alt="">"""
    with LocalServer([page_at("/", text)]) as server:
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


ATTACK = """
const results = [];
const url = "URL";
const attempt = (name, promise) => promise.then((what) => results.push(`${name}: ${what}`),
  () => results.push(`${name}: refused`));
const post = (headers, mode) => fetch(url + "press", {method: "POST", body: "{}", headers, mode})
  .then((answer) => answer.type === "opaque" ? Promise.reject() : answer.text());
const loaded = (tag, attributes) => new Promise((done, failed) => {
  const element = Object.assign(document.createElement(tag), attributes);
  element.onload = () => done("loaded");
  element.onerror = failed;
  document.body.append(element);
});
const heard = new Promise((done, failed) => {
  const source = new EventSource(url + "news");
  source.onmessage = () => done("heard");
  source.onerror = () => { source.close(); failed(); };
});
Promise.all([
  attempt("read", fetch(url).then((answer) => answer.text())),
  attempt("json", post({"Content-Type": "application/json"}, "cors")),
  attempt("text", post({"Content-Type": "text/plain"}, "no-cors")),
  attempt("script", loaded("script", {src: url + "static/page.js"})),
  attempt("news", heard),
]).then(() => { document.title = results.sort().join(", "); });
"""


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_page_of_another_server_reads_and_commands_nothing(
    page: Any, tmp_path: Path, name: str
) -> None:
    """Both for another site (another name) and for another port of this machine."""
    (tmp_path / "page.js").write_text(SCRIPT)
    news = Channel()
    news.send("secret")
    pressed = []
    routes = [page_at("/", HTML), files("/static", tmp_path), stream("/news", news)]
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Attacker)
    thread = threading.Thread(target=other.serve_forever)
    thread.start()
    try:
        with LocalServer([*routes, command("/press", pressed.append)]) as server:
            Attacker.page = f"<body><script>{ATTACK.replace('URL', server.url)}</script>".encode()
            page.goto(f"http://{name}:{other.server_port}/")
            names = ("json", "news", "read", "script", "text")
            expect(page).to_have_title(", ".join(f"{name}: refused" for name in names))
            assert pressed == []
            assert news.listeners == 0
            page.goto("about:blank")
    finally:
        other.shutdown()
        other.server_close()
        thread.join()
    page.faults.clear()  # the browser told the attacker so


class Attacker(http.server.BaseHTTPRequestHandler):
    """Somebody else's server, which serves one page."""

    page = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.mark.parametrize("width", [320, 800])
def test_tables_that_scroll_break_no_words(watched: Any, tmp_path: Path, width: int) -> None:
    arm = html.element("code", "SGD_with_momentum=0.9")
    row = [arm, "0.9123", "no difference was found", html.element("code", "a.long.name"), "verdict"]
    columns = ["arm", "accuracy", "the difference", "name", "verdict", "several words", "last"]
    rows = [[*row, "incomprehensibilities", "word"], ["Nesterov", *row[1:], "none", "x" * 99]]
    table = html.table(columns, rows, caption="Arms of a study")
    settings = html.pairs({"commit": "0f18bcde020e1f2c" * 8})
    file = tmp_path / "page.html"
    file.write_text(html.page("A page", table, settings), "utf-8")
    page = watched(viewport={"width": width, "height": 800})
    page.goto(file.as_uri())
    assert broken_words(page, ".scrolls") == []
    assert broken_words(page, ".pairs") == ["0f18bcde020e1f2c" * 8]  # it does not scroll
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.emulate_media(media="print")  # paper does not scroll, either
    assert "x" * 99 in broken_words(page, ".scrolls")
    assert page.evaluate("document.querySelector('.scrolls table').offsetWidth") <= width
