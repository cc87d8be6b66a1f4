"""Walking nested containers: what is in them, and the same containers around something else."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any, NamedTuple

import pytest

from dlframe.base import nests


class Point(NamedTuple):
    x: Any
    y: Any


class Names(list):
    """A list with something more to it."""

    def __init__(self, *names: str) -> None:
        super().__init__(names)


NESTS = [
    5,
    None,
    "text",
    [],
    [1, (2, 3)],
    (1, [2], {"a": 3}),
    Point(1, Point(2, [3])),
    {"b": 1, "a": {"c": 2}},
    OrderedDict(b=1, a=2),
    Counter(a=1, b=2),
    deque([1, (2,)]),
    [Point(1, None), {"x": deque([OrderedDict(y=2)])}],
]


@pytest.mark.parametrize("nest", NESTS, ids=repr)
def test_apart_and_together(nest: Any) -> None:
    values, tree = nests.flatten(nest)
    again = nests.unflatten(values, tree)
    assert again == nest
    assert nests.flatten(again)[1] == tree  # the types too
    assert list(nests.leaves(nest)) == values


@pytest.mark.parametrize("nest", NESTS, ids=repr)
def test_mapping_keeps_containers(nest: Any) -> None:
    before = repr(nest)
    new = nests.map_leaves(lambda x: [x], nest)  # lists as values: they are not entered again
    assert new == nests.unflatten([[x] for x in nests.leaves(nest)], nests.flatten(nest)[1])
    assert repr(nest) == before


def test_what_else_a_container_has_is_kept() -> None:
    found = nests.map_leaves(str, defaultdict(list, a=1))
    assert found == {"a": "1"}
    assert found["b"] == []
    assert nests.map_leaves(str, deque([1, 2], maxlen=2)).maxlen == 2
    names = nests.map_leaves(str.upper, Names("a", "b"))
    assert type(names) is Names
    assert names == ["A", "B"]


def test_spread() -> None:
    tree = nests.flatten([1, {"a": 2, "b": (3, 4)}])[1]
    assert nests.spread(0, tree) == [0, 0, 0, 0]
    assert nests.spread([0, {"a": 1, "b": 2}], tree) == [0, 1, 2, 2]
    assert nests.spread([0, {"a": 1, "b": (2, None)}], tree) == [0, 1, 2, None]
    assert nests.spread(None, None) == [None]
    for wrong in ([0], (0, 1), [0, {"a": 1}], [0, {"b": 1, "a": 2}], [0, {"a": 1, "b": [2, 3]}]):
        assert nests.spread(wrong, tree) is None
    assert nests.spread([0], None) is None
