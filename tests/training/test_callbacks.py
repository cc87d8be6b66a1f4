"""Checkpoints, early stopping, logs and the progress bar."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim, training
from dlframe.errors import ArgumentError
from dlframe.training import (
    Callback,
    CSVLogger,
    EarlyStopping,
    JSONLogger,
    LambdaCallback,
    ModelCheckpoint,
    ProgressBar,
    StepLog,
    Trainer,
    read_history,
)
from dlframe.training.callbacks.callback import keyed, ordered
from dlframe.training.callbacks.progress import text_of
from dlframe.viz import Tracker


class Scripted(Trainer):
    """Validation gives the values that a test wants; training moves the weights."""

    def __init__(self, values: Sequence[float], callbacks: Sequence[Callback] = ()) -> None:
        dl.manual_seed(0)
        model = nn.Linear(2, 1)
        super().__init__(
            model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.01), callbacks=callbacks
        )
        self.values = values
        self.data = (dl.randn(6, 2), dl.randn(6, 1))
        self.weights: list[list[float]] = []

    def _measure(self, loader: Any, keep_going: Any) -> dict[str, Any]:
        self.weights.append(self.model.weight.tolist())
        return {"loss": self.values[self.epoch]}

    def run(self, epochs: int | None = None) -> Scripted:
        self.fit(
            self.data, self.data, epochs=epochs or len(self.values), batch_size=3, progress=False
        )
        return self


# --- early stopping ----------------------------------------------------------------------------


def test_early_stopping_restores_the_best_epoch() -> None:
    stopping = EarlyStopping(patience=2)
    trainer = Scripted([5, 3, 4, 3, 1, 1], [stopping]).run()
    assert trainer.epoch == 4
    assert trainer.stop_reason == "val_loss has not improved for 2 epochs (best: 3 in epoch 2)"
    assert trainer.model.weight.tolist() == trainer.weights[1] != trainer.weights[3]


def test_early_stopping_reports_the_best_epoch_to_history_and_trackers() -> None:
    nan = float("nan")
    tracker = Tracker()
    track = LambdaCallback(on_epoch_end=lambda t: tracker.log(t.epoch, **t.logs))
    # two that watch one quantity report the same
    stopping = [EarlyStopping(patience=2), EarlyStopping(patience=9, min_delta=0.1)]
    trainer = Scripted([nan, 5.0, 3.0, 4.0, 3.5, 1.0], [*stopping, track]).run()
    for seen in (trainer.history, tracker.history):
        assert seen["best_val_loss_epoch"] == [0, 2, 3, 3, 3]
        np.testing.assert_array_equal(seen["best_val_loss"], [nan, 5, 3, 3, 3])
    assert trainer.history.best("val_loss") == (3, 3)
    assert {"best_val_loss", "best_val_loss_epoch"} <= set(trainer.quantities)
    assert "best_val_loss 3.0000" in text_of(trainer.logs)


def test_what_a_callback_reports_is_recorded_before_others_see_the_epoch() -> None:
    class Norm(Callback):
        reported = ("norm",)

        def report(self, trainer: Trainer) -> dict[str, Any]:
            return {"norm": trainer.model.weight.norm().item() + 0 * trainer.logs["val_loss"]}

    seen: list[Any] = []
    look = LambdaCallback(on_epoch_end=lambda t: seen.append((t.logs["norm"], t.history["norm"])))
    trainer = Scripted([3, 2], [look, Norm()])
    trainer.run()
    assert [logs for logs, _ in seen] == trainer.history["norm"]
    assert list(trainer.history)[-1] == "seconds"

    class Loss(Norm):
        reported = ("loss",)

    with pytest.raises(ArgumentError, match="reports loss, which is measured as well"):
        Scripted([1], [Loss()]).run()


def test_early_stopping_may_leave_the_last_weights() -> None:
    trainer = Scripted([5, 3, 4, 3, 1], [EarlyStopping(patience=2, restore_best=False)]).run()
    assert trainer.model.weight.tolist() == trainer.weights[3]


def test_min_delta_and_mode() -> None:
    assert Scripted([5, 4.95, 4.9, 1], [EarlyStopping(patience=2, min_delta=0.2)]).run().epoch == 3
    assert Scripted([1, 2, 3, 4], [EarlyStopping(patience=1, mode="max")]).run().epoch == 4
    nan = math.nan
    assert Scripted([nan, nan, nan, 1], [EarlyStopping(patience=3)]).run().epoch == 3


def test_more_patience_continues_a_stopped_run() -> None:
    short = Scripted([5, 6, 7, 1, 2], [EarlyStopping(patience=2, restore_best=False)]).run()
    state = short.state_dict()
    again = Scripted([5, 6, 7, 1, 2], [EarlyStopping(patience=2, restore_best=False)])
    again.load_state_dict(state)
    assert again.run().epoch == 3  # its patience is over still
    longer = Scripted([5, 6, 7, 1, 2], [EarlyStopping(patience=3, restore_best=False)])
    longer.load_state_dict(state)
    assert longer.run().epoch == 5


def test_names_are_checked_before_training() -> None:
    for make in (EarlyStopping, lambda name: ModelCheckpoint("unused", name)):
        with pytest.raises(ArgumentError, match="Did you mean 'val_loss'"):
            Scripted([1], [make("val_los")]).run()
        with pytest.raises(ArgumentError, match=r"Known: loss, val_loss, lr, seconds$"):
            Scripted([1], [make("val_accuracy")]).run()
        trainer = Scripted([1], [make("val_loss")])
        with pytest.raises(ArgumentError, match="'val_loss' needs validation data"):
            trainer.fit(trainer.data, progress=False)
        assert trainer.step == 0
    with pytest.raises(ArgumentError, match="does not tell"):
        Scripted([1], [EarlyStopping("lr")]).run()
    with pytest.raises(ArgumentError, match='"min" or "max"; got \'low\''):
        EarlyStopping(mode="low")
    with pytest.raises(ArgumentError, match="patience"):
        EarlyStopping(patience=0)
    with pytest.raises(ArgumentError, match="min_delta"):
        EarlyStopping(min_delta=-1)


# --- checkpoints -------------------------------------------------------------------------------


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def weights_in(path: Path) -> Any:
    model = nn.Linear(2, 1)
    dl.utils.load_checkpoint(path, model=model)
    return model.weight.tolist()


def test_best_and_last(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path)
    trainer = Scripted([5, 3, 4, 6], [checkpoint, EarlyStopping(patience=9)]).run()
    assert files(tmp_path) == ["best.h5", "last.h5"]
    assert (checkpoint.best, checkpoint.best_epoch) == (3, 2)
    assert weights_in(checkpoint.best_path) == trainer.weights[1]
    # and not the best ones, which EarlyStopping put back
    assert weights_in(checkpoint.last_path) == trainer.weights[3]
    assert trainer.model.weight.tolist() == trainer.weights[1]


def test_the_last_is_saved_at_the_end_whatever_every_says(tmp_path: Path) -> None:
    ends = Scripted([5, 4, 3], [ModelCheckpoint(tmp_path / "a", None, every=2)]).run()
    assert files(tmp_path / "a") == ["last.h5"]
    assert weights_in(tmp_path / "a" / "last.h5") == ends.weights[2]
    callbacks = [ModelCheckpoint(tmp_path / "b", None, every=9), EarlyStopping(patience=1)]
    stopped = Scripted([5, 6, 3], callbacks).run()
    assert weights_in(tmp_path / "b" / "last.h5") == stopped.weights[1]


def test_the_last_few_epochs_are_kept(tmp_path: Path) -> None:
    Scripted([5, 4, 3, 2], [ModelCheckpoint(tmp_path, keep=2)]).run(3)
    assert files(tmp_path) == ["best.h5", "epoch-0002.h5", "epoch-0003.h5", "last.h5"]
    resumed = Scripted([5, 4, 3, 2], [ModelCheckpoint(tmp_path, keep=2)])
    resumed.resume(tmp_path / "last.h5")
    resumed.run()
    assert files(tmp_path) == ["best.h5", "epoch-0003.h5", "epoch-0004.h5", "last.h5"]


def test_a_resumed_run_knows_what_was_best(tmp_path: Path) -> None:
    Scripted([5, 1, 3, 2], [ModelCheckpoint(tmp_path)]).run(2)
    before = (tmp_path / "best.h5").read_bytes()
    resumed = Scripted([5, 1, 3, 2], [ModelCheckpoint(tmp_path)])
    resumed.resume(tmp_path / "last.h5")
    resumed.run()
    assert (tmp_path / "best.h5").read_bytes() == before


def test_saving_between_epochs(tmp_path: Path) -> None:
    class Crash(Callback):
        def on_batch_begin(self, trainer: Trainer) -> None:
            if trainer.step == 3:
                raise MemoryError

    trainer = Scripted([5, 4], [ModelCheckpoint(tmp_path, every_steps=3), Crash()])
    with pytest.raises(MemoryError):
        trainer.run()
    resumed = Scripted([5, 4], [ModelCheckpoint(tmp_path, every_steps=3)])
    resumed.resume(tmp_path / "last.h5")
    assert (resumed.epoch, resumed.batch, resumed.step) == (1, 1, 3)
    whole = Scripted([5, 4]).run()
    assert resumed.run().model.weight.tolist() == whole.model.weight.tolist()


def test_options_of_checkpoints() -> None:
    for options in ({"every": 0}, {"every_steps": 0}, {"keep": -1}):
        with pytest.raises(ArgumentError, match="must be 1 or more, keep 0 or more"):
            ModelCheckpoint("unused", **options)


def test_what_saves_runs_last() -> None:
    checkpoint, stopping = ModelCheckpoint("unused"), EarlyStopping()
    assert ordered([checkpoint, stopping]) == [stopping, checkpoint]
    first, second = EarlyStopping(), EarlyStopping()
    assert keyed([first, checkpoint, second]) == {
        "EarlyStopping": first,
        "ModelCheckpoint": checkpoint,
        "EarlyStopping.1": second,
    }


# --- logs --------------------------------------------------------------------------------------


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "metrics.jsonl"
    path.parent.mkdir()
    path.write_text("of another run\n")
    Scripted([5, math.nan], [JSONLogger(path)]).run()
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [record["epoch"] for record in records] == [1, 2]
    assert [record["val_loss"] for record in records] == [5, None]
    assert list(records[0]) == ["epoch", "loss", "val_loss", "lr", "seconds"]


@pytest.mark.parametrize("logger", [JSONLogger, CSVLogger])
def test_lines_after_the_point_of_resumption_go(tmp_path: Path, logger: Any) -> None:
    trainer = Scripted([5, 4, 3], [logger(tmp_path / "log")]).run(2)
    state = trainer.state_dict()
    trainer.run()
    resumed = Scripted([5, 4, 7], [logger(tmp_path / "log")])
    resumed.load_state_dict(state)
    resumed.run()
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 3 + (logger is CSVLogger)
    assert "7" in lines[-1]


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    trainer = Scripted([5, math.nan], [CSVLogger(path)]).run()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["val_loss"] for row in rows] == ["5", ""]
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[0]["loss"]) == trainer.history["loss"][0]


def test_csv_gets_new_columns(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    trainer = Scripted([5, 4], [CSVLogger(path)])
    trainer.fit(trainer.data, epochs=1, progress=False)
    trainer.run()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["val_loss"] for row in rows] == ["", "4"]


def test_what_callbacks_report_is_in_files_of_every_kind(tmp_path: Path) -> None:
    class Reports(Callback):
        reported = ("number", "infinite", "several")

        def report(self, trainer: Trainer) -> dict[str, Any]:
            return {
                "number": np.float32(1.5),
                "infinite": dl.tensor(math.inf),
                "several": np.array([0.5, math.nan]),
            }

    paths = [tmp_path / name for name in ("metrics.jsonl", "metrics.csv", "history.json")]
    trainer = Scripted([5, 4], [Reports(), JSONLogger(paths[0]), CSVLogger(paths[1])]).run()
    trainer.history.save(paths[2])
    assert trainer.history["number"] == [1.5, 1.5]
    assert trainer.history["infinite"] == [math.inf, math.inf]
    record = json.loads(paths[0].read_text().splitlines()[0], parse_constant=pytest.fail)
    assert (record["number"], record["infinite"]) == (1.5, None)
    assert record["several"] == [0.5, None]
    for path in paths:
        assert read_history(path)["number"] == [1.5, 1.5]
        np.testing.assert_equal(read_history(path)["several"][1], [0.5, math.nan])


def test_steps_of_a_training_that_begins_anew_replace_the_old_ones() -> None:
    log = StepLog(every=3)
    for _ in range(2):
        trainer = Scripted([5, 4, 3], [log]).run(2)
        assert log.steps == [3]
    assert len(log._waiting) == 1
    trainer.run()
    assert log.steps == [3, 6]


def test_losses_and_rates_inside_epochs() -> None:
    each, pairs = StepLog(), StepLog(every=2)
    trainer = Scripted([5, 4], [each, pairs])
    trainer.scheduler = optim.lr_scheduler.StepLR(trainer.optimizer, 1, gamma=0.5)
    trainer.scheduler_interval = "batch"
    trainer.run()
    assert each.steps == [1, 2, 3, 4]
    assert each.rates == [0.01, 0.005, 0.0025, 0.00125]
    # both batches are of one size here
    assert pairs.losses == pytest.approx(trainer.history["loss"])
    assert (pairs.steps, pairs.rates) == ([2, 4], [0.005, 0.00125])
    with pytest.raises(ArgumentError, match="1 or more; got 0"):
        StepLog(every=0)


def test_lambda_callbacks() -> None:
    seen = []
    Scripted([5, 4], [LambdaCallback(on_epoch_end=lambda t: seen.append(t.epoch))]).run()
    assert seen == [1, 2]
    with pytest.raises(TypeError, match="no moment 'on_epoch'"):
        LambdaCallback(on_epoch=print)


# --- progress ----------------------------------------------------------------------------------


def test_lines_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = Scripted([5, 4])
    trainer.fit(trainer.data, trainer.data, epochs=2)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("epoch 1/2  loss ")
    assert "lr 0.01" in lines[0]
    assert err == ""


def test_a_bar_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = Scripted([5])
    trainer.fit(trainer.data, trainer.data, epochs=1, batch_size=3, progress=True)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "epoch 1/1" in err
    assert "0/2" in err


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    Scripted([5]).run()
    assert capsys.readouterr() == ("", "")


def test_a_progress_bar_of_ones_own_is_the_only_one(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = Scripted([5], [ProgressBar(bar=False)])
    trainer.fit(trainer.data, trainer.data, epochs=1)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_numbers_in_a_line() -> None:
    logs = {"loss": np.float64(0.5), "confusion": [[1]], "lr_1": 1e-5, "seconds": 61.0}
    assert text_of(logs) == "loss 0.5000  lr_1 1e-05  61.0 s"


@pytest.mark.parametrize(
    "make",
    [
        lambda path: training.ModelCheckpoint(path, monitor=None),
        lambda path: training.LayerLog(path=path / "layers.json"),
        lambda path: training.JSONLogger(path / "run.jsonl"),
        lambda path: training.CSVLogger(path / "run.csv"),
    ],
    ids=["ModelCheckpoint", "LayerLog", "JSONLogger", "CSVLogger"],
)
def test_a_file_that_cannot_be_written_is_said_before_the_first_batch(
    make: Any, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    batches = []
    counting = training.LambdaCallback(on_batch_begin=lambda trainer: batches.append(1))
    model = nn.Linear(2, 1)
    trainer = dl.Trainer(
        model, "mse", ("sgd", {"lr": 0.1}), callbacks=[counting, make(blocked / "runs")]
    )
    with pytest.raises(OSError, match="a file"):
        trainer.fit((dl.ones(4, 2), dl.ones(4, 1)), epochs=1, progress=False)
    assert batches == []
