"""Mixed precision as on a machine without a GPU: everything is computed in the tensors' dtype."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Self

from dlframe.base.lazily import tell_missing
from dlframe.errors import DeviceError
from dlframe.optim.optimizer import Optimizer

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


def no_gpu(what: str) -> NoReturn:
    """Raise DeviceError."""
    raise DeviceError(
        f"{what} needs a GPU, and dlframe computes on the CPU only. Ask "
        '`torch.cuda.is_available()` first, or leave it out: the device is "cpu"'
    )


class autocast:  # PyTorch's name
    """A block or function in which PyTorch may compute in 16 bits; here it changes nothing.

    On a CPU PyTorch computes products in bfloat16, which dlframe does not have: there a warning
    says so, and numbers are those of float32. For another device PyTorch without it does nothing.

    Args:
        device_type: "cpu", "cuda" or another.
        dtype: means nothing.
        enabled: False asks for what happens in any case.
        cache_enabled: means nothing.

    >>> import dlframe as dl
    >>> with dl.amp.autocast("cuda"):
    ...     y = dl.ones(2) * 2
    >>> y.dtype
    dtype('float32')
    """

    def __init__(
        self,
        device_type: str = "cuda",
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(
                f"autocast: device_type is a text such as 'cpu'; got {type(device_type).__name__}"
            )
        if enabled and device_type == "cpu":
            warnings.warn(
                "autocast: there is no bfloat16; everything is computed in the dtype that it has, "
                "so numbers are more exact than PyTorch's",
                stacklevel=2,
            )
        self.device = device_type
        self.fast_dtype = dtype

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function


def is_autocast_available(device_type: str) -> bool:
    """Whether blocks of `autocast` may be written for a device; True, as in PyTorch.

    >>> import dlframe as dl
    >>> dl.amp.is_autocast_available("cuda")
    True
    """
    return device_type in ("cpu", "cuda", "mps", "xpu")


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str = "cuda", cast_inputs: Any = None
) -> Any:
    """Mark the forward of a `Function` for `autocast`; gives it back unchanged."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str = "cuda") -> Any:
    """Mark the backward of a `Function` for `autocast`; gives it back unchanged."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    return bwd


class GradScaler:
    """Scales losses so that gradients of 16 bits do not vanish; here, as without a GPU, by 1.

    `scaler.step(optimizer)` is `optimizer.step()`, and everything else changes nothing.

    >>> import dlframe as dl
    >>> scaler = dl.amp.GradScaler("cuda")
    >>> scaler.is_enabled(), scaler.scale(dl.tensor(3.0)), scaler.get_scale()
    (False, tensor(3.), 1.0)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._settings = (growth_factor, backoff_factor, growth_interval)

    def is_enabled(self) -> bool:
        """False: nothing is scaled."""
        return False

    def scale(self, outputs: Any) -> Any:
        """The loss, or losses, unchanged."""
        if isinstance(outputs, Iterable) and not hasattr(outputs, "backward"):
            return list(outputs) if not isinstance(outputs, tuple) else outputs
        return outputs

    def unscale_(self, optimizer: Optimizer) -> None:
        """Leave the gradients as they are."""

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """What `optimizer.step` does."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Leave the scale as it is."""

    def get_scale(self) -> float:
        """1.0."""
        return 1.0

    def get_growth_factor(self) -> float:
        """As given."""
        return self._settings[0]

    def get_backoff_factor(self) -> float:
        """As given."""
        return self._settings[1]

    def get_growth_interval(self) -> int:
        """As given."""
        return self._settings[2]

    def state_dict(self) -> dict[str, Any]:
        """Empty, as PyTorch's where it is not enabled."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take no state."""


tell_missing(__name__)
