"""Attention with several heads."""

from __future__ import annotations

from typing import Any

from dlframe.errors import ArgumentError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.linear import Linear
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, new_parameter
from dlframe.tensor import Tensor

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """`Linear` under the name that PyTorch prints for the last layer of `MultiheadAttention`."""


class MultiheadAttention(Module):
    """Concat(head₁ … head_h) W_O, with headᵢ = softmax(Qᵢ Kᵢᵀ / √d + mask) Vᵢ and d = E / h.

    Qᵢ, Kᵢ and Vᵢ are linear in query, key and value, with weights of their own for each head. So
    each query takes a mean of the values whose keys fit it, and each head looks for something else.
    Vaswani et al. (2017), "Attention is all you need"; before it, with one head and a small network
    in place of the product, Bahdanau, Cho and Bengio (2015).

    Shapes, for L queries and S keys: query (L, N, E), key (S, N, kdim), value (S, N, vdim) to
    (L, N, E), or without N; with `batch_first` (N, L, E) and so on.

    It does not know the order of its inputs: add an encoding of positions to them. Time and memory
    grow with L · S. A query all of whose keys are hidden gives nan with `need_weights`, and else
    the bias of `out_proj`, as in PyTorch.

    Args:
        embed_dim: E.
        num_heads: h, a divisor of E.
        dropout: the probability with which a weight of attention is dropped in training.
        bias: whether the projections have one.
        add_bias_kv: add one trained key and value to every sequence.
        add_zero_attn: add a key and a value of zeros to every sequence.
        kdim: features of the key, by default E.
        vdim: features of the value, by default E.
        batch_first: whether the batch is the first dimension.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    Formula: `dlframe/ops/attention.py`, attention.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = dl.randn(3, 5, 8)
    >>> out, weights = layer(x, x, x)
    >>> out.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ArgumentError(
                "embed_dim and num_heads must be greater than 0, got "
                f"embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise ArgumentError(
                f"embed_dim must be divisible by num_heads, got embed_dim={embed_dim} and "
                f"num_heads={num_heads}"
            )
        e, same = embed_dim, self._qkv_same_embed_dim
        shapes = {
            "q_proj_weight": None if same else (e, e),
            "k_proj_weight": None if same else (e, self.kdim),
            "v_proj_weight": None if same else (e, self.vdim),
            "in_proj_weight": (3 * e, e) if same else None,
            "in_proj_bias": (3 * e,) if bias else None,
        }
        for name, shape in shapes.items():
            parameter = None if shape is None else new_parameter(shape, dtype, device)
            self.register_parameter(name, parameter)
        self.out_proj = NonDynamicallyQuantizableLinear(e, e, bias=bias, device=device, dtype=dtype)
        for name in ("bias_k", "bias_v"):
            parameter = new_parameter((1, 1, e), dtype) if add_bias_kv else None
            self.register_parameter(name, parameter)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (
            self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        ):  # fmt: skip
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None and self.out_proj.bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The result and, with `need_weights`, the weights.

        Args:
            query: (L, N, E), (N, L, E) or (L, E).
            key: likewise with S in place of L.
            value: likewise.
            key_padding_mask: (N, S) or (S). Of bools, True hides a key (in
                `scaled_dot_product_attention` it is the other way round); floats are added.
            need_weights: whether to return weights, for which all scores must be kept.
            attn_mask: (L, S) or (N · num_heads, L, S), likewise for each query and key.
            average_attn_weights: whether the weights are the mean of the heads'.
            is_causal: says that `attn_mask` is the causal one, so that it need not be read.
        """
        turn = self.batch_first and query.ndim == 3 and key.ndim == 3 and value.ndim == 3
        if turn:
            query, key, value = _turned(query, key, value)
        out, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return out.transpose(0, 1) if turn else out, weights


def _turned(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The batch second; what was one tensor stays one, as it is then projected once."""
    q = query.transpose(0, 1)
    k = q if key is query else key.transpose(0, 1)
    return q, k, q if value is query else k if value is key else value.transpose(0, 1)
