"""Minimizers of functions without noise: L-BFGS, SciPy's methods, and least squares."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.ticker import NullLocator

import dlframe as dl
from dlframe import nn, optim
from drawings.optimizers import START, valley, valley_axes
from drawings.page import INK, LOOKS, MUTED, ORANGE, axes_page


def lbfgs_paths() -> Any:
    """Ten evaluations of the loss each: one step of L-BFGS, as many of two others."""
    figure, grid = axes_page(3, 1, 7.5, 2.15)
    runs: tuple[tuple[str, Any], ...] = (
        (
            "LBFGS, strong_wolfe",
            lambda p: optim.LBFGS(p, max_iter=1, line_search_fn="strong_wolfe"),
        ),
        ("LBFGS(lr=0.1)", partial(optim.LBFGS, lr=0.1, max_iter=1)),
        ("SGD(lr=0.2)", partial(optim.SGD, lr=0.2)),
    )
    for axes, look, (name, make) in zip(grid[0], LOOKS, runs, strict=False):
        valley_axes(axes)
        point = nn.Parameter(dl.tensor(START))
        optimizer, calls, places = make([point]), [0], [point.tolist()]

        def closure(optimizer: Any = optimizer, point: Any = point, calls: Any = calls) -> Any:
            optimizer.zero_grad()
            loss = valley(point)
            loss.backward()
            calls[0] += 1
            return loss

        while calls[0] < 10:
            optimizer.step(closure)
            places.append(point.tolist())
        _path(axes, places, look["color"])
        axes.set_title(name, size=9.5)
        label = f"{calls[0]} evaluations, loss {valley(places[-1]):.2g}"
        axes.set_xlabel(label, size=8.5, color=MUTED)
    return figure


def _path(axes: Any, places: list[Any], color: str) -> None:
    """Points in their order, with a circle around the first."""
    axes.plot(*np.array(places).T, color=color, lw=1.3, marker="o", ms=3, zorder=3)
    axes.plot(*places[0], "o", ms=7, mfc="none", mec=INK)


def scipy_paths() -> Any:
    """One step of three of SciPy's methods: free, within bounds, and under a constraint."""
    figure, grid = axes_page(3, 1, 7.5, 2.15)
    ahead = {"type": "ineq", "fun": lambda p: p[1] - p[0] - 0.8}
    runs: dict[str, dict[str, Any]] = {
        "trust-ncg": {"method": "trust-ncg"},
        "L-BFGS-B, x ≤ −0.6": {"method": "L-BFGS-B", "bounds": (None, dl.tensor([-0.6, 9.0]))},
        "SLSQP, y ≥ x + 0.8": {"method": "SLSQP", "constraints": [ahead]},
    }
    for axes, look, (name, options) in zip(grid[0], LOOKS, runs.items(), strict=False):
        valley_axes(axes)
        point = nn.Parameter(dl.tensor(START, dtype=dl.float64))
        places = [point.tolist()]

        def note(_: Any, point: Any = point, places: Any = places) -> None:
            places.append(point.tolist())

        def closure(point: Any = point) -> Any:
            point.grad = None
            loss = valley(point)
            loss.backward(create_graph=True)
            return loss

        optimizer = optim.SciPy([point], callback=note, **options)
        optimizer.step(closure)
        _path(axes, places, look["color"])
        if "bounds" in options:
            axes.axvline(-0.6, color=MUTED, lw=1)
        if "constraints" in options:
            axes.plot([-1.75, 0.15], [-0.95, 0.95], color=MUTED, lw=1)
        axes.set_title(name, size=9.5)
        label = f"{len(places) - 1} iterations, loss {valley(places[-1]):.2g}"
        axes.set_xlabel(label, size=8.5, color=MUTED)
    return figure


def least_squares() -> Any:
    """A fit of a falling exponential, by three methods; and of a frequency, from many starts."""
    figure, grid = axes_page(2, 1, 8.4, 2.7)
    axes = grid[0, 0]
    for look, (name, costs) in zip(LOOKS, decay_fits().items(), strict=False):
        axes.plot(range(1, len(costs) + 1), np.maximum(costs, 1e-16), label=name, **look)
    axes.set(yscale="log", xlabel="evaluation", ylabel="cost, ½ Σ r²", xlim=(0, 41))
    axes.yaxis.set_ticks([1e-15, 1e-10, 1e-5, 1], ["10⁻¹⁵", "10⁻¹⁰", "10⁻⁵", "1"])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title("a falling exponential", size=9.5)
    axes.legend(loc="center right")
    frequencies(grid[0, 1])
    return figure


def decay_fits() -> dict[str, list[float]]:
    """The best cost so far after each evaluation."""
    t = dl.linspace(0, 3, 20, dtype=dl.float64)
    measured = 2.0 * (-0.7 * t).exp()
    found: dict[str, list[float]] = {}

    def cost(values: list[float], a: Any, k: Any) -> Any:
        r = a * (-k * t).exp() - measured
        values.append(min([0.5 * float(r.detach().square().sum().item()), *values[-1:]]))
        return r

    start = [dl.tensor(1.0, dtype=dl.float64), dl.tensor(0.1, dtype=dl.float64)]
    found["least_squares"] = []
    optim.least_squares(
        lambda a, k: cost(found["least_squares"], a, k), [p.clone() for p in start], gtol=1e-15,
        xtol=1e-15, ftol=1e-15,
    )  # fmt: skip
    makers: dict[str, Any] = {
        "LBFGS": partial(optim.LBFGS, line_search_fn="strong_wolfe"),
        "Adam(lr=0.2)": partial(optim.Adam, lr=0.2),
    }
    for name, make in makers.items():
        params = [nn.Parameter(p.clone()) for p in start]
        optimizer, costs = make(params), found.setdefault(name, [])

        def closure(optimizer: Any = optimizer, params: Any = params, costs: Any = costs) -> Any:
            optimizer.zero_grad()
            loss = 0.5 * cost(costs, *params).square().sum()
            loss.backward()
            return loss

        while len(costs) < 40:
            optimizer.step(closure)
    return {name: costs[:40] for name, costs in found.items()}


def frequencies(axes: Any) -> None:
    """The cost of a sine over its frequency, and where fits from fifteen starts end."""
    t = dl.linspace(0, 6, 60, dtype=dl.float64)
    measured = (4.0 * t).sin()

    def residuals(w: Any) -> Any:
        return (w * t).sin() - measured

    line = np.linspace(0.8, 8.6, 400)
    costs = [0.5 * float(residuals(dl.tensor(w)).square().sum().item()) for w in line]
    axes.plot(line, costs, color=MUTED, lw=1.2)
    for start in np.arange(1, 8.1, 0.5):
        w = dl.tensor(start, dtype=dl.float64)
        result = optim.least_squares(residuals, [w])
        before = 0.5 * float(residuals(dl.tensor(start)).square().sum().item())
        axes.plot(start, before, "o", ms=4.5, mfc="white", mec=INK, zorder=3)
        axes.plot(w.item(), result.cost, "D", ms=5, color=ORANGE, zorder=4)
    axes.plot([], [], "o", ms=4.5, mfc="white", mec=INK, label="start")
    axes.plot([], [], "D", ms=5, color=ORANGE, label="end")
    axes.set(xlabel="frequency (true: 4)", ylabel="cost, ½ Σ r²", ylim=(-3, 50))
    axes.set_title("a sine: local minima", size=9.5)
    axes.legend(loc="lower right")


PICTURES = {
    "paths-lbfgs": lbfgs_paths,
    "paths-scipy": scipy_paths,
    "least-squares": least_squares,
}
