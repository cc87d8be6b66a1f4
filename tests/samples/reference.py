"""The sections of docs/reference. A heading may name several classes: `## Conv1d, Conv2d, Conv3d`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "reference"


def parts() -> Iterator[tuple[str, str, str]]:
    """Page, heading and text: first what stands under a page's title, then each section."""
    for page in sorted(PAGES.glob("*.md")):
        for part in page.read_text("utf-8").removeprefix("# ").split("\n## "):
            heading, _, text = part.partition("\n")
            yield page.name, heading, text


@cache
def sections() -> dict[str, str]:
    """Each name in a heading, with the text of its section."""
    return {name: text for _, heading, text in parts() for name in heading.split(", ")}


@cache
def illustrated() -> dict[str, str]:
    """Each name in a heading, with the text of its section and of those to which it links."""
    found = {}
    addresses = {f"{page}#{anchor(heading)}": text for page, heading, text in reversed([*parts()])}
    for page, heading, text in parts():
        links = re.findall(r"\]\(([\w-]+\.md)?#([\w-]+)\)", text)
        linked = [addresses.get(f"{file or page}#{place}", "") for file, place in links]
        found |= dict.fromkeys(heading.split(", "), text + "".join(linked))
    return found


def anchor(heading: str) -> str:
    """The address of a heading within its page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
