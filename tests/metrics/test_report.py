"""The text table."""

from __future__ import annotations

import re

import numpy as np
import pytest

from dlframe.errors import ArgumentError, ShapeError
from dlframe.metrics import classification_report, classification_table

MATRIX = np.array([[3, 1, 0], [1, 1, 1], [0, 0, 3]])


def test_numbers_and_alignment():
    assert classification_report(MATRIX, ["a", "bb", "automobile"], digits=2).splitlines() == [
        "            precision  recall  specificity    F1  support",
        "a                0.75    0.75         0.83  0.75        4",
        "bb               0.50    0.33         0.86  0.40        3",
        "automobile       0.75    1.00         0.86  0.86        3",
        "",
        "macro            0.67    0.69         0.85  0.67       10",
        "weighted         0.68    0.70         0.85  0.68       10",
        "accuracy                                    0.70       10",
    ]


def test_class_numbers_when_there_are_no_names():
    lines = classification_report(np.eye(12, dtype=np.int64)).splitlines()
    assert [line.split()[0] for line in lines[1:13]] == [str(i) for i in range(12)]


def test_wide_names_stay_aligned():
    lines = classification_report(np.eye(2, dtype=np.int64), ["猫", "dog"]).splitlines()
    # a wide character takes two columns on a terminal, and counts as one in len()
    assert len(lines[1]) + 1 == len(lines[2])


def test_a_class_never_seen_or_predicted():
    matrix = np.array([[2, 0], [0, 0]])
    assert "0.000        1.000  0.000        0" in classification_report(matrix)
    assert "nan" in classification_report(matrix, zero_division=np.nan)
    assert (
        classification_report(np.zeros((0, 0), np.int64)).splitlines()[-1].endswith("nan        0")
    )


def test_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"needs a square matrix, got \(3,\)"):
        classification_report(np.zeros(3))
    with pytest.raises(ShapeError, match=r"2 class names for a matrix of \(3, 3\)"):
        classification_report(MATRIX, ["a", "b"])


def test_outputs_and_targets_are_no_matrix():
    # the order of scikit-learn, which takes labels instead of their counts
    with pytest.raises(ShapeError, match=r"pass metrics\.confusion_matrix\(output, target\)"):
        classification_report(np.zeros((4, 3)), np.zeros(4))


@pytest.mark.parametrize("name", ["x" * 200, "猫" * 100], ids=["narrow", "wide"])
@pytest.mark.parametrize("digits", [3, 6])
def test_lines_fit_in_80_columns(name, digits):
    matrix = np.full((2, 2), 10**9)
    lines = classification_report(matrix, [name, "dog"], digits=digits).splitlines()
    assert lines[1].split()[0].endswith("…")
    widths = [len(line) + line.count("猫") for line in lines]
    assert widths[0] == max(widths)
    assert widths[0] in (79, 80)


def test_the_numbers_as_dicts():
    table = classification_table(MATRIX, ["a", "b", "c"])
    assert list(table) == ["a", "b", "c", "macro", "weighted", "accuracy"]
    assert table["b"] == {
        "precision": 1 / 2, "recall": 1 / 3, "specificity": 6 / 7, "f1": 2 / 5, "support": 3,
    }  # fmt: skip
    assert table["accuracy"] == {"accuracy": 0.7, "support": 10}
    assert table["macro"]["recall"] == pytest.approx((3 / 4 + 1 / 3 + 1) / 3)
    with pytest.raises(ArgumentError, match="the names a are not unique"):
        classification_table(MATRIX, ["a", "a", "b"])
    with pytest.raises(ArgumentError, match="the names macro are not unique"):
        classification_table(MATRIX, ["a", "macro", "b"])


def test_the_width_of_a_report() -> None:
    names = ["a very long name of a class " * 4, "b"]
    matrix = np.array([[1000, 2], [3, 4]])
    whole = classification_report(matrix, names, width=None)
    assert names[0].rstrip() in whole
    for width in (80, 60):
        text = classification_report(matrix, names, width=width)
        assert max(map(len, text.splitlines())) <= width
        assert re.findall(r"\d+\.?\d*", text) == re.findall(r"\d+\.?\d*", whole)
