"""A callback that writes a training into MLflow."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlframe.base.printable import error_text
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

_STATUS = {FINISHED: "FINISHED", INTERRUPTED: "KILLED", FAILED: "FAILED"}
_MOST = 100  # parameters in a request
_LONGEST = 6000  # characters of a parameter


class MLflowLogger(ExperimentLogger):
    """Writes settings, numbers and files of a training into a run of MLflow.

    MLflow has to be installed: `pip install mlflow`. Where a run is active (`mlflow.start_run`) and
    neither `experiment` nor `run_id` is given, it is written into that one, which stays open.

    Args:
        experiment: the name of the experiment, which is made if need be; "Default" unless given.
        run_name: the name of a new run; MLflow finds one unless given.
        tracking_uri: where MLflow keeps its runs: `sqlite:///mlflow.db`, the address of a server,
            … Unless given it is what MLflow is set to.
        run_id: an existing run to go on with.
        tags: of a new run.
        config, update_freq, artifacts: see `ExperimentLogger`.

    A setting that MLflow has with another value already, as the number of epochs of a run that goes
    on, keeps its first value: MLflow does not change them. Characters that its names cannot have
    become `_`.
    """

    package = "mlflow"
    opened = ("client",)

    def __init__(
        self,
        experiment: str | None = None,
        run_name: str | None = None,
        *,
        tracking_uri: str | None = None,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        update_freq: int | str = "epoch",
        artifacts: bool = False,
    ) -> None:
        super().__init__(config=config, update_freq=update_freq, artifacts=artifacts)
        self.experiment = experiment
        self.run_name = run_name
        self.tracking_uri = tracking_uri
        self.run_id = run_id
        self.tags = dict(tags or {})
        self.client: Any = None
        """MLflow's client once `fit` has begun, for more that you want to write."""
        self._is_ours = True

    def begin(self, trainer: Trainer, run: str | None) -> str:
        import mlflow  # on first use

        self.client = mlflow.MlflowClient(tracking_uri=self.tracking_uri)
        active = mlflow.active_run()
        if active is not None and self.experiment is None and self.run_id is None:
            self._is_ours = False
            return str(active.info.run_id)
        self._is_ours = True
        run = self.run_id or run
        if run is not None:
            self.client.update_run(run, status="RUNNING")
            return run
        made = self.client.create_run(
            self._experiment_id(), run_name=self.run_name, tags=self.tags or None
        )
        return str(made.info.run_id)

    def _experiment_id(self) -> str:
        name = "Default" if self.experiment is None else self.experiment
        found = self.client.get_experiment_by_name(name)
        return str(self.client.create_experiment(name) if found is None else found.experiment_id)

    def log_config(self, config: dict[str, Plain]) -> None:
        from mlflow.entities import Param

        known = self.client.get_run(self.run).data.params
        named = {_name(key): str(value)[:_LONGEST] for key, value in config.items()}
        new = [Param(key, value) for key, value in named.items() if key not in known]
        for begin in range(0, len(new), _MOST):
            self.client.log_batch(self.run, params=new[begin : begin + _MOST])

    def log_numbers(self, numbers: dict[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(_name(key), value, now, step) for key, value in numbers.items()]
        self.client.log_batch(self.run, metrics=metrics)

    def log_figure(self, name: str, figure: Figure, step: int) -> None:
        self.client.log_figure(self.run, figure, f"{_name(name)}.png")

    def log_file(self, path: str | os.PathLike[str]) -> None:
        self.client.log_artifact(self.run, os.fspath(path))

    def end(self, status: str, error: BaseException | None) -> None:
        if error is not None:
            self.client.set_tag(self.run, "error", error_text(error)[:_LONGEST])
        if self._is_ours:
            self.client.set_terminated(self.run, _STATUS[status])


def _name(name: str) -> str:
    return re.sub(r"[^-\w./ ]", "_", name)
