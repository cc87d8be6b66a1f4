"""What schedules do to the learning rate, how they go wrong, and what averages of weights do."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from matplotlib.ticker import NullLocator

import dlframe as dl
from dlframe import nn, optim
from dlframe.nn.functional import cross_entropy
from dlframe.optim import lr_scheduler as lrs
from dlframe.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from drawings.compared import batches, digits, loss_of
from drawings.optimizers import START, valley, valley_axes
from drawings.page import INK, LOOKS, MUTED, axes_page, note

# --- rates over the steps ----------------------------------------------------------------------


def rates(make: Callable[[optim.Optimizer], Any], steps: int, values: Any = None) -> list[float]:
    """The learning rate of each step."""
    optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for step in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*(() if values is None else (values[step],)))
    return found


def schedules() -> Any:
    """Every schedule, for a learning rate of 1 and 40 steps."""
    loss = np.concatenate([np.linspace(2, 1, 15), np.full(25, 1.0)])

    def warm_up_then_cosine(o: Any) -> Any:
        parts = [lrs.LinearLR(o, 0.1, total_iters=8), lrs.CosineAnnealingLR(o, T_max=32)]
        return lrs.SequentialLR(o, parts, milestones=[8])

    makers: dict[str, Any] = {
        "StepLR(10, gamma=0.5)": lambda o: lrs.StepLR(o, 10, gamma=0.5),
        "MultiStepLR([12, 30], 0.3)": lambda o: lrs.MultiStepLR(o, [12, 30], gamma=0.3),
        "ExponentialLR(0.93)": lambda o: lrs.ExponentialLR(o, 0.93),
        "CosineAnnealingLR(40)": lambda o: lrs.CosineAnnealingLR(o, 40),
        "LinearLR(0.1, total_iters=15)": lambda o: lrs.LinearLR(o, 0.1, total_iters=15),
        "ConstantLR(0.3, 10)": lambda o: lrs.ConstantLR(o, 0.3, total_iters=10),
        "LambdaLR: 1 / (1 + t / 5)": lambda o: lrs.LambdaLR(o, lambda t: 1 / (1 + t / 5)),
        "MultiplicativeLR: 0.95": lambda o: lrs.MultiplicativeLR(o, lambda t: 0.95),
        "PolynomialLR(40, power=2)": lambda o: lrs.PolynomialLR(o, 40, power=2.0),
        "CosineAnnealingWarmRestarts(6, 2)": lambda o: lrs.CosineAnnealingWarmRestarts(o, 6, 2),
        'CyclicLR(mode="triangular2")': lambda o: lrs.CyclicLR(
            o, 0.1, 1.0, 6, mode="triangular2", cycle_momentum=False
        ),
        "OneCycleLR(total_steps=40)": lambda o: lrs.OneCycleLR(o, 1.0, 40, cycle_momentum=False),
        "SWALR(0.3, 15)": lambda o: optim.swa_utils.SWALR(o, 0.3, 15),
        "ChainedScheduler": lambda o: lrs.ChainedScheduler(
            [lrs.LinearLR(o, 0.1, total_iters=8), lrs.ExponentialLR(o, 0.95)]
        ),
        "SequentialLR": warm_up_then_cosine,
        "ReduceLROnPlateau": lambda o: lrs.ReduceLROnPlateau(o, factor=0.4, patience=5),
    }
    figure, grid = axes_page(4, 4, 9.6, 6.8)
    for axes, (name, make) in zip(grid.ravel(), makers.items(), strict=True):
        values = loss if "Plateau" in name else None
        axes.step(range(40), rates(make, 40, values), where="post", color=LOOKS[0]["color"])
        if values is not None:
            axes.plot(loss / 2, color=LOOKS[1]["color"], linestyle=LOOKS[1]["linestyle"], lw=1.3)
            note(axes, 34, 0.58, "loss", size=8, color=MUTED)
        axes.set_title(name, size=7.5)
        axes.set(ylim=(0, 1.08), xlim=(0, 40), yticks=[0, 0.5, 1], xticks=[0, 10, 20, 30, 40])
    for axes in grid[-1]:
        axes.set_xlabel("step")
    for axes in grid[:, 0]:
        axes.set_ylabel("learning rate")
    return figure


# --- how they go wrong -------------------------------------------------------------------------


def failures() -> Any:
    """Eight mistakes: the rate that was meant (broken line) and the one that results."""
    figure, grid = axes_page(4, 2, 9.6, 4.3)
    unit: dict[str, tuple[Any, Any]] = {
        "StepLR(10), every batch": (
            lambda o: lrs.StepLR(o, 100, 0.1), lambda o: lrs.StepLR(o, 10, 0.1)
        ),
        "CosineAnnealingLR(50)": (
            lambda o: lrs.CosineAnnealingLR(o, 100), lambda o: lrs.CosineAnnealingLR(o, 50)
        ),
        "PolynomialLR(40)": (
            lambda o: lrs.PolynomialLR(o, 100), lambda o: lrs.PolynomialLR(o, 40)
        ),
        "MultiplicativeLR: 0.9": (
            lambda o: lrs.MultiplicativeLR(o, lambda t: 0.99),
            lambda o: lrs.MultiplicativeLR(o, lambda t: 0.9),
        ),
        "SequentialLR, milestone 15": (
            lambda o: warm_up_then(o, 40), lambda o: warm_up_then(o, 15)
        ),
        "ChainedScheduler with LambdaLR": (
            lambda o: lrs.LambdaLR(o, lambda t: 0.97**t / (1 + t / 50)),
            lambda o: lrs.ChainedScheduler(
                [lrs.ExponentialLR(o, 0.97), lrs.LambdaLR(o, lambda t: 1 / (1 + t / 50))]
            ),
        ),
    }  # fmt: skip
    for axes, (name, (meant, made)) in zip(grid.ravel(), unit.items(), strict=False):
        axes.plot(rates(meant, 100), color=LOOKS[1]["color"], ls=LOOKS[1]["linestyle"], lw=1.4)
        axes.plot(rates(made, 100), color=LOOKS[0]["color"], lw=1.8)
        axes.set_title(name, size=7.5)
        axes.set(ylim=(0, 1.08), xlim=(0, 100), yticks=[0, 0.5, 1])
    too_early(grid[1, 2])
    restarted(grid[1, 3])
    for axes in grid[:, 0]:
        axes.set_ylabel("learning rate")
    for axes in grid[1, :3]:
        axes.set_xlabel("step")
    return figure


def warm_up_then(optimizer: Any, milestone: int) -> Any:
    """A rise of forty steps, and then a cosine."""
    parts = [lrs.LinearLR(optimizer, 0.05, total_iters=40), lrs.CosineAnnealingLR(optimizer, 60)]
    return lrs.SequentialLR(optimizer, parts, [milestone])


def too_early(axes: Any) -> None:
    """A loss that still falls, but by less than its noise."""
    steps = np.arange(100)
    loss = 0.35 + 0.6 * np.exp(-steps / 60) + np.random.default_rng(3).normal(0, 0.03, 100)
    for look, patience in zip(LOOKS, (3, 12), strict=False):
        found = rates(lambda o, p=patience: lrs.ReduceLROnPlateau(o, patience=p), 100, loss)
        axes.plot(steps, found, **look)
    axes.plot(steps, loss, color=MUTED, lw=0.8)
    note(axes, 80, 0.66, "loss", size=8, color=MUTED)
    axes.set_title("ReduceLROnPlateau(patience=3)", size=7.5)
    axes.set(ylim=(0, 1.08), xlim=(0, 100), yticks=[0, 0.5, 1])


def restarted(axes: Any) -> None:
    """The loss over the training digits after each epoch, with restarts of the rate."""
    dl.manual_seed(0)
    x, y = digits(True)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    schedule = lrs.CosineAnnealingWarmRestarts(optimizer, 6)
    losses = []
    for epoch in range(24):
        for batch, rows in enumerate(batches(len(x), 16)):
            optimizer.zero_grad()
            cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step(epoch + (batch + 1) / (len(x) // 16))
        losses.append(loss_of(model, x, y))
    axes.plot(range(1, 25), losses, color=LOOKS[0]["color"], marker="o", ms=2.5, lw=1.2)
    for start in (6, 12, 18):
        axes.axvline(start, color=MUTED, lw=0.7, ls=(0, (3, 2)))
    axes.set_title("warm restarts: loss", size=7.5)
    axes.set(xlabel="epoch", yscale="log", xlim=(0, 25), xticks=[0, 6, 12, 18, 24])
    _plain_heights(axes, [0.01, 0.1])


# --- averages of weights -----------------------------------------------------------------------


def averages() -> Any:
    """Points of SGD with their averages; test losses with averages; and old statistics."""
    figure, grid = axes_page(3, 1, 9.6, 2.9)
    points_and_means(grid[0, 0])
    axes = grid[0, 1]
    for look, (name, losses) in zip(LOOKS, averaged_training().items(), strict=False):
        first = 21 - len(losses)
        axes.plot(range(first, 21), losses, label=name, **look)
    axes.set(xlabel="epoch", ylabel="test loss", yscale="log", xlim=(0, 21), ylim=(0.2, 2.6))
    _plain_heights(axes, [0.2, 0.5, 1, 2])
    axes.set_xticks([0, 5, 10, 15, 20])
    axes.set_title("digits, one label in seven wrong", size=9.5)
    axes.legend(loc="upper right", fontsize=7.5)
    axes = grid[0, 2]
    bars = with_batch_norm()
    axes.bar(range(3), bars, color=[LOOKS[1]["color"], "#b9c3cf", LOOKS[0]["color"]], width=0.6)
    for place, value in enumerate(bars):
        note(axes, place, value + 0.03, f"{value:.1f}", size=8)
    axes.set_xticks(range(3), ["last\nweights", "SWA, old\nstatistics", "SWA,\nupdate_bn"], size=8)
    axes.set(ylabel="test loss", ylim=(0, 1.2 * max(bars)))
    axes.set_title("with batch norm", size=9.5)
    return figure


def points_and_means(axes: Any) -> None:
    """Noisy steps in a valley, the mean of all after step 40, and an average that forgets."""
    valley_axes(axes)
    dl.manual_seed(1)
    point = nn.Linear(2, 1, bias=False)
    point.weight = nn.Parameter(dl.tensor([START]))
    mean = AveragedModel(point)
    recent = AveragedModel(point, multi_avg_fn=get_ema_multi_avg_fn(0.95))
    optimizer = optim.SGD(point.parameters(), lr=0.12)
    places: dict[str, list[Any]] = {"SGD": [], "SWA, from step 40": [], "EMA(0.95)": []}
    for step in range(160):
        optimizer.zero_grad()
        valley(point.weight[0]).backward()
        point.weight.grad += dl.randn(1, 2) * dl.tensor([0.5, 1.4])
        optimizer.step()
        recent.update_parameters(point)
        if step >= 40:
            mean.update_parameters(point)
            places["SWA, from step 40"].append(mean.module.weight[0].tolist())
        places["SGD"].append(point.weight[0].tolist())
        places["EMA(0.95)"].append(recent.module.weight[0].tolist())
    looks: list[dict[str, Any]] = [
        {"color": LOOKS[1]["color"], "lw": 0.5, "marker": "o", "ms": 1.8},
        {"color": INK, "lw": 2.4},
        {"color": LOOKS[0]["color"], "lw": 1.4},
    ]
    for look, (name, path) in zip(looks, places.items(), strict=True):
        axes.plot(*np.array(path).T, label=name, **look)
    axes.plot(*START, "o", ms=7, mfc="none", mec=INK)
    axes.set_title("gradients with noise", size=9.5)
    axes.legend(loc="lower left", fontsize=7.5)


@cache
def wrong_labels() -> tuple[dl.Tensor, dl.Tensor]:
    """Digits, of which one in seven has a class drawn by chance: the gradients stay noisy."""
    x, y = digits(True)
    rng = np.random.default_rng(0)
    wrong = rng.random(len(x)) < 0.15
    return x, dl.tensor(np.where(wrong, rng.integers(0, 10, len(x)), y.numpy()))


def train(model: nn.Module, after_step: Callable[[], None], after_epoch: Any) -> None:
    """Twenty epochs of SGD with momentum and a constant rate."""
    x, y = wrong_labels()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(1, 21):
        model.train()
        for rows in batches(len(x), 16):
            optimizer.zero_grad()
            cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
            after_step()
        after_epoch(epoch)


def averaged_training() -> dict[str, list[float]]:
    """Test losses after the epochs: of the last weights, of their mean, and of two EMAs."""
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    mean = AveragedModel(model)
    fast, slow = (
        AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)) for decay in (0.99, 0.999)
    )
    found: dict[str, list[float]] = {
        "last weights": [], "SWA, from epoch 6": [], "EMA(0.99)": [], "EMA(0.999)": []
    }  # fmt: skip

    def after_step() -> None:
        fast.update_parameters(model)
        slow.update_parameters(model)

    def after_epoch(epoch: int) -> None:
        if epoch > 5:
            mean.update_parameters(model)
            found["SWA, from epoch 6"].append(loss_of(mean, *digits(False)))
        for name, one in ("last weights", model), ("EMA(0.99)", fast), ("EMA(0.999)", slow):
            found[name].append(loss_of(one, *digits(False)))

    train(model, after_step, after_epoch)
    return found


def with_batch_norm() -> list[float]:
    """Test losses of the last weights, and of their mean before and after `update_bn`."""
    dl.manual_seed(0)
    layers = nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10)
    model = nn.Sequential(*layers)
    mean = AveragedModel(model)

    def after_epoch(epoch: int) -> None:
        if epoch > 5:
            mean.update_parameters(model)

    train(model, lambda: None, after_epoch)
    losses = [loss_of(model, *digits(False)), loss_of(mean, *digits(False))]
    update_bn(wrong_labels()[0].split(100), mean)
    return [*losses, loss_of(mean, *digits(False))]


def _plain_heights(axes: Any, heights: list[float]) -> None:
    axes.yaxis.set_ticks(heights, [f"{height:g}" for height in heights])
    axes.yaxis.set_minor_locator(NullLocator())


PICTURES = {
    "schedules": schedules,
    "schedules-failures": failures,
    "averages": averages,
}
