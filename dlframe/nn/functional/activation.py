"""Activations, with the `inplace` argument that PyTorch gives them here."""

from __future__ import annotations

import warnings
from typing import Any

from dlframe import ops
from dlframe.autograd.inplace import write
from dlframe.tensor import Tensor, functions
from dlframe.tensor.arguments import require_floats

__all__ = [
    "celu",
    "celu_",
    "elu",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


def _done(input: Any, result: Any, inplace: bool, name: str) -> Tensor:
    return write(input, result, name) if inplace else result


def relu(input: Any, inplace: bool = False) -> Tensor:
    """max(x, 0); the gradient at 0 is 0.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.relu(dl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return _done(input, ops.relu(input), inplace, "relu_")


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope · x (Maas, Hannun & Ng 2013).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.leaky_relu(dl.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1000,  2.0000])
    """
    require_floats("leaky_relu", input)
    return _done(
        input, ops.leaky_relu(input, negative_slope=negative_slope), inplace, "leaky_relu_"
    )


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha (exp(x) - 1) (Clevert, Unterthiner & Hochreiter 2016).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.elu(dl.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    require_floats("elu", input)
    return _done(input, ops.elu(input, alpha=alpha), inplace, "elu_")


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha (exp(x / alpha) - 1) (Barron 2017).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.celu(dl.tensor([-1.0, 2.0]), alpha=0.5)
    tensor([-0.4323,  2.0000])
    """
    return _done(input, functions.celu(input, alpha), inplace, "celu_")


celu_ = functions.celu_


def silu(input: Any, inplace: bool = False) -> Tensor:
    """x σ(x), also called swish (Hendrycks & Gimpel 2016).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.silu(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7311])
    """
    require_floats("silu", input)
    return _done(input, ops.silu(input), inplace, "silu_")


def gelu(input: Any, approximate: str = "none") -> Tensor:
    """x Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016).

    `approximate="tanh"` computes ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))) instead.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.gelu(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8413])
    """
    require_floats("gelu", input)
    return ops.gelu(input, approximate=approximate)


def softplus(input: Any, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.softplus(dl.tensor([0.0, 100.0]))
    tensor([  0.6931, 100.0000])
    """
    require_floats("softplus", input)
    return ops.softplus(input, beta=beta, threshold=threshold)


def sigmoid(input: Any) -> Tensor:
    """1 / (1 + exp(-x)).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.sigmoid(dl.tensor([0.0]))
    tensor([0.5000])
    """
    return ops.sigmoid(input)


def tanh(input: Any) -> Tensor:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.tanh(dl.tensor([0.0]))
    tensor([0.])
    """
    return ops.tanh(input)


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(xᵢ) / Σⱼ exp(xⱼ) along `dim`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.softmax(dl.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    dim = _implicit_dim("softmax", input, _stacklevel) if dim is None else dim
    return functions.softmax(input, dim, dtype=dtype)


def log_softmax(
    input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """xᵢ - log Σⱼ exp(xⱼ) along `dim`, without overflow.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.log_softmax(dl.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    dim = _implicit_dim("log_softmax", input, _stacklevel) if dim is None else dim
    return functions.log_softmax(input, dim, dtype=dtype)


def _implicit_dim(name: str, input: Any, stacklevel: int) -> int:
    """The dimension that PyTorch chooses when none is given, with its warning."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if len(input.shape) in (0, 1, 3) else 1
