"""Draws the classes that a classifier predicts for all points of the plane."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.autograd.modes import no_grad
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.metrics import scores_of
from dlframe.metrics.labels import check_labels, look_like_probabilities
from dlframe.tensor import Tensor, to_array
from dlframe.training.evaluator import Evaluator
from dlframe.viz import given, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[Any]

AT_ONCE = 8192  # points in one call of predict: enough for speed, little for memory
MOST_POINTS = 4000  # drawn
PLOT = 4.6  # inches across
PALE = 0.55  # the share of white in the colours of areas, so that points stand out


def decision_boundary(
    predict: Callable[[Any], Any] | Evaluator,
    x: Any,
    y: Any = None,
    classes: Sequence[object] | None = None,
    *,
    probabilities: bool | None = None,
    resolution: int = 240,
    labels: tuple[str, str] = ("x₁", "x₂"),
    title: str | None = "Decision boundary",
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw points `x` (N, 2) of classes `y` (N,), and the areas where each class is predicted.

    Args:
        predict: a model or `Trainer`, which is called in evaluation mode; or a function that gets
            points (P, 2), as Tensor or array like `x`. It returns logits (P, C), one logit per
            point (P,) or (P, 1), or integer labels (P,).
        x: the points; or a data set, a loader or a pair (x, y) that has the classes, too.
        y: the classes, as numbers, names or one-hot rows.
        classes: the names of the classes, by default those of the data set.
        probabilities: whether the floats are probabilities (True) or logits (False). None asks the
            last layer or the loss, if there is a model: a Sigmoid or Softmax gives probabilities.
            Otherwise it takes them for probabilities if all lie in [0, 1] (and, of several classes,
            sum to one), with a warning where one logit per point could be meant.
        resolution: places along the longer side at which the classes are predicted.
        labels: of the two axes.

    Where the colour of an area is pale or mixed, the
    model is less sure. Lines separate the areas, and crosses mark the points that the model gets
    wrong.

    >>> x = np.array([[-1.0, 0.0], [1.0, 0.0], [2.0, 1.0]])
    >>> figure = decision_boundary(lambda points: points[:, 0], x, [0, 1, 1], ["left", "right"])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['left', 'right', 'boundary']
    """
    x, y, classes = _taken(x, y, classes)
    points, truth = _points(x), given.labels_of(y, classes, "y", "decision_boundary")
    if truth.shape != points.shape[:1]:
        raise ShapeError(f"decision_boundary: x{points.shape} and y{truth.shape} do not fit")
    if resolution < 2:
        raise ValueError(f"decision_boundary: resolution must be 2 or more, got {resolution}")
    wrap = Tensor if isinstance(x, Tensor) else np.asarray
    kind: str | None = None
    if probabilities is None and given.is_model(predict):
        loss = predict.loss if isinstance(predict, Evaluator) else None
        kind = scores_of(loss, predict.model if isinstance(predict, Evaluator) else predict)
    call = _predicting(predict)
    across, up = _frame(points)
    columns, rows = _mesh_size(across, up, resolution)
    mesh_x, mesh_y = np.meshgrid(np.linspace(*across, columns), np.linspace(*up, rows))
    mesh = np.stack([mesh_x.ravel(), mesh_y.ravel()], axis=1).astype(points.dtype)

    count = max(2, int(truth.max(initial=0)) + 1, len(classes or ()))
    scores = _scores(call, np.concatenate([mesh, points]), wrap)
    if kind is not None:
        scores = np.exp(scores) if kind == "log_probabilities" else scores
        probabilities = kind != "logits"
    beliefs = _beliefs(scores, count, probabilities)
    area, own = beliefs[: len(mesh)], beliefs[len(mesh) :]
    check_labels(truth, area.shape[1], "y")
    wrong = own.argmax(axis=1) != truth
    with style.house_style():
        names = given.names(classes, area.shape[1], 18)
        ratio = (up[1] - up[0]) / (across[1] - across[0])
        same_scale = 0.3 < ratio < 2  # otherwise the two axes measure different things
        # the axes' labels and the legend need room besides the plot
        height = (PLOT * ratio if same_scale else 0.8 * PLOT) + 0.85
        legend = 0.6 + max(style.text_width(n, style.SUBTITLE_SIZE) for n in [*names, "boundary"])
        figure = style.new_figure(PLOT + 0.95 + legend, height, title, _summary(wrong))
        style.lay_out(figure, height)
        axes = figure.add_subplot()
        _draw_areas(axes, area.reshape(rows, columns, -1), across, up)
        _draw_points(axes, points, truth, wrong, names)
        _label(axes, labels, same_scale=same_scale)
        return style.finish(figure, path)


# --- points and beliefs ------------------------------------------------------------------------


def _taken(
    x: Any, y: Any, classes: Sequence[object] | None
) -> tuple[Any, Any, Sequence[object] | None]:
    """Points, classes and their names, each by itself."""
    if given.is_data(x):
        classes = given.classes_of(x) if classes is None else classes
        x, y = given.some_of(x, None, "decision_boundary")
    if y is None:
        raise ArgumentError(
            "decision_boundary: the classes y of the points are missing; pass them after x"
        )
    if classes is None and given.are_names(y):
        classes = given.sorted_names(y)
    return x, y, classes


def _predicting(predict: Any) -> Callable[[Any], Any]:
    """A function of points; a model is in evaluation mode, and gets its own dtype."""
    if not given.is_model(predict):
        if not callable(predict):
            raise TypeError(
                "decision_boundary: predict must be a model or a function of points; got "
                f"{type(predict).__name__}"
            )
        found: Callable[[Any], Any] = predict
        return found
    evaluator = given.evaluator_of(predict)
    return lambda points: evaluator.predict(points, batch_size=AT_ONCE)


def _points(x: Any) -> Array:
    points = given.numbers_of(x)
    if points.dtype.kind not in "biuf":
        raise DTypeError(f"decision_boundary: x must be numbers (N, 2); got {points.dtype}")
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        more = ""
        if points.ndim == 2 and points.shape[1] > 2 and len(points):
            more = (
                ". Of more features draw two, with a function of (N, 2) that fills in the others "
                "for the model; or see the samples with viz.embedding"
            )
        raise ShapeError(f"decision_boundary: x must be (N, 2), N ≥ 1, got {points.shape}{more}")
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        raise ArgumentError(
            f"decision_boundary: x must be finite; x[{int((~finite).argmax())}] is "
            f"{points[~finite][0].tolist()}, and {int((~finite).sum()) - 1} other points are not "
            "finite either"
        )
    return points if points.dtype.kind == "f" else points.astype(np.float32)


def _frame(points: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Left and right, bottom and top: the range of the points, enlarged by a tenth."""
    low, high = points.min(axis=0), points.max(axis=0)
    pad = 0.1 * (high - low)
    pad = np.where(pad > 0, pad, 0.5)
    (left, bottom), (right, top) = (low - pad).tolist(), (high + pad).tolist()
    return (left, right), (bottom, top)


def _mesh_size(
    across: tuple[float, float], up: tuple[float, float], resolution: int
) -> tuple[int, int]:
    """Columns and rows, `resolution` along the longer side."""
    ratio = (up[1] - up[0]) / (across[1] - across[0])
    if not 0.3 < ratio < 3:
        return resolution, resolution
    if ratio > 1:
        return max(2, round(resolution / ratio)), resolution
    return resolution, max(2, round(resolution * ratio))


def _scores(predict: Callable[[Any], Any], points: Array, wrap: Callable[[Array], Any]) -> Array:
    """What `predict` says of the points: (P, C), or (P,) for one score or label per point."""
    with no_grad():  # a model would record a graph, which is not needed
        starts = range(0, len(points), AT_ONCE)
        answers = [to_array(predict(wrap(points[i : i + AT_ONCE]))) for i in starts]
    scores = np.concatenate(answers)
    if scores.ndim == 2 and scores.shape[1] == 1:
        scores = scores[:, 0]
    if len(scores) != len(points) or scores.ndim not in (1, 2):
        raise ShapeError(
            f"decision_boundary: predict gave {scores.shape} for {len(points)} points; expected "
            "logits (P, C), one logit per point (P,), or integer labels (P,)"
        )
    return scores


def _beliefs(scores: Array, count: int, probabilities: bool | None) -> NDArray[np.float64]:
    """Probabilities (P, C) of all classes at the points, from any kind of scores."""
    if scores.ndim == 1 and scores.dtype.kind in "iub":
        found = scores.astype(np.int64)
        check_labels(found, None, "predictions")
        return np.eye(max(count, int(found.max()) + 1))[found]
    scores = scores.astype(np.float64)
    if probabilities is None:
        probabilities = _are_probabilities(scores)
    if scores.ndim == 1:
        positive = scores if probabilities else 0.5 * (1 + np.tanh(scores / 2))
        return np.stack([1 - positive, positive], axis=1)
    if probabilities:
        return scores
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def _are_probabilities(scores: NDArray[np.float64]) -> bool:
    if not look_like_probabilities(scores):
        return False
    if scores.ndim == 2:
        return bool(np.abs(scores.sum(axis=1) - 1).max() < 1e-3)
    warnings.warn(
        "decision_boundary: all scores lie in [0, 1] and are taken for probabilities; pass "
        "probabilities=True, or probabilities=False if they are logits",
        stacklevel=4,
    )
    return True


def _summary(wrong: NDArray[np.bool_]) -> str:
    right = style.percent(1 - float(wrong.mean()))
    drawn = f"; {MOST_POINTS:,} of them drawn" if len(wrong) > MOST_POINTS else ""
    return (
        f"{right} of {len(wrong)} points on the right side, {int(wrong.sum())} wrong (crossed)"
        f"{drawn}"
    )


# --- drawing -----------------------------------------------------------------------------------


def colour_and_marker(index: int) -> tuple[str, str]:
    """The colour and marker of a class; after ten classes the colours repeat with other markers."""
    colours, markers = style.CLASS_COLOURS, style.MARKERS
    return colours[index % len(colours)], markers[(index + index // len(colours)) % len(markers)]


def _draw_areas(
    axes: Axes, area: NDArray[np.float64], across: tuple[float, float], up: tuple[float, float]
) -> None:
    """The classes' colours mixed by probability, and the lines between them."""
    from matplotlib.colors import to_rgb

    count = area.shape[2]
    colours = np.array([to_rgb(colour_and_marker(k)[0]) for k in range(count)])
    mixed = PALE + (1 - PALE) * (area @ colours).clip(0, 1)
    mixed[~np.isfinite(area).all(axis=2)] = to_rgb(style.MISSING)
    axes.imshow(mixed, extent=(*across, *up), origin="lower", interpolation="bilinear")
    rows, columns, _ = area.shape
    grid = np.linspace(*across, columns), np.linspace(*up, rows)
    for k in range(1 if count == 2 else 0, count):
        lead = area[..., k] - np.delete(area, k, axis=2).max(axis=2)
        lead = np.nan_to_num(lead)
        if lead.min() < 0 < lead.max():  # a class that wins nowhere or everywhere has no line
            axes.contour(*grid, lead, levels=[0.0], colors=style.INK, linewidths=1.3)


def _draw_points(
    axes: Axes,
    points: Array,
    truth: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    names: Sequence[str],
) -> None:
    if len(points) > MOST_POINTS:  # more would hide the areas and one another
        shown = np.linspace(0, len(points) - 1, MOST_POINTS).round().astype(np.int64)
        points, truth, wrong = points[shown], truth[shown], wrong[shown]
    size = 30 if len(points) <= 300 else 16 if len(points) <= 1500 else 6
    for k, name in enumerate(names):
        colour, marker = colour_and_marker(k)
        some = points[truth == k]
        if len(some):
            axes.scatter(
                some[:, 0],
                some[:, 1],
                s=size,
                c=colour,
                marker=marker,
                edgecolors=style.INK,
                linewidths=0.5,
                label=name,
                zorder=3,
            )
    axes.plot([], [], color=style.INK, lw=1.3, label="boundary")
    if wrong.any():
        x, y = points[wrong].T
        axes.scatter(x, y, s=2.2 * size, c=style.INK, marker="x", lw=1.1, label="wrong", zorder=4)


def _label(axes: Axes, labels: tuple[str, str], *, same_scale: bool) -> None:
    from matplotlib.collections import PathCollection

    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.set_aspect("equal" if same_scale else "auto")
    axes.spines[:].set_visible(True)
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0.6)
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):  # larger than the points, which may be tiny
            handle.set_sizes([34])
