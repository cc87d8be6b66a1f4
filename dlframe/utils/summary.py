"""Summarizes a model in one table: each layer's output shape, parameters and cost."""

from __future__ import annotations

import contextlib
import statistics
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from dlframe import nn
from dlframe.autograd import enable_grad, grad, no_grad
from dlframe.base import html, nests
from dlframe.base.terminals import columns, columns_of, fitted_table
from dlframe.nn.modes import evaluating
from dlframe.nn.parameter import is_lazy
from dlframe.ops.watching import Call, Watcher, running, watched_by
from dlframe.tensor import Tensor, to_array
from dlframe.utils.costs import multiply_adds
from dlframe.utils.trial import Inputs, trial_inputs, unchanged


@dataclass
class Row:
    """One module of the model: a line of the table.

    `parameters` and `multiply_adds` are those of the module itself, not of its parts; a parameter
    counts once even if several modules share it. `multiply_adds` is None if it multiplied no
    matrices. `input_shape` and `output_shape` are nested as inputs and outputs are. `calls` is how
    often the module ran, `activation_bytes` the new memory of its outputs. The seconds are those
    of all its calls, parts included; None if they were not asked for, or it has no gradients.
    """

    path: str
    type: str
    depth: int
    is_leaf: bool
    parameters: int = 0
    trainable: int = 0
    input_shape: Any = None
    output_shape: Any = None
    multiply_adds: int | None = None
    activation_bytes: int = 0
    calls: int = 0
    forward_seconds: float | None = None
    backward_seconds: float | None = None


@dataclass
class Summary:
    """The result of `summary`; printing it prints the table."""

    rows: list[Row]
    input_shapes: list[tuple[int, ...]]
    input_bytes: int
    parameter_bytes: int
    max_depth: int | None = field(default=None, repr=False)

    @property
    def parameters(self) -> int:
        """The number of elements of all parameters."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """The number of elements that an optimizer may change."""
        return sum(row.trainable for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """The sum over all matrix products; a multiplication with its addition is one."""
        return sum(row.multiply_adds or 0 for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """The memory of all layers' outputs: about what training keeps for the backward pass."""
        return sum(row.activation_bytes for row in self.rows if row.is_leaf)

    def text(self, width: int | None = None) -> str:
        """The table; one that is wider than `width` columns is divided, and no number is cut."""
        return _table(self, width)

    def __str__(self) -> str:
        return self.text(columns())  # of a terminal; whole in files and notebooks

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        shown, head, cells = _cells(self)
        below = "<br>".join(map(html.escaped, _totals(self, None)))
        indents = [row.depth for row in shown]
        return f"{html.table(head, cells, texts=3, indents=indents)}<small>{below}</small>"


def summary(
    model: nn.Module,
    input_size: Any = None,
    *,
    input_data: Any = None,
    dtypes: Any = None,
    depth: int | None = None,
    times: int = 0,
) -> Summary:
    """Run the model once, without gradients, and describe what each layer does and costs.

    The model runs in evaluation mode. Afterwards its modes, hooks, parameters and buffers, and the
    random generator, are as before, also after an error. (A lazy module has got its sizes.)

    The multiply-adds of a layer are counted from the operations that it calls (products of
    matrices, convolutions, recurrences, attention), so layers of your own count as well; what a
    layer with its own backward does in NumPy is not seen.

    Args:
        input_size: the input's shape with its batch dimension; a list of shapes for several inputs,
            nested as the model takes them; a dict for inputs by keyword.
        input_data: the input itself, instead of `input_size`: a tensor, a tuple or list of several
            inputs (each may be nested), a dict for inputs by keyword.
        dtypes: the dtype of the inputs, one for all or nested as `input_size`; a model that begins
            with an embedding needs `dl.int64`.
        depth: print only so many levels of modules; the numbers cover all of them.
        times: measure the time of each layer's forward and backward pass, in the model's own mode,
            as the median of that many runs. Each layer runs alone, on the inputs of its first call.

    Raises:
        The model's own error, which names the layer and what it was given, as in any other call.

    >>> from dlframe import nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> result = summary(model, (16, 4))
    >>> result.parameters, result.multiply_adds
    (58, 768)
    >>> print(result)
    Layer       Type        Output shape  Parameters  Multiply-adds
    ---------------------------------------------------------------
    Sequential  Sequential  (16, 2)
      0         Linear      (16, 8)               40            512
      1         ReLU        (16, 8)
      2         Linear      (16, 2)               18            256
    ---------------------------------------------------------------
    Parameters: 58 (58 trainable), 232 B
    Multiply-adds: 768 for the whole batch
    Memory: input 256 B, activations 1.1 KiB
    >>> summary(model, (16, 4), times=3).rows[0].forward_seconds > 0
    True
    """
    args, kwargs = trial_inputs("summary", input_size, input_data, dtypes)
    rows = _rows(model)
    first: dict[int, Inputs] = {}
    with unchanged(model):
        with evaluating(model), _noted(model, rows, first), watched_by(_Counter(rows)), no_grad():
            model(*args, **kwargs)
        if times:
            for module in model.modules():
                if id(module) in first:
                    _measure(module, rows[id(module)], first[id(module)], times)
    _count_parameters(model, rows)
    arrays = list(_arrays((args, kwargs)))
    return Summary(
        rows=list(rows.values()),
        input_shapes=[array.shape for array in arrays],
        input_bytes=sum(array.nbytes for array in arrays),
        parameter_bytes=sum(p.array.nbytes for p in model.parameters() if not is_lazy(p)),
        max_depth=depth,
    )


# --- the one run -------------------------------------------------------------------------------


class _Counter(Watcher):
    """Adds the multiplications of each operation to the row of the module that is running."""

    def __init__(self, rows: dict[int, Row]) -> None:
        self.rows = rows

    def called(self, call: Call) -> None:
        count = multiply_adds(call)
        if count is None:
            return
        for module in reversed(running()):
            row = self.rows.get(id(module.module))
            if row is not None:
                row.multiply_adds = (row.multiply_adds or 0) + count
                return


@contextlib.contextmanager
def _noted(model: nn.Module, rows: dict[int, Row], first: dict[int, Inputs]) -> Iterator[None]:
    """Fill the rows by hooks, and remove them afterwards."""

    def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        rows[id(module)].input_shape = _shapes_of_inputs(args, kwargs)
        first.setdefault(id(module), (args, dict(kwargs)))

    def leave(
        module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        row = rows[id(module)]
        row.calls += 1
        row.output_shape = _shapes(output)
        given = list(_arrays((args, kwargs)))
        # Flatten, Identity and Dropout in evaluation mode return memory of their input
        row.activation_bytes += sum(
            a.nbytes for a in _arrays(output) if not any(np.may_share_memory(a, b) for b in given)
        )

    handles = []
    try:
        for module in model.modules():
            handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            handles.append(module.register_forward_hook(leave, with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _rows(model: nn.Module) -> dict[int, Row]:
    return {
        id(module): Row(
            path=path or type(module).__name__,
            type=type(module).__name__,
            depth=path.count(".") + 1 if path else 0,
            is_leaf=next(module.children(), None) is None,
        )
        for path, module in model.named_modules()
    }


def _count_parameters(model: nn.Module, rows: dict[int, Row]) -> None:
    """After the run, in which lazy modules get theirs."""
    seen: set[int] = set()
    for module in model.modules():
        row = rows[id(module)]
        row.type = type(module).__name__
        for parameter in module.parameters(recurse=False):
            if id(parameter) not in seen and not is_lazy(parameter):
                row.parameters += parameter.array.size
                row.trainable += parameter.array.size if parameter.requires_grad else 0
                seen.add(id(parameter))


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """All arrays in a layer's inputs or outputs, which may be nested."""
    for x in nests.leaves(value):
        if isinstance(x, (Tensor, np.ndarray)):
            yield to_array(x)


def _shapes(nest: Any) -> Any:
    """The same nest with the shape of each array; of other values only simple ones are kept."""

    def shape(x: Any) -> Any:
        if isinstance(x, (Tensor, np.ndarray)):
            return tuple(x.shape)
        return x if x is None or isinstance(x, (bool, int, float, str)) else type(x).__name__

    return nests.map_leaves(shape, nest)


def _shapes_of_inputs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """That of the only input; otherwise a list, with keyword arguments in a dict at its end."""
    shapes = [*map(_shapes, args), *([_shapes(kwargs)] if kwargs else [])]
    return shapes[0] if len(shapes) == 1 else shapes


# --- times -------------------------------------------------------------------------------------


def _measure(module: nn.Module, row: Row, inputs: Inputs, times: int) -> None:
    """The median times of the module's forward and backward pass, for all its calls."""
    forward, backward = [], []
    for _ in range(times + 1):  # one more, to warm up
        args, kwargs = nests.map_leaves(_fresh, inputs)
        given = [x for x in nests.leaves((args, kwargs)) if isinstance(x, Tensor)]
        wanted = [x for x in (*given, *module.parameters()) if x.requires_grad]
        with enable_grad():
            # an input that a layer overwrites in place must not be a leaf
            args, kwargs = nests.map_leaves(_behind, (args, kwargs))
            start = perf_counter()
            output = module(*args, **kwargs)
            forward.append(perf_counter() - start)
            ends = [x for x in nests.leaves(output) if isinstance(x, Tensor) and x.requires_grad]
            if ends and wanted:
                ones = [Tensor(np.ones_like(x.array)) for x in ends]
                start = perf_counter()
                grad(ends, wanted, ones, allow_unused=True)
                backward.append(perf_counter() - start)
    row.forward_seconds = statistics.median(forward[1:]) * row.calls
    if backward:
        row.backward_seconds = statistics.median(backward[1:]) * row.calls


def _fresh(x: Any) -> Any:
    if not isinstance(x, Tensor):
        return x.copy() if isinstance(x, np.ndarray) else x
    copy = Tensor(x.array.copy())
    return copy.requires_grad_() if copy.array.dtype.kind == "f" else copy


def _behind(x: Any) -> Any:
    return x.clone() if isinstance(x, Tensor) and x.requires_grad else x


# --- the table ---------------------------------------------------------------------------------


def _cells(result: Summary) -> tuple[list[Row], list[str], list[list[str]]]:
    """The modules that are shown, the heads of the columns, and the cells of each module."""
    shown = [
        row for row in result.rows if result.max_depth is None or row.depth <= result.max_depth
    ]
    cells: dict[str, Callable[[Row], str]] = {
        "Layer": lambda row: row.path.rpartition(".")[2],
        "Type": lambda row: row.type,
        "Output shape": _output,
        "Parameters": lambda row: f"{row.parameters:,}" if row.parameters else "",
        "Trainable": lambda row: f"{row.trainable:,}" if row.parameters else "",
        "Multiply-adds": lambda row: "" if row.multiply_adds is None else f"{row.multiply_adds:,}",
        "Forward": lambda row: _time(row.forward_seconds),
        "Backward": lambda row: _time(row.backward_seconds),
    }
    if result.trainable == result.parameters:
        del cells["Trainable"]
    if all(row.forward_seconds is None for row in result.rows):
        del cells["Forward"], cells["Backward"]
    return shown, list(cells), [[cell(row) for cell in cells.values()] for row in shown]


def _table(result: Summary, width: int | None) -> str:
    shown, head, cells = _cells(result)
    rows = [
        ["  " * row.depth + first, *rest] for row, (first, *rest) in zip(shown, cells, strict=True)
    ]
    lines = fitted_table([head, *rows], width, numbers=range(3, len(head)), heads=1, rule=True)
    rule = "-" * max(map(columns_of, lines))
    return "\n".join([*lines, rule, *_totals(result, width)])


def _output(row: Row) -> str:
    if row.calls == 0:
        return "not called"
    return str(row.output_shape) + (f" x{row.calls}" if row.calls > 1 else "")


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{1000 * seconds:,.3f} ms"


def _totals(result: Summary, width: int | None) -> list[str]:
    lines = [
        f"Parameters: {result.parameters:,} ({result.trainable:,} trainable), "
        + _size(result.parameter_bytes),
        f"Multiply-adds: {result.multiply_adds:,} for the whole batch",
        f"Memory: input {_size(result.input_bytes)}, activations {_size(result.activation_bytes)}",
    ]
    if width is None:
        return lines
    return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="  ")]


def _size(nbytes: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if nbytes < 1024 or unit == "GiB":
            break
        nbytes /= 1024
    return f"{nbytes:.1f} {unit}" if unit != "B" else f"{nbytes:.0f} B"
