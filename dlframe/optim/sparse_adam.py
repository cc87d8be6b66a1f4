"""SparseAdam: Adam that leaves elements without gradient alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk, scalar
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_betas, check_not_negative, check_numbers
from dlframe.tensor import Tensor

__all__ = ["SparseAdam"]


def sparse_adam_formula(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    maximize: bool,
) -> tuple[Array, Array, Array]:
    """Step `t` for one parameter; `SparseAdam` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient, zero where nothing is to change.
        m: the average of gradients, zero at first.
        v: the average of their squares, zero at first.
        t: 1 in the first step.

    Returns:
        The new `p, m, v`.
    """
    beta1, beta2 = betas
    if maximize:
        g = -g
    touched = g != 0
    m = np.where(touched, m + (1 - beta1) * (g - m), m)
    v = np.where(touched, v + (1 - beta2) * (g * g - v), v)
    step_size = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)
    return np.where(touched, p - step_size * (m / (np.sqrt(v) + eps)), p), m, v


class SparseAdam(FlatOptimizer):
    """Adam for gradients that are mostly zero: where they are, neither θ nor the averages change.

    One step as a readable function: `dlframe.optim.sparse_adam.sparse_adam_formula`.

    With γ the learning rate, for each step t, and only for elements with g ≠ 0::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        θ ← θ − γ √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)

    It is a variant of Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), made for
    embeddings: under Adam, the vector of a word goes on moving by its momentum in batches
    without the word, and its averages fade. t counts all steps, so the averages of a rare element
    are corrected too little: for a gradient of 1 in every hundredth step, its first step is as long
    as γ, its tenth five times as long.

    PyTorch's takes sparse gradients only. Gradients are dense here, so elements that are exactly
    zero take the place of those that a sparse gradient leaves out: the result is PyTorch's for
    `p.grad.to_sparse()`. It saves no time.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        betas: β₁ and β₂.
        eps: ε, against division by zero.
        maximize: climb instead of descend.

    Raises:
        ValueError: a learning rate or ε that is not above 0, or a β outside of [0, 1).

    >>> table = nn.Embedding(3, 2)
    >>> before = table.weight.detach().clone()
    >>> optimizer = optim.SparseAdam(table.parameters(), lr=0.5)
    >>> table(dl.tensor([2])).sum().backward()
    >>> optimizer.step()
    >>> before - table.weight.detach()
    tensor([[0.0000, 0.0000],
            [0.0000, 0.0000],
            [0.5000, 0.5000]])
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_not_negative(lr=lr)
        check_numbers(eps=eps)
        if scalar(lr) == 0:
            raise ValueError(f"Invalid learning rate: {scalar(lr)}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def _state_names(self, group: ParamGroup) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        beta1, beta2 = map(scalar, group["betas"])
        steps = chunk.step
        step_size = scalar(group["lr"]) * math.sqrt(1 - beta2**steps) / (1 - beta1**steps)
        step_size, new1, new2, eps = map(
            chunk.number, (step_size, 1 - beta1, 1 - beta2, group["eps"])
        )
        for p, g, (m, v), (t, u, w) in blocks:
            if group["maximize"]:
                g = np.negative(g, out=t)
            touched = np.not_equal(g, 0, out=w.view(np.bool_)[: w.size])
            np.multiply(np.subtract(g, m, out=u), new1, out=u)
            np.add(m, u, out=m, where=touched)
            np.subtract(np.multiply(g, g, out=u), v, out=u)
            np.add(v, np.multiply(u, new2, out=u), out=v, where=touched)
            np.add(np.sqrt(v, out=u), eps, out=u)
            np.multiply(np.divide(m, u, out=u), step_size, out=u)
            np.subtract(p, u, out=p, where=touched)
