"""Rprop: step sizes that grow while the gradient keeps its sign, and ignore its size."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.optim.flat import FlatOptimizer
from dlframe.optim.layout import Array, Block, Chunk, scalar, step_dtype
from dlframe.optim.optimizer import ParamGroup
from dlframe.optim.options import check_not_negative, check_pairs
from dlframe.tensor import Tensor

__all__ = ["Rprop"]


def rprop_formula(
    p: Array,
    g: Array,
    before: Array,
    s: Array,
    *,
    etas: tuple[float, float],
    step_sizes: tuple[float, float],
    maximize: bool,
) -> tuple[Array, Array, Array]:
    """One step for one parameter; `Rprop` computes the same in place.

    Args:
        p: the parameter.
        g: its gradient.
        before: the gradient of the step before, zero at first.
        s: the size of the step of each element, `lr` at first.

    Returns:
        The new `p, before, s`.
    """
    if maximize:
        g = -g
    same, turned = g * before > 0, g * before < 0
    s = s * np.where(same, etas[1], np.where(turned, etas[0], 1)).astype(s.dtype)
    s = np.clip(s, *step_sizes)
    g = np.where(turned, 0, g)  # it jumped over a minimum: wait one step, and judge afresh
    return np.where(g > 0, p - s, np.where(g < 0, p + s, p)), g, s


class Rprop(FlatOptimizer):
    """Rprop, resilient back-propagation: only the signs of the gradients count.

    One step as a readable function: `dlframe.optim.rprop.rprop_formula`.

    With η₋ and η₊ from `etas`, for each element in each step::

        g ← ∇f(θ)                     (−∇f(θ) with maximize)
        s ← η₊ s                      if g has the sign that it had in the step before
        s ← η₋ s,  g ← 0              if it has the other sign
        s ← s between the two `step_sizes`
        θ ← θ − s · sign(g)           s is the learning rate at first

    Riedmiller and Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP
    Algorithm" (1993); this form, which takes no step after a change of sign and does not go back,
    is "Rprop−" with g ← 0, in Igel and Hüsken, "Improving the Rprop Learning Algorithm" (2000).

    For gradients of the whole data set: fast, and almost free of tuning. It is wrong for
    mini-batches, whose noise changes signs; there use `RMSprop`. An element whose gradient is NaN
    stays where it is.

    Args:
        params: parameters, pairs `(name, parameter)`, or dicts that describe groups.
        lr: the size of the first step, a number or a tensor of one element; later changes of it
            count only for parameters that have had no step.
        etas: η₋ and η₊, the factors for a change of sign and for none.
        step_sizes: the smallest and the largest step.
        capturable, foreach: accepted as PyTorch's, and without effect: there is one fast way.
        maximize: climb instead of descend.
        differentiable: True is not supported.

    Raises:
        ValueError: a negative learning rate; not 0 < η₋ < 1 < η₊.

    >>> weight = nn.Parameter(dl.tensor([4.0, 1.0]))
    >>> optimizer = optim.Rprop([weight], lr=0.5, etas=(0.5, 2.0))
    >>> for _ in range(4):
    ...     optimizer.zero_grad()
    ...     (weight**2).sum().backward()
    ...     optimizer.step()
    ...     print(weight.tolist())
    [3.5, 0.5]
    [2.5, -0.5]
    [0.5, -0.5]
    [-3.5, 0.0]
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr=lr)
        check_pairs(etas=etas, step_sizes=step_sizes)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize}
        super().__init__(
            params,
            defaults,
            foreach=foreach,
            differentiable=differentiable,
            capturable=capturable,
        )

    def _state_names(self, group: ParamGroup) -> tuple[str, ...]:
        return ("prev", "step_size")

    def _first_state(self, p: Tensor, group: ParamGroup) -> dict[str, Any]:
        return {
            "step": Tensor(np.zeros((), step_dtype())),
            "prev": Tensor(np.zeros_like(p.array)),
            "step_size": Tensor(np.full_like(p.array, scalar(group["lr"]))),
        }

    def _update(self, group: ParamGroup, chunk: Chunk, blocks: list[Block]) -> None:
        shrink, grow, smallest, largest = map(chunk.number, (*group["etas"], *group["step_sizes"]))
        for p, g, (before, s), (t, u, _) in blocks:
            mask = u.view(np.bool_)[: u.size]
            if group["maximize"]:
                g = np.negative(g, out=t)
            np.multiply(before, g, out=before)
            np.multiply(s, grow, out=s, where=np.greater(before, 0, out=mask))
            np.multiply(s, shrink, out=s, where=np.less(before, 0, out=mask))
            np.clip(s, smallest, largest, out=s)
            np.copyto(before, g, where=np.logical_not(mask, out=mask))
            np.copyto(before, 0, where=np.logical_not(mask, out=mask))
            np.subtract(p, s, out=p, where=np.greater(before, 0, out=mask))
            np.add(p, s, out=p, where=np.less(before, 0, out=mask))
