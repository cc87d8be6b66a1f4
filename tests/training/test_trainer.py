"""What fit computes, what it accepts, and what it says when something is wrong."""

from __future__ import annotations

import contextlib
import copy
import gc
import math
import pickle
import re
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.data import DataLoader, TensorDataset
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.metrics import F1, Accuracy, ConfusionMatrix, Precision, Recall
from dlframe.training import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    NonFiniteLossError,
    TerminateOnNaN,
    Trainer,
)


def problem(samples: int = 10, **options: Any) -> tuple[Trainer, tuple[dl.Tensor, dl.Tensor]]:
    """A trainer of a linear classifier, and separable data."""
    dl.manual_seed(0)
    x = dl.randn(samples, 3)
    y = (x[:, 0] > 0).long()
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=options.pop("lr", 0.5))
    return Trainer(model, nn.CrossEntropyLoss(), optimizer, **options), (x, y)


# --- numbers -----------------------------------------------------------------------------------


def test_it_does_what_a_loop_by_hand_does() -> None:
    trainer, (x, y) = problem(metrics=[Accuracy()])
    history = trainer.fit((x, y), epochs=3, batch_size=4, progress=False)

    dl.manual_seed(0)
    x = dl.randn(10, 3)
    y = (x[:, 0] > 0).long()
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    loss_function = nn.CrossEntropyLoss()
    losses, accuracies = [], []
    for _ in range(3):
        total = hits = 0.0
        for inputs, target in DataLoader(TensorDataset(x, y), 4, shuffle=True):
            optimizer.zero_grad()
            output = model(inputs)
            loss = loss_function(output, target)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(target)
            hits += (output.argmax(dim=1) == target).sum().item()
        losses.append(total / 10)
        accuracies.append(hits / 10)
    assert model.weight.tolist() == trainer.model.weight.tolist()
    assert history["loss"] == pytest.approx(losses, rel=1e-12)
    assert history["accuracy"] == accuracies
    assert history["lr"] == [0.5] * 3
    assert all(seconds > 0 for seconds in history["seconds"])


def test_means_are_weighted_by_samples() -> None:
    """The last batch is smaller: its samples count as much as the others, and not more."""
    trainer, (x, y) = problem(metrics=[Accuracy()], lr=0.0)
    trainer.fit((x, y), (x, y), epochs=1, batch_size=4, progress=False)
    whole = nn.CrossEntropyLoss()(trainer.model(x), y).item()
    assert trainer.logs["loss"] == pytest.approx(whole, rel=1e-6)
    assert trainer.logs["val_loss"] == pytest.approx(whole, rel=1e-6)
    assert trainer.evaluate((x, y), batch_size=3)["loss"] == pytest.approx(whole, rel=1e-6)
    assert trainer.evaluate((x, y), batch_size=3)["accuracy"] == trainer.logs["accuracy"]


def test_a_sum_is_divided_by_the_samples() -> None:
    trainer, (x, y) = problem(lr=0.0)
    mean = trainer.evaluate((x, y), batch_size=4)["loss"]
    trainer.loss = nn.CrossEntropyLoss(reduction="sum")
    assert trainer.evaluate((x, y), batch_size=4)["loss"] == pytest.approx(mean, rel=1e-6)


def test_arrays_become_lists_in_the_history() -> None:
    import json

    trainer, (x, y) = problem(metrics=[ConfusionMatrix(2)])
    history = trainer.fit((x, y), epochs=2, progress=False)
    assert np.array(history["confusion_matrix"]).shape == (2, 2, 2)
    assert json.loads(json.dumps(history.to_dict())) == history.to_dict()


@pytest.mark.parametrize(
    "make", [lambda x, y: (x, y), lambda x, y: (x.numpy(), y.numpy()),
             TensorDataset, lambda x, y: DataLoader(TensorDataset(x, y), 5),
             lambda x, y: [(x[:5], y[:5]), (x[5:].numpy(), y[5:].numpy())]]
)  # fmt: skip
def test_all_forms_of_data_give_the_same(make: Any) -> None:
    trainer, (x, y) = problem()
    trainer.fit(make(x, y), make(x, y), epochs=2, batch_size=5, shuffle=False, progress=False)
    expected, (x, y) = problem()
    expected.fit(DataLoader(TensorDataset(x, y), 5), (x, y), epochs=2, batch_size=5, progress=False)
    assert trainer.history["loss"] == expected.history["loss"]
    assert trainer.history["val_loss"] == pytest.approx(expected.history["val_loss"], rel=1e-12)


def test_gradients_are_clipped() -> None:
    norms = []
    seen = LambdaCallback(
        on_batch_end=lambda t: norms.append(
            math.sqrt(sum((p.grad.array**2).sum() for p in t.model.parameters()))
        )
    )
    trainer, data = problem(callbacks=[seen], clip_grad_norm=0.01)
    trainer.fit(data, epochs=2, batch_size=5, progress=False)
    assert norms == pytest.approx([0.01] * 4, rel=1e-3)
    assert min(trainer.history["grad_norm"]) > 0.01  # before they are clipped
    trainer, data = problem(clip_grad_value=1e-4)
    trainer.fit(data, epochs=1, batch_size=5, progress=False)
    assert max(np.abs(p.grad.array).max() for p in trainer.model.parameters()) <= 1e-4
    assert trainer.history["grad_clipped"] == [1.0]


def test_a_schedule_is_not_missed_where_training_is_stopped_in_its_first_epoch() -> None:
    stop = LambdaCallback(on_batch_end=lambda t: t.stop("enough") if t.step == 12 else None)
    trainer, (x, y) = problem(callbacks=[stop])
    trainer.scheduler = optim.lr_scheduler.StepLR(trainer.optimizer, 1)
    trainer.fit((dl.cat([x] * 3), dl.cat([y] * 3)), batch_size=2, progress=False)
    assert (trainer.step, trainer.epoch) == (12, 0)
    trainer.scheduler = None
    gc.collect()  # a warning would be an error


def test_schedulers_step_per_epoch_or_per_batch() -> None:
    for interval, rates in (("epoch", [0.5, 0.25, 0.125]), ("batch", [0.25, 0.0625, 0.015625])):
        trainer, data = problem()
        trainer.scheduler = optim.lr_scheduler.StepLR(trainer.optimizer, 1, gamma=0.5)
        trainer.scheduler_interval = interval
        trainer.fit(data, epochs=3, batch_size=5, progress=False)
        # of each epoch the rate of its last batch
        assert trainer.history["lr"] == rates


def test_plateau_gets_the_monitored_value() -> None:
    trainer, data = problem(lr=0.0, metrics=[Accuracy()], monitor="accuracy")
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(trainer.optimizer, mode="max", patience=1)
    trainer.scheduler = scheduler
    trainer.fit(data, epochs=4, progress=False)
    assert scheduler.best == trainer.history["accuracy"][0]
    assert scheduler.last_epoch == 4
    trainer.monitor = "val_acuracy"
    with pytest.raises(ArgumentError, match="Did you mean 'val_accuracy'"):
        trainer.fit(data, data, epochs=5, progress=False)


def test_predict_takes_arrays_data_sets_and_loaders() -> None:
    trainer, (x, y) = problem()
    with dl.no_grad():
        expected = trainer.model(x)
    loader = DataLoader(TensorDataset(x, y), 4)
    for form in (x, x.numpy(), TensorDataset(x, y), TensorDataset(x), loader):
        output = trainer.predict(form, batch_size=4)
        assert not output.requires_grad
        np.testing.assert_allclose(output.numpy(), expected.numpy(), rtol=1e-6)
    with pytest.raises(ArgumentError, match="no sample"):
        trainer.predict(x[:0])


def test_several_inputs_and_a_forward_of_ones_own() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Bilinear(2, 3, 1)

        def forward(self, a: Any, b: Any) -> Any:
            return self.layer(a, b)

    dl.manual_seed(0)
    a, b = dl.randn(8, 2), dl.randn(8, 3)
    model = Two()
    trainer = Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1))
    trainer.fit((a, b, dl.ones(8, 1)), epochs=5, progress=False)
    assert trainer.history["loss"][-1] < trainer.history["loss"][0]

    class Doubled(Trainer):
        def forward(self, *inputs: Any) -> Any:
            return 2 * super().forward(*inputs)

    doubled = Doubled(model, nn.MSELoss(), optim.SGD(model.parameters()))
    data = TensorDataset(a, b, dl.ones(8, 1))
    np.testing.assert_allclose(
        doubled.predict(data).numpy(), 2 * trainer.predict(data).numpy(), rtol=1e-6
    )


# --- modes and moments -------------------------------------------------------------------------


def test_modes_are_given_back_part_by_part() -> None:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Linear(3, 2))
    model.eval()
    model[1].train()
    before = [module.training for module in model.modules()]
    seen = []
    callback = LambdaCallback(
        on_batch_end=lambda t: seen.append([m.training for m in t.model.modules()]),
        on_epoch_end=lambda t: t.evaluate((x, y)),
    )
    trainer = Trainer(
        model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()), callbacks=[callback]
    )
    x, y = dl.randn(8, 3), dl.zeros(8, dtype=dl.int64)
    trainer.fit((x, y), (x, y), epochs=2, batch_size=4, progress=False)
    assert seen == [[True] * 4] * 4
    assert [module.training for module in model.modules()] == before
    trainer.predict(x)
    assert [module.training for module in model.modules()] == before


def test_moments_come_in_order() -> None:
    moments: list[str] = []

    class Noted(Callback):
        def __getattribute__(self, name: str) -> Any:
            if name.startswith("on_") and name != "on_bad_loss":
                return lambda t: moments.append(f"{name[3:]} {t.epoch} {t.batch} {t.step}")
            return super().__getattribute__(name)

    trainer, data = problem(callbacks=[Noted()])
    trainer.fit(data, data, epochs=2, batch_size=5, progress=False)

    def batch(epoch: int, done: int, step: int) -> list[str]:
        before = f"{epoch} {done} {step}"
        within = [f"{name} {before}" for name in ("batch_begin", "backward_end")]
        within += [f"{name} {before}" for name in ("step_begin", "step_end")]
        return [*within, f"batch_end {epoch} {done + 1} {step + 1}"]

    def ending(epoch: int, step: int) -> list[str]:
        names = ["pass_end", "validation_begin", *["validation_batch_end"] * 2, "validation_end"]
        return [*(f"{name} {epoch} 2 {step}" for name in names), f"epoch_end {epoch + 1} 0 {step}"]

    assert moments == [
        "train_begin 0 0 0",
        *("epoch_begin 0 0 0", *batch(0, 0, 0), *batch(0, 1, 1), *ending(0, 2)),
        *("epoch_begin 1 0 2", *batch(1, 0, 2), *batch(1, 1, 3), *ending(1, 4)),
        "train_end 2 0 4",
    ]


def test_what_is_held_is_released_after_an_error() -> None:
    closed = []

    class Holder(Callback):
        def on_batch_end(self, trainer: Trainer) -> None:
            raise OSError("no space")

        def close(self) -> None:
            closed.append(True)

    trainer, data = problem(callbacks=[Holder()])
    with pytest.raises(OSError, match="no space"):
        trainer.fit(data, progress=False)
    assert closed == [True]


def test_after_an_error_the_epoch_begins_anew() -> None:
    class Fail(Callback):
        def on_batch_end(self, trainer: Trainer) -> None:
            if trainer.step == 4:
                raise ValueError("once")

    trainer, data = problem(callbacks=[Fail()])
    with pytest.raises(ValueError, match="once"):
        trainer.fit(data, epochs=2, batch_size=3, progress=False)
    assert (trainer.epoch, trainer.batch, trainer.history.epochs) == (0, 0, 0)
    trainer.fit(data, epochs=2, batch_size=3, progress=False)
    assert (trainer.history.epochs, trainer.step) == (2, 4 + 2 * 4)


def test_epochs_count_in_all() -> None:
    trainer, data = problem()
    trainer.fit(data, epochs=2, progress=False)
    assert trainer.fit(data, epochs=5, progress=False).epochs == 5
    with pytest.raises(ArgumentError, match=r"5 epochs are done already.*say epochs=8"):
        trainer.fit(data, epochs=3, progress=False)
    for wrong in (0, 1.5, "2"):
        with pytest.raises(ArgumentError, match=f"an int of 1 or more; got {wrong!r}"):
            trainer.fit(data, epochs=wrong)  # type: ignore[arg-type] # wrong on purpose


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "val", "name"), [(0, 4, "training"), (4, 0, "validation"), (0, None, "training")]
)
def test_data_without_a_sample_is_refused_before_training(
    train: int, val: int | None, name: str
) -> None:
    model = nn.Linear(2, 2)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1))
    x, y = dl.randn(4, 2), dl.zeros(4, dtype=dl.int64)
    held_out = None if val is None else (x[:val], y[:val])
    with pytest.raises(ArgumentError, match=f"fit: the {name} data gave no batch: the data set"):
        trainer.fit((x[:train], y[:train]), held_out, progress=False)
    assert trainer.step == 0


def test_no_batches() -> None:
    trainer, (x, y) = problem()
    empty = DataLoader(TensorDataset(x[:3], y[:3]), batch_size=8, drop_last=True)
    with pytest.raises(ArgumentError, match="no batch: 3 samples with batch_size=8 and"):
        trainer.fit(empty, progress=False)
    with pytest.raises(ArgumentError, match="data gave no batch: 3 samples"):
        trainer.evaluate(empty)
    once = iter([(x, y)])
    with pytest.raises(ArgumentError, match=r"epoch 2.*An iterator can be used once"):
        trainer.fit(once, epochs=2, progress=False)


def test_a_loss_that_is_not_one_number() -> None:
    trainer, data = problem()
    trainer.loss = nn.CrossEntropyLoss(reduction="none")
    with pytest.raises(ShapeError, match=re.escape('got shape (10,). Use reduction="mean"')):
        trainer.fit(data, progress=False)
    trainer.loss = lambda output, target: 0.5
    with pytest.raises(DTypeError, match="must be a Tensor; got float"):
        trainer.fit(data, progress=False)


def test_batches_that_are_not_pairs() -> None:
    trainer, (x, _) = problem()
    with pytest.raises(ShapeError, match=r"this one is 1 parts\..* or override Trainer\.split"):
        trainer.fit(TensorDataset(x), progress=False)
    with pytest.raises(DTypeError, match=r"got one array of shape \(10, 3\). Pass the pair"):
        trainer.fit(x, progress=False)
    with pytest.raises(DTypeError, match="got int"):
        trainer.fit(3, progress=False)


def test_nan_says_where_and_why() -> None:
    trainer, (x, y) = problem(20)
    x.array[13, 1] = np.nan
    with pytest.raises(
        NonFiniteLossError,
        match=r"nan at step 3 \(epoch 1, batch 3 of 4\). The cause is in the data: 1 values",
    ):
        trainer.fit((x, y), batch_size=5, shuffle=False, progress=False)
    assert np.isfinite(trainer.model.weight.array).all()
    assert isinstance(NonFiniteLossError("x"), FloatingPointError)


def test_nan_of_weights_is_told_apart() -> None:
    trainer, data = problem()
    trainer.model.bias.array[0] = np.inf
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteLossError, match=r"weights are not finite any more \(bias\)"),
    ):
        trainer.fit(data, progress=False)
    trainer, data = problem()
    trainer.loss = lambda output, target: (output * 1e38 * 1e38).sum()
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteLossError, match="Inputs and weights are finite"),
    ):
        trainer.fit(data, progress=False)


def test_terminate_on_nan_stops_with_finite_weights() -> None:
    trainer, (x, y) = problem(20, callbacks=[TerminateOnNaN()])
    x.array[7] = np.inf
    with np.errstate(all="ignore"):
        trainer.fit((x, y), epochs=3, batch_size=5, shuffle=False, progress=False)
    assert trainer.stop_reason is not None
    assert "step 2 (epoch 1, batch 2 of 4)" in trainer.stop_reason
    assert (trainer.step, trainer.epoch) == (1, 0)
    assert np.isfinite(trainer.model.weight.array).all()


@pytest.mark.parametrize(
    "loss, last, right",
    [
        (nn.BCELoss(), nn.Sigmoid(), True),
        (nn.functional.binary_cross_entropy, nn.Sigmoid(), True),
        (nn.BCEWithLogitsLoss(), nn.Identity(), True),
        (nn.MSELoss(), nn.Sigmoid(), True),
        (nn.MSELoss(), nn.Identity(), True),  # approaches the probability
        (lambda x, y: ((x - y) ** 2).mean(), nn.Sigmoid(), True),
        (lambda x, y: ((x.sigmoid() - y) ** 2).mean(), nn.Identity(), True),
        # only the user can know
        (lambda x, y: ((x - y) ** 2).mean(), nn.Sequential(nn.Sigmoid(), nn.Hardtanh()), False),
    ],
)
def test_loss_and_model_say_whether_scores_are_probabilities(
    loss: Any, last: Any, right: bool
) -> None:
    dl.manual_seed(0)
    x = dl.randn(200, 2)
    y = (x.sum(1, keepdim=True) > 0).float()
    model = nn.Sequential(nn.Linear(2, 1), last)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    metrics = [Accuracy(), Precision("binary"), Recall("binary"), F1("binary")]
    trainer = Trainer(model, loss, optimizer, metrics=metrics)
    with contextlib.nullcontext() if right else pytest.warns(UserWarning, match="threshold=0.5"):
        history = trainer.fit((x, y), (x, y), epochs=10, progress=False)
    for metric in metrics:
        assert (history[f"val_{metric.name}"][-1] > 0.9) is right or metric.name[0] == "r"
    assert metrics[0].threshold is None  # the trainer measures with copies


def test_an_optimizer_of_another_model_is_refused() -> None:
    model, other = nn.Sequential(nn.Linear(5, 2)), nn.Linear(5, 2)
    with pytest.raises(ArgumentError, match=r"holds none of the 2 trainable .* 0\.weight"):
        Trainer(model, nn.MSELoss(), optim.SGD(other.parameters()))
    with pytest.warns(UserWarning, match=r"does not hold 1 of 2 trainable .*: 0\.weight"):
        Trainer(model, nn.MSELoss(), optim.SGD([model[0].bias, other.bias]))
    model.requires_grad_(False)
    Trainer(model, nn.MSELoss(), optim.SGD(other.parameters()))  # such as a loss that learns


def test_parts_are_checked() -> None:
    model, loss = nn.Linear(3, 2), nn.CrossEntropyLoss()
    sgd = optim.SGD(model.parameters())
    with pytest.raises(TypeError, match="optimizer must be Optimizer; got Linear"):
        Trainer(model, loss, model)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(TypeError, match=r"got list\. Several are a dict by name"):
        Trainer(model, loss, [sgd, sgd])  # type: ignore[arg-type] # wrong on purpose
    parts = {
        "metrics": Accuracy(),
        "callbacks": EarlyStopping(),
        "regularizers": optim.L1(model, 1e-3),
    }
    for name, part in parts.items():
        with pytest.raises(TypeError, match=rf"{name} must be a list; got .*; pass a list also of"):
            Trainer(model, loss, sgd, **{name: part})
    with pytest.raises(TypeError, match=r"callbacks must be a list; got NoneType$"):
        Trainer(model, loss, sgd, callbacks=None)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(TypeError, match=r"5 is not a metrics.Metric object, the name of one"):
        Trainer(model, loss, sgd, [5])
    with pytest.raises(TypeError, match="the class; pass an instance"):
        Trainer(model, loss, sgd, callbacks=[EarlyStopping])  # type: ignore[list-item] # wrong on purpose
    with pytest.raises(ArgumentError, match="two quantities are named accuracy"):
        Trainer(model, loss, sgd, [Accuracy(), Accuracy()])
    with pytest.raises(ArgumentError, match='"epoch" or "batch"; got \'step\''):
        Trainer(model, loss, sgd, scheduler_interval="step")
    other = optim.lr_scheduler.StepLR(optim.SGD(nn.Linear(1, 1).parameters()), 1)
    with pytest.raises(ArgumentError, match="belongs to another optimizer"):
        Trainer(model, loss, sgd, scheduler=other)
    plateau = optim.lr_scheduler.ReduceLROnPlateau(sgd)
    with pytest.raises(ArgumentError, match="known once per epoch"):
        Trainer(model, loss, sgd, scheduler=plateau, scheduler_interval="batch")


def test_a_trainer_is_copied_and_pickled_without_its_data() -> None:
    x = dl.randn(2000, 3)
    data = (x, (x[:, 0] > 0).long())
    trainer, _ = problem(callbacks=[EarlyStopping("loss")], scheduler=("StepLR", {"step_size": 1}))
    trainer.fit(data, data, epochs=2, progress=False)
    written = pickle.dumps(trainer)
    assert len(written) < 20_000
    weights = []
    for one in (trainer, pickle.loads(written), copy.deepcopy(trainer)):
        dl.manual_seed(1)
        one.fit(data, data, more_epochs=1, progress=False)
        weights.append((one.model.weight.tolist(), one.history["val_loss"]))
    assert weights[0] == weights[1] == weights[2]


class Turns(Trainer):
    """Two optimizers, each of which steps with each batch."""

    def train_step(self, batch: Any) -> Any:
        loss = self.loss(self.model(batch[0]), batch[1])
        self.optimizer.zero_grad()
        loss.backward()
        for one in self.optimizer.values():
            one.step()
        return {"loss": loss.item()}


def turns(kind: type[Trainer] = Turns, **options: Any) -> Trainer:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    both = {"a": optim.SGD(model[0].parameters(), lr=1.0), "b": optim.Adam(model[1].parameters())}
    return kind(model, nn.CrossEntropyLoss(), options.pop("optimizer", both), **options)


def test_schedules_of_several_optimizers_by_name() -> None:
    how = {"a": ("StepLR", {"step_size": 1, "gamma": 0.5}), "b": ("ExponentialLR", {"gamma": 0.1})}
    trainer = turns(scheduler=how)
    _, data = problem()
    history = trainer.fit(data, epochs=2, progress=False)
    assert history["lr_a"] == [1.0, 0.5]
    assert history["lr_b"] == pytest.approx([1e-3, 1e-4])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheduler": ("StepLR", {"step_size": 1})}, "pass a dict of schedules by the names"),
        ({"scheduler": "cosine"}, "pass a dict of schedules by the names"),
        ({"scheduler": {"a": "cosine"}}, "fit makes no schedule; for 'a' pass one"),
        ({"scheduler": {"a": lambda optimizer, steps: None}}, "fit makes no schedule"),
        ({"scheduler": {"c": ("StepLR", {"step_size": 1})}}, "'c' is of none of the optimizers"),
        ({"optimizer": {}}, "the dict of optimizers is empty"),
    ],
    ids=["one", "by fit", "one by fit", "function", "unknown", "none"],
)
def test_what_several_optimizers_do_not_take(options: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        turns(**options)


def test_what_is_not_known_of_several_optimizers() -> None:
    class Minimizes(Trainer):
        def train_step(self, batch: Any) -> Any:
            self.minimize(self.loss(self.model(batch[0]), batch[1]))
            return {"loss": 0.0}

    _, data = problem()
    with pytest.raises(ArgumentError, match="not known which of them makes the step"):
        turns(Minimizes).fit(data, progress=False)
    with pytest.raises(ArgumentError, match="not known whose rate is meant"):
        turns().find_lr(data, steps=5)
