"""RMSprop: gradients divided by the root of their running mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_not_negative
from dlframe.optim.rules import add_square, decay, lerp, lerp_formula
from dlframe.tensor import Tensor

__all__ = ["RMSprop"]


def rmsprop_formula(
    p: Array,
    g: Array,
    v: Array,
    b: Array,
    g_avg: Array,
    *,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> tuple[Array, Array, Array, Array]:
    """One step for one parameter; `RMSprop` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        v: the average of squared gradients, zero at first.
        b: the momentum buffer, zero at first.
        g_avg: the average of gradients, zero at first; only `centered` uses it.

    Returns:
        The new `p, v, b, g_avg`.
    """
    if maximize:
        g = -g
    if weight_decay != 0:
        g = g + weight_decay * p
    v = alpha * v + (1 - alpha) * g * g
    g_avg = lerp_formula(g_avg, g, 1 - alpha)
    denominator = np.sqrt(v - g_avg * g_avg if centered else v) + eps
    if momentum > 0:
        b = momentum * b + g / denominator
        return p - lr * b, v, b, g_avg
    return p - lr * g / denominator, v, b, g_avg


class RMSprop(FlatOptimizer):
    """RMSprop: each gradient is divided by the root of the running mean of its square.

    One step as a readable function: `dlframe.optim.rmsprop.rmsprop_formula`.

    With γ the learning rate, λ the weight decay, μ the momentum, for each step::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        g ← g + λ θ                   if λ ≠ 0
        v ← α v + (1 − α) g²
        a ← α a + (1 − α) g           if centered: then v − a² stands below for v, a variance
        b ← μ b + g / (√v + ε)        if μ > 0, and then θ ← θ − γ b
        θ ← θ − γ g / (√v + ε)        otherwise

    Tieleman and Hinton, "Lecture 6.5 - rmsprop", Coursera: Neural Networks for Machine Learning
    (2012); the centered form is from Graves, "Generating Sequences With Recurrent Neural Networks"
    (2013). As in PyTorch, ε is added to the root and not under it.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        alpha: α, how slowly the averages forget.
        eps: ε, against division by zero.
        weight_decay: λ, an L2 penalty.
        momentum: μ.
        centered: divide by an estimate of the standard deviation instead. A gradient that hardly
            changes makes it nearly zero, and the steps huge.
        maximize: climb instead of descend.
        foreach, capturable: accepted as PyTorch's, and without effect: there is one fast way.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative option.

    >>> weight = nn.Parameter(dl.tensor([4.0, 0.25]))
    >>> optimizer = optim.RMSprop([weight], lr=0.1, alpha=0.75)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()  # first √v = g/2, so both elements move by 2 γ
    >>> weight.tolist()
    [3.8, 0.05]
    """

    _optional_options = FlatOptimizer._optional_options | {"momentum": 0, "centered": False}

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(
            lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha
        )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
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
        momentum = ("momentum_buffer",) if group["momentum"] > 0 else ()
        return ("square_avg", *momentum, *(("grad_avg",) if group["centered"] else ()))

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        alpha = group["alpha"]
        lr, momentum, eps = (chunk.number(group[name]) for name in ("lr", "momentum", "eps"))
        followed = decay(group, chunk)
        for p, g, (v, *more), (t, u, w) in blocks:
            g = followed(p, g, t, u)
            add_square(v, g, alpha, u)
            if group["centered"]:
                g_avg = more[-1]
                lerp(g_avg, g, 1 - alpha, u)
                np.multiply(g_avg, g_avg, out=u)
                np.sqrt(np.subtract(v, u, out=u), out=u)
            else:
                np.sqrt(v, out=u)
            np.add(u, eps, out=u)
            if momentum > 0:
                b = more[0]
                np.multiply(b, momentum, out=b)
                np.add(b, np.divide(g, u, out=w), out=b)
                np.multiply(b, lr, out=w)
            else:
                np.divide(np.multiply(g, lr, out=w), u, out=w)
            np.subtract(p, w, out=p)
