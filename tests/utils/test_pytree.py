"""`dlframe.utils._pytree`: nested containers apart and together, as under PyTorch's path."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, deque
from typing import Any, NamedTuple

import pytest

import dlframe as dl
from dlframe.utils import _pytree as pytree


class Point(NamedTuple):
    x: Any
    y: Any


class Derived(list):  # type: ignore[type-arg] # of anything
    """A leaf, as in PyTorch."""


TREES = [
    (3, [3]),
    (None, [None]),
    ([], []),
    ({"b": [1, (2, None)], "a": ()}, [1, 2, None]),
    (Point(1, [2]), [1, 2]),
    (OrderedDict(b=1, a=[2]), [1, 2]),
    (defaultdict(list, b=1, a=[2]), [1, 2]),
    (deque([1, [2]], maxlen=4), [1, 2]),
    ([Derived([1])], [[1]]),
]


@pytest.mark.parametrize(("tree", "leaves"), TREES, ids=repr)
def test_apart_and_together(tree: Any, leaves: list[Any]) -> None:
    found, spec = pytree.tree_flatten(tree)
    assert found == leaves == pytree.tree_leaves(tree) == list(pytree.tree_iter(tree))
    again = pytree.tree_unflatten(found, spec)
    assert (type(again), again) == (type(tree), tree)
    assert spec == pytree.tree_structure(again)
    assert spec.num_leaves == len(leaves)
    if isinstance(tree, defaultdict):
        assert again.default_factory is list
    if isinstance(tree, deque):
        assert again.maxlen == 4


def test_a_form_as_text_and_in_numbers() -> None:
    spec = pytree.tree_structure({"a": [1, (2, 3)], "b": None})
    text = "TreeSpec(dict, ['a', 'b'], [TreeSpec(list, None, [*,\n    TreeSpec(tuple, None, [*,\n"
    assert repr(spec) == text + "      *])]),\n  *])"
    assert (spec.num_leaves, spec.num_nodes, spec.num_children) == (4, 7, 2)
    assert spec.child(1) == pytree.LeafSpec()
    assert spec.children()[1].is_leaf()


def test_functions_of_leaves() -> None:
    tree = {"a": dl.ones(2), "b": [2, "c"]}
    doubled = pytree.tree_map_only((dl.Tensor, int), lambda x: x * 2, tree)
    assert (doubled["a"].tolist(), doubled["b"]) == ([2, 2], [4, "c"])
    assert pytree.tree_map_only_(dl.Tensor, lambda x: x.add_(1), tree) is tree
    assert tree["a"].tolist() == [2, 2]
    assert pytree.tree_map(lambda x, y: [x, *y], (5, 6), ([7], [8])) == ([5, 7], [6, 8])
    assert pytree.tree_map(len, [[1, 2], [3]], is_leaf=lambda x: x in ([1, 2], [3])) == [2, 1]
    assert pytree.tree_map_only(lambda x: x == 2, str, [1, 2]) == [1, "2"]
    assert pytree.tree_all(bool, [1, [2]])
    assert not pytree.tree_any(bool, [0, [()]])
    assert pytree.tree_any_only(int, bool, [0, "a", 1])
    assert pytree.tree_all_only(int, bool, [1, ""])


def test_what_does_not_fit() -> None:
    spec = pytree.tree_structure([1, {"a": 2}])
    for other, message in (
        ([1], "arity mismatch; expected 2"),
        ((1, {"a": 2}), "type mismatch"),
        ([1, {"b": 2}], "keys mismatch"),
    ):
        with pytest.raises(ValueError, match=message):
            spec.flatten_up_to(other)
    with pytest.raises(ValueError, match="holds 2 items"):
        pytree.tree_unflatten([1], spec)
    with pytest.raises(TypeError, match="Expected `treespec`"):
        pytree.tree_unflatten([1], [1])  # type: ignore[arg-type] # wrong on purpose
    assert spec.flatten_up_to([1, OrderedDict(a=[2])]) == [1, [2]]


def test_registered_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytree, "SUPPORTED_NODES", dict(pytree.SUPPORTED_NODES))

    class Pair:
        def __init__(self, one: Any, two: Any, name: str) -> None:
            self.parts, self.name = [one, two], name

    @dataclasses.dataclass
    class State:
        x: Any
        y: Any = 0

    assert pytree.tree_is_leaf(Pair(1, 2, "a"))
    pytree.register_pytree_node(Pair, lambda p: (p.parts, p.name), lambda v, name: Pair(*v, name))
    mapped = pytree.tree_map(lambda x: -x, [Pair(1, 2, "a")])[0]
    assert (mapped.parts, mapped.name) == ([-1, -2], "a")
    pytree.register_dataclass(State)
    assert pytree.tree_map(lambda x: x + 1, State([1], 2)) == State([2], 3)
    with pytest.raises(ValueError, match="already registered"):
        pytree.register_pytree_node(list, list, list)  # type: ignore[arg-type] # never called
