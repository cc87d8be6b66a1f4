"""ASGD: stochastic gradient descent that averages the points it passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import states
from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk, scalar, step_dtype
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import FORMS, check_not_negative
from dlframe.optim.rules import decay
from dlframe.tensor import Tensor

__all__ = ["ASGD"]


def asgd_formula(
    p: Array,
    g: Array,
    eta: float,
    mu: float,
    ax: Array,
    t: int,
    *,
    lr: float,
    lambd: float,
    alpha: float,
    t0: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, float, float, Array]:
    """Step `t` for one parameter; `ASGD` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        eta: the learning rate of this step, `lr` at first.
        mu: the share of this step in the average, 1 at first.
        ax: the average of the parameter over the steps.
        t: 1 in the first step.

    Returns:
        The new `p, eta, mu, ax`.
    """
    if maximize:
        g = -g
    if weight_decay != 0:
        g = g + weight_decay * p
    p = p * (1 - lambd * float(eta)) - float(eta) * g
    ax = p if mu == 1 else ax + (p - ax) * mu
    return p, lr / (1 + lambd * lr * t) ** alpha, 1 / max(1, t - t0), ax


class ASGD(FlatOptimizer):
    """Averaged stochastic gradient descent: the mean of the last points is better than the last.

    One step as a readable function: `dlframe.optim.asgd.asgd_formula`.

    With γ the learning rate, for each step t::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        g ← g + λ θ                   with λ = weight_decay, if it is not 0
        θ ← (1 − lambd η) θ − η g
        a ← a + μ (θ − a)             the average, `state[p]["ax"]`
        η ← γ / (1 + lambd γ t)^α     of the next step; γ at first
        μ ← 1 / max(1, t − t0)        of the next step; 1 at first

    Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging" (1992); η is that
    of Bottou, "Large-Scale Machine Learning with Stochastic Gradient Descent" (2010).

    The average is only kept, not used: after training copy `ax` into the parameters. Until step
    `t0` it is the parameter itself, so with the default of a million it is of no use in a
    short training; choose `t0` after the first epochs.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: learning rate γ, a number or a tensor of one element.
        lambd: a decay of the parameters, and with α of the learning rate.
        alpha: α, the power with which the learning rate falls.
        t0: the step after which averaging begins.
        weight_decay: an L2 penalty.
        foreach, capturable: accepted as PyTorch's, and without effect: there is one fast way.
        maximize: climb instead of descend.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative learning rate or weight decay.

    >>> weight = nn.Parameter(dl.tensor([1.0]))
    >>> optimizer = optim.ASGD([weight], lr=1.0, lambd=0.0, t0=0)
    >>> for gradient in (1.0, -1.0, 1.0, -1.0):
    ...     weight.grad = dl.tensor([gradient])
    ...     optimizer.step()
    ...     print(weight.item(), optimizer.state[weight]["ax"].item())
    0.0 0.0
    1.0 1.0
    0.0 0.5
    1.0 0.6666666865348816
    """

    _numbers = ("step", "eta", "mu")
    _option_forms = FORMS | {"alpha": states.number}

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
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
        return ("ax",)

    def _first_state(self, p: Tensor, group: ParamGroup) -> dict[str, Any]:
        return {
            "step": Tensor(np.zeros((), step_dtype())),
            "eta": Tensor(np.array(scalar(group["lr"]), step_dtype())),
            "mu": Tensor(np.ones((), step_dtype())),
        }

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        lr, lambd = scalar(group["lr"]), scalar(group["lambd"])
        steps, etas, shares = chunk.step, chunk.numbers["eta"], chunk.numbers["mu"]
        eta, mu = float(etas[0]), float(shares[0])
        kept, step_size, share = map(chunk.number, (1 - lambd * eta, eta, mu))
        followed = decay(group, chunk)
        for p, g, (ax,), (t, u, _) in blocks:
            g = followed(p, g, t, u)
            np.multiply(p, kept, out=p)
            np.subtract(p, np.multiply(g, step_size, out=u), out=p)
            if mu == 1:
                ax[...] = p
            else:
                np.multiply(np.subtract(p, ax, out=u), share, out=u)
                np.add(ax, u, out=ax)
        etas[...] = lr / np.power(1 + lambd * lr * steps, scalar(group["alpha"]))
        shares[...] = 1 / max(1, steps - scalar(group["t0"]))
