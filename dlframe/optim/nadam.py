"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk, scalar, step_dtype
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_betas, check_not_negative
from dlframe.optim.rules import add_square, decay, lerp, lerp_formula
from dlframe.tensor import Tensor

__all__ = ["NAdam"]


def nadam_formula(
    p: Array,
    g: Array,
    mu_product: float,
    m: Array,
    v: Array,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    momentum_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> tuple[Array, float, Array, Array]:
    """Step `t` for one parameter; `NAdam` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        mu_product: the product of the momenta μ of all steps so far, 1 at first.
        m: the average of gradients, zero at first.
        v: the average of their squares, zero at first.
        t: 1 in the first step.

    Returns:
        The new `p, mu_product, m, v`.
    """
    beta1, beta2 = betas
    if maximize:
        g = -g
    if weight_decay != 0 and decoupled_weight_decay:
        p = p * (1 - lr * weight_decay)
    elif weight_decay != 0:
        g = g + weight_decay * p
    mu, mu_next = momentum(beta1, momentum_decay, t), momentum(beta1, momentum_decay, t + 1)
    mu_product = mu_product * mu
    m = lerp_formula(m, g, 1 - beta1)  # β₁ m + (1 − β₁) g
    v = beta2 * v + (1 - beta2) * g * g
    denominator = np.sqrt(v / (1 - beta2**t)) + eps
    p = p - lr * (1 - mu) / (1 - float(mu_product)) * g / denominator
    p = p - lr * mu_next / (1 - float(mu_product) * mu_next) * m / denominator
    return p, mu_product, m, v


def momentum(beta1: float, momentum_decay: float, t: float) -> float:
    """The momentum μ of step `t`: it rises from about β₁ / 2 to β₁."""
    return beta1 * (1 - 0.5 * math.pow(0.96, t * momentum_decay))


class NAdam(FlatOptimizer):
    """NAdam: Adam that looks ahead along its momentum, as Nesterov's does.

    One step as a readable function: `dlframe.optim.nadam.nadam_formula`.

    With γ the learning rate, λ the weight decay, ψ the momentum decay, for each step t::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        g ← g + λ θ                   if λ ≠ 0; decoupled: θ ← θ − γ λ θ instead
        μₜ = β₁ (1 − ½ · 0.96^(t ψ))
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        m̂ = μₜ₊₁ m / (1 − μ₁⋯μₜ₊₁) + (1 − μₜ) g / (1 − μ₁⋯μₜ)
        v̂ = v / (1 − β₂ᵗ)
        θ ← θ − γ m̂ / (√v̂ + ε)

    Dozat, "Incorporating Nesterov Momentum into Adam" (2016). The present gradient counts
    more in m̂ than in Adam's, so a step reacts sooner to a gradient that changes its sign.

    μ rises from β₁ / 2 to β₁, slowly: with ψ = 0.004 it is 0.81 of 0.9 after 10,000 steps.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        betas: β₁ and β₂.
        eps: ε, against division by zero.
        weight_decay: λ, an L2 penalty.
        momentum_decay: ψ, how fast the momentum rises; 0 for a constant β₁ / 2.
        decoupled_weight_decay: reduce the parameters directly, as `AdamW` does.
        foreach, capturable: accepted as PyTorch's, and without effect: there is one fast way.
        maximize: climb instead of descend.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative option, or a β outside of [0, 1).

    >>> weight = nn.Parameter(dl.tensor([4.0, 0.25]))
    >>> optimizer = optim.NAdam([weight], lr=0.5)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()
    >>> weight
    Parameter containing:
    tensor([ 3.4718, -0.2782], requires_grad=True)
    """

    _numbers = ("step", "mu_product")
    _optional_options = FlatOptimizer._optional_options | {"decoupled_weight_decay": False}

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
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

    def _first_state(self, p: Tensor, group: ParamGroup) -> dict[str, Any]:
        return {
            "step": Tensor(np.zeros((), step_dtype())),
            "mu_product": Tensor(np.ones((), step_dtype())),
        }

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        lr, slowness = scalar(group["lr"]), scalar(group["momentum_decay"])
        beta1, beta2 = map(scalar, group["betas"])
        steps = chunk.step
        mu, mu_next = momentum(beta1, slowness, steps), momentum(beta1, slowness, steps + 1)
        products = chunk.numbers["mu_product"]
        products *= mu
        product = float(products[0])
        g_share = chunk.number(lr * (1 - mu) / (1 - product))
        m_share = chunk.number(lr * mu_next / (1 - product * mu_next))
        correction2, eps = chunk.number(1 - beta2**steps), chunk.number(group["eps"])
        followed = decay(group, chunk)
        for p, g, (m, v), (t, u, w) in blocks:
            g = followed(p, g, t, u)
            lerp(m, g, 1 - beta1, u)
            add_square(v, g, beta2, u)
            np.sqrt(np.divide(v, correction2, out=u), out=u)
            np.add(u, eps, out=u)
            np.divide(np.multiply(g, g_share, out=w), u, out=w)
            np.subtract(p, w, out=p)
            np.divide(np.multiply(m, m_share, out=w), u, out=w)
            np.subtract(p, w, out=p)
