"""Modules, called side by side in both libraries: the table of layers and losses.

A family module of `samples` lists its rows as `MODULES`. From each row follow: text, initial values,
outputs, gradients and buffers beside PyTorch's, recorded (tests/nn/test_modules.py) and live with
second gradients, other dtypes and state dicts both ways (tests/oracle/test_modules.py); and the
checks of `dlframe.testing` (tests/testing/test_own_parts.py).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Row:
    """How to make a module, and what to call it with.

    Args:
        new: the constructor, as text: "nn.Conv1d(2, 3, 3)". `nn` and `dl` are dlframe's or PyTorch's.
        inputs: the arguments of the call, as text: "dl.randn(2, 2, 9), dl.tensor([0, 1])". Made after the
            module, from the same seed; floats are differentiated.
        call: the call, as an expression of the module `m` and the inputs `x`, if it is not `m(*x)`. Tensors of a
            nested result are compared one by one.
        fixed: the places of inputs that are not differentiated.
        order: how often it is differentiated; 0 if PyTorch has no gradient there.
        dtypes: compared live.
        recorded: whether the numbers are recorded for `make test`; if not, the row is for `make oracle` alone.
        kit: options for `testing.check_layer` or `check_loss`; None leaves the check out. Left alone, the first
            row of each class is checked.
        ours: whether PyTorch has no such class; then only `kit` counts.
        loss: whether `kit` is for `check_loss`.
        tolerance: in float64, relative and absolute.
        narrow: the same in float32.
        coarse: the same in float16.
    """

    new: str
    inputs: str
    call: str = "m(*x)"
    fixed: tuple[int, ...] = ()
    order: int = 2
    dtypes: tuple[str, ...] = ("float32", "float64")
    recorded: bool = True
    kit: dict[str, Any] | None = field(default_factory=lambda: {"first": True})
    ours: bool = False
    loss: bool = False
    tolerance: float = 1e-9
    narrow: float = 1e-4
    coarse: float = 2e-2

    @property
    def name(self) -> str:
        """The class: "Conv1d"."""
        return self.new.removeprefix("nn.").partition("(")[0].partition(".")[0]

    @property
    def key(self) -> str:
        return f"{self.new} {self.inputs}" + ("" if self.call == "m(*x)" else f" {self.call}")


def row(new: str, inputs: str, **options: Any) -> Row:
    """One row."""
    return Row(new, inputs, **options)


def rows(
    new: str, *inputs: str, choices: dict[str, list[Any]] | None = None, **options: Any
) -> list[Row]:
    """A row for each combination of the choices, which are filled into `new`, and each text of inputs.

    `rows("nn.Conv1d(2, 3, {k}, {s})", "dl.randn(2, 2, 9)", choices={"k": [1, 3], "s": [1, 2]}, recorded=False)`
    """  # fmt: skip
    choices = choices or {}
    return [
        Row(new.format(**dict(zip(choices, values, strict=True))) if choices else new, given, **options)
        for values in itertools.product(*choices.values())
        for given in inputs
    ]  # fmt: skip


def live(found: list[Row]) -> list[Row]:
    """The same rows, for `make oracle` alone."""
    return [replace(row, recorded=False, kit=None) for row in found]
