"""Penalties: functions of the weights that are added to the loss."""

from __future__ import annotations

import functools
import operator

from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.optim.regularization.regularizer import Regularizer
from dlframe.optim.regularization.selection import Patterns, chosen
from dlframe.tensor import Tensor


class Penalty(Regularizer):
    """The base of penalties: a subclass writes `term`, the penalty of one parameter.

    Calling it gives the sum over all chosen parameters that need gradients: a tensor of one number
    to add to the loss, with gradients of every order. `last` is its value as a float.

    Args:
        model: whose parameters are penalized. They are looked up in each call, so it does not
            matter if they are replaced.
        only, skip: which parameters, by patterns of names; see `weights`.
        name: under which the value is reported.

    Raises:
        ArgumentError: nothing is chosen; the message lists the names.

    >>> class Smooth(optim.Penalty):
    ...     def term(self, p):  # neighbours should be alike
    ...         return 0.1 * p.diff(dim=-1).square().sum()
    >>> model = nn.Linear(3, 1)
    >>> _ = nn.init.constant_(model.weight, 2.0)
    >>> Smooth(model, name="smooth")().item()
    0.0
    """

    def __init__(
        self, model: Module, *, only: Patterns = None, skip: Patterns = None, name: str = "penalty"
    ) -> None:
        super().__init__(name)
        self.model, self.only, self.skip = model, only, skip
        chosen(model, only, skip)  # so that a wrong pattern is an error here

    def term(self, p: Tensor) -> Tensor:
        """The penalty of one parameter, a tensor of one number."""
        raise NotImplementedError(f"{type(self).__name__} has no term()")

    def __call__(self) -> Tensor:
        terms = [
            self.term(p) for _, p, _ in chosen(self.model, self.only, self.skip) if p.requires_grad
        ]
        total = functools.reduce(operator.add, terms) if terms else Tensor(0.0)
        self.last = float(total.item())
        return total


class L1(Penalty):
    """λ Σ |w|, which makes many weights exactly or nearly zero.

    Its gradient is λ sign(w), of the same size for small and large weights; at 0 it is 0. Plain
    gradient steps make a weight alternate around 0 within the size of a step, rather than stay
    there: count those below a small limit. Tibshirani, "Regression shrinkage and selection via the
    lasso" (1996).

    Args:
        model, only, skip, name: see `Penalty`.
        strength: λ.

    Raises:
        ArgumentError: a negative strength; nothing is chosen.

    >>> model = nn.Linear(2, 1)
    >>> model.weight = nn.Parameter(dl.tensor([[3.0, -4.0]]))
    >>> penalty = optim.L1(model, 0.5)
    >>> penalty().backward()
    >>> penalty.last, model.weight.grad
    (3.5, tensor([[ 0.5000, -0.5000]]))
    """

    def __init__(
        self,
        model: Module,
        strength: float,
        *,
        only: Patterns = None,
        skip: Patterns = None,
        name: str = "l1",
    ) -> None:
        super().__init__(model, only=only, skip=skip, name=name)
        self.strength = checked_strength("L1", strength)

    def term(self, p: Tensor) -> Tensor:
        penalty: Tensor = self.strength * p.abs().sum()
        return penalty


class L2(Penalty):
    """½ λ Σ w², which makes all weights smaller, in proportion to their size.

    Its gradient is λ w: with `SGD` that is `weight_decay=λ`, which costs less. With `Adam` and
    other optimizers that divide by the size of gradients, weights of large gradients hardly shrink;
    use `AdamW` and `decay_groups`, unless it is the penalty that you study. Hoerl and Kennard,
    "Ridge regression" (1970); Krogh and Hertz, "A simple weight decay can improve generalization"
    (1992).

    Args:
        model, only, skip, name: see `Penalty`.
        strength: λ.

    Raises:
        ArgumentError: a negative strength; nothing is chosen.

    >>> model = nn.Linear(2, 1)
    >>> model.weight = nn.Parameter(dl.tensor([[3.0, -4.0]]))
    >>> penalty = optim.L2(model, 0.5)
    >>> penalty().backward()
    >>> penalty.last, model.weight.grad
    (6.25, tensor([[ 1.5000, -2.0000]]))
    """

    def __init__(
        self,
        model: Module,
        strength: float,
        *,
        only: Patterns = None,
        skip: Patterns = None,
        name: str = "l2",
    ) -> None:
        super().__init__(model, only=only, skip=skip, name=name)
        self.strength = checked_strength("L2", strength)

    def term(self, p: Tensor) -> Tensor:
        penalty: Tensor = 0.5 * self.strength * p.square().sum()
        return penalty


class Elastic(Penalty):
    """λ (ρ Σ |w| + ½ (1 − ρ) Σ w²), a mixture of L1 and L2 with the share ρ = `l1_ratio` of L1.

    Where inputs are alike, L1 alone keeps an arbitrary one of their weights; with L2 beside it, all
    of them are kept, or none. Zou and Hastie, "Regularization and variable selection via the
    elastic net" (2005), with the parameters as in scikit-learn.

    Args:
        model, only, skip, name: see `Penalty`.
        strength: λ.
        l1_ratio: ρ, from 0 (L2) to 1 (L1).

    Raises:
        ArgumentError: a negative strength; a ratio below 0 or above 1; nothing is chosen.

    >>> model = nn.Linear(2, 1)
    >>> model.weight = nn.Parameter(dl.tensor([[3.0, -4.0]]))
    >>> optim.Elastic(model, 0.5, l1_ratio=0.5)().item()  # the mean of 3.5 and 6.25
    4.875
    """

    def __init__(
        self,
        model: Module,
        strength: float,
        l1_ratio: float = 0.5,
        *,
        only: Patterns = None,
        skip: Patterns = None,
        name: str = "elastic",
    ) -> None:
        super().__init__(model, only=only, skip=skip, name=name)
        self.strength = checked_strength("Elastic", strength)
        if not 0 <= l1_ratio <= 1:
            raise ArgumentError(f"Elastic: l1_ratio must be from 0 to 1; got {l1_ratio}")
        self.l1_ratio = float(l1_ratio)

    def term(self, p: Tensor) -> Tensor:
        first, second = self.strength * self.l1_ratio, self.strength * (1 - self.l1_ratio)
        penalty: Tensor = first * p.abs().sum() + 0.5 * second * p.square().sum()
        return penalty


def checked_strength(where: str, value: float) -> float:
    """The strength as a float; ArgumentError for negative numbers, NaN and infinity."""
    if not 0 <= value < float("inf"):
        raise ArgumentError(f"{where}: the strength must be a number of 0 or more; got {value}")
    return float(value)
