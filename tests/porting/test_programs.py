"""The programs in tests/programs print under `dlframe run` what PyTorch printed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from samples.printed import differing_lines

TESTS = Path(__file__).resolve().parents[1]
PROGRAMS = sorted(file.stem for file in (TESTS / "programs").glob("*.py"))
QUICK = {"boilerplate", "maml", "old_style", "word_vectors"}


def run(name: str) -> list[str]:
    path = os.pathsep.join([str(TESTS.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "dlframe", "run", str(TESTS / "programs" / f"{name}.py")],
        capture_output=True, text=True, check=False, timeout=200,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in PROGRAMS]
)
def test_it_prints_what_pytorch_printed(name: str) -> None:
    wanted = (TESTS / "golden" / "programs" / f"{name}.txt").read_text().splitlines()
    assert differing_lines(wanted, run(name)) == []


def test_every_program_has_what_pytorch_printed() -> None:
    assert sorted(f.stem for f in (TESTS / "golden" / "programs").glob("*.txt")) == PROGRAMS


@pytest.mark.parametrize(
    "wanted, found, same",
    [
        ("loss 0.1234", "loss 0.1234", True),
        ("loss 1.2345", "loss 1.2349", True),
        ("loss 1.2345", "loss 1.2445", False),
        ("loss 0.0001", "loss 0.0002", True),  # the last place that is printed
        ("loss 0.0001", "loss 0.0004", False),
        ("12 of 20", "13 of 20", False),
        ("7.38295e-01", "7.38296e-01", True),
        ("7.38295e-01", "7.38295e-02", False),
        ("[-0.5, 0.25]", "[ 0.5, 0.25]", False),
        ("[[-0.59115493]", "[[-0.5911546 ]", True),  # numbers are padded to the longest
        ("abc", "abd", False),
        ("mlp3 nan", "mlp3 1.0", False),
    ],
)
def test_lines_are_the_same_up_to_small_differences(wanted: str, found: str, same: bool) -> None:
    assert (differing_lines([wanted], [found]) == []) is same


def test_a_line_that_lacks_is_a_difference() -> None:
    assert differing_lines(["a", "b"], ["a"]) == [("b", "(no line)")]
