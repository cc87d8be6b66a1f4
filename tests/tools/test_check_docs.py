"""tools/check_docs.py finds what is wrong in a page."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("markdown_it", reason="comes with the docs extra")

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "check_docs.py"


@pytest.fixture
def faults(tmp_path: Path) -> Any:
    """Run the check on a folder with these pages, and return what it finds."""
    check = runpy.run_path(str(SCRIPT))
    main = check["main"]
    main.__globals__["ROOT"] = tmp_path

    def find(capsys: pytest.CaptureFixture[str], **pages: str) -> list[str]:
        (tmp_path / "docs").mkdir()
        for name, text in pages.items():
            folder = tmp_path if name == "README" else tmp_path / "docs"
            (folder / f"{name}.md").write_text(text, "utf-8")
        status = main()
        *found, summary = capsys.readouterr().out.splitlines()
        assert summary == f"{len(pages)} pages, {len(found)} faults"
        assert status == bool(found)
        return found

    return find


def test_sound_pages(faults: Any, capsys: pytest.CaptureFixture[str]) -> None:
    readme = "# A b, `c`!\n\n[x](docs/page.md#two-words) [y](#a-b-c) [z](https://example.org/)\n"
    page = "# P\n\n## Two words\n\n```python\nx = 1\n```\n\n![picture](page.md)\n"
    assert faults(capsys, README=readme, page=page) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[x](docs/none.md)", "README.md:1: 'docs/none.md' does not exist"),
        ("# A\n\n[x](#b)", "README.md:3: '#b': no heading makes the anchor #b"),
        ('<img src="p.png">', "README.md:1: 'p.png' does not exist"),
        (r"so $a \_ b$", r"README.md:1: '\\_' in a formula is lost or refused on some forges"),
        ("so $a +\nb", "README.md:1: a formula that goes on in the next line"),
        ("[x](../other.md)", "README.md:1: '../other.md' leaves the repository"),
        ("[x](/etc/hosts)", "README.md:1: '/etc/hosts' is neither relative nor a web address"),
        ("```python\nx = = 1\n```", "README.md:1: invalid syntax (<unknown>, line 1)"),
        ("```\ncode\n```", "README.md:1: a code block without a language (`text` if it has none)"),
    ],
)
def test_faults(text: str, message: str, faults: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert faults(capsys, README=text) == [message]


def test_a_page_that_nothing_leads_to(faults: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert faults(capsys, README="# R", page="# P") == ["docs/page.md: no page links to it"]
