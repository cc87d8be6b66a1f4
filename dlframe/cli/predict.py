"""`dlframe predict`: recognizes what is on an image."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from dlframe.autograd import no_grad
from dlframe.cli.evaluate import load_model
from dlframe.cli.parser import UsageError
from dlframe.cli.problems import KINDS, Kind
from dlframe.cli.results import find_checkpoint
from dlframe.data.datasets import DATASETS
from dlframe.data.transforms import Normalize
from dlframe.errors import FileFormatError
from dlframe.nn import functional as F
from dlframe.tensor import Tensor

SHOWN = 3  # classes per image
LIGHT = 0.5  # a border brighter than that is a white background


def predict(options: argparse.Namespace) -> int:
    """The command."""
    path = find_checkpoint(options.checkpoint or _newest())
    model, config, _ = load_model(path)
    kind = KINDS[config["data"]]
    if not kind.is_image:
        raise UsageError(f"{path} was trained on points ({config['data']}), not on images")
    print(f"{path}: {config['model']['name']}, trained on {config['data']}")
    classes = DATASETS[config["data"]].classes
    failed = False
    for name in options.images:
        try:
            pixels, how = read_image(Path(name), kind, options.invert)
        except (OSError, FileFormatError) as error:
            print(f"dlframe predict: error: {name}: {error.strerror or error}", file=sys.stderr)
            failed = True
            continue
        with no_grad():
            batch = Normalize(kind.mean, kind.std)(Tensor(pixels[None]))
            probabilities = F.softmax(model(batch), dim=1).array[0]
        print(f"\n{name} ({how})")
        for index in np.argsort(-probabilities, kind="stable")[:SHOWN]:
            print(f"  {probabilities[index]:7.2%}  {classes[index]}")
    return 1 if failed else 0


def _newest() -> str:
    files = [path for path in Path("runs").glob("*/checkpoints/best.h5") if path.is_file()]
    if not files:
        raise UsageError("there is no run in runs/: say which one with --checkpoint")
    return str(max(files, key=lambda path: path.stat().st_mtime))


def read_image(path: Path, kind: Kind, invert: str) -> tuple[np.ndarray[Any, Any], str]:
    """The network's input, float32 (C, H, W) from 0 to 1, and how the image was changed for it."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # on first use, and only here

    channels, size = kind.shape[:2]
    try:
        with warnings.catch_warnings():
            # up to twice its limit Pillow only warns, and the image still fits into memory
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                # a tag tells how the camera was held; transparent pixels become white
                image = _eight_bits(ImageOps.exif_transpose(opened)).convert("RGBA")
    except UnidentifiedImageError:
        raise FileFormatError("this is not an image that Pillow can read") from None
    except Image.DecompressionBombError as error:
        raise FileFormatError(f"this image is too large: {error}") from None
    done = [f"{image.width}×{image.height}"]
    if np.asarray(image)[..., 3].min() < 255:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
        done.append("put on white")
    image = image.convert("L" if channels == 1 else "RGB")
    if invert == "yes" or (invert == "auto" and channels == 1 and _border(image) > LIGHT):
        image = ImageOps.invert(image)
        done.append("inverted: its background is light" if invert == "auto" else "inverted")
    if image.size != (size, size):
        background = round(255 * _border(image)) if channels == 1 else (0, 0, 0)
        image = ImageOps.pad(image, (size, size), Image.Resampling.BOX, color=background)
        done.append(f"resized to {size}×{size}")
    pixels = np.asarray(image, dtype=np.float32).reshape(size, size, channels) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)), ", ".join(done)


def _eight_bits(image: Any) -> Any:
    """Grey images with more than 8 bits, which Pillow would cut off at 255, scaled to 0 … 255."""
    from PIL import Image

    if image.mode not in ("I;16", "I;16L", "I;16B", "I;16N", "I", "F"):
        return image
    pixels = np.asarray(image, dtype=np.float64)
    # 32 bits and floats have no white of their own: PNG's 16 bits come as 32 too; floats end at 1
    top = max(1.0, float(pixels.max())) if image.mode == "F" else 65535.0
    return Image.fromarray((pixels / top * 255).clip(0, 255).round().astype(np.uint8))


def _border(image: Any) -> float:
    """The brightness of a grey image's outermost pixels: their median, from 0 to 1."""
    pixels = np.asarray(image, dtype=np.float32) / 255
    edges = [pixels[0].ravel(), pixels[-1].ravel(), pixels[:, 0].ravel(), pixels[:, -1].ravel()]
    return float(np.median(np.concatenate(edges)))
