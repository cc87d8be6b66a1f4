"""The pictures of the page: lines that a grey copy still tells apart, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import random, viz
from dlframe.data.datasets import Digits
from dlframe.optim import SGD, Adagrad, Adam, RMSprop
from dlframe.study.experiments.modules import inside
from dlframe.study.experiments.modules.data import Moved, read
from dlframe.tensor.creation import linspace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlframe.study.results import Results

LEAST = 1e-20  # what is smaller is not drawn
WIDTH, HEIGHT = 4.0, 3.3  # inches of a panel

Lines = Mapping[str, Any]


@contextmanager
def _page(*titles: str) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with a panel for each title, side by side in the house style."""
    from dlframe.viz import style

    with style.house_style():
        figure = style.new_figure(max(WIDTH * len(titles), 6.2), HEIGHT)
        style.lay_out(figure, HEIGHT)
        panels = list(figure.subplots(1, len(titles), squeeze=False)[0])
        for axes, title in zip(panels, titles, strict=True):
            axes.set_title(title)
            axes.grid(axis="y")
        yield figure, panels
        style.finish(figure, None)


def _draw(axes: Axes, lines: Lines, x: Any = None, *, marks: bool = True) -> None:
    """Lines over x, by default over 1, 2, 3 …, each with a colour, a marker and dashes."""
    from dlframe.viz.looks import looks_of

    for name, look in looks_of(lines).items():
        y = np.asarray(lines[name], np.float64)
        places = np.arange(1, len(y) + 1) if x is None else x
        every = max(1, len(y) // 8)
        look = look if marks else {**look, "marker": ""}
        axes.plot(places, y, label=name, markevery=every, lw=1.6, **look)


def _logarithmic(axes: Axes) -> None:
    """A logarithmic axis whose numbers are written out."""
    from dlframe.viz.panels import log_axis

    drawn = [np.asarray(line.get_ydata(), np.float64) for line in axes.get_lines()]
    y = np.concatenate(drawn)
    y = y[np.isfinite(y) & (y > 0)]
    log_axis(axes, float(y.min()), float(y.max()))


# --- depth -------------------------------------------------------------------------------------

LAYER, LAYERS = "layer (1 is at the input)", (1, 5, 10, 15)


def derivatives_and_depth() -> Figure:
    """The slopes of four activations, and the gradient in each layer of a deep network."""
    with _page("Slope of the activation", "Gradient through 15 layers") as (figure, panels):
        x = linspace(-5, 5, 201)
        names = ["Sigmoid", "Tanh", "ReLU", "GELU"]
        slopes = {name: inside.derivative(name, x).numpy() for name in names}
        _draw(panels[0], slopes, x.numpy(), marks=False)
        panels[0].set(xlabel="input x", ylabel="slope f′(x)")
        found = {
            name: inside.through_depth(
                name, "kaiming_normal_" if "LU" in name else "xavier_uniform_"
            )
            for name in names
        }
        _draw(panels[1], {name: depth.gradients for name, depth in found.items()})
        panels[1].set(xlabel=LAYER, ylabel="size of the gradient", xticks=LAYERS)
        _logarithmic(panels[1])
        panels[1].legend()
    return figure


def initial_and_depth() -> Figure:
    """What arrives in each layer of a deep ReLU network, forward and backward."""
    names = {
        "large (std 1)": "large",
        "kaiming_normal_": "kaiming_normal_",
        "xavier_uniform_": "xavier_uniform_",
        "default": "default",
        "small (std 0.001)": "small",
    }
    found = {name: inside.through_depth("ReLU", init) for name, init in names.items()}
    titles = ("Forward: outputs", "Backward: gradients")
    with _page(*titles) as (figure, panels):
        kinds = ("spreads", "gradients")
        labels = ("standard deviation", "size of the gradient")
        for axes, kind, label in zip(panels, kinds, labels, strict=True):
            lines = {name: np.array(getattr(depth, kind)) for name, depth in found.items()}
            _draw(axes, {n: np.where(y > LEAST, y, np.nan) for n, y in lines.items()})
            axes.set(xlabel=LAYER, ylabel=label, xticks=LAYERS)
            _logarithmic(axes)
        panels[1].legend(loc="upper right", bbox_to_anchor=(1, 0.92))
    return figure


# --- activations -------------------------------------------------------------------------------


def dead_units() -> Figure:
    """The share of hidden units that are 0 for all images, along training."""
    lines = {f"ReLU, rate {lr:g}": inside.dying("ReLU", lr) for lr in (0.05, 0.15, 0.25)}
    lines["LeakyReLU, rate 0.15"] = inside.dying("LeakyReLU", 0.15)
    with _page("Units that are 0 for every image") as (figure, [axes]):
        epochs = np.arange(len(lines["LeakyReLU, rate 0.15"]))
        _draw(axes, {name: 100 * np.array(y) for name, y in lines.items()}, epochs)
        axes.set(xlabel="epoch", ylabel="dead units (%)", ylim=(-4, 104))
        axes.legend()
    return figure


# --- optimizers --------------------------------------------------------------------------------


def paths() -> Figure:
    """Five optimizers in a long valley."""
    return viz.trajectories(
        viz.surfaces.quadratic,
        {
            "SGD": lambda p: SGD(p, lr=0.018),
            "momentum": lambda p: SGD(p, lr=0.008, momentum=0.9),
            "Adagrad": lambda p: Adagrad(p, lr=0.3),
            "RMSprop": lambda p: RMSprop(p, lr=0.03),
            "Adam": lambda p: Adam(p, lr=0.1),
        },
        steps=60,
    ).plot()


def valleys() -> Figure:
    """The loss around three networks, along directions as long as their filters."""
    kinds = {"SGD": "SGD", "Adam": "Adam", "SGD with SAM": "SAM"}
    lines, places = {}, np.linspace(-1, 1, POINTS)
    for name, kind in kinds.items():
        model, data = inside.valley(kind)
        lines[name] = np.mean([_slice(model, data, seed) for seed in range(DIRECTIONS)], axis=0)
    titles = ("Loss around the weights", "The same, near the bottom")
    with _page(*titles) as (figure, panels):
        for axes in panels:
            _draw(axes, lines, places)
            axes.set(xlabel="distance, in sizes of the weights", ylabel="training loss")
        _logarithmic(panels[1])
        panels[0].legend()
    return figure


POINTS, DIRECTIONS = 21, 3


def _slice(model: Any, data: Any, seed: int) -> Any:
    direction = viz.random_directions(model, 1, generator=random.Generator().manual_seed(seed))
    return viz.landscape(model, "cross_entropy", data, direction, extent=1.0, points=POINTS).values


# --- normalization -----------------------------------------------------------------------------


def outputs_along(norm: str) -> Figure:
    """The distributions of four tanh layers along training, from large initial values."""
    return viz.histogram_course(inside.logged(norm, "large"))


# --- losses ------------------------------------------------------------------------------------

LOSSES = {"cross-entropy": 0.1, "MSE": 1.0, "hinge": 1.0, "perceptron": 1.0}


def margins() -> Figure:
    """Losses and their slopes over the margin, and the margins after training."""
    x = linspace(-2, 3, 101)
    found = {name: inside.of_margin(name, x) for name in LOSSES}
    after = {name: np.sort(inside.margins_after(name, lr)) for name, lr in LOSSES.items()}
    titles = ("Loss", "Slope: what pulls", "Margins after training")
    with _page(*titles) as (figure, panels):
        for i, label in enumerate(("loss of two scores", "derivative by the margin")):
            _draw(
                panels[i], {name: pair[i] for name, pair in found.items()}, x.numpy(), marks=False
            )
            panels[i].axvline(0, color="#5d6875", lw=0.8)
            panels[i].set(xlabel="margin: right score − other", ylabel=label)
        share = 100 * (np.arange(1, len(after["MSE"]) + 1) / len(after["MSE"]))
        for name, look in _looks(after).items():
            panels[2].plot(after[name], share, label=name, markevery=50, lw=1.6, **look)
        panels[2].set(xlabel="margin", ylabel="images with at most this margin (%)", xlim=(-2, 10))
        panels[0].legend()
    return figure


def _looks(names: Lines) -> dict[str, dict[str, Any]]:
    from dlframe.viz.looks import looks_of

    return looks_of(names)


# --- regularization ----------------------------------------------------------------------------

PENALTIES = {"none": 0.0, "L1": 0.003, "L2": 0.03, "max-norm": 0.5}


def weights() -> tuple[Figure, list[list[object]]]:
    """The weights under penalties and a constraint; and their numbers in a table."""
    found = {
        name if not strength else f"{name}, {strength:g}": np.concatenate(
            [w.ravel() for w in inside.weights_under(name, strength).values()]
        )
        for name, strength in PENALTIES.items()
    }
    rows: list[list[object]] = [
        [
            name,
            f"{100 * (np.abs(w) < 0.001).mean():.0f} %",
            f"{np.linalg.norm(w):.1f}",
            f"{np.abs(w).max():.2f}",
        ]
        for name, w in found.items()
    ]
    return viz.histograms(found, kind="weights", log_scale=True), rows


def learning_by_heart(results: Results) -> Figure | None:
    """Mean losses in training and validation, of the arms of the study of few images."""
    curves = results.curves()
    if not curves:
        return None
    titles = ("Loss in training", "Loss on validation images")
    with _page(*titles) as (figure, panels):
        for axes, quantity in zip(panels, ("loss", "val_loss"), strict=True):
            lines = {arm: _mean([r[quantity] for r in runs]) for arm, runs in curves.items()}
            for name, look in _looks(lines).items():
                y = lines[name]
                every = max(1, len(y) // 6)
                axes.plot(np.arange(1, len(y) + 1), y, label=name, markevery=every, lw=1.4, **look)
            axes.set(xlabel="epoch", ylabel=quantity.replace("val_", "validation "))
        panels[1].legend(fontsize=7, labelspacing=0.15)
    return figure


def _mean(runs: Sequence[Sequence[float]]) -> Any:
    """The mean over the runs that go on; early stopping ends them at different epochs."""
    longest = max(map(len, runs))
    table = np.full((len(runs), longest), np.nan)
    for row, run in zip(table, runs, strict=True):
        row[: len(run)] = run
    most = np.isfinite(table).sum(axis=0) * 2 >= len(runs)
    return np.nanmean(table[:, most], axis=0)


def moved_digits() -> Figure:
    """Three digits, each five times as it is and as augmentation moves it."""
    x = read("digits", "data")[0][:3]
    random.manual_seed(inside.SEEDS.noise)
    mover = Moved(0.04)
    rows = [x] + [mover(x) for _ in range(5)]
    images = np.stack([row.numpy()[:, 0] for row in rows], axis=1).reshape(-1, 8, 8)
    labels = Digits(train=True).targets[:3].tolist()
    names = [f"{label}" if i == 0 else "moved" for label in labels for i in range(6)]
    return viz.sample_grid(images, names, columns=6)
