"""The table of calls of NumPy's functions: each is run on arrays and on tensors."""

# ruff: noqa: SIM905 - tables of names, not a line for each

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.ops.numpy_api.ufuncs import DIFFERENTIABLE

_rng = np.random.default_rng(0)

# The parameters of the calls below, by name. No two elements are equal, none is near a kink.
INPUTS = {
    "v": np.array([0.7, -1.3, 2.2, -0.4]),
    "w": np.array([1.6, 0.9, -0.8, 0.3]),
    "m": _rng.permuted(np.linspace(-2.07, 2.29, 6)).reshape(2, 3),
    "n": _rng.permuted(np.linspace(-1.83, 1.96, 6)).reshape(2, 3),
    "s": _rng.permuted(np.linspace(-1.45, 1.55, 9)).reshape(3, 3),
    "c": _rng.permuted(np.linspace(-3.05, 3.35, 24)).reshape(2, 3, 4),
    "p": _rng.permuted(np.linspace(0.6, 2.9, 6)).reshape(2, 3),  # positive
    "q": _rng.permuted(np.linspace(1.2, 3.1, 6)).reshape(2, 3),  # above 1
    "u": _rng.permuted(np.linspace(-0.8, 0.85, 6)).reshape(2, 3),  # within (-1, 1)
    "x0": np.array(0.6),
}
HOLES = np.array([[True, False, False], [False, False, True]])
MASK = np.array([[True, False, True], [False, False, True]])

METHODS = """
    inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen weibull
    linear median_unbiased normal_unbiased lower higher midpoint nearest
""".split()


def with_holes(m: Any) -> Any:
    """`m`, an array or a tensor, with nan where HOLES says."""
    return np.where(HOLES, np.nan, m)


def _positive(s: Any) -> Any:
    """A symmetric positive definite matrix, of an array or a tensor."""
    return s @ s.T + np.eye(3, dtype=s.dtype)


CALLS: dict[str, list[Callable[..., Any]]] = {
    # --- sums, means, extremes -----------------------------------------------------------------
    "sum": [
        lambda c: np.sum(c),
        lambda c: np.sum(c, 1),
        lambda c: np.sum(c, axis=(0, -1), keepdims=True),
        lambda m: np.sum(m, axis=0, out=None, keepdims=np._NoValue),
    ],
    "prod": [
        lambda m: np.prod(m),
        lambda m: np.prod(m, axis=1),
        lambda c: np.prod(c, axis=(0, 2)),
        lambda c: np.prod(c, axis=(0, 2), keepdims=True),
    ],
    "mean": [lambda c: np.mean(c), lambda c: np.mean(c, axis=(0, 1), keepdims=True)],
    "var": [
        lambda m: np.var(m),
        lambda m: np.var(m, axis=1, ddof=1, keepdims=True),
        lambda m: np.var(m, axis=0, correction=1),
    ],
    "std": [
        lambda m: np.std(m),
        lambda m: np.std(m, axis=1, ddof=1, keepdims=True),
        lambda m: np.std(m, axis=0, correction=1),
    ],
    "average": [
        lambda m: np.average(m),
        lambda m, p: np.average(m, weights=p),
        lambda m, p: np.average(m, axis=0, weights=p, keepdims=True),
        lambda m: np.average(m, axis=1, weights=[0.2, 0.3, 0.6]),
    ],
    "median": [
        lambda v: np.median(v),
        lambda m: np.median(m, axis=1),
        lambda c: np.median(c, axis=(0, 2), keepdims=True),
        lambda m: np.median(with_holes(m), axis=0),
    ],
    "quantile": [
        lambda v: np.quantile(v, 0.3),
        lambda c: np.quantile(c, [0.1, 0.5, 1.0], axis=(0, 2), keepdims=True),
        lambda m: np.quantile(m, [[0.2, 0.9]], axis=1),
        lambda m: np.quantile(with_holes(m), 0.4, axis=0),
        *(
            lambda v, method=method: np.quantile(v, [0.1, 0.25, 0.6, 0.8], method=method)
            for method in METHODS
        ),
    ],
    "percentile": [lambda m: np.percentile(m, [20, 80], axis=1), lambda m: np.percentile(m, 35)],
    "nanquantile": [
        lambda m: np.nanquantile(with_holes(m), [0.3, 0.8], axis=1),
        lambda c: np.nanquantile(c, 0.6, axis=(0, 1), method="median_unbiased", keepdims=True),
    ],
    "nanpercentile": [lambda m: np.nanpercentile(with_holes(m), 40, axis=1)],
    "nanmedian": [
        lambda m: np.nanmedian(with_holes(m)),
        lambda m: np.nanmedian(with_holes(m), axis=1),
    ],
    "cov": [
        lambda m: np.cov(m),
        lambda v, w: np.cov(v, w, bias=True),
        lambda m, n: np.cov(m, n, rowvar=False, ddof=0),
        lambda m: np.cov(m, fweights=[2, 1, 3], ddof=2),
        lambda m: np.cov(m, fweights=[2, 1, 3], aweights=[0.5, 1.0, 0.25]),
    ],
    "corrcoef": [
        lambda m: np.corrcoef(m),
        lambda m, n: np.corrcoef(m, n),
        lambda v: np.corrcoef(v),
    ],
    "unique": [
        lambda m: np.unique(m),
        lambda m: np.unique(m, axis=1),
        lambda m: np.unique(m, return_index=True, return_inverse=True, return_counts=True)[0],
    ],
    "unique_all": [lambda m: np.unique_all(m).values],
    "unique_counts": [lambda m: np.unique_counts(m).values],
    "unique_inverse": [lambda m: np.unique_inverse(m).values],
    "unique_values": [lambda m: np.sort(np.unique_values(m))],
    "max": [lambda c: np.max(c), lambda c: np.max(c, axis=(0, 2), keepdims=True)],
    "amax": [lambda m: np.amax(m, axis=1)],
    "min": [lambda c: np.min(c), lambda c: np.min(c, axis=1)],
    "amin": [lambda m: np.amin(m, axis=0, keepdims=True)],
    "ptp": [lambda m: np.ptp(m), lambda m: np.ptp(m, axis=1, keepdims=True)],
    "trapezoid": [
        lambda v: np.trapezoid(v, dx=0.5),
        lambda m: np.trapezoid(m, [0.0, 1.0, 3.0]),
        lambda m: np.trapezoid(m, [0.0, 2.0], axis=0),
        lambda m, p: np.trapezoid(m, p, axis=0),
    ],
    "bincount": [
        lambda v: np.bincount(np.array([1, 0, 3, 1]), weights=v),
        lambda v: np.bincount(np.array([1, 0, 3, 1]), v, minlength=6),
    ],
    "sort": [lambda c: np.sort(c), lambda c: np.sort(c, axis=1), lambda m: np.sort(m, axis=None)],
    "nansum": [lambda m: np.nansum(with_holes(m)), lambda m: np.nansum(with_holes(m), axis=0)],
    "nanprod": [lambda m: np.nanprod(with_holes(m), axis=1, keepdims=True)],
    "nanmean": [lambda m: np.nanmean(with_holes(m)), lambda m: np.nanmean(with_holes(m), axis=1)],
    "nanvar": [lambda m: np.nanvar(with_holes(m), axis=1), lambda m: np.nanvar(m, ddof=1)],
    "nanstd": [lambda m: np.nanstd(with_holes(m), axis=1, keepdims=True)],
    "nanmax": [lambda m: np.nanmax(with_holes(m)), lambda m: np.nanmax(with_holes(m), axis=1)],
    "nanmin": [lambda m: np.nanmin(with_holes(m), axis=0, keepdims=True)],
    "nancumsum": [lambda m: np.nancumsum(with_holes(m), axis=1)],
    "nancumprod": [lambda m: np.nancumprod(with_holes(m))],
    "cumsum": [lambda c: np.cumsum(c), lambda c: np.cumsum(c, axis=1), lambda x0: np.cumsum(x0)],
    "cumprod": [lambda m: np.cumprod(m), lambda m: np.cumprod(m, 1)],
    "diff": [
        lambda c: np.diff(c),
        lambda c: np.diff(c, n=2, axis=1),
        lambda m: np.diff(m, prepend=0.5),
        lambda m, s: np.diff(m, axis=0, append=s),
    ],
    "ediff1d": [lambda m: np.ediff1d(m), lambda v: np.ediff1d(v, to_begin=[1.0], to_end=2.0)],
    # --- elementwise ---------------------------------------------------------------------------
    "real": [lambda m: np.real(m)],
    "real_if_close": [lambda m: np.real_if_close(m)],
    "copy": [lambda m: np.copy(m)],
    "clip": [
        lambda m: np.clip(m, -1.0, 1.0),
        lambda m: np.clip(m, None, 1.0),
        lambda m: np.clip(m, -1.0, None),
        lambda m, u: np.clip(m, u, 0.9),
    ],
    "where": [
        lambda m, n: np.where(MASK, m, n),
        lambda m: np.where(m > 0, m, 0),
        lambda m, x0: np.where(MASK, m, x0),
    ],
    "select": [
        lambda m, n: np.select([MASK, HOLES], [m, n]),
        lambda m, n: np.select([m > 1, m > -1], [m, n], default=3.0),
    ],
    "full_like": [lambda m, x0: np.full_like(m, x0), lambda m: np.full_like(m, m[0], shape=(4, 3))],
    "round": [lambda m: np.round(m), lambda m: np.round(m, 1), lambda c: np.round(c, decimals=-1)],
    "around": [lambda m: np.around(m, 1)],
    "fix": [lambda m: np.fix(m)],
    "nan_to_num": [
        lambda m: np.nan_to_num(with_holes(m)),
        lambda m: np.nan_to_num(np.where(HOLES, np.inf, m), posinf=9.0),
        lambda m: np.nan_to_num(np.where(HOLES, -np.inf, m)),
    ],
    "sinc": [lambda m: np.sinc(m), lambda m: np.sinc(m * 0)],
    "i0": [lambda m: np.i0(m)],
    "unwrap": [lambda m: np.unwrap(m * 5), lambda m: np.unwrap(m, axis=0, period=2)],
    "polyval": [lambda v, m: np.polyval(v, m), lambda m: np.polyval([1.0, 0.0, -2.0], m)],
    "vander": [lambda v: np.vander(v), lambda v: np.vander(v, 3, increasing=True)],
    # --- shapes --------------------------------------------------------------------------------
    "reshape": [
        lambda c: np.reshape(c, (4, -1)),
        lambda c: np.reshape(c, 24, order="C"),
        lambda c: np.reshape(c, (4, -1), order="F"),
        lambda c: np.reshape(c, (4, 6), copy=True),
    ],
    "ravel": [lambda c: np.ravel(c), lambda c: np.ravel(c, order="F")],
    "squeeze": [lambda m: np.squeeze(m[None]), lambda m: np.squeeze(m[:, None, None], axis=1)],
    "expand_dims": [lambda m: np.expand_dims(m, 1), lambda m: np.expand_dims(m, (0, -1))],
    "atleast_1d": [lambda x0: np.atleast_1d(x0), lambda x0, v: np.atleast_1d(x0, v)],
    "atleast_2d": [lambda v: np.atleast_2d(v)],
    "atleast_3d": [lambda v, m: np.atleast_3d(v, m)],
    "broadcast_to": [lambda v: np.broadcast_to(v, (3, 4)), lambda x0: np.broadcast_to(x0, 3)],
    "meshgrid": [
        lambda v, m: np.meshgrid(v, m[0]),
        lambda v, w: np.meshgrid(v, w, indexing="ij", sparse=True),
        lambda v, w, m: np.meshgrid(v, w, m[0], indexing="xy"),
    ],
    "transpose": [lambda c: np.transpose(c), lambda c: np.transpose(c, (2, 0, -2))],
    "swapaxes": [lambda c: np.swapaxes(c, 0, -1)],
    "moveaxis": [lambda c: np.moveaxis(c, 0, -1), lambda c: np.moveaxis(c, [0, 1], [-1, 0])],
    "rollaxis": [lambda c: np.rollaxis(c, 2), lambda c: np.rollaxis(c, 0, 2)],
    # --- joining and splitting -----------------------------------------------------------------
    "concatenate": [
        lambda m, n: np.concatenate([m, n]),
        lambda m, s: np.concatenate((m, s), axis=0),
        lambda m, v: np.concatenate([m, v], axis=None),
        lambda m: np.concatenate([m, np.ones((2, 1), m.dtype)], -1),
        lambda c: np.concatenate(c),
    ],
    "stack": [lambda m, n: np.stack([m, n]), lambda m, n: np.stack([m, n], axis=-1)],
    "vstack": [lambda v, w: np.vstack([v, w]), lambda m, s: np.vstack((m, s))],
    "hstack": [lambda v, w: np.hstack([v, w]), lambda m, n: np.hstack([m, n])],
    "dstack": [lambda m, n: np.dstack([m, n])],
    "column_stack": [lambda v, w: np.column_stack([v, w]), lambda m, n: np.column_stack([m, n])],
    "append": [lambda m, v: np.append(m, v), lambda m, n: np.append(m, n, axis=1)],
    "block": [lambda m, s: np.block([[m], [s]]), lambda v, w: np.block([v, 0.5, w])],
    "insert": [
        lambda v: np.insert(v, 1, 9.0),
        lambda v, w: np.insert(v, [0, 0, 2, 4], w),
        lambda m, x0: np.insert(m, 2, x0, axis=1),
    ],
    "choose": [
        lambda v, w: np.choose([0, 1, 1, 0], [v, w]),
        lambda v, w: np.choose([0, 3, -1, 0], [v, w], mode="wrap"),
    ],
    "split": [lambda c: np.split(c, 2, axis=2), lambda c: np.split(c, [1, 3], axis=-1)],
    "array_split": [lambda c: np.array_split(c, 3, axis=2)],
    "hsplit": [lambda c: np.hsplit(c, 3), lambda v: np.hsplit(v, 2)],
    "vsplit": [lambda c: np.vsplit(c, 2)],
    "dsplit": [lambda c: np.dsplit(c, [1])],
    # --- moving elements -----------------------------------------------------------------------
    "flip": [lambda c: np.flip(c), lambda c: np.flip(c, 1), lambda c: np.flip(c, axis=(0, 2))],
    "fliplr": [lambda c: np.fliplr(c)],
    "flipud": [lambda c: np.flipud(c)],
    "roll": [
        lambda m: np.roll(m, 2),
        lambda m: np.roll(m, 1, axis=1),
        lambda c: np.roll(c, (1, -1), axis=(0, 2)),
    ],
    "fft.fftshift": [lambda c: np.fft.fftshift(c), lambda c: np.fft.fftshift(c, axes=1)],
    "fft.ifftshift": [lambda c: np.fft.ifftshift(c)],
    "rot90": [lambda m: np.rot90(m), lambda c: np.rot90(c, k=3, axes=(1, 2))],
    "tile": [lambda m: np.tile(m, 2), lambda m: np.tile(m, (2, 1, 3))],
    "repeat": [
        lambda m: np.repeat(m, 2),
        lambda m: np.repeat(m, [1, 0, 2], axis=1),
        lambda m: np.repeat(m, 2, axis=0),
    ],
    "resize": [lambda m: np.resize(m, (3, 4)), lambda m: np.resize(m, 2)],
    "delete": [
        lambda v: np.delete(v, [0, 2]),
        lambda m: np.delete(m, 1, axis=1),
        lambda v: np.delete(v, slice(1, 3)),
    ],
    "lib.stride_tricks.sliding_window_view": [
        lambda v: np.lib.stride_tricks.sliding_window_view(v, 2),
        lambda c: np.lib.stride_tricks.sliding_window_view(c, (2, 3), axis=(1, 2)),
    ],
    "pad": [
        lambda m: np.pad(m, 1),
        lambda m: np.pad(m, ((0, 1), (2, 0)), constant_values=3.0),
        lambda v: np.pad(v, (1, 2), "edge"),
        lambda m: np.pad(m, 1, mode="reflect"),
        lambda m: np.pad(m, 2, mode="symmetric"),
        lambda m: np.pad(m, 2, mode="wrap"),
        lambda m: np.pad(m, {-1: (1, 2)}),
        lambda m: np.pad(m, 2, mode="empty")[2:-2, 2:-2],
        lambda m: np.pad(m, ((1, 2), (0, 1)), constant_values=((1.0, 2.0), (3.0, 4.0))),
        lambda c: np.pad(c, ((1, 2), (0, 1), (2, 2)), "mean"),
        lambda c: np.pad(c, 1, "mean", stat_length=((1, 2), (2, 1), (3, 3))),
        lambda c: np.pad(c, ((1, 2), (0, 1), (2, 2)), "linear_ramp"),
        lambda m: np.pad(m, ((1, 2), (0, 3)), "linear_ramp", end_values=((1.0, 2.0), (3.0, 4.0))),
        lambda c: np.pad(c, ((1, 2), (0, 1), (2, 2)), "maximum"),
        lambda c: np.pad(c, 1, "minimum", stat_length=2),
        lambda m: np.pad(m, ((1, 0), (2, 5)), "reflect", reflect_type="odd"),
        lambda m: np.pad(m, ((1, 0), (2, 5)), "symmetric", reflect_type="odd"),
    ],
    "gradient": [
        lambda v: np.gradient(v),
        lambda c: np.gradient(c),
        lambda c: np.gradient(c, 0.5, axis=1),
        lambda c: np.gradient(c, 2.0, 0.5, 3.0),
        lambda v: np.gradient(v, edge_order=2),
        lambda c: np.gradient(c, 2.0, axis=(1, -1), edge_order=2),
        lambda v: np.gradient(v, np.array([0, 2, 3, 8])),
        lambda c: np.gradient(c, [0.0, 1.0, 1.5, 4.0], axis=-1, edge_order=2),
    ],
    "tril": [lambda s: np.tril(s), lambda c: np.tril(c, -1)],
    "triu": [lambda s: np.triu(s, k=1)],
    "diag": [lambda v: np.diag(v), lambda v: np.diag(v, -1), lambda s: np.diag(s, 1)],
    "diagflat": [lambda m: np.diagflat(m, 1)],
    "diagonal": [lambda s: np.diagonal(s), lambda c: np.diagonal(c, 1, 1, 2)],
    "trace": [lambda s: np.trace(s), lambda c: np.trace(c, offset=-1, axis1=1, axis2=2)],
    # --- picking -------------------------------------------------------------------------------
    "take": [
        lambda m: np.take(m, [0, 5, 5]),
        lambda m: np.take(m, np.array([[2, 0], [1, -1]]), axis=1),
        lambda m: np.take(m, 1, axis=0),
        lambda m: np.take(m, [0, 7, -9], mode="wrap"),
        lambda m: np.take(m, [0, 7, -9], axis=1, mode="clip"),
    ],
    "take_along_axis": [
        lambda m: np.take_along_axis(m, np.array([[2], [0]]), axis=1),
        lambda m: np.take_along_axis(m, np.array([[1, 0, 1]]), axis=0),
        lambda m: np.take_along_axis(m, np.array([[1, 1]]), axis=1),  # one row for both
        lambda m: np.take_along_axis(m, np.array([4, 4]), axis=None),
    ],
    "compress": [
        lambda m: np.compress([False, True, True], m, axis=1),
        lambda m: np.compress([True, False, False, True], m),
    ],
    "extract": [lambda m: np.extract(MASK, m)],
    # --- products and norms --------------------------------------------------------------------
    "dot": [
        lambda v, w: np.dot(v, w),
        lambda m, s: np.dot(m, s),
        lambda s, m: np.dot(s, m[0]),
        lambda m, c: np.dot(m, c),
        lambda m, x0: np.dot(m, x0),
        lambda m: np.dot(2.0, m),
        lambda v: np.dot([1.0, 2.0, 3.0, 4.0], v),
    ],
    "vdot": [lambda m, n: np.vdot(m, n)],
    "inner": [
        lambda v, w: np.inner(v, w),
        lambda m, s: np.inner(m, s),
        lambda c, v: np.inner(c, v),
        lambda m: np.inner(m, 3.0),
    ],
    "outer": [lambda v, m: np.outer(v, m)],
    "kron": [lambda m, s: np.kron(m, s), lambda v, m: np.kron(v, m)],
    "tensordot": [
        lambda m, n: np.tensordot(m, n),
        lambda c, v: np.tensordot(c, v, axes=1),
        lambda c, m: np.tensordot(c, m, axes=([0, 1], [0, 1])),
        lambda c, s: np.tensordot(c, s, axes=(1, 0)),
    ],
    "einsum": [
        lambda m, s: np.einsum("ij,jk->ik", m, s),
        lambda s: np.einsum("ii", s),
        lambda c, v: np.einsum("...i,i->...", c, v, optimize=True),
        lambda m, s: np.einsum(m, [0, 1], s, [1, 2], [2, 0]),
    ],
    "cross": [
        lambda m, n: np.cross(m, n),
        lambda m, s: np.cross(m[0], s),
        lambda s, m: np.cross(s, m[0], axisa=0, axisc=0),
    ],
    "convolve": [
        lambda v, m: np.convolve(v, m[0]),
        lambda v, m: np.convolve(m[0], v, mode="same"),
        lambda v, m: np.convolve(v, m[0], "valid"),
        lambda v, m: np.convolve(v, m[0, :2], "same"),
    ],
    "linalg.norm": [
        lambda m: np.linalg.norm(m),
        lambda v: np.linalg.norm(v, 3),
        lambda v: np.linalg.norm(v, np.inf),
        lambda v: np.linalg.norm(v, -np.inf, keepdims=True),
        lambda v: np.linalg.norm(v, 0),
        lambda c: np.linalg.norm(c, 1, axis=1, keepdims=True),
        lambda m: np.linalg.norm(m, "fro"),
        lambda m: np.linalg.norm(m, 1),
        lambda m: np.linalg.norm(m, -1),
        lambda c: np.linalg.norm(c, np.inf, axis=(0, 2)),
        lambda c: np.linalg.norm(c, -np.inf, axis=(0, 2), keepdims=True),
        lambda c: np.linalg.norm(c, axis=(2, 0)),
        lambda c: np.linalg.norm(c, 2, axis=(2, 0)),
        lambda m: np.linalg.norm(m, -2),
        lambda m: np.linalg.norm(m, "nuc", keepdims=True),
    ],
    "linalg.outer": [lambda v, w: np.linalg.outer(v, w)],
    "linalg.cross": [lambda m, n: np.linalg.cross(m, n)],
    "linalg.tensordot": [lambda m, n: np.linalg.tensordot(m, n, axes=2)],
    "linalg.matmul": [lambda m, s: np.linalg.matmul(m, s)],
    "linalg.vecdot": [
        lambda m, n: np.linalg.vecdot(m, n),
        lambda s: np.linalg.vecdot(s, s, axis=0),
    ],
    "linalg.vector_norm": [
        lambda c: np.linalg.vector_norm(c),
        lambda c: np.linalg.vector_norm(c, axis=(0, 1), ord=3, keepdims=True),
        lambda c: np.linalg.vector_norm(c, axis=1, ord=1),
    ],
    "linalg.matrix_norm": [
        lambda c: np.linalg.matrix_norm(c),
        lambda c: np.linalg.matrix_norm(c, ord=1),
        lambda c: np.linalg.matrix_norm(c, ord=2, keepdims=True),
        lambda c: np.linalg.matrix_norm(c, ord="nuc"),
    ],
    "linalg.matrix_transpose": [lambda c: np.linalg.matrix_transpose(c)],
    "linalg.matrix_power": [
        lambda s: np.linalg.matrix_power(s, 0),
        lambda s: np.linalg.matrix_power(s, 1),
        lambda s: np.linalg.matrix_power(s, 5),
        lambda s: np.linalg.matrix_power(s, -2),
    ],
    "linalg.multi_dot": [
        lambda m, s, n: np.linalg.multi_dot([m, s, n[0]]),
        lambda m, s, n: np.linalg.multi_dot([m[0], s, n.T, n, n[1]]),
        lambda m, s: np.linalg.multi_dot([m, s]),
    ],
    "linalg.cholesky": [
        lambda s: np.linalg.cholesky(_positive(s)),
        lambda s: np.linalg.cholesky(_positive(s), upper=True),
    ],
    "linalg.qr": [
        lambda c: np.linalg.qr(c),
        lambda m: np.linalg.qr(m.T),
        lambda m: np.linalg.qr(m, "r"),
        lambda m: np.linalg.qr(m, mode="complete"),
    ],
    "linalg.svd": [
        lambda m: np.linalg.svd(m, full_matrices=False),
        lambda c: np.linalg.svd(c, compute_uv=False),
        lambda s: np.linalg.svd(s),
        lambda m: np.linalg.svd(m).S,
    ],
    "linalg.svdvals": [lambda c: np.linalg.svdvals(c)],
    "linalg.eigh": [
        lambda s: np.linalg.eigh(s + s.T),
        lambda s: np.linalg.eigh(s + s.T, "U").eigenvectors,
    ],
    "linalg.eigvalsh": [
        lambda s: np.linalg.eigvalsh(s + s.T),
        lambda s: np.linalg.eigvalsh(s + s.T, UPLO="U"),
    ],
    "linalg.solve": [
        lambda s, m: np.linalg.solve(s, m.T),
        lambda s, m: np.linalg.solve(s, m[0]),
        lambda s, m: np.linalg.solve(np.stack([s, s.T]), m.T),
    ],
    "linalg.inv": [lambda s: np.linalg.inv(s), lambda s: np.linalg.inv(np.stack([s, s.T]))],
    "linalg.pinv": [
        lambda m: np.linalg.pinv(m),
        lambda c: np.linalg.pinv(c, 1e-9),
        lambda c: np.linalg.pinv(c, rtol=None),
        lambda s: np.linalg.pinv(s + s.T, hermitian=True),
    ],
    "linalg.lstsq": [
        lambda m, w: np.linalg.lstsq(m, w[:2])[0],
        lambda m, v: np.linalg.lstsq(m.T, v[:3])[:2],
        lambda m, s: np.linalg.lstsq(m.T, s, rcond=-1)[3],
    ],
    "linalg.tensorinv": [
        lambda c: np.linalg.tensorinv(c[:, :2].reshape(2, 2, 4)),
        lambda s: np.linalg.tensorinv(s.reshape(3, 3, 1), ind=1),
    ],
    "linalg.tensorsolve": [
        lambda c, m: np.linalg.tensorsolve(c[:, :2].reshape(2, 2, 4), m[:, :2]),
        lambda c, w: np.linalg.tensorsolve(c[:, :2].reshape(2, 4, 2), w, axes=(0, 2)),
    ],
    "linalg.det": [lambda s: np.linalg.det(s), lambda s: np.linalg.det(np.stack([s, s.T]))],
    "linalg.slogdet": [lambda s: np.linalg.slogdet(s)],
    "linalg.cond": [
        lambda s: np.linalg.cond(s),
        lambda s: np.linalg.cond(s, -2),
        lambda s: np.linalg.cond(s, "fro"),
        lambda s: np.linalg.cond(s, 1),
    ],
    "linalg.diagonal": [lambda c: np.linalg.diagonal(c), lambda c: np.linalg.diagonal(c, offset=1)],
    "linalg.trace": [lambda c: np.linalg.trace(c)],
    # --- curves --------------------------------------------------------------------------------
    "linspace": [
        lambda x0: np.linspace(x0, 2.0, 4),
        lambda m, n: np.linspace(m, n, 3, endpoint=False, axis=1),
        lambda x0: np.linspace(1.0, x0, num=3, retstep=True),
        lambda x0: np.linspace(x0, 2.0, 1),
    ],
    "logspace": [lambda x0: np.logspace(x0, 2.0, 4), lambda m: np.logspace(m, 1.0, 3, base=2.0)],
    "geomspace": [lambda p: np.geomspace(p, 4.0, 3), lambda x0: np.geomspace(x0, 0.1, 4, False)],
    "interp": [
        lambda v: np.interp([0.5, 1.0, 2.7, -1.0, 9.0], [0.0, 1.0, 2.0, 3.0], v),
        lambda m: np.interp(m, [-1.0, 0.25, 1.0], [2.0, 5.0, -1.0]),
        lambda m, x0: np.interp(m, [-1.0, 0.25, 1.0], [2.0, 5.0, -1.0], left=x0, right=7.0),
        lambda v: np.interp([0.5, 1.0, 2.0], [1.0], v[:1]),
        lambda v: np.interp(1.25, np.cumsum(np.exp(v)), [1.0, 3.0, 2.0, 5.0]),
    ],
    "polyadd": [lambda v, m: np.polyadd(v, m[0]), lambda m, v: np.polyadd(m[0], v)],
    "polysub": [lambda v, m: np.polysub(v, m[0]), lambda m: np.polysub([1.0, 2.0], m[0])],
    "polymul": [lambda v, m: np.polymul(v, m[0]), lambda v: np.polymul([0.0, 1.0, 2.0], v)],
    "polydiv": [lambda v, m: np.polydiv(v, m[0]), lambda m, v: np.polydiv(m[0], v)],
    "polyder": [lambda v: np.polyder(v), lambda v: np.polyder(v, 2)],
    "polyint": [lambda v: np.polyint(v), lambda v: np.polyint(v, 2, k=[1.0, 2.0])],
    "poly": [lambda v: np.poly(v)],
    "polyfit": [
        lambda v: np.polyfit([0.0, 1.0, 2.0, 4.0], v, 2),
        lambda v, w: np.polyfit(v, w, 1),
        lambda c: np.polyfit([0.0, 1.0, 3.0], c[0, :, :2], 1),
    ],
    "correlate": [
        lambda v, m: np.correlate(v, m[0]),
        lambda v, m: np.correlate(m[0], v, mode="same"),
        lambda v, m: np.correlate(m[0], v, "full"),
        lambda v, m: np.correlate(v, m[0, :2], "same"),
    ],
    "emath.sqrt": [lambda p: np.emath.sqrt(p)],
    "emath.log": [lambda p: np.emath.log(p)],
    "emath.log2": [lambda p: np.emath.log2(p)],
    "emath.log10": [lambda p: np.emath.log10(p)],
    "emath.logn": [lambda p: np.emath.logn(3.0, p), lambda p, q: np.emath.logn(q, p)],
    "emath.power": [lambda p, n: np.emath.power(p, n)],
    "emath.arcsin": [lambda u: np.emath.arcsin(u)],
    "emath.arccos": [lambda u: np.emath.arccos(u)],
    "emath.arctanh": [lambda u: np.emath.arctanh(u)],
    # --- choices by value, functions of parts --------------------------------------------------
    "union1d": [lambda v, m: np.union1d(v, m), lambda v: np.union1d(v, [1.0, 1.0])],
    "intersect1d": [lambda v, w: np.intersect1d(np.concatenate([v, w]), v)],
    "setdiff1d": [lambda m, v: np.setdiff1d(m, v), lambda m: np.setdiff1d(m, m[0])],
    "setxor1d": [lambda m, v: np.setxor1d(np.append(m, v), v)],
    "partition": [
        lambda v: np.partition(v, 2),
        lambda c: np.partition(c, (0, 2), axis=1),
        lambda m: np.partition(m, 3, None),
    ],
    "trim_zeros": [
        lambda v: np.trim_zeros(np.pad(v, 2)),
        lambda v: np.trim_zeros(np.pad(v, 2), "b"),
        lambda v: np.trim_zeros(v * 0),
    ],
    "piecewise": [
        lambda m: np.piecewise(m, [m < 0, m >= 1], [lambda x: x * x, np.exp]),
        lambda m: np.piecewise(m, [m < 0], [-1.0, lambda x, k: k * x], 3.0),
        lambda v: np.piecewise(v, v > 0, [np.sin, 0.0]),
    ],
    "apply_along_axis": [
        lambda m: np.apply_along_axis(np.sum, 0, m),
        lambda c: np.apply_along_axis(lambda r: r[:2] * r[-1], 1, c),
        lambda c: np.apply_along_axis(np.diag, -1, c),
    ],
    "apply_over_axes": [
        lambda c: np.apply_over_axes(np.sum, c, [0, 2]),
        lambda m: np.apply_over_axes(np.cumsum, m, 1),
    ],
}

# Functions that came after NumPy 2.0.
NEWER: dict[str, Callable[[], list[Callable[..., Any]]]] = {
    "matrix_transpose": lambda: [lambda c: np.matrix_transpose(c)],
    "astype": lambda: [lambda m: np.astype(m, m.dtype)],
    "unstack": lambda: [lambda c: np.unstack(c), lambda c: np.unstack(c, axis=-1)],
    "cumulative_sum": lambda: [
        lambda v: np.cumulative_sum(v),
        lambda c: np.cumulative_sum(c, axis=1, include_initial=True),
    ],
    "cumulative_prod": lambda: [
        lambda v: np.cumulative_prod(v, include_initial=True),
        lambda m: np.cumulative_prod(m, axis=1),
    ],
}
CALLS.update({name: make() for name, make in NEWER.items() if hasattr(np, name)})

# Aliases that NumPy has dropped, or will: only where this one has them.
DROPPED = {"fix", "row_stack", "trapz"}
if tuple(map(int, np.__version__.split(".")[:2])) >= (2, 5):
    del CALLS["fix"]  # it warns that it will go


def of_one(ufunc: np.ufunc) -> list[Callable[..., Any]]:
    """On the first tensor that lies in its domain: any numbers, positive, within or above 1."""
    with np.errstate(all="ignore"):
        name = next(name for name in "mpuq" if np.isfinite(ufunc(INPUTS[name])).all())
    return {
        "m": [lambda m: ufunc(m)],
        "p": [lambda p: ufunc(p)],
        "u": [lambda u: ufunc(u)],
        "q": [lambda q: ufunc(q)],
    }[name]


def of_two(ufunc: np.ufunc) -> list[Callable[..., Any]]:
    """Tensors with tensors of the same and of another shape, with numbers and lists."""
    return [
        lambda m, n: ufunc(m, n),
        lambda m: ufunc(m, 1.5),
        lambda m: ufunc([0.5, 1.5, 2.5], m),
        lambda m, x0: ufunc(x0, m),
    ]


UFUNC_CALLS: dict[str, list[Callable[..., Any]]] = {
    **{
        ufunc.__name__: of_one(ufunc) if ufunc.nin == 1 else of_two(ufunc)
        for ufunc in DIFFERENTIABLE
        if ufunc.signature is None  # not of whole matrices
    },
    "modf": [lambda m: np.modf(m)],
    "frexp": [lambda m: np.frexp(m)[0]],
    "power": [lambda p, n: np.power(p, n), lambda m: np.power(m, 2), lambda n: np.power(2.0, n)],
    "float_power": [lambda p, n: np.float_power(p, n)],
    "ldexp": [lambda m: np.ldexp(m, 3), lambda m: np.ldexp(m, np.array([1, -1, 2]))],
    "matmul": [
        lambda m, s: np.matmul(m, s),
        lambda m: np.matmul([[1.0, 2.0]], m),
        lambda s, c: np.matmul(s, c),
        lambda m, s: m @ s,
    ],
    "vecdot": [lambda m, n: np.vecdot(m, n), lambda c, v: np.vecdot(c, v)],
    "matvec": [lambda c, v: np.matvec(c, v)],
    "vecmat": [lambda v, s: np.vecmat(v[:3], s)],
}
UFUNC_CALLS = {name: calls for name, calls in UFUNC_CALLS.items() if hasattr(np, name)}
