"""Attention: for each query a mean of the values, weighted by how well their keys fit the query.

The scores are as many as queries times keys. They are made in blocks that fit the cache: of some
items of the batch, or of some rows of one item. A block of rows is finished by itself, since each
row of weights adds up to 1 by itself. So the value alone needs memory for one block, and where rows
see no later keys (`causal`), the blocks above the diagonal are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from dlframe.base import threads
from dlframe.ops.memory import empty_like
from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.reduction import sum
from dlframe.ops.sums import row_sums

__all__ = ["attention", "attention_weights"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

_BLOCK, _BLOCK_OF_THREADS = 1 << 16, 1 << 17  # scores that are made at once, as in `ops.blocks`
_HEIGHT = 16  # rows of a block, at least
_SHARED = 3 << 15  # scores that are worth a thread: they and their gradients take 0.8 ms
_KEPT = 1 << 22  # scores that are kept for the gradient; of more, it makes the blocks again
_SAFE = 30.0  # scores up to here need no shift: exp(30) is far from overflow

_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce

# With the scores S = s Q Kᵀ + M, the weights P = softmax(S), their noise N and Y = (P ∘ N) V:
#     dV = (P ∘ N)ᵀ G
#     dP = (G Vᵀ) ∘ N
#     dS = P ∘ (dP - Σⱼ dPⱼ Pⱼ)           (softmax)
#     dQ = s dS K,   dK = s dSᵀ Q,   dM = dS


@op(
    broadcasts=True,
    latex=r"\frac{e^{S_{ij}}}{\sum_k e^{S_{ik}}}, \quad S = s Q K^\top + M",
)
def attention_weights(query, key, mask=None, *, scale, causal=False):
    """softmax(scale · Q Kᵀ + mask) along the keys; 0 in rows where the mask is -inf everywhere."""
    lead = _lead(query, key, mask)
    shape = (*lead, query.shape[-2])
    turned, keys = _turned(key, scale), key.shape[-2]
    query, turned, mask = _stretched(shape, keys, (query, turned), (mask,))
    out, total = _exponentials(query, turned, mask, 0 if causal else None)
    out /= total
    return out


@attention_weights.vjp("query", latex="s D K")
def _(g, out, key, *, scale):
    return (_through_softmax(g, out) @ key) * scale


@attention_weights.vjp("key", latex=r"s D^\top Q")
def _(g, out, query, *, scale):
    return (_through_softmax(g, out).swapaxes(-1, -2) @ query) * scale


@attention_weights.vjp("mask", latex="D")
def _(g, out):
    return _through_softmax(g, out)


def _through_softmax(g, weights):
    """The gradient of the scores, from that of their softmax."""
    return weights * (g - sum(g * weights, axis=-1, keepdims=True))


@op(
    broadcasts=True,
    order="",
    latex=r"P V, \quad P = \mathrm{softmax}(s Q K^\top + M)",
)
def attention(query, key, value, mask=None, noise=None, *, scale, causal=False):
    """softmax(scale · Q Kᵀ + mask) V, the weights multiplied by `noise`.

    query is (*, L, E), key (*, S, E), value (*, S, V), the leading dimensions broadcast; mask and
    noise broadcast to (*, L, S). With `causal` row i sees the keys up to i. Rows that see none
    are 0. The result lies in memory like the query, if it is (N, heads, L, E), as in PyTorch.
    """
    return _attention(query, key, value, mask, noise, scale=scale, causal=causal, keep=False)[0]


@attention.fast_forward
def _attention(query, key, value, mask=None, noise=None, *, scale, causal=False, keep=True):
    shape = (*_lead(query, key, value, mask, noise), query.shape[-2])
    keys = key.shape[-2]
    out = _room(query, (*shape, value.shape[-1]), noise is None)
    matrices = (query, _turned(key, scale), value)
    query, turned, value, mask, noise = _stretched(shape, keys, matrices, (mask, noise))
    keep = keep and math.prod(shape) * keys <= _KEPT

    def of_items(some: slice) -> list[Any]:
        kept = []
        for block in _blocks(shape, keys, causal, some):
            e, total = _of_block(query, turned, mask, causal, block)
            if keep:
                kept.append((block, e, total))
            if noise is not None:
                e = e * noise[block.scores]
            np.divide(np.matmul(e, value[block.keys]), total, out=out[block.rows])
        return kept

    kept = _shared(of_items, shape, keys)
    return out, kept if keep else None


@attention.vjp("query", latex="s D K")
def _(g, query, key, value, mask, noise, *, scale, causal):
    return (_gradient_of_scores(g, query, key, value, mask, noise, scale, causal) @ key) * scale


@attention.vjp("key", latex=r"s D^\top Q")
def _(g, query, key, value, mask, noise, *, scale, causal):
    d = _gradient_of_scores(g, query, key, value, mask, noise, scale, causal)
    return (d.swapaxes(-1, -2) @ query) * scale


@attention.vjp("value", latex=r"P^\top G")
def _(g, query, key, mask, noise, *, scale, causal):
    weights = attention_weights(query, key, mask, scale=scale, causal=causal)
    return (weights if noise is None else weights * noise).swapaxes(-1, -2) @ g


@attention.vjp("mask", latex="D")
def _(g, query, key, value, mask, noise, *, scale, causal):
    return _gradient_of_scores(g, query, key, value, mask, noise, scale, causal)


def _gradient_of_scores(g, query, key, value, mask, noise, scale, causal):
    weights = attention_weights(query, key, mask, scale=scale, causal=causal)
    d = g @ value.swapaxes(-1, -2)
    return _through_softmax(d if noise is None else d * noise, weights)


@attention.fast_backward
def _(g, needs, query, key, value, mask, noise, out, residuals, *, scale, causal):
    shape, keys, width = out.shape[:-1], key.shape[-2], out.shape[-1]
    turned = _turned(key, scale) if residuals is None else None
    matrices = (query, key, value, turned, None if value is None else _turned_with_ones(value))
    query, key, value, turned, values, mask, noise = _stretched(
        shape, keys, matrices, (mask, noise)
    )
    dq = empty_like(query, g.dtype) if needs[0] else None
    dk = empty_like(key, g.dtype) if needs[1] else None
    dv = None
    if needs[2]:  # the value is not kept if only its own gradient is wanted
        like = np.empty((*shape[:-1], keys, width)) if value is None else value
        dv = empty_like(like, g.dtype)
    # whether one block has all that adds up to the gradient of a key
    alone = 0 < shape[-1] <= _sizes(shape, keys)[1] and not (causal and shape[-1] < keys)
    for total in () if alone else (dk, dv):
        if total is not None:
            total.fill(0)
    dm = np.zeros((*shape, keys), g.dtype) if needs[3] else None

    def of_block(block: _Block, e: Array, total: Array) -> None:
        # the weights are e / total; all that follows is linear in g, which has fewer numbers
        with_sums = np.empty((*e.shape[:-1], width + 1), e.dtype)
        gi = np.divide(g[block.rows], total, out=with_sums[..., :width])
        factor = None if noise is None else noise[block.scores]
        if dv is not None:
            weights = e if factor is None else e * factor
            _add_product(weights, gi, dv[block.keys], alone)
        if value is None:
            return
        sums = with_sums[..., width:]
        np.negative(np.vecdot(gi, out[block.rows])[..., None], out=sums)  # -Σⱼ dPⱼ Pⱼ = -Σ g y
        if factor is None:
            d = np.matmul(with_sums, values[block.turned])  # dP and the sums in one product
        else:
            d = np.matmul(gi, values[block.turned][..., :width, :])
            d *= factor
            d += sums
        d *= e
        if dm is not None:
            dm[block.scores] = d
        if dq is not None:
            np.matmul(d, key[block.keys], out=dq[block.rows])
        if dk is not None:
            _add_product(d, query[block.rows], dk[block.keys], alone)

    def of_items(some: slice) -> None:
        if residuals is not None:
            for block, e, total in residuals:
                if some.start <= block.item < some.stop:
                    of_block(block, e, total)
            return
        for block in _blocks(shape, keys, causal, some):
            of_block(block, *_of_block(query, turned, mask, causal, block))

    _shared(of_items, shape, keys)
    for total in (dq, dk):
        if total is not None:
            total *= scale
    return dq, dk, dv, dm, None


# --- blocks of scores --------------------------------------------------------------------------


class _Block(NamedTuple):
    """Indices into arrays with a row per query, a row or column per key, and a number per pair."""

    rows: tuple[Any, ...]
    keys: tuple[Any, ...]
    turned: tuple[Any, ...]
    scores: tuple[Any, ...]
    item: int  # the first
    first: int  # row


def _blocks(shape: tuple[int, ...], keys: int, causal: bool, some: slice) -> Iterator[_Block]:
    """The blocks of scores of shape (*, L) times `keys`: of whole items, or of rows of one.

    `some` are the items of the batch that are wanted.
    """
    *lead, rows = shape
    items, height = _sizes(shape, keys)
    every, count = slice(None), some.stop - some.start
    items = -(-count // max(1, -(-count // items))) or 1  # blocks of one size
    for i in range(some.start, some.stop, items):
        item = (slice(i, min(i + items, some.stop)), ...) if lead else ()
        for first in range(0, rows, height):
            end = min(first + height, rows)
            block, seen = slice(first, end), slice(min(end, keys) if causal else keys)
            rows_and_keys = (*item, block, every), (*item, seen, every)
            yield _Block(*rows_and_keys, (*item, every, seen), (*item, block, seen), i, first)


def _sizes(shape: tuple[int, ...], keys: int) -> tuple[int, int]:
    """How many items of the batch a block has, and how many rows: all, where items are several."""
    matrices, rows = math.prod(shape[1:-1]), shape[-1]
    size = _BLOCK if threads.number() == 1 else _BLOCK_OF_THREADS
    items = max(1, size // max(1, matrices * rows * keys))
    return items, max(_HEIGHT, size // max(1, matrices * keys))


def _shared(task: Callable[[slice], Any], shape: tuple[int, ...], keys: int) -> list[Any]:
    """Run `task` for all items of the batch, by several threads; what it returned, joined."""
    scores = math.prod(shape[1:]) * keys  # of an item
    parts = threads.shared(task, shape[0] if len(shape) > 1 else 1, -(-_SHARED // max(1, scores)))
    return [x for part in parts for x in part or ()]


def _of_block(query, turned, mask, causal, block):
    part = None if mask is None else mask[block.scores]
    start = block.first if causal else None
    return _exponentials(query[block.rows], turned[block.turned], part, start)


def _exponentials(query, turned, mask, first):
    """exp(scores), shifted by a number per row, and their sums along the keys, or 1 for a 0.

    `turned` is s Kᵀ; `first` is the number of the first row, if rows see no later keys.
    """
    e = _scores(query, turned, mask, first)
    # without a shift, if nothing can overflow and no row vanish: the largest of each row costs more
    if _maximum(e, axis=None, initial=0) <= _SAFE:
        np.exp(e, out=e)
        total = _sums(e)
        if _minimum(total, axis=None, initial=1) >= math.exp(-_SAFE):
            return e, total
        e = _scores(query, turned, mask, first)
    # the largest becomes 0: no overflow; the least float, so that -inf stays -inf
    e -= _maximum(e, axis=-1, keepdims=True, initial=np.finfo(e.dtype).min)
    np.exp(e, out=e)
    total = _sums(e)
    total[total == 0] = 1
    return e, total


def _scores(query, turned, mask, first):
    e = np.matmul(query, turned, order="C")
    if mask is not None:
        e += mask
    if first is not None and first < e.shape[-1]:
        e[..., first:] += _later(e.shape[-2], e.shape[-1] - first)
    return e


def _sums(e: Array) -> Array:
    """The sums along the keys."""
    *shape, keys = e.shape
    total: Array = row_sums(e.reshape(math.prod(shape), keys)).reshape(*shape, 1)
    return total


def _turned(key: Array, scale: float) -> Array:
    """S Kᵀ in the order of memory: BLAS takes twice as long for a matrix that it has to turn."""
    turned: Array = np.multiply(key.swapaxes(-1, -2), scale, order="C")
    return turned


def _turned_with_ones(value: Array) -> Array:
    """Vᵀ with a last row of ones, by which a product adds a number to each row of its result."""
    *lead, keys, width = value.shape
    turned = np.empty((*lead, width + 1, keys), value.dtype)
    turned[..., :width, :] = value.swapaxes(-1, -2)
    turned[..., width, :] = 1
    return turned


@lru_cache(maxsize=64)
def _later(rows: int, keys: int) -> Array:
    """-inf where the key comes after the row, else 0."""
    return np.triu(np.full((rows, keys), -np.inf, np.float32), 1)


# --- arrays ------------------------------------------------------------------------------------


def _lead(*arrays: Array | None) -> tuple[int, ...]:
    """The leading dimensions of the result."""
    return np.broadcast_shapes(*[x.shape[:-2] for x in arrays if x is not None])


def _stretched(shape: Any, keys: int, matrices: Any, pairs: Any) -> list[Any]:
    """`matrices` with all leading dimensions; `pairs` with a number for each query and key."""
    lead = shape[:-1]
    known = [x is None or x.shape[:-2] == lead for x in matrices]
    return [
        *(x if k else np.broadcast_to(x, (*lead, *x.shape[-2:])) for x, k in zip(matrices, known)),
        *(x if x is None else np.broadcast_to(x, (*shape, keys)) for x in pairs),
    ]


def _room(query: Array, shape: tuple[int, ...], alike: bool) -> Array:
    """Memory for the result; in the order of the query where PyTorch has it so."""
    if alike and query.ndim == 4 and query.shape == shape and query.strides[3] == query.itemsize:
        return empty_like(query, query.dtype)
    return np.empty(shape, query.dtype)


def _add_product(x: Array, y: Array, total: Array, first: bool) -> None:
    """Add xᵀ y to `total`, or write it there."""
    if first:
        np.matmul(x.swapaxes(-1, -2), y, out=total)
    else:
        total += x.swapaxes(-1, -2) @ y
