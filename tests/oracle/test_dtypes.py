"""The recorded promotion of dtypes is PyTorch's."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
from make_dtypes import tables  # noqa: E402 - the folder is no package


def test_the_recorded_tables_are_pytorchs() -> None:
    recorded = json.loads((GOLDEN / "dtypes.json").read_text("utf-8"))
    assert recorded == tables(torch)
