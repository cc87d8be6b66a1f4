"""The library's own layers, losses, metrics and optimizers pass the checks that plugins pass.

The operations: tests/ops/test_generated.py.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from samples.parts import LAYERS, LEFT_OUT, LOSSES, METRICS, OPTIMIZERS, Part

import dlframe as dl
from dlframe import metrics, nn, optim, testing


def each(table: dict[str, list[Part]]) -> Any:
    """One test per row; slow ones behind the second of a class."""
    cases = [
        pytest.param(name, row, id=f"{name}-{i}", marks=[pytest.mark.slow] if i > 1 else [])
        for name, rows in table.items()
        for i, row in enumerate(rows)
    ]
    assert cases
    return pytest.mark.parametrize(("name", "row"), cases)


@pytest.mark.parametrize(
    ("module", "base", "tables"),
    [
        (nn, nn.Module, {"LAYERS": LAYERS, "LOSSES": LOSSES}),
        (metrics, metrics.Metric, {"METRICS": METRICS}),
        (optim, optim.Optimizer, {"OPTIMIZERS": OPTIMIZERS}),
    ],
)
def test_every_public_class_has_a_row(
    module: ModuleType, base: type, tables: dict[str, dict[str, Any]]
) -> None:
    public = {name: getattr(module, name) for name in module.__all__}
    classes = {n for n, c in public.items() if isinstance(c, type) and issubclass(c, base)}
    rows = {name for table in tables.values() for name in table}
    where = " or ".join(tables)
    missing = sorted(classes - rows - LEFT_OUT)
    assert not missing, f"add rows for {missing} to {where} in tests/samples/parts.py"
    assert not rows - classes, f"{sorted(rows - classes)} in {where} are not public classes"


@each(LAYERS)
def test_layer_conforms(name: str, row: Part) -> None:
    assert type(row.make()).__name__ == name
    testing.check_layer(row.make, row.inputs, **row.options)


@each(LOSSES)
def test_loss_conforms(name: str, row: Part) -> None:
    assert type(row.make()).__name__ == name
    testing.check_loss(row.make, *row.inputs, **row.options)


@each(METRICS)
def test_metric_conforms(name: str, row: Part) -> None:
    assert type(row.make()).__name__ == name
    testing.check_metric(row.make, *row.inputs, **row.options)


@each(OPTIMIZERS)
def test_optimizer_conforms(name: str, row: Part) -> None:
    assert type(row.make([nn.Parameter(dl.ones(1, 1))])).__name__ == name
    testing.check_optimizer(row.make, **row.options)
