"""Collects numbers step by step, and redraws their picture."""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dlframe import states
from dlframe.errors import ShapeError, StateDictError
from dlframe.tensor import to_array
from dlframe.training.callbacks.callback import Callback
from dlframe.viz.curves import curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlframe.training.trainer import Trainer


class Tracker(Callback):
    """Collects named numbers and redraws a file of their curves while training goes on.

    Among the callbacks of a `Trainer` it collects by itself: the loss of each batch, and at the end
    of each epoch the other numbers of its record, without times and learning rates. A resumed run
    goes on with its curves.

    `log` redraws the file after `every_steps` calls, or when `every_seconds` have passed since the
    last drawing, whichever comes first; None switches one of the two off. `close` draws it once
    more. The file is replaced as a whole, so a viewer never sees a part of a picture. Without a
    path nothing is drawn until `draw` is called.

    >>> tracker = Tracker()
    >>> for step in range(1, 4):
    ...     tracker.log(step, loss=1 / step, val_loss=1.5 / step)
    >>> tracker.history["loss"]
    [1.0, 0.5, 0.3333333333333333]
    >>> len(tracker.draw().axes)
    1
    """

    writes_files = True

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        every_steps: int | None = None,
        every_seconds: float | None = 10.0,
        smoothing: float = 0.0,
        log_scale: bool = False,
        x_label: str = "step",
        title: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if every_steps is not None and every_steps < 1:
            raise ValueError(f"Tracker: every_steps must be 1 or more, got {every_steps}")
        self.path = path
        self.every_steps = every_steps
        self.every_seconds = every_seconds
        self.smoothing = smoothing
        self.log_scale = log_scale
        self.x_label = x_label
        self.title = title
        self.clock = clock
        # eight bytes a number: a million steps need 16 MB, while lists of floats would need 64
        self._steps: dict[str, array[float]] = {}
        self._values: dict[str, array[float]] = {}
        self._logs_since_drawing = 0
        self._drawn_at = clock()

    @property
    def history(self) -> dict[str, list[float]]:
        """All values by name, in order."""
        return {name: values.tolist() for name, values in self._values.items()}

    @property
    def steps(self) -> dict[str, list[float]]:
        """The step of each value, by name."""
        return {name: steps.tolist() for name, steps in self._steps.items()}

    def log(self, step: float, **values: object) -> None:
        """Add numbers (also Tensors and arrays of one element) that belong to `step`."""
        numbers = {name: _number(name, value) for name, value in values.items()}
        for name, number in numbers.items():
            self._steps.setdefault(name, array("d")).append(step)
            self._values.setdefault(name, array("d")).append(number)
        self._logs_since_drawing += 1
        if self.path is not None and self._is_due():
            self.draw()

    def draw(self) -> Figure:
        """Draw everything collected so far, into the file if there is a path."""
        self._logs_since_drawing = 0
        figure = curves(
            {name: np.array(values) for name, values in self._values.items()},
            steps={name: np.array(steps) for name, steps in self._steps.items()},
            x_label=self.x_label,
            log_scale=self.log_scale,
            smoothing=self.smoothing,
            title=self.title,
            path=self.path,
        )
        self._drawn_at = self.clock()  # after drawing, so that a slow disk is not busy all the time
        return figure

    def close(self) -> None:
        """Redraw the file, if there is one and it lacks the newest values."""
        if self.path is not None and self._logs_since_drawing:
            self.draw()

    # --- as a callback -------------------------------------------------------------------------

    def on_batch_end(self, trainer: Trainer) -> None:
        self.log(trainer.step, loss=trainer.batch_loss)

    def on_epoch_end(self, trainer: Trainer) -> None:
        numbers = {name: value for name, value in trainer.logs.items() if isinstance(value, float)}
        chosen = [name for name in numbers if not name.startswith(("lr", "seconds"))]
        self.log(trainer.step, **{name: numbers[name] for name in chosen if name != "loss"})

    def state_dict(self) -> dict[str, Any]:
        names = {str(i): name for i, name in enumerate(self._values)}
        return {
            "names": names,
            "steps": {i: np.array(self._steps[name]) for i, name in names.items()},
            "values": {i: np.array(self._values[name]) for i, name in names.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        where = "Tracker.load_state_dict"
        column = states.mapping(states.array(np.float64, ndim=1))
        names = states.take(state, where, names=states.mapping(states.text))["names"]
        given = states.take(state, where, steps=column, values=column)
        series = [
            states.take(given[part], f"{where}, {part}", **dict.fromkeys(names, states.plain))
            for part in ("steps", "values")
        ]
        if any(sorted(given[part]) != sorted(names) for part in ("steps", "values")):
            raise StateDictError(f"{where}: names, steps and values are not of the same series")
        if any(series[0][i].shape != series[1][i].shape for i in names):
            raise StateDictError(f"{where}: steps and values differ in length")
        for part, found in zip((self._steps, self._values), series, strict=True):
            part.clear()
            part.update({name: array("d", found[i].tolist()) for i, name in names.items()})

    # --- as a context --------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _is_due(self) -> bool:
        if self.every_steps is not None and self._logs_since_drawing >= self.every_steps:
            return True
        if self.every_seconds is None:
            return False
        return self.clock() - self._drawn_at >= self.every_seconds


def _number(name: str, value: object) -> float:
    number = to_array(value)
    if number.size != 1:
        raise ShapeError(f"Tracker: {name} must be one number, got shape {number.shape}")
    return float(number.reshape(()))
