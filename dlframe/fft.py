"""Frequencies and shifts of `torch.fft`; the transforms themselves have complex results.

There are no complex tensors, so `fft`, `rfft` and their kin do not exist. `np.fft.rfft(x.numpy())`
computes them, without gradient.

>>> dl.fft.fftshift(dl.fft.fftfreq(4))
tensor([-0.5000, -0.2500,  0.0000,  0.2500])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor
from dlframe.tensor.creation.constants import float_dtype
from dlframe.tensor.devices import check_placement
from dlframe.tensor.functions import roll

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of a discrete Fourier transform of `n` samples, `d` apart.

    0, 1, …, then the negative ones, all over n d.

    >>> dl.fft.fftfreq(5)
    tensor([ 0.0000,  0.2000,  0.4000, -0.4000, -0.2000])
    """
    check_placement(device, layout)
    return Tensor(np.fft.fftfreq(_count("fftfreq", n), d).astype(float_dtype(dtype)), requires_grad)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies that are not negative, as the transform of real numbers has them.

    >>> dl.fft.rfftfreq(5)
    tensor([0.0000, 0.2000, 0.4000])
    """
    check_placement(device, layout)
    found = np.fft.rfftfreq(_count("rfftfreq", n), d)
    return Tensor(found.astype(float_dtype(dtype)), requires_grad)


def _count(name: str, n: int) -> int:
    if n < 1:
        raise ArgumentError(f"{name}: n must be at least 1, got {n}")
    return n


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Move the frequency 0 to the middle, along `dim` or all dimensions.

    >>> dl.fft.fftshift(dl.tensor([0, 1, 2, -2, -1]))
    tensor([-2, -1,  0,  1,  2])
    """
    return _shifted(input, dim, 0)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Undo `fftshift`.

    >>> dl.fft.ifftshift(dl.tensor([-2, -1, 0, 1, 2]))
    tensor([ 0,  1,  2, -2, -1])
    """
    return _shifted(input, dim, 1)


def _shifted(input: Tensor, dim: Any, more: int) -> Tensor:
    """Rolled by half of each size, rounded up with `more`."""
    dims = tuple(range(input.ndim)) if dim is None else (dim,) if isinstance(dim, int) else dim
    return roll(input, [(input.shape[d] + more) // 2 for d in dims], dims)


def __getattr__(name: str) -> Any:
    if name.endswith(("fft", "fft2", "fftn")):
        raise AttributeError(
            f"dlframe.fft has no {name!r}, since there are no complex tensors; without gradient "
            f"use np.fft.{name} on x.detach().numpy()"
        )
    raise AttributeError(f"module 'dlframe.fft' has no attribute {name!r}")
