"""Gradients, activations and updates, layer by layer: what is drawn are the numbers of the log."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim, viz
from dlframe.data.datasets import Digits
from dlframe.errors import ArgumentError
from dlframe.training import LayerLog, Trainer


def network(activation=nn.ReLU, depth=3):
    dl.manual_seed(0)
    layers = [part for _ in range(depth) for part in (nn.Linear(6, 6), activation())]
    return nn.Sequential(*layers, nn.Linear(6, 1))


def recorded(model, steps=5, x=None, **options):
    log, optimizer = LayerLog(**options), optim.SGD(model.parameters(), lr=0.1)
    x = dl.randn(16, 6) if x is None else x
    with log.attach(model, optimizer):
        for _ in range(steps):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
    return log


@pytest.fixture(scope="module")
def log():
    return recorded(network())


def labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


# --- gradients ---------------------------------------------------------------------------------


def test_gradients_after_backward(inside, tmp_path):
    model = network()
    model(dl.randn(16, 6)).square().mean().backward()
    figure = viz.gradient_flow(model, path=tmp_path / "flow.png")
    assert (tmp_path / "flow.png").stat().st_size > 1000
    axes = figure.axes[0]
    assert labels(axes) == ["0.weight", "2.weight", "4.weight", "6.weight"]
    assert axes.get_xscale() == "log"
    gradients = [p.grad.numpy() for name, p in model.named_parameters() if "weight" in name]
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    np.testing.assert_allclose(ends, [np.abs(g).mean() for g in gradients], 1e-5)
    np.testing.assert_allclose(
        axes.lines[0].get_xdata(), [np.abs(g).max() for g in gradients], 1e-5
    )
    low, high = axes.get_xlim()
    assert low < min(ends)
    assert high > max(axes.lines[0].get_xdata())
    assert len(viz.gradient_flow(model, biases=True).axes[0].patches) == 8
    assert viz.gradient_flow(model, limits=(1e-6, 10)).axes[0].get_xlim() == (1e-6, 10)
    inside(figure)


def test_gradients_that_cannot_be_drawn(texts, inside):
    model = network()
    with pytest.raises(ArgumentError, match="none of the 8 parameters has a gradient"):
        viz.gradient_flow(model)
    model[0].bias.data.fill_(-100.0)
    model(dl.randn(16, 6)).square().mean().backward()
    figure = viz.gradient_flow(model)
    assert "Not drawn, all 0 or not finite: 0.weight" in " ".join(sorted(texts(figure))), texts(
        figure
    )
    inside(figure)
    inside(viz.gradient_flow({"a": np.zeros(3), "b": np.array([np.nan])}))


def test_gradients_along_training(log, inside, tmp_path):
    log.save(tmp_path / "layers.json")
    figure = viz.gradient_flow(tmp_path / "layers.json")
    axes = figure.axes[0]
    assert labels(axes) == ["0.weight", "2.weight", "4.weight", "6.weight"]
    mesh = axes.collections[0]
    expected = [log.gradients[name].mean_abs for name in labels(axes)]
    np.testing.assert_allclose(mesh.get_array(), expected, 1e-6)
    low, high = mesh.get_clim()
    assert low <= np.min(expected)
    assert high >= np.max(expected)
    assert axes.get_ylim() == (3.5, -0.5)  # the first layer on top
    inside(figure)
    outputs = viz.gradient_flow(log, kind="output_gradients", layers=["1", "3"])
    assert labels(outputs.axes[0]) == ["1 ReLU", "3 ReLU"]
    assert viz.gradient_flow(log, limits=(1e-4, 1)).axes[0].collections[0].get_clim() == (1e-4, 1)


def test_a_layer_without_gradient_is_white(texts):
    model = network()
    model[0].bias.data.fill_(-100.0)
    figure = viz.gradient_flow(recorded(model), biases=True)
    mesh = figure.axes[0].collections[0]
    assert np.all(mesh.get_array()[0] < mesh.get_clim()[0])
    assert any("White: all 0." in text for text in texts(figure))
    assert tuple(mesh.cmap.get_under()) == (1, 1, 1, 1)


# --- activations and updates -------------------------------------------------------------------


def test_activations_along_training(log, inside):
    figure = viz.activation_course(log)
    assert [axes.get_ylabel() for axes in figure.axes][:3] == [
        "mean", "standard deviation", "near zero (%)"
    ]  # fmt: skip
    for axes, field, factor in zip(
        figure.axes, ("mean", "std", "near_zero"), (1, 1, 100), strict=False
    ):
        assert [line.get_label() for line in axes.lines][:2] == ["0 Linear", "1 ReLU"]
        np.testing.assert_allclose(
            axes.lines[1].get_ydata(), factor * getattr(log.outputs["1"], field)
        )
        assert axes.lines[1].get_xdata().tolist() == [1, 2, 3, 4, 5]
    inside(figure)


def test_dead_and_saturated_units_have_panels(log):
    model = network()
    model[0].bias.data[:3] = -100.0
    figure = viz.activation_course(recorded(model), layers=["0", "1"])
    dead = {axes.get_ylabel(): axes for axes in figure.axes}["dead units (%)"]
    assert [line.get_label() for line in dead.lines] == ["1 ReLU"]  # not the layer before it
    assert dead.lines[0].get_ydata().min() >= 50
    flat = network(nn.Tanh)
    flat[0].weight.data.mul_(100.0)
    figure = viz.activation_course(recorded(flat))
    assert figure.axes[-1].get_ylabel() == "saturated (%)"
    assert figure.axes[-1].lines[0].get_label() == "1 Tanh"


def test_update_ratios(log, texts, inside):
    figure = viz.update_ratios(log)
    axes = figure.axes[0]
    weights = [name for name in log.updates if name.endswith("weight")]
    assert [line.get_label() for line in axes.lines[:4]] == weights
    for line, name in zip(axes.lines, weights, strict=False):
        np.testing.assert_array_equal(line.get_ydata(), log.updates[name])
    assert axes.lines[-1].get_ydata()[0] == 1e-3
    assert axes.get_yscale() == "log"
    assert "0.001" in texts(figure)
    inside(figure)
    assert len(viz.update_ratios(log, biases=True, layers="0").axes[0].lines) == 3
    smooth = viz.update_ratios(log, smoothing=0.9).axes[0].lines[0].get_ydata()
    assert np.ptp(smooth) < np.ptp(log.updates["0.weight"])


def test_many_layers_one_entry_and_nothing(texts, inside):
    many = recorded(network(nn.Tanh, depth=8), steps=1)
    for draw in (viz.activation_course, viz.update_ratios, viz.gradient_flow):
        figure = draw(many)
        inside(figure)
        assert "Nothing recorded yet." in texts(draw(LayerLog()))
    legend = [text.get_text() for text in viz.activation_course(many).legends[0].get_texts()]
    assert (len(legend), legend[0], legend[-1]) == (8, "0 Linear", "16 Linear")


def test_refusals(log):
    only = recorded(network(), kinds=["weights"])
    with pytest.raises(ArgumentError, match="the log has no outputs"):
        viz.activation_course(only)
    with pytest.raises(ArgumentError, match="the log has no updates"):
        viz.update_ratios(only)
    with pytest.raises(ArgumentError, match="nothing has a name like 'x'"):
        viz.update_ratios(log, layers="x")
    with pytest.raises(ArgumentError, match="smoothing must be from 0"):
        viz.update_ratios(log, smoothing=1.0)
    with pytest.raises(ArgumentError, match="limits must rise from above 0"):
        viz.gradient_flow(log, limits=(0, 1))
    with pytest.raises(ArgumentError, match="gradient_flow: 'outputs' is none of gradients"):
        viz.gradient_flow(network(), kind="outputs")
    with pytest.raises(ArgumentError, match="gradient_flow: 'updates' is none of"):
        viz.gradient_flow(log, kind="updates")
    with pytest.raises(OSError):
        viz.update_ratios(log, path="/dev/null/x.png")


# --- what the guide says -----------------------------------------------------------------------


def deep(activation, std, rate, epochs):
    """The networks of docs/drawings/inside.py."""
    dl.manual_seed(0)
    layers = [part for _ in range(6) for part in (nn.Linear(64, 64), activation())]
    model = nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, 10))
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(p)
        elif std is None:
            nn.init.kaiming_normal_(p)
        else:
            nn.init.normal_(p, 0.0, std)
    log = LayerLog(10, layers=[activation, "*.weight"])
    optimizer = optim.SGD(model.parameters(), lr=rate)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=[log])
    trainer.fit(Digits(), epochs=epochs, batch_size=64, progress=False)
    return log


def test_gradients_vanish_behind_sigmoids():
    log = deep(nn.Sigmoid, 0.1, 0.1, epochs=1)
    sizes = [course.mean_abs for course in log.gradients.values()]
    assert np.all(sizes[0] < sizes[-1] / 10_000)
    assert all(np.all(before < after) for before, after in itertools.pairwise(sizes))
    log = deep(nn.ReLU, None, 0.1, epochs=1)
    sizes = np.array([course.mean_abs for course in log.gradients.values()])
    assert np.all(sizes[0] > sizes[-1] / 10)


def test_units_die_at_too_large_a_rate():
    slow, fast = (deep(nn.ReLU, None, rate, epochs=4) for rate in (0.1, 1.0))
    for name, course in slow.outputs.items():
        assert course.dead[-1] < 0.4
        assert fast.outputs[name].dead[-1] > 0.5
