"""Casting a module to another dtype, and reading the arguments of `Module.to`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.errors import DTypeError
from dlframe.nn.parameter import UninitializedTensorMixin
from dlframe.tensor import Tensor
from dlframe.tensor.devices import check_device, memory_format

if TYPE_CHECKING:
    from dlframe.nn.module import Module


def parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> np.dtype[Any] | None:
    """The dtype in the arguments of `Module.to`, or None if there is none."""
    unknown = set(kwargs) - {"device", "dtype", "tensor", "non_blocking", "copy", "memory_format"}
    if unknown:
        raise TypeError(f"to() got unexpected keyword arguments {sorted(unknown)}")
    dtype = None
    for value in (*args, kwargs.get("device"), kwargs.get("dtype"), kwargs.get("tensor")):
        if value is None or isinstance(value, (bool, memory_format)):  # a bool is non_blocking
            continue
        if isinstance(value, Tensor):
            dtype = value.array.dtype
        elif isinstance(value, np.dtype):
            dtype = value
        else:
            check_device(value)
    if dtype is not None and dtype.kind != "f":
        raise DTypeError(
            f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}; "
            "use .type() to cast everything"
        )
    return dtype


def cast_module(module: Module, dtype: np.dtype[Any], integers_too: bool = False) -> None:
    """Cast parameters, their gradients and buffers in place: each stays the same tensor object."""
    for tensor in (*module.parameters(), *module.buffers()):
        if isinstance(tensor, UninitializedTensorMixin):
            tensor.cast(dtype)
            continue
        for each in (tensor, tensor.grad):
            if each is not None and (integers_too or each.array.dtype.kind == "f"):
                each.array = each.array.astype(dtype, copy=False)
