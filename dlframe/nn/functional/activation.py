"""Activations, with the `inplace` argument that PyTorch gives them here."""

from __future__ import annotations

import warnings
from typing import Any

from dlframe import ops
from dlframe.autograd.inplace import write
from dlframe.dtypes import finfo
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.tensor import Tensor, creation, functions
from dlframe.tensor.arguments import checked_dim, require_floats
from dlframe.tensor.devices import contiguous_format

__all__ = [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
]


# in place, and the functions that PyTorch has at its top level, too
celu_ = functions.celu_
hardshrink = functions.hardshrink
prelu = functions.prelu
relu_ = functions.relu_
rrelu_ = functions.rrelu_
selu_ = functions.selu_
threshold_ = functions.threshold_


def _done(input: Any, result: Any, inplace: bool, name: str) -> Tensor:
    return write(input, result, name) if inplace else result


# --- of straight lines -------------------------------------------------------------------------


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


def leaky_relu_(input: Any, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu` in place."""
    return leaky_relu(input, negative_slope, inplace=True)


def rrelu(
    input: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """x where x > 0, else a · x with random a from [lower, upper) (Xu et al. 2015).

    Each element that is not positive draws its own a. Without `training` a is the mean of the ends.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.rrelu(dl.tensor([-1.0, 2.0]), 0.1, 0.3)
    tensor([-0.2000,  2.0000])
    """
    return _done(input, functions.rrelu(input, lower, upper, training), inplace, "rrelu_")


def hardtanh(
    input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x, but no less than `min_val` and no more than `max_val` (Collobert 2004).

    The gradient is 0 at both ends, where that of `clamp` is 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.hardtanh(dl.tensor([-2.0, 0.5, 2.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    kind = input.dtype.kind
    if kind == "b":
        raise DTypeError("hardtanh: Bool inputs not supported; convert with .float()")
    if kind == "u" and min_val <= -1:
        raise DTypeError(
            f"hardtanh: cannot do hardtanh on an unsigned type ({input.dtype}) with negative "
            "limits; convert with .int()"
        )
    if min_val > max_val:
        raise ArgumentError(
            f"hardtanh: min_val cannot be greater than max_val, got {min_val} and {max_val}"
        )
    if kind != "f":
        min_val, max_val = int(min_val), int(max_val)
    return _done(input, ops.hardtanh(input, min=min_val, max=max_val), inplace, "hardtanh_")


def hardtanh_(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh` in place."""
    return hardtanh(input, min_val, max_val, inplace=True)


def relu6(input: Any, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6) (Krizhevsky 2010).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.relu6(dl.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def hardsigmoid(input: Any, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6, a sigmoid of straight lines (Courbariaux et al. 2015).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.hardsigmoid(dl.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    require_floats("hardsigmoid", input)
    return _done(input, ops.hardsigmoid(input), inplace, "hardsigmoid_")


def hardswish(input: Any, inplace: bool = False) -> Tensor:
    """x · hardsigmoid(x) (Howard et al. 2019).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.hardswish(dl.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.0000,  0.6667,  4.0000])
    """
    require_floats("hardswish", input)
    return _done(input, ops.hardswish(input), inplace, "hardswish_")


def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x, nearer to zero by lambd, and 0 where |x| ≤ lambd.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.softshrink(dl.tensor([-2.0, 0.3, 2.0]))
    tensor([-1.5000,  0.0000,  1.5000])
    """
    require_floats("softshrink", input)
    if not 0 <= lambd <= finfo(input.dtype).max:
        raise ArgumentError(
            f"softshrink: lambda must be in range [0, {finfo(input.dtype).max:g}] for input dtype "
            f"{input.dtype}, but found {lambd}"
        )
    return ops.softshrink(input, lambd=lambd)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it is above `threshold`, else `value`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.threshold(dl.tensor([-1.0, 2.0]), 0.5, 9.0)
    tensor([9., 2.])
    """
    return _done(input, functions.threshold(input, threshold, value), inplace, "threshold_")


# --- with exponentials -------------------------------------------------------------------------


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha (exp(x) - 1) (Clevert, Unterthiner & Hochreiter 2016).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.elu(dl.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    require_floats("elu", input)
    return _done(input, ops.elu(input, alpha=alpha), inplace, "elu_")


def elu_(input: Any, alpha: float = 1.0) -> Tensor:
    """`elu` in place."""
    return elu(input, alpha, inplace=True)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha (exp(x / alpha) - 1) (Barron 2017).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.celu(dl.tensor([-1.0, 2.0]), alpha=0.5)
    tensor([-0.4323,  2.0000])
    """
    return _done(input, functions.celu(input, alpha), inplace, "celu_")


def selu(input: Any, inplace: bool = False) -> Tensor:
    """1.0507 (x where x > 0, else 1.6733 (exp(x) - 1)) (Klambauer et al. 2017).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.selu(dl.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return _done(input, functions.selu(input), inplace, "selu_")


def silu(input: Any, inplace: bool = False) -> Tensor:
    """x σ(x), also called swish (Hendrycks & Gimpel 2016).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.silu(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7311])
    """
    require_floats("silu", input)
    return _done(input, ops.silu(input), inplace, "silu_")


def mish(input: Any, inplace: bool = False) -> Tensor:
    """x tanh(log(1 + exp(x))) (Misra 2020).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.mish(dl.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    require_floats("mish", input)
    return _done(input, ops.mish(input), inplace, "mish_")


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


def logsigmoid(input: Any) -> Tensor:
    """log σ(x) = -log(1 + exp(-x)), without overflow.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.logsigmoid(dl.tensor([-200.0, 0.0]))
    tensor([-200.0000,   -0.6931])
    """
    require_floats("logsigmoid", input)
    return ops.log_sigmoid(input)


def softsign(input: Any) -> Tensor:
    """x / (1 + |x|).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.softsign(dl.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (input.abs() + 1)


def tanhshrink(input: Any) -> Tensor:
    """x - tanh x.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.tanhshrink(dl.tensor([0.0, 2.0]))
    tensor([0.0000, 1.0360])
    """
    return input - input.tanh()


# --- of several elements -----------------------------------------------------------------------


def glu(input: Any, dim: int = -1) -> Tensor:
    """a · σ(b), for the halves a and b of the input along `dim` (Dauphin et al. 2017).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.glu(dl.tensor([3.0, 4.0, 0.0, 100.0]))
    tensor([1.5000, 4.0000])
    """
    require_floats("glu", input)
    if not input.shape:
        raise ShapeError("glu does not support scalars because halving size must be even")
    dim = checked_dim(dim, len(input.shape))
    size = input.shape[dim]
    if size % 2:
        raise ShapeError(
            f"glu: Halving dimension must be even, but dimension {dim} is size {size} "
            f"in input{list(input.shape)}; the layer before it must give twice the features wanted"
        )
    return ops.glu(input, axis=dim)


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


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(-xᵢ) / Σⱼ exp(-xⱼ) along `dim`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.softmin(dl.tensor([0.0, 1.0]), dim=0)
    tensor([0.7311, 0.2689])
    """
    dim = _implicit_dim("softmin", input, _stacklevel) if dim is None else dim
    return functions.softmax(-input, dim, dtype=dtype)


def gumbel_softmax(
    logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A random choice with the probabilities softmax(logits), through which gradients flow.

    Gumbel noise is added to the logits; then the largest sum is at i with probability
    softmax(logits)ᵢ. The result is the softmax of the sums, divided by `tau`: the smaller tau is,
    the nearer it comes to one 1 among zeros, and the larger gradients become (Jang, Gu & Poole
    2017).

    Args:
        logits: any shape.
        tau: the temperature.
        hard: give one 1 among zeros; the gradient stays that of the soft choice.
        eps: without effect, as in PyTorch.
        dim: the dimension of the choices.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(0)
    >>> F.gumbel_softmax(dl.tensor([0.0, 5.0, 0.0]), hard=True)
    tensor([0., 1., 0.])
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -creation.empty_like(logits, memory_format=contiguous_format).exponential_().log()
    soft = functions.softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.argmax(dim, keepdim=True)
    choice = creation.zeros_like(logits, memory_format=contiguous_format)
    choice.scatter_(dim, index, 1.0)
    return choice - soft.detach() + soft  # the value of the choice, the gradient of `soft`


def _implicit_dim(name: str, input: Any, stacklevel: int) -> int:
    """The dimension that PyTorch chooses when none is given, with its warning."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if len(input.shape) in (0, 1, 3) else 1
