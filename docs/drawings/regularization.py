"""What regularizers do: shrinking weights, projections, noise, clipping, soft targets, SAM."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn, optim
from dlframe.nn import functional
from dlframe.study.experiments.modules import data
from drawings.compared import FEW, Setting, digits, few_digits, loss_of, regularized
from drawings.page import BLUE, INK, LOOKS, MUTED, ORANGE, arrow, axes_page, note, zero_axes

Array = np.ndarray[Any, Any]


def plain_ticks(axes: Any, places: list[float]) -> None:
    """Numbers as they are written, on a logarithmic axis."""
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.set_xticks([], minor=True)


# --- penalties ---------------------------------------------------------------------------------


def fitted(penalty: Any, x: dl.Tensor, y: dl.Tensor) -> list[float]:
    """The weights of a linear model trained with a penalty."""
    model = nn.Linear(x.shape[1], 1, bias=False)
    nn.init.zeros_(model.weight)
    extra = penalty(model)
    optimizer = optim.SGD(model.parameters(), lr=0.3)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    for _ in range(400):
        optimizer.zero_grad()
        (0.5 * (model(x) - y).square().mean() + extra()).backward()
        optimizer.step()
        schedule.step()
    return list(model.weight.flatten().tolist())


def penalties() -> Any:
    """Weights over the strength of the penalty; the third input is much like the second."""
    dl.manual_seed(2)
    x = dl.randn(200, 5)
    x[:, 2] = 0.9 * x[:, 1] + 0.44 * x[:, 2]
    true = dl.tensor([[1.5], [1.0], [0.0], [-0.6], [0.0]])
    y = x @ true + 0.3 * dl.randn(200, 1)
    strengths = np.logspace(-2, 0.5, 9)
    kinds = {
        "L1": lambda s: lambda m: optim.L1(m, s),
        "L2": lambda s: lambda m: optim.L2(m, s),
        "Elastic, l1_ratio=0.5": lambda s: lambda m: optim.Elastic(m, s),
    }
    figure, grid = axes_page(3, 1, 8.8, 2.5)
    names = ("1.5", "1.0", "0 (like the 2nd)", "−0.6", "0")
    for axes, (title, make) in zip(grid[0], kinds.items(), strict=True):
        paths = np.array([fitted(make(float(s)), x, y) for s in strengths])
        for k, name in enumerate(names):
            axes.plot(strengths, paths[:, k], label=name, **LOOKS[k])
        axes.axhline(0, color=MUTED, lw=0.6, zorder=0)
        axes.set(xscale="log", xlabel="strength λ", title=title, ylim=(-0.75, 1.6))
        plain_ticks(axes, [0.01, 0.1, 1])
    grid[0, 0].set_ylabel("weight")
    grid[0, 2].legend(title="true weight", loc="upper left", bbox_to_anchor=(1, 1))
    return figure


# --- constraints -------------------------------------------------------------------------------


def projected(make: Any, points: Array) -> Array:
    """Where a constraint puts the units of a layer with two inputs."""
    layer = nn.Linear(2, len(points))
    layer.weight = nn.Parameter(dl.tensor(points.astype(np.float32)))
    make(layer).project()
    return layer.weight.detach().numpy()


def constraints() -> Any:
    """Units with two weights each, before and after a projection."""
    from matplotlib.patches import Circle, Rectangle

    points = np.random.default_rng(11).uniform(-1.9, 1.9, (9, 2))
    kinds: dict[str, Any] = {
        "MaxNorm(1)": lambda m: optim.MaxNorm(m, 1.0),
        "UnitNorm()": optim.UnitNorm,
        "NonNegative()": optim.NonNegative,
        "Bounds(−1, 1)": lambda m: optim.Bounds(m, -1.0, 1.0),
    }
    figure, grid = axes_page(4, 1, 8.6, 2.35)
    for axes, (title, make) in zip(grid[0], kinds.items(), strict=True):
        zero_axes(axes)
        if "Norm" in title:
            fill = "#dfe7f1" if "Max" in title else "none"
            axes.add_patch(Circle((0, 0), 1, facecolor=fill, edgecolor=BLUE, lw=1.2, zorder=1))
        else:
            low, side = (0, 2.2) if "Non" in title else (-1, 2)
            axes.add_patch(
                Rectangle(
                    (low, low), side, side, facecolor="#dfe7f1", edgecolor=BLUE, lw=1.2, zorder=1
                )
            )
        for start, end in zip(points, projected(make, points), strict=True):
            if np.abs(start - end).max() > 0.03:
                arrow(axes, tuple(start), tuple(end), lw=1.0)
            axes.plot(*start, "o", ms=5, mfc="white", mec=INK, zorder=3)
            axes.plot(*end, "o", ms=4.5, color=ORANGE, zorder=4)
        axes.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), xticks=[], yticks=[], title=title)
        axes.set_aspect("equal")
        axes.set_xlabel("first weight", size=8, color=MUTED)
    grid[0, 0].set_ylabel("second weight", size=8, color=MUTED)
    return figure


# --- gradients ---------------------------------------------------------------------------------


def clipped(hook: optim.StepHook, gradients: Array) -> Array:
    """What a hook makes of gradients, each alone."""
    out = []
    for g in gradients:
        p = nn.Parameter(dl.zeros(2))
        p.grad = dl.tensor(g.astype(np.float32))
        hook.before_step(optim.SGD([p]))
        out.append(p.grad.numpy())
    return np.array(out)


def gradient_clipping() -> Any:
    """Gradients of two elements, clipped by norm and by value; and how noise fades."""
    from matplotlib.patches import Circle, Rectangle

    gradients = np.array([[1.9, 0.5], [0.6, 1.8], [-1.5, 1.3], [-0.5, -0.4], [0.9, -1.9]])
    figure, grid = axes_page(3, 1, 8.4, 2.6)
    shapes = (Circle((0, 0), 1), Rectangle((-1, -1), 2, 2))
    hooks = (optim.ClipGradNorm(1.0), optim.ClipGradValue(1.0))
    for axes, shape, hook in zip(grid[0], shapes, hooks, strict=False):
        zero_axes(axes)
        shape.set(facecolor="#dfe7f1", edgecolor=BLUE, lw=1.2, zorder=1)
        axes.add_patch(shape)
        for g, short in zip(gradients, clipped(hook, gradients), strict=True):
            axes.plot([0, g[0]], [0, g[1]], color=MUTED, lw=1, ls=(0, (3, 2)), zorder=2)
            axes.plot(*g, "o", ms=4, mfc="white", mec=MUTED, zorder=3)
            arrow(axes, (0, 0), tuple(short), lw=1.6, color=ORANGE, shrinkA=0, shrinkB=0)
        axes.set(xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), xticks=[], yticks=[])
        axes.set_title(f"{type(hook).__name__}(1)")
        axes.set_aspect("equal")
    axes = grid[0, 2]
    steps = 1000
    for look, eta in zip(LOOKS, (1.0, 0.3, 0.01), strict=False):
        noise, optimizer = optim.GradientNoise(eta), optim.SGD([nn.Parameter(dl.zeros(1))])
        sizes = []
        for _ in range(steps):
            noise.before_step(optimizer)
            sizes.append(noise.last)
        axes.plot(np.arange(1, steps + 1), sizes, label=f"η = {eta:g}", **look)
    axes.set(xscale="log", xlabel="step", title="σ of GradientNoise", ylim=(0, None))
    plain_ticks(axes, [1, 10, 100, 1000])
    axes.legend()
    return figure


def label_smoothing() -> Any:
    """The targets of one sample whose class is 1, and the output that fits them best."""
    figure, grid = axes_page(3, 1, 7.6, 2.1)
    for axes, smoothing in zip(grid[0], (0.0, 0.1, 0.4), strict=True):
        logits = nn.Parameter(dl.zeros(1, 4))
        optimizer = optim.Adam([logits], lr=0.1)
        for _ in range(200):
            optimizer.zero_grad()
            functional.cross_entropy(logits, dl.tensor([1]), label_smoothing=smoothing).backward()
            optimizer.step()
        targets = np.full(4, smoothing / 4)
        targets[1] += 1 - smoothing
        axes.bar(range(4), targets, width=0.62, color=BLUE)
        z = logits.detach().numpy()[0]
        for k, target in enumerate(targets):
            note(axes, k, target + 0.07, f"{target:.3g}", size=8)
        axes.set(ylim=(0, 1.2), xticks=range(4), yticks=[], xlabel="class")
        gap = z[1] - np.delete(z, 1).mean()
        axes.set_title(f"ε = {smoothing:g}: after 200 steps\nlogits {gap:.1f} apart", size=9)
    return figure


# --- SAM ---------------------------------------------------------------------------------------


def hills(w: Array) -> Array:
    """A deep sharp minimum near −1 and a flat one near 1."""
    sharp, flat = np.exp(-(((w + 1) / 0.18) ** 2)), np.exp(-(((w - 1) / 0.9) ** 2))
    return 1.2 - sharp - 0.85 * flat


def two_steps(axes: Any) -> None:
    """One step of SAM on a bowl, with both gradients."""
    x, y = np.meshgrid(np.linspace(-2.2, 1.0, 160), np.linspace(-1.25, 1.5, 160))
    w = nn.Parameter(dl.tensor([-1.6, 0.55], dtype=dl.float64))
    scale = dl.tensor([0.3, 1.6], dtype=dl.float64)

    def loss() -> Any:
        return 0.5 * (scale * w * w).sum()

    axes.contour(
        x, y, 0.15 * x**2 + 0.8 * y**2, levels=[0.05, 0.2, 0.45, 0.8, 1.25], colors="#b9c3cf",
        linewidths=0.8,
    )  # fmt: skip
    optimizer = optim.SAM(optim.SGD([w], lr=0.55), rho=0.75)
    start = tuple(w.tolist())
    loss().backward()
    plain = tuple((w - 0.55 * w.grad).tolist())
    optimizer.first_step()
    top = tuple(w.tolist())
    optimizer.zero_grad()
    loss().backward()
    optimizer.second_step()
    end = tuple(w.tolist())
    arrow(axes, start, top, lw=1.6, color=INK)
    arrow(axes, start, plain, lw=1.4, color=BLUE, linestyle=(0, (3, 2)))
    arrow(axes, start, end, lw=1.8, color=ORANGE)
    for place, text, side in (
        (start, "w", (-0.14, 0)), (top, "w + ε", (0.1, 0.13)), (plain, "SGD", (0.34, 0.02)),
        (end, "SAM", (0.34, -0.05)),
    ):  # fmt: skip
        axes.plot(*place, "o", ms=4, color=INK, zorder=5)
        note(axes, place[0] + side[0], place[1] + side[1], text, size=8.5)
    axes.plot(0, 0, "+", color=INK, ms=10, mew=1.6)
    axes.set(xticks=[], yticks=[], xlim=(-2.2, 1.0), ylim=(-1.25, 1.5), title="one step")


def sam() -> Any:
    """The two halves of a step, and what SAM minimizes: the worst loss nearby."""
    figure, grid = axes_page(2, 1, 7.6, 2.7)
    two_steps(grid[0, 0])
    axes = grid[0, 1]
    line = np.linspace(-2, 2.6, 700)
    rho = 0.35
    near = np.linspace(-rho, rho, 141)
    curves = {"L(w)": hills(line), "largest L within 0.35": hills(line + near[:, None]).max(0)}
    for look, (name, values) in zip(LOOKS, curves.items(), strict=False):
        axes.plot(line, values, label=name, **look)
        best = int(values.argmin())
        axes.plot(line[best], values[best], "o", ms=6, color=look["color"])
    axes.set(ylim=(0, 1.75), xticks=[], yticks=[], xlabel="weight", title="the lowest place moves")
    axes.legend(loc="upper right", ncols=2)
    return figure


# --- early stopping ----------------------------------------------------------------------------


def early_stopping() -> Any:
    """The losses of a training that goes on for too long, and what a small validation set says."""
    x, y = few_digits()
    held = tuple(part[FEW : 2 * FEW] for part in digits(True))
    losses: list[list[float]] = []
    small: list[list[float]] = []

    def watch(model: Any) -> None:
        losses.append([loss_of(model, x, y), loss_of(model, *held)])
        parts = [tuple(part[k * 15 : k * 15 + 15] for part in held) for k in range(5)]
        small.append([loss_of(model, *part) for part in parts])

    regularized(Setting(), 0, watch)
    figure, grid = axes_page(2, 1, 8.0, 2.7)
    epochs = range(1, len(losses) + 1)
    for look, name, curve in zip(
        LOOKS, ("training", "validation"), zip(*losses, strict=True), strict=False
    ):
        grid[0, 0].plot(epochs, curve, label=name, **look)
    best = int(np.argmin([loss for _, loss in losses]))
    mark = {"ms": 7, "mfc": "white", "mec": INK, "mew": 1.5, "zorder": 4}
    grid[0, 0].plot(best + 1, losses[best][1], "o", **mark)
    note(grid[0, 0], best + 6, losses[best][1] + 0.35, "these weights are kept", size=8)
    grid[0, 0].set_title("200 samples held back", size=9.5)
    grid[0, 0].legend(loc="upper right")
    for look, curve in zip(LOOKS, zip(*small, strict=True), strict=True):
        grid[0, 1].plot(epochs, curve, **(look | {"lw": 1.1}))
        place = int(np.argmin(curve))
        grid[0, 1].plot(place + 1, curve[place], "o", **(mark | {"ms": 5.5}))
    grid[0, 1].set_title("five times 15 samples held back", size=9.5)
    for axes in grid[0]:
        axes.set(xlabel="epoch", ylabel="loss", ylim=(0, 2.4))
    return figure


def augmentation() -> Any:
    """Digits as they are, and as a movement by parts of a pixel makes them anew."""
    images = data.read("digits", "data")[0][[0, 2, 3, 9]]
    kinds = {"as it is": 0.0, "moved": 0.04, "too far": 0.3}
    figure, grid = axes_page(7, 4, 7.6, 4.6)
    dl.manual_seed(3)
    for image, row in zip(images, grid, strict=True):
        extents = [0.0] + [0.04] * 3 + [0.3] * 3
        for axes, extent in zip(row, extents, strict=True):
            (moved,) = data.Moved(extent)(image[None])
            axes.imshow(moved[0].numpy(), cmap="gray", vmin=float(images.min()))
            axes.set_axis_off()
    for axes, extent in zip(grid[0], [0.0, 0.04, 0.04, 0.04, 0.3, 0.3, 0.3], strict=True):
        axes.set_title(next(name for name, given in kinds.items() if given == extent), size=8.5)
    return figure


PICTURES = {
    "regularization-augmentation": augmentation,
    "regularization-penalties": penalties,
    "regularization-constraints": constraints,
    "regularization-gradients": gradient_clipping,
    "regularization-labels": label_smoothing,
    "regularization-sam": sam,
    "regularization-stopping": early_stopping,
}
