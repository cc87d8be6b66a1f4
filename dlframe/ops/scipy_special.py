"""SciPy's special functions as forwards: imported on first use, in the dtype of their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__: list[str] = []


def from_scipy(name: str, meaning: str, *, scipy_name: str = "") -> Callable[..., Any]:
    """`scipy.special`'s function as the forward of an operation called `name`.

    scipy.special alone costs more to import than NumPy does, so that waits for the first call.
    """
    path = scipy_name or name

    def forward(*args: Any) -> Any:
        from scipy import special

        # what SciPy has in float64 only, or computes for float16 in float32, comes back as it went
        dtype = np.result_type(*args)
        return np.asarray(getattr(special, path)(*args)).astype(dtype, copy=False)

    forward.__name__, forward.__doc__ = name, meaning
    return forward
