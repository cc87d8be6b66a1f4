"""What attention looks at: the weights of each head, recorded while a model runs."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, ops
from dlframe.autograd.modes import no_grad
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn.modes import evaluating
from dlframe.ops.watching import Call, Watcher, running, watched_by
from dlframe.tensor import to_array
from dlframe.training.data.arrays import as_tensor, is_array
from dlframe.training.data.inputs import InputForm
from dlframe.training.untouched import untouched
from dlframe.viz import given, style
from dlframe.viz.parts import part_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[Any]

MOST_LAYERS, MOST_HEADS = 12, 12  # that are drawn
WIDEST = 15.0  # inches of all heads side by side
LARGEST, SMALLEST = 0.3, 0.012  # inches of a cell
SMALLEST_TEXT = 5.0  # points
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # from one number at an axis to the next


# --- the numbers -------------------------------------------------------------------------------


@dataclass(frozen=True)
class AttentionMap:
    """The weights of one call of attention: `weights` (N, heads, L, S), queries by keys.

    `hidden` says where a mask let a query see no key. `name` is the module that called it. `role`
    is "self", "cross" for queries and keys of different sequences, or "encoder" for the
    self-attention of the encoder of an `nn.Transformer`.
    """

    name: str
    weights: Array
    hidden: NDArray[np.bool_]
    role: str = "self"


@dataclass(frozen=True)
class Attention:
    """The weights of attention of a model, one `AttentionMap` for each call, in their order.

    It is a sequence: `found[0].weights`. `plot` draws it.
    """

    maps: tuple[AttentionMap, ...]

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, index: int) -> AttentionMap:
        return self.maps[index]

    def __iter__(self) -> Iterator[AttentionMap]:
        return iter(self.maps)

    def __str__(self) -> str:
        return "\n".join(
            "{}: {} heads, {} queries × {} keys, {} in the batch".format(
                one.name, *(one.weights.shape[i] for i in (1, 2, 3, 0))
            )
            for one in self.maps
        )

    def plot(
        self,
        tokens: Sequence[object] | None = None,
        keys: Sequence[object] | None = None,
        *,
        sample: int = 0,
        heads: Sequence[int] | None = None,
        layers: Sequence[int] | None = None,
        average: bool = False,
        title: str | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> Figure:
        """Draw a row for each layer and a column for each head; rows of a map are queries.

        Args:
            tokens: the names of the queries, and of the keys of self-attention.
            keys: the names of the keys where these are another sequence: of cross-attention, and
                of an encoder that reads it.
            sample: which one of the batch.
            heads, layers: which ones, by number; by default the first 12.
            average: draw the mean over the heads only.

        Shades follow the square root, and are the same in all maps. Where a mask hides a key there
        are dots; a query that sees no key at all is pink.
        """
        chosen = [self.maps[i] for i in self._chosen(layers)]
        count = min(len(one.weights) for one in chosen)
        if not -count <= sample < count:
            raise ArgumentError(
                f"Attention.plot: sample must be from 0 to {count - 1}; got {sample}"
            )
        rows = [_Row(one, sample, heads, tokens, keys, average=average) for one in chosen]
        notes = []
        if layers is None and len(self.maps) > MOST_LAYERS:
            notes.append(f"the first {MOST_LAYERS} of {len(self.maps)} layers")
        most = max(one.weights.shape[1] for one in chosen)
        if heads is None and most > MOST_HEADS and not average:
            notes.append(f"the first {MOST_HEADS} of {most} heads")
        if average:
            notes.append("means over the heads")
        with style.house_style():
            return style.finish(_draw(rows, title, ", ".join(notes) or None), path)

    def _chosen(self, layers: Sequence[int] | None) -> Sequence[int]:
        if layers is None:
            return range(min(len(self.maps), MOST_LAYERS))
        bad = [i for i in layers if not -len(self.maps) <= i < len(self.maps)]
        if bad or not len(layers):
            raise ArgumentError(
                f"Attention.plot: layers must be numbers from 0 to {len(self.maps) - 1}; got "
                f"{list(layers)}"
            )
        return layers


def attention(
    source: Any, *inputs: Any, layer: nn.Module | str | None = None, **named: Any
) -> Attention:
    """The weights with which each query takes the values: P = softmax(Q Kᵀ / √d + mask).

    Args:
        source: a model that calls `nn.MultiheadAttention` (as the layers of transformers do) or
            `F.scaled_dot_product_attention`; or weights: (L, S), (heads, L, S) or (N, heads, L, S),
            a list of such, one for each layer, or a dict of them by name.
        inputs: what the model is called with; `named` by keyword. A `MultiheadAttention` may get
            one sequence for all three of its inputs, or two: queries, and keys with values.
        layer: only the calls inside of this part of the model, or of the part of this name. There
            every softmax along the last dimension of two or more counts, too, for attention that
            is written by hand.

    The model is called once, in evaluation mode and without gradients, exactly as it is: nothing in
    it is replaced. Operations are watched, and weights that a fused operation does not keep are
    computed again from its queries, keys and mask, without dropout. Afterwards the model is as it
    was. Vaswani et al., "Attention is all you need" (2017), section 3.2. High weights do not say
    that a token mattered for the output: Jain and Wallace, "Attention is not explanation" (2019).

    Raises:
        ArgumentError: the model called no attention, or has no such layer.
        ShapeError: weights of other shapes.

    >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> found = attention(layer, dl.randn(3, 5, 8))
    >>> print(found)
    self_attn: 2 heads, 5 queries × 5 keys, 3 in the batch
    >>> np.allclose(found[0].weights.sum(axis=-1), 1)
    True
    >>> figure = found.plot(tokens=["the", "cat", "saw", "a", "dog"])
    """
    if not given.is_model(source):
        if inputs or named or layer is not None:
            raise ArgumentError(
                "attention: inputs go with a model, and this is a "
                f"{type(source).__name__}; pass weights alone"
            )
        return Attention(_given_maps(source))
    model: nn.Module = source if isinstance(source, nn.Module) else source.model
    if not inputs and not named:
        raise ArgumentError("attention: with a model go its inputs: attention(model, x)")
    if isinstance(model, nn.MultiheadAttention) and len(inputs) in (1, 2):
        inputs = (inputs[0], inputs[-1], inputs[-1])
    inside = None if layer is None else part_of(model, layer, "attention")[0]
    recorder = _Recorder(model, inside)
    form, positions = InputForm(None), [as_tensor(x, "x") for x in inputs]
    same = [next(j for j in range(i + 1) if inputs[j] is inputs[i]) for i in range(len(inputs))]
    with untouched(model, where="attention"), evaluating(model), no_grad():
        keywords = {name: as_tensor(x, name) if is_array(x) else x for name, x in named.items()}
        brought = form.bring(positions, model, lambda some: model(*some, **keywords))
        brought = [brought[i] for i in same]  # one tensor that is passed twice stays one
        with recorder.watching():
            model(*brought, **keywords)
    if not recorder.maps:
        where = "the model" if layer is None else repr(layer)
        raise ArgumentError(
            f"attention: {where} called neither nn.MultiheadAttention nor "
            "F.scaled_dot_product_attention. If it computes attention by a softmax of its own, "
            "name the part that does with layer=; or pass the weights themselves"
        )
    return Attention(tuple(recorder.maps))


# --- recording ---------------------------------------------------------------------------------

_FUSED = ops.attention.definition
_SOFTMAX = ops.softmax.definition


class _Recorder(Watcher):
    """Notes the weights of each attention that a model computes."""

    def __init__(self, model: nn.Module, inside: nn.Module | None) -> None:
        self.model, self.inside = model, inside
        self.names = {id(part): name for name, part in model.named_modules()}
        self.maps: list[AttentionMap] = []
        self.calls: dict[str, int] = {}
        self.crossing: set[int] = set()  # modules that were called with keys of another sequence

    @contextmanager
    def watching(self) -> Iterator[None]:
        handles = [
            part.register_forward_pre_hook(self._enter, with_kwargs=True)
            for part in self.model.modules()
            if isinstance(part, nn.MultiheadAttention)
        ]
        try:
            with watched_by(self):
                yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        query, key = (
            args[i] if len(args) > i else kwargs.get(name)
            for i, name in enumerate(("query", "key"))
        )
        self.crossing.discard(id(module))
        if query is not key:
            self.crossing.add(id(module))

    def called(self, call: Call) -> None:
        stack = [one.module for one in running()]
        if self.inside is not None and not any(one is self.inside for one in stack):
            return
        if call.definition is _FUSED:
            weights, hidden = _of_fused(call)
        elif call.definition is _SOFTMAX and self._is_attention(call, stack):
            weights = to_array(call.outputs[0])
            hidden = np.isneginf(to_array(call.inputs[0]))
        else:
            return
        lead = weights.shape[:-2]  # (N, heads), or (N,) of attention without heads
        heads = lead[-1] if len(lead) > 1 else 1
        shape = (math.prod(lead) // max(heads, 1), heads, *weights.shape[-2:])
        self.maps.append(
            AttentionMap(
                self._name(stack),
                weights.reshape(shape).astype(np.float64),
                hidden.reshape(shape),
                self._role(stack, shape),
            )
        )

    def _is_attention(self, call: Call, stack: list[Any]) -> bool:
        """Whether a softmax makes weights: in a MultiheadAttention, or where the user said so."""
        out = to_array(call.outputs[0])
        if call.options.get("axis", -1) not in (-1, out.ndim - 1) or out.ndim < 2:
            return False
        return self.inside is not None or (
            bool(stack) and isinstance(stack[-1], nn.MultiheadAttention)
        )

    def _name(self, stack: list[Any]) -> str:
        """The innermost module of the model that has a name; with a number from the second call."""
        name = next((n for one in reversed(stack) if (n := self.names.get(id(one)))), "")
        name = name or type(self.model).__name__
        self.calls[name] = self.calls.get(name, 0) + 1
        return name if self.calls[name] == 1 else f"{name}, call {self.calls[name]}"

    def _role(self, stack: list[Any], shape: tuple[int, ...]) -> str:
        if shape[-1] != shape[-2] or any(id(one) in self.crossing for one in stack):
            return "cross"
        whole = any(isinstance(one, nn.Transformer) for one in stack)
        if whole and any(isinstance(one, nn.TransformerEncoderLayer) for one in stack):
            return "encoder"
        return "self"


def _of_fused(call: Call) -> tuple[Array, NDArray[np.bool_]]:
    """The weights of an operation that did not keep them, and where its mask hid keys."""
    query, key, _, *rest = (None if x is None else to_array(x) for x in call.inputs)
    assert query is not None
    assert key is not None
    mask = rest[0] if rest else None
    causal = bool(call.options.get("causal", False))
    weights = to_array(
        ops.attention_weights(query, key, mask, scale=call.options["scale"], causal=causal)
    )
    hidden = np.zeros(weights.shape, bool)
    if mask is not None:
        hidden |= np.isneginf(mask)
    if causal:
        hidden |= np.triu(np.ones(weights.shape[-2:], bool), 1)
    if query.ndim > 4:  # (N, groups, heads of a group, L, S)
        shape = (*weights.shape[:-4], -1, *weights.shape[-2:])
        weights, hidden = weights.reshape(shape), hidden.reshape(shape)
    return weights, hidden


def _given_maps(source: Any) -> tuple[AttentionMap, ...]:
    """Maps of weights that were given."""
    if isinstance(source, Attention):
        return source.maps
    if isinstance(source, Mapping):
        layers = {str(name): weights for name, weights in source.items()}
    elif isinstance(source, (list, tuple)) and source and hasattr(source[0], "shape"):
        layers = {f"layer {i}": weights for i, weights in enumerate(source)}
    else:
        layers = {"attention": source}
    if not layers:
        raise ArgumentError("attention: the dict of weights is empty")
    maps = []
    for name, weights in layers.items():
        array = given.numbers_of(weights)
        if array.dtype.kind not in "biuf":
            raise DTypeError(
                "attention: expected a model and its inputs, or weights; got "
                f"{type(weights).__name__}"
            )
        if not 2 <= array.ndim <= 4 or not array.size:
            raise ShapeError(
                f"attention: weights must be (L, S), (heads, L, S) or (N, heads, L, S) and not "
                f"empty; those of {name} are {array.shape}"
            )
        shape = (1,) * (4 - array.ndim) + array.shape
        found = array.astype(np.float64).reshape(shape)
        role = "self" if shape[-1] == shape[-2] else "cross"
        maps.append(AttentionMap(name, found, np.zeros(shape, bool), role))
    return tuple(maps)


# --- the picture -------------------------------------------------------------------------------


class _Row:
    """A layer: its maps (heads, L, S), their names, and the words at its queries and keys."""

    def __init__(
        self,
        one: AttentionMap,
        sample: int,
        heads: Sequence[int] | None,
        tokens: Sequence[object] | None,
        keys: Sequence[object] | None,
        *,
        average: bool,
    ) -> None:
        weights, hidden = one.weights[sample], one.hidden[sample]
        count = len(weights)
        chosen = range(min(count, MOST_HEADS)) if heads is None else list(heads)
        if any(not -count <= i < count for i in chosen) or not len(chosen):
            raise ArgumentError(
                f"Attention.plot: {one.name} has heads from 0 to {count - 1}; got {list(chosen)}"
            )
        self.name = one.name
        if average:
            every = list(chosen) if heads is not None else list(range(count))
            self.weights = weights[every].mean(axis=0, keepdims=True)
            self.hidden = hidden[every].all(axis=0, keepdims=True)
            self.heads = ["mean"]
        else:
            self.weights, self.hidden = weights[list(chosen)], hidden[list(chosen)]
            self.heads = [f"head {i % count}" for i in chosen] if count > 1 else [""]
        queries = keys if one.role == "encoder" and keys is not None else tokens
        others = keys if one.role == "cross" else queries
        _, rows, columns = self.weights.shape
        self.queries = _words(queries, rows, f"queries of {one.name}", "tokens")
        self.keys = _words(others, columns, f"keys of {one.name}", "keys")


def _words(words: Sequence[object] | None, count: int, what: str, name: str) -> list[str] | None:
    if words is None:
        return None
    texts = [style.shortened(str(word), 14) or "·" for word in words]
    if len(texts) != count:
        raise ShapeError(
            f"Attention.plot: there are {count} {what}, and {name}= has {len(texts)} names; give "
            "one to each"
        )
    return texts


def _draw(rows: Sequence[_Row], title: str | None, note: str | None) -> Figure:
    across = max(len(row.heads) for row in rows)
    longest = max(max(row.weights.shape[1:]) for row in rows)
    cell = min(LARGEST, WIDEST / across / (longest + 1), 4.2 / longest)
    cell = max(cell, SMALLEST)
    size = max(SMALLEST_TEXT, min(style.SUBTITLE_SIZE, cell * 72 * 0.8))
    left = max(_room(row.queries, size) for row in rows) + style.MARGIN + 0.28
    panel = max(max(row.weights.shape[2] for row in rows) * cell, 0.55)
    gap = 0.14
    width = left + across * (panel + gap) + 0.95
    heights = [row.weights.shape[1] * cell for row in rows]
    above, below = 0.26, [0.12 + _room(row.keys, size) for row in rows]
    names = 0.22
    height = sum(heights) + sum(below) + len(rows) * (above + names) + style.MARGIN
    figure = style.new_figure(max(width, 3.2), height, title or "Attention", note)
    wide, tall = figure.get_size_inches()
    most = max(float(np.nanmax(row.weights, initial=0.0)) for row in rows)
    image = None
    top = height
    for row, high, under in zip(rows, heights, below, strict=True):
        top -= names
        figure.text(
            left / wide, (top + 0.04) / tall, row.name, weight="bold", size=style.LABEL_SIZE
        )
        top -= above + high
        for i, head in enumerate(row.heads):
            shown = row.weights.shape[2] * cell
            box = ((left + i * (panel + gap)) / wide, top / tall, shown / wide, high / tall)
            axes = figure.add_axes(box)
            image = _draw_map(axes, row.weights[i], row.hidden[i], most)
            axes.set_title(
                head, size=style.SMALL_SIZE, weight="normal", color=style.MUTED, pad=3, loc="left"
            )
            _name_sides(axes, row, cell, size, first=i == 0)
        top -= under
    side = min(height - 0.7, 1.8)
    bar = figure.add_axes(
        ((left + across * (panel + gap) + 0.06) / wide, (height - 0.5 - side) / tall, 0.12 / wide,
         side / tall)
    )  # fmt: skip
    assert image is not None
    colours = figure.colorbar(image, cax=bar)
    colours.set_label("weight")
    colours.outline.set_visible(False)
    bar.minorticks_off()
    ticks = [0.0, most / 4, most]
    bar.set_yticks(ticks, [f"{tick:.2g}" for tick in ticks], size=style.SMALL_SIZE)
    return figure


def _room(words: Sequence[str] | None, size: float) -> float:
    """Inches of the longest word."""
    return 0.2 if words is None else max(style.text_width(word, size) for word in words) + 0.06


def _draw_map(axes: Axes, weights: Array, hidden: NDArray[np.bool_], most: float) -> Any:
    from matplotlib.colors import PowerNorm

    colours = style.blue_scale().with_extremes(bad=style.MISSING)
    norm = PowerNorm(0.5, vmin=0, vmax=most or 1.0)
    image = axes.imshow(weights, cmap=colours, norm=norm, interpolation="nearest", aspect="auto")
    rows, columns = np.nonzero(hidden & np.isfinite(weights))
    inches = axes.get_window_extent().height / style.DPI / len(weights)
    dot = min(2.0, inches * 72 * 0.22)
    axes.plot(
        columns, rows, linestyle="none", marker=".", ms=max(dot, 0.3), color=style.MUTED,
        mew=0, label="hidden by the mask",
    )  # fmt: skip
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(style.HAIRLINE)
    return image


def _name_sides(axes: Axes, row: _Row, cell: float, size: float, *, first: bool) -> None:
    """Words at the keys below and at the queries of the first map; without words numbers."""
    _, queries, keys = row.weights.shape
    sides = (("y", axes.yaxis, queries, row.queries), ("x", axes.xaxis, keys, row.keys))
    for name, axis, count, words in sides:
        # inches that a word or a number needs
        room = size * 1.05 / 72 if words is not None else 0.17 if name == "y" else 0.26
        step = next((e for e in STEPS if e * cell >= room), STEPS[-1])
        places = list(range(0, count, step))
        texts = [str(i) if words is None else words[i] for i in places]
        axis.set_ticks(places, texts if first or name == "x" else [""] * len(places))
        axes.tick_params(
            axis=name,  # type: ignore[arg-type] # "x" or "y", which mypy sees as any text
            length=0, pad=2.5, labelcolor=style.INK,
            labelsize=style.SMALL_SIZE - 1 if words is None else size,
            rotation=90 if name == "x" and words is not None else 0,
        )  # fmt: skip
    if first:
        axes.set_ylabel("query", size=style.SMALL_SIZE, color=style.MUTED, labelpad=3)
