"""Adadelta: steps in the unit of the parameters, without a learning rate to choose."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk, scalar
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_not_negative, check_numbers
from dlframe.optim.rules import add_square, decay
from dlframe.tensor import Tensor

__all__ = ["Adadelta"]


def adadelta_formula(
    p: Array,
    g: Array,
    v: Array,
    u: Array,
    *,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, Array, Array]:
    """One step for one parameter, as the paper has it; `Adadelta` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        v: the average of squared gradients, zero at first.
        u: the average of squared steps, zero at first.

    Returns:
        The new `p, v, u`.
    """
    if maximize:
        g = -g
    if weight_decay != 0:
        g = g + weight_decay * p
    v = rho * v + (1 - rho) * g * g
    step = np.sqrt(u + eps) / np.sqrt(v + eps) * g
    u = rho * u + (1 - rho) * step * step
    return p - lr * step, v, u


class Adadelta(FlatOptimizer):
    """Adadelta: each gradient is divided by its typical size and multiplied by that of the steps.

    One step as a readable function: `dlframe.optim.adadelta.adadelta_formula`.

    With γ the learning rate, λ the weight decay, for each step::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        g ← g + λ θ                   if λ ≠ 0
        v ← ρ v + (1 − ρ) g²
        Δ ← √(u + ε) / √(v + ε) · g
        u ← ρ u + (1 − ρ) Δ²
        θ ← θ − γ Δ

    Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012), algorithm 1, which has no γ. A step
    has the unit of the parameter: scaling the loss changes nothing.

    The first step has size √(ε / (1 − ρ)), and steps grow from there, so training starts slowly. A
    larger `eps`, 1e-4 or more, makes it start faster.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        rho: ρ, how slowly the averages forget.
        eps: ε, against division by zero, and the size of the first steps.
        weight_decay: λ, an L2 penalty.
        foreach, capturable: accepted as PyTorch's, and without effect: there is one fast way.
        maximize: climb instead of descend.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative option, or ρ above 1.

    >>> weight = nn.Parameter(dl.tensor([4.0, 0.25]))
    >>> optimizer = optim.Adadelta([weight], rho=0.75, eps=0.0625)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()  # Δ = √ε / √(g²/4 + ε) · g, almost 2 √ε for a large gradient
    >>> weight
    Parameter containing:
    tensor([ 3.5010, -0.1036], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr=lr)
        check_numbers(rho=rho)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(
            params,
            defaults,
            capturable=capturable,
            foreach=foreach,
            differentiable=differentiable,
        )

    def _state_names(self, group: ParamGroup) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        rho = scalar(group["rho"])
        lr, eps = chunk.number(group["lr"]), chunk.number(group["eps"])
        followed = decay(group, chunk)
        for p, g, (v, u), (t, a, b) in blocks:
            g = followed(p, g, t, a)
            add_square(v, g, rho, a)
            np.sqrt(np.add(v, eps, out=a), out=a)
            np.sqrt(np.add(u, eps, out=b), out=b)
            step = np.multiply(np.divide(b, a, out=b), g, out=b)
            add_square(u, step, rho, a)
            np.subtract(p, np.multiply(step, lr, out=b), out=p)
