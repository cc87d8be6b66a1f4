"""Whole networks train as under PyTorch, whose losses are recorded: ten steps from one seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samples.architectures import NETWORKS, make, train

import dlframe as dl

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "architectures.json"


@pytest.mark.parametrize("name", NETWORKS)
def test_ten_steps_give_pytorchs_losses(name: str) -> None:
    want = json.loads(GOLDEN.read_text("utf-8"))[name]
    assert train(make(name, dl), dl) == pytest.approx(want, rel=1e-6)
