"""Decision boundaries: every kind of answer, areas where they belong, honest counts."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError, LabelError, ShapeError
from dlframe.tensor import Tensor, to_array
from dlframe.viz import decision_boundary
from dlframe.viz.boundaries import MOST_POINTS, PALE, colour_and_marker

X = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [0.5, 0.0]])
Y = np.array([0, 0, 1, 1, 0])  # the last is on the wrong side of x₁ = 0

ANSWERS = {
    "labels": lambda p: (p[:, 0] > 0).astype(np.int64),
    "booleans": lambda p: p[:, 0] > 0,
    "one logit": lambda p: 50 * p[:, 0],
    "one logit in a column": lambda p: 50 * p[:, :1],
    "two logits": lambda p: np.stack([-50 * p[:, 0], 50 * p[:, 0]], axis=1),
}


def area(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def pale(index):
    return PALE + (1 - PALE) * np.array(to_rgb(colour_and_marker(index)[0]))


@pytest.mark.parametrize("predict", ANSWERS.values(), ids=ANSWERS.keys())
def test_areas_have_the_colour_of_the_predicted_class(predict, texts, inside):
    figure = decision_boundary(predict, X, Y, ["left", "right"], resolution=20)
    np.testing.assert_allclose(area(figure)[:, 0], [pale(0)] * 20, atol=1e-6)
    np.testing.assert_allclose(area(figure)[:, -1], [pale(1)] * 20, atol=1e-6)
    found = texts(figure)
    assert {"left", "right", "boundary", "wrong", "x₁", "x₂"} <= found
    assert "80.0 % of 5 points on the right side, 1 wrong (crossed)" in found
    inside(figure)


def test_unsure_areas_are_mixed():
    figure = decision_boundary(lambda p: 0 * p[:, 0], X, Y, resolution=4)
    np.testing.assert_allclose(area(figure)[0, 0], (pale(0) + pale(1)) / 2)
    figure = decision_boundary(lambda p: 0.25 + 0 * p[:, 0], X, Y, probabilities=True, resolution=4)
    np.testing.assert_allclose(area(figure)[0, 0], 0.75 * pale(0) + 0.25 * pale(1))


@pytest.mark.parametrize("given", [None, True])
def test_probabilities_are_seen(given, texts):
    """Both halves are drawn, although no probability is below 0."""

    def one(points):
        return 1 / (1 + np.exp(-points[:, 0]))

    def two(points):
        return np.stack([1 - one(points), one(points)], axis=1)

    warns = pytest.warns(UserWarning, match="taken for probabilities")
    with contextlib.nullcontext() if given else warns:
        figure = decision_boundary(one, X, Y, probabilities=given, resolution=20)
    assert "80.0 % of 5 points on the right side, 1 wrong (crossed)" in texts(figure)
    same = decision_boundary(two, X, Y, probabilities=given, resolution=20)  # they sum to one
    logits = decision_boundary(lambda p: p[:, 0], X, Y, resolution=20)
    np.testing.assert_allclose(area(figure), area(logits), atol=1e-6)
    np.testing.assert_allclose(area(same), area(logits), atol=1e-6)


def test_many_classes_differ_in_marker_too():
    def sectors(p):
        return ((np.arctan2(p[:, 1], p[:, 0]) + np.pi) / (2 * np.pi) * 11.999).astype(int)

    x = np.random.default_rng(0).normal(size=(200, 2))
    figure = decision_boundary(sectors, x, sectors(x), resolution=60)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == [*map(str, range(12)), "boundary"]
    assert len({colour_and_marker(i) for i in range(30)}) == 30


def test_predict_gets_what_x_is_in_batches():
    seen = []

    def predict(points):
        seen.append((type(points), to_array(points).dtype, len(to_array(points))))
        return Tensor(to_array(points)[:, 0])

    decision_boundary(predict, Tensor(X.astype(np.float32)), Y, resolution=100)
    assert {kind for kind, _, _ in seen} == {Tensor}
    assert {dtype for _, dtype, _ in seen} == {np.dtype(np.float32)}
    assert max(size for *_, size in seen) <= 8192
    assert sum(size for *_, size in seen) == 100 * 100 + len(X)


def test_axes_of_other_units_keep_their_own_scales():
    tall = X * [0.1, 100]
    assert decision_boundary(ANSWERS["labels"], tall, Y).axes[0].get_aspect() == "auto"
    assert decision_boundary(ANSWERS["labels"], X, Y).axes[0].get_aspect() == 1


def test_one_point_and_one_class(inside):
    figure = decision_boundary(ANSWERS["one logit"], X[:1], Y[:1], resolution=10)
    assert "wrong" not in [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    inside(figure)


def test_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"x must be \(N, 2\), N ≥ 1, got \(4, 3\)"):
        decision_boundary(ANSWERS["labels"], np.zeros((4, 3)), np.zeros(4))
    with pytest.raises(ShapeError, match=r"x\(5, 2\) and y\(3,\) do not fit"):
        decision_boundary(ANSWERS["labels"], X, Y[:3])
    with pytest.raises(ShapeError, match=r"predict gave .* expected logits \(P, C\)"):
        decision_boundary(lambda p: np.zeros((len(p), 2, 2)), X, Y)
    with pytest.raises(LabelError, match=r"y\[0\] is 3; with 2 classes"):
        decision_boundary(ANSWERS["one logit"], X, [3, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="resolution must be 2 or more"):
        decision_boundary(ANSWERS["labels"], X, Y, resolution=1)


@pytest.mark.parametrize("last", [nn.Sigmoid(), nn.LogSigmoid(), nn.Softmax(1), nn.LogSoftmax(1)])
def test_a_model_says_by_its_last_layer_what_it_gives(last, texts):
    linear = nn.Linear(2, 2 if "oftmax" in repr(last) else 1)
    model = nn.Sequential(linear, last)
    with dl.no_grad():  # class 1 on the right of the second axis
        linear.weight.zero_()
        linear.weight[-1, 0] = 4.0
        linear.bias.zero_()
    x = dl.tensor([[-1.0, 0.0], [-2.0, 1.0], [1.0, 0.0], [2.0, 1.0]])
    figure = decision_boundary(model, x, np.array([0, 0, 1, 1]), resolution=20)  # and no warning
    assert any(text.startswith("100 % of 4 points") for text in texts(figure))


def test_of_very_many_points_a_part_is_drawn_and_all_are_counted(rng, texts):
    x = rng.normal(size=(MOST_POINTS + 50, 2))
    y = (x[:, 0] > 0).astype(int)
    figure = decision_boundary(lambda points: points[:, 0], x, y)
    drawn = [len(c.get_offsets()) for c in figure.axes[0].collections if c.get_label() in "01"]
    assert sum(drawn) == MOST_POINTS
    found = " ".join(texts(figure))
    assert f"100 % of {MOST_POINTS + 50} points" in found
    assert "4,000 of them drawn" in found


def test_points_must_be_finite_and_have_two_features():
    with pytest.raises(ArgumentError, match=r"x must be finite; x\[1\] is \[inf, 1.0\]"):
        decision_boundary(lambda x: x[:, 0], np.array([[0, 1], [np.inf, 1.0]]), [0, 1])
    with pytest.raises(ShapeError, match=r"got \(5, 4\). Of more features draw two"):
        decision_boundary(lambda x: x[:, 0], np.ones((5, 4)), [0, 1, 0, 1, 0])
