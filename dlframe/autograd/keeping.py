"""`keep_values`: makes operations store their operands, results and lines for `explain`."""

from __future__ import annotations

from contextlib import ContextDecorator
from types import FrameType

from dlframe.ops.record import TensorBase
from dlframe.ops.watching import Call, Watcher, running, set_watchers, users_frame, watchers

__all__ = ["keep_values"]


class keep_values(ContextDecorator):
    """Within a `with` block, let operations store everything that `explain` can show.

    A graph contains only what its backward pass needs: few values, and no names. In the block, each
    operation also stores its operands, options and result, the module that was running, and the
    line of the user's program. They stay after `backward()`, and are freed with the graph.

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
    """Finds the names of operands; the values are stored for every watcher that wants them."""

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
