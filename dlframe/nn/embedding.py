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

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """The base class of Embedding and EmbeddingBag: a table with a row for padding."""

    weight: Parameter
    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None

    def _set_weight(self, weight: Tensor | None, freeze: bool, device: Any, dtype: Any) -> None:
        shape = (self.num_embeddings, self.embedding_dim)
        if weight is None:
            self.weight = new_parameter(shape, dtype, device)
            self.weight.requires_grad = not freeze
            self.reset_parameters()
            return
        if tuple(weight.shape) != shape:
            raise ShapeError(
                f"{type(self).__name__}: the weight's shape {tuple(weight.shape)} does not match "
                f"num_embeddings={self.num_embeddings} and embedding_dim={self.embedding_dim}"
            )
        self.weight = Parameter(weight, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.array[self.padding_idx] = 0
            mark_mutated(self.weight.array, f"{type(self).__name__}.reset_parameters")


def _checked_padding(padding_idx: int | None, rows: int) -> int | None:
    """The row, counted from the front."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise ArgumentError(f"padding_idx must be within num_embeddings={rows}, got {padding_idx}")
    return padding_idx % rows


def _sizes_of(embeddings: Tensor) -> tuple[int, int]:
    """The shape of given vectors, one a row."""
    if len(embeddings.shape) != 2:
        raise ShapeError(
            "Embeddings parameter is expected to be 2-dimensional, got shape "
            f"{tuple(embeddings.shape)}"
        )
    rows, width = embeddings.shape
    return rows, width


class Embedding(_Table):
    """y = W[x]: a vector of its own for each of `num_embeddings` numbers.

    Shapes: x is (*), integers from 0 to num_embeddings - 1; y is (*, embedding_dim).
    `weight`, of shape (num_embeddings, embedding_dim), starts normal with mean 0 and variance 1.

    For words, users, categories: what is alike gets vectors that are alike. Rows that are rarely
    looked up learn little; with Adam they go on moving, as gradients are dense.

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
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = _checked_padding(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._set_weight(_weight, _freeze, device, dtype)

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
        return cls(
            *_sizes_of(embeddings),
            _weight=embeddings,
            _freeze=freeze,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )


class EmbeddingBag(_Table):
    """y_b = Σ W[x] over the indices x of bag b, or their mean, or their maximum.

    The same as an `Embedding` and a sum, mean or maximum, for bags of any sizes, without padding:
    for texts as bags of words, and for categories of which a sample has several.

    Shapes: x is (B, N), B bags of N indices; or (M,), all bags one after the other, with `offsets`
    (B,), where each begins. y is (B, embedding_dim), zeros for bags without indices. `weight` as in
    `Embedding`.

    The order of the indices in a bag does not matter, which also is its limit: "dog bites man".

    Args:
        num_embeddings: how many vectors.
        embedding_dim: how long each is.
        max_norm: vectors longer than this are shortened to it, in place, when they are looked up.
        norm_type: the p of the norm for `max_norm`.
        scale_grad_by_freq: divide the gradient of a vector by how often it was looked up.
        mode: "sum", "mean" or "max".
        sparse: accepted as in PyTorch, but gradients are dense.
        _weight: the initial vectors; by default they are drawn.
        include_last_offset: whether `offsets` has the end of the last bag, too.
        padding_idx: indices of this number are left out of their bags; its vector starts as zeros.
        device: None or `"cpu"`.
        dtype: of the vectors; by default the default dtype.

    Formula: `dlframe/ops/networks.py`, add_rows.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> words = nn.EmbeddingBag.from_pretrained(dl.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]))
    >>> words(dl.tensor([0, 1, 2]), dl.tensor([0, 2]))  # the bags [0, 1] and [2]
    tensor([[ 1.5000, 15.0000],
            [ 4.0000, 40.0000]])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.padding_idx = _checked_padding(padding_idx, num_embeddings)
        self._set_weight(_weight, False, device, dtype)
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset

    def forward(
        self,
        input: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
    ) -> Tensor:
        """The bags; `per_sample_weights`, in the shape of `input`, are factors in a sum."""
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The arguments that are not the default."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        text += f", mode={self.mode!r}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        return text

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """An EmbeddingBag of the given vectors, one a row; it shares their memory."""
        bag = cls(
            *_sizes_of(embeddings),
            max_norm,
            norm_type,
            scale_grad_by_freq,
            mode,
            sparse,
            embeddings,
            include_last_offset,
            padding_idx,
        )
        bag.weight.requires_grad = not freeze
        return bag
