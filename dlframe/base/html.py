"""Plain HTML for notebooks: it takes the colours of the page, and every text in it is escaped."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence

_LEFT, _RIGHT = ' style="text-align:left"', ' style="text-align:right"'


def escaped(text: object) -> str:
    """A text for HTML: no character of it is read as a tag, an attribute or an entity.

    >>> escaped("<script>")
    '&lt;script&gt;'
    """
    return html.escape(str(text))


def preformatted(text: object, caption: object = "") -> str:
    """A text as it is printed, with a small line below it.

    >>> preformatted("tensor([1.])", "shape (1,)")
    '<pre>tensor([1.])</pre><small>shape (1,)</small>'
    """
    small = f"<small>{escaped(caption)}</small>" if caption else ""
    return f"<pre>{escaped(text)}</pre>{small}"


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    caption: object = "",
    texts: int = 1,
    indents: Sequence[int] = (),
) -> str:
    """A table whose first columns, `texts` of them, are flush left and the others flush right.

    `indents` are how far the first cell of each row is moved to the right.

    >>> table(["name", "size"], [["a", 1]])[:28]
    '<table><thead><tr><th style='
    """
    heads = "".join(
        f"<th{_LEFT if i < texts else _RIGHT}>{escaped(one)}</th>" for i, one in enumerate(head)
    )
    body = []
    for number, row in enumerate(rows):
        depth = indents[number] if number < len(indents) else 0
        cells = []
        for i, one in enumerate(row):
            place = _LEFT if i < texts else _RIGHT
            if i == 0 and depth:
                place = f' style="text-align:left;padding-left:{1.2 * depth + 0.5:g}em"'
            cells.append(f"<td{place}>{escaped(one)}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    above = f"<caption>{escaped(caption)}</caption>" if caption else ""
    return f"<table>{above}<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def sparkline(lines: Mapping[str, Sequence[float]], width: int = 280, height: int = 70) -> str:
    """A small drawing of one line or two over their index, on one scale, with its ends as numbers.

    The second line is dashed. What is not finite is a gap. Empty for fewer than two numbers.

    >>> sparkline({"loss": [1.0, 0.5]}).count("<polyline")
    1
    """
    finite = [y for line in lines.values() for y in line if math.isfinite(y)]
    longest = max((len(line) for line in lines.values()), default=0)
    if longest < 2 or len(finite) < 2:
        return ""
    low, high = min(finite), max(finite)
    span = (high - low) or 1.0
    parts = []
    for (name, line), dashes in zip(lines.items(), ("", ' stroke-dasharray="5 3"'), strict=False):
        for run in _runs(line):
            points = " ".join(
                f"{4 + (width - 8) * i / (longest - 1):.1f},"
                f"{4 + (height - 8) * (1 - (y - low) / span):.1f}"
                for i, y in run
            )
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"'
                f"{dashes}><title>{escaped(name)}</title></polyline>"
            )
    names = ", ".join(
        f"{name} ({kind})" for name, kind in zip(lines, ("solid", "dashed"), strict=False)
    )
    return (
        f'<svg width="{width}" height="{height}" role="img">{"".join(parts)}</svg><br>'
        f"<small>{escaped(names)}, from {low:.4g} to {high:.4g}</small>"
    )


def _runs(line: Sequence[float]) -> list[list[tuple[int, float]]]:
    """The parts of a line between its gaps."""
    runs: list[list[tuple[int, float]]] = [[]]
    for i, y in enumerate(line):
        if math.isfinite(y):
            runs[-1].append((i, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
