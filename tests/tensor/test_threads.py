from __future__ import annotations

import pytest

import dlframe as dl
from dlframe.errors import ArgumentError


def test_set_and_get():
    before = dl.get_num_threads()
    try:
        dl.set_num_threads(1)
        assert dl.get_num_threads() == 1
    finally:
        dl.set_num_threads(before)
    assert dl.get_num_threads() == before


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2"])
def test_only_positive_integers(wrong):
    with pytest.raises(ArgumentError, match="positive integer"):
        dl.set_num_threads(wrong)
