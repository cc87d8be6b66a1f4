"""Embeddings and bags of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.functional import case, custom, ints
from samples.modules import Row, live, row, rows
from samples.table import Array, Call, Numbers

n = Numbers(33)
ALL = ("float32", "float64", "float16")
table = n.away(6, 3)


def looked_up(note: str, index: Any, weight: Array = table, **options: Any) -> Call:
    return custom(
        f"embedding: {note}",
        lambda lib, F, w: F.embedding(ints(lib, index), w, **options),
        (weight,),
        order=1,
    )


def bag(
    note: str, index: Any, offsets: Any = None, shares: Array | None = None, **options: Any
) -> Call:  # fmt: skip
    """Differentiated once: PyTorch has no second derivative there."""

    def run(lib: Any, F: Any, w: Any, shares: Any = None) -> Any:
        starts = None if offsets is None else ints(lib, offsets)
        return F.embedding_bag(ints(lib, index), w, starts, per_sample_weights=shares, **options)

    inputs = (table,) if shares is None else (table, shares)
    return custom(f"embedding_bag: {note}", run, inputs, order=1)


def top(name: str, note: str, *args: Any, part: Any = None, **options: Any) -> Call:
    """A function at the top, or a part of what it returns; a list stands for a tensor of integers."""
    made = lambda lib: [ints(lib, a) if isinstance(a, list) else a for a in args]
    run = lambda lib, w, *more: getattr(lib, name)(w, *made(lib), *more, **options)
    return Call(
        name, (table,), note=note, order=1, forms=False, variants=False, dtypes=False, passes=PASSED[name],
        run=run if part is None else lambda lib, w: run(lib, w)[part],
    )  # fmt: skip


PASSED = {
    "embedding": ("indices", "padding_idx", "scale_grad_by_freq", "sparse"),
    "embedding_bag": ("indices", "offsets", "scale_grad_by_freq", "mode", "sparse", "per_sample_weights",
                      "include_last_offset", "padding_idx"),
    "embedding_renorm_": ("indices", "max_norm", "norm_type"),
}  # fmt: skip


def shortened(function: str, **options: Any) -> Call:
    """The result, and the weight after its rows were scaled."""

    def run(lib: Any, F: Any, w: Any) -> Any:
        weight = w.detach().clone().requires_grad_()
        out = getattr(F, function)(ints(lib, [[1, 1, 3]]), weight, **options)
        return out.detach(), weight.detach()

    return custom(f"{function}: max_norm {options}", run, (table,), order=0)


def renormed(note: str, index: Any, *args: Any) -> Call:
    run = lambda lib, w: lib.embedding_renorm_(w.detach().clone(), ints(lib, index), *args)
    return Call(
        "embedding_renorm_", (table,), note=note, run=run, order=0, forms=False, variants=False, dtypes=False,
        passes=PASSED["embedding_renorm_"],
    )  # fmt: skip


flat, starts = [1, 2, 4, 5, 4, 3, 1], [0, 0, 3, 7, 7]
square = [[1, 1, 4], [0, 5, 1]]
# Each index twice: PyTorch divides the gradients of a bag by the counts of other rows.
twice = [[1, 4, 0], [0, 4, 1]]
MODES = ("sum", "mean", "max")
CALLS = [
    looked_up("", [[1, 2, 1], [0, 4, 1]]),
    looked_up("one index", 3),
    looked_up("no index", np.zeros((2, 0))),
    looked_up("padding_idx", [1, 2, 1, 0], padding_idx=1),
    looked_up("padding_idx from the end", [1, 5, 5, 0], padding_idx=-1),
    looked_up("scale_grad_by_freq", [[1, 2, 1], [0, 4, 1]], scale_grad_by_freq=True),
    looked_up("all", [1, 2, 1, 0], padding_idx=2, scale_grad_by_freq=True),
    custom("embedding: sparse", lambda lib, F, w: F.embedding(ints(lib, [1, 3]), w, sparse=True), (table,), order=0),
    *(shortened("embedding", max_norm=m, norm_type=p) for m, p in ((1.5, 1.0), (0.7, float("inf")), (1.0, 2.5))),
    top("embedding", "", square), top("embedding", "padding", square, 1), top("embedding", "frequencies", square, -1, True),
    renormed("", [1, 1, 4], 1.0, 2.0), renormed("of a matrix", square, 0.5, 1.0), renormed("none is too long", [2], 100.0, 2.0),
    *(bag(f"{mode} {note}", *given, mode=mode) for mode in MODES
      for note, given in {"": (flat, starts), "2-d": (square,), "empty bags": ([], [0, 0]), "no bags": ([], [])}.items()),
    *(bag(f"{mode} padding_idx", flat, starts, mode=mode, padding_idx=4) for mode in MODES),
    *(bag(f"{mode} padding_idx from the end, 2-d", [[5, 5], [5, 0]], mode=mode, padding_idx=-1) for mode in MODES),
    *(bag(f"{mode} include_last_offset", flat, [0, 3, 7], mode=mode, include_last_offset=True) for mode in MODES),
    *(bag(f"{mode} scale_grad_by_freq", twice, mode=mode, scale_grad_by_freq=True) for mode in MODES[:2]),
    bag("per_sample_weights", flat, starts, n.away(7), mode="sum"),
    bag("per_sample_weights, 2-d, padding", square, None, n.away(2, 3), mode="sum", padding_idx=1),
    custom("embedding_bag: sparse", lambda lib, F, w: F.embedding_bag(ints(lib, square), w, sparse=True), (table,), order=0),
    *(shortened("embedding_bag", max_norm=1.5, norm_type=1.0, mode=mode) for mode in MODES),
    top("embedding_bag", "", flat, starts, part=0),
    *(top("embedding_bag", f"mode {mode}", flat, starts, False, mode, part=slice(None)) for mode in (1, 2)),
    *(top("embedding_bag", f"mode {mode} padding", flat, starts, False, mode, False, None, False, 4, part=slice(None)) for mode in (1, 2)),
]  # fmt: skip


def fault(note: str, message: str, error: Any, index: Any, *args: Any, **options: Any) -> Any:
    """A call of `embedding_bag` with a table of 4 rows; lists of arguments are tensors of integers."""

    def call(lib: Any, F: Any) -> Any:
        made = [ints(lib, a) if isinstance(a, list) else a for a in args]
        return F.embedding_bag(ints(lib, index), lib.ones(4, 2), *made, **options)

    return case(f"embedding_bag: {note}", call, message, error)


ERRORS = [
    case("embedding: index", lambda lib, F: F.embedding(ints(lib, [0, 5, 3]), lib.ones(4, 2)),
         r"index 5 is out of bounds: the embedding has 4 rows.*index \[1\]", IndexError),
    case("embedding: negative", lambda lib, F: F.embedding(ints(lib, [-1]), lib.ones(4, 2)), "index -1 is out of bounds", IndexError),
    case("embedding: floats", lambda lib, F: F.embedding(lib.ones(2), lib.ones(4, 2)), r"got float32.*\.long\(\)", RuntimeError),
    case("embedding: weight", lambda lib, F: F.embedding(ints(lib, [1]), lib.ones(4)), r"must be 2-D.*\[4\]", RuntimeError),
    case("embedding: padding_idx", lambda lib, F: F.embedding(ints(lib, [1]), lib.ones(4, 2), padding_idx=4),
         "padding_idx 4 is not one of the 4 rows", (ValueError, AssertionError)),
    case("embedding_renorm_: a parameter", lambda lib, F: lib.embedding_renorm_(lib.ones(2, 2, requires_grad=True), ints(lib, [0]), 1.0, 2.0),
         "leaf Variable that requires grad", RuntimeError),
    case("embedding_renorm_: one dimension", lambda lib, F: lib.embedding_renorm_(lib.ones(2), ints(lib, [0]), 1.0, 2.0), "must be 2-D", RuntimeError),
    fault("index", r"index 4 is out of bounds.*index \[1\]", (IndexError, RuntimeError), [0, 4], [0]),
    fault("the first offset", r"offsets\[0\] has to be 0.*got 1", (ValueError, RuntimeError), [0, 1], [1]),
    fault("the last offset", r"input's length 2; got \[0, 3\]", (ValueError, RuntimeError), [0, 1], [0, 3]),
    fault("no offsets", "offsets has to be a 1D Tensor", ValueError, [0, 1]),
    fault("offsets of a matrix", "offsets has to be None", ValueError, [[0, 1]], [0]),
    fault("dimensions", "1D or 2D Tensor", ValueError, [[[0]]]),
    fault("mode", "one of sum, mean or max, got 'prod'", ValueError, [[0]], mode="prod"),
    fault("frequencies of maxima", "max mode does not support scaling the gradient", ValueError, [[0]], mode="max", scale_grad_by_freq=True),
    fault("sparse maxima", "max mode does not support sparse weights", ValueError, [[0]], mode="max", sparse=True),
    fault("padding_idx", "-4 through 3, but got 4", (ValueError, RuntimeError), [[0]], padding_idx=4),
    case("embedding_bag: weights of a mean", lambda lib, F: F.embedding_bag(ints(lib, [[0]]), lib.ones(4, 2), per_sample_weights=lib.ones(1, 1)),
         "mode='sum', got mode='mean'", NotImplementedError),
    case("embedding_bag: weights' shape", lambda lib, F: F.embedding_bag(ints(lib, [[0, 1]]), lib.ones(4, 2), mode="sum", per_sample_weights=lib.ones(2)),
         r"per_sample_weights\[2\].*input\[1, 2\]"),
    case("embedding_bag: weights' dtype",
         lambda lib, F: F.embedding_bag(ints(lib, [[0]]), lib.ones(4, 2), mode="sum", per_sample_weights=lib.ones(1, 1, dtype=lib.float64)), "one dtype", RuntimeError),
    case("embedding_bag: weight", lambda lib, F: F.embedding_bag(ints(lib, [[0]]), lib.ones(4)), r"2D Tensor.*\[4\]"),
    *(case(f"{name}: {note}", lambda lib, F, name=name, make=make: make(getattr(lib.nn, name), lib), message, error)
      for name in ("Embedding", "EmbeddingBag")
      for note, make, message, error in (
          ("padding_idx", lambda cls, lib: cls(4, 2, padding_idx=4), "padding_idx must be within num_embeddings=4, got 4", (ValueError, AssertionError)),
          ("weight", lambda cls, lib: cls(4, 2, _weight=lib.zeros(2, 4)), "does not match", (RuntimeError, ValueError, AssertionError)),
          ("vectors", lambda cls, lib: cls.from_pretrained(lib.zeros(3)), "2-dimensional", (RuntimeError, ValueError, AssertionError)))),
]  # fmt: skip

INDEX, BAGS = (
    "dl.tensor([[0, 1, 1], [5, 4, 4]])",
    "dl.tensor([1, 2, 4, 5, 4, 3, 1]), dl.tensor([0, 0, 3, 7])",
)
TWICE = "dl.tensor([1, 2, 4, 1, 4, 2]), dl.tensor([0, 0, 3, 6])"
ONCE, SURROGATE = {"order": 1}, {"order": 1, "kit": {"surrogate": True}}
LIVE = {"m": MODES, "p": [None, 1, -1], "n": [None, 0.7]}
MODULES: list[Row] = [
    row("nn.Embedding(5, 3)", "dl.tensor([0, 2, 1, 1, 0])", dtypes=ALL, **ONCE),
    row("nn.Embedding(5, 3, padding_idx=2)", "dl.tensor([[0, 2, 4], [4, 4, 1]])", **SURROGATE),
    row("nn.Embedding(5, 3, scale_grad_by_freq=True)", "dl.tensor([0, 2, 1, 1, 0])", **SURROGATE),
    row("nn.Embedding(5, 3, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True)", "dl.tensor([0, 2, 2, 4])", kit=None, **ONCE),
    row("nn.EmbeddingBag(6, 3)", BAGS, dtypes=ALL, kit=None, **ONCE),
    row("nn.EmbeddingBag(6, 3, mode='sum', padding_idx=-2)", INDEX, **SURROGATE),
    row("nn.EmbeddingBag(6, 2, mode='max')", INDEX, dtypes=ALL, **ONCE),
    row("nn.EmbeddingBag(6, 2, 1.5, 1.0, True, 'sum', include_last_offset=True)", TWICE + ", dl.randn(6)", kit=None, **ONCE),
    *live([
        *rows("nn.Embedding(6, 3, padding_idx={p}, max_norm={n}, norm_type={t}, scale_grad_by_freq={s})", INDEX,
              choices={"p": [None, 0, -2], "n": [None, 1.0], "t": [2.0, 1.0], "s": [False, True]}, **ONCE),
        row("nn.Embedding.from_pretrained(dl.rand(6, 3), freeze=False, padding_idx=1)", INDEX, **ONCE),
        row("nn.Embedding.from_pretrained(dl.rand(6, 3))", INDEX, order=0),
        row("nn.Embedding.from_pretrained(dl.rand(6, 3), True, 2, 0.5, 1.0, True, False)", INDEX, order=0),
        row("nn.Embedding(6, 3, _weight=dl.rand(6, 3), _freeze=True)", INDEX, order=0),
        row("nn.EmbeddingBag(6, 3, _weight=dl.rand(6, 3))", INDEX, **ONCE),
        row("nn.Embedding(6, 3, sparse=True)", INDEX, order=0),
        *rows("nn.EmbeddingBag(6, 3, mode={m!r}, padding_idx={p}, max_norm={n})", INDEX, BAGS, choices=LIVE, **ONCE),
        *rows("nn.EmbeddingBag(6, 3, None, 2.0, {s}, mode={m!r}, include_last_offset={i})", TWICE,
              choices={"s": [False, True], "m": MODES[:2], "i": [False, True]}, **ONCE),
        *rows("nn.EmbeddingBag(6, 3, mode='sum', padding_idx={p})", INDEX + ", None, dl.randn(2, 3)", BAGS + ", dl.randn(7)", choices={"p": [None, 4]}, **ONCE),
        row("nn.EmbeddingBag.from_pretrained(dl.rand(6, 3), freeze=False, mode='sum', padding_idx=1)", INDEX, **ONCE),
        row("nn.EmbeddingBag.from_pretrained(dl.rand(6, 3), True, 0.5, 1.0, True, 'sum', False, False, 2)", INDEX, order=0),
        row("nn.EmbeddingBag(6, 3, sparse=True)", INDEX, order=0),
    ]),
]  # fmt: skip
