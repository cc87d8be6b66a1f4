"""The names of the values in a graph: variables, parameters, or numbered names."""

from __future__ import annotations

from collections.abc import Sequence
from types import FrameType
from typing import Any

from dlframe.ops.record import Array, Node, TensorBase, target_of
from dlframe.ops.watching import note_of

Names = dict[int, str]  # by the id of a node, leaf or array, which the graph keeps alive


def name_all(
    nodes: Sequence[Node],
    leaves: Sequence[Any],
    constants: Sequence[Array],
    frame: FrameType | None,
) -> Names:
    """A name for every node, leaf and constant array; no two have the same.

    First come the variables of `frame` and the parameters of modules there, then names noted
    when the graph was made, and at last v1, v2 … for results, t1 … for leaves, c1 … for constants.
    """
    wanted = {} if frame is None else _in_frame(frame)
    for node in nodes:
        note = note_of(node)
        if note is not None:
            for i, name in enumerate(note.names):
                target = node.targets[i] if i < len(node.targets) else None
                if name is not None:
                    item = target if target is not None else (note.inputs or note.names)[i]
                    wanted.setdefault(id(item), name)
    names: Names = {}
    taken: set[str] = set()
    for prefix, group in (("t", leaves), ("c", constants), ("v", nodes)):
        for number, item in enumerate(group, 1):
            names[id(item)] = _unique(wanted.get(id(item), f"{prefix}{number}"), taken)
    return names


def _unique(name: str, taken: set[str]) -> str:
    """`name`, with a number if it is used already, since a loop gives many values one name."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}#{number}"
    taken.add(candidate)
    return candidate


def _in_frame(frame: FrameType) -> Names:
    """Tensors among the variables, then the parameters of modules among them."""
    found: Names = {}
    values = {**frame.f_globals, **frame.f_locals}
    for name, value in values.items():
        if isinstance(value, TensorBase) and not name.startswith("_"):
            # a tensor without gradient is not part of the graph, which may know its array
            for item in (target_of(value), value) if value.needs_grad else (value.array, value):
                found.setdefault(id(item), name)
    for name, value in values.items():
        if not hasattr(type(value), "named_parameters"):
            continue
        for path, parameter in value.named_parameters():
            found.setdefault(id(parameter), f"{name}.{path}")
    return found
