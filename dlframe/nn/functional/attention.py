"""Attention by scaled dot products."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.dtypes import float16, float32
from dlframe.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from dlframe.nn.functional.checks import same_dtype
from dlframe.nn.functional.dropout import dropout
from dlframe.tensor import Tensor
from dlframe.tensor.functions import repeat_interleave

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale · Q Kᵀ + mask) V: for each query a mean of the values whose keys fit it.

    Vaswani et al. (2017), "Attention is all you need". One operation, which makes the scores in
    blocks; more than four million of them are not kept for the gradient, but made again.

    Args:
        query: (*, L, E).
        key: (*, S, E); the leading dimensions broadcast.
        value: (*, S, V).
        attn_mask: broadcasts to (*, L, S). Of bools, True where a query may see a key (in
            `MultiheadAttention` it is the other way round); floats are added to the scores. A query
            that sees no key has the result 0.
        dropout_p: the probability with which a weight is dropped, whenever it is above 0: pass 0 in
            evaluation.
        is_causal: query i sees the keys up to i.
        scale: by default 1 / √E.
        enable_gqa: keys and values have fewer heads (dimension -3), each for a group of queries'.

    Returns:
        (*, L, V).

    Raises:
        ShapeError: sizes that do not fit together.
        DTypeError: dtypes that differ, or are no floats.
        ArgumentError: a mask and `is_causal`, or a probability outside of 0 … 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> query, key = dl.tensor([[9.0, 0.0], [0.0, 0.0]]), dl.tensor([[9.0, 0.0], [0.0, 9.0]])
    >>> F.scaled_dot_product_attention(query, key, dl.tensor([[1.0], [3.0]]))
    tensor([[1.],
            [2.]])
    """
    lead = _checked_shapes(query, key, value, enable_gqa)
    _check_dtypes(query, key, value, attn_mask)
    if attn_mask is not None and is_causal:
        raise ArgumentError(
            "scaled_dot_product_attention: Explicit attn_mask should not be set when "
            "is_causal=True; combine both in the mask, such as attn_mask.tril()"
        )
    if not dropout_p <= 1:
        raise ArgumentError(
            f"scaled_dot_product_attention: dropout probability has to be between 0 and 1, but got "
            f"{dropout_p}"
        )
    rows, keys, width = query.shape[-2], key.shape[-2], query.shape[-1]
    if attn_mask is not None:
        _check_mask(attn_mask, (*lead, rows, keys))
    if scale is None:
        scale = 1 / math.sqrt(width) if width else 1.0
    dtype = query.dtype
    if dtype == float16:  # the scores are computed in float32, as in PyTorch
        query, key, value = query.float(), key.float(), value.float()
    mask = None if attn_mask is None else _added(attn_mask, query.dtype)
    noise = None
    if dropout_p > 0:
        noise = dropout(Tensor(np.ones((*lead, rows, keys), query.dtype)), dropout_p)
    groups = 1
    if enable_gqa:
        groups = query.shape[-3] // key.shape[-3]
        if value.shape[-3] != key.shape[-3]:
            value = repeat_interleave(value, query.shape[-3] // value.shape[-3], -3)
            key, groups = repeat_interleave(key, groups, -3), 1
    if groups > 1:  # keys and values broadcast over the heads of their group
        query, mask, noise = (_grouped(x, groups) for x in (query, mask, noise))
        key, value = key.unsqueeze(-3), value.unsqueeze(-3)
    out: Tensor = ops.attention(
        query, key, value, mask, noise, scale=float(scale), causal=bool(is_causal)
    )
    if groups > 1:
        out = out.flatten(-4, -3)
    return out.to(dtype) if dtype == float16 else out


def _grouped(x: Any, groups: int) -> Any:
    """(*, heads, L, E) as (*, heads / groups, groups, L, E), if there are several heads."""
    if x is None or x.ndim < 3:
        return x
    return x.unsqueeze(-3) if x.shape[-3] == 1 else x.unflatten(-3, (-1, groups))


def _checked_shapes(query: Any, key: Any, value: Any, grouped: bool) -> tuple[int, ...]:
    """The leading dimensions of the scores."""
    shapes = f"query{list(query.shape)}, key{list(key.shape)}, value{list(value.shape)}"
    name = "scaled_dot_product_attention"
    if min(query.ndim, key.ndim, value.ndim) < 2 + grouped:
        raise (DimensionError if grouped else ShapeError)(
            f"{name}: Expected query, key, and value to all be at least {2 + grouped} dimensional: "
            f"{'(*, heads, L, E)' if grouped else '(*, L, E)'}; got {shapes}"
        )
    if query.shape[-1] != key.shape[-1]:
        raise ShapeError(
            f"{name}: queries have {query.shape[-1]} features and keys {key.shape[-1]}, which have "
            f"no dot product; got {shapes}"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            f"{name}: there are {key.shape[-2]} keys but {value.shape[-2]} values, and each key "
            f"needs one; got {shapes}"
        )
    leads = [tuple(x.shape[:-2]) for x in (query, key, value)]
    if grouped:
        heads = [lead[-1] for lead in leads]
        if any(n == 0 or heads[0] % n for n in heads[1:]):
            raise ShapeError(
                f"{name}: Number of heads in key and value must divide the number of heads in "
                f"query; got {shapes}"
            )
        leads = [(*lead[:-1], heads[0]) for lead in leads]
    try:
        return np.broadcast_shapes(*leads)
    except ValueError:
        advice = "" if grouped else "; keys with fewer heads than queries need enable_gqa=True"
        raise ShapeError(
            f"{name}: the leading dimensions cannot be broadcast together; got {shapes}{advice}"
        ) from None


def _check_dtypes(query: Any, key: Any, value: Any, mask: Any) -> None:
    name = "scaled_dot_product_attention"
    same_dtype(name, query=query, key=key, value=value)
    if query.dtype.kind != "f":
        raise DTypeError(f"{name}: expected floats, got {query.dtype}; convert with .float()")
    if mask is not None and mask.dtype.kind != "b" and mask.dtype not in (query.dtype, float32):
        raise DTypeError(
            f"{name}: Expected attn_mask dtype to be bool or float or to match query dtype, but "
            f"got attn_mask.dtype: {mask.dtype} and query.dtype: {query.dtype}"
        )


def _check_mask(mask: Any, scores: tuple[int, ...]) -> None:
    try:
        fits = mask.ndim > 1 and np.broadcast_shapes(mask.shape, scores) == scores
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"scaled_dot_product_attention: attn_mask{list(mask.shape)} does not broadcast to the "
            f"scores{list(scores)}, (*, queries, keys). A mask of keys for each example, (N, S), "
            "needs two dimensions more: mask[:, None, None, :]"
        )


def _added(mask: Any, dtype: Any) -> Any:
    """The mask as floats to add: 0 where it is True, else -inf; floats as they are."""
    if mask.dtype.kind == "b":
        return ops.where(mask, dtype.type(0), dtype.type(-np.inf))
    return mask if mask.dtype == dtype else mask.to(dtype)


def hiding_mask(mask: Any, name: str, dtype: Any, other: Any = None, other_name: str = "") -> Any:
    """The mask as floats to add: -inf where it is True, else 0; floats as they are."""
    if mask is None:
        return None
    if mask.dtype.kind not in "bf":
        raise DTypeError(
            f"only bool and floating types of {name} are supported, got {mask.dtype}; "
            "convert with .bool()"
        )
    if other is not None and mask.dtype != other.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both "
            "instead.",
            stacklevel=3,
        )
    if mask.dtype.kind == "f":
        return mask
    return ops.where(mask, dtype.type(-np.inf), dtype.type(0))
