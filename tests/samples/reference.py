"""The sections of docs/reference. A heading may name several classes: `## Conv1d, Conv2d, Conv3d`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "reference"


@cache
def sections() -> dict[str, str]:
    """Each name in a heading, with the text of its section."""
    found = {}
    for page in sorted(PAGES.glob("*.md")):
        for section in page.read_text("utf-8").split("\n## ")[1:]:
            heading, _, text = section.partition("\n")
            found |= dict.fromkeys(heading.split(", "), text)
    return found
