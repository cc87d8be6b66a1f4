"""Linear, one-hot vectors, and the layers that only change a shape."""

from __future__ import annotations

import numpy as np

from samples.functional import case, custom, ints, of
from samples.modules import Row, live, row, rows
from samples.table import Call, ErrorSample, Numbers

n = Numbers(12)


MODULES: list[Row] = [
    row("nn.Linear(3, 4)", "dl.randn(5, 3)"),
    row("nn.Linear(6, 2, bias=False)", "dl.randn(2, 5, 6)", kit={}),
    row("nn.Linear(3, 5)", "dl.randn(3)", recorded=False),
    row("nn.LazyLinear(4)", "dl.randn(2, 5, 3)"),
    row("nn.LazyLinear(4, False)", "dl.randn(3)", recorded=False),
    row("nn.Bilinear(3, 2, 4)", "dl.randn(5, 3), dl.randn(5, 2)"),
    row("nn.Bilinear(3, 2, 4, bias=False)", "dl.randn(2, 5, 3), dl.randn(2, 5, 2)", kit={}),
    row("nn.Bilinear(3, 2, 4)", "dl.randn(3), dl.randn(2)", recorded=False),
    row("nn.Identity()", "dl.randn(2)"),
    row("nn.Flatten()", "dl.randn(2, 3, 4)"),
    row("nn.Flatten(0, 1)", "dl.randn(2, 3, 4)", kit={"empty_batch": False}),
    row("nn.Unflatten(1, (3, -1))", "dl.randn(2, 6)"),
    *live(rows("nn.Linear(3, 5, bias={b})", "dl.randn(2, 4, 3)", choices={"b": [True, False]})),
    *live(rows("nn.Flatten({a})", "dl.randn(2, 3, 4)", choices={"a": ["0, -2", "1, 2", "-1"]})),
    row("nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 2))", "dl.randn(4, 3)"),
    row("nn.DataParallel(nn.Linear(3, 2), device_ids=None, output_device=None, dim=0)", "dl.randn(4, 3)"),
]  # fmt: skip

CALLS: list[Call] = [
    *(of("linear", f"{shape}{' bias' if bias else ''}", n.away(*shape), n.away(2, shape[-1]),
         *([n.away(2)] if bias else []))
      for shape in [(3,), (4, 3), (2, 4, 3), (0, 3), (2, 0, 3)] for bias in (False, True)),
    of("linear", "weight of one dimension", n.away(4, 3), n.away(3)),
    of("linear", "weight of one dimension, bias", np.array([[[1.5, -0.5], [0.5, 2.0]]]), np.array([0.5, -1.5]), np.asarray(0.5)),
    *(custom(f"one_hot: {case}", lambda lib, F, args=args: F.one_hot(ints(lib, args[0]), *args[1:]),
           (), order=0)
      for case, args in {"": ([0, 2],), "classes": ([[0, 2]], 4), "0-d": (1,), "none": ([], 3)}.items()),
]  # fmt: skip

ERRORS: list[ErrorSample] = [
    case("linear: features", lambda lib, F: F.linear(lib.ones(2, 3), lib.ones(5, 4)),
         r"x has 3 features, the weight expects 4; got x\[2, 3\] and weight\[5, 4\]\. Make in_features 3, or give it 4 features\.$",
         RuntimeError),
    case("linear: one number for each sample", lambda lib, F: F.linear(lib.ones(8), lib.ones(5, 1)),
         r"add a dimension: x\[:, None\]\.$", RuntimeError),
    case("linear: images", lambda lib, F: F.linear(lib.ones(2, 8, 3, 3), lib.ones(5, 72)), r"add nn.Flatten\(\)", RuntimeError),
    case("linear: dtypes", lambda lib, F: F.linear(lib.ones(2, 3), lib.ones(5, 3, dtype=lib.float64)),
         "same dtype, got float32 and float64", RuntimeError),
    case("linear: bias", lambda lib, F: F.linear(lib.ones(2, 3), lib.ones(5, 3), lib.ones(4)), r"\[5\].*got \[4\]", RuntimeError),
    case("linear: number", lambda lib, F: F.linear(lib.tensor(1.0), lib.ones(5, 3)), "at least one dimension", RuntimeError),
    case("one_hot: too large", lambda lib, F: F.one_hot(ints(lib, [1, 3]), 3), r"class value 3.*index \[1\]", RuntimeError),
    case("one_hot: negative", lambda lib, F: F.one_hot(ints(lib, [1, -3])), "class value -3", RuntimeError),
    case("one_hot: nothing", lambda lib, F: F.one_hot(lib.zeros(0, dtype=lib.int64)), "Can not infer total number", RuntimeError),
    case("one_hot: floats", lambda lib, F: F.one_hot(lib.ones(2)), "only applicable to index tensors, got float32", RuntimeError),
]  # fmt: skip
