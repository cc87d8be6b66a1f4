"""`dlframe study`: runs a study, goes on with one, and writes its page and tables."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import math
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from dlframe.base.printable import printable
from dlframe.cli.names import UsageError
from dlframe.cli.parser import data_root
from dlframe.cli.words import say, say_table
from dlframe.errors import did_you_mean
from dlframe.study import Results, Study, outputs, store
from dlframe.study.design import parameters
from dlframe.study.experiments import STUDIES
from dlframe.study.statistics import Estimate


def study(options: argparse.Namespace) -> int:
    """The command."""
    if options.study is None:
        for name, text in STUDIES.items():
            say(f"dlframe study {name}: {text}")
        return 0
    module = _module(options.study)
    studies = _changed(_studies(module, options.study), options)
    data = getattr(module, "DATA", None)
    if data is not None and options.data not in (None, *data):
        raise UsageError(
            f"--data: {options.study} knows {', '.join(data)}; got {options.data!r}."
            f"{did_you_mean(options.data, data)}"
        )
    folder = Path(options.out or f"runs/study-{Path(options.study).stem}")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out: {folder} is a file; name a folder, which may be new")
    done = {}
    for name, found in studies.items():
        done[name] = found.run(folder=folder, workers=options.workers)
        _show(done[name])
    title, _, asked = (inspect.getdoc(module) or "").partition("\n")
    outputs.write(
        folder, done, command=_command(options), explanation=getattr(module, "explanation", None),
        title=title or None, asked=asked or None,
    )  # fmt: skip
    say(f"Written: {', '.join(outputs.FILES)} and {store.NAME} in {folder}")
    failed = [
        name for name, found in done.items() if all(run["status"] != "done" for run in found.runs)
    ]
    return 1 if failed else 0


def _module(given: str) -> ModuleType:
    """A module of ours, or a file."""
    if given in STUDIES:
        return importlib.import_module(f"dlframe.study.experiments.{given}")
    if given.endswith(".py"):
        return _module_of(Path(given))
    raise UsageError(
        f"there is no study {given!r}; there are {', '.join(STUDIES)}, or name a Python file."
        f"{did_you_mean(given, STUDIES)}"
    )


def _studies(module: ModuleType, given: str) -> dict[str, Study]:
    """The Study objects of a module."""
    found = {name: value for name, value in vars(module).items() if isinstance(value, Study)}
    if not found:
        raise UsageError(f"{given} has no Study at its top level, such as: my = Study(run, ...)")
    return found


def _module_of(file: Path) -> ModuleType:
    """The file as a module that other processes can import, too: its folder goes to sys.path."""
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    name = file.stem
    other = importlib.util.find_spec(name) if name.isidentifier() else None
    is_it = other is not None and other.has_location and Path(other.origin or "").samefile(file)
    if not name.isidentifier() or (other is not None and not is_it):
        raise UsageError(
            f"a study's file is imported by its name, and {name!r} "
            + ("is another module" if name.isidentifier() else "cannot be one")
            + "; rename the file"
        )
    sys.path.insert(0, str(file.resolve().parent))
    return importlib.import_module(name)


def _changed(found: dict[str, Study], options: argparse.Namespace) -> dict[str, Study]:
    """The studies with what the command line says, as far as it is theirs.

    Each is named as its variable unless it has a name.
    """
    known = {name: parameters(study.function) for name, study in found.items()}
    asked: dict[str, Any] = {"epochs": options.epochs, "data": options.data}
    if any("root" in those for those in known.values()):  # others read no files
        asked["root"] = data_root(options.root)
    baseline = {name: value for name, value in asked.items() if value is not None}
    for option in baseline:
        if not any(option in those for those in known.values()):
            functions = {study.function.__name__: known[name] for name, study in found.items()}
            have = "; ".join(f"{name}() has {', '.join(p)}" for name, p in functions.items())
            raise UsageError(f"--{option}: no run has a parameter {option!r}: {have}")
    seeds = {} if options.seeds is None else {"seeds": options.seeds}
    return {
        name: study.changed(
            baseline={key: value for key, value in baseline.items() if key in known[name]},
            **seeds,
            **({} if study.is_named else {"name": name}),
        )
        for name, study in found.items()
    }


def _command(options: argparse.Namespace) -> str:
    """The command line that makes the study again, without what only this machine has."""
    words = ["dlframe", "study", options.study]
    for name in ("seeds", "epochs", "data"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name}", str(value)]
    return shlex.join(words)


def _ends(found: Estimate | None) -> str:
    """The interval; "-" where there are fewer than two numbers."""
    if found is None or math.isnan(found.low):
        return "-"
    return f"{found.low:.4g} to {found.high:.4g}"


def _show(results: Results) -> None:
    """The table on the terminal."""
    rows = results.table()
    cells = [
        (
            printable(row.arm),
            str(row.runs) if row.finished == row.runs else f"{row.finished} of {row.runs}",
            f"{row.estimate.mean:.4g}" if row.estimate else "-",
            _ends(row.estimate),
            row.verdict or "reference",
        )
        for row in rows
    ]
    say(f"{results.study.measure} of {results.study.name}")
    say_table([("arm", "runs", "mean", "95 % interval", "verdict"), *cells], heads=1, numbers=(2,))
    failures = results.failures()
    if failures:
        first = failures[0]
        why = printable(first.get("error") or "its measure is not finite")
        say(f"{len(failures)} runs gave no number. The first, {first['arm']}: {why}")
