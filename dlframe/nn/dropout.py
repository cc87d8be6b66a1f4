"""Dropout: zeros among values, among channels, and among weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dlframe.autograd import no_grad
from dlframe.autograd.func import functional_call
from dlframe.errors import ArgumentError
from dlframe.nn import functional as F
from dlframe.nn.modes import evaluating
from dlframe.nn.module import Module
from dlframe.nn.parameter import is_lazy
from dlframe.tensor import Tensor

__all__ = [
    "AlphaDropout",
    "DropConnect",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
]


class _Dropout(Module):
    """The base class: a probability."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        _check_probability(p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The arguments."""
        return f"p={self.p}, inplace={self.inplace}"


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")


class Dropout(_Dropout):
    """In training, set each value to 0 with probability p and multiply the rest by 1 / (1 - p).

    So the expected value is the input; in evaluation the layer does nothing. Any shape.

    It keeps units from relying on single others, and so works against overfitting. It does little
    in small models and with much data, slows training down, and right before batch normalization it
    shifts the variance between training and evaluation. For images and sequences, whose neighbours
    tell the same, use `Dropout2d` and `Dropout1d`. Srivastava et al. (2014), "Dropout: a simple way
    to prevent neural networks from overfitting".

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> _ = dl.manual_seed(0)
    >>> nn.Dropout(0.2)(dl.ones(5))
    tensor([0.0000, 1.2500, 1.2500, 0.0000, 1.2500])
    >>> nn.Dropout(0.2).eval()(dl.ones(5))
    tensor([1., 1., 1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input with zeros, in training."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """In training, set each channel of each sequence to 0 with probability p; the rest is scaled.

    Neighbours in a sequence are alike: a single zero is no loss, as those beside it tell the same.
    A missing channel is. Tompson et al. (2015), "Efficient object localization using convolutional
    networks".

    Shapes: (N, C, L) or (C, L).

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> _ = dl.manual_seed(4)
    >>> nn.Dropout1d()(dl.ones(3, 2))
    tensor([[2., 2.],
            [0., 0.],
            [2., 2.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input without some channels, in training."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """In training, set each channel of each image to 0 with probability p; the rest is scaled.

    As `Dropout1d`, for images. Usual values of p are 0.1 to 0.3: a channel is much to lose.

    Shapes: (N, C, H, W). Three dimensions are read as (N, C, L), with a warning, as in PyTorch.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> _ = dl.manual_seed(4)
    >>> nn.Dropout2d()(dl.ones(1, 3, 4, 4)).sum((2, 3))
    tensor([[32.,  0., 32.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input without some channels, in training."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """In training, set each channel of each volume to 0 with probability p; the rest is scaled.

    As `Dropout1d`, for volumes.

    Shapes: (N, C, D, H, W) or (C, D, H, W).

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> _ = dl.manual_seed(4)
    >>> nn.Dropout3d()(dl.ones(1, 3, 2, 2, 2)).sum((2, 3, 4))
    tensor([[16.,  0., 16.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input without some channels, in training."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout for networks of `SELU`: what is dropped becomes SELU's limit -1.758, not 0.

    y = a (x m - 1.758 (1 - m)) + b, with a and b such that mean 0 and variance 1 stay what they
    are, as SELU needs it. With inputs of another mean or variance it changes both. Any shape.
    Klambauer et al. (2017), "Self-normalizing neural networks". `inplace` has no effect, as in
    PyTorch.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> _ = dl.manual_seed(0)
    >>> nn.AlphaDropout(0.5)(dl.zeros(5))
    tensor([-0.7792, -0.7792,  0.7792, -0.7792, -0.7792])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input with its lowest values in some places, in training."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels.

    Shapes: (N, C, *).

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> _ = dl.manual_seed(4)
    >>> nn.FeatureAlphaDropout(0.5)(dl.zeros(1, 3, 2))
    tensor([[[ 0.7792,  0.7792],
             [-0.7792, -0.7792],
             [ 0.7792,  0.7792]]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input with some channels at their lowest value, in training."""
        return F.feature_alpha_dropout(input, self.p, self.training)


class DropConnect(Module):
    """In training, set each *weight* of a module to 0 with probability p; the rest is scaled.

    y = module(x) with W m / (1 - p) in place of each weight W, where m = 0 with probability p, else
    1. In evaluation it is the module.

    Dropout sets a unit's value to 0, and with it everything that the unit sends on; DropConnect
    cuts single connections. One mask serves the whole call, so that all samples of a batch see the
    same thinned module, where `Dropout` draws for each sample; the mean over masks is the same.
    (The paper draws a mask for each sample, and averages over masks in evaluation; here evaluation
    uses the mean weight, as dropout does.) With small batches its gradients are noisier than
    dropout's. Around a recurrent layer it drops the same connections at every step. Wan et al.
    (2013), "Regularization of neural networks using DropConnect"; Merity et al. (2018) for
    recurrent weights. PyTorch has no such layer.

    Args:
        module: any module; its parameters stay its own, under the names "module.…". If it is lazy,
            the first call runs it twice, once for its sizes.
        p: between 0 and 1.
        names: the names of the parameters to thin; by default all of two or more dimensions, which
            leaves biases and the scales of normalizations whole.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> _ = dl.manual_seed(0)
    >>> layer = nn.DropConnect(nn.Linear(3, 2), p=0.5)
    >>> nn.init.ones_(layer.module.weight).shape, nn.init.zeros_(layer.module.bias).shape
    ((2, 3), (2,))
    >>> layer(dl.ones(2, 3))  # of 3 connections with weight 1, those that are left count double
    tensor([[2., 4.],
            [2., 4.]], grad_fn=<...>)
    >>> layer.eval()(dl.ones(3))
    tensor([3., 3.], grad_fn=<...>)
    """

    def __init__(self, module: Module, p: float = 0.5, names: Iterable[str] | None = None) -> None:
        super().__init__()
        _check_probability(p)
        self.module = module
        self.p = p
        self.names = None if names is None else tuple(names)
        known = dict(module.named_parameters())
        for name in self.names or ():
            if name not in known:
                raise ArgumentError(
                    f"DropConnect: {type(module).__name__} has no parameter {name!r}; it has "
                    f"{', '.join(known)}"
                )

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the module, in training without some of its connections."""
        if not self.training or self.p == 0:
            return self.module(*args, **kwargs)
        if any(map(is_lazy, self.module.parameters())):
            with evaluating(self.module), no_grad():
                self.module(*args, **kwargs)  # for the sizes: a mask needs those of its weight
        thinned = {name: F.dropout(weight, self.p) for name, weight in self._weights()}
        return functional_call(self.module, thinned, args, kwargs)

    def _weights(self) -> list[tuple[str, Any]]:
        return [
            (name, weight)
            for name, weight in self.module.named_parameters()
            if (weight.ndim >= 2 if self.names is None else name in self.names)
        ]

    def extra_repr(self) -> str:
        """The arguments."""
        return f"p={self.p}" + ("" if self.names is None else f", names={self.names}")
