"""`dlframe evaluate`: rebuild model and data from a checkpoint, and measure again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dlframe import models
from dlframe.base.printable import printable
from dlframe.cli import measures
from dlframe.cli.description import description_in, epoch_in
from dlframe.cli.problems import kind_of, make_test_set
from dlframe.cli.results import find_checkpoint, measure, print_report
from dlframe.cli.words import say
from dlframe.nn import Module
from dlframe.utils import load_checkpoint


def evaluate(options: argparse.Namespace) -> int:
    """The command."""
    path = find_checkpoint(options.checkpoint)
    model, config, epoch = load_model(path)
    if options.root is not None:
        config["root"] = options.root
    options.root = config.get("root")  # for the advice if the data are not there
    kind = kind_of(config)
    named = [measures.metric_of(words, kind.classes) for words in options.metric or ()]
    metrics = measures.make_metrics(named or config["metrics"], kind.classes)
    loss = measures.make_loss(config["loss"], kind.classes)
    test, classes = make_test_set(config)
    say(
        f"{printable(path)}: {config['model']['name']} after epoch {epoch}, on {len(test)} test "
        f"samples of {printable(config['data'])}\n"
    )
    print_report(measure(model, test, kind, loss, metrics, config["source"]), classes)
    return 0


def load_model(path: Path) -> tuple[Module, dict[str, Any], int]:
    """The model in a checkpoint of `dlframe train`, the description of its run, and the epoch."""
    content = load_checkpoint(path)
    config, epoch = description_in(content, path), epoch_in(content, path)
    model = models.build(config["model"]["name"], **config["model"]["arguments"])
    load_checkpoint(path, model=model)
    return model.eval(), config, epoch
