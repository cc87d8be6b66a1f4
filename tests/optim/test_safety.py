"""What an optimizer says about the loop that it is used in, and what it must not say."""

from __future__ import annotations

import copy
import gc
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from samples.optimizers import OPTIMIZERS

import dlframe as dl
from dlframe import nn, optim
from dlframe.autograd.backward import on_leaves
from dlframe.errors import (
    AccumulatedGradientWarning,
    NoGradientWarning,
    NonFiniteGradientWarning,
    OptimizerWarning,
    UnheldParameterWarning,
)
from dlframe.training import Trainer
from dlframe.utils.checkpoint import checkpoint

X, Y = dl.ones(4, 3), dl.zeros(4, 2)


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def loss_of(net: Callable[[Any], Any]) -> Any:
    return nn.functional.mse_loss(net(X), Y)


@contextmanager
def says(kind: type[OptimizerWarning], *parts: str) -> Iterator[None]:
    """Exactly one warning of the category, at a line of this file, with the parts in its text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    found = [w for w in caught if issubclass(w.category, OptimizerWarning)]
    assert [w.category for w in found] == [kind], [str(w.message) for w in found]
    assert found[0].filename == __file__
    for part in parts:
        assert part in str(found[0].message)


class Descent(optim.Optimizer):
    """An optimizer of one's own."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr})

    @dl.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["lr"] * p.grad


# --- mistakes ----------------------------------------------------------------------------------


def test_a_loop_without_backward() -> None:
    net = model()
    optimizer = optim.Adam(net.parameters())
    with says(
        NoGradientWarning, "Adam: step() found no", "call loss.backward()", "0.weight [5, 3]"
    ):
        for _ in range(3):
            optimizer.zero_grad()
            loss_of(net)
            optimizer.step()


def test_zero_grad_between_backward_and_step() -> None:
    net = model()
    optimizer = optim.SGD(net.named_parameters())
    with says(NoGradientWarning, "zero_grad() not between the two"):
        for _ in range(3):
            loss_of(net).backward()
            optimizer.zero_grad()
            optimizer.step()


def test_the_parameters_of_another_model() -> None:
    net, other = model(), model()
    optimizer = optim.SGD(other.parameters())
    with says(NoGradientWarning, "are they those of this model?"):
        for _ in range(3):
            loss_of(net).backward()
            optimizer.step()


def test_frozen_parameters() -> None:
    net, head = model(), nn.Linear(2, 2)
    net.requires_grad_(False)
    optimizer = optim.SGD(net.parameters())
    with says(NoGradientWarning, "none of its parameters requires grad", "unfreeze"):
        loss_of(lambda x: head(net(x))).backward()
        optimizer.step()


CHANGES = ["clip", "hook", "noise", "nothing", "scaling", "two clips"]
UNCLEARED = [
    pytest.param(kind, change, marks=() if kind in ("SGD", "Adam") else pytest.mark.slow)
    for kind in [*OPTIMIZERS, "Descent"]
    for change in CHANGES
]


@pytest.mark.parametrize(("kind", "change"), UNCLEARED)
def test_gradients_that_nobody_clears(kind: str, change: str) -> None:
    net = model()
    optimizer = (
        Descent(net.parameters()) if kind == "Descent" else getattr(optim, kind)(net.parameters())
    )
    if change in ("hook", "noise"):
        (optim.GradientNoise() if change == "noise" else optim.ClipGradNorm(1.0)).attach(optimizer)
    with says(AccumulatedGradientWarning, "not cleared between steps", "zero_grad()", "0.weight"):
        for _ in range(5):
            loss_of(net).backward()
            if "clip" in change:
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            if change == "two clips":
                nn.utils.clip_grad_value_(net.parameters(), 0.01)
            if change == "scaling":
                for p in net.parameters():
                    p.grad *= 0.5
            optimizer.step()


@pytest.mark.parametrize("hidden", [10, 16, 32, 64, 100, 256])
def test_gradients_of_images_that_nobody_clears(hidden: int) -> None:
    images = dl.zeros(20, 8, 8)  # with a border of zeros, so the gradients of its weights are zero
    images[:, 1:7, 2:6] = dl.rand(20, 6, 4)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.Tanh(), nn.Linear(hidden, 2))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    with says(AccumulatedGradientWarning, "not cleared between steps"):
        for _ in range(3):
            net(images).square().mean().backward()
            optimizer.step()


SEVERAL_CALLS: dict[str, Callable[[Any], optim.Optimizer]] = {  # of the closure in one step
    "LBFGS": lambda params: optim.LBFGS(params, lr=1e-3, max_iter=3),
    "line search": lambda params: optim.LBFGS(params, line_search_fn="strong_wolfe", max_iter=3),
    "SAM": lambda params: optim.SAM(optim.SGD(params, lr=0.1)),
}


@pytest.mark.parametrize("make", SEVERAL_CALLS.values(), ids=SEVERAL_CALLS)
def test_a_closure_that_returns_nothing(make: Callable[[Any], optim.Optimizer]) -> None:
    net = model()
    before = net[0].weight.detach().clone()
    optimizer = make(net.parameters())

    def closure() -> None:
        optimizer.zero_grad()
        loss_of(net).backward()

    with pytest.raises(TypeError, match=r"\.step: closure\(\) returned None; it must return"):
        optimizer.step(closure)
    assert (net[0].weight == before).all()


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("make", SEVERAL_CALLS.values(), ids=SEVERAL_CALLS)
def test_a_closure_that_does_not_clear_gradients(
    make: Callable[[Any], optim.Optimizer], clip: bool
) -> None:
    net = model()
    optimizer = make(net.parameters())

    def closure() -> Any:
        loss = loss_of(net)
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        return loss

    with says(AccumulatedGradientWarning, "closure() does not clear", "zero_grad()", "0.weight"):
        for _ in range(2):
            optimizer.step(closure)


def test_a_layer_that_the_optimizer_does_not_have() -> None:
    net = model()
    optimizer = optim.Adam(net[0].parameters())
    with says(UnheldParameterWarning, "2 parameters", "2.weight, 2.bias", "requires_grad_(False)"):
        for _ in range(3):
            optimizer.zero_grad()
            loss_of(net).backward()
            optimizer.step()


@pytest.mark.parametrize("kind", [*OPTIMIZERS, "Descent"])
def test_a_gradient_that_is_not_finite(kind: str) -> None:
    net = model()
    make = Descent if kind == "Descent" else getattr(optim, kind)
    optimizer = make(net.parameters(), lr=1e-3)
    place = "0.weight [5, 3]" if kind == "Descent" else "2.weight [2, 5]"
    with says(NonFiniteGradientWarning, "in step 3", "1 parameter of 4", "1 nan", place):
        for step in range(5):
            optimizer.zero_grad()
            (loss_of(net) if step < 2 else net[0].weight.sum() + net[2].weight.sum()).backward()
            for p in net.parameters():
                p.grad = dl.zeros_like(p) if p.grad is None else p.grad
            if step == 2:
                net[0 if kind == "Descent" else 2].weight.grad[0, 0] = np.inf
            optimizer.step()
            with dl.no_grad():
                for p in net.parameters():
                    p.nan_to_num_(0.0, 0.0, 0.0)


def test_a_nan_in_a_large_model_is_found_where_it_spreads() -> None:
    net = nn.Sequential(nn.Linear(3, 300), nn.ReLU(), nn.Linear(300, 300), nn.Linear(300, 2))
    optimizer = optim.SGD(net.parameters(), lr=1e-3)
    with says(NonFiniteGradientWarning, "0.weight", "2.weight", "and 1 more"):
        for step in range(6):
            optimizer.zero_grad()
            (loss_of(net) * (np.nan if step > 2 else 1.0)).backward()
            optimizer.step()


def test_a_trainer_says_it_too() -> None:
    net = model()
    with says(UnheldParameterWarning, "does not hold 2 of 4", "0.weight, 0.bias"):
        trainer = Trainer(net, nn.MSELoss(), optim.SGD(net[2].parameters(), lr=0.1))
    with says(UnheldParameterWarning, "0.weight, 0.bias"):
        trainer.fit((X, Y), epochs=2, progress=False)


# --- each once, and each can be silenced -------------------------------------------------------


def test_each_optimizer_says_it() -> None:
    net = model()
    for _ in range(2):
        optimizer = optim.SGD(net.parameters())
        with says(NoGradientWarning):
            for _ in range(2):
                loss_of(net)
                optimizer.step()


@pytest.mark.parametrize("kind", [NoGradientWarning, OptimizerWarning])
def test_a_filter_silences_one_kind_or_all(kind: type[Warning]) -> None:
    net = model()
    optimizer = optim.SGD(net.parameters())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=kind)
        loss_of(net)
        optimizer.step()


# --- loops without a mistake: any warning is an error in the tests -----------------------------


def test_accumulation_over_batches() -> None:
    net = model()
    for set_to_none in (True, False):
        optimizer = optim.SGD(net.parameters(), lr=0.1)
        for i in range(9):
            loss_of(net).backward()
            if (i + 1) % 3 == 0:
                optimizer.step()
                optimizer.zero_grad(set_to_none)


def new_data(p: Any) -> None:
    p.grad.data = dl.zeros_like(p)


BY_HAND: dict[str, Callable[[Any], None]] = {  # no version counts these writes
    "numpy": lambda p: p.grad.numpy().fill(0),
    "asarray": lambda p: np.copyto(np.asarray(p.grad), 0),
    "new data": new_data,
}


@pytest.mark.parametrize(
    "clear", ["model", "none", "zero_", "data", "zeros", "multiplied", *BY_HAND]
)
@pytest.mark.parametrize("first", [False, True])
def test_every_way_to_clear_gradients(clear: str, first: bool) -> None:
    net = model()
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def cleared() -> None:
        if clear == "model":
            net.zero_grad(set_to_none=False)
        for p in net.parameters():
            if p.grad is None or clear == "model":
                continue
            if clear == "none":
                p.grad = None
            elif clear == "zero_":
                p.grad.zero_()
            elif clear == "data":
                p.grad.data.zero_()
            elif clear == "multiplied":
                p.grad *= 0.5
            elif clear in BY_HAND:
                BY_HAND[clear](p)
            else:
                p.grad = dl.zeros_like(p)

    for _ in range(5):
        if first:
            cleared()
        loss_of(net).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        nn.utils.clip_grad_value_(net.parameters(), 1.0)
        optimizer.step()
        if not first:
            cleared()


def test_gradients_that_are_replaced_after_backward() -> None:
    dl.manual_seed(0)
    net = model()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    for _ in range(5):
        loss_of(net).backward()
        for p in net.parameters():
            p.grad.copy_(dl.randn(p.shape))
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()


def test_a_gradient_that_was_set_by_hand() -> None:
    p = nn.Parameter(dl.ones(2))
    optimizer = optim.SGD([p], lr=0.1)
    p.grad = dl.ones(2)
    for _ in range(4):
        optimizer.step()


def test_several_losses_in_one_step() -> None:
    net = model()
    optimizer = optim.Adam(net.parameters())
    for _ in range(4):
        optimizer.zero_grad()
        loss_of(net).backward()
        (loss_of(net) * 0.5).backward()
        optimizer.step()


def test_adversarial_networks() -> None:
    generator, judge = nn.Linear(3, 3), nn.Linear(3, 1)
    of_generator = optim.Adam(generator.parameters())
    of_judge = optim.Adam(judge.parameters())
    for _ in range(4):
        of_judge.zero_grad()
        (judge(X).mean() - judge(generator(X).detach()).mean()).backward()
        of_judge.step()
        of_generator.zero_grad()
        judge(generator(X)).mean().backward()  # the judge's gradients too
        of_generator.step()


def test_one_model_and_two_optimizers() -> None:
    net = model()
    both = [optim.SGD(net[0].parameters(), lr=0.1), optim.Adam(net[2].parameters())]
    for _ in range(4):
        loss_of(net).backward()
        for optimizer in both:
            optimizer.step()
            optimizer.zero_grad()


def test_heads_that_take_turns() -> None:
    body, heads = model(), [nn.Linear(2, 2) for _ in range(2)]
    optimizers = [optim.SGD(part.parameters(), lr=0.1) for part in (body, *heads)]
    for i in range(6):
        for optimizer in optimizers:
            optimizer.zero_grad()
        heads[i // 2 % 2](body(X)).sum().backward()
        for optimizer in optimizers:
            optimizer.step()


def test_an_optimizer_whose_learning_rate_is_lent() -> None:
    net = model()
    trained = optim.Adam(net.parameters())
    lender = optim.SGD([nn.Parameter(dl.zeros(1))], lr=0.1)
    for _ in range(3):
        trained.zero_grad()
        loss_of(net).backward()
        for optimizer in (trained, lender):
            optimizer.step()


def test_a_layer_that_is_changed_by_hand() -> None:
    net = model()
    optimizer = optim.SGD(net[0].parameters(), lr=0.1)
    for _ in range(4):
        net.zero_grad()
        loss_of(net).backward()
        optimizer.step()
        with dl.no_grad():
            for p in net[2].parameters():
                p -= 0.1 * p.grad


def test_a_layer_whose_optimizer_is_made_after_the_first_step() -> None:
    net = model()
    optimizers = [optim.SGD(net[0].parameters(), lr=0.1)]
    for step in range(4):
        loss_of(net).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if step == 0:
            optimizers.append(optim.SGD(net[2].parameters(), lr=0.1))


def test_a_backbone_that_was_frozen_after_a_trial() -> None:
    net = model()
    optimizer = optim.SGD(net[2].parameters(), lr=0.1)
    loss_of(net).backward()
    net[0].requires_grad_(False)  # its gradients are still there
    for _ in range(4):
        optimizer.zero_grad()
        loss_of(net).backward()
        optimizer.step()


@pytest.mark.slow
def test_threads_that_train_at_the_same_time() -> None:
    failed: list[BaseException] = []

    def train() -> None:
        try:
            for _ in range(40):
                net = model()
                optimizer = optim.SGD(net.parameters(), lr=0.01)
                for _ in range(3):
                    loss_of(net).backward()
                    optimizer.step()
                    optimizer.zero_grad(set_to_none=False)
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [threading.Thread(target=train) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_frozen_backbone() -> None:
    net = model()
    net[0].requires_grad_(False)
    for params in (net.parameters(), net[2].parameters()):
        optimizer = optim.SGD(params, lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            loss_of(net).backward()
            optimizer.step()


def test_an_optimizer_of_an_input() -> None:
    net, image = model(), dl.ones(1, 3, requires_grad=True)
    optimizer = optim.Adam([image])
    for _ in range(4):
        optimizer.zero_grad()
        net(image).sum().backward()
        optimizer.step()


def test_backward_for_some_inputs_only() -> None:
    net = model()
    head = list(net[2].parameters())
    optimizer = optim.SGD(head, lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        loss_of(net).backward(inputs=head)
        optimizer.step()


@pytest.mark.parametrize("clear", ["none", "zeros", *BY_HAND])
@pytest.mark.parametrize("make", [optim.SGD, *SEVERAL_CALLS.values()])
def test_closures(make: Callable[[Any], optim.Optimizer], clear: str) -> None:
    net = model()
    optimizer = make(net.parameters())

    def closure() -> Any:
        if clear in BY_HAND:
            for p in net.parameters():
                if p.grad is not None:
                    BY_HAND[clear](p)
        else:
            optimizer.zero_grad(set_to_none=clear == "none")
        loss = loss_of(net)
        loss.backward()
        (loss_of(net) * 0.5).backward()
        return loss

    loss_of(net).backward()  # what is left of something else
    for _ in range(4):
        optimizer.step(closure)


def test_checkpoints_of_activations() -> None:
    net = model()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        loss_of(lambda x: net[2](checkpoint(net[:2], x, use_reentrant=False))).backward()
        optimizer.step()


def test_a_schedule_without_training() -> None:
    optimizer = optim.SGD(model().parameters(), lr=0.1)
    schedule = optim.lr_scheduler.StepLR(optimizer, 2)
    for _ in range(4):
        optimizer.step()
        schedule.step()


def test_an_optimizer_that_needs_no_gradients() -> None:
    net = model()
    optimizer = Descent(net.parameters())
    for _ in range(3):
        loss_of(net)
        optimizer.step()


def test_large_gradients_that_are_finite() -> None:
    p = nn.Parameter(dl.ones(2))
    optimizer = optim.SGD([p], lr=1e-30)
    p.grad = dl.full((2,), 1e30)
    optimizer.step()


def test_a_copied_optimizer_watches_its_own_model() -> None:
    net = model()
    net, optimizer = copy.deepcopy((net, optim.SGD(net.parameters(), lr=0.1)))
    for _ in range(3):
        optimizer.zero_grad()
        loss_of(net).backward()
        optimizer.step()


# --- costs -------------------------------------------------------------------------------------


def test_nobody_listens_for_long() -> None:
    gc.collect()
    net = model()
    optimizers = [optim.SGD(net.parameters(), lr=0.1) for _ in range(2)]
    for _ in range(20):  # the second one never steps
        optimizers[0].zero_grad()
        loss_of(net).backward()
        optimizers[0].step()
    assert not on_leaves
