"""Constraints: projections of the weights, onto a set they must not leave, after each step."""

from __future__ import annotations

import math

import numpy as np

from dlframe.autograd import mark_mutated_many
from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.nn.conv import _Transposed
from dlframe.nn.parameter import is_lazy
from dlframe.ops.record import Array
from dlframe.optim.optimizer import Optimizer
from dlframe.optim.regularization.regularizer import StepHook
from dlframe.optim.regularization.selection import Choice, Patterns


class Constraint(StepHook):
    """The base of constraints: a subclass writes `project_array`.

    `attach(optimizer)` projects after each of its steps, `project()` does it once. Neither changes
    what the optimizer remembers, so momentum may push a weight out of the set again and again. The
    weights before the first step are not projected; call `project()` once if they should be.
    `last` is the share of units, or of values, that the last projection had to move.

    Args:
        model: whose parameters are constrained, as far as they need gradients.
        only, skip: which parameters, by patterns of names; see `weights`.
        name: under which the share is reported.

    Raises:
        ArgumentError: nothing is chosen; the message lists the names.
    """

    def __init__(
        self,
        model: Module,
        *,
        only: Patterns = None,
        skip: Patterns = None,
        name: str = "constraint",
    ) -> None:
        super().__init__(name)
        self._choice = Choice(model, only, skip)

    @property
    def model(self) -> Module:
        """The model whose parameters are chosen."""
        return self._choice.model

    def project_array(self, w: Array, axes: tuple[int, ...]) -> Array:
        """Project an array in place, and return for each unit or value whether it was outside.

        Args:
            w: a weight, or a view of it.
            axes: those along which the values of one unit lie.
        """
        raise NotImplementedError(f"{type(self).__name__} has no project_array()")

    def project(self) -> None:
        """Project all chosen parameters now."""
        moved = count = 0
        arrays = []
        for _, p, module in self._choice.entries():
            if p.requires_grad and not is_lazy(p):
                outside = self.project_array(*units(p.array, module))
                arrays.append(p.array)
                moved += int(np.count_nonzero(outside))
                count += outside.size
        mark_mutated_many(arrays, f"{type(self).__name__}.project")
        self.last = moved / count if count else math.nan

    def after_step(self, optimizer: Optimizer) -> None:
        self.project()


class MaxNorm(Constraint):
    """The weights of each output unit have at most the norm c: w ← w · min(1, c / ‖w‖).

    A unit is an output of a linear layer, a channel of a convolution or of a transposed one, a row
    of an embedding or of a recurrent layer's matrices; a vector is one unit. As `dl.renorm`,
    it divides by ‖w‖ + 10⁻⁷. Units inside are left alone, unlike under weight decay, and with no
    learning rate do the weights grow without end. With batch normalization behind the layer the
    output does not depend on the norm. Srebro and Shraibman, "Rank, trace-norm and max-norm"
    (2005); Srivastava et al., "Dropout" (2014), who take c from 3 to 4.

    Args:
        model, only, skip, name: see `Constraint`.
        max_norm: c.

    Raises:
        ArgumentError: c is not above 0; nothing is chosen.

    >>> model = nn.Linear(2, 2)
    >>> model.weight = nn.Parameter(dl.tensor([[3.0, 4.0], [0.6, 0.8]]))
    >>> limit = optim.MaxNorm(model, 2.0)
    >>> limit.project()
    >>> model.weight.detach(), limit.last
    (tensor([[1.2000, 1.6000],
            [0.6000, 0.8000]]), 0.5)
    """

    def __init__(
        self,
        model: Module,
        max_norm: float,
        *,
        only: Patterns = None,
        skip: Patterns = None,
        name: str = "max_norm",
    ) -> None:
        super().__init__(model, only=only, skip=skip, name=name)
        if not max_norm > 0:
            raise ArgumentError(f"MaxNorm: max_norm must be above 0; got {max_norm}")
        self.max_norm = float(max_norm)

    def project_array(self, w: Array, axes: tuple[int, ...]) -> Array:
        size = norms(w, axes)
        outside = size > self.max_norm
        if outside.any():
            w *= np.where(outside, self.max_norm / (size + 1e-7), 1.0).astype(w.dtype)
        return outside


class UnitNorm(Constraint):
    """The weights of each output unit have the norm 1: w ← w / ‖w‖, where ‖w‖ is not 0.

    Units are as in `MaxNorm`. Only directions are learned, as in dictionary learning and in
    classification by angles; the layer needs something behind it that sets the scale. `last` is the
    share of units whose norm had changed by more than 1 %: a share near 1 says that the learning
    rate is large. A unit of zeros has no direction, and stays.

    Args:
        model, only, skip, name: see `Constraint`.

    >>> model = nn.Linear(2, 1)
    >>> model.weight = nn.Parameter(dl.tensor([[3.0, 4.0]]))
    >>> optim.UnitNorm(model).project()
    >>> model.weight
    Parameter containing:
    tensor([[0.6000, 0.8000]], requires_grad=True)
    """

    def __init__(
        self,
        model: Module,
        *,
        only: Patterns = None,
        skip: Patterns = None,
        name: str = "unit_norm",
    ) -> None:
        super().__init__(model, only=only, skip=skip, name=name)

    def project_array(self, w: Array, axes: tuple[int, ...]) -> Array:
        size = norms(w, axes)
        w /= np.where(size == 0, 1.0, size).astype(w.dtype)
        outside: Array = np.abs(size - 1) > 0.01
        return outside


class Bounds(Constraint):
    """Every value stays between two limits: w ← min(max(w, low), high).

    WGAN's critic was kept smooth in this way (Arjovsky et al., 2017, with 0.01). Narrow limits
    drive most weights to one of the two, where they stay: look at the share in `last`.

    Args:
        model, only, skip, name: see `Constraint`.
        low, high: the limits; None for no limit.

    Raises:
        ArgumentError: no limit; `low` above `high`; nothing is chosen.

    >>> model = nn.Linear(3, 1)
    >>> model.weight = nn.Parameter(dl.tensor([[-2.0, 0.5, 0.75]]))
    >>> optim.Bounds(model, -1.0, 0.5).project()
    >>> model.weight.tolist()
    [[-1.0, 0.5, 0.5]]
    """

    def __init__(
        self,
        model: Module,
        low: float | None,
        high: float | None,
        *,
        only: Patterns = None,
        skip: Patterns = None,
        name: str = "bounds",
    ) -> None:
        super().__init__(model, only=only, skip=skip, name=name)
        where = type(self).__name__
        if low is None and high is None:
            raise ArgumentError(f"{where}: both limits are None; give low, high or both")
        self.low = -math.inf if low is None else float(low)
        self.high = math.inf if high is None else float(high)
        if not self.low <= self.high:
            raise ArgumentError(f"{where}: low must not be above high; got {low} and {high}")

    def project_array(self, w: Array, axes: tuple[int, ...]) -> Array:
        outside = (w < self.low) | (w > self.high)
        np.clip(w, self.low, self.high, out=w)
        return outside


class NonNegative(Bounds):
    """No value is negative: w ← max(w, 0).

    For models whose weights are amounts or counts, and for functions that must grow with each
    input (then of all layers, with increasing activations between them). A unit whose weights
    all became 0 behind a ReLU gets no gradient any more. Lee and Seung (1999), in factorizations.

    Args:
        model, only, skip, name: see `Constraint`.

    >>> model = nn.Linear(3, 1)
    >>> model.weight = nn.Parameter(dl.tensor([[-2.0, 0.0, 0.75]]))
    >>> optim.NonNegative(model).project()
    >>> model.weight.tolist()
    [[0.0, 0.0, 0.75]]
    """

    def __init__(
        self,
        model: Module,
        *,
        only: Patterns = None,
        skip: Patterns = None,
        name: str = "non_negative",
    ) -> None:
        super().__init__(model, 0.0, None, only=only, skip=skip, name=name)


# --- units -------------------------------------------------------------------------------------


def units(w: Array, module: Module) -> tuple[Array, tuple[int, ...]]:
    """A view of a module's weight, and the axes along which the values of one output unit lie."""
    if w.ndim < 2:
        return w, tuple(range(w.ndim))
    if isinstance(module, _Transposed):  # (in, out / groups, …): group g has its own inputs
        w = w.reshape(module.groups, -1, *w.shape[1:])
        return w, (1, *range(3, w.ndim))
    return w, tuple(range(1, w.ndim))


def norms(w: Array, axes: tuple[int, ...]) -> Array:
    """The Euclidean norms along `axes`, which stay with size 1; float16 is squared as float32."""
    wide = w.astype(np.float32) if w.dtype == np.float16 else w
    size: Array = np.sqrt(np.square(wide).sum(axis=axes, keepdims=True))
    return size
