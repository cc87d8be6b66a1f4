"""The table that ends a training run: precision, recall and F1 of each class."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from dlframe.errors import ShapeError
from dlframe.metrics import averages
from dlframe.metrics.averages import Ratio
from dlframe.tensor import to_array

__all__ = ["classification_report"]

RATIOS: dict[str, Ratio] = {
    "precision": averages.precision,
    "recall": averages.recall,
    "F1": averages.f1,
}


def classification_report(
    matrix: object,
    classes: Sequence[str] | None = None,
    *,
    digits: int = 3,
    zero_division: float = 0.0,
) -> str:
    """A confusion matrix (C, C; rows true, columns predicted) as a text table, one line a class.

    Below the classes come the macro and the weighted average, and the accuracy.

        >>> print(classification_report(np.array([[8, 2], [1, 9]]), ["cat", "dog"]))
                  precision  recall     F1  support
        cat           0.889   0.800  0.842       10
        dog           0.818   0.900  0.857       10
        <BLANKLINE>
        macro         0.854   0.850  0.850       20
        weighted      0.854   0.850  0.850       20
        accuracy                     0.850       20
    """
    table = to_array(matrix)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ShapeError(
            f"classification_report: needs a square matrix, got {table.shape}; pass "
            "metrics.confusion_matrix(output, target)"
        )
    names = [str(i) for i in range(len(table))] if classes is None else [str(c) for c in classes]
    if len(names) != len(table):
        raise ShapeError(
            f"classification_report: {len(names)} class names for a matrix of {table.shape}"
        )
    counts = averages.counts_of_matrix(table)
    hits, _, support = counts
    samples = int(support.sum())

    columns = [averages.per_class(r, counts, zero_division) for r in RATIOS.values()]
    rows = [
        [name, *(f"{value:.{digits}f}" for value in values), str(int(count))]
        for name, *values, count in zip(names, *columns, support, strict=True)
    ]
    for average in (averages.macro, averages.weighted):
        values = [average(r, counts, zero_division) for r in RATIOS.values()]
        rows.append([average.__name__, *(f"{v:.{digits}f}" for v in values), str(samples)])
    accuracy = hits.sum() / samples if samples else np.nan
    rows.append(["accuracy", "", "", f"{accuracy:.{digits}f}", str(samples)])

    lines = _aligned([["", *RATIOS, "support"], *rows])
    return "\n".join([*lines[: 1 + len(names)], "", *lines[1 + len(names) :]])


def _aligned(rows: list[list[str]]) -> list[str]:
    """The first column flush left, the numbers flush right, two spaces between."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [first + " " * (widths[0] - _width(first))]
        cells += [" " * (w - _width(c)) + c for c, w in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    """Columns on a terminal: east-asian wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )
