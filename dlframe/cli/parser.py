"""The commands and options of the command line, with suggestions for misspelt ones.

Commands are imported when they run, so `dlframe --help` costs what `import dlframe` does.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shlex
from collections.abc import Callable
from typing import Any, NoReturn

from dlframe import plugins, starting
from dlframe.base.printable import printable
from dlframe.cli.choices import REGULARIZERS, SCHEDULES
from dlframe.errors import did_you_mean
from dlframe.version import __version__

# Copies of names, so that a help text needs no imports; a test compares them with the originals.
DATA = ("digits", "mnist", "fashion-mnist", "kmnist", "cifar10", "disk", "moons", "spirals")
MODELS = ("linear", "mlp", "cnn", "lenet")
INVERT = ("auto", "yes", "no")
# `import dlframe` has imported these already.
OPTIMIZERS = ", ".join(plugins.core_names("optimizers")).lower()
NAMED: dict[str, Any] = {"nargs": "+", "metavar": ("NAME", "KEY=VALUE")}

EXAMPLES = """\
examples:
  dlframe train --data digits --model cnn --out runs/demo
  dlframe train --data mnist --model mlp --hidden 50 --optimizer sgd --lr 0.1 --epochs 10
  dlframe train --out runs/demo --resume
  dlframe evaluate runs/demo
  dlframe predict photo.png --checkpoint runs/demo
"""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that suggests the nearest name for a misspelt option or command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        # one line, while argparse would print all options first
        self.exit(2, f"{self.prog}: error: {message}{self._hint(message)} See {self.prog} --help\n")

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
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dlframe {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="name", metavar="COMMAND", required=True
    )
    common = Parser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    common.add_argument(
        "--threads", type=positive_int, metavar="N",
        help="threads of a matrix product (default: BLAS decides; 1 is best for small networks "
        "on a busy machine)",
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
    _predict(add("predict", "predict:predict", "recognise images with a checkpoint"))
    _data(add("data", "data:data", "list, download or verify data sets"))
    listing = add("plugins", "info:plugins", "list what plugins add")
    listing.add_argument("--all", action="store_true", help="list dlframe's own names too")
    doctor = add("doctor", "doctor:doctor", "check the machine, and a training before it starts")
    doctor.add_argument("run", nargs="?", help="folder of a run; or the options of train")
    _train(doctor)
    add("info", "info:info", "show versions, BLAS and threads, for reports of errors")
    return parser


def _later(function: str) -> Callable[[argparse.Namespace], int]:
    """The function `module:name` of this package, imported when it is called."""
    module, name = function.split(":")

    def call(options: argparse.Namespace) -> int:
        function = getattr(importlib.import_module(f"dlframe.cli.{module}"), name)
        starting.raise_again()
        return int(function(options))

    return call


def _add_root(command: argparse.ArgumentParser, help_text: str) -> None:
    command.add_argument("--root", metavar="DIR", default=None, help=help_text)


ROOT_HELP = "folder with the data sets' files (default: $DLFRAME_DATA, or data)"


def data_root(given: str | None) -> str:
    """The folder of the data sets: as given, or $DLFRAME_DATA, or `data`."""
    return given or os.environ.get("DLFRAME_DATA") or "data"


def command(action: str, name: str, root: str) -> str:
    """The `dlframe data …` that does something with a data set, ready to be pasted."""
    more = "" if root == data_root(None) else f" --root {printable(shlex.quote(root))}"
    return f"dlframe data {action} {name}{more}"


def _train(command: Parser) -> None:
    add = command.add_argument
    add("--data", type=one_of("data set", DATA), metavar="NAME", help=", ".join(DATA))
    _add_root(command, ROOT_HELP)
    add("--download", action="store_true", help="fetch the data where they are missing")
    add("--limit", type=positive_int, metavar="N", help="use N training samples only")
    add("--model", type=one_of("model", MODELS), metavar="NAME",
        help=f"{', '.join(MODELS)} (default: cnn for images, mlp for points)")  # fmt: skip
    add("--hidden", type=positive_int, nargs="+", metavar="N", help="sizes of mlp's hidden layers")
    add("--width", type=positive_int, metavar="N", help="channels of cnn's first convolution")
    add("--activation", metavar="NAME", help="of mlp: relu, tanh, gelu, … or a plugin's")
    add("--dropout", type=probability, metavar="P", help="of mlp and cnn")
    add("--optimizer", **NAMED, help=f"{OPTIMIZERS} or a plugin's, and options of it")
    add("--lr", type=positive, metavar="X", help="learning rate")
    add("--momentum", type=probability, metavar="X", help="of optimizers that have it, such as sgd")
    add("--weight-decay", type=non_negative, metavar="X")
    add("--scheduler", **NAMED,
        help=f"of the learning rate: {', '.join(SCHEDULES)}, and options of it, such as gamma=0.5; "
        "interval=batch or epoch says when it makes a step")  # fmt: skip
    add("--regularizer", **NAMED, action="append",
        help=f"{', '.join(REGULARIZERS)}, and options of it, such as strength=1e-4; several times "
        "for several")  # fmt: skip
    add("--batch-size", type=positive_int, metavar="N")
    add("--epochs", type=positive_int, metavar="N", help="in all, also with --resume")
    add("--patience", type=positive_int, metavar="N",
        help="stop after N epochs without improvement")  # fmt: skip
    add("--augment", action=argparse.BooleanOptionalAction, default=None,
        help="shift images at random, and mirror photographs")  # fmt: skip
    add("--seed", type=int, metavar="N", help="of all random numbers (default: 0)")
    add("--workers", type=count, metavar="N", help="threads that load data (default: 0)")
    add("--out", metavar="DIR", help="folder of the run (default: runs/DATA-MODEL)")
    add("--resume", action="store_true", help="continue the run in --out")
    add("--overwrite", action="store_true", help="replace the run in --out")
    add("--no-pictures", dest="pictures", action="store_false", help="draw nothing")
    add("--quiet", action="store_true", help="no progress, only the result")


def _evaluate(command: Parser) -> None:
    command.add_argument("checkpoint", help="a file, or a run's folder (then its best.h5)")
    _add_root(command, "folder with the data sets' files (default: as in training)")


def _predict(command: Parser) -> None:
    command.add_argument("images", nargs="+", metavar="IMAGE", help="PNG, JPEG, … files")
    command.add_argument("--checkpoint", metavar="FILE",
                         help="a file or a run's folder (default: newest in runs/)")  # fmt: skip
    command.add_argument("--invert", type=one_of("choice", INVERT), default="auto", metavar="WHEN",
                         help="exchange black and white: auto (default; grey images with a light "
                         "border), yes, no")  # fmt: skip


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
    kind: Callable[[str], Any], is_good: Callable[[Any], bool], what: str
) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not is_good(value):
            raise argparse.ArgumentTypeError(f"expected {what}; got {text!r}")
        return value

    return convert


positive_int = _number(int, lambda n: n > 0, "a whole number above 0")
count = _number(int, lambda n: n >= 0, "a whole number, 0 or more")
positive = _number(float, lambda x: 0 < x < float("inf"), "a number above 0")
non_negative = _number(float, lambda x: 0 <= x < float("inf"), "a number, 0 or more")
probability = _number(float, lambda x: 0 <= x < 1, "a number from 0 to below 1")
