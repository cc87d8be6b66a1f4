"""Histograms and quantiles: what is drawn are the numbers of the model or of the log."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim, viz
from dlframe.errors import ArgumentError
from dlframe.training import LayerLog


def network():
    dl.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2), nn.Sigmoid())


@pytest.fixture(scope="module")
def log():
    model, found = network(), LayerLog()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    x = dl.randn(32, 4)
    with found.attach(model, optimizer):
        for _ in range(12):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    return found


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


# --- one moment --------------------------------------------------------------------------------


def test_weights_of_a_model(inside, tmp_path):
    model = network()
    figure = viz.histograms(model, bins=20, path=tmp_path / "weights.png")
    assert (tmp_path / "weights.png").stat().st_size > 1000
    assert titles(figure) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    weight = model[0].weight.detach().numpy().astype(np.float64)
    heights, edges, _ = figure.axes[0].patches[0].get_data()
    assert len(heights) == 20
    counts, _ = np.histogram(weight, edges)
    np.testing.assert_allclose(heights * np.diff(edges), counts / weight.size, 1e-6, 1e-12)
    assert edges[[0, -1]] == pytest.approx([weight.min(), weight.max()])
    inside(figure)


def test_outputs_for_a_batch(texts):
    model, x = network(), dl.randn(50, 4)
    model[0].bias.data[:4] = -100.0
    figure = viz.histograms(model, x, title="Outputs of a batch")
    assert titles(figure) == ["0 Linear", "1 ReLU", "2 Linear", "3 Sigmoid"]
    zeros = (model[0](x).numpy(force=True) <= 0).mean()
    line = next(text for text in texts(figure) if "of units dead" in text or "zeros" in text)
    assert f"{100 * zeros:.1f} % zeros" in line.replace("\n", " ")
    assert "25.0 % of units dead" in " ".join(texts(figure))
    assert model.training
    assert all(not layer._hooks.forward for layer in model if layer._hooks)
    assert titles(viz.histograms(model, x.numpy().astype(np.float64), layers="2")) == ["2 Linear"]


def test_gradients_and_named_tensors():
    model = network()
    with pytest.raises(ArgumentError, match="none of the 4 parameters has a gradient"):
        viz.histograms(model, kind="gradients")
    model(dl.randn(8, 4)).sum().backward()
    figure = viz.histograms(model.named_parameters(), kind="gradients", layers="*.weight")
    assert titles(figure) == ["0.weight", "2.weight"]
    _, edges, _ = figure.axes[0].patches[0].get_data()
    assert edges[-1] == pytest.approx(model[0].weight.grad.numpy().max())
    assert titles(viz.histograms({"a": np.arange(5)})) == ["a"]


def test_an_entry_of_a_log(log, tmp_path, texts):
    log.save(tmp_path / "layers.json")
    figure = viz.histograms(tmp_path, kind="output_gradients", step=3, layers=["0", "1"])
    assert titles(figure) == ["0 Linear", "1 ReLU"]
    heights, edges, _ = figure.axes[0].patches[0].get_data()
    course = log.output_gradients["0"]
    np.testing.assert_allclose(edges, course.edges[2], 1e-5, 1e-9)
    np.testing.assert_allclose(heights * np.diff(edges), course.counts[2] / 512, 1e-4, 1e-9)
    assert "Gradients of outputs at step 3" in texts(figure)
    with pytest.raises(ArgumentError, match="no entry of step 99; the nearest are 10, 11, 12"):
        viz.histograms(log, step=99)


def test_a_spike_is_cut_off_and_rare_values_can_be_seen():
    values = {"a": np.r_[np.zeros(900), np.linspace(0, 1, 300)]}
    heights, _, _ = viz.histograms(values).axes[0].patches[0].get_data()
    assert viz.histograms(values).axes[0].get_ylim()[1] == 2 * np.sort(heights)[-2]
    assert viz.histograms(values, log_scale=True).axes[0].get_yscale() == "log"


def test_values_that_cannot_be_drawn(texts, inside):
    values = {
        "none": np.zeros(0), "nan": np.full(3, np.nan), "one": np.full(9, 2.5),
        "a_name_that_is_so_long_that_no_panel_can_hold_all_of_it_" * 3: np.arange(9.0),
        "$5-$10": np.array([1.0, np.inf, 2.0]),
    }  # fmt: skip
    figure = viz.histograms(values)
    inside(figure)
    assert {"no finite values", "all 2.5"} <= texts(figure)
    assert "33.3 % not finite" in " ".join(texts(figure))
    figure = viz.histograms({str(i): np.arange(3.0) for i in range(30)}, limit=4)
    assert "Weights, the first 4 of 30; layers= chooses others" in texts(figure)
    assert "Nothing recorded yet." in texts(viz.histograms(LayerLog()))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [({"kind": "activations"}, ArgumentError, "The activations are the 'outputs'"),
     ({"kind": "outputs"}, ArgumentError, "need a model and batch="),
     ({"kind": "output_gradients"}, ArgumentError, r"record them with a training\.LayerLog"),
     ({"layers": "0.wieght"}, ArgumentError, "Did you mean '0.weight'"),
     ({"bins": 2}, ArgumentError, "bins must be 3 or more, limit 1 or more; got 2"),
     ({"limit": 0}, ArgumentError, "limit 1 or more")],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        viz.histograms(network(), **options)


def test_other_things_are_refused():
    with pytest.raises(TypeError, match=r"expected a model, its named_parameters\(\)"):
        viz.histograms(network().parameters())
    with pytest.raises(TypeError, match=r"expected a training\.LayerLog or the path"):
        viz.histogram_course(network())
    with pytest.raises(FileNotFoundError):
        viz.quantile_course("nowhere.json")
    with pytest.raises(ArgumentError, match="limit must be 1 or more"):
        viz.quantile_course(LayerLog(), limit=0)


# --- along training ----------------------------------------------------------------------------


def test_histograms_along_training(log, inside, tmp_path, texts):
    figure = viz.histogram_course(log, layers=["0", "3"], path=tmp_path / "course.png")
    assert titles(figure) == ["0 Linear", "3 Sigmoid"]
    mesh = figure.axes[0].collections[0]
    shares = np.asarray(mesh.get_array())
    assert shares.shape == (96, 12)
    course = log.outputs["0"]
    places = mesh.get_coordinates()[:, 0, 1]
    ends = [course.edges[:, 1].min(), course.edges[:, -2].max()]
    np.testing.assert_allclose(places[[0, -1]], ends)
    # the mean of each column, by the middles of its cells, is that of the log without its ends
    middles = (places[1:] + places[:-1]) / 2
    means = (shares * middles[:, None]).sum(axis=0) / shares.sum(axis=0)
    np.testing.assert_allclose(means, course.mean, atol=0.1 * course.std.max())
    assert np.all(shares.sum(axis=0) > 0.98)
    assert figure.axes[0].get_xlabel() == "step"
    inside(figure)
    assert any("The darker a cell" in text for text in texts(figure))


def test_quantiles_along_training(log, inside, texts):
    figure = viz.quantile_course(log, kind="weights", layers="0.weight", title="Weights")
    axes = figure.axes[0]
    course = log.weights["0.weight"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), course.quantiles[:, 3])
    assert len(axes.collections) == 3
    outer = axes.collections[0].get_paths()[0].vertices
    assert outer[:, 1].min() == pytest.approx(course.quantiles[:, 0].min())
    assert outer[:, 1].max() == pytest.approx(course.quantiles[:, 6].max())
    assert any("98 %, 90 %, 50 %" in text for text in texts(figure))
    inside(figure)


def test_a_single_entry_and_no_bands(inside):
    layer = nn.Linear(3, 2)
    log = LayerLog(quantiles=[0.1, 0.5])
    with log.attach(layer):
        layer(dl.randn(5, 3)).sum().backward()
        log.record()
    for kind in ("weights", "outputs"):
        inside(viz.quantile_course(log, kind=kind))
        inside(viz.histogram_course(log, kind=kind))
    assert viz.histogram_course(log).axes[0].collections[0].get_array().shape == (96, 1)
