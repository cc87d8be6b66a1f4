"""Reading and writing a batch by an index that is meant for one example.

Integers and slices move by one dimension. If there are index arrays, an array that counts
the examples is added before them. NumPy then pairs each example with its own indices,
and puts the batch first in the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.ops.batched.base import BatchedBase, LoopNeeded, is_of, lifted


def read(x: Any, index: Any, like: BatchedBase) -> Any:
    """`x[index]` of each example, with the batch in front."""
    parts = _parts(index, x.ndim)
    if not _arrays(parts):
        return x.physical[(slice(None), *parts)]
    full, at, count = _with_examples(x, parts, like)
    source = x.physical if is_of(like, x) else x
    out = source[full]
    return out if at == 0 else np.moveaxis(out, range(1, 1 + count), range(1 + at, 1 + at + count))


def write(x: Any, index: Any, value: Any, like: BatchedBase) -> None:
    """`x[index] = value` in each example."""
    mask = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if is_of(like, mask) and mask.dtype.kind == "b" and mask.ndim == x.ndim:
        if np.ndim(value):
            raise LoopNeeded("vmap: a batch of masks selects differently many places")
        np.copyto(x.physical, lifted(value, x.ndim, like), where=mask.physical)
        return
    parts = _parts(index, x.ndim)
    if not _arrays(parts):
        target = x.physical[(slice(None), *parts)]
        target[...] = lifted(value, target.ndim - 1, like)
        return
    full, at, count = _with_examples(x, parts, like)
    ndim = x.physical[full].ndim - 1
    v = lifted(value, ndim, like)
    if at and np.ndim(v):
        if not is_of(like, value):
            v = np.broadcast_to(v, (1, *(1,) * (ndim - np.ndim(v)), *np.shape(v)))
        v = np.moveaxis(v, range(1 + at, 1 + at + count), range(1, 1 + count))
    x.physical[full] = v


def _parts(index: Any, ndim: int) -> list[Any]:
    """The index as a list without Ellipsis, and with integers instead of masks."""
    given = list(index) if isinstance(index, tuple) else [index]
    given = [np.asarray(p) if isinstance(p, list) else p for p in given]
    parts: list[Any] = []
    used = sum(_dims_of(p) for p in given)
    for part in given:
        if part is Ellipsis:
            parts += [slice(None)] * (ndim - used)
        elif isinstance(part, (bool, np.bool_)) or _is_mask(part):
            if isinstance(part, BatchedBase) or not isinstance(part, np.ndarray):
                raise LoopNeeded("vmap: a batch of masks selects differently many places")
            parts += list(np.nonzero(part)) if part.ndim else _raise_mask()
        else:
            parts.append(part)
    return parts


def _raise_mask() -> Any:
    raise LoopNeeded("vmap: a mask without dimensions")


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind == "b"


def _dims_of(part: Any) -> int:
    """The number of dimensions that this part of an index takes."""
    if part is None or part is Ellipsis:
        return 0
    return int(part.ndim) if _is_mask(part) else 1


def _arrays(parts: list[Any]) -> bool:
    return any(isinstance(p, np.ndarray) for p in parts)


def _with_examples(x: Any, parts: list[Any], like: BatchedBase) -> tuple[Any, int, int]:
    """The index of the whole batch, and (first, count) of the dimensions that its arrays produce.

    The dimensions are those of one example's result.
    """
    is_index = [isinstance(p, (np.ndarray, int, np.integer)) for p in parts]
    places = [i for i, chosen in enumerate(is_index) if chosen]
    count = max(int(np.ndim(parts[i])) for i in places)
    together = places[-1] - places[0] + 1 == len(places)
    at = places[0] if together else 0
    whole = [
        lifted(p, count, like) if chosen else p for p, chosen in zip(parts, is_index, strict=True)
    ]
    if not is_of(like, x):  # the indices alone carry the batch
        if at:
            raise LoopNeeded("vmap: an index of a batch behind slices of an array without one")
        return tuple(whole), at, count
    size = x.physical.shape[0]
    examples = np.arange(size).reshape(size, *(1,) * count)
    return (examples, *whole), at, count
