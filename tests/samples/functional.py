"""Short forms of rows for the functions of `nn.functional`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samples.table import Array, Call, ErrorSample


def custom(name: str, run: Callable[..., Any], inputs: tuple[Array, ...], order: int = 2) -> Call:
    """A call "function: what is special", written as run(lib, F, *tensors) with F = nn.functional."""
    function, _, note = name.partition(": ")
    return Call(
        f"nn.functional.{function}",
        inputs,
        note=note,
        run=lambda lib, *xs: run(lib, lib.nn.functional, *xs),
        order=order,
        dtypes=False,  # samples of the operations beneath try these
        variants=False,
        # beyond 1 / (x (1 - x)) few digits are lost
        tolerance=1e-9 if function == "binary_cross_entropy" else 1e-10,
    )


def of(name: str, case: str, *inputs: Array, order: int = 2, **options: Any) -> Call:
    """A function with tensors as its first arguments and plain options."""
    return custom(
        f"{name}: {case}", lambda lib, F, *xs: getattr(F, name)(*xs, **options), inputs, order
    )


def ints(lib: Any, values: Any) -> Any:
    return lib.tensor(np.asarray(values, np.int64))


def case(
    name: str, call: Callable[[Any, Any], Any], message: str, error: Any = ValueError, in_torch: bool = True
) -> ErrorSample:  # fmt: skip
    return ErrorSample(name, lambda lib: call(lib, lib.nn.functional), error, message, in_torch)
