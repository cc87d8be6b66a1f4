"""Convolutions of every kind, and the folding of windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.functional import case
from samples.modules import Row, live, row, rows
from samples.table import Array, Call, ErrorSample, Numbers, Sample
from samples.window import sizes, windows_of

n = Numbers(31)


def call(
    name: str, note: str, *args: Any, order: int = 2, dtypes: bool = False, **options: Any
) -> Call:
    """A call of nn.functional."""
    return Call(
        f"nn.functional.{name}",
        args,
        options,
        note,
        order=order,
        dtypes=dtypes,
        variants=False,
        forms=False,
    )


image, sequence, volume = n.away(2, 4, 6, 5), n.away(2, 4, 7), n.away(1, 2, 3, 4, 3)

CONVOLUTIONS = [
    call("conv1d", "plain", sequence, n.away(3, 4, 3), dtypes=True),
    call("conv1d", "bias", sequence, n.away(3, 4, 1), n.away(3)),
    call("conv1d", "all", sequence, n.away(6, 2, 3), n.away(6), stride=2, padding=2, dilation=2, groups=2),
    call("conv1d", "same, unbatched", sequence[0], n.away(3, 4, 4), padding="same"),
    call("conv2d", "plain", image, n.away(3, 4, 3, 2), dtypes=True),
    call("conv2d", "bias", image, n.away(3, 4, 3, 2), n.away(3)),
    *(call("conv2d", f"{stride} {padding} {dilation} {groups}", image, n.away(4, 4 // groups, 3, 2), n.away(4),
           stride=stride, padding=padding, dilation=dilation, groups=groups)
      for stride, padding, dilation, groups in [
          (2, 0, 1, 1), ((1, 3), 1, 1, 1), (1, (2, 1), 2, 2), ((2, 1), (1, 2), (1, 2), 4), (3, 3, 1, 2)]),
    *(call("conv2d", f"same {dilation}", image, n.away(2, 4, 3, 4), padding="same", dilation=dilation)
      for dilation in (1, 2)),
    call("conv2d", "valid", image, n.away(2, 4, 3, 4), padding="valid"),
    call("conv2d", "1 × 1", image, n.away(2, 4, 1, 1), n.away(2)),
    call("conv2d", "1 × 1 shifted", image[:, :, :3, :3], n.away(2, 4, 1, 1), stride=2, padding=1),
    call("conv2d", "unbatched", image[0], n.away(2, 4, 3, 3), n.away(2), padding=1),
    call("conv2d", "empty batch", image[:0], n.away(2, 4, 3, 3), n.away(2), order=1),
    call("conv2d", "sequences of one", image, n.away(2, 4, 3, 3), stride=[2], padding=[1]),
    *(call("conv2d", f"of each channel, {name}", x, n.away(4, 1, 3, 2), n.away(4), padding=(2, 1), dilation=(2, 1), groups=4)
      for name, x in (("in order", image), ("by columns", np.asfortranarray(image)))),
    call("conv3d", "plain", volume, n.away(2, 2, 2, 3, 2), dtypes=True),
    call("conv3d", "all", volume, n.away(2, 1, 2, 2, 1), n.away(2), stride=(1, 2, 1), padding=(1, 0, 1),
         dilation=(1, 2, 1), groups=2),
    call("conv_tbc", "plain", n.away(5, 2, 3), n.away(2, 3, 4), n.away(4)),
    call("conv_tbc", "pad", n.away(3, 2, 3), n.away(2, 3, 1), n.away(1), pad=2),
    call("conv_transpose1d", "plain", sequence, n.away(4, 3, 3), dtypes=True),
    call("conv_transpose1d", "all", sequence, n.away(4, 2, 3), n.away(4), stride=3, padding=1, output_padding=2,
         groups=2, dilation=2),
    call("conv_transpose2d", "plain", image, n.away(4, 3, 2, 3), n.away(3), dtypes=True),
    call("conv_transpose2d", "all", image[:1], n.away(4, 2, 3, 2), n.away(4), stride=(2, 3), padding=(1, 0),
         output_padding=(1, 2), groups=2, dilation=(1, 2)),
    *(call("conv_transpose2d", f"output padding beyond the stride, {groups} groups", image, n.away(4, 4 // groups, 2, 3), stride=(2, 1),
           padding=(1, 0), output_padding=(2, 1), dilation=(3, 2), groups=groups) for groups in (1, 4)),
    call("conv_transpose1d", "each channel, output padding", sequence, n.away(4, 1, 3), output_padding=1, dilation=2, groups=4),
    call("conv_transpose2d", "unbatched, 1 × 1", image[0], n.away(4, 3, 1, 1), n.away(3)),
    call("conv_transpose2d", "empty batch", image[:0], n.away(4, 3, 2, 2), n.away(3), order=1),
    call("conv_transpose3d", "plain", volume, n.away(2, 1, 2, 1, 2), dtypes=True),
    call("conv_transpose3d", "all", volume, n.away(2, 2, 2, 2, 1), n.away(4), stride=(2, 1, 2), padding=(1, 0, 0),
         output_padding=(0, 0, 1), groups=2, dilation=(1, 2, 1)),
    call("conv2d", "wide", n.away(1, 6, 3, 12), n.away(2, 6, 2, 3), n.away(2), padding=(0, 1)),
    call("conv2d", "wide, groups", n.away(1, 8, 3, 13), n.away(4, 4, 2, 2), padding=(1, 0), dilation=(1, 2), groups=2),
    call("conv_transpose2d", "wide", n.away(1, 2, 3, 12), n.away(2, 3, 2, 3), n.away(6), groups=2, padding=(1, 1)),
]  # fmt: skip

FOLDS = [
    call("unfold", "plain", image, (3, 2), dtypes=False),
    call("unfold", "all", image[:1], 2, dilation=2, padding=(1, 2), stride=(2, 1)),
    call("unfold", "unbatched, single elements", image[0], 1),
    call("fold", "plain", n.away(2, 6, 6), (4, 3), (3, 1)),
    call("fold", "all", n.away(1, 8, 8), (4, 6), 2, dilation=2, padding=(1, 2), stride=(2, 2)),
    call("fold", "unbatched", n.away(4, 6), (4, 3), 2),
    call("fold", "empty batch", n.away(0, 4, 6), (4, 3), 2, order=1),
]  # fmt: skip

CALLS = [*CONVOLUTIONS, *FOLDS]


def columns(x: Array, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    """Window by window."""
    windows = sizes(x, kernel, stride, padding, dilation)
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    out = [x[at].reshape(len(x), -1) for _, at in windows_of(x, windows, kernel, stride, dilation)]
    return np.stack(out, -1)


def image_of(x: Array, size: Any, **options: Any) -> Array:
    """The adjoint by its definition: the matrix of `columns`, transposed."""
    channels = x.shape[1] // int(np.prod(options["kernel"]))
    unit = np.eye(channels * int(np.prod(size))).reshape(-1, channels, *size)
    matrix = columns(unit, **options).reshape(len(unit), -1)
    return (x.reshape(len(x), -1) @ matrix.T).reshape(len(x), channels, *size)


PLAIN: dict[str, Any] = {
    "kernel": (2, 3),
    "stride": (1, 1),
    "padding": ((0, 0), (0, 0)),
    "dilation": (1, 1),
}
WIDE: dict[str, Any] = {
    "kernel": (2, 2),
    "stride": (2, 1),
    "padding": ((1, 1), (2, 2)),
    "dilation": (2, 3),
}
LINE: dict[str, Any] = {"kernel": (3,), "stride": (2,), "padding": ((1, 1),), "dilation": (1,)}
SAMPLES = [
    Sample("im2col", (n.away(2, 3, 4, 5),), PLAIN, reference=columns),
    Sample("im2col", (n.away(1, 2, 5, 4),), WIDE, reference=columns),
    Sample("im2col", (n.away(2, 3, 7),), LINE, reference=columns),
    Sample("col2im", (n.away(2, 12, 9),), PLAIN | {"size": (4, 5)}, reference=image_of),
    Sample("col2im", (n.away(1, 8, 15),), WIDE | {"size": (5, 4)}, reference=image_of),
    Sample("col2im", (n.away(2, 6, 4),), LINE | {"size": (7,)}, reference=image_of),
]

MODULES: list[Row] = [
    row("nn.Conv1d(2, 3, 3)", "dl.randn(2, 2, 6)"),
    row("nn.Conv1d(2, 4, 3, 2, 'valid', 2, 2, False)", "dl.randn(2, 7)", kit={"empty_batch": False}),
    row("nn.Conv1d(2, 3, 3, padding=2, padding_mode='circular')", "dl.randn(1, 2, 5)", kit=None),
    row("nn.Conv2d(2, 3, 3)", "dl.randn(2, 2, 5, 4)"),
    row("nn.Conv2d(2, 4, (2, 3), stride=2, padding=1, groups=2, bias=False)", "dl.randn(2, 2, 5, 6)", kit={}),
    row("nn.Conv2d(1, 2, (2, 4), padding='same', dilation=2, padding_mode='reflect')", "dl.randn(1, 7, 8)", kit=None),
    row("nn.Conv2d(4, 6, (2, 3), (2, 1), (1, 2), (2, 1), 2)", "dl.randn(1, 4, 5, 4)", kit=None),
    row("nn.Conv2d(1, 2, (2, 4), padding='same', padding_mode='circular')", "dl.randn(1, 4, 4)", kit=None),
    row("nn.Conv2d(1, 2, 3, padding='valid', padding_mode='circular')", "dl.randn(1, 1, 4, 4)", recorded=False),
    row("nn.Conv2d(1, 2, 3, padding=(1, 2), padding_mode='replicate')", "dl.randn(1, 1, 3, 4)", kit={}),
    row("nn.Conv3d(2, 2, 2)", "dl.randn(1, 2, 2, 3, 3)"),
    row("nn.Conv3d(2, 2, (2, 1, 2), (1, 2, 1), 1, 1, 2, False, 'circular')", "dl.randn(1, 2, 2, 2, 2)",
        kit=None),
    row("nn.ConvTranspose1d(2, 3, 3)", "dl.randn(2, 2, 4)"),
    row("nn.ConvTranspose1d(2, 4, 3, 2, 1, 1, 2, True, 2, 'zeros')", "dl.randn(2, 4)", kit={"empty_batch": False}),
    row("nn.ConvTranspose2d(2, 3, 2)", "dl.randn(2, 2, 3, 2)"),
    row("nn.ConvTranspose2d(2, 4, (3, 2), 2, 1, 0, 2, False, 1, 'zeros')", "dl.randn(1, 2, 4, 3)",
        call="m(*x, output_size=(8, 5))", kit=None),
    row("nn.ConvTranspose3d(2, 1, 2)", "dl.randn(1, 2, 2, 2, 2)"),
    row("nn.ConvTranspose3d(2, 2, 2, (1, 2, 2), (0, 1, 0), (0, 1, 0), 2, False, 1, 'zeros')", "dl.randn(2, 2, 2, 2)",
        call="m(*x, output_size=[2, 3, 3, 5])", kit=None),
    row("nn.LazyConv1d(2, 3, padding=1)", "dl.randn(1, 3, 4)"),
    row("nn.LazyConv2d(2, 2, 2, 1, 1, 2, False)", "dl.randn(1, 4, 3, 3)"),
    row("nn.LazyConv3d(1, 2)", "dl.randn(1, 2, 2, 2, 3)"),
    row("nn.LazyConvTranspose1d(2, 3, 2, 1, 1)", "dl.randn(1, 3, 4)"),
    row("nn.LazyConvTranspose2d(2, 2, groups=2, bias=False)", "dl.randn(1, 4, 2, 2)"),
    row("nn.LazyConvTranspose3d(1, 2)", "dl.randn(1, 2, 1, 2, 2)"),
    row("nn.Unfold((2, 3), 1, 1, (2, 1))", "dl.randn(1, 2, 3, 4)"),
    row("nn.Fold((3, 4), 2, 1, 1, 2)", "dl.randn(1, 4, 6)"),
    *live([
        *rows("nn.Unfold({k}, {d}, {p}, {s})", "dl.randn(2, 3, 6, 5)", dtypes=("float64",),
              choices={"k": [1, (3, 2)], "d": [1, (1, 2)], "p": [0, (2, 1)], "s": [1, (2, 3)]}),
        row("nn.Fold(4, (2, 3), (1, 1), (1, 0), (2, 1))", "dl.randn(12, 6)", dtypes=("float16", "float32")),
        row("nn.LazyConv1d(4, 3, 2, 1, 2, 2, False, 'reflect')", "dl.randn(2, 6)"),
        row("nn.LazyConv2d(4, 3, 2, 1, 2, 2, False, 'reflect')", "dl.randn(2, 6, 6)"),
        row("nn.LazyConv3d(4, 3, 2, 1, 1, 2, False, 'replicate')", "dl.randn(2, 3, 3, 4)"),
        row("nn.LazyConvTranspose1d(4, 3, 2, 1, 1, 2, False, 2, 'zeros')", "dl.randn(2, 4)"),
        row("nn.LazyConvTranspose2d(4, 3, 2, 1, 1, 2, False, 2, 'zeros')", "dl.randn(2, 3, 4)"),
        row("nn.LazyConvTranspose3d(4, 3, 2, 1, 1, 2, False, 2, 'zeros')", "dl.randn(2, 2, 3, 2)"),
        row("nn.Conv2d(4, 6, (3, 5), stride=2, padding=(1, 2), dilation=(1, 2), groups=2)", "dl.randn(2, 4, 9, 9)",
            dtypes=("float16", "float32", "float64")),
        row("nn.ConvTranspose2d(4, 6, 4, 2, 1)", "dl.randn(2, 4, 3, 5)", dtypes=("float16", "float32", "float64")),
        row("nn.Conv2d(2, 3, 3)", "dl.randn(2, 6, 7)"),
        row("nn.Conv2d(3, 3, 3, 1, (1, 2), (2, 1), 3)", "dl.randn(2, 3, 6, 7)"),
        row("nn.ConvTranspose2d(3, 3, 3, 1, 1, 0, 3)", "dl.randn(2, 3, 6, 7)"),
        *rows("nn.Conv2d(4, 6, {k}, {s}, {p}, {d}, {g}, {b})", "dl.randn(2, 4, 6, 7)", dtypes=("float64",),
              choices={"k": [1, 3, (2, 3)], "s": [1, (2, 1)], "p": [0, (1, 2)], "d": [1, (1, 2)], "g": [1, 2],
                       "b": [True]}),
        *rows("nn.Conv2d(2, 3, {k}, padding={p}, padding_mode='{m}', dilation={d})", "dl.randn(2, 2, 6, 7)",
              dtypes=("float64",),
              choices={"k": [3, (2, 4)], "p": [0, (2, 1), "'same'", "'valid'"], "d": [1, (1, 2)],
                       "m": ["zeros", "reflect", "replicate", "circular"]}),
        *rows("nn.Conv1d(4, 8, {k}, {s}, {p}, {d}, {g})", "dl.randn(3, 4, 11)", dtypes=("float64",),
              choices={"k": [1, 2, 5], "s": [3], "p": [0, 2], "d": [1, 2], "g": [1, 4]}),
        *rows("nn.Conv1d(2, 4, 3, padding={p}, padding_mode='{m}')", "dl.randn(2, 5)", dtypes=("float64",),
              choices={"p": [1, "'same'"], "m": ["reflect", "replicate", "circular"]}),
        *rows("nn.Conv3d(2, 4, {k}, {s}, {p}, groups={g}, padding_mode='{m}')", "dl.randn(2, 2, 4, 3, 4)",
              dtypes=("float64",),
              choices={"k": [2, (1, 3, 2)], "s": [1, (2, 1, 2)], "p": [0, 1], "g": [1, 2], "m": ["zeros", "reflect"]}),
        *rows("nn.ConvTranspose1d(4, 8, {k}, {s}, {p}, {o}, {g}, dilation={d})", "dl.randn(3, 4, 5)",
              dtypes=("float64",),
              choices={"k": [2, 5], "s": [3], "p": [0, 2], "o": [0, 1], "g": [1, 4], "d": [1, 3]}),
        *rows("nn.ConvTranspose2d(4, 6, {k}, {s}, {p}, {o}, {g}, {b}, {d})", "dl.randn(2, 4, 3, 5)",
              dtypes=("float64",),
              choices={"k": [2, (4, 3)], "s": [(3, 2)], "p": [0, (1, 0)], "o": [0, (0, 1)], "g": [1, 2],
                       "b": [True], "d": [1, (1, 2)]}),
        *rows("nn.ConvTranspose3d(2, 4, {k}, {s}, {p}, {o}, {g})", "dl.randn(1, 2, 2, 3, 2)", dtypes=("float64",),
              choices={"k": [2, (2, 1, 3)], "s": [2, (3, 2, 2)], "p": [0, (0, 0, 1)], "o": [0, 1], "g": [1, 2]}),
    ]),
]  # fmt: skip


def ones(lib: Any, *shape: int, dtype: str = "float32") -> Any:
    return lib.ones(*shape, dtype=getattr(lib, dtype))


ERRORS: list[ErrorSample] = [
    *(case(f"conv2d: {name}", call, message, RuntimeError) for name, call, message in (
        ("channels", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 2, 3, 3)),
         r"weight of size \[4, 2, 3, 3\], expected input\[2, 3, 5, 5\] to have 2 channels, but got 3 channels"),
        ("kernel", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 6, 6)),
         r"Kernel size can't be greater than actual input size.*\(6, 6\).*\(5, 5\).*padding"),
        ("dimensions", lambda lib, F: F.conv2d(lib.ones(5, 5), lib.ones(4, 3, 3, 3)), r"3D \(unbatched\) or 4D \(batched\).*\[5, 5\].*unsqueeze"),
        ("weight", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(3, 3, 3)), r"weight needs 4 dimensions"),
        ("bias", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 3, 3), lib.ones(3)), r"bias must have shape \[4\].*\[3\]"),
        ("groups", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 1, 3, 3), groups=3), "groups=3 for 4 channels"),
        ("no groups", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 3, 3), groups=0), "groups=0"),
        ("stride", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 3, 3), stride=0), "stride must be.*at least 1.*got 0"),
        ("strides", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 3, 3), stride=(1, 2, 3)), "stride must be.*2, got"),
        ("dilation", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 3, 3), dilation=-1), "dilation must be"),
        ("padding", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 3, 3), padding=-1), "padding must be.*at least 0"),
        ("padding mode", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 3, 3), padding="full"), "Invalid padding string"),
        ("same", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 3, 3), padding="same", stride=2), "not supported for strided"),
        ("dtypes", lambda lib, F: F.conv2d(lib.ones(2, 3, 5, 5), lib.ones(4, 3, 3, 3, dtype=lib.float64)),
         "one dtype, got input float32, weight float64"),
        ("bool", lambda lib, F: F.conv2d(ones(lib, 1, 3, 5, 5, dtype="bool"), ones(lib, 4, 3, 3, 3, dtype="bool")), "not implemented for bool"),
    )),
    *(case(f"{name}: {what}", call, message, RuntimeError) for name, what, call, message in (
        ("conv1d", "channels", lambda lib, F: F.conv1d(lib.ones(2, 3, 5), lib.ones(4, 2, 3)), "to have 2 channels, but got 3"),
        ("conv3d", "dimensions", lambda lib, F: F.conv3d(lib.ones(2, 5, 5), lib.ones(4, 2, 3, 3, 3)), r"4D \(unbatched\) or 5D"),
        ("conv_tbc", "dimensions", lambda lib, F: F.conv_tbc(lib.ones(2, 5), lib.ones(4, 2, 3), lib.ones(3)), "must have 3 dimensions"),
        ("conv_tbc", "channels", lambda lib, F: F.conv_tbc(lib.ones(5, 1, 2), lib.ones(3, 3, 4), lib.ones(4)), "expected input.*3 channels, but got 2"),
        ("conv_tbc", "bias", lambda lib, F: F.conv_tbc(lib.ones(5, 1, 2), lib.ones(3, 2, 4), lib.ones(3)), r"bias must have shape \[4\]"),
        ("conv_transpose1d", "channels", lambda lib, F: F.conv_transpose1d(lib.ones(2, 3, 5), lib.ones(4, 2, 3)), "to have 4 channels, but got 3"),
        ("conv_transpose1d", "size", lambda lib, F: F.conv_transpose1d(lib.ones(2, 3, 5), lib.ones(3, 2, 3), padding=4), "cuts off all"),
        ("conv_transpose2d", "output padding", lambda lib, F: F.conv_transpose2d(lib.ones(2, 3, 5, 5), lib.ones(3, 2, 3, 3), output_padding=1),
         "output padding must be smaller than either stride or dilation"),
        ("conv_transpose2d", "negative output padding", lambda lib, F: F.conv_transpose2d(lib.ones(2, 3, 5, 5), lib.ones(3, 2, 3, 3), output_padding=-1),
         "output_padding must be"),
        ("conv_transpose2d", "bias", lambda lib, F: F.conv_transpose2d(lib.ones(2, 3, 5, 5), lib.ones(3, 2, 3, 3), lib.ones(3), groups=3),
         r"bias must have shape \[6\]"),
        ("conv_transpose2d", "groups", lambda lib, F: F.conv_transpose2d(lib.ones(2, 3, 5, 5), lib.ones(3, 2, 3, 3), groups=2), "groups=2 for 3 channels"),
        ("conv_transpose3d", "dimensions", lambda lib, F: F.conv_transpose3d(lib.ones(3, 5, 5), lib.ones(3, 2, 3, 3, 3)), r"4D \(unbatched\) or 5D"),
        ("conv_transpose3d", "dtypes", lambda lib, F: F.conv_transpose3d(lib.ones(3, 1, 1, 1), ones(lib, 3, 2, 3, 3, 3, dtype="float64")), "one dtype"),
    )),
    case("conv_transpose1d: padding by a word", lambda lib, F: F.conv_transpose1d(lib.ones(2, 3, 5), lib.ones(3, 2, 3), padding="same"),
         "padding must be one integer.*got same", in_torch=False),  # a TypeError there
    *(case(f"{name}: {what}", call, message) for name, what, call, message in (
        ("Conv2d", "no groups", lambda lib, F: lib.nn.Conv2d(4, 2, 3, groups=0), "groups must be a positive integer, got 0"),
        ("Conv2d", "groups of inputs", lambda lib, F: lib.nn.Conv2d(4, 3, 3, groups=3), "in_channels must be divisible by groups"),
        ("Conv2d", "groups of outputs", lambda lib, F: lib.nn.Conv2d(4, 3, 3, groups=2), "out_channels must be divisible by groups"),
        ("Conv1d", "padding", lambda lib, F: lib.nn.Conv1d(4, 2, 3, padding="full"), "Invalid padding string 'full'"),
        ("Conv3d", "same", lambda lib, F: lib.nn.Conv3d(4, 2, 3, 2, padding="same"), "not supported for strided convolutions"),
        ("Conv2d", "padding mode", lambda lib, F: lib.nn.Conv2d(4, 2, 3, padding_mode="mirror"), "padding_mode must be one of"),
        ("ConvTranspose2d", "padding mode", lambda lib, F: lib.nn.ConvTranspose2d(4, 2, 3, padding_mode="reflect"), 'Only "zeros" padding mode'),
        ("ConvTranspose2d", "size", lambda lib, F: lib.nn.ConvTranspose2d(2, 1, 3, 2)(lib.ones(2, 5, 5), (13, 12)),
         r"output size of \(13, 12\), but valid sizes range from \(11, 11\) to \(12, 12\)"),
        ("ConvTranspose2d", "sizes", lambda lib, F: lib.nn.ConvTranspose2d(2, 1, 3, 2)(lib.ones(2, 5, 5), (12,)), "must have 2 or 3 elements"),
        ("LazyConv2d", "groups", lambda lib, F: lib.nn.LazyConv2d(4, 3, groups=2)(lib.ones(1, 3, 5, 5)), "divisible by groups=2.*3 channels"),
    )),
    *(case(f"{name}: {what}", call, message, RuntimeError) for name, what, call, message in (
        ("unfold", "no window", lambda lib, F: F.unfold(lib.ones(1, 2, 3, 4), 5), r"no window fits.*\(-1, 0\) windows"),
        ("unfold", "kernel", lambda lib, F: F.unfold(lib.ones(1, 2, 3, 4), 0), "kernel_size must be"),
        ("unfold", "padding", lambda lib, F: F.unfold(lib.ones(1, 2, 3, 4), 2, padding=-1), "padding must be"),
        ("fold", "rows", lambda lib, F: F.fold(lib.ones(1, 7, 6), (3, 4), 2), "divisible by the 4 elements of a window"),
        ("fold", "columns", lambda lib, F: F.fold(lib.ones(1, 8, 5), (3, 4), 2), r"2 · 3 windows, but.*5 columns"),
        ("fold", "dimensions", lambda lib, F: F.fold(lib.ones(6), (3, 4), 2), r"2D \(unbatched\) or 3D"),
        ("fold", "size", lambda lib, F: F.fold(lib.ones(1, 8, 6), (3, 4, 5), 2), "output_size must be"),
    )),
    case("LazyConv2d: dimensions", lambda lib, F: lib.nn.LazyConv2d(4, 3)(lib.ones(5, 5)), r"3D \(unbatched\) or 4D", RuntimeError),
]  # fmt: skip
