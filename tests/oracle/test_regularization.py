"""Regularizers beside loops in PyTorch that do the same by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim

torch = pytest.importorskip("torch")


def train(lib: Any, nn_: Any, weights: list[Any], step: Any, steps: int = 20) -> list[Any]:
    """The parameters after some steps; `step(model, optimizer, closure)` makes one."""
    model = nn_.Sequential(nn_.Linear(3, 4), nn_.Tanh(), nn_.Linear(4, 2)).double()
    for p, w in zip(model.parameters(), weights, strict=True):
        p.data[...] = lib.tensor(w)
    x = lib.tensor(np.linspace(-1, 1, 18).reshape(6, 3))
    optimizer = (optim if lib is dl else torch.optim).SGD(model.parameters(), lr=0.1, momentum=0.9)
    step = step(model, optimizer)
    for _ in range(steps):

        def closure() -> Any:
            optimizer.zero_grad()
            return (model(x) - 1).square().mean()

        step(closure)
    return [p.detach().numpy() for p in model.parameters()]


def penalized(make: Any) -> tuple[Any, Any]:
    """Our penalty, and PyTorch with the term of `make` on both matrices."""

    def ours(model: Any, optimizer: Any) -> Any:
        penalty = make[0](model)

        def step(closure: Any) -> None:
            (closure() + penalty()).backward()
            optimizer.step()

        return step

    def theirs(model: Any, optimizer: Any) -> Any:
        def step(closure: Any) -> None:
            (closure() + make[1](model[0].weight) + make[1](model[2].weight)).backward()
            optimizer.step()

        return step

    return ours, theirs


def plain_step(optimizer: Any) -> Any:
    def step(closure: Any) -> None:
        closure().backward()
        optimizer.step()

    return step


def projected() -> tuple[Any, Any]:
    def ours(model: Any, optimizer: Any) -> Any:
        optim.MaxNorm(model, 0.5).attach(optimizer)
        optim.ClipGradNorm(0.2).attach(optimizer)

        return plain_step(optimizer)

    def theirs(model: Any, optimizer: Any) -> Any:
        def step(closure: Any) -> None:
            closure().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.2)
            optimizer.step()
            with torch.no_grad():
                for layer in (model[0], model[2]):
                    layer.weight.copy_(torch.renorm(layer.weight, 2, 0, 0.5))

        return step

    return ours, theirs


def decaying() -> tuple[Any, Any]:
    def ours(model: Any, optimizer: Any) -> Any:
        optim.WeightDecay(model, 0.2).attach(optimizer)

        return plain_step(optimizer)

    def theirs(model: Any, optimizer: Any) -> Any:
        def step(closure: Any) -> None:
            closure().backward()
            with torch.no_grad():
                for layer in (model[0], model[2]):
                    layer.weight.mul_(1 - 0.1 * 0.2)
            optimizer.step()

        return step

    return ours, theirs


def sharp(adaptive: bool) -> tuple[Any, Any]:
    def ours(model: Any, optimizer: Any) -> Any:
        sam = optim.SAM(optimizer, rho=0.3, adaptive=adaptive, eta=0.01)

        def step(closure: Any) -> None:
            def with_gradients() -> Any:
                loss = closure()
                loss.backward()
                return loss

            sam.step(with_gradients)

        return step

    def theirs(model: Any, optimizer: Any) -> Any:
        def step(closure: Any) -> None:
            closure().backward()
            params = list(model.parameters())
            old = [p.detach().clone() for p in params]
            scale = [p.abs() + 0.01 if adaptive else torch.ones_like(p) for p in old]
            scaled = [t * p.grad for t, p in zip(scale, params, strict=True)]
            length = torch.cat([s.flatten() for s in scaled]).norm()
            with torch.no_grad():
                for p, t, s in zip(params, scale, scaled, strict=True):
                    p.add_(0.3 * t * s / length)
            closure().backward()
            with torch.no_grad():
                for p, w in zip(params, old, strict=True):
                    p.copy_(w)
            optimizer.step()

        return step

    return ours, theirs


CASES = {
    "l1": penalized((lambda m: optim.L1(m, 0.01), lambda w: 0.01 * w.abs().sum())),
    "l2": penalized((lambda m: optim.L2(m, 0.1), lambda w: 0.05 * w.square().sum())),
    "elastic": penalized(
        (
            lambda m: optim.Elastic(m, 0.1, 0.3),
            lambda w: 0.03 * w.abs().sum() + 0.035 * w.square().sum(),
        )
    ),
    "max norm, clipping": projected(),
    "decoupled decay": decaying(),
    "sam": sharp(adaptive=False),
    "asam": sharp(adaptive=True),
}


@pytest.mark.parametrize(("ours", "theirs"), CASES.values(), ids=CASES)
def test_training_is_the_same(ours: Any, theirs: Any, rng: np.random.Generator) -> None:
    weights = [rng.normal(size=shape) for shape in ((4, 3), (4,), (2, 4), (2,))]
    mine = train(dl, nn, weights, ours)
    other = train(torch, torch.nn, weights, theirs)
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", ["labels", "ignored", "probabilities"])
def test_label_smoothing_is_what_smoothing_adds_to_the_loss(
    targets: str, weighted: bool, reduction: str, rng: np.random.Generator
) -> None:
    logits, weight = rng.normal(size=(6, 4)), np.array([1.0, 2.0, 0.5, 3.0])
    y = rng.dirichlet(np.ones(4), 6) if targets == "probabilities" else rng.integers(0, 4, 6)
    options = {"reduction": reduction, "ignore_index": 1 if targets == "ignored" else -100}
    results = []
    for lib, nn_ in ((dl, nn), (torch, torch.nn)):
        x = lib.tensor(logits, requires_grad=True)
        given = {**options, "weight": lib.tensor(weight)} if weighted else options
        plain = nn_.CrossEntropyLoss(**given)
        if lib is dl:
            total = plain(x, dl.tensor(y)) + optim.LabelSmoothing(0.3, plain)(x, dl.tensor(y))
        else:
            total = nn_.CrossEntropyLoss(**given, label_smoothing=0.3)(x, torch.tensor(y))
        total.backward()
        results.append((total.item(), x.grad.numpy()))
    (ours, gradient), (theirs, expected) = results
    assert ours == pytest.approx(theirs, rel=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-14)
