"""What NumPy's own functions do with tensors: differentiable, plain, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe import ops

_UFUNCS = {
    getattr(np, name): getattr(ops, name)
    for name in (
        "absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or bitwise_xor "
        "ceil cos cosh divide equal exp exp2 expm1 floor floor_divide fmod greater greater_equal isfinite isinf "
        "isnan left_shift less less_equal log log1p log2 log10 logaddexp logical_and logical_not logical_or "
        "logical_xor matmul maximum minimum multiply negative not_equal positive power reciprocal remainder "
        "right_shift rint sign signbit sin sinh sqrt square subtract tan tanh trunc"
    ).split()
}


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``ufunc(*inputs)`` with a tensor among the inputs."""
    function: Callable[..., Any] | None = _UFUNCS.get(ufunc)
    if function is None or method != "__call__" or kwargs:
        raise TypeError(f"np.{ufunc.__name__} is not supported on tensors")
    return function(*inputs)


def call_function(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``func(*args, **kwargs)`` with a tensor among the arguments."""
    function = getattr(ops, func.__name__, None)
    if function is None:
        raise TypeError(f"np.{func.__name__} is not supported on tensors")
    return function(*args, **kwargs)
