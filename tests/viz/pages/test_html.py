"""Pages as text: what is escaped, what is in the file, and that it is HTML."""

from __future__ import annotations

import base64
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlframe.errors import ArgumentError
from dlframe.viz import style
from dlframe.viz.pages.html import (
    Markup,
    asset,
    data,
    element,
    escaped,
    joined,
    line_chart,
    page,
    pairs,
    picture,
    table,
)

html5lib = pytest.importorskip("html5lib", reason="comes with the test extra")
HOSTILE = "</td></script><script>alert(1)</script>\"'&<!-- \u202e\x00\ud800 é 猫"


def parsed(text: str) -> Any:
    """The tree of a page; fails for anything that is no valid HTML."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(text)


def test_all_content_is_escaped() -> None:
    text = page(
        HOSTILE,
        element(
            "main",
            element("h1", HOSTILE, title=HOSTILE),
            table(["name", HOSTILE], [[HOSTILE, HOSTILE]], caption=HOSTILE),
            pairs({HOSTILE: HOSTILE}),
            line_chart({"series": [{"name": HOSTILE, "y": [1.0]}]}, caption=HOSTILE),
        ),
        scripts=["1;"],
    )
    text.encode()  # no surrogates
    tree = parsed(text)
    shown = "</td></script><script>alert(1)</script>\"'&<!-- \\u202e\\x00\\ud800 é 猫"
    assert tree.find("head/title").text == shown
    assert tree.find("body/main/h1").text == shown
    assert tree.find("body/main/h1").get("title") == shown
    assert [cell.text for cell in tree.iter("td")] == [shown, shown]
    assert tree.find(".//caption").text == shown
    scripts = [script.text for script in tree.iter("script")]
    assert len(scripts) == 2
    assert scripts[1] == "1;"
    name = json.loads(scripts[0])["series"][0]["name"]
    assert name == HOSTILE.replace("\ud800", "?")


def test_a_value_for_scripts_comes_back() -> None:
    value = {"a": [1, 0.5, None], "<": "</script><!--", "array": np.arange(3.0), "nan": np.nan}
    text = data(value, "it")
    assert text.count("<") == 2
    assert json.loads(re.sub("<[^>]*>", "", text)) == {
        "a": [1, 0.5, None], "<": "</script><!--", "array": [0, 1, 2], "nan": None
    }  # fmt: skip


def test_markup_is_not_escaped_twice() -> None:
    bold = element("b", "<")
    assert isinstance(bold, Markup)
    assert joined(bold, ["<", None, (1, bold)]) == "<b>&lt;</b>&lt;1<b>&lt;</b>"
    assert escaped(escaped("&")) == "&amp;"


def test_a_page_needs_nothing_else() -> None:
    text = page("x", element("main", element("h1", "x")), scripts=[asset("charts.js")])
    tree = parsed(text)
    metas = {meta.get("http-equiv"): meta.get("content") for meta in tree.iter("meta")}
    assert metas["Content-Security-Policy"].startswith("default-src 'none';")
    assert tree.find("head/style").text == asset("page.css")
    assert asset("charts.js") in [script.text for script in tree.iter("script")]
    assert not list(tree.iter("link"))
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", text)
    assert not re.search(r"url\(|@import", asset("page.css"))


def test_a_page_of_a_server_links_to_its_files() -> None:
    sheet = element("link", rel="stylesheet", href="/static/page.css")
    tree = parsed(page("x", element("main"), styles=[], head=[sheet], policy=None))
    assert [link.get("href") for link in tree.iter("link")] == ["/static/page.css"]
    assert not list(tree.iter("style"))
    assert len(list(tree.iter("meta"))) == 2


@pytest.mark.parametrize("text", ["a = '</SCRIPT>'", "<!-- x"])
def test_a_script_that_would_end_itself_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="script of a page cannot contain"):
        page("x", scripts=[text])
    with pytest.raises(ArgumentError, match="style of a page cannot contain '</style'"):
        page("x", styles=["p {} </style>"])


@pytest.mark.parametrize("form", ["png", "svg"])
def test_a_figure_becomes_an_image_in_the_page(form: Any) -> None:
    with style.house_style():
        figure = style.new_figure(4.0, 2.0, "Title")
        figure.subplots().plot([1, 2])
        shown = picture(figure, 'a line, from 1 to "2"', caption="<it>", form=form)
        again = picture(figure, 'a line, from 1 to "2"', caption="<it>", form=form)
    assert shown == again
    tree = parsed(page("x", element("main", shown)))
    image = tree.find(".//img")
    assert image.get("alt") == 'a line, from 1 to "2"'
    assert tree.find(".//figcaption").text == "<it>"
    size = (int(image.get("width")), int(image.get("height")))
    assert size == tuple(round(96 * inches) for inches in figure.get_size_inches())
    kind, _, content = image.get("src").partition(";base64,")
    if form == "png":
        assert kind == "data:image/png"
        with Image.open(io.BytesIO(base64.b64decode(content))) as pixels:
            assert pixels.width == pytest.approx(1.5 * size[0], abs=1)
    else:
        assert kind == "data:image/svg+xml"
        assert b"<svg" in base64.b64decode(content)


def test_a_table_says_what_its_columns_and_rows_are() -> None:
    tree = parsed(page("x", element("main", table(["a", "b"], [["r", 1]], numbers=[1]))))
    assert [(th.text, th.get("scope")) for th in tree.iter("th")] == [
        ("a", "col"), ("b", "col"), ("r", "row")
    ]  # fmt: skip
    assert [td.get("class") for td in tree.iter("td")] == ["number"]
    (around,) = (div for div in tree.iter("div") if div.get("class") == "scrolls")
    assert (around.get("tabindex"), around.get("role")) == ("0", "region")
