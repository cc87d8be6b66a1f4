"""Keeping the best, the last and the last few states of a run in files."""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe import states
from dlframe.base.printable import printable
from dlframe.errors import ArgumentError, StateDictError
from dlframe.training.callbacks.callback import Callback
from dlframe.training.callbacks.monitor import better, check_mode, check_monitor, infer_mode
from dlframe.utils.atomic import check_writable

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


_FIELD = re.compile(r"\{(\w+)(:[^{}]*)?\}")


class ModelCheckpoint(Callback):
    """Saves the trainer into a folder: `best.h5`, `last.h5`, and copies of the last epochs.

    `best.h5` is written when `monitor` has improved (`mode` as for EarlyStopping); with
    `monitor=None` it is never written. `last.h5` is written after every `every` epochs, at the
    end, where training ends inside of an epoch (Ctrl-C, a limit of `fit`), and with `every_steps`
    also after every so many batches. Each file is complete: `trainer.resume(file)` continues from
    it exactly, and is written whole or not at all: a write costs some hundredths of a second,
    because it waits for the disk, so with epochs as short as that take a larger `every`.

    Args:
        folder: where the files are; it is made if need be.
        monitor: the name in the history by which an epoch is judged. Of a quantity that begins with
            `val_`, validations inside of epochs count as well.
        mode: whether low ("min") or high ("max") values are good.
        every: write `last.h5`, and what `keep` asks for, after so many epochs.
        every_steps: write `last.h5` also after so many batches.
        keep: keep the last so many of them under names of their own, and delete older ones.
        keep_best: keep the best so many epochs under names of their own, and delete the others.
        filename: the pattern of these names: `{epoch}` and any quantity of the history, with
            formats as in f-strings: "epoch-{epoch:04d}-{val_loss:.3f}.h5".
        last: False writes no `last.h5`.

    Raises:
        ArgumentError: numbers that make no sense; a pattern that is no plain name of a file, or has
            no `{epoch}`; at the start of `fit`, a quantity that training does not measure, and one
            whose name does not tell the mode.
    """

    runs_last = True  # the state that it saves includes that of the other callbacks
    writes_files = True

    def __init__(
        self,
        folder: str | os.PathLike[str],
        monitor: str | None = "val_loss",
        *,
        mode: str | None = None,
        every: int = 1,
        every_steps: int | None = None,
        keep: int = 0,
        keep_best: int = 0,
        filename: str = "epoch-{epoch:04d}.h5",
        last: bool = True,
    ) -> None:
        if min(every, 1 if every_steps is None else every_steps) < 1 or min(keep, keep_best) < 0:
            raise ArgumentError(
                "ModelCheckpoint: every and every_steps must be 1 or more, keep 0 or more, and "
                f"keep_best too; got every={every}, every_steps={every_steps}, keep={keep}, "
                f"keep_best={keep_best}"
            )
        if keep_best and monitor is None:
            raise ArgumentError("ModelCheckpoint: keep_best needs monitor, which says what is best")
        self.folder = Path(folder)
        self.monitor = monitor
        self.mode = check_mode(mode)
        self.every = every
        self.every_steps = every_steps
        self.keep = keep
        self.keep_best = keep_best
        self.filename = filename
        self.last = last
        self._names = _names_of(filename)
        self._example = _example_of(filename)
        self.best: float | None = None
        self.best_epoch = 0
        self.kept: list[str] = []
        self.kept_best: dict[str, float] = {}  # names and values, the best first
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
        for name, _ in _FIELD.findall(self.filename):
            if name != "epoch":
                check_monitor("ModelCheckpoint, filename", name, trainer.quantities)
        check_writable(self.last_path)  # not only after the first epoch
        self._saved_at = None

    def on_batch_end(self, trainer: Trainer) -> None:
        if self.every_steps is not None and trainer.step % self.every_steps == 0:
            self._save_last(trainer)

    def on_validation_end(self, trainer: Trainer) -> None:
        # what is measured at the end of an epoch is looked at in on_epoch_end
        inside = trainer.is_inside_epoch and str(self.monitor).startswith("val_")
        if inside and self._is_improvement(trainer, trainer.epoch + 1):
            trainer.save(self.best_path)

    def on_epoch_end(self, trainer: Trainer) -> None:
        improved = self._is_improvement(trainer, trainer.epoch)
        due = trainer.epoch % self.every == 0
        name = self._name(trainer)
        before = {*self.kept, *self.kept_best}
        if self.keep and due:
            self.kept = [*(one for one in self.kept if one != name), name][-self.keep :]
        if self.keep_best and self.monitor in trainer.logs:
            self._rank(name, trainer.logs[self.monitor])
        # the state of this callback is up to date now; the files store it too
        now = {*self.kept, *self.kept_best}
        files = [self.best_path] if improved else []
        files += [self.folder / name] if name in now else []
        # the end of training too: later another callback may put the best weights back
        is_over = trainer.epoch == trainer.epochs or trainer.stop_reason is not None
        if self.last and (is_over or due):
            files.append(self.last_path)
            self._saved_at = (trainer.step, trainer.epoch)
        _save_as(trainer, files)
        for outdated in sorted(before - now):
            with contextlib.suppress(FileNotFoundError):  # a user may have deleted it
                (self.folder / outdated).unlink()

    def on_interrupt(self, trainer: Trainer) -> None:
        self._save_last(trainer)

    def _is_improvement(self, trainer: Trainer, epoch: int) -> bool:
        """Whether the quantity was measured and is the best; it is noted then."""
        if self.monitor is None or self.monitor not in trainer.logs:
            return False
        value = trainer.logs[self.monitor]
        if not better(value, self.best, self.mode or "min"):
            return False
        self.best, self.best_epoch = value, epoch
        return True

    def _name(self, trainer: Trainer) -> str:
        """The name of the file of this epoch."""
        if not (self.keep or self.keep_best):
            return ""
        numbers = dict.fromkeys((name for name, _ in _FIELD.findall(self.filename)), math.nan)
        name = self.filename.format(**{**numbers, **trainer.logs, "epoch": trainer.epoch})
        if self._names.fullmatch(name) is None:
            raise ArgumentError(
                f"ModelCheckpoint: {self.filename!r} gives {printable(name)!r}, which is no plain "
                "name of a file"
            )
        return name

    def _rank(self, name: str, value: float) -> None:
        """Note an epoch among the best, as far as it is."""
        if math.isnan(value):
            return
        sign = 1 if (self.mode or "min") == "min" else -1
        # of equal values the earlier epoch counts
        ranked = sorted([*self.kept_best.items(), (name, value)], key=lambda one: sign * one[1])
        self.kept_best = dict(ranked[: self.keep_best])

    def _save_last(self, trainer: Trainer) -> None:
        place = (trainer.step, trainer.epoch)
        if self.last and place != self._saved_at:
            trainer.save(self.last_path)
            self._saved_at = place

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "kept": list(self.kept),
            "kept_best": {
                "names": list(self.kept_best),
                "values": list(self.kept_best.values()),
            },
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        where = "ModelCheckpoint.load_state_dict"
        # what is kept will be deleted one day: only files that this callback may have written
        names = states.listed(states.matching(self._names, f"a name such as {self._example!r}"))
        before: dict[str, Any] = {"names": [], "values": []}  # states of earlier versions have none
        given = states.take(
            {"kept_best": before, **state} if isinstance(state, Mapping) else state,
            where,
            best=states.optional(states.any_number),
            best_epoch=states.count,
            kept=names,
            kept_best=states.mapping(states.plain),
        )
        best = states.take(
            given["kept_best"],
            f"{where}, kept_best",
            names=names,
            values=states.listed(states.number),
        )
        if len(best["names"]) != len(best["values"]):
            raise StateDictError(f"{where}, kept_best: the lists differ in length")
        self.best, self.best_epoch = given["best"], given["best_epoch"]
        self.kept = list(given["kept"])
        self.kept_best = dict(zip(best["names"], best["values"], strict=True))


def _save_as(trainer: Trainer, files: list[Path]) -> None:
    """Save a trainer in files of the same content, each whole or not at all."""
    for number, file in enumerate(files):
        if number == 0:
            trainer.save(file)
            continue
        # half of the time of a save is spent on making HDF5, which is needed once
        trainer.save_copy(files[0], file)


def _names_of(filename: str) -> re.Pattern[str]:
    """What the names of a pattern look like; raises ArgumentError for one that is not usable."""
    parts = _FIELD.split(filename)  # text, name, format, text, name, format, … text
    texts, names, formats = parts[::3], parts[1::3], parts[2::3]
    plain = all(re.fullmatch(r"[-+.\w ]*", text, re.ASCII) for text in texts)
    if not plain or "epoch" not in names or filename.startswith(".") or filename in _TAKEN:
        raise ArgumentError(
            "ModelCheckpoint: filename must be the plain name of a file with {epoch} in it, such "
            f'as "epoch-{{epoch:04d}}-{{val_loss:.3f}}.h5"; got {filename!r}'
        )
    # a state may name any file, which this callback would delete one day: so be strict
    fields = [
        _number_of(form or "") if name == "epoch" else r"[-+.\w]+"
        for name, form in zip(names, formats, strict=True)
    ]
    pattern = "".join(
        re.escape(text) + field for text, field in zip(texts, [*fields, ""], strict=True)
    )
    return re.compile(pattern, re.ASCII)


def _number_of(form: str) -> str:
    """What an epoch looks like in this format: of ":04d", four digits, or more without a zero."""
    width = re.fullmatch(r":0(\d{1,2})d?", form, re.ASCII)
    if form in ("", ":d") or (width and int(width[1]) <= 1):
        return r"(?:0|[1-9]\d{0,18})"
    if width and int(width[1]) < 19:
        digits = int(width[1])
        return rf"(?:\d{{{digits}}}|[1-9]\d{{{digits},18}})"
    return r"\d{1,19}"


def _example_of(filename: str) -> str:
    """A name that the pattern gives; raises ArgumentError for a format that is none."""
    numbers: dict[str, Any] = dict.fromkeys((name for name, _ in _FIELD.findall(filename)), 0.5)
    try:
        return filename.format(**{**numbers, "epoch": 7})
    except (ValueError, IndexError, KeyError) as error:
        raise ArgumentError(
            f"ModelCheckpoint: filename={filename!r} cannot be filled in: {error}. Formats are "
            'those of f-strings: "epoch-{epoch:04d}-{val_loss:.3f}.h5"'
        ) from error


_TAKEN = ("best.h5", "last.h5")
