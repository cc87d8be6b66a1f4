"""Normalization of each sample by itself: over layers, groups, roots of squares, neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn import functional as F
from dlframe.nn import init
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, new_parameter
from dlframe.tensor import Tensor

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


class LayerNorm(Module):
    """y = (x - μ) / √(σ² + ε) · w + b, with μ and σ² (dividing by n) over the last dimensions.

    Shapes: (*, *normalized_shape) to the same; w and b of `normalized_shape` start as 1 and 0.
    Ba, Kiros and Hinton (2016), "Layer normalization".

    Args:
        normalized_shape: the sizes of the last dimensions, or one number for the last one.
        eps: added to the variance.
        elementwise_affine: whether there are w and b.
        bias: whether there is b.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.

    Formula: `dlframe/ops/normalization.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.LayerNorm(2, elementwise_affine=False)(dl.tensor([[1.0, 3.0], [0.0, 10.0]]))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if not hasattr(normalized_shape, "__iter__"):
            normalized_shape = (normalized_shape,)
        self.normalized_shape = tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = new_parameter(self.normalized_shape, dtype, device)
        self.register_parameter("weight", weight if elementwise_affine else None)
        shift = new_parameter(self.normalized_shape, dtype)
        self.register_parameter("bias", shift if elementwise_affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """The normalized input."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """y = x / √(mean of x² + ε) · w, the mean over the last dimensions.

    LayerNorm without its mean and its shift: cheaper, and about as good in transformers. It does
    not take a common offset away, and so keeps what it tells. Zhang and Sennrich (2019), "Root mean
    square layer normalization".

    Shapes: (*, *normalized_shape) to the same; w of `normalized_shape` starts as 1.

    Args:
        normalized_shape: the sizes of the last dimensions, or one number for the last one.
        eps: added to the mean of the squares; None for the precision of the input's dtype.
        elementwise_affine: whether there is w.
        device: None or `"cpu"`.
        dtype: of the parameter; by default the default dtype.

    Formula: `dlframe/ops/normalization.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.RMSNorm(4, elementwise_affine=False)(dl.tensor([3.0, 4.0, 0.0, 0.0]))
    tensor([1.2000, 1.6000, 0.0000, 0.0000])
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        self.normalized_shape = tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = new_parameter(self.normalized_shape, dtype, device)
        self.register_parameter("weight", weight if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """The normalized input."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(Module):
    """y = (x - μ) / √(σ² + ε) · w + b, with μ and σ² of each group of channels of each sample.

    It stands between LayerNorm (one group) and InstanceNorm (as many groups as channels). As it
    does not look at other samples, it works with batches of any size, where BatchNorm fails below
    about eight. With large batches BatchNorm is usually a little better. Wu and He (2018), "Group
    normalization".

    Shapes: (N, C, *) to the same, with C = `num_channels`; w and b are (C,), and start as 1 and 0.

    Args:
        num_groups: neighbouring channels are joined to so many groups.
        num_channels: C, which `num_groups` divides.
        eps: added to the variance.
        affine: whether there are w and b.
        device: None or `"cpu"`.
        dtype: of the parameters; by default the default dtype.
        bias: whether there is b, if `affine`.

    Formula: `dlframe/ops/normalization.py`, normalize.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.GroupNorm(2, 4, affine=False)(dl.tensor([[1.0, 3.0, 10.0, 50.0]]))
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ArgumentError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        weight = new_parameter((num_channels,), dtype, device)
        self.register_parameter("weight", weight if affine else None)
        shift = new_parameter((num_channels,), dtype)
        self.register_parameter("bias", shift if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """The normalized input."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """y_c = x_c / (k + α/n · Σ x²)^β, the sum over n neighbouring channels around c.

    Strong responses in neighbouring channels hold each other down. AlexNet had it; batch
    normalization has taken its place. Krizhevsky, Sutskever and Hinton (2012), "ImageNet
    classification with deep convolutional neural networks".

    Shapes: (N, C, *) to the same.

    Args:
        size: n.
        alpha: α.
        beta: β.
        k: k.

    Formula: `dlframe/ops/pooling.py`, sum_windows.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.LocalResponseNorm(3, alpha=3.0, beta=1.0)(dl.tensor([[[1.0], [2.0], [0.0]]]))
    tensor([[[0.1667],
             [0.3333],
             [0.0000]]])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """The input, held down by its neighbours."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """`LocalResponseNorm` for images: PyTorch's older name, with the same arguments.

    PyTorch's own adds the squares of the first channel to all sums, and its gradient is not that of
    its values; here both are right.

    Shapes: (N, C, H, W) to the same.

    Formula: `dlframe/ops/pooling.py`, sum_windows.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.CrossMapLRN2d(3)(dl.randn(2, 5, 4, 4)).shape
    (2, 5, 4, 4)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        """The input, held down by its neighbours."""
        if len(input.shape) != 4:
            raise ShapeError(
                f"CrossMapLRN2d: Expected input to be 4D, got {len(input.shape)}D instead."
            )
        return super().forward(input)
