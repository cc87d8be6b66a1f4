"""Tables that fit a terminal: no line is wider, no cell is cut, and every cell is there."""

from __future__ import annotations

import io
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dlframe.base.terminals import columns, columns_of, fitted_table, shortened

ROWS = [
    ("name", "samples", "where"),
    ("digits", "1442", "part of dlframe"),
    ("fashion-mnist", "60000", "not in data: dlframe data download fashion-mnist"),
]


def test_a_table_that_fits_is_aligned() -> None:
    for width in (None, 100, 80):
        lines = fitted_table(ROWS, width, numbers=[1], heads=1, rule=width is not None)
        if width is not None:
            assert set(lines.pop(1)) == {"-"}
        assert lines[0] == "name           samples  where"
        assert lines[1] == "digits            1442  part of dlframe"


def test_the_last_column_is_broken_or_follows() -> None:
    lines = fitted_table(ROWS, 50, heads=1)
    assert lines[2] == "fashion-mnist  60000    not in data: dlframe data"
    assert lines[3] == " " * 24 + "download fashion-mnist"
    lines = fitted_table(ROWS, 36, heads=1)
    assert lines == [
        "name           samples",
        "    where",
        "digits         1442",
        "    part of dlframe",
        "fashion-mnist  60000",
        "    not in data: dlframe data",
        "    download fashion-mnist",
    ]


def test_numbers_are_never_broken() -> None:
    rows = [("Layer", "Parameters", "Multiply-adds"), ("0", "1,000,000", "123,456,789")]
    assert fitted_table(rows, 22, numbers=[1, 2], heads=1, rule=True) == [
        "Layer  Parameters",
        "-----------------",
        "0       1,000,000",
        "",
        "Layer  Multiply-adds",
        "--------------------",
        "0        123,456,789",
    ]


def test_a_table_of_nothing() -> None:
    assert fitted_table([], 10) == []


WORDS = st.lists(st.text("abc猫1", min_size=1, max_size=6), max_size=4).map(" ".join)


@given(
    st.integers(1, 5).flatmap(lambda n: st.lists(st.tuples(*[WORDS] * n), min_size=1, max_size=5)),
    st.integers(60, 90),
    st.booleans(),
)
def test_every_cell_is_there_and_no_line_is_wider(rows: Any, width: int, heads: bool) -> None:
    lines = fitted_table(rows, width, heads=int(heads))
    assert all(columns_of(line) <= width for line in lines)
    shown = re.sub(r"\s+", " ", " ".join(lines))
    for row in rows:
        for cell in row:
            assert cell in shown or all(word in shown for word in cell.split())


def test_shortened_texts() -> None:
    assert shortened("cat", 3) == "cat"
    assert shortened("giraffe", 4) == "gir…"
    assert columns_of(shortened("猫猫猫", 4)) <= 4


def test_what_is_no_terminal_has_no_width() -> None:
    assert columns(io.StringIO()) is None
    closed = io.StringIO()
    closed.close()
    assert columns(closed) is None
