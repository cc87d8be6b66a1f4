"""Adamax: Adam with the largest gradient of late instead of the root of the mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk, scalar
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_betas, check_not_negative
from dlframe.optim.rules import decay, lerp, lerp_formula
from dlframe.tensor import Tensor

__all__ = ["Adamax"]


def adamax_formula(
    p: Array,
    g: Array,
    m: Array,
    u: Array,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, Array, Array]:
    """Step `t` for one parameter, as the paper has it; `Adamax` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        m: the average of gradients, zero at first.
        u: the largest gradient so far, where older ones count less; zero at first.
        t: 1 in the first step.

    Returns:
        The new `p, m, u`.
    """
    beta1, beta2 = betas
    if maximize:
        g = -g
    if weight_decay != 0:
        g = g + weight_decay * p
    m = lerp_formula(m, g, 1 - beta1)  # β₁ m + (1 − β₁) g
    u = np.maximum(beta2 * u, np.abs(g) + eps)
    return p - (lr / (1 - beta1**t)) * m / u, m, u


class Adamax(FlatOptimizer):
    """Adamax: the average gradient, divided by the largest gradient, which is forgotten slowly.

    One step as a readable function: `dlframe.optim.adamax.adamax_formula`.

    With γ the learning rate, λ the weight decay, for each step t::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        g ← g + λ θ                   if λ ≠ 0
        m ← β₁ m + (1 − β₁) g
        u ← max(β₂ u, |g| + ε)
        θ ← θ − γ / (1 − β₁ᵗ) · m / u

    Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 2. u is the limit
    of Adam's √v for p-th powers instead of squares, p → ∞. It needs no correction at the start.

    No step is larger than about γ, which Adam does not promise. One extreme gradient makes the
    steps of its element small for about 1 / (1 − β₂) steps.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        betas: β₁ and β₂.
        eps: ε, against division by zero.
        weight_decay: λ, an L2 penalty.
        foreach, capturable: accepted as PyTorch's, and without effect: there is one fast way.
        maximize: climb instead of descend.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative option, or a β outside of [0, 1).

    >>> weight = nn.Parameter(dl.tensor([4.0, 0.25]))
    >>> optimizer = optim.Adamax([weight], lr=0.5)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()  # the first step has size γ, whatever the gradient's
    >>> weight
    Parameter containing:
    tensor([ 3.5000, -0.2500], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(
            params,
            defaults,
            foreach=foreach,
            differentiable=differentiable,
            capturable=capturable,
        )

    def _state_names(self, group: ParamGroup) -> tuple[str, ...]:
        return ("exp_avg", "exp_inf")

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        beta1, beta2 = map(scalar, group["betas"])
        step_size = chunk.number(scalar(group["lr"]) / (1 - beta1**chunk.step))
        beta2, eps = chunk.number(beta2), chunk.number(group["eps"])
        followed = decay(group, chunk)
        for p, g, (m, u), (t, a, _) in blocks:
            g = followed(p, g, t, a)
            lerp(m, g, 1 - beta1, a)
            np.add(np.abs(g, out=a), eps, out=a)
            np.maximum(np.multiply(u, beta2, out=u), a, out=u)
            np.divide(np.multiply(m, step_size, out=a), u, out=a)
            np.subtract(p, a, out=p)
