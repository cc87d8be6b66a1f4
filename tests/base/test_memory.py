"""Memory that a step frees stays in the process, unless the user decided otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dlframe.base import memory

_VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")

# page faults of ten steps after five, each of which makes and frees some 16 MB
_STEPS = """
import resource
import dlframe as dl
x = dl.ones(1000, 1000, requires_grad=True)
def step():
    (x * 2 + x.tanh()).sum().backward()
    x.grad = None
for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(**variables: str) -> int:
    clean = {k: v for k, v in os.environ.items() if k not in _VARIABLES}
    run = [sys.executable, "-c", _STEPS]
    result = subprocess.run(
        run, env=clean | variables, capture_output=True, text=True, timeout=120, check=True
    )
    return int(result.stdout)


needs_gnu = pytest.mark.skipif(
    not memory.keep_freed(), reason="the C library is not GNU's, or its settings are the user's"
)


@needs_gnu
def test_steps_touch_no_new_pages_once_they_have_begun() -> None:
    assert _faults() < 500  # of some 40,000 pages


@needs_gnu
def test_settings_of_the_user_are_respected() -> None:
    assert _faults(MALLOC_MMAP_THRESHOLD_="100000") > 10_000


@pytest.mark.parametrize("name", _VARIABLES)
def test_nothing_is_set_where_the_user_did(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    assert not memory.keep_freed()


def test_other_c_libraries_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "confstr", lambda name: (_ for _ in ()).throw(ValueError(name)))
    assert not memory.keep_freed()
