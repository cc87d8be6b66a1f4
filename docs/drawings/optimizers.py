"""What optimizers do: paths down a valley, sizes of steps, and how they fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.ticker import NullLocator

import dlframe as dl
from dlframe import nn, optim
from drawings.page import INK, LOOKS, MUTED, axes_page

START = (-1.85, 0.75)


def valley(p: Any) -> Any:
    """Long in x, thirty times steeper in y."""
    return 0.15 * p[0] ** 2 + 4.5 * p[1] ** 2


def path(make: Callable[[Any], optim.Optimizer], steps: int) -> Any:
    """Where an optimizer goes from the start, (steps + 1, 2)."""
    point = nn.Parameter(dl.tensor(START))
    optimizer = make([point])
    places = [point.tolist()]
    for _ in range(steps):
        optimizer.zero_grad()
        valley(point).backward()
        optimizer.step()
        places.append(point.tolist())
    return np.array(places)


def valley_axes(axes: Any) -> None:
    """Contour lines of the valley, and a cross in its minimum."""
    x, y = np.meshgrid(np.linspace(-2, 0.6, 200), np.linspace(-0.95, 0.95, 160))
    levels = [0.01, 0.05, 0.15, 0.4, 0.9, 1.8, 3.2]
    axes.contour(x, y, valley((x, y)), levels=levels, colors="#b9c3cf", linewidths=0.8)
    axes.plot(0, 0, "+", color=INK, ms=10, mew=1.6)
    axes.set(xticks=[], yticks=[], xlim=(-2, 0.6), ylim=(-0.95, 0.95))
    axes.spines[:].set_visible(True)


def _paths(runs: dict[str, tuple[Callable[[Any], optim.Optimizer], int]], columns: int) -> Any:
    figure, grid = axes_page(columns, 1, 2.5 * columns, 2.15)
    for axes, look, (name, (make, steps)) in zip(grid[0], LOOKS, runs.items(), strict=False):
        valley_axes(axes)
        places = path(make, steps)
        colour = look["color"]
        axes.plot(*places.T, color=colour, lw=1.3, marker="o", ms=3, zorder=3)
        axes.plot(*places[0], "o", ms=7, mfc="none", mec=INK)
        axes.set_title(name, size=9.5)
        axes.set_xlabel(f"{steps} steps, loss {valley(places[-1]):.2g}", size=8.5, color=MUTED)
    return figure


def sgd_paths() -> Any:
    """Plain SGD, and its two kinds of momentum."""
    return _paths(
        {
            "SGD(lr=0.2)": (lambda p: optim.SGD(p, lr=0.2), 25),
            "momentum=0.8, lr=0.06": (lambda p: optim.SGD(p, lr=0.06, momentum=0.8), 25),
            "… and nesterov=True": (
                lambda p: optim.SGD(p, lr=0.06, momentum=0.8, nesterov=True),
                25,
            ),
        },
        3,
    )


def adaptive_paths() -> Any:
    """Optimizers that scale each coordinate by itself."""
    return _paths(
        {
            "RMSprop(lr=0.1, alpha=0.9)": (lambda p: optim.RMSprop(p, lr=0.1, alpha=0.9), 25),
            "Adam(lr=0.2)": (lambda p: optim.Adam(p, lr=0.2), 25),
            "AdamW(weight_decay=0.3)": (
                lambda p: optim.AdamW(p, lr=0.2, weight_decay=0.3),
                25,
            ),
        },
        3,
    )


def adagrad_paths() -> Any:
    """Steps that shrink, by themselves and with a decay of the learning rate."""
    return _paths(
        {
            "Adagrad(lr=0.5)": (lambda p: optim.Adagrad(p, lr=0.5), 25),
            "… and lr_decay=0.2": (lambda p: optim.Adagrad(p, lr=0.5, lr_decay=0.2), 25),
        },
        2,
    )


def matrix_paths() -> Any:
    """What Muon makes of a gradient: its singular values; and Adafactor's estimate of squares."""
    figure, grid = axes_page(3, 1, 7.6, 2.4)
    rng = np.random.default_rng(0)
    strong = rng.standard_normal((24, 2)) @ rng.standard_normal((2, 16))
    gradient = 2 * strong + 0.5 * rng.standard_normal((24, 16))
    weight = nn.Parameter(dl.zeros(24, 16, dtype=dl.float64))
    weight.grad = dl.from_numpy(gradient)
    optim.Muon([weight], lr=1.0).step()
    places = np.arange(1, 17)
    for k, (matrix, name) in enumerate(((gradient, "gradient"), (weight.detach().numpy(), "step"))):
        values = np.linalg.svd(matrix, compute_uv=False)
        grid[0, 0].plot(places, values / values[0], label=name, marker="o", ms=3, **LOOKS[k])
    grid[0, 0].set(xlabel="singular value", ylabel="part of the largest", ylim=(0, 1.08))
    grid[0, 0].set_title("Muon")
    grid[0, 0].legend(loc="center right")
    # gradients whose size differs by rows and by columns, and noise
    squares = np.exp(rng.uniform(-2, 2, (8, 1)) + rng.uniform(-2, 2, (1, 12)))
    squares = squares * rng.uniform(0.3, 1.7, (8, 12))
    rows, columns = squares.mean(1, keepdims=True), squares.mean(0, keepdims=True)
    shown = ((squares, "squared gradients"), (rows * columns / rows.mean(), "Adafactor's estimate"))
    for axes, (values, title) in zip(grid[0, 1:], shown, strict=True):
        axes.imshow(np.log(values), cmap="gray_r", vmin=-4, vmax=4)
        axes.set(xticks=[], yticks=[])
        axes.set_title(title, size=9.5)
    grid[0, 1].set_xlabel("96 numbers", size=8.5, color=MUTED)
    grid[0, 2].set_xlabel("from 8 + 12 numbers", size=8.5, color=MUTED)
    return figure


def adadelta_paths() -> Any:
    """Steps that have to grow from the root of ε."""
    return _paths(
        {
            "Adadelta()": (optim.Adadelta, 25),
            "Adadelta(eps=1e-3)": (lambda p: optim.Adadelta(p, eps=1e-3), 25),
            "… and lr=2.0": (lambda p: optim.Adadelta(p, lr=2.0, eps=1e-3), 25),
        },
        3,
    )


def adam_relatives() -> Any:
    """Adam, and the three that change one thing about it."""
    return _paths(
        {
            "Adam(lr=0.2)": (lambda p: optim.Adam(p, lr=0.2), 25),
            "Adamax(lr=0.2)": (lambda p: optim.Adamax(p, lr=0.2), 25),
            "NAdam(lr=0.2)": (lambda p: optim.NAdam(p, lr=0.2), 25),
            "RAdam(lr=0.2)": (lambda p: optim.RAdam(p, lr=0.2), 25),
        },
        4,
    )


def rprop_paths() -> Any:
    """Steps that grow while the gradient keeps its sign."""
    return _paths(
        {
            "Rprop(lr=0.1)": (lambda p: optim.Rprop(p, lr=0.1), 25),
            "… and etas=(0.5, 1.5)": (lambda p: optim.Rprop(p, lr=0.1, etas=(0.5, 1.5)), 25),
        },
        2,
    )


def one_outlier() -> Any:
    """What one gradient of 10 among gradients of 1 does to the steps of Adam and Adamax."""
    gradients = np.ones(120)
    gradients[20] = 10
    figure, grid = axes_page(1, 1, 5.2, 2.5)
    for look, make in zip(LOOKS, (optim.Adam, optim.Adamax), strict=False):
        weight = nn.Parameter(dl.zeros(1))
        optimizer = make([weight], lr=1.0, betas=(0.9, 0.97))
        places = [0.0]
        for gradient in gradients:
            weight.grad = dl.tensor([float(gradient)])
            optimizer.step()
            places.append(weight.item())
        grid[0, 0].plot(-np.diff(places), label=f"{make.__name__}(betas=(0.9, 0.97))", **look)
    grid[0, 0].set(xlabel="step", ylabel="size of the step / lr", ylim=(0, 1.6))
    grid[0, 0].legend(loc="lower right")
    return figure


def warm_up() -> Any:
    """The first steps of Adam and RAdam, for gradients of a normal distribution."""
    figure, grid = axes_page(1, 1, 5.2, 2.5)
    dl.manual_seed(0)
    gradients = dl.randn(1000, 2000) + 0.1
    for look, make in zip(LOOKS, (optim.Adam, optim.RAdam), strict=False):
        weights = nn.Parameter(dl.zeros(2000))
        optimizer = make([weights], lr=1.0)
        sizes = []
        for gradient in gradients:
            before = weights.detach().clone()
            weights.grad = gradient
            optimizer.step()
            sizes.append((weights.detach() - before).square().mean().sqrt().item())
        grid[0, 0].plot(np.arange(1, 1001), sizes, label=make.__name__, **look)
    grid[0, 0].set(xlabel="step", ylabel="size of the step / lr", xscale="log", yscale="log")
    _plain_log(grid[0, 0], [1, 10, 100, 1000], [0.01, 0.1, 1])
    grid[0, 0].legend(loc="lower right")
    return figure


def averaged() -> Any:
    """SGD with noisy gradients, and the average that ASGD keeps of its points."""
    figure, grid = axes_page(1, 1, 5.2, 3.0)
    axes = grid[0, 0]
    valley_axes(axes)
    dl.manual_seed(1)
    point = nn.Parameter(dl.tensor(START))
    optimizer = optim.ASGD([point], lr=0.15, t0=60)
    places, means = [point.tolist()], [point.tolist()]
    for _ in range(250):
        optimizer.zero_grad()
        (valley(point) + (dl.randn(2) * dl.tensor([0.6, 1.8]) * point).sum()).backward()
        optimizer.step()
        places.append(point.tolist())
        means.append(optimizer.state[point]["ax"].tolist())
    axes.plot(*np.array(places).T, color=LOOKS[1]["color"], lw=0.5, marker="o", ms=2, label="θ")
    axes.plot(*np.array(means[61:]).T, color=LOOKS[0]["color"], lw=2, label="ax, from step 60 on")
    axes.plot(*places[0], "o", ms=7, mfc="none", mec=INK)
    axes.legend(loc="lower left")
    return figure


def rare_words() -> Any:
    """A weight whose gradient is zero but in every twentieth step."""
    figure, grid = axes_page(1, 1, 5.2, 2.5)
    for look, make in zip(LOOKS, (optim.Adam, optim.SparseAdam), strict=False):
        weight = nn.Parameter(dl.zeros(1))
        optimizer = make([weight], lr=0.1)
        places = [0.0]
        for step in range(80):
            weight.grad = dl.tensor([-1.0 if step % 20 == 10 else 0.0])
            optimizer.step()
            places.append(weight.item())
        grid[0, 0].plot(places, label=make.__name__, **look)
    grid[0, 0].set(xlabel="step", ylabel="weight", xticks=[0, 10, 30, 50, 70])
    grid[0, 0].legend(loc="upper left")
    return figure


def weight_decay() -> Any:
    """Two weights whose gradients change sign at every step, so that only the decay moves them."""
    figure, grid = axes_page(2, 1, 7.0, 2.6)
    steps = 200
    settings = (("Adam(weight_decay=0.5)", optim.Adam), ("AdamW(weight_decay=0.5)", optim.AdamW))
    for axes, (title, make) in zip(grid[0], settings, strict=True):
        weights = nn.Parameter(dl.tensor([1.0, 1.0]))
        optimizer = make([weights], lr=0.01, weight_decay=0.5)
        places = [weights.tolist()]
        for step in range(steps):
            weights.grad = dl.tensor([0.02, 2.0]) * (-1) ** step
            optimizer.step()
            places.append(weights.tolist())
        for k, name in enumerate(("gradients of ±0.02", "gradients of ±2")):
            axes.plot(np.array(places)[:, k], label=name, **LOOKS[k])
        axes.set_title(title)
        axes.set(xlabel="step", ylabel="weight", ylim=(-0.1, 1.1))
    grid[0, 1].legend(loc="lower left")
    return figure


def failures() -> Any:
    """Steps that do not shrink, a division by nearly nothing, and one that forgets too soon."""
    figure, grid = axes_page(3, 1, 9.0, 2.7)
    noisy_bowl(grid[0, 0])
    constant_gradient(grid[0, 1])
    rare_large(grid[0, 2])
    return figure


def noisy_bowl(axes: Any) -> None:
    """The distance from a minimum under noise: the learning rate decides where it ends."""
    steps = 2000
    runs: dict[str, Callable[[Any], optim.Optimizer]] = {
        "SGD(lr=0.1)": lambda p: optim.SGD(p, lr=0.1),
        "Adam(lr=0.1)": lambda p: optim.Adam(p, lr=0.1),
        "Adam(lr=0.01)": lambda p: optim.Adam(p, lr=0.01),
        "Adagrad(lr=0.1)": lambda p: optim.Adagrad(p, lr=0.1),
    }
    for look, (name, make) in zip(LOOKS, runs.items(), strict=False):
        dl.manual_seed(0)
        weights = nn.Parameter(dl.full((400,), 3.0))
        optimizer = make([weights])
        sizes = []
        for _ in range(steps):
            weights.grad = weights.detach() + dl.randn(400)
            optimizer.step()
            sizes.append(weights.square().mean().sqrt().item())
        axes.plot(np.arange(1, steps + 1), sizes, label=name, **look)
    axes.set(xscale="log", yscale="log", xlabel="step", ylabel="distance from the minimum")
    _plain_log(axes, [1, 10, 100, 1000], [0.1, 0.3, 1, 3])
    axes.set_title("gradients with noise", size=9.5)
    axes.legend(loc="lower left", fontsize=7)


def constant_gradient(axes: Any) -> None:
    """Steps of RMSprop while the gradient stays the same."""
    for look, centered in zip(LOOKS, (False, True), strict=False):
        weight = nn.Parameter(dl.zeros(1, dtype=dl.float64))
        optimizer = optim.RMSprop([weight], lr=1.0, alpha=0.9, centered=centered)
        places = [0.0]
        for _ in range(100):
            weight.grad = dl.ones(1, dtype=dl.float64)
            optimizer.step()
            places.append(weight.item())
        axes.plot(np.arange(1, 101), -np.diff(places), label=f"centered={centered}", **look)
    axes.set(yscale="log", xlabel="step", ylabel="size of the step / lr", ylim=(0.5, 400))
    _plain_log(axes, None, [1, 10, 100])
    axes.set_title("RMSprop(alpha=0.9), gradient 1", size=9.5)
    axes.legend(loc="upper left")


def rare_large(axes: Any) -> None:
    """Gradients 3, −1, −1, whose mean is positive: the weight should fall to its limit −1."""
    for look, amsgrad in zip(LOOKS, (False, True), strict=False):
        weight = nn.Parameter(dl.zeros(1, dtype=dl.float64))
        optimizer = optim.Adam([weight], lr=0.01, betas=(0.0, 0.1), amsgrad=amsgrad)
        places = [0.0]
        for step in range(900):
            weight.grad = dl.tensor([3.0 if step % 3 == 0 else -1.0], dtype=dl.float64)
            optimizer.step()
            with dl.no_grad():
                weight.clamp_(-1, 1)
            places.append(weight.item())
        axes.plot(places, label=f"amsgrad={amsgrad}", **look)
    axes.set(xlabel="step", ylabel="weight", ylim=(-1.15, 1.15), yticks=[-1, 0, 1])
    axes.set_title("Adam, gradients 3, −1, −1", size=9.5)
    axes.legend(loc="center right")


def _plain_log(axes: Any, places: list[float] | None, heights: list[float]) -> None:
    """Numbers as they are written, on logarithmic axes."""
    for axis, ticks in (axes.xaxis, places), (axes.yaxis, heights):
        if ticks is not None:
            axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.set_minor_locator(NullLocator())


PICTURES = {
    "paths-sgd": sgd_paths,
    "paths-adaptive": adaptive_paths,
    "paths-adagrad": adagrad_paths,
    "optimizers-matrices": matrix_paths,
    "paths-adadelta": adadelta_paths,
    "paths-adams": adam_relatives,
    "paths-rprop": rprop_paths,
    "adamax-outlier": one_outlier,
    "radam-warm-up": warm_up,
    "asgd-average": averaged,
    "sparse-adam": rare_words,
    "weight-decay": weight_decay,
    "optimizers-failures": failures,
}
