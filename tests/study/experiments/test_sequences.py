"""The study of sequences: its tasks, its measure of gradients, its pictures, in seconds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.autograd.functional import jacobian
from dlframe.data.datasets import Coriolanus
from dlframe.random import Generator
from dlframe.study.experiments import sequences
from dlframe.study.experiments.sequences import counting, inside, models, tasks
from dlframe.study.experiments.sequences.gradients import reach, remaining
from dlframe.study.results import Results
from dlframe.study.seeds import Seeds

ONE: dict[str, Any] = {"seeds": 1, "tune": None, "tune_by": None}


def test_copying_asks_for_the_letters_before_the_delay() -> None:
    x, y = tasks.copying(50, 7, Generator().manual_seed(0))
    assert x.shape == (50, 13)
    assert (x[:, :3] == y).all()
    assert (x[:, 3:10] == tasks.BLANK).all()
    assert (x[:, 10] == tasks.GO).all()
    assert set(np.unique(y.numpy())) == set(range(tasks.LETTERS))


def test_adding_asks_for_the_marked_numbers() -> None:
    x, y = tasks.adding(2000, 9, Generator().manual_seed(0))
    numbers, marks = x.numpy()[..., 0], x.numpy()[..., 1]
    assert (marks[:, :4].sum(axis=1) == 1).all()
    assert (marks[:, 4:].sum(axis=1) == 1).all()
    np.testing.assert_allclose((numbers * marks).sum(axis=1), y.numpy()[:, 0, 0], rtol=1e-6)
    assert ((y.numpy() - 1) ** 2).mean() == pytest.approx(1 / 6, rel=0.1)


def test_sequences_of_an_epoch_are_new() -> None:
    chance = Generator().manual_seed(0)
    batches = tasks.Fresh(lambda: tasks.adding(1, 4, chance), 3)
    seen = [y.item() for _ in range(2) for _, y in batches]
    assert len(set(seen)) == 2 * len(batches)


@pytest.mark.parametrize("cell", models.CELLS)
def test_reach_is_the_norm_of_the_jacobian(cell: str) -> None:
    dl.manual_seed(1)
    model = models.for_copying(cell, 2, 1, hidden=4).double()
    x, _ = tasks.copying(1, 2, Generator().manual_seed(0), count=1)
    measured = reach(model, x.repeat(3000, 1), Generator().manual_seed(0))
    whole = jacobian(lambda e: model.states(e)[0, -1], model.enter(x).detach())
    exact = whole[:, 0].square().sum(dim=(0, 2)).sqrt().flip(0)
    np.testing.assert_allclose(measured, exact.numpy(), rtol=0.1)


def test_what_remains_is_in_powers_of_ten() -> None:
    assert remaining([2.0, 0.5, 0.002], 2) == pytest.approx(-3)
    assert math.isfinite(remaining([1.0, 0.0], 1))


def test_gates_are_those_of_the_layer() -> None:
    dl.manual_seed(2)
    body = models.make_body("LSTM", 5, 9)
    entered = dl.randn(3, 9, 5)
    found = models.gates(body, entered)
    assert list(found) == ["i", "f", "o"]
    for end in (1, 4, 9):
        h, (_, c) = body(entered[:, :end])
        expected = h[:, -1] / c[0].tanh()
        np.testing.assert_allclose(found["o"][:, end - 1].numpy(), expected.detach().numpy(), 1e-4)
    assert list(models.gates(models.make_body("GRU", 5, 9), entered)) == ["r", "z"]


def test_the_forget_bias_opens_the_forget_gate_alone() -> None:
    entered = dl.zeros(1, 1, 4)
    shut, opened = (
        models.gates(_seeded("LSTM", forget_bias=bias), entered) for bias in (0.0, 100.0)
    )
    assert (opened["f"] > 0.999).all()
    np.testing.assert_array_equal(shut["i"].numpy(), opened["i"].numpy())
    np.testing.assert_array_equal(shut["o"].numpy(), opened["o"].numpy())


def _seeded(cell: str, **options: Any) -> nn.Module:
    dl.manual_seed(0)
    return models.make_body(cell, 4, 8, **options)


def test_attention_does_not_see_what_comes_later() -> None:
    model = models.for_text("attention", 10, 8, hidden=8)
    x = dl.randint(0, 10, (1, 8))
    other = x.clone()
    other[0, 5:] = (x[0, 5:] + 1) % 10
    a, b = (model(given).detach().numpy()[..., :5] for given in (x, other))
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_attention_learns_to_copy_in_seconds() -> None:
    found = sequences.copying_run(Seeds(0), cell="attention", delay=20, lr=0.01, epochs=2)
    assert found["test_accuracy"]() > 0.9
    simple = sequences.copying_run(Seeds(0), cell="RNN", delay=20, lr=0.01, epochs=1)
    assert simple["test_accuracy"]() < 0.3  # 1/8 is chance
    left = "gradient left at the start, powers of ten"
    assert simple[left] < -4 < found[left]


def test_counting_is_right_about_letters_that_are_even() -> None:
    text = "abcd" * 500
    assert counting.bits(text, text, 0) == pytest.approx(2, abs=0.01)
    assert counting.bits(text, text, 1) < 0.05


# --- the page ----------------------------------------------------------------------------------


def _made(folder: Path | None) -> dict[str, Results]:
    """All studies with a run of one epoch in each of few arms."""
    factors: dict[str, dict[str, list[Any]]] = {
        "copying": {"cell": ["RNN", "attention"], "delay": [5]},
        "adding": {"cell": ["LSTM", "GRU", "attention"], "length": [10]},
        "letters": {"cell": ["RNN"]},
        "forgetting": {"forget_bias": [0.0, 3.0]},
    }
    return {
        name: getattr(sequences, name)
        .changed(factors=levels, baseline={"epochs": 1}, **ONE)
        .run(workers=1, folder=folder and folder / name)
        for name, levels in factors.items()
    }


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Results]:
    return _made(tmp_path_factory.mktemp("sequences"))


@pytest.mark.slow
def test_the_page_has_pictures(kept: dict[str, Results]) -> None:
    pytest.importorskip("matplotlib")
    made = {part.title: part for part in inside.parts(kept)}
    assert list(made) == [
        "How far gradients reach", "Memory and the size of the gradient",
        "An LSTM that begins by keeping", "Gates of the LSTM", "Gates of the GRU",
        "What attention looks at: copying", "What attention looks at: adding",
        "What they write", "What counting reaches",
    ]  # fmt: skip
    written = made.pop("What they write").text
    assert " bits per letter: `MENENIUS: / " in written
    assert all(part.figure or part.table for part in made.values())


def test_the_page_needs_no_files(kept: dict[str, Results], monkeypatch: Any) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(Results, "folder_of", lambda self, run: None)
    made = list(inside.parts(kept))
    assert "left no gradients" in made[0].text
    assert made[1].figure is not None  # made from values alone


def test_bits_are_those_of_the_test_text(kept: dict[str, Results]) -> None:
    [bits] = kept["letters"].values()["RNN"]
    assert 3 < bits < math.log2(len(Coriolanus().letters))
