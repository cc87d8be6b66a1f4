"""The playground's engine: the printed program gives the same numbers, and what can be seen."""

from __future__ import annotations

import json
import random
import threading
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.errors import ArgumentError
from dlframe.viz.playground import Session, Settings, program
from dlframe.viz.playground import session as engine
from dlframe.viz.playground import settings as choices
from dlframe.viz.playground.session import GRID, SMALL

COLUMNS = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
FEW = {"points": 40, "layers": [4, 3]}


def rows(session: Session) -> list[tuple[float, ...]]:
    """The history as the printed program notes it."""
    names = COLUMNS if session.settings.held_back else COLUMNS[:3]
    return list(zip(*(session.history[name].tolist() for name in names), strict=True))


@pytest.mark.filterwarnings("ignore::dlframe.errors.OptimizerWarning")
def run(text: str, capsys: Any) -> list[tuple[float, ...]]:
    """Execute a printed program; its history, which is also what it prints."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with np.errstate(all="ignore"):
        exec(compile(text, "program.py", "exec"), names)
    printed = capsys.readouterr().out.split("\n")[:-1]
    assert printed == [" ".join(map(str, row)) for row in names["history"]]
    history: list[tuple[float, ...]] = names["history"]
    return history


def same(settings: Settings, capsys: Any, epochs: int = 3) -> None:
    session = Session(settings)
    session.advance(epochs=epochs)
    wanted = run(session.program(epochs), capsys)
    found = rows(session)
    assert len(found) == len(wanted) or session.stopped
    np.testing.assert_array_equal(found, wanted[: len(found)])  # bit for bit


# --- the printed program -----------------------------------------------------------------------


def chosen_at_random(rng: random.Random) -> Settings:
    values: dict[str, Any] = {
        "data": rng.choice(choices.DATA),
        "points": rng.choice([1, 2, 33, 120]),
        "noise": rng.choice([0, 0.1]),
        "test_share": rng.choice([0, 0.2, 0.9]),
        "own": [
            [rng.uniform(-1, 1), rng.uniform(-1, 1), rng.randint(0, 1)]
            for _ in range(rng.choice([2, 3, 30]))
        ],
        "features": rng.sample(list(choices.FEATURES), rng.randint(1, 7)),
        "layers": [rng.randint(1, 9) for _ in range(rng.randint(0, 6))],
        "activation": rng.choice(choices.ACTIVATIONS),
        "init": rng.choice(choices.INITS),
        "loss": rng.choice(choices.LOSSES),
        "optimizer": rng.choice(list(choices.OPTIMIZERS)),
        "lr": rng.choice([0.001, 0.1, 1]),
        "batch_size": rng.choice([2, 7, 64]),
        "l1": rng.choice([0, 0.01]),
        "l2": rng.choice([0, 0.01]),
        "dropout": rng.choice([0, 0.5]),
        "batch_norm": rng.random() < 0.3,
        "seed": rng.randrange(2**32),
    }
    values["weight_decay"] = 0 if values["optimizer"] == "Rprop" else rng.choice([0, 0.1])
    return Settings.of(values)


@pytest.mark.filterwarnings("ignore::dlframe.errors.OptimizerWarning")
@pytest.mark.parametrize("number", range(20))
def test_the_printed_program_gives_the_same_losses(number: int, capsys: Any) -> None:
    same(chosen_at_random(random.Random(f"program {number}")), capsys, epochs=2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::dlframe.errors.OptimizerWarning")
@pytest.mark.parametrize("number", range(20, 220))
def test_so_it_does_with_many_other_settings(number: int, capsys: Any) -> None:
    same(chosen_at_random(random.Random(f"program {number}")), capsys)


def test_and_with_the_defaults(capsys: Any) -> None:
    same(Settings(points=100), capsys, epochs=2)
    assert max(map(len, program(Settings(own=[[0.123, 0.456, 1]] * 500)).split("\n"))) <= 100


def test_by_default_the_program_makes_the_epochs_that_were_made() -> None:
    session = Session(Settings.of(FEW))
    session.advance(epochs=4)
    assert "for epoch in range(1, 5):" in session.program()


# --- repetition --------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"dropout": 0.3, "batch_norm": True, "l1": 0.01}])
def test_pauses_and_looks_change_no_number(more: Any) -> None:
    settings = Settings.of(FEW | more)
    one, other = Session(settings), Session(settings)
    one.advance(epochs=3)
    while other.epoch < 3:
        other.advance(1)
        other.state()
        other.explain(1, 2, 0)
    assert rows(one) == rows(other)
    for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True):
        np.testing.assert_array_equal(a.array, b.array)


def test_reset_begins_again() -> None:
    session = Session(Settings.of(FEW))
    session.advance(epochs=2)
    before = rows(session)
    session.reset()
    assert (session.epoch, session.step, len(rows(session))) == (0, 0, 1)
    session.advance(epochs=2)
    assert rows(session) == before


def test_the_default_generator_is_left_alone() -> None:
    before = dl.random.get_rng_state()
    session = Session(Settings.of(FEW | {"dropout": 0.2}))
    session.advance(epochs=2)
    session.explain(0, 0, 0)
    np.testing.assert_array_equal(dl.random.get_rng_state(), before)


def test_sessions_in_threads_do_not_disturb_each_other() -> None:
    settings = [Settings.of(FEW | {"seed": seed, "dropout": 0.2}) for seed in range(4)]
    alone = [Session(one) for one in settings]
    for one in alone:
        one.advance(epochs=5)
    together = [Session(one) for one in settings]
    threads = [threading.Thread(target=one.advance, kwargs={"epochs": 5}) for one in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [rows(one) for one in together] == [rows(one) for one in alone]


# --- advancing ---------------------------------------------------------------------------------


def test_steps_and_epochs() -> None:
    session = Session(Settings.of(FEW | {"test_share": 0, "batch_size": 16}))
    assert session.batches == 3
    assert session.advance(1) == 1
    assert (session.epoch, session.step, session.batch) == (0, 1, 1)
    assert session.advance(epochs=1) == 2  # to the end of the epoch that has begun
    assert (session.epoch, session.step, session.batch) == (1, 3, 0)
    assert session.advance(epochs=2) == 6
    assert session.advance(0) == session.advance(epochs=0) == 0
    assert session.advance(epochs=10**9, seconds=0) == 0
    for wrong in ({}, {"steps": 1, "epochs": 1}, {"steps": -1}, {"epochs": -1}):
        with pytest.raises(ArgumentError, match=r"^Session\.advance: "):
            session.advance(**wrong)


def test_it_learns() -> None:
    for data in ("disk", "moons", "circles", "blobs", "xor"):
        session = Session(Settings(data=data, points=200, noise=0.02, layers=(8, 8)))
        session.advance(epochs=60)
        assert session.measure().train_accuracy > 0.9, data


def test_a_rate_far_too_large_is_said_and_stops() -> None:
    session = Session(
        Settings.of(
            FEW | {"optimizer": "SGD", "lr": 10, "activation": "Identity", "loss": "MSELoss"}
        )
    )
    session.advance(epochs=50)
    assert session.stopped.startswith("The training has diverged: in step ")
    step = session.step
    assert session.advance(10) == 0
    assert session.step == step
    state = session.state()
    json.dumps(state, allow_nan=False)
    with pytest.raises(ArgumentError, match=r"no next step to explain\. The training has diverged"):
        session.explain(0, 0)
    session.reset()
    assert session.stopped == ""
    assert session.advance(1) == 1


def test_a_loss_that_is_no_number_at_the_beginning() -> None:
    session = Session(Settings.of(FEW | {"init": "normal"}))
    session.model[0].weight.array[...] = np.nan
    assert session.advance(5) == 0
    assert "diverged" in session.stopped
    json.dumps(session.state(), allow_nan=False)


def test_no_points() -> None:
    session = Session(Settings(data="own"))
    assert session.advance(5) == 0
    assert session.stopped.startswith("There are no points to learn from.")
    json.dumps(session.state(), allow_nan=False)
    assert session.change(Settings(data="own", own=[[0, 0, 1], [0.5, 0, 0]]))
    assert session.advance(5) == 5


def test_batch_normalization_of_one_point() -> None:
    session = Session(Settings(points=1, batch_norm=True, test_share=0))
    assert session.stopped.startswith("Batch normalization needs two points")
    assert session.advance(1) == 0
    odd = Session(Settings(points=33, test_share=0, batch_size=32, batch_norm=True))
    assert odd.advance(epochs=2) == 2  # the last batch, of one point, is left out
    assert "drop_last=True" in odd.program()


# --- changes -----------------------------------------------------------------------------------


def test_some_settings_change_what_goes_on() -> None:
    session = Session(Settings.of(FEW))
    session.advance(epochs=2)
    weights = session.model[0].weight.array.copy()
    changed = FEW | {"lr": 0.5, "weight_decay": 0.1, "l1": 0.01}
    assert session.change(Settings.of(changed)) is False
    assert not session.as_printed
    np.testing.assert_array_equal(session.model[0].weight.array, weights)
    group = session.optimizer.param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.5, 0.1)
    assert [penalty.name for penalty in session.penalties] == ["l1"]
    session.advance(epochs=1)
    assert session.epoch == 3
    session.reset()
    assert session.as_printed


def test_a_point_that_is_put_there_is_learnt() -> None:
    session = Session(Settings.of(FEW))
    session.advance(epochs=2)
    session.advance(1)
    drawn, epoch = session.drawn, session.epoch
    session.change(Settings.of(FEW | {"own": [[0.5, 0.5, 1]]}))
    assert session.drawn > drawn
    assert (session.epoch, session.batch) == (epoch, 0)
    assert session.train.points.array[-1].tolist() == [0.5, 0.5]
    assert len(session.train.labels) == session.settings.learnt
    before = Session(Settings.of(FEW)).train.points.array
    np.testing.assert_array_equal(session.train.points.array[:-1], before)
    session.advance(epochs=1)
    assert session.epoch == epoch + 1


@pytest.mark.parametrize("change", [{"seed": 1}, {"layers": [3]}, {"optimizer": "SGD"}])
def test_other_settings_begin_again(change: Any) -> None:
    session = Session(Settings.of(FEW))
    session.advance(epochs=2)
    assert session.change(Settings.of(FEW | change))
    assert session.epoch == 0
    assert session.as_printed


def test_the_same_settings_change_nothing() -> None:
    session = Session(Settings.of(FEW))
    session.advance(epochs=2)
    assert session.change(Settings.of(FEW)) is False
    assert (session.epoch, session.as_printed) == (2, True)


# --- what can be seen --------------------------------------------------------------------------


def test_the_state_is_json_with_all_of_it() -> None:
    session = Session(Settings.of(FEW | {"batch_norm": True}))
    session.advance(epochs=2)
    state = json.loads(json.dumps(session.state(), allow_nan=False))
    assert (state["epoch"], state["step"], state["batches"]) == (2, 2, 1)
    assert state["history"]["epoch"] == [0, 1, 2]
    assert np.shape(state["decision"]) == (GRID, GRID)
    assert [np.shape(one) for one in state["maps"]] == [(n, SMALL, SMALL) for n in (4, 3, 2)]
    assert [np.shape(one) for one in state["weights"]] == [(4, 2), (3, 4), (2, 3)]
    assert [len(one) for one in state["biases"]] == [4, 3, 2]
    assert [layer["name"] for layer in state["layers"]] == ["layer 1", "layer 2", "output"]
    for layer in state["layers"]:
        assert layer["gradient"] > 0
        assert layer["update"] > 0
    assert session.state(since=1)["history"]["epoch"] == [2]


def test_maps_are_the_outputs_of_units_at_the_centres_of_squares() -> None:
    session = Session(Settings.of(FEW))
    session.advance(epochs=2)
    maps = session.maps()
    centre = -1 + 1 / GRID
    point = dl.tensor([[centre, -centre]])  # the first square is at the top left
    with dl.no_grad():
        wanted = session.model[:2](point).numpy()[0]
    np.testing.assert_allclose(maps[0][0, 0], wanted, rtol=1e-5)
    assert maps[0].shape == (GRID, GRID, 4)
    third = session.maps(SMALL)[0]
    np.testing.assert_allclose(session.maps()[0][1::3, 1::3], third, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("loss", choices.LOSSES)
def test_the_decision_is_the_share_of_class_1(loss: str) -> None:
    session = Session(Settings(loss=loss, data="blobs", noise=0.1, points=100, layers=(6,)))
    session.advance(epochs=30)
    decision = session.decision()
    assert 0 <= decision.min() < 0.2  # class 0 lies on the right, class 1 on the left
    assert 0.8 < decision.max() <= 1
    assert decision[GRID // 2, -1] < 0.5 < decision[GRID // 2, 0]
    if loss == "CrossEntropyLoss":
        scores = session.maps()[-1].reshape(-1, 2)
        wanted = dl.softmax(dl.tensor(scores), dim=1).numpy()[:, 1]
        np.testing.assert_allclose(decision.ravel(), wanted, atol=1e-6)


def test_update_ratios_and_gradients_are_those_of_the_last_step() -> None:
    session = Session(Settings.of(FEW | {"optimizer": "SGD", "lr": 0.1}))
    session.advance(1)
    before = session.model[0].weight.array.copy()
    session.advance(1)
    weight = session.model[0].weight
    layer = session.layers()[0]
    np.testing.assert_allclose(layer["gradient"], np.linalg.norm(weight.grad.numpy()), rtol=1e-5)
    change = np.linalg.norm(weight.array - before) / np.linalg.norm(before)
    np.testing.assert_allclose(layer["update"], change, rtol=1e-4)
    np.testing.assert_allclose(layer["weight"], np.linalg.norm(weight.array), rtol=1e-5)


def test_a_long_history_is_thinned_and_keeps_its_ends() -> None:
    session = Session(Settings(points=4, layers=(), batch_size=64))
    session.advance(epochs=1500)
    history = session.numbers()["history"]
    assert len(history["epoch"]) == 1000
    assert (history["epoch"][0], history["epoch"][-1]) == (0, 1500)


def test_a_history_without_end_takes_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST_ROWS", 50)
    session = Session(Settings(points=4, layers=(), batch_size=64))
    session.advance(epochs=400)
    epochs = session.history["epoch"].tolist()
    assert 25 <= len(epochs) <= 50
    assert epochs[0] == 0
    assert epochs[-1] > 390
    assert session.numbers(since=380)["history"]["epoch"] == [n for n in epochs if n > 380]


# --- explaining --------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::dlframe.errors.OptimizerWarning")
@pytest.mark.parametrize("number", range(8))
def test_the_terms_add_up_and_the_step_comes_true(number: int) -> None:
    rng = random.Random(f"explain {number}")
    settings = chosen_at_random(rng)
    if settings.batch_norm and settings.learnt < 2:
        pytest.skip("cannot be trained")
    session = Session(settings)
    session.advance(1)
    if session.stopped:
        pytest.skip("has diverged")
    layer = rng.randrange(len(session.blocks))
    weight = session.blocks[layer].linear.weight.array
    unit, source = (rng.randrange(n) for n in weight.shape)
    found = session.explain(layer, unit, source)
    json.dumps(found)
    own = found["weight"]
    assert own["value"] == weight[unit, source]
    total = sum(row[3] for row in own["terms"]) + own["rest"][1]
    np.testing.assert_allclose(own["sum"], total, rtol=1e-6, atol=1e-9)
    total += sum(value for _, value in own["penalties"])
    np.testing.assert_allclose(own["gradient"], total, rtol=1e-3, atol=1e-5)
    one = found["unit"]
    total = sum(row[3] for row in one["forward"]) + (one["bias"] or 0)
    np.testing.assert_allclose(one["sum"], total, rtol=1e-5, atol=1e-7)
    session.advance(1)
    # what was explained is what happened; a copy lies elsewhere in memory, so last bits may differ
    assert found["loss"] == pytest.approx(session.batch_loss, rel=1e-4)
    after = session.blocks[layer].linear.weight.array[unit, source]
    assert own["after"] == pytest.approx(float(after), rel=1e-3, abs=1e-5)


def test_the_steps_are_those_of_explain() -> None:
    session = Session(Settings(points=32, test_share=0, layers=(32,), l1=0.01))
    found = session.explain(0, 0, sample=3)
    forward = [step for step in found["steps"] if step["phase"] == "forward"]
    backward = [step for step in found["steps"] if step["phase"] == "backward"]
    assert [s["number"] for s in forward] == [s["number"] for s in backward][::-1]
    assert forward[0]["title"] == ("v1 = linear(x, weight=model.0.weight, bias=model.0.bias)")
    line = int(forward[0]["where"].rpartition(":")[2])
    assert session.program().split("\n")[line - 1].strip() == "loss = loss_of(model(x), y) + l1()"
    # 32 samples, 32 units, 32 weights: the row of the sample, and the whole weight
    assert forward[0]["lines"][1][2].count(",") == 31
    shapes = [s["lines"][1][2] for s in forward if "absolute(model.0.weight)" in s["title"]]
    assert shapes[0].count(",") == 63
    assert "Gradients of the leaves" in found["text"]


def test_the_gradient_that_comes_back_to_a_unit() -> None:
    session = Session(Settings.of(FEW | {"activation": "Identity"}))
    found = session.explain(0, 1, sample=2)["unit"]
    np.testing.assert_allclose(found["gradient"], found["gradient_of_output"], rtol=1e-5)
    np.testing.assert_allclose(found["output"], found["sum"], rtol=1e-5)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ((3, 0), "there are layers 0 to 2; got 3"),
        ((-1, 0), "there are layers 0 to 2; got -1"),
        ((0, 4), "layer 0 has units 0 to 3; got 4"),
        ((0, 0, 2), "layer 0 has inputs 0 to 1; got 2"),
    ],
)
def test_what_is_not_there_cannot_be_explained(asked: Any, message: str) -> None:
    session = Session(Settings.of(FEW))
    with pytest.raises(ArgumentError, match=message):
        session.explain(*asked)
    with pytest.raises(ArgumentError, match="the batch has samples 0 to 31; got 32"):
        session.explain(0, 0, sample=32)
