"""Pictures of classifiers: the points, areas, bars and intervals that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from dlframe import metrics
from dlframe.data.datasets import Digits
from dlframe.errors import ArgumentError, LabelError, ShapeError
from dlframe.metrics.intervals import of_share
from dlframe.tensor import Tensor
from dlframe.viz import (
    calibration,
    class_balance,
    class_scores,
    confusion,
    det,
    precision_recall,
    roc,
    thresholds,
)
from dlframe.viz.classifiers import MOST, MOST_INSIDE, quantile, share_below


@pytest.fixture
def two(rng):
    labels = rng.integers(0, 2, 80)
    return labels + rng.normal(0, 1, 80), labels


@pytest.fixture
def four(rng):
    labels = rng.integers(0, 4, 120)
    scores = rng.normal(0, 1, (120, 4))
    scores[np.arange(120), labels] += 1.5
    return scores, labels


def labelled(axes):
    return {line.get_label(): line for line in axes.lines if line.get_label()[0] != "_"}


CURVES = {
    "roc": (roc, metrics.roc_curve, metrics.auroc, ("false_positive_rate", "true_positive_rate")),
    "precision_recall": (
        precision_recall,
        metrics.precision_recall_curve,
        metrics.average_precision,
        ("recall", "precision"),
    ),
}


@pytest.mark.parametrize("name", sorted(CURVES))
def test_of_two_classes_there_is_one_curve(name, two):
    draw, curve, area, (x, y) = CURVES[name]
    lines = labelled(draw(*two).axes[0])
    (label, line), points = next(iter(lines.items())), curve(*two)
    assert len(lines) == 1
    assert label.endswith(f" {area(*two):.3f}")
    np.testing.assert_array_equal(line.get_xdata(), getattr(points, x))
    np.testing.assert_array_equal(line.get_ydata(), getattr(points, y))


@pytest.mark.parametrize("name", sorted(CURVES))
def test_of_several_classes_each_has_one_against_the_rest(name, four):
    draw, curve, area, (_, y) = CURVES[name]
    figure = draw(*four, ["a", "b", "c", "d"], scores="logits")
    areas = area(*four, "per_class", scores="logits")
    lines = labelled(figure.axes[0])
    assert sorted(lines) == [f"{c}  {a:.3f}" for c, a in zip("abcd", areas, strict=True)]
    for i, label in enumerate(sorted(lines)):
        points = curve(*four, i, scores="logits")
        np.testing.assert_array_equal(lines[label].get_ydata(), getattr(points, y))
    shown = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert shown == sorted(shown, key=lambda text: -float(text.split()[1]))  # the best first


@pytest.mark.parametrize("name", sorted(CURVES))
def test_models_are_compared(name, two, tmp_path, inside):
    draw, _, area, _ = CURVES[name]
    scores, labels = two
    figure = draw({"one": Tensor(scores), "other": -scores}, labels, path=tmp_path / "curves.png")
    expected = {f"one  {area(scores, labels):.3f}", f"other  {area(-scores, labels):.3f}"}
    assert set(labelled(figure.axes[0])) == expected
    inside(figure)


def test_the_precision_of_guessing_is_a_line(two):
    axes = precision_recall(*two).axes[0]
    assert axes.lines[0].get_ydata() == [two[1].mean()] * 2


@pytest.mark.parametrize("draw", [roc, precision_recall, det])
def test_what_cannot_be_drawn_is_refused(draw, four):
    scores, labels = four
    with pytest.raises(ArgumentError, match="'a' has scores of 4 classes; models are"):
        draw({"a": scores}, labels)
    with pytest.raises(ArgumentError, match="the dict of outputs is empty"):
        draw({}, labels)
    many = np.eye(MOST + 1) / 2
    with pytest.raises(ArgumentError, match=f"{MOST + 1} curves cannot be told apart"):
        draw(many, np.arange(MOST + 1), scores="logits")


@pytest.mark.parametrize("draw", [roc, precision_recall, det])
def test_a_long_legend_is_beside_the_curves(draw, rng, inside):
    count = MOST_INSIDE + 1
    labels = np.arange(60) % count
    names = [f"one of the classes with a long name, the {i}" for i in range(count)]
    figure = draw(rng.normal(0, 1, (60, count)), labels, names, scores="logits")
    inside(figure)
    axes = figure.axes[0]
    legend = axes.get_legend().get_window_extent()
    assert legend.x0 >= axes.get_window_extent().x1
    shown = [text.get_text().rsplit("  ", 1)[0] for text in axes.get_legend().get_texts()]
    assert len(set(shown)) == count  # names that only differ at their ends still differ
    assert all(len(one) <= 24 for one in shown)


def test_a_curve_of_one_class_is_undefined_and_says_so():
    for draw in (roc, det):
        figure = draw(np.array([0.1, 0.7]), np.array([1, 1]))
        text = figure.axes[0].get_legend().get_texts()[0].get_text()
        assert text.endswith(" undefined")


# --- detection error tradeoffs -----------------------------------------------------------------


def test_det_draws_misses_over_false_alarms_on_scales_of_normal_quantiles(two, inside):
    figure = det(*two)
    axes = figure.axes[0]
    (line,) = labelled(axes).values()
    points = metrics.roc_curve(*two)
    np.testing.assert_array_equal(line.get_xdata(), points.false_positive_rate)
    np.testing.assert_array_equal(line.get_ydata(), 1 - points.true_positive_rate)
    # the quantiles of 2.5 % and of 97.5 %, which are in every table, are as far from the middle
    place = axes.transScale.transform([(0.025, 0.5), (0.5, 0.5), (0.975, 0.5)])
    np.testing.assert_allclose(place, [(-1.959964, 0), (0, 0), (1.959964, 0)], atol=1e-6)
    rates = np.array([0.0, 1e-6, 0.3, 1.0])
    np.testing.assert_allclose(share_below(quantile(rates)), rates, atol=1e-11)
    assert axes.get_xlim() == axes.get_ylim()
    assert "5 %" in [tick.get_text() for tick in axes.get_xticklabels()]
    inside(figure)


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], "0.000"),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], "1.000"),
        ([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1], "0.500"),
        # at 0.6 one of four is missed and none of three is a false alarm; at 0.5 one of three is
        ([0.1, 0.2, 0.5, 0.4, 0.6, 0.7, 0.8], [0, 0, 0, 1, 1, 1, 1], "0.250"),
    ],
)
def test_the_equal_error_rate(scores, labels, expected):
    figure = det(np.array(scores), np.array(labels))
    text = figure.axes[0].get_legend().get_texts()[0].get_text()
    assert text == f"equal error rate {expected}"


def test_the_lowest_equal_error_is_first(two):
    scores, labels = two
    figure = det({"bad": -scores, "good": scores}, labels)
    shown = [text.get_text().split()[0] for text in figure.axes[0].get_legend().get_texts()]
    assert shown == ["good", "bad"]


# --- calibration -------------------------------------------------------------------------------


def test_calibration_of_several_models(four, texts, inside):
    scores, labels = four
    figure = calibration({"hot": scores * 3, "cold": scores}, labels, bins=5, scores="logits")
    axes, below = figure.axes
    for name, one in (("hot", scores * 3), ("cold", scores)):
        curve = metrics.reliability_curve(one, labels, 5, scores="logits")
        error = metrics.calibration_error(one, labels, bins=5, scores="logits")
        line = labelled(axes)[f"{name}  {error:.3f}"]
        np.testing.assert_array_equal(line.get_xdata(), curve.confidence)
        np.testing.assert_array_equal(line.get_ydata(), curve.accuracy)
        assert any(np.array_equal(one.get_ydata(), curve.samples) for one in below.lines)
    assert {"share that is right", "probability", "samples"} <= texts(figure)
    inside(figure)


def test_calibration_of_two_classes_is_that_of_class_1(two, texts):
    scores, labels = two
    figure = calibration(1 / (1 + np.exp(-scores)), labels, scores="probabilities")
    assert "share of class 1" in texts(figure)
    with pytest.raises(ArgumentError, match="the dict of outputs is empty"):
        calibration({}, labels)


def test_a_long_legend_is_beside_the_calibration(rng, inside):
    labels = np.arange(40) % 2
    outputs = {f"one of the models with a long name, {i}": rng.random(40) for i in range(8)}
    figure = calibration(outputs, labels, scores="probabilities")
    inside(figure)
    axes = figure.axes[0]
    assert axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1
    shown = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len({text.rsplit("  ", 1)[0] for text in shown}) == 8
    assert shown == sorted(shown, key=lambda text: float(text.split()[-1]))


def test_many_sets_and_thin_bars_fit(rng, inside):
    sets = {f"set number {i} of the data": rng.integers(0, 4, 50) for i in range(6)}
    figure = class_balance(sets)
    inside(figure)
    axes = figure.axes[0]
    assert len(axes.patches) == 24
    assert axes.get_legend().get_window_extent().x1 <= figure.bbox.x1
    assert {bar.get_hatch() for bar in axes.patches} == {"", "////", "....", "xxxx"}
    many = class_scores(np.eye(200, dtype=int))  # thinner than the lines of a hatch
    assert {(bar.get_hatch(), bar.get_linewidth()) for bar in many.axes[0].patches} == {(None, 0.0)}


# --- classes -----------------------------------------------------------------------------------


def test_bars_are_the_scores_of_each_class_with_their_intervals(four):
    matrix = metrics.confusion_matrix(*four)
    names = ("precision", "recall", "f1", "specificity")
    axes = class_scores(matrix, names=names).axes[0]
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(4, 4)
    for name, row in zip(names, widths, strict=True):
        np.testing.assert_allclose(row, getattr(metrics, name)(*four, "per_class"))
    recalls = [of_share(int(n), int(m), 0.95, None)
               for n, m in zip(matrix.diagonal(), matrix.sum(axis=1), strict=True)]  # fmt: skip
    drawn = [tuple(map(float, line.get_xdata())) for line in axes.lines]
    assert set(recalls) <= set(drawn)
    assert len(drawn) == 16  # a mean of each, and intervals of all but F1, which is no share
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [f"{i}  ({n})" for i, n in enumerate(matrix.sum(axis=1))]


def test_the_means_of_all_classes_are_those_of_the_metrics(rng):
    labels, guesses = rng.integers(0, 4, 60), rng.integers(0, 3, 60)  # class 3 is never predicted
    names = ("precision", "recall", "f1", "specificity")
    matrix = metrics.confusion_matrix(guesses, labels, 5)  # and class 4 never occurs
    figure = class_scores(matrix, names=names)
    lines = {float(line.get_xdata()[0]) for line in figure.axes[0].lines}
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    for name, text in zip(names, legend, strict=True):
        mean = getattr(metrics, name)(guesses, labels, "macro")
        assert mean in lines
        assert text == f"{name}, mean {mean:.3f}"


@pytest.mark.parametrize(
    ("names", "message"),
    [([], "names is empty"), (["f1", "f1"], "'f1' occurs twice"), (["f2"], "there is no 'f2'")],
)
def test_names_of_scores_are_checked(names, message):
    with pytest.raises(ArgumentError, match=message):
        class_scores(np.eye(2), names=names)
    with pytest.raises(ArgumentError, match=message):
        thresholds(np.array([0.1, 0.9]), np.array([0, 1]), names=names)
    assert len(class_scores(np.eye(2), names="f1").axes[0].patches) == 2


def test_a_single_threshold_is_seen():
    axes = thresholds(np.full(4, 0.5), np.array([0, 1, 0, 1])).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines[:2]] == [[0.5], [1.0]]
    assert all(line.get_markevery() == 1 for line in axes.lines[:3])


def test_outputs_and_targets_do_as_well_as_a_matrix(four):
    scores, labels = four
    matrix = metrics.confusion_matrix(scores, labels)
    for draw in (class_scores, confusion):
        one, other = draw(matrix), draw(scores, target=labels)
        assert [text.get_text() for text in one.axes[0].texts] == [
            text.get_text() for text in other.axes[0].texts
        ]
        with pytest.raises(ShapeError, match=r"got \(120, 4\); of outputs pass the labels"):
            draw(scores)


def test_a_class_without_samples_says_so(texts, inside):
    figure = class_scores(np.array([[3, 0, 0], [1, 2, 0], [0, 0, 0]]), ["a", "b", "c"])
    assert {"none", "c  (0)"} <= texts(figure)
    inside(figure)
    with pytest.raises(ArgumentError, match=r"there is no 'recal'\. Did you mean 'recall'\?"):
        class_scores(np.eye(2), names=["recal"])


class Pairs:
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return np.zeros(2), i % 2


FORMS = {
    "labels": np.array([0, 1, 1]),
    "one-hot": np.eye(2)[[0, 1, 1]],
    "column": np.array([[0.0], [1.0], [1.0]]),
    "list": [0, 1, 1],
    "tensor": Tensor(np.array([0, 1, 1])),
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_labels_in_every_form(form):
    assert [bar.get_width() for bar in class_balance(FORMS[form]).axes[0].patches] == [1, 2]


def test_data_sets_are_counted_and_compared(texts):
    digits = Digits(train=False)
    figure = class_balance(digits)
    counts = np.bincount(digits.targets.numpy(), minlength=10)
    assert [bar.get_width() for bar in figure.axes[0].patches] == counts.tolist()
    figure = class_balance({"here": digits, "there": Pairs()})
    bars = [bar.get_width() for bar in figure.axes[0].patches]
    np.testing.assert_allclose(bars, [*(counts / counts.sum()), 2 / 3, 1 / 3, *[0] * 8])
    assert any("there: 3 samples, a class has none" in text for text in texts(figure))


def test_labels_that_are_none_are_refused():
    with pytest.raises(LabelError, match=r"labels\[1\] is 0\.5"):
        class_balance([0, 0.5])
    with pytest.raises(LabelError, match=r"labels\[0\] is -1"):
        class_balance([-1, 1])
    with pytest.raises(ShapeError, match=r"labels are \(N,\) or one-hot"):
        class_balance(np.zeros((2, 2, 2)))
    with pytest.raises(ShapeError, match="there are no labels"):
        class_balance(np.zeros(0, int))
    with pytest.raises(ArgumentError, match="the dict of labels is empty"):
        class_balance({})


@pytest.mark.parametrize("count", [1, 200])
def test_many_classes_fit_on_a_page(count, inside):
    figure = class_balance(np.arange(count), [f"class {i}" for i in range(count)])
    assert figure.get_figheight() < 16
    assert len(figure.axes[0].patches) == count
    inside(figure)


def test_scores_of_many_classes_fit_on_a_page(inside):
    figure = class_scores(np.eye(60, dtype=int), names=["recall"])
    assert figure.get_figheight() < 16
    assert len(figure.axes[0].get_yticklabels()) == 60
    inside(figure)


# --- thresholds --------------------------------------------------------------------------------


def test_the_rates_at_each_threshold(two):
    scores, labels = two
    names = ["precision", "recall", "f1", "specificity", "accuracy", "positive"]
    figure = thresholds(scores, labels, names=names)
    lines = labelled(figure.axes[0])
    at = lines["recall"].get_xdata()
    np.testing.assert_array_equal(at, np.unique(scores))
    for i in (0, 7, len(at) - 1):
        chosen = (scores >= at[i]).astype(int)
        wanted = {
            "precision": metrics.precision(chosen, labels, "binary"),
            "recall": metrics.recall(chosen, labels, "binary"),
            "F1": metrics.f1(chosen, labels, "binary"),
            "specificity": metrics.specificity(chosen, labels, "binary"),
            "accuracy": metrics.accuracy(chosen, labels),
            "positive": chosen.mean(),
        }
        for name, value in wanted.items():
            assert lines[name].get_ydata()[i] == pytest.approx(value)
    f1 = lines["F1"].get_ydata()
    ring = next(line for line in figure.axes[0].lines if len(line.get_xdata()) == 1)
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (at[f1.argmax()], f1.max())
    assert figure.axes[0].get_xlabel() == "threshold (score)"


def test_thresholds_of_one_class_of_several(four):
    scores, labels = four
    figure = thresholds(scores, labels, positive=2)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wanted = thresholds(p[:, 2], (labels == 2).astype(int)).axes[0]
    for name, line in labelled(figure.axes[0]).items():
        np.testing.assert_allclose(line.get_ydata(), labelled(wanted)[name].get_ydata())
    assert figure.axes[0].get_xlabel() == "threshold (probability)"


def test_class_0_of_two(two):
    scores, labels = two
    other = thresholds(-scores, 1 - labels).axes[0]
    for name, line in labelled(thresholds(scores, labels, positive=0).axes[0]).items():
        np.testing.assert_allclose(line.get_ydata(), labelled(other)[name].get_ydata())


@pytest.mark.parametrize(
    ("output", "target", "options", "message"),
    [
        ([0.1, 0.9], [0, 1], {"names": ["recal"]}, "no 'recal'. Did you mean 'recall'"),
        ([0.1, 0.9], [1, 1], {}, "of 2 samples 2 are of class 1"),
        ([0.1, 0.9], [0, 1], {"positive": 2}, "positive must be 0 or 1, got 2"),
        (np.eye(3), [0, 1, 2], {"positive": 3}, "a class from 0 to 2; got 3"),
        ([0.1, 0.9], [0, 1], {"positive": True}, "the number of a class; got True"),
        ({"a": [0.1, 0.9]}, [0, 1], {}, "pass one output"),
        ([0.1, np.nan], [0, 1], {}, "is nan"),
        ([0, 3], [0, 3], {}, "needs scores"),
    ],
    ids=["name", "one class", "positive", "class", "truth", "dict", "nan", "labels"],
)
def test_thresholds_that_there_are_not(output, target, options, message):
    with pytest.raises(ArgumentError, match=message):
        thresholds(output, target, **options)
