"""A callback that writes the report of a training."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dlframe.training.callbacks.callback import Callback
from dlframe.utils.atomic import check_writable
from dlframe.viz.reports.report import report

if TYPE_CHECKING:
    from dlframe.training.data.batches import NonFiniteLossError
    from dlframe.training.trainer import Trainer


class ReportWriter(Callback):
    """Writes the report of a training when it ends: `viz.report`, which says what is in it.

    It is also written when training stops early, is interrupted, or fails with a loss that is not
    finite; an open page shows the newest when it is loaded again. A file that cannot be written is
    an OSError before training begins. Training goes on bit for bit as without it.

    Args:
        path: the file, which is replaced as a whole.
        data: what the results are measured on; by default the validation data of `fit`.
        every_epoch: write it after each epoch, too.
        options: those of `viz.report`, such as `classes`, `mean`, `std`, `title`, `findings`.

    >>> import pathlib, tempfile
    >>> path = tempfile.mkdtemp() + "/report.html"
    >>> x = dl.linspace(-1, 1, 32).reshape(32, 1)
    >>> trainer = dl.Trainer(nn.Linear(1, 1), "mse", "sgd", callbacks=[ReportWriter(path)])
    >>> _ = trainer.fit(x, 2 * x, validation_data=(x, 2 * x), epochs=2, progress=False)
    >>> pathlib.Path(path).read_text()[:15]
    '<!doctype html>'
    """

    runs_last = True
    writes_files = True

    def __init__(
        self,
        path: str | os.PathLike[str] = "report.html",
        data: Any = None,
        *,
        every_epoch: bool = False,
        **options: Any,
    ) -> None:
        unknown = sorted(set(options) - {"classes", "mean", "std", "findings", "title"})
        if unknown:
            raise TypeError(
                f"ReportWriter: unknown argument {unknown[0]!r}; expected path, data, "
                "every_epoch, classes, mean, std, findings, title"
            )
        self.path = path
        self.data = data
        self.every_epoch = every_epoch
        self.options = options

    def on_train_begin(self, trainer: Trainer) -> None:
        check_writable(self.path)  # not only after hours of training

    def on_epoch_end(self, trainer: Trainer) -> None:
        if self.every_epoch:
            self._write(trainer)

    def on_bad_loss(self, trainer: Trainer, error: NonFiniteLossError) -> bool:
        self._write(trainer)
        return False

    def on_train_end(self, trainer: Trainer) -> None:
        self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        report(trainer, self.data, path=self.path, **self.options)
