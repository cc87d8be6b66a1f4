"""Activations that pass positive inputs on, and differ in what they do with the others."""

from __future__ import annotations

import warnings
from typing import Any

from dlframe.errors import ArgumentError
from dlframe.nn import functional as F
from dlframe.nn.init import constant_
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter
from dlframe.tensor import Tensor, creation

__all__ = [
    "CELU",
    "ELU",
    "SELU",
    "Hardtanh",
    "LeakyReLU",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "Threshold",
]


class ReLU(Module):
    """y = max(0, x), with the derivative 1 where x > 0, else 0.

    The usual choice: cheap, and gradients do not fade on their way through active units. A unit
    whose input is negative for all samples gets no gradient and stays dead; its outputs are never
    negative, so they are not centred at zero. Nair and Hinton (2010).

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
    """y = x where x > 0, else negative_slope · x; the derivative is 1, else negative_slope.

    Its units cannot die. Usual in discriminators, with a slope of 0.2. Maas, Hannun and Ng (2013).

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
        return f"negative_slope={self.negative_slope}" + _in_place(self.inplace)


class PReLU(Module):
    """y = x where x > 0, else w · x, where the slope w is learned.

    The derivatives are 1, else w, by x; and 0, else x, by w. With `num_parameters` = 1 the layer
    has one slope, otherwise one for each channel (dimension 1 of the input). Leave the weights
    out of weight decay, which would pull the slopes to 0. He, Zhang, Ren and Sun (2015).

    Formula: `dlframe/ops/activation.py`, prelu.

    Args:
        num_parameters: 1, or the number of channels.
        init: the first value of each slope.
        device: "cpu".
        dtype: of the weights.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.PReLU()(dl.tensor([-1.0, 2.0]))
    tensor([-0.2500,  2.0000], grad_fn=<PreluBackward0>)
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(creation.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All slopes as at the beginning."""
        constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """x, or w · x where x is negative."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """y = x where x > 0, else a · x; the derivative is 1, else a.

    In training each element that is not positive draws its own a from [lower, upper), which
    regularizes as dropout does; in evaluation a is the mean of both. Xu, Wang, Chen and Li (2015).

    Formula: `dlframe/ops/activation.py`, prelu.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.RReLU(0.1, 0.3).eval()(dl.tensor([-1.0, 2.0]))
    tensor([-0.2000,  2.0000])
    """

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or a · x where x is negative."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The ends."""
        return f"lower={self.lower}, upper={self.upper}" + _in_place(self.inplace)


class ELU(Module):
    """y = x where x > 0, else alpha · (exp x - 1); the derivative is 1, else alpha · exp x.

    Smooth for alpha = 1, and its mean output is nearer to zero than that of ReLU. Far below zero
    it saturates: the gradient fades there. Clevert, Unterthiner and Hochreiter (2016).

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
        return f"alpha={self.alpha}" + _in_place(self.inplace)


class CELU(Module):
    """y = x where x > 0, else alpha · (exp(x / alpha) - 1); derivative 1, else exp(x / alpha).

    ELU with a slope that is continuous at 0 for every alpha. Barron (2017).

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
        return f"alpha={self.alpha}" + _in_place(self.inplace)


class SELU(Module):
    """y = 1.0507 · (x where x > 0, else 1.6733 · (exp x - 1)).

    The derivative is 1.0507, else 1.7581 · exp x. With just these two numbers, layers of many
    inputs bring their outputs nearer to mean 0 and variance 1, so that deep networks without
    normalization neither fade nor explode. That holds for linear layers with weights of variance
    1 / inputs (`kaiming_normal_` with nonlinearity="linear") and `AlphaDropout` only. Klambauer,
    Unterthiner, Mayr and Hochreiter (2017).

    Formula: `dlframe/ops/activation.py`, selu.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.SELU()(dl.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Scaled ELU."""
        return F.selu(input, self.inplace)

    def extra_repr(self) -> str:
        """Whether it works in place."""
        return "inplace=True" if self.inplace else ""


class Hardtanh(Module):
    """y = x, but no less than min_val and no more than max_val; the derivative is 1 between them.

    A tanh of straight lines, cheap and exact in few bits. At both ends and outside the gradient is
    0: units that leave the interval for all samples stop learning. Collobert (2004).

    Formula: `dlframe/ops/activation.py`, hardtanh.

    Args:
        min_val: the lower end.
        max_val: the upper end.
        inplace: write into the input.
        min_value: the old name of `min_val`.
        max_value: the old name of `max_val`.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Hardtanh()(dl.tensor([-2.0, 0.5, 2.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        self.min_val = min_val if min_value is None else _renamed("min", min_value)
        self.max_val = max_val if max_value is None else _renamed("max", max_value)
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise ArgumentError(
                f"Hardtanh: max_val ({self.max_val}) must be greater than min_val ({self.min_val})"
            )

    def forward(self, input: Tensor) -> Tensor:
        """x within the ends."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """The ends."""
        return f"min_val={self.min_val}, max_val={self.max_val}" + _in_place(self.inplace)


class ReLU6(Hardtanh):
    """y = min(max(0, x), 6), with the derivative 1 for 0 < x < 6, else 0.

    ReLU for networks that will compute in few bits: its values have a known range. It can die, and
    it saturates above 6. Krizhevsky (2010); MobileNet, Howard et al. (2017).

    Formula: `dlframe/ops/activation.py`, hardtanh.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.ReLU6()(dl.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """Whether it works in place."""
        return "inplace=True" if self.inplace else ""


class Threshold(Module):
    """y = x where x > threshold, else `value`; the derivative is 1, else 0.

    With any other value than `threshold` it jumps, and gradients know nothing of a jump. For
    outputs that should be cut off rather than for hidden layers.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Threshold(0.1, 20.0)(dl.tensor([0.05, 2.0]))
    tensor([20.,  2.])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x above the threshold, else the value."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """Both numbers."""
        return f"threshold={self.threshold}, value={self.value}" + _in_place(self.inplace)


def _in_place(inplace: bool) -> str:
    """The end of the text of a layer."""
    return ", inplace=True" if inplace else ""


def _renamed(end: str, value: float) -> float:
    """The value of an argument that was given by its old name."""
    warnings.warn(
        f"keyword argument `{end}_value` is deprecated and renamed to `{end}_val`",
        FutureWarning,
        stacklevel=3,
    )
    return value
