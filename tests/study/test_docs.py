"""The generated pages of studies: what they say, and that links and tables hold."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dlframe.study import Explanation, Part, Results, Study

DOCS = Path(__file__).resolve().parents[2] / "docs"


def run(seeds, level=1.0, kind="a", epochs=3):
    """Which level is higher?"""
    if kind == "broken":
        raise ValueError("no | number")
    return {"score": [level * i + seeds.run % 3 for i in range(epochs)], "val_score": level}


def parts(found: Mapping[str, Results]) -> Iterator[Part]:
    import matplotlib.figure

    yield Part("A table", "One.\n\nTwo `x`.", table=(["a", "b|c"], [["d|e", 1]]))
    yield Part("A picture", figure=matplotlib.figure.Figure(), alt="nothing\nis seen")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    monkeypatch.syspath_prepend(str(DOCS))
    import study_pages  # type: ignore[import-not-found] # in docs, on the path above

    return study_pages


def test_a_page_says_all_that_belongs_to_it(page: types.ModuleType, tmp_path: Path) -> None:
    module = types.ModuleType("study_of_a_test", "What is it?\n\nA longer\nquestion.")
    study = Study(run, {"level": [1.0, 2.0], "kind": ["a", "broken"]}, measure="score", seeds=4,
                  name="levels")  # fmt: skip
    module.explanation = Explanation("So.", "Not so.", ["First?", "Second?"], parts)  # type: ignore[attr-defined] # ours
    results = study.run(workers=1)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "levels-99-old.png").write_text("")
    (tmp_path / "pictures" / "levels-more-01-other.png").write_text("")
    page.page(tmp_path, "levels", module, [("dlframe study levels", {"levels": results})])
    text = (tmp_path / "levels.md").read_text("utf-8")
    headings = re.findall(r"^#+ .*", text, re.MULTILINE)
    assert headings == [
        "# What is it?", "## What came out", "## What happens inside", "### A table",
        "### A picture", "## Why", "## What it does not show", "## To find out yourself",
        "## How it was made",
    ]  # fmt: skip
    assert "A longer question." in text
    assert "| d\\|e | 1 |" in text
    assert "| 0 of 4 |" in text
    assert "4 of 4 runs of level 1, broken gave no number: ValueError: no | number." in text
    assert "1. First?\n2. Second?" in text
    pictures = re.findall(r"!\[([^\]]+)\]\((pictures/[^)]+)\)", text)
    assert ("nothing is seen", "pictures/levels-04-a-picture.png") in pictures
    names = {f"pictures/{path.name}" for path in (tmp_path / "pictures").iterdir()}
    assert names == {*(path for _, path in pictures), "pictures/levels-more-01-other.png"}
    assert len((tmp_path / "levels.csv").read_text().splitlines()) == 17
