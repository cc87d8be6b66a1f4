"""Padding: elements added at the ends of dimensions."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops import extending
from dlframe.tensor.arguments import Shape, sizes

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__: list[str] = []  # PyTorch has it in nn.functional only


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Elements added (or, with negative numbers, cut off) at both ends of the last dimensions.

    Args:
        input: any shape.
        pad: (before, after) of the last dimension, then of the one before it, and so on.
        mode: "constant" (with `value`, by default 0), "reflect", "replicate" or "circular".
        value: of constant padding.

    >>> pad(dl.tensor([1, 2, 3]), (1, 2))
    tensor([0, 1, 2, 3, 0, 0])
    >>> pad(dl.tensor([1, 2, 3]), (1, 2), mode="reflect")
    tensor([2, 1, 2, 3, 2, 1])
    """
    amounts = sizes((pad,))
    if len(amounts) % 2 or len(amounts) > 2 * input.ndim:
        raise ShapeError(
            "pad: Padding length must be divisible by 2 and at most twice the number of "
            "dimensions of the input, got "
            f"{list(amounts)} for shape {list(input.shape)}"
        )
    pairs = [(amounts[i], amounts[i + 1]) for i in range(0, len(amounts), 2)]
    width = [(0, 0)] * (input.ndim - len(pairs)) + pairs[::-1]
    _check_sizes(input.shape, width)
    if mode == "constant":
        return ops.pad(input, pad_width=tuple(width), value=0 if value is None else value)
    if mode not in _PLACES:
        raise NotImplementedError(
            f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}"
        )
    if value:
        raise ArgumentError(
            f"pad: value is of constant padding; mode {mode!r} takes none, got {value}"
        )
    if not any(amounts):
        return ops.contiguous(input)
    for dim, (before, after) in enumerate(width):
        if before or after:
            pieces = _pieces(mode, input.shape[dim], before, after)
            input = ops.extend(input, axis=dim, pieces=pieces)
    return input


def _check_sizes(shape: Shape, width: list[tuple[int, int]]) -> None:
    for dim, (n, (before, after)) in enumerate(zip(shape, width, strict=True)):
        if n + before + after < 0:
            raise ShapeError(
                f"pad: The input size {n}, plus negative padding {before} and {after}, resulted in "
                "a negative output "
                f"size in dimension {dim}"
            )


def _reflected(n: int, before: int, after: int) -> Any:
    if max(before, after) >= n:
        raise ShapeError(
            "pad: Padding size should be less than the corresponding input dimension, but got: "
            "padding "
            f"({before}, {after}) at a dimension of size {n}"
        )
    places = np.abs(np.arange(-before, n + after))  # -1 is element 1
    return np.where(places < n, places, 2 * (n - 1) - places)


def _replicated(n: int, before: int, after: int) -> Any:
    if not n and before + after:
        raise ShapeError("pad: a dimension of size 0 has no edge to replicate")
    return np.arange(-before, n + after).clip(0, n - 1)


def _circular(n: int, before: int, after: int) -> Any:
    # what negative numbers cut off does not come back on the other side
    kept = np.arange(max(-before, 0), n + min(after, 0))
    if max(before, after) > len(kept):
        raise ShapeError(
            f"pad: Padding value causes wrapping around more than once: padding ({before}, "
            f"{after}) at a dimension of size {n}"
        )
    return kept[np.arange(-max(before, 0), len(kept) + max(after, 0)) % max(len(kept), 1)]


_PLACES = {"reflect": _reflected, "replicate": _replicated, "circular": _circular}


@functools.lru_cache(maxsize=256)
def _pieces(mode: str, n: int, before: int, after: int) -> extending.Pieces:
    return extending.pieces_of(_PLACES[mode](n, before, after))
