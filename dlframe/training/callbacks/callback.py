"""Callbacks: what happens beside the training itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlframe.training.data.batches import NonFiniteLossError
    from dlframe.training.trainer import Trainer


class Callback:
    """Called by a Trainer at certain moments; a subclass overrides the moments it wants.

    Every method gets the trainer, whose attributes say where training stands: `epoch` (epochs
    completed), `batch` (batches done in this epoch), `step` (batches done in all), `updates`
    (steps of the optimizer in all), `batch_loss`, `logs` (the last record), `history`.
    `trainer.stop(reason)` ends training after this batch; `trainer.save(path)` may be called at
    the end of a batch, validation or epoch.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, trainer):
    ...         print(f"epoch {trainer.epoch} is over!")
    """

    runs_last = False
    """Whether it is called after the others, as callbacks are that save the others' state."""

    reported: Sequence[str] = ()
    """The names of the numbers that `report` gives."""

    writes_files = False
    """Whether it writes files or the like, so that `fit(fast_dev_run=True)` leaves it out."""

    def on_train_begin(self, trainer: Trainer) -> None:
        """`fit` begins, also after a resumption."""

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """An epoch begins, or continues after a resumption (then `trainer.batch` is above 0)."""

    def on_batch_begin(self, trainer: Trainer) -> None:
        """A batch has been loaded and will be trained on."""

    def on_backward_end(self, trainer: Trainer) -> None:
        """The gradients of a batch have been computed, and added to those of its group."""

    def on_step_begin(self, trainer: Trainer) -> None:
        """The optimizer is about to make a step; the gradients are complete, but not clipped."""

    def on_step_end(self, trainer: Trainer) -> None:
        """The optimizer and a schedule per batch have made a step: the weights have changed."""

    def on_batch_end(self, trainer: Trainer) -> None:
        """A batch has been trained on; the weights have changed, unless its group goes on."""

    def on_pass_end(self, trainer: Trainer) -> None:
        """All batches of an epoch have been trained on; the validation follows, if there is one."""

    def on_validation_begin(self, trainer: Trainer) -> None:
        """A validation begins, at the end of an epoch or inside of it.

        `trainer.val_batches` is the number of its batches.
        """

    def on_validation_batch_end(self, trainer: Trainer) -> None:
        """A batch of the validation has been measured, the `trainer.val_batch`-th."""

    def on_validation_end(self, trainer: Trainer) -> None:
        """A validation is over; `trainer.logs` has its results.

        `trainer.is_inside_epoch` tells those inside of an epoch from that at its end, after which
        `on_epoch_end` follows.
        """

    def report(self, trainer: Trainer) -> dict[str, Any]:
        """Numbers for the record of the epoch that ends; `trainer.logs` has the measured ones."""
        return {}

    def on_epoch_end(self, trainer: Trainer) -> None:
        """An epoch and its validation are over; `trainer.logs` is its record."""

    def on_interrupt(self, trainer: Trainer) -> None:
        """Training ends inside of an epoch: Ctrl-C, a limit of `fit`, `stop`. The batch is done."""

    def on_bad_loss(self, trainer: Trainer, error: NonFiniteLossError) -> bool:
        """The loss is NaN or infinite; no weight has changed. Return True to stop the error."""
        return False

    def on_train_end(self, trainer: Trainer) -> None:
        """`fit` is about to return; it is not called when an error ends it."""

    def close(self) -> None:
        """`fit` ends, with or without an error: close files and release other resources."""

    def state_dict(self) -> dict[str, Any]:
        """The state that a resumed run needs, as values that `utils.save` can store."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state that `state_dict` returned.

        A file may hold anything, so compare it before you use it: `dlframe.states` has the forms.
        After any error of yours, the trainer puts all parts back and raises StateDictError.
        """


class LambdaCallback(Callback):
    """A callback made of functions: `LambdaCallback(on_epoch_end=lambda t: print(t.logs))`.

    Raises TypeError for a moment that does not exist.
    """

    def __init__(self, **moments: Callable[[Trainer], Any]) -> None:
        for name, function in moments.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                known = ", ".join(n for n in vars(Callback) if n.startswith("on_"))
                raise TypeError(f"LambdaCallback: there is no moment {name!r}. Known: {known}")
            setattr(self, name, function)


def ordered(callbacks: Iterable[Any]) -> list[Callback]:
    """The callbacks in order, those that run last at the end; TypeError for other objects."""
    given = list(callbacks)
    for callback in given:
        if not isinstance(callback, Callback):
            hint = " (the class; pass an instance)" if isinstance(callback, type) else ""
            raise TypeError(f"Trainer: {callback!r}{hint} is not a training.Callback")
    return sorted(given, key=lambda callback: callback.runs_last)


def keyed(callbacks: Iterable[Callback]) -> dict[str, Callback]:
    """Callbacks by the name under which their state is saved: EarlyStopping, ModelCheckpoint.1 …"""
    names: dict[str, Callback] = {}
    counts: dict[str, int] = {}
    for callback in callbacks:
        kind = type(callback).__name__
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        names[f"{kind}.{number}" if number else kind] = callback
    return names
