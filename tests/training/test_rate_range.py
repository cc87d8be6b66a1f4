"""The range test: what it measures and suggests, and that it leaves everything as it was."""

from __future__ import annotations

import random
import signal

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.base import nests
from dlframe.data import DataLoader, TensorDataset
from dlframe.errors import ArgumentError
from dlframe.training import RateRange, lr_range_test
from dlframe.training.smoothing import smoothed

X = dl.linspace(-1, 1, 48).reshape(24, 2)
Y = X.sum(dim=1, keepdim=True)


class Wrapped(optim.Optimizer):
    """Holds another optimizer, as SAM does."""

    def __init__(self, params):
        super().__init__(params, {"lr": 0.1})
        self.inner = optim.SGD(self.param_groups[0]["params"], lr=0.1, momentum=0.9)

    def step(self, closure=None):
        self.inner.param_groups[0]["lr"] = self.param_groups[0]["lr"]
        return self.inner.step(closure)


class Restless(nn.Module):
    """Replaces a buffer, and counts, at every call."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)
        self.register_buffer("seen", dl.zeros(1))
        self.calls = 0

    def forward(self, x):
        self.seen = self.seen + 1
        self.calls += 1
        return self.linear(x) + 0.0 * random.random() * np.random.random()  # noqa: NPY002 # a generator to be put back


MODELS = {
    "batch norm and dropout": lambda: nn.Sequential(
        nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 1)
    ),
    "spectral norm": lambda: nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 5)), nn.Tanh(), nn.Linear(5, 1)
    ),
    "buffers that are replaced": Restless,
}
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
    "Adam, two groups": lambda p: optim.Adam([{"params": p[:1], "lr": 0.1}, {"params": p[1:]}]),
    "AdamW, a tensor as rate": lambda p: optim.AdamW(p, lr=dl.tensor(0.01)),
    "LBFGS": lambda p: optim.LBFGS(p, lr=0.1, max_iter=3),
    "wrapped": Wrapped,
}


def bits(value):
    return value.array.tobytes() if isinstance(value, dl.Tensor) else value


def everything(model, optimizer, loader):
    """All bits that the test could change, and the identities of what holds them."""
    tensors = [*model.parameters(), *model.buffers()]
    kept = [optimizer, *([optimizer.inner] if isinstance(optimizer, Wrapped) else [])]
    states = [
        (name, nests.map_leaves(bits, value))
        for one in kept
        for entry in one.state.values()
        for name, value in entry.items()
    ]
    position = loader.state_dict()
    return {
        "values": [t.array.tobytes() for t in tensors],
        "arrays": [id(t.array) for t in tensors],
        "gradients": [None if t.grad is None else (id(t.grad), t.grad.tolist()) for t in tensors],
        "modes": [module.training for module in model.modules()],
        "calls": getattr(model, "calls", None),
        "options": [
            {k: v for k, v in g.items() if k != "params"} for one in kept for g in one.param_groups
        ],
        "state": states,
        "steps": optimizer._steps.made,  # a schedule compares its own with them
        "held": [id(value) for one in kept for e in one.state.values() for value in e.values()],
        "position": {k: str(v) for k, v in position.items()},
        "random": (
            dl.get_rng_state().tolist(),
            random.getstate(),
            str(np.random.get_state()),  # noqa: NPY002 # to compare it
        ),
    }


def step(model, optimizer, x, y):
    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)


def prepared(model_name, optimizer_name):
    """A model in the middle of a training, in an unusual state."""
    dl.manual_seed(3)
    model = MODELS[model_name]()
    optimizer = OPTIMIZERS[optimizer_name](list(model.parameters()))
    optim.lr_scheduler.StepLR(optimizer, 100)
    loader = DataLoader(TensorDataset(X, Y), batch_size=5, shuffle=True, generator=dl.Generator())
    batches = iter(loader)
    for _ in range(2):
        x, y = next(batches)
        step(model, optimizer, x, y)
    next(iter(model.children())).eval()
    return model, optimizer, loader, batches


def finish(model, optimizer, batches):
    for x, y in batches:
        step(model, optimizer, x, y)


@pytest.mark.parametrize("optimizer_name", OPTIMIZERS)
@pytest.mark.parametrize("model_name", MODELS)
def test_everything_is_as_it_was(model_name, optimizer_name):
    model, optimizer, loader, batches = prepared(model_name, optimizer_name)
    before = everything(model, optimizer, loader)
    found = lr_range_test(model, nn.MSELoss(), loader, optimizer, steps=30)
    assert len(found.rates) > 5
    assert everything(model, optimizer, loader) == before

    # training goes on as it would have without the test
    finish(model, optimizer, batches)
    other_model, other, other_loader, other_batches = prepared(model_name, optimizer_name)
    finish(other_model, other, other_batches)
    pairs = zip(model.state_dict().values(), other_model.state_dict().values(), strict=True)
    assert all(ours.array.tobytes() == theirs.array.tobytes() for ours, theirs in pairs)
    assert loader.state_dict()["epoch"] == other_loader.state_dict()["epoch"]


@pytest.mark.parametrize("how", ["an error", "Ctrl-C"])
def test_everything_is_as_it_was_after(how):
    model, optimizer, loader, _ = prepared("batch norm and dropout", "Adam, two groups")
    before = everything(model, optimizer, loader)
    calls = []

    def loss(output, target):
        calls.append(1)
        if len(calls) == 7:
            if how == "Ctrl-C":
                signal.raise_signal(signal.SIGINT)
            raise ZeroDivisionError
        return nn.functional.mse_loss(output, target)

    with pytest.raises(KeyboardInterrupt if how == "Ctrl-C" else ZeroDivisionError):
        lr_range_test(model, loss, loader, optimizer)
    assert everything(model, optimizer, loader) == before


def test_ctrl_c_while_things_are_put_back_comes_afterwards(monkeypatch):
    from dlframe.training import untouched

    model, optimizer, loader, _ = prepared("batch norm and dropout", "SGD")
    before = everything(model, optimizer, loader)
    put_back = untouched.go_to

    def interrupted(*args):
        signal.raise_signal(signal.SIGINT)
        put_back(*args)

    monkeypatch.setattr(untouched, "go_to", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lr_range_test(model, nn.MSELoss(), loader, optimizer, steps=3)
    monkeypatch.undo()
    assert everything(model, optimizer, loader) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_losses_are_those_of_plain_training():
    """Of SGD on one batch, the losses follow from the rates by hand."""
    weight = nn.Linear(1, 1, bias=False)
    optimizer = optim.SGD(weight.parameters(), lr=0.5)
    x, y = dl.ones(1, 1), dl.zeros(1, 1)
    w = weight.weight.item()
    found = lr_range_test(
        weight, nn.MSELoss(), [(x, y)], optimizer, start=0.01, end=0.1, steps=4, smoothing=0
    )
    rates = 0.01 * 10 ** (np.arange(4) / 3)
    np.testing.assert_allclose(found.rates, rates)
    expected = []
    for rate in rates:
        expected.append(w * w)
        w -= rate * 2 * w
    np.testing.assert_allclose(found.losses, expected, rtol=1e-5)
    np.testing.assert_allclose(found.smoothed, found.losses)
    assert not found.diverged
    straight = lr_range_test(
        weight, nn.MSELoss(), [(x, y)], optimizer, start=0.01, end=0.1, steps=4, linear=True
    )
    np.testing.assert_allclose(np.diff(straight.rates), 0.03)


def test_groups_keep_their_ratios():
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    seen = []
    model = nn.Sequential(first, second)
    optimizer = optim.SGD(
        [{"params": first.parameters(), "lr": 0.1}, {"params": second.parameters(), "lr": 0.01}]
    )
    optimizer.register_step_pre_hook(lambda o, *_: seen.append([g["lr"] for g in o.param_groups]))
    lr_range_test(model, nn.MSELoss(), (X[:, :1], Y), optimizer, start=1e-3, end=1e-2, steps=3)
    np.testing.assert_allclose(
        seen, np.array([[1, 0.1]]) * 1e-3 * 10 ** (np.arange(3) / 2)[:, None]
    )


def test_it_ends_where_the_loss_diverges_or_is_not_finite():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    found = lr_range_test(model, nn.MSELoss(), (X, Y), optimizer, end=1e4, steps=60)
    assert found.diverged
    assert len(found.rates) < 60
    with dl.no_grad():
        before = model.weight.array.copy()
    broken = lr_range_test(model, lambda o, y: o.sum() * float("nan"), (X, Y), optimizer)
    assert (len(broken.losses), broken.diverged, broken.suggestion) == (1, True, None)
    assert "no suggestion" in str(broken)
    np.testing.assert_array_equal(model.weight.array, before)


def test_suggestions():
    rates = np.geomspace(1e-5, 1, 6)
    losses = np.array([2.0, 2.0, 1.7, 1.0, 0.9, 5.0])
    found = RateRange(rates, losses, losses, True)
    assert found.lowest == pytest.approx(0.1)
    assert found.lowest_tenth == pytest.approx(0.01)
    assert found.steepest == pytest.approx(1e-3)  # a slope of -0.5, at 1e-2 only -0.4
    assert found.suggestion == found.steepest
    rising = RateRange(rates, np.arange(6.0), np.arange(6.0), False)
    assert rising.suggestion is rising.steepest is None
    assert rising.lowest == pytest.approx(1e-5)
    alone = RateRange(rates[:1], np.array([np.nan]), np.array([np.nan]), True)
    assert str(alone).startswith("1 rate, 1.0e-05, where the loss diverges; ")
    assert alone.plot().axes[0].get_xlim() == pytest.approx((1e-6, 1e-4))


def test_noise_at_the_smallest_rates_suggests_nothing(rng):
    """The running mean of a few losses jumps, which is no descent."""
    rates = np.geomspace(1e-7, 10, 100)
    truth = 2 / (1 + (rates / 0.05) ** 2) + 0.1 + rates**2
    for _ in range(20):
        losses = truth + rng.normal(scale=0.2, size=100)
        found = RateRange(rates, losses, smoothed(losses, 0.9), False)
        assert 0.003 < found.suggestion <= found.lowest_tenth < 0.2


def test_smoothed_skips_what_is_not_finite():
    out = smoothed(np.array([1.0, np.inf, 3.0]), 0.5)
    np.testing.assert_allclose(out, [1.0, np.nan, (0.5 * 3 + 0.25 * 1) / 0.75])


def test_what_does_not_fit():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loss = nn.MSELoss()
    with pytest.raises(ArgumentError, match="0 < start < end, steps ≥ 2"):
        lr_range_test(model, loss, (X, Y), optimizer, start=1, end=0.1)
    with pytest.raises(ArgumentError, match="holds none of the model's parameters"):
        lr_range_test(nn.Linear(2, 1), loss, (X, Y), optimizer)
    with pytest.raises(ArgumentError, match="the data is an iterator"):
        lr_range_test(model, loss, iter([(X, Y)]), optimizer)
    with pytest.raises(ArgumentError, match="the data gave no batch"):
        lr_range_test(model, loss, [], optimizer)
    with pytest.raises(TypeError, match="optimizer must be Optimizer; got SGDX"):
        lr_range_test(model, loss, (X, Y), type("SGDX", (), {})())
    lazy = nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(1))
    with pytest.raises(ArgumentError, match=r"lazy layers.*call it once before"):
        lr_range_test(lazy, loss, (X, Y), optim.SGD(lazy.parameters(), lr=0.1))
