"""Recurrent layers and packed sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, ShapeError
from samples.modules import Row, live, row, rows
from samples.table import Array, Call, ErrorSample, Numbers, Sample, calls

n = Numbers(41)
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


# --- one direction of one layer ----------------------------------------------------------------


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def lstm(zx: Array, zh: Array, h: Array, c: Array) -> tuple[Array, ...]:
    i, f, g, o = np.split(zx + zh, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(zx: Array, zh: Array, h: Array) -> tuple[Array, ...]:
    (xr, xz, xn), (hr, hz, hn) = np.split(zx, 3), np.split(zh, 3)
    z = sigmoid(xz + hz)
    return ((1 - z) * np.tanh(xn + sigmoid(xr + hr) * hn) + z * h,)


def layer(kind: str) -> Callable[..., Any]:
    """The layer, one sequence after the other, step by step."""

    def reference(
        x: Array, *rest: Any, sizes: Any = None, reverse: bool = False, relu: bool = False
    ) -> Any:
        count = 2 if kind == "lstm" else 1
        state, (w_ih, w_hh, b_ih, b_hh, w_hr) = rest[:count], (*rest[count:], None, None, None)[:5]
        b_ih, b_hh = (0 if b is None else b for b in (b_ih, b_hh))
        sizes = (x.shape[1],) * x.shape[0] if sizes is None else sizes
        flat, starts = x.reshape(-1, x.shape[-1]), np.cumsum((0, *sizes))
        out = np.zeros((len(flat), state[0].shape[1]))
        last = [s.copy() for s in state]
        for k in range(len(state[0])):
            steps = [t for t in range(len(sizes)) if sizes[t] > k]
            for t in reversed(steps) if reverse else steps:
                zx, zh = w_ih @ flat[starts[t] + k] + b_ih, w_hh @ last[0][k] + b_hh
                before = [s[k] for s in last]
                if kind == "rnn":
                    after = (np.maximum(zx + zh, 0) if relu else np.tanh(zx + zh),)
                else:
                    after = {"lstm": lstm, "gru": gru}[kind](zx, zh, *before)
                for s, new in zip(last, after, strict=True):
                    s[k] = w_hr @ new if w_hr is not None and s is last[0] else new
                out[starts[t] + k] = last[0][k]
        return (out.reshape(*x.shape[:-1], out.shape[1]), *last)

    return reference


def layer_sample(kind: str, bias: bool = True, projected: int = 0, **options: Any) -> Sample:
    """Two features, states of two or three numbers, three sequences over two steps."""
    rows, size = GATES[kind] * 2, projected or 2
    x = n.away(2, 3, 2) if "sizes" not in options else n.away(sum(options["sizes"]), 2)
    states = [n.unit(3, size)] + [n.unit(3, 2)] * (kind == "lstm")
    weights: list[Any] = [n.unit(rows, 2), n.unit(rows, size)]
    weights += [n.unit(rows), n.unit(rows)] if bias else [None, None]
    weights += [n.unit(size, 2)] if projected else []
    return Sample(f"{kind}_layer", (x, *states, *weights), options, reference=layer(kind))


SAMPLES = [
    layer_sample("rnn"),
    layer_sample("rnn", relu=True, bias=False),
    layer_sample("lstm", reverse=True),
    layer_sample("lstm", sizes=(3, 1), projected=1),
    layer_sample("gru", sizes=(3, 2), reverse=True),
    layer_sample("gru", bias=False),
]


# --- functions ---------------------------------------------------------------------------------

T, N, F, H = 3, 2, 2, 2


def weights(kind: str, layers: int = 1, directions: int = 1, bias: bool = True) -> list[Array]:
    rows = GATES[kind] * H
    found = []
    for i in range(layers):
        for _ in range(directions):
            found += [n.unit(rows, H * directions if i else F), n.unit(rows, H)]
            found += [n.unit(rows), n.unit(rows)] if bias else []
    return found


def states(kind: str, count: int) -> Any:
    return [n.unit(count, N, H), n.unit(count, N, H)] if kind == "lstm" else n.unit(count, N, H)


def function_calls(name: str, kind: str) -> list[Call]:
    x, packed, sizes = n.away(T, N, F), n.away(5, F), np.array([2, 2, 1])
    same: dict[str, Any] = {"dtypes": False, "variants": False, "forms": False}
    passes = (
        "input",
        "hx",
        "params",
        "has_biases",
        "num_layers",
        "dropout",
        "train",
        "bidirectional",
        "batch_first",
    )
    plain = {"order": 1, "passes": passes, **same}
    return [
        Call(name, (x, states(kind, 1), weights(kind), True, 1, 0.0, False, False, False), **(plain | {"order": 2})),
        Call(name, (n.away(N, T, F), states(kind, 4), weights(kind, 2, 2, False), False, 2, 0.5, True, True, True),
             note="two layers both ways", **plain),
        Call(name, (packed, sizes, states(kind, 2), weights(kind, 1, 2), True, 1, 0.0, True, True),
             note="packed", **plain),
    ]  # fmt: skip


def cell_calls(name: str, kind: str) -> list[Call]:
    h = [n.unit(N, H), n.unit(N, H)] if kind == "lstm" else n.unit(N, H)
    same: dict[str, Any] = {"dtypes": False, "variants": False, "forms": False}
    w_ih, w_hh, b_ih, b_hh = weights(kind)
    return [
        Call(name, (n.away(N, F), h, w_ih, w_hh), {"b_ih": b_ih, "b_hh": b_hh}, **same),
        Call(name, (n.away(N, F), h, w_ih, w_hh), note="no biases", **same, order=1),
    ]


def unpacked(lib: Any, out: Any) -> Any:
    """The tensors of a PackedSequence."""
    return [part for part in out if part is not None]


PACKING = "nn.utils.rnn."
longs = [n.away(3, 2), n.away(1, 2), n.away(2, 2)]
plain: dict[str, Any] = {"dtypes": False, "variants": False, "forms": False}


def padded_again(lib: Any, x: Any, lengths: Any, **options: Any) -> Any:
    rnn = lib.nn.utils.rnn
    packed = rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    return rnn.pad_packed_sequence(packed, **options)


def packed_again(lib: Any, *sequences: Any) -> Any:
    rnn = lib.nn.utils.rnn
    return rnn.unpack_sequence(rnn.pack_sequence(list(sequences), enforce_sorted=False))


CALLS = [
    *(
        call
        for name, kind in (("rnn_tanh", "rnn"), ("rnn_relu", "rnn"), ("lstm", "lstm"), ("gru", "gru"))
        for call in (*function_calls(name, kind), *cell_calls(f"{name}_cell", kind))
    ),
    *calls(
        PACKING + "pack_padded_sequence",
        (n.away(3, 2, 2), [3, 2]),
        (n.away(3, 4), np.array([2, 4, 1]), {"batch_first": True, "enforce_sorted": False}),
        (n.ints(0, 9, 2, 3), np.array([2, 2, 1])),
        then=unpacked,
        **plain,
    ),
    *(
        Call(PACKING + "pad_packed_sequence", (n.away(3, 2, 2), np.array([1, 3])), options, run=padded_again,
             passes=("sequence", *options), **plain)
        for options in ({}, {"batch_first": True, "padding_value": -1.5, "total_length": 5})
    ),
    *calls(
        PACKING + "pad_sequence",
        (longs,),
        (longs, True, 2.5),
        (longs, {"batch_first": True, "padding_side": "left"}),
        ([n.ints(0, 9, 2), n.ints(0, 9, 4)],),
        **plain,
    ),
    *calls(
        PACKING + "unpad_sequence",
        (n.away(2, 4, 2), np.array([2, 4]), {"batch_first": True}),
        **plain,
    ),
    *calls(
        PACKING + "pack_sequence",
        ([n.away(3, 2), n.away(2, 2)],),
        (longs, {"enforce_sorted": False}),
        then=unpacked,
        **plain,
    ),
    Call(PACKING + "unpack_sequence", tuple(longs), run=packed_again, passes=("packed_sequences",), **plain),
    Call(PACKING + "invert_permutation", (np.array([2, 0, 1]),), order=0, **plain),
]  # fmt: skip


# --- layers ------------------------------------------------------------------------------------

SEQUENCES, FIRST = "dl.randn(3, 2, 2)", "dl.randn(2, 3, 2)"
PACKED = "m(nn.utils.rnn.pack_padded_sequence(x[0], [1, 3], enforce_sorted={order}){rest})"
AGAIN = PACKED.format(order=False, rest="")
# PyTorch's LSTM of float32 has no second gradient: it is a library's
ONCE: dict[str, Any] = {"order": 1, "recorded": False, "kit": None}


def layer_rows(name: str, start: str) -> list[Row]:
    """The ways to call one of the three; `start` is the initial state after the input."""
    wide = {"dtypes": ("float64",)} if name == "LSTM" else {}
    new = f"nn.{name}(2, 3"
    return [
        row(f"{new})", SEQUENCES, kit={"empty_batch": False}, **wide),
        row(f"{new}, 2, batch_first=True, dropout=0.4, bidirectional=True)", FIRST, order=1),
        row(f"{new}, bidirectional=True)", SEQUENCES, call=AGAIN, order=1, kit=None),
        row(f"{new}, bias=False)", f"{SEQUENCES}, {start.format(2)}", call="m(*x)", order=1, kit=None),
        *rows(
            f"nn.{name}(2, 3, {{layers}}, bias={{bias}}, batch_first={{first}}, bidirectional={{both}})",
            FIRST,
            "dl.randn(4, 2)",
            choices={"layers": [1, 2], "bias": [True, False], "first": [True, False], "both": [True, False]},
            **ONCE,
        ),
        row(f"{new}, 3, dropout=0.5)", SEQUENCES, **ONCE),
        row(f"{new}, 2, dropout=0.5)", SEQUENCES, call=AGAIN, **ONCE),
        row(f"{new}, 2, dropout=1.0)", SEQUENCES, **ONCE),
        row(f"{new})", "dl.randn(1, 2, 2)", **ONCE),
        row(f"{new})", "dl.randn(3, 0, 2)", **ONCE),
        row(f"{new})", f"{SEQUENCES}, {start.format(2)}", call=PACKED.format(order=False, rest=", x[1]"), **ONCE),
        row(f"{new})", "dl.randn(3, 2, 2)", call="m(nn.utils.rnn.pack_padded_sequence(x[0], [3, 1]))", **ONCE),
        row(f"nn.{name}(2, 3)", "dl.randn(2, 3, 2)", call="m(x[0].transpose(0, 1))", **ONCE),
        row(f"nn.{name}(2, 3, dtype=dl.float64)", SEQUENCES, dtypes=("float64",), **ONCE),
    ]  # fmt: skip


MODULES: list[Row] = [
    *layer_rows("RNN", "dl.randn(1, {}, 3)"),
    *layer_rows("LSTM", "(dl.randn(1, {0}, 3), dl.randn(1, {0}, 3))"),
    *layer_rows("GRU", "dl.randn(1, {}, 3)"),
    row("nn.RNN(2, 3, nonlinearity='relu')", SEQUENCES, order=1),
    row("nn.RNN(2, 3, 2, 'relu', False)", f"{SEQUENCES}, dl.randn(2, 2, 3)", **ONCE),
    row("nn.RNN(2, 3)", "dl.randn(4, 2), dl.randn(1, 3)", **ONCE),
    row("nn.LSTM(2, 3)", "dl.randn(4, 2), (dl.randn(1, 3), dl.randn(1, 3))", **ONCE),
    row("nn.LSTM(2, 3, 2, bidirectional=True, proj_size=2)", SEQUENCES, order=1),
    row("nn.LSTM(2, 3, proj_size=1, bias=False)", SEQUENCES, call=AGAIN, **ONCE),
    row("nn.LSTM(2, 3, proj_size=1)", f"{SEQUENCES}, (dl.randn(1, 2, 1), dl.randn(1, 2, 3))", order=1, kit=None),
    row("nn.RNNCell(2, 3)", "dl.randn(4, 2)"),
    row("nn.RNNCell(2, 3, nonlinearity='relu')", "dl.randn(4, 2), dl.randn(4, 3)", order=1),
    *live([row("nn.RNNCell(0, 3)", "dl.randn(2, 0)")]),
    row("nn.RNNCell(2, 3, False)", "dl.randn(2), dl.randn(3)", **ONCE),
    row("nn.LSTMCell(2, 3)", "dl.randn(4, 2)", dtypes=("float64",)),
    row("nn.LSTMCell(2, 3)", "dl.randn(4, 2), (dl.randn(4, 3), dl.randn(4, 3))", order=1, kit=None),
    row("nn.LSTMCell(2, 3, bias=False)", "dl.randn(2), (dl.randn(3), dl.randn(3))", **ONCE),
    row("nn.GRUCell(2, 3)", "dl.randn(4, 2)"),
    row("nn.GRUCell(2, 3)", "dl.randn(4, 2), dl.randn(4, 3)", order=1, kit=None),
    row("nn.GRUCell(2, 3, bias=False)", "dl.randn(2)", **ONCE),
]  # fmt: skip


# --- errors ------------------------------------------------------------------------------------


def wrong(
    name: str, call: Callable[[Any], Any], message: str, error: Any = ShapeError, **options: Any
) -> ErrorSample:
    return ErrorSample(f"recurrent: {name}", call, error, message, **options)


ERRORS = [
    wrong("features", lambda lib: lib.nn.LSTM(3, 4)(lib.ones(5, 2, 2)), "Expected 3, got 2"),
    wrong("dimensions", lambda lib: lib.nn.GRU(3, 4)(lib.ones(5, 2, 2, 3)), "to be 2D or 3D, got 4D"),
    wrong("no steps", lambda lib: lib.nn.RNN(3, 4)(lib.ones(0, 2, 3)), "sequence length to be larger than 0"),
    wrong("state", lambda lib: lib.nn.GRU(3, 4)(lib.ones(5, 2, 3), lib.ones(2, 2, 4)), r"Expected hidden size \(1, 2, 4\)"),
    wrong("cell state", lambda lib: lib.nn.LSTM(3, 4)(lib.ones(5, 2, 3), (lib.ones(1, 2, 4), lib.ones(1, 1, 4))),
          r"hidden\[1\] size \(1, 2, 4\)"),
    wrong("dimensions of the state", lambda lib: lib.nn.RNN(3, 4)(lib.ones(5, 2, 3), lib.ones(1, 4)), "also be 3-D but got 2-D"),
    wrong("dtype", lambda lib: lib.nn.RNN(3, 4)(lib.ones(5, 2, 3, dtype=lib.float64)), "does not match weight dtype", ArgumentError),
    wrong("dropout", lambda lib: lib.nn.LSTM(3, 4, 2, dropout=2.0), r"number in range \[0, 1\]", ArgumentError),
    wrong("hidden_size", lambda lib: lib.nn.LSTM(3, 0), "greater than zero", ArgumentError),
    wrong("layers", lambda lib: lib.nn.LSTM(3, 4, 0), "num_layers must be greater", ArgumentError),
    wrong("proj_size", lambda lib: lib.nn.LSTM(3, 4, proj_size=4), "smaller than hidden_size", ArgumentError),
    wrong("proj_size of a GRU", lambda lib: lib.nn.GRU(3, 4, proj_size=2), "only supported for LSTM", ArgumentError),
    wrong("nonlinearity", lambda lib: lib.nn.RNN(3, 4, nonlinearity="gelu"), "Unknown nonlinearity", ArgumentError),
    wrong("nonlinearity of a cell", lambda lib: lib.nn.RNNCell(3, 4, nonlinearity="gelu")(lib.ones(3)), "Unknown nonlinearity", ArgumentError),
    wrong("mode", lambda lib: lib.nn.RNNBase("CNN", 3, 4), "Unrecognized RNN mode", ArgumentError),
    wrong("bias", lambda lib: lib.nn.GRU(3, 4, bias=1), "bias should be of type bool", TypeError),
    wrong("input_size", lambda lib: lib.nn.GRU(3.0, 4), "input_size should be of type int", TypeError),
    wrong("input of a cell", lambda lib: lib.nn.GRUCell(3, 4)(lib.ones(2, 2)), r"weight_ih must have shape \[12, 2\]"),
    wrong("dimensions of a cell", lambda lib: lib.nn.LSTMCell(3, 4)(lib.ones(2, 2, 3)), "to be 1D or 2D, got 3D"),
    wrong("state of a cell", lambda lib: lib.nn.RNNCell(3, 4)(lib.ones(2, 3), lib.ones(1, 4)), "Expected hidden size"),
    wrong("unsorted", lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.ones(3, 2), lib.tensor([1, 3])), "enforce_sorted", ArgumentError),
    wrong("length 0", lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.ones(3, 2), lib.tensor([1, 0])), "greater than 0", ArgumentError),
    wrong("long", lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.ones(3, 2), lib.tensor([4, 2])), "above the 3 steps", in_torch=False),
    wrong("lengths", lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.ones(3, 2), lib.tensor([3])), "equal to batch_size"),
    wrong("total_length", lambda lib: lib.nn.utils.rnn.pad_packed_sequence(
        lib.nn.utils.rnn.pack_sequence([lib.ones(3)]), total_length=2), "total_length=2", ArgumentError),
    wrong("padding_side", lambda lib: lib.nn.utils.rnn.pad_sequence([lib.ones(3)], padding_side="top"), "left or right|right or left", ArgumentError),
    wrong("nothing to pad", lambda lib: lib.nn.utils.rnn.pad_sequence([]), "empty list", ArgumentError),
]  # fmt: skip
