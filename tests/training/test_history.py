from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from dlframe.errors import ArgumentError
from dlframe.training import History
from dlframe.training.callbacks.monitor import better, infer_mode, mode_of
from dlframe.training.history import plain


def test_a_quantity_that_comes_later_is_nan_before() -> None:
    history = History()
    history.append({"loss": 1.0})
    history.append({"loss": 0.5, "val_loss": 0.75})
    history.append({"val_loss": 0.5})
    assert history["loss"][:2] == [1.0, 0.5]
    assert math.isnan(history["loss"][2])
    assert math.isnan(history["val_loss"][0])
    assert history.epochs == 3
    assert dict(history).keys() == {"loss", "val_loss"}


def test_records_and_json(tmp_path: Path) -> None:
    history = History({"loss": [1.0, math.nan], "f1": [[0.5, 1.0], [0.25, 0.5]]})
    assert history.records()[0] == {"epoch": 1, "loss": 1.0, "f1": [0.5, 1.0]}
    history.save(tmp_path / "history.json")
    text = (tmp_path / "history.json").read_text()
    assert json.loads(text) == {"loss": [1.0, None], "f1": [[0.5, 1.0], [0.25, 0.5]]}


def test_best_follows_the_name_and_passes_over_nan() -> None:
    history = History(
        {"val_loss": [math.nan, 0.5, 0.25, 0.5], "val_accuracy": [0.5, 0.75, 0.75, 0]}
    )
    assert history.best("val_loss") == (3, 0.25)
    assert history.best("val_accuracy") == (2, 0.75)
    assert history.best("val_accuracy", mode="min") == (4, 0)
    with pytest.raises(ValueError, match="no value that is a number"):
        History({"loss": [math.nan]}).best("loss")


def test_unknown_names() -> None:
    with pytest.raises(KeyError, match="Did you mean 'val_loss'"):
        History({"loss": [1.0], "val_loss": [1.0]})["valloss"]
    assert "lr" not in History()
    with pytest.raises(ArgumentError, match='pass mode="min" or mode="max"'):
        History({"lr": [1.0]}).best("lr")
    with pytest.raises(ArgumentError, match='mode must be "min" or "max"'):
        History({"lr": [1.0]}).best("lr", "highest")


def test_values_are_copied() -> None:
    column = [1.0]
    history = History({"loss": column})
    history.append({"loss": 2.0})
    history.to_dict()["loss"].append(3.0)
    assert column == [1.0]
    assert history["loss"] == [1.0, 2.0]


@pytest.mark.parametrize(
    "name", ["loss", "val_loss", "top1_error", "perplexity", "rmse", "val_mae", "seconds"]
)
def test_low_is_good(name: str) -> None:
    assert infer_mode(name) == "min"


@pytest.mark.parametrize("name", ["accuracy", "val_f1_macro", "top5_accuracy", "auc", "val_r2"])
def test_high_is_good(name: str) -> None:
    assert infer_mode(name) == "max"


@pytest.mark.parametrize("name", ["lr", "confusion_matrix", "accuracy_loss"])
def test_no_guess_where_the_name_does_not_tell(name: str) -> None:
    assert mode_of(name) is None
    with pytest.raises(ArgumentError):
        infer_mode(name)


def test_better() -> None:
    assert better(0.5, None, "min")
    assert better(0.5, 0.6, "min")
    assert not better(0.5, 0.5, "min")
    assert not better(0.5, 0.6, "min", min_delta=0.1)
    assert better(0.7, 0.6, "max", min_delta=0.05)
    assert not better(math.nan, None, "max")


def test_plain() -> None:
    assert plain({"a": (1, math.inf), 2: {"b": "x"}}) == {"a": [1, None], "2": {"b": "x"}}


def test_a_picture_and_a_table(tmp_path: Path) -> None:
    history = History()
    for epoch in range(40):
        history.append({"loss": 1 / (epoch + 1), "<b>": math.nan, "matrix": [[1, 0], [0, 1]]})
    assert history.epoch == list(range(1, 41))
    table = history._repr_html_()
    assert table.count("<tr>") == 31
    assert "10 earlier epochs" in table
    assert "&lt;b&gt;" in table
    assert "matrix" not in table
    right = '<td style="text-align:right">'
    assert f"{right}0.025</td>{right}</td>" in table
    assert table.count("<polyline") == 1
    assert "loss (solid), from 0.025 to 1<" in table
    assert "<polyline" not in History({"loss": [], "accuracy": [], "lists": []})._repr_html_()
    pytest.importorskip("matplotlib")
    figure = history.plot(["loss"], title="A run", path=tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 1000
    assert figure.axes
