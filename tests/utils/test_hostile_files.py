"""Files that were made to do harm: each is refused in one line, in little time and memory."""

from __future__ import annotations

import random
import signal
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from samples.hostile_hdf5 import SAMPLES, mended
from samples.nests import same

import dlframe as dl
from dlframe.errors import FileFormatError
from dlframe.utils import inspect, load, load_checkpoint, save


class Bounded:
    """Raises in a block that takes long, and counts its memory."""

    def __enter__(self) -> Self:
        def stop(*_: Any) -> None:
            raise TimeoutError("it takes too long")

        self.before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, 20)
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)


def complaint(read: Callable[[Path], Any], path: Path) -> str | None:
    """The message of the FileFormatError that it raises, if it raises one."""
    try:
        read(path)
    except FileFormatError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", SAMPLES)
def test_each_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.h5"
    SAMPLES[name](path)
    size = path.stat().st_size
    for read in (load, load_checkpoint, inspect):
        with Bounded() as bounded:
            message = complaint(read, path)
        # inspect reads no values, so it need not find what is wrong with them
        assert read is inspect if message is None else message.isprintable()
        assert bounded.peak < 8 * size + 2_000_000


def content() -> dict[Any, Any]:
    return {
        "model": OrderedDict((f"{i}.w", dl.ones(2, i)) for i in range(12)),
        "list": [1, 2, 3],
        "nest": [None, {"a": (1.5, "x")}, b"ab", 2**70, True],
        "texts": np.array(["ab", "c"]),
        "packed": np.arange(3000.0) % 7,
        "half": np.float16(2),
        3: 1 + 2j,
    }


def attack(rng: random.Random, original: bytes, scratch: Path) -> bytes:
    """The file with one to four changes, and most times with right checksums."""
    changed = bytearray(original)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at = rng.randrange(len(changed))
        how = rng.randrange(6)
        if how == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            changed[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif how == 2:
            changed[at : at + 8] = rng.randrange(1 << 64).to_bytes(8, "little")
        elif how == 3:  # an address of something else
            to = rng.choice([i for i in range(len(original)) if original[i : i + 4] in SIGNATURES])
            changed[at : at + 8] = to.to_bytes(8, "little")
        elif how == 4:
            n, other = rng.randrange(1, 64), rng.randrange(len(changed))
            changed[at : at + n] = changed[other : other + n]
        else:
            changed[at : at + 2] = rng.randrange(1 << 16).to_bytes(2, "little")
    result = bytes(changed[: len(original)])
    return result if rng.random() < 0.2 else mended(result, scratch)


SIGNATURES = {b"OHDR", b"OCHK", b"FRHP", b"FHDB", b"BTHD", b"BTLF", b"FAHD", b"FADB"}


def check_attacks(folder: Path, count: int, compression: int) -> None:
    path, scratch = folder / "x.h5", folder / "scratch"
    original = content()
    save(original, path, compression=compression)
    whole = path.read_bytes()
    path.write_bytes(mended(whole, scratch))
    assert same(load(path), original)
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    for number in range(count):
        path.write_bytes(attack(rng, whole, scratch))
        for read in (load, inspect):
            with Bounded() as bounded:
                message = complaint(read, path)
            assert message is None or message.isprintable(), f"seed {seed}, number {number}"
            assert bounded.peak < 60 * len(whole) + 2_000_000, f"seed {seed}, number {number}"


@pytest.mark.parametrize("compression", [0, 4])
def test_changed_files_with_right_checksums(tmp_path: Path, compression: int) -> None:
    check_attacks(tmp_path, 40, compression)


@pytest.mark.slow
@pytest.mark.parametrize("compression", [0, 4])
def test_thousands_of_changed_files(tmp_path: Path, compression: int) -> None:
    check_attacks(tmp_path, 800, compression)


def test_the_reader_can_be_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    save({str(i): i for i in range(4000)}, path)

    class Stop(BaseException):  # as KeyboardInterrupt is
        pass

    def stop(*_: Any) -> None:
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(Stop):
            while True:
                load(path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
