"""How far gradients reach: the size of the last state's derivative by the steps before it."""

from __future__ import annotations

import math

from dlframe.autograd import grad
from dlframe.random import Generator
from dlframe.study.experiments.sequences.models import Reader
from dlframe.tensor import Tensor
from dlframe.tensor.creation import randint

SMALLEST = 1e-45  # of float32: what is smaller has become 0


def reach(model: Reader, x: Tensor, generator: Generator) -> list[float]:
    """‖∂h_L / ∂e_{L-d}‖ for the distances d = 0 … L-1, in root mean square over sequences.

    h_L is the state after the last step and e_t what the model enters of step t. The norm is
    Frobenius'. For signs s of a mean of 0 the mean of ‖sᵀJ‖² is ‖J‖², so one backward pass
    through all sequences, each with signs of its own, is enough (Hutchinson 1989).
    """
    entered = model.enter(x).detach().requires_grad_()
    last = model.states(entered)[:, -1]
    signs = 2.0 * randint(0, 2, tuple(last.shape), generator=generator) - 1.0
    (g,) = grad((last * signs).sum(), [entered])
    sizes = g.double().square().sum(dim=2).mean(dim=0).sqrt()
    return sizes.flip(0).tolist()  # type: ignore[no-any-return]  # a list of numbers


def remaining(sizes: list[float], distance: int) -> float:
    """The powers of ten by which the gradient changes over the distance: -3 is a thousandth."""
    return math.log10(max(sizes[distance], SMALLEST) / max(sizes[0], SMALLEST))
