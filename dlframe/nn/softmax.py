"""Activations of several elements at once: softmax and its relatives, and gates."""

from __future__ import annotations

from dlframe.errors import ShapeError
from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = ["GLU", "LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class Softmax(Module):
    """yᵢ = exp xᵢ / Σⱼ exp xⱼ along `dim`: positive numbers with the sum 1.

    The derivatives are ∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ - yⱼ), all near 0 where one score is far above the
    others. Do not put it before `CrossEntropyLoss`, which contains it. Bridle (1990).

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


class Softmin(Module):
    """yᵢ = exp(-xᵢ) / Σⱼ exp(-xⱼ) along `dim`: softmax of -x, so the smallest gets the most.

    For distances and energies, where less is better. The derivatives are yᵢ (yⱼ - δᵢⱼ).

    Formula: `dlframe/ops/networks.py`, softmax.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Softmin(dim=-1)(dl.tensor([0.0, 1.0]))
    tensor([0.7311, 0.2689])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Shares of the whole."""
        return F.softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class Softmax2d(Module):
    """Softmax over the channels of images, at each place: (N, C, H, W) or (C, H, W).

    For a class at each pixel. As `Softmax(dim=-3)`, but other shapes raise.

    Formula: `dlframe/ops/networks.py`, softmax.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.Softmax2d()(dl.zeros(2, 1, 3))
    tensor([[[0.5000, 0.5000, 0.5000]],
    <BLANKLINE>
            [[0.5000, 0.5000, 0.5000]]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Shares of the whole, over channels."""
        if input.ndim not in (3, 4):
            raise ShapeError(
                "Softmax2d: expected input to be 3D (C, H, W) or 4D (N, C, H, W), got "
                f"{list(input.shape)}; for other shapes use Softmax(dim)"
            )
        return F.softmax(input, -3, _stacklevel=5)


class LogSoftmax(Module):
    """yᵢ = xᵢ - log Σⱼ exp xⱼ along `dim`: the logarithm of softmax, computed without overflow.

    The derivatives are ∂yᵢ/∂xⱼ = δᵢⱼ - exp yⱼ, which do not vanish. Followed by `NLLLoss` it is
    `CrossEntropyLoss`.

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


class GLU(Module):
    """y = a · σ(b), where a and b are the two halves of the input along `dim`.

    A linear path with a gate: ∂y/∂a = σ(b) and ∂y/∂b = a σ(b) (1 - σ(b)). The path through a has
    no nonlinearity of its own, so gradients fade less than through tanh; a gate far from zero gets
    none. The layer before it must give twice the features. Dauphin, Fan, Auli and Grangier (2017).

    Formula: `dlframe/ops/activation.py`, glu.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.GLU()(dl.tensor([3.0, 4.0, 0.0, 100.0]))
    tensor([1.5000, 4.0000])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """One half, times the sigmoid of the other."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"
