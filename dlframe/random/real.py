"""Distributions of real numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dlframe.base.quiet import quiet
from dlframe.errors import ArgumentError
from dlframe.random.checks import (
    F16,
    F32,
    F64,
    Array,
    Shape,
    check_positive,
    check_std,
    float_dtype,
    shape_and_count,
)
from dlframe.random.stream import Stream

if TYPE_CHECKING:
    import numpy.typing as npt  # 12 ms, for annotations alone

_CACHE_BLOCK = 1 << 16  # values made at a time, so that they stay in the cache


class RealNumbers(Stream):
    """Uniform and normal numbers, and the distributions made from them by a formula."""

    @quiet
    def uniform(
        self, shape: Shape, dtype: npt.DTypeLike = F32, *, low: float = 0.0, high: float = 1.0
    ) -> Array:
        """Numbers spread evenly over [low, high): `torch.rand` and `Tensor.uniform_(low, high)`.

        >>> dl.Generator().manual_seed(0).uniform((1, 2), low=-1, high=1)
        array([[-0.00748682,  0.5364436 ]], dtype=float32)
        """
        shape, n = shape_and_count("uniform", shape)
        dtype = float_dtype("uniform", dtype)
        work = F64 if dtype == F64 else F32
        u = np.empty(n, work)
        if (low, high) == (0, 1) and dtype == work:
            return self._unit(u).reshape(shape)
        limit = float(np.finfo(dtype).max)
        if not -limit <= low <= high <= limit or high - low > limit:
            raise ArgumentError(
                f"uniform: [low, high) must be a range that {dtype} holds, got [{low}, {high})"
            )
        start, width = work.type(low), work.type(high) - work.type(low)
        # For float32 the product is exact in float64: one rounding, at the end.
        values = self._unit(u).astype(F64, copy=False)
        values *= float(width)
        values += float(start)
        out = values.astype(work, copy=False).astype(dtype, copy=False)
        out[out == dtype.type(high)] = low  # rounding may have reached `high`
        return out.reshape(shape)

    @quiet
    def normal(
        self, shape: Shape, dtype: npt.DTypeLike = F32, *, mean: float = 0.0, std: float = 1.0
    ) -> Array:
        """Normally distributed numbers: `torch.randn` and `Tensor.normal_(mean, std)`.

        First all uniforms are drawn; then each block of 16 becomes 16 normals (`_box_muller`). If
        the size is not a multiple of 16, the last 16 values are made again from 16 more uniforms.
        Fewer than 16 come from `normal_by_pairs`, so `normal(15)` and `normal(16)` differ entirely.

        >>> dl.Generator().manual_seed(0).normal(3).round(4)
        array([ 1.541 , -0.2934, -2.1788], dtype=float32)
        """
        shape, n = shape_and_count("normal", shape)
        dtype = float_dtype("normal", dtype)
        if n < 16:
            return self.normal_by_pairs(shape, dtype, mean=mean, std=std)
        check_std(std)
        out = np.empty(n, F64 if dtype == F64 else F32)
        whole = n - n % 16
        with self._lock:
            # In float16 PyTorch draws no uniforms for the incomplete block.
            self._unit(out[:whole] if dtype == F16 else out)
            last = self._unit(np.empty(16 if n % 16 else 0, out.dtype))
        for i in range(0, whole, _CACHE_BLOCK):
            _box_muller(out[i : min(i + _CACHE_BLOCK, whole)])
        if n % 16:
            out[-16:] = _box_muller(last)
        if std != 1:
            out *= float(std)
        if mean != 0:
            out += float(mean)
        return out.astype(dtype, copy=False).reshape(shape)

    @quiet
    def normal_by_pairs(
        self, shape: Shape, dtype: npt.DTypeLike = F32, *, mean: float = 0.0, std: float = 1.0
    ) -> Array:
        """Normals made two at a time in float64, as PyTorch makes fewer than 16.

        (PyTorch also fills non-contiguous tensors of any size in this way.) Of two uniforms the
        first gives the angle, the second the radius √(−2 log(1 − u)). The cosine comes first; a
        sine that is left over is the first number of the next call.

        >>> g = dl.Generator().manual_seed(0)
        >>> g.normal_by_pairs(1).round(4), g.normal_by_pairs(2).round(4)
        (array([1.541], dtype=float32), array([-0.2934, -2.1788], dtype=float32))
        """
        shape, n = shape_and_count("normal", shape)
        dtype = float_dtype("normal", dtype)
        check_std(std)
        with self._lock:
            pairs = (max(n - self._spare.size, 0) + 1) // 2
            u = self._unit(np.empty(2 * pairs)).reshape(pairs, 2)
            angle, radius = 2 * math.pi * u[:, 0], np.sqrt(-2 * np.log1p(-u[:, 1]))
            points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
            values = np.concatenate([self._spare, points.ravel()])
            self._spare = values[n:].copy()
        return (values[:n] * float(std) + float(mean)).astype(dtype).reshape(shape)

    @quiet
    def log_normal(
        self, shape: Shape, dtype: npt.DTypeLike = F32, *, mean: float = 1.0, std: float = 2.0
    ) -> Array:
        """exp of normals, made by pairs: `Tensor.log_normal_(mean, std)`, with its defaults."""
        dtype = float_dtype("log_normal", dtype)
        check_positive("log_normal", "std", std)
        values = self.normal_by_pairs(shape, F64, mean=mean, std=std)
        return np.asarray(np.exp(values)).astype(dtype)

    @quiet
    def exponential(self, shape: Shape, dtype: npt.DTypeLike = F32, *, lambd: float = 1.0) -> Array:
        """−log(1 − u) / lambd, for u uniform: `Tensor.exponential_(lambd)`.

        >>> dl.Generator().manual_seed(0).exponential(2).round(4)
        array([3.5083, 1.2304], dtype=float32)
        """
        dtype = float_dtype("exponential", dtype)
        check_positive("exponential", "lambd", lambd)
        u = self.uniform(shape, F64)
        return np.asarray(-1.0 / lambd * np.log1p(-u)).astype(dtype)

    @quiet
    def cauchy(
        self, shape: Shape, dtype: npt.DTypeLike = F32, *, median: float = 0.0, sigma: float = 1.0
    ) -> Array:
        """median + sigma · tan(π (u − ½)), for u uniform: `Tensor.cauchy_(median, sigma)`."""
        dtype = float_dtype("cauchy", dtype)
        check_positive("cauchy", "sigma", sigma)
        u = self.uniform(shape, F64)
        return np.asarray(median + sigma * np.tan(math.pi * (u - 0.5))).astype(dtype)

    @quiet
    def geometric(self, p: float, shape: Shape, dtype: npt.DTypeLike = F32) -> Array:
        """⌈log u / log(1 − p)⌉, the number of trials up to a success: `Tensor.geometric_(p)`."""
        if not 0 < p < 1:
            raise ArgumentError(f"geometric: p must lie strictly between 0 and 1, got {p}")
        u = self.uniform(shape, F64)
        return np.asarray(np.ceil(np.log(u) / math.log1p(-p))).astype(dtype)


def _box_muller(u: Array) -> Array:
    """Turn uniforms into normals, in place; u.size is a multiple of 16.

    A point of the plane with independent normal coordinates has the radius √(−2 log u₁) and the
    angle 2π u₂, for u₁, u₂ uniform (Box and Muller, 1958). Of every 16 values the first eight give
    radii, the last eight angles; the first eight coordinates are cosines, the last eight sines.
    """
    # Eight values as one item: arithmetic on rows of eight would cost more than the logarithm.
    halves = u.view(f"V{8 * u.itemsize}").reshape(-1, 2)
    radius = halves[:, 0].copy().view(u.dtype)
    angle = halves[:, 1].copy().view(u.dtype)
    np.log(1 - radius, out=radius)  # of (0, 1]
    radius *= -2
    np.sqrt(radius, out=radius)
    angle *= 2 * math.pi
    halves[:, 0] = (radius * np.cos(angle)).view(halves.dtype)
    halves[:, 1] = (radius * np.sin(angle)).view(halves.dtype)
    return u
