"""A callback that writes a training into Weights & Biases."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe.training.callbacks.experiments import (
    FAILED,
    FINISHED,
    INTERRUPTED,
    ExperimentLogger,
    Plain,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlframe.training.trainer import Trainer

_CODES = {FINISHED: 0, INTERRUPTED: 130, FAILED: 1}  # 130: what a shell says after Ctrl-C


class WandbLogger(ExperimentLogger):
    """Writes settings, numbers and files of a training into a run of Weights & Biases.

    It has to be installed: `pip install wandb`. Where a run is active (`wandb.init`), it is written
    into that one, which stays open. `mode="offline"` needs neither network nor account, and
    `wandb sync` sends the run later.

    Args:
        project, name: of the run, as in `wandb.init`.
        mode: "online", "offline" or "disabled"; what wandb is set to unless given.
        dir: where wandb keeps its files.
        id: an existing run to go on with.
        config, update_freq, artifacts: see `ExperimentLogger`.
        options: other arguments of `wandb.init`, such as entity, group and tags.

    The numbers of an epoch are drawn over `epoch`, those inside of epochs over `batch/step`.
    """

    package = "wandb"
    opened = ("active",)

    def __init__(
        self,
        project: str | None = None,
        name: str | None = None,
        *,
        mode: str | None = None,
        dir: str | os.PathLike[str] | None = None,
        id: str | None = None,
        config: Mapping[str, Any] | None = None,
        update_freq: int | str = "epoch",
        artifacts: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(config=config, update_freq=update_freq, artifacts=artifacts)
        self.options = {"project": project, "name": name, "mode": mode, "dir": dir, **options}
        self.id = id
        self.active: Any = None
        """The run of wandb while `fit` runs, for more that you want to write."""
        self._is_ours = True

    def begin(self, trainer: Trainer, run: str | None) -> str:
        import wandb  # on first use

        self._is_ours = wandb.run is None
        if self._is_ours:
            given = {key: value for key, value in self.options.items() if value is not None}
            run = self.id or run
            self.active = wandb.init(id=run, resume=None if run is None else "allow", **given)
        else:
            self.active = wandb.run
        self.active.define_metric("epoch", hidden=True)
        self.active.define_metric("batch/step", hidden=True)
        for name in trainer.quantities:
            self.active.define_metric(name, step_metric="epoch")
        self.active.define_metric("batch/*", step_metric="batch/step")
        return str(self.active.id)

    def log_config(self, config: dict[str, Plain]) -> None:
        self.active.config.update(config, allow_val_change=True)

    def log_numbers(self, numbers: dict[str, float], step: int) -> None:
        inside = any(name.startswith("batch/") for name in numbers)
        self.active.log({"batch/step" if inside else "epoch": step, **numbers})

    def log_figure(self, name: str, figure: Figure, step: int) -> None:
        import wandb
        from PIL import Image

        self.active.log({name: wandb.Image(Image.open(_png(figure))), "epoch": step})

    def log_file(self, path: str | os.PathLike[str]) -> None:
        import wandb

        artifact = wandb.Artifact(f"{Path(path).stem}-{self.active.id}", type="model")
        artifact.add_file(os.fspath(path))
        self.active.log_artifact(artifact)

    def end(self, status: str, error: BaseException | None) -> None:
        active, self.active = self.active, None
        if self._is_ours:
            active.finish(exit_code=_CODES[status])


def _png(figure: Figure) -> io.BytesIO:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    return file
