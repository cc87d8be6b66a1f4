"""Tables, verdicts and files of a study, and its page."""

from __future__ import annotations

import csv
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlframe.errors import ArgumentError
from dlframe.study import Explanation, Results, Study, outputs, statistics
from dlframe.study.report import differences

NOISE = np.random.default_rng(0).normal(0, 0.01, 40)


def run(seeds: Any, arm: str = "plain", measure: str = "score") -> dict[str, Any]:
    """Which of them is <best>?"""
    if arm == "breaks" and seeds.run == 2:
        raise ValueError("<script>alert(1)</script>")
    gain = {"plain": 0.0, "same": 0.001, "good": 0.05, "bad": -0.05, "breaks": 0.2}[arm]
    own = NOISE[seeds.run + 20] * (arm != "plain")
    score = 0.8 + NOISE[seeds.run] + gain + own
    return {"score": score, "loss": [1.0, 0.5, 1 - score]}


def results(*arms: str, seeds: int = 8, **options: Any) -> Results:
    study = Study(run, {"arm": list(arms)}, measure="score", seeds=seeds, **options)
    return study.run(workers=1)


def test_the_table_compares_pairs() -> None:
    found = results("plain", "same", "good", "bad")
    rows = {row.arm: row for row in found.table()}
    assert {arm: row.verdict for arm, row in rows.items()} == {
        "plain": "", "same": "undecided", "good": "better", "bad": "worse",
    }  # fmt: skip
    values = found.values()
    difference = np.subtract(values["good"], values["plain"])
    comparison = rows["good"].comparison
    assert comparison is not None
    assert comparison.difference == statistics.estimate(difference)
    p = statistics.holm([statistics.sign_flip(np.subtract(values[arm], values["plain"]))
                         for arm in ("same", "good", "bad")])  # fmt: skip
    assert [rows[arm].p for arm in ("same", "good", "bad")] == pytest.approx(p)


def test_lower_is_better_for_losses() -> None:
    rows = {row.arm: row for row in results("plain", "good").table("loss")}
    assert rows["good"].verdict == "better"
    rows = {row.arm: row for row in results("plain", "good", mode="min").table()}
    assert rows["good"].verdict == "worse"


def test_another_reference() -> None:
    rows = results("plain", "good").table(against="good")
    assert [row.verdict for row in rows] == ["worse", ""]


def test_no_winner_where_a_run_failed() -> None:
    row = results("plain", "breaks").table()[1]
    assert (row.finished, row.runs, row.verdict) == (7, 8, "undecided")


def test_one_seed_decides_nothing() -> None:
    row = results("plain", "good", seeds=1).table()[1]
    assert row.verdict == "undecided"
    assert row.comparison is None


def test_unknown_names_are_refused() -> None:
    found = results("plain", "good")
    with pytest.raises(ArgumentError, match="mean 'score'"):
        found.table("scor")
    with pytest.raises(ArgumentError, match="no arm 'best'"):
        found.table(against="best")


def test_the_csv_has_a_row_for_each_run(tmp_path: Path) -> None:
    found = results("plain", "breaks", seeds=3)
    found.to_csv(tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert set(rows[0]) == {"arm", "seed", "status", "score", "loss", "cpu_seconds"}
    assert [row["status"] for row in rows] == ["done"] * 5 + ["failed"]
    assert float(rows[0]["score"]) == found.values()["plain"][0]
    assert rows[-1]["score"] == ""


def test_the_latex_table_escapes_names(tmp_path: Path) -> None:
    def named(seeds: Any, rate: float = 0.0) -> dict[str, float]:
        return {"val_accuracy": rate + NOISE[seeds.run]}

    study = Study(named, {"rate": {"50 % & _": 0.5, "none": 0.0}}, measure="val_accuracy")
    text = study.run(workers=1).to_latex(tmp_path / "table.tex")
    assert r"rate 50 \% \& \_ & 5 &" in text
    assert text.count(r"\\") == 3
    assert (tmp_path / "table.tex").read_text() == text


def errors(seeds: Any, size: float = 1e-9) -> dict[str, Any]:
    """Does `size` matter?"""
    error = size * (1 + 0.1 * seeds.run)
    return {"error": error, "val_loss": [1.0, 1e-3, error], "accuracy": [0.1, 0.5, 0.9]}


def test_tiny_and_huge_numbers_keep_their_digits(tmp_path: Path) -> None:
    sizes = {"tiny": 1e-9, "wide <b>": 3e-12, "huge": 5e9}
    found = Study(errors, {"size": sizes}, measure="error", mode="min", seeds=3).run(workers=1)
    shown = page(found, tmp_path / "report.html")
    rows = {row[0]: row for row in shown.rows if len(row) == 7}
    assert rows["size tiny"][2:4] == ["1.10e−9 [0.85e−9, 1.35e−9]", "1e−10"]
    assert rows["size huge"][2] == "5.5e9 [4.3e9, 6.7e9]"
    tex = found.to_latex()
    assert r"$1.10\times10^{-9}$ [$0.85\times10^{-9}$, $1.35\times10^{-9}$]" in tex
    assert r"& $-1.10\times10^{-9}$ [" in tex  # a minus, and not a hyphen
    assert "size wide $<$b$>$" in tex


# --- the page ----------------------------------------------------------------------------------


class Page(HTMLParser):
    """The text of a page, its tags, and the cells of its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.inside.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self.inside or "style" in self.inside:
            return
        self.text += data
        if {"td", "th"} & set(self.inside):
            self.rows[-1][-1] += data


def page(found: Results, path: Path, **options: Any) -> Page:
    found.report(path, **options)
    return Page(path.read_text("utf-8"))


def test_the_page_says_what_is_decided_and_what_is_not(tmp_path: Path) -> None:
    found = results("plain", "same", "good", "breaks")
    shown = page(found, tmp_path / "report.html", command="dlframe study arms.py")
    assert "Which of them is <best>?" in shown.text
    assert "good is better than plain" in shown.text
    assert "same: undecided" in shown.text
    assert "more seeds would probably decide it" in shown.text
    assert "1 of 8 runs of breaks gave no number" in shown.text
    assert "<script>alert(1)</script>" in shown.text  # as text
    assert "dlframe study arms.py" in shown.text
    rows = {row[0]: row for row in shown.rows if len(row) == 7}
    value = found.table()[2]
    assert value.estimate is not None
    assert rows["good"][2].startswith(f"{value.estimate.mean:.4f} [")
    assert rows["good"][6] == "better"
    assert rows["plain"][6] == "reference"
    assert rows["breaks"][1] == "7 of 8"
    assert shown.tags.count("h1") == 1


def test_the_page_of_runs_that_all_failed(tmp_path: Path) -> None:
    def fails(seeds: Any, level: int = 0) -> dict[str, float]:
        raise ZeroDivisionError("nothing")

    study = Study(fails, {"level": [0, 1]}, measure="score", seeds=2)
    with pytest.warns(UserWarning, match="none of 4 runs gave a number; the first: Zero"):
        found = study.run(workers=1)
    shown = page(found, tmp_path / "report.html")
    assert "2 of 2 runs of level" in shown.text
    assert "ZeroDivisionError: nothing" in shown.text


def test_the_picture_of_differences() -> None:
    found = results("plain", "same", "good")
    rows = found.table()
    axes = differences(rows, "score", "plain").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["same", "good"]
    lines = [
        line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_ydata()[0] in (0, 1)
    ]
    ends = [line.get_xdata() for line in lines if line.get_ydata()[0] == line.get_ydata()[1]]
    for (low, high), row in zip(ends, rows[1:], strict=True):
        assert row.comparison is not None
        assert (low, high) == (row.comparison.difference.low, row.comparison.difference.high)
    filled = [line.get_markerfacecolor() for line in axes.lines if len(line.get_xdata()) == 1]
    assert filled[0] == "white"
    assert filled[1] != "white"


@pytest.mark.slow
def test_identical_arms_are_told_apart_as_rarely_as_promised() -> None:
    """800 studies of equal arms: intervals hold the truth, at most 5 % false alarms."""
    seed = 20261130
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    alarms = covered = 0
    for _ in range(800):
        common, own = random.normal(0.9, 0.02, 8), random.normal(0, 0.01, (2, 8))
        found = statistics.compare(common + own[0], common + own[1])
        covered += found.difference.low <= 0 <= found.difference.high
        alarms += found.decided and found.p <= 0.05
    assert 0.93 <= covered / 800 <= 0.97
    assert alarms / 800 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 800)


@pytest.mark.slow
def test_the_runner_keeps_its_promises_in_trainings() -> None:
    """A hundred studies of arms that differ by chance alone; 400 of them are in the page."""
    from dlframe.study.experiments import alike

    found = alike.checked(alike.alike.changed(seeds=100 * alike.PAIRS).run(workers=1))
    assert found["studies"] == 100
    within = 4 * found["error"]  # of three numbers, one in ten thousand is farther off by chance
    assert abs(found["covers"] - 0.95) < within
    assert abs(found["covers_mean"] - 0.95) < within
    assert found["alarms"] < 0.05 + within


def test_many_arms_get_few_sentences_and_each_factor_its_charts(tmp_path: Path) -> None:
    def varied(seeds: Any, width: int = 1, depth: int = 1) -> dict[str, Any]:
        value = 0.5 + NOISE[seeds.run + width] + NOISE[seeds.run + depth + 8]
        return {"val_accuracy": [0.1, value], "loss": [1.0, 0.5], "lr": [0.1, 0.1]}

    study = Study(
        varied, {"width": [1, 2, 3, 4, 5], "depth": [1, 2, 3, 4, 5]}, measure="val_accuracy",
        design="one at a time", seeds=4,
    )  # fmt: skip
    path = tmp_path / "report.html"
    shown = page(study.run(workers=1), path)
    assert shown.text.count("Undecided") == 1
    assert shown.tags.count("li") < 6
    assert "about so many more seeds" in shown.text.lower()
    charts = [json.loads(text) for text in re.findall(r'"application/json">(.*?)</script>',
                                                      path.read_text("utf-8"))]  # fmt: skip
    names = [[series["name"] for series in chart["series"]] for chart in charts]
    assert names[0] == ["baseline", *(f"width {n}" for n in range(2, 6))]
    assert names[-1] == ["baseline", *(f"depth {n}" for n in range(2, 6))]
    assert [chart["yLabel"] for chart in charts] == ["val_accuracy", "loss"] * 2


def test_curves_over_many_powers_of_ten_have_a_logarithmic_axis(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    page(Study(errors, {"size": [1e-9, 1e-8]}, measure="error", seeds=2).run(workers=1), path)
    charts = [json.loads(text) for text in re.findall(r'"application/json">(.*?)</script>',
                                                      path.read_text("utf-8"))]  # fmt: skip
    assert {one["yLabel"]: one["logY"] for one in charts} == {"val_loss": True, "accuracy": False}


def test_words_between_backticks_are_code_and_lists_of_arms_can_be_read(tmp_path: Path) -> None:
    def equal(seeds: Any, a: int = 1, b: int = 1) -> dict[str, float]:
        return {"accuracy": 0.5}

    study = Study(equal, {"a": [1, 2, 3], "b": [1, 2, 3]}, measure="accuracy", seeds=2)
    shown = page(study.run(workers=1), tmp_path / "report.html", asked="Is `a` better?")
    assert "Is a better?" in shown.text
    assert "a 1, b 2; a 1, b 3; a 2, b 1" in shown.text  # the names of arms have commas


def test_the_numbers_are_kept_if_an_explanation_raises(tmp_path: Path) -> None:
    def parts(found: Any) -> list[Any]:
        raise KeyError("a drawing")

    found = {"study": results("plain", "good", seeds=2)}
    with pytest.raises(KeyError):
        outputs.write(tmp_path, found, explanation=Explanation("", "", [], parts))
    assert (tmp_path / "results.csv").is_file()
    assert (tmp_path / "table.tex").is_file()


def test_a_measure_with_the_name_of_a_factor_has_a_column_of_its_own() -> None:
    def scheduled(seeds: Any, lr: float = 0.1) -> dict[str, Any]:
        return {"score": lr, "lr": [lr, lr / 10]}

    rows = Study(scheduled, {"lr": [0.1, 0.2]}, measure="score", seeds=1).run(workers=1).rows()
    assert [row["lr"] for row in rows] == ["0.1", "0.2"]
    assert [row["measured lr"] for row in rows] == [0.01, 0.02]


def test_arms_that_differ_by_rounding_alone_are_equal() -> None:
    def rounded(seeds: Any, a: int = 1) -> dict[str, float]:
        return {"accuracy": 0.1 + 0.2 if (seeds.run + a) % 2 else 0.3}

    row = Study(rounded, {"a": [1, 2]}, measure="accuracy", seeds=6).run(workers=1).table()[1]
    assert (row.verdict, row.p) == ("undecided", 1.0)
