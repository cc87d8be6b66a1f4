"""Small pictures side by side, with a caption below each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ShapeError
from dlframe.tensor import to_array
from dlframe.viz import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[Any]

GAP = 0.1  # inches between tiles
CAPTION_LINE = 0.155  # inches
MOST_COLUMNS = 12
# (number of tiles at most, inches of each)
TILE_INCHES = ((1, 2.4), (4, 1.6), (30, 1.05), (100, 0.8), (math.inf, 0.55))


class Caption(NamedTuple):
    """One or two short lines: the first in ink, the second muted."""

    first: str
    second: str = ""


class Layout(NamedTuple):
    """The places of tiles, in inches: `cell` is a tile with its caption and the gap after it."""

    columns: int
    rows: int
    tile: tuple[float, float]
    cell: tuple[float, float]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all, with margins."""
        return (
            self.columns * self.cell[0] - GAP + 2 * style.MARGIN,
            self.rows * self.cell[1] - GAP + 2 * style.MARGIN,
        )


def as_rgb(
    images: Array, mean: object = None, std: object = None, *, per_image: bool = False
) -> Array:
    """Images (N, C, H, W) as RGB (N, H, W, 3) from 0 to 1.

    `mean` and `std` undo a normalisation: x · std + mean, one number or one per channel. Then
    uint8 is divided by 255, values from 0 to 1 stay, and others are stretched from the lowest to
    the highest of all images, or of each image by itself with `per_image`.
    """
    pixels = images / 255.0 if images.dtype == np.uint8 else images.astype(np.float64)
    if mean is not None or std is not None:
        pixels = pixels * _per_channel(std, 1.0, images) + _per_channel(mean, 0.0, images)
    finite = np.isfinite(pixels)
    known = np.where(finite, pixels, 0.0)
    # a value just outside 0 … 1 comes from rounding when a normalisation is undone
    natural = known.min(initial=0) >= -0.02 and known.max(initial=1) <= 1.02
    if per_image or not natural:
        axes = (1, 2, 3) if per_image else None
        low = pixels.min(axis=axes, keepdims=True, initial=np.inf, where=finite)
        high = pixels.max(axis=axes, keepdims=True, initial=-np.inf, where=finite)
        span = high - low
        usable = np.isfinite(span) & (span > 0)  # an image of one colour cannot be stretched
        known = np.where(
            usable, (known - np.where(usable, low, 0)) / np.where(usable, span, 1), 0.5
        )
    rgb = np.broadcast_to(known, (len(known), 3, *known.shape[2:])).clip(0, 1)
    rgb = np.moveaxis(rgb, 1, -1).copy()
    rgb[~finite.all(axis=1)] = [int(style.MISSING[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return rgb


def _per_channel(values: object, default: float, images: Array) -> Array:
    array = np.asarray(default if values is None else to_array(values), np.float64)
    if array.ndim > 1 or array.size not in (1, images.shape[1]):
        raise ShapeError(
            f"viz: mean and std are one number or one per channel ({images.shape[1]}), "
            f"got shape {array.shape}"
        )
    shaped: Array = array.reshape(1, -1, 1, 1)
    return shaped


def arrange(
    shape: tuple[int, int],
    count: int,
    captions: Sequence[Caption],
    columns: int | None,
    at_least: float = 0.0,
) -> Layout:
    """Tiles for `count` images of `shape` (H, W): larger for fewer, wide enough for captions."""
    height, width = shape
    inches = next(size for most, size in TILE_INCHES if count <= most)
    tall, wide = inches * min(1.0, height / width), inches * min(1.0, width / height)
    # a whole number of screen pixels for each image pixel, so that all are equally wide
    per_pixel = wide * style.DPI / width
    if per_pixel >= 2:
        wide = width * math.floor(per_pixel) / style.DPI
        tall = height * math.floor(per_pixel) / style.DPI
    wide, tall = max(wide, 0.12), max(tall, 0.12)
    text = max((caption_width(c) for c in captions), default=0.0)
    lines = max((1 + bool(c.second) if c.first else 0 for c in captions), default=0)
    cell_width = _whole(max(wide + GAP, text + 2 * GAP))
    cell_height = _whole(tall + lines * CAPTION_LINE + (0.05 if lines else 0) + GAP)
    if columns is None:
        columns = balanced_columns(count, cell_width / cell_height)
    # a heading needs room even above a single small picture
    floor = (at_least - 2 * style.MARGIN + GAP) / columns
    cell = (max(cell_width, _whole(floor)), cell_height)
    return Layout(columns, max(1, math.ceil(count / columns)), (wide, tall), cell)


def caption_width(caption: Caption) -> float:
    """The width of a caption in inches."""
    return max(
        style.text_width(caption.first, style.SMALL_SIZE, "bold"),
        style.text_width(caption.second, style.SMALL_SIZE),
    )


def _whole(inches: float) -> float:
    """Rounded up to whole pixels."""
    return math.ceil(inches * style.DPI - 1e-6) / style.DPI


def balanced_columns(count: int, aspect: float = 1.0) -> int:
    """The number of columns for a page 1.5 times as wide as high, with few empty places."""

    def cost(columns: int) -> float:
        rows = math.ceil(count / columns)
        empty = columns * rows - count
        straggling = 0.3 if empty > columns / 2 else 0.0  # a last row with few pictures looks odd
        return 2 * empty / count + straggling + abs(math.log(columns * aspect / rows / 1.6))

    return min(range(1, max(1, min(count, MOST_COLUMNS)) + 1), key=cost)


def draw(axes: Axes, tiles: Array, layout: Layout, captions: Sequence[Caption]) -> None:
    """Draw RGB tiles (N, H, W, 3) on axes whose unit is the inch."""
    from matplotlib.image import AxesImage

    wide, tall = layout.tile
    for index, tile in enumerate(tiles):
        row, column = divmod(index, layout.columns)
        left = _whole(style.MARGIN + column * layout.cell[0] + (layout.cell[0] - GAP - wide) / 2)
        top = _whole(style.MARGIN + row * layout.cell[1])
        image = AxesImage(axes, extent=(left, left + wide, top + tall, top))
        image.set_data(tile)
        axes.add_image(image)
        if captions and captions[index].first:
            _draw_caption(axes, captions[index], left + wide / 2, top + tall + 0.05)


def _draw_caption(axes: Axes, caption: Caption, x: float, y: float) -> None:
    weight = "bold" if caption.second else "normal"
    axes.text(x, y, caption.first, size=style.SMALL_SIZE, weight=weight, ha="center", va="top")
    if caption.second:
        axes.text(
            x,
            y + CAPTION_LINE,
            caption.second,
            size=style.SMALL_SIZE,
            color=style.MUTED,
            ha="center",
            va="top",
        )
