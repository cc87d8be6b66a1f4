"""What initial values are, and what they do to a deep network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from dlframe.nn import init
from drawings.page import BLUE, HAIRLINE, LOOKS, axes_page


def distributions() -> Any:
    """Histograms of the random initializers on a weight of 200 × 300."""
    draws: dict[str, Callable[[Any], Any]] = {
        "uniform_(-0.2, 0.2)": lambda w: init.uniform_(w, -0.2, 0.2),
        "normal_(std=0.1)": lambda w: init.normal_(w, std=0.1),
        "trunc_normal_(std=0.1, ±0.15)": lambda w: init.trunc_normal_(w, 0.0, 0.1, -0.15, 0.15),
        "xavier_uniform_": init.xavier_uniform_,
        "xavier_normal_": init.xavier_normal_,
        "kaiming_uniform_": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
        "kaiming_normal_": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
        "orthogonal_": init.orthogonal_,
        "sparse_(sparsity=0.5, std=0.1)": lambda w: init.sparse_(w, 0.5, 0.1),
    }
    figure, grid = axes_page(3, 3, 7.4, 4.2)
    for axes, (name, fill) in zip(grid.ravel(), draws.items(), strict=True):
        dl.manual_seed(0)
        values = fill(dl.empty(200, 300)).numpy().ravel()
        axes.hist(values, bins=61, range=(-0.305, 0.305), color=BLUE)
        axes.set_title(name, size=8.5)
        axes.set(yticks=[], xlim=(-0.3, 0.3))
        if name.startswith("sparse"):  # half of the values are 0: the bar goes through the roof
            axes.set_ylim(0, 3000)
        axes.spines["left"].set_visible(False)
        axes.text(
            0.98, 0.92, f"std {values.std():.3f}", transform=axes.transAxes, ha="right", size=8
        )
    return figure


def depth() -> Any:
    """The size of activations through thirty layers, by initializer."""
    figure, grid = axes_page(2, 1, 7.2, 2.9)
    settings: dict[str, dict[str, Callable[[Any], Any]]] = {
        "ReLU": {
            "kaiming_normal_": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
            "xavier_normal_": init.xavier_normal_,
            "normal_(std=0.12)": lambda w: init.normal_(w, std=0.12),
        },
        "Tanh": {
            "xavier, gain 5/3": lambda w: init.xavier_normal_(w, gain=init.calculate_gain("tanh")),
            "xavier_normal_": init.xavier_normal_,
            "normal_(std=0.04)": lambda w: init.normal_(w, std=0.04),
        },
    }
    for axes, (kind, fills) in zip(grid[0], settings.items(), strict=True):
        activation = getattr(nn, kind)()
        for look, (name, fill) in zip(LOOKS, fills.items(), strict=False):
            dl.manual_seed(0)
            x = dl.randn(256, 200)
            sizes = [float(x.std())]
            for _ in range(30):
                x = activation(x @ fill(dl.empty(200, 200)).t())
                sizes.append(float(x.std()))
            axes.plot(sizes, label=name, **look)
        axes.set_yscale("log")
        ticks = [1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4]  # as text: the house style reads no formulas
        axes.set_yticks(ticks, ["10⁻⁶", "10⁻⁴", "0.01", "1", "100", "10⁴"])
        axes.set_ylim(1e-6, 1e6)
        axes.grid(axis="y", color=HAIRLINE)
        axes.set_title(f"{kind}, 200 wide")
        axes.set(xlabel="layer")
        axes.legend(loc="upper left")
    grid[0, 0].set_ylabel("std of activations")
    return figure


def matrices() -> Any:
    """Initializers with a structure that a picture of the weight shows."""
    figure, grid = axes_page(4, 1, 7.2, 2.1)
    dl.manual_seed(0)
    dirac = init.dirac_(dl.empty(8, 8, 3, 3)).numpy()
    rows = init.orthogonal_(dl.empty(16, 32)).numpy()
    pictures = {
        "eye_": init.eye_(dl.empty(16, 16)).numpy(),
        "dirac_ (8, 8, 3, 3)": dirac.transpose(0, 2, 1, 3).reshape(24, 24),
        "sparse_(sparsity=0.75)": init.sparse_(dl.empty(16, 16), 0.75, 1.0).numpy(),
        "orthogonal_: W Wᵀ": rows @ rows.T,
    }
    for axes, (name, values) in zip(grid[0], pictures.items(), strict=True):
        limit = np.abs(values).max()
        axes.imshow(values, cmap="RdBu", vmin=-limit, vmax=limit, interpolation="nearest")
        axes.set_title(name, size=8.5)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(True)
    return figure


PICTURES = {
    "init-distributions": distributions,
    "init-depth": depth,
    "init-matrices": matrices,
}
