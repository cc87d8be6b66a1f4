"""The table that ends a training run: precision, recall and F1 of each class."""

from __future__ import annotations

from collections.abc import Sequence

from dlframe.base.terminals import columns_of, shortened
from dlframe.errors import ArgumentError, ShapeError
from dlframe.metrics import averages
from dlframe.metrics.averages import Ratio
from dlframe.tensor import to_array

__all__ = ["classification_report", "classification_table"]

RATIOS: dict[str, Ratio] = {
    "precision": averages.precision,
    "recall": averages.recall,
    "specificity": averages.specificity,
    "F1": averages.f1,
}
_KEYS = [name.lower() for name in RATIOS]
_LAST = ("macro", "weighted", "accuracy")

WIDEST = 80
SHORTEST = 8  # columns that a name keeps, however wide the numbers are


def classification_table(
    matrix: object,
    classes: Sequence[str] | None = None,
    *,
    zero_division: float = 0.0,
) -> dict[str, dict[str, float]]:
    """The numbers of `classification_report`: a dict for each class and average.

    The keys are the classes' names, or their numbers as text, then "macro", "weighted" and
    "accuracy". A class has "precision", "recall", "specificity", "f1" and "support"; the accuracy
    "accuracy" and "support".

        >>> table = classification_table(np.array([[8, 2], [1, 9]]), ["cat", "dog"])
        >>> table["cat"]["recall"], table["cat"]["support"], table["accuracy"]["accuracy"]
        (0.8, 10, 0.85)
    """
    counts, names = _counts("classification_table", matrix, classes)
    twice = sorted({name for name in names if names.count(name) > 1 or name in _LAST})
    if twice:
        raise ArgumentError(f"classification_table: the names {', '.join(twice)} are not unique")
    hits, _, support = counts
    samples = int(support.sum())
    columns = [averages.per_class(ratio, counts, zero_division) for ratio in RATIOS.values()]
    table: dict[str, dict[str, float]] = {
        name: {**dict(zip(_KEYS, map(float, values), strict=True)), "support": int(count)}
        for name, *values, count in zip(names, *columns, support, strict=True)
    }
    for average in (averages.macro, averages.weighted):
        values = [average(ratio, counts, zero_division) for ratio in RATIOS.values()]
        table[average.__name__] = {**dict(zip(_KEYS, values, strict=True)), "support": samples}
    accuracy = float(hits.sum() / samples) if samples else float("nan")
    table["accuracy"] = {"accuracy": accuracy, "support": samples}
    return table


def classification_report(
    matrix: object,
    classes: Sequence[str] | None = None,
    *,
    digits: int = 3,
    zero_division: float = 0.0,
    width: int | None = WIDEST,
) -> str:
    """A confusion matrix (C, C; rows true, columns predicted) as a text table, one line a class.

    Below the classes come the macro and the weighted average, and the accuracy. Long names of
    classes are shortened, so that a line has `width` columns at most (80; None: whole names), as
    far as the numbers leave room. `classification_table` gives the numbers.

        >>> print(classification_report(np.array([[8, 2], [1, 9]]), ["cat", "dog"]))
                  precision  recall  specificity     F1  support
        cat           0.889   0.800        0.900  0.842       10
        dog           0.818   0.900        0.800  0.857       10
        <BLANKLINE>
        macro         0.854   0.850        0.850  0.850       20
        weighted      0.854   0.850        0.850  0.850       20
        accuracy                                  0.850       20
    """
    _, names = _counts("classification_report", matrix, classes)
    numbers = [str(i) for i in range(len(names))]
    table = list(classification_table(matrix, numbers, zero_division=zero_division).values())
    rows = [
        [name, *(f"{row[key]:.{digits}f}" for key in _KEYS), str(row["support"])]
        for name, row in zip([*names, *_LAST[:2]], table[:-1], strict=True)
    ]
    accuracy, support = table[-1].values()
    rows.append(["accuracy", "", "", "", f"{accuracy:.{digits}f}", str(support)])
    lines = _aligned([["", *RATIOS, "support"], *rows], width)
    return "\n".join([*lines[: 1 + len(names)], "", *lines[1 + len(names) :]])


def _counts(
    where: str, matrix: object, classes: Sequence[str] | None
) -> tuple[averages.Counts, list[str]]:
    table = to_array(matrix)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ShapeError(
            f"{where}: needs a square matrix, got {table.shape}; pass "
            "metrics.confusion_matrix(output, target)"
        )
    names = [str(i) for i in range(len(table))] if classes is None else [str(c) for c in classes]
    if len(names) != len(table):
        raise ShapeError(f"{where}: {len(names)} class names for a matrix of {table.shape}")
    return averages.counts_of_matrix(table), names


def _aligned(rows: list[list[str]], width: int | None) -> list[str]:
    """The first column flush left, the numbers flush right, two spaces between."""
    widths = [max(map(columns_of, column)) for column in zip(*rows, strict=True)]
    room = widths[0]
    if width is not None:
        room = max(SHORTEST, width - sum(wide + 2 for wide in widths[1:]))
    if widths[0] > room:
        rows = [[shortened(first, room), *rest] for first, *rest in rows]
        widths[0] = max(columns_of(row[0]) for row in rows)
    lines = []
    for first, *rest in rows:
        cells = [first + " " * (widths[0] - columns_of(first))]
        cells += [" " * (w - columns_of(c)) + c for c, w in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines
