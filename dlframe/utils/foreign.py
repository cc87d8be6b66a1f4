"""Recognizes the kind of a file by its first bytes, for messages about unexpected files."""

from __future__ import annotations

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
ZIP_SIGNATURE = b"PK\x03\x04"

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
"""The first value of a checkpoint in the form that PyTorch had before version 1.6."""

_PICKLED_NUMBER = b"\x8a\n" + MAGIC_NUMBER.to_bytes(10, "little") + b"."

# The number of bytes that `kind_of_file` needs.
HEAD_BYTES = 1024

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a NumPy array (.npy); read it with numpy.load"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ\x00", "an xz archive; unpack it first"),
    (b"(\xb5/\xfd", "a Zstandard archive; unpack it first"),
    (b"7z\xbc\xaf'\x1c", "a 7-Zip archive; unpack it first"),
    (b"MATLAB 7.3", "a MATLAB 7.3 file"),
    (b"MATLAB 5.0", "a MATLAB 5 file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"GGUF", "a GGUF model"),
    (b"\x7fELF", "a program or library (ELF)"),
    (b"version https://git-lfs", "a Git LFS pointer: the file itself was never fetched"),
)


def kind_of_file(head: bytes) -> str:
    """Say in words what a file that begins with `head` is.

    >>> kind_of_file(b"<!DOCTYPE html><html>404")
    'an HTML page (a failed download, perhaps)'
    """
    if not head:
        return "empty"
    if head.startswith(HDF5_SIGNATURE):
        return "an HDF5 file"
    if HDF5_SIGNATURE.startswith(head):
        return "an HDF5 file that was cut off after its first bytes"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head.startswith(ZIP_SIGNATURE):
        return _kind_of_zip(head)
    if is_legacy_checkpoint(head):
        return "a PyTorch checkpoint of the old form (torch.save)"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a Python pickle, which can run any code"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "a safetensors file"
    if not head.strip(b"\x00"):
        return "nothing but zero bytes (a download or a copy that was broken off, perhaps)"
    return _kind_of_text(head)


def is_legacy_checkpoint(head: bytes) -> bool:
    """Whether it begins as `torch.save` wrote files before PyTorch 1.6."""
    return head.startswith(b"\x80") and _PICKLED_NUMBER in head[:32]  # after a frame's length


def is_read_by_load(head: bytes) -> bool:
    """Whether `dlframe.load` may know what to do with a file of another format than HDF5."""
    kind = kind_of_file(head)
    return kind.startswith(("a PyTorch", "a safetensors", "a NumPy archive"))


def _kind_of_zip(head: bytes) -> str:
    if b"data.pkl" in head:
        return "a PyTorch checkpoint (torch.save)"
    if b".npy" in head:
        return "a NumPy archive (.npz)"
    if b"config.json" in head or b"metadata.json" in head:
        return "a ZIP archive (a Keras model, perhaps)"
    return "a ZIP archive"


def _kind_of_text(head: bytes) -> str:
    try:
        # a text may end with an incomplete character, since only its beginning was read
        text = head.decode("utf-8-sig", errors="strict" if len(head) < HEAD_BYTES else "ignore")
    except UnicodeDecodeError:
        return "of an unknown binary kind"
    text = text.lstrip().lower()
    if text.startswith(("<!doctype html", "<html")):
        return "an HTML page (a failed download, perhaps)"
    if text.startswith(("<?xml", "<")):
        return "an XML document"
    if text.startswith(("{", "[")):
        return "a JSON text"
    if text.isprintable() or any(c in text for c in "\n\t"):
        return "a text file"
    return "of an unknown binary kind"
