"""Averages of the weights in `fit`, beside the loop by hand."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError, StateDictError
from dlframe.optim import lr_scheduler, swa_utils
from dlframe.training import (
    EarlyStopping,
    EMAWeightAveraging,
    LambdaCallback,
    ModelCheckpoint,
    Trainer,
    WeightAveraging,
)

dl.manual_seed(5)
X = dl.randn(22, 4, dtype=dl.float64)
Y = X.sum(dim=1, keepdim=True).tanh()
EPOCHS, BATCH = 4, 5


def make(*callbacks: Any, norm: bool = True, dropout: float = 0.2) -> Trainer:
    dl.manual_seed(0)
    layers = [nn.Linear(4, 6), nn.BatchNorm1d(6) if norm else nn.Identity(), nn.Dropout(dropout)]
    model = nn.Sequential(*layers, nn.Linear(6, 1)).double()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return Trainer(model, nn.MSELoss(), optimizer, callbacks=callbacks)


def fit(trainer: Trainer, epochs: int = EPOCHS) -> Trainer:
    trainer.fit((X, Y), (X, Y), epochs, batch_size=BATCH, shuffle=False, progress=False)
    return trainer


def by_hand(
    averaged: swa_utils.AveragedModel, model: nn.Module, *, each_batch: bool, update_bn: bool
) -> tuple[list[float], list[float]]:
    """The losses of validation and of training, epoch by epoch; averages into `averaged`."""
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    validated, trained = [], []
    parts = [slice(i, i + BATCH) for i in range(0, len(X), BATCH)]
    for _ in range(EPOCHS):
        losses = []
        model.train()
        for part in parts:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(X[part]), Y[part])
            loss.backward()
            optimizer.step()
            losses.append(loss.item() * len(X[part]))
            if each_batch:
                averaged.update_parameters(model)
        if not each_batch:
            averaged.update_parameters(model)
        if update_bn:
            swa_utils.update_bn([[X[part]] for part in parts], averaged.module)
        averaged.eval()
        with dl.no_grad():
            validated.append(nn.functional.mse_loss(averaged(X), Y).item())
        trained.append(sum(losses) / len(X))
    return validated, trained


def mean(model: nn.Module, update_bn: bool) -> swa_utils.AveragedModel:
    return swa_utils.AveragedModel(model, use_buffers=not update_bn)


def ema(model: nn.Module, update_bn: bool) -> swa_utils.AveragedModel:
    average = swa_utils.get_ema_multi_avg_fn(0.8)
    return swa_utils.AveragedModel(model, multi_avg_fn=average, use_buffers=not update_bn)


@pytest.mark.parametrize("update_bn", [True, False])
@pytest.mark.parametrize(
    ("callback", "average", "each_batch"),
    [
        (WeightAveraging, mean, False),
        (lambda update_bn: WeightAveraging(every_batches=1, update_bn=update_bn), mean, True),
        (lambda update_bn: EMAWeightAveraging(0.8, update_bn=update_bn), ema, True),
    ],
)
def test_fit_is_the_loop_by_hand(
    callback: Any, average: Any, each_batch: bool, update_bn: bool
) -> None:
    trainer = make(callback(update_bn=update_bn), dropout=0.0)
    model = make(dropout=0.0).model
    averaged = average(model, update_bn)
    validated, trained = by_hand(averaged, model, each_batch=each_batch, update_bn=update_bn)
    history = fit(trainer).history
    np.testing.assert_allclose(history["loss"], trained, rtol=1e-12)
    np.testing.assert_allclose(history["val_loss"], validated, rtol=1e-9)
    for key, value in averaged.module.state_dict().items():
        np.testing.assert_allclose(trainer.model.state_dict()[key].numpy(), value.numpy(), 1e-9)
    assert trainer.weights_set_aside
    assert trainer.evaluate((X, Y))["loss"] == pytest.approx(history["val_loss"][-1])


def test_before_the_first_average_the_weights_are_those_of_training() -> None:
    plain, late = fit(make()).history, fit(make(WeightAveraging(2))).history
    assert late["averaged"] == [0, 0, 1, 2]
    assert late["val_loss"][:2] == plain["val_loss"][:2]
    # the average of one are the weights themselves, with other statistics
    assert late["val_loss"][3] != plain["val_loss"][3]
    never = fit(make(WeightAveraging(EPOCHS)))
    assert never.history["val_loss"] == plain["val_loss"]
    assert never.history["averaged"] == [0] * EPOCHS
    assert not never.weights_set_aside


@pytest.mark.parametrize("first", [True, False])
def test_files_and_best_weights_are_the_averaged_ones(tmp_path: Path, first: bool) -> None:
    averaging, stopping = WeightAveraging(1), EarlyStopping(patience=9)
    order = [averaging, stopping] if first else [stopping, averaging]
    trainer = fit(make(ModelCheckpoint(tmp_path), *order, norm=False))
    values = trainer.history["val_loss"]
    best = min(values)
    assert trainer.evaluate((X, Y))["loss"] == pytest.approx(best)
    again = make(norm=False)
    dl.utils.load_checkpoint(tmp_path / "best.h5", model=again.model)
    assert again.evaluate((X, Y))["loss"] == pytest.approx(best)
    dl.utils.load_checkpoint(tmp_path / "last.h5", model=again.model)
    assert again.evaluate((X, Y))["loss"] == pytest.approx(values[-1])


@pytest.mark.parametrize("norm", [True, False])
def test_stopped_inside_an_epoch_the_model_has_the_average(norm: bool) -> None:
    stop = LambdaCallback(on_batch_end=lambda t: t.stop("enough") if t.step == 7 else None)
    trainer = fit(make(EMAWeightAveraging(0.5), stop, norm=norm))
    (averaging, _) = trainer.callbacks
    for p, a in zip(trainer.model.parameters(), averaging.model.module.parameters(), strict=True):  # type: ignore[attr-defined] # its own attribute
        assert (p == a).all()
    whole = fit(make(EMAWeightAveraging(0.5), norm=norm))
    assert fit(trainer).history["val_loss"] == whole.history["val_loss"]


@pytest.mark.parametrize("when", ["training", "validation"])
def test_an_interruption_leaves_the_weights_of_training(when: str) -> None:
    presses = [7] if when == "training" else [2 * -(-len(X) // BATCH) + 2]  # the second validation

    def press(module: Any, inputs: Any) -> None:
        presses[0] -= 1
        if presses[0] == 0:
            signal.raise_signal(signal.SIGINT)

    whole = fit(make(WeightAveraging(update_bn=False)))
    trainer = make(WeightAveraging(update_bn=False))
    trainer.model.register_forward_pre_hook(press)
    fit(trainer)
    assert trainer.interrupted
    assert not trainer.weights_set_aside
    fit(trainer)
    assert trainer.history["val_loss"] == whole.history["val_loss"]
    assert trainer.history["averaged"] == [1, 2, 3, 4]


def test_a_further_fit_goes_on_from_the_weights_of_training() -> None:
    parts = make(WeightAveraging())
    for epochs in range(1, EPOCHS + 1):
        fit(parts, epochs)
    whole = fit(make(WeightAveraging()))
    assert parts.history["val_loss"] == whole.history["val_loss"]
    assert parts.history["loss"] == whole.history["loss"]


def test_with_the_schedule_of_swa() -> None:
    trainer = make(WeightAveraging(2))
    trainer.scheduler = lr_scheduler.SequentialLR(
        trainer.optimizer,
        [
            lr_scheduler.ExponentialLR(trainer.optimizer, 0.5),
            swa_utils.SWALR(trainer.optimizer, swa_lr=0.01, anneal_epochs=1),
        ],
        milestones=[2],
    )
    history = fit(trainer, 6).history
    assert history["lr"][3:] == pytest.approx([0.01] * 3)
    assert history["averaged"][-1] == 4


def test_other_batches_and_models_with_several_inputs() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.out = nn.BatchNorm1d(4).double(), nn.Linear(4, 1).double()

        def forward(self, a: Any, b: Any) -> Any:
            return self.out(self.norm(a + b))

    model = Sum()
    trainer = Trainer(
        model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[WeightAveraging()]
    )
    arrays = [(X[i : i + 5].numpy(), X[i : i + 5], Y[i : i + 5]) for i in range(0, 20, 5)]
    trainer.fit(arrays, epochs=2, progress=False)
    np.testing.assert_allclose(model.norm.running_mean.numpy(), 2 * X[:20].mean(dim=0).numpy())


def test_a_lazy_model_is_averaged() -> None:
    model = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 1)).double()
    trainer = Trainer(
        model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[WeightAveraging()]
    )
    history = fit(trainer).history
    assert history["averaged"] == [1, 2, 3, 4]


def test_the_mean_of_noisy_steps_is_better() -> None:
    """At a rate that is too high for the last step, the mean lies nearer the bottom."""
    losses = []
    for callbacks in ([], [WeightAveraging(5)], [EMAWeightAveraging(0.9)]):
        dl.manual_seed(0)
        x = dl.randn(200, 5, dtype=dl.float64)
        y = x.sum(dim=1, keepdim=True) + dl.randn(200, 1, dtype=dl.float64)
        model = nn.Linear(5, 1).double()
        optimizer = optim.SGD(model.parameters(), lr=0.15)
        trainer = Trainer(model, nn.MSELoss(), optimizer, callbacks=callbacks)
        trainer.fit((x, y), epochs=20, batch_size=4, progress=False)
        losses.append(trainer.evaluate((x, y))["loss"])
    assert losses[1] < losses[0]
    assert losses[2] < losses[0]


def test_errors() -> None:
    with pytest.raises(ArgumentError, match="after_epochs=-1, every_batches=None"):
        WeightAveraging(-1)
    with pytest.raises(ArgumentError, match=r"EMAWeightAveraging: .* every_batches=0"):
        EMAWeightAveraging(every_batches=0)
    with pytest.raises(ValueError, match=r"Invalid decay value 1\.5"):
        EMAWeightAveraging(1.5)
    with pytest.raises(ArgumentError, match="two callbacks that average"):
        fit(make(WeightAveraging(), EMAWeightAveraging()))
    trainer = make(WeightAveraging())
    trainer.callbacks[0].load_state_dict(
        {"averaged": {"n_averaged": dl.tensor(1)}, "updated_at": 3}
    )
    with pytest.raises(StateDictError, match="WeightAveraging, averaged: the weights do not fit"):
        fit(trainer)
    with pytest.raises(StateDictError, match="'n_averaged' is an integer from 0"):
        trainer.callbacks[0].load_state_dict(
            {"averaged": {"n_averaged": dl.tensor(-1)}, "updated_at": 3}
        )
    with pytest.raises(StateDictError, match="'updated_at' is an integer from 0"):
        trainer.callbacks[0].load_state_dict({"averaged": None, "updated_at": -1})


def test_statistics_of_a_model_that_only_a_train_step_can_call() -> None:
    class Own(Trainer):
        def train_step(self, batch: Any) -> Any:
            loss = self.loss(self.model["net"](batch[0]), batch[1])
            self.minimize(loss)
            return {"loss": loss.item()}

    model = nn.ModuleDict({"net": nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))})
    x = dl.randn(8, 3)
    for update_bn in (True, False):
        mean = WeightAveraging(update_bn=update_bn)
        trainer = Own(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[mean])
        if not update_bn:
            trainer.fit((x, x[:, :2]), progress=False)
            assert mean.averaged == 1
            continue
        with pytest.raises(NotImplementedError) as caught:
            trainer.fit((x, x[:, :2]), progress=False)
        assert any("update_bn=False" in note for note in caught.value.__notes__)
