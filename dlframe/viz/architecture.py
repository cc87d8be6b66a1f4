"""Draws the architecture of a model: its layers, what flows between them, and their sizes."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlframe.autograd import no_grad
from dlframe.base import nests
from dlframe.errors import ArgumentError
from dlframe.nn import Module, MultiheadAttention
from dlframe.nn.modes import evaluating
from dlframe.nn.parameter import is_lazy
from dlframe.ops.watching import Call, Watcher, watched_by
from dlframe.tensor import Tensor
from dlframe.utils.trial import trial_inputs, unchanged
from dlframe.viz import style
from dlframe.viz.boxes import Line, draw_box, draw_edges, moved, size_of
from dlframe.viz.graph_layout import lay_out, layer_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 200  # boxes in a picture
LONGEST = 46  # characters of a line
INPUT, WEIGHTS, OPERATION = "#f4f5f7", "#eaf1f9", style.PAPER


@dataclass
class Box:
    """An input, a layer that was called, or an operation outside of all layers."""

    name: str
    kind: str
    shade: str
    shape: str = ""
    parameters: int = 0
    details: str = ""
    sources: dict[int, None] = field(default_factory=dict)  # numbers of other boxes, in order


def architecture(
    model: Module,
    input_size: Any = None,
    *,
    input_data: Any = None,
    dtypes: Any = None,
    depth: int | None = None,
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the layers of a model as boxes, and arrows for what flows from one to the next.

    The model is called once, in evaluation mode and without gradients, and is afterwards as it was.
    Each call of a layer is a box with the layer's name, kind and options, the shape of its output
    and the number of its parameters, shaded where it has some. So is an operation that the model
    does itself, such as the addition of a residual connection. Branches that the call did not take
    are not seen.

    Args:
        input_size: the input's shape with its batch dimension, or a list or dict of shapes, as for
            `utils.summary`.
        input_data: the input itself, instead.
        dtypes: of the inputs; a model that begins with an embedding needs `dl.int64`.
        depth: so many levels of modules; a module at the last level is one box. By default a box is
            a layer, which has no modules within it.

    Raises:
        ArgumentError: there are more boxes than a picture can show.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> figure = architecture(model, (16, 4))
    >>> [text.get_text() for text in figure.axes[0].texts][2:6]
    ['0 Linear', '4 → 8', '16 × 8', '40 parameters']
    """
    if not isinstance(model, Module):
        raise TypeError(f"architecture: model must be a Module; got {type(model).__name__}")
    args, kwargs = trial_inputs("architecture", input_size, input_data, dtypes)
    found = _Found(model, depth)
    found.see_inputs((args, kwargs))
    with unchanged(model), evaluating(model), found.watching(), no_grad():
        model(*args, **kwargs)
    boxes = found.used()
    if len(boxes) > MOST:
        raise ArgumentError(
            f"architecture: {len(boxes)} boxes are more than a picture can show ({MOST}); "
            "depth=1 draws the model's own parts only, depth=2 what is in these, …"
        )
    with style.house_style():
        return style.finish(_drawn(boxes, title, model), path)


# --- what flows --------------------------------------------------------------------------------


class _Found(Watcher):
    """The boxes, from hooks of modules and from operations outside of them."""

    def __init__(self, model: Module, depth: int | None) -> None:
        self.model = model
        self.names = {id(module): name for name, module in model.named_modules()}
        self.depth = depth
        self.boxes: list[Box] = []
        self.makers: dict[int, int] = {}  # of a tensor, by its id: the number of its box
        self.tensors: list[Any] = []  # kept, so that no id is given twice
        self.inside = 0  # how many modules that are boxes are being called

    def is_box(self, module: Module) -> bool:
        name = self.names[id(module)]
        level = name.count(".") + 1 if name else 0
        # attention has a linear layer within it, whose weights it uses itself
        is_layer = next(module.children(), None) is None or isinstance(module, MultiheadAttention)
        return is_layer or (self.depth is not None and level >= self.depth)

    def see_inputs(self, inputs: Any) -> None:
        tensors = _tensors(inputs)
        for i, tensor in enumerate(tensors):
            name = "input" if len(tensors) == 1 else f"input {i}"
            self.add(Box(name, "", INPUT), None, tensor)

    def add(self, box: Box, inputs: Any, outputs: Any) -> None:
        """Add a box that makes the tensors in `outputs` from those in `inputs`."""
        for tensor in _tensors(inputs):
            maker = self.makers.get(id(tensor))
            if maker is not None:
                box.sources[maker] = None
        results = _tensors(outputs)
        box.shape = ", ".join(_shape(tensor) for tensor in results)
        for tensor in results:
            self.makers[id(tensor)] = len(self.boxes)
            self.tensors.append(tensor)
        self.boxes.append(box)

    def called(self, call: Call) -> None:
        """An operation, of which only those are boxes that no module contains."""
        if not self.inside and call.note.backward_of is None:
            box = Box(call.definition.name, "", OPERATION)
            self.add(box, call.inputs, call.outputs)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note the calls of modules and operations in a block."""

        def enter(module: Module, args: Any, kwargs: Any) -> None:
            self.inside += 1

        def leave(module: Module, args: Any, kwargs: Any, output: Any) -> None:
            self.inside -= 1
            if not self.inside:
                self.add(self.box_of(module), (args, kwargs), output)

        handles = []
        try:
            for module in self.model.modules():
                if self.is_box(module):
                    handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
                    handles.append(module.register_forward_hook(leave, with_kwargs=True))
            with watched_by(self):
                yield
        finally:
            for handle in handles:
                handle.remove()

    def box_of(self, module: Module) -> Box:
        sizes = [p.array.size for p in module.parameters() if not is_lazy(p)]
        name = self.names[id(module)] or type(module).__name__
        kind = type(module).__name__ if self.names[id(module)] else ""
        return Box(name, kind, WEIGHTS if sizes else OPERATION, "", sum(sizes), _details(module))

    def used(self) -> list[Box]:
        """The boxes on a way to the last one, in order, with new numbers."""
        wanted: set[int] = set()
        todo = [len(self.boxes) - 1] if self.boxes else []
        while todo:
            number = todo.pop()
            if number not in wanted:
                wanted.add(number)
                todo += self.boxes[number].sources
        places = {old: new for new, old in enumerate(sorted(wanted))}
        boxes = [self.boxes[old] for old in places]
        for box in boxes:
            box.sources = {places[source]: None for source in box.sources}
        return boxes


def _tensors(nest: Any) -> list[Tensor]:
    return [leaf for leaf in nests.leaves(nest) if isinstance(leaf, Tensor)]


def _shape(tensor: Tensor) -> str:
    return " × ".join(map(str, tensor.shape)) or "a number"


def _details(module: Module) -> str:
    """The sizes of a layer, and those of its options that are not the usual ones."""
    if next(module.children(), None) is not None:
        return ""
    usual = {
        name: repr(parameter.default)
        for name, parameter in inspect.signature(type(module)).parameters.items()
    }
    texts: list[str] = []
    for option in re.split(r", (?=\w+=)", module.extra_repr()):
        name, _, value = option.partition("=")
        if re.fullmatch(r"\([\d, ]+\)", value):
            numbers = value.strip("(),").split(", ")
            is_usual = all(number == usual.get(name) for number in numbers)
            option = f"{name.removesuffix('_size')} {'×'.join(numbers)}"
        else:
            is_usual = usual.get(name) == value
        if not is_usual and not re.match(r"(in|out)_features=", option):
            texts.append(option)
    for of in ("features", "channels"):
        if hasattr(module, f"in_{of}") and hasattr(module, f"out_{of}"):
            both = f"{getattr(module, f'in_{of}')} → {getattr(module, f'out_{of}')}"
            texts = [both, *(text for text in texts if re.match(r"[a-z]", text))]
    return style.shortened(", ".join(filter(None, texts)), LONGEST)


# --- drawing -----------------------------------------------------------------------------------


def _lines(box: Box) -> list[Line]:
    head = f"{box.name} {box.kind}".strip()
    lines = [Line(style.shortened(head, LONGEST), style.SUBTITLE_SIZE, style.INK, "bold")]
    if box.details:
        lines.append(Line(box.details, 7.5, style.INK))
    lines.append(Line(style.shortened(box.shape, LONGEST), 7.5, style.MUTED))
    if box.parameters:
        lines.append(Line(f"{box.parameters:,} parameters", 7.5, style.BLUE))
    return lines


def _drawn(boxes: list[Box], title: str | None, model: Module) -> Figure:
    lines = [_lines(box) for box in boxes]
    sizes = [size_of(one) for one in lines]
    edges = [(source, i) for i, box in enumerate(boxes) for source in box.sources]
    layers = layer_all(len(boxes), edges, lambda i: not boxes[i].sources)
    layout = lay_out(sizes, edges, layers, down=0.3)
    count = sum(p.array.size for p in model.parameters() if not is_lazy(p))
    remark = f"{type(model).__name__}, {count:,} parameters"
    width = max(layout.width + 2 * style.MARGIN, 3.2)
    height = layout.height + 2 * style.MARGIN
    figure = style.new_figure(width, height, title, remark)
    axes = style.canvas_in_inches(figure, height)
    offset = ((width - layout.width) / 2, style.MARGIN)
    draw_edges(axes, layout, sizes, [], offset)
    for i, box in enumerate(boxes):
        draw_box(
            axes,
            lines[i],
            sizes[i],
            moved(layout.centres[i], offset),
            shade=box.shade,
            strong=i == len(boxes) - 1,
            dashed=not box.sources,
        )
    return figure
