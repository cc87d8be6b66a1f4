"""`dlframe predict`: recognizes what is on an image, or predicts the rows of a table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlframe.autograd import no_grad
from dlframe.base.printable import printable
from dlframe.base.terminals import columns, columns_of, shortened
from dlframe.cli import sources
from dlframe.cli.description import description_in
from dlframe.cli.evaluate import load_model
from dlframe.cli.images import read_image
from dlframe.cli.names import UsageError
from dlframe.cli.problems import KINDS, Kind, kind_of
from dlframe.cli.results import decoded, find_checkpoint
from dlframe.cli.words import say
from dlframe.data.datasets import DATASETS
from dlframe.data.table import TableEncoder
from dlframe.data.transforms import Normalize
from dlframe.errors import ArgumentError, DlframeError, FileFormatError
from dlframe.nn import Module
from dlframe.nn import functional as F
from dlframe.tensor import Tensor
from dlframe.utils import load_checkpoint

SHOWN = 3  # classes per image


def predict(options: argparse.Namespace) -> int:
    """The command."""
    rows = [_is_table(name) for name in options.files]
    if any(rows) and not all(rows):
        raise UsageError("give either images or tables (.csv, .tsv, .txt), and not both at once")
    path = find_checkpoint(options.checkpoint or _newest(options.files[0], for_rows=rows[0]))
    model, config, _ = load_model(path)
    kind, source = kind_of(config), config["source"]
    if rows[0] and (source is None or source["form"] != "table"):
        raise UsageError(f"{printable(path)} was trained on {_what(config)}, not on a table")
    if not rows[0] and not kind.is_image:
        raise UsageError(f"{printable(path)} was trained on {_what(config)}, not on images")
    if not rows[0] and (kind.shape[0] not in (1, 3) or kind.shape[1] != kind.shape[2]):
        shape = "×".join(map(str, kind.shape))
        raise UsageError(f"{printable(path)} was trained on {shape}: no image file is of that form")
    data = printable(config["data"])
    say(f"{printable(path)}: {config['model']['name']}, trained on {data}")
    classes = kind.names if source is not None else DATASETS[config["data"]].classes
    failed = False
    for name in options.files:
        try:
            if rows[0]:
                _predict_rows(model, source, name)
            else:
                _predict_image(model, kind, source, classes, name, options)
        except (OSError, FileFormatError, ArgumentError) as error:
            reason = printable(getattr(error, "strerror", None) or error)
            say(f"dlframe predict: error: {printable(name)}: {reason}", sys.stderr)
            failed = True
    return 1 if failed else 0


def _is_table(name: str) -> bool:
    return Path(name).suffix.lower() in (".csv", ".tsv", ".txt")


def _what(config: dict[str, Any]) -> str:
    source, data = config["source"], printable(config["data"])
    if source is None:
        return f"{'images' if KINDS[config['data']].is_image else 'points'} ({data})"
    if source["form"] == "table":
        return f"a table ({data})"
    return f"{'images' if len(source['shape']) == 3 else 'rows of numbers'} ({data})"


def _predict_image(
    model: Module,
    kind: Kind,
    source: sources.Source | None,
    classes: Sequence[str],
    name: str,
    options: argparse.Namespace,
) -> None:
    pixels, how = read_image(Path(name), kind, options.invert, options.center)
    with no_grad():
        output = model(Normalize(kind.mean, kind.std)(Tensor(pixels[None]))).array
    say(f"\n{printable(name)} ({how})")
    if not classes:
        print(f"  {decoded(output, source)[0, 0]:.6g}")
        return
    probabilities = F.softmax(Tensor(output), dim=1).array[0]
    for index in np.argsort(-probabilities, kind="stable")[:SHOWN]:
        print(f"  {probabilities[index]:7.2%}  {printable(classes[index])}")


def _predict_rows(model: Module, source: sources.Source, name: str) -> None:
    encoder = TableEncoder.from_state(source["encoder"])
    table = sources.read_table(source, name, target=False)
    with no_grad():
        output = model(encoder.inputs(table)).array
    say(f"\n{printable(name)}: {printable(source['target'])} of {len(table)} rows")
    width = len(str(len(table)))
    if not encoder.classes:
        for row, (number,) in enumerate(decoded(output, source).tolist(), 1):
            print(f"{row:>{width}}  {number:.6g}")
        return
    probabilities = F.softmax(Tensor(output), dim=1).array
    names = list(map(printable, encoder.classes))
    longest, terminal = max(map(columns_of, names)), columns()
    if terminal is not None:  # the name is cut, not the number
        longest = min(longest, max(8, terminal - width - len("  " * 2) - 7))
    for row, shares in enumerate(probabilities, 1):
        best = int(shares.argmax())
        name = shortened(names[best], longest)
        blank = " " * (longest - columns_of(name))
        print(f"{row:>{width}}  {name}{blank}  {shares[best]:7.2%}")


def _has_columns(config: dict[str, Any], name: str) -> bool:
    source = config["source"]
    if source is None or source["form"] != "table":
        return False
    try:
        there = sources.read_table(source, name, target=False).names
    except ArgumentError:  # a column of the run's --text is not there
        return False
    return all(column["name"] in there for column in source["encoder"]["columns"])


def _newest(name: str, *, for_rows: bool) -> str:
    """The newest run in runs/ that fits a file: trained on images, or on a table's columns."""
    files = [path for path in Path("runs").glob("*/checkpoints/best.h5") if path.is_file()]
    if not files:
        raise UsageError("there is no run in runs/: say which one with --checkpoint")
    for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            config = description_in(load_checkpoint(path), path)
        except (DlframeError, OSError):  # of another program, or damaged
            continue
        if _has_columns(config, name) if for_rows else kind_of(config).is_image:
            return str(path)
    what = f"a table with the columns of {printable(name)}" if for_rows else "images"
    raise UsageError(
        f"no run in runs/ (there {'is' if len(files) == 1 else 'are'} {len(files)}) was trained on "
        f"{what}: say which one with --checkpoint"
    )
