"""Finds a loss that compares each output with the targets of all samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dlframe.errors import ShapeError
from dlframe.ops.watching import Call, Watcher, watched_by
from dlframe.tensor import Tensor


class _Meetings(Watcher):
    """Notes an operation that makes (N, N) of (N, 1) and (N,)."""

    def __init__(self, count: int) -> None:
        self.shapes = [(count,), (count, 1)]
        self.result = (count, count)
        self.found: str | None = None

    def called(self, call: Call) -> None:
        shapes = sorted(tuple(x.shape) for x in call.inputs if isinstance(x, Tensor))
        if shapes == self.shapes and tuple(call.outputs[0].shape) == self.result:
            self.found = call.definition.name


@contextmanager
def broadcasting_refused(name: str, output: Tensor, target: Tensor) -> Iterator[None]:
    """A block in which a loss may not make (N, N) numbers of an output (N, 1) and a target (N,).

    Raises ShapeError at its end. The library's losses refuse such a pair; one of the user's own is
    computed without a word, and what it trains is the mean of the targets.

    >>> with broadcasting_refused("my_loss", dl.ones(3, 1), dl.ones(3)):
    ...     loss = (dl.ones(3, 1) - dl.ones(3)).square().mean()
    Traceback (most recent call last):
    dlframe.errors.ShapeError: Trainer: my_loss compares each output with the targets of all ...
    """
    count = output.shape[0]
    watcher = _Meetings(count)
    with watched_by(watcher):
        yield
    if watcher.found is not None:
        raise ShapeError(
            f"Trainer: {name} compares each output with the targets of all samples: "
            f"{watcher.found} of the output {list(output.shape)} and the target "
            f"{list(target.shape)} has {count} × {count} numbers. Give both the same shape: "
            "output.squeeze(1) in the loss, or targets of shape (N, 1)"
        )


def may_broadcast(output: object, target: object) -> bool:
    """Whether output and target are (N, 1) and (N,), with N above 1."""
    return (
        isinstance(output, Tensor)
        and isinstance(target, Tensor)
        and target.ndim == 1
        and output.ndim == 2
        and output.shape[1] == 1
        and output.shape[0] == target.shape[0] > 1
    )
