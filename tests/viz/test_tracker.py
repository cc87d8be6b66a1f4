"""The tracker: what it remembers and when it draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dlframe as dl
from dlframe import Trainer, nn, optim
from dlframe.errors import ArgumentError, DTypeError, ShapeError, StateDictError
from dlframe.metrics import Accuracy
from dlframe.tensor import Tensor
from dlframe.viz import Tracker


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_it_remembers_numbers_of_any_kind():
    tracker = Tracker()
    tracker.log(1, loss=2.0, accuracy=np.float32(0.5))
    tracker.log(2, loss=Tensor(np.array(1.0)))
    assert tracker.history == {"loss": [2.0, 1.0], "accuracy": [0.5]}
    assert tracker.steps == {"loss": [1.0, 2.0], "accuracy": [1.0]}


def test_a_bad_value_leaves_no_trace():
    tracker = Tracker()
    with pytest.raises(ShapeError, match=r"Tracker: f1 must be one number, got shape \(3,\)"):
        tracker.log(1, loss=1.0, f1=np.zeros(3))
    assert tracker.history == {}


def test_it_draws_every_few_steps(tmp_path):
    path = tmp_path / "run" / "curves.png"
    tracker = Tracker(path, every_steps=3, every_seconds=None)
    drawn = []
    for step in range(7):
        tracker.log(step, loss=1.0)
        drawn.append(path.exists())
        path.unlink(missing_ok=True)
    assert drawn == [False, False, True, False, False, True, False]
    tracker.close()
    assert path.exists()
    path.unlink()
    tracker.close()  # nothing new, nothing drawn
    assert not path.exists()


def test_it_draws_every_few_seconds(tmp_path):
    path, clock = tmp_path / "curves.png", Clock()
    tracker = Tracker(path, every_seconds=10, clock=clock)
    drawn = []
    for clock.now in (1, 9, 10, 15, 21):
        tracker.log(clock.now, loss=1.0)
        drawn.append(path.exists())
        path.unlink(missing_ok=True)
    assert drawn == [False, False, True, False, True]


def test_leaving_the_block_draws_also_after_an_error(tmp_path):
    path = tmp_path / "curves.png"
    with pytest.raises(KeyboardInterrupt), Tracker(path, title="Run") as tracker:
        tracker.log(1, loss=2.0, val_loss=3.0)
        raise KeyboardInterrupt
    with Image.open(path) as image:
        image.load()
    assert list(tmp_path.iterdir()) == [path]


def test_the_figure_has_the_steps():
    tracker = Tracker(smoothing=0.9, x_label="batch")
    for step in range(0, 100, 10):
        tracker.log(step, loss=1 / (step + 1))
    axes = tracker.draw().axes[0]
    assert axes.get_xlabel() == "batch"
    assert axes.lines[0].get_xdata().tolist() == list(range(0, 100, 10))
    tracker.log(100, loss=0.0)  # arrays lent to a figure would make appending fail


def test_nothing_logged_is_a_page_too():
    assert Tracker().draw().axes


def test_every_steps_must_be_positive():
    with pytest.raises(ValueError, match="every_steps must be 1 or more, and whole, got 0"):
        Tracker(every_steps=0)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"smoothing": 1}, ValueError, "smoothing must be from 0 to below 1, got 1"),
        ({"smoothing": "a"}, ValueError, "smoothing must be from 0 to below 1, got 'a'"),
        ({"every_steps": 1.5}, ValueError, "every_steps must be 1 or more, and whole, got 1.5"),
        ({"every_steps": "a"}, TypeError, "every_steps must be a number or None, got 'a'"),
        ({"every_seconds": "a"}, TypeError, "every_seconds must be a number or None, got 'a'"),
        ({"path": "loss"}, ValueError, "cannot tell the format of 'loss'"),
        ({"path": "loss.xyz"}, ValueError, "its name must end in one of .*png"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(options, error, match):
    with pytest.raises(error, match=match):
        Tracker(**options)


@pytest.mark.parametrize("value", ["a", None, 1j])
@pytest.mark.parametrize("name", ["step", "loss"])
def test_what_is_no_number_is_named(name, value):
    tracker = Tracker()
    with pytest.raises(DTypeError, match=f"Tracker: {name} must be a real number, got {value!r}"):
        tracker.log(**{"step": 1, "loss": 1.0, name: value})
    assert tracker.history == {}


# --- as a callback -----------------------------------------------------------------------------


def trained(path, epochs, *, resume=None, save=None):
    dl.manual_seed(1)
    model, data = nn.Linear(3, 2), (dl.randn(12, 3), dl.arange(12) % 2)
    tracker = Tracker(path, every_seconds=None)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, nn.CrossEntropyLoss(), sgd, [Accuracy()], [tracker])
    if resume is not None:
        trainer.resume(resume)
    history = trainer.fit(data, data, epochs=epochs, batch_size=4, shuffle=False, progress=False)
    if save is not None:
        trainer.save(save)
    return tracker, history


def test_a_trainer_fills_it(tmp_path):
    tracker, history = trained(tmp_path / "curves.png", 2)
    assert tracker.steps["loss"] == [1, 2, 3, 4, 5, 6]
    assert tracker.steps["val_loss"] == tracker.steps["accuracy"] == [3, 6]
    assert sorted(tracker.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert tracker.history["val_loss"] == history["val_loss"]
    losses = np.array(tracker.history["loss"]).reshape(2, 3)
    np.testing.assert_allclose(losses.mean(axis=1), history["loss"])
    assert (tmp_path / "curves.png").exists()  # drawn when fit ended


def test_a_resumed_run_goes_on_with_its_curves(tmp_path):
    whole, _ = trained(None, 3)
    trained(None, 1, save=tmp_path / "run.h5")
    resumed, _ = trained(None, 3, resume=tmp_path / "run.h5")
    assert resumed.history == whole.history
    assert resumed.steps == whole.steps


def test_a_path_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    tracker = Tracker(tmp_path / "file" / "curves.png", every_seconds=None)
    trainer = Trainer(nn.Linear(1, 1), "mse", "sgd", callbacks=[tracker])
    before = trainer.model.weight.numpy(force=True).copy()
    with pytest.raises(OSError, match="file"):
        trainer.fit(dl.ones(4, 1), dl.ones(4, 1), epochs=1, progress=False)
    assert np.array_equal(trainer.model.weight.numpy(force=True), before)


def test_no_file_of_a_trial(tmp_path):
    model = nn.Linear(3, 2)
    tracker = Tracker(tmp_path / "curves.png", every_steps=1)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, nn.MSELoss(), sgd, callbacks=[tracker])
    trainer.fit((dl.randn(4, 3), dl.randn(4, 2)), fast_dev_run=True, progress=False)
    assert tracker.history == {}
    assert not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize("part", ["names", "steps", "values"])
def test_a_state_that_does_not_fit_is_refused(part):
    tracker = Tracker()
    tracker.log(1, loss=1.0)
    tracker.log(2, loss=2.0, val_loss=2.0)
    state = tracker.state_dict()
    other = Tracker()
    other.load_state_dict(state)
    assert other.history == tracker.history
    for wrong in (3, {}, {"0": 3}, {"0": np.zeros((2, 2)), "1": np.zeros(1)}, {"0": np.zeros(3)}):
        with pytest.raises(StateDictError, match=r"Tracker\.load_state_dict"):
            other.load_state_dict({**state, part: wrong})
    with pytest.raises(StateDictError, match="differ in length"):
        other.load_state_dict({**state, "steps": {"0": np.zeros(3), "1": np.zeros(1)}})
    assert other.history == tracker.history


def test_validations_inside_of_an_epoch_are_at_their_steps():
    dl.manual_seed(1)
    model, data = nn.Linear(3, 2), (dl.randn(12, 3), dl.arange(12) % 2)
    tracker = Tracker()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, nn.CrossEntropyLoss(), sgd, callbacks=[tracker])
    history = trainer.fit(
        data, data, epochs=2, batch_size=4, validate_every_batches=2, progress=False
    )
    inside = {one["step"]: one["val_loss"] for one in history.validations}
    ends = dict(zip((3, 6), history["val_loss"], strict=True))
    wanted = sorted({**inside, **ends}.items())
    assert list(zip(tracker.steps["val_loss"], tracker.history["val_loss"], strict=True)) == wanted


def test_a_training_that_begins_anew_replaces_the_curves():
    tracker = Tracker()
    tracker.log(0, val_loss=9.0)  # before the training: it stays
    for epochs in (2, 1):
        model, data = nn.Linear(3, 2), (dl.randn(12, 3), dl.arange(12) % 2)
        sgd = optim.SGD(model.parameters(), lr=0.1)
        trainer = Trainer(model, nn.CrossEntropyLoss(), sgd, callbacks=[tracker])
        trainer.fit(data, data, epochs=epochs, batch_size=4, progress=False)
    assert tracker.steps == {"val_loss": [0, 3], "loss": [1, 2, 3]}
    trainer.fit(data, data, epochs=2, batch_size=4, progress=False)
    assert tracker.steps["loss"] == [1, 2, 3, 4, 5, 6]


def test_live_needs_a_notebook_and_times_are_no_less_than_0():
    assert not Tracker().live
    with pytest.raises(ArgumentError, match="live=True needs a notebook, and there is none"):
        Tracker(live=True)
    for seconds in (-1, float("nan")):
        with pytest.raises(ValueError, match="every_seconds must be 0 or more"):
            Tracker(every_seconds=seconds)


NOTEBOOK = """
import dlframe as dl
from dlframe import nn, optim, viz

tracker = viz.Tracker(every_steps=2, every_seconds=None, live=LIVE)
model = nn.Linear(3, 2)
sgd = optim.SGD(model.parameters(), lr=0.1)
trainer = dl.Trainer(model, "cross_entropy", sgd, callbacks=[tracker])
trainer.fit((dl.randn(12, 3), dl.arange(12) % 2), epochs=2, batch_size=4, progress=False)
print(len(tracker.history["loss"]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("live", [True, None, False])
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_a_notebook_shows_one_picture_that_changes(tmp_path, monkeypatch, live):
    pytest.importorskip("ipykernel")
    nbclient = pytest.importorskip("nbclient")
    import nbformat

    class Client(nbclient.NotebookClient):
        updates = 0

        def process_message(self, message, cell, cell_index):
            self.updates += message["msg_type"] == "update_display_data"
            return super().process_message(message, cell, cell_index)

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    code = NOTEBOOK.replace("LIVE", repr(live))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = Client(notebook, timeout=120, kernel_name="python3")
    client.execute(cwd=str(tmp_path))
    outputs = notebook.cells[0].outputs
    assert [one.text for one in outputs if one.output_type == "stream"] == ["6\n"]
    shown = [one for one in outputs if "image/png" in one.get("data", {})]
    assert len(shown) == (0 if live is False else 1)
    assert client.updates == (0 if live is False else 3)
