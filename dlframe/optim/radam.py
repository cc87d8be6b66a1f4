"""RAdam: Adam that does not divide until it knows by what."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk, scalar
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_betas, check_not_negative
from dlframe.optim.rules import add_square, decay, lerp, lerp_formula
from dlframe.tensor import Tensor

__all__ = ["RAdam"]


def radam_formula(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> tuple[Array, Array, Array]:
    """Step `t` for one parameter, as the paper has it; `RAdam` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        m: the average of gradients, zero at first.
        v: the average of their squares, zero at first.
        t: 1 in the first step.

    Returns:
        The new `p, m, v`.
    """
    beta1, beta2 = betas
    if maximize:
        g = -g
    if weight_decay != 0 and decoupled_weight_decay:
        p = p * (1 - lr * weight_decay)
    elif weight_decay != 0:
        g = g + weight_decay * p
    m = lerp_formula(m, g, 1 - beta1)  # β₁ m + (1 − β₁) g
    v = beta2 * v + (1 - beta2) * g * g
    step_size = lr / (1 - beta1**t)
    r = rectification(beta2, t)
    if r == 0:
        return p - step_size * m, m, v
    return p - step_size * r * math.sqrt(1 - beta2**t) * m / (np.sqrt(v) + eps), m, v


def rectification(beta2: float, t: float) -> float:
    """The factor r of step `t`, from 0 to 1; 0 if the average of squares is not yet to be trusted.

    >>> [round(rectification(0.999, t), 3) for t in (5, 6, 100, 10_000)]
    [0, 0.026, 0.215, 1.0]
    """
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * t * beta2**t / (1 - beta2**t)  # of a plain average as precise as v
    if length <= 5:
        return 0
    ratio = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return math.sqrt(ratio)


class RAdam(FlatOptimizer):
    """RAdam: Adam whose first steps are small, because its average of squares is uncertain then.

    One step as a readable function: `dlframe.optim.radam.radam_formula`.

    With γ the learning rate, λ the weight decay, for each step t::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        g ← g + λ θ                   if λ ≠ 0; decoupled: θ ← θ − γ λ θ instead
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        m̂ = m / (1 − β₁ᵗ)
        ρ∞ = 2 / (1 − β₂) − 1
        ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        r = √((ρ − 4) (ρ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρ))
        θ ← θ − γ r m̂ √(1 − β₂ᵗ) / (√v + ε)         if ρ > 5
        θ ← θ − γ m̂                                  otherwise

    Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond" (2020), algorithm 2. ρ is
    the number of gradients of which v is an average, and r corrects for the variance that √v has
    when they are few. It is a warm-up of the learning rate that needs no tuning.

    The first five steps (with β₂ = 0.999) are those of SGD with momentum: they have the
    size of the gradients, and a loss with large gradients can jump far in them.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        betas: β₁ and β₂.
        eps: ε, against division by zero.
        weight_decay: λ, an L2 penalty.
        decoupled_weight_decay: reduce the parameters directly, as `AdamW` does.
        foreach, capturable: accepted as PyTorch's, and without effect: there is one fast way.
        maximize: climb instead of descend.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative option, or a β outside of [0, 1).

    >>> weight = nn.Parameter(dl.tensor([4.0, 0.25]))
    >>> optimizer = optim.RAdam([weight], lr=0.125)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()  # θ − γ g: not divided yet
    >>> weight
    Parameter containing:
    tensor([3.0000, 0.1875], requires_grad=True)
    """

    _optional_options = FlatOptimizer._optional_options | {"decoupled_weight_decay": False}

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(
            params,
            defaults,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
        )

    def _state_names(self, group: ParamGroup) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        beta1, beta2 = map(scalar, group["betas"])
        steps = chunk.step
        step_size = scalar(group["lr"]) / (1 - beta1**steps)
        r = rectification(beta2, steps)
        if r != 0:
            step_size = step_size * r * math.sqrt(1 - beta2**steps)
        step_size, eps = chunk.number(step_size), chunk.number(group["eps"])
        followed = decay(group, chunk)
        for p, g, (m, v), (t, u, w) in blocks:
            g = followed(p, g, t, u)
            lerp(m, g, 1 - beta1, u)
            add_square(v, g, beta2, u)
            np.multiply(m, step_size, out=w)
            if r != 0:
                np.add(np.sqrt(v, out=u), eps, out=u)
                np.divide(w, u, out=w)
            np.subtract(p, w, out=p)
