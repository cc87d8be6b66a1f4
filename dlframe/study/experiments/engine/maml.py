"""Learning to learn: initial weights from which a few steps of descent fit a new sine.

Each task is a sine y = a sin(x − p) with its own amplitude and phase, of which ten points are seen.
MAML trains the initial weights θ so that the loss *after* a step of descent on these points is
small: it minimizes L'(θ − α ∇L(θ)), a loss whose gradient goes through a gradient.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.func import functional_call, grad, vmap
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import linspace, rand
from dlframe.utils import load, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Weights = dict[str, Tensor]
Points = tuple[Tensor, Tensor]  # x and y (tasks, points, 1)

SEEN, NEW = 10, 100  # points of a sine to learn from, and to test with
TASKS = 25  # sines of one outer step
STEPS = 100  # outer steps of an epoch
INNER_RATE = 0.02
RATES = (0.003, 0.01, 0.02, 0.04)  # of descent on a new sine, chosen on validation sines
REPORTED = (0, 1, 2, 5, 10)  # steps on a new sine after which its error is measured
MEASURED = 5  # those of the study's measure

METHODS = ("MAML", "first-order MAML", "pretraining", "from scratch")


# --- tasks -------------------------------------------------------------------------------------


def sines(count: int, points: int) -> Points:
    """Points of `count` sines with amplitudes in [0.1, 5] and phases in [0, π]; x is in [-5, 5]."""
    amplitude = 0.1 + 4.9 * rand(count, 1, 1)
    phase = math.pi * rand(count, 1, 1)
    x = 10 * rand(count, points, 1) - 5
    return x, amplitude * (x - phase).sin()


def parted(task: Points) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The points to learn from, and the others."""
    x, y = task
    return x[:, :SEEN], y[:, :SEEN], x[:, SEEN:], y[:, SEEN:]


def network() -> nn.Sequential:
    """1-40-40-1 with ReLU."""
    return nn.Sequential(
        nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1)
    )


# --- learning to learn -------------------------------------------------------------------------


def error(model: nn.Module, weights: Weights, x: Tensor, y: Tensor) -> Tensor:
    """The mean squared error of the model with other weights."""
    loss: Tensor = nn.functional.mse_loss(functional_call(model, weights, (x,)), y)
    return loss


def adapted(
    model: nn.Module, weights: Weights, x: Tensor, y: Tensor, rate: float, *, first_order: bool
) -> Weights:
    """θ − α ∇L(θ); its derivative is I − α ∇²L, or, to first order, taken to be I."""
    gradient = grad(functools.partial(error, model))(weights, x, y)
    if first_order:
        gradient = {name: g.detach() for name, g in gradient.items()}
    return {name: weights[name] - rate * gradient[name] for name in weights}


def outer_loss(
    model: nn.Module, method: str, task: Points, rate: float, inner_steps: int = 1
) -> Tensor:
    """The mean over tasks of the error at new points after steps of descent on the seen ones.

    Ordinary pretraining has the error at all points, without any step.
    """
    weights: Weights = dict(model.named_parameters())
    if method == "pretraining":
        return error(model, weights, *task)
    first_order = method == "first-order MAML"

    def one(x: Tensor, y: Tensor, x_new: Tensor, y_new: Tensor) -> Tensor:
        fast = weights
        for _ in range(inner_steps):
            fast = adapted(model, fast, x, y, rate, first_order=first_order)
        return error(model, fast, x_new, y_new)

    loss: Tensor = vmap(one)(*parted(task)).mean()
    return loss


def course(model: nn.Module, task: Points, rate: float, steps: int) -> list[float]:
    """The mean error at new points of new sines after 0, 1, ... steps of descent on seen ones."""
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def one(x: Tensor, y: Tensor, x_new: Tensor, y_new: Tensor) -> list[Tensor]:
        fast, errors = weights, [error(model, weights, x_new, y_new)]
        for _ in range(steps):
            fast = adapted(model, fast, x, y, rate, first_order=True)
            errors.append(error(model, fast, x_new, y_new))
        return errors

    with no_grad():
        return [float(errors.mean()) for errors in vmap(one)(*parted(task))]


def chosen_rate(model: nn.Module, task: Points) -> float:
    """The rate with the least error after `MEASURED` steps."""
    found = {rate: course(model, task, rate, MEASURED)[-1] for rate in RATES}
    return min(found, key=lambda rate: found[rate] if math.isfinite(found[rate]) else math.inf)


def run(
    seeds: Seeds,
    method: str = "MAML",
    inner_steps: int = 1,
    epochs: int = 40,
    folder: Path | None = None,
) -> dict[str, Any]:
    """From which initial weights do five steps of descent fit a new sine best?"""
    random.manual_seed(seeds.data)
    val, test = sines(200, SEEN + NEW), sines(500, SEEN + NEW)
    random.manual_seed(seeds.weights)
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=0.002)
    random.manual_seed(seeds.order)
    val_errors = []
    for _ in range(0 if method == "from scratch" else epochs):
        for _ in range(STEPS):
            loss = outer_loss(model, method, sines(TASKS, 2 * SEEN), INNER_RATE, inner_steps)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        val_errors.append(course(model, val, INNER_RATE, MEASURED)[-1])
    rate = chosen_rate(model, val)
    if folder is not None:
        save({"weights": model.state_dict(), "rate": rate}, folder / "model.h5")
    errors = functools.cache(lambda: course(model, test, rate, max(REPORTED)))
    return {
        "val_error": val_errors,
        "rate on new sines": rate,
        "test_error": lambda: errors()[MEASURED],
        **{_after(k): functools.partial(lambda k: errors()[k], k) for k in REPORTED},
    }


def _after(steps: int) -> str:
    return f"test_error after {steps} step{'' if steps == 1 else 's'}"


learning_to_learn = Study(
    run, {"method": list(METHODS)}, measure="test_error", seeds=5, name="learning to learn"
)


# --- what happens inside -----------------------------------------------------------------------


def parts(results: Results) -> list[Part]:
    """The error after each step, and fits of one sine from the weights of each method."""
    found = [_errors(results)]
    models = _models(results)
    if models:
        found.append(_fits(models))
    return found


def _errors(results: Results) -> Part:
    means = {arm: [_mean(results, arm, _after(k)) for k in REPORTED] for arm in results.arms}
    rates = {arm: _mean(results, arm, "rate on new sines") for arm in results.arms}
    rows = [
        (arm, *(f"{value:.3f}" for value in means[arm]), f"{rates[arm]:g}") for arm in results.arms
    ]
    return Part(
        "Learning to learn: the error after each step on a new sine",
        """
        A task is a sine with its own amplitude and phase. Ten points of it are seen, and the
        error is measured at a hundred others. Ordinary pretraining lets one network fit all sines
        at once. At each x it can do no better than the mean of all sines, and that is what it
        learns: a good answer without any step, and a poor place to begin.

        MAML asks for something else: weights θ from which one step of descent with the rate α
        on the seen points leads to a small error at the other points. It minimizes
        `L'(θ − α ∇L(θ))` over many sines. The gradient of this goes through the step, whose
        derivative is `I − α ∇²L(θ)`; so the engine differentiates a gradient: `func.grad` inside
        of a loss on which `backward()` is called. First-order MAML leaves the term with `∇²L`
        out, and takes the gradient at the new weights as if it were that at the old ones.

        The table has the mean error after so many steps on a new sine. The rate of these steps
        was chosen for each method on other sines.
        """,
        table=(
            [
                "method",
                *(_after(k).removeprefix("test_error after ") for k in REPORTED),
                "mean rate",
            ],
            rows,
        ),
        figure=_errors_figure(means),
        alt="Four lines: the mean squared error on new sines over the number of steps of descent, "
        "on a logarithmic scale. The values are those of the table.",
    )


def _mean(results: Results, arm: str, measure: str) -> float:
    """The mean over finished runs; NaN if there is none."""
    values = [v for v in results.values(measure)[arm] if math.isfinite(v)]
    return sum(values) / len(values) if values else math.nan


def _errors_figure(means: Mapping[str, list[float]]) -> Figure:
    from dlframe.viz import looks, panels, style

    values = [v for row in means.values() for v in row if math.isfinite(v) and v > 0]
    with style.house_style():
        figure = style.new_figure(6.2, 3.4)
        style.lay_out(figure, 3.4)
        axes = figure.subplots()
        for arm, look in looks.looks_of(means).items():
            axes.plot(REPORTED, means[arm], label=arm, **look)
        axes.set(xlabel="steps of descent on the new sine", ylabel="mean squared error")
        if values:
            panels.log_axis(axes, min(values), max(values))
        axes.set_xticks(REPORTED, [str(k) for k in REPORTED])
        axes.grid(axis="y")
        axes.legend()
        return style.finish(figure, None)


def _models(results: Results) -> dict[str, tuple[nn.Module, float]]:
    """Of each method the network and the rate that its first run left."""
    found: dict[str, tuple[nn.Module, float]] = {}
    for arm in results.arms:
        folder = results.folder_of(results.of(arm)[0])
        if folder is not None and (folder / "model.h5").is_file():
            kept = load(folder / "model.h5")
            model = network()
            model.load_state_dict(kept["weights"])
            found[arm] = model, kept["rate"]
    return found


def _fits(models: Mapping[str, tuple[nn.Module, float]]) -> Part:
    return Part(
        "Learning to learn: one new sine",
        """
        The first run of each method, with a sine that it has not seen. The dotted curve is what
        the network says before any step. After one step a network of MAML, of either order, nears
        the sine also where no point was seen: what sines have in common is in its initial weights,
        and the points only say which sine it is. The pretrained network and the one from scratch
        move towards the points and nothing more, since to them it is a curve like any other.
        """,
        figure=_fits_figure(models),
        alt="A panel for each method with a sine, ten points on it, and the network's curve before "
        "descent, after one step and after ten.",
    )


def example(x: Tensor) -> Tensor:
    """The sine that is drawn."""
    y: Tensor = 3 * (x - 1).sin()
    return y


def _fits_figure(models: Mapping[str, tuple[nn.Module, float]]) -> Figure:
    from dlframe.viz import looks, style

    line = linspace(-5, 5, 201)[:, None]
    x = linspace(-4.5, 0.5, SEEN)[:, None]
    lines: dict[str, dict[str, Any]] = {
        "the sine": {"color": style.HAIRLINE, "lw": 5},
        "seen points": {"color": style.INK, "marker": "o", "linestyle": "none", "ms": 4},
        "before": {"color": style.MUTED, "linestyle": (0, (1.2, 1.2))},
        "after 1 step": {"color": style.ORANGE, "linestyle": (0, (5, 1.6))},
        "after 10 steps": {"color": style.BLUE, "linestyle": "solid"},
    }
    with style.house_style():
        columns = min(2, len(models))
        rows = -(-len(models) // columns)
        width, height = 3.8 * columns, 2.4 * rows
        strip = looks.legend_strip(lines, width)
        figure = style.new_figure(width, height + strip)
        style.lay_out(figure, height)
        looks.draw_legend(figure, height + strip, lines, width)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(models) :]:
            axes.set_axis_off()
        for axes, (name, (model, rate)) in zip(grid.flat, models.items(), strict=False):
            curves = _curves(model, x, example(x), line, rate, 10)
            drawn = [example(line), example(x), curves[0], curves[1], curves[10]]
            for look, y in zip(lines.values(), drawn, strict=True):
                axes.plot((x if y.shape == x.shape else line).numpy(), y.numpy(), **look)
            axes.set_title(name)
        return style.finish(figure, None)


def _curves(
    model: nn.Module, x: Tensor, y: Tensor, line: Tensor, rate: float, steps: int
) -> list[Tensor]:
    """What the network says along a line after 0, 1, ... steps on the seen points."""
    weights = {name: p.detach() for name, p in model.named_parameters()}
    found = []
    for _ in range(steps + 1):
        found.append(functional_call(model, weights, (line,)).detach())
        weights = adapted(model, weights, x, y, rate, first_order=True)
    return found
