"""A normalizing flow on moons: a density learned by an invertible network, exact to the last term.

A chain of couplings maps points x to z = f(x), which should be normal. By the change of variables
log p(x) = log N(f(x); 0, 1) + log |det ∂f/∂x|, which is maximized on the training points. A
coupling leaves one coordinate and moves the other by an amount that depends on the first, so it is
inverted exactly, and its determinant is a product. Dinh et al. (2015), "NICE", and (2017), "Density
estimation using real NVP".
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.data.datasets import Moons
from dlframe.optim.lr_scheduler import CosineAnnealingLR
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import full_like, linspace, randn, randperm, tensor, zeros
from dlframe.tensor.functions import cartesian_prod, cat, stack
from dlframe.utils import load, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAIN, VALIDATION, TEST = 2000, 1000, 4000
NOISE = 0.1  # of the moons
BATCH = 100
CENTRE, SPREAD = (0.5, 0.25), 0.8  # of the moons' coordinates
WIDE = 4.0  # the square [-4, 4]² holds nearly all of the density
MARKS = 401  # of the grid along each side, by which the density is integrated

# --- the flow ----------------------------------------------------------------------------------


class Coupling(nn.Module):
    """y₁ = x₁ and y₂ = x₂ exp(s(x₁)) + t(x₁): log |det| = s(x₁). With `swap`, 1 and 2 are swapped.

    Additive couplings have s = 0, and keep areas. s is within [-2, 2], so that no step explodes.
    """

    def __init__(self, *, swap: bool, kind: str = "affine", hidden: int = 32) -> None:
        super().__init__()
        self.swap, self.kind = swap, kind
        last = nn.Linear(hidden, 2)
        for parameter in last.parameters():  # it begins as the identity
            nn.init.zeros_(parameter)
        self.network = nn.Sequential(
            nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), last
        )

    def moves(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """s and t, (n, 1), from the coordinate that is kept."""
        s, t = self.network(kept).chunk(2, dim=1)
        return (2 * (s / 2).tanh() if self.kind == "affine" else 0 * s), t

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The points, (n, 2), and log |det|, (n,)."""
        kept, moved = self._parts(x)
        s, t = self.moves(kept)
        return self._whole(kept, moved * s.exp() + t), s[:, 0]

    def inverse(self, y: Tensor) -> Tensor:
        """x₂ = (y₂ - t(y₁)) exp(-s(y₁))."""
        kept, moved = self._parts(y)
        s, t = self.moves(kept)
        return self._whole(kept, (moved - t) * (-s).exp())

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x.split(1, dim=1)
        return (second, first) if self.swap else (first, second)

    def _whole(self, kept: Tensor, moved: Tensor) -> Tensor:
        whole: Tensor = cat((moved, kept) if self.swap else (kept, moved), dim=1)
        return whole


class Flow(nn.Module):
    """Couplings in turn, then a scale for each coordinate."""

    centre: Tensor

    def __init__(self, couplings: int, kind: str = "affine") -> None:
        super().__init__()
        self.couplings: Any = nn.ModuleList(
            Coupling(swap=i % 2 == 1, kind=kind) for i in range(couplings)
        )
        self.log_scale = nn.Parameter(zeros(2))
        self.register_buffer("centre", tensor(CENTRE))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z and log |det ∂z/∂x|."""
        z = (x - self.centre) / SPREAD
        total = self.log_scale.sum() - 2 * math.log(SPREAD)
        for coupling in self.couplings:
            z, log_det = coupling(z)
            total = total + log_det
        return z * self.log_scale.exp(), total

    def inverse(self, z: Tensor) -> Tensor:
        """x from z, by the inverses in reverse order."""
        x = z * (-self.log_scale).exp()
        for coupling in reversed(self.couplings):
            x = coupling.inverse(x)
        points: Tensor = x * SPREAD + self.centre
        return points

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), (n,)."""
        z, log_det = self(x)
        found: Tensor = log_det - 0.5 * (z**2).sum(dim=1) - math.log(2 * math.pi)
        return found


# --- what is known -----------------------------------------------------------------------------


def true_log_prob(x: NDArray[Any], marks: int = 1000) -> NDArray[Any]:
    """log of the density that the moons are drawn from: half circles, blurred by normal noise.

    The mean over `marks` points of the half circles replaces an integral over the angle. They are a
    thirtieth of the noise apart, and the error of the logarithm is below 0.0001.
    """
    angle = (np.arange(marks) + 0.5) * math.pi / marks
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    centres = np.concatenate([upper, np.array([1.0, 0.5]) - upper])
    squares = (x**2).sum(axis=1)[:, None] - 2 * x @ centres.T + (centres**2).sum(axis=1)
    exponents = -squares / (2 * NOISE**2)
    most = exponents.max(axis=1, keepdims=True)
    sums = np.log(np.exp(exponents - most).mean(axis=1)) + most[:, 0]
    return np.asarray(sums - math.log(2 * math.pi * NOISE**2))


def integral(model: Flow) -> float:
    """The sum of the density over a fine grid of the square, by the area of a cell."""
    line = linspace(-WIDE, WIDE, MARKS)
    with no_grad():
        total = sum(
            float(model.log_prob(part).double().exp().sum())
            for part in cartesian_prod(line, line).split(50_000)
        )
    return total * (2 * WIDE / (MARKS - 1)) ** 2


def inverse_error(model: Flow, x: Tensor) -> float:
    """The largest |f⁻¹(f(x)) - x|."""
    with no_grad():
        return float((model.inverse(model(x)[0]) - x).abs().max())


# --- a run -------------------------------------------------------------------------------------


def run(
    seeds: Seeds,
    couplings: int = 8,
    kind: str = "affine",
    epochs: int = 100,
    folder: Path | None = None,
) -> dict[str, Any]:
    """How many couplings does a density of two moons need, and must they change areas?"""
    random.manual_seed(seeds.data)
    train, val, test = (Moons(n, NOISE).data for n in (TRAIN, VALIDATION, TEST))
    random.manual_seed(seeds.weights)
    model = Flow(couplings, kind)
    optimizer = optim.Adam(model.parameters(), lr=0.005)
    schedule = CosineAnnealingLR(optimizer, epochs * (TRAIN // BATCH))
    random.manual_seed(seeds.order)
    found: dict[str, Any] = {"nll": [], "val_nll": []}
    for _ in range(epochs):
        total = 0.0
        for batch in randperm(TRAIN).split(BATCH):
            loss = -model.log_prob(train[batch]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        found["nll"].append(total / TRAIN)
        found["val_nll"].append(nll(model, val))
    if folder is not None:
        save(model.state_dict(), folder / "model.h5")
    truth = -float(true_log_prob(test.numpy().astype(np.float64)).mean())
    tested = functools.cache(lambda: nll(model, test))
    return {
        **found,
        "integral of the density": integral(model),
        "inverse's largest error": inverse_error(model, train),
        "test_nll": tested,
        "test_excess_nll": lambda: tested() - truth,
    }


def nll(model: Flow, x: Tensor) -> float:
    """The mean of -log p(x), in nats."""
    with no_grad():
        return -float(model.log_prob(x).mean())


moons_flow = Study(
    run,
    {"couplings": [2, 4, 8, 16], "kind": ["affine", "additive"]},
    measure="test_excess_nll",
    seeds=5,
    name="a normalizing flow",
)


# --- what happens inside -----------------------------------------------------------------------

EDGES = (-1.7, 2.7, -1.2, 1.7)  # of the pictures: left, right, lower, upper


def parts(results: Results) -> list[Part]:
    """What is exact, the densities, and how the plane is bent."""
    found = [_exact(results)]
    flows = _flows(results)
    if flows:
        found += [_densities(flows), _bending(*list(flows.items())[-1])]
    return found


def _exact(results: Results) -> Part:
    columns = {
        "test_nll": "test nll",
        "test_excess_nll": "above the true density's",
        "integral of the density": "integral of the density",
        "inverse's largest error": "largest error of the inverse",
    }
    rows = []
    for arm in results.arms:
        done = [run["values"] for run in results.of(arm) if run["status"] == "done"]
        if done:
            least = [min(values[name] for values in done) for name in columns]
            most = [max(values[name] for values in done) for name in columns]
            rows.append((arm, *(_span(a, b) for a, b in zip(least, most, strict=True))))
    return Part(
        "A normalizing flow: a density that is one",
        """
        An invertible network carries points x to z = f(x), which is asked to be normal. A density
        is carried along by the change of variables: `log p(x) = log N(f(x)) + log |det ∂f/∂x|`.
        The second term counts how much f stretches the plane at x: where it stretches, a
        small area of x fills a large area of z, and collects much probability.

        A coupling makes both the inverse and the determinant easy. It leaves one coordinate, and
        moves the other: `y₂ = x₂ exp(s(x₁)) + t(x₁)`. Since x₁ is still there, s and t are
        known on the way back, and the network that computes them need not be invertible. The
        matrix of derivatives is triangular, so log |det| is s(x₁). An additive coupling has
        s = 0: it only shears the plane.

        The table has the least and the greatest value over the runs. The integral of each density,
        a sum over a grid, is 1 without anything in the training that asks for it, and the inverse
        is exact but for the rounding of single precision. The moons' true density is known as
        well, a half circle blurred by noise, so the loss can be compared with the least one that
        is possible: the difference is the Kullback-Leibler divergence, estimated on test points.
        """,
        table=(["arm", *columns.values()], rows),
    )


def _span(least: float, most: float) -> str:
    if most < 0.01:
        return f"{least:.1e} to {most:.1e}"
    return f"{least:.3f} to {most:.3f}"


def _flows(results: Results) -> dict[str, Flow]:
    """The flows that the first runs left: the additive before the affine, the longest last."""
    runs = [results.of(arm)[0] for arm in results.arms]
    runs.sort(key=lambda run: (run["config"]["kind"] == "affine", run["config"]["couplings"]))
    found = {}
    for run in runs:
        folder = results.folder_of(run)
        if folder is not None and (folder / "model.h5").is_file():
            model = Flow(run["config"]["couplings"], run["config"]["kind"])
            model.load_state_dict(load(folder / "model.h5"))
            found[run["arm"]] = model
    return found


def _densities(flows: Mapping[str, Flow]) -> Part:
    return Part(
        "A normalizing flow: densities",
        """
        The density that the points are drawn from, and those that the first runs learned. A flow
        carries a single hill to two separate moons by a map without a tear, so a thin bridge is
        left between them: its points come from a line of z that is stretched until little
        probability is left on it. With more affine couplings the bridge becomes thinner. Additive
        couplings keep areas, and only the scale at the end changes them, everywhere alike. So what
        is dense in x must be dense in z, and all they have to make the moons with is bending; at
        each number of couplings their loss shows what that costs.
        """,
        figure=_densities_figure(flows),
        alt="Panels with the density in shades over the plane: first the true one, two half moons, "
        "then that of each flow, the moons of the longer ones being narrower and more even.",
    )


def _densities_figure(flows: Mapping[str, Flow]) -> Figure:
    from dlframe.viz import style

    left, right, lower, upper = EDGES
    across, up = linspace(left, right, 177), linspace(lower, upper, 117)
    points = cartesian_prod(up, across).flip(1)  # row after row
    with no_grad():
        found = {arm: model.log_prob(points).exp().numpy() for arm, model in flows.items()}
    shown = {"the true density": np.exp(true_log_prob(points.numpy(), marks=300)), **found}
    with style.house_style():
        rows = -(-len(shown) // 3)
        figure = style.new_figure(7.8, 1.9 * rows)
        style.lay_out(figure, 1.9 * rows)
        grid = figure.subplots(rows, 3, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        for axes, (name, density) in zip(grid.flat, shown.items(), strict=False):
            axes.imshow(
                density.reshape(len(up), len(across)), origin="lower", extent=EDGES,
                cmap=style.blue_scale(), vmin=0, vmax=0.5,
            )  # fmt: skip
            axes.set_title(name)
        return style.finish(figure, None)


def _bending(arm: str, model: Flow) -> Part:
    return Part(
        "A normalizing flow: how the plane is bent",
        f"""
        The flow of {arm}, backwards: normal points z, and lines of a grid between them, are
        carried by f⁻¹ to the plane of x. This is how new points are drawn: one for each z, without
        rejecting any. Points of the upper half of z are drawn as circles, those of the lower half
        as triangles. Lines that lie close together in x mark where the flow presses the plane, and
        where it is dense; no line crosses another of its family, since f can be inverted.
        """,
        figure=_bending_figure(model),
        alt="Two panels: on the left normal points and a square grid; on the right the same points "
        "on two moons, and the grid bent around them.",
    )


def _bending_figure(model: Flow) -> Figure:
    from dlframe.viz import style

    random.manual_seed(0)
    z = randn(800, 2)
    with no_grad(), style.house_style():
        figure = style.new_figure(7.8, 3.3)
        style.lay_out(figure, 3.3)
        before, after = figure.subplots(1, 2)
        _draw_plane(before, z, z[:, 1] > 0, lambda points: points)
        _draw_plane(after, z, z[:, 1] > 0, model.inverse)
        before.set(title="z, normal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal")
        after.set(title="x = f⁻¹(z)", xlim=EDGES[:2], ylim=EDGES[2:], aspect="equal")
        return style.finish(figure, None)


def _draw_plane(axes: Axes, z: Tensor, upper: Tensor, carried: Any) -> None:
    """Points, and under them the lines of a grid, all carried by a map."""
    from dlframe.viz import style

    along = linspace(-3, 3, 301)
    for at in linspace(-3, 3, 13).tolist():
        across = full_like(along, at)
        for line in (stack([along, across], 1), stack([across, along], 1)):
            axes.plot(*carried(line).T.numpy(), color=style.MUTED, lw=0.5, alpha=0.6)
    points = carried(z)
    looks: list[dict[str, Any]] = [
        {"marker": "o", "color": style.BLUE, "s": 8},
        {"marker": "^", "color": style.ORANGE, "s": 10},
    ]
    for chosen, look in zip((upper, ~upper), looks, strict=True):
        axes.scatter(*points[chosen].T.numpy(), linewidths=0, **look)
