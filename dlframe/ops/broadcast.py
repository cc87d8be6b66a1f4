"""The adjoint pair of broadcasting: broadcast_to copies along dimensions, sum_to adds them up."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.sums import add

__all__ = [
    "broadcast_to",
    "sum_to",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


@op(latex=r"\sum x_i")
def sum_to(x: Array, *, shape: tuple[int, ...]) -> Any:
    """Sum `x` over the dimensions along which `shape` would have to be broadcast to reach it."""
    if x.shape == shape:
        return x
    lead = x.ndim - len(shape)
    stretched = tuple(i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1)
    axes = (*range(lead), *stretched)
    return add(x, axes[0] if len(axes) == 1 else axes, True).reshape(shape)


@sum_to.vjp("x")
def _(g, shape):
    return broadcast_to(g, shape=shape)


@op(view=True, latex="x")
def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Any:
    """`x` repeated along new leading dimensions and those of size 1; no copy, and read-only."""
    return np.broadcast_to(x, shape)


@broadcast_to.vjp("x")
def _(g, shape):
    return sum_to(g, shape=shape)
