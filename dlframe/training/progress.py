"""The display of progress: a bar for each epoch, and a line of results."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from dlframe.training.callback import Callback

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer

REFRESH_SECONDS = 0.2  # numbers that change faster cannot be read


class ProgressBar(Callback):
    """Shows a bar for the batches of an epoch, and a line with the results after it.

    With `bar=None` the bar is drawn only if stderr is a terminal. The lines are always printed.
    """

    def __init__(self, bar: bool | None = None) -> None:
        self.bar = bar
        self._bar: Any = None
        self._shown_at = 0.0

    def on_epoch_begin(self, trainer: Trainer) -> None:
        # stderr is None where a program has none: started with 2>&-, or by pythonw
        if sys.stderr is None or not (sys.stderr.isatty() if self.bar is None else self.bar):
            return
        from tqdm import tqdm  # on first use: `import dlframe` loads no tqdm

        self._bar = tqdm(
            total=trainer.batches_per_epoch,
            initial=trainer.batch,
            desc=f"epoch {trainer.epoch + 1}/{trainer.epochs}",
            unit="batch",
            leave=False,
            dynamic_ncols=True,
        )

    def on_batch_end(self, trainer: Trainer) -> None:
        if self._bar is None:
            return
        now = time.monotonic()
        if now - self._shown_at >= REFRESH_SECONDS:
            self._shown_at = now
            self._bar.set_postfix_str(text_of(trainer.running_means()), refresh=False)
        self._bar.update()

    def on_epoch_end(self, trainer: Trainer) -> None:
        self.close()
        width = len(str(trainer.epochs))
        print(  # noqa: T201 - showing progress is what this callback is for
            f"epoch {trainer.epoch:>{width}}/{trainer.epochs}  {text_of(trainer.logs)}", flush=True
        )

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def text_of(logs: dict[str, Any]) -> str:
    """The numbers of a record in one line; values that are not single numbers are left out.

    >>> text_of({"loss": 0.12345, "accuracy": 0.5, "lr": 0.001, "seconds": 1.25})
    'loss 0.1235  accuracy 0.5000  lr 0.001  1.2 s'
    """
    parts = []
    for name, value in logs.items():
        if name == "seconds":
            parts.append(f"{value:.1f} s")
        elif name == "lr" or name.startswith("lr_"):
            parts.append(f"{name} {value:.4g}")
        elif isinstance(value, float):
            parts.append(f"{name} {value:.4f}")
    return "  ".join(parts)
