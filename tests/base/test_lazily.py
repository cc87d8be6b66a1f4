"""Packages that import their modules on first use."""

from __future__ import annotations

import math
import sys

import pytest

import dlframe as dl
from dlframe import ops


def test_a_module_does_not_take_the_name_of_the_function_in_it() -> None:
    function = ops.erf
    ops.erf = sys.modules["dlframe.ops.erf"]  # as Python does when it imports the module
    assert callable(function)
    assert ops.erf is function


def test_any_other_module_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dl, "relu", math)
    assert dl.relu is math
