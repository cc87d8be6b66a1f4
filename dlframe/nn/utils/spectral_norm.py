"""Spectral norm by a hook, PyTorch's former way; `parametrizations.spectral_norm` is newer."""

from __future__ import annotations

from typing import Any

from dlframe.autograd import no_grad
from dlframe.errors import ArgumentError
from dlframe.nn.hooks import find_pre_hook, remove_pre_hook
from dlframe.nn.module import Module
from dlframe.nn.parameter import Parameter, is_lazy
from dlframe.nn.utils.parametrizations import as_matrix, dim_of_outputs, power_step, unit
from dlframe.tensor import Tensor, linalg
from dlframe.tensor.creation import as_tensor

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]


class SpectralNorm:
    """The hook that computes w = w_orig / σ(w_orig) before each forward."""

    def __init__(
        self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        if n_power_iterations <= 0:
            raise ArgumentError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.name, self.dim = name, dim
        self.n_power_iterations, self.eps = n_power_iterations, eps

    def reshape_weight_to_matrix(self, weight: Tensor) -> Tensor:
        """The weight with a row for each index of `dim`."""
        return as_matrix(weight, self.dim)

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """The weight over its norm, after steps of the power method if asked for."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            for _ in range(self.n_power_iterations):
                power_step(matrix.detach(), u, v, self.eps, u_first=False)
            u, v = u.clone(), v.clone()  # the next call writes to them before this one's backward
        return weight / u.dot(matrix.mv(v))  # type: ignore[no-any-return] # getattr gives Any

    @staticmethod
    def apply(
        module: Module, name: str, n_power_iterations: int, dim: int, eps: float
    ) -> SpectralNorm:
        """Move a parameter to `name_orig`, and register the hook."""
        if find_pre_hook(module, SpectralNorm, name=name) is not None:
            raise RuntimeError(
                f"Cannot register two spectral_norm hooks on the same parameter {name}"
            )
        hook, weight = SpectralNorm(name, n_power_iterations, dim, eps), getattr(module, name)
        if weight is None:
            raise ArgumentError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        if is_lazy(weight):
            raise ArgumentError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters; call it "
                "once before"
            )
        with no_grad():
            rows, columns = as_matrix(weight, dim).shape
            u = unit(weight.new_empty(rows).normal_(0, 1), eps)
            v = unit(weight.new_empty(columns).normal_(0, 1), eps)
        delattr(module, name)
        module.register_parameter(f"{name}_orig", weight)
        setattr(module, name, weight.data)  # something to read before the first forward
        module.register_buffer(f"{name}_u", u)
        module.register_buffer(f"{name}_v", v)
        module.register_forward_pre_hook(hook)
        module.register_load_state_dict_pre_hook(hook.complete_state)
        return hook

    def complete_state(self, module: Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
        """Compute `name_v` for states of PyTorch before 1.0, which have the weight in its place."""
        orig, u, v = (f"{prefix}{self.name}_{part}" for part in ("orig", "u", "v"))
        old = prefix + self.name
        if v in state or not all(key in state for key in (orig, u, old)):
            return
        with no_grad():
            matrix = as_matrix(as_tensor(state[orig]), self.dim)
            left = as_tensor(state[u])
            sigma = (as_tensor(state[orig]) / as_tensor(state.pop(old))).mean()
            found = linalg.pinv(matrix.T @ matrix) @ (matrix.T @ left)
            state[v] = found * (sigma / left.dot(matrix.mv(found)))

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for name in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + name)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """W / σ(W) before each forward, of the parameter `weight_orig`; buffers `weight_u`, `weight_v`.

    `parametrizations.spectral_norm` is the newer form, and explains it. Arguments are the same.

    >>> from dlframe import nn
    >>> layer = nn.utils.spectral_norm(nn.Linear(20, 40))
    >>> list(layer.state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    dim = dim_of_outputs(module) if dim is None else dim
    SpectralNorm.apply(module, name, n_power_iterations, dim, eps)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Undo `spectral_norm`: the weight is a parameter again, with its present value.

    Raises:
        ArgumentError: there is no such hook.
    """
    hook = remove_pre_hook(module, SpectralNorm, name=name)
    if hook is None:
        raise ArgumentError(f"spectral_norm of '{name}' not found in {module}")
    hook.remove(module)
    return module
