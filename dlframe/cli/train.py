"""`dlframe train`: trains a network and reports how good it is."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dlframe import models, plugins, random, starting
from dlframe.base.printable import error_text, printable
from dlframe.cli import choices, measures, pictures, report
from dlframe.cli import config as configs
from dlframe.cli.description import description_in, epoch_in
from dlframe.cli.names import UsageError
from dlframe.cli.problems import Problem, gather, loaders, make_problem
from dlframe.cli.results import Result, measure, print_report
from dlframe.cli.words import say
from dlframe.data.lock import try_lock
from dlframe.nn import Module
from dlframe.optim import Optimizer
from dlframe.training import (
    Callback,
    EarlyStopping,
    JSONLogger,
    ModelCheckpoint,
    NonFiniteLossError,
    StepLog,
    Trainer,
)
from dlframe.training.callbacks.progress import for_verbose
from dlframe.utils import atomic_write, load_checkpoint
from dlframe.utils.atomic import is_temporary, make_folder, remove_leftovers, without_links
from dlframe.utils.environment import environment

LOCK = ".lock"  # in a run's folder, while a process writes there
DESCRIPTION_KEYS = {"dlframe", "data", "model", "optimizer", "scheduler", "seed"}
DESCRIPTION_BYTES = 1 << 20
STEPS_PER_EPOCH = 50  # points on the curve of a short run


class Run:
    """The folder of a run, and the paths of its files."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.config = self.folder / "config.json"
        self.environment = self.folder / "env.json"
        self.metrics = self.folder / "metrics.jsonl"
        self.checkpoints = self.folder / "checkpoints"
        self.best = self.checkpoints / "best.h5"
        self.last = self.checkpoints / "last.h5"
        drawn = [self.folder / name for name in sorted((*pictures.NAMES, pictures.REPORT))]
        self.board = self.folder / "tensorboard"  # with --tracker tensorboard
        self.own = [self.config, self.environment, self.metrics, self.best, self.last, *drawn]

    @property
    def exists(self) -> bool:
        """Whether the folder holds anything but what a run that was killed at its start leaves."""
        return not (_is_empty(self.folder, self.checkpoints.name) and _is_empty(self.checkpoints))

    @property
    def newest(self) -> Path | None:
        """The checkpoint to continue from: killed in its first epoch, a run may have no last.h5."""
        return next((path for path in (self.last, self.best) if path.is_file()), None)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out of the folder, and follow no links in it.

        Raises UsageError if another process trains there already, or for a link.
        """
        self.check_links()
        self.check_is_folder()
        make_folder(self.folder)
        with try_lock(self.folder / LOCK) as held, without_links(self.folder):
            if not held:
                raise UsageError(
                    f"another process is training in {self.folder}: wait for it, or name another "
                    "folder with --out"
                )
            for folder in (self.folder, self.checkpoints):
                if folder.is_dir():
                    remove_leftovers(folder)
            yield

    def check_is_folder(self) -> None:
        """Raise UsageError if the run's folder, or one above it, is something else."""
        for path in (self.folder, *self.folder.parents):
            try:
                if not path.is_dir() and os.path.lexists(path):
                    raise UsageError(f"{path} is no folder: name another one with --out")
            except OSError:
                return  # to say why is left to what makes the folder

    def check_links(self) -> None:
        """Raise UsageError if one of the run's files is a symbolic link.

        Writing would replace the file to which it leads, and a folder may come from somebody else.
        """
        for path in (self.checkpoints, self.board, self.board / "batch", *self.own):
            if path.is_symlink():
                raise UsageError(
                    f"{path} is a symbolic link, and a run writes only into its own folder. Put "
                    "the file itself there, or start another run with --out"
                )

    def files(self) -> list[Path]:
        """The files that a run writes, as far as they exist."""
        return [path for path in self.own if path.is_file()]

    def clear(self) -> None:
        """Delete only the files that a run has written."""
        if not _describes_a_run(self.config):
            raise UsageError(
                f"{self.folder} is not empty and not a run's folder (it has no config.json of "
                "one), so it is not overwritten"
            )
        # the description last, so that the folder is known as a run's until all else is gone
        for path in reversed(self.own):
            path.unlink(missing_ok=True)


def _is_empty(folder: Path, *others: str) -> bool:
    """Whether a folder is absent, or has nothing but a lock, temporary files, and `others`."""
    return not folder.is_dir() or all(
        path.name in (LOCK, *others) or is_temporary(path.name) for path in folder.iterdir()
    )


def _describes_a_run(path: Path) -> bool:
    """Whether a file is the description of a run, and not any config.json."""
    return _keys_in(path) >= DESCRIPTION_KEYS


def _keys_in(path: Path) -> set[str]:
    """The names in a file with one JSON object; none for any other file."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > DESCRIPTION_BYTES:
            return set()
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return set()
    return set(content) if isinstance(content, dict) else set()


def train(options: argparse.Namespace) -> int:
    """The command."""
    if options.resume:
        run, config = _old_run(options)
        options.root = config.get("root")  # for the advice if the data are not there
    else:
        config = configs.from_options(options)
        run = _new_run(options, config)
    random.manual_seed(config["seed"])
    trackers = [choices.tracker(words, run.folder, run.board) for words in options.tracker or ()]
    problem = make_problem(config, download=options.download)
    done = _epochs_done(run) if options.resume else 0
    trainer = make_trainer(config, run, problem, done)
    trainer.callbacks += trackers
    with run.alone():
        _prepare(run, trainer, config, options)
        return _train_and_report(run, trainer, problem, config, options)


def _prepare(
    run: Run, trainer: Trainer, config: dict[str, Any], options: argparse.Namespace
) -> None:
    """Load the state of the run, or clear its folder; called when nothing else can fail."""
    if options.resume:
        trainer.resume(_checkpoint_of(run))
        trainer.extra["config"] = config
        if trainer.epoch > config["epochs"]:
            raise UsageError(
                f"{run.folder} has {trainer.epoch} epochs already: --epochs N for more"
            )
        _check_best(run, trainer, config["epochs"])
    elif run.exists:
        _check_may_be_replaced(run, options)  # again, since another process may have made it
        run.clear()


def _check_best(run: Run, trainer: Trainer, epochs: int) -> None:
    """A run whose best weights are gone goes on without them; UsageError if no epoch is left."""
    checkpoint = _checkpoint_callback(trainer)
    if checkpoint.best is None or run.best.is_file():
        return
    gone = (
        f"{run.folder} has no {run.best.relative_to(run.folder)} any more, with the weights of its "
        f"best epoch ({checkpoint.best_epoch})"
    )
    if trainer.epoch >= epochs:
        raise UsageError(
            f"{gone}, so there is nothing to report: put the file back, or train on with --epochs "
            f"{trainer.epoch + 1} or more, where the best of the further epochs counts"
        )
    say(f"warning: {gone}: the best of the further epochs counts", sys.stderr)
    checkpoint.best, checkpoint.best_epoch = None, 0


def _checkpoint_callback(trainer: Trainer) -> ModelCheckpoint:
    return next(one for one in trainer.callbacks if isinstance(one, ModelCheckpoint))


def _train_and_report(
    run: Run,
    trainer: Trainer,
    problem: Problem,
    config: dict[str, Any],
    options: argparse.Namespace,
) -> int:
    """Train, test and draw; returns the exit code."""
    _introduce(config, problem, trainer)
    _write_json(run.config, config)
    _write_json(run.environment, environment())
    _say_what_follows(config, trainer)
    if trainer.epoch == config["epochs"]:  # it may have been stopped before its report
        say(f"All {trainer.epoch} epochs are done; --epochs N trains on. The report once more:\n")
    elif not _fit(trainer, problem, config, 0 if options.quiet else options.verbose):
        out = printable(shlex.quote(str(run.folder)))
        say(
            f"\nStopped in epoch {trainer.epoch + 1} after {trainer.step} steps; everything is "
            f"saved. Continue with:\n  dlframe train --resume --out {out}{_again(options)}",
            sys.stderr,
        )
        return starting.INTERRUPTED
    result = _test(run, problem, trainer, config)
    if options.pictures:
        notice = pictures.draw_all(run.folder, config, problem, trainer, result)
        if notice:
            say(f"\nNo pictures: {notice}")
        report.write(
            run.folder, config, problem.kind, trainer.model, problem.test, problem.classes,
            result, len(problem.train),
        )  # fmt: skip
    say(f"\nWritten to {printable(run.folder)}:")
    for path in run.files():
        print(f"  {path.relative_to(run.folder)}")
    return 0


def _again(options: argparse.Namespace) -> str:
    """The trackers, to be named again: a checkpoint, which may be anybody's, has none."""
    words = (["--tracker", *words] for words in options.tracker or ())
    return "".join(f" {printable(shlex.join(one))}" for one in words)


def _fit(trainer: Trainer, problem: Problem, config: dict[str, Any], verbose: int | None) -> bool:
    """Train, and print how it ended; returns False after Ctrl-C."""
    started = time.perf_counter()
    display = for_verbose(verbose)
    if display is not None and display.bar is not None:
        trainer.callbacks.insert(0, display)  # in the place of the Trainer's own
    train, validation = loaders(problem, config)
    for end in (*config["ends"], config["epochs"]):
        if trainer.epoch >= end:
            continue
        if trainer.epoch in config["ends"] and trainer.batch == 0:
            _begin_schedule(trainer, problem, config, end)
        trainer.fit(train, validation, epochs=end, progress=None if display is not None else False)
        if trainer.interrupted:
            return False
        if trainer.stop_reason is not None:
            say(f"Stopped early: {trainer.stop_reason}.")
            break
    print(f"Trained for {time.perf_counter() - started:.1f} s.")
    return True


def _begin_schedule(trainer: Trainer, problem: Problem, config: dict[str, Any], end: int) -> None:
    """For epochs after the end of a schedule: the same schedule again, from the first rate."""
    for group in trainer.optimizer.param_groups:
        first = group.pop("initial_lr", group["lr"])
        group["lr"] = config["optimizer"]["arguments"].get("lr", first)
    trainer.scheduler, trainer.scheduler_interval = choices.make_scheduler(
        config["scheduler"], trainer.optimizer, end - trainer.epoch, _batches(config, problem)
    )


def _say_what_follows(config: dict[str, Any], trainer: Trainer) -> None:
    """Warn where the run goes on after the end of its schedule."""
    if config["ends"] and trainer.epoch < config["epochs"]:
        end = config["ends"][-1]
        say(
            f"warning: the schedule ({config['scheduler']['name']}) ends with epoch {end}, as it "
            f"was planned; epochs {end + 1} to {config['epochs']} have one of their own, which "
            "begins with the first learning rate again",
            sys.stderr,
        )


def _epochs_done(run: Run) -> int:
    path = _checkpoint_of(run)
    return epoch_in(load_checkpoint(path), path)


def _batches(config: dict[str, Any], problem: Problem) -> int:
    """How many batches an epoch has."""
    samples, size = len(problem.train), int(config["batch_size"])
    return -(-samples // size)


def _new_run(options: argparse.Namespace, config: dict[str, Any]) -> Run:
    data = Path(config["data"]).stem if config["source"] else config["data"]
    run = Run(options.out or f"runs/{data.replace(':', '-')}-{config['model']['name']}")
    _check_may_be_replaced(run, options)
    return run


def _check_may_be_replaced(run: Run, options: argparse.Namespace) -> None:
    run.check_is_folder()
    if run.exists and not options.overwrite:
        raise UsageError(
            f"{run.folder} exists: --resume continues the run in it, --overwrite replaces it, "
            "and --out NAME names another"
        )


def _old_run(options: argparse.Namespace) -> tuple[Run, dict[str, Any]]:
    if options.overwrite:
        raise UsageError("--resume and --overwrite contradict each other")
    if options.out is None:
        raise UsageError("say which run to continue: --out DIR")
    run = Run(options.out)
    run.check_links()
    if (names := _keys_in(run.config)) and not names >= DESCRIPTION_KEYS:
        raise UsageError(
            f"{run.config} describes something else than a run, which would replace it"
        )
    path = _checkpoint_of(run)
    return run, configs.resumed(description_in(load_checkpoint(path), path), options)


def _checkpoint_of(run: Run) -> Path:
    if run.newest is None:
        again = ": start again, with --overwrite" if _describes_a_run(run.config) else ""
        raise UsageError(
            f"{run.folder} has no {run.last.relative_to(run.folder)} to continue from{again}"
        )
    return run.newest


def make_trainer(config: dict[str, Any], run: Run, problem: Problem, done: int = 0) -> Trainer:
    """The trainer of a description; the same description gives the same weights.

    `done` is the number of epochs in the checkpoint that it will load, which has the state of the
    schedule of these epochs.
    """
    model = models.build(config["model"]["name"], **config["model"]["arguments"])
    measures.initialize(config["init"], model)
    loss = measures.make_loss(config["loss"], problem.kind.classes)
    optimizer = _make_optimizer(model, **config["optimizer"])
    regularizers, optimizer = choices.make_regularizers(
        config["regularizers"], model, loss, optimizer
    )
    batches = _batches(config, problem)
    # a checkpoint at the end of a schedule has that one's state; the next begins after it
    begin, end = 0, config["epochs"]
    for earlier in reversed(config["ends"]):
        if done <= earlier:
            end = earlier
        else:
            begin = earlier
            break
    scheduler, interval = choices.make_scheduler(
        config["scheduler"], optimizer, end - begin, batches
    )
    callbacks: list[Callback] = [
        ModelCheckpoint(run.checkpoints),
        JSONLogger(run.metrics),
        StepLog(every=-(-batches // STEPS_PER_EPOCH)),
    ]
    if config["patience"] is not None:
        callbacks.append(EarlyStopping(patience=config["patience"]))
    return Trainer(
        model,
        loss,
        optimizer,
        measures.make_metrics(config["metrics"], problem.kind.classes),
        callbacks,
        scheduler,
        scheduler_interval=interval,
        regularizers=regularizers,
        extra={"config": config},
    )


def _make_optimizer(model: Module, name: str, arguments: dict[str, Any]) -> Optimizer:
    make = plugins.get("optimizers", name)
    try:
        optimizer = make(model.named_parameters(), **arguments)
    except (Exception, SystemExit) as error:  # a plugin's with other arguments, or wrong values
        raise UsageError(
            f"the optimizer {name} cannot be made with {arguments}: {error_text(error)}"
        ) from error
    if not isinstance(optimizer, Optimizer):
        raise UsageError(
            f"the optimizer {name} makes a {type(optimizer).__name__}, not an Optimizer"
        )
    return optimizer


def _introduce(config: dict[str, Any], problem: Problem, trainer: Trainer) -> None:
    parameters = sum(p.array.size for p in trainer.model.parameters())
    optimizer = config["optimizer"]
    arguments = ", ".join(f"{key} {value}" for key, value in optimizer["arguments"].items())
    name = printable(optimizer["name"])
    regularizers = "".join(f", {choices.described(one)}" for one in config["regularizers"])
    schedule = choices.described(config["scheduler"])
    say(
        f"{printable(config['data'])}: {len(problem.train)} samples to train on, "
        f"{len(problem.validation)} to validate, {len(problem.test)} to test at the end\n"
        f"{config['model']['name']}: {parameters:,} parameters; {name} ({printable(arguments)})"
        f"{regularizers}, schedule {schedule}, batches of {config['batch_size']}, "
        f"seed {config['seed']}{_own_choices(config)}"
    )
    _say_balance(problem)
    if trainer.step > 0 and trainer.epoch < config["epochs"]:
        say(f"resumed after {trainer.step} steps, in epoch {trainer.epoch + 1}")
    print(flush=True)


def _own_choices(config: dict[str, Any]) -> str:
    """Loss, metrics and initial values, where they are not the usual ones."""
    parts = []
    if config["loss"] != {"name": "CrossEntropyLoss", "arguments": {}}:
        parts.append(f"loss {choices.described(config['loss'])}")
    if config["metrics"] != [{"name": "Accuracy", "arguments": {}}]:
        parts.append("metrics " + ", ".join(map(choices.described, config["metrics"])))
    if config["init"] is not None:
        parts.append(f"weights by {choices.described(config['init'])}")
    return "".join(f", {part}" for part in parts)


def _say_balance(problem: Problem) -> None:
    """How many training samples the classes of the user's own data have."""
    kind = problem.kind
    if kind.recipe not in ("rows", "images") or not kind.classes:
        return
    counts = np.bincount(gather(problem.plain_train)[1].array, minlength=kind.classes)
    fewest, most = int(counts.argmin()), int(counts.argmax())
    if counts[fewest] == counts[most]:
        say(f"{kind.classes} classes with {counts[most]} samples to train on each")
        return
    say(
        f"{kind.classes} classes: from {counts[fewest]} samples to train on "
        f"({printable(problem.classes[fewest], longest=40)}) to {counts[most]} "
        f"({printable(problem.classes[most], longest=40)})"
    )


def _test(run: Run, problem: Problem, trainer: Trainer, config: dict[str, Any]) -> Result:
    """Measure the best epoch's weights on the test set, and print the results."""
    checkpoint = _checkpoint_callback(trainer)
    if checkpoint.best is None:
        raise NonFiniteLossError(
            f"the validation loss was not a number in any of the {trainer.epoch} epochs, so none "
            "is the best. Lower the learning rate"
        )
    model: Module = trainer.model
    load_checkpoint(run.best, model=model)
    model.eval()
    say(
        f"Best epoch on the validation set: {checkpoint.best_epoch} (val_loss "
        f"{checkpoint.best:.4f}).\nIts weights on the test set, which was used for nothing else:\n"
    )
    loss = measures.make_loss(config["loss"], problem.kind.classes)
    metrics = measures.make_metrics(config["metrics"], problem.kind.classes)
    result = measure(model, problem.test, problem.kind, loss, metrics, config["source"])
    print_report(result, problem.classes)
    return result


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    with atomic_write(path) as file:
        # a path may have bytes that are no UTF-8, which Python writes as \udcff, as JSON does
        file.write(text.encode("utf-8", "backslashreplace"))
