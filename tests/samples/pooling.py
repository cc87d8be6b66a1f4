"""Pooling and unpooling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from samples.modules import Row, live, row, rows
from samples.table import Array, Call, ErrorSample, Numbers, Sample, calls
from samples.window import Options, padded, sizes, windows_of

n = Numbers(23)
inf, nan = math.inf, math.nan


# --- references --------------------------------------------------------------------------------


def max_pool(
    x: Array, windows: Any, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> Array:
    x = padded(x, [(a, b + 9) for a, b in padding], -np.inf)
    out = np.zeros((*x.shape[:2], *windows))
    for place, at in windows_of(x, windows, kernel, stride, dilation):
        out[(..., *place)] = x[at].max(axis=tuple(range(2, x.ndim)))
    return out


def sum_windows(x: Array, windows: Any, kernel: Any, stride: Any, padding: Any) -> Array:
    x = padded(x, [(a, b + 9) for a, b in padding], 0)
    out = np.zeros((*x.shape[:2], *windows))
    for place, at in windows_of(x, windows, kernel, stride, (1,) * len(kernel)):
        out[(..., *place)] = x[at].sum(axis=tuple(range(2, x.ndim)))
    return out


def spread_windows(
    x: Array, size: Any, windows: Any, kernel: Any, stride: Any, padding: Any
) -> Array:
    """The adjoint by its definition: the matrix of sum_windows, transposed."""
    unit = np.eye(int(np.prod(size))).reshape(-1, 1, *size)
    matrix = sum_windows(unit, windows, kernel, stride, padding).reshape(len(unit), -1)
    return (x.reshape(-1, matrix.shape[1]) @ matrix.T).reshape(*x.shape[:2], *size)


def pool(
    op: str, reference: Any, x: tuple[int, ...], kernel: Any, *, stride: Any, padding: Any, dilation: Any = None,
    windows: Any = None, public: str = "",
) -> Sample:  # fmt: skip
    dilations = dilation or (1,) * len(kernel)
    values = n.spread(*x)
    options: Options = {"kernel": kernel, "stride": stride, "padding": padding}
    options["windows"] = windows or sizes(values, kernel, stride, padding, dilations)
    if op == "max_pool":
        options["dilation"] = dilations
    given = {"kernel_size": kernel, "stride": stride, "padding": tuple(a for a, _ in padding)}
    if dilation:
        given["dilation"] = dilation
    return Sample(op, (values,), options, reference=reference, public=public, public_options=given)


# --- operations --------------------------------------------------------------------------------


def within(x: tuple[int, ...], *out: int) -> list[Sample]:
    """Maxima of ranges that cover the input, of unequal size."""

    def ranges(size: int, count: int) -> Array:
        ends = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
        k = max(b - a for a, b in ends)
        return np.array([[min(a + j, b - 1) for j in range(k)] for a, b in ends])

    def reference(x: Array, ranges: Any) -> Array:
        boxes = itertools.product(*ranges)
        found = [
            x[(slice(None), slice(None), *np.ix_(*box))].max(axis=tuple(range(2, x.ndim)))
            for box in boxes
        ]
        return np.stack(found, -1).reshape(*x.shape[:2], *map(len, ranges))

    options = {"ranges": tuple(map(ranges, x[2:], out))}
    return [Sample("max_within", (n.spread(*x),), options, reference=reference)]


NONE: Any = ((0, 0), (0, 0))

SAMPLES = [
    pool("max_pool", max_pool, (2, 3, 4, 6), (2, 2), stride=(2, 2), padding=NONE, public="nn.functional.max_pool2d"),
    pool("max_pool", max_pool, (2, 3, 5, 5), (3, 2), stride=(1, 2), padding=((1, 1), (1, 1)),
         public="nn.functional.max_pool2d"),
    pool("max_pool", max_pool, (1, 2, 7, 7), (2, 3), stride=(2, 1), padding=NONE, dilation=(3, 2),
         public="nn.functional.max_pool2d"),
    pool("max_pool", max_pool, (2, 3, 5), (2,), stride=(2,), padding=((0, 0),), windows=(3,)),
    pool("max_pool", max_pool, (1, 2, 3, 4, 4), (2, 2, 2), stride=(1, 2, 2), padding=((0, 0),) * 3),
    pool("sum_windows", sum_windows, (2, 3, 4, 6), (2, 2), stride=(2, 2), padding=NONE),
    pool("sum_windows", sum_windows, (2, 3, 5, 5), (3, 2), stride=(1, 2), padding=((1, 1), (1, 1))),
    pool("sum_windows", sum_windows, (2, 3, 5), (2,), stride=(2,), padding=((0, 0),), windows=(3,)),
    Sample("spread_windows", (n.away(2, 3, 2, 3),), {"size": (4, 6), "windows": (2, 3), "kernel": (2, 2), "stride": (2, 2),
           "padding": NONE}, reference=spread_windows),
    Sample("spread_windows", (n.away(2, 3, 5, 3),), {"size": (5, 5), "windows": (5, 3), "kernel": (3, 2), "stride": (1, 2),
           "padding": ((1, 1), (1, 1))}, reference=spread_windows),
    *within((2, 2, 5, 7), 2, 3),
    *within((2, 3, 6), 4),
    *within((1, 2, 3, 4, 5), 2, 3, 2),
    Sample("max_within", (n.spread(2, 2, 6, 5),), {"ranges": (n.ints(0, 4, 2, 2, 3, 1) + np.arange(2), np.arange(5)[:, None])}),
]  # fmt: skip


# --- functions ---------------------------------------------------------------------------------

line, plane, volume = n.spread(2, 2, 9), n.spread(2, 2, 7, 6), n.spread(1, 2, 4, 5, 4)
ties = n.ints(0, 3, 2, 2, 7, 6) * 1.0
holes = np.where(n.rng.random((1, 2, 6, 6)) < 0.3, nan, n.spread(1, 2, 6, 6))
INPUTS = {1: line, 2: plane, 3: volume}


def pooled(name: str, *found: Any, **options: Any) -> list[Call]:
    """Calls of a function; samples of the operations try dtypes and empty inputs."""
    plain: Any = {"dtypes": False, "variants": False, "forms": False} | options
    return calls(f"nn.functional.{name}", *found, **plain)


def unpooled(
    nd: int, x: Array, note: str, kernel: Any, stride: Any, padding: Any, *size: Any, order: int = 2
) -> Call:
    """Unpooling of what was pooled."""

    def run(lib: Any, x: Any) -> Any:
        F = lib.nn.functional
        values, places = getattr(F, f"max_pool{nd}d")(
            x, kernel, stride, padding, return_indices=True
        )
        return getattr(F, f"max_unpool{nd}d")(values, places, kernel, stride, padding, *size)

    passes = ("indices", "kernel_size", "stride", "padding", "output_size")
    return Call(f"nn.functional.max_unpool{nd}d", (x,), note=note, run=run, passes=passes, order=order, dtypes=False,
                variants=False, forms=False)  # fmt: skip


def fractional(nd: int, note: str, x: Array, **options: Any) -> list[Call]:
    """With and without indices, with drawn and with given numbers."""
    samples = n.rng.random((x.shape[0] if x.ndim == nd + 2 else 1, x.shape[-nd - 1], nd))
    name = f"fractional_max_pool{nd}d"
    return [
        *pooled(name, (x, 2, options), (x, 2, options | {"return_indices": True}), note=note, narrow=0),  # other draws
        *pooled(name, (x, 2, options | {"_random_samples": samples}), note=note, fixed=(1,)),
        *pooled(f"{name}_with_indices", (x, 2, options | {"return_indices": False, "_random_samples": samples}), note=note,
                fixed=(1,)),
    ]  # fmt: skip


CALLS = [
    *pooled("max_pool2d", *(
        (values, kernel, stride, padding, dilation, ceil, True)
        for values in (plane, ties)
        for kernel, stride, padding, dilation, ceil in [
            (2, None, 0, 1, False), (2, None, 0, 1, True), ((3, 2), (2, 1), 1, 1, False),
            ((3, 2), 3, (1, 0), 1, True), (2, 1, 1, (2, 3), False), (1, 2, 0, 1, True), (3, 2, 1, 2, True)]
        if values is plane or dilation == 1)),
    *pooled("max_pool2d", (plane, 2), (plane[0], 2, {"return_indices": True})),
    *pooled("max_pool2d", (holes, 3, 1, 1, {"return_indices": True}), (plane[:0], 2), order=1),
    *pooled("max_pool2d", (np.full((1, 1, 4, 4), -inf), 3, 2, 1, {"return_indices": True}), order=0),
    *pooled("max_pool1d", (line, 3, 2, 1, 1, True, True), (line, 2, 1, 0, 3), (line[0], 2)),
    *pooled("max_pool3d", (volume, (2, 3, 2), (1, 2, 1), 1, 1, True, True), (volume, 2, {"dilation": (1, 2, 2)}), (volume[0], 2)),
    *(call for nd, x in INPUTS.items()
      for call in pooled(f"max_pool{nd}d_with_indices", (x, 3, 2, 1, 1, True, False), (x[0], 2))),
    *pooled("max_pool2d", (n.ints(-9, 9, 1, 2, 4, 4), 2, {"return_indices": True}), order=0, note="integers"),

    *pooled("avg_pool2d", *(
        (plane, kernel, stride, padding, ceil, count, divisor)
        for (kernel, stride, padding, ceil), count, divisor in itertools.product(
            [(2, None, 0, False), ((3, 2), (2, 1), 1, False), (3, 2, 1, True), (2, 3, 0, True), (3, 2, (1, 0), True)],
            (True, False), (None, 5)))),
    *pooled("avg_pool2d", (plane, 2, {"divisor_override": -3}), (plane[0], (2, 3))),
    *pooled("avg_pool2d", (plane[:0], 2), order=1),
    *pooled("avg_pool2d", (n.ints(-9, 9, 1, 2, 4, 4), 2), (n.ints(-9, 9, 1, 2, 5, 5), 2, 2, 1, False, False), order=0, note="integers"),
    *pooled("avg_pool1d", (line, 3, 2, 1, True, False), (line, 2), (line[0], 4, 1)),
    *pooled("avg_pool3d", (volume, 2, 1, 1, True, False, 5), (volume, (2, 3, 1)), (volume[0], 3, 2, 1, True, False)),

    *(call for nd, x in INPUTS.items() for call in pooled(
        f"lp_pool{nd}d", (abs(x), 3, 2, 1, True), (x, 2.0, 2), (x, 1, 3, 2), (x, inf, 2), (x, -inf, 2),
        (abs(x), 0.5, 2, None, False))),
    *pooled("lp_pool2d", (np.zeros((1, 1, 2, 2)), 2, 2), order=1, note="slope at 0"),

    *pooled("adaptive_avg_pool2d", *((plane, size) for size in [1, 2, 3, (7, 6), (7, 3), (5, 4), (1, None), (None, 2), (9, 8)]),
            (plane[0], (3, 4))),
    *pooled("adaptive_avg_pool2d", (plane, 0), order=0),
    *pooled("adaptive_avg_pool2d", (plane[:0], (3, 4)), order=1),
    *pooled("adaptive_avg_pool2d", (np.where(plane == plane.max(), inf, plane), (3, 4)), order=1, note="inf stays in its windows"),
    *pooled("adaptive_avg_pool1d", (line, 4), (line, 1), (line[0], (3,))),
    *pooled("adaptive_avg_pool3d", (volume, 2), (volume, (3, None, 1)), (volume[0], 1)),
    *pooled("adaptive_max_pool2d", *((plane, size, True) for size in [1, 2, (5, 4), (None, 2), (9, 8)]), (plane[0], (3, 4)),
            (ties, (3, 4), True)),
    *pooled("adaptive_max_pool2d", (holes, (4, 3), True), (plane[:0], 2), order=1),
    *pooled("adaptive_max_pool1d", (line, 4, True), (line[0], 2)),
    *pooled("adaptive_max_pool3d", (volume, 2, True), (volume[0], (3, 1, 2))),
    *(call for nd, x in INPUTS.items() for call in pooled(f"adaptive_max_pool{nd}d_with_indices", (x, 2, False))),

    *fractional(2, "size", plane, output_size=(4, 3)),
    *fractional(2, "ratio", plane[0], output_ratio=(0.6, 0.7)),
    *fractional(3, "size", volume, output_size=2),
    *fractional(3, "ratio", volume[0], output_ratio=(0.5, 0.6, 0.4)),
    *pooled("fractional_max_pool2d", (holes, 3, (3, 2), None, True), order=1, note="nan"),

    *(unpooled(nd, x, note, *options)
      for nd, x in INPUTS.items() for note, options in {
          "even": (2, None, 0, x.shape[2:]), "overlap": (3, 2, 1, x.shape[2:]), "whole size": (2, 2, 0, x.shape)}.items()),
    unpooled(2, plane[0], "unbatched", 2, None, 0),
    unpooled(2, plane[:0], "empty batch", 2, None, 0, order=1),
]  # fmt: skip


# --- errors ------------------------------------------------------------------------------------


def case(
    name: str, call: Callable[[Any, Any], Any], message: str, error: Any = RuntimeError, in_torch: bool = True
) -> ErrorSample:  # fmt: skip
    return ErrorSample(name, lambda lib: call(lib, lib.nn.functional), error, message, in_torch)


def unpool(lib: Any, x: Any, places: Any, *args: Any) -> Any:
    return lib.nn.functional.max_unpool2d(x, lib.tensor(places), *args)


ERRORS = [
    case("max_pool2d: dimensions", lambda lib, F: F.max_pool2d(lib.ones(5, 5), 2), r"got \[5, 5\].*unsqueeze"),
    case("avg_pool2d: dimensions", lambda lib, F: F.avg_pool2d(lib.ones(5, 5), 2), r"got \[5, 5\].*unsqueeze",
         in_torch=False),  # an IndexError there
    *(case(f"{name}: {what}", call, message)
      for name in ("max_pool2d", "avg_pool2d") for what, call, message in (
        ("window", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 1, 2, 2), 3), r"Output size is too small.*\[1, 1, 2, 2\].*\(3, 3\)"),
        ("padding", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 1, 5, 5), 3, padding=2), "pad should be at most half"),
        ("kernel", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 1, 5, 5), (2, 2, 2)), "kernel_size must be"),
        ("no kernel", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 1, 5, 5), 0), "kernel_size must be.*at least 1"),
        ("stride", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 1, 5, 5), 2, 0), "stride must be.*at least 1, or 2, got 0"),
        ("empty image", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 1, 0, 5), 2), "only the batch may be empty"),
    )),
    case("avg_pool2d: divisor", lambda lib, F: F.avg_pool2d(lib.ones(1, 1, 5, 5), 2, divisor_override=0), "must not be zero"),
    case("max_pool2d: a window in the padding", lambda lib, F: F.max_pool2d(lib.ones(1, 1, 1, 1), 2, 1, 2, 4),
         "lies in the padding", ValueError, in_torch=False),
    *(case(f"{name}: {what}", call, message)
      for name in ("adaptive_avg_pool2d", "adaptive_max_pool2d") for what, call, message in (
        ("dimensions", lambda lib, F, f=name: getattr(F, f)(lib.ones(5, 5), 2), r"got \[5, 5\]"),
        ("size", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 5, 5), -1), "output_size must be"),
        ("sizes", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 5, 5), (1, 2, 3)), "output_size must be"),
        ("empty image", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 1, 0, 5), 2), "non-empty images"),
        ("integers", lambda lib, F, f=name: getattr(F, f)(lib.ones(1, 4, 5, dtype=lib.int64), 2), "not implemented for int64"),
    )),
    *(case(f"{name}: dimensions", lambda lib, F, f=name: getattr(F, f)(lib.ones(5), 2), r"got \[5\].*unsqueeze")
      for name in ("max_pool3d", "adaptive_max_pool3d", "adaptive_avg_pool3d", "avg_pool3d")),
    case("avg_pool2d: bools", lambda lib, F: F.avg_pool2d(lib.ones(1, 4, 4, dtype=lib.bool), 2), "not implemented for bool"),
    case("lp_pool2d: p", lambda lib, F: F.lp_pool2d(lib.ones(1, 4, 4), 0, 2), "division by zero", ZeroDivisionError, in_torch=False),  # the same there
    # fractional
    case("fractional_max_pool2d: nothing", lambda lib, F: F.fractional_max_pool2d(lib.ones(1, 4, 4), 2), "either an output_size or an output_ratio", ValueError),
    case("fractional_max_pool2d: size", lambda lib, F: F.fractional_max_pool2d(lib.ones(1, 4, 4), 2, 4),
         r"4 windows of 2 elements.*do not fit 4.*\[1, 4, 4\]"),
    case("fractional_max_pool2d: ratios", lambda lib, F: F.fractional_max_pool2d(lib.ones(1, 4, 4), 2, None, (0.5, 0.5, 0.5)), "one number or 2", ValueError),
    case("fractional_max_pool2d: samples", lambda lib, F: F.fractional_max_pool2d(lib.ones(2, 3, 4, 4), 2, 2, _random_samples=lib.rand(2, 2, 2)),
         r"must have shape \[2, 3, 2\].*got \[2, 2, 2\]"),
    case("fractional_max_pool3d: size", lambda lib, F: F.fractional_max_pool3d(lib.ones(1, 4, 4, 4), 2, 4), "do not fit"),
    *(case(f"FractionalMaxPool2d: {what}", call, message, ValueError) for what, call, message in (
        ("nothing", lambda lib, F: lib.nn.FractionalMaxPool2d(2), "requires specifying either"),
        ("both", lambda lib, F: lib.nn.FractionalMaxPool2d(2, 3, 0.5), "only one of"),
        ("ratio", lambda lib, F: lib.nn.FractionalMaxPool2d(2, output_ratio=1.5), r"between 0 and 1, got 1\.5"),
    )),
    case("FractionalMaxPool3d: kernel", lambda lib, F: lib.nn.FractionalMaxPool3d(0, 3), "greater than 0, got 0", ValueError),
    # unpooling
    case("max_unpool2d: dtype", lambda lib, F: unpool(lib, lib.ones(1, 1, 1), [[[0.0]]], 2), "type int64 but got float32"),
    case("max_unpool2d: shape", lambda lib, F: unpool(lib, lib.ones(1, 2, 1), [[[0]]], 2), r"input\[1, 2, 1\] and indices\[1, 1, 1\]"),
    case("max_unpool2d: dimensions", lambda lib, F: unpool(lib, lib.ones(1, 1), [[0]], 2), r"got \[1, 1\]"),
    case("max_unpool2d: too large", lambda lib, F: unpool(lib, lib.ones(1, 1, 2), [[[0, 9]]], 2),
         r"index 9 is out of bounds: the output \(2, 4\) has 8 places.*0 … 7; found at index \[0, 0, 1\]", IndexError, in_torch=False),  # a RuntimeError there
    case("max_unpool2d: size", lambda lib, F: unpool(lib, lib.ones(1, 1, 1), [[[0]]], 2, 2, 0, (2, 5)),
         r"invalid output_size \(2, 5\): dimension 1 must be between 0 and 4", ValueError),
    case("max_unpool2d: sizes", lambda lib, F: unpool(lib, lib.ones(1, 1, 1), [[[0]]], 2, 2, 0, (2, 2, 2)), "2 or 4 elements", ValueError),
    case("max_unpool1d: negative", lambda lib, F: F.max_unpool1d(lib.ones(1, 1), lib.tensor([[0]]), 2, 2, 3), "non-negative", ValueError),
]  # fmt: skip


# --- layers ------------------------------------------------------------------------------------

LINE, PLANE, VOLUME = "dl.randn(2, 2, 9)", "dl.randn(2, 2, 6, 7)", "dl.randn(1, 2, 4, 5, 6)"
SHAPES = {1: LINE, 2: PLANE, 3: VOLUME}
UNPOOL = "m(*nn.MaxPool{}d({}, return_indices=True)(*x){})"


def each(text: str, **options: Any) -> list[Row]:
    """A row for each number of dimensions, in place of D."""
    return [row(text.replace("D", f"{nd}d"), x, **options) for nd, x in SHAPES.items()]


MODULES: list[Row] = [
    *each("nn.MaxPoolD(2)"),
    *each("nn.MaxPoolD(3, 2, 1, ceil_mode=True, return_indices=True)", kit=None),
    *each("nn.AvgPoolD(2)"),
    *each("nn.AvgPoolD(3, 2, 1, True, False)", kit=None),
    *each("nn.LPPoolD(2, 2)"),
    *each("nn.AdaptiveAvgPoolD(3)"),
    *each("nn.AdaptiveMaxPoolD(3, return_indices=True)"),
    row("nn.FractionalMaxPool2d(2, output_ratio=(0.5, 0.6), return_indices=True)", PLANE, kit=None),
    row("nn.FractionalMaxPool2d(2, (3, 4), _random_samples=dl.rand(2, 2, 2))", PLANE, kit={"empty_batch": False}),
    row("nn.FractionalMaxPool3d((2, 1, 3), output_size=2, return_indices=True)", VOLUME, kit=None),
    row("nn.FractionalMaxPool3d(2, None, 0.55, False, _random_samples=dl.rand(1, 2, 3))", VOLUME, kit={"empty_batch": False}),
    *(row(f"nn.MaxUnpool{nd}d({a})", x, call=UNPOOL.format(nd, a, ", output_size=x[0].shape"), kit=None)
      for a, (nd, x) in itertools.product(("2", "3, 2, 1"), SHAPES.items())),
    row("nn.MaxUnpool1d(2)", "dl.randn(2, 1, 2), dl.tensor([[[0, 3]], [[1, 2]]])"),
    row("nn.MaxUnpool2d(2)", "dl.randn(2, 1, 1, 2), dl.tensor([[[[0, 7]]], [[[5, 2]]]])"),
    row("nn.MaxUnpool3d(2)", "dl.randn(1, 1, 1, 1, 2), dl.tensor([[[[[0, 15]]]]])"),
    row("nn.MaxUnpool2d(2, stride=2, padding=0)", "dl.randn(2, 6, 8)", call=UNPOOL.format(2, 2, ""), kit=None, recorded=False),
    *live([
        *rows("nn.MaxPool2d({k}, {s}, {p}, {d}, ceil_mode={c})", PLANE, "dl.randn(2, 9, 8)",
              choices={"k": ["3", "(2, 3)"], "s": [None, 2, "(1, 2)"], "p": [0, 1], "d": [1, 2], "c": [False, True]},
              dtypes=("float32",)),
        *rows("nn.MaxPool{nd}(2, stride={s}, padding={p}, dilation=2)", VOLUME, choices={"nd": ["3d"], "s": [1, None], "p": [0, 1]}),
        *rows("nn.MaxPool1d(3, stride={s}, padding={p}, dilation=2)", LINE, "dl.randn(2, 9)", choices={"s": [1, None], "p": [0, 1]}),
        *rows("nn.AvgPool2d({k}, {s}, {p}, {c}, {i}, {d})", PLANE, "dl.randn(2, 9, 8)",
              choices={"k": ["3", "(2, 3)"], "s": [None, 2], "p": [0, 1], "c": [False, True], "i": [False, True], "d": [None, 3]},
              dtypes=("float32",)),
        *rows("nn.AvgPool3d(2, {s}, {p}, True, {i}, {d})", VOLUME,
              choices={"s": [None, 1], "p": [0, 1], "i": [False, True], "d": [None, 3]}),
        *rows("nn.AvgPool1d({k}, {s}, {p})", LINE, "dl.randn(2, 9)", choices={"k": [2, "(3,)"], "s": [None, 1], "p": [0, 1]}),
        *rows("nn.LPPool2d({p}, {k}, {s}, ceil_mode={c})", "dl.rand(2, 2, 6, 7)",
              choices={"p": [1, 2.5, "float('inf')"], "k": ["2", "(2, 3)"], "s": [None, 1], "c": [False, True]}),
        *rows("nn.LPPool{nd}(3, 2, stride={s}, ceil_mode=True)", "dl.rand(2, 2, 5)", choices={"nd": ["1d"], "s": [1, 2]}),
        *rows("nn.LPPool{nd}(3, 2, stride={s}, ceil_mode=True)", "dl.rand(1, 2, 4, 3, 5)", choices={"nd": ["3d"], "s": [1, 2]}),
        *rows("nn.Adaptive{k}Pool2d({s})", PLANE, "dl.randn(2, 9, 8)",
              choices={"k": ["Avg", "Max"], "s": [1, 4, "(5, None)", "(None, 3)", "(9, 2)"]}),
        *rows("nn.Adaptive{k}Pool3d({s})", VOLUME, choices={"k": ["Avg", "Max"], "s": [1, "(5, None, 2)", 4]}),
        *rows("nn.FractionalMaxPool2d({k}, output_size={s})", PLANE, "dl.randn(2, 9, 8)", choices={"k": ["1", "(3, 2)"], "s": [1, "(4, 3)"]}),
        *[row(f"nn.{name}(2)", x.replace("randn", "rand"), dtypes=("float16",), order=1)
          for nd, x in SHAPES.items() for name in (f"MaxPool{nd}d", f"AdaptiveAvgPool{nd}d", f"AdaptiveMaxPool{nd}d")],
        row("nn.AvgPool2d(3, 2, 1)", PLANE, dtypes=("float16",), order=1),
    ]),
]  # fmt: skip
