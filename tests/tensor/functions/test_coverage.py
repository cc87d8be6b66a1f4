"""Every name of the surface has samples, with every argument, and the report says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples.coverage import Row, class_rows, page, rows
from samples.surface import names

ALL = [row for section in rows().values() for row in section]


def test_names_are_listed_once() -> None:
    assert len(names()) == len(set(names())) > 400


@pytest.mark.parametrize("row", ALL, ids=[row.name for row in ALL])
def test_name_is_covered(row: Row) -> None:
    """Calls of the function, the method and the in-place form, and with every argument."""
    assert row.missing == []


def test_classes_are_covered() -> None:
    """Every argument is passed, except those that mean nothing on one device."""
    assert {row.name: row.missing for row in class_rows() if row.missing} == {}


def test_report_is_up_to_date(repository: Path) -> None:
    written = (repository / "docs" / "coverage.md").read_text(encoding="utf-8")
    assert written == page(), "run tools/make_coverage.py"
