"""Interpolation: signals, images and volumes of another size."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn.functional.adaptive_pooling import adaptive_average
from dlframe.ops import resampling
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

# How each mode weighs, and the numbers of spatial dimensions that PyTorch has it for.
_MODES: dict[str, tuple[str, tuple[int, ...]]] = {
    "nearest": ("nearest", (1, 2, 3)),
    "nearest-exact": ("nearest-exact", (1, 2, 3)),
    "linear": ("linear", (1,)),
    "bilinear": ("linear", (2,)),
    "trilinear": ("linear", (3,)),
    "bicubic": ("cubic", (2,)),
    "lanczos": ("lanczos", (2,)),
    "area": ("area", (1, 2, 3)),
}
_FLAT = ("nearest", "nearest-exact", "area")  # modes without corners to align


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The input in another size, by weights of the old numbers that are near each new one.

    y[i] = Σⱼ w(p(i) - j) x[j] along each dimension, with p(i) = (i + ½) s - ½ and the step
    s = L / L', or p(i) = i (L - 1) / (L' - 1) with aligned corners. The weights w are 1 for the
    nearest number; 1 - |t| for both neighbours (linear); Keys' cubic with a = -¾ for four
    (bicubic); the mean of all that a new number covers (area).

    Args:
        input: (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: the new spatial size: one number for all dimensions, or one for each.
        scale_factor: instead of it, the factor, likewise; sizes are rounded down.
        mode: "nearest", "nearest-exact" and "area" for all inputs; "linear" for 3 dimensions,
            "bilinear", "bicubic" and "lanczos" for 4, "trilinear" for 5. "nearest" takes the number
            at ⌊i s⌋, "nearest-exact" that at ⌊(i + ½) s⌋.
        align_corners: keep the outermost numbers at the ends, rather than the edges of their
        pixels. recompute_scale_factor: take the step from the rounded sizes, not from
        `scale_factor`. antialias: when shrinking, stretch the weights over all old numbers, so that
        no number is
            passed over (bilinear, bicubic and lanczos).

    Returns:
        (N, C, …) in the new size.

    Raises:
        ShapeError: sizes that do not fit, or nothing to interpolate.
        ArgumentError: options that exclude each other.
        DTypeError: a mode that does not take inputs of this dtype or number of dimensions.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> x = dl.tensor([[[0.0, 4.0]]])
    >>> F.interpolate(x, 4)
    tensor([[[0., 0., 4., 4.]]])
    >>> F.interpolate(x, 4, mode="linear")
    tensor([[[0., 1., 3., 4.]]])
    >>> F.interpolate(x, scale_factor=2.5, mode="linear", align_corners=True)
    tensor([[[0., 1., 2., 3., 4.]]])
    """
    if mode in _FLAT and align_corners is not None:
        raise ArgumentError(
            "interpolate: align_corners option can only be set with the interpolating modes: "
            f"linear | bilinear | bicubic | trilinear; got mode={mode!r}"
        )
    nd = len(input.shape) - 2
    sizes, scales = _sizes(input, nd, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise ArgumentError(
            "interpolate: recompute_scale_factor is not meaningful with an explicit size."
        )
    if recompute_scale_factor or scales is None:
        scales = (None,) * nd
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and nd == 2):
        raise ArgumentError(
            "interpolate: Anti-alias option is restricted to bilinear, bicubic, and lanczos modes "
            f"and requires a 4-D tensor as input; got mode={mode!r} and input{list(input.shape)}"
        )
    kind = _checked_mode(mode, nd, input, align_corners, antialias)
    if min(sizes) < (kind != "area") or min(input.shape[1:]) < 1:
        raise ShapeError(
            "interpolate: Input and output sizes should be greater than 0, and only the batch may "
            f"be empty; got input{list(input.shape)} and output {list(sizes)}"
        )
    if kind == "area":
        return adaptive_average("interpolate", nd, input, sizes)
    matrices = _matrices(input, kind, sizes, scales, bool(align_corners), antialias)
    if input.dtype == np.uint8:
        return _resampled_bytes(to_array(input), matrices)
    out: Any = input
    for axis, matrix in matrices.items():
        out = ops.weigh(out, matrix=matrix, axis=axis)
    return input.clone() if out is input else out


def _sizes(x: Any, nd: int, size: Any, scale_factor: Any) -> tuple[tuple[int, ...], Any]:
    """The new size, and the factors if they were given."""
    if size is not None and scale_factor is not None:
        raise ArgumentError("interpolate: only one of size or scale_factor should be defined")
    given, name = (scale_factor, "scale_factor") if size is None else (size, "size")
    if given is None:
        raise ArgumentError("interpolate: either size or scale_factor should be defined")
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * nd
    if len(values) != nd:
        raise ShapeError(
            "interpolate: Input and output must have the same number of spatial dimensions, got "
            f"{list(x.shape[2:])} and {name} {values}; inputs are (N, C, d1, d2, …)"
        )
    if size is None:
        factors = tuple(float(s) for s in values)
        return tuple(int(n * s) for n, s in zip(x.shape[2:], factors, strict=True)), factors
    if not all(_is_integer(n) for n in values):
        raise DTypeError(
            "interpolate: expected size to be one of int or Tuple[int], got "
            f"{[type(n).__name__ for n in values]}"
        )
    return tuple(int(n) for n in values), None


def _is_integer(n: Any) -> bool:
    return isinstance(n, (int, np.integer)) or (isinstance(n, Tensor) and n.dtype.kind in "iu")


def _checked_mode(mode: str, nd: int, x: Any, align_corners: bool | None, antialias: bool) -> str:
    kind, dimensions = _MODES.get(mode, ("", ()))
    if nd not in dimensions:
        needs = " or ".join(f"{n + 2}D" for n in dimensions)
        raise DTypeError(
            f"interpolate: Got {nd + 2}D input, but {mode} mode needs {needs} input"
            if dimensions and nd in (1, 2, 3)
            else "interpolate: Input Error: Only 3D, 4D and 5D input Tensors supported, got "
            f"{nd + 2}D, for the modes {' | '.join(_MODES)}, got {mode}"
        )
    if mode == "lanczos" and (align_corners or not antialias):
        raise ArgumentError(
            "interpolate: Lanczos mode requires antialias=True and does not support "
            "align_corners=True"
        )
    if x.dtype.kind != "f" and not (x.dtype == np.uint8 and (nd == 2 or kind[:7] == "nearest")):
        raise DTypeError(f"interpolate: {mode} is not implemented for {x.dtype}; use .float()")
    return kind


def _matrices(
    x: Any,
    kind: str,
    sizes: Sequence[int],
    scales: Sequence[float | None],
    align_corners: bool,
    antialias: bool,
) -> dict[int, resampling.Band]:
    """The weights for each axis that changes; those that shrink come first."""
    dtype = np.float64 if x.dtype in (np.float64, np.uint8) else np.float32
    axes = range(2, 2 + len(sizes))
    old_new = {d: (x.shape[d], out) for d, out in zip(axes, sizes, strict=True)}
    found = {}
    for d, (n, out) in sorted(old_new.items(), key=lambda item: item[1][1] / item[1][0]):
        if kind == "linear" and n == out:
            continue  # whatever the factor was
        matrix = resampling.interpolation(
            kind,
            n,
            out,
            scale=scales[d - 2],
            align_corners=align_corners,
            antialias=antialias,
            dtype=dtype,
        )
        if not matrix.is_identity:
            found[d] = matrix
    return found


def _resampled_bytes(x: Array, matrices: dict[int, resampling.Band]) -> Tensor:
    """Pixels of 8 bits, from the last axis to the first, each rounded to whole numbers.

    PyTorch takes weights of 16 bits for it, as Pillow does.
    """
    y = x.astype(np.float64)
    for axis in sorted(matrices, reverse=True):
        y = np.floor(ops.weigh(y, matrix=matrices[axis].in_fixed_point(), axis=axis) + 0.5)
        y = y.clip(0, 255)
    return Tensor(y.astype(np.uint8))


# --- former names ------------------------------------------------------------------------------


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """`interpolate`, with the warning that PyTorch gives for this former name.

    >>> import warnings
    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> with warnings.catch_warnings(action="ignore"):
    ...     F.upsample(dl.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "nearest", with the warning that PyTorch gives for this former name.

    >>> import warnings
    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> with warnings.catch_warnings(action="ignore"):
    ...     F.upsample_nearest(dl.tensor([[[1.0, 2.0]]]), 3)
    tensor([[[1., 1., 2.]]])
    """
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners, with PyTorch's warning.

    >>> import warnings
    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> with warnings.catch_warnings(action="ignore"):
    ...     F.upsample_bilinear(dl.tensor([[[[1.0, 2.0]]]]), (1, 3))
    tensor([[[[1.0000, 1.5000, 2.0000]]]])
    """
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=3,
    )
