"""How wide a terminal is, and tables that fit it."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

__all__ = ["USUAL_COLUMNS", "columns", "columns_of", "fitted_table", "is_terminal", "shortened"]

USUAL_COLUMNS = 80  # where nobody says how wide a terminal is
GAP = "  "  # between columns
NARROWEST = 16  # columns in which texts are still broken into lines that can be read


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream leads to a terminal; a closed one does not."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def columns(stream: TextIO | None = None) -> int | None:
    """The present width of the terminal to which a stream leads, or stdout; None if it is none."""
    stream = sys.stdout if stream is None else stream
    if not is_terminal(stream):
        return None
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (AttributeError, OSError, ValueError):
        width = 0
    if not width:  # a serial line does not know
        text = os.environ.get("COLUMNS", "")
        width = int(text) if text.isdecimal() else 0
    return width or USUAL_COLUMNS


def columns_of(text: str) -> int:
    """Columns on a terminal: east-asian wide characters take two, combining marks none.

    >>> columns_of("猫"), columns_of("cat")
    (2, 3)
    """
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def shortened(text: str, room: int) -> str:
    """A text of at most `room` columns, with a sign where its end is cut off."""
    if columns_of(text) <= room:
        return text
    while columns_of(text) >= room:
        text = text[:-1]
    return f"{text}…"


def fitted_table(
    rows: Sequence[Sequence[str]],
    width: int | None,
    *,
    numbers: Sequence[int] = (),
    heads: int = 0,
    rule: bool = False,
) -> list[str]:
    r"""The lines of a table, none of them wider than `width`, and no cell cut; None: any width.

    Columns are aligned, those in `numbers` on the right. Where they do not fit, the last one, if it
    is of texts, is broken into lines, or follows on lines of its own. Where the others do not fit
    either, a table with heads is divided into groups of columns, one below the other, each with the
    first column; one without lets each row go on in the next line.

    Args:
        rows: texts, all with as many cells; the first `heads` are the names of the columns.
        rule: draw a line below the heads.

    >>> rows = [("name", "is"), ("digits", "part of dlframe"), ("mnist", "to be fetched from afar")]
    >>> print("\n".join(fitted_table(rows, 30, heads=1)))
    name    is
    digits  part of dlframe
    mnist   to be fetched from
            afar
    """
    if not rows:
        return []
    count = len(rows[0])
    widths = [max(columns_of(row[i]) for row in rows) for i in range(count)]
    whole = sum(widths) + len(GAP) * (count - 1)
    if width is None or whole <= width:
        return _aligned(rows, widths, numbers, heads, rule=rule)
    last = count - 1
    before = whole - widths[last]
    if last > 0 and last not in numbers and before - len(GAP) <= width:
        if width - before >= min(widths[last], NARROWEST):
            return _with_broken(rows, widths, numbers, width - before)
        return _with_last_below(rows, widths, numbers, width)
    if not heads:
        return [line for row in rows for line in _flowing(row, width)]
    lines: list[str] = []
    for group in _groups(widths, width):
        part = [[row[i] for i in group] for row in rows]
        places = [n for n, i in enumerate(group) if i in numbers]
        lines += [""] if lines else []
        lines += _aligned(part, [widths[i] for i in group], places, heads, rule=rule)
    return lines


def _aligned(
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    numbers: Sequence[int],
    heads: int,
    *,
    rule: bool,
) -> list[str]:
    lines = [_line(row, widths, numbers) for row in rows]
    if rule:
        lines.insert(heads, "-" * (sum(widths) + len(GAP) * (len(widths) - 1)))
    return lines


def _line(row: Sequence[str], widths: Sequence[int], numbers: Sequence[int]) -> str:
    cells = []
    for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
        blank = " " * (width - columns_of(cell))
        cells.append(blank + cell if i in numbers else cell + blank)
    return GAP.join(cells).rstrip()


def _with_broken(
    rows: Sequence[Sequence[str]], widths: Sequence[int], numbers: Sequence[int], room: int
) -> list[str]:
    """The last column broken between words, below itself."""
    lines = []
    indent = " " * (sum(widths[:-1]) + len(GAP) * (len(widths) - 1))
    for *cells, last in rows:
        head = _line([*cells, ""], [*widths[:-1], 0], numbers)
        first, *more = _broken(last, room) or [""]
        lines.append((head + " " * (len(indent) - columns_of(head)) + first).rstrip())
        lines += [indent + one for one in more]
    return lines


def _with_last_below(
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    numbers: Sequence[int],
    width: int,
) -> list[str]:
    """The last cell of each row on lines of its own, indented."""
    lines = []
    for *cells, last in rows:
        lines.append(_line(cells, widths[:-1], numbers))
        lines += ["    " + one for one in _broken(last, width - 4)]
    return lines


def _flowing(row: Sequence[str], width: int) -> list[str]:
    """The cells one after the other, in as many lines as they need."""
    lines = [row[0]]
    for cell in filter(None, row[1:]):
        if columns_of(lines[-1]) + len(GAP) + columns_of(cell) <= width:
            lines[-1] += GAP + cell
        else:
            lines += ["    " + one for one in _broken(cell, width - 4)]
    return lines


def _broken(text: str, room: int) -> list[str]:
    """The words in lines of so many columns; `textwrap` does not know characters of two columns."""
    lines: list[str] = []
    for word in text.split():
        if lines and columns_of(lines[-1]) + 1 + columns_of(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _groups(widths: Sequence[int], width: int) -> list[list[int]]:
    """Which columns stand beside the first one, so that they fit."""
    groups: list[list[int]] = []
    used = 0
    for i in range(1, len(widths)):
        if not groups or used + len(GAP) + widths[i] > width:
            groups.append([0])
            used = widths[0]
        groups[-1].append(i)
        used += len(GAP) + widths[i]
    return groups or [[0]]
