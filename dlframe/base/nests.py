"""Nested containers: the values in them, and the same containers around other values.

Lists, tuples, namedtuples, dicts, deques and their subclasses are containers. Everything else, None
included, is a value.
"""

from __future__ import annotations

import copy
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

_CONTAINERS = (tuple, list, dict, deque)


def leaves(nest: Any) -> Iterator[Any]:
    """The values in `nest`, from left to right.

    >>> list(leaves({"a": [1, 2], "b": (3,)}))
    [1, 2, 3]
    """
    if isinstance(nest, _CONTAINERS):
        for part in _parts(nest):
            yield from leaves(part)
    else:
        yield nest


def map_leaves(function: Callable[[Any], Any], nest: Any) -> Any:
    """The same containers with `function(value)` instead of each value.

    >>> map_leaves(abs, {"a": [-1, 2], "b": (-3,)})
    {'a': [1, 2], 'b': (3,)}
    """
    if isinstance(nest, _CONTAINERS):
        return rebuilt(nest, [map_leaves(function, part) for part in _parts(nest)])
    return function(nest)


def rebuilt(container: Any, parts: Sequence[Any]) -> Any:
    """A container of the same type, with the same keys and other parts."""
    kind = type(container)
    if kind is list or isinstance(container, tuple):
        return _new(kind, None, parts)
    new = copy.copy(container)  # keeps other attributes, such as the default of a defaultdict
    for key, part in zip(new if isinstance(new, dict) else range(len(parts)), parts, strict=True):
        new[key] = part
    return new


def _parts(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def _new(kind: Any, keys: Any, parts: Sequence[Any]) -> Any:
    if keys is not None:
        pairs = dict(zip(keys, parts, strict=True))
        return pairs if kind in (dict, defaultdict) else kind(pairs)
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


# --- apart and together ------------------------------------------------------------------------


class Tree(NamedTuple):
    """The form of a nest: the type of a container, its keys, and its branches; None for a value."""

    kind: Any
    keys: Any
    branches: tuple[Tree | None, ...]

    def __repr__(self) -> str:
        inside = ", ".join("*" if b is None else repr(b) for b in self.branches)
        return f"{self.kind.__name__}({inside})"


def flatten(nest: Any) -> tuple[list[Any], Tree | None]:
    """The values in `nest` from left to right, and the form of the nest.

    >>> flatten({"a": [1, 2], "b": (3,)})
    ([1, 2, 3], dict(list(*, *), tuple(*)))
    """
    if not isinstance(nest, _CONTAINERS):
        return [nest], None
    found: list[Any] = []
    branches = []
    for part in _parts(nest):
        values, branch = flatten(part)
        found += values
        branches.append(branch)
    return found, Tree(type(nest), _keys(nest), tuple(branches))


def unflatten(values: Sequence[Any], tree: Tree | None) -> Any:
    """A nest of the form `tree` around `values`."""
    rest = list(values)[::-1]

    def build(part: Tree | None) -> Any:
        if part is None:
            return rest.pop()
        return _new(part.kind, part.keys, [build(branch) for branch in part.branches])

    return build(tree)


def spread(prefix: Any, tree: Tree | None) -> list[Any] | None:
    """One value of `prefix` for each value of `tree`; None if the two do not fit together.

    A value of `prefix` stands for all values below its place.
    """
    if not isinstance(prefix, _CONTAINERS):
        return [prefix] * _count(tree)
    if tree is None or _keys(prefix) != tree.keys or type(prefix) is not tree.kind:
        return None
    if len(prefix) != len(tree.branches):
        return None
    found: list[Any] = []
    for part, branch in zip(_parts(prefix), tree.branches, strict=True):
        values = spread(part, branch)
        if values is None:
            return None
        found += values
    return found


def _keys(container: Any) -> Any:
    return tuple(container) if isinstance(container, dict) else None


def _count(tree: Tree | None) -> int:
    return 1 if tree is None else sum(_count(branch) for branch in tree.branches)
