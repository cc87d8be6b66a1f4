"""Curves: what shares a panel, what is marked, and what happens to odd values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.colors import same_color

from dlframe.errors import ShapeError
from dlframe.tensor import Tensor
from dlframe.training.smoothing import smoothed
from dlframe.viz import curves, style

HISTORY = {
    "accuracy": [0.5, 0.8, 0.9],
    "loss": [2.0, 1.0, 0.5],
    "val_loss": [2.1, 0.9, 1.2],
    "val_accuracy": [0.4, 0.7, 0.7],
}


def line(axes, label):
    return next(line for line in axes.lines if line.get_label() == label)


def test_pairs_share_a_panel_and_the_loss_comes_first(texts):
    figure = curves(HISTORY, title="A run")
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    assert all(axes.get_xlabel() == "epoch" for axes in figure.axes)
    loss = figure.axes[0]
    assert line(loss, "training").get_ydata().tolist() == HISTORY["loss"]
    assert line(loss, "validation").get_ydata().tolist() == HISTORY["val_loss"]
    assert line(loss, "training").get_xdata().tolist() == [1, 2, 3]
    assert {"A run", "training", "validation", "best"} <= texts(figure)


def test_seconds_are_drawn_only_where_they_are_named():
    history = {**HISTORY, "seconds": [1.0, 0.9, 0.9]}
    labels = lambda figure: [axes.get_ylabel() for axes in figure.axes]
    assert labels(curves(history)) == ["loss", "accuracy"]
    assert labels(curves(history, names=["seconds", "val_loss"])) == ["loss", "seconds"]
    with pytest.raises(ValueError, match=r"no \['lr'\], but \['accuracy', 'loss', .*'seconds'\]"):
        curves(history, names=["loss", "lr"])


def test_training_and_validation_differ_without_colour():
    axes = curves(HISTORY).axes[0]
    training, validation = line(axes, "training"), line(axes, "validation")
    assert training.get_linestyle() == "-"
    assert validation.get_linestyle() == "--"
    assert training.get_marker() != validation.get_marker()


def test_the_best_epoch_is_that_of_validation():
    loss, accuracy = curves(HISTORY).axes
    assert loss.get_title() == "best 0.9 at epoch 2"
    assert accuracy.get_title() == "best 0.7 at epoch 2"  # the first of two
    ring = loss.lines[-1]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (2, 0.9)
    assert same_color(ring.get_markeredgecolor(), style.INK)


def test_quantities_with_no_better_or_worse_have_no_best():
    assert curves({"lr": [0.1, 0.01]}).axes[0].get_title() == ""
    assert curves({"accuracy_loss": [0.1, 0.01]}).axes[0].get_title() == ""


@pytest.mark.parametrize("name", ["error_rate", "perplexity", "rmse"])
def test_the_best_is_the_lowest_of_errors_and_the_highest_of_others(name):
    assert curves({name: [0.2, 0.1, 0.3]}).axes[0].get_title() == "best 0.1 at epoch 2"
    assert curves({"f1_macro": [0.2, 0.1, 0.3]}).axes[0].get_title() == "best 0.3 at epoch 3"


@pytest.mark.parametrize(
    "panels", [1, 2, 3, 4, *(pytest.param(n, marks=pytest.mark.slow) for n in (5, 6, 7))]
)
def test_any_number_of_panels(panels, inside):
    figure = curves({f"precision_of_the_class_{i}": [0.1, 0.5] for i in range(panels)}, title="T")
    assert len(figure.axes) == panels
    inside(figure)


def test_one_epoch(inside):
    figure = curves({name: values[:1] for name, values in HISTORY.items()})
    for axes in figure.axes:
        assert axes.get_xticks().tolist() == [1]
        assert axes.get_title() == ""
        assert line(axes, "training").get_markevery() == [0]
    inside(figure)


def test_ticks_are_epochs_that_were():
    for epochs in (2, 3, 7, 40, 123):
        ticks = curves({"loss": np.linspace(1, 0, epochs)}).axes[0].get_xticks()
        assert ticks[0] >= 1
        assert ticks[-1] <= epochs
        assert (ticks == ticks.astype(int)).all()


def test_values_that_are_not_finite_leave_gaps_and_are_counted(texts):
    history = {
        "loss": [2.0, math.nan, 1.0, math.inf, 0.7, 0.6],
        "val_loss": [math.nan] * 6,
        "accuracy": [math.nan] * 6,
    }
    figure = curves(history)
    loss, accuracy = figure.axes
    y = line(loss, "training").get_ydata()
    np.testing.assert_array_equal(np.isfinite(y), [True, False, True, False, True, True])
    # the third stands alone: without a marker it could not be seen
    assert 2 in line(loss, "training").get_markevery()
    assert "no finite values" in texts(figure)
    words = " ".join(sorted(texts(figure)))
    assert "not finite: loss (2 of 6 values)" in words
    assert accuracy.get_title() == ""


def test_log_scale_is_for_positive_losses(texts):
    history = {"loss": [10.0, 1.0, 0.01], "accuracy": [0.1, 0.5, 0.9], "val_hinge_loss": [1.0, 0.0]}
    axes = curves(history, log_scale=True).axes
    assert [a.get_yscale() for a in axes] == ["log", "linear", "linear"]
    assert axes[0].get_ylabel() == "loss (log scale)"
    narrow = curves({"loss": [0.5, 0.4]}, log_scale=True)
    assert len({text for text in texts(narrow) if text.startswith("0.4")}) >= 2


def test_steps_and_smoothing_of_the_training_line():
    y = np.array([1.0, 3.0, 2.0, 4.0])
    steps = {"loss": [10, 20, 30, 40], "val_loss": [20, 40]}
    history = {"loss": y, "val_loss": [2.0, 1.0]}
    axes = curves(history, steps=steps, smoothing=0.5, x_label="step").axes[0]
    assert line(axes, "validation").get_xdata().tolist() == [20, 40]
    assert line(axes, "validation").get_ydata().tolist() == [2.0, 1.0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), y)
    np.testing.assert_allclose(line(axes, "training").get_ydata(), smoothed(y, 0.5))
    assert axes.get_title() == "best 1 at step 40"


def test_smoothing_by_hand():
    # weights 1 - w, w (1 - w), … from the newest on, divided by their sum
    out = smoothed(np.array([1.0, np.nan, 3.0]), 0.5)
    np.testing.assert_allclose(out, [1.0, np.nan, (0.5 * 3 + 0.25 * 1) / 0.75])
    with pytest.raises(ValueError, match="smoothing must be from 0 to below 1, got 1"):
        curves(HISTORY, smoothing=1)


def test_nothing_recorded(texts):
    for history in ({}, {"loss": []}):
        assert texts(curves(history, title="Run")) == {"Run", "Nothing recorded yet."}


def test_tensors_are_taken_and_other_shapes_explained():
    axes = curves({"loss": Tensor(np.array([1.0, 0.5]))}).axes[0]
    assert line(axes, "training").get_ydata().tolist() == [1.0, 0.5]
    with pytest.raises(ShapeError, match=r"'f1' must be one number per step, got shape \(2, 3\)"):
        curves({"f1": np.zeros((2, 3))})
    with pytest.raises(ShapeError, match=r"'loss' has 2 values and steps of shape \(3,\)"):
        curves({"loss": [1.0, 2.0]}, steps={"loss": [1, 2, 3]})


def test_the_history_is_not_changed():
    y = np.array([1.0, np.nan, np.inf])
    curves({"loss": y}, smoothing=0.9)
    np.testing.assert_array_equal(y, [1.0, np.nan, np.inf])


def test_a_long_name_stays_beside_its_panel(inside):
    name = "validation of the mean\nof a quantity that has a very long name, in thousands"
    figure = curves({f"{name} {i}": [1.0, 2.0] for i in range(9)})
    figure.canvas.draw()
    for axes in figure.axes:
        label, panel = axes.yaxis.label.get_window_extent(), axes.get_tightbbox()
        assert "\n" not in axes.get_ylabel()
        assert panel.y0 <= label.y0 <= label.y1 <= panel.y1
        assert label.height <= 1.1 * axes.get_window_extent().height
    inside(figure)


def test_a_log_scale_that_cannot_be_drawn_is_named(texts):
    history = {"loss": [1.0, 0.1, 0.0], "val_loss": [1.0, 0.5, 0.4], "mse": [1.0, 0.1, 0.01]}
    figure = curves(history, log_scale=True)
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]
    assert "not on a log scale, for values of 0 or less: loss" in texts(figure)
    assert not any("log scale, for" in text for text in texts(curves(history)))


def test_values_whose_range_no_float_holds_are_gaps(texts):
    figure = curves({"loss": [1.0, 1e308, -1e308, 0.5]})
    assert figure.axes[0].get_ylim()[1] < 2
    assert "not finite: loss (2 of 4 values)" in texts(figure)
