"""Adafactor: the second moments of a matrix, from one number per row and one per column."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from dlframe import states
from dlframe.optim.layout import Array, scalar
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import FORMS, check_numbers, check_pairs
from dlframe.optim.rules import lerp, lerp_formula
from dlframe.optim.whole import WholeOptimizer
from dlframe.tensor import Tensor

__all__ = ["Adafactor"]


def adafactor_formula(
    p: Array,
    g: Array,
    memory: list[Array],
    t: int,
    *,
    lr: float,
    beta2_decay: float,
    eps: tuple[float, float],
    d: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, ...]:
    """Step `t` for one parameter.

    Args:
        p: the parameter.
        g: its gradient.
        memory: the averages of squared gradients over each row and over each column,
            `(*, n, 1)` and `(*, 1, m)`, of a matrix `(*, n, m)`; for a vector or a number one
            array, the average for each element. Zero at first.
        t: 1 in the first step.

    Returns:
        The new parameter and the new arrays of `memory`.
    """
    eps1, eps2 = eps
    if maximize:
        g = -g
    new = float(t) ** beta2_decay  # 1 - β₂, the share of the new gradient: 1, then falling
    step = max(eps2, rms(p)) * min(lr, 1 / math.sqrt(t))
    p = p * (1 - lr * weight_decay)
    squares = g * g
    if g.ndim > 1:
        rows, columns = memory
        rows = lerp_formula(rows, squares.mean(axis=-1, keepdims=True), new)
        columns = lerp_formula(columns, squares.mean(axis=-2, keepdims=True), new)
        v = rows * columns / np.maximum(rows.mean(axis=-2, keepdims=True), eps1)
        memory = [rows, columns]
    else:
        v = lerp_formula(memory[0], squares, new)
        memory = [v]
    u = g / np.sqrt(np.maximum(v, eps1 * eps1))
    return p - step / max(1.0, rms(u) / d) * u, *memory


def rms(x: Array) -> float:
    """The root of the mean square of all elements."""
    flat = x.reshape(-1)
    # sums of blocks lose no digits, and need no memory
    total = sum(float(b.dot(b)) for b in map(flat.__getitem__, _blocks(flat.size)))
    if not math.isfinite(total):  # squares that are too large for float32
        total = float(np.square(flat, dtype=np.float64).sum())
    return math.sqrt(total / flat.size)


def _blocks(size: int) -> list[slice]:
    return [slice(i, i + 4096) for i in range(0, size, 4096)]


def _eps(value: Any) -> Any:
    """A pair, of which the first may be None."""
    states.not_negative(states.listed(states.optional(states.not_negative), 2)(value)[1])
    return value


class Adafactor(WholeOptimizer):
    """Adafactor: Adam's division by √v with far less memory, and steps relative to the weights.

    One step as a readable function: `dlframe.optim.adafactor.adafactor_formula`.

    For a matrix, `v` is not stored but made from the averages R of its rows and C of its columns,
    which is exact if the squared gradients are the product of a column and a row. With γ the
    learning rate, λ the weight decay and RMS the root of the mean square, for each step t::

        1 − β₂ = t^τ,   ρ = min(γ, 1/√t),   α = max(ε₂, RMS(θ)) ρ
        θ ← θ − γ λ θ
        R ← β₂ R + (1 − β₂) (mean of g² over each row)
        C ← β₂ C + (1 − β₂) (mean of g² over each column)
        v = R C / max(mean of R, ε₁)       for a vector v ← β₂ v + (1 − β₂) g²
        u = g / max(√v, ε₁)
        θ ← θ − α u / max(1, RMS(u) / d)

    Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost" (2018),
    algorithms 4 to 6. As in PyTorch, ε₁ enters where v is used and not where it is averaged, and
    there is no momentum. Further dimensions before the last two are a batch of matrices.

    It suits large weights of which Adam's two copies do not fit into memory. The step shrinks with
    the parameter, down to ε₂, so parameters that start at zero move slowly at first.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: γ, the largest relative step, a number or a tensor of one element.
        beta2_decay: τ, 0 or less: how fast the averages become slow.
        eps: ε₁, against division by zero, None for the smallest difference from 1 of the dtype;
            and ε₂, the size that a parameter is taken to have at least.
        d: the largest RMS of the update u; larger ones are scaled down.
        weight_decay: λ, decoupled as in `AdamW`.
        foreach: accepted as PyTorch's, and without effect.
        maximize: climb instead of descend.

    Raises:
        ValueError: `lr`, `eps` or `weight_decay` is negative, `beta2_decay` positive, or `d`
            below 1.

    >>> weight = nn.Parameter(dl.full((2, 3), 2.0))
    >>> optimizer = optim.Adafactor([weight], lr=0.25)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()  # all gradients are equal, so u = 1, and the step is 0.25 RMS(θ)
    >>> weight
    Parameter containing:
    tensor([[1.5000, 1.5000, 1.5000],
            [1.5000, 1.5000, 1.5000]], requires_grad=True)
    >>> {name: tuple(value.shape) for name, value in optimizer.state[weight].items()}
    {'step': (), 'row_var': (2, 1), 'col_var': (1, 3)}
    """

    _optional_options: ClassVar[dict[str, Any]] = {"foreach": None}
    _option_forms: ClassVar[dict[str, states.Form]] = {
        **{name: FORMS[name] for name in ("lr", "weight_decay", "maximize", "foreach")},
        "beta2_decay": states.not_positive,
        "eps": _eps,
        "d": states.positive,
    }

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_numbers(lr=lr, beta2_decay=beta2_decay, d=d, weight_decay=weight_decay)
        if not scalar(lr) >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {scalar(lr)}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        check_pairs(eps=eps, optional=True)
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _state_shapes(self, p: Tensor) -> dict[str, tuple[int, ...]]:
        shape = p.array.shape
        if len(shape) > 1:
            return {"row_var": (*shape[:-1], 1), "col_var": (*shape[:-2], 1, shape[-1])}
        return {"variance": shape}

    def _update(self, group: ParamGroup, p: Array, g: Array, memory: list[Array], t: int) -> None:
        lr, (eps1, eps2) = scalar(group["lr"]), group["eps"]
        eps1 = float(np.finfo(p.dtype).eps) if eps1 is None else eps1
        new = float(t) ** group["beta2_decay"]
        step = max(eps2, rms(p)) * min(lr, 1 / math.sqrt(t))
        u, v = self._scratch.shaped(2, p.shape, p.dtype)
        np.multiply(g, g, out=u)
        if g.ndim > 1:
            rows, columns = memory
            for average, axis in ((rows, -1), (columns, -2)):
                lerp(average, u.mean(axis=axis, keepdims=True), new, np.empty_like(average))
            np.multiply(rows, columns, out=v)
            np.divide(v, np.maximum(rows.mean(axis=-2, keepdims=True), eps1), out=v)
            np.maximum(v, eps1 * eps1, out=v)
        else:
            lerp(memory[0], u, new, v)
            np.maximum(memory[0], eps1 * eps1, out=v)
        np.divide(g, np.sqrt(v, out=v), out=u)
        step /= max(1.0, rms(u) / group["d"])
        np.multiply(u, -step if group["maximize"] else step, out=u)
        if group["weight_decay"] != 0:
            np.multiply(p, 1 - lr * group["weight_decay"], out=p)
        np.subtract(p, u, out=p)
