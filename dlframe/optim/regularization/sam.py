"""Sharpness-aware minimization: steps by the gradient at the worst place nearby."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dlframe import states
from dlframe.autograd import enable_grad, mark_mutated_many
from dlframe.base.quiet import quietly
from dlframe.errors import ArgumentError, StateDictError
from dlframe.ops.record import Array
from dlframe.optim.optimizer import Optimizer, ParamGroup
from dlframe.optim.safety import Watch, loss_of
from dlframe.tensor import Tensor


def sam_formula(
    w: list[Array], g: list[Array], *, rho: float, adaptive: bool, eta: float
) -> list[Array]:
    """Where SAM takes the gradient, w + ε, for all parameters at once, as in the papers.

    float16 is computed as float32: squares of usual gradients are 0 or infinite in it.
    """
    w, g = ([a.astype(np.float32) if a.dtype == np.float16 else a for a in x] for x in (w, g))
    scale = [np.abs(p) + eta if adaptive else np.ones_like(p) for p in w]  # T
    norm = math.sqrt(sum(float(((t * d) ** 2).sum()) for t, d in zip(scale, g, strict=True)))
    factor = rho / (norm + 1e-12)
    return [p + factor * t**2 * d for p, t, d in zip(w, scale, g, strict=True)]


class SAM(Optimizer):
    """Sharpness-aware minimization: a step by the gradient at the worst place near the weights.

    With L the loss and ρ the radius::

        ε = ρ ∇L(w) / ‖∇L(w)‖                   the worst direction, to first order
        g = ∇L(w + ε)                           the gradient there
        w ← a step of `optimizer` from w by g

    In flat minima L(w + ε) is hardly above L(w), in sharp ones it is far above; SAM prefers flat
    ones, which often generalize better. `adaptive` makes it independent of the scale of the
    weights (ASAM), with T = |w| + η elementwise: ε = ρ T² ∇L / ‖T ∇L‖.

    Each step computes the loss and its gradient twice, so it takes twice as long. The loss is
    computed anew by a closure, as for `LBFGS`::

        def closure():
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            return loss

        loss = optimizer.step(closure)  # the loss at the weights before the step

    or the two halves are called by hand: backward, `first_step`, backward, `second_step`.
    Layers with randomness draw anew in the second pass, and batch normalization averages the
    statistics of both.

    Foret et al., "Sharpness-aware minimization for efficiently improving generalization" (2021);
    Kwon et al., "ASAM: adaptive sharpness-aware minimization" (2021).

    Args:
        optimizer: makes the steps; groups, state and options are its own, `state_dict` as well.
        rho: ρ, from 0.01 to 0.2; with `adaptive` ten times as much. 0 is `optimizer` alone.
        adaptive: ASAM.
        eta: η, of `adaptive`.
        name: under which the sharpness is reported.

    Attributes:
        base: the optimizer that makes the steps.
        last: the sharpness L(w + ε) − L(w) of the last step with a closure.

    Raises:
        ArgumentError: a negative ρ or η; a step without a closure.

    >>> w = nn.Parameter(dl.tensor([1.0]))
    >>> optimizer = optim.SAM(optim.SGD([w], lr=0.1), rho=0.5)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = w.square().sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item(), optimizer.last
    (1.0, 1.25)
    >>> round(w.item(), 4)  # 1 − 0.1 · 2 · (1 + 0.5)
    0.7
    """

    needs_closure = True
    _wraps_another = True

    def __init__(
        self,
        optimizer: Optimizer,
        rho: float = 0.05,
        *,
        adaptive: bool = False,
        eta: float = 0.01,
        name: str = "sharpness",
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"SAM: expected an optimizer, as in SAM(SGD(model.parameters())); got "
                f"{type(optimizer).__name__}"
            )
        if optimizer.needs_closure:
            raise ArgumentError(
                f"SAM: {type(optimizer).__name__} computes the loss several times in a step; wrap "
                "an optimizer that takes one gradient, such as SGD or Adam"
            )
        if not (rho >= 0 and eta >= 0):
            raise ArgumentError(f"SAM: rho and eta must be 0 or more; got {rho} and {eta}")
        self.base = optimizer
        self.rho, self.adaptive, self.eta = float(rho), bool(adaptive), float(eta)
        self.name = name
        self.last = math.nan
        self._before: list[tuple[Tensor, Array]] | None = None  # the weights, while they are moved
        self._make_hook_tables()

    # --- what belongs to the wrapped optimizer -------------------------------------------------

    @property
    def param_groups(self) -> list[ParamGroup]:  # type: ignore[override] # read only here
        return self.base.param_groups

    @property
    def state(self) -> Any:  # type: ignore[override] # read only here
        return self.base.state

    @property
    def defaults(self) -> dict[str, Any]:  # type: ignore[override] # read only here
        return self.base.defaults

    @property
    def _watch(self) -> Watch:
        return self.base._watch

    @_watch.setter
    def _watch(self, watch: Watch) -> None:
        self.base._watch = watch

    def _look_after_step(self) -> None:
        """Nothing: the wrapped optimizer has looked."""

    def add_param_group(self, param_group: ParamGroup) -> None:
        self.base.add_param_group(param_group)

    def __getstate__(self) -> dict[str, Any]:
        names = ("base", "rho", "adaptive", "eta", "name", "last", "_before", "_steps")
        return {name: getattr(self, name) for name in names}

    def _state_holders(self) -> Iterable[Any]:
        return [self, *states.holders(self.base)]

    def __repr__(self) -> str:
        return f"SAM (rho={self.rho}, adaptive={self.adaptive}) of {self.base!r}"

    # --- steps ---------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Compute the loss twice with `closure`, and make a step; returns the first loss.

        Args:
            closure: clears the gradients, computes the loss, calls `backward` and returns it. If it
                raises, the weights are those from before the step.

        Raises:
            ArgumentError: no closure.
            TypeError: the closure returns None.
        """
        if closure is None:
            raise ArgumentError(
                "SAM.step: the loss has to be computed twice, so step needs a closure, which "
                "clears the gradients, computes the loss, calls backward and returns it; or call "
                "first_step() and second_step(), each after a backward"
            )
        with enable_grad():
            loss = loss_of(self, self._watch.call(self, closure))
        value = _number(loss)  # now: the closure may give the same tensor again
        self.first_step()
        try:
            with enable_grad():
                worst = closure()
        except BaseException:
            self._restore()
            raise
        self.last = _number(worst) - value
        self.second_step()
        return loss

    def first_step(self) -> None:
        """Move the weights to w + ε by the gradients they have, and forget those.

        Raises:
            ArgumentError: called twice without `second_step`.
        """
        if self._before is not None:
            raise ArgumentError("SAM.first_step: the weights are moved already; call second_step()")
        active = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        self._before = [(p, p.array.copy()) for p in dict.fromkeys(active)]
        moved = quietly(
            sam_formula,
            [w for _, w in self._before],
            [p.grad.array for p, _ in self._before],
            rho=self.rho, adaptive=self.adaptive, eta=self.eta,
        )  # fmt: skip
        for (p, _), place in zip(self._before, moved, strict=True):
            p.array[...] = place
        mark_mutated_many([p.array for p, _ in self._before], "SAM.first_step")
        self.zero_grad()

    def second_step(self) -> None:
        """Put the weights back, and make a step by the gradients computed since `first_step`.

        Raises:
            ArgumentError: `first_step` was not called.
        """
        if self._before is None:
            raise ArgumentError("SAM.second_step: call backward() and first_step() before it")
        self._restore()
        self.base.step()
        if self._steps is not None:  # a schedule of this optimizer looks whether it has stepped
            self._steps.made += 1

    def _restore(self) -> None:
        before, self._before = self._before or [], None
        for p, w in before:
            p.array[...] = w
        mark_mutated_many([p.array for p, _ in before], "SAM.second_step")

    # --- saving --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """That of the wrapped optimizer.

        Raises:
            StateDictError: between `first_step` and `second_step`.
        """
        if self._before is not None:
            raise StateDictError(
                "SAM.state_dict: the weights are moved for the second gradient; call second_step() "
                "first"
            )
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load into the wrapped optimizer; see `Optimizer.load_state_dict`."""
        self.base.load_state_dict(state_dict)


def _number(loss: Any) -> float:
    return float(loss.item()) if isinstance(loss, Tensor) else float(loss)
