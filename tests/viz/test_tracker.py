"""The tracker: what it remembers and when it draws."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import dlframe as dl
from dlframe import Trainer, nn, optim
from dlframe.errors import ShapeError, StateDictError
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
    with pytest.raises(ValueError, match="every_steps must be 1 or more, got 0"):
        Tracker(every_steps=0)


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
