"""Layers that pad or rearrange: padding, pixel and channel shuffles."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.functional import case
from samples.modules import Row, live, row, rows
from samples.table import Call, ErrorSample, Numbers, Sample

n = Numbers(32)


def call(name: str, note: str, *args: Any, order: int = 2, **options: Any) -> Call:
    """A call of nn.functional."""
    return Call(
        f"nn.functional.{name}",
        args,
        options,
        note,
        order=order,
        dtypes=False,
        variants=False,
        forms=False,
    )


line, image, volume = n.away(2, 3), n.away(1, 2, 3, 4), n.away(1, 1, 2, 3, 2)
MODES = ("reflect", "replicate", "circular")

CALLS = [
    call("pad", "constant, all sides", image, (1, -1, 0, 2, -1, 1), value=0.5),
    call("pad", "nothing added", line, (0, 0), "reflect"),
    *(call("pad", f"{mode} of a line", line, (2, 1), mode) for mode in MODES),
    *(
        call("pad", f"{mode} of an image", image, (-1, 2, 1, -1), mode=mode, value=None)
        for mode in MODES
    ),
    *(call("pad", f"{mode} of a volume", volume, (1, 0, -1, 2, 1, 1), mode) for mode in MODES),
    call("pixel_shuffle", "images", n.away(2, 8, 2, 3), 2),
    call("pixel_shuffle", "more dimensions", n.away(1, 2, 9, 1, 2), 3),
    call("pixel_shuffle", "by 1", n.away(2, 1, 2), 1),
    call("pixel_unshuffle", "images", n.away(2, 2, 4, 2), 2),
    call("pixel_unshuffle", "one image", n.away(1, 3, 6), 3),
    call("channel_shuffle", "images", n.away(2, 6, 1, 2), 3),
    call("channel_shuffle", "one group", n.away(2, 2, 3), 1),
    call("native_channel_shuffle", "", n.away(1, 4, 2), 2, order=0),
]

MIRROR = (
    (slice(0, 2), slice(2, 0, -1)),
    (slice(2, 5), slice(0, 3, 1)),
    (slice(5, 6), slice(1, 0, -1)),
)
EDGE = ((slice(0, 3), slice(0, 1, 1)), (slice(3, 6), slice(1, 4, 1)))
SAMPLES = [
    Sample(
        "extend",
        (n.away(2, 3),),
        {"axis": 1, "pieces": MIRROR},
        reference=lambda x, **_: x[:, [2, 1, 0, 1, 2, 1]],
    ),
    Sample(
        "extend",
        (n.away(4, 2),),
        {"axis": 0, "pieces": EDGE},
        reference=lambda x, **_: x[[0, 0, 0, 1, 2, 3]],
    ),
    Sample(
        "collect",
        (n.away(2, 6),),
        {"axis": 1, "pieces": MIRROR, "size": 3},
        reference=lambda x, **_: np.stack(
            [x[:, 2], x[:, 1] + x[:, 3] + x[:, 5], x[:, 0] + x[:, 4]], 1
        ),
    ),
    Sample(
        "collect",
        (n.away(6, 2),),
        {"axis": 0, "pieces": EDGE, "size": 4},
        reference=lambda x, **_: np.concatenate([x[:3].sum(0, keepdims=True), x[3:]]),
    ),
]

X = {1: "dl.randn(2, 1, 4)", 2: "dl.randn(1, 2, 3, 4)", 3: "dl.randn(1, 2, 2, 3, 2)"}
SIDES = {1: (1, 2), 2: (1, 0, 2, 1), 3: (1, 0, 0, 1, 1, 1)}
CUT = {1: (-1, 2), 2: (0, -1, -1, 2), 3: (1, -1, 0, 1, -1, 0)}
KINDS = ("Reflection", "Replication", "Circular")

MODULES: list[Row] = [
    *(row(f"nn.{kind}Pad{nd}d({SIDES[nd]})", X[nd]) for kind in ("Zero", *KINDS) for nd in X),
    *(row(f"nn.ConstantPad{nd}d({SIDES[nd]}, {0.5 * nd})", X[nd]) for nd in X),
    row("nn.PixelShuffle(2)", "dl.randn(2, 8, 2, 1)"),
    row("nn.PixelUnshuffle(2)", "dl.randn(2, 1, 2, 4)"),
    row("nn.ChannelShuffle(2)", "dl.randn(2, 4, 2)"),
    *live([
        *(row(f"nn.{kind}Pad{nd}d(1)", X[nd].replace("(1, ", "(")) for kind in ("Zero", *KINDS) for nd in X),
        *(row(f"nn.{kind}Pad{nd}d({CUT[nd]})", X[nd]) for kind in ("Zero", *KINDS) for nd in X),
        *(row(f"nn.ConstantPad{nd}d({CUT[nd]}, -2)", X[nd].replace("(1, ", "(")) for nd in X),
        row("nn.ReflectionPad2d(1)", "dl.randn(2, 3, 3)", dtypes=("float16", "float32")),
        *rows("nn.PixelShuffle({r})", "dl.randn(2, 36, 2, 3)", "dl.randn(36, 1, 2)", choices={"r": [1, 2, 3, 6]}),
        *rows("nn.ChannelShuffle({g})", "dl.randn(2, 6, 2, 3)", "dl.randn(1, 12, 1)", choices={"g": [1, 2, 3, 6]}),
    ]),
]  # fmt: skip

ERRORS: list[ErrorSample] = [
    *(case(f"pad: {name}", call, message, RuntimeError) for name, call, message in (
        ("too few left", lambda lib, F: F.pad(lib.ones(2, 3), (-2, -2), "replicate"), "negative output"),
        ("a number that does not fit", lambda lib, F: F.pad(lib.ones(3, dtype=lib.int64), (1, 1), "constant", float("inf")), "without overflow"),
        ("reflect", lambda lib, F: F.pad(lib.ones(2, 3), (0, 3), "reflect"), "less than the corresponding input dimension"),
        ("circular", lambda lib, F: F.pad(lib.ones(2, 3), (4, 0), "circular"), "wrapping around more than once"),
        ("replicate nothing", lambda lib, F: F.pad(lib.ones(2, 0), (1, 0), "replicate"), "no edge to replicate"),
        ("value", lambda lib, F: F.pad(lib.ones(2, 3), (1, 1), "reflect", 1.0), "mode 'reflect' takes none"),
        ("too many", lambda lib, F: F.pad(lib.ones(2), (1, 1, 1, 1)), "at most twice"),
    )),
    *(case(f"{name}: {what}", call, message, RuntimeError) for name, what, call, message in (
        ("pixel_shuffle", "channels", lambda lib, F: F.pixel_shuffle(lib.ones(1, 7, 2, 3), 2), "7 are not divisible by 4"),
        ("pixel_shuffle", "factor", lambda lib, F: F.pixel_shuffle(lib.ones(1, 8, 2, 3), 0), "upscale_factor must be a positive integer"),
        ("pixel_shuffle", "dimensions", lambda lib, F: F.pixel_shuffle(lib.ones(2, 3), 2), "at least 3 dimensions"),
        ("pixel_unshuffle", "size", lambda lib, F: F.pixel_unshuffle(lib.ones(1, 2, 4, 5), 2), "divisible by downscale_factor=2.*4 × 5"),
        ("pixel_unshuffle", "factor", lambda lib, F: F.pixel_unshuffle(lib.ones(1, 2, 4, 4), -2), "downscale_factor must be"),
        ("channel_shuffle", "channels", lambda lib, F: F.channel_shuffle(lib.ones(1, 4, 2), 3), "groups=3"),
        ("channel_shuffle", "groups", lambda lib, F: F.channel_shuffle(lib.ones(1, 4, 2), 0), "groups=0"),
        ("channel_shuffle", "dimensions", lambda lib, F: F.channel_shuffle(lib.ones(1, 4), 2), "more than 2 dimensions"),
        ("ReflectionPad2d", "dimensions", lambda lib, F: lib.nn.ReflectionPad2d(1)(lib.ones(2, 2)), "expected 3D or 4D input"),
        ("ReplicationPad3d", "dimensions", lambda lib, F: lib.nn.ReplicationPad3d(1)(lib.ones(2, 2, 2)), "expected 4D or 5D input"),
    )),
    case("CircularPad1d: dimensions", lambda lib, F: lib.nn.CircularPad1d(1)(lib.ones(2)), "expected 2D or 3D input"),
]  # fmt: skip
