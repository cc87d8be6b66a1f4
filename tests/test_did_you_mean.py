"""A misspelt name gets Python's own AttributeError, with the suggestion that Python makes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import dlframe as dl
from dlframe import nn

ROOT = Path(__file__).resolve().parent.parent

MISTAKES = [
    ("dl.ones(2).reshpae(1)", "'Tensor' object has no attribute 'reshpae'", "reshape"),
    ("dl.ones(2).requries_grad", "'Tensor' object has no attribute", "requires_grad"),
    ("dl.reshpae", "module 'dlframe' has no attribute 'reshpae'", "reshape"),
    ("dl.autograd.detect_anomally", "module 'dlframe.autograd' has no attribute", "detect_anomaly"),
    ("dl.nn.Liner(1, 2)", "module 'dlframe.nn' has no attribute 'Liner'", "Linear"),
    ("dl.nn.functional.sofmax", "has no attribute 'sofmax'", "softmax"),
    ("dl.nn.Linear(1, 2).wieght", "'Linear' object has no attribute 'wieght'", "weight"),
]


@pytest.mark.parametrize(("code", "message", "meant"), MISTAKES, ids=lambda text: text[:24])
def test_the_traceback_suggests_the_name_that_was_meant(
    code: str, message: str, meant: str
) -> None:
    command = [sys.executable, "-c", f"import dlframe as dl\n{code}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert message in last
    assert f"Did you mean: '{meant}'?" in last


@pytest.mark.parametrize("thing", [dl, dl.ones(2), nn.Linear(1, 2), nn], ids=["dl", "x", "l", "nn"])
def test_the_error_is_pythons_own(thing: object) -> None:
    with pytest.raises(AttributeError) as caught:
        thing.qqq  # type: ignore[attr-defined] # wrong on purpose
    assert type(caught.value) is AttributeError
    assert caught.value.name == "qqq"
    assert caught.value.obj is thing


def test_dir_lists_what_can_be_had() -> None:
    assert {"reshape", "explain", "shape", "add_"} <= set(dir(dl.ones(2)))
    assert {"weight", "bias", "forward", "parameters"} <= set(dir(nn.Linear(1, 2)))
    assert {"softmax", "autograd", "data", "Trainer"} <= set(dir(dl))
    for name in dir(dl):
        getattr(dl, name)
