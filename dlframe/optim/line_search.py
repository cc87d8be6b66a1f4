"""A line search: how far to go in a direction so that the loss falls and its slope flattens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dlframe.optim.layout import Array

__all__: list[str] = []

# A learning rate is a Python number, and what is computed from gradients a scalar of their dtype.
Number = Any


class Point(NamedTuple):
    """A place on the line: θ + t d, the loss and gradient there, and the slope g · d."""

    t: Number
    loss: float
    gradient: Array
    slope: Number


def strong_wolfe(
    evaluate: Callable[[Number], Point],
    start: Point,
    t: Number,
    *,
    size: Number,
    tolerance: float,
    most: int,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> tuple[Point, int]:
    """A place that meets Wolfe's two conditions, or the best one found.

    The loss has to fall by a part of what the first slope promises, and the slope has to become
    small in absolute value::

        L(θ + t d) ≤ L(θ) + c₁ t g·d    and    |g(θ + t d)·d| ≤ c₂ |g·d|

    Steps grow until an interval is known to hold such a place; then cubics through the ends narrow
    it. Nocedal and Wright, "Numerical Optimization" (2006), algorithms 3.5 and 3.6.

    Args:
        evaluate: the point for a step length.
        start: the point for t = 0; its slope is negative.
        t: the first step length to try.
        size: max |d|, so that `size * width` is how far the parameters are apart.
        tolerance: stop when the ends of the interval are closer than this.
        most: the number of tries after the first.

    Returns:
        The point, and how many points were evaluated.
    """

    def too_high(point: Point) -> bool:
        return bool(point.loss > start.loss + c1 * point.t * start.slope)

    def flat(point: Point) -> bool:
        return bool(abs(point.slope) <= -c2 * start.slope)

    previous, here = start, evaluate(t)
    for tries in range(most):
        if too_high(here) or (tries > 1 and here.loss >= previous.loss):
            break
        if flat(here):
            return here, tries + 1
        if here.slope >= 0:
            break
        shortest, longest = here.t + 0.01 * (here.t - previous.t), 10 * here.t
        previous, here = here, evaluate(cubic_minimum(previous, here, shortest, longest))
    else:
        return (start if start.loss <= here.loss else here), max(most, 0) + 1

    ends = [previous, here]  # between them is a place that meets both conditions
    low = _lower(ends)
    at_edge = False
    while tries < most and not abs(ends[1].t - ends[0].t) * size < tolerance:
        t, at_edge = _away_from_edges(cubic_minimum(*ends), ends, at_edge)
        here = evaluate(t)
        tries += 1
        if too_high(here) or here.loss >= ends[low].loss:
            ends[1 - low] = here
            low = _lower(ends)
            continue
        found = flat(here)
        if not found and here.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = here
        if found:
            break
    return ends[low], tries + 1


def cubic_minimum(a: Point, b: Point, lowest: Number = None, highest: Number = None) -> Number:
    """Where the cubic with the losses and slopes of two points is smallest, within limits.

    The limits are the points by default; their middle is returned if the cubic has no minimum.
    """
    left, right = (a, b) if a.t <= b.t else (b, a)
    if lowest is None:
        lowest, highest = left.t, right.t
    if left.t == right.t:
        return (lowest + highest) / 2.0
    d1 = left.slope + right.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1**2 - left.slope * right.slope
    if not square >= 0:
        return (lowest + highest) / 2.0
    d2 = np.sqrt(square)
    part = (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)
    return min(max(right.t - (right.t - left.t) * part, lowest), highest)


def _lower(ends: list[Point]) -> int:
    return 0 if ends[0].loss <= ends[1].loss else 1


def _away_from_edges(t: Number, ends: list[Point], at_edge: bool) -> tuple[Number, bool]:
    """A tenth of the interval away from an edge where the last try was near one already."""
    low, high = min(ends[0].t, ends[1].t), max(ends[0].t, ends[1].t)
    margin = 0.1 * (high - low)
    if not min(high - t, t - low) < margin:
        return t, False
    if not (at_edge or t >= high or t <= low):
        return t, True
    return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
