"""The pictures of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlframe.cli.problems import Problem, gather
from dlframe.cli.results import Result
from dlframe.errors import MissingExtraError
from dlframe.training import StepLog, Trainer

SAMPLES = 40  # images in the grid of samples
SHORT = 5  # epochs; a curve of fewer points shows little
NAMES = ("curves.png", "samples.png", "confusion.png", "mistakes.png", "boundary.png")
DRAWN = ("loss", "val_loss", "accuracy", "val_accuracy", "lr")


def draw_all(
    folder: Path, config: dict[str, Any], problem: Problem, trainer: Trainer, result: Result
) -> str | None:
    """Draw all pictures into the folder; without matplotlib, return a notice to print."""
    from dlframe import viz  # on first use: it brings matplotlib

    name = f"{config['model']['name']} on {config['data']}"
    try:
        _curves(folder, name, trainer)
        viz.confusion(
            result.matrix,
            problem.classes,
            title=f"Confusion matrix: {name}, test set",
            path=folder / "confusion.png",
        )
        if problem.kind.is_image:
            _image_grids(folder, name, config, problem, result)
        else:
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


def _curves(folder: Path, name: str, trainer: Trainer) -> None:
    """The curves by epochs; for a short run also the values inside epochs."""
    from dlframe import viz

    history = {key: values for key, values in trainer.history.items() if key in DRAWN}
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
        title=f"Training samples: {config['data']}",
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
