"""The state as bytes: what the page reads is what the session has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlframe.viz.playground import Session, Settings
from dlframe.viz.playground.packing import pack, unpack


@pytest.mark.parametrize("more", [{}, {"layers": []}, {"layers": [64] * 6}, {"batch_norm": True}])
def test_it_is_the_state(more: Any) -> None:
    session = Session(Settings.of({"points": 50, "layers": [3, 5]} | more))
    session.advance(3)
    numbers, arrays = unpack(pack(session, focus=(0, 1), answered=7))
    state = session.state()
    assert {name: numbers[name] for name in ("step", "measures", "history", "layers")} == {
        name: state[name] for name in ("step", "measures", "history", "layers")
    }
    assert numbers["answered"] == 7
    np.testing.assert_allclose(arrays["decision"], state["decision"], atol=1e-6)
    for i in range(len(session.blocks)):
        np.testing.assert_array_equal(arrays[f"weights{i}"], state["weights"][i])
        np.testing.assert_array_equal(arrays[f"biases{i}"], state["biases"][i])
        scales = arrays[f"scales{i}"][:, None, None]
        maps = arrays[f"maps{i}"] / 127 * scales
        np.testing.assert_allclose(maps, state["maps"][i], atol=float(scales.max()) / 250 + 1e-6)
    np.testing.assert_array_equal(arrays["train"], session.train.points.array)
    np.testing.assert_array_equal(arrays["test_labels"], session.test.labels.array)
    assert arrays["focus"].shape == (48, 48)


def test_points_and_history_are_sent_once() -> None:
    session = Session(Settings(points=50))
    session.advance(epochs=2)
    numbers, arrays = unpack(pack(session, since=2, drawn=session.drawn))
    assert "train" not in arrays
    assert numbers["history"]["epoch"] == []
    session.change(Settings(points=50, own=[[0, 0, 1]]))
    assert "train" in unpack(pack(session, since=2, drawn=numbers["drawn"]))[1]


def test_what_is_not_finite_can_be_sent() -> None:
    session = Session(Settings(points=50))
    session.model[0].weight.array[...] = np.nan
    session.model[0].weight.array[0] = np.inf
    session.advance(1)
    numbers, arrays = unpack(pack(session))
    assert "diverged" in numbers["stopped"]
    assert numbers["measures"]["train_loss"] is None
    assert np.isnan(arrays["weights0"][1]).all()
    assert (arrays["decision"] == 0.5).all()


def test_no_points_can_be_sent() -> None:
    numbers, arrays = unpack(pack(Session(Settings(data="own")), focus=(9, 9)))
    assert arrays["train"].shape == (0, 2)
    assert numbers["batches"] == 0
    assert "focus" not in arrays
