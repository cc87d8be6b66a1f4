"""Mixed precision under the older path: `autocast` and `GradScaler` for "cuda"."""

from __future__ import annotations

from typing import Any

from dlframe import amp

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

custom_bwd, custom_fwd = amp.custom_bwd, amp.custom_fwd


class autocast(amp.autocast):  # PyTorch's name
    """`dl.amp.autocast("cuda", ...)`: a block that changes nothing, as there is no GPU.

    >>> import dlframe as dl
    >>> with dl.cuda.amp.autocast(True):
    ...     y = dl.ones(2) * 2
    >>> y.dtype
    dtype('float32')
    """

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """`dl.amp.GradScaler("cuda", ...)`: scales by 1.

    >>> import dlframe as dl
    >>> dl.cuda.amp.GradScaler().get_scale()
    1.0
    """

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__(
            "cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled
        )
