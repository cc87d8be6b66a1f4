"""Runs beside each other: which lines, means, bands and points are drawn, and what is refused."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
import scipy.stats

from dlframe.errors import ArgumentError, FileFormatError, ShapeError
from dlframe.training import History
from dlframe.training.smoothing import smoothed
from dlframe.viz import compare, outcomes
from dlframe.viz.compare import BANDS, MANY, spread


def runs_of(seed, *lengths, offset=0.0):
    rng = np.random.default_rng(seed)
    return [
        {
            "loss": offset + rng.random(n),
            "val_loss": offset + rng.random(n),
            "val_accuracy": rng.random(n),
            "lr": [0.1] * n,
            "seconds": [1.0] * n,
            "best_val_loss": [0.1] * n,
        }
        for n in lengths
    ]


RUNS = {"SGD": runs_of(1, 6, 6, 6), "Adam": runs_of(2, 6, 6, 6), "one": runs_of(3, 6)[0]}


def line(axes, label):
    return next(one for one in axes.lines if one.get_label() == label)


def test_each_quantity_has_a_panel_and_each_name_a_line(texts):
    figure = compare(RUNS, title="Three")
    assert [axes.get_ylabel() for axes in figure.axes] == ["val_loss", "val_accuracy"]
    for axes in figure.axes:
        for name, group in RUNS.items():
            group = group if isinstance(group, list) else [group]
            mean = np.mean([run[axes.get_ylabel()] for run in group], axis=0)
            np.testing.assert_allclose(line(axes, name).get_ydata(), mean)
            assert line(axes, name).get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    assert {"Three", "SGD", "Adam", "one"} <= texts(figure)


def test_lines_differ_without_colour():
    axes = compare(RUNS).axes[0]
    looks = [(line(axes, name).get_marker(), line(axes, name)._dash_pattern) for name in RUNS]
    assert all(a[0] != b[0] and a[1] != b[1] for a, b in itertools.combinations(looks, 2))


def test_forty_names_look_different():
    axes = compare({f"run {i}": runs_of(i, 3) for i in range(40)}, names=["loss"]).axes[0]
    lines = [line(axes, f"run {i}") for i in range(40)]
    looks = {(one.get_color(), one.get_marker(), str(one._dash_pattern)) for one in lines}
    assert len(looks) == 40


@pytest.mark.parametrize("band", sorted(BANDS))
def test_the_band_is_what_the_heading_says(band, texts):
    figure = compare({"SGD": RUNS["SGD"]}, names=["loss"], band=band)
    y = np.array([run["loss"] for run in RUNS["SGD"]])
    if band == "none":
        assert not figure.axes[0].collections
        return
    edge = figure.axes[0].collections[0].get_paths()[0].vertices
    if band == "range":
        low, high = y.min(0), y.max(0)
    elif band == "std":
        low, high = y.mean(0) - y.std(0, ddof=1), y.mean(0) + y.std(0, ddof=1)
    else:
        low, high = scipy.stats.t.interval(0.95, 2, y.mean(0), scipy.stats.sem(y))
    for i in range(6):
        at = edge[edge[:, 0] == i + 1, 1]
        np.testing.assert_allclose([at.min(), at.max()], [low[i], high[i]])
    assert any(BANDS[band] in text for text in texts(figure))


def test_the_mean_ends_with_the_shortest_run_and_thin_lines_go_on():
    figure = compare({"a": runs_of(1, 4, 6)}, names=["loss"])
    axes = figure.axes[0]
    assert len(line(axes, "a").get_ydata()) == 4
    thin = [one.get_ydata() for one in axes.lines if one.get_label() != "a"]
    assert sorted(map(len, thin)) == [4, 6]


def test_thin_lines_are_left_out_where_there_are_many():
    few, many = {"a": runs_of(1, *[2] * MANY)}, {"a": runs_of(1, *[2] * (MANY + 1))}
    assert len(compare(few, names=["loss"]).axes[0].lines) == MANY + 1
    assert len(compare(many, names=["loss"]).axes[0].lines) == 1
    assert len(compare(many, names=["loss"], every_run=True).axes[0].lines) == MANY + 2


def test_smoothing_is_that_of_each_run():
    figure = compare({"a": RUNS["SGD"]}, names=["loss"], smoothing=0.5, band="none")
    mean = np.mean([smoothed(run["loss"], 0.5) for run in RUNS["SGD"]], axis=0)
    np.testing.assert_allclose(line(figure.axes[0], "a").get_ydata(), mean)


def test_a_run_that_is_not_finite_leaves_a_gap_and_is_counted(texts):
    runs = {"a": [{"loss": [1.0, np.nan, 3.0]}, {"loss": [2.0, 1.0, np.inf]}], "b": {"loss": [1.0]}}
    figure = compare(runs)
    np.testing.assert_array_equal(line(figure.axes[0], "a").get_ydata(), [1.5, np.nan, np.nan])
    assert any("Not finite: a, loss (2)" in text for text in texts(figure))


def test_quantities_that_only_some_have_and_arrays():
    runs = {"a": {"loss": [1.0], "recall_per_class": [[0.1, 0.2]]}, "b": {"f1_macro": [0.5]}}
    figure = compare(runs)
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "f1_macro"]
    with pytest.raises(ShapeError, match=r"compare: 'recall_per_class' must be one number per"):
        compare(runs, names=["recall_per_class"])


def test_files_and_folders_are_read(tmp_path):
    history = History({"loss": [2.0, 1.0]})
    history.save(tmp_path / "history.json")
    figure = compare({"file": str(tmp_path / "history.json"), "folder": [tmp_path], "it": history})
    for name in ("file", "folder", "it"):
        assert line(figure.axes[0], name).get_ydata().tolist() == [2.0, 1.0]
    (tmp_path / "bad.jsonl").write_text("{]\n")
    with pytest.raises(FileFormatError):
        compare({"a": tmp_path / "bad.jsonl"})


def test_a_logarithmic_axis(inside):
    axes = compare({"a": {"loss": [1e-3, 1.0], "val_accuracy": [0.1, 1.0]}}, log_scale=True).axes
    assert [one.get_yscale() for one in axes] == ["log", "linear"]


def test_nothing_recorded(texts):
    assert "Nothing recorded yet." in texts(compare({"a": {}}))


def test_nothing_is_cut_off(inside, tmp_path):
    names = ["SGD with momentum 0.9 and a cosine schedule", "b", "a network without a name"]
    runs = {name: runs_of(i, 3, 3) for i, name in enumerate(names)}
    inside(compare(runs, title="T", path=tmp_path / "compare.png"))
    inside(outcomes(runs, "val_accuracy", title="T", path=tmp_path / "outcomes.png"))
    assert {p.name for p in tmp_path.iterdir()} == {"compare.png", "outcomes.png"}


@pytest.mark.parametrize("function", [compare, lambda runs: outcomes(runs, "loss")])
@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ({}, "runs must be a dict from names to histories"),
        ([{"loss": [1.0]}], "runs must be a dict from names to histories"),
        ({"a": []}, "'a' has no run"),
    ],
)
def test_what_is_no_run_is_refused(function, runs, message):
    with pytest.raises(ArgumentError, match=message):
        function(runs)


def test_unknown_words_are_refused():
    with pytest.raises(ArgumentError, match=r"there is no 'los'\. Did you mean 'loss'\?"):
        compare(RUNS, names=["los"])
    with pytest.raises(ArgumentError, match=r"band must be one of .* Did you mean 'range'\?"):
        compare(RUNS, band="rang")
    with pytest.raises(ArgumentError, match="smoothing must be from 0 to below 1; got 1"):
        compare(RUNS, smoothing=1)
    with pytest.raises(ArgumentError, match=re.escape('at must be "last" or "best"; got \'end\'')):
        outcomes(RUNS, "loss", at="end")
    with pytest.raises(ArgumentError, match="there is no 'nll'"):
        outcomes(RUNS, "nll")
    with pytest.raises(ArgumentError, match="pass mode="):
        outcomes({"a": {"x": [1.0]}}, "x", at="best")


# --- outcomes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["last", "best"])
def test_outcomes_show_every_run_its_mean_and_the_interval(at, texts):
    figure = outcomes(RUNS, "val_loss", at=at)
    axes = figure.axes[0]
    for row, group in enumerate(RUNS.values()):
        group = group if isinstance(group, list) else [group]
        values = np.array([run["val_loss"].min() if at == "best" else run["val_loss"][-1]
                           for run in group])  # fmt: skip
        here = [one for one in axes.lines if set(one.get_ydata()) == {row}]
        np.testing.assert_allclose(here[0].get_xdata(), values)
        np.testing.assert_allclose(here[-1].get_xdata(), [values.mean()])
        if len(group) > 1:
            low, high = scipy.stats.t.interval(0.95, 2, values.mean(), scipy.stats.sem(values))
            np.testing.assert_allclose(here[1].get_xdata(), [low, high])
        assert any(text.startswith(f"{values.mean():.4g}") for text in texts(figure))
    assert any(text.startswith(f"The {at} val_loss of 1 to 3 runs each") for text in texts(figure))


def test_the_best_is_the_highest_if_asked_so():
    axes = outcomes({"a": {"x": [1.0, 3.0, 2.0]}}, "x", at="best", mode="max").axes[0]
    assert axes.lines[0].get_xdata().tolist() == [3.0]


def test_a_run_that_diverged_takes_the_mean_with_it(texts):
    figure = outcomes({"a": [{"loss": [1.0]}, {"loss": [np.nan]}], "b": {"loss": [2.0]}}, "loss")
    assert [one.get_xdata().tolist() for one in figure.axes[0].lines] == [[1.0], [2.0], [2.0]]
    assert any("Not finite, so without a mean: a (1)" in text for text in texts(figure))


def test_spread_of_one_run_is_the_run():
    for band in sorted(BANDS):
        for end in spread(np.array([[1.0, 2.0]]), band):
            assert end.tolist() == [1.0, 2.0]


def test_names_of_runs_with_line_breaks_and_of_any_length_fit(inside):
    long = "a run with very many settings, " * 6
    runs = {"two\nlines": {"loss": [2.0, 1.0]}, long: {"loss": [3.0, 2.0]}}
    figure = compare(runs)
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown[0] == "two lines"
    assert shown[1].endswith("…")
    inside(figure)
    figure = outcomes(runs, "loss")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[0] == "two lines"
    assert figure.axes[0].get_window_extent().width > 0.3 * figure.get_figwidth() * figure.dpi
    inside(figure)


def test_a_log_scale_that_cannot_be_drawn_is_named(texts):
    figure = compare({"a": {"loss": [1.0, 0.0]}, "b": {"loss": [1.0, 0.1]}}, log_scale=True)
    assert figure.axes[0].get_yscale() == "linear"
    assert "not on a log scale, for values of 0 or less: loss" in texts(figure)
