"""Images in a grid: samples, mistakes, the filters of a convolution."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.metrics.labels import check_labels, label_pair, whole_numbers
from dlframe.metrics.probabilities import beliefs
from dlframe.nn.parameter import is_lazy
from dlframe.tensor import Tensor
from dlframe.viz import given, style, tiles
from dlframe.viz.given import Answers
from dlframe.viz.tiles import Caption

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Path = str | os.PathLike[str]

LONGEST_NAME = 18  # characters of a class name below a picture


def sample_grid(
    images: Any,
    labels: Any = None,
    classes: Sequence[object] | None = None,
    *,
    columns: int | None = None,
    limit: int = 100,
    mean: object = None,
    std: object = None,
    per_image: bool = False,
    title: str | None = None,
    path: Path | None = None,
) -> Figure:
    """Draw images side by side, each with its label below.

    Args:
        images: (N, C, H, W) or (N, H, W, C) with 1 or 3 channels, (N, H, W) in grey, one image
            (H, W) or (H, W, 3); images of PIL or paths of files, or a list of them; or a data set
            or loader, of which only what is drawn is read.
        labels: class numbers (N,), (N, 1) or one-hot, or any N texts; by default those of the
            data set.
        classes: the names of the class numbers; by default those of the data set.
        limit: draw the first so many.
        mean, std: undo a normalisation: x · std + mean, one number or one per channel.
        per_image: see below.

    Values from 0 to 1 and uint8 are shown as they are. Other values are stretched to the range of
    all images, or with `per_image` to that of each image. Pixels that are NaN are magenta.

    >>> figure = sample_grid(np.zeros((6, 8, 8)), labels=[0, 1, 0, 1, 1, 0], classes=["no", "yes"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['no', 'yes', 'no', 'yes', 'yes', 'no']
    """
    check_limit("sample_grid", limit)
    if given.is_data(images):
        array, found, known, total = given.samples_of(images, limit, "sample_grid")
        labels = found if labels is None else labels
        classes = known if classes is None else classes
    else:
        array = given.images_of(images, "sample_grid")
        total = len(array)
        _refuse_rows(images, labels)
    texts = []
    if labels is not None:
        # of a data set only the first images are here
        count = len(array) if given.is_data(images) and labels is found else total or len(array)
        texts = _texts(labels, classes, count, "labels", "sample_grid")
    with style.house_style():
        shown = array[:limit]
        if not len(shown):
            return style.finish(_notice(title, "No images."), path)
        captions = [Caption(text) for text in texts[:limit]]
        some = len(shown) if total is None else total
        subtitle = f"the first {len(shown)} of {some}" if some > len(shown) else None
        figure, axes, layout = _page(shown, captions, columns, title, subtitle)
        tiles.draw(axes, tiles.as_rgb(shown, mean, std, per_image=per_image), layout, captions)
        return style.finish(figure, path)


def _refuse_rows(images: Any, labels: Any) -> None:
    """Say what to do with rows of pixels, which would be taken for one image."""
    shape: tuple[int, ...] = tuple(getattr(images, "shape", ()))
    if labels is not None and len(shape) == 2 and len(given.numbers_of(labels)) == shape[0] > 1:
        side = math.isqrt(shape[1])
        size = f"{side}, {side}" if side * side == shape[1] else "H, W"
        raise ShapeError(
            f"sample_grid: images {shape} are rows of pixels; reshape them to (N, H, W), "
            f"images.reshape(-1, {size})"
        )


def mistakes_grid(
    images: Any,
    predicted: Any,
    target: Any = None,
    confidence: Any = None,
    classes: Sequence[object] | None = None,
    *,
    scores: str | None = None,
    columns: int | None = None,
    limit: int = 25,
    mean: object = None,
    std: object = None,
    per_image: bool = False,
    title: str | None = "Mistakes",
    path: Path | None = None,
) -> Figure:
    """Draw the images whose predicted label is not the true one, the most confident first.

    Args:
        images: as for `sample_grid`; also a data set or a loader, which has the targets as well.
        predicted: labels (N,); scores (N, C) or (N,), whose probabilities are then the confidence;
            or a model or `Trainer`: `mistakes_grid(data, model)`.
        target: the true labels, as numbers, names or one-hot rows.
        confidence: (N,), the probability that the model gave to its prediction; without it, and
            without scores of which it is known what they are, the mistakes come in the order of
            the data.
        scores: "logits" or "probabilities", where their values do not tell.

    The other arguments are those of `sample_grid`.

    >>> figure = mistakes_grid(np.zeros((3, 8, 8)), predicted=[1, 2, 0], target=[1, 0, 2])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['predicted 2', 'true 0', 'predicted 0', 'true 2']
    """
    where = "mistakes_grid"
    check_limit(where, limit)
    array, answers = _answered(images, predicted, target, classes, scores)
    guesses, sure = _guesses(answers, scores)
    count = len(array)
    truths = _texts(answers.target, answers.classes, count, "target", where)
    named = _texts(guesses, answers.classes, count, "predicted", where)
    if confidence is not None:
        sure = _confidences(confidence, count)
    with style.house_style():
        wrong = np.flatnonzero(guesses != answers.target)
        if sure is not None:
            wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
        if not len(array):
            return style.finish(_notice(title, "No images."), path)
        if not wrong.size:
            good_news = _notice(
                title, f"All {len(array)} images recognised.", "No mistakes to show."
            )
            return style.finish(good_news, path)
        shown = wrong[:limit]
        captions = [
            Caption(
                f"predicted {named[i]}" + (f" · {100 * sure[i]:.0f} %" if sure is not None else ""),
                f"true {truths[i]}",
            )
            for i in shown
        ]
        subtitle = _count_of_mistakes(wrong.size, len(array), shown.size, sure is not None)
        figure, axes, layout = _page(array[shown], captions, columns, title, subtitle)
        rgb = tiles.as_rgb(array[shown], mean, std, per_image=per_image)
        tiles.draw(axes, rgb, layout, captions)
        return style.finish(figure, path)


def _answered(
    images: Any,
    predicted: Any,
    target: Any,
    classes: Sequence[object] | None,
    scores: str | None,
) -> tuple[NDArray[Any], Answers]:
    """The images, and what was said of them and what is true."""
    where = "mistakes_grid"
    if not given.is_data(images):
        array = given.images_of(images, where)
        if given.is_model(predicted):
            if target is None:
                raise ArgumentError(f"{where}: with a model and images go the true labels, target=")
            labels = given.labels_of(target, classes, "target", where)
            # the model gets the images as they were given, where it can take them
            x = images if isinstance(images, (Tensor, np.ndarray)) else array
            return array, given.answers(where, predicted, (x, labels), classes, scores)
        return array, given.answers(where, predicted, target, classes, scores)
    if given.is_model(predicted):
        if target is not None:
            images = (given.samples_of(images, None, where).images, target)
        answers = given.answers(where, predicted, images, classes, scores, inputs=True)
        return given.images_of(answers.inputs, where), answers
    found = given.samples_of(images, None, where)
    classes = found.classes if classes is None else classes
    target = found.labels if target is None else target
    return found.images, given.answers(where, predicted, target, classes, scores)


def _guesses(answers: Answers, scores: str | None) -> tuple[NDArray[np.int64], Any]:
    """The predicted labels, and their probabilities where scores tell them."""
    output = answers.output
    pair = label_pair(output, answers.target, scores=answers.scores)
    if output.dtype.kind != "f" or answers.scores is None:
        return pair.predicted, None
    p = beliefs(output, answers.target, scores=answers.scores).p
    return pair.predicted, p[np.arange(len(p)), pair.predicted]


def filters_grid(
    weights: Any,
    *,
    shape: Sequence[int] | None = None,
    limit: int = 120,
    columns: int | None = None,
    title: str | None = "Filters",
    path: Path | None = None,
) -> Figure:
    """Draw the weights of a convolution (out, in, kH, kW) as pictures on one common scale.

    Args:
        weights: the weights, or the layer that has them, or a model, of which the first
            convolution is taken, or else the first `Linear`. Those of a `Conv1d` (out, in, k) are
            drawn as one picture per filter. Those of a `Linear` (out, in) are pictures, too, if its
            inputs are pixels.
        shape: of the inputs of a `Linear`, (H, W) or (C, H, W); by default a square with 1 channel
            or 3.

    With three input channels a filter is shown in colour, and grey is zero. Otherwise every kernel
    has its own tile, from dark (negative) to light (positive). With more than one input channel, a
    row holds the kernels of one output channel.

    >>> filters_grid(nn.Conv2d(1, 8, 3)).axes[0].images[0].get_array().shape
    (3, 3, 3)
    """
    check_limit("filters_grid", limit)
    array = _kernels(weights, shape)
    with style.house_style():
        peak = float(np.abs(array[np.isfinite(array)]).max(initial=0.0))
        scaled = 0.5 + array / (2 * peak or 1.0)  # 0 … 1, with zero in the middle
        outputs, inputs = array.shape[:2]
        if inputs in (1, 3):
            shown = scaled[:limit]
        else:
            columns = min(inputs, tiles.MOST_COLUMNS)
            rows = max(1, limit // columns)
            shown = scaled[:rows, :columns].reshape(-1, 1, *array.shape[2:])
        subtitle = _channels_shown(outputs, inputs, len(shown), columns)
        figure, axes, layout = _page(
            shown, [], columns, title, subtitle, 0 if inputs == 3 else 0.42
        )
        rgb = tiles.as_rgb(shown) if inputs == 3 else _cividis(shown[:, 0])
        tiles.draw(axes, rgb, layout, [])
        if inputs != 3:
            _scale_below(axes, layout, peak)
        return style.finish(figure, path)


# --- kernels -----------------------------------------------------------------------------------

_CONVOLUTIONS = (nn.Conv2d, nn.Conv1d, nn.ConvTranspose2d, nn.ConvTranspose1d)


def _kernels(weights: Any, shape: Sequence[int] | None) -> NDArray[np.float64]:
    """Weights as (out, in, kH, kW)."""
    layer = _layer_of(weights) if isinstance(weights, nn.Module) else None
    raw = given.numbers_of(weights if layer is None else layer.weight)
    if raw.dtype.kind not in "biuf":
        raise DTypeError(
            f"filters_grid: expected weights, a layer or a model; got {type(weights).__name__}"
        )
    array = raw.astype(np.float64)
    if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d)):
        array = array.swapaxes(0, 1)  # its weights are (in, out / groups, …)
    if array.ndim == 2 and array.size:
        array = array.reshape(len(array), *_pixels(array.shape[1], shape))
    if array.ndim == 3:
        array = array[:, None]
    if array.ndim != 4 or 0 in array.shape:
        raise ShapeError(
            "filters_grid: weights must be (out, in, kH, kW), (out, in, k) or (out, in) and not "
            f"empty, got {array.shape}"
        )
    return array


def _layer_of(model: nn.Module) -> Any:
    """The first convolution with weights, or else the first Linear."""
    for kinds in (_CONVOLUTIONS, (nn.Linear,)):
        for part in model.modules():
            if isinstance(part, kinds):
                if is_lazy(part.weight):
                    raise ArgumentError(
                        f"filters_grid: this {type(part).__name__} has no weights before its first "
                        "call"
                    )
                return part
    parts = {type(part).__name__ for part in model.modules() if not list(part.children())}
    raise ArgumentError(
        "filters_grid: there is no Conv1d, Conv2d or Linear whose weights could be drawn, but "
        f"{', '.join(sorted(parts))}"
    )


def _pixels(features: int, shape: Sequence[int] | None) -> tuple[int, int, int]:
    """Channels, height and width of the inputs of a Linear."""
    if shape is not None:
        whole = (1, *shape) if len(shape) == 2 else tuple(shape)
        if len(whole) != 3 or math.prod(whole) != features:
            raise ShapeError(
                f"filters_grid: shape must be (H, W) or (C, H, W) of {features} inputs; got "
                f"{tuple(shape)}"
            )
        return whole
    for channels in (1, 3):
        side = math.isqrt(features // channels)
        if side > 1 and channels * side * side == features:
            return channels, side, side
    raise ShapeError(
        f"filters_grid: {features} inputs are no square picture with 1 or 3 channels; pass "
        "shape=(H, W) or (C, H, W)"
    )


# --- parts of the page -------------------------------------------------------------------------


def _page(
    images: NDArray[Any],
    captions: Sequence[Caption],
    columns: int | None,
    title: str | None,
    subtitle: str | None,
    below: float = 0.0,
) -> tuple[Figure, Axes, tiles.Layout]:
    at_least = 2.8 if title or subtitle or below else 0.0
    layout = tiles.arrange(images.shape[2:], len(images), captions, columns, at_least)
    width, height = layout.size
    figure = style.new_figure(width, height + below, title, subtitle)
    return figure, style.canvas_in_inches(figure, height + below), layout


def _notice(title: str | None, text: str, more: str = "") -> Figure:
    """A page without pictures that says why there are none."""
    figure = style.new_figure(4.2, 1.5, title)
    axes = style.canvas_in_inches(figure, 1.5)
    axes.text(2.1, 0.6, text, size=13, weight="bold", color=style.BLUE, ha="center", va="center")
    axes.text(2.1, 0.95, more, color=style.MUTED, ha="center", va="center")
    return figure


def _count_of_mistakes(wrong: int, count: int, shown: int, sorted_: bool) -> str:
    text = f"{wrong} of {count} images ({style.percent(wrong / count)})"
    if shown < wrong:
        text += f"; the {shown} most confident" if sorted_ else f"; the first {shown}"
    elif sorted_ and wrong > 1:
        text += ", the most confident first"
    return text


def _channels_shown(outputs: int, inputs: int, shown: int, columns: int | None) -> str:
    if inputs in (1, 3):
        text = f"{outputs} filters" + (" in colour" if inputs == 3 else "")
        return text if shown == outputs else f"the first {shown} of {text}"
    rows, across = shown // (columns or 1), columns or inputs
    text = f"rows: {outputs} output channels, columns: {inputs} input channels"
    return text if rows == outputs and across == inputs else f"{text}; the first {rows} × {across}"


def _cividis(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values from 0 to 1 in a colour map from dark to light: RGB, (…, 3)."""
    import matplotlib as mpl

    rgba: NDArray[np.float64] = mpl.colormaps["cividis"](values)
    rgba[~np.isfinite(values)] = mpl.colors.to_rgba(style.MISSING)
    return rgba[..., :3]


def _scale_below(axes: Axes, layout: tiles.Layout, peak: float) -> None:
    """Draw a strip of all shades with the weights that they mean."""
    from matplotlib.image import AxesImage

    left, top = style.MARGIN, layout.size[1]
    right = left + min(2.4, layout.size[0] - 2 * style.MARGIN)
    image = AxesImage(axes, extent=(left, right, top + 0.12, top))
    image.set_data(_cividis(np.linspace(0, 1, 256)[None]))
    axes.add_image(image)
    marks = [(left, f"−{peak:.2g}", "left"), ((left + right) / 2, "0", "center")]
    for x, text, align in [*marks, (right, f"+{peak:.2g}", "right")]:
        axes.text(x, top + 0.17, text, size=style.SMALL_SIZE, color=style.MUTED, ha=align, va="top")


# --- labels and confidences --------------------------------------------------------------------


def _texts(
    labels: Any, classes: Sequence[object] | None, count: int, what: str, where: str
) -> list[str]:
    """One short text per image: the name of its class, or the text that was given."""
    array = given.numbers_of(labels)
    if array.ndim == 2 and array.shape == (count, 1):
        array = array[:, 0]
    if array.ndim == 2 and len(array) == count and array.dtype.kind in "biuf":
        array = given.labels_of(array, classes, what, where)
    if array.shape != (count,):
        raise ShapeError(f"{where}: {what} must be ({count},), one per image, got {array.shape}")
    if classes is not None and array.dtype.kind in "iubf":
        numbers = whole_numbers(array, what)
        check_labels(numbers, len(classes), what)
        texts = [str(classes[i]) for i in numbers]
    else:
        texts = [str(label) for label in array.tolist()]
    return style.shortened_apart(texts, LONGEST_NAME)


def _confidences(confidence: Any, count: int) -> NDArray[np.float64]:
    array = given.numbers_of(confidence)
    if array.shape == (count, 1):
        array = array[:, 0]
    if array.shape != (count,):
        raise ShapeError(f"viz: confidence must be ({count},), one per image, got {array.shape}")
    return np.asarray(np.nan_to_num(array.astype(np.float64), nan=0.0))


def check_limit(where: str, limit: Any) -> None:
    """Raise ArgumentError unless it is a whole number of 1 or more."""
    if isinstance(limit, bool) or not isinstance(limit, (int, np.integer)) or limit < 1:
        raise ArgumentError(f"{where}: limit must be a whole number of 1 or more; got {limit!r}")
