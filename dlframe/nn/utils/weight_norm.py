"""Weight norm by a hook, with PyTorch's former keys; `parametrizations.weight_norm` is newer."""

from __future__ import annotations

import warnings
from typing import Any

from dlframe.errors import ArgumentError
from dlframe.nn.hooks import find_pre_hook, remove_pre_hook
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, is_lazy
from dlframe.nn.utils.parametrizations import scaled_direction
from dlframe.tensor import Tensor
from dlframe.tensor.functions import norm_except_dim

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]


class WeightNorm:
    """The hook that computes w = g v / ‖v‖ before each forward, from `w_g` and `w_v`."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        """The weight, from its length and direction."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return scaled_direction(v, g, self.dim)

    @staticmethod
    def apply(module: Module, name: str, dim: int | None) -> WeightNorm:
        """Replace a parameter by length and direction, and register the hook."""
        if find_pre_hook(module, WeightNorm, name=name) is not None:
            raise RuntimeError(
                f"Cannot register two weight_norm hooks on the same parameter {name}"
            )
        hook, weight = WeightNorm(name, dim), getattr(module, name)
        if is_lazy(weight):
            raise ArgumentError(
                "The module passed to `WeightNorm` can't have uninitialized parameters; call it "
                "once before"
            )
        delattr(module, name)
        length = norm_except_dim(weight.detach(), 2, hook.dim)
        module.register_parameter(f"{name}_g", Parameter(length))
        module.register_parameter(f"{name}_v", Parameter(weight.detach()))
        setattr(module, name, hook.compute_weight(module))
        module.register_forward_pre_hook(hook)
        return hook

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again."""
        weight = self.compute_weight(module)
        for name in (self.name, f"{self.name}_g", f"{self.name}_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """w = g v / ‖v‖ before each forward, with the parameters `weight_g` and `weight_v`.

    PyTorch deprecates it: `parametrizations.weight_norm` does the same, explains it, and loads
    states of this one.

    >>> import warnings
    >>> from dlframe import nn
    >>> with warnings.catch_warnings(action="ignore"):
    ...     layer = nn.utils.weight_norm(nn.Linear(20, 40))
    >>> list(layer.state_dict())
    ['bias', 'weight_g', 'weight_v']
    """
    warnings.warn(
        "`nn.utils.weight_norm` is deprecated in favor of `nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Undo `weight_norm`: the weight is a parameter again, with its present value.

    Raises:
        ArgumentError: there is no such hook.
    """
    hook = remove_pre_hook(module, WeightNorm, name=name)
    if hook is None:
        raise ArgumentError(f"weight_norm of '{name}' not found in {module}")
    hook.remove(module)
    return module
