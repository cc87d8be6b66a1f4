"""What the package lists, and that every kernel computes."""

from __future__ import annotations

from pathlib import Path

import pytest
from dlframe import kernels, ops, optim, plugins

import dlframe_numba

ENTRIES = [e for e in kernels.installed() if e.package == "dlframe-numba"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_name_is_one_of_dlframe_and_loads(entry):
    known = {"moments", *ops.__all__, *optim.__all__}
    assert entry.name in known
    kernel = plugins.get("kernels", entry.name)
    assert isinstance(kernel, kernels.Kernel)


def test_the_version_is_that_of_the_package():
    assert {e.version for e in ENTRIES} == {dlframe_numba.__version__}


def test_every_file_is_short():
    for file in Path(dlframe_numba.__file__).parent.glob("*.py"):
        assert len(file.read_text("utf-8").splitlines()) <= 450, file.name
