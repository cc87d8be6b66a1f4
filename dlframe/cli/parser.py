"""The commands and options of the command line, with suggestions for misspelt ones.

Commands are imported when they run, so `dlframe --help` costs what `import dlframe` does.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from textwrap import fill
from typing import Any, NoReturn

from dlframe import starting
from dlframe.base.printable import printable
from dlframe.base.terminals import columns
from dlframe.cli.names import (
    DATA,
    INITS,
    INVERT,
    LOSSES,
    MEASURED,
    METRICS,
    MODELS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
    TRACKERS,
)
from dlframe.cli.words import say
from dlframe.errors import did_you_mean
from dlframe.version import __version__

NAMED: dict[str, Any] = {"nargs": "+", "metavar": ("NAME", "KEY=VALUE")}
WIDEST = 80  # columns of a help text

EXAMPLES = """\
examples:
  dlframe train --data digits --model cnn --out runs/demo
  dlframe train --data mnist --hidden 50 --optimizer sgd
  dlframe train --data flowers.csv --target species
  dlframe train --out runs/demo --resume
  dlframe evaluate runs/demo
  dlframe predict photo.png --checkpoint runs/demo
"""


def path(text: str) -> str:
    """The type of an option that is a path: an empty one would be the present folder."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return text


class Layout(argparse.RawDescriptionHelpFormatter):
    """Help texts of at most 80 columns."""

    def __init__(self, prog: str) -> None:
        width = min(WIDEST, columns() or shutil.get_terminal_size().columns)
        super().__init__(prog, max_help_position=26, width=max(30, width - 1))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        # the examples have lines of their own, a description has one
        return super()._fill_text(text if "\n" in text else fill(text, width), width, indent)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that suggests the nearest name for a misspelt option or command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=Layout, **options)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As ever; but an option that a command does not have is an error of this command."""
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            self._of_command(options).error(f"unrecognized arguments: {' '.join(rest)}")
        return options

    def _of_command(self, options: Any) -> argparse.ArgumentParser:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                parser = action.choices.get(getattr(options, action.dest, None) or "")
                if isinstance(parser, Parser):
                    return parser._of_command(options)
        return self

    def error(self, message: str) -> NoReturn:
        # one line, while argparse would print all options first
        shown = printable(f"{message}{self._hint(message)}")
        say(f"{self.prog}: error: {shown} See {self.prog} --help", sys.stderr)
        self.exit(2)

    def _hint(self, message: str) -> str:
        if unknown := re.search(r"unrecognized arguments: (--[\w-]+)", message):
            return "." + did_you_mean(unknown[1], self._all_options())
        if unknown := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            return "." + did_you_mean(unknown[1], re.findall(r"[\w-]+", unknown[2]))
        return "."

    def _all_options(self) -> list[str]:
        """The options of this parser and of its commands."""
        names = [name for action in self._actions for name in action.option_strings]
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for command in action.choices.values():
                    names += command._all_options()
        return names


def make_parser() -> Parser:
    """The parser of all commands; each sets `command`, the function to call."""
    parser = Parser(
        prog="dlframe",
        description="Deep learning in readable NumPy: train, evaluate and use small networks.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"dlframe {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="name", metavar="COMMAND"
    )  # none is asked for help: see `main`
    common = Parser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    common.add_argument(
        "--threads", type=positive_int, metavar="N",
        help="threads of a large product, a convolution or an optimizer's step; small ones stay in "
        "one (default: $OPENBLAS_NUM_THREADS, $OMP_NUM_THREADS, or all processors)",
    )  # fmt: skip

    def add(name: str, function: str, help_text: str) -> Parser:
        command = commands.add_parser(
            name, help=help_text, description=help_text[0].upper() + help_text[1:] + ".",
            parents=[common],
        )  # fmt: skip
        command.set_defaults(command=_later(function))
        assert isinstance(command, Parser)
        return command

    _train(add("train", "train:train", "train a network, and save its weights, curves and report"))
    _evaluate(add("evaluate", "evaluate:evaluate", "measure a checkpoint on its test data"))
    _report(add("report", "report:report", "write everything about a run on one page"))
    _predict(add("predict", "predict:predict", "use a checkpoint for images or rows of a table"))
    _data(add("data", "data:data", "list, download or verify data sets"))
    listing = add("plugins", "info:plugins", "list what plugins add")
    listing.add_argument("--all", action="store_true", help="list dlframe's own names too")
    doctor = add("doctor", "doctor:doctor", "check the machine, and a training before it starts")
    doctor.add_argument(
        "run", nargs="?", type=path, help="folder of a run; or the options of train"
    )
    _train(doctor)
    _watch(add("watch", "watch:watch", "follow runs in the browser while they train"))
    add_port(add("playground", "playground:playground", "watch a small network learn points"))
    _study(add("study", "study:study", "run a study, and write its page"))
    running = add("run", "run:run", "run a program that was written for PyTorch")
    _run(running)
    rewriting = add("port", "port:port", "print a program for PyTorch with dlframe's imports")
    rewriting.add_argument("script", type=path, help="the program's file")
    rewriting.add_argument(
        "-o", "--out", type=path, metavar="FILE", help="write it here (default: print it)"
    )
    add("info", "info:info", "show versions, BLAS and threads, for reports of errors")
    return parser


def _run(command: Parser) -> None:
    command.add_argument(
        "--check", action="store_true",
        help="do not run it: list the names of PyTorch's that it uses, and whether they are there",
    )  # fmt: skip
    command.add_argument("--json", action="store_true", help="with --check: as JSON")
    command.add_argument("script", type=path, help="the program's file")
    command.add_argument(
        "arguments", nargs=argparse.REMAINDER,
        help="its own arguments; with --check further files or folders",
    )  # fmt: skip


def _later(function: str) -> Callable[[argparse.Namespace], int]:
    """The function `module:name` of this package, imported when it is called."""
    module, name = function.split(":")

    def call(options: argparse.Namespace) -> int:
        function = getattr(importlib.import_module(f"dlframe.cli.{module}"), name)
        starting.raise_again()
        return int(function(options))

    return call


def _add_root(command: argparse._ActionsContainer, help_text: str) -> None:
    command.add_argument("--root", type=path, metavar="DIR", default=None, help=help_text)


ROOT_HELP = "folder with the data sets' files (default: $DLFRAME_DATA, or data)"


def data_root(given: str | None) -> str:
    """The folder of the data sets: as given, or $DLFRAME_DATA, or `data`."""
    return given or os.environ.get("DLFRAME_DATA") or "data"


def command(action: str, name: str, root: str) -> str:
    """The `dlframe data …` that does something with a data set, ready to be pasted."""
    more = "" if root == data_root(None) else f" --root {printable(shlex.quote(root))}"
    return f"dlframe data {action} {name}{more}"


def _train(command: Parser) -> None:
    data = command.add_argument_group("data")
    add = data.add_argument
    add(
        "--data",
        **NAMED,
        help=f"{', '.join(DATA)}; a CSV or .npz file; a folder with a folder of "
        "images for each class; or a plugin's data set and options of it (no default: it is needed "
        "without --resume)",
    )
    _add_root(data, ROOT_HELP)
    add("--download", action="store_true", help="fetch the data where they are missing")
    add(
        "--limit", type=positive_int, metavar="N", help="use N training samples only (default: all)"
    )
    add(
        "--target",
        metavar="COLUMN",
        help="of a table: the column to predict, by name or number from 0 (default: the last)",
    )
    add(
        "--task",
        type=one_of("task", ("classes", "numbers")),
        metavar="KIND",
        help="classes or numbers (default: classes if the target has texts, or at most 20 "
        "different whole numbers)",
    )
    add(
        "--ignore",
        nargs="+",
        metavar="COLUMN",
        help="of a table: columns to leave out (default: none)",
    )
    add(
        "--text",
        nargs="+",
        metavar="COLUMN",
        help="of a table: columns of numbers that are categories (default: none)",
    )
    add(
        "--header",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="of a table: whether the first row has names (default: if it has no number)",
    )
    add(
        "--delimiter",
        metavar="CHAR",
        help="of a table: between cells (default: that of , ; | and tab which is there)",
    )
    add(
        "--size",
        type=image_size,
        metavar="N",
        help="pixels of each side, to which a folder's images are scaled (default: 32)",
    )

    add = command.add_argument_group("model").add_argument
    add(
        "--model",
        type=one_of("model", MODELS),
        metavar="NAME",
        help=f"{', '.join(MODELS)} (default: cnn for square images, else mlp)",
    )
    add(
        "--hidden",
        type=positive_int,
        nargs="+",
        metavar="N",
        help="sizes of mlp's hidden layers (default: 25 25 for points, 32 32 for rows, 128 for "
        "images)",
    )
    add(
        "--width",
        type=positive_int,
        metavar="N",
        help="channels of cnn's first convolution (default: 16; 8 for images of 28 and 32 pixels)",
    )
    add(
        "--activation",
        **NAMED,
        help="of mlp and cnn: relu, tanh, gelu, leaky_relu … or a plugin's (default: relu; tanh "
        "for points)",
    )
    add(
        "--batch-norm",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="normalize batches in mlp and cnn (default: in cnn only)",
    )
    add(
        "--dropout",
        type=probability,
        metavar="P",
        help="of mlp and cnn (default: 0 in mlp, 0.25 in cnn)",
    )
    add(
        "--init",
        **NAMED,
        help=f"initial weights: {', '.join(INITS)} (default: those of the layers)",
    )

    add = command.add_argument_group("training").add_argument
    add(
        "--loss",
        **NAMED,
        help=f"{', '.join(LOSSES)} or a plugin's, with or without Loss (default: CrossEntropyLoss; "
        "MSELoss for numbers)",
    )
    add("--label-smoothing", type=probability, metavar="X", help="of cross entropy (default: 0)")
    add(
        "--metric",
        **NAMED,
        action="append",
        help=f"{', '.join(METRICS)} … or a plugin's; several times for several (default: "
        "Accuracy; MeanAbsoluteError for numbers)",
    )
    add(
        "--optimizer",
        **NAMED,
        help=f"{', '.join(OPTIMIZERS).lower()} or a plugin's, and options of it (default: adam; "
        "adamw for cnn)",
    )
    add(
        "--lr",
        type=positive,
        metavar="X",
        help="learning rate (default: 0.001 to 0.05 by data and model; sgd 0.1; others their own)",
    )
    add(
        "--momentum",
        type=probability,
        metavar="X",
        help="of optimizers that have it, such as sgd (default: 0)",
    )
    add("--weight-decay", type=non_negative, metavar="X", help="(default: 0; 0.01 for cnn)")
    add(
        "--scheduler",
        **NAMED,
        help=f"of the learning rate: {', '.join(SCHEDULES)}, and options of it, such as gamma=0.5; "
        "interval=batch or epoch says when it makes a step (default: cosine or none, by data and "
        "model)",
    )
    add(
        "--regularizer",
        **NAMED,
        action="append",
        help=f"{', '.join(REGULARIZERS)}, and options of it, such as strength=1e-4; several times "
        "for several (default: none)",
    )
    add(
        "--clip",
        type=positive,
        metavar="X",
        help="longest gradient, short for --regularizer clip_grad_norm max_norm=X (default: none)",
    )
    add(
        "--batch-size",
        type=positive_int,
        metavar="N",
        help="samples in a step (default: 32 to 100, by data and model)",
    )
    add(
        "--epochs",
        type=positive_int,
        metavar="N",
        help="in all, also with --resume (default: 4 to 60, by data and model)",
    )
    add(
        "--patience",
        type=positive_int,
        metavar="N",
        help="stop after N epochs without improvement (default: never)",
    )
    add(
        "--augment",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="shift images at random, and mirror photographs (default: for digits and cifar10 with "
        "cnn)",
    )
    add("--seed", type=seed, metavar="N", help="of all random numbers (default: 0)")
    add("--workers", type=count, metavar="N", help="threads that load data (default: 0)")

    add = command.add_argument_group("output").add_argument
    add("--out", type=path, metavar="DIR", help="folder of the run (default: runs/DATA-MODEL)")
    add("--resume", action="store_true", help="continue the run in --out")
    add("--overwrite", action="store_true", help="replace the run in --out")
    add(
        "--tracker",
        **NAMED,
        action="append",
        help=f"write the run for {', '.join(TRACKERS)} or a plugin's callback, and options of it, "
        "such as update_freq=10; several times for several; again with --resume (default: none)",
    )
    add("--no-pictures", dest="pictures", action="store_false", help="draw nothing")
    add(
        "--verbose",
        type=verbosity,
        metavar="N",
        help="0: only the result, 1: a bar and a line for each epoch, 2: the lines (default: 1)",
    )
    add("--quiet", action="store_true", help="the same as --verbose 0")


def _evaluate(command: Parser) -> None:
    command.add_argument(
        "checkpoint", type=path, help="a file, or a run's folder (then its best.h5)"
    )
    _add_root(command, "folder with the data sets' files (default: as in training)")
    command.add_argument(
        "--metric",
        **NAMED,
        action="append",
        help="as in training, instead of the run's; several times for several "
        "(default: those of the run)",
    )


def _report(command: Parser) -> None:
    command.add_argument("run", type=path, help="folder of a run, or a file in it")
    command.add_argument(
        "--data",
        type=one_of("part of the data", MEASURED),
        default="test",
        metavar="PART",
        help=f"what the results are measured on: {', '.join(MEASURED)} (default: test)",
    )
    _add_root(command, "folder with the data sets' files (default: as in training)")
    command.add_argument(
        "--out", type=path, metavar="FILE", help="the page (default: report.html in the folder)"
    )


def _predict(command: Parser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help="images, or CSV files with rows")
    command.add_argument(
        "--checkpoint",
        type=path,
        metavar="FILE",
        help="a file or a run's folder (default: the newest in runs/ that was "
        "trained on images, or on a table)",
    )
    command.add_argument(
        "--invert",
        type=one_of("choice", INVERT),
        default="auto",
        metavar="WHEN",
        help="exchange black and white: auto (grey images with a light border), "
        "yes, no (default: auto)",
    )
    command.add_argument(
        "--center",
        type=one_of("choice", INVERT),
        default="auto",
        metavar="WHEN",
        help="cut drawn digits out and centre them, as those of MNIST were: auto "
        "(images of another size than the data set's), yes, no (default: auto)",
    )


def _study(command: Parser) -> None:
    command.add_argument(
        "study", nargs="?",
        help="one of dlframe's, such as disk, or a Python file with Study objects; without, what "
        "there is",
    )  # fmt: skip
    command.add_argument(
        "--seeds", type=positive_int, metavar="N", help="runs of each arm (default: the study's)"
    )
    command.add_argument(
        "--workers", type=positive_int, metavar="N",
        help="processes, with one thread each (default: as many as processors)",
    )  # fmt: skip
    command.add_argument(
        "--epochs", type=positive_int, metavar="N", help="epochs of a run (default: the study's)"
    )
    command.add_argument("--data", metavar="NAME", help="the data set, where a study has several")
    _add_root(command, ROOT_HELP)
    command.add_argument(
        "--out", type=path, metavar="DIR",
        help="folder for runs.jsonl, report.html, results.csv and table.tex (default: "
        "runs/study-NAME); a study that is there is gone on with",
    )  # fmt: skip


def _watch(command: Parser) -> None:
    command.add_argument(
        "runs",
        nargs="*",
        type=path,
        default=["runs"],
        metavar="RUNS",
        help="folders of runs, folders of such folders, or files of JSONLogger, CSVLogger and "
        "History.save; runs that begin later are found (default: runs)",
    )
    add_port(command)


def add_port(command: Parser) -> None:
    """The options of commands that show a page in the browser."""
    command.add_argument(
        "--port",
        type=port,
        default=0,
        metavar="N",
        help="of the page's address on this machine (default: 0, a free one)",
    )
    command.add_argument(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="print the address, and open no browser",
    )


def _data(command: Parser) -> None:
    actions = command.add_subparsers(
        title="actions", dest="action", metavar="ACTION", required=True
    )
    for name, text in (
        ("list", "list the data sets and which are there"),
        ("download", "fetch data sets from their public addresses"),
        ("verify", "compare files with their published checksums"),
    ):
        action = actions.add_parser(name, help=text, description=f"{text.capitalize()}.")
        _add_root(action, ROOT_HELP)
        action.add_argument("--debug", action="store_true", help="show the traceback of an error")
        if name != "list":
            # verify without names checks all data sets that are there
            number = "+" if name == "download" else "*"
            action.add_argument("names", nargs=number, type=one_of("data set", DATA),
                                metavar="NAME", help=", ".join(DATA))  # fmt: skip


# --- kinds of values ---------------------------------------------------------------------------


def one_of(what: str, known: tuple[str, ...]) -> Callable[[str], str]:
    """Accepts one of a few names; the error for another name suggests the nearest."""

    def convert(text: str) -> str:
        if text.lower() not in known:
            raise argparse.ArgumentTypeError(
                f"there is no {what} {text!r}.{did_you_mean(text, known)} Known: {', '.join(known)}"
            )
        return text.lower()

    return convert


def _number(
    kind: Callable[[str], Any], is_good: Callable[[Any], bool], what: str, most: int = (1 << 31) - 1
) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except (ValueError, OverflowError):
            value = None
        if value is None or not is_good(value):
            shown = printable(repr(text), longest=60)
            raise argparse.ArgumentTypeError(f"expected {what}; got {shown}")
        if kind is int and value > most:
            raise argparse.ArgumentTypeError(f"expected {what}, at most {most}; got {text[:60]!r}")
        return value

    return convert


positive_int = _number(int, lambda n: n > 0, "a whole number above 0")
count = _number(int, lambda n: n >= 0, "a whole number, 0 or more", 1000)
positive = _number(float, lambda x: 0 < x < float("inf"), "a number above 0")
non_negative = _number(float, lambda x: 0 <= x < float("inf"), "a number, 0 or more")
probability = _number(float, lambda x: 0 <= x < 1, "a number from 0 to below 1")
image_size = _number(int, lambda n: 4 <= n <= 512, "a whole number from 4 to 512")
seed = _number(
    int, lambda n: -(1 << 63) <= n < 1 << 64, "a whole number of at most 64 bits", (1 << 64) - 1
)
port = _number(int, lambda n: 0 <= n <= 65535, "a whole number from 0 to 65535")
verbosity = _number(int, lambda n: 0 <= n <= 2, "0, 1 or 2")
