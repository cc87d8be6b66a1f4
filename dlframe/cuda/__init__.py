"""Answers programs that ask for CUDA before they choose a device: there is no GPU.

What a machine without a GPU answers in PyTorch is answered; what raises there raises here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, NoReturn

from dlframe.amp import no_gpu
from dlframe.base.lazily import tell_missing
from dlframe.cuda import amp

__all__ = [
    "Event", "Stream", "amp", "current_device", "current_stream", "device", "device_count",
    "empty_cache", "get_arch_list", "get_device_capability", "get_device_name",
    "get_device_properties", "get_rng_state", "get_rng_state_all", "init", "initial_seed",
    "ipc_collect", "is_available", "is_bf16_supported", "is_initialized", "manual_seed",
    "manual_seed_all", "max_memory_allocated", "max_memory_reserved", "mem_get_info",
    "memory_allocated", "memory_reserved", "memory_stats", "memory_summary",
    "reset_max_memory_allocated", "reset_peak_memory_stats", "seed", "seed_all", "set_device",
    "set_rng_state", "set_rng_state_all", "stream", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Whether tensors can be on an NVIDIA GPU; always False.

    >>> import dlframe as dl
    >>> dl.cuda.is_available()
    False
    """
    return False


def device_count() -> int:
    """The number of GPUs; always 0.

    >>> import dlframe as dl
    >>> dl.cuda.device_count()
    0
    """
    return 0


def is_initialized() -> bool:
    """Whether a GPU is in use; always False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether a GPU has bfloat16; always False."""
    return False


def get_arch_list() -> list[str]:
    """The kinds of GPU that are served: none."""
    return []


# --- seeds -------------------------------------------------------------------------------------


def manual_seed(seed: int) -> None:
    """Do nothing, as PyTorch does without a GPU; `dl.manual_seed` seeds the generator.

    >>> import dlframe as dl
    >>> dl.cuda.manual_seed(0)
    """


def manual_seed_all(seed: int) -> None:
    """Do nothing, as `manual_seed`.

    >>> import dlframe as dl
    >>> dl.cuda.manual_seed_all(0)
    """


def seed() -> None:
    """Do nothing, as `manual_seed`."""


def seed_all() -> None:
    """Do nothing, as `manual_seed`."""


def get_rng_state_all() -> list[Any]:
    """The states of the generators of all GPUs: none."""
    return []


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Set no state, as there is no GPU; raises for one that there is not.

    Raises:
        DeviceError: any state.
    """
    if list(new_states):
        no_gpu("set_rng_state_all")


# --- memory ------------------------------------------------------------------------------------


def empty_cache() -> None:
    """Do nothing: there is no memory of a GPU."""


def memory_allocated(device: Any = None) -> int:
    """Bytes of a GPU's memory in use: 0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes of a GPU's memory that were in use: 0."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """Bytes of a GPU's memory that are held: 0."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes of a GPU's memory that were held: 0."""
    return 0


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """Figures of a GPU's memory: none."""
    return OrderedDict()


def reset_peak_memory_stats(device: Any = None) -> None:
    """Do nothing: there is no memory of a GPU."""


def reset_max_memory_allocated(device: Any = None) -> None:
    """Do nothing: there is no memory of a GPU."""


# --- what raises without a GPU -----------------------------------------------------------------


def device(device: Any) -> nullcontext[None]:
    """A block that changes nothing: PyTorch without a GPU does the same."""
    return nullcontext()


def stream(stream: Any) -> nullcontext[None]:
    """A block that changes nothing, as `device`."""
    return nullcontext()


def _raising(name: str, what: str) -> Any:
    def function(*args: Any, **kwargs: Any) -> NoReturn:
        no_gpu(name)

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = (
        f"{what}: there is no GPU.\n\n    Raises:\n        DeviceError: always.\n    "
    )
    return function


current_device = _raising("current_device", "The index of the GPU in use")
current_stream = _raising("current_stream", "The GPU's queue")
get_device_capability = _raising("get_device_capability", "The GPU's generation")
get_device_name = _raising("get_device_name", "The GPU's name")
get_device_properties = _raising("get_device_properties", "What the GPU has")
get_rng_state = _raising("get_rng_state", "The state of a GPU's generator")
set_rng_state = _raising("set_rng_state", "Set the state of a GPU's generator")
init = _raising("init", "Begin to use the GPU")
initial_seed = _raising("initial_seed", "The seed of a GPU's generator")
ipc_collect = _raising("ipc_collect", "Free memory that processes shared")
mem_get_info = _raising("mem_get_info", "Free and whole memory")
memory_summary = _raising("memory_summary", "A table of the GPU's memory")
set_device = _raising("set_device", "Choose a GPU")
synchronize = _raising("synchronize", "Wait for the GPU")
Event = _raising("Event", "A mark in the GPU's queue")
Stream = _raising("Stream", "A queue of the GPU")


tell_missing(__name__)
