"""Activations: functions applied to each element, and softmax. All keep the shape."""

from __future__ import annotations

from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class ReLU(Module):
    """y = max(0, x). Nair and Hinton (2010), "Rectified linear units improve RBMs".

    Formula: `dlframe/ops/activation.py`, relu.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ReLU()(dl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """max(0, x)."""
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        """Whether it works in place."""
        return "inplace=True" if self.inplace else ""


class LeakyReLU(Module):
    """y = x where x > 0, else negative_slope · x. Maas, Hannun and Ng (2013).

    Formula: `dlframe/ops/activation.py`, leaky_relu.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.LeakyReLU(0.1)(dl.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or negative_slope · x where x is negative."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """y = x where x > 0, else alpha · (exp x - 1). Clevert, Unterthiner and Hochreiter (2016).

    Formula: `dlframe/ops/activation.py`, elu.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ELU()(dl.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or alpha · (exp x - 1) where x is negative."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """The factor."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class CELU(Module):
    """y = x where x > 0, else alpha · (exp(x / alpha) - 1). Barron (2017).

    Formula: `dlframe/ops/activation.py`, celu.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.CELU(0.5)(dl.tensor([-1.0, 2.0]))
    tensor([-0.4323,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or alpha · (exp(x / alpha) - 1) where x is negative."""
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """Alpha."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class GELU(Module):
    """y = x · Φ(x), with Φ the normal distribution function. Hendrycks and Gimpel (2016).

    With `approximate="tanh"`: y = x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).

    Formula: `dlframe/ops/activation.py`, gelu.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.GELU()(dl.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """x · Φ(x)."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Which formula."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """y = x · σ(x), also called swish. Elfwing, Uchibe and Doya (2018).

    Formula: `dlframe/ops/activation.py`, silu.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.SiLU()(dl.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x · σ(x)."""
        return F.silu(input, self.inplace)

    def extra_repr(self) -> str:
        """Whether it works in place."""
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """y = σ(x) = 1 / (1 + exp(-x)).

    Formula: `dlframe/ops/exponential.py`, sigmoid.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Sigmoid()(dl.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        """σ(x)."""
        return F.sigmoid(input)


class Tanh(Module):
    """y = tanh x.

    Formula: `dlframe/ops/trigonometric.py`, tanh.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Tanh()(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Tanh x."""
        return F.tanh(input)


class Softplus(Module):
    """y = log(1 + exp(beta · x)) / beta, a smooth ReLU; y = x where beta · x > threshold.

    Formula: `dlframe/ops/activation.py`, softplus.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Softplus()(dl.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """log(1 + exp(beta · x)) / beta."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """yᵢ = exp xᵢ / Σⱼ exp xⱼ along `dim`: positive numbers with the sum 1.

    Formula: `dlframe/ops/networks.py`, softmax.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Softmax(dim=-1)(dl.tensor([0.0, 0.0]))
    tensor([0.5000, 0.5000])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Shares of the whole."""
        return F.softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """yᵢ = xᵢ - log Σⱼ exp xⱼ along `dim`: the logarithm of softmax, computed without overflow.

    Formula: `dlframe/ops/networks.py`, log_softmax.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.LogSoftmax(dim=-1)(dl.tensor([0.0, 0.0]))
    tensor([-0.6931, -0.6931])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Logarithms of shares."""
        return F.log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"
