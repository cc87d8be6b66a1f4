"""Making gradients shorter, so that one bad batch does not throw the weights far away."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np

from dlframe.autograd import mark_mutated_many
from dlframe.errors import GradientError
from dlframe.ops.record import Array
from dlframe.ops.sums import dot
from dlframe.tensor import Tensor

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]

Tensors = Tensor | Iterable[Tensor]


def _as_list(tensors: Tensors) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        return [tensors]
    if hasattr(tensors, "named_parameters"):
        raise TypeError(f"expected tensors, got one {type(tensors).__name__}; pass .parameters()")
    listed = list(tensors)
    if not listed and isinstance(tensors, Generator):
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3
        )
    return listed


def _gradients(parameters: Iterable[Tensor]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The p-norm of all elements of all tensors, as if they were one long vector.

    `foreach` is accepted for PyTorch's sake. Raises GradientError for a norm of ∞ or NaN if
    `error_if_nonfinite`.

    >>> import dlframe as dl
    >>> get_total_norm([dl.tensor([3.0]), dl.tensor([4.0])])
    tensor(5.)
    """
    arrays = [tensor.array.reshape(-1) for tensor in _as_list(tensors)]
    if not arrays:
        return Tensor(np.zeros((), dtype=np.float32))
    with np.errstate(all="ignore"):  # a norm may be infinite
        norms = np.array([_norm(array, norm_type) for array in arrays], arrays[0].dtype)
        total = np.asarray(np.linalg.norm(norms, norm_type), dtype=norms.dtype)
    if error_if_nonfinite and not np.isfinite(total):
        raise GradientError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped. Look for the parameter whose gradient is not finite, or set "
            "`error_if_nonfinite=False` to scale by that norm anyway."
        )
    return Tensor(total)


def _norm(x: Array, norm_type: float) -> Any:
    x = np.ascontiguousarray(x)
    return np.sqrt(dot(x, x)) if norm_type == 2 else np.linalg.norm(x, norm_type)


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply the gradients by max_norm / (total_norm + 10⁻⁶), but never make them longer.

    A norm that is not finite makes the gradients zero or NaN, as in PyTorch: none stays unclipped.

    >>> p = nn.Parameter(dl.zeros(2))
    >>> p.grad = dl.tensor([3.0, 4.0])
    >>> nn.utils.clip_grads_with_norm_([p], 1.0, nn.utils.get_total_norm([p.grad]))
    >>> p.grad
    tensor([0.6000, 0.8000])
    """
    gradients = _gradients(_as_list(parameters))
    factor = float(max_norm) / (float(total_norm.array) + 1e-6)
    if factor >= 1.0:
        return
    with np.errstate(invalid="ignore"):  # ∞ times 0 is NaN
        for gradient in gradients:
            gradient.array *= factor
    mark_mutated_many([gradient.array for gradient in gradients], "clip_grad_norm_")


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Shorten the gradients, as one long vector, to the norm `max_norm`; return the norm before.

    The usual place is between `loss.backward()` and `optimizer.step()`. If one element is NaN, the
    norm is, and then all gradients become NaN; `error_if_nonfinite` raises GradientError instead.
    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks".

    >>> import dlframe as dl
    >>> x = dl.tensor([0.0, 0.0], requires_grad=True)
    >>> (x * dl.tensor([3.0, 4.0])).sum().backward()
    >>> clip_grad_norm_([x], max_norm=1.0)
    tensor(5.)
    >>> x.grad
    tensor([0.6000, 0.8000])
    """
    parameters = _as_list(parameters)
    total_norm = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total_norm)
    return total_norm


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The former name of `clip_grad_norm_`, with a FutureWarning."""
    warnings.warn(
        "`nn.utils.clip_grad_norm` is now deprecated in favor of `nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of the gradients to [-clip_value, clip_value].

    >>> import dlframe as dl
    >>> x = dl.tensor([0.0, 0.0], requires_grad=True)
    >>> (x * dl.tensor([3.0, -0.5])).sum().backward()
    >>> clip_grad_value_([x], 1.0)
    >>> x.grad
    tensor([ 1.0000, -0.5000])
    """
    gradients = [gradient.array for gradient in _gradients(_as_list(parameters))]
    for array in gradients:
        np.clip(array, -float(clip_value), float(clip_value), out=array)
    mark_mutated_many(gradients, "clip_grad_value_")
