"""How convolutions are computed: as products of matrices, for a few samples at a time.

The windows of a sample, laid out as the columns of a matrix, times the kernels as rows: that is a
convolution. Copying a window for each place would write each element k² times. So only the windows
of one row of the kernel are copied, for all rows of the input (`Bands`): what another row of the
kernel meets is the same matrix from another place on, and the products of all rows are added.

Sizes are tuples with one number per spatial dimension; `padding` has a pair (before, after) each.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from dlframe.base import threads
from dlframe.ops.fourier import convolved_by_fft, gathered_by_fft
from dlframe.ops.offsets import Pairs, Sizes, kernel_first, meetings_of
from dlframe.ops.record import Array

__all__ = ["convolved", "gathered", "parts_of", "spread", "spread_by_columns"]

# Numbers that are laid out at once, to fit the cache. Threads wait for each other between two calls
# of NumPy, so with several each call has more to do.
_CHUNK, _CHUNK_OF_THREADS = 1 << 18, 1 << 20
_TILE = 1_000_000  # multiplications
_WIDE = 32  # outputs, for which a BLAS is faster if the factor lies in memory row by row
_SHARED = 20_000_000  # multiplications, which take a thread 0.5 ms


def parts_of(samples: slice, numbers_per_sample: int, chunk: int = 0) -> Iterator[slice]:
    """`samples` in slices of about `chunk` numbers."""
    chunk = chunk or (_CHUNK if threads.number() == 1 else _CHUNK_OF_THREADS)
    step, end = max(1, chunk // max(numbers_per_sample, 1)), samples.stop
    return (slice(i, min(i + step, end)) for i in range(samples.start, end, step))


def _worth(multiplications: int) -> int:
    """How many samples, of so many multiplications each, are worth a thread."""
    return max(1, _SHARED // max(multiplications, 1))


# --- windows as matrices -----------------------------------------------------------------------


class Bands:
    """The windows of some samples as matrices, one for each offset along the first dimension.

    An array (samples, groups, kernel without its first dimension, channels of a group, rows of the
    input, other places of the output) holds them all. With a stride s, rows come in the order 0, s,
    2s …, 1, s + 1 …, so that those which one row of the kernel meets lie next to each other.
    """

    def __init__(
        self,
        x: Array,
        kernel: Sizes,
        out: Sizes,
        stride: Sizes,
        padding: Pairs,
        dilation: Sizes,
        groups: int,
    ) -> None:
        size = x.shape[2:]
        self.dtype, self.inner, self.groups = x.dtype, size[1:], groups
        self.channels, self.kernel, self.out = x.shape[1] // groups, kernel, out
        (s, *_), (d, *_), ((before, _), *_) = stride, dilation, padding
        residues = sorted({i * d % s for i in range(kernel[0])})
        count = out[0] + (kernel[0] - 1) * d // s  # rows of each residue
        self.rows: list[tuple[slice, slice]] = []  # which of them are rows of the input, and which
        for place, residue in enumerate(residues):
            first = max(0, -((residue - before) // s))
            end = max(first, min(count, (size[0] - 1 + before - residue) // s + 1))
            start = first * s + residue - before
            to = place * count
            self.rows.append(
                (slice(to + first, to + end), slice(start, start + (end - first) * s, s))
            )
        self.all_rows = len(residues) * count
        self.meetings = meetings_of(
            size[1:], out[1:], kernel[1:], stride[1:], padding[1:], dilation[1:]
        )
        self.places = math.prod(out)
        self.starts = [
            (residues.index(i * d % s) * count + i * d // s) * math.prod(out[1:])
            for i in range(kernel[0])
        ]
        self.height = self.channels * math.prod(kernel[1:])
        self.per_sample = groups * self.height * self.all_rows * math.prod(out[1:])
        self.copies = not (
            set(kernel[1:]) <= {1}
            and set(stride) == {1}
            and not any(map(any, padding[1:]))
            and before == 0
            and out[1:] == self.inner
            and self.all_rows == size[0]
        )
        # whether a window after the other is an element after the other
        self.whole = s == 1 and set(stride[1:]) <= {1} and out[1:] == self.inner
        self.buffer: Array | None = None

    def of(self, x: Array) -> list[Array]:
        """Per offset along the first dimension (samples, groups, rows, places); `x` has a part."""
        samples, groups, channels = len(x), self.groups, self.channels
        if not self.copies:
            band = np.ascontiguousarray(x).reshape(samples, groups, channels, -1)
        else:
            if self.buffer is None or len(self.buffer) < samples:
                shape = (groups, *self.kernel[1:], channels, self.all_rows, *self.out[1:])
                self.buffer = np.zeros((samples, *shape), self.dtype)  # and so is the padding
            band = self.buffer[:samples]
            if self.whole:
                x = np.ascontiguousarray(x)
            x = x.reshape(samples, groups, channels, *x.shape[2:])
            for offset, windows, inside in self.meetings:
                of_offset: Any = (slice(None), slice(None), *offset)
                at = band[of_offset]
                for rows, source in self.rows:
                    if self.whole:
                        self._copy_whole(at, rows, windows, x, source, inside)
                    else:
                        at[(..., rows, *windows[1:])] = x[(..., source, *inside[1:])]
            band = band.reshape(samples, groups, self.height, -1)
        return [band[..., start : start + self.places] for start in self.starts]

    def _copy_whole(
        self, at: Array, rows: slice, windows: Any, x: Array, source: slice, inside: Any
    ) -> None:
        """Copy all rows as one run of numbers, which is fastest, and then clear the padding."""
        pitch = math.prod(self.inner)
        shift = 0
        for n, window, place in zip(self.inner, windows[1:], inside[1:], strict=True):
            if window.stop == window.start:
                return  # this offset meets padding only
            shift = shift * n + place.start - window.start
        run = at.reshape(*at.shape[:3], -1)
        first = rows.start * pitch + max(0, -shift)
        end = rows.stop * pitch - max(0, shift)
        if end > first:
            start = source.start * pitch + max(0, shift)
            flat = x.reshape(*x.shape[:3], -1)
            run[..., first:end] = flat[..., start : start + end - first]
        last, every = len(self.inner) - 1, (slice(None),)
        for axis, (n, window) in enumerate(zip(self.inner, windows[1:], strict=True)):
            for outside in (slice(0, window.start), slice(window.stop, n)):
                if outside.stop > outside.start:
                    at[(..., rows, *every * axis, outside, *every * (last - axis))] = 0


class Columns(Bands):
    """All windows as one matrix: each element is copied for every window that has it."""

    def __init__(self, x: Array, *sizes: Any) -> None:
        # a first dimension of size 1, so that the others are laid out in full
        kernel, out, stride, padding, dilation, groups = sizes
        one = ((1, *kernel), (1, *out), (1, *stride), ((0, 0), *padding), (1, *dilation), groups)
        super().__init__(x[:, :, None], *one)

    def of(self, x: Array) -> list[Array]:
        return super().of(x[:, :, None])


def _windows(outputs: int, *arguments: Any) -> Bands:
    """The cheaper way: with bands each product is added to the one before, for all outputs."""
    bands = Bands(*arguments)
    if len(bands.starts) > 1 and bands.height < _FEW * outputs // bands.groups:
        return Columns(*arguments)
    return bands


_FEW = 0.5  # numbers that are copied in the time in which one is added


def _matrices(weight: Array, groups: int, bands: Bands) -> Array:
    """The kernels as rows (offset along the first dimension, groups, outputs, height)."""
    outputs, channels, shifts = len(weight) // groups, weight.shape[1], len(bands.starts)
    parts = weight.reshape(groups, outputs, channels, shifts, -1)
    return parts.transpose(3, 0, 1, 4, 2).reshape(shifts, groups, outputs, bands.height)


# --- the three products ------------------------------------------------------------------------


def convolved(
    x: Array,
    weight: Array,
    bias: Array | None,
    out: Array,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
) -> Array:
    """A convolution, written into `out`: the kernels as rows times the windows of x as columns."""
    n, outputs, size = x.shape[0], len(weight) // groups, out.shape[2:]
    arguments = (x, weight.shape[2:], size, stride, padding, dilation, groups)
    if convolved_by_fft(x, weight, bias, out, stride, padding, dilation, groups):
        return out

    def of_samples(some: slice) -> None:
        windows = _windows(len(weight), *arguments)
        matrices = _matrices(weight, groups, windows)
        shape = (groups, outputs, windows.places)
        room: Any = None
        for part in parts_of(some, windows.per_sample):
            views = windows.of(x[part])
            samples = len(views[0])
            if room is None:
                room = np.empty((2, samples, *shape), out.dtype)
            y, added = room[:, :samples]
            if out.flags.c_contiguous:
                y = out[part].reshape(samples, *shape)
            for i, view in enumerate(views):
                _product(matrices[i], view, added if i else y)
                if i:
                    y += added
            if bias is not None:
                y += bias.reshape(groups, outputs, 1)  # while it is in the cache
            if not out.flags.c_contiguous:
                out[part] = y.reshape(samples, -1, *size)

    threads.shared(of_samples, n, _worth(weight.size * math.prod(size)))
    return out


def _product(matrix: Array, columns: Array, out: Array) -> None:
    """`matrix @ columns`, written into `out`: in tiles of columns that suit a BLAS.

    For products of up to a million multiplications OpenBLAS has kernels that copy nothing. With few
    rows they are twice as fast as those for large ones.
    """
    count, tile = columns.shape[-1], _TILE // max(1, matrix.shape[-1] * matrix.shape[-2])
    tile = next((t for t in (256, 128, 64) if t <= tile and count % t == 0), count)
    if tile < count:
        columns, out = (
            x.reshape(*x.shape[:-1], count // tile, tile).swapaxes(-2, -3) for x in (columns, out)
        )
        matrix = matrix[..., None, :, :]
    np.matmul(matrix, columns, out=out)


def gathered(
    x: Array,
    y: Array,
    kernel: Sizes,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
) -> Array:
    """The gradient of the kernels: the windows of x times y, summed over places and samples."""
    n, outputs, size = y.shape[0], y.shape[1] // groups, y.shape[2:]
    channels = x.shape[1] // groups
    arguments = (x, kernel, size, stride, padding, dilation, groups)
    dtype = np.result_type(x, y)
    found = gathered_by_fft(x, y, kernel, stride, padding, dilation, groups)
    if found is not None:
        return found

    def of_samples(some: slice) -> Array:
        windows = Bands(*arguments)
        total = np.zeros((len(windows.starts), groups, windows.height, outputs), dtype)
        for part in parts_of(some, windows.per_sample):
            g = y[part].reshape(-1, groups, outputs, windows.places).swapaxes(2, 3)
            if outputs >= _WIDE:
                g = np.ascontiguousarray(g)
            for i, view in enumerate(windows.of(x[part])):
                total[i] += np.add.reduce(np.matmul(view, g), axis=0)
        return total

    work = math.prod(kernel) * channels * y.shape[1] * math.prod(size)
    total: Array = functools.reduce(np.add, threads.shared(of_samples, n, _worth(work)))
    parts = total.reshape(kernel[0], groups, -1, channels, outputs)
    return parts.transpose(1, 4, 3, 0, 2).reshape(y.shape[1], channels, *kernel)


def spread(
    y: Array,
    weight: Array,
    bias: Array | None,
    size: Sizes,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
) -> Array:
    """A transposed convolution, as convolutions of y with turned kernels.

    The places j = s m + a, for each residue a < s, get an element of y from every offset k for
    which k · dilation ≡ a + padding modulo s. These offsets lie at even distances, so each residue
    is one convolution of stride 1, with its part of the kernel.
    """
    n, outputs, kernel = y.shape[0], len(weight) // groups, weight.shape[2:]
    channels = weight.shape[1]
    x = np.empty((n, channels * groups, *size), np.result_type(y, weight))
    swapped = weight.reshape(groups, outputs, channels, *kernel).swapaxes(1, 2)
    swapped = swapped.reshape(groups * channels, outputs, *kernel)
    axes = [_residues(*each) for each in zip(kernel, stride, padding, dilation, strict=True)]
    for each in product(*axes):
        places: Any = (..., *(slice(a, None, s) for (a, *_), s in zip(each, stride, strict=True)))
        into = x[places]
        if not into.size:
            continue
        if any(part is None for _, part, *_ in each):
            into[...] = 0 if bias is None else bias.reshape(-1, *(1,) * len(size))
            continue
        turned = swapped[(..., *(part for _, part, *_ in each))]
        margins = tuple((before, 0) for *_, before, _ in each)
        steps = tuple(step for *_, step in each)
        convolved(y, turned, bias, into, (1,) * len(size), margins, steps, groups)
    return x


def _residues(kernel: int, stride: int, padding: Any, dilation: int) -> list[Any]:
    """For each residue: itself, the turned part of the kernel, its padding, and its dilation."""
    found: list[Any] = []
    for a in range(stride):
        # y[m - t] meets the place s m + a at the offset k, where t = (k dilation - padding - a) / s
        offsets = [k for k in range(kernel) if (k * dilation - padding[0] - a) % stride == 0]
        if not offsets:
            found.append((a, None, 0, 1))
            continue
        furthest = (offsets[-1] * dilation - padding[0] - a) // stride
        between = offsets[1] - offsets[0] if len(offsets) > 1 else 1
        stop = offsets[0] - 1
        part = slice(offsets[-1], stop if stop >= 0 else None, -between)
        found.append((a, part, furthest, between * dilation // stride))
    return found


def spread_by_columns(
    y: Array,
    weight: Array,
    bias: Array | None,
    size: Sizes,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
) -> Array:
    """The same by the transposed matrix, whose columns are added to the places they came from."""
    n, outputs, kernel, out = y.shape[0], y.shape[1] // groups, weight.shape[2:], y.shape[2:]
    channels, places = weight.shape[1] * groups, math.prod(out)
    meetings = meetings_of(size, out, kernel, stride, padding, dilation)
    matrix = weight.reshape(groups, outputs, -1).swapaxes(1, 2)
    x = np.empty((n, channels, *size), np.result_type(y, weight))

    def of_samples(some: slice) -> None:
        for part in parts_of(some, groups * matrix.shape[1] * places, 4 * _CHUNK):
            # samples are last in memory, so that long runs of numbers are added; longer runs are
            # faster, so the chunks are larger here
            samples = len(y[part])
            g = np.moveaxis(y[part], 0, -1).reshape(groups, outputs, places * samples)
            columns = np.matmul(matrix, g).reshape(channels, *kernel, *out, samples)
            columns = np.moveaxis(columns, -1, 0)
            total = np.moveaxis(np.zeros((channels, *size, samples), x.dtype), -1, 0)
            at = kernel_first(columns, len(kernel), 2)
            for offset, windows, inside in meetings:
                total[inside] += at[offset][windows]
            x[part] = total
            if bias is not None:
                x[part] += bias.reshape((-1,) + (1,) * len(size))

    threads.shared(of_samples, n, _worth(weight.size * places))
    return x
