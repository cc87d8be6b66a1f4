"""Reads an image file of any origin into the input of a network, in little memory."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from dlframe.base.printable import error_text
from dlframe.cli.problems import Kind
from dlframe.errors import FileFormatError

# Pillow knows many more; it would open PostScript with another program, for instance.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")

MOST_BYTES = 1 << 28  # of the pixels as Pillow decodes them; a photograph has 4 bytes a pixel
BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}  # 4 of all others
FINE = 8  # a side is first averaged down to this many times the network's
BLOCK = 1024  # pixels; larger images are converted block by block
INK = 0.2  # of the strongest ink: what is fainter is paper
FAINT = 0.1  # no ink at all
LIGHT = 0.5  # a border brighter than that is a white background

# The tag "orientation" of photographs: how to turn the image upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ORIENTATION = 0x0112

# Pillow logs some faults beside raising them; without a handler they would be printed.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def read_image(
    path: Path, kind: Kind, invert: str, center: str = "no"
) -> tuple[np.ndarray[Any, Any], str]:
    """The network's input, float32 (C, H, W) from 0 to 1, and how the image was changed for it.

    Of an animation or a file of several pages it is the first one. Raises FileFormatError for what
    is no image of a known format, is damaged, or too large; OSError for a file that cannot be read.
    """
    channels, size = kind.shape[:2]
    image, (width, height) = _decoded(path, FINE * size)
    done = [f"{width}×{height}"]
    if image.getchannel("A").getextrema() != (255, 255):
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
        done.append("put on white")
    image = image.convert("L" if channels == 1 else "RGB")
    if invert == "yes" or (invert == "auto" and channels == 1 and _border(image) > LIGHT):
        image = ImageOps.invert(image)
        done.append("inverted: its background is light" if invert == "auto" else "inverted")
    if center == "yes" or (center == "auto" and kind.box and (width, height) != (size, size)):
        cut = _centred(image, size, kind.box or size) if channels == 1 else None
        if cut is not None:
            image = cut
            done.append("cut out and centred")
    if image.size != (size, size):
        background = round(255 * _border(image)) if channels == 1 else (0, 0, 0)
        image = ImageOps.pad(image, (size, size), Image.Resampling.BOX, color=background)
        done.append(f"resized to {size}×{size}")
    pixels = np.asarray(image, dtype=np.float32).reshape(size, size, channels) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)), ", ".join(done)


def _decoded(path: Path, side: int) -> tuple[Image.Image, tuple[int, int]]:
    """The image upright, in RGBA, larger ones averaged down to about `side`; and its true size."""
    if path.exists() and not path.is_file():  # to open a pipe would wait for its writer
        raise FileFormatError("this is a folder or a device, not an image file")
    with path.open("rb") as file:  # so that below, an OSError is about the content
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Pillow, on size and sloppy tags
                with Image.open(file, formats=FORMATS) as opened:
                    size = opened.size
                    if max(size) > 2 * side:
                        opened.draft(None, (side, side))  # a JPEG is decoded at 1/2, 1/4 or 1/8
                    _check_size(opened)
                    with _silenced() if opened.format == "TIFF" else contextlib.nullcontext():
                        small = _averaged(opened, max(1, max(opened.size) // side))
                    orientation = opened.getexif().get(ORIENTATION, 1)
        except UnidentifiedImageError:
            raise FileFormatError(
                f"this is not an image of the formats that are read: {', '.join(FORMATS)}"
            ) from None
        except (Image.DecompressionBombError, MemoryError) as error:
            raise FileFormatError(f"this image is too large: {error_text(error)}") from None
        except FileFormatError:
            raise
        except Exception as error:  # Pillow raises all kinds of errors for damaged files
            raise FileFormatError(f"this image is damaged: {error_text(error)}") from error
    if orientation in UPRIGHT:
        small = small.transpose(UPRIGHT[orientation])
        size = size[::-1] if orientation >= 5 else size
    if 2 * side * min(small.size) <= FINE * max(small.size):  # nothing would remain of its width
        raise FileFormatError(f"this image is too narrow: {size[0]}×{size[1]}")
    return small, size


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Drop what libtiff writes to descriptor 2 about damage; Pillow raises an error besides."""
    try:
        before = os.dup(2)
    except OSError:  # closed already
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def _check_size(image: Image.Image) -> None:
    """Raise FileFormatError if decoding the image would take too much memory."""
    shapes = [image.size]
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # the decoder makes room for whole tiles
        tags = image.tag_v2
        shapes.append((int(tags.get(322, 0)), int(tags.get(323, 0))))
    for width, height in shapes:
        if width * height * BYTES.get(image.mode, 4) > MOST_BYTES:
            raise FileFormatError(
                f"this image is too large: {width}×{height} pixels take more than "
                f"{MOST_BYTES >> 20} MiB"
            )


def _averaged(image: Image.Image, factor: int) -> Image.Image:
    """In RGBA, with squares of factor×factor pixels averaged."""
    image.load()
    # 32 bits and floats have no white of their own: PNG's 16 bits come as 32 too; floats end at 1
    white = 65535.0
    if image.mode == "F":
        _, brightest = cast("tuple[float, float]", image.getextrema())
        white = max(1.0, brightest) if np.isfinite(brightest) else 1.0
    if factor == 1:
        return _eight_bits(image, white).convert("RGBA")
    width, height = image.size
    small = Image.new("RGBA", (-(-width // factor), -(-height // factor)))
    step = factor * max(1, BLOCK // factor)
    for top in range(0, height, step):
        for left in range(0, width, step):
            box = (left, top, min(left + step, width), min(top + step, height))
            block = _eight_bits(image.crop(box), white).convert("RGBA").reduce(factor)
            small.paste(block, (left // factor, top // factor))
    return small


def _eight_bits(image: Image.Image, white: float) -> Image.Image:
    """Grey images with more than 8 bits, which Pillow would cut off at 255, scaled to 0 … 255."""
    if image.mode not in ("I;16", "I;16L", "I;16B", "I;16N", "I", "F"):
        return image
    pixels = np.nan_to_num(np.asarray(image, dtype=np.float64) / white)
    return Image.fromarray((pixels * 255).clip(0, 255).round().astype(np.uint8))


def _border(image: Image.Image) -> float:
    """The brightness of a grey image's outermost pixels: their median, from 0 to 1."""
    pixels = np.asarray(image, dtype=np.float32) / 255
    edges = [pixels[0].ravel(), pixels[-1].ravel(), pixels[:, 0].ravel(), pixels[:, -1].ravel()]
    return float(np.median(np.concatenate(edges)))


def _centred(image: Image.Image, size: int, box: int) -> Image.Image | None:
    """A drawn digit as those of MNIST were prepared; None if there is no ink, or it is whole.

    The ink is cut out, scaled to fit into box × box pixels, and placed so that its centre of mass
    is the middle: Y. LeCun and others, "Gradient-based learning applied to document recognition",
    Proc. IEEE 86(11), 1998. Where the box is the whole image, nothing is moved after scaling.
    """
    pixels = np.asarray(image, dtype=np.float64) / 255
    pixels = (pixels - _border(image)).clip(0)
    ink = pixels > INK * pixels.max()
    if pixels.max() < FAINT or ink.mean() > 0.7:
        return None
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if box == size and _fills(ink, (top, bottom), (left, right)):
        return None  # it is like an image of the data set already, but for its size
    whole = (pixels[top:bottom, left:right] / pixels.max() * 255).round().astype(np.uint8)
    scale = box / max(whole.shape)
    height, width = (max(1, round(side * scale)) for side in whole.shape)
    small = np.asarray(Image.fromarray(whole).resize((width, height), Image.Resampling.BOX))
    canvas = np.zeros((3 * size, 3 * size))
    y, x = (3 * size - height) // 2, (3 * size - width) // 2
    canvas[y : y + height, x : x + width] = small
    middle = [3 * size // 2, 3 * size // 2]
    if box < size and canvas.sum():
        mass = canvas / canvas.sum()
        places = np.arange(3 * size) + 0.5
        middle = [round(float(mass.sum(1) @ places)), round(float(mass.sum(0) @ places))]
        # all of the ink stays inside
        bounds = ((y, height), (x, width))
        middle = [
            min(max(m, start + length - size // 2), start + size // 2)
            for m, (start, length) in zip(middle, bounds, strict=True)
        ]
    y, x = (m - size // 2 for m in middle)
    return Image.fromarray(canvas[y : y + size, x : x + size].round().astype(np.uint8))


def _fills(ink: np.ndarray[Any, Any], rows: tuple[int, int], columns: tuple[int, int]) -> bool:
    """Whether ink fills most of a square image, and lies in its middle."""
    height, width = ink.shape
    longest = max(rows[1] - rows[0], columns[1] - columns[0])
    away = max(abs(sum(rows) - height), abs(sum(columns) - width)) / 2
    return bool(height == width and longest >= 0.75 * height and away <= 0.15 * height)
