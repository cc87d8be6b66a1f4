"""Values against hand calculation, and the cases where a ratio is 0/0."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlframe.errors import ArgumentError, LabelError, ShapeError
from dlframe.metrics import functional as F
from dlframe.metrics.averages import AVERAGES, counts_of_matrix

# true:       0 0 0 0 1 1 1 2 2 2      matrix, rows true:  3 1 0
# predicted:  0 0 0 1 1 2 0 2 2 2                          1 1 1
#                                                          0 0 3
TRUE = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 2, 0, 2, 2, 2])
PRECISION = [3 / 4, 1 / 2, 3 / 4]
RECALL = [3 / 4, 1 / 3, 3 / 3]
F1 = [6 / 8, 2 / 5, 6 / 7]
SUPPORT = [4, 3, 3]


def test_confusion_matrix_by_hand():
    expected = [[3, 1, 0], [1, 1, 1], [0, 0, 3]]
    matrix = F.confusion_matrix(PREDICTED, TRUE)
    assert matrix.tolist() == expected
    assert matrix.dtype == np.int64
    assert F.confusion_matrix(PREDICTED, TRUE, 5).shape == (5, 5)


def test_counts_are_those_of_the_matrix():
    counts = F.class_counts(PREDICTED, TRUE)
    assert counts.tolist() == [[3, 1, 3], [4, 2, 4], SUPPORT]
    assert counts_of_matrix(F.confusion_matrix(PREDICTED, TRUE)).tolist() == counts.tolist()


@pytest.mark.parametrize(
    ("kind", "values"), [("precision", PRECISION), ("recall", RECALL), ("f1", F1)]
)
def test_averages_by_hand(kind, values):
    def metric(average):
        return getattr(F, f"{kind}_{average}")(PREDICTED, TRUE)

    np.testing.assert_allclose(metric("per_class"), values, rtol=1e-15)
    assert metric("macro") == pytest.approx(sum(values) / 3, rel=1e-15)
    expected = sum(v * n for v, n in zip(values, SUPPORT, strict=True)) / 10
    assert metric("weighted") == pytest.approx(expected, rel=1e-15)
    assert metric("micro") == 0.7


def test_accuracies_by_hand():
    assert F.accuracy(PREDICTED, TRUE) == 0.7
    assert F.accuracy_per_class(PREDICTED, TRUE).tolist() == RECALL
    assert F.accuracy_macro(PREDICTED, TRUE) == pytest.approx(sum(RECALL) / 3, rel=1e-15)
    # a class without samples has no accuracy, and the mean leaves it out
    assert F.accuracy_macro(np.array([0, 2]), np.array([0, 0])) == 0.5


def test_binary_is_class_1():
    scores = np.array([2.0, 1.0, -1.0, 3.0, -2.0])
    target = np.array([1, 0, 1, 1, 0])
    assert F.precision_binary(scores, target) == 2 / 3
    assert F.recall_binary(scores, target) == 2 / 3
    assert F.f1_binary(scores, target) == 2 / 3
    with pytest.raises(ShapeError, match="binary average needs two classes, got 3"):
        F.precision_binary(PREDICTED, TRUE)


def test_binary_without_a_positive_sample():
    zeros = np.zeros(3, np.int64)
    assert F.recall_binary(zeros, zeros) == 0.0
    assert F.recall_binary(zeros, zeros, zero_division=1.0) == 1.0


def test_zero_division_is_the_value_of_a_class_that_has_none():
    true, predicted = np.array([0, 0, 1]), np.array([0, 0, 0])  # class 1 is never predicted
    assert F.precision_per_class(predicted, true).tolist() == [2 / 3, 0.0]
    assert F.precision_per_class(predicted, true, zero_division=1.0).tolist() == [2 / 3, 1.0]
    assert F.precision_macro(predicted, true) == pytest.approx(1 / 3)
    assert F.precision_macro(predicted, true, zero_division=math.nan) == pytest.approx(2 / 3)
    assert F.precision_weighted(predicted, true) == pytest.approx(4 / 9)
    assert F.precision_weighted(predicted, true, zero_division=math.nan) == pytest.approx(2 / 3)


def test_a_class_that_never_occurs_is_no_part_of_the_macro_average():
    true = predicted = np.array([0, 1])
    assert F.f1_macro(predicted, true, 4) == 1.0
    assert F.f1_per_class(predicted, true, 4).tolist() == [1.0, 1.0, 0.0, 0.0]


def test_without_samples_there_is_no_average():
    none = np.zeros(0, np.int64)
    assert math.isnan(F.accuracy(none, none))
    assert F.confusion_matrix(none, none).shape == (0, 0)
    assert F.confusion_matrix(none, none, 3).tolist() == [[0] * 3] * 3
    for kind in ("precision", "recall", "f1"):
        for average in AVERAGES:
            value = getattr(F, f"{kind}_{average}")(none, none)
            assert np.size(value) == 0 if average == "per_class" else math.isnan(value)


def test_every_ratio_has_every_average_and_the_same_signature():
    for average in AVERAGES:
        signatures = {
            str(inspect.signature(getattr(F, f"{kind}_{average}")))
            for kind in ("precision", "recall", "f1")
        }
        assert len(signatures) == 1


def test_a_class_count_read_off_the_labels_has_a_limit():
    with pytest.raises(LabelError, match=r"highest label is 50000.*pass num_classes"):
        F.class_counts(np.array([1]), np.array([50_000]))
    assert F.class_counts(np.array([1]), np.array([50_000]), 50_001).shape == (3, 50_001)
    assert F.accuracy(np.array([50_000]), np.array([50_000])) == 1.0


def test_top_k_by_hand():
    scores = np.array([[0.1, 0.5, 0.4], [0.3, 0.3, 0.4], [0.8, 0.1, 0.1]])
    target = np.array([2, 1, 2])
    assert F.top_k_accuracy(scores, target, 1) == 0.0
    assert F.top_k_accuracy(scores, target, 2) == pytest.approx(1 / 3)  # ties: lower class first
    assert F.top_k_accuracy(scores, target, 3) == 1.0


def test_top_k_with_further_dims_and_nan():
    scores = np.moveaxis(np.array([[[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]]), 2, 1)
    assert F.top_k_accuracy(scores, np.array([[1, 2]]), 2) == 0.5
    with pytest.raises(ArgumentError, match=r"output\[0, 1\] is nan, and so are 0 others of 3"):
        F.top_k_accuracy(np.array([[1.0, np.nan, 0.0]]), np.array([0]), 1)


@pytest.mark.parametrize("k", [0, 4])
def test_top_k_needs_as_many_classes(k):
    with pytest.raises(ValueError, match=rf"k must be from 1 to 3 \(classes\), got {k}"):
        F.top_k_accuracy(np.zeros((2, 3)), np.zeros(2, np.int64), k)


def test_top_k_needs_scores_and_labels_in_range():
    with pytest.raises(ShapeError, match=r"needs class scores .* got output\(2,\)"):
        F.top_k_accuracy(np.zeros(2), np.zeros(2, np.int64), 1)
    with pytest.raises(LabelError, match=r"target\[1\] is 3; with 3 classes"):
        F.top_k_accuracy(np.zeros((2, 3)), np.array([0, 3]), 1)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40),
    st.integers(0, 2**32 - 1),
)
def test_identities(pairs, seed):
    true, predicted = np.array(pairs).T
    share = F.accuracy(predicted, true)
    for kind in ("precision", "recall", "f1"):
        assert getattr(F, f"{kind}_micro")(predicted, true) == share
    assert F.recall_weighted(predicted, true) == pytest.approx(share)
    assert F.confusion_matrix(predicted, true).sum() == len(pairs)
    # few distinct values, so that scores are often equal: ties must fall as argmax lets them
    scores = np.random.default_rng(seed).integers(0, 3, (len(pairs), 5)).astype(np.float64)
    assert F.top_k_accuracy(scores, true, 1) == F.accuracy(scores, true)
