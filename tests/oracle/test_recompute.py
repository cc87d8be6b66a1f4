"""Gradient hooks around activation checkpoints, beside PyTorch."""

from __future__ import annotations

import functools

import pytest
from samples.checkpoints import HOOKS

from dlframe.utils.checkpoint import checkpoint

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_run_as_pytorchs(agree, name):
    from torch.utils.checkpoint import checkpoint as theirs

    def program(lib):
        part = functools.partial(theirs, use_reentrant=False) if lib is torch else checkpoint
        return HOOKS[name](lib, part)

    agree(program)
