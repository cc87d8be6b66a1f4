"""`dlframe data`: list, download and verify data sets."""

from __future__ import annotations

import argparse
from typing import Any

from dlframe.base.printable import printable
from dlframe.cli.names import DATA
from dlframe.cli.parser import command, data_root
from dlframe.cli.problems import KINDS
from dlframe.cli.words import say, say_table
from dlframe.data.datasets import DATASETS
from dlframe.data.datasets.images import as_root
from dlframe.errors import DatasetError, DatasetMissingError

BUILT_IN = ("digits",)
COUNTS = {
    "digits": "1442 + 355", "mnist": "60000 + 10000", "fashion-mnist": "60000 + 10000",
    "kmnist": "60000 + 10000", "cifar10": "50000 + 10000",
}  # fmt: skip


def data(options: argparse.Namespace) -> int:
    """The command."""
    as_root(data_root(options.root))  # raises for ~ without a home folder
    actions = {"list": _list, "download": _download, "verify": _verify}
    return actions[options.action](options)


def _is_read(name: str) -> bool:
    """Whether the data set is read from files in the root folder."""
    return KINDS[name].is_image and name not in BUILT_IN


def _open(name: str, root: str, **options: Any) -> None:
    """Read both parts of a data set, which compares their checksums."""
    for train in (True, False):
        DATASETS[name](root=root, train=train, **options)


def _list(options: argparse.Namespace) -> int:
    root = data_root(options.root)
    rows = [("name", "samples", "shape", "classes", "where")]
    for name in DATA:
        kind = KINDS[name]
        shape = "×".join(map(str, kind.shape))
        row = (name, COUNTS.get(name, "any"), shape, str(kind.classes), _where(name, root))
        rows.append(row)
    say_table(rows, heads=1)
    return 0


def _where(name: str, root: str) -> str:
    if not KINDS[name].is_image:
        return "made when needed"
    if name in BUILT_IN:
        return "part of dlframe"
    try:
        DATASETS[name](root=root, train=False)
    except DatasetMissingError:
        return f"not in {printable(root)}: {command('download', name, root)}"
    except DatasetError:
        return f"damaged in {printable(root)}: {command('verify', name, root)}"
    return f"in {printable(root)}"


def _download(options: argparse.Namespace) -> int:
    root = data_root(options.root)
    for name in options.names:
        if not _is_read(name):
            say(f"{name}: nothing to download, it is {_where(name, root)}")
            continue
        _open(name, root, download=True)
        say(f"{name}: complete in {printable(root)}, checksums verified")
    return 0


def _verify(options: argparse.Namespace) -> int:
    root = data_root(options.root)
    failed, found = False, bool(options.names)
    for name in options.names or DATA:
        if not _is_read(name):
            if options.names:
                say(f"{name}: nothing to verify, it is {_where(name, root)}")
            continue
        try:
            _open(name, root)
        except DatasetError as error:
            if isinstance(error, DatasetMissingError) and not options.names:
                say(f"{name}: not in {printable(root)}")
                continue
            say(f"{name}: {printable(error.facts, keep=chr(10))}")
            say(f"Fetch it with: {command('download', name, root)}")
            failed = found = True
        else:
            say(f"{name}: complete in {printable(root)}, checksums verified")
            found = True
    if not found:
        say(f"There is nothing to verify in {printable(root)}.")
    return 0 if found and not failed else 1
