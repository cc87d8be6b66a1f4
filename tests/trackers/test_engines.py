"""Trainings written into MLflow, Weights & Biases and Aim themselves, offline: `make trackers`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import time

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.training import (
    AimLogger,
    Callback,
    MLflowLogger,
    ModelCheckpoint,
    Trainer,
    WandbLogger,
)

mlflow = pytest.importorskip("mlflow")
wandb = pytest.importorskip("wandb")
aim = pytest.importorskip("aim")

pytestmark = pytest.mark.filterwarnings("default")  # theirs


def trained(logger, folder, epochs=2, *, resume=None, others=(), **options):
    dl.manual_seed(0)
    model = nn.Linear(3, 2)
    adam = optim.Adam(model.parameters(), lr=0.01)
    callbacks = [logger, ModelCheckpoint(folder / "checkpoints"), *others]
    trainer = Trainer(
        model, "cross_entropy", adam, ["accuracy"], callbacks, extra={"config": {"data": "toy"}}
    )
    if resume is not None:
        trainer.resume(resume)
    data = (dl.randn(12, 3), dl.arange(12) % 2)
    trainer.fit(data, data, epochs=epochs, batch_size=4, progress=False, **options)
    return trainer


class Failing(Callback):
    def on_epoch_end(self, trainer):
        if trainer.epoch == 2:
            raise RuntimeError("the roof fell in")


class Stopping(Callback):
    """Ctrl-C after an epoch."""

    def on_epoch_end(self, trainer):
        os.kill(os.getpid(), signal.SIGINT)


SETTINGS = {"lr_schedule": None, "net": {"layers": 1, "bias": True}, "note": "mine"}


# --- MLflow ------------------------------------------------------------------------------------


@pytest.fixture
def uri(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where it keeps artifacts
    return f"sqlite:///{tmp_path}/mlflow.db"


def series(client, run, name):
    return [(one.step, one.value) for one in client.get_metric_history(run, name)]


def test_mlflow_has_settings_numbers_and_files(tmp_path, uri):
    logger = MLflowLogger(
        "digits", "first", tracking_uri=uri, config=SETTINGS, update_freq=2, artifacts=True,
        tags={"team": "a"},
    )  # fmt: skip
    trainer = trained(logger, tmp_path, validate_every_batches=2)
    client = mlflow.MlflowClient(uri)
    run = client.get_run(logger.run)
    assert (run.info.status, run.info.run_name, run.data.tags["team"]) == ("FINISHED", "first", "a")
    assert client.get_experiment(run.info.experiment_id).name == "digits"
    params = run.data.params
    assert params.items() >= {
        "model": "Linear", "parameters": "8", "optimizer.name": "Adam", "optimizer.lr": "0.01",
        "data": "toy", "net.layers": "1", "net.bias": "True", "note": "mine", "batch_size": "4",
    }.items()  # fmt: skip
    assert "lr_schedule" not in params
    for name in trainer.history:
        wanted = list(enumerate(trainer.history[name], start=1))
        assert series(client, logger.run, name) == wanted
    assert [step for step, _ in series(client, logger.run, "batch/loss")] == [2, 4, 6]
    assert [step for step, _ in series(client, logger.run, "batch/val_loss")] == [2, 5]
    assert {one.path for one in client.list_artifacts(logger.run)} == {"best.h5", "history.png"}


def test_mlflow_goes_on_with_its_run(tmp_path, uri):
    first = MLflowLogger(tracking_uri=uri)
    trained(first, tmp_path, 1)
    second = MLflowLogger(tracking_uri=uri)
    trainer = trained(second, tmp_path, 3, resume=tmp_path / "checkpoints/last.h5")
    assert second.run == first.run
    client = mlflow.MlflowClient(uri)
    found = series(client, first.run, "loss")
    assert found == list(enumerate(trainer.history["loss"], start=1))
    assert client.get_run(first.run).data.params["epochs"] == "1"  # as it was first
    data = (dl.randn(4, 3), dl.arange(4) % 2)
    trainer.fit(data, data, epochs=4, progress=False)
    assert len(series(client, first.run, "loss")) == 4
    new = trained(second, tmp_path / "new", 1)
    assert second.run != first.run
    assert new.epoch == 1


def test_mlflow_knows_how_a_run_ended(tmp_path, uri):
    logger = MLflowLogger(tracking_uri=uri)
    with pytest.raises(RuntimeError, match="the roof fell in"):
        trained(logger, tmp_path, 3, others=[Failing()])
    run = mlflow.MlflowClient(uri).get_run(logger.run)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"] == "RuntimeError: the roof fell in"
    trained(logger, tmp_path, 3, others=[Stopping()])
    assert mlflow.MlflowClient(uri).get_run(logger.run).info.status == "KILLED"


def test_mlflow_leaves_an_active_run_open(tmp_path, uri):
    mlflow.set_tracking_uri(uri)
    with mlflow.start_run() as active:
        logger = MLflowLogger()
        trained(logger, tmp_path)
        assert logger.run == active.info.run_id
        assert mlflow.active_run() is not None
        assert mlflow.get_run(logger.run).info.status == "RUNNING"
        mlflow.log_metric("mine", 1.0)
    assert mlflow.get_run(logger.run).data.metrics.keys() >= {"mine", "val_loss"}


def test_mlflow_takes_nan_and_many_settings(tmp_path, uri):
    logger = MLflowLogger(tracking_uri=uri, config={f"p{i}": i for i in range(230)})
    trained(logger, tmp_path, 2, validate_every=2)
    logger.log_numbers({"odd name: é": np.nan}, 1)
    run = mlflow.MlflowClient(uri).get_run(logger.run)
    assert run.data.params["p229"] == "229"
    assert np.isnan(run.data.metrics["odd name_ é"])


# --- Weights & Biases --------------------------------------------------------------------------


def records(folder):
    """What an offline run has written, once its process for that has come to the run's end."""
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    found = []
    until = time.monotonic() + 60
    while not any(one.WhichOneof("record_type") == "exit" for one in found):
        assert time.monotonic() < until, "the run has no end"
        found = parsed(file.read_bytes())
        time.sleep(0.05)
    return found


def parsed(content):
    """The whole records of a file that has the form of LevelDB's logs."""
    from wandb.proto.wandb_internal_pb2 import Record

    place, parts, found = 7, b"", []
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = struct.unpack("<xxxxHB", content[place : place + 7])
        part = content[place + 7 : place + 7 + length]
        if len(part) < length:
            break
        parts += part
        place += 7 + length
        if kind in (1, 4):  # a whole one, or the last part
            found.append(Record.FromString(parts))
            parts = b""
    return found


def rows(folder):
    return [
        {"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in one.history.item}
        for one in records(folder)
        if one.WhichOneof("record_type") == "history"
    ]


@pytest.fixture
def quiet(monkeypatch, tmp_path):
    for name in ("WANDB_SILENT", "WANDB_DISABLE_GIT"):
        monkeypatch.setenv(name, "true")
    for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


def test_wandb_has_settings_and_numbers(tmp_path, quiet):
    logger = WandbLogger(
        "digits", "first", mode="offline", dir=tmp_path, config=SETTINGS, update_freq="batch",
        artifacts=True, tags=["quick"],
    )  # fmt: skip
    trainer = trained(logger, tmp_path)
    found = rows(tmp_path)
    epochs = [row for row in found if "val_loss" in row]
    assert [row["epoch"] for row in epochs] == [1, 2]
    for name in trainer.history:
        assert [row[name] for row in epochs] == trainer.history[name]
    steps = [row["batch/step"] for row in found if "batch/loss" in row]
    assert steps == [1, 2, 3, 4, 5, 6]
    everything = records(tmp_path)
    (run,) = [one.run for one in everything if one.WhichOneof("record_type") == "run"]
    assert (run.project, run.display_name, list(run.tags)) == ("digits", "first", ["quick"])
    settings = {
        item.key: json.loads(item.value_json)
        for one in everything
        for item in (one.config.update if one.WhichOneof("record_type") == "config" else ())
    }
    assert settings.items() >= {
        "optimizer.lr": 0.01, "data": "toy", "net.layers": 1, "net.bias": True, "note": "mine",
    }.items()  # fmt: skip
    kinds = {one.WhichOneof("record_type") for one in everything}
    assert "metric" in kinds
    (ended,) = [one.exit.exit_code for one in everything if one.WhichOneof("record_type") == "exit"]
    assert ended == 0
    assert any(key.startswith("history") for row in found for key in row)
    assert logger.active is None
    assert wandb.run is None


@pytest.mark.parametrize(("other", "code"), [(Failing, 1), (Stopping, 130)])
def test_wandb_knows_how_a_run_ended(tmp_path, quiet, other, code):
    logger = WandbLogger(mode="offline", dir=tmp_path)
    with contextlib.suppress(RuntimeError):
        trained(logger, tmp_path, 3, others=[other()])
    ends = [one for one in records(tmp_path) if one.WhichOneof("record_type") == "exit"]
    assert [one.exit.exit_code for one in ends] == [code]


def test_wandb_goes_on_with_its_run_and_leaves_an_active_one_open(tmp_path, quiet):
    first, second = (WandbLogger(mode="offline", dir=tmp_path / part) for part in "ab")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    trained(first, tmp_path, 1)
    trained(second, tmp_path, 2, resume=tmp_path / "checkpoints/last.h5")
    assert second.run == first.run
    assert [row["epoch"] for row in rows(tmp_path / "b") if "val_loss" in row] == [2]
    (tmp_path / "c").mkdir()
    with wandb.init(mode="offline", dir=tmp_path / "c", project="mine") as active:
        third = WandbLogger()
        trained(third, tmp_path / "third", 1)
        assert third.run == active.id
        assert wandb.run is active
        active.log({"mine": 1})
    assert [row["mine"] for row in rows(tmp_path / "c") if "mine" in row] == [1]


# --- Aim ---------------------------------------------------------------------------------------


def aim_run(repo, run):
    """A run and its curves; opened to be written to, since Aim's view to be read lags behind."""
    time.sleep(0.6)  # for half a second Aim remembers which runs there were
    found = aim.Run(run, repo=str(repo), system_tracking_interval=None, capture_terminal_logs=False)
    columns = {one.name: one.data.view("val").items_list() for one in found.metrics()}
    return found, {name: (list(steps), list(*values)) for name, (steps, values) in columns.items()}


def test_aim_has_settings_numbers_and_files(tmp_path):
    logger = AimLogger(tmp_path, "digits", "first", config=SETTINGS, update_freq=3, artifacts=True)
    trainer = trained(logger, tmp_path)
    run, curves = aim_run(tmp_path, logger.run)
    assert (run.experiment, run.name, run["status"]) == ("digits", "first", "finished")
    assert run["hparams"].items() >= {
        "optimizer.lr": 0.01, "data": "toy", "net.layers": 1, "net.bias": True, "note": "mine",
    }.items()  # fmt: skip
    for name in trainer.history:
        steps, values = curves[name]
        assert steps == [1, 2]
        np.testing.assert_allclose(values, trainer.history[name])
    assert curves["batch/loss"][0] == [3, 6]
    kept = list((tmp_path / "artifacts").rglob("best.h5"))
    assert len(kept) == 1
    assert kept[0].read_bytes() == (tmp_path / "checkpoints/best.h5").read_bytes()
    pictures = run.collect_sequence_info(("images",))["images"]
    assert [one["name"] for one in pictures] == ["history"]
    run.close()


def test_aim_goes_on_with_its_run_and_knows_how_it_ended(tmp_path):
    first, second = AimLogger(tmp_path), AimLogger(tmp_path)
    trained(first, tmp_path, 1)
    trainer = trained(second, tmp_path, 3, resume=tmp_path / "checkpoints/last.h5")
    assert second.run == first.run
    steps, values = aim_run(tmp_path, first.run)[1]["loss"]
    assert steps == [1, 2, 3]
    np.testing.assert_allclose(values, trainer.history["loss"])
    logger = AimLogger(tmp_path)
    with pytest.raises(RuntimeError, match="the roof fell in"):
        trained(logger, tmp_path / "failing", 3, others=[Failing()])
    run = aim_run(tmp_path, logger.run)[0]
    assert (run["status"], run["error"]) == ("failed", "RuntimeError: the roof fell in")
    trained(logger, tmp_path / "stopped", 3, others=[Stopping()])
    assert aim_run(tmp_path, logger.run)[0]["status"] == "interrupted"
