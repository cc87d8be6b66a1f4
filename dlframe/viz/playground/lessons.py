"""Lessons for a class: what to begin with, and what to try. docs/guide/playground.md has more."""

from __future__ import annotations

from typing import NamedTuple

from dlframe.viz.playground.settings import Settings

__all__ = ["LESSONS", "Lesson"]


class Lesson(NamedTuple):
    """A title, what to do, and the settings to begin with."""

    title: str
    task: str
    settings: Settings


LESSONS = (
    Lesson(
        "A line is not enough",
        "Run it: without a hidden layer the boundary is a straight line. Then add a hidden layer "
        "with 8 units; or take it away again, and give the network xy.",
        Settings(data="xor", points=400, layers=(), lr=0.03),
    ),
    Lesson(
        "How large a step?",
        "Run 60 epochs. Reset, and do it again with the learning rates 0.3 and 10.",
        Settings(data="disk", layers=(8, 8), optimizer="SGD", lr=0.001),
    ),
    Lesson(
        "Learning by heart",
        "Run 400 epochs, and watch both losses: only 40 points are learnt. Reset, and do it again "
        "with a weight decay of 0.01.",
        Settings(data="moons", points=400, noise=0.35, test_share=0.9, layers=(64, 64)),
    ),
)
