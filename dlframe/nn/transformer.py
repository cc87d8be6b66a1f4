"""Transformers: stacks of layers, and the two stacks together."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from dlframe.errors import ShapeError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.container import ModuleList
from dlframe.nn.functional.attention import hiding_mask
from dlframe.nn.module import Module
from dlframe.nn.normalization import LayerNorm
from dlframe.nn.transformer_layers import (
    Activation,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
)
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.creation import full

__all__ = ["Transformer", "TransformerDecoder", "TransformerEncoder"]


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
