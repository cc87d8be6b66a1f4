"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import kernels
from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk, scalar
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_betas, check_not_negative
from dlframe.optim.rules import add_square, decay, lerp, lerp_formula
from dlframe.tensor import Tensor

__all__ = ["Adam"]


def adam_formula(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    v_max: Array,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
    decoupled_weight_decay: bool,
) -> tuple[Array, Array, Array, Array]:
    """Step `t` for one parameter, as the paper has it; `Adam` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        m: the average of gradients, zero at first.
        v: the average of their squares, zero at first.
        v_max: the largest `v` so far; only `amsgrad` uses it.
        t: 1 in the first step.

    Returns:
        The new `p, m, v, v_max`.
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
    v_max = np.maximum(v_max, v)
    # averages that start at zero are too small by these factors
    correction1 = 1 - beta1**t
    correction2 = 1 - beta2**t
    denominator = np.sqrt(v_max if amsgrad else v) / math.sqrt(correction2) + eps
    return p - (lr / correction1) * m / denominator, m, v, v_max


class Adam(FlatOptimizer):
    """Adam: each element has its own step size, from averages of the gradient and its square.

    One step as a readable function: `dlframe.optim.adam.adam_formula`.

    With γ the learning rate, λ the weight decay, for each step t::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        g ← g + λ θ                   if λ ≠ 0
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        m̂ = m / (1 − β₁ᵗ)
        v̂ = v / (1 − β₂ᵗ)             with amsgrad the largest v so far instead of v
        θ ← θ − γ m̂ / (√v̂ + ε)

    Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 1; amsgrad is from
    Reddi et al., "On the Convergence of Adam and Beyond" (2018).

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        betas: β₁ and β₂, both floats or both tensors of one element.
        eps: ε, against division by zero.
        weight_decay: λ, an L2 penalty.
        amsgrad: use the largest v so far, so that the effective step size never grows again.
        maximize: maximize instead of minimize.
        decoupled_weight_decay: reduce the parameters directly, as `AdamW` does.
        foreach, fused, capturable: accepted as PyTorch's, and without effect: there is one fast
            way, always on.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative option, or a β outside of [0, 1).

    >>> weight = nn.Parameter(dl.tensor([4.0, 0.01]))
    >>> optimizer = optim.Adam([weight], lr=0.5)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()  # the first step has size γ, whatever the gradient's
    >>> weight
    Parameter containing:
    tensor([ 3.5000, -0.4900], requires_grad=True)
    """

    _optional_options = FlatOptimizer._optional_options | {
        "amsgrad": False,
        "decoupled_weight_decay": False,
    }

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if foreach and not capturable:
            for name, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
                if isinstance(value, Tensor):
                    raise ValueError(
                        f"{name} as a Tensor is not supported for capturable=False and foreach=True"
                    )
        check_not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        _check_kinds(betas)
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(
            params,
            defaults,
            foreach=foreach,
            fused=fused,
            capturable=capturable,
            differentiable=differentiable,
        )

    def _state_names(self, group: ParamGroup) -> tuple[str, ...]:
        names = ("exp_avg", "exp_avg_sq")
        return (*names, "max_exp_avg_sq") if group["amsgrad"] else names

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        beta1, beta2 = map(scalar, group["betas"])
        steps = chunk.step
        step_size = chunk.number(scalar(group["lr"]) / (1 - beta1**steps))
        correction2_sqrt = chunk.number(math.sqrt(1 - beta2**steps))
        eps = chunk.number(group["eps"])
        followed = decay(group, chunk)
        numbers = beta1, beta2, step_size, correction2_sqrt, eps
        for p, g, (m, v, *v_max), (t, u, w) in blocks:
            update_block(p, followed(p, g, t, u), m, v, v_max[0] if v_max else None, u, w, *numbers)


@kernels.replaceable("Adam", "update")
def update_block(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    v_max: Array | None,
    u: Array,
    w: Array,
    beta1: float,
    beta2: float,
    step_size: Any,
    correction2_sqrt: Any,
    eps: Any,
) -> None:
    """`adam_formula` without the weight decay, in place; u and w are for intermediate results."""
    lerp(m, g, 1 - beta1, u)
    add_square(v, g, beta2, u)
    if v_max is not None:
        v = np.maximum(v_max, v, out=v_max)
    np.sqrt(v, out=u)
    np.divide(u, correction2_sqrt, out=u)
    np.add(u, eps, out=u)
    np.multiply(m, step_size, out=w)
    np.subtract(p, np.divide(w, u, out=w), out=p)


def _check_kinds(betas: tuple[float | Tensor, float | Tensor]) -> None:
    kinds = {Tensor if isinstance(beta, Tensor) else type(beta) for beta in betas}
    if not (kinds == {Tensor} or all(issubclass(kind, float) for kind in kinds)):
        raise ValueError("betas must be either both floats or both Tensors")
