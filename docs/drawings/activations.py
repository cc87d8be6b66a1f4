"""Curves of activations, with their derivatives by autograd."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from drawings.curves import value_and_slope
from drawings.page import BLUE, INK, MUTED, ORANGE, axes_page, lines, zero_axes

ACTIVATIONS: dict[str, nn.Module] = {
    "relu": nn.ReLU(),
    "leaky-relu": nn.LeakyReLU(0.1),
    "prelu": nn.PReLU(),
    "relu6": nn.ReLU6(),
    "threshold": nn.Threshold(0.5, -1.0),
    "elu": nn.ELU(),
    "celu": nn.CELU(0.5),
    "selu": nn.SELU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "hardswish": nn.Hardswish(),
    "softplus": nn.Softplus(),
    "sigmoid": nn.Sigmoid(),
    "logsigmoid": nn.LogSigmoid(),
    "hardsigmoid": nn.Hardsigmoid(),
    "tanh": nn.Tanh(),
    "hardtanh": nn.Hardtanh(),
    "softsign": nn.Softsign(),
    "hardshrink": nn.Hardshrink(1.0),
    "softshrink": nn.Softshrink(1.0),
    "tanhshrink": nn.Tanhshrink(),
}
HIGHEST = {"relu6": 6.5, "hardswish": 4.0, "logsigmoid": 1.1, "tanhshrink": 3.0}


def activations() -> dict[str, Any]:
    """Each activation and its derivative."""
    return {f"-{name}": _activation(name, layer) for name, layer in ACTIVATIONS.items()}


def _activation(name: str, layer: nn.Module) -> Any:
    end = 8 if name == "relu6" else 4
    x = np.linspace(-end, end, 200 * end + 1)
    y, slope = value_and_slope(layer.to(dl.float64), x)
    if isinstance(layer, nn.Threshold | nn.Hardshrink):
        y[:-1][np.abs(np.diff(y)) > 0.1] = np.nan  # no line where it jumps
    figure, grid = axes_page(1, 1, 4.6, 2.5)
    axes = grid[0, 0]
    zero_axes(axes)
    lines(axes, x, {"value": y, "derivative": slope})
    low, high = min(np.nanmin(y), 0), HIGHEST.get(name, min(np.nanmax(y), 3.0))
    axes.set(xlabel="x", xlim=(-end, end), ylim=(low - 0.15, high + 0.2))
    axes.set_title(str(layer).replace("()", ""))
    axes.legend(loc="lower right" if name == "logsigmoid" else "upper left")
    return figure


def rrelu() -> Any:
    """What RReLU gives in training, and in evaluation."""
    dl.manual_seed(0)
    x = np.linspace(-4, 4, 161)
    layer = nn.RReLU()
    drawn = layer(dl.tensor(x)).numpy()
    mean = layer.eval()(dl.tensor(x)).numpy()
    figure, grid = axes_page(1, 1, 4.6, 2.5)
    axes = grid[0, 0]
    zero_axes(axes)
    axes.plot(x, drawn, ".", color=ORANGE, ms=3.5, label="training: each element draws")
    axes.plot(x, mean, color=BLUE, label="evaluation: the mean slope")
    axes.set(xlabel="x", xlim=(-4, 4), ylim=(-1.5, 3.2))
    axes.set_title("RReLU")
    axes.legend(loc="upper left")
    return figure


def short(value: float) -> str:
    """Two digits, and no more than four characters."""
    return f"{value:.2g}" if abs(value) >= 0.01 else "<.01"


def _bars(axes: Any, title: str, values: Any, colour: str) -> None:
    bars = axes.bar(range(len(values)), values, color=colour, width=0.7)
    axes.bar_label(bars, [short(v) for v in values], size=8, padding=2)
    axes.axhline(0, color=INK, lw=0.8)
    axes.set_title(title)
    axes.set(xticks=range(len(values)), xlabel="class", yticks=[])
    axes.spines["left"].set_visible(False)
    axes.margins(y=0.18)


SCORES = np.array([2.0, 1.0, 0.2, -1.0])


def softmax() -> Any:
    """Softmax of the same scores, sharper and flatter."""
    figure, grid = axes_page(4, 1, 7.4, 2.2)
    _bars(grid[0, 0], "scores x", SCORES, MUTED)
    for axes, factor in zip(grid[0, 1:], (0.5, 1.0, 3.0), strict=True):
        shares = nn.Softmax(dim=0)(dl.tensor(SCORES * factor)).numpy()
        _bars(axes, f"softmax({factor:g} · x)" if factor != 1 else "softmax(x)", shares, BLUE)
        axes.set_ylim(0, 1.15)
    return figure


def softmin() -> Any:
    """Softmin of distances."""
    distances = np.array([0.3, 1.0, 1.5, 3.0])
    figure, grid = axes_page(2, 1, 4.2, 2.2)
    _bars(grid[0, 0], "distances x", distances, MUTED)
    _bars(grid[0, 1], "softmin(x)", nn.Softmin(dim=0)(dl.tensor(distances)).numpy(), BLUE)
    grid[0, 1].set_ylim(0, 1.15)
    return figure


def log_softmax() -> Any:
    """Log-softmax of a score, while the other stays 0, and its derivative."""
    x = np.linspace(-4, 4, 401)
    y, slope = value_and_slope(lambda p: nn.LogSoftmax(0)(dl.stack([p, dl.zeros_like(p)]))[0], x)
    figure, grid = axes_page(1, 1, 4.6, 2.5)
    axes = grid[0, 0]
    zero_axes(axes)
    lines(axes, x, {"value": y, "derivative": slope})
    axes.set(xlabel="score x of the class; the other score is 0", xlim=(-4, 4))
    axes.set_title("LogSoftmax")
    axes.legend(loc="lower right")
    return figure


def softmax2d() -> Any:
    """Three channels of scores, and their shares at each place."""
    places = np.linspace(-1, 1, 24)
    across, down = np.meshgrid(places, places)
    scores = np.stack([4 * across, 4 * down, np.full_like(across, 1.0)])
    shares = nn.Softmax2d()(dl.tensor(scores)).numpy()
    figure, grid = axes_page(3, 1, 6.0, 2.2)
    for i, axes in enumerate(grid[0]):
        axes.imshow(shares[i], cmap="Blues", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"share of channel {i}")
    return figure


def glu() -> Any:
    """The gated half over its gate, and the derivatives by both."""
    gate = np.linspace(-5, 5, 401)
    figure, grid = axes_page(1, 1, 5.0, 2.6)
    axes = grid[0, 0]
    zero_axes(axes)
    a = dl.full((len(gate),), 2.0, dtype=dl.float64, requires_grad=True)
    b = dl.tensor(gate, requires_grad=True)
    y = nn.GLU(0)(dl.cat([a, b]))
    y.sum().backward()
    curves = {"value": y.detach(), "derivative by a": a.grad, "derivative by b": b.grad}
    lines(axes, gate, {name: c.numpy() for name, c in curves.items()})
    axes.set(xlabel="gate b, with a = 2", xlim=(-5, 5))
    axes.set_title("GLU")
    axes.legend(loc="upper left")
    return figure


def gumbel() -> Any:
    """The same draw at three temperatures, and how often each class is the largest."""
    logits = dl.tensor(SCORES)
    figure, grid = axes_page(5, 1, 8.6, 2.2)
    _bars(grid[0, 0], "softmax(x)", nn.functional.softmax(logits, 0).numpy(), MUTED)
    for axes, tau in zip(grid[0, 1:4], (3.0, 1.0, 0.3), strict=True):
        dl.manual_seed(3)
        _bars(
            axes, f"one draw, τ = {tau:g}", nn.functional.gumbel_softmax(logits, tau).numpy(), BLUE
        )
    many = nn.functional.gumbel_softmax(logits.expand(2000, 4), hard=True).mean(0)
    _bars(grid[0, 4], "2000 hard draws", many.numpy(), BLUE)
    for axes in grid[0]:
        axes.set_ylim(0, 1.15)
    return figure


PICTURES = {
    "activation": activations,
    "rrelu": rrelu,
    "softmax": softmax,
    "softmin": softmin,
    "log-softmax": log_softmax,
    "softmax2d": softmax2d,
    "glu": glu,
    "gumbel-softmax": gumbel,
}
