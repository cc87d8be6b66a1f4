"""`fit(fast_dev_run=True)`: everything once, on a few batches, and nothing is left of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from dlframe.base import nests
from dlframe.training.accumulating import Group
from dlframe.training.data.stream import first_batches
from dlframe.training.history import History
from dlframe.training.several import Several
from dlframe.training.untouched import untouched

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


def tried(
    trainer: Trainer, train: Any, val: Any, count: int, *, class_weight: Any, **shown: Any
) -> History:
    """An epoch of `count` batches with all callbacks that write no files; all is put back."""
    some = first_batches(train, count, "fit, fast_dev_run")
    held_out = None if val is None else first_batches(val, count, "fit, fast_dev_run")
    double = copied_trainer(trainer)
    double.callbacks = [one for one in trainer.callbacks if not one.writes_files]
    with put_back(trainer, where="fit, fast_dev_run"):
        history: History = double.fit(some, held_out, epochs=1, class_weight=class_weight, **shown)
    return history


def copied_trainer(trainer: Trainer) -> Any:
    """A trainer of the same parts that stands at the beginning, and has a history of its own."""
    double = copy.copy(trainer)
    double.epoch = double.batch = double.step = double.updates = 0
    double.history, double.logs = History(), {}
    double._group, double._schedule = Group(), copy.copy(trainer._schedule)
    double._pending = double._set_aside = None
    double._pass_done, double._validated_at = False, 0
    return double


@contextmanager
def put_back(trainer: Trainer, *, where: str, loader: Any = None) -> Iterator[None]:
    """After the block a trainer's parts are as before: model, optimizers, schedule, callbacks.

    What a callback changes outside of its attributes is not put back.
    """
    optimizers, schedules = (
        list(one.values()) if isinstance(one, Several) else [one]
        for one in (trainer.optimizer, trainer.scheduler)
    )
    parts = [*trainer.callbacks, *trainer.regularizers]
    parts += [one for one in schedules if one is not None]
    # lists and dicts that a part changes in place are put back as well
    attributes = [nests.map_leaves(lambda value: value, dict(vars(one))) for one in parts]
    try:
        with ExitStack() as stack:
            for one in optimizers:
                block = untouched(
                    trainer.model, trainer.loss, optimizer=one, loader=loader, where=where
                )
                stack.enter_context(block)
            yield
    finally:
        for one, saved in zip(parts, attributes, strict=True):
            vars(one).clear()
            vars(one).update(saved)
