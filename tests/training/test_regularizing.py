"""Regularizers in `fit`: in what is minimized, on the optimizer, and in the history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim, training
from dlframe.errors import ArgumentError
from dlframe.metrics import MeanAbsoluteError
from dlframe.training import NonFiniteLossError, Trainer
from dlframe.viz import Tracker

X = dl.linspace(-1, 1, 30, dtype=dl.float64).reshape(10, 3)
Y = X.sum(dim=1, keepdim=True)


def make(*regularizers: Any, sam: bool = False, loss: Any = None, **options: Any) -> Trainer:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    optimizer: optim.Optimizer = optim.SGD(model.parameters(), lr=0.1)
    if sam:
        optimizer = optim.SAM(optimizer, rho=0.1)
    return Trainer(
        model,
        loss or nn.MSELoss(),
        optimizer,
        [MeanAbsoluteError()],
        regularizers=[one(model) for one in regularizers],
        **options,
    )


def fit(trainer: Trainer, **options: Any) -> Any:
    options = {"epochs": 2, "batch_size": 4, "shuffle": False, **options}
    return trainer.fit((X, Y), (X, Y), progress=False, **options)


def test_fit_is_the_loop_by_hand() -> None:
    trainer = make(
        lambda m: optim.L1(m, 0.01),
        lambda m: optim.L2(m, 0.1, only="0.*"),
        lambda m: optim.MaxNorm(m, 0.5),
        lambda _: optim.ClipGradNorm(0.2),
    )
    history = fit(trainer)
    expected: dict[str, list[float]] = {}

    other = make()
    model, optimizer = other.model, other.optimizer
    penalties = [optim.L1(model, 0.01), optim.L2(model, 0.1, only="0.*")]
    limit = optim.MaxNorm(model, 0.5)
    for _ in range(2):
        seen: dict[str, list[float]] = {}
        for start in range(0, 10, 4):
            x, y = X[start : start + 4], Y[start : start + 4]
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            (loss + penalties[0]() + penalties[1]()).backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 0.2)
            optimizer.step()
            limit.project()
            values = (loss.item(), penalties[0].last, penalties[1].last, limit.last, norm.item())
            names = ("loss", "l1", "l2", "max_norm", "grad_norm")
            for name, value in zip(names, values, strict=True):
                seen.setdefault(name, []).append(value * len(x))
        for name, values in seen.items():
            expected.setdefault(name, []).append(sum(values) / 10)

    for p, q in zip(trainer.model.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-12)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-9)


def test_clipping_by_arguments_is_clipping_by_regularizers() -> None:
    short = make(lambda _: optim.GradientNoise(), clip_grad_norm=0.2, clip_grad_value=0.1)
    long = make(
        lambda _: optim.ClipGradValue(0.1),
        lambda _: optim.ClipGradNorm(0.2),
        lambda _: optim.GradientNoise(),
    )
    for trainer in (short, long):
        dl.manual_seed(1)
        fit(trainer)
    for p, q in zip(short.model.parameters(), long.model.parameters(), strict=True):
        assert (p == q).all()
    assert short.history["grad_norm"] == long.history["grad_norm"]
    with pytest.raises(ArgumentError, match="two quantities are named grad_norm; pass name="):
        make(lambda _: optim.ClipGradNorm(0.2), clip_grad_norm=0.2)


def test_validation_has_no_penalty() -> None:
    trainer = make(lambda m: optim.L1(m, 10.0))
    history = fit(trainer, epochs=1)
    plain = trainer.evaluate((X, Y))
    assert history["val_loss"][0] == pytest.approx(plain["loss"])
    assert "val_l1" not in history
    assert sorted(trainer.quantities) == sorted(history)


def test_hooks_are_attached_during_fit_only() -> None:
    trainer = make(lambda m: optim.MaxNorm(m, 0.5), lambda _: optim.GradientNoise())
    by_hand, noise = trainer.regularizers
    handle = by_hand.attach(trainer.optimizer)  # type: ignore[attr-defined] # an attribute of its subclass
    fit(trainer)
    assert by_hand.is_attached(trainer.optimizer)  # type: ignore[attr-defined] # an attribute of its subclass
    assert not noise.is_attached(trainer.optimizer)  # type: ignore[attr-defined] # an attribute of its subclass
    assert noise.t == 6  # type: ignore[attr-defined] # an attribute of its subclass
    handle.remove()


def test_values_are_seen_by_callbacks_and_monitors() -> None:
    seen: list[dict[str, Any]] = []
    trainer = make(
        lambda m: optim.Elastic(m, 0.01),
        sam=True,
        callbacks=[
            training.LambdaCallback(on_batch_end=lambda t: seen.append(t.running_means())),
            training.EarlyStopping("elastic", mode="min"),
        ],
    )
    history = fit(trainer)
    assert {"elastic", "sharpness"} <= seen[0].keys()
    assert seen[2]["elastic"] == pytest.approx(history["elastic"][0])
    assert history["sharpness"][0] > 0


# how to make each, with a number other than 0
EVERY: dict[str, Any] = {
    "L1": lambda m: optim.L1(m, 0.01),
    "L2": lambda m: optim.L2(m, 0.01),
    "Elastic": lambda m: optim.Elastic(m, 0.01),
    "LabelSmoothing": lambda m: optim.LabelSmoothing(0.1),
    "WeightDecay": lambda m: optim.WeightDecay(m, 0.01),
    "MaxNorm": lambda m: optim.MaxNorm(m, 0.1),
    "UnitNorm": lambda m: optim.UnitNorm(m),
    "NonNegative": lambda m: optim.NonNegative(m),
    "Bounds": lambda m: optim.Bounds(m, -0.01, 0.01),
    "GradientNoise": lambda m: optim.GradientNoise(),
    "ClipGradNorm": lambda m: optim.ClipGradNorm(1.0),
    "ClipGradValue": lambda m: optim.ClipGradValue(1e-6),
}


def test_the_table_has_every_regularizer() -> None:
    bases = {"Constraint", "OutputPenalty", "Penalty", "Regularizer", "StepHook"}
    kinds = {name: getattr(optim, name) for name in optim.regularization.__all__}
    classes = {name for name, kind in kinds.items() if isinstance(kind, type)}
    assert set(EVERY) == classes - bases - {"SAM"}


@pytest.mark.parametrize("name", EVERY)
def test_each_reports_its_number_to_history_and_trackers(name: str) -> None:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    one, tracker = EVERY[name](model), Tracker()
    data = (dl.randn(12, 3), dl.arange(12) % 2)
    seen: list[float] = []

    def note(trainer: Trainer) -> None:
        seen.append(one.last)
        tracker.log(trainer.step, **trainer.running_means())

    trainer = Trainer(
        *(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1)),
        callbacks=[training.LambdaCallback(on_batch_end=note)],
        regularizers=[one],
    )
    history = trainer.fit(data, epochs=2, batch_size=4, progress=False)
    assert one.name in trainer.quantities
    assert one.last != 0
    assert history[one.name] == pytest.approx([sum(seen[:3]) / 3, sum(seen[3:]) / 3])
    assert tracker.history[one.name][2::3] == pytest.approx(history[one.name])


def test_sam_in_fit_is_the_loop_by_hand() -> None:
    trainer, other = (make(lambda m: optim.L2(m, 0.1), sam=True) for _ in range(2))
    history = fit(trainer, batch_size=10, epochs=3)
    losses, penalties = [], []
    model, optimizer, (penalty,) = other.model, other.optimizer, other.regularizers
    for _ in range(3):

        def closure() -> Any:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(X), Y)
            total = loss + penalty()  # type: ignore[operator] # a Penalty
            total.backward()
            return total

        with dl.no_grad():
            losses.append(nn.functional.mse_loss(model(X), Y).item())
            penalties.append(penalty().item())  # type: ignore[operator] # it can be called
        optimizer.step(closure)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-12)
    np.testing.assert_allclose(history["l2"], penalties, rtol=1e-12)
    for p, q in zip(trainer.model.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-12)


def test_an_optimizer_that_computes_the_loss_many_times() -> None:
    model = nn.Linear(3, 1).double()
    trainer = Trainer(
        model,
        nn.MSELoss(),
        optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe"),
        regularizers=[optim.L2(model, 1e-3)],
    )
    data = dl.randn(10, 3, dtype=dl.float64), Y
    history = trainer.fit(data, epochs=3, batch_size=10, progress=False)
    x, y = data[0].numpy(), data[1].numpy()
    ones = np.hstack([x, np.ones((10, 1))])
    ridge = np.linalg.solve(ones.T @ ones + np.diag([0.005] * 3 + [0.0]), ones.T @ y)
    np.testing.assert_allclose(model.weight.tolist(), ridge[:3].T, rtol=1e-3)
    assert history["loss"][1] < history["loss"][0]


def test_a_loss_of_shape_one_and_a_sum() -> None:
    def loss(output: Any, target: Any) -> Any:
        return (output - target).square().sum().reshape(1)

    history = fit(make(lambda m: optim.L1(m, 0.1), loss=loss))
    assert np.isfinite(history["l1"]).all()


def test_a_penalty_that_is_not_finite_ends_training_before_the_weights_change() -> None:
    class Broken(optim.Penalty):
        def term(self, p: Any) -> Any:
            return p.sum() * float("inf")

    trainer = make(lambda m: Broken(m, name="broken"))
    before = trainer.model[0].weight.detach().clone()
    with pytest.raises(NonFiniteLossError):
        fit(trainer)
    assert (trainer.model[0].weight == before).all()


def test_errors() -> None:
    with pytest.raises(TypeError, match=r"regularizers takes .* got .*the class; pass an instance"):
        make(lambda _: optim.L1)
    with pytest.raises(ArgumentError, match="WeightDecay: the SGD has weight_decay"):
        trainer = make(lambda m: optim.WeightDecay(m, 0.1))
        trainer.optimizer.param_groups[0]["weight_decay"] = 0.1
        fit(trainer)
    decaying = optim.AdamW((model := nn.Linear(2, 1)).parameters())
    for optimizer in (decaying, optim.SAM(decaying)):
        with pytest.raises(ArgumentError, match=r"AdamW has weight_decay=0\.01"):
            Trainer(model, nn.MSELoss(), optimizer, regularizers=[optim.WeightDecay(model, 0.1)])
    with pytest.raises(ArgumentError, match="two quantities are named l1; pass name="):
        make(lambda m: optim.L1(m, 0.1), lambda m: optim.L1(m, 0.2, only="0.*"))
    with pytest.raises(ArgumentError, match=r"'l1' \(L1\) is of another Linear"):
        make(lambda _: optim.L1(nn.Linear(2, 1), 0.1))
    trainer = make(lambda m: optim.L1(m, 0.1))
    with pytest.raises(dl.errors.StateDictError, match="this trainer measures"):
        make().load_state_dict(trainer.state_dict())


@pytest.mark.parametrize("limit", [0, -1.0, "1", np.nan, True], ids=repr)
@pytest.mark.parametrize("name", ["clip_grad_norm", "clip_grad_value"])
def test_limits_with_which_nothing_is_learned(name: str, limit: Any) -> None:
    """Lightning turns clipping off with 0; here it would make all gradients 0."""
    with pytest.raises(ArgumentError, match=f"{name} must be a number above 0, or None"):
        make(**{name: limit})
