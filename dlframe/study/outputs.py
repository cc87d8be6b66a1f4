"""The files that a command leaves: one page, one CSV file and the LaTeX tables of its studies."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlframe.study.results import Results
from dlframe.utils.atomic import atomic_write

FILES = ("report.html", "results.csv", "table.tex")


def write(folder: Path, found: Mapping[str, Results], **options: Any) -> None:
    """Write report.html, results.csv and table.tex; the options are those of `study.report`.

    Where there are several studies, the CSV file has a column `study`, and the tables follow one
    another.
    """
    from dlframe.study.report import report  # pages are loaded when one is written

    several = len(found) > 1
    rows = [
        {**({"study": results.study.name} if several else {}), **row}
        for results in found.values()
        for row in results.rows()
    ]
    write_rows(folder / "results.csv", rows)
    texts = [
        (f"% {results.study.name}\n" if several else "") + results.to_latex()
        for results in found.values()
    ]
    with atomic_write(folder / "table.tex", "w") as file:
        file.write("\n".join(texts))
    # last, since it does the most: the numbers are kept if an explanation's own code raises
    report(found, folder / "report.html", **options)


LAST = ("seed", "status")  # they follow the factors; then come measures, and last the costs


def columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The columns of rows that do not all have the same: factors, seed, status, measures, costs.

    >>> columns([{"a": 1, "seed": 0, "loss": 2, "cpu_seconds": 3}, {"b": 1, "seed": 0, "time": 2}])
    ['a', 'b', 'seed', 'loss', 'time', 'cpu_seconds']
    """
    before: dict[str, None] = {}
    after: dict[str, None] = {}
    for row in rows:
        part = before
        for name in row:
            if name in LAST:
                part = after
            elif name != "cpu_seconds":
                part[name] = None
    names = [*before, *(name for name in LAST), *(name for name in after if name not in before)]
    known = {name for row in rows for name in row}
    return [name for name in [*names, "cpu_seconds"] if name in known]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as a CSV file; what was not measured is an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(rows), lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(
        {k: "" if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}
        for row in rows
    )
    with atomic_write(path, "w") as file:
        file.write(text.getvalue())
