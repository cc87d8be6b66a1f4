"""The pictures of a run."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

from dlframe.base.printable import printable
from dlframe.cli.problems import Problem, gather
from dlframe.cli.results import Result
from dlframe.errors import MissingExtraError
from dlframe.training import StepLog, Trainer

SAMPLES = 40  # images in the grid of samples
SHORT = 5  # epochs; a curve of fewer points shows little
NAMES = ("curves.png", "samples.png", "confusion.png", "mistakes.png", "boundary.png")
REPORT = "report.html"


def draw_all(
    folder: Path, config: dict[str, Any], problem: Problem, trainer: Trainer, result: Result
) -> str | None:
    """Draw all pictures into the folder; without matplotlib, return a notice to print."""
    from dlframe import viz  # on first use: it brings matplotlib

    name = f"{config['model']['name']} on {short_name(config['data'])}"
    try:
        _curves(folder, name, trainer)
        if problem.kind.classes:
            viz.confusion(
                result.matrix,
                problem.classes,
                title=f"Confusion matrix: {name}, test set",
                path=folder / "confusion.png",
            )
        if problem.kind.is_image and problem.kind.classes:
            if problem.kind.shape[0] in (1, 3):
                _image_grids(folder, name, config, problem, result)
        elif problem.kind.shape == (2,) and problem.kind.classes:
            x, y = gather(problem.test)
            viz.decision_boundary(
                trainer.model,
                x,
                y,
                problem.classes,
                title=f"Decision boundary: {name}, test set",
                path=folder / "boundary.png",
            )
    except MissingExtraError as error:
        return str(error)
    return None


def short_name(data: str) -> str:
    """The name of data for a title: of a path the last part."""
    return printable(PurePath(data).name or data, longest=40)


def _curves(folder: Path, name: str, trainer: Trainer) -> None:
    """The curves by epochs; for a short run also the values inside epochs."""
    from dlframe import viz

    drawn = {"loss", "val_loss", "lr"}
    for metric in trainer.metrics:
        drawn |= {metric.name, f"val_{metric.name}"}
    history = {
        key: values
        for key, values in trainer.history.items()
        if key in drawn and all(isinstance(value, float) for value in values)
    }
    options: dict[str, Any] = {}
    if trainer.epoch < SHORT:
        log = next(c for c in trainer.callbacks if isinstance(c, StepLog))
        per_epoch = trainer.step // trainer.epoch
        ends = [per_epoch * (i + 1) for i in range(trainer.epoch)]
        options = {"x_label": "step", "steps": dict.fromkeys(history, ends)}
        if log.steps:
            history |= {"loss": log.losses, "lr": log.rates}
            options["steps"] |= {"loss": log.steps, "lr": log.steps}
    if len(set(history["lr"])) == 1:  # a constant rate needs no panel
        del history["lr"]
    viz.curves(history, title=f"Training: {name}", path=folder / "curves.png", **options)


def _image_grids(
    folder: Path, name: str, config: dict[str, Any], problem: Problem, result: Result
) -> None:
    from dlframe import viz

    x, y = gather(problem.plain_train, SAMPLES)
    viz.sample_grid(
        x,
        y,
        problem.classes,
        title=f"Training samples: {short_name(config['data'])}",
        path=folder / "samples.png",
        mean=problem.kind.mean,
        std=problem.kind.std,
    )
    images, _ = gather(problem.test)
    viz.mistakes_grid(
        images,
        result.predicted,
        result.target,
        result.confidence,
        problem.classes,
        title=f"Mistakes: {name}, test set",
        path=folder / "mistakes.png",
        mean=problem.kind.mean,
        std=problem.kind.std,
    )
