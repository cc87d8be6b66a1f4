"""Modules on several devices, of which there is one."""

from __future__ import annotations

from typing import Any

from dlframe.nn.module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """y = module(x): the wrapper that splits batches among devices, on the one that there is.

    So programs that wrap their model run, and the names in `state_dict` begin with `module.`,
    as in PyTorch. NumPy uses the processor's cores without it.

    Args:
        module: what is called.
        device_ids, output_device, dim: mean nothing on one device.

    >>> model = nn.DataParallel(nn.Linear(3, 2))
    >>> list(model.state_dict())
    ['module.weight', 'module.bias']
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.dim = dim
        self.module = module
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **kwargs)
