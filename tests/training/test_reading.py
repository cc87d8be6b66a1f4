"""Histories read from the files that training writes."""

from __future__ import annotations

import csv
import json
import math

import pytest

from dlframe import nn, optim
from dlframe.errors import FileFormatError
from dlframe.metrics import Accuracy, Recall
from dlframe.training import CSVLogger, History, JSONLogger, Trainer, read_history


@pytest.fixture
def run(tmp_path):
    """The history of a run that wrote all three kinds of file; one number of it is not finite."""
    import dlframe as dl

    model = nn.Linear(3, 2)
    loggers = [JSONLogger(tmp_path / "metrics.jsonl"), CSVLogger(tmp_path / "metrics.csv")]
    metrics = [Accuracy(), Recall("per_class")]
    sgd = optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, nn.CrossEntropyLoss(), sgd, metrics, loggers)
    data = dl.randn(12, 3), dl.arange(12) % 2
    history = trainer.fit(data, data, epochs=3, progress=False)
    history.save(tmp_path / "history.json")
    return tmp_path, history


@pytest.mark.parametrize("name", ["metrics.jsonl", "metrics.csv", "history.json"])
def test_every_file_of_a_run_gives_its_history(run, name):
    folder, history = run
    assert read_history(folder / name).to_dict() == history.to_dict()


def test_a_folder_gives_the_history_of_its_first_file(run):
    folder, history = run
    (folder / "metrics.csv").write_text("loss\n7\n")
    assert read_history(folder).to_dict() == history.to_dict()
    (folder / "metrics.jsonl").unlink()
    assert read_history(str(folder))["loss"] == [7.0]


def test_what_is_missing_or_not_finite_is_nan(tmp_path):
    history = History()
    history.append({"loss": 1.0})
    history.append({"loss": math.inf, "val_loss": 2.0})
    history.save(tmp_path / "history.json")
    found = read_history(tmp_path)
    assert found["loss"][0] == 1.0
    assert math.isnan(found["loss"][1])
    assert math.isnan(found["val_loss"][0])
    with (tmp_path / "metrics.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["epoch", "loss", "f1"], [1, "", "[1.0, null]"]])
    found = read_history(tmp_path / "metrics.csv")
    assert math.isnan(found["loss"][0])
    assert found["f1"][0][0] == 1.0
    assert math.isnan(found["f1"][0][1])


def test_half_a_line_at_the_end_is_left_out(run):
    folder, history = run
    file = folder / "metrics.jsonl"
    whole = file.read_text()
    for cut in range(len(whole)):
        file.write_text(whole[:cut])
        epochs = whole[:cut].count("\n")
        expected = {name: column[:epochs] for name, column in history.items()} if epochs else {}
        assert read_history(file).to_dict() == expected


HOSTILE = {
    "a.jsonl": "{}\n[1]\n",
    "b.jsonl": "not json\n",
    "c.jsonl": '{"loss": "low"}\n',
    "d.jsonl": '{"loss": {"a": 1}}\n',
    "e.jsonl": '{"loss": true}\n',
    "f.json": "[]",
    "g.json": '{"loss": 1}',
    "h.json": '{"loss": [1], "accuracy": [1, 2]}',
    "i.json": "[" * 100_000,
    "j.csv": "loss\nlow\n",
    "k.csv": "loss\n[1\n",
    "l.csv": "loss\n1,2,3\n4\nx\n",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_other_files_are_refused_by_name(tmp_path, name):
    (tmp_path / name).write_text(HOSTILE[name])
    with pytest.raises(FileFormatError, match=rf"{name} has no history of training: "):
        read_history(tmp_path / name)


def test_bytes_and_empty_folders_are_refused(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\x00\x01\n")
    with pytest.raises(FileFormatError, match="it is not a text"):
        read_history(tmp_path / "x.jsonl")
    with pytest.raises(FileNotFoundError, match="is it a run's folder"):
        read_history(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_history(tmp_path / "none.jsonl")


def test_json_numbers_keep_all_digits(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"epoch": 1, "loss": 0.1 + 0.2}) + "\n")
    assert read_history(tmp_path)["loss"] == [0.1 + 0.2]
