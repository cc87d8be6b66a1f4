"""A differential equation solved by a network through its derivatives: the damped oscillator.

The network u(t) is trained on no values of the solution. Its loss is the equation itself,
u″ + 2δu′ + ω²u = 0, at points in time, with the beginning u(0) = 1, u′(0) = 0. The derivatives with
respect to t come from the engine, and the loss is differentiated once more for the weights.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, random
from dlframe.autograd import grad
from dlframe.dtypes import float64
from dlframe.study.experiments.engine.descending import DIGITS, Descent, right_digits
from dlframe.study.experiments.engine.drawing import courses, files_of, lines
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import linspace

Array = NDArray[np.float64]

DAMPING, FREQUENCY, TIME = 0.3, 2.5, 6.0
POINTS = 120
UNITS = 32
EVALUATIONS = 50  # of the gradient in an epoch
BEGINNING = 10.0  # the weight of the conditions at t = 0
RATES = {"LBFGS": 1.0, "Adam": 0.003}


def exact(t: Array) -> Array:
    """exp(-δt) (cos νt + δ/ν sin νt), with ν² = ω² - δ²."""
    nu = math.sqrt(FREQUENCY**2 - DAMPING**2)
    wave = np.cos(nu * t) + DAMPING / nu * np.sin(nu * t)
    return np.asarray(np.exp(-DAMPING * t) * wave)


def without_second(t: Array) -> Array:
    """The solution of the equation without u″: 2δu′ + ω²u = 0, u(0) = 1."""
    return np.asarray(np.exp(-(FREQUENCY**2) / (2 * DAMPING) * t))


class Sine(nn.Module):
    """sin x, whose derivatives are all as smooth as itself."""

    def forward(self, x: Tensor) -> Tensor:
        """For x of any shape."""
        return x.sin()


def network(activation: str, seed: int) -> nn.Sequential:
    """1-32-32-1, for times from 0 to `TIME`."""
    random.manual_seed(seed)
    make = Sine if activation == "sine" else getattr(nn, activation)
    layers = nn.Sequential(
        nn.Linear(1, UNITS), make(), nn.Linear(UNITS, UNITS), make(), nn.Linear(UNITS, 1)
    )
    return layers.double()


def derivatives(model: nn.Module, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """u, u′ and u″ at every time; the sum's gradient has each one's own, since they are apart."""
    u: Tensor = model(t)
    first = _slope(u, t)
    return u, first, _slope(first, t)


def _slope(y: Tensor, t: Tensor) -> Tensor:
    """dy/dt; zeros if y does not change with t, as the slope of a network of ReLUs."""
    slope: Tensor
    [slope] = grad(y.sum(), t, create_graph=True, allow_unused=True, materialize_grads=True)
    return slope


def loss_of(model: nn.Module, t: Tensor) -> Tensor:
    """The mean square of the equation's residual, and the conditions at t[0] = 0."""
    u, first, second = derivatives(model, t)
    residual = second + 2 * DAMPING * first + FREQUENCY**2 * u
    beginning = (u[0] - 1) ** 2 + first[0] ** 2
    loss: Tensor = (residual**2).mean() + BEGINNING * beginning.sum()
    return loss


def run(
    seeds: Seeds,
    activation: str = "Tanh",
    optimizer: str = "LBFGS",
    lr: float | None = None,
    epochs: int = 40,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Which activations can solve a differential equation?"""
    model = network(activation, seeds.weights)
    t = linspace(0, TIME, POINTS, dtype=float64).reshape(-1, 1).requires_grad_()
    rate = RATES[optimizer] if lr is None else lr
    descent = Descent(optimizer, model.parameters(), rate, EVALUATIONS)
    losses, errors = [], []
    for _ in range(epochs):
        losses.append(descent.epoch(lambda: loss_of(model, t)))
        errors.append(error(model))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        found = solution(model)
        np.savez(folder / "solution.npz", t=found["t"], u=found["u"], u2=found["u2"])
    return {"loss": losses, "error": errors, DIGITS: right_digits(errors[-1])}


def solution(model: nn.Module) -> dict[str, Array]:
    """Times, u and u″ on a fine grid."""
    t = linspace(0, TIME, 301, dtype=float64).reshape(-1, 1).requires_grad_()
    u, _, second = derivatives(model, t)
    return {
        name: value.detach().numpy()[:, 0] for name, value in (("t", t), ("u", u), ("u2", second))
    }


def error(model: nn.Module) -> float:
    """The root of the mean squared error, as a share of the solution's root mean square."""
    found = solution(model)
    right = exact(found["t"])
    return float(np.linalg.norm(found["u"] - right) / np.linalg.norm(right))


oscillator = Study(
    run,
    {"activation": ["Tanh", "sine", "SiLU", "Sigmoid", "ReLU"], "optimizer": ["LBFGS", "Adam"]},
    measure=DIGITS,
    mode="max",
    design="one at a time",
    seeds=5,
    name="an oscillator",
)


# --- what happens inside -----------------------------------------------------------------------


def parts(results: Results) -> list[Part]:
    """The solutions with their second derivatives, and how fast they came."""
    return [*_solutions(results), *_speeds(results)]


def _solutions(results: Results) -> list[Part]:
    arms = {"baseline": "Tanh", "ReLU": "ReLU"}
    files = {name: files_of(results, arm, "solution.npz") for arm, name in arms.items()}
    found = {name: np.load(paths[0]) for name, paths in files.items() if paths}
    if not found:
        return []
    t = np.linspace(0, TIME, 301)
    values = {"exact": (t, exact(t))} | {n: (f["t"], f["u"]) for n, f in found.items()}
    values["exact, without u″"] = (t, without_second(t))
    seconds = {"exact": (t, _second(t))} | {n: (f["t"], f["u2"]) for n, f in found.items()}
    figure = lines({"u": values, "u″": seconds}, "The oscillator and its curvature", "time")
    return [
        Part(
            "An oscillator: the loss is the equation",
            """The network is a function u(t). `autograd.grad` with `create_graph=True` gives u′ as
            another function of the weights, and once more u″. The loss is the mean square of
            u″ + 2δu′ + ω²u over some points in time, and of the conditions at the start. Where it
            is 0 at every time, the network is the solution; no value of the solution is ever shown
            to it.

            ReLU is made of straight pieces, and so is any network of ReLUs. Its second derivative
            is 0 wherever there is one; the kinks, in which all of its bending is, are points that
            no derivative sees. So u″ drops out of the loss, and what is left is the equation
            2δu′ + ω²u = 0. Its solutions fall to 0 without swinging back, and they contradict
            u′(0) = 0; the network finds some compromise, which has nothing to do with the
            oscillator. More units or a longer training cannot help: it is the wrong equation. The
            same holds for any loss with a second derivative with respect to the inputs.""",
            figure,
            "On the left u over time: the exact damped oscillation, and the networks of tanh and "
            "ReLU beside it. On the right u″, which is 0 everywhere for the ReLU network.",
        )
    ]


def _second(t: Array) -> Array:
    """The exact u″, by the equation: -2δu′ - ω²u, with u′ = -ω²/ν exp(-δt) sin νt."""
    nu = math.sqrt(FREQUENCY**2 - DAMPING**2)
    first = -(FREQUENCY**2) / nu * np.exp(-DAMPING * t) * np.sin(nu * t)
    return np.asarray(-2 * DAMPING * first - FREQUENCY**2 * exact(t))


def _speeds(results: Results) -> list[Part]:
    figure = courses(results, results.arms, "error", "Error of the oscillator")
    if figure is None:
        return []
    return [
        Part(
            "Smoothness, and the optimizer",
            """The baseline is tanh with LBFGS. A network of sines begins with waves, as the
            solution has them. The loss mixes u with its second derivative, which grows with the
            square of a frequency; so the loss is far steeper in some directions of the weights than
            in others. That is where an estimate of the curvature, as LBFGS makes it from past
            gradients, helps most, and where steps along the gradient, as Adam takes them, need
            long.""",
            figure,
            "The error of each arm's first run over epochs, on a logarithmic scale.",
        )
    ]
