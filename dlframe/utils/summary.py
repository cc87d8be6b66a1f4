"""Summarizes a model in one table: each layer's output shape, parameters and cost."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dlframe import nn, random
from dlframe.autograd import no_grad
from dlframe.base import nests
from dlframe.dtypes import get_default_dtype
from dlframe.tensor import Tensor, to_array

Shape = tuple[int, ...]


@dataclass
class Row:
    """One module of the model: a line of the table.

    `parameters` are those of the module itself, not of its parts, and count once even if several
    modules share them. `multiply_adds` is None where it is not known; `calls` is how often the
    module ran; `activation_bytes` is the new memory of its outputs.
    """

    path: str
    type: str
    depth: int
    parameters: int
    trainable: int
    is_leaf: bool
    input_shape: Any = None
    output_shape: Any = None
    multiply_adds: int | None = None
    activation_bytes: int = 0
    calls: int = 0


@dataclass
class Summary:
    """The result of `summary`; printing it prints the table."""

    rows: list[Row]
    input_shapes: list[Shape]
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
        """The sum over the layers where it is known; a multiplication with its addition is one."""
        return sum(row.multiply_adds or 0 for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """The memory of all layers' outputs: about what training keeps for the backward pass."""
        return sum(row.activation_bytes for row in self.rows if row.is_leaf)

    def __str__(self) -> str:
        return _table(self)


def summary(
    model: nn.Module,
    input_size: Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    input_data: Any = None,
    dtypes: Sequence[npt.DTypeLike] | npt.DTypeLike | None = None,
    depth: int | None = None,
) -> Summary:
    """Run the model once, without gradients, and describe what each layer does and costs.

    The model runs in evaluation mode. Afterwards its modes, hooks and batch statistics, and the
    random generator, are as before, also after an error.

    Args:
        input_size: the input's shape with its batch dimension; a list of shapes for several inputs.
        input_data: the input itself (a tensor, or a tuple of them), instead of `input_size`.
        dtypes: the dtype of the inputs, one for all or one for each; a model that begins with an
            embedding needs `dl.int64`.
        depth: print only so many levels of modules; the numbers cover all of them.

    Raises:
        The model's own error, with a note that names the layer and the shapes of its inputs.

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
    """
    inputs = _inputs(input_size, input_data, dtypes)
    rows = _rows(model)
    with _unchanged(model), _watched(model, rows), no_grad():
        model(*inputs)
    arrays = [x.array for x in inputs if isinstance(x, Tensor)]
    return Summary(
        rows=list(rows.values()),
        input_shapes=[array.shape for array in arrays],
        input_bytes=sum(array.nbytes for array in arrays),
        parameter_bytes=sum(p.array.nbytes for p in model.parameters()),
        max_depth=depth,
    )


# --- the one run -------------------------------------------------------------------------------


def _inputs(size: Any, data: Any, dtypes: Any) -> tuple[Any, ...]:
    if (size is None) == (data is None):
        raise ValueError("summary: give either input_size or input_data")
    if data is not None:
        return tuple(data) if isinstance(data, (tuple, list)) else (data,)
    shapes = [tuple(size)] if all(isinstance(n, (int, np.integer)) for n in size) else list(size)
    if not isinstance(dtypes, (list, tuple)):
        dtypes = [dtypes or get_default_dtype()] * len(shapes)
    # zeros: a valid index for an embedding, and no random number is drawn
    return tuple(
        Tensor(np.zeros(tuple(shape), dtype)) for shape, dtype in zip(shapes, dtypes, strict=True)
    )


@contextlib.contextmanager
def _unchanged(model: nn.Module) -> Iterator[None]:
    """Put the model into evaluation mode; afterwards restore all modes and the generator."""
    modes = [(module, module.training) for module in model.modules()]
    with random.fork_rng():
        try:
            model.eval()
            yield
        finally:
            for module, training in modes:
                module.training = training


@contextlib.contextmanager
def _watched(model: nn.Module, rows: dict[int, Row]) -> Iterator[None]:
    """Fill the rows by hooks, and remove them afterwards; an error gets the name of its layer."""
    running: list[nn.Module] = []

    def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        running.append(module)
        rows[id(module)].input_shape = _shapes((*args, *kwargs.values()))

    def leave(
        module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        running.pop()
        _note(rows[id(module)], module, (*args, *kwargs.values()), output)

    handles = []
    try:
        for module in model.modules():
            handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            handles.append(module.register_forward_hook(leave, with_kwargs=True))
        yield
    except Exception as error:
        if running:
            row = rows[id(running[-1])]
            error.add_note(f"summary: in {row.path} ({row.type}), given {row.input_shape}")
        raise
    finally:
        for handle in handles:
            handle.remove()


def _note(row: Row, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
    row.calls += 1
    row.output_shape = _shapes((output,))
    arrays = list(_arrays(output))
    given = list(_arrays(inputs))
    # Flatten, Identity and Dropout in evaluation mode return memory of their input
    row.activation_bytes += sum(
        a.nbytes for a in arrays if not any(np.may_share_memory(a, b) for b in given)
    )
    count = _multiply_adds(module, arrays[0]) if arrays else None
    if count is not None:
        row.multiply_adds = (row.multiply_adds or 0) + count


def _rows(model: nn.Module) -> dict[int, Row]:
    rows = {}
    seen: set[int] = set()
    for path, module in model.named_modules():
        own = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        seen.update(id(p) for p in own)
        rows[id(module)] = Row(
            path=path or type(module).__name__,
            type=type(module).__name__,
            depth=path.count(".") + 1 if path else 0,
            parameters=sum(p.array.size for p in own),
            trainable=sum(p.array.size for p in own if p.requires_grad),
            is_leaf=next(module.children(), None) is None,
        )
    return rows


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """All arrays in a layer's inputs or outputs, which may be nested."""
    for x in nests.leaves(value):
        if isinstance(x, (Tensor, np.ndarray)):
            yield to_array(x)


def _shapes(value: Any) -> Any:
    """The shape of one array, or a list of the shapes of several."""
    shapes = [array.shape for array in _arrays(value)]
    return shapes[0] if len(shapes) == 1 else shapes


# --- what a layer costs ------------------------------------------------------------------------


def _multiply_adds(module: nn.Module, output: np.ndarray[Any, Any]) -> int | None:
    """Exact for the layers where nearly all the work is; None for all others."""
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        # each number of the output is one dot product with one row, or one kernel, of the weight
        return int(output.size * math.prod(module.weight.shape[1:]))
    return None


# --- the table ---------------------------------------------------------------------------------


def _table(result: Summary) -> str:
    shown = [
        row for row in result.rows if result.max_depth is None or row.depth <= result.max_depth
    ]
    frozen = result.trainable != result.parameters
    head = ["Layer", "Type", "Output shape", "Parameters", "Multiply-adds"]
    if frozen:
        head.insert(4, "Trainable")
    body = [_cells(row, frozen) for row in shown]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [_line(cells, widths) for cells in [head, *body]]
    return "\n".join([lines[0], rule, *lines[1:], rule, *_totals(result)])


def _cells(row: Row, frozen: bool) -> list[str]:
    name = "  " * row.depth + row.path.rpartition(".")[2]
    if row.calls == 0:
        output = "not called"
    else:
        output = str(row.output_shape) + (f" x{row.calls}" if row.calls > 1 else "")
    cells = [name, row.type, output, f"{row.parameters:,}" if row.parameters else ""]
    if frozen:
        cells.append(f"{row.trainable:,}" if row.parameters else "")
    cells.append("" if row.multiply_adds is None else f"{row.multiply_adds:,}")
    return cells


def _line(cells: list[str], widths: list[int]) -> str:
    texts = [cell.ljust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True)]
    return "  ".join([*texts, *numbers]).rstrip()


def _totals(result: Summary) -> list[str]:
    return [
        f"Parameters: {result.parameters:,} ({result.trainable:,} trainable), "
        + _size(result.parameter_bytes),
        f"Multiply-adds: {result.multiply_adds:,} for the whole batch",
        f"Memory: input {_size(result.input_bytes)}, activations {_size(result.activation_bytes)}",
    ]


def _size(nbytes: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if nbytes < 1024 or unit == "GiB":
            break
        nbytes /= 1024
    return f"{nbytes:.1f} {unit}" if unit != "B" else f"{nbytes:.0f} B"
