"""A partial differential equation solved by a network: Poisson's equation on the unit square.

Δu = f inside, u = 0 on the boundary. As with the oscillator, the loss is the equation at some
points. What varies is how the boundary is held: by a penalty, or built into the network.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, random
from dlframe.autograd import grad, no_grad
from dlframe.dtypes import float64
from dlframe.study.experiments.engine.descending import DIGITS, Descent, right_digits
from dlframe.study.experiments.engine.drawing import courses, files_of, maps
from dlframe.study.explanation import Part
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import rand, zeros
from dlframe.tensor.functions import cat, stack

Array = NDArray[np.float64]

INSIDE, EDGE = 300, 30  # points in the square, and on each of its sides
UNITS = 32
EVALUATIONS = 50  # of the gradient in an epoch
PENALTY = 100.0  # the weight of the boundary in the loss
RATES = {"LBFGS": 1.0, "Adam": 0.003}
GRID = 51


def exact(x: Any, y: Any) -> Any:
    """sin πx sin 2πy, which is 0 on the boundary."""
    return np.sin(math.pi * x) * np.sin(2 * math.pi * y)


def source(points: Tensor) -> Tensor:
    """F = Δu = -(1 + 4) π² u."""
    x, y = points.T
    values: Tensor = -5 * math.pi**2 * (math.pi * x).sin() * (2 * math.pi * y).sin()
    return values


# --- networks ----------------------------------------------------------------------------------


class Field(nn.Module):
    """u(x, y) = N(x, y), or with the boundary built in: x (1 - x) y (1 - y) N(x, y)."""

    def __init__(self, boundary: str) -> None:
        super().__init__()
        self.built_in = boundary == "built in"
        self.network = nn.Sequential(
            nn.Linear(2, UNITS), nn.Tanh(), nn.Linear(UNITS, UNITS), nn.Tanh(),
            nn.Linear(UNITS, 1),
        )  # fmt: skip

    def forward(self, points: Tensor) -> Tensor:
        """For points (n, 2) the values (n,)."""
        u: Tensor = self.network(points)[:, 0]
        if not self.built_in:
            return u
        inside: Tensor = (points * (1 - points)).prod(dim=1) * u
        return inside


def field(boundary: str, seed: int) -> Field:
    """In double precision, with initial values by the seed."""
    random.manual_seed(seed)
    return Field(boundary).double()


def points(seed: int) -> tuple[Tensor, Tensor]:
    """Random points inside the square, and on its four sides."""
    random.manual_seed(seed)
    inside = rand(INSIDE, 2, dtype=float64).requires_grad_()
    along = rand(4, EDGE, dtype=float64)
    none = zeros(EDGE, dtype=float64)
    sides = [(along[0], none), (along[1], none + 1), (none, along[2]), (none + 1, along[3])]
    return inside, cat([stack(side, dim=1) for side in sides])


# --- the equation ------------------------------------------------------------------------------


def laplacian(model: nn.Module, inside: Tensor) -> Tensor:
    """∂²u/∂x² + ∂²u/∂y² at each point."""
    [first] = grad(model(inside).sum(), inside, create_graph=True)
    [x] = grad(first[:, 0].sum(), inside, create_graph=True)
    [y] = grad(first[:, 1].sum(), inside, create_graph=True)
    both: Tensor = x[:, 0] + y[:, 1]
    return both


def loss_of(model: Field, inside: Tensor, edge: Tensor) -> Tensor:
    """The mean square of Δu - f, and of u on the boundary unless that is built in."""
    loss: Tensor = ((laplacian(model, inside) - source(inside)) ** 2).mean()
    if not model.built_in:
        loss = loss + PENALTY * (model(edge) ** 2).mean()
    return loss


def run(
    seeds: Seeds,
    boundary: str = "built in",
    optimizer: str = "LBFGS",
    lr: float | None = None,
    epochs: int = 40,
    folder: Path | None = None,
) -> dict[str, Any]:
    """How is a boundary held best, where a network solves a partial differential equation?"""
    model = field(boundary, seeds.weights)
    inside, edge = points(seeds.data)
    rate = RATES[optimizer] if lr is None else lr
    descent = Descent(optimizer, model.parameters(), rate, EVALUATIONS)
    losses, errors = [], []
    for _ in range(epochs):
        losses.append(descent.epoch(lambda: loss_of(model, inside, edge)))
        errors.append(error(solution(model)))
    found = solution(model)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "solution.npy", found)
    sides = np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]])
    return {
        "loss": losses,
        "error": errors,
        DIGITS: right_digits(errors[-1]),
        "error on the boundary": float(np.abs(sides).max()),
    }


def grid(size: int = GRID) -> tuple[Array, Array]:
    """Coordinates of the points at which solutions are compared."""
    x, y = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size))
    return x, y


def solution(model: nn.Module) -> Array:
    """U on the grid."""
    x, y = grid()
    with no_grad():
        values = model(Tensor(np.stack([x.ravel(), y.ravel()], axis=1)))
    return np.asarray(values.numpy().reshape(x.shape))


def error(found: Array) -> float:
    """The root of the mean squared error, as a share of the solution's root mean square."""
    right = exact(*grid(len(found)))
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))


def by_differences(size: int) -> Array:
    """The classical solution: (u_left + u_right + u_above + u_below - 4u) / h² = f on a grid."""
    from scipy.sparse import diags_array, eye_array, kron
    from scipy.sparse.linalg import spsolve

    inner, h = size - 2, 1 / (size - 1)
    line = diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(inner, inner)) / h**2
    unit = eye_array(inner)
    x, y = (part[1:-1, 1:-1].ravel() for part in grid(size))
    right = source(Tensor(np.stack([x, y], axis=1))).numpy()
    found = np.zeros((size, size))
    matrix = (kron(line, unit) + kron(unit, line)).tocsr()
    found[1:-1, 1:-1] = spsolve(matrix, right).reshape(inner, inner)
    return found


poisson = Study(
    run,
    {"boundary": ["built in", "penalty"], "optimizer": ["LBFGS", "Adam"]},
    measure=DIGITS,
    mode="max",
    seeds=5,
    name="Poisson's equation",
)


# --- what happens inside -----------------------------------------------------------------------


def parts(results: Results) -> list[Part]:
    """The solution and its error, how fast it came, and what a classical method gives."""
    return [*_solution(results), *_speeds(results), _classical()]


def _solution(results: Results) -> list[Part]:
    files = files_of(results, "built in, LBFGS", "solution.npy")
    if not files:
        return []
    found = np.load(files[0])
    difference = found - exact(*grid())
    figure = maps(
        {"exact u": exact(*grid()), "network": found, "difference": difference},
        "Poisson's equation",
    )
    return [
        Part(
            "Poisson's equation: a boundary that cannot be missed",
            """Δu = ∂²u/∂x² + ∂²u/∂y² is how far u at a point is below the mean of its surroundings.
            Three calls of `grad` give it: one for both slopes, and one more for each of them.

            Many functions fulfil Δu = f; the boundary chooses one of them. With a penalty the loss
            has two goals, and its weight decides how much of one is given up for the other. If the
            network is multiplied by x(1-x) y(1-y), which is 0 on all four sides, the boundary holds
            whatever the weights are, and one goal is left.""",
            figure,
            "Three maps of the unit square: the exact solution with a hill and a valley, that of "
            "the network, which looks the same, and their small difference, 0 on the boundary.",
        )
    ]


def _speeds(results: Results) -> list[Part]:
    figure = courses(results, results.arms, "error", "Error of the solution of Poisson's equation")
    if figure is None:
        return []
    text = "The error of each arm's first run, as a share of the solution's root mean square."
    return [Part("How fast the error falls", text, figure, text)]


def _classical() -> Part:
    rows = [[f"{size} × {size}", f"{error(by_differences(size)):.1e}"] for size in (11, 21, 41, 81)]
    return Part(
        "The classical way",
        """On a square nobody needs a network for this. Finite differences replace Δu by
        (left + right + above + below - 4 middle) / h², which is one sparse system of linear
        equations, solved in a fraction of a second; with half the distance h, a quarter of the
        error. The network needs no grid: its points lie anywhere, and its solution can be evaluated
        and differentiated everywhere. That pays in odd shapes and many dimensions, not here.""",
        table=(["grid", "error of finite differences"], rows),
    )
