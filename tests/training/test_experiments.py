"""What callbacks for trackers write: the base of all, and TensorBoard's."""

from __future__ import annotations

import copy
import os
import signal

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util

import dlframe as dl
from dlframe import Trainer, data, nn, optim
from dlframe.errors import ArgumentError, StateDictError
from dlframe.training import (
    Callback,
    ExperimentLogger,
    LambdaCallback,
    ModelCheckpoint,
    TensorBoard,
    TerminateOnNaN,
)
from dlframe.training.callbacks.experiments import settings
from dlframe.training.callbacks.tensorboard import _labels_and_scores as labels_and_scores


class Notes(ExperimentLogger):
    """A tracker that is a list."""

    def __init__(self, runs=None, **options):
        super().__init__(**options)
        self.runs = {} if runs is None else runs
        self.files = []

    def begin(self, trainer, run):
        run = run or f"run{len(self.runs)}"
        self.notes = self.runs.setdefault(run, [])
        return run

    def log_config(self, config):
        self.notes.append(("config", config))

    def log_numbers(self, numbers, step):
        self.notes.append((step, numbers))

    def log_figure(self, name, figure, step):
        self.files.append(name)

    def log_file(self, path):
        self.files.append(path.name)

    def end(self, status, error):
        self.notes.append((status, error))

    def numbers(self, run="run0"):
        return [note for note in self.runs[run] if isinstance(note[0], int)]


def made(*callbacks, classes=2, **options):
    dl.manual_seed(0)
    model = nn.Linear(3, classes)
    adam = optim.Adam(model.parameters(), lr=0.01)
    return Trainer(model, "cross_entropy", adam, ["accuracy"], callbacks, **options)


def fitted(trainer, epochs=2, **options):
    pair = (dl.randn(12, 3), dl.arange(12) % 2)
    trainer.fit(pair, pair, epochs=epochs, batch_size=4, progress=False, **options)
    return trainer


class Failing(Callback):
    def on_epoch_end(self, trainer):
        if trainer.epoch == 2:
            raise RuntimeError("the roof fell in")


class Stopping(Callback):
    def on_batch_end(self, trainer):
        if trainer.step == 4:
            os.kill(os.getpid(), signal.SIGINT)


# --- the base ----------------------------------------------------------------------------------


def test_epochs_have_the_names_of_the_history():
    notes = Notes()
    trainer = fitted(made(notes))
    assert [step for step, _ in notes.numbers()] == [1, 2]
    for i, (_, numbers) in enumerate(notes.numbers()):
        assert numbers == {name: column[i] for name, column in trainer.history.items()}
    assert notes.runs["run0"][-1] == ("finished", None)


@pytest.mark.parametrize(
    ("update_freq", "steps"), [("batch", [1, 2, 3, 4, 5, 6]), (1, [1, 2, 3, 4, 5, 6]), (4, [4])]
)
def test_batches_have_their_mean_loss(update_freq, steps):
    notes, losses = Notes(update_freq=update_freq), []
    see = LambdaCallback(on_batch_end=lambda t: losses.append(t.batch_loss))
    fitted(made(see, notes))
    inside = [(step, n) for step, n in notes.numbers() if "batch/loss" in n]
    assert [step for step, _ in inside] == steps
    each = len(losses) // max(len(steps), 1) if update_freq != 4 else 4
    for (step, numbers), at in zip(inside, steps, strict=True):
        assert step == at
        assert numbers["batch/loss"] == pytest.approx(np.mean(losses[at - each : at]))
        assert numbers["batch/lr"] == 0.01


def test_validations_inside_of_epochs_are_written():
    notes = Notes()
    trainer = fitted(made(notes), validate_every_batches=2)
    inside = [(step, n) for step, n in notes.numbers() if "batch/val_loss" in n]
    assert [step for step, _ in inside] == [one["step"] for one in trainer.history.validations]
    assert [n["batch/val_loss"] for _, n in inside] == [
        one["val_loss"] for one in trainer.history.validations
    ]


def test_settings_are_those_of_the_parts_and_ones_own():
    trainer = made(extra={"config": {"data": "toy", "model": "mine"}})
    fitted(trainer)
    more = {
        "net": {"layers": [3, 2], "rate": np.float32(0.5), "none": None},
        "t": dl.tensor(2),
        "f": np.tanh,
        "big": np.zeros(3),
    }
    found = settings(trainer, more)
    assert found["model"] == "mine"
    assert found["data"] == "toy"
    assert found["optimizer.name"] == "Adam"
    assert (found["optimizer.lr"], found["optimizer.betas"]) == (0.01, "0.9, 0.999")
    assert (found["epochs"], found["batch_size"], found["parameters"]) == (2, 4, 8)
    assert (found["net.layers"], found["net.rate"], found["t"]) == ("3, 2", 0.5, 2)
    assert found["f"] == "tanh"
    assert isinstance(found["big"], str)
    assert "net.none" not in found
    assert all(type(value) in (bool, int, float, str) for value in found.values())


def test_it_knows_how_a_run_ended():
    notes = Notes()
    with pytest.raises(RuntimeError):
        fitted(made(notes, Failing()), 3)
    status, error = notes.runs["run0"][-1]
    assert status == "failed"
    assert str(error) == "the roof fell in"
    fitted(made(notes, Stopping()), 3)
    assert notes.runs["run1"][-1] == ("interrupted", None)


def test_an_error_of_the_end_does_not_hide_what_ended_the_training():
    class Broken(Notes):
        def end(self, status, error):
            raise OSError("the server is gone")

    with pytest.raises(RuntimeError, match="the roof fell in") as caught:
        fitted(made(Broken(), Failing()), 3)
    assert caught.value.__notes__ == ["Broken: the run was not ended: OSError: the server is gone"]
    with pytest.raises(OSError, match="the server is gone"):
        fitted(made(Broken()))


def test_a_training_that_goes_on_goes_on_with_its_run(tmp_path):
    runs = {}
    first, save = Notes(runs, update_freq=5), ModelCheckpoint(tmp_path, None)
    trainer = fitted(made(first, save), 1)
    fitted(trainer, 2)
    assert list(runs) == ["run0"]
    second = Notes(runs, update_freq=5)
    later = made(second, ModelCheckpoint(tmp_path, None))
    later.resume(tmp_path / "last.h5")
    fitted(later, 3)
    assert list(runs) == ["run0"]
    assert [step for step, n in first.numbers() if "loss" in n] == [1, 2, 3]
    assert [step for step, n in first.numbers() if "batch/loss" in n] == [5]  # 6 were in the file
    fitted(made(second), 1)
    assert list(runs) == ["run0", "run1"]


def test_artifacts_are_the_best_checkpoint_and_the_history(tmp_path):
    notes = Notes(artifacts=True)
    fitted(made(notes, ModelCheckpoint(tmp_path / "a"), ModelCheckpoint(tmp_path / "b", None)))
    assert notes.files == ["best.h5", "history"]


def test_a_trial_writes_nothing(tmp_path):
    notes = Notes()
    fitted(made(notes, TensorBoard(tmp_path / "board")), fast_dev_run=True)
    assert notes.runs == {}
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize("update_freq", [0, -1, "step", 1.5, None])
def test_a_frequency_that_is_none_is_refused(update_freq):
    with pytest.raises(ArgumentError, match='Notes: update_freq is "epoch", "batch" or a number'):
        Notes(update_freq=update_freq)


def test_settings_that_are_no_dict_are_refused():
    with pytest.raises(TypeError, match="Notes: config must be a dict; got list"):
        Notes(config=["lr"])


@pytest.mark.parametrize("run", ["../up", "a/b", "", ".", "..", "-x", "a\n", 3, "x" * 300])
def test_a_state_cannot_name_another_place(run):
    board = TensorBoard()
    with pytest.raises(StateDictError, match=r"TensorBoard\.load_state_dict"):
        board.load_state_dict({"run": run, "losses": []})
    assert board.run is None


# --- TensorBoard -------------------------------------------------------------------------------


def read(folder):
    sizes = {"scalars": 0, "images": 0, "tensors": 0, "histograms": 0}
    return EventAccumulator(str(folder), sizes).Reload()


def numbers(folder, tag):
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


def test_tensorboard_has_the_history(tmp_path):
    trainer = fitted(made(TensorBoard(tmp_path, update_freq=2)), 3)
    for name, column in trainer.history.items():
        steps, values = zip(*numbers(tmp_path, name), strict=True)
        assert steps == (1, 2, 3)
        np.testing.assert_allclose(values, column, rtol=1e-6)
    assert [step for step, _ in numbers(tmp_path / "batch", "batch/loss")] == [2, 4, 6, 8]
    assert [event.step for event in read(tmp_path).Images("history")] == [3]


def test_tensorboard_has_graph_histograms_and_samples(tmp_path):
    dl.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))
    board = TensorBoard(tmp_path, histogram_freq=2, samples=3)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    images = dl.randn(6, 1, 4, 4) * 3  # normalized, not from 0 to 1
    Trainer(model, "cross_entropy", sgd, callbacks=[board]).fit(
        (images, dl.arange(6) % 3), epochs=2, shuffle=False, progress=False
    )
    found = read(tmp_path)
    for name, parameter in model.named_parameters():
        (event,) = found.Histograms(f"weights/{name}")
        assert (event.step, event.histogram_value.num) == (2, parameter.array.size)
        assert event.histogram_value.max == pytest.approx(float(parameter.array.max()))
        assert found.Histograms(f"gradients/{name}")[0].histogram_value.num == parameter.array.size
    names = [node.name for node in graph_of(found)]
    assert "Sequential/Conv2d[0]/weight" in names
    assert "Sequential/Linear[2]/linear" in names
    (sample,) = found.Images("samples")
    assert (sample.height, sample.width) == (4, 12)
    assert not model._forward_pre_hooks
    assert board._inputs is None


def graph_of(found):
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    return GraphDef.FromString(found.Graph().SerializeToString()).node


@pytest.mark.parametrize("loss", ["cross_entropy", "bce_with_logits"])
def test_curves_of_the_validation_data(tmp_path, loss):
    dl.manual_seed(0)
    outputs = 3 if loss == "cross_entropy" else 1
    model = nn.Linear(3, outputs)
    x = dl.randn(20, 3)
    y = dl.arange(20) % 3 if outputs == 3 else (dl.arange(20) % 2).float().reshape(20, 1)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, loss, sgd, callbacks=[TensorBoard(tmp_path, pr_curves=True)])
    trainer.fit((x, y), (x, y), epochs=1, batch_size=8, progress=False)
    found = read(tmp_path)
    scores = trainer.predict_proba(x).numpy()
    for number in range(3) if outputs == 3 else [1]:
        (event,) = found.Tensors(f"pr/{number}" if outputs == 3 else "pr")
        rows = tensor_util.make_ndarray(event.tensor_proto)
        truth = y.numpy().reshape(-1) == number
        assert rows[0, 0] == truth.sum()
        assert rows[1, 0] == (~truth).sum()
        above = np.floor(scores[:, number] * 126) >= 63
        assert rows[0, 63] == (truth & above).sum()


def test_curves_use_up_no_random_numbers(tmp_path):
    runs = [
        fitted(made(*callbacks), 3).history["loss"]
        for callbacks in ([], [TensorBoard(tmp_path, pr_curves=True, samples=2, histogram_freq=1)])
    ]
    assert runs[0] == runs[1]


def test_an_error_in_the_pass_for_curves_moves_no_random_numbers(tmp_path):
    class Broken(nn.Linear):
        def forward(self, x):
            if not self.training:
                dl.rand(1)
                raise RuntimeError("no evaluation")
            return super().forward(x)

    trainer = made(TensorBoard(tmp_path, pr_curves=True, write_graph=False))
    trainer.model = Broken(3, 2)
    trainer._val_loader = data.DataLoader([(dl.zeros(3), 0)], shuffle=True)
    before = dl.get_rng_state()
    with pytest.raises(RuntimeError, match="no evaluation"):
        labels_and_scores(trainer)
    assert dl.equal(dl.get_rng_state(), before)


def test_a_model_whose_sizes_come_with_the_first_batch(tmp_path):
    dl.manual_seed(0)
    model = nn.LazyLinear(2)
    trainer = Trainer(model, "cross_entropy", ("sgd", {"lr": 0.1}), callbacks=[Notes()])
    fitted(trainer, 1)
    assert "parameters" not in trainer.callbacks[0].runs["run0"][0][1]


def test_curves_of_numbers_are_refused(tmp_path):
    model = nn.Linear(3, 1)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, nn.MSELoss(), sgd, callbacks=[TensorBoard(tmp_path, pr_curves=True)])
    data = (dl.randn(8, 3), dl.randn(8, 1))
    with pytest.raises(ArgumentError, match="how its outputs become probabilities"):
        trainer.fit(data, data, progress=False)


def test_embeddings_are_points_of_the_projector(tmp_path):
    dl.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2))
    board = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"0": list("abcde")})
    sgd = optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, "cross_entropy", sgd, callbacks=[board])
    trainer.fit((dl.arange(10).reshape(5, 2) % 5, dl.arange(5) % 2), epochs=2, progress=False)
    text = (tmp_path / "projector_config.pbtxt").read_text("utf-8")
    assert "0:00001" in text
    assert (tmp_path / "00002/0/metadata.tsv").read_text("utf-8") == "a\nb\nc\nd\ne\n"


def test_settings_and_the_end_are_in_the_table_of_runs(tmp_path):
    fitted(made(TensorBoard(tmp_path / "good", config={"note": "x"})))
    with pytest.raises(RuntimeError):
        fitted(made(TensorBoard(tmp_path / "bad"), Failing()), 3)

    def content(folder, name):
        return read(folder).SummaryMetadata(f"_hparams_/{name}").plugin_data.content

    start = metadata.parse_session_start_info_plugin_data(
        content(tmp_path / "good", "session_start_info")
    )
    assert start.hparams["note"].string_value == "x"
    assert start.hparams["optimizer.lr"].number_value == 0.01
    experiment = metadata.parse_experiment_plugin_data(content(tmp_path / "good", "experiment"))
    named = [one.name.tag for one in experiment.metric_infos]
    assert named == ["loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds"]
    ends = [
        metadata.parse_session_end_info_plugin_data(content(tmp_path / part, "session_end_info"))
        for part in ("good", "bad")
    ]
    assert [one.status for one in ends] == [1, 2]  # success and failure


@pytest.mark.slow  # its files need names of different seconds
def test_a_resumed_run_hides_what_it_does_again(tmp_path):
    board, save = TensorBoard(tmp_path / "run", update_freq=1), ModelCheckpoint(tmp_path, None)
    trainer = made(board, save)
    fitted(trainer, 1)
    save.last = False  # killed before the next checkpoint
    fitted(trainer, 3)
    later = made(TensorBoard(tmp_path / "run", update_freq=1))
    with pytest.warns(UserWarning, match="the state of ModelCheckpoint is not used"):
        later.resume(tmp_path / "last.h5")
    fitted(later, 2)
    assert [step for step, _ in numbers(tmp_path / "run", "loss")] == [1, 2]
    inside = [step for step, _ in numbers(tmp_path / "run/batch", "batch/loss")]
    assert inside == [1, 2, 3, 4, 5, 6]
    fitted(made(TensorBoard(tmp_path / "run")), 1)  # a new training in the old folder
    assert [step for step, _ in numbers(tmp_path / "run", "loss")] == [1]


def test_a_resumed_run_goes_on_in_the_usual_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainer = fitted(made(TensorBoard(comment=" mine/lr=0.1"), ModelCheckpoint("files", None)), 1)
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.endswith("_mine_lr_0.1")
    later = made(TensorBoard(), ModelCheckpoint("files", None))
    later.resume("files/last.h5")
    fitted(later, 2)
    assert [folder] == list((tmp_path / "runs").iterdir())
    assert [step for step, _ in numbers(folder, "loss")] == [1, 2]
    assert trainer.epoch == 1


def test_a_model_that_cannot_be_drawn_says_how_to_go_on(tmp_path):
    class Once(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x):
            if not self.training:
                raise ValueError("only in training")
            return self.layer(x)

    model = Once()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, "cross_entropy", sgd, callbacks=[TensorBoard(tmp_path)])
    with pytest.raises(ValueError, match="only in training") as caught:
        trainer.fit((dl.randn(4, 3), dl.arange(4) % 2), progress=False)
    assert any("write_graph=False trains without" in note for note in caught.value.__notes__)
    trainer = Trainer(model, "cross_entropy", sgd, callbacks=[TensorBoard(tmp_path, 0, False)])
    trainer.fit((dl.randn(4, 3), dl.arange(4) % 2), progress=False)


@pytest.mark.filterwarnings("ignore")
def test_nan_in_the_weights_is_no_error_of_the_tracker(tmp_path):
    board = TensorBoard(tmp_path, histogram_freq=1, pr_curves=False)
    trainer = made(board, TerminateOnNaN())
    spoil = LambdaCallback(on_epoch_end=lambda t: t.model.weight.array.fill(np.nan))
    trainer.callbacks.insert(0, spoil)
    fitted(trainer, 2)
    assert "weights/weight" not in read(tmp_path).Tags()["histograms"]
    assert "weights/bias" in read(tmp_path).Tags()["histograms"]


@pytest.mark.parametrize("name", ["histogram_freq", "samples", "embeddings_freq"])
def test_negative_frequencies_are_refused(name):
    with pytest.raises(ArgumentError, match=f"TensorBoard: {name} must be 0 or more; got -1"):
        TensorBoard(**{name: -1})


def test_a_copy_in_the_middle_of_a_training_has_no_open_files(tmp_path):
    copies = []
    see = LambdaCallback(on_epoch_end=lambda t: copies.append(copy.deepcopy(t.callbacks[0])))
    fitted(made(TensorBoard(tmp_path), see), 2)
    for one in copies:
        assert (one.writer, one._steps, one._handle) == (None, None, None)
        one.close()
    assert [step for step, _ in numbers(tmp_path, "loss")] == [1, 2]
