"""Samples of dlframe/ops/shape.py and of the adjoint pair broadcast_to, sum_to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import ALL_FLOATS, Array, Edge, ErrorSample, Numbers, Sample

n = Numbers(3)


def pad(x: Array, pad_width: Any, value: float = 0) -> Array:
    return np.pad(x, pad_width, constant_values=value)


def put_diagonal(x: Array, size: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    out = np.zeros(size)
    for i in range(len(x)):
        out[i + max(-offset, 0), i + max(offset, 0)] = x[i]
    return out


def joined(op: str, shapes: list[tuple[int, ...]], axis: int, public: str) -> Sample:
    """An operation on a list of tensors."""
    return Sample(
        op, tuple(n.away(*s) for s in shapes), {"axis": axis},
        reference=lambda *xs, axis: getattr(np, op)(xs, axis=axis),
        call=lambda lib, *xs: getattr(lib, public)(xs, dim=axis), dtypes=ALL_FLOATS,
    )  # fmt: skip


def rearranged(
    op: str,
    public: str,
    *shape: int,
    reference: Any = None,
    as_public: dict[str, Any],
    **options: Any,
) -> Sample:
    return Sample(op, (n.away(*shape),), options, reference=reference or getattr(np, op), public=public,
                  public_options=as_public, dtypes=ALL_FLOATS)  # fmt: skip


SAMPLES = [
    rearranged("reshape", "reshape", 2, 3, 4, as_public={"shape": (4, -1)}, shape=(4, -1)),
    rearranged("reshape", "reshape", 1, as_public={"shape": ()}, shape=()),
    rearranged("reshape", "reshape", 0, 3, as_public={"shape": (3, 0)}, shape=(3, 0)),
    rearranged("ravel", "ravel", 2, 3, as_public={}),
    rearranged("squeeze", "squeeze", 2, 1, 3, 1, as_public={}),
    rearranged("squeeze", "squeeze", 2, 1, 3, 1, as_public={"dim": 1}, axis=1),
    rearranged("squeeze", "squeeze", 2, 1, 3, 1, as_public={"dim": (1, -1)}, axis=(1, -1)),
    rearranged("expand_dims", "unsqueeze", 2, 3, as_public={"dim": 1}, axis=1),
    rearranged("expand_dims", "unsqueeze", 2, 3, as_public={"dim": -1}, axis=-1),
    rearranged("transpose", "permute", 2, 3, 4, as_public={"dims": (2, 0, 1)}, axes=(2, 0, 1)),
    rearranged("transpose", "permute", 2, 3, 4, as_public={"dims": (-1, 0, 1)}, axes=(-1, 0, 1)),
    Sample("transpose", (n.away(2, 3),), reference=np.transpose, call=lambda lib, x: x.T, dtypes=ALL_FLOATS),
    rearranged("swapaxes", "transpose", 2, 3, 4, as_public={"dim0": 0, "dim1": -1}, axis1=0, axis2=-1),
    rearranged("flip", "flip", 2, 3, as_public={"dims": (1,)}, axis=1),
    rearranged("flip", "flip", 2, 3, 4, as_public={"dims": (0, -1)}, axis=(0, -1)),
    rearranged("roll", "roll", 2, 3, as_public={"shifts": 2, "dims": 1}, shift=2, axis=1),
    rearranged("roll", "roll", 2, 3, as_public={"shifts": (1, -2), "dims": (0, 1)}, shift=(1, -2), axis=(0, 1)),
    rearranged("roll", "roll", 2, 3, as_public={"shifts": 4}, shift=4),
    rearranged("tile", "tile", 2, 3, as_public={"dims": (2, 3)}, reps=(2, 3)),
    rearranged("tile", "tile", 2, 3, as_public={"dims": (2,)}, reps=(2,)),
    rearranged("tile", "tile", 3, as_public={"dims": (2, 2)}, reps=(2, 2)),
    rearranged("tril", "tril", 3, 4, as_public={}),
    rearranged("tril", "tril", 2, 3, 3, as_public={"diagonal": -1}, k=-1),
    rearranged("triu", "triu", 3, 4, as_public={"diagonal": 1}, k=1),
    rearranged("diagonal", "diagonal", 3, 4, as_public={}),
    rearranged("diagonal", "diagonal", 3, 4, as_public={"offset": 1}, offset=1),
    rearranged("diagonal", "diagonal", 2, 3, 3, as_public={"offset": -1, "dim1": -2, "dim2": -1}, offset=-1, axis1=-2,
               axis2=-1),
    rearranged("put_diagonal", "diag", 3, reference=put_diagonal, as_public={}, size=(3, 3)),
    rearranged("put_diagonal", "diag", 3, reference=put_diagonal, as_public={"diagonal": -1}, size=(4, 4), offset=-1),
    rearranged("pad", "nn.functional.pad", 2, 3, reference=pad, as_public={"pad": (1, 2)}, pad_width=((0, 0), (1, 2))),
    rearranged("pad", "nn.functional.pad", 2, 3, reference=pad, as_public={"pad": (1, 0, 0, 2), "value": 1.5},
               pad_width=((0, 2), (1, 0)), value=1.5),
    rearranged("pad", "nn.functional.pad", 4, 4, reference=lambda x, pad_width: pad(x[1:], ((0, 1), (2, 0)))[:, :-1],
               as_public={"pad": (2, -1, -1, 1)}, pad_width=((-1, 1), (2, -1))),
    joined("concatenate", [(2, 3), (4, 3)], 0, "cat"),
    joined("concatenate", [(2, 3), (2, 1), (2, 0)], -1, "cat"),
    joined("concatenate", [(2, 3)], 0, "cat"),
    joined("stack", [(2, 3), (2, 3)], 0, "stack"),
    joined("stack", [(2, 3), (2, 3), (2, 3)], -1, "stack"),
    joined("stack", [(), ()], 0, "stack"),
    Sample("broadcast_to", (n.away(3, 1),), {"shape": (2, 3, 4)}, reference=np.broadcast_to, dtypes=ALL_FLOATS,
           call=lambda lib, x: lib.broadcast_to(x, (2, 3, 4))),
    Sample("broadcast_to", (n.away(1).reshape(()),), {"shape": (2, 2)}, reference=np.broadcast_to,
           call=lambda lib, x: lib.broadcast_to(x, (2, 2))),
    Sample("sum_to", (n.away(2, 3, 4),), {"shape": (3, 1)}, reference=lambda x, shape: x.sum((0, 2)).reshape(shape),
           call=lambda lib, x: x.sum((0, 2)).reshape(3, 1)),
]  # fmt: skip


ERRORS = [
    ErrorSample("reshape: sizes", lambda lib: lib.zeros(2, 3).reshape(4), RuntimeError, r"\[4\].*invalid.*6"),
    ErrorSample("view: strides", lambda lib: lib.zeros(2, 3).t().view(6), RuntimeError, r"reshape"),
    ErrorSample("flatten: order", lambda lib: lib.zeros(2, 3).flatten(1, 0), Exception, "start_dim"),
    ErrorSample("unflatten: sizes", lambda lib: lib.zeros(2, 6).unflatten(1, (4, 2)), RuntimeError, "multiply up"),
    ErrorSample("permute: missing dim", lambda lib: lib.zeros(2, 3).permute(0), RuntimeError, "number of dimensions"),
    ErrorSample("permute: dim twice", lambda lib: lib.zeros(2, 3).permute(0, 0), Exception, "dim"),
    ErrorSample("transpose: dim", lambda lib: lib.zeros(2, 3).transpose(0, 2), IndexError, r"\[-2, 1\]"),
    ErrorSample("t: three dimensions", lambda lib: lib.zeros(2, 3, 4).t(), RuntimeError, "<= 2"),
    ErrorSample("unsqueeze: dim", lambda lib: lib.zeros(2).unsqueeze(2), IndexError, r"\[-2, 1\]"),
    ErrorSample("cat: sizes", lambda lib: lib.cat([lib.zeros(2, 3), lib.zeros(2, 4)]), RuntimeError, "must match"),
    ErrorSample("cat: nothing", lambda lib: lib.cat([]), Exception, "non-empty"),
    ErrorSample("cat: 0-d", lambda lib: lib.cat([lib.tensor(1.0)]), RuntimeError, "zero-dimensional"),
    ErrorSample("cat: one tensor", lambda lib: lib.cat(lib.zeros(2)), TypeError, "tensor"),
    ErrorSample("stack: sizes", lambda lib: lib.stack([lib.zeros(2), lib.zeros(3)]), RuntimeError, "equal size"),
    ErrorSample("split: sizes", lambda lib: lib.split(lib.zeros(5), [2, 2]), RuntimeError, "sum exactly to 5"),
    ErrorSample("chunk: none", lambda lib: lib.chunk(lib.zeros(5), 0), Exception, "greater than 0"),
    ErrorSample("narrow: beyond the end", lambda lib: lib.zeros(3).narrow(0, 2, 2), RuntimeError, "exceeds"),
    ErrorSample("expand: size", lambda lib: lib.zeros(2, 3).expand(2, 4), RuntimeError, "non-singleton"),
    ErrorSample("repeat: too few", lambda lib: lib.zeros(2, 3).repeat(2), RuntimeError, "[Nn]umber of dimensions"),
    ErrorSample("roll: shifts", lambda lib: lib.roll(lib.zeros(2, 3), (1, 2), (0,)), RuntimeError, "align"),
    ErrorSample("pad: reflect too far", lambda lib: lib.nn.functional.pad(lib.zeros(1, 1, 3), (3, 0), "reflect"),
                RuntimeError, "less than"),
    ErrorSample("pad: odd number", lambda lib: lib.nn.functional.pad(lib.zeros(3), (1,)), Exception, "divisible by 2"),
    ErrorSample("pad: mode", lambda lib: lib.nn.functional.pad(lib.zeros(3), (1, 1), "mirror"), NotImplementedError, "mode|mirror"),
    ErrorSample("diag: three dimensions", lambda lib: lib.diag(lib.zeros(2, 2, 2)), RuntimeError, "3D|1D or 2D"),
    ErrorSample("tril: vector", lambda lib: lib.tril(lib.zeros(3)), RuntimeError, "at least 2"),
]  # fmt: skip


def edge(name: str, call: Any, *shapes: tuple[int, ...]) -> Edge:
    """Functions that consist of several operations, compared with PyTorch by value and gradient."""
    return Edge(name, call, tuple(np.arange(1.0, 1 + math.prod(s)).reshape(s) for s in shapes))


def total(parts: Any) -> Any:
    """Something that depends on every piece, with its own weight."""
    return sum((i + 1) * (part * part).sum() for i, part in enumerate(parts))


EDGES = [
    edge("split", lambda lib, x: total(lib.split(x, 2, dim=1)), (2, 5)),
    edge("split_sections", lambda lib, x: total(lib.split(x, [1, 0, 4], dim=-1)), (2, 5)),
    edge("chunk", lambda lib, x: total(lib.chunk(x, 3)), (5, 2)),
    edge("unbind", lambda lib, x: total(lib.unbind(x, 1)), (2, 3)),
    edge("narrow", lambda lib, x: x.narrow(1, -3, 2), (2, 5)),
    edge("select", lambda lib, x: x.select(1, -1), (2, 3)),
    edge("flatten", lambda lib, x: lib.flatten(x, 1, -2), (2, 3, 4, 2)),
    edge("flatten_0d", lambda lib, x: lib.flatten(x), ()),
    edge("unflatten", lambda lib, x: lib.unflatten(x, 1, (2, -1)), (2, 6)),
    edge("movedim", lambda lib, x: lib.movedim(x, (0, 1), (-1, 0)), (2, 3, 4)),
    edge("swapaxes", lambda lib, x: lib.swapaxes(x, 0, 2), (2, 3, 4)),
    edge("mT", lambda lib, x: x.mT, (2, 3, 4)),
    edge("view", lambda lib, x: x.view(3, -1), (2, 3)),
    edge("expand", lambda lib, x: x.expand(2, -1, 4), (3, 1)),
    edge("repeat", lambda lib, x: x.repeat(2, 1, 3), (2, 3)),
    edge("repeat_interleave", lambda lib, x: lib.repeat_interleave(x, 2, dim=1), (2, 3)),
    edge("repeat_interleave_flat", lambda lib, x: lib.repeat_interleave(x, 3), (2, 2)),
    edge("repeat_interleave_tensor", lambda lib, x: lib.repeat_interleave(x, lib.tensor([2, 0, 1]), dim=1), (2, 3)),
    edge("pad_reflect", lambda lib, x: lib.nn.functional.pad(x, (2, 1), mode="reflect"), (2, 3, 4)),
    edge("pad_replicate", lambda lib, x: lib.nn.functional.pad(x, (2, 1, 0, 3), mode="replicate"), (1, 2, 3, 4)),
    edge("pad_circular", lambda lib, x: lib.nn.functional.pad(x, (2, 1), mode="circular"), (2, 3, 4)),
    edge("diag_of_matrix", lambda lib, x: lib.diag(x, 1), (3, 4)),
    edge("cat_empty_vector", lambda lib, x, y: lib.cat([x, y]), (0,), (2, 3)),
    edge("iteration", lambda lib, x: total(x), (3, 2)),
]  # fmt: skip
