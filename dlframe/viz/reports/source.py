"""What is known of a run: from its trainer, or from the files in its folder."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlframe.base.printable import error_text, printable
from dlframe.errors import DlframeError
from dlframe.nn import Module
from dlframe.training.callbacks.layers import FILE as LAYERS
from dlframe.training.callbacks.layers import LayerLog, read_layers
from dlframe.training.callbacks.loggers import StepLog
from dlframe.training.callbacks.norms import NormLog
from dlframe.training.doctor.report import Report as Findings
from dlframe.training.history import History
from dlframe.training.reading import read_history
from dlframe.training.trainer import Trainer
from dlframe.utils.environment import environment
from dlframe.utils.files import load
from dlframe.viz.reports.measured import Measured

LARGEST = 1 << 20  # bytes of config.json and env.json
CHECKPOINTS = ("checkpoints/last.h5", "checkpoints/best.h5", "last.h5", "best.h5")


@dataclass
class Source:
    """All that a report may tell of; what is not known is None or empty.

    `left_out` says why a part of the page is missing, by the part's name; `warnings` are sentences
    for the top of the page.
    """

    title: str
    history: History = field(default_factory=History)
    config: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    model: Module | None = None
    evaluator: Any = None
    steps: Mapping[str, Sequence[float]] = field(default_factory=dict)  # of a StepLog
    norms: Mapping[str, Any] = field(default_factory=dict)  # of a NormLog
    layers: LayerLog | None = None
    measured: Measured | None = None
    findings: Findings | None = None
    planned: int | None = None  # epochs
    batches: int = 0  # trained on, in all
    samples: int | None = None  # of an epoch
    mean: Any = None
    std: Any = None
    folder: Path | None = None
    again: list[tuple[str, str]] = field(default_factory=list)  # (what it does, command)
    warnings: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


# --- a trainer ---------------------------------------------------------------------------------


def of_trainer(trainer: Trainer) -> Source:
    """What a trainer knows of its run."""
    name = type(trainer.model).__name__
    source = Source(
        title=f"Training of {name}",
        history=trainer.history,
        config=description(trainer),
        environment=environment(),
        model=trainer.model,
        evaluator=trainer,
        planned=trainer.epochs or None,
        batches=trainer.step,
        samples=_samples(trainer),
    )
    for callback in trainer.callbacks:
        if isinstance(callback, StepLog) and callback.steps:
            source.steps = {"x": callback.steps, "loss": callback.losses, "lr": callback.rates}
        if isinstance(callback, NormLog) and callback.steps:
            source.norms = callback.state_dict()
        if isinstance(callback, LayerLog) and callback.steps:
            source.layers = callback
    if trainer.interrupted:
        source.warnings.append(f"Training was interrupted in epoch {trainer.epoch + 1}.")
    if trainer.stop_reason is not None:
        source.warnings.append(f"Training stopped early: {trainer.stop_reason}.")
    return source


def _samples(trainer: Trainer) -> int | None:
    """The samples of an epoch, where an epoch is a pass over a data set with a length."""
    stream = trainer._stream
    try:
        return len(stream.loader.dataset) if stream.per_epoch is None else None
    except (AttributeError, TypeError, NotImplementedError):
        return None


def description(trainer: Trainer) -> dict[str, Any]:
    """The parts of a trainer in words, and what its user keeps in `extra`."""
    optimizer = trainer.optimizer
    groups = list(getattr(optimizer, "param_groups", []))
    options = {
        name: value
        for name, value in (groups[0] if groups else {}).items()
        if name not in ("params", "param_names", "initial_lr") and _is_plain(value)
    }
    loader = trainer._stream.loader
    parts: dict[str, Any] = {
        "model": type(trainer.model).__name__,
        "loss": _named(trainer.loss),
        "optimizer": {"name": type(optimizer).__name__, "arguments": options},
        "parameter groups": len(groups) if len(groups) > 1 else None,
        "scheduler": None
        if trainer.scheduler is None
        else f"{type(trainer.scheduler).__name__}, a step per {trainer.scheduler_interval}",
        "regularizers": ", ".join(map(_named, trainer.regularizers)) or None,
        "metrics": ", ".join(metric.name for metric in trainer.metrics) or None,
        "callbacks": ", ".join(type(one).__name__ for one in trainer.callbacks) or None,
        "batch_size": getattr(loader, "batch_size", None),
    }
    return {name: value for name, value in parts.items() if value is not None} | dict(trainer.extra)


def _named(part: Any) -> str:
    """A part in one line: a module's own text, the name of a function or class."""
    if isinstance(part, Module):
        return " ".join(repr(part).split())
    return str(getattr(part, "__name__", type(part).__name__))


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


# --- a folder ----------------------------------------------------------------------------------


def of_folder(path: str | os.PathLike[str]) -> Source:
    """What the files of a run's folder tell, or one file with a history.

    Raises FileNotFoundError where there is no history, FileFormatError for one that is none.
    """
    given = Path(path)
    folder = given if given.is_dir() else given.parent
    source = Source(title=f"The run {printable(given.resolve().name)}", folder=folder)
    source.history = read_history(given)
    source.config = _json(folder / "config.json", source)
    source.environment = _json(folder / "env.json", source)
    planned = source.config.get("epochs")
    source.planned = planned if isinstance(planned, int) and planned > 0 else None
    _read_checkpoint(folder, source)
    if (folder / LAYERS).is_file():
        try:
            source.layers = read_layers(folder)
        except (DlframeError, OSError) as error:
            source.left_out[LAYERS] = error_text(error)
    if source.planned is not None and source.history.epochs < source.planned:
        patience = source.config.get("patience")
        source.warnings.append(
            f"The history has {source.history.epochs} of {source.planned} epochs: training was "
            "interrupted" + ("" if patience is None else ", or stopped early") + "."
        )
    return source


def _json(path: Path, source: Source) -> dict[str, Any]:
    """The object in a file; without it the page says what is missing."""
    try:
        if path.stat().st_size > LARGEST:
            source.left_out[path.name] = f"it is larger than {LARGEST >> 20} MiB"
            return {}
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        source.left_out[path.name] = "the folder has no such file"
        return {}
    except (OSError, ValueError, RecursionError) as error:
        source.left_out[path.name] = error_text(error)
        return {}
    if not isinstance(content, dict):
        source.left_out[path.name] = "it is no JSON object"
        return {}
    return content


def _read_checkpoint(folder: Path, source: Source) -> None:
    """What callbacks logged, from the newest checkpoint."""
    path = next((folder / name for name in CHECKPOINTS if (folder / name).is_file()), None)
    if path is None:
        source.left_out["checkpoints"] = "the folder has none, so there is nothing of each step"
        return
    try:
        own = load(path, names=["trainer"])["trainer"]
        callbacks = own["callbacks"]
        source.batches = int(own["step"])
    except (DlframeError, OSError, KeyError, TypeError, ValueError) as error:
        source.left_out[path.name] = error_text(error)
        return
    logs = {"StepLog": StepLog(), "NormLog": NormLog()}
    for name, log in logs.items():
        if name in callbacks:
            try:
                log.load_state_dict(callbacks[name])
            except DlframeError as error:
                source.left_out[name] = error_text(error)
    steps, norms = logs["StepLog"], logs["NormLog"]
    assert isinstance(steps, StepLog)
    if steps.steps:
        source.steps = {"x": steps.steps, "loss": steps.losses, "lr": steps.rates}
    if isinstance(norms, NormLog) and norms.steps:
        source.norms = norms.state_dict()


def not_finite(values: Sequence[Any]) -> list[int]:
    """The epochs, counted from 1, whose value is NaN or infinite."""
    return [
        i for i, one in enumerate(values, 1) if isinstance(one, float) and not math.isfinite(one)
    ]
