"""The sections about the model: its layers as a picture and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from dlframe.autograd import no_grad
from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.nn.modes import evaluating
from dlframe.utils.summary import Summary, summary
from dlframe.utils.trial import trial_inputs, unchanged
from dlframe.viz.pages.html import Markup, element, joined, picture, table
from dlframe.viz.reports.course import number
from dlframe.viz.reports.source import Source

MOST_ROWS = 150  # layers in the table
PATIENCE = 0.25  # seconds of a forward pass, above which layers are not timed
TIMES = 3  # runs of which the median is taken
HIGHEST = 2400  # pixels of a picture before it shows fewer levels


def example_of(source: Source) -> Any:
    """Inputs of a few samples, as `utils.summary` takes them; None where no data are known."""
    return None if source.measured is None else source.measured.example


def architecture(source: Source) -> Markup | None:
    """The layers and what flows between them; of large models, the upper levels."""
    inputs = example_of(source)
    if source.model is None or inputs is None:
        return None
    from dlframe.viz.architecture import architecture as draw

    for depth in (None, 3, 2, 1):
        try:
            figure = draw(source.model, input_data=inputs, depth=depth)
        except ArgumentError:  # too many boxes
            if depth == 1:
                raise
            continue
        if figure.get_size_inches()[1] * 96 <= HIGHEST or depth == 1:
            break
    count = sum(parameter.array.size for parameter in source.model.parameters())
    text = f"{type(source.model).__name__}, with {count:,} parameters."
    if depth is not None:
        text += f" Modules below level {depth} are not shown."
    return picture(figure, f"The layers of {text} The table below lists them.", caption=text)


def layers(source: Source) -> Markup | None:
    """The table of `utils.summary`, with the times of each layer where that is quick."""
    inputs = example_of(source)
    if source.model is None:
        return None
    if inputs is None:
        return _parameters(source.model)
    times = TIMES if _forward_seconds(source.model, inputs) <= PATIENCE else 0
    found = summary(source.model, input_data=inputs, times=times)
    timed = any(row.forward_seconds is not None for row in found.rows)
    return joined(_table_of(found, timed=timed), element("p", _totals(found)))


def _forward_seconds(model: Module, inputs: Any) -> float:
    args, kwargs = trial_inputs("report", None, inputs, None)
    with unchanged(model), evaluating(model), no_grad():
        begin = perf_counter()
        model(*args, **kwargs)
        return perf_counter() - begin


def _table_of(found: Summary, *, timed: bool) -> Markup:
    head = ["layer", "type", "output", "parameters", "multiply-adds"]
    if timed:
        head += ["forward", "backward"]
    rows = []
    for row in found.rows[:MOST_ROWS]:
        cells: list[Any] = [
            element("span", row.path or "the model", class_=f"level-{min(row.depth, 6)}"),
            row.type,
            _shape(row.output_shape),
            f"{row.parameters:,}" if row.parameters else "",
            "" if row.multiply_adds is None else f"{row.multiply_adds:,}",
        ]
        if timed:
            cells += [_milliseconds(row.forward_seconds), _milliseconds(row.backward_seconds)]
        rows.append(cells)
    samples = found.input_shapes[0][0] if found.input_shapes and found.input_shapes[0] else 0
    text = f"Layers, for a batch of {samples:,} samples"
    if timed:
        text += f"; times are medians of {TIMES} runs of the layer alone, with its parts"
    if len(found.rows) > MOST_ROWS:
        text += f". The first {MOST_ROWS} of {len(found.rows)}"
    return table(head, rows, caption=f"{text}.", numbers=range(3, len(head)))


def _shape(shape: Any) -> str:
    if isinstance(shape, tuple) and all(isinstance(n, int) for n in shape):
        return "\xa0×\xa0".join(map(str, shape)) or "one number"
    if isinstance(shape, Mapping):
        return ", ".join(f"{name}: {_shape(one)}" for name, one in shape.items())
    if isinstance(shape, (list, tuple)):
        return ", ".join(map(_shape, shape))
    return "" if shape is None else str(shape)


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{1000 * value:.3g} ms"


def _totals(found: Summary) -> str:
    frozen = found.parameters - found.trainable
    text = f"{found.parameters:,} parameters"
    text += f", of which {frozen:,} are frozen" if frozen else ""
    return f"{text}; {number(found.multiply_adds)} multiply-adds for the batch."


def _parameters(model: Module) -> Markup:
    """Without an input only the parameters are known."""
    rows = [
        [name, " × ".join(map(str, parameter.array.shape)) or "1", f"{parameter.array.size:,}"]
        for name, parameter in model.named_parameters()
    ]
    text = "Parameters. Shapes of outputs need data: pass data=."
    if len(rows) > MOST_ROWS:
        text += f" The first {MOST_ROWS} of {len(rows)}."
    return table(["parameter", "shape", "numbers"], rows[:MOST_ROWS], caption=text, numbers=[2])
