"""Checkpoints, safetensors and `.npz` files that were made to do harm, or are damaged."""

from __future__ import annotations

import io
import random
import tracemalloc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.hostile_checkpoints import ARCHIVES, NPZ, PICKLES, SAFETENSORS, archive, both

import dlframe as dl
from dlframe.errors import FileFormatError

FILES = Path(__file__).parents[1] / "golden" / "files"
EXECUTED = Path("executed")  # what the hostile files would make, in the present folder


def check_refused(content: bytes) -> None:
    """It is a FileFormatError of one line, and takes little memory."""
    tracemalloc.start()
    with pytest.raises(FileFormatError) as caught:
        dl.load(io.BytesIO(content))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith("cannot load an open BytesIO")
    assert peak < 400 * len(content) + 4_000_000  # Python's parser alone takes two
    assert not EXECUTED.exists()


@pytest.mark.parametrize("name", PICKLES)
def test_pickles(name: str) -> None:
    for content in both(PICKLES[name]):
        check_refused(content)


@pytest.mark.parametrize(
    ("group", "name"),
    [(group, name) for group in (ARCHIVES, SAFETENSORS, NPZ) for name in group],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_others(group: dict[str, bytes], name: str) -> None:
    check_refused(group[name])


def test_the_samples_are_right_where_they_do_not_lie() -> None:
    from samples.hostile_checkpoints import entry, npy, npz, safetensors, tensor

    for content in both(tensor()):
        assert dl.load(io.BytesIO(content)).tolist() == [0, 0]
    assert dl.load(io.BytesIO(safetensors({"a": entry(0, 8)}, bytes(8))))["a"].tolist() == [0, 0]
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"
    assert dl.load(io.BytesIO(npz(("a.npy", npy(header, bytes(8))))))["a"].tolist() == [0, 0]


def test_shared_parts_take_no_time() -> None:
    bomb = b"]q\x00" + b"".join(
        b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(100)
    )
    value = dl.load(io.BytesIO(archive(b"\x80\x02" + bomb + b".")))
    assert len(value) == 2  # 2**100 lists, if they were counted one by one


# --- damage ------------------------------------------------------------------------------------


def samples() -> dict[str, bytes]:
    state = {"w": dl.arange(6.0).reshape(2, 3), "b": dl.ones(3, dtype=dl.int8)}
    found = {name: (FILES / name).read_bytes() for name in ("checkpoint.pt", "legacy.pt")}
    for format in ("torch", "safetensors", "npz"):
        file = io.BytesIO()
        dl.save(state, file, format=format)
        found[format] = file.getvalue()
    return found


def read(content: bytes, what: str) -> Any:
    """The value, or None where it is refused in one line; anything else fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a dtype that became bfloat16
            return dl.load(io.BytesIO(content))
    except FileFormatError as error:
        message = str(error)
    assert message.isprintable(), what
    return None


@pytest.mark.parametrize("name", samples())
def test_truncated(name: str) -> None:
    whole = samples()[name]
    every = max(len(whole) // 150, 1)
    for length in {*range(0, len(whole), every), len(whole) - 1}:
        assert read(whole[:length], f"{length} bytes") is None


def check_changes(name: str, count: int) -> None:
    whole = samples()[name]
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    for number in range(count):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 1, 2, 4])):
            at = rng.randrange(len(content))
            how = rng.randrange(4)
            if how == 0:
                content[at] ^= 1 << rng.randrange(8)
            elif how == 1:
                content[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, *b".RbQ(]}tcu"])
            elif how == 2:
                content[at : at + 8] = rng.randrange(1 << 64).to_bytes(8, "little")
            else:
                n, other = rng.randrange(1, 64), rng.randrange(len(content))
                content[at : at + n] = content[other : other + n]
        tracemalloc.start()
        read(without_checksums(bytes(content)), f"seed {seed}, number {number}")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 400 * len(whole) + 2_000_000, f"seed {seed}, number {number}"


def without_checksums(content: bytes) -> bytes:
    """An archive whose directory knows no checksums, so that changes of its entries are seen."""
    changed = bytearray(content)
    at = changed.find(b"PK\x01\x02")
    while at >= 0:
        changed[at + 16 : at + 20] = bytes(4)
        at = changed.find(b"PK\x01\x02", at + 1)
    return bytes(changed)


@pytest.mark.parametrize("name", samples())
def test_changed(name: str) -> None:
    check_changes(name, 60)


@pytest.mark.slow
@pytest.mark.parametrize("name", samples())
def test_thousands_of_changes(name: str) -> None:
    check_changes(name, 3000)


def test_every_changed_byte_of_a_tensor_is_noticed() -> None:
    file = io.BytesIO()
    dl.save({"w": dl.ones(64)}, file)
    whole = file.getvalue()
    with zipfile.ZipFile(file) as read_back:
        at = whole.index(read_back.read("archive/data/0"))
    for i in range(at, at + 256, 16):
        content = bytearray(whole)
        content[i] ^= 1
        with pytest.raises(FileFormatError, match="CRC-32"):
            dl.load(io.BytesIO(bytes(content)))


def test_a_truth_is_zero_or_one(tmp_path: Path) -> None:
    file = io.BytesIO()
    dl.save({"w": dl.ones(4) > 0}, file)
    content = without_checksums(file.getvalue()).replace(b"\1\1\1\1", b"\2\0\xff\1")
    w = dl.load(io.BytesIO(content))["w"]
    assert np.frombuffer(w.numpy().tobytes(), np.uint8).tolist() == [1, 0, 1, 1]
