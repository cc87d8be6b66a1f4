"""Settings of PyTorch that have only one value here.

A setting is accepted if dlframe does what it asks for, and refused otherwise.
"""

from __future__ import annotations

from typing import Any

from dlframe.base import blas, threads
from dlframe.dtypes import set_default_dtype
from dlframe.errors import ArgumentError
from dlframe.ops.record import TensorBase
from dlframe.tensor.devices import CPU, check_device, device
from dlframe.tensor.storage import UntypedStorage
from dlframe.tensor.types import named_dtype, type_name

__all__ = [
    "are_deterministic_algorithms_enabled",
    "compile",
    "get_default_device",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_num_threads",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_storage",
    "is_warn_always_enabled",
    "set_default_device",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_num_threads",
    "set_warn_always",
    "typename",
    "use_deterministic_algorithms",
]


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
    recompile_limit: int | None = None,
) -> Any:
    """Return the model or function itself, since there is no compiler; a decorator, too.

    >>> import dlframe as dl
    >>> @dl.compile
    ... def double(x):
    ...     return 2 * x
    >>> double(dl.ones(2))
    tensor([2., 2.])
    """
    return (lambda function: function) if model is None else model


# --- the same numbers each time ----------------------------------------------------------------


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Do nothing: the same program gives the same numbers with any setting.

    >>> import dlframe as dl
    >>> dl.use_deterministic_algorithms(True)
    """


def are_deterministic_algorithms_enabled() -> bool:
    """Always True, since all algorithms are deterministic.

    >>> import dlframe as dl
    >>> dl.are_deterministic_algorithms_enabled()
    True
    """
    return True


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Always False, since there is nothing to warn about.

    >>> import dlframe as dl
    >>> dl.is_deterministic_algorithms_warn_only_enabled()
    False
    """
    return False


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Do nothing, as `use_deterministic_algorithms`.

    Raises:
        ArgumentError: `debug_mode` is not "default", "warn", "error" or their numbers 0, 1, 2.

    >>> import dlframe as dl
    >>> dl.set_deterministic_debug_mode("warn")
    """
    if debug_mode not in (0, 1, 2, "default", "warn", "error"):
        raise ArgumentError(
            "set_deterministic_debug_mode: invalid value of debug_mode, expected 0, 1, 2, "
            f"'default', 'warn' or 'error', but got {debug_mode!r}"
        )


def get_deterministic_debug_mode() -> int:
    """Always 2, "error": nothing that is not deterministic ever runs.

    >>> import dlframe as dl
    >>> dl.get_deterministic_debug_mode()
    2
    """
    return 2


def set_float32_matmul_precision(precision: str) -> None:
    """Do nothing: products of float32 are computed in float32 with any setting.

    Raises:
        ArgumentError: `precision` is not "highest", "high" or "medium".

    >>> import dlframe as dl
    >>> dl.set_float32_matmul_precision("high")
    """
    if precision not in ("highest", "high", "medium"):
        raise ArgumentError(
            f"set_float32_matmul_precision: 'highest', 'high' or 'medium', got {precision!r}"
        )


def get_float32_matmul_precision() -> str:
    """Always "highest", also after a lower precision was allowed.

    >>> import dlframe as dl
    >>> dl.get_float32_matmul_precision()
    'highest'
    """
    return "highest"


def set_flush_denormal(mode: bool) -> bool:
    """Whether the setting is possible: only False is, since NumPy computes with denormal numbers.

    >>> import dlframe as dl
    >>> dl.set_flush_denormal(True)
    False
    """
    return not mode


# --- warnings ----------------------------------------------------------------------------------


def set_warn_always(b: bool, /) -> None:
    """Do nothing: Python's filters decide how often a warning is shown.

    >>> import dlframe as dl
    >>> dl.set_warn_always(True)
    """


def is_warn_always_enabled() -> bool:
    """Always False: Python's filters decide how often a warning is shown.

    >>> import dlframe as dl
    >>> dl.is_warn_always_enabled()
    False
    """
    return False


# --- where and as what tensors are made --------------------------------------------------------


def set_default_device(device: Any) -> None:
    """Do nothing for the CPU; refuse any other device.

    >>> import dlframe as dl
    >>> dl.set_default_device("cpu")
    """
    check_device(device)


def get_default_device() -> device:
    """The device on which tensors are made, which is the CPU.

    >>> import dlframe as dl
    >>> dl.get_default_device()
    device(type='cpu')
    """
    return CPU


def set_default_tensor_type(t: Any) -> None:
    """`set_default_dtype` by PyTorch's old names: `"torch.DoubleTensor"`, `dl.FloatTensor`.

    >>> import dlframe as dl
    >>> dl.set_default_tensor_type(dl.FloatTensor)
    """
    set_default_dtype(named_dtype(t))


# --- what an object is -------------------------------------------------------------------------


def typename(obj: Any, /) -> str:
    """The name of an object's type with its module; for a tensor, by its dtype.

    >>> import dlframe as dl
    >>> dl.typename(dl.ones(2)), dl.typename(3)
    ('dlframe.FloatTensor', 'int')
    """
    if isinstance(obj, TensorBase):
        return type_name(obj.array.dtype)
    kind = obj if isinstance(obj, type) else type(obj)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return module + kind.__qualname__


def is_storage(obj: Any, /) -> bool:
    """Whether an object is what `x.storage()` or `x.untyped_storage()` gives.

    >>> import dlframe as dl
    >>> x = dl.ones(2)
    >>> dl.is_storage(x), dl.is_storage(x.storage())
    (False, True)
    """
    return isinstance(obj, UntypedStorage)


# --- threads -----------------------------------------------------------------------------------


def get_num_threads() -> int:
    """The number of threads of a large computation.

    >>> import dlframe as dl
    >>> dl.get_num_threads() >= 1
    True
    """
    return threads.number()


def set_num_threads(num_threads: int) -> None:
    """Use at most this many threads for a large product, a convolution, a step of an optimizer.

    It holds for the whole process. By default it is what `OPENBLAS_NUM_THREADS`,
    `OMP_NUM_THREADS` or `MKL_NUM_THREADS` says when dlframe is imported, or else the number of
    processors. Small computations stay in one thread. Results do not depend on the number, but for
    rounding in products and convolutions.

    The threads are dlframe's own (`dlframe.base.threads`), and while they share out a computation,
    NumPy's BLAS has one thread in each. The number is set for BLAS as well, for what runs outside
    of that, such as decompositions and the program's own products.

    Raises:
        ArgumentError: `num_threads` is not a positive whole number.

    >>> import dlframe as dl
    >>> before = dl.get_num_threads()
    >>> dl.set_num_threads(1)
    >>> dl.get_num_threads()
    1
    >>> dl.set_num_threads(before)
    """
    if type(num_threads) is bool or not isinstance(num_threads, int) or num_threads < 1:
        raise ArgumentError(f"set_num_threads expects a positive integer, got {num_threads!r}")
    blas.set_number(num_threads)
    threads.set_number(num_threads)


def get_num_interop_threads() -> int:
    """Always 1: operations run one after another.

    >>> import dlframe as dl
    >>> dl.get_num_interop_threads()
    1
    """
    return 1


def set_num_interop_threads(num_threads: int) -> None:
    """Do nothing: operations run one after another with any setting.

    Raises:
        ArgumentError: `num_threads` is not a positive whole number.

    >>> import dlframe as dl
    >>> dl.set_num_interop_threads(4)
    """
    if not isinstance(num_threads, int) or num_threads < 1:
        raise ArgumentError(
            f"set_num_interop_threads expects a positive integer, got {num_threads!r}"
        )
