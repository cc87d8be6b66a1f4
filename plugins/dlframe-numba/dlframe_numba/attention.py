"""Attention without masks: all products of one item, while its matrices are in the cache.

For each item of the batch and each head, and for some rows of queries at a time::

    P = softmax(s Q Kᵀ),   Y = P V
    dV = Pᵀ G,   D = P ∘ (G Vᵀ - Σⱼ (G Vᵀ)ⱼ Pⱼ),   dQ = s D K,   dK = s Dᵀ Q

The products are BLAS's (`dlframe_numba.products`). Where rows see no later keys, the keys after the
last of some rows are left out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dlframe.base import blas, threads
from dlframe.kernels import Kernel
from dlframe.ops.attention import _KEPT, _Block, _room
from dlframe.ops.memory import empty_like

from dlframe_numba.building import aligned
from dlframe_numba.compiling import loop
from dlframe_numba.mathematics import F, exp
from dlframe_numba.products import gemm, number_at
from dlframe_numba.sharing import in_parts

__all__ = ["attention"]

_BLOCK = 1 << 15  # scores that are made at once, and stay in the cache
_HEIGHT = 32  # rows of a block where keys are left out
_LOWEST = F(np.finfo(np.float32).min)

# --- loops -------------------------------------------------------------------------------------


@loop
def _weights(p, at, wide, rows, seen, first, causal):
    """Softmax of each row, in place; what a row does not see becomes 0.

    Returns whether all scores are finite.
    """
    every = F(0)
    for r in range(rows):
        scores = p[at + r * wide : at + r * wide + seen]
        for j in range(len(scores)):
            every += scores[j] * F(0)
        end = min(seen, first + r + 1) if causal else seen
        row = p[at + r * wide : at + r * wide + end]
        top = _LOWEST  # not -inf, so that a row of -inf becomes 0
        for j in range(len(row)):
            top = row[j] if row[j] > top else top
        total = F(0)
        for j in range(len(row)):
            value = exp(row[j] - top)
            row[j] = value
            total += value
        factor = F(1) if total == F(0) else F(1) / total
        for j in range(len(row)):
            row[j] *= factor
        p[at + r * wide + end : at + (r + 1) * wide] = F(0)
    return every == F(0)


@loop
def _slopes(d, at, p, at_p, wide, rows, seen):
    """From the gradient of the weights P that of the scores, in place; whether it is finite."""
    every = F(0)
    for r in range(rows):
        row = d[at + r * wide : at + r * wide + seen]
        weights = p[at_p + r * wide : at_p + r * wide + seen]
        total = F(0)
        for j in range(len(row)):
            total += row[j] * weights[j]
        for j in range(len(row)):
            row[j] = weights[j] * (row[j] - total)
        every += total * F(0)
    return every == F(0)


@loop
def _is_finite(x, at, wide, rows, columns):
    """Whether all numbers of a matrix at the address x are."""
    every = F(0)
    for r in range(rows):
        start = at + r * wide
        for j in range(columns):
            every += number_at(x, start + j) * F(0)
    return every == F(0)


@in_parts
def _values(
    first, last, number, q, k, v, out, p, steps, heads, lengths, height, scale, causal, keep, size,
    faults,
):  # fmt: skip
    """Items from `first` to `last`; P stays in `p`, or a thread has a place there for some rows."""
    rows, keys, width, width_v = lengths[0], lengths[1], lengths[2], lengths[3]
    for item in range(first, last):
        b, h = item // heads, item % heads
        at_k = b * steps[1, 0] + h * steps[1, 1]
        at_v = b * steps[2, 0] + h * steps[2, 1]
        for start in range(0, rows, height):
            n = min(height, rows - start)
            seen = min(keys, start + n) if causal else keys
            at = (item * rows + start) * keys if keep else number * size
            at_q = b * steps[0, 0] + h * steps[0, 1] + start * steps[0, 2]
            gemm(
                p, at, keys, q, at_q, steps[0, 2], False, k, at_k, steps[1, 2], True,
                n, seen, width, scale, F(0),
            )  # fmt: skip
            known = _weights(p, at, keys, n, seen, start, causal)
            at_out = b * steps[3, 0] + h * steps[3, 1] + start * steps[3, 2]
            gemm(
                out, at_out, steps[3, 2], p, at, keys, False, v, at_v, steps[2, 2], False,
                n, width_v, seen, F(1), F(0),
            )  # fmt: skip
            if not (known and _is_finite(out, at_out, steps[3, 2], n, width_v)):
                faults[number] = 1


@in_parts
def _gradients(
    first, last, number, q, k, v, g, dq, dk, dv, p, d, steps, heads, lengths, height, scale, causal,
    size, faults,
):  # fmt: skip
    rows, keys, width, width_v = lengths[0], lengths[1], lengths[2], lengths[3]
    at = number * size
    for item in range(first, last):
        b, h = item // heads, item % heads
        begins = np.empty(7, np.int64)
        for i in range(7):
            begins[i] = b * steps[i, 0] + h * steps[i, 1]
        blocks = (rows + height - 1) // height
        for block in range(blocks - 1, -1, -1):  # the last one sees the most keys
            start = block * height
            n = min(height, rows - start)
            seen = min(keys, start + n) if causal else keys
            at_p = (item * rows + start) * keys
            at_q, at_g = begins[0] + start * steps[0, 2], begins[3] + start * steps[3, 2]
            beta = F(0) if block == blocks - 1 else F(1)
            gemm(
                dv, begins[6], steps[6, 2], p, at_p, keys, True, g, at_g, steps[3, 2], False,
                seen, width_v, n, F(1), beta,
            )  # fmt: skip
            gemm(
                d, at, keys, g, at_g, steps[3, 2], False, v, begins[2], steps[2, 2], True,
                n, seen, width_v, F(1), F(0),
            )  # fmt: skip
            if not _slopes(d, at, p, at_p, keys, n, seen):
                faults[number] = 1
            gemm(
                dq, begins[4] + start * steps[4, 2], steps[4, 2], d, at, keys, False,
                k, begins[1], steps[1, 2], False, n, width, seen, scale, F(0),
            )  # fmt: skip
            gemm(
                dk, begins[5], steps[5, 2], d, at, keys, True, q, at_q, steps[0, 2], False,
                seen, width, n, scale, beta,
            )  # fmt: skip


# --- the operation -----------------------------------------------------------------------------


class _Whole(_Block):
    """The block of all scores; its weights add up to 1."""


def _known(*arrays: Any) -> bool:
    lead = arrays[0].shape[:-2]
    return all(
        x.dtype == np.float32
        and x.ndim in (3, 4)
        and x.shape[:-2] == lead
        and x.strides[-1] == 4
        and x.strides[-2] >= 4 * x.shape[-1]
        and x.size > 0
        for x in arrays
    )


def _steps(*arrays: Any) -> Any:
    """How many numbers it is from an item, a head and a row to the next, for each array."""
    return np.array([((0,) * (4 - x.ndim) + x.strides)[:3] for x in arrays], np.int64) // 4


def _address(x: Any) -> int:
    return int(x.__array_interface__["data"][0])


def _height(rows: int, keys: int, causal: bool) -> int:
    height = max(1, min(rows, _BLOCK // keys))
    return min(height, _HEIGHT) if causal else height


def _attended(
    query: Any, key: Any, value: Any, mask: Any = None, noise: Any = None, *, scale: float,
    causal: bool = False, keep: bool = True,
) -> Any:  # fmt: skip
    if mask is not None or noise is not None or not _known(query, key, value):
        return NotImplemented
    *lead, rows, width = query.shape
    keys, width_v = value.shape[-2:]
    if key.shape[-2:] != (keys, width):
        return NotImplemented
    shape, items = (*lead, rows), math.prod(lead)
    out = _room(query, (*shape, width_v), True)
    if out.strides[-1] != 4:
        return NotImplemented
    keep = keep and items * rows * keys <= _KEPT
    height = _height(rows, keys, causal)
    size = -(-height * keys // 16) * 16
    faults = np.zeros(threads.number(), np.int64)
    p = (
        np.empty(items * rows * keys, np.float32)
        if keep
        else aligned(size * threads.number(), np.float32)
    )
    with blas.alone():
        _values(
            items, rows * keys * (width + width_v + 16) / 16, *map(_address, (query, key, value)),
            _address(out), p, _steps(query, key, value, out), lead[-1],
            np.array([rows, keys, width, width_v]), height, np.float32(scale), bool(causal),
            bool(keep), size, faults,
        )  # fmt: skip
    if faults.any():  # the definition says where there is nan, and where infinity
        return NotImplemented
    if not keep:
        return out, None
    every = slice(None)
    block = _Whole((..., every, every), (..., every, every), (..., every, every), (...,), 0, 0)
    total = np.ones((*lead, rows, 1), np.float32)
    return out, [(block, p.reshape(*lead, rows, keys), total)]


def _value(query: Any, key: Any, value: Any, mask: Any = None, noise: Any = None, **options: Any):
    found = _attended(query, key, value, mask, noise, keep=False, **options)
    return found if found is NotImplemented else found[0]


def _attended_back(
    g: Any, needs: Any, query: Any, key: Any, value: Any, mask: Any, noise: Any, residuals: Any, *,
    scale: float, causal: bool,
) -> Any:  # fmt: skip
    if not residuals or type(residuals[0][0]) is not _Whole or not all(needs[:3]):
        return NotImplemented
    if not _known(g, query, key, value):
        return NotImplemented
    _, p, _ = residuals[0]
    *lead, rows, keys = p.shape
    width, width_v = query.shape[-1], value.shape[-1]
    dq, dk, dv = (empty_like(x, np.float32) for x in (query, key, value))
    if not _known(dq, dk, dv):
        return NotImplemented
    if causal and keys > rows:  # which nobody sees
        dk[..., rows:, :] = 0
        dv[..., rows:, :] = 0
    height = _height(rows, keys, causal)
    size = -(-height * keys // 16) * 16
    faults = np.zeros(threads.number(), np.int64)
    d, items = aligned(size * threads.number(), np.float32), math.prod(lead)
    with blas.alone():
        _gradients(
            items, rows * keys * (3 * width + 2 * width_v + 16) / 16,
            *map(_address, (query, key, value, g, dq, dk, dv)), p.reshape(-1), d,
            _steps(query, key, value, g, dq, dk, dv), lead[-1],
            np.array([rows, keys, width, width_v]), height, np.float32(scale), bool(causal), size,
            faults,
        )  # fmt: skip
    if faults.any():
        return NotImplemented
    return dq, dk, dv, None, None


attention = Kernel(
    forward=_value, fast_forward=_attended, fast_backward=_attended_back, smallest=2048
)
