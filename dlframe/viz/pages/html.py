"""Pages as text: elements whose content is escaped, and whole files that need nothing else.

`element` makes markup of a tag, its content and its attributes; `page` puts all of it into one
file, with the style, the scripts and the pictures inside. Such a file can be mailed: it loads
nothing, and its Content-Security-Policy forbids that anything be loaded.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dlframe.base.printable import printable
from dlframe.errors import ArgumentError
from dlframe.viz.pages.values import to_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATIC = Path(__file__).parent / "static"  # what pages of several kinds share

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""What a page that is one file may load: nothing but what is in it."""

VOID = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"}  # elements without an end
SPACES = "\n\t\xa0\u202f"  # characters that printable() would write as escape sequences
PAGE_WIDTH = 850  # pixels in which pictures are looked at


class Markup(str):
    """A text that is HTML already, and is not escaped again."""

    __slots__ = ()


def escaped(text: object) -> Markup:
    r"""The text for the content of an element, or for an attribute in double quotes.

    Characters that cannot be seen, or that change the direction of writing, are shown as their
    escape sequences.

    >>> escaped('<b> & "c"\x00')
    '&lt;b&gt; &amp; &quot;c&quot;\\x00'
    """
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(printable(text, keep=SPACES)))


def joined(*content: Any) -> Markup:
    """The parts one after the other: markup as it is, everything else escaped; None is nothing.

    >>> joined("a < b, ", element("b", 3), [" and ", None, "c"])
    'a &lt; b, <b>3</b> and c'
    """
    return Markup("".join(_parts(content)))


def _parts(content: Iterable[Any]) -> Iterable[str]:
    for part in content:
        if part is None:
            continue
        if isinstance(part, list | tuple):
            yield from _parts(part)
        else:
            yield escaped(part)


def element(tag: str, *content: Any, **attributes: Any) -> Markup:
    """An element. `class_` is the attribute class, `aria_label` is aria-label.

    Attributes that are None or False are left out, and True is one without a value.

    >>> element("p", "1 < 2", class_="muted", hidden=True)
    '<p class="muted" hidden>1 &lt; 2</p>'
    >>> element("img", src="data:,", alt="")
    '<img src="data:," alt="">'
    """
    given = []
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        if value is True:
            given.append(f" {name}")
        elif value is not None and value is not False:
            given.append(f' {name}="{escaped(value)}"')
    start = f"<{tag}{''.join(given)}>"
    if tag in VOID:
        return Markup(start)
    return Markup(f"{start}{joined(*content)}</{tag}>")


# --- tables ------------------------------------------------------------------------------------


def table(
    columns: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    caption: object = None,
    numbers: Iterable[int] = (),
    class_: str | None = None,
) -> Markup:
    """A table; the first cell of each row is its heading. It scrolls where it is too wide.

    `numbers` are the columns whose cells stand at the right, one below the other.

    >>> table(["class", "F1"], [["cat", 0.5]], numbers=[1])
    '<div class="scrolls" tabindex="0" ...<th scope="row">cat</th><td class="number">0.5</td>...'
    """
    right = set(numbers)

    def cell(tag: str, i: int, content: object, **attributes: str) -> Markup:
        return element(tag, content, class_="number" if i in right else None, **attributes)

    head = element("tr", [cell("th", i, name, scope="col") for i, name in enumerate(columns)])
    body = [
        element(
            "tr",
            cell("th", 0, row[0], scope="row"),
            [cell("td", i, content) for i, content in enumerate(row[1:], start=1)],
        )
        for row in rows
    ]
    title = None if caption is None else element("caption", caption)
    whole = element("table", title, element("thead", head), element("tbody", body), class_=class_)
    label = "a table" if caption is None else str(caption)
    # who has no mouse scrolls with the arrow keys, for which it must be in the order of Tab
    return element(
        "div", whole, class_="scrolls", tabindex="0", role="region",
        aria_label=html.unescape(re.sub("<[^>]*>", "", label)),
    )  # fmt: skip


def pairs(entries: Mapping[str, object], *, caption: object = None) -> Markup:
    """A table of names and values, one below the other."""
    rows = [
        element("tr", element("th", name, scope="row"), element("td", value))
        for name, value in entries.items()
    ]
    title = None if caption is None else element("caption", caption)
    return element("table", title, element("tbody", rows), class_="pairs")


# --- charts and pictures -----------------------------------------------------------------------


def data(value: object, name: str | None = None) -> Markup:
    r"""A value for scripts: `JSON.parse(document.getElementById(name).textContent)`.

    What is not finite becomes null. Nothing in the value can end the element.

    >>> data({"name": "</script>"}, "runs")
    '<script type="application/json" id="runs">{"name":"\\u003c/script>"}</script>'
    """
    # JSON has "<" only in its strings, where this means the same
    text = to_json(value).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    whole = Markup(text.replace("\u2029", "\\u2029").encode("utf-8", "replace").decode())
    return element("script", whole, type="application/json", id=name)


def line_chart(options: Mapping[str, object], *, caption: object = None) -> Markup:
    """A chart of static/charts.js, which says what the options are.

    The page needs the script: `page(..., scripts=[asset("charts.js")])`.
    """
    chart = element("div", data(options), data_chart=True)
    return element("figure", chart, None if caption is None else element("figcaption", caption))


def image_source(picture: bytes, kind: str = "png") -> Markup:
    """The bytes of an image as an address that holds them (RFC 2397)."""
    text = base64.b64encode(picture).decode("ascii")
    return Markup(f"data:image/{kind};base64,{text}")


def picture(
    figure: Figure,
    alt: str,
    *,
    caption: object = None,
    form: Literal["png", "svg"] = "png",
    dpi: float = 144,
) -> Markup:
    """A matplotlib figure in the page, at the size at which it was drawn, or as wide as there is.

    `alt` is what it shows, for those who cannot see it. A PNG has at most 256 colours, which are
    all that a drawing has; with `form="svg"` its lines are sharp at every size.
    """
    file = io.BytesIO()
    width, height = (round(inches * 96) for inches in figure.get_size_inches())
    if form == "svg":
        import matplotlib as mpl

        # the same figure gives the same bytes
        with mpl.rc_context({"svg.hashsalt": "dlframe"}):
            figure.savefig(file, format="svg", metadata={"Date": None})
        source = image_source(file.getvalue(), "svg+xml")
    else:
        figure.savefig(file, format="png", dpi=dpi)
        source = image_source(small_png(file.getvalue()))
    shown = element(
        "img", src=source, alt=alt, width=width, height=height, class_="drawing", loading="lazy"
    )
    return element("figure", shown, None if caption is None else element("figcaption", caption))


def small_png(content: bytes) -> bytes:
    """The same image with 256 colours, where that makes it smaller."""
    from PIL import Image

    image = Image.open(io.BytesIO(content)).convert("RGB")
    file = io.BytesIO()
    few = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(file, "PNG", optimize=True)
    return min(content, file.getvalue(), key=len)


# --- a whole page ------------------------------------------------------------------------------


def asset(name: str) -> str:
    """The text of a file in static/, such as "page.css"."""
    return (STATIC / name).read_text(encoding="utf-8")


def page(
    title: str,
    *body: Any,
    styles: Sequence[str] | None = None,
    scripts: Sequence[str] = (),
    head: Sequence[Markup] = (),
    policy: str | None = POLICY,
    lang: str = "en",
) -> str:
    """A whole page as one text, with its styles (page.css by default) and scripts in it.

    The body is `element`s and texts; it should have one `main` with one `h1`. Raises ArgumentError
    for a script or style that would end the element which holds it.

    A page of a server, which has a policy of its own, links to its files instead:
    `styles=[], head=[element("link", rel="stylesheet", href="/static/page.css"),
    element("script", src="/static/charts.js", defer=True)], policy=None`.

    >>> text = page("A < B", element("main", element("h1", "A < B")))
    >>> text[:15], "<title>A &lt; B</title>" in text, "<h1>A &lt; B</h1>" in text
    ('<!doctype html>', True, True)
    """
    styles = [asset("page.css")] if styles is None else styles
    policies = () if policy is None else (policy,)
    parts = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        *(element("meta", http_equiv="Content-Security-Policy", content=one) for one in policies),
        element("title", title),
        *(element("style", _inside("style", text)) for text in styles),
        *head,
    ]
    ends = [element("script", _inside("script", text)) for text in scripts]
    whole = element(
        "html",
        "\n",
        element("head", "\n", *((part, "\n") for part in parts)),
        "\n",
        element("body", "\n", joined(*body), "\n", *((part, "\n") for part in ends)),
        "\n",
        lang=lang,
    )
    return f"<!doctype html>\n{whole}\n"


def _inside(tag: str, text: str) -> Markup:
    """The text of a script or style, which HTML has no way to escape."""
    found = re.search(rf"</{tag}|<!--", text, re.IGNORECASE)
    if found:
        raise ArgumentError(
            f"page: a {tag} of a page cannot contain {found.group()!r}, which would end it; write "
            "it as two texts, or with an escape sequence"
        )
    return Markup(text)
