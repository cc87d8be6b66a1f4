"""The confusion matrix: numbers, names and shades."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dlframe.errors import ArgumentError, ShapeError
from dlframe.viz import confusion

MATRIX = np.array([[3, 1, 0], [1, 1, 1], [0, 0, 3]])


def numbers(figure):
    return {
        tuple(int(v) for v in text.get_position()[::-1]): text.get_text()
        for text in figure.axes[0].texts
    }


def test_counts_stand_in_their_cells(texts):
    figure = confusion(MATRIX, ["a", "b", "c"])
    assert numbers(figure) == {
        (0, 0): "3", (0, 1): "1", (1, 0): "1", (1, 1): "1", (1, 2): "1", (2, 2): "3",
    }  # fmt: skip
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b", "c"]
    np.testing.assert_array_equal(axes.images[0].get_array(), MATRIX)
    assert "accuracy 70.0 % · 10 samples" in texts(figure)


def test_rows_normalised_to_shares():
    matrix = np.array([[996, 4, 0], [1, 1, 2], [0, 0, 0]])
    figure = confusion(matrix, normalize=True)
    assert numbers(figure) == {
        (0, 0): ">99", (0, 1): "<1", (1, 0): "25", (1, 1): "25", (1, 2): "50",
    }  # fmt: skip
    shares = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(shares[:2].sum(axis=1), 1)
    assert np.isnan(shares[2]).all()  # no samples: no share, not 0 %


@pytest.mark.parametrize(
    ("normalize", "axis", "label"),
    [
        ("true", 1, "share of the true class (%)"),
        ("pred", 0, "share of the predicted class (%)"),
        ("all", None, "share of all samples (%)"),
    ],
)
def test_shares_of_rows_columns_and_all(normalize, axis, label, texts):
    matrix = np.array([[60, 3, 0, 1], [0, 20, 0, 5], [1, 1, 0, 0], [2, 0, 0, 7]])
    figure = confusion(matrix, normalize=normalize)
    sums = matrix.sum(axis=axis, keepdims=True)
    shares = np.asarray(figure.axes[0].images[0].get_array())
    expected = np.where(sums == 0, np.nan, matrix / np.maximum(sums, 1))
    np.testing.assert_allclose(shares, np.broadcast_to(expected, (4, 4)))
    assert label in texts(figure)
    assert figure.axes[1].get_ylim() == pytest.approx((0, 0.6 if axis is None else 1))
    corner = {"true": "94", "pred": "95", "all": "60.0"}[normalize]
    assert numbers(figure)[0, 0] == corner
    assert "accuracy 87.0 % · 100 samples" in texts(figure)
    if (word := {"true": True, "pred": "predicted"}.get(normalize)) is not None:
        same = confusion(matrix, normalize=word).axes[0].images[0].get_array()
        np.testing.assert_array_equal(same, shares)


def test_small_shares_of_all_samples_are_not_rounded_to_nothing():
    figure = confusion(np.array([[9999, 1], [0, 0]]), normalize="all")
    assert numbers(figure) == {(0, 0): ">99.9", (0, 1): "<0.1"}


@pytest.mark.parametrize("normalize", ["rows", "", 1.5, ["true"]])
def test_other_ways_to_normalize_are_refused(normalize):
    with pytest.raises(ArgumentError, match="normalize must be one of 'true', 'pred' and 'all'"):
        confusion(MATRIX, normalize=normalize)


def test_large_counts_are_written_in_full():
    figure = confusion(np.array([[1234567, 0.25], [12345678, 3]]))
    assert set(numbers(figure).values()) == {"1234567", "0.25", "1.23457e+07", "3"}


@pytest.mark.parametrize("count", [1, 2, 3, 10, 30, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("names", [False, True])
def test_any_number_of_classes_fits(count, names, inside):
    matrix = np.full((count, count), 12345)
    classes = [f"a rather long name, number {i}" for i in range(count)] if names else None
    figure = confusion(matrix, classes, title="Confusion matrix of the test set")
    assert max(figure.get_size_inches()) < 18
    assert len(figure.axes) == (2 if count > 3 else 1)  # a scale where there are shades enough
    assert len(figure.axes[0].texts) == (count**2 if count <= 10 else 0)
    inside(figure)


@pytest.mark.parametrize(
    "count", [10, 30, *(pytest.param(n, marks=pytest.mark.slow) for n in (100, 300))]
)
def test_names_do_not_overlap(count):
    figure = confusion(np.eye(count, dtype=int), [f"class number {i}" for i in range(count)])
    figure.canvas.draw()
    axes = figure.axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels if label.get_text()]
        assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))


def test_numbers_are_legible_on_their_cells():
    figure = confusion(np.arange(1, 26).reshape(5, 5))
    image = figure.axes[0].images[0]
    for text in figure.axes[0].texts:
        x, y = (int(v) for v in text.get_position())
        cell = np.dot(
            image.to_rgba(image.get_array()[y : y + 1, x : x + 1])[0, 0, :3], [0.3, 0.59, 0.11]
        )
        ink = 1.0 if text.get_color() == "#ffffff" else 0.15
        assert abs(cell - ink) > 0.35


def test_no_samples(texts):
    assert "no samples" in texts(confusion(np.zeros((4, 4), int)))
    assert "no samples" in texts(confusion(np.zeros((4, 4), int), normalize=True))


def test_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"needs a square matrix .* got \(2, 3\)"):
        confusion(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"got \(0, 0\)"):
        confusion(np.zeros((0, 0)))
    with pytest.raises(ValueError, match="2 class names for 3 classes"):
        confusion(MATRIX, ["a", "b"])
