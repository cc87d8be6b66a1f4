"""Predicted against true numbers, and the residuals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, viz
from dlframe.errors import ArgumentError, ShapeError

pytest.importorskip("matplotlib", reason="comes with the viz extra")


def test_what_is_drawn(tmp_path: Path) -> None:
    guess, true = np.array([1.0, 2.0, 3.5, 2.0]), np.array([1.0, 2.5, 3.0, 0.0])
    figure = viz.residuals(guess, true, title="Prices", path=tmp_path / "r.png")
    fit, left, bars = figure.axes
    assert np.array_equal(fit.collections[0].get_offsets(), np.stack([true, guess], axis=1))
    assert [line.tolist() for line in fit.lines[0].get_data()] == [[0.0, 3.5], [0.0, 3.5]]
    assert np.array_equal(
        left.collections[0].get_offsets(), np.stack([guess, guess - true], axis=1)
    )
    assert sum(patch.get_width() for patch in bars.patches) == 4
    assert fit.get_title(loc="left") == "R² 0.209"
    assert bars.get_ylim() == left.get_ylim() == pytest.approx((-2.2, 2.2))
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


def test_a_model_and_its_data(rng: np.random.Generator) -> None:
    x = rng.standard_normal((20, 3)).astype(np.float32)
    y = rng.standard_normal((20, 2)).astype(np.float32)
    model = nn.Linear(3, 2)
    figure = viz.residuals(model, (x, y), names=["price", "rent"])
    assert len(figure.axes) == 6
    expected = model(dl.tensor(x)).detach().numpy()
    assert np.allclose(figure.axes[3].collections[0].get_offsets()[:, 1], expected[:, 1])
    assert figure.axes[3].get_title(loc="left").startswith("rent: R² ")


def test_what_is_not_finite_is_left_out(texts) -> None:
    figure = viz.residuals(np.array([1.0, np.nan, 3.0]), np.array([1.0, 2.0, np.inf]))
    assert len(figure.axes[0].collections[0].get_offsets()) == 1
    assert "not finite: 2 of 3 samples" in texts(figure)
    nothing = viz.residuals(np.array([np.nan]), np.array([1.0]))
    assert "not finite: 1 of 1 samples" in texts(nothing)


def test_many_samples_are_thinned_and_all_are_counted(rng: np.random.Generator) -> None:
    true = rng.standard_normal(12_000)
    figure = viz.residuals(true + 0.1, true)
    assert len(figure.axes[0].collections[0].get_offsets()) == 4000
    assert sum(patch.get_width() for patch in figure.axes[2].patches) == 12_000


def test_other_arrays() -> None:
    one = np.arange(6, dtype=np.uint8)[::-2]
    one.flags.writeable = False
    for output in (one, dl.tensor(one.copy()), [5, 3, 1], one[:, None]):
        offsets = viz.residuals(output, output).axes[1].collections[0].get_offsets()
        assert np.array_equal(offsets[:, 1], [0, 0, 0])


def test_what_cannot_be_drawn() -> None:
    one = np.zeros((3, 2))
    with pytest.raises(ShapeError, match=r"output\(3, 2\) and target\(3,\) must have one shape"):
        viz.residuals(one, one[:, 0])
    with pytest.raises(ShapeError, match=r"there are no samples; got output\(0,\)"):
        viz.residuals(np.zeros(0), np.zeros(0))
    with pytest.raises(ArgumentError, match="1 names for 2 outputs"):
        viz.residuals(one, one, names=["a"])
    with pytest.raises(ArgumentError, match="7 outputs are more than a picture can show"):
        viz.residuals(np.zeros((3, 7)), np.zeros((3, 7)))
    with pytest.raises(ShapeError, match="output must be numbers"):
        viz.residuals(np.array(["a"]), np.array([1.0]))
