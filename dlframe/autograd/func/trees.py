"""Nested containers of values: taken apart into a flat list, and put together again.

Lists, tuples, namedtuples and dicts are containers; everything else, None included, is a value.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Tree(NamedTuple):
    """The shape of a nested container: what kind, its keys, and its branches. None: a value."""

    kind: Any
    keys: Any
    branches: tuple[Tree | None, ...]

    def __repr__(self) -> str:
        inside = ", ".join("*" if b is None else repr(b) for b in self.branches)
        return f"{self.kind.__name__}({inside})"


def flatten(value: Any) -> tuple[list[Any], Tree | None]:
    """The values in `value` from left to right, and the container that they were in."""
    children, keys = _children(value)
    if children is None:
        return [value], None
    leaves: list[Any] = []
    branches = []
    for child in children:
        found, branch = flatten(child)
        leaves += found
        branches.append(branch)
    return leaves, Tree(type(value), keys, tuple(branches))


def unflatten(leaves: Sequence[Any], tree: Tree | None) -> Any:
    """The container `tree` around `leaves`."""
    rest = list(leaves)[::-1]

    def build(part: Tree | None) -> Any:
        if part is None:
            return rest.pop()
        return _container(part, [build(branch) for branch in part.branches])

    return build(tree)


def map_tree(function: Callable[..., Any], value: Any) -> Any:
    """`value` with `function` applied to everything in it."""
    leaves, tree = flatten(value)
    return unflatten([function(x) for x in leaves], tree)


def spread(prefix: Any, tree: Tree | None) -> list[Any] | None:
    """One value of `prefix` for each value of `tree`; None where the two do not fit together.

    A value of `prefix` counts for all that is below its place.
    """
    if tree is None:
        return None if _children(prefix)[0] is not None else [prefix]
    children, keys = _children(prefix)
    if children is None:
        return [prefix] * _count(tree)
    if keys != tree.keys or type(prefix) is not tree.kind:
        return None
    if len(children) != len(tree.branches):
        return None
    parts = [spread(c, branch) for c, branch in zip(children, tree.branches, strict=True)]
    if any(part is None for part in parts):
        return None
    return [x for part in parts for x in part or ()]


def _count(tree: Tree | None) -> int:
    return 1 if tree is None else sum(_count(branch) for branch in tree.branches)


def _children(value: Any) -> tuple[list[Any] | None, Any]:
    if isinstance(value, tuple):
        return list(value), None
    if type(value) in (list, deque):
        return list(value), None
    if type(value) in (dict, OrderedDict, defaultdict):
        return list(value.values()), tuple(value)
    return None, None


def _container(tree: Tree, items: list[Any]) -> Any:
    if tree.keys is not None:
        pairs = dict(zip(tree.keys, items, strict=True))
        return OrderedDict(pairs) if tree.kind is OrderedDict else pairs
    if hasattr(tree.kind, "_fields"):
        return tree.kind(*items)
    return tree.kind(items)


__all__ = ["Tree", "flatten", "map_tree", "spread", "unflatten"]
