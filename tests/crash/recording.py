"""Records what a program does to the files of one folder, call by call, and lets any call fail.

The library writes through Python, HDF5 too, since it is given a file object. So the recorder stands
at the level of system calls: it replaces the functions of `os` and `fcntl`, and `open`, which gives
files whose raw layer is `_Raw`. That nothing went around it is tested: the calls, carried out on an
empty disk, must give the folder that is there (`Disk.everything`).
"""

from __future__ import annotations

import builtins
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pytest

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # Windows has none

# --- what is recorded --------------------------------------------------------------------------


class Create(NamedTuple):
    """A new, empty file; names are relative to the folder, files have numbers."""

    name: str
    file: int


class Write(NamedTuple):
    file: int
    offset: int
    data: bytes


class Resize(NamedTuple):
    file: int
    size: int


class Sync(NamedTuple):
    """Force a file's content to the disk."""

    file: int


class SyncFolder(NamedTuple):
    """Force a folder's list of names to the disk."""

    name: str


class Rename(NamedTuple):
    source: str
    target: str


class Unlink(NamedTuple):
    name: str


class MakeFolder(NamedTuple):
    name: str


class Mark(NamedTuple):
    """Not a call: a note of the test, such as "the first save has returned"."""

    note: Any


Change = Create | Write | Resize | Sync | SyncFolder | Rename | Unlink | MakeFolder | Mark


class Call(NamedTuple):
    """One call, and the file or folder that it is about: what a fault may strike."""

    kind: str
    name: str


BY_DESCRIPTOR = ("write", "truncate", "fsync", "fsync folder", "close", "flock")


# Called with the number of a call, the call, and whether it is done already; it may raise.
Fault = Callable[[int, Call, bool], None]


class _Opened(NamedTuple):
    name: str
    file: int | None  # None for a folder
    appends: bool


class Recorder:
    """While entered, records the calls on a folder's files in `changes`, and all calls in `calls`.

    What the folder holds at the beginning is `before`; it counts as being on the disk.
    """

    def __init__(self, folder: Path, fault: Fault | None = None) -> None:
        self.folder = folder.resolve()
        self.fault = fault
        self.before = {
            path.relative_to(self.folder).as_posix(): (None if path.is_dir() else path.read_bytes())
            for path in sorted(self.folder.rglob("*"))
        }
        self.changes: list[Change] = []
        self.calls: list[Call] = []
        self.struck = False  # whether the fault was raised
        self.numbers = {name: i for i, name in enumerate(self.before)}
        self._next = len(self.numbers)
        self._opened: dict[int, _Opened] = {}

    def mark(self, note: Any) -> None:
        self.changes.append(Mark(note))

    @property
    def left_open(self) -> list[str]:
        """The names of the files that were opened and not closed."""
        return [opened.name for opened in self._opened.values()]

    def __enter__(self) -> Self:
        self._patch = pytest.MonkeyPatch()
        self._real = {
            name: getattr(os, name)
            for name in (
                *("open", "close", "dup", "fsync", "replace", "rename", "unlink", "remove"),
                *("mkdir", "rmdir", "chmod", "utime", "stat", "listdir", "scandir", "truncate"),
                *("ftruncate", "fdatasync", "write", "link", "symlink"),
            )
            if hasattr(os, name)
        }
        self._real_open = io.open
        for name in self._real:
            self._patch.setattr(os, name, getattr(self, f"_{name}", None) or self._other(name))
        for module in (io, builtins):
            self._patch.setattr(module, "open", self._open_file)
        if fcntl is not None:
            self._real_flock = fcntl.flock
            self._patch.setattr(fcntl, "flock", self._flock)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._patch.undo()

    # --- which calls are about the folder ------------------------------------------------------

    def _name(self, path: Any) -> str | None:
        """The name relative to the folder, or None for another path."""
        if isinstance(path, int):
            return None
        full = Path(os.fsdecode(path)).absolute()
        if not full.is_relative_to(self.folder):
            return None
        name = full.relative_to(self.folder).as_posix()
        return "" if name == "." else name

    @contextmanager
    def _call(self, kind: str, name: str, *, after: bool = True) -> Iterator[None]:
        """One call, which a fault may strike before it is made or when it has been made."""
        number = len(self.calls)
        call = Call(kind, name)
        self.calls.append(call)
        self._strike(number, call, False)
        yield
        if after:
            self._strike(number, call, True)

    def _strike(self, number: int, call: Call, done: bool) -> None:
        if self.fault is None:
            return
        try:
            self.fault(number, call, done)
        except BaseException as error:
            self.struck = True
            # Python names the file where it knows one
            if isinstance(error, OSError) and call.kind not in BY_DESCRIPTOR:
                error.filename = str(self.folder / call.name)
            raise

    # --- names ---------------------------------------------------------------------------------

    def _open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: Any = None) -> int:
        name = self._name(path)
        if name is None or dir_fd is not None:
            return int(self._real["open"](path, flags, mode, dir_fd=dir_fd))
        # Python itself loses a descriptor if an interrupt comes when os.open has just returned
        with self._call("open", name, after=False):
            return self._opened_anew(name, path, flags, mode)

    def _opened_anew(self, name: str, path: Any, flags: int, mode: int) -> int:
        existed = os.path.lexists(path)
        descriptor = int(self._real["open"](path, flags, mode))
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self._opened[descriptor] = _Opened(name, None, False)
            return descriptor
        if not existed:
            self.numbers[name] = self._next
            self._next += 1
            self.changes.append(Create(name, self.numbers[name]))
        elif flags & os.O_TRUNC:
            self.changes.append(Resize(self.numbers[name], 0))
        appends = bool(flags & os.O_APPEND)
        self._opened[descriptor] = _Opened(name, self.numbers[name], appends)
        return descriptor

    def _replace(self, source: Any, target: Any) -> None:
        self._rename(source, target)

    def _rename(self, source: Any, target: Any) -> None:
        old, new = self._name(source), self._name(target)
        if old is None and new is None:
            self._real["replace"](source, target)
            return
        assert None not in (old, new), f"moved over the border: {source} {target}"
        with self._call("rename", new):
            self._real["replace"](source, target)
            self.numbers[new] = self.numbers.pop(old)
            self.changes.append(Rename(old, new))

    def _unlink(self, path: Any, *, dir_fd: Any = None) -> None:
        name = self._name(path)
        if name is None or dir_fd is not None:
            self._real["unlink"](path, dir_fd=dir_fd)
            return
        with self._call("unlink", name):
            self._real["unlink"](path)
            del self.numbers[name]
            self.changes.append(Unlink(name))

    _remove = _unlink

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: Any = None) -> None:
        name = self._name(path)
        if name is None or dir_fd is not None:
            self._real["mkdir"](path, mode, dir_fd=dir_fd)
            return
        with self._call("mkdir", name):
            self._real["mkdir"](path, mode)
            self.changes.append(MakeFolder(name))

    def _other(self, function: str) -> Callable[..., Any]:
        """A call that changes no content, or one that the model does not have."""
        real = self._real[function]

        def call(path: Any = ".", *arguments: Any, **options: Any) -> Any:
            opened = isinstance(path, int) and path in self._opened
            name = self._opened[path].name if opened else self._name(path)
            if name is None:
                return real(path, *arguments, **options)
            assert function in ("chmod", "utime", "stat", "listdir", "scandir"), (
                f"os.{function} is not recorded"
            )
            with self._call(function, name, after=function != "scandir"):
                return real(path, *arguments, **options)

        return call

    # --- descriptors ---------------------------------------------------------------------------

    def _fsync(self, descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        opened = self._opened.get(number)
        if opened is None:
            self._real["fsync"](number)
            return
        kind = "fsync folder" if opened.file is None else "fsync"
        with self._call(kind, opened.name):
            self._real["fsync"](number)
            if opened.file is None:
                self.changes.append(SyncFolder(opened.name))
            else:
                self.changes.append(Sync(opened.file))

    def _dup(self, descriptor: int) -> int:
        copy = int(self._real["dup"](descriptor))
        if descriptor in self._opened:
            self._opened[copy] = self._opened[descriptor]
        return copy

    def _close(self, descriptor: int) -> None:
        opened = self._opened.pop(descriptor, None)
        self._real["close"](descriptor)  # a failing close closes too
        if opened is not None:
            with self._call("close", opened.name):
                pass

    def _flock(self, descriptor: Any, operation: int) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        opened = self._opened.get(number)
        if opened is None:
            self._real_flock(number, operation)
            return
        with self._call("flock", opened.name):
            self._real_flock(number, operation)

    # --- file objects --------------------------------------------------------------------------

    def _open_file(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if isinstance(file, int):
            name = self._opened[file].name if file in self._opened else None
        else:
            name = self._name(file)
        if name is None:
            return self._real_open(
                file, mode, buffering, encoding, errors, newline, closefd, opener
            )
        result: Any = None
        try:
            with self._call("fdopen" if isinstance(file, int) else "open", name):
                raw_mode = mode.replace("b", "")
                result = raw = _Raw(self, name, file, raw_mode, closefd=closefd, opener=opener)
                if "+" in mode:
                    result = io.BufferedRandom(raw)
                elif "r" in mode:
                    result = io.BufferedReader(raw)
                else:
                    result = io.BufferedWriter(raw)
                if "b" not in mode:
                    result = io.TextIOWrapper(result, encoding, errors, newline)
        except BaseException:
            if result is not None:
                result.close()  # as it happens when an object is dropped
            raise
        return result


class _Raw(io.FileIO):
    """A file whose writes are recorded."""

    def __init__(
        self, recorder: Recorder, name: str, file: Any, mode: str, *, closefd: bool, opener: Any
    ) -> None:
        self.recorder = recorder
        self.path = name

        def own_opener(path: Any, flags: int) -> int:
            return recorder._opened_anew(name, path, flags, 0o666)

        if not isinstance(file, int):
            opener = opener or own_opener
        super().__init__(file, mode, closefd, opener)

    def write(self, data: Any) -> int:
        content = bytes(data)
        recorder, descriptor = self.recorder, self.fileno()
        opened = recorder._opened[descriptor]
        with recorder._call("write", self.path):
            end = os.fstat(descriptor).st_size
            offset = end if opened.appends else os.lseek(descriptor, 0, os.SEEK_CUR)
            count = super().write(content)
            assert opened.file is not None
            recorder.changes.append(Write(opened.file, offset, content[:count]))
        return count

    def truncate(self, size: int | None = None) -> int:
        recorder = self.recorder
        opened = recorder._opened[self.fileno()]
        with recorder._call("truncate", self.path):
            now = super().truncate(size)
            assert opened.file is not None
            recorder.changes.append(Resize(opened.file, now))
        return now

    def close(self) -> None:
        if self.closed:
            return
        self.recorder._opened.pop(self.fileno(), None)
        super().close()
        with self.recorder._call("close", self.path):
            pass


# --- faults ------------------------------------------------------------------------------------


def failing(number: int, error: BaseException, *, afterwards: bool = False) -> Fault:
    """The fault that strikes one call; `afterwards`: when it has been made."""

    def fault(n: int, call: Call, done: bool) -> None:
        if n == number and done == afterwards:
            raise error

    return fault


def os_error(code: int) -> OSError:
    return OSError(code, os.strerror(code))
