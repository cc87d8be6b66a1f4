"""Transformers: layers of attention and of a small network, in stacks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.activation import GELU
from dlframe.nn.container import ModuleList
from dlframe.nn.dropout import Dropout
from dlframe.nn.functional.attention import hiding_mask
from dlframe.nn.linear import Linear
from dlframe.nn.module import Module
from dlframe.nn.multihead import MultiheadAttention
from dlframe.nn.normalization import LayerNorm
from dlframe.nn.rectifiers import ReLU
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.creation import full

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Activation = str | Callable[[Any], Any]


# --- layers ------------------------------------------------------------------------------------


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


# --- stacks ------------------------------------------------------------------------------------


class TransformerEncoder(Module):
    """A stack of copies of one `TransformerEncoderLayer`, and a normalization after it.

    The copies start with equal weights, as in PyTorch; draw new ones if that matters. With
    `norm_first` layers pass `norm=nn.LayerNorm(d_model)`, as nothing else normalizes the last sum.

    Args:
        encoder_layer: the layer to copy.
        num_layers: how many copies.
        norm: a module for the result of the last one.
        enable_nested_tensor: accepted as in PyTorch; there are no nested tensors, and the numbers
            of positions that are not padding are the same.
        mask_check: likewise.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> encoder = nn.TransformerEncoder(layer, num_layers=2)
    >>> padding = dl.tensor([[False, False, False], [False, False, True]])
    >>> encoder(dl.randn(2, 3, 8), src_key_padding_mask=padding).shape
    (2, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.use_nested_tensor = False
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """The last layer's result.

        Args:
            src: the sequence.
            mask: (S, S) or (N · nhead, S, S): True hides a position from another; floats are added
                to the scores.
            src_key_padding_mask: (N, S) or (S): True hides a position from all.
            is_causal: whether `mask` is the causal one; by default it is compared with it.
        """
        dtype = src.dtype
        padding = hiding_mask(
            src_key_padding_mask, "src_key_padding_mask", dtype, mask, "mask"
        )  # once, and not in every layer
        mask = hiding_mask(mask, "mask", dtype)
        is_causal = _is_causal(mask, is_causal, src, self.layers[0])
        out = src
        for layer in self.layers:
            out = layer(out, src_mask=mask, is_causal=is_causal, src_key_padding_mask=padding)
        if self.norm is not None:
            out = self.norm(out)
        return out


class TransformerDecoder(Module):
    """A stack of copies of one `TransformerDecoderLayer`, and a normalization after it.

    The copies start with equal weights, as in PyTorch.

    Args:
        decoder_layer: the layer to copy.
        num_layers: how many copies.
        norm: a module for the result of the last one.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    >>> decoder = nn.TransformerDecoder(layer, num_layers=2)
    >>> decoder(dl.randn(2, 3, 8), dl.randn(2, 5, 8)).shape
    (2, 3, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The last layer's result; `TransformerDecoderLayer.forward` explains the arguments.

        `tgt_is_causal` says whether `tgt_mask` is the causal mask; by default it is compared with
        that.
        """
        tgt_is_causal = _is_causal(tgt_mask, tgt_is_causal, tgt, self.layers[0])
        out = tgt
        for layer in self.layers:
            out = layer(
                out,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=tgt_is_causal,
                memory_is_causal=memory_is_causal,
            )
        if self.norm is not None:
            out = self.norm(out)
        return out


class Transformer(Module):
    """An encoder of one sequence, and a decoder of another that looks at the encoder's result.

    The network of Vaswani et al. (2017) for translation, without its embeddings, its encoding of
    positions and its last linear layer. For a language model the encoder with a causal mask is
    enough.

    Shapes: src (S, N, d_model) and tgt (T, N, d_model) to (T, N, d_model); (N, S, d_model) and so
    on with `batch_first`; or without N. All matrices start as `init.xavier_uniform_` draws them.

    Args:
        d_model: features.
        nhead: heads of every attention, a divisor of `d_model`.
        num_encoder_layers: layers of the encoder.
        num_decoder_layers: layers of the decoder.
        dim_feedforward: hidden units of each layer's network.
        dropout: of all layers.
        activation: of each layer's network, `"relu"`, `"gelu"` or a function.
        custom_encoder: a module used as the encoder.
        custom_decoder: a module used as the decoder.
        layer_norm_eps: added to variances.
        batch_first: whether the batch is the first dimension.
        norm_first: whether layers normalize before each part.
        bias: whether projections and normalizations have one.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    >>> causal = nn.Transformer.generate_square_subsequent_mask(4)
    >>> model(dl.randn(3, 5, 8), dl.randn(3, 4, 8), tgt_mask=causal).shape
    (3, 4, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        kind: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        order = {"batch_first": batch_first, "norm_first": norm_first}

        def stack(container: Any, layer: Any, count: int) -> Any:
            made = layer(*sizes, **order, **kind)
            return container(made, count, LayerNorm(d_model, eps=layer_norm_eps, **kind))

        self.encoder = custom_encoder or stack(
            TransformerEncoder, TransformerEncoderLayer, num_encoder_layers
        )
        self.decoder = custom_decoder or stack(
            TransformerDecoder, TransformerDecoderLayer, num_decoder_layers
        )
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The decoder's result.

        Args:
            src: the encoder's sequence.
            tgt: the decoder's sequence.
            src_mask: (S, S) or (N · nhead, S, S): True hides a position from another; floats are
                added to the scores.
            tgt_mask: (T, T) or (N · nhead, T, T), likewise.
            memory_mask: (T, S) or (N · nhead, T, S), likewise.
            src_key_padding_mask: (N, S) or (S): True hides a position from all.
            tgt_key_padding_mask: (N, T) or (T), likewise.
            memory_key_padding_mask: (N, S) or (S), likewise.
            src_is_causal: whether `src_mask` is the causal one; by default it is compared with it.
            tgt_is_causal: likewise for `tgt_mask`.
            memory_is_causal: says that `memory_mask` is the causal one.
        """
        shapes = f"src{list(src.shape)} and tgt{list(tgt.shape)}"
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and (tgt.ndim != 3 or src.shape[batch] != tgt.shape[batch]):
            raise ShapeError(f"the batch number of src and tgt must be equal; got {shapes}")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise ShapeError(
                "the feature number of src and tgt must be equal to d_model, "
                f"{self.d_model}; got {shapes}"
            )
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        out: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )
        return out

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """-inf above the diagonal, else 0: position i sees the positions up to i.

        >>> from dlframe import nn
        >>> nn.Transformer.generate_square_subsequent_mask(3)
        tensor([[0., -inf, -inf],
                [0., 0., -inf],
                [0., 0., 0.]])
        """
        return full((sz, sz), -np.inf, dtype=dtype, device=device).triu(1)


def _copies(module: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(module) for _ in range(count)])


def _is_causal(mask: Any, is_causal: bool | None, x: Tensor, layer: Any) -> bool:
    """`is_causal`, or if it is None whether `mask` is the causal mask of the length of `x`."""
    if is_causal is not None or mask is None:
        return is_causal is True
    attention = getattr(layer, "self_attn", None)
    first = x.ndim == 2 or not getattr(attention, "batch_first", False)
    length = x.shape[0 if first else 1]
    if tuple(mask.shape) != (length, length):
        return False
    values = to_array(mask)
    hidden = np.triu(np.ones((length, length), bool), 1)
    return bool(
        (values == (hidden if values.dtype == bool else np.where(hidden, -np.inf, 0))).all()
    )
