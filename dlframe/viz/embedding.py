"""Samples as points in the plane, so that those with similar features lie near each other."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe import random
from dlframe.data import DataLoader, Subset
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.metrics.labels import class_weights
from dlframe.nn import Module
from dlframe.tensor import Tensor, to_array
from dlframe.training.data import batches
from dlframe.training.data.arrays import is_array
from dlframe.viz import given, style, tiles
from dlframe.viz.looks import looks_of
from dlframe.viz.parts import outputs_seen, part_of
from dlframe.viz.reducing import check_method, in_the_plane, name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[Any]
Points = NDArray[np.float64]

PLOT = 5.2  # inches of the plot's side
IN_LEGEND = 10  # classes; more are named where their points are
MOST = 100  # classes that are named
THUMBNAIL = 0.26  # inches


@dataclass(frozen=True)
class Embedding:
    """Samples in the plane: `points` (n, 2), float64, of the samples at `indices` of the data.

    `targets` (n,) are labels (int64) or numbers (float64), or None; `classes` the names of labels.
    `explained` are the shares of the variance of the features that lie along the two axes, by PCA.
    `images` (n, C, H, W) are drawn in place of points, if they were given. `features` is the number
    of features, `total` that of the samples of the data where it is known.
    """

    points: Points
    method: str
    features: int
    targets: Array | None = None
    classes: tuple[str, ...] | None = None
    explained: tuple[float, float] | None = None
    images: Array | None = None
    indices: NDArray[np.int64] | None = None
    total: int | None = None
    source: str = ""

    def __str__(self) -> str:
        count = len(self.points)
        some = f"{count:,}" if self.total in (None, count) else f"{count:,} of {self.total:,}"
        text = f"{some} samples, {self.features:,} feature{'s' * (self.features != 1)}"
        if self.explained is not None:
            text += f"; both axes have {style.percent(sum(self.explained))} of the variance"
        return text

    def plot(
        self,
        classes: Sequence[object] | None = None,
        *,
        thumbnails: bool | None = None,
        title: str | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> Figure:
        """Draw the points, in the colour and with the marker of their class.

        Up to 10 classes are named in a legend, up to 100 at the median of their points; numbers
        have a scale of colours. With `thumbnails`, by default if there are images, the images are
        drawn in place of points, as many as do not cover each other.
        """
        if thumbnails is None:
            thumbnails = self.images is not None
        if thumbnails and self.images is None:
            raise ArgumentError("Embedding.plot: there are no images; pass images= to embedding()")
        kind = {"pca": "PCA", "tsne": "t-SNE"}.get(self.method, self.method)
        labels = self.targets if self.targets is None or self.targets.dtype.kind == "i" else None
        with style.house_style():
            count = 0 if labels is None else int(labels.max(initial=-1)) + 1
            names = given.names(self.classes if classes is None else classes, count, 22)
            wide = max((style.text_width(n, style.SUBTITLE_SIZE) for n in names), default=0.0)
            beside = 0.5 + wide if 0 < count <= IN_LEGEND else 0.9 if self._is_scale else 0.0
            heading = title or " by ".join(filter(None, (self.source, kind)))
            figure = style.new_figure(PLOT + 0.6 + beside, PLOT + 0.4, heading, self._remark(count))
            style.lay_out(figure, PLOT + 0.4)
            axes = figure.add_subplot()
            self._draw_points(axes, labels, names, pale=thumbnails)
            self._name_axes(axes, kind)
            figure.draw_without_rendering()  # so that inches are known
            figure.set_layout_engine("none")
            if thumbnails:
                self._draw_images(axes, labels)
            if count > IN_LEGEND:
                _name_groups(axes, self.points, labels, names[:MOST])
            return style.finish(figure, path)

    @property
    def _is_scale(self) -> bool:
        return self.targets is not None and self.targets.dtype.kind == "f"

    def _remark(self, count: int) -> str:
        more = f"\nThe first {MOST} of {count} classes are named." if count > MOST else ""
        return f"{self}{more}"

    def _name_axes(self, axes: Axes, kind: str) -> None:
        if self.explained is None:  # only which points are near each other has a meaning
            kind = kind or "dimension"
            axes.set(xlabel=f"{kind} 1", ylabel=f"{kind} 2", xticks=[], yticks=[])
        else:
            first, second = (style.percent(share) for share in self.explained)
            axes.set(
                xlabel=f"component 1 ({first} of the variance)",
                ylabel=f"component 2 ({second})",
            )
        axes.spines[:].set_visible(True)
        axes.set_aspect("equal", adjustable="datalim")
        axes.margins(0.05 if self.images is None else 0.1)

    def _draw_points(
        self, axes: Axes, labels: Array | None, names: Sequence[str], *, pale: bool
    ) -> None:
        x, y = self.points.T
        size = 22 if len(x) <= 300 else 14 if len(x) <= 1500 else 8
        look: dict[str, Any] = {"s": size, "linewidths": 0.3, "edgecolors": style.PAPER}
        if pale:
            look["alpha"] = 0.35
        if self._is_scale:
            import matplotlib as mpl

            colours = mpl.colormaps["cividis"]
            drawn = axes.scatter(x, y, c=self.targets, cmap=colours, **look)
            bar = axes.figure.colorbar(drawn, ax=axes, fraction=0.04, pad=0.03)
            bar.set_label("target")
            bar.outline.set_visible(False)
            return
        if labels is None:
            axes.scatter(x, y, c=style.BLUE, **look)
            return
        for k, (name, style_of) in enumerate(_looks(names).items()):
            some = labels == k
            if some.any():
                axes.scatter(
                    x[some], y[some], c=style_of["color"], marker=style_of["marker"],
                    label=names[k], gid=name, **look,
                )  # fmt: skip
        if len(names) <= IN_LEGEND:
            legend = axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.01), borderaxespad=0.6)
            handles: list[Any] = list(legend.legend_handles)
            for handle in handles:  # as large and clear as markers of few points
                handle.set(sizes=[34], alpha=1)

    def _draw_images(self, axes: Axes, labels: Array | None) -> None:
        """Images at their points, each only where none is yet."""
        from matplotlib.offsetbox import AnnotationBbox, OffsetImage

        assert self.images is not None
        inches = axes.transData.transform(self.points) / axes.figure.dpi
        rgb = tiles.as_rgb(self.images)
        zoom = THUMBNAIL * 72 / max(rgb.shape[1:3])
        taken: set[tuple[int, int]] = set()
        colours = style.CLASS_COLOURS
        for i, (x, y) in enumerate(inches):
            cell = (math.floor(x / (1.25 * THUMBNAIL)), math.floor(y / (1.25 * THUMBNAIL)))
            if cell in taken:
                continue
            taken.add(cell)
            middle = [(c + 0.5) * 1.25 * THUMBNAIL * axes.figure.dpi for c in cell]
            place = axes.transData.inverted().transform(middle)
            edge = style.MUTED if labels is None else colours[int(labels[i]) % len(colours)]
            box = AnnotationBbox(
                OffsetImage(rgb[i], zoom=zoom, interpolation="nearest"), tuple(place), pad=0.06,
                bboxprops={"edgecolor": edge, "linewidth": 1.6},
            )  # fmt: skip
            axes.add_artist(box)


def embedding(
    features: Any,
    targets: Any = None,
    *,
    method: str | Callable[[Array], Any] = "pca",
    layer: Module | str | None = None,
    classes: Sequence[object] | None = None,
    images: Any = None,
    max_samples: int = 2000,
    generator: random.Generator | None = None,
    **options: Any,
) -> Embedding:
    """Place samples in the plane by their features, or by what a layer makes of them.

    Args:
        features: (N, …), of which all but the first dimension are features; or a data set, whose
            inputs are the features; or a model or `Trainer`, and then `targets` has its data.
        targets: labels, as numbers, names or one-hot rows; or numbers, which get a scale of
            colours; of a model, its data: a data set, a loader, a pair (x, y), or inputs alone.
        method: "pca", "tsne", or a function from features (n, d), float64, to points (n, 2). What
            has a method `fit_transform`, as in scikit-learn and umap, will do as well.
        layer: a part of the model, or its name, whose output has the features; by default the
            model's own output. Of several outputs, as an LSTM has, the first is taken.
        classes: the names of the classes, by default those of the data set.
        images: one image for each sample, drawn by `plot` in place of the points; True takes the
            model's inputs, or the data set's.
        max_samples: of more, so many are drawn at random; of a loader the first are taken.
        generator: for this choice and for t-SNE, by default one with a fixed seed.
        options: of t-SNE, such as `perplexity=50`; see scikit-learn.

    PCA draws the features' deviations from their mean along the two directions in which they vary
    most: with X = U S Vᵀ, centred, the points are U S, and the share of the variance along axis k
    is s_k² / Σ s² (Pearson, 1901). It is linear: what lies apart in the picture lies apart. t-SNE
    keeps near what is near, and nothing else: sizes of groups and distances between them mean
    nothing, and other seeds give other pictures. Van der Maaten and Hinton, "Visualizing data using
    t-SNE" (2008); Wattenberg et al., "How to use t-SNE effectively" (2016). It is scikit-learn's,
    an extra (`pip install 'dlframe[sklearn]'`), and works on the first 50 principal components.

    Raises:
        ArgumentError: an unknown method or layer, or features that are nan or infinite.
        ShapeError: fewer than two samples, or a method that gives other shapes than (n, 2).
        MissingExtraError: "tsne" without scikit-learn.

    >>> x = np.array([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
    >>> found = embedding(x, ["a", "a", "b", "b"])
    >>> found.points[:, 0].round(2), [round(share, 3) for share in found.explained]
    (array([-3.04, -1.08,  1.08,  3.04]), [0.991, 0.009])
    >>> figure = found.plot()
    """
    check_method(method, options)
    if isinstance(max_samples, bool) or max_samples < 2:
        raise ArgumentError(f"embedding: max_samples must be 2 or more; got {max_samples!r}")
    if generator is None:
        generator = random.Generator().manual_seed(0)
    taken = _taken(features, targets, layer, max_samples, generator, images is True)
    x = _flat(taken.features)
    labels, names = _targets(taken.targets, classes if classes is not None else taken.classes)
    if labels is not None and len(labels) != len(x):
        raise ShapeError(
            f"embedding: {len(x)} samples and {len(labels)} targets; there must be one for each"
        )
    points, explained = in_the_plane(x, method, generator, options)
    shown = _images(images, taken)
    return Embedding(
        points, name_of(method), x.shape[1], labels, names, explained, shown, taken.indices,
        taken.total, taken.source,
    )  # fmt: skip


# --- the samples -------------------------------------------------------------------------------


@dataclass
class _Taken:
    features: Any
    targets: Any
    classes: Sequence[object] | None
    indices: NDArray[np.int64] | None
    total: int | None
    source: str
    inputs: Any = None


def _taken(
    features: Any,
    targets: Any,
    layer: Module | str | None,
    most: int,
    generator: random.Generator,
    inputs: bool,
) -> _Taken:
    if given.is_model(features):
        return _of_model(features, targets, layer, most, generator, inputs)
    if layer is not None:
        raise ArgumentError(
            "embedding: layer= names a part of a model; pass the model, and its data"
        )
    if given.is_data(features):
        part, indices, total = _some(features, most, generator)
        classes = given.classes_of(features)
        found, own = given.some_of(part, most, "embedding")
        if targets is not None:
            own = given.targets_of(targets, "embedding")
            own = own if indices is None else own[indices]
        return _Taken(found, own, classes, indices, total, "", found)
    array = _number_array(features)
    if not array.ndim:
        raise ShapeError(
            f"embedding: features must be (N, …), a data set or a model; got "
            f"{type(features).__name__}"
        )
    classes = given.classes_of(targets) if given.is_data(targets) else None
    values = None if targets is None else given.targets_of(targets, "embedding")
    if values is not None and values.ndim and len(values) != len(array):
        raise ShapeError(
            f"embedding: {len(array)} samples and {len(values)} targets; there must be one for each"
        )
    count = len(array)
    indices = _drawn(count, most, generator)
    if indices is not None:
        array = array[indices]
        values = values[indices] if values is not None and values.ndim else values
    return _Taken(array, values, classes, indices, count, "", array)


def _of_model(
    model: Any,
    data: Any,
    layer: Module | str | None,
    most: int,
    generator: random.Generator,
    inputs: bool,
) -> _Taken:
    if data is None:
        raise ArgumentError(
            "embedding: with a model goes its data: a data set, a loader, a pair (x, y) or inputs"
        )
    labelled = given.is_data(data)
    if not labelled:
        if not is_array(data):
            raise ArgumentError(
                "embedding: the data of a model are a data set, a loader, a pair (x, y) or "
                f"inputs; got {type(data).__name__}"
            )
        data = (data, np.zeros(len(data)))
    classes = given.classes_of(data)
    if isinstance(data, tuple) and given.are_names(data[1]):
        classes = given.sorted_names(data[1])
        data = (data[0], given.labels_of(data[1], classes, "targets", "embedding"))
    part, indices, total = _some(data, most, generator)
    evaluator = given.evaluator_of(model)
    network = evaluator.model
    source = f"Outputs of {type(network).__name__}"
    seen: list[Any] = []
    rows: list[Array] = []
    labels: list[Array] = []
    first: list[Array] = []

    def look(batch: Any, output: Any) -> None:
        target = to_array(next(iter(batches.leaves(batch.target))))
        if layer is not None and not seen:
            raise ArgumentError(f"embedding: the model did not call {layer!r}")
        value = output if layer is None else seen[-1]
        rows.append(_of_output(value, len(target), layer))
        labels.append(target)
        if inputs:
            first.append(to_array(next(iter(batches.leaves(batch.inputs)))))
        seen.clear()

    if layer is None:
        given.outputs_of(evaluator, part, "embedding", look, limit=most)
    else:
        module, name = part_of(network, layer, "embedding")
        source = f"{name} ({type(module).__name__})"
        with outputs_seen(module) as seen:
            given.outputs_of(evaluator, part, "embedding", look, limit=most)
    features = np.concatenate(rows)[:most]
    targets = np.concatenate(labels)[:most] if labelled else None
    found = np.concatenate(first)[:most] if inputs else None
    return _Taken(features, targets, classes, indices, total, source, found)


def _of_output(value: Any, count: int, layer: Any) -> Array:
    """The features in the output of a layer: its first tensor, one row for each sample."""
    while isinstance(value, (tuple, list, Mapping)) and value:
        value = next(iter(value.values() if isinstance(value, Mapping) else value))
    what = "the model" if layer is None else repr(layer)
    if not isinstance(value, Tensor):
        raise ArgumentError(f"embedding: the output of {what} is a {type(value).__name__}")
    array = to_array(value)
    if not array.ndim or len(array) != count:
        raise ShapeError(
            f"embedding: the output of {what} has shape {array.shape} for {count} samples; the "
            "first dimension must count them (batch_first=True of recurrent layers and attention)"
        )
    return array.copy()


def _some(
    data: Any, most: int, generator: random.Generator
) -> tuple[Any, NDArray[np.int64] | None, int | None]:
    """Data of at most so many samples, which they are, and how many there were."""
    if isinstance(data, Mapping):
        data = (data["x"], data["y"])
    if isinstance(data, DataLoader) or not hasattr(data, "__len__"):
        whole = data.dataset if isinstance(data, DataLoader) else data
        return data, None, len(whole) if hasattr(whole, "__len__") else None
    if isinstance(data, tuple):
        x, y = (given.numbers_of(part) for part in data)
        indices = _drawn(len(y), most, generator)
        return ((x, y) if indices is None else (x[indices], y[indices])), indices, len(y)
    indices = _drawn(len(data), most, generator)
    part = data if indices is None else Subset(data, indices.tolist())
    return part, indices, len(data)


def _drawn(count: int, most: int, generator: random.Generator) -> NDArray[np.int64] | None:
    """The places of `most` of `count` samples, in order; None for all."""
    if count <= most:
        return None
    return np.sort(to_array(generator.randperm(count))[:most])


def _number_array(values: Any) -> Array:
    array = given.numbers_of(values)
    if array.dtype.kind not in "biuf":
        kind = type(values).__name__ if array.dtype == object else f"dtype {array.dtype}"
        raise DTypeError(f"embedding: features must be numbers; got {kind}")
    return array


def _flat(features: Any) -> Points:
    """Features (n, d) in float64, checked."""
    array = _number_array(features)
    if len(array) < 2 or not array.size:
        raise ShapeError(f"embedding: needs two samples or more with features; got {array.shape}")
    x: Points = array.reshape(len(array), -1).astype(np.float64)
    bad = ~np.isfinite(x).all(axis=1)
    if bad.any():
        raise ArgumentError(
            f"embedding: features must be finite; those of sample {int(bad.argmax())} are not, nor "
            f"those of {int(bad.sum()) - 1} others"
        )
    return x


def _targets(
    values: Any, classes: Sequence[object] | None
) -> tuple[Array | None, tuple[str, ...] | None]:
    """Labels (int64) or numbers (float64), and names."""
    if values is None:
        return None, None
    array = given.numbers_of(values)
    if given.are_names(array) and classes is None:
        classes = given.sorted_names(array)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        array = class_weights(array).argmax(axis=1)
    whole = array.dtype.kind != "f" or bool((array == np.floor(array)).all())
    if not whole and array.ndim == 1:
        if not np.isfinite(array).all():
            raise ArgumentError("embedding: targets must be finite, or labels")
        return array.astype(np.float64), None
    names = None if classes is None else tuple(map(str, classes))
    return given.labels_of(array, classes, "targets", "embedding"), names


def _images(images: Any, taken: _Taken) -> Array | None:
    if images is None or images is False:
        return None
    if images is True:
        return given.images_of(taken.inputs, "embedding")
    found = given.images_of(images, "embedding")
    count = len(taken.features)
    if taken.indices is not None and len(found) == taken.total:
        found = found[taken.indices]
    if len(found) != count:
        raise ShapeError(f"embedding: {len(found)} images for {count} samples; give one for each")
    return found


# --- classes in the picture --------------------------------------------------------------------


def _looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The looks of classes, also where two have one name."""
    return looks_of([f"{i}:{name}" for i, name in enumerate(names)])


def _name_groups(axes: Axes, points: Points, labels: Any, names: Sequence[str]) -> None:
    """Write the name of each class at the median of its points; names do not cover each other."""
    from matplotlib.patheffects import withStroke

    size = 8.5 if len(names) <= 30 else 7.0 if len(names) <= 60 else 5.5
    dpi = axes.figure.dpi
    there = [k for k in range(len(names)) if (labels == k).any()]
    texts = style.shortened_apart([names[k] for k in there], 12)
    medians = np.array([np.median(points[labels == k], axis=0) for k in there])
    centres = axes.transData.transform(medians) / dpi
    boxes = np.array([[style.text_width(text, size, "bold") + 0.05, size / 72 + 0.04]
                      for text in texts])  # fmt: skip
    low, high = axes.get_window_extent().get_points() / dpi
    placed = apart(centres, boxes, low, high)
    back = axes.transData.inverted().transform(placed * dpi)
    for text, place, median, moved in zip(
        texts, back, medians, np.abs(placed - centres).max(axis=1), strict=True
    ):
        if moved > 0.12:
            axes.plot(*zip(median, place, strict=True), color=style.INK, lw=0.6, zorder=4)
        axes.text(
            place[0], place[1], text, size=size, weight="bold", ha="center", va="center", zorder=5,
            path_effects=[withStroke(linewidth=2.2, foreground=style.PAPER)],
        )  # fmt: skip


def apart(centres: Points, boxes: Points, low: Points, high: Points) -> Points:
    """Centres of boxes (n, 2), moved so that none covers another, inside of a frame.

    Pairs that overlap are pushed apart along the shorter way, again and again.

    >>> box, frame = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[0.0, 0.0], [9.0, 9.0]])
    >>> apart(np.array([[5.0, 5.0], [5.0, 5.2]]), box, *frame)[:, 1].round(2)
    array([4.6, 5.6])
    """
    found = centres.astype(np.float64)
    for _ in range(400):
        offset = found[:, None] - found[None]
        room = (boxes[:, None] + boxes[None]) / 2 - np.abs(offset)
        room[np.arange(len(found)), np.arange(len(found))] = -1
        over = (room > 1e-6).all(axis=2)
        if not over.any():
            break
        along = room.argmin(axis=2)
        order = np.sign(np.arange(len(found))[:, None] - np.arange(len(found))[None])
        for axis in (0, 1):
            push = np.where(over & (along == axis), room[..., axis], 0.0)
            sign = np.where(offset[..., axis] == 0, order, np.sign(offset[..., axis]))
            found[:, axis] += 0.5 * (push * sign).sum(axis=1)
        found = np.clip(found, low + boxes / 2, np.maximum(high - boxes / 2, low + boxes / 2))
    return found
