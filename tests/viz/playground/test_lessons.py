"""What docs/guide/playground.md says of its lessons, for several seeds."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from dlframe.viz.playground import Session
from dlframe.viz.playground.lessons import LESSONS
from dlframe.viz.playground.session import Measures

pytestmark = pytest.mark.slow
LINE, STEP, HEART = (lesson.settings for lesson in LESSONS)
SEEDS = range(4)


def trained(settings: Any, epochs: int, seed: int, **changes: Any) -> Session:
    session = Session(dataclasses.replace(settings, seed=seed, **changes))
    session.advance(epochs=epochs)
    return session


def measures(*args: Any, **changes: Any) -> Measures:
    return trained(*args, **changes).measure()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_is_not_enough(seed: int) -> None:
    assert measures(LINE, 60, seed).train_accuracy < 0.72
    assert measures(LINE, 60, seed, layers=(8,)).train_accuracy > 0.95
    assert measures(LINE, 60, seed, features=("x", "y", "xy")).train_accuracy > 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_how_large_a_step(seed: int) -> None:
    begin = measures(STEP, 0, seed).train_loss
    slow = trained(STEP, 60, seed)
    too_small = slow.measure().train_loss
    assert max(slow.update_ratios) < 0.001
    assert 0.9 * begin < too_small <= begin + 0.01
    assert measures(STEP, 60, seed, lr=0.3).train_accuracy > 0.9
    too_large = measures(STEP, 60, seed, lr=10)
    assert too_large.train_loss > 1 > begin
    assert too_large.train_accuracy < 0.7


@pytest.mark.parametrize("seed", SEEDS)
def test_learning_by_heart(seed: int) -> None:
    session = trained(HEART, 400, seed)
    assert session.settings.learnt == 40
    end = session.measure()
    assert end.test_loss > 2.5 * end.train_loss
    assert end.test_loss > 1.2 * min(session.history["test_loss"])
    decayed = measures(HEART, 400, seed, weight_decay=0.01)
    assert decayed.test_loss < end.test_loss
    assert decayed.test_loss < 2.5 * decayed.train_loss
    assert np.isfinite(decayed.train_loss)
