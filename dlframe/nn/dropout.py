"""Dropout."""

from __future__ import annotations

from dlframe.errors import ArgumentError
from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, set each value to 0 with probability p and multiply the rest by 1 / (1 - p).

    So the expected value is the input; in evaluation the layer does nothing. Any shape.
    Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from overfitting".

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> _ = dl.manual_seed(0)
    >>> nn.Dropout(0.2)(dl.ones(5))
    tensor([0.0000, 1.2500, 1.2500, 0.0000, 1.2500])
    >>> nn.Dropout(0.2).eval()(dl.ones(5))
    tensor([1., 1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The input with zeros, in training."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"p={self.p}, inplace={self.inplace}"
