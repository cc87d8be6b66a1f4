"""One style of rulers, backticks, examples and marks in all Python files."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("benchmarks", "dlframe", "docs", "examples", "plugins", "tests", "tools")
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))

RULER = re.compile(r" *# --- \S.* -+")
WIDTH = 97
MARK = re.compile(r"# (noqa|type: ignore|pragma: no cover|pyright: ignore)\b")
MARK_WITH_REASON = re.compile(r"# [a-z: ]+(\[[\w, -]+\]|: [A-Z0-9, ]+)? *[#-] \S.*")


# What a fault contains. Most files have nothing of the kind, and need not be parsed.
SUSPECT = re.compile(r"# ?-{2,} |``|:[a-z]+:`|^ *Examples?:$|" + MARK.pattern, re.MULTILINE)


def prose(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of comments and docstrings, with their numbers."""
    text = file.read_text(encoding="utf-8")
    if not SUSPECT.search(text):
        return
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                yield number, lines[number - 1]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            alone = token.line.strip() == token.string
            yield token.start[0], token.line.rstrip() if alone else token.string


def faults(file: Path) -> Iterator[str]:
    for number, line in prose(file):
        place = f"{file.relative_to(ROOT)}:{number}"
        if re.match(r" *# ?-{2,} ", line) and not (RULER.fullmatch(line) and len(line) == WIDTH):
            yield f"{place}: a ruler is written `# --- name ---…` and ends in column {WIDTH}"
        if "``" in line or re.search(r":[a-z]+:`", line):
            yield f"{place}: code stands between single backticks"
        if re.fullmatch(r" *Examples?:", line):
            yield f"{place}: a doctest needs no heading"
        mark = MARK.search(line)
        if mark and not MARK_WITH_REASON.fullmatch(line[mark.start() :]):
            yield f"{place}: a mark has its reason beside it"


@pytest.mark.parametrize("folder", FOLDERS)
def test_rulers_backticks_and_examples_have_one_style(folder: str) -> None:
    files = [file for file in FILES if file.relative_to(ROOT).parts[0] == folder]
    assert files
    assert [fault for file in files for fault in faults(file)] == []


@pytest.mark.parametrize(
    "line",
    [
        "# -- name ---",
        "# ------ name",
        "# --- name ---",
        "# ``x``",
        "# :func:`x`",
        '"""\nExample:\n"""',
        "x = 1  # noqa: E501",
        "x = 1  # type: ignore[misc]",
    ],
)
def test_other_styles_are_found(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    file = tmp_path / "other.py"
    file.write_text(line + "\n", encoding="utf-8")
    assert len(list(faults(file))) == 1
