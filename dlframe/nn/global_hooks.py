"""Hooks that run for every module: for debugging and profiling.

>>> from dlframe import nn
>>> names = []
>>> with register_module_forward_hook(lambda module, args, output: names.append(type(module))):
...     _ = nn.Sequential(nn.Identity())(1)
>>> [cls.__name__ for cls in names]
['Identity', 'Sequential']
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlframe.base.hooks import RemovableHandle, add_hook
from dlframe.nn.hooks import GLOBAL_HOOKS, Hook, HookTable
from dlframe.nn.module import Module

__all__ = [
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]


def _add(table: HookTable, hook: Hook) -> RemovableHandle:
    Module._direct_call = False  # from now on every call looks for hooks
    return add_hook(table, hook, removed=_call_directly_again)


def _call_directly_again() -> None:
    """Without hooks for all modules, calls are direct again."""
    Module._direct_call = not any(vars(GLOBAL_HOOKS).values())


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args)` before every module's forward."""
    return _add(GLOBAL_HOOKS.forward_pre, Hook(hook))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after every module's forward."""
    return _add(GLOBAL_HOOKS.forward, Hook(hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_output)` before every module's backward."""
    return _add(GLOBAL_HOOKS.backward_pre, Hook(hook))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` after every module's backward."""
    return _add(GLOBAL_HOOKS.backward, Hook(hook))
