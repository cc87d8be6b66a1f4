"""Interpolation, and sampling at the points of a grid."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.ops.resampling import Band
from samples.modules import Row, live, row, rows
from samples.table import Array, Call, ErrorSample, Numbers, Sample, calls

n = Numbers(24)


# --- operations --------------------------------------------------------------------------------


def weighed(x: Array, matrix: Band, axis: int) -> Array:
    return np.moveaxis(np.tensordot(matrix.dense(), x, (1, axis)), 0, axis)


def band(rows: int, columns: int, k: int) -> Band:
    """k numbers in each row, at ever higher places."""
    first = np.arange(rows) * (columns - k) // max(rows - 1, 1)
    return Band.of(first[:, None] + np.arange(k), n.away(rows, k), columns, np.float64)


def weigh(x: tuple[int, ...], axis: int, matrix: Band) -> Sample:
    return Sample("weigh", (n.away(*x),), {"matrix": matrix, "axis": axis}, reference=weighed)


def tapped(samples: int, channels: int, places: int, count: int, points: int) -> list[Sample]:
    """The three operations on the same taps, some of which lie outside."""
    taps = n.ints(0, places + 1, samples, count, points)
    x, weights, y = (
        n.away(samples, channels, places),
        n.away(samples, count, points),
        n.away(samples, channels, points),
    )
    # for each sample the matrix of its taps: (count, points, places), without the place outside
    chosen = np.eye(places + 1)[taps][..., :places]
    return [
        Sample("sample_taps", (x, weights), {"taps": taps}, reference=lambda x, w, taps: np.einsum("nkip,nki,ncp->nci", chosen, w, x)),
        Sample("spread_taps", (y, weights), {"taps": taps, "places": places},
               reference=lambda y, w, taps, places: np.einsum("nkip,nki,nci->ncp", chosen, w, y)),
        Sample("weigh_taps", (y, x), {"taps": taps}, reference=lambda y, x, taps: np.einsum("nkip,nci,ncp->nki", chosen, y, x)),
    ]  # fmt: skip


def folded(x: Array, low: float, high: float) -> Array:
    """By the wave that goes up and down between the ends."""
    span = high - low
    return low + abs((x - low + span) % (2 * span) - span) if span else np.full_like(x, low)


SAMPLES = [
    weigh((2, 3, 5), 2, band(4, 5, 2)),
    weigh((2, 5, 3), 1, band(7, 5, 3)),
    weigh((4,), 0, band(150, 4, 2)),  # several blocks
    weigh((1, 130), 1, band(70, 130, 1)),  # columns that nothing reads
    weigh((4, 2), 0, band(150, 4, 2).transpose.transpose),
    weigh((150, 2), 0, band(150, 4, 2).transpose),
    *tapped(2, 3, 6, 2, 5),
    *tapped(1, 1, 4, 3, 2),
    *tapped(0, 2, 4, 1, 3),
    Sample(
        "reflect",
        (n.spread(4, 5) * 3,),
        {"low": -0.5, "high": 2.5},
        reference=folded,
        elementwise=True,
    ),
    Sample("reflect", (n.spread(4, 5) * 2.9,), {"low": 0.0, "high": 3.0}, reference=folded),
    Sample("reflect", (n.away(3),), {"low": 0.0, "high": 0.0}, reference=folded),
]


# --- functions ---------------------------------------------------------------------------------

line, plane, volume = n.away(2, 2, 5), n.away(2, 2, 4, 5), n.away(1, 2, 3, 2, 4)


points, places = n.rng.uniform(-1.7, 1.7, (2, 3, 4, 2)), n.rng.uniform(-1.7, 1.7, (1, 2, 3, 2, 3))
NOTHING_ELSE: Any = {"dtypes": False, "variants": False, "forms": False}


def resampled(name: str, *found: Any, **options: Any) -> list[Call]:
    """Calls of a function of floats."""
    return calls(f"nn.functional.{name}", *found, **(NOTHING_ELSE | options))


def former(name: str, *args: Any, **options: Any) -> Call:
    """A function that warns."""

    def run(lib: Any, x: Any) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out = getattr(lib.nn.functional, name)(x, *args, **options)
        assert (
            str(caught[0].message)
            == f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead."
        )
        return out

    passes = ("size", "scale_factor", "mode", "align_corners")
    return Call(
        f"nn.functional.{name}",
        (plane,),
        run=run,
        passes=passes,
        dtypes=False,
        variants=False,
        forms=False,
    )


inf, nan = np.inf, np.nan
endless = np.array([[[[nan, 0.1], [inf, 0.2], [-inf, 0.3], [0.1, nan], [0.2, inf], [0.3, -inf]]]])
far_off = np.array(
    [[[[[nan, 0.1, 0.2], [inf, 0.2, nan], [-inf, 0.3, 0], [0.1, nan, inf], [0.2, inf, -inf]]]]]
)

CALLS = [
    *(call for mode in ("nearest", "nearest-exact", "area") for call in resampled(
        "interpolate", (line, 8, None, mode), (plane, (3, 7), None, mode), (volume, None, (2.0, 1.5, 0.6), mode), note=mode)),
    *(call for x, mode in ((line, "linear"), (plane, "bilinear"), (plane, "bicubic"), (volume, "trilinear"))
      for corners in (None, True) for call in resampled(
        "interpolate", (x, 7, None, mode, corners), (x, None, 0.7, mode, corners), (x, None, 2.3, mode, corners, True),
        note=f"{mode} {corners}")),
    *(call for mode in ("bilinear", "bicubic", "lanczos") for call in resampled(
        "interpolate", (n.away(1, 2, 9, 5), (3, 8), None, mode, None, None, True), note=f"{mode} antialias")),
    *resampled("interpolate", (plane, (4, 5), None, "bilinear"), (plane, 1, None, "bicubic", True), note="the same size, and one"),
    *resampled("interpolate", (plane[:0], 3), order=1, note="empty batch"),
    *(call for mode in ("nearest", "bilinear", "bicubic") for call in resampled(
        "interpolate", (n.ints(0, 2, 1, 2, 4, 5).astype(np.uint8) * 200, None, 2, mode), order=0, note=f"bytes {mode}")),
    *resampled("interpolate", (np.where(plane == plane[0, 1, 2, 2], np.inf, plane), None, 2, "bilinear"), order=1,
               note="inf stays where it is"),
    *(call for mode in ("bilinear", "nearest", "bicubic") for padding in ("zeros", "border", "reflection")
      for call in resampled(
        "grid_sample", (plane, points, mode, padding, padding == "border"), order=1, note=f"{mode} {padding}")),
    *(call for mode, padding, corners in (("bilinear", "zeros", True), ("bilinear", "reflection", False), ("nearest", "border", True))
      for call in resampled("grid_sample", (volume, places, mode, padding, corners), order=1, note=f"volume {mode} {padding}")),
    *(call for mode in ("bilinear", "bicubic") for call in resampled(
        "grid_sample", (plane, points[:, :1, :2] / 2, mode, "reflection", False), order=1, note=f"{mode}, points apart")),
    *resampled("grid_sample", (plane[:0], points[:0], "bilinear", "zeros", False), order=1, note="empty batch"),
    *(call for mode in ("bilinear", "nearest", "bicubic") for padding in ("zeros", "border", "reflection")
      if mode != "bilinear" or padding == "zeros"  # elsewhere PyTorch reads outside the image, and may crash
      for call in resampled("grid_sample", (plane[:1], endless, mode, padding, False), order=0, note=f"{mode} {padding}, endless")),
    *(call for mode in ("bilinear", "nearest") for padding in ("zeros", "border", "reflection")
      for call in resampled("grid_sample", (volume[:1], far_off, mode, padding, True), order=0, note=f"volume {mode} {padding}, endless")),
    *resampled("affine_grid", *((theta, size, corners) for corners in (False, True) for theta, size in (
        (n.away(2, 2, 3), (2, 3, 3, 4)), (n.away(1, 3, 4), (1, 1, 2, 3, 2))))),
    *calls("grid_sampler", *((plane, points, mode, padding, mode == 1) for mode in (0, 1, 2) for padding in (0, 1, 2)),
           order=1, **NOTHING_ELSE),
    *calls("affine_grid_generator", (n.away(2, 2, 3), (2, 3, 3, 4), True), (n.away(1, 3, 4), (1, 1, 2, 3, 2), False), **NOTHING_ELSE),
    former("upsample", (3, 7)),
    former("upsample", None, 2, "bilinear", True),
    former("upsample_nearest", None, 2),
    former("upsample_nearest", (3, 7)),
    former("upsample_bilinear", None, (2, 1.5)),
    former("upsample_bilinear", 6),
]  # fmt: skip


# --- errors ------------------------------------------------------------------------------------


def case(
    name: str,
    call: Callable[[Any, Any], Any],
    message: str,
    error: Any = ValueError,
    in_torch: bool = True,
) -> ErrorSample:
    return ErrorSample(name, lambda lib: call(lib, lib.nn.functional), error, message, in_torch)


ERRORS = [
    *(case(f"interpolate: {what}", call, message, *error) for what, call, message, *error in (
        ("nothing", lambda lib, F: F.interpolate(lib.ones(1, 1, 4)), "either size or scale_factor"),
        ("both", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), 2, 2.0), "only one of size or scale_factor"),
        ("sizes", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), (2, 3)), r"got \[4\] and size \(2, 3\)"),
        ("factors", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), None, (2.0, 3.0)), r"got \[4\] and scale_factor \(2.0, 3.0\)"),
        ("floats", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), (2.5,)), "expected size to be one of int.*float", TypeError),
        ("corners", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), 2, align_corners=True), "can only be set with.*mode='nearest'"),
        ("recompute", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), 2, recompute_scale_factor=True), "not meaningful"),
        ("antialias", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), 2, antialias=True), "Anti-alias option is restricted"),
        ("lanczos", lambda lib, F: F.interpolate(lib.ones(1, 1, 4, 4), 2, mode="lanczos"), "requires antialias=True"),
        ("dimensions", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), 2, mode="bilinear"), "Got 3D input, but bilinear mode needs 4D", NotImplementedError),
        ("mode", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), 2, mode="cubic"), "Only 3D, 4D and 5D.*got cubic", NotImplementedError),
        ("unbatched", lambda lib, F: F.interpolate(lib.ones(4, 4), ()), "got 2D", NotImplementedError),
        ("integers", lambda lib, F: F.interpolate(lib.ones(1, 1, 4, dtype=lib.int64), 2), "not implemented for int64", NotImplementedError),
        ("zero", lambda lib, F: F.interpolate(lib.ones(1, 1, 4), 0), r"greater than 0.*output \[0\]", RuntimeError),
        ("empty", lambda lib, F: F.interpolate(lib.ones(1, 0, 4), 2), "only the batch may be empty", RuntimeError),
    )),
    *(case(f"grid_sample: {what}", lambda lib, F, x=x, g=g, o=options: F.grid_sample(lib.ones(*x), lib.ones(*g), align_corners=False, **o), message, error)
      for what, x, g, options, message, error in (
        ("mode", (1, 1, 2, 2), (1, 1, 1, 2), {"mode": "linear"}, "but got: 'linear'", ValueError),
        ("padding", (1, 1, 2, 2), (1, 1, 1, 2), {"padding_mode": "reflect"}, "but got: 'reflect'", ValueError),
        ("dimensions", (1, 2, 2), (1, 1, 2), {}, r"expected 4D or 5D.*input\[1, 2, 2\] and grid\[1, 1, 2\]", RuntimeError),
        ("batch", (2, 1, 2, 2), (1, 1, 1, 2), {}, "same batch size", RuntimeError),
        ("numbers", (1, 1, 2, 2), (1, 1, 1, 3), {}, "size 2 in last dimension", RuntimeError),
        ("empty", (1, 1, 0, 2), (1, 1, 1, 2), {}, "non-empty spatial", RuntimeError),
        ("volume", (1, 1, 2, 2, 2), (1, 1, 1, 1, 3), {"mode": "bicubic"}, "only supports 4D", RuntimeError),
    )),
    case("grid_sample: dtypes", lambda lib, F: F.grid_sample(lib.ones(1, 1, 2, 2), lib.ones(1, 1, 1, 2, dtype=lib.float64), align_corners=False),
         "input has float32 and grid has float64", RuntimeError),
    case("grid_sampler: mode", lambda lib, F: lib.grid_sampler(lib.ones(1, 1, 2, 2), lib.ones(1, 1, 1, 2), 3, 0, False), "must be 0, 1 or 2, got 3 and 0",
         in_torch=False),
    case("affine_grid: integers", lambda lib, F: F.affine_grid(lib.ones(1, 2, 3, dtype=lib.int64), (1, 1, 2, 2), False), "floating point type, but got int64"),
    case("affine_grid: matrices", lambda lib, F: F.affine_grid(lib.ones(1, 3, 3), (1, 1, 2, 2), False), r"shape Nx2x3.*Got \[1, 3, 3\]"),
    case("affine_grid: size", lambda lib, F: F.affine_grid(lib.ones(1, 2, 3), (1, 2, 2), False), "4D and 5D", NotImplementedError),
    case("affine_grid: nothing", lambda lib, F: F.affine_grid(lib.ones(1, 2, 3), (1, 1, 0, 2), False), "non-zero, positive"),
]  # fmt: skip


# --- layers ------------------------------------------------------------------------------------

LINE, PLANE, VOLUME = "dl.randn(2, 2, 5)", "dl.randn(2, 2, 4, 5)", "dl.randn(1, 2, 3, 2, 4)"

MODULES: list[Row] = [
    row("nn.Upsample(scale_factor=2, mode='bilinear')", PLANE),
    row("nn.Upsample((3, 8), None, 'bicubic', True, False)", PLANE, kit=None),
    row("nn.Upsample(7, mode='linear')", LINE, kit=None),
    row("nn.Upsample(scale_factor=(2, 1.5, 0.7), mode='trilinear', recompute_scale_factor=True)", VOLUME, kit=None),
    row("nn.UpsamplingNearest2d(scale_factor=2)", PLANE),
    row("nn.UpsamplingNearest2d((3, 8))", PLANE, recorded=False, kit=None),
    row("nn.UpsamplingBilinear2d((3, 8))", PLANE),
    row("nn.UpsamplingBilinear2d(scale_factor=(2, 3))", PLANE, recorded=False, kit=None),
    *live([
        *rows("nn.Upsample({s}, mode={m!r})", PLANE, choices={"s": ["6", "(3, 9)", "None, 1.7"], "m": ["nearest", "nearest-exact", "area"]}),
        *rows("nn.Upsample(scale_factor={s}, mode={m!r}, align_corners={a}, recompute_scale_factor={r})", PLANE,
              choices={"s": ["0.6", "(2.5, 1.2)"], "m": ["bilinear", "bicubic"], "a": [True, False], "r": [True, False]}),
        *rows("nn.Upsample({s}, mode='trilinear', align_corners={a})", VOLUME, choices={"s": ["5", "None, 2.0"], "a": [True, False]}),
        *rows("nn.Upsample({s}, mode='linear', align_corners={a})", LINE, choices={"s": ["1", "None, 0.7"], "a": [True, False]}),
        row("nn.Upsample(scale_factor=3, mode='bicubic')", PLANE, dtypes=("float16",), order=1),
    ]),
]  # fmt: skip
