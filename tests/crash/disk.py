"""A disk that loses power: which folders the recorded calls may leave behind.

POSIX promises little. A file's content is on the disk when `fsync` of the file has returned, and
a folder's names when `fsync` of the folder has. Of everything else any part may be there, in any
order: a new name without the content, the content without the name, some blocks of a write and not
others, the new size with zeros or with what these blocks held before.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from crash.recording import (
    Change,
    Create,
    MakeFolder,
    Mark,
    Rename,
    Resize,
    Sync,
    SyncFolder,
    Unlink,
    Write,
)

BLOCK = 512
GARBAGE = bytes(range(256)) * 2  # what a block may hold whose content was never written

# The files of a folder by their names; None stands for a folder in it.
Folder = dict[str, bytes | None]

# (name, file): the name stands for this file now; (name, None): it is gone; FOLDER: for a folder.
_Entry = tuple[str, int | None]
_FOLDER = -1


class Disk:
    """What is on the disk, and what is only in memory, after some calls."""

    def __init__(self, before: Folder) -> None:
        self.durable: dict[int, bytes] = {}
        self.pending: dict[int, list[tuple[int, bytes | None]]] = {}  # writes; None: a new size
        self.names: dict[str, int] = {}  # on the disk
        self.moves: list[tuple[str, list[_Entry]]] = []  # per folder, in memory
        self.now: dict[str, int] = {}
        for number, (name, content) in enumerate(before.items()):
            self.names[name] = _FOLDER if content is None else number
            if content is not None:
                self.durable[number] = content
        self.now.update(self.names)

    def make(self, change: Change) -> None:
        match change:
            case Create(name, file):
                self.durable[file] = b""
                self._rename(name, [(name, file)])
            case Write(file, offset, data):
                self.pending.setdefault(file, []).append((offset, data))
            case Resize(file, size):
                self.pending.setdefault(file, []).append((size, None))
            case Sync(file):
                self.durable[file] = self._content(file)
                self.pending.pop(file, None)
            case SyncFolder(folder):
                for parent, entries in self.moves:
                    if parent == folder:
                        _set(self.names, entries)
                self.moves = [move for move in self.moves if move[0] != folder]
            case Rename(source, target):
                file = self.now[source]
                self._rename(source, [(source, None), (target, file)])
            case Unlink(name):
                self._rename(name, [(name, None)])
            case MakeFolder(name):
                self._rename(name, [(name, _FOLDER)])
            case Mark():
                pass

    def _rename(self, name: str, entries: list[_Entry]) -> None:
        self.moves.append((name.rpartition("/")[0], entries))
        _set(self.now, entries)

    def _content(self, file: int) -> bytes:
        return _apply(self.durable[file], self.pending.get(file, []))

    @property
    def everything(self) -> Folder:
        """The folder if nothing is lost, as when only the process is killed."""
        return {
            name: None if file == _FOLDER else self._content(file)
            for name, file in sorted(self.now.items())
        }

    def after_power_cut(self, rng: random.Random, limit: int) -> Iterator[Folder]:
        """Folders that may be found after a power cut now, up to `limit` per list of names."""
        for names in self._lists_of_names(rng, limit):
            files = sorted({file for file in names.values() if file in self.pending})
            choices = [list(self._contents(file, rng, limit)) for file in files]
            for contents in _combinations(choices, rng, limit):
                found = dict(zip(files, contents, strict=True))
                yield {
                    name: None
                    if file == _FOLDER
                    else found[file]
                    if file in found
                    else self.durable[file]
                    for name, file in sorted(names.items())
                }

    def _lists_of_names(self, rng: random.Random, limit: int) -> Iterator[dict[str, int]]:
        """The names that may be on the disk: any part of what was not forced to it."""
        count = len(self.moves)
        subsets: list[tuple[int, ...]]
        if count <= 4:
            subsets = [
                subset
                for n in range(count + 1)
                for subset in itertools.combinations(range(count), n)
            ]
        else:
            prefixes = [tuple(range(n)) for n in range(count + 1)]
            alone = [(n,) for n in range(count)]
            without = [tuple(i for i in range(count) if i != n) for n in range(count)]
            some = [tuple(i for i in range(count) if rng.random() < 0.5) for _ in range(8)]
            subsets = [*prefixes, *alone, *without, *some]
        if len(subsets) > limit:
            subsets = [(), tuple(range(count)), *rng.sample(subsets, limit)]
        seen = set()
        for subset in subsets:
            names = dict(self.names)
            for i in subset:
                _set(names, self.moves[i][1])
            # what is in a folder that is not there is not there either
            for name in sorted(names):
                parent = name.rpartition("/")[0]
                if parent and names.get(parent) != _FOLDER:
                    del names[name]
            key = tuple(sorted(names.items()))
            if key not in seen:
                seen.add(key)
                yield names

    def _contents(self, file: int, rng: random.Random, limit: int) -> Iterator[bytes]:
        """What a file may hold of which some writes were not forced to the disk."""
        old, writes = self.durable[file], self.pending[file]
        pieces = list(_pieces(writes))
        size = len(_apply(old, writes))
        yield _apply(old, pieces)
        yield old
        yield old + bytes(max(size - len(old), 0))
        yield (old + GARBAGE * (size // len(GARBAGE) + 1))[: max(size, len(old))]
        count = len(pieces)
        for n in rng.sample(range(count), min(count, limit // 4)):
            offset, data = pieces[n]
            if data is None:
                continue
            yield _apply(old, pieces[:n])
            yield _apply(old, [*pieces[:n], (offset, data[: rng.randrange(len(data) + 1)])])
            yield _apply(old, [*pieces[:n], (offset, GARBAGE[: len(data)]), *pieces[n + 1 :]])
        for _ in range(limit // 4):
            yield _apply(old, [piece for piece in pieces if rng.random() < 0.5])


def _set(names: dict[str, int], entries: list[_Entry]) -> None:
    for name, file in entries:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def _apply(content: bytes, writes: Iterable[tuple[int, bytes | None]]) -> bytes:
    result = bytearray(content)
    for offset, data in writes:
        end = offset if data is None else offset + len(data)
        if len(result) < end:
            result.extend(bytes(end - len(result)))
        if data is None:
            del result[offset:]
        else:
            result[offset:end] = data
    return bytes(result)


def _pieces(writes: list[tuple[int, bytes | None]]) -> Iterator[tuple[int, bytes | None]]:
    """The writes cut at the blocks' borders."""
    for offset, data in writes:
        if data is None:
            yield offset, None
            continue
        start = offset
        while start < offset + len(data):
            end = min(start - start % BLOCK + BLOCK, offset + len(data))
            yield start, data[start - offset : end - offset]
            start = end


def _combinations(
    choices: list[list[bytes]], rng: random.Random, limit: int
) -> Iterator[tuple[bytes, ...]]:
    """Each content of each file at least once; all combinations, if there are not too many."""
    total = 1
    for some in choices:
        total *= len(some)
    if total <= limit or len(choices) <= 1:
        yield from itertools.product(*choices)
        return
    for i, some in enumerate(choices):
        for content in some:
            others = [rng.choice(other) for other in choices]
            yield (*others[:i], content, *others[i + 1 :])


# --- making a folder ---------------------------------------------------------------------------


class Materialized:
    """A real folder that is made to hold one state after another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.held: Folder = {}

    def hold(self, state: Folder) -> Path:
        """Make the folder hold the state, by writing only what differs from the last one."""
        for name in sorted(self.held, reverse=True):
            if name not in state:
                path = self.path / name
                path.rmdir() if self.held[name] is None else path.unlink()
        for name, content in state.items():
            if name not in self.held or self.held[name] != content:
                if content is None:
                    (self.path / name).mkdir()
                else:
                    (self.path / name).write_bytes(content)
        self.held = dict(state)
        return self.path

    def look_again(self) -> None:
        """Note what a test has changed in the folder."""
        self.held = {
            path.relative_to(self.path).as_posix(): None if path.is_dir() else path.read_bytes()
            for path in sorted(self.path.rglob("*"))
        }


def read(folder: Path) -> Folder:
    """What a folder holds."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }
