"""Initial values of parameters: each function fills a tensor in place and returns it.

With the same seed the numbers are those of `torch.nn.init`; normal ones are equal to rounding.

>>> import dlframe as dl
>>> from dlframe import nn
>>> weight = dl.empty(3, 5)
>>> nn.init.xavier_uniform_(weight) is weight
True
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

import numpy as np

from dlframe.autograd import mark_mutated
from dlframe.base.lazily import tell_missing
from dlframe.random import Generator, or_default
from dlframe.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

P = ParamSpec("P")
T = TypeVar("T", bound=Tensor)

_LINEAR = (
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor for the weights before `nonlinearity` that keeps the size of activations.

    =====================================  ====================
    linear, identity, conv, sigmoid        1
    tanh                                   5/3
    relu                                   √2
    leaky_relu with slope a = `param`      √(2 / (1 + a²))
    selu                                   3/4
    =====================================  ====================

    >>> calculate_gain("leaky_relu", 0.2)
    1.386...
    """
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3 / 4  # found by experiment, see https://github.com/pytorch/pytorch/pull/50664
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


# --- filling -----------------------------------------------------------------------------------


_leaves_out: ContextVar[bool] = ContextVar("leaves_out", default=False)


@contextmanager
def left_out() -> Iterator[None]:
    """A context in which nothing is filled or drawn, for `nn.utils.skip_init`."""
    token = _leaves_out.set(True)
    try:
        yield
    finally:
        _leaves_out.reset(token)


def _fill(tensor: T, values: np.ndarray | float, name: str) -> T:
    if not _leaves_out.get():
        tensor.array[...] = values
    mark_mutated(tensor.array, name)
    return tensor


def _memory_order(array: np.ndarray) -> np.ndarray:
    """A view of `array` whose axes are in the order of its memory: PyTorch fills along it."""
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return array.transpose(order)


def _draw_uniform(array: np.ndarray, low: float, high: float, generator: Generator | None) -> None:
    if _leaves_out.get():
        return
    view = _memory_order(array)
    view[...] = or_default(generator).uniform(view.shape, array.dtype, low=low, high=high)


def _draw_normal(array: np.ndarray, mean: float, std: float, generator: Generator | None) -> None:
    if _leaves_out.get():
        return
    view, source = _memory_order(array), or_default(generator)
    # PyTorch makes normals in blocks only where they lie in memory without gaps
    draw = source.normal if array.flags.c_contiguous else source.normal_by_pairs
    view[...] = draw(view.shape, array.dtype, mean=mean, std=std)


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> T:
    """Uniform on [a, b).

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> uniform_(dl.empty(2))
    tensor([0.4963, 0.7682])
    """
    _draw_uniform(tensor.array, a, b, generator)
    mark_mutated(tensor.array, "init.uniform_")
    return tensor


def normal_(
    tensor: T, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> T:
    """Normal with that mean and standard deviation.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> normal_(dl.empty(2), mean=5.0, std=0.1)
    tensor([5.1541, 4.9707])
    """
    _draw_normal(tensor.array, mean, std, generator)
    mark_mutated(tensor.array, "init.normal_")
    return tensor


def trunc_normal_(
    tensor: T,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> T:
    """Normal; values outside [a, b] are drawn again.

    `a` and `b` are values, not numbers of standard deviations. If less than 30 % of the normal
    distribution lies between them, uniform values are drawn instead, and kept with a probability
    proportional to the normal density (rejection sampling), as PyTorch does.

    >>> import dlframe as dl
    >>> w = trunc_normal_(dl.empty(1000), std=0.02, a=-0.04, b=0.04)
    >>> float(abs(w).max()) <= 0.04
    True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    share = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    if share > 0.3:
        _redraw_outside(tensor.array, mean, std, a, b, generator)
    else:
        _accept_uniforms(tensor.array, mean, std, a, b, generator)
    mark_mutated(tensor.array, "init.trunc_normal_")
    return tensor


def _normal_cdf(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _redraw_outside(
    array: np.ndarray, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> None:
    low, high = array.dtype.type(a), array.dtype.type(b)
    _draw_normal(array, mean, std, generator)
    fresh = np.empty_like(array)
    while (outside := (array < low) | (array > high)).any():
        # a number for each element, used or not, as in PyTorch, so that the streams stay equal
        _draw_normal(fresh, mean, std, generator)
        np.copyto(array, fresh, where=outside)


def _accept_uniforms(
    array: np.ndarray, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> None:
    mode = max(a, min(mean, b))  # the place between a and b with the highest density
    log_peak = -0.5 * ((mode - mean) / std) ** 2
    candidates, chance = np.empty_like(array), np.empty_like(array)
    pending = np.ones(array.shape, dtype=bool)
    while pending.any():
        _draw_uniform(candidates, a, b, generator)
        np.copyto(array, candidates, where=pending)
        _draw_uniform(chance, 0.0, 1.0, generator)
        log_density = -0.5 * ((candidates - mean) / std) ** 2 - log_peak
        with np.errstate(divide="ignore"):  # log 0 = -inf is accepted
            pending &= np.log(chance) > log_density


def constant_(tensor: T, val: float) -> T:
    """All elements are `val`.

    >>> import dlframe as dl
    >>> constant_(dl.empty(2), 0.3)
    tensor([0.3000, 0.3000])
    """
    return _fill(tensor, val, "init.constant_")


def ones_(tensor: T) -> T:
    """All elements are 1.

    >>> import dlframe as dl
    >>> ones_(dl.empty(2))
    tensor([1., 1.])
    """
    return _fill(tensor, 1, "init.ones_")


def zeros_(tensor: T) -> T:
    """All elements are 0.

    >>> import dlframe as dl
    >>> zeros_(dl.empty(2))
    tensor([0., 0.])
    """
    return _fill(tensor, 0, "init.zeros_")


def _check_matrix(tensor: Tensor) -> None:
    if tensor.array.ndim != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got shape {tensor.shape}")


def eye_(tensor: T) -> T:
    """The identity matrix: ones on the diagonal of a tensor with two dimensions, zeros elsewhere.

    >>> import dlframe as dl
    >>> eye_(dl.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    _check_matrix(tensor)
    return _fill(tensor, np.eye(*tensor.array.shape), "init.eye_")


def dirac_(tensor: T, groups: int = 1) -> T:
    """The convolution that returns its input: channel i of the output is channel i of the input.

    For weights of shape (out, in / groups, *kernel) with one to three kernel dimensions; each group
    keeps as many channels as it can.

    >>> import dlframe as dl
    >>> dirac_(dl.empty(1, 1, 3))
    tensor([[[0., 1., 0.]]])
    """
    if tensor.array.ndim not in (3, 4, 5):
        raise ValueError(
            f"Only tensors with 3, 4, or 5 dimensions are supported, got shape {tensor.shape}"
        )
    out_channels, in_channels, *kernel = tensor.array.shape
    if out_channels % groups:
        raise ValueError(f"dim 0 must be divisible by groups, got {out_channels} and {groups}")
    values = np.zeros_like(tensor.array)
    centre = tuple(size // 2 for size in kernel)
    per_group = out_channels // groups
    for group in range(groups):
        for channel in range(min(per_group, in_channels)):
            values[(group * per_group + channel, channel, *centre)] = 1
    return _fill(tensor, values, "init.dirac_")


# --- scaled by fan -----------------------------------------------------------------------------


# PyTorch's names, since the `reset_parameters` of published layers call them


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """The number of inputs of each output, and the number of outputs of each input."""
    shape = tensor.array.shape
    if len(shape) < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, "
            f"got shape {shape}"
        )
    receptive_field = math.prod(shape[2:])
    return shape[1] * receptive_field, shape[0] * receptive_field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Uniform on (-a, a) with a = gain · √(6 / (fan_in + fan_out)).

    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", equation 16.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> xavier_uniform_(dl.empty(1, 2))
    tensor([[-0.0106,  0.7587]])
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(fan_in + fan_out)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Normal with mean 0 and std = gain · √(2 / (fan_in + fan_out)); Glorot and Bengio (2010).

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> xavier_normal_(dl.empty(1, 2))
    tensor([[ 1.2582, -0.2396]])
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Uniform on (-b, b) with b = gain · √(3 / fan), the gain being that of `nonlinearity`.

    `a` is the slope of the leaky ReLU that follows. `mode` chooses whose variance is kept: that of
    the values ("fan_in") or that of the gradients ("fan_out").
    He et al. (2015), "Delving deep into rectifiers", section 2.2.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> kaiming_uniform_(dl.empty(1, 2), nonlinearity="relu")
    tensor([[-0.0130,  0.9291]])
    """
    if 0 in tensor.array.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Normal with mean 0 and std = gain / √fan; the arguments are those of `kaiming_uniform_`.

    >>> import dlframe as dl
    >>> _ = dl.manual_seed(0)
    >>> kaiming_normal_(dl.empty(1, 2), nonlinearity="relu")
    tensor([[ 1.5410, -0.2934]])
    """
    if 0 in tensor.array.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: T, gain: float = 1, generator: Generator | None = None) -> T:
    """A matrix with orthonormal rows or columns (whichever are fewer), times `gain`.

    More than two dimensions are read as (first, all others). From the QR decomposition of a normal
    matrix, the signs chosen such that all orthogonal matrices are equally likely.
    Saxe et al. (2013), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks"; signs: Mezzadri (2007), arXiv:math-ph/0609050.

    >>> import dlframe as dl
    >>> w = orthogonal_(dl.empty(2, 3))
    >>> dl.allclose(w @ w.T, dl.eye(2), atol=1e-6)
    True
    """
    array = tensor.array
    if array.ndim < 2:
        raise ValueError(
            f"Only tensors with 2 or more dimensions are supported, got shape {array.shape}"
        )
    if array.size == 0:
        return tensor
    matrix = np.empty((array.shape[0], array.size // array.shape[0]), dtype=array.dtype)
    _draw_normal(matrix, 0.0, 1.0, generator)
    wide = matrix.shape[0] < matrix.shape[1]
    q, r = np.linalg.qr(matrix.T if wide else matrix)
    q = q * np.sign(np.diagonal(r))
    values = (q.T if wide else q).reshape(array.shape)
    return _fill(tensor, values * array.dtype.type(gain), "init.orthogonal_")


def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> T:
    """Normal with mean 0, and in each column a share `sparsity` of the rows set to zero.

    Martens (2010), "Deep learning via Hessian-free optimization". As in PyTorch, `generator`
    draws the values, and the default generator the rows.

    >>> import dlframe as dl
    >>> w = sparse_(dl.empty(10, 4), sparsity=0.5)
    >>> (w == 0).sum(dim=0)
    tensor([5, 5, 5, 5])
    """
    _check_matrix(tensor)
    rows, columns = tensor.array.shape
    zeros = math.ceil(sparsity * rows)
    normal_(tensor, 0.0, std, generator)
    for column in range(columns):
        tensor.array[or_default(None).randperm(rows)[:zeros], column] = 0
    return tensor


# --- old names ---------------------------------------------------------------------------------


def _deprecated(function: Callable[P, T]) -> Callable[P, T]:
    """The function under its old name, without the underscore: it warns."""
    name = function.__name__

    @functools.wraps(function)
    def old(*args: P.args, **kwargs: P.kwargs) -> T:
        warnings.warn(
            f"`nn.init.{name[:-1]}` is now deprecated in favor of `nn.init.{name}`.",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    old.__name__ = old.__qualname__ = name[:-1]
    old.__doc__ = f"The old name of `{name}`."
    return old


constant = _deprecated(constant_)
dirac = _deprecated(dirac_)
eye = _deprecated(eye_)
kaiming_normal = _deprecated(kaiming_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
normal = _deprecated(normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
uniform = _deprecated(uniform_)
xavier_normal = _deprecated(xavier_normal_)
xavier_uniform = _deprecated(xavier_uniform_)


tell_missing(__name__)
