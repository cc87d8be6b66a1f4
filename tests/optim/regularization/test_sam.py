"""SAM beside its formula, by closure and by halves, with schedules, hooks and states."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError, NonFiniteGradientWarning, StateDictError
from dlframe.optim import lr_scheduler
from dlframe.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from dlframe.optim.safety import unheeded


class Problem:
    """A small network with its loss."""

    def __init__(self, make: Any = None, **options: Any) -> None:
        dl.manual_seed(1)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
        self.x = dl.randn(6, 3, dtype=dl.float64)
        base = (make or (lambda p: optim.SGD(p, lr=0.1, momentum=0.9)))(self.model.parameters())
        self.optimizer = optim.SAM(base, **options)
        self.calls = 0

    def closure(self) -> dl.Tensor:
        self.calls += 1
        self.optimizer.zero_grad()
        loss = (self.model(self.x) - 1).square().mean()
        loss.backward()
        return loss

    def weights(self) -> list[Any]:
        return [p.detach().numpy().copy() for p in self.model.parameters()]

    def gradients(self, at: list[Any]) -> list[Any]:
        with dl.no_grad():
            for p, w in zip(self.model.parameters(), at, strict=True):
                p.copy_(dl.tensor(w))
        self.closure()
        return [p.grad.numpy().copy() for p in self.model.parameters()]


@pytest.mark.parametrize(
    "options",
    [{"rho": 0.5}, {"rho": 1.0, "adaptive": True}, {"rho": 1.0, "adaptive": True, "eta": 0.3}],
)
def test_the_formula(options: dict[str, Any]) -> None:
    problem, by_hand = Problem(**options), Problem()
    momentum = [0.0] * 4
    w = by_hand.weights()
    for _ in range(5):
        g = by_hand.gradients(w)
        t = [abs(p) + options.get("eta", 0.01) if "adaptive" in options else 1.0 for p in w]
        length = np.sqrt(sum(((a * b) ** 2).sum() for a, b in zip(t, g, strict=True)))
        place = [p + options["rho"] * a**2 * b / length for p, a, b in zip(w, t, g, strict=True)]
        g = by_hand.gradients(place)
        momentum = [0.9 * m + d for m, d in zip(momentum, g, strict=True)]
        w = [p - 0.1 * m for p, m in zip(w, momentum, strict=True)]
        problem.optimizer.step(problem.closure)
    for got, expected in zip(problem.weights(), w, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-8)
    assert problem.calls == 10


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("scale", [1e-6, 1e-4, 1.0, 1e3, 1e4])
def test_float16_gradients_of_every_size(scale: float, adaptive: bool) -> None:
    w = nn.Parameter(dl.tensor([1.0, -2.0, 0.5], dtype=dl.float16))
    wide = nn.Parameter(w.detach().double())
    w.grad = dl.tensor([1.0, 0.5, -0.25], dtype=dl.float16) * scale
    wide.grad = w.grad.double()
    for p in (w, wide):
        optim.SAM(optim.SGD([p], lr=0.1), rho=0.1, adaptive=adaptive).first_step()
    assert np.allclose(w.detach().numpy(), wide.detach().numpy(), atol=2e-3)


def test_by_halves_is_by_closure() -> None:
    one, other = Problem(rho=0.3), Problem(rho=0.3)
    for _ in range(3):
        first = one.optimizer.step(one.closure)
        assert first.item() == other.closure().item()
        other.optimizer.first_step()
        worst = other.closure().item()
        other.optimizer.second_step()
        assert one.optimizer.last == worst - first.item()
    for a, b in zip(one.weights(), other.weights(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_without_a_radius_it_is_the_wrapped_optimizer() -> None:
    problem, plain = Problem(rho=0.0), Problem(rho=0.0)
    problem.optimizer.step(problem.closure)
    plain.closure()
    plain.optimizer.base.step()
    for a, b in zip(problem.weights(), plain.weights(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_gradient_of_zero_moves_nothing() -> None:
    p = nn.Parameter(dl.zeros(2))
    unused = nn.Parameter(dl.ones(2))
    optimizer = optim.SAM(optim.SGD([p, unused], lr=1.0), rho=1.0)

    def closure() -> dl.Tensor:
        optimizer.zero_grad()
        loss = p.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert optimizer.last == 0.0
    assert p.tolist() == [0.0, 0.0]
    assert unused.tolist() == [1.0, 1.0]


def test_steps_in_the_wrong_order_say_what_to_do() -> None:
    problem = Problem()
    with pytest.raises(ArgumentError, match=r"step needs a closure.*first_step\(\)"):
        problem.optimizer.step()
    with pytest.raises(ArgumentError, match=r"call backward\(\) and first_step\(\) before it"):
        problem.optimizer.second_step()
    problem.closure()
    problem.optimizer.first_step()
    with pytest.raises(ArgumentError, match=r"moved already; call second_step\(\)"):
        problem.optimizer.first_step()
    with pytest.raises(StateDictError, match=r"call second_step\(\) first"):
        problem.optimizer.state_dict()


def test_an_error_in_the_second_pass_puts_the_weights_back() -> None:
    problem = Problem(rho=1.0)
    before = problem.weights()

    def closure() -> dl.Tensor:
        if problem.calls:
            raise KeyboardInterrupt
        return problem.closure()

    with pytest.raises(KeyboardInterrupt):
        problem.optimizer.step(closure)
    for a, b in zip(before, problem.weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    problem.optimizer.step(problem.closure)  # and it can go on


@pytest.mark.parametrize("by_halves", [False, True])
def test_schedules(by_halves: bool) -> None:
    problem = Problem()
    schedule = lr_scheduler.StepLR(problem.optimizer, 1, gamma=0.5)
    for _ in range(2):
        if by_halves:
            problem.closure()
            problem.optimizer.first_step()
            problem.closure()
            problem.optimizer.second_step()
        else:
            problem.optimizer.step(problem.closure)
        schedule.step()
    assert problem.optimizer.base.param_groups[0]["lr"] == 0.1 / 4


@pytest.mark.parametrize("make", [None, lambda p: optim.Adam(p, lr=0.01)])
def test_state_goes_through(make: Any) -> None:
    whole, part, rest = (Problem(make, rho=0.2) for _ in range(3))
    for _ in range(4):
        whole.optimizer.step(whole.closure)
    for _ in range(2):
        part.optimizer.step(part.closure)
    rest.model.load_state_dict(part.model.state_dict())
    rest.optimizer.load_state_dict(copy.deepcopy(part.optimizer.state_dict()))
    assert rest.optimizer.state is rest.optimizer.base.state
    for _ in range(2):
        rest.optimizer.step(rest.closure)
    for a, b in zip(whole.weights(), rest.weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    with pytest.raises(StateDictError):
        rest.optimizer.load_state_dict({"state": {}, "param_groups": []})


def test_copies() -> None:
    problem = Problem(rho=0.2)
    problem.optimizer.step(problem.closure)
    twin = copy.deepcopy(problem)
    problem.optimizer.step(problem.closure)
    twin.optimizer.step(twin.closure)
    for a, b in zip(problem.weights(), twin.weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    assert "rho=0.2" in repr(twin.optimizer)


def test_regularizers_act_once_per_step_on_the_wrapped_optimizer() -> None:
    problem = Problem(rho=0.2)
    clip, limit = optim.ClipGradNorm(1e-3), optim.MaxNorm(problem.model, 0.1)
    clip.attach(problem.optimizer)
    handle = limit.attach(problem.optimizer)
    assert limit.is_attached(problem.optimizer.base)
    problem.optimizer.step(problem.closure)
    assert limit.last == 1.0
    length = np.sqrt((problem.model[0].weight.detach().numpy() ** 2).sum(axis=1))
    assert (length <= 0.1 + 1e-9).all()
    handle.remove()
    before = problem.weights()
    problem.optimizer.step(problem.closure)
    moved = np.sqrt(
        sum(((a - b) ** 2).sum() for a, b in zip(before, problem.weights(), strict=True))
    )
    assert 0 < moved < 0.1 * 2e-3


def test_groups_are_those_of_the_wrapped_optimizer() -> None:
    problem = Problem()
    extra = nn.Parameter(dl.zeros(1))
    problem.optimizer.add_param_group({"params": [extra], "lr": 0.5})
    assert problem.optimizer.base.param_groups[1]["lr"] == 0.5
    assert problem.optimizer.defaults is problem.optimizer.base.defaults


def test_errors() -> None:
    base = optim.SGD([nn.Parameter(dl.zeros(1))])
    with pytest.raises(TypeError, match="expected an optimizer, as in SAM"):
        optim.SAM([nn.Parameter(dl.zeros(1))])  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(ArgumentError, match="SAM computes the loss several times"):
        optim.SAM(optim.SAM(base))
    with pytest.raises(ArgumentError, match="rho and eta must be 0 or more; got -1"):
        optim.SAM(base, -1)


def test_only_the_wrapped_optimizer_watches_the_loop() -> None:
    w = nn.Parameter(dl.ones(2))
    optimizer = optim.SAM(optim.SGD([w], lr=0.1))
    for one in (optimizer, copy.deepcopy(optimizer)):
        (w,) = one.param_groups[0]["params"]

        def closure(one: optim.SAM = one, w: nn.Parameter = w) -> dl.Tensor:
            one.zero_grad()
            loss = (w * math.inf).sum()
            loss.backward()
            return loss

        with unheeded(one):
            one.step(closure)
        with pytest.warns(NonFiniteGradientWarning) as said:
            one.step(closure)
        assert len(said) == 1


def test_global_hooks_run_once_in_a_step() -> None:
    problem, seen = Problem(rho=0.1), []
    own = problem.optimizer.register_step_pre_hook(lambda o, *_: seen.append(type(o).__name__))
    with (
        register_optimizer_step_pre_hook(lambda o, *_: seen.append(f"before {type(o).__name__}")),
        register_optimizer_step_post_hook(lambda o, *_: seen.append(f"after {type(o).__name__}")),
    ):
        problem.optimizer.step(problem.closure)
        assert seen == ["SAM", "before SGD", "after SGD"]
        problem.closure()
        problem.optimizer.first_step()
        problem.closure()
        problem.optimizer.second_step()
    assert seen[3:] == ["before SGD", "after SGD"]
    own.remove()
