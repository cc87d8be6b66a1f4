"""Calls of the functions that copy what others return as views, and of those that PyTorch removed."""

from __future__ import annotations

from typing import Any

from samples.table import Call, ErrorSample, Numbers, calls
from samples.views import strided

n = Numbers(35)
x, cube = n.away(3, 4), n.away(2, 1, 5)
PLAIN: dict[str, Any] = {"forms": False, "variants": False}


def written(name: str, *args: Any) -> Call:
    """What is written into the copy does not reach the tensor that it came from."""

    def run(lib: Any, x: Any, *rest: Any) -> Any:
        out = getattr(lib, name)(x, *rest)
        (out[0] if isinstance(out, (tuple, list)) else out).zero_()
        return x

    return Call(name, (x, *args), run=run, note="written into", order=0, dtypes=False, **PLAIN)


CALLS: list[Call] = [
    *calls("alias_copy", x, forms=False),
    *calls("detach_copy", x, order=0, forms=False),
    *calls("expand_copy", (cube, (2, 3, -1)), (cube, (4, 2, 1, 5), {"implicit": False}), **PLAIN),
    *(Call("view_copy", (x,), run=lambda lib, x, size=size: lib.view_copy(x.contiguous(), size=size), passes=("size",), **PLAIN) for size in ((2, 6), (-1,))),
    Call("view_copy", (x,), run=lambda lib, x: lib.view_copy(x.contiguous(), lib.int32), passes=("dtype",), order=0, dtypes=False, narrow=0, **PLAIN),
    *calls("permute_copy", (cube, (2, 0, 1)), (x, {"dims": (1, 0)}), **PLAIN),
    *calls("transpose_copy", (cube, 0, -1), (x, {"dim0": 0, "dim1": 1}), **PLAIN),
    *calls("t_copy", x, x[0], **PLAIN),
    *calls("squeeze_copy", cube, (cube, 1), (cube, {"dim": (0, 1)}), **PLAIN),
    *calls("unsqueeze_copy", (x, 1), (x, {"dim": -1}), **PLAIN),
    strided("as_strided_copy", x, (2, 3), (4, 1)), strided("as_strided_copy", x, (3, 3), (1, 2), 2),
    *calls("diagonal_copy", x, (cube, 1, 0, 2), (x, {"offset": -1, "dim1": 1, "dim2": 0}), **PLAIN),
    *calls("select_copy", (x, 1, -2), (cube, {"dim": 0, "index": 1}), **PLAIN),
    *calls("slice_copy", (x, 1, 0, 4, 2), x, (cube, {"dim": -1, "start": -3, "end": None, "step": 1}), **PLAIN),
    *calls("unfold_copy", (x, 1, 2, 1), (cube, {"dimension": 2, "size": 3, "step": 2}), **PLAIN),
    *calls("split_copy", (x, 2, 1), (x, {"split_size": 2, "dim": 0}), **PLAIN),
    *calls("split_with_sizes_copy", (x, (1, 3), 1), (x, {"split_sizes": [1, 2], "dim": 0}), **PLAIN),
    *calls("unbind_copy", x, (x, {"dim": 1}), **PLAIN),
    *(written(*row) for row in (
        ("alias_copy",), ("detach_copy",), ("expand_copy", (3, 4)), ("permute_copy", (0, 1)), ("t_copy",),
        ("transpose_copy", 0, 0), ("squeeze_copy",), ("unsqueeze_copy", 0), ("diagonal_copy",), ("select_copy", 0, 0),
        ("slice_copy",), ("unfold_copy", 0, 3, 1), ("split_copy", 3), ("split_with_sizes_copy", (3,)), ("unbind_copy",))),
]  # fmt: skip

REMOVED = "function.*is now removed"
ERRORS = [
    ErrorSample("eig: removed", lambda lib: lib.eig(lib.eye(2)), RuntimeError, REMOVED),
    ErrorSample("symeig: removed", lambda lib: lib.symeig(lib.eye(2)), RuntimeError, REMOVED),
    ErrorSample("matrix_rank: removed", lambda lib: lib.matrix_rank(lib.eye(2)), RuntimeError, REMOVED),
    *(ErrorSample(f"{name}: removed", lambda lib, name=name: getattr(lib, name)(lib.eye(2), lib.eye(2)), RuntimeError, REMOVED)
      for name in ("lstsq", "solve")),
    ErrorSample("slice_copy: a number", lambda lib: lib.slice_copy(lib.tensor(1.0)), IndexError, "0-dim"),
    ErrorSample("select_copy: index", lambda lib: lib.select_copy(lib.ones(2), 0, 2), IndexError, "out of range"),
    ErrorSample("unfold_copy: size", lambda lib: lib.unfold_copy(lib.ones(2), 0, 3, 1), RuntimeError, "maximum size"),
    ErrorSample("view_copy: sizes", lambda lib: lib.view_copy(lib.ones(2), (3,)), RuntimeError, "invalid"),
    ErrorSample("expand_copy: sizes", lambda lib: lib.expand_copy(lib.ones(2), (3,)), RuntimeError, "expanded size.*must match"),
]  # fmt: skip
