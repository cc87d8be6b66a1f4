"""Adagrad: gradients divided by the root of the sum of all their squares so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk, scalar, step_dtype
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_not_negative
from dlframe.optim.rules import decay
from dlframe.tensor import Tensor

__all__ = ["Adagrad"]


def adagrad_formula(
    p: Array,
    g: Array,
    s: Array,
    t: int,
    *,
    lr: float,
    lr_decay: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, Array]:
    """Step `t` for one parameter; `Adagrad` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        s: the sum of squared gradients, `initial_accumulator_value` at first.
        t: 1 in the first step.

    Returns:
        The new `p, s`.
    """
    if maximize:
        g = -g
    if weight_decay != 0:
        g = g + weight_decay * p
    s = s + g * g
    return p - (lr / (1 + (t - 1) * lr_decay)) * g / (np.sqrt(s) + eps), s


class Adagrad(FlatOptimizer):
    """Adagrad: each gradient is divided by the root of the sum of its squares so far.

    One step as a readable function: `dlframe.optim.adagrad.adagrad_formula`.

    With γ the learning rate, η its decay, λ the weight decay, for each step t::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        g ← g + λ θ                   if λ ≠ 0
        s ← s + g²
        θ ← θ − γ / (1 + (t − 1) η) · g / (√s + ε)

    Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization" (2011).

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        lr_decay: η.
        weight_decay: λ, an L2 penalty.
        initial_accumulator_value: where s starts.
        eps: ε, against division by zero.
        maximize: climb instead of descend.
        foreach, fused: accepted as PyTorch's, and without effect: there is one fast way, always on.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative option.

    >>> weight = nn.Parameter(dl.tensor([4.0, 0.25]))
    >>> optimizer = optim.Adagrad([weight], lr=0.125)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()  # the first step has size γ, whatever the gradient's
    >>> weight.tolist()
    [3.875, 0.125]
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_not_negative(
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(
            params, defaults, foreach=foreach, fused=fused, differentiable=differentiable
        )
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = self._first_state(p, group)

    def _first_state(self, p: Tensor, group: ParamGroup) -> dict[str, Any]:
        start = self.defaults["initial_accumulator_value"]
        return {
            "step": Tensor(np.zeros((), step_dtype())),
            "sum": Tensor(np.full_like(p.array, start)),
        }

    def _state_names(self, group: ParamGroup) -> tuple[str, ...]:
        return ("sum",)

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        steps = chunk.step
        lr = chunk.number(scalar(group["lr"]) / (1 + (steps - 1) * scalar(group["lr_decay"])))
        eps = chunk.number(group["eps"])
        followed = decay(group, chunk)
        for p, g, (s,), (t, u, w) in blocks:
            g = followed(p, g, t, u)
            np.add(s, np.multiply(g, g, out=u), out=s)
            np.add(np.sqrt(s, out=u), eps, out=u)
            np.divide(np.multiply(g, lr, out=w), u, out=w)
            np.subtract(p, w, out=p)
