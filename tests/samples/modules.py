"""Modules, called side by side in both libraries: the table of layers and losses.

A family module of `samples` lists its rows as `MODULES`. From each row follow: text, initial values,
outputs, gradients and buffers beside PyTorch's, recorded (tests/nn/test_modules.py) and live with
second gradients, other dtypes and state dicts both ways (tests/oracle/test_modules.py); and the
checks of `dlframe.testing` (tests/testing/test_own_parts.py).
"""

from __future__ import annotations

import importlib
import itertools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

import dlframe as dl
from samples.evaluate import Results, as_result, is_tensor, weighted


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
        coarse: the same in float16; 0 for no comparison.
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


# --- a row under one library -------------------------------------------------------------------


class Built:
    """A module with its inputs, made under one library from one seed.

    For numbers in float64 all is drawn in float64: random normal numbers of float32 may differ in the last bit.
    """

    def __init__(self, row: Row, lib: Any, dtype: str = "float32", seed: int = 7) -> None:
        self.row, self.lib = row, lib
        self.names = {
            "nn": lib.nn,
            "F": lib.nn.functional,
            "prune": importlib.import_module(f"{lib.__name__}.nn.utils.prune"),
            "dl": lib,
            "np": np,
            "OrderedDict": OrderedDict,
        }
        before = lib.get_default_dtype()
        lib.set_default_dtype(lib.float64 if dtype == "float64" else lib.float32)
        try:
            lib.manual_seed(seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of deprecated arguments
                self.module = eval(row.new, self.names)
                self.inputs = eval(f"({row.inputs},)", self.names)
        finally:
            lib.set_default_dtype(before)
        kind = getattr(lib, dtype)
        self.module.to(kind)
        self.inputs = _mapped(lambda x: x.to(kind) if _is_float(x) else x, self.inputs)

    def run(self, training: bool, order: int) -> Results:
        """Outputs, gradients and second gradients of one call."""
        fixed = self.row.fixed if order else range(len(self.inputs))
        inputs = tuple(
            x
            if i in fixed
            else _mapped(lambda t: t.detach().clone().requires_grad_() if _is_float(t) else t, x)
            for i, x in enumerate(self.inputs)
        )
        self.module.train(training)
        self.lib.manual_seed(3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = eval(self.row.call, self.names | {"m": self.module, "x": inputs})
            outs = [o for o in _tensors(out) if o is not None]
            mode = "train" if training else "eval"
            found = {f"{mode} {i}": as_result(o) for i, o in enumerate(outs)}
            smooth = [o for o in outs if is_tensor(o) and o.requires_grad]
            if not (order and smooth):
                return found
            wanted = {
                f"input {i}": t
                for i, t in enumerate(_tensors(inputs))
                if is_tensor(t) and t.requires_grad
            }
            wanted |= {k: p for k, p in self.module.named_parameters() if p.requires_grad}
            for name in ("gradient", "second gradient")[:order]:
                again = name == "gradient" and order > 1
                grads = self.lib.autograd.grad(
                    weighted(self.lib, smooth),
                    list(wanted.values()),
                    create_graph=again,
                    allow_unused=True,
                )
                found |= {
                    f"{mode} {name} of {key}": as_result(g)
                    for key, g in zip(wanted, grads, strict=True)
                    if g is not None
                }
                smooth = [g for g in grads if g is not None and g.requires_grad]
                if not smooth:
                    break
            return found

    def buffers(self) -> Results:
        """What the calls left in the buffers."""
        return {f"buffer {k}": as_result(b) for k, b in self.module.named_buffers()}

    def numbers(self) -> Results:
        """What it gives in training, then in evaluation, and the buffers afterwards."""
        order = self.row.order
        return self.run(True, order) | self.run(False, min(order, 1)) | self.buffers()

    def start(self) -> Results:
        """Its text and its initial state; of a lazy module, also after the first call."""
        found: Results = {"text": repr(self.module), "keys": " ".join(self.module.state_dict())}
        own = (*self.module.parameters(), *self.module.buffers())
        if any("Uninitialized" in type(t).__name__ for t in own):
            self.lib.manual_seed(5)
            eval(self.row.call, self.names | {"m": self.module, "x": self.inputs})
            found["text of the made"] = repr(self.module)
        state = self.module.state_dict()
        return found | {f"start {k}": as_result(v) for k, v in state.items() if is_tensor(v)}


def _is_float(x: Any) -> bool:
    return is_tensor(x) and x.is_floating_point()


def _mapped(function: Callable[[Any], Any], nest: Any) -> Any:
    if isinstance(nest, (tuple, list)) and type(nest) in (tuple, list):
        return type(nest)(_mapped(function, x) for x in nest)
    return function(nest)


def _tensors(nest: Any) -> Iterator[Any]:
    if isinstance(nest, (tuple, list)):
        for x in nest:
            yield from _tensors(x)
    elif isinstance(nest, dict):
        yield from _tensors(list(nest.values()))
    else:
        yield nest


def split(found: Results) -> tuple[Results, Results]:
    """The start, which has the digits of float32, and the rest."""
    first = {"start", "text", "keys"}
    return (
        {k: v for k, v in found.items() if k.split(" ")[0] in first},
        {k: v for k, v in found.items() if k.split(" ")[0] not in first},
    )


# --- a row for the checks of dlframe.testing ---------------------------------------------------


class Makers:
    """As `nn`, whose classes return functions that make the module, with further arguments."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **options: partial(getattr(dl.nn, name), *args, **options)


def maker(row: Row) -> Callable[..., Any]:
    """What makes a new module of the row; that of a loss takes `reduction=`."""
    names = {"nn": Makers() if row.loss else dl.nn, "F": dl.nn.functional, "dl": dl, "np": np}
    if row.loss:
        dl.manual_seed(7)
        found: Callable[..., Any] = eval(row.new, names)
        return found
    return lambda: eval(row.new, names)


def recorded(row: Row, lib: Any) -> Results:
    """What is recorded: the start in float32, the numbers in float64."""
    return Built(row, lib).start() | Built(row, lib, "float64").numbers()


def arrays(row: Row) -> tuple[Any, ...]:
    """The inputs of the row, as arrays."""
    built = Built(row, dl)
    return tuple(_mapped(lambda t: t.numpy() if is_tensor(t) else t, x) for x in built.inputs)
