"""The page of the study of MNIST, from digits: its parts, and the lines of code that it shows."""

from __future__ import annotations

import inspect

import pytest

from dlframe.study.experiments import mnist
from dlframe.study.experiments.mnist import pictures, three_ways

WAYS = {
    "fit": [three_ways.by_fit],
    "a loop": [three_ways.by_loop],
    "by hand": [three_ways.by_hand, three_ways.Dense],
}


@pytest.mark.parametrize("what", pictures.LINES)
def test_lines_that_are_shown_are_in_the_functions(what: str) -> None:
    for way, text in pictures.LINES[what].items():
        source = "\n".join(inspect.getsource(part) for part in WAYS[way])
        assert all(line in source for line in text.split("; "))


def test_the_page_has_its_pictures_from_digits() -> None:
    small = {"seeds": 1, "baseline": {"data": "digits", "epochs": 1}}
    found = {
        "mnist": mnist.mnist.changed(factors={"network": ["50 units"]}, **small).run(workers=1),
        "ways": mnist.ways.changed(**small).run(workers=1),
    }
    parts = mnist.explanation.parts
    assert parts is not None
    *drawn, three = parts(found)
    assert [part.figure is not None for part in drawn] == [True] * 3
    assert three.table is not None
    assert [row[0] for row in three.table[1]] == list(three_ways.WAYS)
