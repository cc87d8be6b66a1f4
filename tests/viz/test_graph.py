"""The picture of a graph: what stands in it, and that nothing overlaps or is cut off."""

from __future__ import annotations

import itertools

import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError
from dlframe.viz import graph
from dlframe.viz.graph_layout import lay_out, layer_all


def two_layers():
    x = dl.tensor([[1.0, 2.0]])
    w1 = dl.tensor([[0.1, 0.2], [0.3, 0.4]], requires_grad=True)
    w2 = dl.tensor([[0.5], [-0.5]], requires_grad=True)
    with dl.autograd.keep_values():
        h = (x @ w1).tanh()
        return (h @ w2).square().mean() + 0.1 * h.sum() + (w1 * w1).sum()


def cnn():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
    with dl.autograd.keep_values():
        return nn.CrossEntropyLoss()(model(dl.randn(2, 1, 6, 6)), dl.tensor([0, 2]))


def boxes(figure):
    from matplotlib.patches import FancyBboxPatch

    renderer = figure.canvas.get_renderer()
    return [p.get_window_extent(renderer) for p in figure.findobj(FancyBboxPatch)]


def test_boxes_have_operations_formulas_values_and_gradients(texts):
    found = texts(graph(two_layers()))
    assert {"w1", "w2", r"$z = \tanh x$", r"$\bar{x} = g (1 - z^2)$"} <= found
    assert any(text.startswith("g = ") for text in found)
    assert "z = 0.5" not in found


def test_gradients_can_be_left_out(texts):
    found = texts(graph(two_layers(), gradients=False))
    assert not any("bar" in text or text.startswith("g = ") for text in found)


@pytest.mark.parametrize("make", [two_layers, cnn])
def test_nothing_overlaps_and_nothing_is_cut_off(make, inside):
    figure = graph(make(), title="A title")
    inside(figure)
    for one, other in itertools.combinations(boxes(figure), 2):
        assert not one.overlaps(other)


@pytest.mark.parametrize("make", [two_layers, cnn])
def test_texts_stay_in_their_boxes(make):
    figure = graph(make())
    renderer = figure.canvas.get_renderer()
    rules = {text for text in figure.axes[0].texts if "bar" in text.get_text()}
    for text in set(figure.axes[0].texts) - rules:
        extent = text.get_window_extent(renderer)
        assert any(b.x0 <= extent.x0 and extent.x1 <= b.x1 for b in boxes(figure)), text


def test_an_explanation_can_be_drawn_and_saved(tmp_path):
    path = tmp_path / "graph.svg"
    two_layers().explain().draw(path)
    assert "svg" in path.read_text()


def test_modules_are_drawn_with_the_lengths_of_their_gradients(texts, inside):
    loss = cnn()
    figure = graph(loss.explain(depth=1), title="Gradients")
    inside(figure)
    assert {"Sequential", "0  Conv2d", "[2, 2, 4, 4]", "CrossEntropyLoss"} <= texts(figure)


def test_too_many_steps_say_what_to_do():
    x = dl.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100):
        y = y * 2
    with pytest.raises(ArgumentError, match="explain"):
        graph(y)


def test_a_leaf_is_one_box():
    assert len(boxes(graph(dl.ones(2)))) == 1


def test_layers_come_after_what_they_need():
    # 0 and 1 are leaves, 4 needs 1 and 3, 3 needs 2, 2 needs 0
    edges = [(0, 2), (2, 3), (3, 4), (1, 4)]
    assert layer_all(5, edges, lambda i: i < 2) == [0, 2, 1, 2, 3]


def test_a_chain_goes_straight_down():
    layout = lay_out([(1.0, 0.5)] * 4, [(0, 1), (1, 2), (2, 3)], [0, 1, 2, 3])
    assert len({round(x, 6) for x, _ in layout.centres}) == 1
    assert layout.width == pytest.approx(1.0)


def test_long_edges_pass_beside_the_boxes_between():
    layout = lay_out([(1.0, 0.5)] * 3, [(0, 1), (1, 2), (0, 2)], [0, 1, 2])
    bend = layout.routes[0, 2][1]
    assert abs(bend[0] - layout.centres[1][0]) > 0.5
