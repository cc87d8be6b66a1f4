"""What adds up many numbers: reductions, gradients that are sums, and scans.

tests/ops/test_sums.py compares float32 with float64, and tests/oracle/test_sums.py the errors with
PyTorch's. `lib` is dlframe or torch, `x` a tensor of it, and `dim` dimensions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

REDUCTIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sum": lambda lib, x, dim: x.sum(dim),
    "mean": lambda lib, x, dim: x.mean(dim),
    "nansum": lambda lib, x, dim: x.nansum(dim),
    "nanmean": lambda lib, x, dim: x.nanmean(dim),
    "var": lambda lib, x, dim: x.var(dim),
    "std": lambda lib, x, dim: x.std(dim),
    "var_mean": lambda lib, x, dim: lib.var_mean(x, dim)[1],
    "logsumexp": lambda lib, x, dim: x.logsumexp(dim),
    "norm": lambda lib, x, dim: x.norm(2, dim),
    "norm 1": lambda lib, x, dim: x.norm(p=1, dim=dim),
    "norm 3": lambda lib, x, dim: x.norm(p=3, dim=dim),
    "vector_norm": lambda lib, x, dim: lib.linalg.vector_norm(x, dim=dim),
}


def _gradient(shape: Any, program: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The gradient of a parameter of ones in `program(lib, x, parameter)`."""

    def run(lib: Any, x: Any) -> Any:
        p = lib.ones(shape(x), dtype=x.dtype, requires_grad=True)
        program(lib, x, p).backward()
        return p.grad

    return run


def _width(x: Any) -> tuple[int, ...]:
    return (x.shape[1],)


def _linear(lib: Any, x: Any, b: Any) -> Any:
    return (lib.nn.functional.linear(x, lib.eye(x.shape[1], dtype=x.dtype), b) * x).sum()


def _convolution(lib: Any, x: Any, b: Any) -> Any:
    image = x.t()[None, :, :, None]
    kernels = lib.eye(len(b), dtype=x.dtype)[:, :, None, None]
    return (lib.nn.functional.conv2d(image, kernels, b) * image).sum()


def _batch_norm(lib: Any, x: Any, w: Any = None, b: Any = None) -> Any:
    return lib.nn.functional.batch_norm(x, None, None, w, b, training=True)


# of rows (n, w); the results are sums over the rows, or are made of such sums
OF_ROWS: dict[str, Callable[[Any, Any], Any]] = {
    "einsum": lambda lib, x: lib.einsum("ij->j", x),
    "trapezoid": lambda lib, x: lib.trapezoid(x, dim=0),
    "softmax": lambda lib, x: x.softmax(0),
    "log_softmax": lambda lib, x: x.log_softmax(0),
    "batch_norm": _batch_norm,
    "batch_norm of images": lambda lib, x: _batch_norm(lib, x.t()[None]),
    "gradient of a factor": _gradient(_width, lambda lib, x, p: (x * p).sum()),
    "gradient of a term": _gradient(_width, lambda lib, x, p: ((x + p) * x).sum()),
    "gradient of one number": _gradient(lambda x: (1, 1), lambda lib, x, p: (x * p).sum()),
    "gradient of a column": _gradient(
        lambda x: (x.shape[0], 1), lambda lib, x, p: (x * p).sum().log()
    ),
    "gradient of expand": _gradient(_width, lambda lib, x, p: (p.expand(x.shape) * x).sum()),
    "gradient of repeat": _gradient(
        _width, lambda lib, x, p: (p.repeat(x.shape[0]) * x.reshape(-1)).sum()
    ),
    "gradient of a linear bias": _gradient(_width, _linear),
    "gradient of a bias of channels": _gradient(_width, _convolution),
    "gradient of a batch_norm weight": _gradient(
        _width, lambda lib, x, p: (_batch_norm(lib, x, p) * x).sum()
    ),
    "gradient of a batch_norm bias": _gradient(
        _width, lambda lib, x, p: (_batch_norm(lib, x, None, p) * x).sum()
    ),
    "gradient of a layer_norm bias": _gradient(
        _width,
        lambda lib, x, p: (lib.nn.functional.layer_norm(x, _width(x), None, p) * x).sum(),
    ),
    "mean squared error": lambda lib, x: lib.nn.functional.mse_loss(x, x * 0),
    "mean absolute error": lambda lib, x: lib.nn.functional.l1_loss(x, x * 0),
    "cross_entropy": lambda lib, x: lib.nn.functional.cross_entropy(x.t(), x[0].long()),
}

# along a dimension; float32 is carried in float64, so that only the results are rounded
SCANS: dict[str, Callable[[Any, Any, int], Any]] = {
    "cumsum": lambda lib, x, dim: x.cumsum(dim),
    "cumprod": lambda lib, x, dim: _near_one(x).cumprod(dim),
    "logcumsumexp": lambda lib, x, dim: x.logcumsumexp(dim),
    "cumulative_trapezoid": lambda lib, x, dim: lib.cumulative_trapezoid(x, dim=dim),
}

GRADIENTS_OF_SCANS = {
    "cumsum": lambda lib, x, dim: x.cumsum(dim),
    "cumprod": lambda lib, x, dim: (x - x.detach() + _near_one(x.detach())).cumprod(dim),
    "logcumsumexp": lambda lib, x, dim: x.logcumsumexp(dim),
}


def _near_one(x: Any) -> Any:
    return (1 + (x.float() - 0.5) / 4096).to(x.dtype)


def gradient_of_scan(name: str, lib: Any, x: Any, dim: int) -> Any:
    p = x.detach().clone().requires_grad_(True)
    GRADIENTS_OF_SCANS[name](lib, p, dim).sum().backward()
    return p.grad


def layouts(make: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Iterator[Array]:
    """Arrays of one shape in memory of every kind, from `make(shape)`, which is in C order."""
    axes = range(len(shape))
    for order in itertools.permutations(axes):
        yield make(tuple(shape[i] for i in order)).transpose([order.index(i) for i in axes])
    yield make(tuple(2 * n for n in shape))[(slice(None, None, 2),) * len(shape)]
    yield make(shape)[(slice(None, None, -1),) * len(shape)]
    yield make(shape)[::-1]
    yield make(tuple(n + 3 for n in shape))[(slice(1, -2),) * len(shape)]
    for i in axes:
        yield np.broadcast_to(make((*shape[:i], 1, *shape[i + 1 :])), shape)
    yield np.broadcast_to(make((1,) * len(shape)), shape)


def equal_numbers(shape: tuple[int, ...]) -> Array:
    """Rounding errors of these all go the same way."""
    return np.full(shape, 0.1, np.float32)


def numbers(shape: tuple[int, ...]) -> Array:
    return np.random.default_rng(0).random(shape, np.float32)


def error(out: Any, right: Any) -> float:
    """The largest error, as a share of the largest number."""
    out, right = (np.asarray(v.detach(), np.float64) for v in (out, right))
    assert out.shape == right.shape
    return float(np.abs(out - right).max() / np.abs(right).max()) if out.size else 0.0
