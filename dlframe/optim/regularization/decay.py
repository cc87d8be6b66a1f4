"""Decoupled weight decay as a part of its own, beside any optimizer."""

from __future__ import annotations

import numpy as np

from dlframe.autograd import mark_mutated_many
from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.optim.layout import scalar
from dlframe.optim.optimizer import Optimizer, ParamGroup
from dlframe.optim.regularization.penalties import checked_strength
from dlframe.optim.regularization.regularizer import StepHook
from dlframe.optim.regularization.selection import Choice, Patterns
from dlframe.tensor import Tensor


class WeightDecay(StepHook):
    """Decoupled weight decay: w ← w − γ λ w before each step, with γ the learning rate of w.

    It is the decay of `AdamW`, for every optimizer and for parameters chosen by name. As there, a
    parameter without a gradient is left alone. The gradients do not have the decay in them, so an
    optimizer that divides them by their size does not divide it. `last` is ½ λ Σ w² at the weights
    before the step: the penalty whose gradient, λ w, is followed. It is in no loss. Hanson and
    Pratt (1988); Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).

    Args:
        model: whose parameters decay, as far as the optimizer holds them.
        strength: λ.
        only, skip: which parameters, by patterns of names; see `weights`.
        name: under which ½ λ Σ w² is reported.

    Raises:
        ArgumentError: a negative strength; nothing is chosen; in `attach`: the optimizer holds none
            of the chosen parameters, has a `weight_decay` for some of them, or computes the loss
            several times in a step.

    >>> model = nn.Linear(2, 1, bias=False)
    >>> model.weight = nn.Parameter(dl.tensor([[3.0, -4.0]]))
    >>> optimizer = optim.Adam(model.parameters(), lr=0.5)
    >>> decay = optim.WeightDecay(model, 0.1)
    >>> handle = decay.attach(optimizer)
    >>> model.weight.grad = dl.zeros(1, 2)
    >>> optimizer.step()
    >>> decay.last, model.weight.tolist()
    (1.25, [[2.8499999046325684, -3.799999952316284]])
    """

    def __init__(
        self,
        model: Module,
        strength: float,
        *,
        only: Patterns = None,
        skip: Patterns = None,
        name: str = "weight_decay",
    ) -> None:
        super().__init__(name)
        self.strength = checked_strength("WeightDecay", strength)
        self._choice = Choice(model, only, skip)

    @property
    def model(self) -> Module:
        """The model whose parameters are chosen."""
        return self._choice.model

    def check(self, optimizer: Optimizer) -> None:
        kind = type(optimizer).__name__
        if optimizer.needs_closure:
            raise ArgumentError(
                f"WeightDecay: {kind} computes the loss several times in a step, and the weights "
                "must not change between; add the penalty optim.L2 to the loss instead"
            )
        held = self._held(optimizer)
        if not held:
            raise ArgumentError(
                f"WeightDecay: the {kind} holds none of the chosen parameters: "
                f"{', '.join(name for name, _, _ in self._choice.entries()[:5])}"
            )
        for _, group in held:
            if group.get("weight_decay"):
                raise ArgumentError(
                    f"WeightDecay: the {kind} has weight_decay={group['weight_decay']} for these "
                    "parameters itself, so they would decay twice; make it with weight_decay=0"
                )

    def _held(self, optimizer: Optimizer) -> list[tuple[Tensor, ParamGroup]]:
        """The chosen parameters that an optimizer holds, each with its group."""
        groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
        return [(p, groups[id(p)]) for _, p, _ in self._choice.entries() if id(p) in groups]

    def before_step(self, optimizer: Optimizer) -> None:
        squares = 0.0
        changed = []
        for p, group in self._held(optimizer):
            if p.gradient is None:
                continue
            w = p.array
            flat = w.ravel().astype(np.float32) if w.dtype == np.float16 else w.ravel()
            squares += float(flat.dot(flat))
            w *= 1 - scalar(group["lr"]) * self.strength
            changed.append(w)
        mark_mutated_many(changed, "WeightDecay")
        self.last = 0.5 * self.strength * squares
