"""The classes: streaming equals the whole, exactly; states add, reset and can be stored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlframe.metrics import (
    F1,
    Accuracy,
    ConfusionMatrix,
    Metric,
    Precision,
    Recall,
    TopKAccuracy,
    functional,
)
from dlframe.metrics.averages import AVERAGES
from dlframe.tensor import Tensor

RATIOS = [(Precision, "precision"), (Recall, "recall"), (F1, "f1")]


def label_metrics() -> list[Metric]:
    ratios = [cls(average) for cls, _ in RATIOS for average in AVERAGES if average != "binary"]
    return [Accuracy(), ConfusionMatrix(), *ratios]


def fed(metric, output, target, bounds):
    for start, stop in zip([0, *bounds], [*bounds, len(target)], strict=True):
        metric.update(output[start:stop], target[start:stop])
    return metric


def cuts(length):
    return st.lists(st.integers(0, length), max_size=5).map(sorted)


@given(st.data())
def test_streamed_labels_equal_all_at_once(data):
    pairs = data.draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30))
    predicted, true = np.array(pairs, np.int64).reshape(-1, 2).T
    bounds = data.draw(cuts(len(pairs)))
    for whole, streamed in zip(label_metrics(), label_metrics(), strict=True):
        whole.update(predicted, true)
        fed(streamed, predicted, true, bounds)
        np.testing.assert_array_equal(streamed.state, whole.state)
        np.testing.assert_array_equal(streamed.compute(), whole.compute())


@given(st.data())
def test_streamed_scores_equal_all_at_once_and_the_function(data):
    length, seed = data.draw(st.integers(1, 30)), data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    scores, true = rng.normal(size=(length, 4)), rng.integers(0, 4, length)
    bounds = data.draw(cuts(length))
    assert fed(Accuracy(), scores, true, bounds).compute() == functional.accuracy(scores, true)
    top = fed(TopKAccuracy(2), scores, true, bounds).compute()
    assert top == functional.top_k_accuracy(scores, true, 2)
    for cls, kind in RATIOS:
        for average in ("per_class", "macro", "micro", "weighted"):
            expected = getattr(functional, f"{kind}_{average}")(scores, true)
            np.testing.assert_array_equal(
                fed(cls(average), scores, true, bounds).compute(), expected
            )


@pytest.mark.parametrize(
    "make",
    [
        Accuracy,
        lambda: TopKAccuracy(1),
        ConfusionMatrix,
        lambda: ConfusionMatrix(2),
        lambda: Precision("macro"),
        lambda: F1("binary", 2),
    ],
    ids=lambda make: repr(make().name),
)
def test_states_add_reset_and_restore(make):
    rng = np.random.default_rng(0)
    scores, true = rng.normal(size=(20, 2)), rng.integers(0, 2, 20)
    whole, first, second = make(), make(), make()
    whole.update(scores, true)
    first.update(scores[:8], true[:8])
    second.update(scores[8:], true[8:])
    before = first.compute()
    np.testing.assert_array_equal((first + second).compute(), whole.compute())
    np.testing.assert_array_equal(first.compute(), before)  # the sum is a new metric
    first.merge(second)
    np.testing.assert_array_equal(first.compute(), whole.compute())

    restored = make()
    restored.state = whole.state.copy()
    np.testing.assert_array_equal(restored.compute(), whole.compute())
    restored.reset()
    assert not restored.state.any()


def test_merging_states_with_more_classes():
    first, second = ConfusionMatrix(), ConfusionMatrix()
    first.update(np.array([0, 1]), np.array([1, 1]))
    second.update(np.array([2]), np.array([0]))
    assert (first + second).compute().tolist() == [[0, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert (second + first).compute().tolist() == (first + second).compute().tolist()
    assert first.compute().shape == (2, 2)


def test_merging_needs_the_same_metric():
    with pytest.raises(TypeError, match=r"cannot merge 'precision_macro' with 'precision_micro'"):
        Precision("macro").merge(Precision("micro"))
    with pytest.raises(TypeError, match=r"cannot merge 'accuracy' with 'f1_macro' \(F1\)"):
        Accuracy() + F1("macro")
    with pytest.raises(TypeError, match="unsupported operand"):
        Accuracy() + 1


def test_names_tell_the_average():
    assert [cls(average).name for cls, _ in RATIOS for average in ("macro", "per_class")] == [
        "precision_macro",
        "precision_per_class",
        "recall_macro",
        "recall_per_class",
        "f1_macro",
        "f1_per_class",
    ]
    assert TopKAccuracy(5).name == "top5_accuracy"
    assert Precision("macro", name="p").name == "p"


def test_an_unknown_average_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"Precision: average must be one of per_class, macro,"):
        Precision("samples")
    with pytest.raises(ValueError, match="Did you mean 'macro'"):
        F1("macor")


def test_thresholds_and_ignored_targets():
    probabilities, target = np.array([0.2, 0.6, 0.9, 0.9]), np.array([0, 0, 1, -100])
    options = {"threshold": 0.5, "ignore_index": -100}
    accuracy, matrix = Accuracy(**options), ConfusionMatrix(**options)
    precision = Precision("binary", **options)
    for metric in (accuracy, matrix, precision):
        metric.update(probabilities, target)
    assert accuracy.compute() == 2 / 3
    assert matrix.compute().tolist() == [[1, 1], [0, 1]]
    assert precision.compute() == 0.5


def test_top_k_ignores_targets():
    metric = TopKAccuracy(1, ignore_index=9)
    metric.update(np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([9, 1]))
    assert metric.compute() == 1.0


def test_nothing_seen_is_nan():
    assert np.isnan(Accuracy().compute())
    assert np.isnan(TopKAccuracy(2).compute())
    assert np.isnan(Precision("macro").compute())
    assert ConfusionMatrix().compute().shape == (0, 0)


def test_tensors_are_taken():
    metric = Accuracy()
    metric.update(Tensor(np.array([[0.0, 1.0]], np.float32)), Tensor(np.array([1])))
    assert metric.compute() == 1.0
    assert repr(metric) == "accuracy=1"


def test_the_result_is_no_view_of_the_state():
    metric = ConfusionMatrix(2)
    metric.compute()[0, 0] = 5
    assert not metric.state.any()
