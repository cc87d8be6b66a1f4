"""No public name of PyTorch's networks is missing, except those that are left out on purpose."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

torch = pytest.importorskip("torch")

INNER = "PyTorch's own machinery, not meant for users"

# What is left out, and why; a name that exists here must not stand in the list.
LEFT_OUT = {
    "nn.functional.scaled_mm": "matrices of 8 bits",
    "nn.functional.scaled_grouped_mm": "matrices of 8 bits",
    "nn.functional.grouped_mm": "matrices of bfloat16 on GPUs",
    **dict.fromkeys(
        [
            f"nn.attention.{name}"
            for name in (
                *("SDPAParams", "activate_flash_attention_impl", "can_use_efficient_attention"),
                *("can_use_flash_attention", "current_flash_attention_impl"),
                *("list_flash_attention_impls", "register_flash_attention_impl"),
                "restore_flash_attention_impl",
            )
        ],
        "kernels of other devices",
    ),
    **dict.fromkeys(
        [
            f"nn.attention.bias.{name}"
            for name in (
                *("SDPAParams", "can_use_efficient_attention", "can_use_flash_attention"),
                "is_flash_attention_available",
            )
        ],
        "kernels of other devices, imported there",
    ),
    "optim.swap_in_optimizer_params_and_state": "to trace a step with tensors without values",
    "nn.functional.ScalingType": "matrices of 8 bits",
    "nn.functional.SwizzleType": "matrices of 8 bits",
    **dict.fromkeys(
        [
            "optim.lr_scheduler.Optimizer", "optim.lr_scheduler.Tensor",
            "nn.factory_kwargs", "nn.functional.Tensor", "nn.utils.stateless.Tensor",
            "nn.utils.stateless.NamedMemberAccessor", "nn.functional.assert_int_or_pair",
            "nn.functional.boolean_dispatch",
            "nn.functional.handle_torch_function", "nn.functional.has_torch_function",
            "nn.functional.has_torch_function_unary", "nn.functional.has_torch_function_variadic",
            "nn.utils.rnn.bind", "nn.utils.rnn.copy_method_params",
            "nn.utils.parametrize.is_opaque_reference_type", "nn.utils.parametrize.OpaqueBase",
            "nn.utils.parametrize.get_swap_module_params_on_conversion",
            "nn.utils.parametrize.is_traceable_wrapper_subclass",
        ],
        INNER,
    ),
}  # fmt: skip

MODULES = [
    "nn", "nn.functional", "nn.init", "nn.parameter", "nn.attention", "nn.utils", "nn.utils.rnn",
    "nn.utils.parametrize", "nn.utils.parametrizations", "nn.utils.fusion", "nn.utils.prune",
    "nn.utils.stateless", "nn.grad", "nn.attention.bias", "optim", "optim.lr_scheduler",
    "optim.swa_utils",
]  # fmt: skip


def defined_by_pytorch(value: Any) -> bool:
    """Not imported from elsewhere (typing, collections), and no module."""
    home = getattr(value, "__module__", None) or "torch"
    return callable(value) and home.startswith("torch") and not inspect.ismodule(value)


@pytest.mark.parametrize("path", MODULES)
def test_every_name_is_there(path: str) -> None:
    theirs = importlib.import_module(f"torch.{path}")
    names = [n for n in dir(theirs) if n[0] != "_" and defined_by_pytorch(getattr(theirs, n))]
    ours = importlib.import_module(f"dlframe.{path}")
    missing = [n for n in names if not hasattr(ours, n) and f"{path}.{n}" not in LEFT_OUT]
    assert missing == []
    out = [name for name in LEFT_OUT if name.rpartition(".")[0] == path]
    assert [name for name in out if hasattr(ours, name.rpartition(".")[2])] == []
    assert [name for name in out if not hasattr(theirs, name.rpartition(".")[2])] == []
