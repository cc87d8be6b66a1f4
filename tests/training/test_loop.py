"""The loop of fit: groups of batches, limits, validations, trials, steps of one's own."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim, training
from dlframe.data import DataLoader, TensorDataset
from dlframe.errors import ArgumentError
from dlframe.metrics import Accuracy
from dlframe.optim import lr_scheduler
from dlframe.training import Callback, EarlyStopping, LambdaCallback, ModelCheckpoint, Trainer
from dlframe.training.plan import Accumulation, seconds_of


def problem(
    samples: int = 22, seed: int = 0, lr: float = 0.1, kind: type[Trainer] = Trainer, **options: Any
) -> tuple[Trainer, tuple[dl.Tensor, dl.Tensor]]:
    dl.manual_seed(seed)
    x = dl.randn(samples, 3)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    return kind(model, nn.CrossEntropyLoss(), optimizer, **options), (x, y)


def weights(trainer: Trainer) -> list[Any]:
    return [p.tolist() for p in trainer.model.parameters()]


def array(trainer: Trainer) -> np.ndarray[Any, Any]:
    return np.concatenate([p.array.ravel() for p in trainer.model.parameters()])


class Noted(Callback):
    """Notes the value of something after each step of the optimizer."""

    def __init__(self, what: Any) -> None:
        self.what, self.values = what, []

    def on_step_end(self, trainer: Trainer) -> None:
        self.values.append(self.what(trainer))


# --- groups of batches -------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("clip", [None, 0.05])
def test_a_group_of_batches_is_a_large_batch(reduction: str, clip: float | None) -> None:
    """Also the last group, and batches of other sizes: 22 samples are 4 of 5, and one of 2."""
    runs = []
    for accumulate, batch_size in ((1, 15), (3, 5)):
        trainer, data = problem(lr=0.01, accumulate=accumulate, clip_grad_norm=clip)
        trainer.loss = nn.CrossEntropyLoss(reduction=reduction)
        trainer.fit(data, epochs=4, batch_size=batch_size, shuffle=False, progress=False)
        runs.append(trainer)
    large, small = runs
    assert (large.updates, large.step) == (8, 8)
    assert (small.updates, small.step) == (8, 20)
    np.testing.assert_allclose(array(small), array(large), rtol=1e-5, atol=1e-7)
    assert small.history["loss"] != large.history["loss"]  # as measured: before its group's step
    if clip:
        assert small.history["grad_norm"] == pytest.approx(large.history["grad_norm"], rel=1e-5)


def test_accumulation_is_this_loop_bit_for_bit() -> None:
    model_of = problem()[0].model
    trainer, data = problem(accumulate=2, clip_grad_norm=0.1)
    trainer._schedule = training.scheduling.Schedule(
        lr_scheduler.StepLR(trainer.optimizer, 1, 0.9), trainer.optimizer, "batch"
    )
    trainer.fit(data, epochs=2, batch_size=5, shuffle=False, progress=False)

    optimizer = optim.SGD(model_of.parameters(), lr=0.1, momentum=0.9)
    scheduler = lr_scheduler.StepLR(optimizer, 1, 0.9)
    for _ in range(2):
        batches = list(DataLoader(TensorDataset(*data), 5))
        for group in (batches[:2], batches[2:4], batches[4:]):
            optimizer.zero_grad()
            sizes = [len(y) for _, y in group]
            for (x, y), size in zip(group, sizes, strict=True):
                loss = nn.functional.cross_entropy(model_of(x), y)
                (loss * (size / sizes[0])).backward()
            for p in model_of.parameters():
                p.grad /= sum(sizes) / sizes[0]
            nn.utils.clip_grad_norm_(model_of.parameters(), 0.1)
            optimizer.step()
            scheduler.step()
    assert weights(trainer) == [p.tolist() for p in model_of.parameters()]
    assert trainer.history["lr"][-1] == pytest.approx(0.1 * 0.9**5)


def test_penalties_count_once_per_step() -> None:
    runs = []
    for accumulate, batch_size in ((1, 15), (3, 5)):
        trainer, data = problem(accumulate=accumulate)
        penalty = optim.L1(trainer.model, 0.05)
        trainer = Trainer(
            trainer.model, trainer.loss, trainer.optimizer, accumulate=accumulate,
            regularizers=[penalty, optim.LabelSmoothing(0.1)],
        )  # fmt: skip
        trainer.fit(data, epochs=3, batch_size=batch_size, shuffle=False, progress=False)
        runs.append(trainer)
    np.testing.assert_allclose(array(runs[1]), array(runs[0]), rtol=1e-5, atol=1e-6)
    for name in ("l1", "label_smoothing"):
        assert name in runs[0].history
    assert runs[1].history["l1"] == pytest.approx(runs[0].history["l1"], rel=1e-5)


def test_weights_of_samples_and_classes_count_in_a_group() -> None:
    dl.manual_seed(3)
    sample_weight = dl.rand(22)
    sample_weight[:5] = 0.0  # the first batch of 5 weighs nothing
    runs = []
    for accumulate, batch_size in ((1, 15), (3, 5)):
        trainer, data = problem(accumulate=accumulate)
        trainer.fit(
            data, epochs=3, batch_size=batch_size, shuffle=False, progress=False,
            sample_weight=sample_weight, class_weight={0: 1.0, 1: 3.0},
        )  # fmt: skip
        runs.append(trainer)
    np.testing.assert_allclose(array(runs[1]), array(runs[0]), rtol=1e-4, atol=1e-6)


def test_sums_and_means_of_several_outputs_are_not_put_together() -> None:
    model = nn.Linear(3, 2)
    losses = {"a": nn.MSELoss(), "b": nn.MSELoss(reduction="sum")}
    sgd = optim.SGD(model.parameters())
    with pytest.raises(ArgumentError, match="some outputs are sums and those of others means"):
        Trainer(model, losses, sgd, accumulate=2)
    Trainer(model, losses, sgd)


def test_a_schedule_of_accumulation() -> None:
    trainer, data = problem(accumulate={0: 4, 2: 1})
    counts = Noted(lambda t: (t.epoch, t.batch))
    trainer.callbacks.append(counts)
    trainer.fit(data, epochs=3, batch_size=4, progress=False)  # 6 batches
    assert counts.values == [(0, 3), (0, 5), (1, 3), (1, 5), *((2, i) for i in range(6))]
    assert trainer.updates == 2 + 2 + 6
    assert Accumulation({3: 2}).at(2) == 1


def test_the_last_group_of_data_without_a_length() -> None:
    def batches(data: Any) -> Any:
        class Stream:
            def __iter__(self) -> Iterator[Any]:
                return iter(DataLoader(TensorDataset(*data), 5))

        return Stream()

    trainer, data = problem(accumulate=3)
    trainer.fit(batches(data), epochs=2, progress=False)
    expected, data = problem(accumulate=3)
    expected.fit(data, epochs=2, batch_size=5, shuffle=False, progress=False)
    assert weights(trainer) == weights(expected)
    assert trainer.updates == expected.updates == 4


def test_averages_count_steps_of_the_optimizer() -> None:
    ema = training.EMAWeightAveraging(0.5)
    trainer, data = problem(accumulate=2, callbacks=[ema])
    trainer.fit(data, epochs=2, batch_size=5, progress=False)  # 5 batches: 3 steps
    assert trainer.history["averaged"] == [3, 6]


def test_what_accumulation_refuses() -> None:
    model = nn.Linear(3, 2)
    for wrong in (0, 1.5, True, {}, {0: 0}, {-1: 2}, "2"):
        with pytest.raises((ArgumentError, ValueError), match=r"accumulate must be|could not"):
            Trainer(model, nn.MSELoss(), optim.SGD(model.parameters()), accumulate=wrong)  # type: ignore[arg-type] # wrong on purpose
    for optimizer in (
        optim.LBFGS(model.parameters()),
        optim.SAM(optim.SGD(model.parameters(), lr=0.1)),
    ):
        with pytest.raises(ArgumentError, match="computes the loss of a batch more than once"):
            Trainer(model, nn.MSELoss(), optimizer, accumulate=2)


# --- how long ----------------------------------------------------------------------------------


def test_epochs_of_some_batches_go_on_in_the_data() -> None:
    whole, data = problem()
    whole.fit(data, epochs=2, batch_size=4, progress=False)  # 6 batches each
    for parts in ([3], [1, 2, 3]):
        parted, data = problem()
        for epochs in parts:
            parted.fit(data, epochs=epochs, batch_size=4, steps_per_epoch=4, progress=False)
        assert parted.step == whole.step
        assert weights(parted) == weights(whole)
        assert parted.history.epochs == 3


def test_endless_data_need_steps() -> None:
    def endless(data: Any) -> Iterator[Any]:
        while True:
            yield from DataLoader(TensorDataset(*data), 4)

    trainer, data = problem()
    stream = endless(data)
    trainer.fit(stream, epochs=2, steps_per_epoch=4, progress=False)
    trainer.fit(stream, epochs=3, steps_per_epoch=4, progress=False)
    expected, data = problem()
    expected.fit(data, epochs=2, batch_size=4, shuffle=False, progress=False)
    assert weights(trainer) == weights(expected)
    with pytest.raises(ArgumentError, match=r"ended after 6 of 9 batches .* used once only"):
        trainer.fit(iter(DataLoader(TensorDataset(*data), 4)), epochs=4, steps_per_epoch=9)


def test_validation_on_some_batches() -> None:
    trainer, (x, y) = problem(lr=0.0)
    trainer.fit((x, y), (x, y), batch_size=4, validation_steps=2, progress=False)
    expected = trainer.evaluate((x[:8], y[:8]))["loss"]
    assert trainer.history["val_loss"] == pytest.approx([expected])
    shuffled = DataLoader(TensorDataset(x, y), 4, shuffle=True)
    trainer.fit((x, y), shuffled, epochs=4, validation_steps=2, progress=False)
    assert len(set(trainer.history["val_loss"])) == 4  # each time others


def test_validation_after_some_epochs() -> None:
    stopping = EarlyStopping(patience=2, min_delta=10.0)
    trainer, data = problem(callbacks=[stopping])
    plateau = lr_scheduler.ReduceLROnPlateau(trainer.optimizer, patience=0, threshold=10.0)
    trainer.scheduler = plateau
    history = trainer.fit(data, data, epochs=50, validate_every=3, progress=False)
    measured = [i + 1 for i, value in enumerate(history["val_loss"]) if not math.isnan(value)]
    assert measured == [3, 6, 9]
    assert trainer.stop_reason is not None
    assert "for 2 validations" in trainer.stop_reason
    assert plateau.last_epoch == 3
    assert history["best_val_loss_epoch"] == [0, 0, 3, 3, 3, 3, 3, 3, 3]


def test_validation_inside_of_epochs(tmp_path: Path) -> None:
    seen: list[Any] = []
    note = LambdaCallback(
        on_validation_end=lambda t: seen.append((t.is_inside_epoch, t.epoch, t.batch))
    )
    stopping = EarlyStopping(patience=99)
    keep = ModelCheckpoint(tmp_path)
    trainer, data = problem(callbacks=[note, stopping, keep], metrics=[Accuracy()])
    how: dict[str, Any] = {"epochs": 2, "batch_size": 4, "shuffle": False, "progress": False}
    trainer.fit(data, data, validate_every_batches=2, **how)
    assert seen == [
        (True, 0, 2), (True, 0, 4), (False, 0, 6), (True, 1, 2), (True, 1, 4), (False, 1, 6),
    ]  # fmt: skip
    records = trainer.history.validations
    assert [(r["epoch"], r["batch"], r["step"]) for r in records] == [
        (1, 2, 2), (1, 4, 4), (2, 2, 8), (2, 4, 10),
    ]  # fmt: skip
    values = [r["val_loss"] for r in records] + trainer.history["val_loss"]
    assert stopping.best == keep.best == min(values)
    assert set(records[0]) == {"epoch", "batch", "step", "val_loss", "val_accuracy"}
    plain, data = problem(metrics=[Accuracy()])
    plain.fit(data, data, **how)
    assert plain.history["val_loss"] == trainer.history["val_loss"]


def test_averages_are_validated_inside_of_epochs_too() -> None:
    ema = training.EMAWeightAveraging(0.9)
    trainer, data = problem(callbacks=[ema])
    pairs: list[Any] = []
    note = LambdaCallback(
        on_validation_end=lambda t: pairs.append((ema_loss(t), t.logs["val_loss"]))
    )

    def ema_loss(trainer: Trainer) -> float:
        assert ema.model is not None
        return float(nn.functional.cross_entropy(ema.model.module(data[0]), data[1]).item())

    trainer.callbacks.append(note)
    trainer.fit(data, data, batch_size=4, validate_every_batches=2, progress=False)
    assert len(pairs) == 3
    assert [a for a, _ in pairs] == pytest.approx([b for _, b in pairs], rel=1e-5)
    plain, data = problem()
    plain.fit(data, data, batch_size=4, progress=False)
    trainer._put_weights_back()
    assert weights(trainer) == weights(plain)


def test_max_steps_end_training_and_fit_goes_on() -> None:
    whole, data = problem(accumulate=2)
    whole.fit(data, epochs=4, batch_size=4, progress=False)  # 12 steps
    for limits in ([5, 12], [3, 6, 7, 12]):
        trainer, data = problem(accumulate=2)
        for limit in limits:
            trainer.fit(data, epochs=4, max_steps=limit, batch_size=4, progress=False)
            assert trainer.updates == limit
            assert (trainer.stop_reason is None) == (limit == 12)
        assert weights(trainer) == weights(whole)
        assert trainer.history["loss"] == whole.history["loss"]
    trainer, data = problem(accumulate=2)
    trainer.fit(data, max_steps=6, batch_size=4, progress=False)
    assert (trainer.epochs, trainer.epoch, trainer.stop_reason) == (2, 2, None)
    with pytest.raises(ArgumentError, match="6 steps are done already, and max_steps=6"):
        trainer.fit(data, max_steps=6, batch_size=4)


def test_a_budget_of_time_saves_and_goes_on(tmp_path: Path) -> None:
    whole, data = problem()
    whole.fit(data, epochs=2, batch_size=4, progress=False)
    trainer, data = problem(callbacks=[ModelCheckpoint(tmp_path, None)])
    for step in range(1, 12):
        trainer.fit(data, epochs=2, max_time=1e-9, batch_size=4, progress=False)
        assert trainer.step == step
        assert trainer.stop_reason is not None
        assert "max_time is over" in trainer.stop_reason
        assert not trainer.interrupted
        trainer, data = problem(callbacks=[ModelCheckpoint(tmp_path, None)])
        trainer.resume(tmp_path / "last.h5")
        assert trainer.step == step
    trainer.fit(data, epochs=2, max_time="1h30m", batch_size=4, progress=False)
    assert trainer.epoch == 2
    assert weights(trainer) == weights(whole)


def test_durations() -> None:
    assert seconds_of("1h30m") == 5400
    assert seconds_of("2d 1.5h") == 2 * 86400 + 5400
    assert seconds_of("90s") == seconds_of(dt.timedelta(seconds=90)) == seconds_of(90) == 90
    for wrong in ("", "90", "1:30", "30m1h", 0, -1, math.nan, True, [], dt.timedelta(0)):
        with pytest.raises(ArgumentError, match="max_time must be a number of seconds"):
            seconds_of(wrong)


def test_more_epochs() -> None:
    trainer, data = problem()
    trainer.fit(data, more_epochs=2, progress=False)
    trainer.fit(data, more_epochs=3, progress=False)
    assert trainer.epoch == 5
    with pytest.raises(ArgumentError, match="pass one"):
        trainer.fit(data, epochs=9, more_epochs=1)
    with pytest.raises(ArgumentError, match="say epochs=10 or more_epochs=5"):
        trainer.fit(data, epochs=5)


def test_numbers_that_make_no_sense() -> None:
    trainer, data = problem()
    for name in ("more_epochs", "validate_every", "validate_every_batches", "validation_steps"):
        with pytest.raises(ArgumentError, match=f"{name} must be an int of 1 or more; got 0"):
            trainer.fit(data, **{name: 0})
    for name in ("max_steps", "steps_per_epoch", "overfit_batches"):
        with pytest.raises(ArgumentError, match=f"{name} must be an int of 1 or more; got 1.5"):
            trainer.fit(data, **{name: 1.5})
    with pytest.raises(ArgumentError, match="fast_dev_run must be"):
        trainer.fit(data, fast_dev_run=-1)


def test_arguments_that_do_not_exist_are_named() -> None:
    trainer, data = problem()
    for given, meant in (
        ("validation_freq", r"It is fit\(validate_every=n\)"),
        ("steps_per_epoc", "Did you mean 'steps_per_epoch'"),
        ("max_epochs", r"It is fit\(epochs=n\)"),
    ):
        with pytest.raises(TypeError, match=rf"Trainer\.fit\(\) has no argument .*\. ?{meant}"):
            trainer.fit(data, **{given: 1})
    with pytest.raises(TypeError, match=r"Trainer\(\) has no .*It is Trainer\(accumulate=n\)"):
        Trainer(trainer.model, trainer.loss, trainer.optimizer, accumulate_grad_batches=2)  # type: ignore[call-arg] # wrong on purpose


# --- trials ------------------------------------------------------------------------------------


def test_a_trial_leaves_nothing(tmp_path: Path) -> None:
    seen: list[str] = []
    note = LambdaCallback(
        on_batch_end=lambda t: seen.append("batch"), on_validation_end=lambda t: seen.append("val")
    )
    stopping = EarlyStopping(patience=1)
    files = [ModelCheckpoint(tmp_path / "a"), training.JSONLogger(tmp_path / "b.jsonl")]

    options: dict[str, Any] = {"scheduler": "one_cycle", "accumulate": 2, "metrics": [Accuracy()]}
    noise = [optim.GradientNoise()]
    trainer, data = problem(callbacks=[note, stopping, *files], regularizers=noise, **options)
    random = dl.get_rng_state().tolist()
    before = trainer.state_dict()
    history = trainer.fit(data, data, epochs=9, batch_size=4, fast_dev_run=3, progress=False)
    assert history.epochs == 1
    assert seen == [*["batch"] * 3, "val"]
    assert not list(tmp_path.iterdir())
    assert dl.get_rng_state().tolist() == random
    assert (trainer.step, trainer.history.epochs, stopping.best) == (0, 0, None)
    after = trainer.state_dict()
    assert str(after["trainer"]["regularizers"]) == str(before["trainer"]["regularizers"])
    trainer.fit(data, data, epochs=2, max_steps=4, batch_size=4, progress=False)
    trainer._put_weights_back()  # which EarlyStopping has set aside
    expected, data = problem(regularizers=[optim.GradientNoise()], **options)
    expected.fit(data, data, epochs=2, max_steps=4, batch_size=4, progress=False)
    assert weights(trainer) == weights(expected)


def test_a_trial_that_fails_leaves_nothing_too() -> None:
    trainer, (x, y) = problem()
    before = weights(trainer)
    with pytest.raises(ValueError, match=r".*"):
        trainer.fit((x, y), (x[:, :2], y), fast_dev_run=True, progress=False)
    assert weights(trainer) == before
    with pytest.raises(ArgumentError, match="the data is an iterator"):
        trainer.fit(iter([(x, y)]), fast_dev_run=True)


def test_a_few_batches_are_learnt_by_heart() -> None:
    trainer, (x, y) = problem(lr=0.3)
    loader = DataLoader(TensorDataset(x, y), 4, shuffle=True)
    state = dl.get_rng_state().tolist()
    sizes = Noted(lambda t: t.batches_per_epoch)
    trainer.callbacks.append(sizes)
    trainer.fit(loader, epochs=60, overfit_batches=2, progress=False)
    assert dl.get_rng_state().tolist() == state  # nothing is drawn
    assert sizes.values == [2] * 120
    expected, (x, y) = problem(lr=0.3)
    expected.fit((x[:8], y[:8]), epochs=60, batch_size=4, shuffle=False, progress=False)
    assert weights(trainer) == weights(expected)
    assert trainer.history["loss"][-1] < 0.1


def test_the_learning_rate_is_found_and_nothing_is_changed() -> None:
    trainer, data = problem(
        lr=0.5, clip_grad_norm=1.0, accumulate=2, regularizers=[optim.GradientNoise(1e-6)]
    )
    loader = DataLoader(TensorDataset(*data), 4, shuffle=True)
    trainer.fit(loader, epochs=1, progress=False)
    before, random = trainer.state_dict(), dl.get_rng_state().tolist()
    found = trainer.find_lr(loader, start=1e-4, steps=30)
    assert dl.get_rng_state().tolist() == random
    after = trainer.state_dict()
    assert str(before["trainer"]) == str(after["trainer"])
    assert all((before["model"][k].array == v.array).all() for k, v in after["model"].items())
    assert len(found.rates) <= 30
    assert trainer.optimizer.param_groups[0]["lr"] == 0.5
    if found.suggestion is not None:
        trainer.find_lr(loader, start=1e-4, steps=30, set_lr=True)
        assert trainer.optimizer.param_groups[0]["lr"] == found.suggestion
    plain, data = problem(lr=0.5)
    same = training.lr_range_test(plain.model, plain.loss, data, plain.optimizer, steps=20)
    found = plain.find_lr(data, steps=20)
    np.testing.assert_array_equal(found.losses, same.losses)
    plain.scheduler = lr_scheduler.StepLR(plain.optimizer, 1)
    with pytest.raises(ArgumentError, match="schedule has taken note"):
        plain.find_lr(data, set_lr=True)


# --- schedules that fit makes ------------------------------------------------------------------


def test_one_cycle_is_as_long_as_the_training() -> None:
    rates = Noted(lambda t: t.optimizer.param_groups[0]["lr"])
    trainer, data = problem(lr=0.4, scheduler="one_cycle", callbacks=[rates], accumulate=2)
    trainer.fit(data, epochs=4, batch_size=4, progress=False)
    model = nn.Linear(1, 1)
    by_hand = optim.SGD(model.parameters(), lr=0.4, momentum=0.9)
    schedule = lr_scheduler.OneCycleLR(by_hand, max_lr=0.4, total_steps=12)
    assert trainer.scheduler.total_steps == 12
    expected = []
    for _ in range(12):
        by_hand.step()
        schedule.step()
        expected.append(by_hand.param_groups[0]["lr"])
    assert rates.values == expected
    with pytest.raises(ArgumentError, match="made for 12 steps, and 15 are asked"):
        trainer.fit(data, epochs=5, batch_size=4)


def test_a_function_makes_the_schedule() -> None:
    made = []

    def warm_up(optimizer: Any, steps: int) -> Any:
        made.append(steps)
        parts = [
            lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2),
            lr_scheduler.CosineAnnealingLR(optimizer, steps - 2),
        ]
        return lr_scheduler.SequentialLR(optimizer, parts, [2])

    trainer, data = problem(scheduler=warm_up)
    assert trainer.scheduler is None
    trainer.fit(data, epochs=2, batch_size=4, progress=False)
    assert made == [12]
    trainer, data = problem(scheduler=warm_up, scheduler_interval="epoch")
    trainer.fit(data, epochs=5, batch_size=4, progress=False)
    assert made == [12, 5]
    for name in ("cosine", "linear"):
        trainer, data = problem(scheduler=name)
        trainer.fit(data, epochs=2, batch_size=4, progress=False)
        assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-12)


def test_schedules_that_are_refused() -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'one_cycle'"):
        problem(scheduler="onecycle")
    with pytest.raises(TypeError, match=r"no step\(\); got int"):
        problem(scheduler=3)
    with pytest.raises(TypeError, match=r"no step\(\); got StepLR"):
        problem(scheduler=lr_scheduler.StepLR)
    trainer, data = problem(scheduler=lambda optimizer, steps: None)
    with pytest.raises(TypeError, match="must return a schedule; got NoneType"):
        trainer.fit(data)
    trainer, data = problem(scheduler="one_cycle")
    with pytest.raises(ArgumentError, match="say steps_per_epoch"):
        trainer.fit(batch for batch in [data])


# --- initial values ----------------------------------------------------------------------------


def test_initial_values_of_a_whole_model() -> None:
    trainer, _ = problem()
    biases = [trainer.model[i].bias.tolist() for i in (0, 2)]
    dl.manual_seed(5)
    again = Trainer(trainer.model, trainer.loss, trainer.optimizer, initializer="xavier_uniform")
    dl.manual_seed(5)
    for layer in (again.model[0], again.model[2]):
        expected = nn.init.xavier_uniform_(nn.Parameter(dl.empty(*layer.weight.shape)))
        assert layer.weight.tolist() == expected.tolist()
    assert [trainer.model[i].bias.tolist() for i in (0, 2)] == biases


def test_initial_values_by_kind_and_name() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))
    rules = {
        nn.Module: "zeros", nn.Conv2d: "ones_", "bias": lambda p: nn.init.constant_(p, 0.5),
        "3.*": "zeros",
    }  # fmt: skip
    names = training.initialize(model, rules)
    assert names == ["0.weight", "0.bias", "1.bias", "3.weight", "3.bias"]
    assert (model[0].weight == 1).all()
    assert (model[0].bias == 0.5).all()
    assert (model[1].weight == 1).all()  # of normalization: left alone
    assert (model[3].weight == 0).all()
    assert (model[3].bias == 0).all()  # the last of the names that fit
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    calls: list[Any] = []
    assert training.initialize(tied, calls.append) == ["0.weight"]
    assert len(calls) == 1


def test_initial_values_that_are_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    for wrong, message in (
        ("xavier_unifrm", "Did you mean 'xavier_uniform'"),
        ("constant", "needs another argument"),
        (3, "expected the name of a function"),
        ({nn.Conv2d: "zeros"}, "no parameter for Conv2d"),
        ({"head.*": "zeros"}, r"no parameter for head\.\*"),
    ):
        with pytest.raises(ArgumentError, match=message):
            training.initialize(model, wrong)
    with pytest.raises(ArgumentError, match="its layer is lazy"):
        training.initialize(nn.LazyLinear(3), "zeros")


# --- callbacks ---------------------------------------------------------------------------------


def test_frozen_parts_stay_and_are_freed_by_epoch() -> None:
    dl.manual_seed(0)
    x, y = dl.randn(20, 3), dl.randn(20, 1)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
    seen: list[Any] = []
    note = LambdaCallback(
        on_epoch_end=lambda t: seen.append(
            (t.model[0].weight.tolist(), t.model[1].running_mean.tolist())
        )
    )
    before = (model[0].weight.tolist(), model[1].running_mean.tolist())
    freeze = training.Freeze(but="3.*", epochs=2)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    trainer = Trainer(model, nn.MSELoss(), optimizer, callbacks=[freeze, note])
    head = model[3].weight.tolist()
    trainer.fit((x, y), (x, y), epochs=1, batch_size=5, progress=False)
    assert all(p.requires_grad for p in model.parameters())
    assert model[3].weight.tolist() != head
    trainer.fit((x, y), (x, y), epochs=3, batch_size=5, progress=False)
    assert seen[:2] == [before] * 2
    assert all(a != b for a, b in zip(seen[2], before, strict=True))
    for wrong, message in (("head.*", "no parameter 'head"), ("*", "nothing to train")):
        trainer.callbacks = [training.Freeze(wrong)]
        with pytest.raises(ArgumentError, match=message):
            trainer.fit((x, y), epochs=4, progress=False)
        assert all(p.requires_grad for p in model.parameters())
    with pytest.raises(ArgumentError, match="epochs must be 1 or more"):
        training.Freeze(epochs=0)


def test_frozen_parts_with_groups_are_this_loop() -> None:
    trainer, data = problem(callbacks=[training.Freeze("0.*", epochs=1)], accumulate=2)
    trainer.fit(data, epochs=2, batch_size=11, shuffle=False, progress=False)
    model = problem()[0].model
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(2):
        model[0].requires_grad_(epoch == 1)
        optimizer.zero_grad()
        for x, y in DataLoader(TensorDataset(*data), 11):
            nn.functional.cross_entropy(model(x), y).backward()
        for p in model.parameters():
            if p.grad is not None:
                p.grad /= 2.0
        optimizer.step()
    assert weights(trainer) == [p.tolist() for p in model.parameters()]


def test_norms_are_those_before_clipping() -> None:
    log = training.NormLog(2)
    trainer, data = problem(callbacks=[log], clip_grad_norm=1e-3)
    trainer.fit(data, epochs=2, batch_size=22, progress=False)
    assert log.steps == [2]
    total = math.sqrt(sum(column[0] ** 2 for column in log.gradients.values()))
    assert total == pytest.approx(trainer.history["grad_norm"][1], rel=1e-5)
    assert list(log.weights) == [name for name, _ in trainer.model.named_parameters()]
    with pytest.raises(ArgumentError, match="every must be 1 or more"):
        training.NormLog(0)


def test_rates_by_a_function() -> None:
    trainer, data = problem(callbacks=[training.LearningRateScheduler(lambda e, r: 0.5**e)])
    assert trainer.fit(data, epochs=3, progress=False)["lr"] == [1.0, 0.5, 0.25]
    trainer.callbacks = [training.LearningRateScheduler(lambda epoch, rate: -1.0)]
    with pytest.raises(ArgumentError, match=r"rate of epoch 3 is -1\.0"):
        trainer.fit(data, epochs=4, progress=False)
    trainer.scheduler = lr_scheduler.StepLR(trainer.optimizer, 1)
    with pytest.raises(ArgumentError, match="the trainer has a schedule"):
        trainer.fit(data, epochs=4, progress=False)
    with pytest.raises(TypeError, match="must be a function"):
        training.LearningRateScheduler(0.1)  # type: ignore[arg-type] # wrong on purpose


class Values(Trainer):
    """Its validation measures the values of a list."""

    values: Any = ()

    def _measure(self, loader: Any, keep_going: Any) -> dict[str, Any]:
        return {"loss": self.values[self.epoch]}


def stopped(values: list[float], **options: Any) -> tuple[Trainer, EarlyStopping]:
    stopping = EarlyStopping(restore_best=False, **options)
    trainer, data = problem(kind=Values, callbacks=[stopping])
    trainer.values = values
    trainer.fit(data, data, epochs=len(values), progress=False)
    return trainer, stopping


def test_options_of_early_stopping() -> None:
    values = [5.0, 9.0, 8.0, 4.0, 3.0, 2.0]
    assert stopped(values, patience=2)[0].epoch == 3
    trainer, stopping = stopped(values, patience=2, start_from_epoch=1)
    assert (trainer.epoch, stopping.best, trainer.stop_reason) == (6, 2.0, None)
    assert math.isnan(trainer.history["best_val_loss"][0])
    trainer, stopping = stopped(values, patience=3, baseline=4.5)
    assert (trainer.epoch, stopping.best) == (3, None)
    trainer, stopping = stopped(values, patience=4, baseline=4.5)
    assert (trainer.epoch, stopping.best) == (6, 2.0)
    trainer, _ = stopped(values, patience=9, goal=4.0)
    assert trainer.epoch == 4
    assert trainer.stop_reason == "val_loss is 4, as good as the goal 4"
    with pytest.raises(ArgumentError, match="start_from_epoch cannot be negative"):
        EarlyStopping(start_from_epoch=-1)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_best_epochs_are_kept(tmp_path: Path) -> None:
    def checkpoint() -> ModelCheckpoint:
        return ModelCheckpoint(
            tmp_path, keep_best=2, keep=1, last=False, filename="run-{epoch}-{val_loss:.2f}.h5"
        )

    trainer, data = problem(kind=Values, callbacks=[checkpoint()])
    trainer.values = [5.0, 3.0, 4.0, 3.0, math.nan, 1.0]
    expected = [
        ["run-1-5.00.h5"], ["run-1-5.00.h5", "run-2-3.00.h5"],
        ["run-2-3.00.h5", "run-3-4.00.h5"], ["run-2-3.00.h5", "run-4-3.00.h5"],
        ["run-2-3.00.h5", "run-4-3.00.h5", "run-5-nan.h5"], ["run-2-3.00.h5", "run-6-1.00.h5"],
    ]  # fmt: skip
    for epoch, names in enumerate(expected, start=1):
        trainer.fit(data, data, epochs=epoch, progress=False)
        assert files(tmp_path) == ["best.h5", *names]
        values, path = trainer.values, tmp_path / names[-1]
        trainer, data = problem(kind=Values, callbacks=[checkpoint()])
        trainer.values = values
        trainer.resume(path)
        assert trainer.epoch == epoch


def test_files_after_every_few_epochs(tmp_path: Path) -> None:
    trainer, data = problem(callbacks=[ModelCheckpoint(tmp_path, None, every=2, keep=9)])
    trainer.fit(data, epochs=5, progress=False)
    assert files(tmp_path) == ["epoch-0002.h5", "epoch-0004.h5", "last.h5"]


def test_names_of_files_are_checked(tmp_path: Path) -> None:
    for wrong in ("x.h5", "../{epoch}.h5", "a/{epoch}.h5", "{epoch!r}.h5", ".{epoch}", "{0}{epoch"):
        with pytest.raises(ArgumentError, match=r"plain name of a file with \{epoch\} in it"):
            ModelCheckpoint(tmp_path, filename=wrong)
    with pytest.raises(ArgumentError, match="keep_best needs monitor"):
        ModelCheckpoint(tmp_path, None, keep_best=1)
    trainer, data = problem(
        callbacks=[ModelCheckpoint(tmp_path, None, keep=1, filename="{epoch}-{val_los}.h5")]
    )
    with pytest.raises(ArgumentError, match="filename: there is no 'val_los'"):
        trainer.fit(data, data, progress=False)
    keep = ModelCheckpoint(tmp_path, keep_best=1, filename="e{epoch}.h5")
    state = keep.state_dict()
    for names in (["precious.txt"], ["../e1.h5"], ["epoch-0001.h5"]):
        for bad in (
            {**state, "kept": names},
            {**state, "kept_best": {"names": names, "values": [1.0]}},
        ):
            with pytest.raises(dl.errors.StateDictError):
                keep.load_state_dict(bad)
    with pytest.raises(dl.errors.StateDictError, match="differ in length"):
        keep.load_state_dict({**state, "kept_best": {"names": ["e1.h5"], "values": []}})


# --- what is shown -----------------------------------------------------------------------------


def test_verbose_is_progress_in_the_words_of_keras(capsys: pytest.CaptureFixture[str]) -> None:
    for verbose, lines in ((0, 0), (2, 1), ("auto", 1)):
        trainer, data = problem()
        trainer.fit(data, verbose=verbose)
        assert len(capsys.readouterr().out.splitlines()) == lines
    with pytest.raises(ArgumentError, match="pass one"):
        trainer.fit(data, more_epochs=1, progress=True, verbose=1)
    with pytest.raises(ArgumentError, match="verbose must be 0"):
        trainer.fit(data, more_epochs=1, verbose=3)


# --- a step of one's own -----------------------------------------------------------------------


class Gan(Trainer):
    """A generator of numbers, and a critic that tells them from the data."""

    measured = ("generator", "critic")

    def train_step(self, batch: Any) -> dict[str, Any]:
        (real,) = batch
        generator, critic = self.model["generator"], self.model["critic"]
        loss = nn.functional.binary_cross_entropy_with_logits
        fake = generator(dl.randn(len(real), 2))
        self.optimizer["critic"].zero_grad()
        on_real, on_fake = critic(real), critic(fake.detach())
        of_critic = loss(on_real, dl.ones_like(on_real)) + loss(on_fake, dl.zeros_like(on_fake))
        of_critic.backward()
        self.optimizer["critic"].step()
        self.optimizer["generator"].zero_grad()
        on_fake = critic(fake)
        of_generator = loss(on_fake, dl.ones_like(on_fake))
        of_generator.backward()
        self.optimizer["generator"].step()
        return {"generator": of_generator.item(), "critic": of_critic.item()}


def gan(callbacks: Any = ()) -> tuple[Trainer, DataLoader]:
    dl.manual_seed(0)
    data = 3 + 0.5 * dl.randn(40, 1)
    generator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    critic = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.1), nn.Tanh(), nn.Linear(8, 1))
    model = nn.ModuleDict({"generator": generator, "critic": critic})
    optimizers = {
        "generator": optim.Adam(generator.parameters(), lr=0.01),
        "critic": optim.SGD(critic.parameters(), lr=0.05, momentum=0.5),
    }
    schedules = {"critic": lr_scheduler.StepLR(optimizers["critic"], 3, 0.5)}
    trainer = Gan(
        model, nn.MSELoss(), optimizers, callbacks=callbacks, scheduler=schedules,
        scheduler_interval="batch",
    )  # fmt: skip
    return trainer, DataLoader(TensorDataset(data), 8, shuffle=True)


def test_a_gan_is_trained_and_resumed_after_every_batch(tmp_path: Path) -> None:
    class Save(Callback):
        def on_batch_end(self, trainer: Trainer) -> None:
            trainer.save(tmp_path / f"{trainer.step}.h5")

    whole, loader = gan([Save()])
    history = whole.fit(loader, epochs=3, progress=False)
    assert list(history) == ["generator", "critic", "lr_generator", "lr_critic", "seconds"]
    assert history["lr_critic"] == [0.025, 0.00625, 0.003125]
    assert whole.updates == whole.step == 15
    for step in range(1, 15):
        resumed, loader = gan()
        resumed.resume(tmp_path / f"{step}.h5")
        resumed.fit(loader, epochs=3, progress=False)
        assert weights(resumed) == weights(whole)
        assert resumed.history["critic"] == whole.history["critic"]
    found = whole.fit(loader, epochs=4, fast_dev_run=True, progress=False)
    assert list(found)[:2] == ["generator", "critic"]
    assert whole.step == 15


def test_a_step_that_computes_the_loss_otherwise() -> None:
    class Halved(Trainer):
        def train_step(self, batch: Any) -> dict[str, Any]:
            x, y = batch
            output = self.model(x)
            loss = 0.5 * self.loss(output, y)
            self.minimize(loss, samples=len(y))
            self.update_metrics(output, y)
            return {"loss": loss.item()}

    trainer, data = problem(kind=Halved, accumulate=3, metrics=[Accuracy()], clip_grad_norm=0.1)
    history = trainer.fit(data, data, epochs=2, batch_size=5, shuffle=False, progress=False)
    expected, data = problem(accumulate=3, metrics=[Accuracy()], clip_grad_norm=0.1)
    expected.loss = lambda output, y: 0.5 * nn.functional.cross_entropy(output, y)
    other = expected.fit(data, epochs=2, batch_size=5, shuffle=False, progress=False)
    assert weights(trainer) == weights(expected)
    for name in ("loss", "accuracy", "grad_norm"):
        assert history[name] == other[name]


def test_a_step_with_one_more_number() -> None:
    class Counting(Trainer):
        measured = ("loss", "size")

        def train_step(self, batch: Any) -> dict[str, Any]:
            return {**super().train_step(batch), "size": len(batch[1])}

    trainer, data = problem(kind=Counting, metrics=[Accuracy()])
    history = trainer.fit(data, batch_size=20, progress=False)
    assert history["size"] == [(20 * 20 + 2 * 2) / 22]
    expected, data = problem(metrics=[Accuracy()])
    expected.fit(data, batch_size=20, progress=False)
    assert history["accuracy"] == expected.history["accuracy"]


def test_steps_of_ones_own_that_are_refused() -> None:
    trainer, data = problem()
    both = {"a": trainer.optimizer, "b": trainer.optimizer}
    with pytest.raises(ArgumentError, match="2 optimizers need a subclass whose train_step"):
        Trainer(trainer.model, trainer.loss, both)
    with pytest.raises(ArgumentError, match="are for your train_step to do"):
        Gan(trainer.model, trainer.loss, both, accumulate=2)
    with pytest.raises(TypeError, match="a dict of Optimizer objects by name; got 'a': int"):
        Gan(trainer.model, trainer.loss, {"a": 1})  # type: ignore[dict-item] # wrong on purpose
    with pytest.raises(ArgumentError, match="pass a dict of schedules by the names"):
        Gan(trainer.model, trainer.loss, both, scheduler="cosine")
    with pytest.raises(ArgumentError, match="'a' is of none of the optimizers"):
        Gan(trainer.model, trainer.loss, {"b": trainer.optimizer}, scheduler={"a": None})

    class Own(Trainer):
        result: Any = None

        def train_step(self, batch: Any) -> Any:
            return self.result

    trainer, data = problem(kind=Own)
    with pytest.raises(ArgumentError, match=r"must return a dict of .* loss; got NoneType"):
        trainer.fit(data, progress=False)
    Own.result = {"loss": math.nan}
    with pytest.raises(training.NonFiniteLossError, match="loss is nan at step 1"):
        trainer.fit(data, progress=False)
    Own.result = {"loss": 1.0}
    trainer, data = problem(kind=Own, accumulate=2)
    with pytest.raises(ArgumentError, match="accumulate acts in minimize"):
        trainer.fit(data, progress=False)


@pytest.mark.parametrize("rate", ["a", None, -1.0, math.inf, math.nan], ids=repr)
def test_a_function_that_gives_no_rate(rate: Any) -> None:
    trainer, data = problem(callbacks=[training.LearningRateScheduler(lambda e, r: rate)])
    with pytest.raises(ArgumentError, match=r"rate of epoch 0 is .*; it must be a finite number"):
        trainer.fit(data, epochs=1, progress=False)
