"""Images side by side, and images as files: torchvision's `make_grid` and `save_image`."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from dlframe.errors import ShapeError
from dlframe.tensor import Tensor
from dlframe.tensor.functions import cat, stack

__all__ = ["make_grid", "save_image"]


def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Put images side by side into one: (n, c, h, w) becomes (c, H, W).

    Args:
        tensor: images of one size, (n, c, h, w) with 1 or 3 channels, (c, h, w) or (h, w), or a
            list of such.
        nrow: images in a row.
        padding: pixels around each.
        normalize: whether values are brought to 0 … 1: (x − low) / max(high − low, 1e-5), after
            they are cut at low and high.
        value_range: low and high; by default the least and greatest value, of all images or, with
            `scale_each`, of each.
        pad_value: the value between the images.

    Raises:
        ShapeError: another number of dimensions.
        TypeError: something else than tensors, or a value_range that is no tuple.

    >>> import dlframe as dl
    >>> make_grid(dl.zeros(3, 1, 2, 2), nrow=2, padding=1, pad_value=1.0)[0].int().tolist()[:2]
    [[1, 1, 1, 1, 1, 1, 1], [1, 0, 0, 1, 0, 0, 1]]
    """
    images = _images(tensor)
    if normalize:
        images = _normalized(images, value_range, each=scale_each)
    if len(images) == 1:
        return images[0]
    columns = min(nrow, len(images))
    rows = math.ceil(len(images) / columns)
    channels, height, width = images.shape[1:]
    down, across = height + padding, width + padding
    grid = images.new_full((channels, down * rows + padding, across * columns + padding), pad_value)
    for index, image in enumerate(images):
        top = index // columns * down + padding
        left = index % columns * across + padding
        grid[:, top : top + height, left : left + width] = image
    return grid


def _images(given: Tensor | Sequence[Tensor]) -> Tensor:
    """Images (n, c, h, w) with 3 channels, or more; those with one are repeated."""
    if not isinstance(given, Tensor):
        if not isinstance(given, (list, tuple)) or not all(isinstance(t, Tensor) for t in given):
            raise TypeError(f"tensor or list of tensors expected, got {type(given).__name__}")
        given = stack(list(given))
    images: Tensor = given.detach()
    if images.ndim == 2:
        images = images[None]
    if images.ndim == 3:
        images = images[None]
    if images.ndim != 4:
        raise ShapeError(
            f"make_grid: images are (n, c, h, w), (c, h, w) or (h, w); got {tuple(given.shape)}"
        )
    return cat([images] * 3, 1) if images.shape[1] == 1 else images


def _normalized(images: Tensor, given: tuple[float, float] | None, *, each: bool) -> Tensor:
    if given is not None and not isinstance(given, tuple):
        raise TypeError(f"value_range is a tuple (low, high); got {type(given).__name__}")
    parts = list(images) if each else [images]
    done = []
    for part in parts:
        low, high = given or (float(part.min()), float(part.max()))
        done.append((part.clamp(low, high) - low) / max(high - low, 1e-5))
    return stack(done) if each else done[0]


def save_image(
    tensor: Tensor | Sequence[Tensor],
    fp: str | os.PathLike[str] | IO[bytes],
    format: str | None = None,
    **kwargs: Any,
) -> None:
    """Write images, as one grid, into a file; values from 0 to 1 become bytes: ⌊255 x + ½⌋.

    Args:
        tensor, kwargs: as for `make_grid`.
        fp: the file's path, whose ending says the format, or an open file.
        format: of an open file, such as "png".

    >>> import tempfile
    >>> import dlframe as dl
    >>> path = Path(tempfile.mkdtemp()) / "noise.png"
    >>> save_image(dl.rand(4, 3, 8, 8), path, nrow=2)
    >>> path.stat().st_size > 100
    True
    """
    from PIL import Image  # loaded when a picture is written

    grid = make_grid(tensor, **kwargs)
    pixels = grid.mul(255).add(0.5).clamp(0, 255).permute(1, 2, 0).numpy().astype(np.uint8)
    image = Image.fromarray(pixels)
    if isinstance(fp, (str, os.PathLike)):
        from dlframe.utils.atomic import atomic_write

        kind = format or Image.registered_extensions().get(Path(fp).suffix.lower())
        if kind is None:
            raise ValueError(f"unknown file extension: {Path(fp).suffix}")
        with atomic_write(fp) as file:
            image.save(file, format=kind)
    else:
        image.save(fp, format=format)
