"""`dlframe report`: everything about a run on one page, see `dlframe.viz.report`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from dlframe.base.printable import printable
from dlframe.cli import measures
from dlframe.cli.evaluate import load_model
from dlframe.cli.names import UsageError
from dlframe.cli.pictures import REPORT, short_name
from dlframe.cli.problems import Kind, gather, kind_of, make_problem, make_test_set
from dlframe.cli.results import Result, find_checkpoint, measure
from dlframe.cli.words import say
from dlframe.errors import DatasetError, DlframeError
from dlframe.nn import Module
from dlframe.viz.given import evaluator_of
from dlframe.viz.reports.measured import Measured, inputs_of
from dlframe.viz.reports.report import Report, made
from dlframe.viz.reports.source import Source, of_folder

EXAMPLES = 32  # samples with which layers are measured


def report(options: argparse.Namespace) -> int:
    """The command."""
    folder = _folder_of(Path(options.run))
    source = of_folder(folder)
    known = _described(folder, source)
    if known is not None:
        model, config, epoch = known
        if options.root is not None:
            config["root"] = options.root
        _describe(source, folder, config)
        source.model = model
        source.warnings += _stage(source, epoch)
        if options.data != "none":
            _measure(source, config, options)
    out = folder / REPORT if options.out is None else Path(options.out)
    written = made(source, out)
    say(f"{printable(out)}: {len(written.html) / 1024:.0f} KiB")
    for name, why in written.left_out.items():
        say(f"left out: {printable(name)}: {printable(why)}", sys.stderr)
    return 0


def _folder_of(path: Path) -> Path:
    """The run's folder, which was given itself or by a file in it."""
    if path.is_dir():
        return path
    if not path.exists():
        raise UsageError(f"there is no run {printable(path)}")
    return path.parent.parent if path.parent.name == "checkpoints" else path.parent


def _described(folder: Path, source: Source) -> tuple[Module, dict[str, Any], int] | None:
    """The model of the run; None if there is none, and the page says why."""
    try:
        return load_model(find_checkpoint(str(folder)))
    except (UsageError, DlframeError, OSError) as error:
        source.left_out["the model"] = str(error)
        return None


def _stage(source: Source, epoch: int) -> list[str]:
    """Which weights the results are those of, if they are not the last ones."""
    if not 0 < epoch < source.history.epochs:
        return []
    return [f"The model is that of the best epoch, {epoch}."]


def _measure(source: Source, config: dict[str, Any], options: argparse.Namespace) -> None:
    """Let the model say something of the data; without them the page says what is missing."""
    try:
        if options.data == "test":
            dataset, classes = make_test_set(config)
        else:
            problem = make_problem(config)
            own = {"validation": problem.validation, "training": problem.plain_train}
            dataset, classes = own[options.data], problem.classes
    except DatasetError as error:
        source.left_out["the data"] = error.facts
        return
    kind = kind_of(config)
    loss = measures.make_loss(config["loss"], kind.classes)
    assert source.model is not None
    result = measure(source.model, dataset, kind, loss, (), config["source"])
    _add(source, result, dataset, classes, kind, f"{options.data} set")


# --- of a run that has just ended --------------------------------------------------------------


def write(
    folder: Path,
    config: dict[str, Any],
    kind: Kind,
    model: Module,
    test: Any,
    classes: Any,
    result: Result,
    samples: int,
) -> Report:
    """The report of a run whose test set was just measured."""
    source = of_folder(folder)
    _describe(source, folder, config)
    source.model, source.samples = model, samples
    source.warnings = [text for text in source.warnings if "early" not in text]
    _add(source, result, test, classes, kind, "test set")
    return made(source, folder / REPORT)


def _describe(source: Source, folder: Path, config: dict[str, Any]) -> None:
    kind = kind_of(config)
    source.title = f"{config['model']['name']} on {short_name(config['data'])}"
    source.config = source.config or config
    if kind.is_image:
        source.mean, source.std = kind.mean, kind.std
    where = shlex.quote(str(folder))
    words = source.environment.get("command")
    if isinstance(words, list) and words[1:2] == ["train"] and "--resume" not in words:
        source.again.append(("Train it", f"dlframe {shlex.join(map(str, words[1:]))}"))
    source.again += [
        ("Measure it again", f"dlframe evaluate {where}"),
        ("Write this page again", f"dlframe report {where}"),
        ("Train on", f"dlframe train --resume --out {where} --epochs {2 * config['epochs']}"),
    ]


def _add(source: Source, result: Result, dataset: Any, classes: Any, kind: Kind, name: str) -> None:
    """The results, in the form that the page takes them."""
    evaluator = evaluator_of(source.model)
    source.measured = Measured(
        name=name,
        count=len(result.target),
        kind="classes" if kind.classes else "numbers",
        output=result.output,
        target=result.target,
        classes=list(classes) if kind.classes else None,
        scores="logits" if kind.classes else None,
        inputs=lambda chosen: inputs_of(evaluator, dataset, chosen),
        example=gather(dataset, EXAMPLES)[0],
    )
