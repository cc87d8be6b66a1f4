"""A layer and the batch norm after it as one layer, for evaluation.

In evaluation batch norm is y = (x - μ) / √(σ² + ε) · w + b with constants, one per channel. After
a convolution or a linear layer it only scales its weights and moves its bias.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from dlframe.errors import ArgumentError, ShapeError
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter
from dlframe.tensor import Tensor
from dlframe.tensor.creation import ones_like, zeros_like
from dlframe.tensor.functions import rsqrt

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
]

M = TypeVar("M", bound=Module)


class FusionError(ArgumentError, AssertionError):
    """Layers that cannot be fused; PyTorch raises an AssertionError."""


def _check(name: str, layer: Module, bn: Any) -> None:
    if layer.training or bn.training:
        raise FusionError(
            f"{name}: Fusion only for eval! While training, the statistics are those of the "
            "batch; call eval() on both first"
        )
    if bn.running_mean is None or bn.running_var is None:
        raise FusionError(
            f"{name}: bn.running_mean and bn.running_var must not be None: without running "
            "statistics batch norm is no constant scale"
        )


def fuse_conv_bn_eval(conv: M, bn: Module, transpose: bool = False) -> M:
    """A new convolution that computes `bn(conv(x))`, both in evaluation mode.

    Args:
        conv: a convolution.
        bn: the batch norm after it.
        transpose: whether `conv` is transposed, so that its weight counts outputs in dimension 1.

    Raises:
        ArgumentError: one is in training mode, or `bn` has no running statistics.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> conv, bn = nn.Conv2d(1, 2, 3).eval(), nn.BatchNorm2d(2).eval()
    >>> x = dl.randn(1, 1, 5, 5)
    >>> dl.allclose(nn.utils.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
    True
    """
    return _fused("fuse_conv_bn_eval", fuse_conv_bn_weights, conv, bn, transpose)


def _fused(name: str, fuse: Any, layer: M, bn: Any, *options: Any) -> M:
    _check(name, layer, bn)
    fused: Any = copy.deepcopy(layer)
    statistics = bn.running_mean, bn.running_var, bn.eps
    fused.weight, fused.bias = fuse(
        fused.weight, fused.bias, *statistics, bn.weight, bn.bias, *options
    )
    return fused  # type: ignore[no-any-return] # a copy of `layer`


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the fused convolution: W · s and (b - μ) s + b', with s = w / √(σ² + ε).

    Args:
        conv_w, conv_b: of the convolution.
        bn_rm, bn_rv, bn_eps: μ, σ² and ε of the batch norm.
        bn_w, bn_b: w and b' of the batch norm.
        transpose: whether dimension 1 of the weight counts the outputs.

    >>> from dlframe.nn.utils.fusion import fuse_conv_bn_weights
    >>> zeros, ones = dl.zeros(1), dl.ones(1)
    >>> weight, bias = fuse_conv_bn_weights(
    ...     dl.ones(1, 1, 2), None, bn_rm=ones, bn_rv=4 * ones, bn_eps=0.0, bn_w=ones, bn_b=zeros
    ... )
    >>> weight.tolist(), bias.tolist()
    ([[[0.5, 0.5]]], [-0.5])
    """
    conv_b = zeros_like(bn_rm) if conv_b is None else conv_b
    bn_w = ones_like(bn_rm) if bn_w is None else bn_w
    bn_b = zeros_like(bn_rm) if bn_b is None else bn_b
    scale = bn_w * rsqrt(bn_rv + bn_eps)
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    return _parameters(
        conv_w, conv_b, conv_w * scale.reshape(shape), (conv_b - bn_rm) * scale + bn_b
    )


def _parameters(w: Tensor, b: Tensor, new_w: Tensor, new_b: Tensor) -> tuple[Parameter, Parameter]:
    """The new values, in the dtype of the weight, and frozen where the old ones were."""
    return (
        Parameter(new_w.detach().to(w.dtype), w.requires_grad),
        Parameter(new_b.detach().to(b.dtype), b.requires_grad),
    )


def fuse_linear_bn_eval(linear: M, bn: Module) -> M:
    """A new linear layer that computes `bn(linear(x))`, both in evaluation mode.

    Raises:
        ArgumentError: one is in training mode, or `bn` has no running statistics.
        ShapeError: they have different numbers of features.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> linear, bn = nn.Linear(3, 2).eval(), nn.BatchNorm1d(2).eval()
    >>> x = dl.randn(4, 3)
    >>> dl.allclose(nn.utils.fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)), atol=1e-6)
    True
    """
    outputs, features = linear.weight.shape[0], bn.num_features  # type: ignore[attr-defined] # a Linear, a batch norm
    if features not in (outputs, 1):
        raise FusionShapeError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={outputs} and bn.num_features={features}"
        )
    return _fused("fuse_linear_bn_eval", fuse_linear_bn_weights, linear, bn)


class FusionShapeError(FusionError, ShapeError):
    """Layers of different sizes."""


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the fused linear layer, as `fuse_conv_bn_weights`.

    A batch norm of one feature scales all outputs alike.

    >>> from dlframe.nn.utils.fusion import fuse_linear_bn_weights
    >>> zeros, ones = dl.zeros(1), dl.ones(1)
    >>> weight, bias = fuse_linear_bn_weights(
    ...     dl.ones(1, 2), ones, bn_rm=zeros, bn_rv=4 * ones, bn_eps=0.0, bn_w=ones, bn_b=ones
    ... )
    >>> weight.tolist(), bias.tolist()
    ([[0.5, 0.5]], [1.5])
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
