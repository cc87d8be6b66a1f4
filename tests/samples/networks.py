"""Samples of dlframe/ops/networks.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.table import Array, Numbers, Sample

n = Numbers(6)


def softmax(x: Array, axis: int = -1) -> Array:
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def log_softmax(x: Array, axis: int = -1) -> Array:
    return np.log(softmax(x, axis))


def linear(x: Array, weight: Array, bias: Array | float = 0.0) -> Array:
    return np.einsum("...i,oi->...o", x, weight) + bias


def take_rows(x: Array, index: Array, skip: int | None = None) -> Array:
    return x[index]


def add_rows(x: Array, index: Array, rows: int, skip: int | None = None) -> Array:
    out = np.zeros((rows, *x.shape[index.ndim :]))
    for place in np.ndindex(index.shape):
        if index[place] != skip:
            out[index[place]] += x[place]
    return out


def embedding(lib: Any, weight: Any, index: Array, skip: int | None) -> Any:
    return lib.nn.functional.embedding(lib.as_tensor(index), weight, padding_idx=skip)


index = n.ints(0, 5, 2, 6)

SAMPLES = [
    *(
        Sample(op, (n.away(2, 3, 4),), {"axis": axis}, reference=reference, public=op, public_options={"dim": axis})
        for op, reference in (("softmax", softmax), ("log_softmax", log_softmax))
        for axis in (0, 1, -1)
    ),
    *(
        Sample("linear", tuple(n.away(*s) for s in shapes), reference=linear, public="nn.functional.linear")
        for shapes in [
            ((5, 3), (4, 3), (4,)), ((5, 3), (4, 3)), ((3,), (4, 3), (4,)), ((2, 5, 3), (4, 3), (4,)),
            ((2, 5, 3), (4, 3)), ((0, 3), (4, 3), (4,)), ((5, 0), (4, 0), (4,)),
        ]
    ),
    *(
        Sample("take_rows", (n.away(5, 3),), {"index": i, "skip": skip}, reference=take_rows,
               call=lambda lib, x, i=i, skip=skip: embedding(lib, x, i, skip), surrogate=skip is not None)
        for i, skip in [(index, None), (index[0], None), (index[:, :0], None), (index, 2)]
    ),
    *(
        Sample("add_rows", (n.away(*i.shape, 3),), {"index": i, "rows": 5, "skip": skip}, reference=add_rows)
        for i, skip in [(index, None), (index[0], None), (index[:, :0], None), (index, 2)]
    ),
]  # fmt: skip
