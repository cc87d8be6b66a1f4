"""A callback that writes a training into Aim."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe.base.printable import error_text
from dlframe.training.callbacks.experiments import ExperimentLogger, Plain
from dlframe.training.callbacks.wandb_logger import _png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlframe.training.trainer import Trainer

MEMORY = 0.6  # seconds; for half a second Aim remembers which runs there were


class AimLogger(ExperimentLogger):
    """Writes settings, numbers and files of a training into a run of Aim.

    Aim has to be installed: `pip install aim`; `aim up` shows its runs.

    Args:
        repo: the folder (or the address of a server) where Aim keeps its runs; `.` unless given.
        experiment: the name of the experiment.
        run_name: the name of the run.
        run_hash: an existing run to go on with.
        config, update_freq, artifacts: see `ExperimentLogger`.
        options: other arguments of `aim.Run`. What it does beside that, recording the terminal and
            the load of the machine, is off unless it is asked for here.

    How the run ended is its parameter `status`. Files are kept in `artifacts` beside the
    repository's, unless the run has another place for them.
    """

    package = "aim"
    opened = ("active",)

    def __init__(
        self,
        repo: str | os.PathLike[str] | None = None,
        experiment: str | None = None,
        run_name: str | None = None,
        *,
        run_hash: str | None = None,
        config: Mapping[str, Any] | None = None,
        update_freq: int | str = "epoch",
        artifacts: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(config=config, update_freq=update_freq, artifacts=artifacts)
        self.repo = "." if repo is None else os.fspath(repo)
        self.experiment = experiment
        self.run_name = run_name
        self.run_hash = run_hash
        usual = {"system_tracking_interval": None, "capture_terminal_logs": False}
        self.options = {**usual, **options}
        self.active: Any = None
        """Aim's run while `fit` runs, for more that you want to write."""

    def begin(self, trainer: Trainer, run: str | None) -> str:
        import aim  # on first use
        from aim.sdk.errors import MissingRunError

        run = self.run_hash or run
        options = {"repo": self.repo, "experiment": self.experiment, **self.options}
        try:
            self.active = aim.Run(run_hash=run, **options)
        except MissingRunError:
            time.sleep(MEMORY)
            self.active = aim.Run(run_hash=run, **options)
        if self.run_name is not None:
            self.active.name = self.run_name
        self.active["status"] = "running"
        return str(self.active.hash)

    def log_config(self, config: dict[str, Plain]) -> None:
        self.active["hparams"] = config

    def log_numbers(self, numbers: dict[str, float], step: int) -> None:
        for name, value in numbers.items():
            # Aim counts in epochs as well
            epoch = None if name.startswith("batch/") else step
            self.active.track(value, name=name, step=step, epoch=epoch)

    def log_figure(self, name: str, figure: Figure, step: int) -> None:
        import aim
        from PIL import Image

        self.active.track(aim.Image(Image.open(_png(figure))), name=name, step=step)

    def log_file(self, path: str | os.PathLike[str]) -> None:
        if self.active.artifacts_uri is None:
            self.active.set_artifacts_uri(Path(self.repo, "artifacts").resolve().as_uri())
        self.active.log_artifact(os.fspath(path), Path(path).name, block=True)

    def end(self, status: str, error: BaseException | None) -> None:
        active, self.active = self.active, None
        active["status"] = status
        if error is not None:
            active["error"] = error_text(error)
        active.close()
