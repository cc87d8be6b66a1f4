"""Small helpers that programs take from PyTorch's path: sizes given as a number or one by one."""

from __future__ import annotations

import collections.abc
import itertools
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["consume_prefix_in_state_dict_if_present"]


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """A function that makes a tuple of n equal entries, and leaves what has entries as it is.

    >>> _ntuple(3)(5), _ntuple(3)([1, 2])
    ((5, 5, 5), (1, 2))
    """

    def parse(x: Any) -> tuple[Any, ...]:
        if isinstance(x, collections.abc.Iterable):
            return tuple(x)
        return tuple(itertools.repeat(x, n))

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(t: Iterable[Any], n: int) -> tuple[Any, ...]:
    """Each entry n times, from the last to the first: paddings as `F.pad` takes them.

    >>> _reverse_repeat_tuple((1, 2), 2)
    (2, 2, 1, 1)
    """
    return tuple(entry for entry in reversed(tuple(t)) for _ in range(n))


def _list_with_default(out_size: Any, defaults: list[int]) -> Any:
    """Sizes, with None replaced by what is there.

    >>> _list_with_default([7, None], [3, 32, 16])
    [7, 16]
    """
    if isinstance(out_size, (int, tuple)):  # sizes that are all there
        return out_size
    if len(defaults) <= len(out_size):
        raise ValueError(
            f"the input has {len(defaults)} dimensions, too few for a size of {len(out_size)}"
        )
    known = defaults[-len(out_size) :]
    return [a if a is not None else b for a, b in zip(out_size, known, strict=True)]


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Remove a prefix such as "module." from the keys of a state_dict, in place.

    Its metadata, if it has some, are renamed, too.

    >>> state = {"module.weight": 1, "bias": 2}
    >>> consume_prefix_in_state_dict_if_present(state, "module.")
    >>> state
    {'bias': 2, 'weight': 1}
    """
    for key in list(state_dict):
        if key.startswith(prefix):
            state_dict[key[len(prefix) :]] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is None:
        return
    for key in list(metadata):
        if key and key.startswith(prefix.rstrip(".")):
            new = key[len(prefix) :] if key.startswith(prefix) else ""
            metadata[new] = metadata.pop(key)
