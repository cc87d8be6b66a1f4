"""Penalties: functions of the weights, or of the outputs, that are added to the loss."""

from __future__ import annotations

import functools
import operator
from typing import Any

from dlframe.errors import ArgumentError
from dlframe.nn import CrossEntropyLoss, Module, NLLLoss
from dlframe.nn.functional import cross_entropy
from dlframe.optim.regularization.regularizer import Regularizer
from dlframe.optim.regularization.selection import Choice, Patterns
from dlframe.tensor import Tensor


class Penalty(Regularizer):
    """The base of penalties: a subclass writes `term`, the penalty of one parameter.

    Calling it gives the sum over all chosen parameters that need gradients: a tensor of one number
    to add to the loss, with gradients of every order. `last` is its value as a float. `term` sees
    one parameter at a time.

    Args:
        model: whose parameters are penalized. A parameter that is replaced, added or frozen later
            counts from the next call on.
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
        self._choice = Choice(model, only, skip)

    @property
    def model(self) -> Module:
        """The model whose parameters are chosen."""
        return self._choice.model

    def term(self, p: Tensor) -> Tensor:
        """The penalty of one parameter, a tensor of one number."""
        raise NotImplementedError(f"{type(self).__name__} has no term()")

    def __call__(self) -> Tensor:
        terms = [self.term(p) for _, p, _ in self._choice.entries() if p.requires_grad]
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


# --- of the outputs ----------------------------------------------------------------------------


class OutputPenalty(Regularizer):
    """The base of penalties on what the model makes of a batch: a subclass writes `term`.

    Calling it with the outputs and the targets gives a tensor of one number to add to the loss.
    `last` is its value as a float. `Trainer` calls it with what the loss gets.

    Args:
        name: under which the value is reported.

    >>> class Quiet(optim.OutputPenalty):
    ...     def term(self, output, target):  # outputs should be small
    ...         return 0.1 * output.square().mean()
    >>> Quiet("quiet")(dl.tensor([[1.0, 3.0]]), None).item()
    0.5
    """

    reduction = "mean"
    """Like that of a loss: with "sum", what is reported is divided by the samples."""

    def __init__(self, name: str = "output_penalty") -> None:
        super().__init__(name)

    def term(self, output: Any, target: Any) -> Tensor:
        """The penalty of a batch, a tensor of one number."""
        raise NotImplementedError(f"{type(self).__name__} has no term()")

    def __call__(self, output: Any, target: Any) -> Tensor:
        total = self.term(output, target)
        self.last = float(total.item())
        return total


class LabelSmoothing(OutputPenalty):
    """ε (1/C Σ_k −log p_k − CE), the part of a cross-entropy that comes from smoothing its labels.

    CE + this is the loss with `label_smoothing=ε`, for labels and for probabilities q::

        −Σ_k q'_k log p_k  with  q' = (1 − ε) q + ε / C

    In this form the loss itself stays what it is without smoothing, to be compared with that of
    the validation, and the part has a number of its own. It is negative where the right class gets
    less than the geometric mean of all p. Szegedy et al., "Rethinking the Inception architecture
    for computer vision" (2016).

    Args:
        strength: ε, from 0 to 1.
        loss: the CrossEntropyLoss to which it belongs, whose weights of classes, `ignore_index` and
            `reduction` it takes; None for one without options.
        name: under which the value is reported.

    Raises:
        ArgumentError: a strength below 0 or above 1; a loss that smooths labels itself, or gives no
            single number.

    >>> x, y = dl.tensor([[2.0, 0.0], [0.0, 1.0]]), dl.tensor([0, 1])
    >>> smoothing = optim.LabelSmoothing(0.1)
    >>> total = nn.CrossEntropyLoss()(x, y) + smoothing(x, y)
    >>> total, round(smoothing.last, 4)
    (tensor(0.2951), 0.075)
    >>> nn.CrossEntropyLoss(label_smoothing=0.1)(x, y)
    tensor(0.2951)
    """

    def __init__(
        self,
        strength: float = 0.1,
        loss: CrossEntropyLoss | None = None,
        *,
        name: str = "label_smoothing",
    ) -> None:
        super().__init__(name)
        if not 0 <= strength <= 1:
            raise ArgumentError(f"LabelSmoothing: the strength must be from 0 to 1; got {strength}")
        loss = CrossEntropyLoss() if loss is None else loss
        if not isinstance(loss, CrossEntropyLoss):
            raise TypeError(
                f"LabelSmoothing: expected an nn.CrossEntropyLoss; got {type(loss).__name__}"
            )
        self.strength, self.loss = float(strength), loss
        self.check_loss(loss)

    @property
    def reduction(self) -> str:  # type: ignore[override] # read only here
        """That of the loss."""
        return self.loss.reduction

    def check_loss(self, loss: Any) -> None:
        """Raise ArgumentError unless the labels of this loss can be smoothed by this penalty."""
        smoothing = getattr(loss, "label_smoothing", 0.0)
        if smoothing != 0:
            raise ArgumentError(
                f"LabelSmoothing: the loss ({type(loss).__name__}) smooths labels itself, by "
                f"{smoothing}, so they would be smoothed twice; leave out label_smoothing= there, "
                "or this penalty"
            )
        if self.loss.reduction == "none":
            raise ArgumentError(
                'LabelSmoothing: a loss with reduction="none" gives no single number; use "mean" '
                'or "sum"'
            )
        ours = type(loss).__module__.startswith("dlframe.nn.")
        if ours and not isinstance(loss, (CrossEntropyLoss, NLLLoss)) and isinstance(loss, Module):
            raise ArgumentError(
                f"LabelSmoothing: it belongs to a cross-entropy of logits or of log-probabilities, "
                f"and the loss is {type(loss).__name__}; leave this penalty out"
            )
        if isinstance(loss, (CrossEntropyLoss, NLLLoss)) and not _is_alike(loss, self.loss):
            raise ArgumentError(
                "LabelSmoothing: the loss has other weights of classes, ignore_index or reduction "
                "than this penalty; make it with the loss: "
                f"optim.LabelSmoothing({self.strength:g}, loss)"
            )

    def term(self, output: Any, target: Any) -> Tensor:
        uniform, plain = (
            cross_entropy(
                output,
                target,
                weight=self.loss.weight,
                ignore_index=self.loss.ignore_index,
                reduction=self.loss.reduction,
                label_smoothing=smoothing,
            )
            for smoothing in (1.0, 0.0)
        )
        penalty: Tensor = self.strength * (uniform - plain)  # the loss is linear in ε
        return penalty


def _is_alike(loss: CrossEntropyLoss | NLLLoss, other: CrossEntropyLoss) -> bool:
    """Whether two losses have the same options, but for the smoothing of labels."""
    a, b = loss.weight, other.weight
    same_weight = a is b or (
        a is not None and b is not None and a.shape == b.shape and bool((a == b).all())
    )
    return same_weight and (loss.ignore_index, loss.reduction) == (
        other.ignore_index,
        other.reduction,
    )


# --- strengths ---------------------------------------------------------------------------------


def checked_strength(where: str, value: float) -> float:
    """The strength as a float; ArgumentError for negative numbers, NaN and infinity."""
    if not 0 <= value < float("inf"):
        raise ArgumentError(f"{where}: the strength must be a number of 0 or more; got {value}")
    return float(value)
