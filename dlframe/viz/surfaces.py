"""Classic surfaces to watch optimizers on: functions of two numbers, with their minima.

Each is called with a point, a tensor or an array of shape (2,) or (2, ...), and returns the
heights, of shape () or (...). Jamil and Yang, "A literature survey of benchmark functions for
global optimisation problems" (2013), has most of them and many more.

>>> rosenbrock(dl.tensor([1.0, 1.0])).item(), rosenbrock.minima
(0.0, ((1.0, 1.0),))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "Surface",
    "beale",
    "himmelblau",
    "quadratic",
    "rastrigin",
    "rosenbrock",
    "saddle",
]

Point = tuple[float, float]
Window = tuple[Point, Point]


@dataclass(frozen=True)
class Surface:
    """A height f(x, y), where its global minima are, and the part of the plane to look at.

    `window` is ((left, right), (bottom, top)), `start` a place in it from which the way to a
    minimum is instructive. Without `minima` the surface has no lowest point.

    >>> bowl = Surface(lambda x, y: x**2 + y**2, ((0, 0),), ((-1, 1), (-1, 1)), (-0.8, 0.6), "bowl")
    >>> bowl(np.array([3.0, 4.0]))
    np.float64(25.0)
    """

    formula: Callable[[Any, Any], Any]
    minima: tuple[Point, ...]
    window: Window
    start: Point
    name: str

    def __call__(self, point: Any) -> Any:
        return self.formula(point[0], point[1])


def _surface(
    *minima: Point, window: Window, start: Point
) -> Callable[[Callable[[Any, Any], Any]], Surface]:
    def make(formula: Callable[[Any, Any], Any]) -> Surface:
        surface = Surface(formula, minima, window, start, formula.__name__)
        object.__setattr__(surface, "__doc__", formula.__doc__)  # what help() and ? show
        return surface

    return make


@_surface((1.0, 1.0), window=((-2.0, 2.0), (-1.0, 3.0)), start=(-1.5, 2.0))
def rosenbrock(x: Any, y: Any) -> Any:
    """f = (1 - x)² + 100 (y - x²)²: a curved valley, easy to enter and slow to walk along.

    Rosenbrock (1960).
    """
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


@_surface((3.0, 0.5), window=((-4.5, 4.5), (-4.5, 4.5)), start=(1.0, 1.5))
def beale(x: Any, y: Any) -> Any:
    """f = (1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)².

    A flat plain with steep walls in the corners, where gradients are a million times larger. Beale
    (1958).
    """
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


@_surface(
    (3.0, 2.0),
    (-2.805118, 3.131313),
    (-3.779310, -3.283186),
    (3.584428, -1.848127),
    window=((-5.0, 5.0), (-5.0, 5.0)),
    start=(-0.3, -0.8),
)
def himmelblau(x: Any, y: Any) -> Any:
    """f = (x² + y - 11)² + (x + y² - 7)²: four minima of the same depth; the first step decides.

    Himmelblau (1972).
    """
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@_surface(window=((-2.0, 2.0), (-2.0, 2.0)), start=(-1.5, 0.01))
def saddle(x: Any, y: Any) -> Any:
    """f = x² - y²: flat at (0, 0), and no minimum; who gets away falls for ever.

    The start lies beside the ridge, whose gradient leads straight to the flat place. Dauphin et al.
    (2014) find that such places, and not bad minima, are what slows the training of networks.
    """
    return x**2 - y**2


@_surface((0.0, 0.0), window=((-2.2, 0.8), (-1.0, 1.0)), start=(-2.0, 0.75))
def quadratic(x: Any, y: Any) -> Any:
    """f = (x² + 100 y²) / 2: a straight valley with a condition number of 100.

    Gradient descent needs a rate below 2 / 100 for the sides, and is slow along the valley for it.
    """
    return (x**2 + 100 * y**2) / 2


@_surface((0.0, 0.0), window=((-3.4, 3.4), (-3.4, 3.4)), start=(-2.7, 2.2))
def rastrigin(x: Any, y: Any) -> Any:
    """f = 20 + x² - 10 cos 2πx + y² - 10 cos 2πy: a bowl full of dents.

    A small step ends in the nearest dent. Rastrigin (1974).
    """
    turn = 2 * math.pi
    return 20 + x**2 - 10 * np.cos(turn * x) + y**2 - 10 * np.cos(turn * y)
