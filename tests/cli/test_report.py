"""`dlframe report`: the page of a run of `dlframe train`, also where parts of the run are gone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlframe.cli import main

pytest.importorskip("matplotlib", reason="comes with the viz extra")

Run = Callable[..., Path]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("digits") / "run"
    words = "train --data digits --model mlp --hidden 16 --epochs 2 --limit 200 --no-pictures --out"
    assert main([*words.split(), str(run)]) == 0
    return run


def accuracy_in(text: str) -> list[str]:
    return re.findall(r"<span>accuracy</span><b>([\d.]+)</b>", text)


def test_the_page_has_what_evaluate_prints(
    digits: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["evaluate", str(digits)]) == 0
    printed = re.search(r"test accuracy (\S+) ", capsys.readouterr().out)
    assert printed
    out = tmp_path / "page.html"
    assert main(["report", str(digits), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{out}: ")
    assert said.err == ""
    text = out.read_text("utf-8")
    assert accuracy_in(text) == [printed[1]]
    assert "<h1>mlp on digits</h1>" in text
    assert f"dlframe evaluate {digits}" in text
    assert text.count("<img ") == 5


def test_other_parts_of_the_data(digits: Path, tmp_path: Path) -> None:
    found = {}
    for part, samples in (("validation", 142), ("training", 200)):
        out = tmp_path / f"{part}.html"
        assert main(["report", str(digits), "--data", part, "--out", str(out)]) == 0
        text = out.read_text("utf-8")
        assert f"on {samples} samples ({part} set)" in text
        found[part] = accuracy_in(text)
    assert found["validation"] != found["training"]


def test_no_data(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(digits / "checkpoints" / "best.h5"), "--data", "none"]) == 0
    text = (digits / "report.html").read_text("utf-8")
    assert 'id="curves"' in text
    assert 'id="results"' not in text
    assert "Results: no data were given" in capsys.readouterr().err


def test_without_checkpoints(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "metrics.jsonl").write_bytes((digits / "metrics.jsonl").read_bytes())
    assert main(["report", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "left out: the model: the folder" in said.err
    assert 'id="curves"' in (tmp_path / "report.html").read_text("utf-8")


def test_data_that_are_not_there(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "moved"
    table = tmp_path / "points.csv"
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{int(a > b)}" for a, b in rng.random((60, 2))]
    table.write_text("a,b,larger\n" + "\n".join(rows) + "\n")
    words = ["train", "--data", str(table), "--epochs", "1", "--no-pictures", "--quiet"]
    assert main([*words, "--out", str(run)]) == 0
    table.unlink()
    capsys.readouterr()
    assert main(["report", str(run)]) == 0
    assert "left out: the data: " in capsys.readouterr().err
    assert 'id="curves"' in (run / "report.html").read_text("utf-8")


def test_numbers_are_in_their_own_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    table = tmp_path / "houses.csv"
    rows = [f"{a:.3f},{1000 * a + 10 * rng.random():.2f}" for a in rng.random(200)]
    table.write_text("size,price\n" + "\n".join(rows) + "\n")
    words = ["train", "--data", str(table), "--epochs", "2", "--no-pictures", "--quiet"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    printed = re.search(r"mean absolute error (\S+),", capsys.readouterr().out)
    assert printed
    assert main(["report", str(tmp_path / "run")]) == 0
    text = (tmp_path / "run" / "report.html").read_text("utf-8")
    shown = re.search(r"<span>mean absolute error</span><b>([\d.,]+)</b>", text)
    assert shown
    assert float(shown[1].replace(",", "")) == pytest.approx(float(printed[1]), rel=1e-3)


def test_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none")]) == 2
    assert main(["report", str(tmp_path)]) == 1
    assert "has none of metrics.jsonl" in capsys.readouterr().err
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"epoch": 1, "loss": 0.5}) + "\n")
    assert main(["report", str(tmp_path), "--data", "tests"]) == 2
    assert "Did you mean 'test'" in capsys.readouterr().err
