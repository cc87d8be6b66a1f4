"""Samples of dlframe/ops/indexing.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.ops.regions import Region
from samples.table import ALL_FLOATS, Array, Call, Edge, ErrorSample, Numbers, Sample

n = Numbers(4)

SHAPE = (3, 4, 5)
mask, row_mask = n.bools(*SHAPE), np.array([True, False, True])
INDICES: dict[str, Any] = {
    "int": 1,
    "negative int": -1,
    "all ints": (1, 2, -1),
    "slice": slice(1, None),
    "step": (slice(None), slice(None, None, 2)),
    "negative bounds": (slice(-2, -1), ..., slice(-3, None)),
    "empty slice": slice(3, 3),
    "None": None,
    "Ellipsis": ...,
    "new axes": (None, slice(None), None, 2),
    "array": np.array([2, 0, 2]),
    "negative array": np.array([-1, 0]),
    "distinct rows": np.array([2, 0, 1]),
    "matrix": np.array([[2, 0], [1, 2]]),
    "two arrays": (np.array([2, 0, 2]), np.array([1, 3, 1])),
    "broadcasting arrays": (np.array([[2], [0]]), np.array([1, 3, 1])),
    "array and slice": (np.array([2, 0, 2]), slice(1, 3)),
    "slice and array": (slice(None), np.array([3, 3, 0])),
    "arrays apart": (np.array([2, 0, 2]), slice(None), np.array([4, 4, 0])),
    "array and int": (np.array([2, 0, 2]), 1),
    "array and None": (None, np.array([2, 0, 2])),
    "0-d array": np.array(1),
    "empty array": np.array([], np.int64),
    "mask": mask,
    "mask of rows": row_mask,
    "mask and int": (row_mask, 2),
    "mask and slice": (row_mask, slice(1, 3)),
    "slice and mask": (slice(None), np.array([True, False, False, True])),
    "mask of nothing": np.zeros(SHAPE, bool),
    "True": True,
}


def in_lib(lib: Any, index: Any) -> Any:
    """The index as a user of `lib` writes it: tensors instead of arrays."""
    if isinstance(index, tuple):
        return tuple(in_lib(lib, part) for part in index)
    return lib.as_tensor(index) if isinstance(index, np.ndarray) else index


def put_at(x: Array, index: Any, size: Any) -> Array:
    out = np.zeros(size)
    np.add.at(out, index, x)
    return out


def adjoint(lib: Any, x: Any, index: Any) -> Any:
    """What backward makes of `x` as the gradient of a tensor that was read at `index`."""
    z = lib.zeros(SHAPE, dtype=x.dtype, requires_grad=True)
    return lib.autograd.grad(z[in_lib(lib, index)], z, x, create_graph=True)[0]


def replaced(x: Array, value: Any, index: Any) -> Array:
    out = x.copy()
    out[index] = value
    return out


def set_in_lib(lib: Any, x: Any, value: Any, index: Any) -> Any:
    out = x.clone()
    out[in_lib(lib, index)] = value
    return out


def written(label: str, value: Any, **more: Any) -> Sample:
    index = INDICES[label]
    return Sample(
        "replace_at", (n.away(*SHAPE), value), {"index": index}, name=f"replace_at {label}", reference=replaced,
        call=lambda lib, x, v: set_in_lib(lib, x, v, index), **more,
    )  # fmt: skip


READ = [
    Sample("take_at", (n.away(*SHAPE),), {"index": index}, name=f"take_at {label}",
           reference=lambda x, index: x[index], call=lambda lib, x, index=index: x[in_lib(lib, index)],
           dtypes=ALL_FLOATS)
    for label, index in INDICES.items()
]  # fmt: skip

ADJOINT = [
    Sample("put_at", (n.away(*np.zeros(SHAPE)[index].shape),), {"index": index, "size": SHAPE},
           name=f"put_at {label}", reference=put_at, call=lambda lib, x, index=index: adjoint(lib, x, index))
    for label, index in INDICES.items()
]  # fmt: skip

WRITE = [
    written("int", n.away(4, 5)),
    written("int", n.away(1, 1, 5)),
    written("slice", n.away(2, 4, 5)),
    written("slice", n.away(5)),
    written("step", n.away(1).reshape(())),
    written("Ellipsis", n.away(4, 1)),
    written("all ints", 2.5),
    written("mask", n.away(int(mask.sum()))),
    written("mask", 0.0),
    written("mask of rows", n.away(4, 5)),
    written("distinct rows", n.away(3, 4, 5)),
    written("two arrays", 1.5),
    written("slice and mask", n.away(3, 1, 5)),
    written("mask of nothing", n.away(1)),
]

order = n.spread(3, 4)
along = np.array([[3, 0], [1, 1], [2, 2]])

ALONG = [
    Sample("take_along_axis", (order, along), {"axis": 1}, reference=np.take_along_axis,
           call=lambda lib, x, i: lib.gather(x, 1, i)),
    Sample("take_along_axis", (order, np.array([[0, 2, 1, 2]])), {"axis": 0}, reference=np.take_along_axis,
           call=lambda lib, x, i: lib.gather(x, 0, i)),
    Sample("take_along_axis", (order, np.argsort(order, 1)), {"axis": 1}, reference=np.take_along_axis,
           call=lambda lib, x, i: lib.take_along_dim(x, i, 1)),
    Sample("put_along_axis", (n.away(3, 2), along), {"axis": 1, "size": (3, 4)},
           reference=lambda x, i, axis, size: put_at(x, (np.arange(3)[:, None], i), size),
           call=lambda lib, x, i: lib.zeros(3, 4, dtype=x.dtype).scatter_add(1, i, x)),
    Sample("take", (order, np.array([3, 0, 3])), {"axis": 1}, reference=np.take,
           call=lambda lib, x, i: lib.index_select(x, 1, i)),
    Sample("nonzero", (n.ints(0, 2, 3, 4),), reference=np.argwhere, public="nonzero", order=0),
]  # fmt: skip


# --- regions: where a view lies in its base ----------------------------------------------------

memory = np.zeros(24)
box = memory[2:22:2].reshape(2, 5)  # with gaps, and not at the start
REGIONS: dict[str, tuple[Array, Array]] = {  # the base, and the view
    "rows": (memory.reshape(4, 6), memory.reshape(4, 6)[1:3]),
    "gaps": (box, box[:, 1::2]),
    "Fortran order": (memory.reshape(4, 6).T, memory[2:11].reshape(3, 3)),
    "backwards": (box[::-1], box[:, ::-1]),
    "0-d": (box, box[1, 2, ...]),
    "nothing": (box, box[:, 3:3]),
    "whole": (box, box),
    "all of it flat": (memory.reshape(2, 3, 4), memory),
    "overlapping windows": (memory[:6], np.lib.stride_tricks.sliding_window_view(memory[:6], 3)),
    "expanded": (box, np.broadcast_to(box[:, :1], (2, 4))),
}


def taken(x: Array, region: Any, base: Array, view: Array) -> Array:
    before = memory.copy()
    try:
        base[...] = x
        return view.copy()
    finally:
        memory[...] = before


def region_samples(label: str, base: Array, view: Array) -> list[Sample]:
    region = Region(base, view)
    places = taken(
        np.arange(base.size, dtype=float).reshape(base.shape), region, base, view
    ).astype(int)

    def put(x: Array, region: Any) -> Array:
        out = np.zeros(base.size)
        np.add.at(out, places, x)
        return out.reshape(base.shape)

    def replace(x: Array, value: Array, region: Any) -> Array:
        out = x.copy()
        out.reshape(-1)[places] = value
        return out

    options = {"region": region}
    found = [
        Sample("take_region", (n.away(*base.shape),), options, name=f"take_region {label}",
               reference=lambda x, region: x.reshape(-1)[places]),
        Sample("put_region", (n.away(*view.shape),), options, name=f"put_region {label}", reference=put),
    ]  # fmt: skip
    if not region.repeats:
        found.append(Sample("replace_region", (n.away(*base.shape), n.away(*view.shape)), options,
                            name=f"replace_region {label}", reference=replace))  # fmt: skip
    return found


REGION = [s for label, (base, view) in REGIONS.items() for s in region_samples(label, base, view)]

SAMPLES = [*READ, *ADJOINT, *WRITE, *ALONG, *REGION]


def sorted_values(lib: Any, x: Any) -> Any:
    return lib.sort(x, 1).values


ERRORS = [
    ErrorSample("__getitem__: int", lambda lib: lib.zeros(2, 3)[2], IndexError, r"2.*(size|shape)"),
    ErrorSample("__getitem__: too many", lambda lib: lib.zeros(2, 3)[0, 0, 0], IndexError, "too many indices"),
    ErrorSample("__getitem__: array", lambda lib: lib.zeros(2, 3)[lib.tensor([0, 5])], IndexError, r"5.*out of bounds"),
    ErrorSample("__getitem__: mask", lambda lib: lib.zeros(2, 3)[lib.tensor([True, False, True])], IndexError, "mask|boolean"),
    ErrorSample("__getitem__: arrays", lambda lib: lib.zeros(2, 3)[lib.tensor([0, 1]), lib.tensor([0, 1, 2])], IndexError,
                "broadcast"),
    ErrorSample("__getitem__: floats", lambda lib: lib.zeros(2, 3)[lib.tensor([0.0])], Exception, "integers|long"),
    ErrorSample("__getitem__: negative step", lambda lib: lib.zeros(3)[::-1], ValueError, "greater than zero"),
    ErrorSample("__getitem__: 0-d", lambda lib: lib.tensor(1.0)[0], IndexError, "0-dim|too many"),
    ErrorSample("__setitem__: value", lambda lib: lib.zeros(2, 3).__setitem__(0, lib.zeros(2)), RuntimeError, r"shape|expand"),
    ErrorSample("gather: index", lambda lib: lib.gather(lib.zeros(2, 3), 1, lib.tensor([[3]])), Exception, "out of bounds"),
    ErrorSample("gather: negative index", lambda lib: lib.gather(lib.zeros(2, 3), 1, lib.tensor([[-1]])), Exception,
                "out of bounds"),
    ErrorSample("gather: float index", lambda lib: lib.gather(lib.zeros(2, 3), 1, lib.tensor([[0.0]])), RuntimeError, "int64"),
    ErrorSample("gather: dimensions", lambda lib: lib.gather(lib.zeros(2, 3), 1, lib.tensor([0])), RuntimeError, "same number"),
    ErrorSample("gather: size", lambda lib: lib.gather(lib.zeros(2, 3), 1, lib.zeros(3, 1, dtype=lib.int64)), RuntimeError,
                "apart from dimension 1"),
    ErrorSample("index_select: index", lambda lib: lib.index_select(lib.zeros(3), 0, lib.tensor([3])), IndexError, "out of (range|bounds)"),
    ErrorSample("index_select: matrix", lambda lib: lib.index_select(lib.zeros(3), 0, lib.tensor([[0]])), IndexError, "vector"),
    ErrorSample("masked_fill: mask", lambda lib: lib.zeros(2).masked_fill(lib.tensor([1, 0]), 0.0), RuntimeError, "bool"),
    ErrorSample("masked_fill: value", lambda lib: lib.zeros(2).masked_fill(lib.tensor([True, False]), lib.zeros(2)),
                RuntimeError, "0-dim"),
]  # fmt: skip


def edge(name: str, call: Any, *inputs: Any) -> Edge:
    return Edge(name, call, tuple(np.asarray(x, np.float64) for x in inputs))


def in_place(lib: Any, x: Any, value: Any) -> Any:
    """Writes through a view, through a mask, and over an earlier write."""
    out = x * 2
    out[0] = value
    out[:, 1][out[:, 1] > 2] = 0.5
    out[lib.tensor([1, 2]), lib.tensor([0, 2])] = out[0, :2] * 3
    return out * out


numbers = np.arange(1.0, 10).reshape(3, 3)

EDGES = [
    edge("in_place", in_place, numbers, [5.0, 6.0, 7.0]),
    edge("scatter", lambda lib, x, s: lib.scatter(x, 1, lib.tensor([[0, 2], [1, 0], [2, 1]]), s), numbers, numbers[:, :2]),
    edge("scatter_value", lambda lib, x: lib.scatter(x, 1, lib.tensor([[0], [1], [1]]), 2.5), numbers),
    edge("scatter_add", lambda lib, x, s: lib.scatter_add(x, 0, lib.tensor([[0, 0, 1], [0, 2, 1]]), s), numbers, numbers[:2]),
    edge("masked_fill", lambda lib, x: x.masked_fill(x > 4, -1.0), numbers),
    edge("masked_fill_tensor", lambda lib, x, v: x.masked_fill(x > 4, v), numbers, 2.0),
    edge("masked_select", lambda lib, x: lib.masked_select(x, lib.tensor([True, False, True])), numbers),
    edge("take_along_dim", lambda lib, x: lib.take_along_dim(x, lib.tensor([[2, 0]]), dim=1), numbers),
    edge("take_along_dim_flat", lambda lib, x: lib.take_along_dim(x, lib.tensor([7, 0, 7])), numbers),
]  # fmt: skip


def written(lib: Any, x: Any, index: Any, value: Any) -> Any:
    out = x * 2
    out[in_lib(lib, index)] = value
    return out


def copied(lib: Any, x: Any, source: Any) -> Any:
    out = x * 2
    out.copy_(source, False)
    return out


def augmented(lib: Any, x: Any, value: Any) -> Any:
    """Augmented assignment to a region, which reads it and writes it."""
    out = x * 2
    out[1:, ::2] *= value
    out[0] += out[1]
    return out


def by_index(name: str, note: str, run: Any, *inputs: Any, **passed: Any) -> Call:
    return Call(name, inputs, note=note, run=run, forms=False, **passed)


def distinct(index: Any) -> bool:
    """Whether no place is meant twice: which of several writes stays is not defined."""
    places = np.zeros(SHAPE, int)
    np.add.at(places, index, 1)
    return bool((places <= 1).all())


cube = n.away(*SHAPE)
CALLS = [
    *(by_index("Tensor.__getitem__", case, lambda lib, x, index=index: x[in_lib(lib, index)], cube)
      for case, index in INDICES.items()),
    *(by_index("Tensor.__setitem__", case, lambda lib, x, v, index=index: written(lib, x, index, v), cube, n.away(*cube[index].shape))
      for case, index in INDICES.items() if distinct(index) and cube[index].size),
    *(by_index("Tensor.__setitem__", f"number, {case}", lambda lib, x, index=index: written(lib, x, index, 1.5), cube)
      for case, index in INDICES.items()),
    by_index("Tensor.__setitem__", "broadcast", lambda lib, x, v: written(lib, x, (slice(None), 1), v), cube, n.away(5)),
    by_index("Tensor.__setitem__", "augmented", augmented, n.away(3, 4), n.away(2, 1)),
    by_index("Tensor.copy_", "", copied, n.away(3, 4), n.away(3, 4), passes=("other", "src")),
    by_index("Tensor.copy_", "broadcast", copied, n.away(3, 4), n.away(4)),
    by_index("Tensor.copy_", "integers", lambda lib, x: copied(lib, x, lib.arange(4)), n.away(3, 4)),
]  # fmt: skip
