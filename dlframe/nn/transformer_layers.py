"""The layers of transformers: attention, then a small network, each with a sum around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlframe.errors import ArgumentError
from dlframe.nn import functional as F
from dlframe.nn.activation import GELU
from dlframe.nn.dropout import Dropout
from dlframe.nn.linear import Linear
from dlframe.nn.module import Module
from dlframe.nn.multihead import MultiheadAttention
from dlframe.nn.normalization import LayerNorm
from dlframe.nn.rectifiers import ReLU
from dlframe.tensor import Tensor

__all__ = ["TransformerDecoderLayer", "TransformerEncoderLayer"]

Activation = str | Callable[[Any], Any]


class TransformerEncoderLayer(Module):
    """x + attention(x), then x + network(x), each normalized; the network is W₂ f(W₁ x + b₁) + b₂.

    With `norm_first` the inputs of both are normalized, x + attention(norm(x)), else the sums,
    norm(x + attention(x)). Vaswani et al. (2017), "Attention is all you need". Xiong et al. (2020),
    "On layer normalization in the transformer architecture", show why deep stacks train without a
    warm-up only if `norm_first`: otherwise gradients near the output are large at first.

    Shapes: (S, N, d_model), (N, S, d_model) with `batch_first`, or (S, d_model), to the same.

    Args:
        d_model: features.
        nhead: heads of the attention, a divisor of `d_model`.
        dim_feedforward: hidden units of the network.
        dropout: the probability with which weights of attention, hidden units and the results of
            both parts are dropped in training.
        activation: f, `"relu"`, `"gelu"` or a function.
        layer_norm_eps: added to variances.
        batch_first: whether the batch is the first dimension.
        norm_first: whether to normalize before each part.
        bias: whether projections and normalizations have one.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> layer(dl.randn(3, 5, 8)).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        kind: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, batch_first=batch_first, **kind
        )
        self.linear1 = Linear(d_model, dim_feedforward, **kind)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **kind)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _function(activation)
        self.activation_relu_or_gelu = (
            1 if self.activation is F.relu or isinstance(activation, ReLU)
            else 2 if self.activation is F.gelu or isinstance(activation, GELU) else 0
        )  # fmt: skip

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The layer's result for a sequence.

        Args:
            src: the sequence.
            src_mask: (S, S) or (N · nhead, S, S): True hides a position from another; floats are
                added to the scores.
            src_key_padding_mask: (N, S) or (S): True hides a position from all.
            is_causal: says that `src_mask` is the causal one, so that it need not be read.
        """
        x, masks = src, (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *masks)
            out: Tensor = x + self._ff_block(self.norm2(x))
        else:
            x = self.norm1(x + self._sa_block(x, *masks))
            out = self.norm2(x + self._ff_block(x))
        return out

    def _sa_block(self, x: Tensor, mask: Any, padding: Any, is_causal: bool = False) -> Any:
        return self.dropout1(_attended(self.self_attn, x, x, mask, padding, is_causal))

    def _ff_block(self, x: Tensor) -> Any:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerDecoderLayer(Module):
    """`TransformerEncoderLayer` with a second attention: to the encoder's result, the memory.

    x + attention(x, x), then x + attention(x, memory), then x + network(x), each normalized before
    (`norm_first`) or after. In training a causal `tgt_mask` hides what comes later, so that all
    positions are predicted at once. Vaswani et al. (2017).

    Shapes: (T, N, d_model) and the memory (S, N, d_model), (N, T, d_model) and (N, S, d_model) with
    `batch_first`, or without N, to the shape of the first.

    Args:
        d_model: features.
        nhead: heads of both attentions, a divisor of `d_model`.
        dim_feedforward: hidden units of the network.
        dropout: the probability with which weights of attention, hidden units and the results of
            all parts are dropped in training.
        activation: f, `"relu"`, `"gelu"` or a function.
        layer_norm_eps: added to variances.
        batch_first: whether the batch is the first dimension.
        norm_first: whether to normalize before each part.
        bias: whether projections and normalizations have one.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    >>> layer(dl.randn(3, 4, 8), dl.randn(3, 5, 8)).shape
    (3, 4, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        kind: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, batch_first=batch_first, **kind
        )
        self.multihead_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, batch_first=batch_first, **kind
        )
        self.linear1 = Linear(d_model, dim_feedforward, **kind)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **kind)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _function(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The layer's result for a sequence and a memory.

        Args:
            tgt: the sequence.
            memory: the encoder's result.
            tgt_mask: (T, T) or (N · nhead, T, T): True hides a position from another; floats are
                added to the scores.
            memory_mask: (T, S) or (N · nhead, T, S), likewise.
            tgt_key_padding_mask: (N, T) or (T): True hides a position from all.
            memory_key_padding_mask: (N, S) or (S), likewise.
            tgt_is_causal: says that `tgt_mask` is the causal one, so that it need not be read.
            memory_is_causal: likewise for `memory_mask`.
        """
        x, own = tgt, (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        others = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._mha_block(self.norm2(x), *others)
            out: Tensor = x + self._ff_block(self.norm3(x))
        else:
            x = self.norm1(x + self._sa_block(x, *own))
            x = self.norm2(x + self._mha_block(x, *others))
            out = self.norm3(x + self._ff_block(x))
        return out

    def _sa_block(self, x: Tensor, mask: Any, padding: Any, is_causal: bool = False) -> Any:
        return self.dropout1(_attended(self.self_attn, x, x, mask, padding, is_causal))

    def _mha_block(
        self, x: Tensor, memory: Tensor, mask: Any, padding: Any, is_causal: bool = False
    ) -> Any:
        return self.dropout2(_attended(self.multihead_attn, x, memory, mask, padding, is_causal))

    def _ff_block(self, x: Tensor) -> Any:
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))


def _attended(
    layer: MultiheadAttention, x: Tensor, memory: Tensor, mask: Any, padding: Any, is_causal: bool
) -> Any:
    out, _ = layer(
        x, memory, memory,
        attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal,
    )  # fmt: skip
    return out


def _function(activation: Activation) -> Callable[[Any], Any]:
    known: dict[str, Callable[[Any], Any]] = {"relu": F.relu, "gelu": F.gelu}
    if not isinstance(activation, str):
        return activation
    if activation not in known:
        raise ArgumentError(
            f"activation should be relu/gelu, not {activation}; other functions are passed "
            "themselves, such as nn.functional.silu"
        )
    return known[activation]
