"""Calls of windows and strides, and of copies with a region replaced."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.table import ALL_FLOATS, Array, Call, ErrorSample, Numbers, Sample, calls

n = Numbers(32)

x, cube, v = n.away(3, 4), n.away(2, 4, 5), n.away(6)


def windows(x: Array, size: int, step: int, axis: int) -> Array:
    every = np.lib.stride_tricks.sliding_window_view(x, size, axis)
    return every[(*(slice(None),) * axis, slice(None, None, step))]


def unfolded(x: Array, size: int, step: int, axis: int) -> Sample:
    return Sample(
        "sliding_windows",
        (x,),
        {"size": size, "step": step, "axis": axis},
        reference=windows,
        dtypes=ALL_FLOATS,
    )


def strided(name: str, *args: Any, **options: Any) -> Call:
    """Strides count from the memory, so the layout is made the same first."""
    head, *rest = args
    src = [rest.pop(0)] if name.endswith("scatter") else []
    # PyTorch's gradient by the input of as_strided_scatter is wrong: it keeps what was overwritten
    return Call(name, (head, *src), {}, fixed=(0,) if src else (), run=lambda lib, x, *src: getattr(lib, name)(x.contiguous(), *src, *rest, **options),
                passes=("input", "src", "size", "stride", "storage_offset"), variants=False)  # fmt: skip


SAMPLES = [
    unfolded(x, 2, 1, 1), unfolded(x, 3, 2, 0), unfolded(cube, 3, 1, 1), unfolded(cube, 2, 2, 1), unfolded(v, 0, 1, 0),
    unfolded(cube, 4, 3, 2),
]  # fmt: skip

CALLS = [
    *calls("Tensor.unfold", (x, 1, 2, 1), (x, 0, 2, 2), (cube, -2, 3, 1), (cube, {"dimension": 1, "size": 2, "step": 2}), (v, 0, 6, 4), (v, 0, 0, 2), (v, 0, 1, 1)),
    Call("Tensor.unfold", (np.array(2.0), 0, 1, 1), note="0-d"),
    strided("as_strided", x, (2, 3), (4, 1)), strided("as_strided", x, (3, 3), (1, 2), 2), strided("as_strided", x, (4, 3), (1, 4)), strided("as_strided", v, (4, 3), (1, 1)),
    strided("as_strided", v, (3, 2), (0, 1), 1), strided("as_strided", v, (), (), 3), strided("as_strided", v, (0, 2), (1, 1)), strided("as_strided", v, size=(2,), stride=(3,), storage_offset=2),
    Call("Tensor.as_strided", (x,), run=lambda lib, x: (2 * x.contiguous())[1:].as_strided((2, 2), (3, 1)), note="of a view", passes=("size", "stride"), variants=False),
    Call("Tensor.as_strided", (x,), run=lambda lib, x: (2 * x.contiguous()).t().as_strided((2, 2), (3, 1), 5), note="of a transposed view", passes=("size", "stride", "storage_offset"), variants=False),
    Call("Tensor.as_strided_", (x,), run=lambda lib, x: (2 * x.contiguous()).as_strided_((2, 2), (3, 1), 5), passes=("size", "stride", "storage_offset"), variants=False),
    strided("as_strided_scatter", x, n.away(2, 3), (2, 3), (4, 1)), strided("as_strided_scatter", v, n.away(2), (2,), (3,), 2), strided("as_strided_scatter", v, n.away(2), size=(2,), stride=(3,), storage_offset=1),
    *calls("diagonal_scatter", (x, n.away(3)), (x, n.away(2), -1), (cube, n.away(5, 2), 0, 0, 1), (cube, n.away(2, 4), {"offset": 1, "dim1": 1, "dim2": -1})),
    *calls("select_scatter", (x, n.away(4), 0, 1), (cube, n.away(2, 4), -1, -2), (cube, n.away(4, 5), {"dim": 0, "index": 0})),
    *calls("slice_scatter", (x, n.away(2, 4), 0, 1), (x, n.away(3, 2), 1, 0, 4, 2), (x, n.away(3, 1), 1, -2, -1), (x, x), (x, n.away(3, 2), {"dim": -1, "start": None, "end": 2, "step": 1}), (v, n.away(0), 0, 4, 2), (v, n.away(2), 0, 4, 99)),
    Call("diagonal_scatter", (x.astype("float32"), n.away(3)), note="of another dtype", dtypes=False, narrow=0), Call("select_scatter", (x, np.arange(4), 0, 1), note="of another dtype", dtypes=False),
    Call("select_scatter", (x,), run=lambda lib, x: lib.select_scatter(x[:1].expand(3, 4), x[1], 0, 1), note="of an expanded tensor", passes=("src", "dim", "index"), variants=False),
    Call("slice_scatter", (x,), run=lambda lib, x: lib.slice_scatter(x.t(), x.t()[:2], 0, 1, 3), note="of a transposed tensor", variants=False),
    # views: what is written through them reaches the base, and its gradient what was read
    Call("Tensor.unfold", (v,), run=lambda lib, v: written(v, lambda y: y.unfold(0, 2, 2)), note="written to", variants=False),
    Call("as_strided", (v,), run=lambda lib, v: written(v.contiguous(), lambda y: y.as_strided((2, 2), (3, 1))), note="written to", variants=False),
    Call("diagonal", (x,), run=lambda lib, x: written(x, lambda y: lib.diagonal(y, 1)), note="written to", variants=False),
    Call("narrow", (x,), run=lambda lib, x: written(x, lambda y: y.narrow(1, 1, 2)), note="written to", variants=False),
    Call("select", (x,), run=lambda lib, x: written(x, lambda y: y.select(1, 2)), note="written to", variants=False),
    Call("permute", (cube,), run=lambda lib, x: written(x, lambda y: y.permute(2, 0, 1)[1]), note="written to", variants=False),
    Call("unflatten", (v,), run=lambda lib, v: written(v, lambda y: y.unflatten(0, (2, 3))[1]), note="written to", variants=False),
    Call("squeeze", (x,), run=lambda lib, x: written(x, lambda y: y[:, :1].squeeze(1)), note="written to", variants=False),
    Call("movedim", (cube,), run=lambda lib, x: written(x, lambda y: y.movedim(0, -1)[0]), note="written to", variants=False),
    Call("tensor_split", (v,), run=lambda lib, v: written(v, lambda y: y.tensor_split(3)[1]), note="written to", variants=False),
    Call("unsafe_split", (v,), run=lambda lib, v: [2 * piece.mul_(3) for piece in (v * 1).unsafe_split(2)], note="written to", variants=False),
]  # fmt: skip


def written(x: Any, view: Any) -> Any:
    """A copy of `x` after a view of it was multiplied by itself, and the view."""
    y = x * 1
    part = view(y)
    part.mul_(part + 1)
    return [y, part * 2]


ERRORS = [
    ErrorSample("Tensor.unfold: size", lambda lib: lib.zeros(5).unfold(0, 6, 1), RuntimeError, "maximum size"),
    ErrorSample("Tensor.unfold: step", lambda lib: lib.zeros(5).unfold(0, 2, 0), RuntimeError, "step is 0"),
    ErrorSample("Tensor.unfold: negative size", lambda lib: lib.zeros(5).unfold(0, -2, 1), RuntimeError, "size is -2"),
    ErrorSample("Tensor.unfold: dim", lambda lib: lib.zeros(5).unfold(1, 2, 1), IndexError, r"\[-1, 0\]"),
    ErrorSample("as_strided: beyond the memory", lambda lib: lib.as_strided(lib.zeros(4), (2,), (4,)), RuntimeError, "out of bounds"),
    ErrorSample("as_strided: lengths", lambda lib: lib.as_strided(lib.zeros(4), (2,), (1, 1)), RuntimeError, "mismatch in length"),
    ErrorSample("as_strided: negative stride", lambda lib: lib.as_strided(lib.zeros(4), (2,), (-1,)), RuntimeError, "[Nn]egative"),
    ErrorSample("as_strided: overlap written to", lambda lib: lib.zeros(4).as_strided((3, 2), (1, 1)).add_(1), RuntimeError, "memory location", in_torch=False),
    ErrorSample("as_strided_scatter: overlap", lambda lib: lib.as_strided_scatter(lib.zeros(4), lib.ones(2, 2), (2, 2), (1, 1)), RuntimeError, "more than once", in_torch=False),
    ErrorSample("diagonal_scatter: size", lambda lib: lib.diagonal_scatter(lib.zeros(2, 2), lib.ones(3)), RuntimeError, "size equal"),
    ErrorSample("select_scatter: size", lambda lib: lib.select_scatter(lib.zeros(2, 2), lib.ones(1, 2), 0, 0), RuntimeError, "size equal"),
    ErrorSample("select_scatter: index", lambda lib: lib.select_scatter(lib.zeros(2, 2), lib.ones(2), 0, 2), IndexError, "out of range"),
    ErrorSample("slice_scatter: size", lambda lib: lib.slice_scatter(lib.zeros(4, 4), lib.ones(4), 0, 1, 3), RuntimeError, "size equal"),
    ErrorSample("slice_scatter: step", lambda lib: lib.slice_scatter(lib.zeros(4), lib.ones(4), step=0), RuntimeError, "must be positive"),
]  # fmt: skip
