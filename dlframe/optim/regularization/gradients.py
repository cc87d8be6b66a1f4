"""What is done to gradients before a step: noise, and clipping by norm and by value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlframe import states
from dlframe.autograd import mark_mutated_many
from dlframe.errors import ArgumentError
from dlframe.nn.utils import clip_grad_norm_, clip_grad_value_
from dlframe.optim.optimizer import Optimizer
from dlframe.optim.regularization.regularizer import StepHook
from dlframe.random import Generator, or_default
from dlframe.tensor import Tensor


def gradients(optimizer: Optimizer) -> Iterator[Tensor]:
    """The gradients of an optimizer's parameters, as far as there are any."""
    for group in optimizer.param_groups:
        yield from (p.grad for p in group["params"] if p.grad is not None)


class GradientNoise(StepHook):
    """Adds noise to the gradients: g ← g + ε, ε ~ N(0, σ²), with σ² = η / (1 + t)^γ in step t.

    It helps deep networks out of bad initial values and saddles early in training, and fades
    afterwards. The noise has one size for all parameters: where gradients are much smaller than
    σ it drowns them, and with Adam it is scaled up with them. Its norm is σ √n for n weights, so
    larger models need a smaller η. `last` is σ.

    Neelakantan et al., "Adding gradient noise improves learning for very deep networks" (2015),
    with η from 0.01, 0.3 and 1.

    Args:
        eta: η, the variance in the first step.
        gamma: γ, how fast it fades.
        generator: the source of random numbers; None is dlframe's own.
        name: under which σ is reported.

    Raises:
        ArgumentError: a negative η or γ.

    `state_dict` holds t. The state of `generator`, if one is given, is yours to save.

    >>> p = nn.Parameter(dl.zeros(4))
    >>> optimizer = optim.SGD([p], lr=1.0)
    >>> noise = optim.GradientNoise(eta=0.25)
    >>> handle = noise.attach(optimizer)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> noise.last, noise.t, bool((p != -1).all())
    (0.5, 1, True)
    """

    def __init__(
        self,
        eta: float = 0.01,
        gamma: float = 0.55,
        *,
        generator: Generator | None = None,
        name: str = "grad_noise",
    ) -> None:
        super().__init__(name)
        if not (eta >= 0 and gamma >= 0):
            raise ArgumentError(
                f"GradientNoise: eta and gamma must be 0 or more; got {eta} and {gamma}"
            )
        self.eta, self.gamma, self.generator = float(eta), float(gamma), generator
        self.t = 0

    def before_step(self, optimizer: Optimizer) -> None:
        self.last = (self.eta / (1 + self.t) ** self.gamma) ** 0.5
        self.t += 1
        source = or_default(self.generator)
        changed = [gradient.array for gradient in gradients(optimizer)]
        for g in changed:
            g += source.normal(g.shape, g.dtype, std=self.last)
        mark_mutated_many(changed, "GradientNoise")

    def state_dict(self) -> dict[str, Any]:
        return {"t": self.t}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.t = states.take(state, "GradientNoise.load_state_dict", t=states.count)["t"]


class ClipGradNorm(StepHook):
    """Shortens the gradients of a step to a norm: g ← g · min(1, c / (‖g‖ + 10⁻⁶)).

    ‖g‖ is the norm over all of the optimizer's parameters, and `last` is its value before. Choose c
    so that only some steps are clipped: if all are, the steps of SGD have one length. The
    computation is `nn.utils.clip_grad_norm_`. Pascanu, Mikolov and Bengio (2013).

    Args:
        max_norm: c.
        norm_type: which norm; `math.inf` for the largest element.
        error_if_nonfinite: raise GradientError for a norm of ∞ or NaN.
        name: under which the norm is reported.

    Raises:
        ArgumentError: c is negative or NaN.

    >>> p = nn.Parameter(dl.zeros(2))
    >>> optimizer = optim.SGD([p], lr=1.0)
    >>> clip = optim.ClipGradNorm(1.0)
    >>> handle = clip.attach(optimizer)
    >>> (p * dl.tensor([3.0, 4.0])).sum().backward()
    >>> optimizer.step()
    >>> clip.last, p.detach()
    (5.0, tensor([-0.6000, -0.8000]))
    """

    def __init__(
        self,
        max_norm: float,
        norm_type: float = 2.0,
        *,
        error_if_nonfinite: bool = False,
        name: str = "grad_norm",
    ) -> None:
        super().__init__(name)
        if not max_norm >= 0:
            raise ArgumentError(f"ClipGradNorm: max_norm must be 0 or more; got {max_norm}")
        self.max_norm, self.norm_type = float(max_norm), float(norm_type)
        self.error_if_nonfinite = error_if_nonfinite

    def before_step(self, optimizer: Optimizer) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = clip_grad_norm_(parameters, self.max_norm, self.norm_type, self.error_if_nonfinite)
        self.last = float(norm.item())


class ClipGradValue(StepHook):
    """Limits each element of the gradients: g ← min(max(g, −c), c).

    Unlike `ClipGradNorm` it changes the direction of the step. `last` is the share of elements that
    it changed. The computation is `nn.utils.clip_grad_value_`. Mikolov (2012) for recurrent nets.

    Args:
        clip_value: c.
        name: under which the share is reported.

    Raises:
        ArgumentError: c is negative or NaN.

    >>> p = nn.Parameter(dl.zeros(2))
    >>> optimizer = optim.SGD([p], lr=1.0)
    >>> clip = optim.ClipGradValue(1.0)
    >>> handle = clip.attach(optimizer)
    >>> (p * dl.tensor([3.0, 0.5])).sum().backward()
    >>> optimizer.step()
    >>> clip.last, p.tolist()
    (0.5, [-1.0, -0.5])
    """

    def __init__(self, clip_value: float, *, name: str = "grad_clipped") -> None:
        super().__init__(name)
        if not clip_value >= 0:
            raise ArgumentError(f"ClipGradValue: clip_value must be 0 or more; got {clip_value}")
        self.clip_value = float(clip_value)

    def before_step(self, optimizer: Optimizer) -> None:
        arrays = [gradient.array for gradient in gradients(optimizer)]
        count = sum(g.size for g in arrays)
        clipped = sum(int(np.count_nonzero(np.abs(g) > self.clip_value)) for g in arrays)
        self.last = clipped / count if count else 0.0
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        clip_grad_value_(parameters, self.clip_value)
