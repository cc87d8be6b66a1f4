"""Attention with several heads: what `nn.MultiheadAttention` computes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.functional.attention import hiding_mask, scaled_dot_product_attention
from dlframe.nn.functional.dropout import dropout
from dlframe.nn.functional.linear import linear
from dlframe.tensor import Tensor
from dlframe.tensor.functions import cat, chunk, softmax, split
from dlframe.tensor.functions.padding import pad

__all__ = ["multi_head_attention_forward"]


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What `nn.MultiheadAttention` computes, given all its parameters.

    Args:
        query: (L, N, E) or (L, E).
        key: (S, N, E), or with weights of its own as many features as these take.
        value: likewise.
        embed_dim_to_check: E.
        num_heads: a divisor of E.
        in_proj_weight: (3 E, E), the weights of query, key and value one below the other.
        in_proj_bias: (3 E) or None.
        bias_k: (1, 1, E), one more key for every sequence; or None.
        bias_v: its value.
        add_zero_attn: whether to add a key and a value of zeros.
        dropout_p: the probability with which a weight is dropped in training.
        out_proj_weight: (E, E), of the projection of all heads' results, side by side.
        out_proj_bias: (E) or None.
        training: whether to drop weights.
        key_padding_mask: (N, S) or (S): True hides a key; floats are added to its scores.
        need_weights: whether to return the weights too, which takes longer.
        attn_mask: (L, S) or (N · num_heads, L, S): likewise for each query and key.
        use_separate_proj_weight: use the three weights that follow.
        q_proj_weight: (E, E).
        k_proj_weight: (E, features of key).
        v_proj_weight: (E, features of value).
        static_k: (N · num_heads, S, E / num_heads), used in place of the projected key.
        static_v: likewise for the value.
        average_attn_weights: whether to return the mean of the heads' weights.
        is_causal: says that `attn_mask`, which must be given, is the causal one, so that it need
            not be read.

    Returns:
        (L, N, E) or (L, E), and the weights (N, L, S) or, of each head, (N, num_heads, L, S),
        without N for unbatched inputs; None in their place without `need_weights`.

    >>> layer, x = nn.MultiheadAttention(4, 2), dl.randn(3, 1, 4)
    >>> parts = layer.in_proj_weight, layer.in_proj_bias, None, None, False, 0.0
    >>> out, weights = nn.functional.multi_head_attention_forward(
    ...     x, x, x, 4, 2, *parts, layer.out_proj.weight, layer.out_proj.bias
    ... )
    >>> out.shape, weights.shape, dl.equal(out, layer(x, x, x)[0])
    ((3, 1, 4), (1, 3, 3), True)
    """
    is_batched = _check_heads(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not is_batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, n, embed_dim = query.shape
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    padding = hiding_mask(key_padding_mask, "key_padding_mask", query.dtype, attn_mask, "attn_mask")
    if is_causal and attn_mask is None:
        raise ArgumentError(
            "Need attn_mask if specifying the is_causal hint. "
            "nn.Transformer.generate_square_subsequent_mask(L) makes it."
        )
    if is_causal and padding is None and not need_weights:
        mask = None
    else:
        is_causal = False
        mask = hiding_mask(attn_mask, "attn_mask", query.dtype)
        mask = _of_heads(mask, n, num_heads, length, key.shape[0])
    if not use_separate_proj_weight:
        q, k, v = _packed_projection(query, key, value, in_proj_weight, in_proj_bias)
    else:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = _separate_projections((query, key, value), weights, in_proj_bias)
    added = 0  # keys that no mask hides
    if bias_k is not None and bias_v is not None:
        _check_not_static(static_k, static_v)
        k = cat([k, bias_k.expand(1, n, embed_dim)])
        v = cat([v, bias_v.expand(1, n, embed_dim)])
        added += 1
    elif bias_k is not None or bias_v is not None:
        raise ArgumentError(
            "multi_head_attention_forward: bias_k and bias_v belong together; give both or neither"
        )
    q, k, v = (
        x.reshape(len(x), n, num_heads, embed_dim // num_heads).permute(1, 2, 0, 3)
        for x in (q, k, v)
    )
    if static_k is not None:
        k = _static("static_k", static_k, n, num_heads, q.shape[-1])
    if static_v is not None:
        v = _static("static_v", static_v, n, num_heads, q.shape[-1])
    if add_zero_attn:
        nothing = Tensor(np.zeros((n, num_heads, 1, q.shape[-1]), q.dtype))
        k, v = cat([k, nothing], dim=2), cat([v, nothing], dim=2)
        added += 1
    if padding is not None:
        padding = _of_keys(padding, n, k.shape[2] - added)
        mask = padding if mask is None else mask + padding
    if mask is not None and added:
        mask = pad(mask, (0, added))
    dropout_p = dropout_p if training else 0.0
    shares = None
    if need_weights:
        scores = (q * math.sqrt(1 / q.shape[-1])) @ k.swapaxes(-1, -2)
        shares = softmax(scores if mask is None else scores + mask, dim=-1)
        if dropout_p > 0:
            shares = dropout(shares, dropout_p)
        out = shares @ v
    else:
        out = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    out = linear(
        out.permute(2, 0, 1, 3).reshape(length, n, embed_dim), out_proj_weight, out_proj_bias
    )
    if shares is not None and average_attn_weights:
        shares = shares.mean(dim=1)
    if is_batched:
        return out, shares
    return out.squeeze(1), None if shares is None else shares.squeeze(0)


def _packed_projection(query: Any, key: Any, value: Any, weight: Any, bias: Any) -> Any:
    """Query, key and value, by their thirds of weight and bias; one tensor in one product."""
    if weight is None:
        raise ArgumentError(
            "multi_head_attention_forward: use_separate_proj_weight is False but in_proj_weight is "
            "None; pass one or the other"
        )
    e = query.shape[-1]
    if key is value and query is key:
        return chunk(linear(query, weight, bias), 3, -1)
    if key is value:
        weights, biases = split(weight, [e, 2 * e]), bias
        biases = (None, None) if bias is None else split(bias, [e, 2 * e])
        return (
            linear(query, weights[0], biases[0]),
            *chunk(linear(key, weights[1], biases[1]), 2, -1),
        )
    return _each(linear, (query, key, value), chunk(weight, 3), _thirds(bias))


def _separate_projections(inputs: Any, weights: Any, bias: Any) -> Any:
    e = inputs[0].shape[-1]
    for name, x, weight in zip(("query", "key", "value"), inputs, weights, strict=True):
        if weight is None:
            raise ArgumentError(
                "multi_head_attention_forward: use_separate_proj_weight is True but "
                f"{name[0]}_proj_weight is None"
            )
        if tuple(weight.shape) != (e, x.shape[-1]):
            raise ShapeError(
                f"multi_head_attention_forward: expecting {name} weights shape of "
                f"{[e, x.shape[-1]]}, but got {list(weight.shape)}, for {name}{list(x.shape)}"
            )
    return _each(linear, inputs, weights, _thirds(bias))


def _each(function: Any, *columns: Any) -> Any:
    return [function(*row) for row in zip(*columns, strict=True)]


def _thirds(bias: Any) -> Any:
    return (None, None, None) if bias is None else chunk(bias, 3)


# --- checks ------------------------------------------------------------------------------------


def _of_heads(mask: Any, n: int, heads: int, length: int, keys: int) -> Any:
    """An `attn_mask` that broadcasts to (N, heads, L, S)."""
    if mask is None:
        return None
    want = (length, keys) if mask.ndim == 2 else (n * heads, length, keys)
    if tuple(mask.shape) != want:
        raise ShapeError(
            f"The shape of the {mask.ndim}D attn_mask is {list(mask.shape)}, but should be "
            f"{list(want)}: {'' if mask.ndim == 2 else 'N · num_heads, '}L queries, S keys"
        )
    return mask if mask.ndim == 2 else mask.reshape(n, heads, length, keys)


def _of_keys(mask: Any, n: int, keys: int) -> Any:
    """A `key_padding_mask` that broadcasts to (N, heads, L, S)."""
    if tuple(mask.shape) != (n, keys):
        raise ShapeError(
            f"Expected key_padding_mask to have the shape {[n, keys]}: N sequences of S keys, but "
            f"got {list(mask.shape)}; is batch_first right?"
        )
    return mask.reshape(n, 1, 1, keys)


def _check_heads(query: Any, key: Any, value: Any, padding: Any, mask: Any, heads: int) -> bool:
    """Raise unless the numbers of dimensions fit together; returns whether there is a batch."""
    nd = query.ndim
    if nd not in (2, 3):
        raise ShapeError(
            "query should be unbatched 2D or batched 3D tensor but received "
            f"{nd}-D query tensor, {list(query.shape)}"
        )
    kind = "batched (3-D)" if nd == 3 else "unbatched (2-D)"
    if key.ndim != nd or value.ndim != nd:
        raise ShapeError(
            f"For {kind} `query`, expected `key` and `value` to be {nd}-D but found {key.ndim}-D "
            f"and {value.ndim}-D tensors respectively: query{list(query.shape)}, "
            f"key{list(key.shape)}, value{list(value.shape)}"
        )
    if padding is not None and padding.ndim != nd - 1:
        raise ShapeError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {nd - 1}-D but found "
            f"{padding.ndim}-D tensor instead, {list(padding.shape)}"
        )
    if mask is not None and mask.ndim not in (2, 3):
        raise ShapeError(
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
            f"{mask.ndim}-D tensor instead, {list(mask.shape)}"
        )
    return bool(nd == 3)


def _check_sizes(query: Any, key: Any, value: Any, embed: int, heads: int, separate: bool) -> None:
    e = query.shape[-1]
    if e != embed:
        raise ShapeError(
            f"was expecting embedding dimension of {embed}, but got {e}: query{list(query.shape)}"
        )
    if e % heads:
        raise ArgumentError(f"embed_dim {e} not divisible by num_heads {heads}")
    if key.shape[:2] != value.shape[:2] or (not separate and key.shape != value.shape):
        raise ShapeError(
            f"key shape {list(key.shape)} does not match value shape {list(value.shape)}: each key "
            "has one value"
        )
    if key.shape[1] != query.shape[1]:
        raise ShapeError(
            f"query{list(query.shape)} has a batch of {query.shape[1]} sequences, key"
            f"{list(key.shape)} one of {key.shape[1]}; inputs are (length, batch, features) unless "
            "batch_first=True"
        )


def _check_not_static(static_k: Any, static_v: Any) -> None:
    for name, x in (("key", static_k), ("value", static_v)):
        if x is not None:
            raise ArgumentError(f"bias cannot be added to static {name}.")


def _static(name: str, x: Any, n: int, heads: int, width: int) -> Any:
    if x.shape[0] != n * heads or x.shape[2] != width:
        raise ShapeError(
            f"expecting {name} of the shape [{n * heads}, S, {width}]: N · num_heads, S, "
            f"E / num_heads; got {list(x.shape)}"
        )
    return x.reshape(n, heads, x.shape[1], width)
