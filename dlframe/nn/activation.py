"""Activations: smooth ones, sigmoids, and shrinkage. `rectifiers` and `softmax` have the others.

Each is applied to each element and keeps the shape.
"""

from __future__ import annotations

from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = [
    "GELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "LogSigmoid",
    "Mish",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
]


# --- smooth relatives of ReLU ------------------------------------------------------------------


class GELU(Module):
    """y = x · Φ(x), with Φ the normal distribution function; the derivative is Φ(x) + x φ(x).

    With `approximate="tanh"`: y = x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).

    The usual choice in transformers. It is smooth, falls to -0.17 at x = -0.75, and its units can
    recover from there; far below zero the gradient is 0. Hendrycks and Gimpel (2016).

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
    """y = x · σ(x), also called swish; the derivative is σ(x) (1 + x (1 - σ(x))).

    Similar to GELU and cheaper; usual in convolutional networks since EfficientNet. Elfwing,
    Uchibe and Doya (2018).

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


class Mish(Module):
    """y = x · tanh(s) with s = log(1 + exp x); the derivative is tanh s + x σ(x) (1 - tanh² s).

    Much like SiLU, a little steeper near zero; it costs three functions instead of one. Misra
    (2020).

    Formula: `dlframe/ops/activation.py`, mish.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Mish()(dl.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x · tanh(softplus(x))."""
        return F.mish(input, self.inplace)

    def extra_repr(self) -> str:
        """Whether it works in place."""
        return "inplace=True" if self.inplace else ""


class Hardswish(Module):
    """y = x · min(max(x + 3, 0), 6) / 6, an approximation of SiLU without exponentials.

    The derivative is 0 up to -3, (2x + 3)/6, and 1 from 3 on. For small devices. A unit whose
    input is below -3 for all samples is dead. Howard et al. (2019), MobileNetV3.

    Formula: `dlframe/ops/activation.py`, hardswish.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Hardswish()(dl.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.0000,  0.6667,  4.0000])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x · hardsigmoid(x)."""
        return F.hardswish(input, self.inplace)


class Softplus(Module):
    """y = log(1 + exp(beta · x)) / beta, a smooth ReLU; y = x where beta · x > threshold.

    The derivative is σ(beta · x). Always positive, so it suits outputs such as a variance or a
    rate. Between layers ReLU is cheaper and as good. Dugas et al. (2001).

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


# --- sigmoids: from one level to another -------------------------------------------------------


class Sigmoid(Module):
    """y = σ(x) = 1 / (1 + exp(-x)); the derivative is y (1 - y), at most 1/4.

    For probabilities and gates. Between layers it makes gradients vanish: each layer multiplies
    them by at most 1/4, by almost 0 where it saturates; and its outputs are all positive.

    Formula: `dlframe/ops/exponential.py`, sigmoid.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Sigmoid()(dl.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        """σ(x)."""
        return F.sigmoid(input)


class LogSigmoid(Module):
    """y = log σ(x) = -log(1 + exp(-x)); the derivative is σ(-x).

    A log-probability without overflow, for losses of one's own: it does not become log 0. Inputs
    that are clearly right get no gradient, wrong ones a gradient of 1.

    Formula: `dlframe/ops/activation.py`, log_sigmoid.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.LogSigmoid()(dl.tensor([-200.0, 0.0]))
    tensor([-200.0000,   -0.6931])
    """

    def forward(self, input: Tensor) -> Tensor:
        """log σ(x)."""
        return F.logsigmoid(input)


class Hardsigmoid(Module):
    """y = min(max(x + 3, 0), 6) / 6; the derivative is 1/6 for -3 < x < 3, else 0.

    A sigmoid of straight lines for gates on small devices. Outside of (-3, 3) there is no gradient
    at all. Courbariaux, Bengio and David (2015).

    Formula: `dlframe/ops/activation.py`, hardsigmoid.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Hardsigmoid()(dl.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x/6 + 1/2 between 0 and 1."""
        return F.hardsigmoid(input, self.inplace)


class Tanh(Module):
    """y = tanh x; the derivative is 1 - y².

    Centred at zero, with the slope 1 there; so it is better between layers than the sigmoid. Where
    |x| is large it saturates, and gradients vanish.

    Formula: `dlframe/ops/trigonometric.py`, tanh.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Tanh()(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Tanh x."""
        return F.tanh(input)


class Softsign(Module):
    """y = x / (1 + |x|); the derivative is 1 / (1 + |x|)².

    Like tanh, but it comes near to ±1 only like 1/|x|: units saturate more slowly, and gradients
    fade like 1/x² instead of exponentially. Glorot and Bengio (2010).

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Softsign()(dl.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x / (1 + |x|)."""
        return F.softsign(input)


# --- shrinkage: small inputs give zero, or little ----------------------------------------------


class Hardshrink(Module):
    """y = x where |x| > lambd, else 0; the derivative is 1, else 0.

    For sparse codes: it removes small values and leaves the others as they are. It jumps at
    ±lambd, which the gradient does not see. Donoho and Johnstone (1994).

    Formula: `dlframe/ops/activation.py`, hardshrink.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Hardshrink()(dl.tensor([-2.0, 0.3, 2.0]))
    tensor([-2.,  0.,  2.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """x, or 0 where it is small."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The width."""
        return str(self.lambd)


class Softshrink(Module):
    """y = sign(x) · max(|x| - lambd, 0); the derivative is 1 where |x| > lambd, else 0.

    The step of sparse coding with an L1 penalty: values move towards zero by lambd and stop there.
    Unlike `Hardshrink` it has no jump, but makes large values smaller, too. Donoho (1995).

    Formula: `dlframe/ops/activation.py`, softshrink.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Softshrink()(dl.tensor([-2.0, 0.3, 2.0]))
    tensor([-1.5000,  0.0000,  1.5000])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """x, nearer to zero."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """How much nearer."""
        return str(self.lambd)


class Tanhshrink(Module):
    """y = x - tanh x; the derivative is tanh² x.

    A smooth shrinkage for sparse codes: near zero y is about x³/3. There the gradient is almost 0,
    so between layers units near zero do not learn.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Tanhshrink()(dl.tensor([0.0, 2.0]))
    tensor([0.0000, 1.0360])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x - tanh x."""
        return F.tanhshrink(input)
