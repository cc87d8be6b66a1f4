"""Collects numbers step by step, and redraws their picture."""

from __future__ import annotations

import importlib
import numbers
import os
import time
from array import array
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dlframe import states
from dlframe.errors import ArgumentError, DTypeError, ShapeError, StateDictError
from dlframe.tensor import to_array
from dlframe.training.callbacks.callback import Callback
from dlframe.training.callbacks.progress import in_notebook
from dlframe.utils.atomic import check_writable
from dlframe.viz.curves import check_smoothing, curves
from dlframe.viz.style import format_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlframe.training.trainer import Trainer


class Tracker(Callback):
    """Collects named numbers and redraws a file of their curves while training goes on.

    Among the callbacks of a `Trainer` it collects by itself: the loss of each batch, and after each
    epoch the other numbers of its record, without times and learning rates; validations inside of
    an epoch are at their steps. A resumed run goes on with its curves, and one that begins anew
    with the same tracker replaces those of the old one.

    `log` draws after `every_steps` calls, or when `every_seconds` have passed since the last
    drawing, whichever comes first; None switches one of the two off. `close` draws once more. The
    file is replaced as a whole, so a viewer never sees a part of a picture. In a notebook the
    picture is also shown below the cell and changes there, unless `live=False`. No window is ever
    opened. A path where no picture can be written is refused before training begins. With neither a
    path nor a notebook nothing is drawn until `draw` is called.

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
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        given: dict[str, Any] = {"every_steps": every_steps, "every_seconds": every_seconds}
        for name, value in given.items():
            if value is not None and not isinstance(value, numbers.Real):
                raise TypeError(f"Tracker: {name} must be a number or None, got {value!r}")
        if every_steps is not None and (every_steps < 1 or every_steps != int(every_steps)):
            raise ValueError(
                f"Tracker: every_steps must be 1 or more, and whole, got {every_steps}"
            )
        if every_seconds is not None and not every_seconds >= 0:
            raise ValueError(f"Tracker: every_seconds must be 0 or more, got {every_seconds}")
        # what only drawing would tell is told before hours of training
        check_smoothing("Tracker", smoothing)
        if path is not None:
            format_of(path)
        if live and not in_notebook():
            raise ArgumentError(
                "Tracker: live=True needs a notebook, and there is none; give a path, and open the "
                "file in a viewer that reads it again when it changes"
            )
        self.live = in_notebook() if live is None else live
        self._shown: Any = None  # the picture below the cell
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
        at = _number("step", step)
        found = {name: _number(name, value) for name, value in values.items()}
        for name, number in found.items():
            self._steps.setdefault(name, array("d")).append(at)
            self._values.setdefault(name, array("d")).append(number)
        self._logs_since_drawing += 1
        if self._draws_by_itself and self._is_due():
            self.draw()

    def draw(self) -> Figure:
        """Draw everything collected so far, also into the file and below a notebook's cell."""
        self._logs_since_drawing = 0
        figure = self._drawn(self.path)
        if self.live:
            self._show(figure)
        self._drawn_at = self.clock()  # after drawing, so that a slow disk is not busy all the time
        return figure

    def _repr_png_(self) -> Any:
        """The picture where a tracker is the last line of a notebook's cell."""
        figure: Any = self._drawn(None)
        return figure._repr_png_()

    def _drawn(self, path: str | os.PathLike[str] | None) -> Figure:
        return curves(
            {name: np.array(values) for name, values in self._values.items()},
            steps={name: np.array(steps) for name, steps in self._steps.items()},
            x_label=self.x_label,
            log_scale=self.log_scale,
            smoothing=self.smoothing,
            title=self.title,
            path=path,
        )

    def close(self) -> None:
        """Draw once more, if file or notebook lack the newest values."""
        if self._draws_by_itself and self._logs_since_drawing:
            self.draw()
        self._shown = None  # the next training has a picture of its own

    @property
    def _draws_by_itself(self) -> bool:
        return self.path is not None or self.live

    def _show(self, figure: Figure) -> None:
        """Show a figure below the cell that runs, in the place of the last one."""
        if self._shown is None:
            display = importlib.import_module("IPython.display").display
            self._shown = display(figure, display_id=True)
        else:
            self._shown.update(figure)

    # --- as a callback -------------------------------------------------------------------------

    def on_train_begin(self, trainer: Trainer) -> None:
        if self.path is not None:
            check_writable(self.path)
        # a training that begins anew: what it has not done yet is of an earlier one
        for name, steps in self._steps.items():
            kept = [i for i, step in enumerate(steps) if step <= trainer.step]
            if len(kept) < len(steps):
                values = self._values[name]
                self._steps[name] = array("d", [steps[i] for i in kept])
                self._values[name] = array("d", [values[i] for i in kept])

    def on_validation_end(self, trainer: Trainer) -> None:
        if trainer.is_inside_epoch:
            measured = {n: v for n, v in trainer.logs.items() if n.startswith("val_")}
            self.log(trainer.step, **{n: v for n, v in measured.items() if isinstance(v, float)})

    def on_batch_end(self, trainer: Trainer) -> None:
        self.log(trainer.step, loss=trainer.batch_loss)

    def on_epoch_end(self, trainer: Trainer) -> None:
        found = {name: value for name, value in trainer.logs.items() if isinstance(value, float)}
        chosen = [name for name in found if not name.startswith(("lr", "seconds"))]
        self.log(trainer.step, **{name: found[name] for name in chosen if name != "loss"})

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
    if number.dtype.kind not in "biuf":
        raise DTypeError(f"Tracker: {name} must be a real number, got {value!r}")
    if number.size != 1:
        raise ShapeError(f"Tracker: {name} must be one number, got shape {number.shape}")
    return float(number.reshape(()))
