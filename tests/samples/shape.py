"""Samples of dlframe/ops/shape.py and of the adjoint pair broadcast_to, sum_to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import ALL_FLOATS, Array, Call, Edge, ErrorSample, Numbers, Sample, calls

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
    *[Sample("split_at", (Numbers(71).away(2, 4, 6),), {"cuts": cuts, "axis": axis}, reference=lambda x, cuts, axis: tuple(np.split(x, cuts, axis)),
             call=lambda lib, x, cuts=cuts, axis=axis: lib.tensor_split(x, cuts, axis))
      for cuts, axis in [((1, 3), 1), ((2, 2, 6), 2), ((), 0)]],
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


x, y, cube, v, scalar = n.away(2, 3), n.away(3, 3), n.away(2, 3, 4), n.away(5), np.array(2.5)
thin = n.away(2, 1, 3, 1)

CALLS = [
    *calls("fft.fftshift", n.away(4), n.away(2, 3), (n.away(2, 3), 1), (n.away(2, 3, 2), {"dim": (0, -1)}), dtypes=False, variants=False),
    *calls("fft.ifftshift", n.away(4), n.away(2, 3), (n.away(2, 3), 1), (n.away(2, 3, 2), {"dim": (0, -1)}), dtypes=False, variants=False),
    # another shape
    *calls("reshape", (cube, (4, -1)), (cube, {"shape": (2, 2, 6)}), (scalar, (1, 1)), (v, (-1,))), *calls("ravel", cube, scalar), Call("ravel", (cube,), run=lambda lib, x: x.mT.ravel(), note="of a view"),
    *calls("Tensor.reshape", (cube, 4, 6), (cube, (3, -1)), (cube, -1)), Call("Tensor.reshape_as", (cube, n.away(6, 4)), fixed=(1,)), Call("Tensor.reshape_as", (cube,), {"other": n.away(24)}, fixed=(1,)),
    Call("Tensor.view", (cube,), run=lambda lib, x: [x.contiguous().view(4, 6), x.contiguous().view((6, -1)), x.contiguous().view(-1)], variants=False),
    Call("Tensor.view", (v,), run=lambda lib, x: x.detach().contiguous().view(lib.int32), note="of another dtype", order=0, dtypes=False, variants=False, narrow=0),
    Call("Tensor.view_as", (cube, n.away(6, 4)), run=lambda lib, x, y: x.contiguous().view_as(y), passes=("other",), fixed=(1,), variants=False),
    *calls("flatten", cube, (cube, 1), (cube, 0, 1), (cube, {"start_dim": -2, "end_dim": -1}), scalar), *calls("unflatten", (cube, -1, (2, -1)), (v, 0, (5, 1)), (cube, {"dim": 2, "sizes": (2, 2)})),
    Call("flatten", (v,), run=lambda lib, x: (lib.flatten(x) is x, x.flatten() is x, lib.flatten(lib.ones(2, 3), 1, -1)), order=0, note="nothing to do", passes=("start_dim", "end_dim")),
    *calls("squeeze", thin, (thin, 1), (thin, -1), (thin, 0), (thin, (1, 3)), (thin, (0, 1)), (thin, {"dim": (1, -1)}), (thin, {"axis": 1}), (scalar, 0)),
    *calls("unsqueeze", (x, 0), (x, 2), (x, -1), (x, {"dim": -3}), (scalar, -1)),
    *calls("atleast_1d", scalar, (scalar, v, x)), *calls("atleast_2d", scalar, (scalar, v, x), v), *calls("atleast_3d", scalar, (scalar, v, x), cube, v), Call("atleast_2d", ([scalar, v],)),
    *calls("numel", cube, scalar, order=0, dtypes=False),
    # broadcasting
    *calls("broadcast_to", (x[:, :1], (4, 2, 3)), (scalar, (2, 2)), (v, (1, 5)), (v[:1], (0, 1))),
    *calls("Tensor.expand", (x[:, :1], -1, 3), (v, 2, 5), (v, (3, -1)), (scalar, 2, 2), (v[:1], 0)), Call("Tensor.expand_as", (v, n.away(3, 5)), fixed=(1,)), Call("Tensor.expand_as", (v,), {"other": n.away(3, 5)}, fixed=(1,)),
    *calls("Tensor.sum_to_size", (cube, 3, 1), (cube, (1, 3, 4)), (cube, 4), (cube, 2, 3, 4), (cube, ()), (cube, 1, 1)),
    # another order of dimensions
    *calls("permute", (cube, (2, 0, 1)), (cube, (-1, 0, 1)), (x, {"dims": (1, 0)}), (scalar, ())), *calls("Tensor.permute", (cube, 2, 0, 1), (cube, (1, -1, 0))),
    *calls("transpose", (cube, 0, 2), (cube, -1, 1), (x, {"dim0": 0, "dim1": 1}), (scalar, 0, -1)), *calls("swapaxes", (cube, 0, 2), (x, {"axis0": 0, "axis1": -1})),
    *calls("swapdims", (cube, 0, 2), (x, {"dim0": 0, "dim1": -1})), *calls("t", x, v, scalar), *calls("adjoint", x, cube),
    *calls("movedim", (cube, 0, -1), (cube, (0, 1), (-1, 0)), (cube, {"source": (2, 0), "destination": (0, 1)}), (v, 0, 0)), *calls("moveaxis", (cube, 0, -1), (cube, {"source": 1, "destination": 0})),
    *[Call(f"Tensor.{name}", (a,), run=lambda lib, a, name=name: getattr(a, name), variants=False) for name in ("T", "mT", "H", "mH") for a in ((x,) if name in "TH" else (x, cube))],
    Call("Tensor.contiguous", (cube,), run=lambda lib, x: [x.contiguous(), x.mT.contiguous() * 2, x.contiguous().is_contiguous()]),
    # repeated, and in another order
    *calls("Tensor.repeat", (x, 2, 3), (x, 2, 1, 1), (v, (2, 2)), (x, 0, 1), (scalar, 3)), *calls("tile", (x, (2,)), (x, (2, 1, 2)), (x, {"dims": (2, 3)}), (scalar, (2,)), (x, ())), *calls("Tensor.tile", (x, 2, 3), (v, (2,))),
    *calls("repeat_interleave", (x, 2), (x, 3, 1), (x, 2, -1), (x, np.array([1, 0, 2]), 1), (x, np.array([2]), 0), (v, np.array([1, 0, 2, 1, 1])), (x, {"repeats": 2, "dim": 0, "output_size": 4}), (x, {"repeats": np.array([1, 3]), "dim": 0, "output_size": 4}),
           (scalar, 3), (x, 0, 0), (cube, 2, 1)),
    *calls("repeat_interleave", np.array([1, 0, 3]), np.array([2, 1], "int32"), (np.array([2, 1]), {"output_size": 3}), order=0, forms=False), Call("repeat_interleave", (v, np.array(2)), note="a 0-d tensor"),
    *calls("flip", (cube, (0,)), (cube, (1, -1)), (x, {"dims": [0, 1]}), (x, ())), *calls("Tensor.flip", (x, 0, 1), (x, (1,)), (x, -1)), *calls("fliplr", x, cube), *calls("flipud", x, v),
    *calls("roll", (x, 4), (x, 1, 0), (x, (1, -2), (0, 1)), (cube, -1, -1), (v, (1, 2), (0, 0)), (x, {"shifts": 1, "dims": 1}), (scalar, 1)),
    *calls("rot90", x, (x, 2), (x, -1), (x, 4), (x, 3, (1, 0)), (cube, 1, [1, 2]), (cube, {"k": 1, "dims": (0, -1)})),
    # triangles and diagonals
    *calls("tril", x, (y, 1), (cube, -1), (y, {"diagonal": -5})), *calls("triu", x, (y, 1), (cube, -1), (y, {"diagonal": 5})),
    *calls("diagonal", x, (x, 1), (cube, -1, 1, 2), (cube, {"offset": 1, "dim1": 0, "dim2": -1}), (y, 3), (y, -9)), *calls("diag", v, (v, 1), (v, -2), x, (x, -1), (x, {"diagonal": 1})),
    *calls("diag_embed", x, (x, 1), (x, -1), (x, 0, 0, 2), (x, 0, 2, 0), (v, {"offset": 1, "dim1": 1, "dim2": 0})), *calls("diagflat", x, (v, 1), (scalar, -1), (x, {"offset": -1})),
    # a view becomes the tensor itself
    Call("Tensor.t_", (x,), run=lambda lib, x: became(x, lambda y: y.t_())), Call("Tensor.unsqueeze_", (x,), run=lambda lib, x: became(x, lambda y: y.unsqueeze_(1)), variants=False),
    Call("Tensor.transpose_", (cube,), run=lambda lib, x: of_part(x, lambda y: y.transpose_(0, 1)), note="of a view", variants=False),
    Call("Tensor.reshape", (cube,), run=lambda lib, x: (x.reshape(shape=(4, -1)), x.contiguous().view(size=(4, -1)), x.permute(dims=(2, 0, 1)), x.flip(dims=(0, 1)), x.tile(dims=(1, 2, 1)), x.repeat(repeats=(1, 1, 2)), x.sum_to_size(size=(1,)), x.expand(size=(2, *x.shape))), variants=False, note="sizes and dims by name"),
]  # fmt: skip


def became(x: Any, change: Any) -> Any:
    """A view, and a product, of a tensor that is written to after it was given another shape."""
    y = x * 2
    row = y[0]
    z = change(y)
    y.mul_(y + 1)
    return [row * 3, y, y * z]


def of_part(x: Any, change: Any) -> Any:
    """The same where the tensor is a view itself."""
    y = x * 2
    part = y[1]
    change(part)
    part.mul_(part + 1)
    return [y, part * 3]


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
    ErrorSample("expand: size", lambda lib: lib.zeros(2, 3).expand(2, 4), RuntimeError, "non-singleton"),
    ErrorSample("repeat: too few", lambda lib: lib.zeros(2, 3).repeat(2), RuntimeError, "[Nn]umber of dimensions"),
    ErrorSample("roll: shifts", lambda lib: lib.roll(lib.zeros(2, 3), (1, 2), (0,)), RuntimeError, "align"),
    ErrorSample("pad: reflect too far", lambda lib: lib.nn.functional.pad(lib.zeros(1, 1, 3), (3, 0), "reflect"),
                RuntimeError, "less than"),
    ErrorSample("pad: odd number", lambda lib: lib.nn.functional.pad(lib.zeros(3), (1,)), Exception, "divisible by 2"),
    ErrorSample("pad: mode", lambda lib: lib.nn.functional.pad(lib.zeros(3), (1, 1), "mirror"), NotImplementedError, "mode|mirror"),
    ErrorSample("diag: three dimensions", lambda lib: lib.diag(lib.zeros(2, 2, 2)), RuntimeError, "3D|1D or 2D"),
    ErrorSample("reshape: ambiguous", lambda lib: lib.zeros(0, 3).reshape(-1, 0), RuntimeError, "shape"),
    ErrorSample("unsqueeze_: leaf", lambda lib: lib.zeros(2, requires_grad=True).unsqueeze_(0), RuntimeError, "leaf Variable"),
    ErrorSample("squeeze: no tensor", lambda lib: lib.squeeze(None), TypeError, "must be Tensor, not NoneType"),
    ErrorSample("stack: no tensors", lambda lib: lib.stack([1.0, 2.0]), TypeError, "element 0 in argument 0, but got float"),
    ErrorSample("cat: an array among tensors", lambda lib: lib.cat([lib.zeros(2), np.zeros(2)]), TypeError, "element 1 in argument 0, but got .*ndarray"),
    ErrorSample("squeeze: dim", lambda lib: lib.zeros(2, 1).squeeze(2), IndexError, r"\[-2, 1\]"),
    ErrorSample("squeeze: dim twice", lambda lib: lib.zeros(2, 1).squeeze((1, 1)), RuntimeError, "multiple times"),
    ErrorSample("broadcast_to: size", lambda lib: lib.broadcast_to(lib.zeros(2, 3), (2, 4)), RuntimeError, "non-singleton"),
    ErrorSample("Tensor.expand: -1 in front", lambda lib: lib.zeros(3).expand(-1, 3), RuntimeError, "leading"),
    ErrorSample("Tensor.expand: too few", lambda lib: lib.zeros(2, 3).expand(3), RuntimeError, "number of sizes"),
    ErrorSample("Tensor.sum_to_size: size", lambda lib: lib.zeros(2, 3).sum_to_size(2), RuntimeError, "not expandable"),
    ErrorSample("Tensor.mT: a vector", lambda lib: lib.zeros(3).mT, RuntimeError, "matrices"),
    ErrorSample("Tensor.H: a batch", lambda lib: lib.zeros(2, 2, 2).H, RuntimeError, "mH"),
    ErrorSample("adjoint: a vector", lambda lib: lib.adjoint(lib.zeros(3)), RuntimeError, "matrices"),
    ErrorSample("movedim: counts", lambda lib: lib.movedim(lib.zeros(2, 3), (0, 1), (0,)), RuntimeError, "dims"),
    ErrorSample("swapaxes: dim", lambda lib: lib.swapaxes(lib.zeros(2), 0, 1), IndexError, r"\[-1, 0\]"),
    ErrorSample("tile: negative", lambda lib: lib.tile(lib.zeros(2), (-1,)), RuntimeError, "negative"),
    ErrorSample("repeat_interleave: counts", lambda lib: lib.repeat_interleave(lib.zeros(2), lib.tensor([1, 2, 3]), 0), RuntimeError, "same size"),
    ErrorSample("repeat_interleave: negative", lambda lib: lib.repeat_interleave(lib.zeros(2), -1), RuntimeError, "negative"),
    ErrorSample("repeat_interleave: output_size", lambda lib: lib.repeat_interleave(lib.zeros(2), 2, output_size=5), RuntimeError, "size"),
    ErrorSample("repeat_interleave: floats", lambda lib: lib.repeat_interleave(lib.zeros(2), lib.ones(2)), RuntimeError, "Long|not implemented"),
    ErrorSample("flip: dim twice", lambda lib: lib.flip(lib.zeros(2, 2), (0, 0)), RuntimeError, "multiple times"),
    ErrorSample("fliplr: a vector", lambda lib: lib.fliplr(lib.zeros(2)), RuntimeError, "2-d"),
    ErrorSample("flipud: a number", lambda lib: lib.flipud(lib.tensor(1.0)), RuntimeError, "1-d"),
    ErrorSample("rot90: one dim", lambda lib: lib.rot90(lib.zeros(2, 2), 1, [0]), RuntimeError, "== 2"),
    ErrorSample("rot90: dims", lambda lib: lib.rot90(lib.zeros(2, 2), 1, [0, 0]), RuntimeError, "different"),
    ErrorSample("rot90: a vector", lambda lib: lib.rot90(lib.zeros(2)), RuntimeError, ">= 2"),
    ErrorSample("diagonal: dims", lambda lib: lib.diagonal(lib.zeros(2, 2), 0, 1, 1), RuntimeError, "identical"),
    ErrorSample("diagonal: a vector", lambda lib: lib.diagonal(lib.zeros(2)), IndexError, r"\[-1, 0\]"),
    ErrorSample("diag_embed: a number", lambda lib: lib.diag_embed(lib.tensor(1.0)), IndexError, r"\[-1, 0\]"),
    ErrorSample("diag_embed: dims", lambda lib: lib.diag_embed(lib.zeros(2), 0, 1, 1), RuntimeError, "identical"),
    ErrorSample("tril: vector", lambda lib: lib.tril(lib.zeros(3)), RuntimeError, "at least 2"),
    ErrorSample("Tensor.permute: by another name", lambda lib: lib.zeros(2, 3).permute(axes=(1, 0)), TypeError, "permute"),
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
