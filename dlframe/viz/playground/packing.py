"""A session's present state as bytes, small enough to be sent many times a second.

First the length of the head as a little-endian uint32, then the head, JSON filled up with spaces
to a multiple of four bytes, then the arrays one after the other, each filled up likewise. The head
is `{"numbers": ..., "arrays": [{"name", "dtype", "shape", "at"}, ...]}`; `at` counts from the end
of the head.

Maps of units are sent as bytes, since a picture shows no finer steps: from -127 to 127 times the
unit's scale. The decision is sent as it is, from 0 to 1: where it is nearly the same everywhere,
the boundary is still a smooth line.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.viz.pages.values import to_json
from dlframe.viz.playground.session import Session, bias_of, small

__all__ = ["pack", "unpack"]

Array = NDArray[Any]

_DTYPES: dict[str, Any] = {"u1": np.dtype("u1"), "i1": np.dtype("i1"), "f4": np.dtype("<f4")}


def pack(
    session: Session,
    *,
    since: int = -1,
    drawn: int = -1,
    focus: tuple[int, int] | None = None,
    **more: Any,
) -> bytes:
    """The state of a session.

    Args:
        since: the epoch of the last row of the history that the page has.
        drawn: which points it has; others are sent.
        focus: layer and unit whose map is sent in full, as `focus`.
        more: other entries of `numbers`.
    """
    maps = session.maps()
    arrays: dict[str, Array] = {"decision": _known(session._decided(maps))}
    for i, (outputs, block) in enumerate(zip(maps, session.blocks, strict=True)):
        values, scales = _scaled(np.moveaxis(outputs, 2, 0))
        arrays[f"maps{i}"], arrays[f"scales{i}"] = small(np.moveaxis(values, 0, 2)), scales
        arrays[f"maps{i}"] = np.moveaxis(arrays[f"maps{i}"], 2, 0)
        arrays[f"weights{i}"] = block.linear.weight.array
        arrays[f"biases{i}"] = bias_of(block, session.model)
        if focus is not None and focus[0] == i and 0 <= focus[1] < len(values):
            arrays["focus"] = values[focus[1]]
    if drawn != session.drawn:
        for name, plane in (("train", session.train), ("test", session.test)):
            arrays[name] = plane.points.array
            arrays[f"{name}_labels"] = plane.labels.array.astype("u1")
    return _joined(session.numbers(since) | {"drawn": session.drawn} | more, arrays)


def _known(share: Array) -> Array:
    """In float32; what is not a number is in the middle."""
    return np.asarray(np.nan_to_num(share, nan=0.5), np.float32)


def _scaled(maps: Array) -> tuple[Array, Array]:
    """Each map (units, size, size) divided by its largest size, as -127 … 127; and that size."""
    known = np.where(np.isfinite(maps), maps, 0)
    scales = np.abs(known).max(axis=(1, 2))
    shares = known / np.where(scales > 0, scales, 1)[:, None, None]
    return (shares * 127).round().astype("i1"), scales.astype("<f4")


def _joined(numbers: dict[str, Any], arrays: dict[str, Array]) -> bytes:
    parts: list[bytes] = []
    entries: list[dict[str, Any]] = []
    at = 0
    for name, array in arrays.items():
        dtype = array.dtype.str[1:]
        data = np.ascontiguousarray(array, _DTYPES[dtype]).tobytes()
        entries.append({"name": name, "dtype": dtype, "shape": list(array.shape), "at": at})
        parts.append(data + bytes(-len(data) % 4))
        at += len(parts[-1])
    head = to_json({"numbers": numbers, "arrays": entries}).encode()
    head += b" " * (-len(head) % 4)
    return b"".join([struct.pack("<I", len(head)), head, *parts])


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """The numbers and arrays in what `pack` made; the page does the same in JavaScript."""
    import json

    (length,) = struct.unpack_from("<I", data)
    head = json.loads(data[4 : 4 + length])
    arrays = {}
    for entry in head["arrays"]:
        count = int(np.prod(entry["shape"], dtype=int))
        flat = np.frombuffer(data, _DTYPES[entry["dtype"]], count, 4 + length + entry["at"])
        arrays[entry["name"]] = flat.reshape(entry["shape"])
    return head["numbers"], arrays
