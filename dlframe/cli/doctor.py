"""`dlframe doctor`: checks the machine, and a training before it starts."""

from __future__ import annotations

import argparse
from typing import Any

from dlframe import random
from dlframe.base.terminals import USUAL_COLUMNS, columns
from dlframe.cli import config as configs
from dlframe.cli.description import description_in
from dlframe.cli.names import UsageError
from dlframe.cli.parser import data_root
from dlframe.cli.problems import loaders, make_problem
from dlframe.cli.train import Run, make_trainer
from dlframe.data import DataLoader
from dlframe.training.doctor import Report, check, check_environment
from dlframe.utils import load_checkpoint


def doctor(options: argparse.Namespace) -> int:
    """The command `doctor`."""
    for name in ("resume", "overwrite"):
        if getattr(options, name):
            raise UsageError(f"--{name} has no meaning for doctor, which starts no run")
    folders = {"data": data_root(options.root), "run": options.out or options.run or "runs"}
    report = check_environment(folders)
    config = _description(options)
    if config is not None:
        options.root = config.get("root")  # for the advice if the data are not there
        report = report.joined(_checked(config, options))
    width = columns()
    print(report.text(None if width is None else min(width, USUAL_COLUMNS)))
    return 0 if report.ok else 1


def _description(options: argparse.Namespace) -> dict[str, Any] | None:
    """The training that is meant: that of a run's folder, or of the options; or none.

    Raises UsageError where an option contradicts the run.
    """
    if options.run is not None:
        run = Run(options.run)
        path = run.newest
        if path is None:
            raise UsageError(f"{options.run} has no checkpoint of a run")
        return configs.resumed(description_in(load_checkpoint(path), path), options)
    if options.data is None:
        if options.model is not None:
            raise UsageError("say which data to check with: --data digits, for instance")
        return None
    return configs.from_options(options)


def _checked(config: dict[str, Any], options: argparse.Namespace) -> Report:
    random.manual_seed(config["seed"])
    problem = make_problem(config, download=options.download)
    trainer = make_trainer(config, Run(options.out or "runs/doctor"), problem)
    train, validation = loaders(problem, config)
    return check(
        trainer.model,
        trainer.loss,
        train,
        trainer.optimizer,
        val=validation,
        test=DataLoader(problem.test, validation.batch_size),
    )
