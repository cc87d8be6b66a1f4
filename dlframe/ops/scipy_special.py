"""Makes forwards of SciPy's special functions, which keep the dtype of their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.errors import needs

__all__: list[str] = []


def from_scipy(name: str, meaning: str, *, scipy_name: str = "") -> Callable[..., Any]:
    """`scipy.special`'s function as the forward of an operation called `name`.

    It is imported at the first call, since importing scipy.special takes longer than NumPy.
    """
    path = scipy_name or name

    def forward(*args: Any) -> Any:
        with needs("scipy"):
            from scipy import special

        # SciPy computes some functions only in float64, and float16 in float32: convert back
        dtype = np.result_type(*args)
        return np.asarray(getattr(special, path)(*args)).astype(dtype, copy=False)

    forward.__name__, forward.__doc__ = name, meaning
    return forward
