"""Every function of nn.functional is among the calls of tests/samples/functional.py."""

from __future__ import annotations

from samples import CALLS

import dlframe as dl

OURS = {"hinge_loss", "pad"}  # PyTorch has no hinge loss; pad is among the samples of shapes


def test_every_function_is_called() -> None:
    called = {c.name.removeprefix("nn.functional.") for calls in CALLS.values() for c in calls}
    names = set(dl.nn.functional.__all__) - OURS
    assert sorted(names - called) == []
