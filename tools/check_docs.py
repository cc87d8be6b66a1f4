"""Check the documentation: `make docs`.

Every link and picture leads to a file that exists, every #anchor to a heading, every page and
picture under docs/ is linked from somewhere, every block of Python is valid, and formulas avoid
what some sites render wrong. tests/test_readme.py runs the blocks.
Addresses on the web are not fetched, so that the check does not depend on the network.
"""

from __future__ import annotations

import ast
import doctest
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent


def pages(root: Path) -> list[Path]:
    """The Markdown files that people read."""
    return sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("*/*/README.md")])


def tokens(page: Path) -> Iterator[tuple[Token, int]]:
    """Every token of a page, inline ones too, with the line it stands on."""
    line = 1
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text("utf-8")):
        line = token.map[0] + 1 if token.map else line
        yield token, line
        for child in token.children or ():
            yield child, line


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub and most site builders make from the headings of a page."""
    found: set[str] = set()
    parsed = MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text("utf-8"))
    for opening, content in pairwise(parsed):
        if opening.type != "heading_open":
            continue
        text = "".join(child.content for child in content.children or ())
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    html = "".join(t.content for t, _ in tokens(page) if t.type in {"html_block", "html_inline"})
    return found | set(re.findall(r"""(?:id|name)=["']([^"']+)["']""", html))


def links(page: Path) -> Iterator[tuple[str, int]]:
    """The targets of links and pictures, Markdown's and HTML's."""
    for token, line in tokens(page):
        if token.type == "link_open":
            yield str(token.attrs["href"]), line
        elif token.type == "image":
            yield str(token.attrs["src"]), line
        elif token.type in {"html_block", "html_inline"}:
            for target in re.findall(r"""(?:href|src)=["']([^"']+)["']""", token.content):
                yield target, line


def link_faults(page: Path, reached: set[Path]) -> Iterator[str]:
    """The faults of a page's links; `reached` collects the files to which they lead."""
    for target, line in links(page):
        parts = urlsplit(target)
        if parts.scheme in {"http", "https", "mailto"}:
            continue
        where = f"{page.relative_to(ROOT)}:{line}"
        if parts.scheme or parts.netloc or parts.path.startswith("/"):
            yield f"{where}: {target!r} is neither relative nor a web address"
            continue
        file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        reached.add(file)
        if not file.is_relative_to(ROOT):
            yield f"{where}: {target!r} leaves the repository"
        elif not file.exists():
            yield f"{where}: {target!r} does not exist"
        elif parts.fragment and file.suffix == ".md" and parts.fragment not in anchors(file):
            yield f"{where}: {target!r}: no heading makes the anchor #{parts.fragment}"


def code_faults(page: Path) -> Iterator[str]:
    """The blocks of Python that are not valid."""
    for token, line in tokens(page):
        if token.type != "fence":
            continue
        where = f"{page.relative_to(ROOT)}:{line}"
        language = token.info.split()[0] if token.info.strip() else ""
        if not language:
            yield f"{where}: a code block without a language (`text` if it has none)"
        try:
            if language in {"python", "py"}:
                ast.parse(token.content)
            elif language == "pycon":
                for example in doctest.DocTestParser().get_examples(token.content):
                    ast.parse(example.source)
        except (SyntaxError, ValueError) as error:
            yield f"{where}: {error}"


def formula_faults(page: Path) -> Iterator[str]:
    """Formulas that some sites render wrong, because they read escapes and stars in them first."""
    code = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
    text = code.sub(_blank, page.read_text("utf-8"))
    for formula in re.finditer(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", text, flags=re.DOTALL):
        where = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, formula.start()) + 1}"
        for bad in re.findall(r"\\[^a-zA-Z\s]|\\operatorname|\*", formula[0]):
            yield f"{where}: {bad!r} in a formula is lost or refused on some forges"
    outside = re.sub(r"\$\$.+?\$\$", _blank, text, flags=re.DOTALL)
    for number, line in enumerate(outside.splitlines(), 1):
        if line.count("$") % 2:
            yield f"{page.relative_to(ROOT)}:{number}: a formula that goes on in the next line"


def _blank(match: re.Match[str]) -> str:
    """The same number of empty lines."""
    return "\n" * match[0].count("\n")


def main() -> int:
    """Print every fault; 1 if there are any."""
    every = pages(ROOT)
    reached: set[Path] = set()
    faults = [
        fault
        for page in every
        for fault in (*link_faults(page, reached), *code_faults(page), *formula_faults(page))
    ]
    faults += [
        f"{page.relative_to(ROOT)}: no page links to it"
        for page in every
        if page.is_relative_to(ROOT / "docs") and page not in reached
    ]
    faults += [
        f"{picture.relative_to(ROOT)}: no page shows it"
        for picture in sorted(ROOT.glob("docs/pictures/*"))
        if picture not in reached
    ]
    for fault in faults:
        print(fault)
    print(f"{len(every)} pages, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
