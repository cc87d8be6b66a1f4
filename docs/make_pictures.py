"""Make the pictures of the documentation again, with the library itself.

    python docs/make_pictures.py                  all of them, some minutes
    python docs/make_pictures.py activations lrs  those whose names begin with one of these words

Every curve is computed by the layer, loss or optimizer that it shows, and everything random is
seeded, so a picture changes only when the library or matplotlib does.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

from drawings import PICTURES
from PIL import Image

from dlframe.viz import style

FOLDER = Path(__file__).resolve().parent / "pictures"
COLOURS = 64  # in a PNG's palette: drawings need few, and the files are a third as large
MORE_COLOURS = {
    "compared-": 256,
    "watch": 256,
    "playground": 256,
}  # where pale bands of many colours overlap


def main() -> int:
    """Draw the chosen pictures; returns 1 if no picture's name begins with a given word."""
    wanted = sys.argv[1:]
    unknown = [name for name in wanted if not any(p.startswith(name) for p in PICTURES)]
    if unknown:
        print(f"no picture begins with {', '.join(unknown)}; there are {', '.join(PICTURES)}")
        return 1
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        if wanted and not any(name.startswith(start) for start in wanted):
            continue
        started = time.perf_counter()
        with style.house_style():
            drawn = draw()
        for suffix, picture in drawn.items() if isinstance(drawn, dict) else [("", drawn)]:
            ending = picture.suffix if isinstance(picture, Path) else ".png"
            colours = MORE_COLOURS.get(name, COLOURS)
            size = save(picture, FOLDER / f"{name}{suffix}{ending}", colours)
            seconds = time.perf_counter() - started
            print(f"{name}{suffix}{ending}  {size / 1024:.0f} KiB  {seconds:.1f} s")
    return 0


def save(picture: object, path: Path, colours: int) -> int:
    """Write a figure, or the PNG at a path, with a small palette; returns the file's size.

    A GIF is copied as it is: it has a small palette already.
    """
    if isinstance(picture, Path) and picture.suffix == ".gif":
        return path.write_bytes(picture.read_bytes())
    file = io.BytesIO()
    if isinstance(picture, Path):
        file.write(picture.read_bytes())
    else:
        with style.house_style():
            picture.savefig(file, format="png")  # type: ignore[attr-defined] # a Figure
    image = Image.open(file).convert("RGB")
    image = image.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    return path.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
