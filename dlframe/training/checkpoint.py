"""Keeping the best, the last and the last few states of a run in files."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe import states
from dlframe.errors import ArgumentError
from dlframe.training.callback import Callback
from dlframe.training.monitor import better, check_mode, check_monitor, infer_mode

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


_KEPT = re.compile(r"epoch-\d{4,19}\.h5", re.ASCII)
_kept_name = states.matching(_KEPT, "a name such as 'epoch-0007.h5'")


class ModelCheckpoint(Callback):
    """Saves the trainer into a folder: `best.h5`, `last.h5`, and copies of the last epochs.

    `best.h5` is written when `monitor` has improved (`mode` as for EarlyStopping); with
    `monitor=None` it is never written. `last.h5` is written after every `every` epochs, at the
    end, at an interruption, and with `every_steps` also after every so many steps. `keep=n`
    keeps the last n epochs as `epoch-0007.h5` and so on. Each file is complete:
    `trainer.resume(file)` continues from it exactly.

    At the start of `fit` it raises ArgumentError for a quantity that training does not measure,
    and for one whose name does not tell the mode.
    """

    runs_last = True  # the state that it saves includes that of the other callbacks

    def __init__(
        self,
        folder: str | os.PathLike[str],
        monitor: str | None = "val_loss",
        *,
        mode: str | None = None,
        every: int = 1,
        every_steps: int | None = None,
        keep: int = 0,
    ) -> None:
        if every < 1 or keep < 0 or (every_steps is not None and every_steps < 1):
            raise ArgumentError(
                "ModelCheckpoint: every and every_steps must be 1 or more, keep 0 or more; got "
                f"every={every}, every_steps={every_steps}, keep={keep}"
            )
        self.folder = Path(folder)
        self.monitor = monitor
        self.mode = check_mode(mode)
        self.every = every
        self.every_steps = every_steps
        self.keep = keep
        self.best: float | None = None
        self.best_epoch = 0
        self.kept: list[str] = []
        self._saved_at: tuple[int, int] | None = None  # step and epoch of last.h5

    @property
    def best_path(self) -> Path:
        """The file with the best epoch."""
        return self.folder / "best.h5"

    @property
    def last_path(self) -> Path:
        """The file with the newest state."""
        return self.folder / "last.h5"

    def on_train_begin(self, trainer: Trainer) -> None:
        if self.monitor is not None:
            check_monitor("ModelCheckpoint", self.monitor, trainer.quantities)
            self.mode = self.mode or infer_mode(self.monitor)
        self._saved_at = None

    def on_batch_end(self, trainer: Trainer) -> None:
        if self.every_steps is not None and trainer.step % self.every_steps == 0:
            self._save_last(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        value = None if self.monitor is None else trainer.logs[self.monitor]
        improved = value is not None and better(value, self.best, self.mode or "min")
        if improved:
            self.best, self.best_epoch = value, trainer.epoch
        outdated = self._next_kept(trainer.epoch) if self.keep else None
        # the state of this callback is up to date now; the files store it too
        if improved:
            trainer.save(self.best_path)
        if self.keep:
            trainer.save(self.folder / self.kept[-1])
            if outdated is not None and outdated not in self.kept:
                with contextlib.suppress(FileNotFoundError):  # a user may have deleted it
                    (self.folder / outdated).unlink()
        # the end of training too: later another callback may put the best weights back
        is_over = trainer.epoch == trainer.epochs or trainer.stop_reason is not None
        if is_over or trainer.epoch % self.every == 0:
            self._save_last(trainer)

    def on_interrupt(self, trainer: Trainer) -> None:
        self._save_last(trainer)

    def _next_kept(self, epoch: int) -> str | None:
        """Note the file of this epoch, and return the one to delete, if any."""
        self.kept.append(f"epoch-{epoch:04d}.h5")
        return self.kept.pop(0) if len(self.kept) > self.keep else None

    def _save_last(self, trainer: Trainer) -> None:
        place = (trainer.step, trainer.epoch)
        if place != self._saved_at:
            trainer.save(self.last_path)
            self._saved_at = place

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch, "kept": list(self.kept)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        given = states.take(
            state,
            "ModelCheckpoint.load_state_dict",
            best=states.optional(states.any_number),
            best_epoch=states.count,
            kept=states.listed(_kept_name),
        )
        self.best, self.best_epoch = given["best"], given["best_epoch"]
        self.kept = list(given["kept"])
