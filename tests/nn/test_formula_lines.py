"""From a layer to its formula: docstring and reference name the file and the operation that run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from samples import MODULES
from samples.evaluate import leaves
from samples.reference import PAGES, sections

import dlframe as dl
from dlframe import nn
from dlframe.viz.explain.formulas import where_is

LINE = re.compile(r"Formula: (`dlframe/ops/\w+\.py`, \w+)\.")
CLASSES = {
    name: made
    for name in nn.__all__
    if isinstance(made := getattr(nn, name), type) and LINE.search(made.__doc__ or "")
}
# (module, inputs) of the classes that have no row in `samples.MODULES`, as text
CALLS = {
    "ReLU": ("nn.ReLU()", "dl.randn(3)"),
    "LeakyReLU": ("nn.LeakyReLU()", "dl.randn(3)"),
    "ELU": ("nn.ELU()", "dl.randn(3)"),
    "CELU": ("nn.CELU()", "dl.randn(3)"),
    "GELU": ("nn.GELU()", "dl.randn(3)"),
    "SiLU": ("nn.SiLU()", "dl.randn(3)"),
    "Softplus": ("nn.Softplus()", "dl.randn(3)"),
    "Sigmoid": ("nn.Sigmoid()", "dl.randn(3)"),
    "Tanh": ("nn.Tanh()", "dl.randn(3)"),
    "Softmax": ("nn.Softmax(0)", "dl.randn(3)"),
    "LogSoftmax": ("nn.LogSoftmax(0)", "dl.randn(3)"),
    "CrossEntropyLoss": ("nn.CrossEntropyLoss()", "dl.randn(2, 3), dl.tensor([1, 0])"),
    "NLLLoss": ("nn.NLLLoss()", "dl.randn(2, 3), dl.tensor([1, 0])"),
    "BCEWithLogitsLoss": ("nn.BCEWithLogitsLoss()", "dl.randn(3), dl.ones(3)"),
    "BCELoss": ("nn.BCELoss()", "dl.rand(3), dl.ones(3)"),
    "MSELoss": ("nn.MSELoss()", "dl.randn(3), dl.ones(3)"),
    "L1Loss": ("nn.L1Loss()", "dl.randn(3), dl.ones(3)"),
    "HuberLoss": ("nn.HuberLoss()", "dl.randn(3), dl.ones(3)"),
    "SmoothL1Loss": ("nn.SmoothL1Loss()", "dl.randn(3), dl.ones(3)"),
    "HingeLoss": ("nn.HingeLoss()", "dl.randn(3), dl.ones(3)"),
    "SoftMarginLoss": ("nn.SoftMarginLoss()", "dl.randn(3), dl.ones(3)"),
    "Linear": ("nn.Linear(3, 2)", "dl.randn(4, 3)"),
    "Conv2d": ("nn.Conv2d(1, 1, 2)", "dl.randn(1, 1, 3, 3)"),
    "MaxPool2d": ("nn.MaxPool2d(2)", "dl.randn(1, 1, 4, 4)"),
    "AvgPool2d": ("nn.AvgPool2d(2)", "dl.randn(1, 1, 4, 4)"),
    "BatchNorm1d": ("nn.BatchNorm1d(3)", "dl.randn(4, 3)"),
    "BatchNorm2d": ("nn.BatchNorm2d(2)", "dl.randn(2, 2, 3, 3)"),
    "LayerNorm": ("nn.LayerNorm(3)", "dl.randn(4, 3)"),
    "Embedding": ("nn.Embedding(4, 2)", "dl.tensor([1, 0])"),
}


def calls(name: str) -> Iterator[tuple[str, str, str]]:
    """How to make a module of this class, its inputs, and how to call it, as text."""
    rows = [row for family in MODULES.values() for row in family if row.name == name]
    for row in rows:
        yield row.new, row.inputs, row.call
    if not rows:
        yield *CALLS[name], "m(*x)"


def operations(new: str, inputs: str, call: str) -> set[str]:
    """The file and the name of each operation that the call runs."""
    names: dict[str, Any] = {"dl": dl, "nn": nn}
    dl.manual_seed(0)
    names["m"] = eval(new, names)
    names["x"] = eval(f"({inputs},)", names)
    first = names["x"][0]
    if isinstance(first, dl.Tensor) and first.is_floating_point():
        first.requires_grad_()
    with dl.autograd.keep_values():
        outs = leaves(eval(call, names))
    return {where_is(s.op) for out in outs if out.requires_grad for s in out.explain().steps}


@pytest.mark.parametrize("name", CLASSES)
def test_docstring_and_reference_name_the_operation_that_runs(name: str) -> None:
    (line,) = LINE.findall(CLASSES[name].__doc__ or "")
    assert line in LINE.findall(sections()[name])
    assert any(line in operations(*call) for call in calls(name))


@pytest.mark.parametrize("name", CLASSES)
def test_the_named_file_has_the_named_operation(name: str) -> None:
    (line,) = LINE.findall(CLASSES[name].__doc__ or "")
    path, operation = line.strip("`").split("`, ")
    source = (PAGES.parents[1] / path).read_text()
    assert re.search(rf"^(def )?{operation}\b", source, re.MULTILINE)


def test_lines_of_the_reference_stand_in_docstrings() -> None:
    documented = {name for name, text in sections().items() if LINE.search(text)}
    assert {name for name in documented if hasattr(nn, name)} == set(CLASSES)
