"""From a layer to its formula: docstring and reference name the file and the operation that run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import dlframe as dl
from dlframe import nn
from dlframe.viz.explain.formulas import where_is

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
LINE = re.compile(r"Formula: (`dlframe/ops/\w+\.py`, \w+)\.")


def points(*shape: int) -> Any:
    return dl.randn(*shape, generator=dl.Generator().manual_seed(0)).requires_grad_()


def probabilities(*shape: int) -> Any:
    return points(*shape).sigmoid()


CLASSES = dl.tensor([1, 0])
# a layer or loss with one operation at its heart, and inputs for it
CALLS: list[tuple[nn.Module, tuple[Any, ...]]] = [
    (nn.ReLU(), (points(3),)),
    (nn.LeakyReLU(), (points(3),)),
    (nn.ELU(), (points(3),)),
    (nn.CELU(), (points(3),)),
    (nn.GELU(), (points(3),)),
    (nn.SiLU(), (points(3),)),
    (nn.Softplus(), (points(3),)),
    (nn.Sigmoid(), (points(3),)),
    (nn.Tanh(), (points(3),)),
    (nn.Softmax(0), (points(3),)),
    (nn.LogSoftmax(0), (points(3),)),
    (nn.CrossEntropyLoss(), (points(2, 3), CLASSES)),
    (nn.NLLLoss(), (points(2, 3), CLASSES)),
    (nn.BCEWithLogitsLoss(), (points(3), dl.ones(3))),
    (nn.BCELoss(), (probabilities(3), dl.ones(3))),
    (nn.MSELoss(), (points(3), dl.ones(3))),
    (nn.L1Loss(), (points(3), dl.ones(3))),
    (nn.HuberLoss(), (points(3), dl.ones(3))),
    (nn.SmoothL1Loss(), (points(3), dl.ones(3))),
    (nn.HingeLoss(), (points(3), dl.ones(3))),
    (nn.SoftMarginLoss(), (points(3), dl.ones(3))),
    (nn.Linear(3, 2), (points(4, 3),)),
    (nn.Conv2d(1, 1, 2), (points(1, 1, 3, 3),)),
    (nn.MaxPool2d(2), (points(1, 1, 4, 4),)),
    (nn.AvgPool2d(2), (points(1, 1, 4, 4),)),
    (nn.BatchNorm1d(3), (points(4, 3),)),
    (nn.BatchNorm2d(2), (points(2, 2, 3, 3),)),
    (nn.LayerNorm(3), (points(4, 3),)),
    (nn.Embedding(4, 2), (CLASSES,)),
]
NAMES = [type(module).__name__ for module, _ in CALLS]


def sections() -> dict[str, str]:
    """The text of every section of the reference pages, by its heading."""
    found = {}
    for page in ("activations.md", "losses.md", "layers.md"):
        for section in (REFERENCE / page).read_text().split("\n## ")[1:]:
            name, _, text = section.partition("\n")
            found[name] = text
    return found


@pytest.mark.parametrize(("module", "inputs"), CALLS, ids=NAMES)
def test_docstring_and_reference_name_the_operation_that_runs(module: Any, inputs: Any) -> None:
    with dl.autograd.keep_values():
        out = module(*inputs)
    ran = {where_is(step.op) for step in out.explain().steps}
    name = type(module).__name__
    in_docstring, in_reference = (LINE.findall(t) for t in (module.__doc__, sections()[name]))
    assert in_docstring == in_reference
    assert len(in_docstring) == 1
    assert in_docstring[0] in ran


@pytest.mark.parametrize("name", NAMES)
def test_the_named_file_has_the_named_operation(name: str) -> None:
    (line,) = LINE.findall(sections()[name])
    path, operation = line.strip("`").split("`, ")
    source = (REFERENCE.parents[1] / path).read_text()
    assert re.search(rf"^(def )?{operation}\b", source, re.MULTILINE)


def test_only_checked_lines_are_there() -> None:
    documented = {name for name, text in sections().items() if LINE.search(text)}
    assert documented == set(NAMES)
