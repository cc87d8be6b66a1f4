"""Losses of sequences, and of vocabularies too large for one softmax."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from samples.functional import case, custom, ints
from samples.losses import cross_entropy
from samples.modules import Row, live, row, rows
from samples.table import Array, Numbers, Sample

n = Numbers(32)
REDUCTIONS = ("mean", "sum", "none")
R = {"r": list(REDUCTIONS)}
LOGS = "dl.randn(7, 3, 5).log_softmax(2)"
ROWS = "dl.tensor([[1, 2, 2], [3, 3, 3], [4, 1, 0]])"
JOINED = "dl.tensor([1, 2, 2, 3, 3, 3, 4, 1])"
SIZES = "(7, 6, 5), (3, 3, 2)"
TENSORS = "dl.tensor([7, 6, 5]), dl.tensor([3, 3, 2])"

CTC = [
    row("nn.CTCLoss()", f"{LOGS}, {ROWS}, {TENSORS}", order=1, kit={"order": 1, "surrogate": True, "empty_batch": False}),
    row("nn.CTCLoss(2, 'none', True)", f"{LOGS}, dl.tensor([[1, 3, 3], [3, 3, 3], [4, 1, 0]]), (7, 4, 5), (3, 3, 0)", order=1, kit=None),
    row("nn.CTCLoss(reduction='sum')", f"{LOGS}.log_softmax(2), {JOINED}, {TENSORS}", order=1, kit=None),
    *live(rows("nn.CTCLoss(reduction={r!r}, zero_infinity={z})", f"{LOGS}, {ROWS}, {SIZES}", f"{LOGS}, {JOINED}, {TENSORS}",
               f"{LOGS}, {ROWS}.int(), dl.tensor([7, 6, 1], dtype=dl.int32), dl.tensor([3, 3, 0], dtype=dl.int32)",
               f"{LOGS}, {ROWS}, (7, 4, 0), (3, 3, 1)", f"{LOGS}, {ROWS}, (0, 1, 1), (0, 0, 1)",
               "dl.randn(7, 5).log_softmax(1), dl.tensor([1, 2, 2]), dl.tensor(6), dl.tensor(3)",
               "dl.randn(7, 5).log_softmax(1), dl.tensor([[1, 2, 2]]), (6,), (2,)",
               "dl.randn(40, 4, 6).log_softmax(2) * 3, dl.randint(1, 6, (4, 9)), (40, 33, 21, 40), (9, 5, 9, 1)",
               order=1, choices={**R, "z": [False, True]}, narrow=1e-3)),
    *live(rows("nn.CTCLoss({b}, {r!r})", "dl.randn(7, 2, 5).log_softmax(2), dl.tensor([[1, 2, 2], [0, 0, 3]]), (7, 6), (3, 2)",
               order=1, choices={"b": [4], **R})),
]  # fmt: skip

ADAPTIVE = [
    row("nn.AdaptiveLogSoftmaxWithLoss(18, 20, [4, 10])", "dl.randn(5, 18), dl.tensor([0, 3, 5, 19, 12])", kit={"empty_batch": False}),
    row("nn.AdaptiveLogSoftmaxWithLoss(18, 20, [4, 10], 2.0, True)", "dl.randn(5, 18)", call="m.log_prob(*x), m.predict(*x)", kit=None),
    *live(rows("nn.AdaptiveLogSoftmaxWithLoss(18, 20, {c}, div_value={d}, head_bias={b})", "dl.randn(5, 18), dl.tensor([0, 3, 5, 19, 12])",
               "dl.randn(18), dl.tensor(7)", "dl.randn(3, 18), dl.tensor([1, 0, 1])",
               choices={"c": [[4], [2, 5, 11]], "d": [4.0, 1.5], "b": [False, True]})),
    *live(rows("nn.AdaptiveLogSoftmaxWithLoss(18, 20, {c})", "dl.randn(5, 18)", call="m.log_prob(*x), m.predict(*x)", choices={"c": [[1], [2, 5, 11], [19]]})),
]  # fmt: skip

PARTS = "nn.LinearCrossEntropyOptions"
BATCH = "dl.randn(6, 3), dl.tensor([0, 4, 2, 2, 1, 3])"
LINEAR = [
    row("nn.LinearCrossEntropyLoss(3, 5)", BATCH, kit={"empty_batch": False}),
    row(f"nn.LinearCrossEntropyLoss(3, 5, bias=True, weight=dl.rand(5), ignore_index=2, options={PARTS}(batch_chunk_size=4))", BATCH, order=1, kit={"empty_batch": False}),
    *live(rows("nn.LinearCrossEntropyLoss(3, 5, bias={b}, reduction={r!r}, weight={w}, label_smoothing={s})", BATCH, "dl.randn(3), dl.tensor(4)",
               "dl.randn(6, 3), dl.rand(6, 5)", choices={"b": [False, True], **R, "w": ["dl.rand(5)"], "s": [0.0, 0.2]})),
    *live(rows("nn.LinearCrossEntropyLoss(3, 5, out_features=(2,), bias={b}, reduction={r!r})", "dl.randn(2, 3), dl.tensor([[0, 1], [4, 2]])",
               "dl.randn(2, 3), dl.rand(2, 5, 2)", choices={"b": [False, True], **R})),
    *live(rows("nn.LinearCrossEntropyLoss(3, 5, bias={b}, reduction={r!r}, weight={w}, ignore_index={i}, options={o})", BATCH,
               "dl.randn(3), dl.tensor(4)", order=1, choices={"b": [False, True], **R, "w": ["dl.rand(5)"], "i": [None, 2],
               "o": [f"{PARTS}(allow_retain_graph=True)", f"{PARTS}(True, 2, None)", f"{PARTS}(True, chunking_method='aspect_ratio')"]})),
]  # fmt: skip

MODULES: list[Row] = [*CTC, *ADAPTIVE, *LINEAR]

# --- operations --------------------------------------------------------------------------------


def ctc_loss(
    x: Array, targets: Array, input_lengths: Array, target_lengths: Array, blank: int = 0
) -> Array:
    """One alignment after the other."""
    losses = []
    for i, (times, size) in enumerate(zip(input_lengths, target_lengths, strict=True)):
        total = 0.0
        for path in itertools.product(range(x.shape[2]), repeat=int(times)):
            joined = [label for label, _ in itertools.groupby(path)]
            if [label for label in joined if label != blank] == list(targets[i, :size]):
                total += np.exp(sum(x[t, i, label] for t, label in enumerate(path)))
        losses.append(-np.log(total))
    return np.array(losses)


def linear_cross_entropy(
    x: Array,
    weight: Array,
    bias: Any = None,
    *,
    target: Array,
    class_weight: Any = None,
    ignore_index: int = -100,
    reduction: str,
    rows: int,
) -> Any:
    logits = x @ weight.T + (0 if bias is None else bias)
    return cross_entropy(logits, target, class_weight, ignore_index, reduction=reduction)


LENGTHS = {"input_lengths": np.array([5, 4, 3]), "target_lengths": np.array([2, 3, 0])}
LABELS = {"target": np.array([0, 3, 2, 2, 1]), "rows": 2}
log_probs = n.away(5, 3, 4)
log_probs = log_probs - np.log(np.exp(log_probs).sum(-1, keepdims=True))
SAMPLES = [
    # the gradient is that of the scores before the log-softmax
    Sample("ctc_loss", (log_probs,), {"targets": np.array([[1, 1, 0], [3, 2, 1], [0, 0, 0]]), **LENGTHS}, reference=ctc_loss, order=1, surrogate=True),
    Sample("ctc_loss", (log_probs,), {"targets": np.array([[1, 0, 0], [0, 2, 0], [1, 1, 0]]), "blank": 3, **LENGTHS}, reference=ctc_loss, order=1,
           surrogate=True),
    *(Sample("linear_cross_entropy", (n.away(5, 3), n.away(4, 3), *bias), {**LABELS, "reduction": r, **options}, reference=linear_cross_entropy)
      for bias in ((), (n.away(4),)) for options in ({}, {"class_weight": n.positive(4), "ignore_index": 1}) for r in REDUCTIONS),
]  # fmt: skip

# --- functions ---------------------------------------------------------------------------------

rows_of_labels, joined = np.array([[1, 1, 0], [3, 2, 1], [0, 0, 0]]), np.array([1, 1, 3, 2, 1])


def ctc(note: str, targets: Array, lengths: Any = ((5, 4, 3), (2, 3, 0)), **options: Any) -> Any:
    def run(lib: Any, F: Any, x: Any) -> Any:
        ends, sizes = (lib.tensor(v) if isinstance(v, list) else v for v in lengths)
        return F.ctc_loss(x, lib.tensor(targets), ends, sizes, **options)

    return custom(f"ctc_loss: {note}", run, (log_probs,), 1)


def linear(note: str, *xs: Array, order: int = 2, chunks: Any = None, **options: Any) -> Any:
    target = np.array([0, 3, 2, 2, 1])

    def run(lib: Any, F: Any, x: Any, weight: Any, *bias: Any) -> Any:
        given = {
            k: lib.tensor(v).to(x.dtype) if isinstance(v, np.ndarray) else v
            for k, v in options.items()
        }
        if chunks is not None:
            given["options"] = lib.nn.LinearCrossEntropyOptions(allow_retain_graph=True, **chunks)
        return F.linear_cross_entropy(
            x, weight, lib.tensor(target), linear_bias=bias[0] if bias else None, **given
        )

    return custom(f"linear_cross_entropy: {note}", run, xs, order)


x, w, b = n.away(5, 3), n.away(4, 3), n.away(4)
CALLS = [
    ctc("", rows_of_labels),
    ctc("joined", joined, ([5, 4, 3], [2, 3, 0]), reduction="sum"),
    ctc("impossible", rows_of_labels, ((5, 2, 3), (2, 3, 0)), reduction="none", zero_infinity=True),
    ctc("blank", rows_of_labels[:, 2:].copy(), ((5, 2, 3), (0, 1, 1)), reduction="none", blank=3),
    ctc("no labels at all", rows_of_labels[:, :1].copy(), ((5, 2, 0), (0, 0, 0)), reduction="none"),
    linear("", x, w, b),
    linear("all", x, w, reduction="none", weight=n.positive(4), ignore_index=2, label_smoothing=0.1),
    linear("in parts", x, w, b, order=1, chunks={"batch_chunk_size": 2}, weight=n.positive(4), ignore_index=2),
]  # fmt: skip

# --- bad input ---------------------------------------------------------------------------------


def bad(
    name: str, message: str, error: Any = RuntimeError, in_torch: bool = True, **changes: Any
) -> Any:
    """`ctc_loss` with something wrong."""

    def call(lib: Any, F: Any) -> Any:
        good = {
            "log_probs": lib.full((5, 2, 4), -1.5),
            "targets": ints(lib, [1, 2, 3, 1]).reshape(2, 2),
            "input_lengths": (5, 4),
            "target_lengths": (2, 1),
        }
        return F.ctc_loss(**good | {k: v(lib) if callable(v) else v for k, v in changes.items()})

    return case(f"ctc_loss: {name}", call, message, error, in_torch)


ERRORS = [
    bad("input too long", "input_lengths to have value at least 0 and at most 5.*got value 6", input_lengths=(6, 4)),
    bad("negative length", "target_lengths to have value at least 0, but got value -1", target_lengths=(2, -1)),
    bad("lengths", r"input_lengths must be of size batch_size.*2 sequences, got \[1\].*batch second", input_lengths=(5,)),
    bad("lengths of floats", "must be integral, got float32", input_lengths=lambda lib: lib.ones(2)),
    bad("targets too short", r"Expected .*\(2, S\) with S of at least 3", target_lengths=(2, 3)),
    bad("joined", r"sum of target_lengths: 3, got 4", targets=lambda lib: ints(lib, [1, 2, 3, 1])),
    bad("blank", "blank must be in label range 0 … 3, got 4", blank=4),
    bad("empty", "must not be empty", log_probs=lambda lib: lib.ones(5, 0, 4), input_lengths=(), target_lengths=()),
    bad("dimensions", r"\(T, N, C\), or \(T, C\).*got \[4\]", log_probs=lambda lib: lib.ones(4)),
    bad("reduction", "avg is not a valid value", ValueError, reduction="avg"),
    bad("floats", r"integers, got float32", in_torch=False, targets=lambda lib: lib.ones(2, 2)),
    bad("range", "label 7 is out of bounds: log_probs has 4 classes", IndexError, in_torch=False, targets=lambda lib: ints(lib, [1, 7, 1, 1]).reshape(2, 2)),
    bad("blank in target", "must not contain the blank, 2; found in target 0 at place 1", IndexError, in_torch=False, blank=2),
    case("linear_cross_entropy: input", lambda lib, F: F.linear_cross_entropy(lib.ones(2, 2, 3), lib.ones(4, 3), ints(lib, [0, 1])), "dimensionality 1 or 2, got 3", RuntimeError),
    case("linear_cross_entropy: features", lambda lib, F: F.linear_cross_entropy(lib.ones(2, 3), lib.ones(4, 5), ints(lib, [0, 1])), r"in_features.*\[2, 3\].*\[4, 5\]", RuntimeError),
    case("linear_cross_entropy: weight", lambda lib, F: F.linear_cross_entropy(lib.ones(2, 3), lib.ones(3), ints(lib, [0, 1])), "at least 2, got", RuntimeError),
    case("linear_cross_entropy: bias", lambda lib, F: F.linear_cross_entropy(lib.ones(2, 3), lib.ones(4, 3), ints(lib, [0, 1]), linear_bias=lib.ones(3)), r"linear_bias shape.*4.*got", RuntimeError),
    case("linear_cross_entropy: places", lambda lib, F: F.linear_cross_entropy(lib.ones(3), lib.ones(4, 2, 3), ints(lib, [0, 1])), "requires batched input", RuntimeError),
    case("linear_cross_entropy: ignore_index", lambda lib, F: F.linear_cross_entropy(lib.ones(2, 3), lib.ones(4, 3), lib.ones(2, 4), ignore_index=1), "ignore_index cannot be specified", RuntimeError),
    case("linear_cross_entropy: range", lambda lib, F: F.linear_cross_entropy(lib.ones(2, 3), lib.ones(4, 3), ints(lib, [0, 4]), options=lib.nn.LinearCrossEntropyOptions()),
         "Target 4 is out of bounds", (IndexError, RuntimeError)),
]  # fmt: skip
