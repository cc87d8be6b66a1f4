"""Surfaces and the paths of optimizers on them: values, honest words, pictures that are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ShapeError
from dlframe.viz import surfaces, trajectories
from dlframe.viz.trajectories import contour_levels, heights_on

ALL = [getattr(surfaces, name) for name in surfaces.__all__ if name != "Surface"]


class Ravine(optim.Optimizer):
    """Three gradients for each step, as a line search takes them."""

    def __init__(self, params):
        super().__init__(params, {})

    def step(self, closure=None):
        for _ in range(3):
            closure()
        with dl.no_grad():
            for p in self.param_groups[0]["params"]:
                p -= 0.01 * p.grad


@pytest.mark.parametrize("surface", ALL, ids=lambda surface: surface.name)
def test_minima_are_the_lowest_points_of_the_window(surface):
    (left, right), (bottom, top) = surface.window
    grid = np.stack(np.meshgrid(np.linspace(left, right, 181), np.linspace(bottom, top, 181)))
    heights = surface(grid)
    for minimum in surface.minima:
        point = nn.Parameter(dl.tensor(minimum, dtype=dl.float64))
        height = surface(point)
        height.backward()
        assert abs(height.item()) < 1e-9
        assert point.grad.abs().max() < 1e-3
        assert height.item() <= heights.min() + 1e-9
        assert left < minimum[0] < right
        assert bottom < minimum[1] < top
    assert left < surface.start[0] < right
    assert bottom < surface.start[1] < top
    assert surface.__doc__.startswith("f = ")
    np.testing.assert_allclose(heights_on(surface, grid), heights)  # tensors and arrays agree


def test_paths_are_the_optimizers_own():
    ways = trajectories(
        surfaces.quadratic, {"SGD": lambda p: optim.SGD(p, lr=0.015)}, steps=5, start=(2, -1)
    )
    factors = np.array([1 - 0.015, 1 - 1.5]) ** np.arange(6)[:, None]
    np.testing.assert_allclose(ways.paths["SGD"], [2, -1] * factors, rtol=1e-12)
    x, y = ways.paths["SGD"].T
    np.testing.assert_allclose(ways.values["SGD"], (x**2 + 100 * y**2) / 2)
    assert ways.gradients == {"SGD": 5}


def test_closures_may_be_called_again(texts):
    ways = trajectories(surfaces.rosenbrock, {"search": Ravine}, steps=4, start=(1, 1))
    assert ways.gradients == {"search": 12}
    assert str(ways) == "search: height 0 (12 gradients)"
    assert "search: height 0 (12 gradients)" in texts(ways.plot())


def test_lbfgs_reaches_the_end_of_the_valley():
    ways = trajectories(surfaces.rosenbrock, {"LBFGS": optim.LBFGS}, steps=40)
    assert ways.values["LBFGS"][-1] < 1e-8
    assert ways.gradients["LBFGS"] > 40


def test_what_leaves_the_picture_or_the_numbers_is_said(texts, inside):
    makers = {
        "stays": lambda p: optim.SGD(p, lr=1e-4),
        "leaves": lambda p: optim.SGD(p, lr=0.0204),
        "visits": lambda p: optim.SGD(p, lr=0.0195),
        "bursts": lambda p: optim.SGD(p, lr=1e200),
    }
    ways = trajectories(surfaces.quadratic, makers, steps=60, start=(-2.0, 0.99))
    assert ways.outcome("leaves").endswith("leaves the picture at step 1")
    assert ways.outcome("bursts") == "diverges, not finite from step 1"
    assert "leaves" not in ways.outcome("stays")
    assert np.isnan(ways.paths["bursts"][-1]).all()
    figure = ways.plot()
    assert {f"{name}: {ways.outcome(name)}" for name in makers} <= texts(figure)
    inside(figure)
    wide = trajectories(
        surfaces.quadratic, {"visits": makers["visits"]}, steps=60, start=(-2.3, 0.5)
    )
    assert wide.outcome("visits").endswith("outside of the picture for 3 steps")


@pytest.mark.parametrize("count", [1, 4])
def test_a_panel_for_each(count, texts, inside):
    makers = {f"SGD {k}": lambda p, k=k: optim.SGD(p, lr=0.001 * (k + 1)) for k in range(count)}
    ways = trajectories(surfaces.quadratic, makers, steps=8)
    figure = ways.plot(apart=True, title="Side by side")
    assert len(figure.axes) == count
    assert {*makers, "Side by side"} <= texts(figure)
    inside(figure)


def test_contour_levels_are_even_in_the_logarithm():
    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 50), np.linspace(-1, 3, 50)))
    levels = contour_levels(surfaces.rosenbrock, surfaces.rosenbrock(grid))
    ratios = levels[2:] / levels[1:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    even = np.diff(contour_levels(surfaces.saddle, surfaces.saddle(grid)))
    np.testing.assert_allclose(even, even[0])
    assert contour_levels(surfaces.saddle, np.ones((3, 3))).size == 0


def test_a_function_of_ones_own(inside):
    def hole(p):
        return (p[0] * p[0] + 4 * p[1] ** 2).log()  # -inf in the middle

    run = {"SGD": lambda p: optim.SGD(p, lr=0.1)}
    window = ((-1, 1), (-1, 1))
    inside(trajectories(hole, run, steps=5, start=(0.9, 0.5), window=window).plot())
    flat = trajectories(lambda p: 0 * p[0], run, steps=2, start=(0.9, 0.5), window=window)
    inside(flat.plot())


def test_an_animation_is_a_whole_file_that_begins_and_ends_as_the_run(tmp_path):
    ways = trajectories(
        surfaces.quadratic, {"SGD": lambda p: optim.SGD(p, lr=0.01)}, steps=9, start=(-2, 0.75)
    )
    target = tmp_path / "runs" / "descent.gif"
    ways.animate(target, frames=4, seconds=0.4)
    assert [file.name for file in target.parent.iterdir()] == ["descent.gif"]
    with Image.open(target) as image:
        assert image.n_frames == 4
        pictures, times = [], []
        for k in range(4):
            image.seek(k)
            pictures.append(np.asarray(image.convert("RGB"), np.int16))
            times.append(image.info["duration"])
    assert times == [100, 100, 100, 1100]
    dark = [int((p.sum(axis=2) < 300).sum()) for p in pictures]
    assert dark[0] < dark[1] < dark[3]  # the path grows
    with pytest.raises(ValueError, match=r"must end in \.gif"):
        ways.animate(tmp_path / "descent.png")
    with pytest.raises(ValueError, match="frames ≥ 2"):
        ways.animate(target, frames=1)


def test_what_does_not_fit():
    run = {"SGD": lambda p: optim.SGD(p, lr=0.1)}
    with pytest.raises(ValueError, match=r"needs start=\(x, y\) and window="):
        trajectories(lambda p: p[0], run)
    with pytest.raises(ValueError, match="steps ≥ 1 and at least one optimizer"):
        trajectories(surfaces.beale, {})
    with pytest.raises(TypeError, match=r"optimizers is a dict .* got type"):
        trajectories(surfaces.beale, optim.Adam)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(ValueError, match=r"window must be .* got \(\(1, 1\)"):
        trajectories(surfaces.beale, run, window=((1, 1), (0, 1)))
    with pytest.raises(
        ShapeError, match=r"one number for a point of shape \(2,\); got shape \(2,\)"
    ):
        trajectories(lambda p: p, run, start=(0, 0), window=surfaces.beale.window)
    with pytest.raises(ShapeError, match=r"heights of shape .* Write it with p\[0\] and p\[1\]"):
        trajectories(lambda p: (p * p).sum(), run, start=(0, 0), window=surfaces.beale.window)


def test_long_names_of_panels_are_shortened(inside):
    name = "SGD with a name that is so long that it would not fit above its panel"
    ways = trajectories(
        surfaces.saddle,
        {name: lambda params: optim.SGD(params, lr=0.1), "b": lambda params: optim.SGD(params)},
        steps=3,
    )
    figure = ways.plot(apart=True)
    assert figure.axes[0].get_title(loc="left").startswith("SGD with a name")
    inside(figure)
    boxes = [axes.title.get_window_extent() for axes in figure.axes]
    assert not boxes[0].overlaps(boxes[1])
