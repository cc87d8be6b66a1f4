"""Files of training are read while they grow, and whatever happens to them is named."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.training import CSVLogger, JSONLogger, Trainer
from dlframe.viz.watch import growing
from dlframe.viz.watch.growing import Growing


def line(epoch: int, **values: object) -> str:
    return json.dumps({"epoch": epoch, **values}) + "\n"


def loss_of(file: Growing) -> list[float]:
    return file.columns.values["loss"].tolist() if file.columns.values else []


def test_what_training_writes_is_read(tmp_path: Path) -> None:
    """All three files of one training have the same numbers, to the digit."""
    model = nn.Linear(2, 1)
    callbacks = [JSONLogger(tmp_path / "metrics.jsonl"), CSVLogger(tmp_path / "metrics.csv")]
    trainer = Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), [], callbacks)
    x = dl.randn(40, 2)
    history = trainer.fit(x, x.sum(dim=1, keepdim=True), validation_split=0.25, epochs=3)
    history.save(tmp_path / "history.json")
    for name in ("metrics.jsonl", "metrics.csv", "history.json"):
        file = Growing(tmp_path / name)
        assert file.refresh()
        assert file.fault == ""
        assert file.columns.epochs.tolist() == [1, 2, 3]
        assert {k: v.tolist() for k, v in file.columns.values.items()} == history.to_dict()
        assert math.isclose(file.columns.elapsed[-1], sum(history["seconds"]))
        assert not file.refresh(), "nothing is new"


def test_lines_are_read_when_they_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    file = Growing(path)
    assert file.refresh() is False or file.fault
    assert file.fault == "metrics.jsonl is not there any more"
    text = "".join(line(n, loss=1 / n) for n in range(1, 5))
    for end in range(len(text) + 1):
        path.write_text(text[:end])
        file.refresh()
        assert len(file.columns) == text[:end].count("\n")
        assert file.fault == ""
    with path.open("a") as more:
        more.write('{"epoch": 5, "lo')
    assert not file.refresh()
    with path.open("a") as more:
        more.write('ss": 0.125}\n')
    assert file.refresh()
    assert loss_of(file) == [1, 0.5, 1 / 3, 0.25, 0.125]
    assert file.generation <= 3


@pytest.mark.parametrize("how", ["shorter", "as long", "longer", "replaced", "gone and back"])
def test_a_file_written_anew_is_read_anew(tmp_path: Path, how: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, loss=1.0) + line(2, loss=2.0))
    file = Growing(path)
    file.refresh()
    before = file.generation
    new = {
        "shorter": line(1, loss=5.0),
        "as long": line(1, loss=1.0) + line(2, loss=3.0),
        "longer": line(1, loss=7.0) + line(2, loss=8.0) + line(3, loss=9.0),
    }.get(how, line(1, loss=4.0))
    if how == "replaced":
        other = tmp_path / "other"
        other.write_text(new)
        other.replace(path)
    elif how == "gone and back":
        path.unlink()
        assert file.refresh()
        assert (loss_of(file), file.fault) == ([], "metrics.jsonl is not there any more")
        path.write_text(new)
    else:
        path.write_text(new)
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 10))  # clocks of file systems are coarse
    assert file.refresh()
    assert loss_of(file) == [json.loads(one)["loss"] for one in new.splitlines()]
    assert file.generation > before
    assert file.fault == ""


WRONG = {
    "no JSON": (b"{epoch 2}\n", "line 2 has no numbers by name: {epoch 2}"),
    "no object": (b"[1, 2]\n", "line 2 is [1, 2]"),
    "no text": (b"\xff\xfe\x00\n", "line 2 is not a text"),
    "a word": (b'{"loss": "high"}\n', "line 2: loss is no number: high"),
    "control characters": (b"\x1b[2J\n", r"line 2 has no numbers by name: \x1b[2J"),
    "deep": (b"[" * 100_000 + b"\n", "line 2 has no numbers by name: [[[[[[[[[["),
    "deep numbers": (b'{"loss": ' + b"[" * 900 + b"]" * 900 + b"}\n", ""),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_line_is_named_and_those_after_it_are_read(tmp_path: Path, what: str) -> None:
    text, fault = WRONG[what]
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(line(1, loss=1.0).encode() + text + line(3, loss=3.0).encode())
    file = Growing(path)
    file.refresh()
    assert file.fault.startswith(f"metrics.jsonl: {fault}" if fault else "")
    assert (loss_of(file)[0], loss_of(file)[-1]) == (1.0, 3.0)
    assert len(file.fault) < 200
    assert file.fault.isprintable()


def test_numbers_of_any_kind(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        '{"epoch": 1, "loss": null, "f1": [0.5, 1.0], "n": 1' + "0" * 400 + "}\n"
        '{"epoch": 2, "loss": Infinity, "late": 3}\n\n'
        "{}\n"
    )
    file = Growing(path)
    file.refresh()
    assert file.fault == ""
    values = {name: column.tolist() for name, column in file.columns.values.items()}
    np.testing.assert_equal(
        values,
        {
            "loss": [math.nan, math.inf, math.nan],
            "f1[0]": [0.5, math.nan, math.nan],
            "f1[1]": [1.0, math.nan, math.nan],
            "n": [math.inf, math.nan, math.nan],
            "late": [math.nan, 3.0, math.nan],
        },
    )
    assert file.columns.epochs.tolist() == [1, 2, 3]


def test_a_csv_file_with_a_mark_of_its_coding_and_missing_fields(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_bytes(b"\xef\xbb\xbfepoch,loss,acc\n1,0.5,\n2,0.25,0.75\n3,x,1\n4")
    file = Growing(path)
    file.refresh()
    assert loss_of(file)[:2] == [0.5, 0.25]
    assert file.columns.values["acc"].tolist()[1:] == [0.75, 1.0]
    assert file.fault == "metrics.csv: line 4: loss is no number: x"


def test_too_much_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, **{f"q{i}": i for i in range(300)}))
    file = Growing(path)
    file.refresh()
    assert len(file.columns.values) == growing.MOST_COLUMNS
    assert file.columns.left_out == 100
    path.write_bytes(b"x" * (growing.LONGEST_LINE + 10))
    file.refresh()
    assert "is longer than" in file.fault
    history = tmp_path / "history.json"
    for text, fault in [
        ("{", "it is not JSON"),
        ("[1]", "it has no lists by name"),
        ('{"loss": 1}', "it has no lists by name"),
        ('{"loss": ["a"]}', "it has lists, but: loss is no number"),
    ]:
        history.write_text(text)
        whole = Growing(history)
        whole.refresh()
        assert f"history.json: {fault}" in whole.fault
        assert len(whole.columns) == 0
    monkeypatch.setattr(growing, "LARGEST_FILE", 5)
    whole = Growing(history)
    whole.refresh()
    assert "larger than" in whole.fault


def test_a_file_that_may_not_be_read_or_is_none(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    file = Growing(tmp_path / "metrics.jsonl")
    assert file.refresh()
    assert file.fault == "metrics.jsonl cannot be read: it is no file"
    assert not file.refresh()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "metrics.csv")
        file = Growing(tmp_path / "metrics.csv")
        assert file.refresh()
        assert file.fault == "metrics.csv cannot be read: it is no file"
    (tmp_path / "a.jsonl").symlink_to("a.jsonl")
    file = Growing(tmp_path / "a.jsonl")
    assert file.refresh()
    assert "a.jsonl cannot be read: " in file.fault


@pytest.mark.slow  # writes and reads 100 MB
def test_a_file_of_100_mb(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    one = "".join(line(n, loss=1 / n, val_loss=2 / n, seconds=0.5) for n in range(1, 5001))
    path.write_text(one * (100_000_000 // len(one)))
    file = Growing(path)
    rounds = 0
    while not rounds or file.more:
        file.refresh()
        rounds += 1
    assert rounds >= 100_000_000 // growing.AT_ONCE
    assert len(file.columns) == 5000 * (100_000_000 // len(one))
    with path.open("a") as more:
        more.write(line(1, loss=0.0))
    assert file.refresh()
    assert loss_of(file)[-1] == 0.0
