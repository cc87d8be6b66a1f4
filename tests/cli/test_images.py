"""Images for `predict`: whatever is wrong with one, it is a FileFormatError, in little memory."""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from dlframe.cli.images import FORMATS, read_image
from dlframe.cli.problems import KINDS
from dlframe.errors import FileFormatError

GREY, COLOUR = KINDS["mnist"], KINDS["cifar10"]


@pytest.fixture
def picture(rng: np.random.Generator) -> Image.Image:
    """A smooth picture, 90 wide and 60 high."""
    coarse = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((90, 60), Image.Resampling.BICUBIC)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in chunks:
        content += struct.pack(">I", len(data)) + name + data
        content += struct.pack(">I", zlib.crc32(name + data))
    return content


def header(width: int, height: int, bits: int = 8, colour: int = 0) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)


PIXELS = (b"IDAT", zlib.compress(bytes(9 * 8)))
END = (b"IEND", b"")
BOMB = zlib.compress(bytes(100_000_000))  # 100 kB that unpack to 100 MB

DAMAGED = {
    "empty": b"",
    "no header": png(PIXELS, END),
    "header of 4 bytes": png((b"IHDR", b"\0\0\0\1"), END),
    "wrong checksum": png(header(8, 8), PIXELS, END).replace(b"IDAT", b"IDAT\0", 1),
    "size 0": png(header(0, 8), PIXELS, END),
    "broken compression": png(header(8, 8), (b"IDAT", b"not zlib"), END),
    "unknown colours": png(header(8, 8, 8, 7), PIXELS, END),
    "bomb of pixels": png(header(60_000, 60_000), (b"IDAT", BOMB), END),
    "bomb before the pixels": png(header(8, 8), (b"zTXt", b"a\0\0" + BOMB), PIXELS, END),
    "bomb after the pixels": png(header(8, 8), PIXELS, (b"zTXt", b"a\0\0" + BOMB), END),
    "international bomb": png(header(8, 8), (b"iTXt", b"a\0\1\0\0\0" + BOMB), PIXELS, END),
    "bomb of colours": png(header(8, 8), (b"iCCP", b"a\0\0" + BOMB), PIXELS, END),
    "GIF of nothing": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b";",
    "PPM without an end": b"P6 99999999 ",
    "PPM of text": b"P3 8 8 255 " + b"9" * 100_000,
    "BMP": b"BM" + b"\xff" * 60,
    "TIFF that ends": b"II*\0\x08\0\0\0\xff\xff",
    "WEBP": b"RIFF\xff\xff\xff\xffWEBPVP8 \0\0\0\0",
    "a pickle": b"\x80\x04cposix\nsystem\n.",
    "Postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damage_is_one_kind_of_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        read_image(tmp_path / "x", GREY, "auto")
    assert str(caught.value).isprintable()  # one line


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_survives_damage(
    tmp_path: Path,
    picture: Image.Image,
    rng: np.random.Generator,
    name: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path, file = tmp_path / "x", io.BytesIO()
    picture.save(file, name, compression="tiff_lzw")  # which TIFF alone understands
    whole = file.getvalue()
    path.write_bytes(whole)
    read_image(path, COLOUR, "auto")
    for i in range(60):
        content = np.frombuffer(whole, np.uint8).copy()
        if i % 3 == 0:
            content = content[: rng.integers(len(content))]
        else:  # mostly in the headers, which say most
            last = min(len(content), 64) if i % 3 == 1 else len(content)
            content[rng.integers(0, last, 3)] = rng.integers(0, 256, 3)
        path.write_bytes(content.tobytes())
        with contextlib.suppress(FileFormatError):
            pixels, _ = read_image(path, COLOUR, "auto")
            assert pixels.shape == (3, 32, 32)
            assert np.isfinite(pixels).all()
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """In a process of its own, which knows how much memory it has ever taken."""
    pytest.importorskip("resource", reason="Windows does not tell")
    for i, content in enumerate(DAMAGED.values()):
        (tmp_path / str(i)).write_bytes(content)
    Image.new("1", (6_000, 6_000)).save(tmp_path / "large.png")
    Image.new("L", (6_000, 6_000)).save(tmp_path / "large.jpg")
    Image.new("L", (50_000, 700)).save(tmp_path / "long.png")
    frames = [Image.new("L", (1_000, 1_000), i) for i in range(40)]
    for name in ("frames.gif", "frames.tiff", "frames.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    code = """
import contextlib, pathlib, resource, sys
from dlframe.cli.images import read_image
from dlframe.cli.problems import KINDS
from dlframe.errors import FileFormatError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in pathlib.Path(sys.argv[1]).iterdir():
    with contextlib.suppress(FileFormatError):
        read_image(path, KINDS["mnist"], "auto")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200  # MB; 6,000² pixels of one byte are 36
    assert done.stderr == ""


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "LA", "I;16", "I", "F"])
def test_large_images_are_averaged_first(
    tmp_path: Path, rng: np.random.Generator, mode: str
) -> None:
    small = Image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8))
    if mode in ("1", "P", "RGB", "RGBA", "CMYK", "LA"):
        small = small.convert("RGB").convert(mode)
    elif mode != "L":
        scale = 1 / 255 if mode == "F" else 257
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        small = Image.fromarray((np.asarray(small, np.float64) * scale).astype(kind))
    large = small.resize((28 * 64, 28 * 64), Image.Resampling.NEAREST)
    for name, image in (("small", small), ("large", large)):
        image.save(tmp_path / name, "TIFF")
    pixels, how = read_image(tmp_path / "large", GREY, "no")
    assert how == "1792×1792, resized to 28×28"
    exact, _ = read_image(tmp_path / "small", GREY, "no")
    assert np.abs(pixels - exact).max() <= 1 / 255 + 1e-6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("factor", [1, 8])
def test_photographs_are_turned_upright(
    tmp_path: Path, picture: Image.Image, orientation: int, factor: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    large = picture.resize((90 * factor, 60 * factor), Image.Resampling.NEAREST)
    large.save(tmp_path / "x", "PNG", exif=exif)
    with Image.open(tmp_path / "x") as opened:
        ImageOps.exif_transpose(opened).save(tmp_path / "y", "PNG")
    pixels, how = read_image(tmp_path / "x", COLOUR, "no")
    upright, same = read_image(tmp_path / "y", COLOUR, "no")
    assert how == same
    assert np.abs(pixels - upright).max() < 0.05


def test_a_strip_is_too_narrow(tmp_path: Path) -> None:
    Image.new("L", (1000, 1)).save(tmp_path / "x.png")
    with pytest.raises(FileFormatError, match="this image is too narrow: 1000×1"):
        read_image(tmp_path / "x.png", GREY, "auto")


def test_sloppy_texts_do_no_harm(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("comment", "\x1b[2J" * 1000, zip=True)
    Image.new("L", (28, 28)).save(tmp_path / "x.png", pnginfo=texts)
    assert read_image(tmp_path / "x.png", GREY, "auto")[1] == "28×28"
