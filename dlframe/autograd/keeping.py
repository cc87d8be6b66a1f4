"""`keep_values`: operations remember everything about themselves, for `explain`."""

from __future__ import annotations

from contextlib import ContextDecorator
from types import FrameType

from dlframe.ops.record import TensorBase
from dlframe.ops.watching import Call, Watcher, running, set_watchers, users_frame, watchers

__all__ = ["keep_values"]


class keep_values(ContextDecorator):
    """Within a `with` block, let results keep what `explain` can show.

    A graph holds no more than its backward pass needs: few values, no names. Here each operation
    also keeps its operands, options and result, the module that was running, and the line of the
    user's program. All of it is freed with the graph, and stays after `backward()`.

    >>> import dlframe as dl
    >>> x = dl.tensor([1.0, 2.0], requires_grad=True)
    >>> with dl.autograd.keep_values():
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> steps = y.explain().steps
    >>> [step.value.tolist() for step in steps]
    [[1.0, 4.0], 5.0]
    """

    def __init__(self) -> None:
        self._before: list[tuple[Watcher, ...]] = []

    def __enter__(self) -> None:
        self._before.append(watchers())
        others = tuple(w for w in watchers() if not isinstance(w, _Keeper))
        set_watchers((*others, _Keeper()))

    def __exit__(self, *exception: object) -> None:
        set_watchers(self._before.pop())

    def _recreate_cm(self) -> keep_values:
        return keep_values()


class _Keeper(Watcher):
    """Looks up what the operands are called; the values are kept for any watcher that wants it."""

    keeps_values = True

    def called(self, call: Call) -> None:
        tensors = [x if isinstance(x, TensorBase) else None for x in call.inputs]
        frame = users_frame()
        call.note.names = tuple(None if x is None else _name_of(x, frame) for x in tensors)


def _name_of(x: TensorBase, frame: FrameType | None) -> str | None:
    """A parameter's name in the modules that are running, or a variable's in the user's frame."""
    for module, path, _ in reversed(running()):
        for name, parameter in module.named_parameters(recurse=False):
            if parameter is x:
                return f"{path}.{name}"
    if frame is None:
        return None
    return next((name for name, value in frame.f_locals.items() if value is x), None)
