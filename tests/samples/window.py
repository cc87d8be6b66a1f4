"""Samples of dlframe/ops/window.py."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from samples.table import Array, Numbers, Sample

n = Numbers(8)
Options = dict[str, Any]


def padded(x: Array, padding: Any, value: float) -> Array:
    return np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value)


def windows_of(x: Array, out: Any, kernel: Any, stride: Any, dilation: Any) -> Any:
    """For each place of the output the part of the padded input that its window covers."""
    for place in itertools.product(*map(range, out)):
        at = tuple(
            slice(i * s, i * s + d * (k - 1) + 1, d)
            for i, k, s, d in zip(place, kernel, stride, dilation, strict=True)
        )
        yield place, (slice(None), slice(None), *at)


def sizes(x: Array, kernel: Any, stride: Any, padding: Any, dilation: Any) -> tuple[int, ...]:
    return tuple(
        (size + a + b - d * (k - 1) - 1) // s + 1
        for size, k, s, (a, b), d in zip(
            x.shape[2:], kernel, stride, padding, dilation, strict=True
        )
    )


def rows_of(kernel: Any, channels: int) -> int:
    return int(np.prod(kernel)) * channels


def convolution(
    x: Array, weight: Array, bias: Any = None, *, stride: Any, padding: Any, dilation: Any, groups: int
) -> Array:  # fmt: skip
    kernel = weight.shape[2:]
    shape = sizes(x, kernel, stride, padding, dilation)
    out = np.zeros((len(x), len(weight), *shape))
    x = padded(x, padding, 0)
    inputs, outputs = x.shape[1] // groups, len(weight) // groups
    for place, at in windows_of(x, shape, kernel, stride, dilation):
        for group in range(groups):
            part = x[at][:, group * inputs : (group + 1) * inputs].reshape(
                len(x), rows_of(kernel, inputs)
            )
            rows = slice(group * outputs, (group + 1) * outputs)
            out[(slice(None), rows, *place)] = part @ weight[rows].reshape(outputs, part.shape[1]).T
    return out if bias is None else out + bias.reshape(-1, *(1,) * len(kernel))


def conv(
    x: tuple[int, ...], weight: tuple[int, ...], bias: bool = False, *, stride: Any = None, padding: Any = None,
    dilation: Any = None, groups: int = 1,
) -> list[Sample]:  # fmt: skip
    """A convolution, and its two adjoints at the same sizes."""
    nd = len(x) - 2
    stride, dilation = stride or (1,) * nd, dilation or (1,) * nd
    padding = padding or ((0, 0),) * nd
    options: Options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    inputs = (n.away(*x), n.away(*weight), *([n.away(weight[0])] if bias else []))
    given: Options = {"stride": stride, "dilation": dilation, "groups": groups}
    given["padding"] = tuple(a for a, _ in padding)
    even = nd == 2 and all(a == b for a, b in padding)
    out = convolution(*inputs, **options).shape
    return [
        Sample("convolution", inputs, options, reference=convolution, tolerance=1e-10,
               **({"public": "nn.functional.conv2d", "public_options": given} if even else {})),
        Sample("convolution_input", (n.away(*out), n.away(*weight)), {**options, "size": x[2:]}, tolerance=1e-10),
        Sample("convolution_weight", (n.away(*x), n.away(*out)), {**options, "kernel": weight[2:]}, tolerance=1e-10),
    ]  # fmt: skip


SAMPLES = [
    *conv((2, 3, 5, 4), (2, 3, 2, 3)),
    *conv((2, 3, 5, 4), (2, 3, 2, 3), bias=True),
    *conv((2, 3, 6, 5), (4, 3, 3, 2), bias=True, stride=(2, 1), padding=((1, 1), (2, 2))),
    *conv((1, 2, 7, 6), (3, 2, 2, 2), stride=(2, 2), dilation=(3, 2), padding=((1, 1), (0, 0))),
    *conv((2, 4, 4, 4), (6, 2, 3, 3), bias=True, groups=2, padding=((1, 1), (1, 1))),
    *conv((2, 3, 4, 4), (3, 1, 2, 2), groups=3),
    *conv((2, 3, 4, 4), (2, 3, 1, 1), bias=True),
    *conv((2, 3, 5, 5), (2, 3, 2, 2), padding=((0, 1), (2, 0))),
    *conv((2, 3, 5), (2, 3, 2), bias=True, stride=(2,), padding=((1, 1),)),
    *conv((1, 2, 3, 4, 3), (2, 2, 2, 2, 2), bias=True),
    *conv((0, 3, 4, 4), (2, 3, 2, 2), bias=True),
    *conv((2, 3, 5, 4), (3, 1, 3, 2), bias=True, groups=3, padding=((1, 2), (0, 1)), dilation=(2, 1)),
    *conv((2, 2, 6), (2, 1, 3), groups=2, padding=((4, 0),)),
    *conv((1, 2, 3, 3, 4), (2, 1, 2, 1, 2), bias=True, groups=2, padding=((0, 0), (1, 1), (0, 1))),
]  # fmt: skip
