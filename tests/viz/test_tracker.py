"""The tracker: what it remembers and when it draws."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dlframe.errors import ShapeError
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
