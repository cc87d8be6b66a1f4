"""What several rules share: running averages, and the gradient with the weight decay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlframe.optim.layout import Array, Chunk, scalar
from dlframe.optim.optimizer import ParamGroup


def lerp_formula(start: Array, end: Array, weight: float) -> Array:
    """`start + weight (end − start)`, computed from the nearer of the two, as PyTorch does."""
    if weight < 0.5:
        return start + weight * (end - start)
    return end - (1 - weight) * (end - start)


def lerp(start: Array, end: Array, weight: float, temporary: Array) -> None:
    """`lerp_formula`, written into `start`."""
    number = temporary.dtype.type
    np.subtract(end, start, out=temporary)
    if weight < 0.5:
        np.multiply(temporary, number(weight), out=temporary)
        np.add(start, temporary, out=start)
    else:
        np.multiply(temporary, number(1 - weight), out=temporary)
        np.subtract(end, temporary, out=start)


def add_square(average: Array, g: Array, beta: float, temporary: Array) -> None:
    """`β average + (1 − β) g²`, written into `average`."""
    number = temporary.dtype.type
    np.multiply(average, number(beta), out=average)
    np.multiply(g, number(1 - beta), out=temporary)
    np.add(average, np.multiply(temporary, g, out=temporary), out=average)


def decay(group: ParamGroup, chunk: Chunk) -> Callable[[Array, Array, Array, Array], Array]:
    """The function that gives the gradient to follow: −g with `maximize`, and + λ p with a decay λ.

    It is called as `f(p, g, result, temporary)`, once for each block. `result` is written to if
    the gradient to follow is not simply g. A decoupled weight decay reduces `p` instead.
    """
    maximize, strength = group["maximize"], scalar(group["weight_decay"])
    if strength == 0 and not maximize:
        return _as_it_is
    decoupled = group.get("decoupled_weight_decay")
    factor = chunk.number(1 - scalar(group["lr"]) * strength if decoupled else strength)

    def followed(p: Array, g: Array, result: Array, temporary: Array) -> Array:
        if maximize:
            g = np.negative(g, out=result)
        if strength != 0 and decoupled:
            np.multiply(p, factor, out=p)
        elif strength != 0:
            np.multiply(p, factor, out=temporary)
            g = np.add(g, temporary, out=result)
        return g

    return followed


def _as_it_is(p: Array, g: Array, result: Array, temporary: Array) -> Array:
    return g
