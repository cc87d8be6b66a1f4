"""Images in a grid: samples, mistakes, the filters of a convolution."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ShapeError
from dlframe.metrics.labels import check_labels, whole_numbers
from dlframe.tensor import to_array
from dlframe.viz import style, tiles
from dlframe.viz.tiles import Caption

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Path = str | os.PathLike[str]

LONGEST_NAME = 18  # characters of a class name below a picture


def sample_grid(
    images: object,
    labels: object = None,
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
    """Draw images (N, C, H, W) or (N, H, W) side by side, C = 1 or 3, each with its label below.

    `labels` are class numbers (N,), named by `classes`, or any N texts. `mean` and `std`
    undo a normalisation. Values from 0 to 1 and uint8 are shown as they are. Other values are
    stretched to the range of all images, or with `per_image` to that of each image. Pixels that
    are NaN are magenta.

    >>> figure = sample_grid(np.zeros((6, 8, 8)), labels=[0, 1, 0, 1, 1, 0], classes=["no", "yes"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['no', 'yes', 'no', 'yes', 'yes', 'no']
    """
    with style.house_style():
        array = tiles.as_images(images, "sample_grid")
        shown = array[:limit]
        if not len(shown):
            return style.finish(_notice(title, "No images."), path)
        captions = []
        if labels is not None:
            texts = _texts(labels, classes, len(array), "labels")[:limit]
            captions = [Caption(text) for text in texts]
        subtitle = f"the first {limit} of {len(array)}" if len(array) > limit else None
        figure, axes, layout = _page(shown, captions, columns, title, subtitle)
        tiles.draw(axes, tiles.as_rgb(shown, mean, std, per_image=per_image), layout, captions)
        return style.finish(figure, path)


def mistakes_grid(
    images: object,
    predicted: object,
    target: object,
    confidence: object = None,
    classes: Sequence[object] | None = None,
    *,
    columns: int | None = None,
    limit: int = 25,
    mean: object = None,
    std: object = None,
    per_image: bool = False,
    title: str | None = "Mistakes",
    path: Path | None = None,
) -> Figure:
    """Draw the images whose predicted label (N,) is not the true one, the most confident first.

    `confidence` (N,) is the probability that the model gave to its prediction; without it the
    mistakes come in the order of the data. The other arguments are those of `sample_grid`.

    >>> figure = mistakes_grid(np.zeros((3, 8, 8)), predicted=[1, 2, 0], target=[1, 0, 2])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['predicted 2', 'true 0', 'predicted 0', 'true 2']
    """
    with style.house_style():
        array = tiles.as_images(images, "mistakes_grid")
        guesses = _texts(predicted, classes, len(array), "predicted")
        truths = _texts(target, classes, len(array), "target")
        wrong = np.flatnonzero(to_array(predicted) != to_array(target))
        sure = None if confidence is None else _confidences(confidence, len(array))
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
                f"predicted {guesses[i]}"
                + (f" · {100 * sure[i]:.0f} %" if sure is not None else ""),
                f"true {truths[i]}",
            )
            for i in shown
        ]
        subtitle = _count_of_mistakes(wrong.size, len(array), shown.size, sure is not None)
        figure, axes, layout = _page(array[shown], captions, columns, title, subtitle)
        rgb = tiles.as_rgb(array[shown], mean, std, per_image=per_image)
        tiles.draw(axes, rgb, layout, captions)
        return style.finish(figure, path)


def filters_grid(
    weights: object,
    *,
    limit: int = 120,
    columns: int | None = None,
    title: str | None = "Filters",
    path: Path | None = None,
) -> Figure:
    """Draw the weights of a convolution (out, in, kH, kW) as pictures on one common scale.

    With three input channels a filter is shown in colour, and grey is zero. Otherwise every kernel
    has its own tile, from dark (negative) to light (positive). With more than one input channel, a
    row holds the kernels of one output channel.

    >>> filters_grid(np.ones((8, 1, 3, 3))).axes[0].images[0].get_array().shape
    (3, 3, 3)
    """
    with style.house_style():
        array = to_array(weights).astype(np.float64)
        if array.ndim != 4 or 0 in array.shape:
            raise ShapeError(
                f"filters_grid: weights must be (out, in, kH, kW) and not empty, got {array.shape}"
            )
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


def _texts(labels: object, classes: Sequence[object] | None, count: int, what: str) -> list[str]:
    """One short text per image: the name of its class, or the text that was given."""
    array = to_array(labels)
    if array.shape != (count,):
        hint = "; for class scores pass scores.argmax(1)" if array.ndim == 2 else ""
        raise ShapeError(f"viz: {what} must be ({count},), one per image, got {array.shape}{hint}")
    if classes is not None and array.dtype.kind in "iubf":
        numbers = whole_numbers(array, what)
        check_labels(numbers, len(classes), what)
        texts = [str(classes[i]) for i in numbers]
    else:
        texts = [str(label) for label in array.tolist()]
    return [style.shortened(text, LONGEST_NAME) for text in texts]


def _confidences(confidence: object, count: int) -> NDArray[np.float64]:
    array = to_array(confidence)
    if array.shape != (count,):
        raise ShapeError(f"viz: confidence must be ({count},), one per image, got {array.shape}")
    return np.asarray(np.nan_to_num(array.astype(np.float64), nan=0.0))
