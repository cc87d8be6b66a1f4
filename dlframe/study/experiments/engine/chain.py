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
from dlframe.study.experiments.engine.descending import Descent
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
    measure="error",
    tune=rates,
    tune_by="error",
    seeds=5,
    name="the hanging chain",
)
