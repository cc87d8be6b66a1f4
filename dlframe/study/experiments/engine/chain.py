"""The hanging chain: the shape of least potential energy, found by descent and by Newton's method.

A chain of rigid links hangs between two nails of equal height. The unknowns are the angles of the
links, so every link keeps its length. That the last one ends at the nail is a constraint, which
Lagrange's multipliers hold. The exact solution is known, and with ever more links it becomes the
catenary.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import func, linalg, random
from dlframe.dtypes import float64
from dlframe.study.experiments.engine.descending import DIGITS, Descent, right_digits
from dlframe.study.experiments.engine.drawing import courses, lines, mean_of
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import linspace, rand, tensor
from dlframe.tensor.functions import cat, stack, where

Array = NDArray[np.float64]

LENGTH, WIDTH = 2.0, 1.0  # of the chain, which weighs 1 per length, and between the nails
LINKS = 40
PENALTY = 3.0
EVALUATIONS = 10  # of the gradient in an epoch; Newton's method makes one step
NOISE = 0.1  # of the first angles, in radians


# --- the mechanics -----------------------------------------------------------------------------


def joints(angles: Tensor) -> Tensor:
    """The ends of the links, (n, 2): each link adds its length in the direction of its angle."""
    steps = stack([angles.cos(), angles.sin()], dim=1) * (LENGTH / len(angles))
    ends: Tensor = steps.cumsum(0)
    return ends


def energy(angles: Tensor) -> Tensor:
    """Length times height, summed over the links: the centre of one is between its two joints."""
    heights = joints(angles)[:, 1]
    total: Tensor = (heights.sum() - heights[-1] / 2) * (LENGTH / len(angles))
    return total


def gap(angles: Tensor) -> Tensor:
    """From the second nail to the end of the chain: 0 where the constraint holds."""
    apart: Tensor = joints(angles)[-1] - tensor([WIDTH, 0.0], dtype=float64)
    return apart


def lagrangian(unknowns: Tensor) -> Tensor:
    """E(θ) + λ · gap(θ), of the angles and the two multipliers as one vector."""
    angles, forces = unknowns[:-2], unknowns[-2:]
    value: Tensor = energy(angles) + forces @ gap(angles)
    return value


# --- exact solutions ---------------------------------------------------------------------------


def _root(equation: Any, low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(equation, low, high, xtol=1e-15, rtol=1e-14))


def exact_joints(links: int) -> Array:
    """The joints at rest: the slope grows by the same amount from each link to the next.

    In the middle of the chain the slope is 0, so one number is left to find, by the width.
    """
    places = np.arange(links) - (links - 1) / 2
    width = lambda slope: float(np.cos(np.arctan(slope * places)).mean()) * LENGTH - WIDTH
    angles = np.arctan(_root(width, 1e-9, 1e9) * places)
    steps = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (LENGTH / links)
    return np.asarray(steps.cumsum(0))


def sag() -> float:
    """a of the catenary y = a cosh(x / a): 2a sinh(w / 2a) is the length."""
    return _root(lambda a: 2 * a * math.sinh(WIDTH / (2 * a)) - LENGTH, 0.01, 100.0)


def catenary(links: int) -> Array:
    """The points of the catenary at the joints' distances along the chain."""
    a = sag()
    along = np.arange(1, links + 1) * (LENGTH / links) - LENGTH / 2
    x = a * np.arcsinh(along / a)
    y = a * np.cosh(x / a) - a * math.cosh(WIDTH / (2 * a))
    return np.asarray(np.stack([x + WIDTH / 2, y], axis=1))


def distance(angles: Tensor, points: Array) -> float:
    """From the joint that is farthest from its place."""
    apart = joints(angles.detach()).numpy() - points
    return float(np.hypot(*apart.T).max())


# --- descent -----------------------------------------------------------------------------------


def start(links: int, seed: int) -> Tensor:
    """Two straight halves, down and up again, with noise on the angles."""
    random.manual_seed(seed)
    slant = math.acos(WIDTH / LENGTH)
    halves = where(linspace(-1, 1, links, dtype=float64) < 0, -slant, slant)
    noisy: Tensor = halves + NOISE * (2 * rand(links, dtype=float64) - 1)
    return noisy


def first_forces(angles: Tensor) -> Tensor:
    """The multipliers that come nearest to a balance ∇E + Jᵀλ = 0 at these angles."""
    slopes = func.grad(energy)(angles)
    found: Tensor = linalg.lstsq(func.jacrev(gap)(angles).T, -slopes[:, None]).solution
    return found[:, 0]


class Multipliers:
    """Descent on E + λ·gap + ½μ|gap|²; after each epoch λ ← λ + μ gap.

    The penalty μ alone would leave a gap, since a spring that pulls is a spring that is stretched.
    The multipliers take over its force. Hestenes 1969, Powell 1969.
    """

    def __init__(self, angles: Tensor, optimizer: str, lr: float) -> None:
        self.angles = angles.clone().requires_grad_()
        self.forces = first_forces(angles)
        self.descent = Descent(optimizer, [self.angles], lr, EVALUATIONS)

    def loss(self) -> Tensor:
        """The augmented Lagrangian."""
        apart = gap(self.angles)
        value: Tensor = energy(self.angles) + self.forces @ apart + PENALTY / 2 * apart @ apart
        return value

    def epoch(self) -> None:
        """Some steps with the same multipliers, then one of theirs."""
        self.descent.epoch(self.loss)
        self.forces = self.forces + PENALTY * gap(self.angles.detach())


class Newton:
    """z ← z − lr H⁻¹ ∇L for angles and multipliers together: where ∇L = 0, the chain rests."""

    def __init__(self, angles: Tensor, optimizer: str, lr: float) -> None:
        self.unknowns = cat([angles, first_forces(angles)])
        self.lr = lr

    @property
    def angles(self) -> Tensor:
        """θ."""
        return self.unknowns[:-2]

    @property
    def forces(self) -> Tensor:
        """λ."""
        return self.unknowns[-2:]

    def epoch(self) -> None:
        """One step."""
        z = self.unknowns
        step = linalg.solve(func.hessian(lagrangian)(z), func.grad(lagrangian)(z))
        self.unknowns = z - self.lr * step


def method(name: str) -> type[Newton | Multipliers]:
    """By the name of a level."""
    return Newton if name == "Newton" else Multipliers


def run(
    seeds: Seeds, optimizer: str = "LBFGS", lr: float = 1.0, links: int = LINKS, epochs: int = 60
) -> dict[str, Any]:
    """Which method finds the shape of a hanging chain?"""
    exact = exact_joints(links)
    chain = method(optimizer)(start(links, seeds.weights), optimizer, lr)
    errors, gaps = [], []
    for _ in range(epochs):
        chain.epoch()
        errors.append(distance(chain.angles, exact))
        gaps.append(float(gap(chain.angles.detach()).norm()))
    return {
        "error": errors,
        DIGITS: right_digits(errors[-1]),
        "gap at the nail": gaps,
        "error from the catenary": distance(chain.angles, catenary(links)),
        "force across": -float(chain.forces[0]),
        "force upward": -float(chain.forces[1]),
    }


def rates(levels: dict[str, Any]) -> dict[str, list[float]]:
    """What is tried for each method; with Newton's, shares of its step."""
    tried = {"gradient descent": [0.3, 1.0, 3.0], "Adam": [0.001, 0.003, 0.01]}
    return {"lr": tried.get(levels["optimizer"], [0.1, 0.3, 1.0])}


hanging_chain = Study(
    run,
    {"optimizer": ["gradient descent", "Adam", "LBFGS", "Newton"]},
    measure=DIGITS,
    mode="max",
    tune=rates,
    tune_by="error",
    seeds=5,
    name="the hanging chain",
)


# --- what happens inside -----------------------------------------------------------------------


def parts(results: Results) -> list[Part]:
    """The shape on its way, how fast methods come near, forces, and more links."""
    return [_shapes(), *_speeds(results), _forces(results), _more_links()]


def _shapes() -> Part:
    first = start(LINKS, Seeds(0).weights)
    chain = Multipliers(first, "gradient descent", 0.3)
    shapes = {"start": first}
    for epoch in range(1, 31):
        chain.epoch()
        if epoch in (5, 30):
            shapes[f"{EVALUATIONS * epoch} steps"] = chain.angles.detach().clone()
    found = {name: _line(joints(angles).numpy()) for name, angles in shapes.items()}
    curve = _line(catenary(LINKS))
    panels = {
        f"{LINKS} links on their way": {"catenary": curve, **found},
        "At rest": {"catenary": curve, "6 links": _line(exact_joints(6))},
    }
    figure = lines(panels, "A chain finds its rest", "x", "y", equal=True)
    return Part(
        "The hanging chain: energy instead of forces",
        """A chain at rest has the least potential energy that its links allow. The program says
        nothing about forces: it computes the heights of the links from their angles θ, adds them
        up to the energy E(θ), and lets the engine find dE/dθ.

        The end of the chain must be at the second nail. `Multipliers` descends on
        E + λ · gap + ½ μ |gap|², where gap is the way from the nail to the end of the chain. A
        penalty μ alone is a spring, and a spring that pulls is stretched, so a gap would remain.
        After each epoch λ ← λ + μ gap hands the pull of the spring over to λ, until the spring has
        nothing left to do.""",
        figure,
        "Chains between two nails. On the left two straight noisy halves at the start, then "
        "rounder with every step of gradient descent, near the catenary in the end. On the right a "
        "chain of six links, whose joints are near the catenary.",
    )


def _line(points: Array) -> tuple[Array, Array]:
    whole = np.concatenate([np.zeros((1, 2)), points])
    return whole[:, 0], whole[:, 1]


def _speeds(results: Results) -> list[Part]:
    figure = courses(results, results.arms, "error", "Distance from the exact joints")
    if figure is None:
        return []
    return [
        Part(
            "Slopes, memory of slopes, and curvature",
            f"""An epoch is {EVALUATIONS} evaluations of the gradient, and one step of Newton's
            method, which solves H s = -∇L with the Hessian H of the Lagrangian, from
            `func.hessian`. Where H hardly changes, such a step leads to the solution: the number of
            right digits doubles with each one, so its line falls ever more steeply. Gradient
            descent gains about as many digits in each epoch as in the one before: a straight line.

            Adam divides each slope by its usual size, so its steps have about the length of the
            learning rate also near the solution, and it keeps moving around it. LBFGS builds an
            estimate of H⁻¹ from past gradients. Its line search compares values of the loss; near a
            minimum they differ by the square of the distance, so below a distance of about 10⁻⁸
            they are the same number with 16 digits, and it stops.""",
            figure,
            "Distance from the exact joints over epochs on a logarithmic scale, a line for each "
            "method.",
        )
    ]


def _forces(results: Results) -> Part:
    rows = [
        [arm, f"{mean_of(results, arm, 'force across'):.6f}",
         f"{mean_of(results, arm, 'force upward'):.6f}"]
        for arm in results.arms
    ]  # fmt: skip
    rows.append(["catenary", f"{sag():.6f}", f"{LENGTH / 2:.6f}"])
    return Part(
        "Multipliers are forces",
        """At rest ∇E + Jᵀλ = 0: what pulls the links down is balanced by what holds the end. So -λ
        is the force with which the nail holds the chain, though no force was put in. Upward it must
        be half of the weight; across it is the number a of the catenary y = a cosh(x / a), since
        the chain weighs 1 per length. A chain of few links differs from it a little.""",
        table=(["", "across", "upward"], rows),
    )


def _more_links() -> Part:
    counts = [5, 10, 20, 40, 80, 160]
    apart = [np.hypot(*(exact_joints(n) - catenary(n)).T).max() for n in counts]
    return Part(
        "The catenary is the limit",
        """The joints of a chain of rigid links at rest are known, too: the slope of the links grows
        by the same amount from one to the next. This is the solution by which errors are measured
        here. How far it is from the catenary depends on the number of links: with twice as many,
        a quarter of the distance.""",
        table=(
            ["links", "largest distance of a joint from the catenary"],
            [[n, f"{distance:.2e}"] for n, distance in zip(counts, apart, strict=True)],
        ),
    )
