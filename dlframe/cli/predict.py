"""`dlframe predict`: recognizes what is on an image."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from dlframe.autograd import no_grad
from dlframe.base.printable import printable
from dlframe.cli.choices import UsageError
from dlframe.cli.evaluate import load_model
from dlframe.cli.images import read_image
from dlframe.cli.problems import KINDS
from dlframe.cli.results import find_checkpoint
from dlframe.data.datasets import DATASETS
from dlframe.data.transforms import Normalize
from dlframe.errors import FileFormatError
from dlframe.nn import functional as F
from dlframe.tensor import Tensor

SHOWN = 3  # classes per image


def predict(options: argparse.Namespace) -> int:
    """The command."""
    path = find_checkpoint(options.checkpoint or _newest())
    model, config, _ = load_model(path)
    kind = KINDS[config["data"]]
    if not kind.is_image:
        raise UsageError(f"{path} was trained on points ({config['data']}), not on images")
    print(f"{printable(path)}: {config['model']['name']}, trained on {config['data']}")
    classes = DATASETS[config["data"]].classes
    failed = False
    for name in options.images:
        try:
            pixels, how = read_image(Path(name), kind, options.invert)
        except (OSError, FileFormatError) as error:
            reason = printable(error.strerror or error)
            print(f"dlframe predict: error: {printable(name)}: {reason}", file=sys.stderr)
            failed = True
            continue
        with no_grad():
            batch = Normalize(kind.mean, kind.std)(Tensor(pixels[None]))
            probabilities = F.softmax(model(batch), dim=1).array[0]
        print(f"\n{printable(name)} ({how})")
        for index in np.argsort(-probabilities, kind="stable")[:SHOWN]:
            print(f"  {probabilities[index]:7.2%}  {classes[index]}")
    return 1 if failed else 0


def _newest() -> str:
    files = [path for path in Path("runs").glob("*/checkpoints/best.h5") if path.is_file()]
    if not files:
        raise UsageError("there is no run in runs/: say which one with --checkpoint")
    return str(max(files, key=lambda path: path.stat().st_mtime))
