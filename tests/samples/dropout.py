"""Dropout and its kin."""

from __future__ import annotations

from typing import Any

from samples.functional import case, custom, ints, of
from samples.modules import Row, live, row, rows
from samples.table import Array, Call, ErrorSample, Numbers

n = Numbers(32)
ALL = ("float32", "float64", "float16")
ELEMENTS, FEATURES = ("dropout", "alpha_dropout"), ("feature_dropout", "feature_alpha_dropout")


def top(name: str, note: str, x: Array, p: float, train: bool = True) -> list[Call]:
    """The function at the top with what it draws next, and its form in place."""
    seeded = lambda lib, f, x: (lib.manual_seed(3), f(x), lib.rand(2))[1:]
    return [
        Call(name, (x,), note=note, passes=("p", "train"), forms=False, variants=False, dtypes=False,
             run=lambda lib, x: seeded(lib, lambda x: getattr(lib, name)(x, p=p, train=train), x)),
        Call(f"{name}_", (x,), note=note, passes=("p", "train"), forms=False, variants=False, dtypes=False,
             run=lambda lib, x: seeded(lib, lambda x: getattr(lib, f"{name}_")(x * 1, p, train), x)),
    ]  # fmt: skip


def in_place(name: str, x: Array, **options: Any) -> Call:
    """The result, and the input afterwards."""

    def run(lib: Any, F: Any, x: Any) -> Any:
        y = x * 1
        return getattr(F, name)(y, 0.4, True, True), y

    return custom(f"{name}: in place", run, (x,))


x = n.away(3, 4)
CALLS = [
    *(call for name in ELEMENTS for call in top(name, "", n.away(5, 3), 0.4)),
    *(call for name in FEATURES for call in top(name, "", n.away(2, 3, 2), 0.4)),
    *(call for name in (*ELEMENTS, *FEATURES) for p, train in ((0.0, True), (1.0, True), (0.5, False))
      for call in top(name, f"p={p} {train}", n.away(2, 3), p, train)),
    *(of("dropout", f"p={p} {shape}", n.away(*shape), p=p)
      for p in (0.0, 0.3, 0.5, 1.0) for shape in ((3,), (5, 7))),
    of("dropout", "not training", x, training=False),
    in_place("dropout", x),
    custom("dropout: twice", lambda lib, F, x: F.dropout(F.dropout(x, 0.2), 0.4), (n.away(40),)),
    *(of(name, f"p={p} {shape}", n.away(*shape), p=p)
      for p in (0.3, 1.0)
      for name, shapes in {"dropout1d": [(4, 3), (2, 4, 3)], "dropout2d": [(2, 3, 4), (2, 4, 2, 3), (5, 6), (2, 3, 1, 2, 1)],
                           "dropout3d": [(4, 2, 1, 3), (2, 4, 2, 1, 3), (5, 6)]}.items()
      for shape in shapes),
    *(in_place(name, n.away(*shape)) for name, shape in
      (("dropout1d", (2, 4, 3)), ("dropout1d", (4, 3)), ("dropout2d", (2, 3, 1, 2)), ("dropout3d", (2, 3, 1, 2, 2)),
       ("dropout3d", (4, 3, 1, 2)), ("alpha_dropout", (4, 3)), ("feature_alpha_dropout", (2, 4, 3)))),
    *(of(name, "not training", n.away(2, 3, 2, 2), training=False) for name in ("dropout1d", "dropout2d", "dropout3d")[1:]),
    *(of(name, f"p={p}", n.away(4, 3), p=p, training=True) for name in ("alpha_dropout", "feature_alpha_dropout")
      for p in (0.0, 0.2, 0.5, 1.0)),
    *(of(name, "by default nothing", n.away(4, 3)) for name in ("alpha_dropout", "feature_alpha_dropout")),
]  # fmt: skip


def wrong(
    name: str, message: str, shape: tuple[int, ...], error: Any, **options: Any
) -> ErrorSample:
    return case(
        f"{name}: {message[:20]}",
        lambda lib, F: getattr(F, name)(lib.ones(*shape), **options),
        message,
        error,
    )


CHANNELS = {"dropout1d": (2, 3, 4), "dropout2d": (2, 3, 4, 4), "dropout3d": (2, 3, 2, 2, 2)}
ERRORS = [
    *(wrong(name, "has to be between 0 and 1, but got 1.5", shape, ValueError, p=1.5)
      for name, shape in (CHANNELS | {"dropout": (2,), "alpha_dropout": (2,), "feature_alpha_dropout": (2, 3)}).items()),
    *(case(f"{name}: {p}", lambda lib, F, name=name, p=p: getattr(lib, name)(lib.ones(2, 2), p, True),
           f"between 0 and 1, but got {p}", RuntimeError) for name in (*ELEMENTS, *FEATURES) for p in (-0.5, 2)),
    case("dropout: integers", lambda lib, F: F.dropout(ints(lib, [1, 2])), "expected floats, got int64", RuntimeError),
    wrong("dropout1d", r"2D or 3D.*\[2, 3, 4, 5\]", (2, 3, 4, 5), RuntimeError),
    *(case(f"{name}: one dimension", lambda lib, F, name=name: getattr(lib, name)(lib.ones(3), 0.5, True),
           r"at least 2 dimensions.*\[3\].*dropout\(\)", RuntimeError) for name in FEATURES),
    *(case(f"{name}: p", lambda lib, F, name=name: getattr(lib.nn, name)(-0.1), "between 0 and 1, but got -0.1")
      for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")),
    case("DropConnect: p", lambda lib, F: lib.nn.DropConnect(lib.nn.Linear(2, 2), 2), "between 0 and 1, but got 2", in_torch=False),
    case("DropConnect: names", lambda lib, F: lib.nn.DropConnect(lib.nn.Linear(2, 2), names=["wait"]),
         "Linear has no parameter 'wait'; it has weight, bias", in_torch=False),
]  # fmt: skip

MODULES: list[Row] = [
    row("nn.Dropout(0.4)", "dl.randn(4, 5)", dtypes=ALL),
    row("nn.Dropout(0.25, inplace=True)", "dl.randn(3, 2)", call="m(x[0] * 1)"),
    row("nn.Dropout1d(0.4)", "dl.randn(2, 3, 4)", dtypes=ALL),
    row("nn.Dropout1d(0.4, True)", "dl.randn(5, 2)", call="m(x[0] * 1)"),
    row("nn.Dropout2d(0.3)", "dl.randn(2, 4, 2, 3)", dtypes=ALL),
    row("nn.Dropout3d(0.3)", "dl.randn(2, 4, 2, 1, 2)", dtypes=ALL),
    row("nn.AlphaDropout(0.3)", "dl.randn(4, 5)", dtypes=ALL),
    row("nn.FeatureAlphaDropout(0.3)", "dl.randn(2, 4, 3)", dtypes=ALL),
    row("nn.DropConnect(nn.Linear(4, 3), 0.4)", "dl.randn(5, 4)", ours=True),
    row("nn.DropConnect(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)), 0.3, ['2.weight'])", "dl.randn(5, 4)", ours=True, kit={}),
    *live([
        *rows("nn.Dropout({p}, inplace={i})", "dl.randn(40, 5)", choices={"p": [0, 0.1, 0.5, 0.9, 1], "i": [False, True]}, call="m(x[0] * 1)"),
        *rows("nn.Dropout1d({p}, inplace={i})", "dl.randn(3, 4, 2)", "dl.randn(7, 2)",
              choices={"p": [0, 0.5, 1], "i": [False, True]}, call="m(x[0] * 1)"),
        *rows("nn.Dropout2d({p}, inplace={i})", "dl.randn(3, 4, 2, 2)", "dl.randn(3, 4, 2)", "dl.randn(3, 4)",
              choices={"p": [0, 0.5, 1], "i": [False, True]}, call="m(x[0] * 1)"),
        *rows("nn.Dropout3d({p}, inplace={i})", "dl.randn(3, 4, 2, 1, 2)", "dl.randn(7, 2, 1, 3)",
              choices={"p": [0, 0.5, 1], "i": [False, True]}, call="m(x[0] * 1)"),
        *rows("nn.{k}AlphaDropout({p}, inplace={i})", "dl.randn(9, 4)", "dl.randn(2, 5, 3)", "dl.randn(2, 3, 2, 2).permute(0, 2, 3, 1)",
              choices={"k": ["", "Feature"], "p": [0, 0.2, 0.5, 1], "i": [False, True]}, dtypes=ALL),
    ]),
]  # fmt: skip
