"""check_optimizer accepts optimizers that conform; each of its claims is broken by one here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples.broken import (
    BrokenObjects,
    claims,
    noise,
)

import dlframe as dl
from dlframe import nn, optim, testing
from dlframe.autograd import mark_mutated

BROKEN = BrokenObjects()
breaks = BROKEN.breaks


class Descent(optim.Optimizer):
    """Gradient descent with momentum, right in all; the broken ones below change a part."""

    def __init__(self, params: Any, lr: float = 0.1, momentum: float = 0.5) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def move(self, p: Any, group: Any) -> None:
        state = self.state[p]
        if "velocity" not in state:
            state["velocity"] = dl.zeros_like(p)
        state["velocity"] = group["momentum"] * state["velocity"] + p.grad.detach()
        p.array -= group["lr"] * state["velocity"].array
        mark_mutated(p.array, "Descent")

    def step(self, closure: Any = None) -> Any:
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, group)
        return loss


def check_optimizer(**methods: Any) -> None:
    testing.check_optimizer(type("Broken", (Descent,), methods))


def test_the_base_of_the_broken_optimizers_conforms() -> None:
    check_optimizer()


def move_with(change: Callable[[Any, Any, Any], Any]) -> Callable[..., None]:
    """A move, and something else after it."""

    def move(self: Any, p: Any, group: Any) -> None:
        Descent.move(self, p, group)
        change(self, p, group)

    return move


def widen(self: Any, p: Any, group: Any) -> None:
    p.array = p.array.astype(np.float64)


def step_without_closure(self: Any, closure: Any = None) -> None:
    Descent.step(self)


def step_of_first_group(self: Any, closure: Any = None) -> Any:
    groups, self.param_groups = self.param_groups, self.param_groups[:1]
    loss = Descent.step(self, closure)
    self.param_groups = groups
    return loss


def step_of_all(self: Any, closure: Any = None) -> Any:
    loss = Descent.step(self, closure)
    for group in self.param_groups:
        for p in group["params"]:
            p.array *= 0.99
            mark_mutated(p.array, "decay")
    return loss


def move_in_silence(self: Any, p: Any, group: Any) -> None:
    p.array -= group["lr"] * p.grad.array


def move_with_hidden_state(self: Any, p: Any, group: Any) -> None:
    self.hidden = getattr(self, "hidden", 0) + 1
    p.array -= group["lr"] * (1 + 1 / self.hidden) * p.grad.array
    mark_mutated(p.array, "hidden")


def move_by_memory(self: Any, p: Any, group: Any) -> None:
    p.array -= (
        group["lr"]
        * p.grad.array.ravel(order="K").reshape(p.array.shape)
        * (1.0 if p.array.flags.c_contiguous else 2.0)
    )
    mark_mutated(p.array, "memory")


def accept_nothing(self: Any, params: Any) -> None:
    Descent.__init__(self, list(params) or [nn.Parameter(dl.ones(1))])


breaks("the factory makes an Optimizer: it made int")(
    lambda: testing.check_optimizer(lambda params: 3)
)
breaks("Broken prints under its name")(lambda: check_optimizer(__repr__=lambda self: "?"))
breaks("refuses an empty list of parameters: an empty list was accepted")(
    lambda: check_optimizer(__init__=accept_nothing)
)
breaks("comes closer to a minimum: at distance")(
    lambda: check_optimizer(move=lambda self, p, group: None)
)
breaks("leaves float32 parameters float32: parameter 0 became float64")(
    lambda: check_optimizer(move=move_with(widen))
)
breaks("leaves float64 parameters float64")(
    lambda: check_optimizer(
        move=move_with(lambda self, p, group: setattr(p, "array", p.array.astype(np.float32)))
    )
)
breaks("takes the same way again")(
    lambda: check_optimizer(
        move=move_with(lambda self, p, g: np.multiply(p.array, 1 - noise.random() / 9, out=p.array))
    )
)
breaks("moves parameters that are not contiguous as it moves others")(
    lambda: check_optimizer(move=move_by_memory)
)
breaks("leaves gradients as they are: gradient 0")(
    lambda: check_optimizer(move=move_with(lambda self, p, group: p.grad.array.fill(0.0)))
)
breaks("leaves a parameter without gradient where it is")(lambda: check_optimizer(step=step_of_all))
breaks(r"drops gradients at zero_grad\(\)")(
    lambda: check_optimizer(
        zero_grad=lambda self, set_to_none=True: Descent.zero_grad(self, set_to_none=False)
    )
)
breaks("calls a closure with gradients enabled, and returns its loss: the closure was not called")(
    lambda: check_optimizer(step=step_without_closure)
)
breaks("moves the parameters of all groups")(lambda: check_optimizer(step=step_of_first_group))
breaks("reads options from the group, at each step")(
    lambda: check_optimizer(move=lambda self, p, group: Descent.move(self, p, self.defaults))
)
breaks("tells graphs that it changed what they kept")(lambda: check_optimizer(move=move_in_silence))
breaks("goes on from its state_dict bit for bit")(
    lambda: check_optimizer(move=move_with_hidden_state)
)


# --- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("message", BROKEN.calls)
def test_what_is_broken_is_found(message: str) -> None:
    BROKEN.find(message)


@pytest.mark.parametrize("claim", claims("optimizer"))
def test_every_claim_is_broken_by_something(claim: str) -> None:
    assert BROKEN.covers(claim)
