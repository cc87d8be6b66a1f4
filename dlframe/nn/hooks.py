"""Functions that run around a module's forward, backward, saving and loading."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dlframe.base.hooks import RemovableHandle, add_hook
from dlframe.nn.backward_hooks import BackwardHooks

if TYPE_CHECKING:
    from dlframe.nn.module import Module


class Hook(NamedTuple):
    """A hook and the way to call it."""

    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


HookTable = dict[int, Hook]
H = TypeVar("H")


@dataclass(eq=False)
class CallHooks:
    """The hooks around forward and backward, of one module or of all."""

    forward_pre: HookTable = field(default_factory=dict)
    forward: HookTable = field(default_factory=dict)
    backward_pre: HookTable = field(default_factory=dict)
    backward: HookTable = field(default_factory=dict)


@dataclass(eq=False)
class StateHooks:
    """The hooks around state_dict and load_state_dict of one module."""

    save_pre: HookTable = field(default_factory=dict)
    save_post: HookTable = field(default_factory=dict)
    load_pre: HookTable = field(default_factory=dict)
    load_post: HookTable = field(default_factory=dict)


NO_HOOKS = CallHooks()
GLOBAL_HOOKS = CallHooks()  # run for every module, before its own


class Hookable:
    """The methods of a module that register hooks."""

    _hooks: CallHooks | None = None
    _state_hooks: StateHooks | None = None
    _direct_call: bool = True  # no hooks and no backward of its own: a call is just forward

    def _own_hooks(self) -> CallHooks:
        if self._hooks is None:
            self._hooks = CallHooks()
        self._direct_call = False
        return self._hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before forward; if it returns arguments, they are used."""
        return add_hook(self._own_hooks().forward_pre, Hook(hook, with_kwargs), prepend=prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after forward; if it returns an output, this is used.

        With `always_call` it is also called if forward raises, with None as the output.
        """
        entry = Hook(hook, with_kwargs, always_call)
        return add_hook(self._own_hooks().forward, entry, prepend=prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the module's backward; it may replace them."""
        return add_hook(self._own_hooks().backward_pre, Hook(hook), prepend=prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` once both are known.

        If it returns a value, this replaces `grad_input`.
        """
        return add_hook(self._own_hooks().backward, Hook(hook), prepend=prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """PyTorch's older name; here `register_full_backward_hook`, which is what it should be.

        PyTorch calls such a hook with the gradients of the module's last operation.
        """
        return self.register_full_backward_hook(hook)

    def _own_state_hooks(self) -> StateHooks:
        if self._state_hooks is None:
            self._state_hooks = StateHooks()
        return self._state_hooks

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before the module's part of the state_dict."""
        return add_hook(self._own_state_hooks().save_pre, Hook(hook))

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after it; it edits in place."""
        return add_hook(self._own_state_hooks().save_post, Hook(hook))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)` before anything is compared.

        The dict is a copy, which the hook may edit: to rename keys, for instance.
        """
        return add_hook(self._own_state_hooks().load_pre, Hook(hook))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may edit the two lists."""
        return add_hook(self._own_state_hooks().load_post, Hook(hook))


def has_backward_hooks(module: Hookable) -> bool:
    """Whether hooks of the module or of all modules wait for its gradients."""
    tables = (GLOBAL_HOOKS, module._hooks or NO_HOOKS)
    return any(hooks.backward or hooks.backward_pre for hooks in tables)


def find_pre_hook(module: Hookable, cls: type[H], **attributes: Any) -> H | None:
    """The forward pre-hook of that class with these attributes; None if there is none."""
    return next((hook for _, hook in _found(module, cls, attributes)), None)


def remove_pre_hook(module: Hookable, cls: type[H], **attributes: Any) -> H | None:
    """Remove that hook and return it; None if there is none."""
    for key, hook in _found(module, cls, attributes):
        del module._own_hooks().forward_pre[key]
        return hook
    return None


def _found(module: Hookable, cls: type[H], attributes: dict[str, Any]) -> list[tuple[int, H]]:
    hooks = module._hooks.forward_pre if module._hooks else {}
    return [
        (key, hook.function)
        for key, hook in hooks.items()
        if isinstance(hook.function, cls)
        and all(getattr(hook.function, name, None) == value for name, value in attributes.items())
    ]


def call_with_hooks(
    module: Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`forward(*args, **kwargs)` between the module's hooks, in PyTorch's order.

    Pre-hooks may replace the arguments and hooks the result. A hook registered with
    `always_call` runs even when forward or another hook raises.
    """
    own = module._hooks or NO_HOOKS
    pending = [*GLOBAL_HOOKS.forward.values(), *own.forward.values()]
    result = None
    try:
        args, kwargs = _run_pre_hooks(module, own, args, kwargs)
        pre_hooks = [*GLOBAL_HOOKS.backward_pre.values(), *own.backward_pre.values()]
        hooks = [*GLOBAL_HOOKS.backward.values(), *own.backward.values()]
        backward = BackwardHooks(module, pre_hooks, hooks) if pre_hooks or hooks else None
        if backward is not None:
            args = backward.watch_inputs(args)
        result = forward(*args, **kwargs)
        while pending:
            replaced = _run_hook(pending.pop(0), module, args, kwargs, result)
            result = result if replaced is None else replaced
        return result if backward is None else backward.watch_outputs(result)
    except Exception:
        _run_always_called(pending, module, args, kwargs, result)
        raise


def _run_pre_hooks(
    module: Module, own: CallHooks, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    for hook in (*GLOBAL_HOOKS.forward_pre.values(), *own.forward_pre.values()):
        if hook.with_kwargs:
            replaced = hook.function(module, args, kwargs)
            if replaced is None:
                continue
            if not (isinstance(replaced, tuple) and len(replaced) == 2):
                raise RuntimeError(
                    "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                    f"but got {replaced}."
                )
            args, kwargs = replaced
        else:
            replaced = hook.function(module, args)
            if replaced is not None:
                args = replaced if isinstance(replaced, tuple) else (replaced,)
    return args, kwargs


def _run_hook(
    hook: Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> Any:
    if hook.with_kwargs:
        return hook.function(module, args, kwargs, result)
    return hook.function(module, args, result)


def _run_always_called(
    pending: list[Hook], module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After an error, run the hooks with `always_call`; their own errors become warnings."""
    for hook in pending:
        if not hook.always_call:
            continue
        try:
            replaced = _run_hook(hook, module, args, kwargs, result)
            result = result if replaced is None else replaced
        except Exception as error:  # noqa: BLE001 - whatever a hook raises, the first error counts
            warnings.warn(
                "module forward hook with always_call=True raised an exception that was silenced "
                f"as another error was raised in forward: {error}",
                stacklevel=3,
            )
