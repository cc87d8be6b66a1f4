"""Convolutions with large kernels, by the theorem of convolution.

The Fourier transform of a convolution is the product of the transforms. So a kernel of any size
costs as much as a small one: for 1,000 places along a line that is a hundred times faster than the
products of matrices of `dlframe.ops.convolving`.

The transform of a sample mixes all its elements, and so an error of rounding is relative to the
largest of them. Hence float32 is computed in float64, which has nine digits to spare, and float64
is never computed this way. Where a result is so small that the nine digits do not do, it is found
by itself: 0 where a window has zeros only, else a sum of products. If that is so for many results,
the products of matrices are used; and so they are where an infinity or nan would spread over the
whole sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from dlframe.base import threads
from dlframe.ops.offsets import Pairs, Sizes
from dlframe.ops.record import Array

__all__ = ["convolved_by_fft", "gathered_by_fft"]

# Nanoseconds, measured. In products of matrices: for a multiplication, for an addition of what two
# rows of the kernel give, and for a copy of an element. By transforms: for a number in a transform
# and its inverse, and for a multiplication of two complex numbers.
_MULTIPLIED, _ADDED, _COPIED = 0.022, 0.4, 0.3
_TRANSFORMED, _COMPLEX = 8.0, 0.1
_BETTER = 1.5  # by so much it must be, before it is done
_SMALL = 32  # places of a kernel, for fewer of which it never pays
_ROOM = 1 << 21  # numbers of the samples that are transformed at once
_MOST = 1 << 22  # numbers of the kernels' transforms, at most
_ROUNDING = 2.0**-48  # of transforms; the largest that was measured is half of it
_DIGITS = 2.0**17  # so many times larger than the error a result must be
_FEW = 64  # results that are found by themselves, at most


def convolved_by_fft(
    x: Array,
    weight: Array,
    bias: Array | None,
    out: Array,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
) -> bool:
    """A convolution written into `out`, if that pays; else False, and `out` may have been changed.

    yᵢ = Σₖ xᵢ₊ₖ wₖ is F⁻¹(F x · conj(F w)), as long as nothing comes around the edge.
    """
    n, kernel, size = len(x), weight.shape[2:], out.shape[2:]
    outputs, channels = len(weight) // groups, weight.shape[1]
    if not _pays(
        x, weight, kernel, size, stride, padding, dilation, (n, groups, outputs, channels)
    ):
        return False
    lengths = _lengths(kernel, size, dilation)
    kernels = _transformed(weight, lengths, [(0, d) for d in dilation])
    kernels = np.conj(kernels).reshape(groups, outputs, channels, -1)
    for part in _parts(n, (channels + outputs) * groups, lengths):
        spectrum = _transformed(x[part], lengths, [(before, 1) for before, _ in padding])
        spectrum = spectrum.reshape(-1, groups, channels, kernels.shape[-1])
        # for each frequency a product of matrices: (samples, channels) by (channels, outputs)
        found = _by_frequency(spectrum, (1, 0, 2), kernels, (0, 2, 1), (1, 0, 2))
        y = _turned_back(found.reshape(-1, groups * outputs, found.shape[-1]), lengths, size)
        if not np.isfinite(y).all():
            return False
        least = _least(x[part], weight, groups, lengths).reshape(*y.shape[:2], *(1,) * len(size))
        if not _mended(y, least, x[part], weight, padding, dilation, groups):
            return False
        if bias is not None:
            y += bias.reshape(-1, *(1,) * len(size))
        out[part] = y
    return True


def gathered_by_fft(
    x: Array,
    y: Array,
    kernel: Sizes,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
) -> Array | None:
    """The gradient of the kernels, if that pays: dwₖ = Σᵢ yᵢ xᵢ₊ₖ."""
    n, size = len(x), y.shape[2:]
    outputs, channels = y.shape[1] // groups, x.shape[1] // groups
    counts = n, groups, outputs, channels
    if not _pays(x, y, kernel, size, stride, padding, dilation, counts):
        return None
    lengths = _lengths(kernel, size, dilation)
    total: Any = 0
    least: Any = 0
    for part in _parts(n, (channels + outputs) * groups, lengths):
        spectrum = _transformed(x[part], lengths, [(before, 1) for before, _ in padding])
        spectrum = spectrum.reshape(-1, groups, channels, math.prod(spectrum.shape[2:]))
        gradients = np.conj(_transformed(y[part], lengths, [(0, 1)] * len(size)))
        gradients = gradients.reshape(-1, groups, outputs, spectrum.shape[-1])
        sizes = _sizes(x[part], groups, lengths), _sums(y[part], groups)
        least = least + np.einsum("ngc,ngo->goc", *sizes) * (_ROUNDING * _DIGITS)
        # for each frequency: (outputs, samples) by (samples, channels)
        total = total + _by_frequency(gradients, (1, 2, 0), spectrum, (1, 0, 2), (0, 1, 2))
    reach = tuple([d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)])
    found = _turned_back(total.reshape(groups * outputs, channels, -1), lengths, reach)
    steps: Any = (..., *(slice(None, None, d) for d in dilation))
    found = found[steps]
    least = least.reshape(*found.shape[:2], *(1,) * len(size))
    if not np.isfinite(found).all():
        return None
    small: Any = np.argwhere(np.abs(found) < least).tolist()
    if len(small) > _FEW:
        return None
    for o, c, *offset in small:
        found[(o, c, *offset)] = _gathered_at(
            x[:, o // outputs * channels + c], y[:, o], offset, padding, dilation
        )
    gradient: Array = found.astype(x.dtype)
    return gradient


def _pays(
    x: Array,
    other: Array,
    kernel: Sizes,
    size: Sizes,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    counts: tuple[int, int, int, int],
) -> bool:
    """Whether it is faster by far than products of matrices; not for other dtypes and strides."""
    places = math.prod(kernel)
    if places < _SMALL or type(x) is not np.ndarray or type(other) is not np.ndarray:
        return False
    if x.dtype != np.float32 or other.dtype != np.float32 or max(stride) > 1:
        return False
    if not x.size or not math.prod(size) or min(before for before, _ in padding) < 0:
        return False
    n, groups, outputs, channels = counts
    pairs, through = groups * outputs * channels, math.prod(size)
    points = math.prod(_lengths(kernel, size, dilation))
    if pairs * points > _MOST:
        return False
    products = _MULTIPLIED * n * pairs * places * through
    products += _ADDED * n * groups * outputs * kernel[0] * through
    products += _COPIED * n * groups * channels * math.prod(kernel[1:]) * through
    transforms = _TRANSFORMED * points * (n * groups * (channels + outputs) + pairs)
    transforms += _COMPLEX * points * n * pairs
    return products / threads.number() > _BETTER * transforms


@lru_cache(maxsize=256)
def _lengths(kernel: Sizes, size: Sizes, dilation: Sizes) -> Sizes:
    """The lengths to transform: all that the windows reach, up to numbers with small factors."""
    reached = [n + d * (k - 1) for k, n, d in zip(kernel, size, dilation, strict=True)]
    return tuple([_with_small_factors(n) for n in reached])


def _with_small_factors(n: int) -> int:
    """The least 2ᵃ 3ᵇ 5ᶜ from `n` on, for which transforms are fast."""
    powers = range(n.bit_length() + 1)
    bases = (3**b * 5**c for b, c in product(powers, powers) if 3**b * 5**c < 2 * n)
    least: int = min(base << max(0, (-(-n // base) - 1).bit_length()) for base in bases)
    return least


def _parts(samples: int, planes: int, lengths: Sizes) -> Iterator[slice]:
    step = max(1, _ROOM // max(1, planes * math.prod(lengths)))
    return (slice(i, min(i + step, samples)) for i in range(0, samples, step))


def _transformed(x: Array, lengths: Sizes, at: list[tuple[int, int]]) -> Array:
    """The transform of x among zeros: in each dimension where x begins, and its step."""
    room = np.zeros((*x.shape[:2], *lengths))
    to: Any = [...]
    taken: Any = [...]
    for n, length, (start, step) in zip(x.shape[2:], lengths, at, strict=True):
        places = range(start, min(length, start + (n - 1) * step + 1), step)
        to.append(slice(places.start, places.stop, step))
        taken.append(slice(len(places)))
    room[tuple(to)] = x[tuple(taken)]
    with np.errstate(all="ignore"):  # the filter of warnings knows dlframe's own modules only
        spectrum: Array = np.fft.rfftn(room, axes=range(2, room.ndim))
    return spectrum


def _by_frequency(x: Array, x_order: Sizes, y: Array, y_order: Sizes, order: Sizes) -> Array:
    """The products of the matrices that `x` and `y` have for each frequency, their last dimension.

    The orders bring them to (groups, rows, columns), and the result back.
    """
    first, second = (
        np.ascontiguousarray(v.transpose(3, *axes)) for v, axes in ((x, x_order), (y, y_order))
    )
    found = np.matmul(first, second).transpose(*(1 + i for i in order), 0)
    return np.ascontiguousarray(found)


def _turned_back(spectrum: Array, lengths: Sizes, size: Sizes) -> Array:
    """The first numbers of the inverse transform, so many in each dimension."""
    shape = (*spectrum.shape[:2], *lengths[:-1], lengths[-1] // 2 + 1)
    with np.errstate(all="ignore"):
        x = np.fft.irfftn(spectrum.reshape(shape), s=lengths, axes=range(2, 2 + len(lengths)))
    inside: Any = (..., *map(slice, size))
    found: Array = x[inside]
    return found


# --- small results beside large ones -----------------------------------------------------------


def _sizes(x: Array, groups: int, lengths: Sizes) -> Array:
    """(samples, groups, channels): the root of the mean square over all numbers of a transform."""
    squares = np.square(x, dtype=np.float64).reshape(len(x), groups, x.shape[1] // groups, -1)
    sizes: Array = np.sqrt(np.add.reduce(squares, axis=-1) / math.prod(lengths))
    return sizes


def _sums(y: Array, groups: int) -> Array:
    """(samples, groups, channels): the sum of the sizes of all numbers, which no |F y| exceeds."""
    rows = np.abs(y).reshape(len(y), groups, y.shape[1] // groups, -1)
    sums: Array = np.add.reduce(rows, axis=-1, dtype=np.float64)
    return sums


def _least(x: Array, weight: Array, groups: int, lengths: Sizes) -> Array:
    """(samples, groups, outputs): below this a result may have lost digits of float32.

    An error of the transforms is spread evenly over their numbers. So it is about as large as a
    rounding error of the root of the mean square of x * w, which is at most that of x times Σ |w|.
    """
    sums = _sums(weight, 1).reshape(groups, -1, weight.shape[1])
    least: Array = np.einsum("ngc,goc->ngo", _sizes(x, groups, lengths), sums)
    return least * (_ROUNDING * _DIGITS)


def _mended(
    y: Array,
    least: Array,
    x: Array,
    weight: Array,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
) -> bool:
    """Whether all results have their digits, after those were mended that had lost some."""
    small = np.abs(y) < least
    if not small.any():
        return True
    n, channels, kernel, size = len(x), weight.shape[1], weight.shape[2:], y.shape[2:]
    reached = [m + d * (k - 1) for k, m, d in zip(kernel, size, dilation, strict=True)]
    room = np.zeros((*x.shape[:2], *reached), x.dtype)
    ends = zip(x.shape[2:], reached, padding, strict=True)
    at: Any = [slice(before, max(before, min(end, before + m))) for m, end, (before, _) in ends]
    taken: Any = (..., *(slice(place.stop - place.start) for place in at))
    room[(..., *at)] = x[taken]
    some = (room != 0).reshape(n, groups, channels, *reached).any(axis=2)
    some = _windows_with(some, kernel, dilation).repeat(len(weight) // groups, axis=1)
    y[~some] = 0
    places = np.argwhere(small & some)
    if len(places) > _FEW:
        return False
    results: Any = places.tolist()
    for i, o, *corner in results:
        first = o // (len(weight) // groups) * channels
        steps = zip(corner, kernel, dilation, strict=True)
        window: Any = [slice(a, a + d * (k - 1) + 1, d) for a, k, d in steps]
        factors = room[(i, slice(first, first + channels), *window)].astype(np.float64)
        y[(i, o, *corner)] = np.add.reduce(factors * weight[o], axis=None)
    return True


def _gathered_at(x: Array, y: Array, offset: list[int], padding: Pairs, dilation: Sizes) -> Any:
    """The sum of the products of y and of what it meets at one offset of the kernel."""
    first: Any = [...]
    second: Any = [...]
    sizes = zip(x.shape[1:], y.shape[1:], offset, padding, dilation, strict=True)
    for m, n, k, (before, _), d in sizes:
        shift = k * d - before
        begin, end = max(0, -shift), min(n, m - shift)
        if end <= begin:
            return 0.0  # padding only
        first.append(slice(begin, end))
        second.append(slice(begin + shift, end + shift))
    factors = y[tuple(first)].astype(np.float64)
    return np.add.reduce(factors * x[tuple(second)], axis=None)


def _windows_with(some: Array, kernel: Sizes, dilation: Sizes) -> Array:
    """For each window, whether `some` is true anywhere in it."""
    for axis, (count, d) in enumerate(zip(kernel, dilation, strict=True), 2):
        some = some.swapaxes(axis, -1)
        seen = 1
        while seen < count:
            step = min(seen, count - seen)
            some = some[..., : -step * d] | some[..., step * d :]
            seen += step
        some = some.swapaxes(axis, -1)
    return some
