"""Embeddings: a table of vectors, indexed by numbers."""

from __future__ import annotations

from typing import Any

from dlframe.autograd import mark_mutated
from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, new_parameter
from dlframe.tensor import Tensor

__all__ = ["Embedding"]


class Embedding(Module):
    """y = W[x]: a vector of its own for each of `num_embeddings` numbers.

    Shapes: x is (*), integers from 0 to num_embeddings - 1; y is (*, embedding_dim).
    `weight`, of shape (num_embeddings, embedding_dim), starts normal with mean 0 and variance 1.

    Args:
        num_embeddings: how many vectors.
        embedding_dim: how long each is.
        padding_idx: the vector of this number starts as zeros and gets no gradient.
        max_norm: vectors longer than this are shortened to it, in place, when they are looked up.
        norm_type: the p of the norm for `max_norm`.
        scale_grad_by_freq: divide the gradient of a vector by how often it was looked up.
        sparse: accepted as in PyTorch, but gradients are dense.
        _weight: the initial vectors; by default they are drawn.
        _freeze: whether the vectors are kept fixed.
        device: None or `"cpu"`.
        dtype: of the vectors; by default the default dtype.

    Formula: `dlframe/ops/networks.py`, take_rows.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> words = nn.Embedding(10, 3, padding_idx=0)
    >>> words(dl.tensor([[1, 2, 4, 5], [4, 3, 2, 0]])).shape
    (2, 4, 3)
    >>> words(dl.tensor(0))
    tensor([0., 0., 0.], grad_fn=<...>)
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ArgumentError(
                    f"padding_idx must be within num_embeddings={num_embeddings}, got {padding_idx}"
                )
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            self.weight = new_parameter((num_embeddings, embedding_dim), dtype, device)
            self.weight.requires_grad = not _freeze
            self.reset_parameters()
        else:
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                raise ShapeError(
                    f"Embedding: the weight's shape {tuple(_weight.shape)} does not match "
                    f"num_embeddings={num_embeddings} and embedding_dim={embedding_dim}"
                )
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.array[self.padding_idx] = 0
            mark_mutated(self.weight.array, "Embedding.reset_parameters")

    def forward(self, input: Tensor) -> Tensor:
        """The vectors of these numbers."""
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        """The arguments that are not the default."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        if self.sparse:
            text += ", sparse=True"
        return text

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An Embedding of the given vectors, one a row; it shares their memory.

        >>> import dlframe as dl
        >>> words = Embedding.from_pretrained(dl.tensor([[1.0, 2.3, 3.0], [4.0, 5.1, 6.3]]))
        >>> words(dl.tensor([1]))
        tensor([[4.0000, 5.1000, 6.3000]])
        """
        if len(embeddings.shape) != 2:
            raise ShapeError(
                "Embeddings parameter is expected to be 2-dimensional, got shape "
                f"{tuple(embeddings.shape)}"
            )
        return cls(
            *embeddings.shape,
            _weight=embeddings,
            _freeze=freeze,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )
