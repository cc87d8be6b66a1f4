"""Images, animations, figures and sounds as TensorBoard's messages, and the projector's sprites.

Values from 0 to 1 are floats, from 0 to 255 bytes (uint8), as in PyTorch; what is outside is cut
off, and NaN is black.
"""

from __future__ import annotations

import io
import math
import sys
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.summary_pb2 import Summary

from dlframe.errors import ArgumentError, ShapeError
from dlframe.tensor import to_array
from dlframe.utils.tensorboard.summaries import numbers, place

RED = (214, 39, 40)
Bytes = NDArray[np.uint8]


def image(
    tag: str,
    values: Any,
    dataformats: str,
    *,
    boxes: Any = None,
    labels: Sequence[str] | None = None,
    rescale: float = 1.0,
) -> Any:
    """An image, or a grid of several, with boxes (x₀, y₀, x₁, y₁) drawn on it if there are any."""
    where = place("add_image", tag)
    array = as_bytes(where, values)
    pixels = _in_rows(where, array, dataformats)
    from PIL import Image

    picture = Image.fromarray(pixels)
    if boxes is not None:
        _draw_boxes(where, picture, boxes, labels)
    if rescale != 1:
        if not rescale > 0:
            raise ArgumentError(f"{where}: rescale must be above 0; got {rescale}")
        width, height = (max(1, int(n * rescale)) for n in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return _message(tag, picture.height, picture.width, pixels.shape[2], file.getvalue())


def video(tag: str, values: Any, fps: float) -> Any:
    """Videos (N, T, C, H, W) as one animated GIF, N of them side by side in a grid."""
    where = place("add_video", tag)
    array = as_bytes(where, values)
    if array.ndim != 5 or 0 in array.shape:
        raise ShapeError(
            f"{where}: expected videos (number, frames, channels, height, width), each 1 or more; "
            f"got shape {tuple(array.shape)}"
        )
    if not fps > 0:
        raise ArgumentError(f"{where}: fps must be above 0; got {fps}")
    from PIL import Image

    columns = math.ceil(math.sqrt(len(array)))
    frames = [
        Image.fromarray(grid(_channels_last(where, array[:, t], "NCHW"), columns))
        for t in range(array.shape[1])
    ]
    file = io.BytesIO()
    frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], duration=round(1000 / fps), loop=0
    )
    return _message(tag, frames[0].height, frames[0].width, 3, file.getvalue())


def audio(tag: str, values: Any, sample_rate: int) -> Any:
    """A sound of one channel, from -1 to 1, as 16 bits a sample."""
    where = place("add_audio", tag)
    sound = np.squeeze(numbers(where, values).astype(np.float64))
    if sound.ndim != 1:
        raise ShapeError(f"{where}: expected one channel (L,) or (1, L); got {tuple(sound.shape)}")
    samples = (np.nan_to_num(sound).clip(-1, 1) * np.iinfo(np.int16).max).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(samples.tobytes())
    message = Summary.Audio(
        sample_rate=sample_rate,
        num_channels=1,
        length_frames=len(samples),
        encoded_audio_string=file.getvalue(),
        content_type="audio/wav",
    )
    return Summary(value=[Summary.Value(tag=tag, audio=message)])


def figure_pixels(figures: Any, *, close: bool) -> Bytes:
    """Matplotlib's figures as pixels (C, H, W), or (N, C, H, W) for a list; pyplot forgets them."""
    from matplotlib.figure import FigureBase

    many = isinstance(figures, (list, tuple))
    for one in figures if many else [figures]:
        if not isinstance(one, FigureBase):
            raise TypeError(
                "add_figure: expected a figure of matplotlib, or a list of them; got "
                f"{type(one).__name__}"
            )
    drawn = [_drawn(one) for one in (figures if many else [figures])]
    pyplot = sys.modules.get("matplotlib.pyplot")
    if close and pyplot is not None:  # otherwise it holds none
        for one in figures if many else [figures]:
            pyplot.close(one)
    if not many:
        return drawn[0]
    if len({pixels.shape for pixels in drawn}) != 1:
        sizes = ", ".join(f"{pixels.shape[2]} × {pixels.shape[1]}" for pixels in drawn)
        raise ShapeError(f"add_figure: figures of a list have one size; got {sizes or 'none'}")
    return np.stack(drawn)


def _drawn(figure: Any) -> Bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def sprite(images: Any) -> tuple[Any, tuple[int, int]]:
    """Images (N, C, H, W) in a square of as many rows as columns, and the size of one, (W, H)."""
    where = "add_embedding, label_img"
    array = _channels_last(where, as_bytes(where, images), "NCHW")
    from PIL import Image

    columns = math.ceil(math.sqrt(len(array)))
    # the projector takes it for a square of images
    blank = np.zeros((columns * columns - len(array), *array.shape[1:]), np.uint8)
    whole = grid(np.concatenate([array, blank]), columns)
    return Image.fromarray(whole), (array.shape[2], array.shape[1])


# --- pixels ------------------------------------------------------------------------------------


def as_bytes(where: str, values: Any) -> Bytes:
    """Pixels as bytes: floats and all other numbers are from 0 to 1, bytes stay as they are."""
    array = numbers(where, values)
    if array.dtype == np.uint8:
        return array
    scaled = np.nan_to_num(array.astype(np.float32), posinf=1.0, neginf=0.0) * 255
    return scaled.clip(0, 255).astype(np.uint8)


def _in_rows(where: str, array: Bytes, form: str) -> Bytes:
    """An image (H, W, C) of an array in a form such as "CHW", or a grid for "NCHW"."""
    letters = form.upper()
    if sorted(letters) not in (["H", "W"], ["C", "H", "W"], ["C", "H", "N", "W"]):
        raise ArgumentError(
            f"{where}: dataformats has each of H, W, C and N at most once, such as CHW, HWC, HW or "
            f"NCHW; got {form!r}"
        )
    if array.ndim != len(letters) or 0 in array.shape:
        raise ShapeError(
            f"{where}: dataformats={form!r} means {len(letters)} dimensions, each 1 or more; got "
            f"shape {tuple(array.shape)}"
        )
    if len(letters) == 4:
        return grid(_channels_last(where, array, letters), 8)
    if len(letters) == 2:
        array, letters = array[None], f"C{letters}"
    pixels: Bytes = _channels_last(where, array[None], f"N{letters}")[0]
    return pixels


def _channels_last(where: str, array: Bytes, letters: str) -> Bytes:
    """Images as (N, H, W, C) with 3 channels, or 4 where the last is opacity."""
    if array.ndim != 4 or 0 in array.shape:
        raise ShapeError(f"{where}: expected images (N, C, H, W); got {tuple(array.shape)}")
    array = array.transpose([letters.index(one) for one in "NHWC"])
    if array.shape[3] == 1:
        array = array.repeat(3, axis=3)
    if array.shape[3] not in (3, 4):
        raise ShapeError(
            f"{where}: an image has 1, 3 or 4 channels; got {array.shape[3]} with the form "
            f"{letters.removeprefix('N')}"
        )
    return np.ascontiguousarray(array)


def grid(images: Bytes, columns: int) -> Bytes:
    """Images (N, H, W, C) beside and below each other."""
    count, height, width, channels = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    whole = np.zeros((rows * columns, height, width, channels), np.uint8)
    whole[:count] = images
    parts: Bytes = whole.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    pixels: Bytes = parts.reshape(rows * height, columns * width, channels)
    return pixels


def _draw_boxes(where: str, picture: Any, boxes: Any, labels: Sequence[str] | None) -> None:
    from PIL import ImageDraw, ImageFont

    array = np.asarray(to_array(boxes), np.float64)
    array = array[None] if array.ndim == 1 and array.size == 4 else array
    if array.ndim != 2 or array.shape[1] != 4:
        raise ShapeError(f"{where}: boxes have 4 numbers each, (N, 4); got {tuple(array.shape)}")
    labels = [labels] if isinstance(labels, str) else labels
    if labels is not None and len(labels) != len(array):
        raise ShapeError(f"{where}: {len(labels)} labels for {len(array)} boxes")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default()
    for i, (left, top, right, bottom) in enumerate(array.tolist()):
        corners = [(left, top), (left, bottom), (right, bottom), (right, top), (left, top)]
        draw.line(corners, fill=RED, width=2)
        if labels is not None:
            text = str(labels[i])
            place = (left + 2, max(0.0, bottom - 14))
            draw.rectangle(draw.textbbox(place, text, font=font), fill=RED)
            draw.text(place, text, fill="white", font=font)


def _message(tag: str, height: int, width: int, channels: int, encoded: bytes) -> Any:
    message = Summary.Image(
        height=height, width=width, colorspace=channels, encoded_image_string=encoded
    )
    return Summary(value=[Summary.Value(tag=tag, image=message)])
