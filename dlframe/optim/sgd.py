"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from dlframe import kernels
from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_not_negative
from dlframe.optim.rules import decay
from dlframe.tensor import Tensor

__all__ = ["SGD"]


def sgd_formula(
    p: Array,
    g: Array,
    b: Array | None,
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> tuple[Array, Array | None]:
    """One step for one parameter, as it is written in books; `SGD` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        b: the momentum buffer, or None in the first step.

    Returns:
        The new parameter and the new momentum buffer.
    """
    if maximize:
        g = -g
    if weight_decay != 0:
        g = g + weight_decay * p
    if momentum != 0:
        b = g if b is None else momentum * b + (1 - dampening) * g
        g = g + momentum * b if nesterov else b
    return p - lr * g, b


class SGD(FlatOptimizer):
    """Stochastic gradient descent: a step against the gradient, or along an average of gradients.

    One step as a readable function: `dlframe.optim.sgd.sgd_formula`.

    With γ the learning rate, λ the weight decay, μ the momentum, τ the dampening, for each step t::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        g ← g + λ θ                   if λ ≠ 0
        b ← μ b + (1 − τ) g           if μ ≠ 0; in the first step b ← g
        g ← g + μ b  if nesterov, else b
        θ ← θ − γ g

    Polyak, "Some methods of speeding up the convergence of iteration methods" (1964); Nesterov's
    form after Sutskever et al., "On the importance of initialization and momentum in deep learning"
    (2013). As in PyTorch, γ multiplies the buffer and not the gradients that enter it, so a
    change of the learning rate acts at once; and the first gradient enters it undampened.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        momentum: μ.
        dampening: τ.
        weight_decay: λ, an L2 penalty.
        nesterov: look ahead along the momentum; needs momentum and no dampening.
        maximize: climb instead of descend.
        foreach, fused: accepted as PyTorch's, and without effect: there is one fast way, always on.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative learning rate, momentum or weight decay; `nesterov` without momentum.

    >>> weight = nn.Parameter(dl.tensor([4.0]))
    >>> optimizer = optim.SGD([weight], lr=0.25, momentum=0.5)
    >>> for _ in range(3):
    ...     optimizer.zero_grad()
    ...     loss = (weight**2).sum()
    ...     loss.backward()
    ...     optimizer.step()
    ...     print(weight.item())
    2.0
    0.0
    -1.0
    """

    _numbers: ClassVar[tuple[str, ...]] = ()
    _optional_options = FlatOptimizer._optional_options | {"nesterov": False}

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_not_negative(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(
            params, defaults, foreach=foreach, fused=fused, differentiable=differentiable
        )

    def _state_names(self, group: ParamGroup) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        momentum, dampening = group["momentum"], group["dampening"]
        lr, kept, new_share = map(chunk.number, (group["lr"], momentum, 1 - dampening))
        followed = decay(group, chunk)
        options = lr, kept, new_share, chunk.fresh, group["nesterov"]
        for p, g, state, (t, u, _) in blocks:
            b = state[0] if momentum != 0 else None
            update_block(p, followed(p, g, t, u), b, t, u, *options)


@kernels.replaceable("SGD", "update")
def update_block(
    p: Array,
    g: Array,
    b: Array | None,
    t: Array,
    u: Array,
    lr: Any,
    kept: Any,
    new_share: Any,
    fresh: bool,
    nesterov: bool,
) -> None:
    """`sgd_formula` without the weight decay, in place; t and u are for intermediate results.

    Args:
        p: the parameters.
        g: the gradients; may be `t`.
        b: the momentum buffer, if there is one.
        kept: μ.
        new_share: 1 - τ.
        fresh: whether this is the first step.
    """
    if b is not None:
        if fresh:
            b[...] = g
        else:
            np.multiply(b, kept, out=b)
            new = g if new_share == 1 else np.multiply(g, new_share, out=u)
            np.add(b, new, out=b)
        if nesterov:
            np.multiply(b, kept, out=u)
            g = np.add(g, u, out=t)
        else:
            g = b
    np.multiply(g, lr, out=u)
    np.subtract(p, u, out=p)
