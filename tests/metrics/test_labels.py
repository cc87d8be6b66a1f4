"""Which outputs are understood, and what the others are told."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from dlframe import metrics
from dlframe.errors import ArgumentError, DTypeError, LabelError, ShapeError
from dlframe.metrics.labels import label_pair

SCORES = np.array([[0.1, 2.0, 0.3], [3.0, 1.0, 0.0]])


def test_class_scores_take_the_highest_along_dim_1():
    pair = label_pair(SCORES, np.array([1, 2]))
    assert pair.predicted.tolist() == [1, 0]
    assert pair.true.tolist() == [1, 2]
    assert pair.num_classes == 3


def test_class_scores_with_further_dims():
    scores = np.moveaxis(SCORES.reshape(1, 2, 3), 2, 1)  # (N=1, C=3, d1=2)
    pair = label_pair(scores, np.array([[1, 2]]))
    assert pair.predicted.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("shape", "target_shape"),
    [((4,), (4,)), ((4, 1), (4,)), ((4, 1), (4, 1)), ((4,), (4, 1))],
)
def test_one_score_per_sample_is_cut_at_zero(shape, target_shape):
    scores = np.array([-1.0, 0.0, 0.1, 5.0]).reshape(shape)
    pair = label_pair(scores, np.array([0.0, 1.0, 1.0, 0.0]).reshape(target_shape))
    assert pair.predicted.ravel().tolist() == [0, 0, 1, 1]
    assert pair.true.tolist() == [0, 1, 1, 0]
    assert pair.num_classes == 2


def test_probabilities_take_another_threshold_or_come_as_booleans():
    probabilities, target = np.array([0.2, 0.6, 0.9]), np.array([0, 0, 1])
    assert label_pair(probabilities, target, threshold=0.5).predicted.tolist() == [0, 1, 1]
    assert label_pair(probabilities > 0.7, target).predicted.tolist() == [0, 0, 1]
    assert label_pair((probabilities > 0.7)[:, None], target).predicted.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("scores", "target", "threshold", "warns"),
    [
        ([0.2, 0.6], [0, 1], None, True),
        ([[0.0], [0.6]], [0, 1], None, True),
        ([0.2, 0.6], [0, 1], 0.0, False),  # logits, as the caller says
        ([0.2, 0.6], [0, 1], 0.5, False),
        ([-0.2, 0.6], [0, 1], None, False),
        ([0.2, 1.6], [0, 1], None, False),
        ([0.0, 1.0], [0, 1], None, False),  # labels, for which every threshold is right
        ([0.2, 0.6], [1, 1], None, False),  # nothing would be counted wrong
        ([], [], None, False),
    ],
)
def test_scores_that_look_like_probabilities_warn(scores, target, threshold, warns):
    scores, target = np.array(scores, np.float32), np.array(target)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        label_pair(scores, target, threshold=threshold)
    assert ["as probabilities do" in str(w.message) for w in seen] == [True] * warns


def test_binary_segmentation_has_one_channel():
    scores = np.array([[[[1.0, -1.0]]]])  # (N=1, C=1, H=1, W=2)
    assert label_pair(scores, np.array([[[1, 1]]])).predicted.tolist() == [1, 0]
    assert label_pair(scores, np.array([[[[1, 1]]]])).predicted.tolist() == [1, 0]


def test_ignored_targets_are_left_out_before_they_are_checked():
    pair = label_pair(SCORES, np.array([-100, 2]), ignore_index=-100)
    assert pair.predicted.tolist() == [0]
    assert pair.true.tolist() == [2]


def test_no_samples():
    pair = label_pair(np.zeros((0, 3)), np.zeros(0, np.int64))
    assert pair.predicted.shape == pair.true.shape == (0,)


@pytest.mark.parametrize(
    ("output", "target", "classes", "message"),
    [
        (SCORES, [1, 3], None, r"target\[1\] is 3; with 3 classes labels run from 0 to 2"),
        (SCORES, [-1, 0], None, r"target\[0\] is -1; with 3 classes"),
        ([0, 1], [0, -1], None, r"target\[1\] is -1; labels start at 0"),
        ([0, 5], [0, 1], 3, r"predictions\[1\] is 5; with 3 classes"),
        ([[0, 5]], [[0, 1]], 3, r"predictions\[0, 1\] is 5"),
        ([1.0, -1.0], [0, 2], None, r"target\[1\] is 2; with 2 classes"),
        ([1.0, -1.0], [0.0, 0.7], None, r"target\[1\] is 0\.7; class labels are whole.*> 0\.5"),
        ([1.0], [np.nan], None, r"target\[0\] is nan"),
        ([1.0], [np.inf], None, r"target\[0\] is inf"),
    ],
)
def test_labels_outside_their_range_are_named(output, target, classes, message):
    with pytest.raises(LabelError, match=message):
        label_pair(np.array(output), np.array(target), classes)


@pytest.mark.parametrize(
    ("output", "target", "message"),
    [
        ((4, 1, 3), (4, 3, 1), r"output\(4, 1, 3\) does not fit"),
        ((4, 3), (4, 1), r"pass target\.squeeze\(1\)"),
        ((3,), (), r"add the batch dimension"),
        ((4, 3), (5,), r"output\(4, 3\) does not fit target\(5,\): expected scores"),
        ((4, 0), (4,), r"output\(4, 0\) does not fit"),
    ],
)
def test_shapes_that_fit_no_kind_are_explained(output, target, message):
    with pytest.raises(ShapeError, match=message):
        label_pair(np.zeros(output), np.zeros(target, np.int64))


def test_labels_beside_a_column_of_labels():
    pair = label_pair(np.array([1, 0, 2]), np.array([[1], [2], [2]]))
    assert (pair.predicted.tolist(), pair.true.tolist()) == ([1, 0, 2], [1, 2, 2])


@pytest.mark.parametrize("threshold", ["0.5", math.nan, True, [0.5]], ids=repr)
def test_a_threshold_that_is_no_number(threshold):
    with pytest.raises(ArgumentError, match="threshold must be a number, such as"):
        metrics.F1("macro", threshold=threshold)


def test_scores_and_num_classes_must_agree():
    with pytest.raises(ShapeError, match=r"scores for 3 classes, but num_classes is 5"):
        label_pair(SCORES, np.array([0, 1]), 5)


def test_targets_of_another_kind():
    with pytest.raises(DTypeError, match="target must hold class labels, got dtype complex128"):
        label_pair(SCORES, np.array([1j, 2]))


@pytest.mark.parametrize("value", [None, "x", [1j, 2], [object(), 1], np.datetime64("2020-01-01")])
@pytest.mark.parametrize(
    "measure", [metrics.accuracy, metrics.mean_squared_error, metrics.mean_absolute_error]
)
def test_what_is_no_number_is_refused(measure, value):
    with pytest.raises(DTypeError, match=r"output must hold real numbers, got dtype"):
        measure(value, np.zeros(np.shape(value), np.int64))
