"""The functions that an operation's calls go through: its own, or those of a compiled kernel.

Which of them is found out at the first call, so that an import searches nothing; from then on an
operation without a kernel calls its own functions as if there were no kernels at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlframe import kernels
from dlframe.ops.definition import Op, parameters_of, positional

Function = Callable[..., Any]


def open_later(op: Op) -> None:
    """Have the first call of `op` look for a kernel; a user's operation has none."""
    if op.users:
        op.lead_to(op.plain_forward, op.fast_forward)
        return

    kernels.NAMES.add(op.name)

    def first(*args: Any, **options: Any) -> Any:
        return _opened(op)[0](*args, **options)

    def first_recorded(*args: Any, **options: Any) -> Any:
        return _opened(op)[1](*args, **options)

    op.lead_to(first, None if op.fast_forward is None else first_recorded)


def _opened(op: Op) -> tuple[Function, Any]:
    """The functions for the forward and for the recorded one, to which calls lead from now on."""
    forward, fast_forward = op.plain_forward, op.fast_forward
    slot = kernels.slot_of(op.name) if kernels.is_enabled() else None
    if slot is not None:
        forward = kernels.guarded(slot, "forward", forward)
        if fast_forward is not None:
            fast_forward = kernels.guarded(slot, "fast_forward", fast_forward)
        _open_back(op, slot)
    op.lead_to(forward, fast_forward)
    kernels.look_again_by(lambda: _shut(op))
    return forward, fast_forward


def _open_back(op: Op, slot: kernels.Slot) -> None:
    """Lead the gradients through the kernel: in place of the fast door, or of a single rule."""
    if op.fast is not None:
        order = ("g", "needs", *op.fast_kept)
        op.fast = kernels.guarded(slot, "fast_backward", op.fast, _in_order(order))
    elif op.simple and len(op.inputs) == 1:
        rule = op.rules[0]
        if rule is None:
            return
        order = ("g", "needs", *op.kept[0])

        def plain(g: Any, needs: Any, *kept: Any) -> tuple[Any]:
            return (rule(g, *kept),)

        back = kernels.guarded(slot, "fast_backward", plain, _in_order(order))
        op.__dict__["by_rules"] = lambda g, targets, args: back(g, (True,), *args[0])


def _in_order(order: tuple[str, ...]) -> Callable[[Function], Function]:
    """What makes of a kernel's function, which names its arguments, one of these by position."""

    def arranged(function: Function) -> Function:
        names = parameters_of(function)[0]
        unknown = [name for name in names if name not in order]
        if unknown:
            raise TypeError(
                f"its fast_backward asks for {unknown}, but there are only {list(order)}"
            )
        return positional(function, order)

    return arranged


def _shut(op: Op) -> None:
    """Look for a kernel again at the next call."""
    op.fast = op.own_fast
    op.__dict__.pop("by_rules", None)
    open_later(op)
