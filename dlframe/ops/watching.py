"""Watchers of operations: `detect_anomaly` and `keep_values`.

Usually there are none, and an operation then only tests an empty list. A watcher is active only in
its own context (thread, coroutine), like all modes. While one is active, every node gets a note of
its origin: the user's line, and the module that was running.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from types import CodeType, FrameType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, ref

import numpy as np

from dlframe.ops.record import INFERENCE, Node, TensorBase

# All watchers of all threads, for the test in operations. Those of this context are in `_here`.
watched: list[Watcher] = []
_here: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


class Watcher:
    """The base class of watchers, which does nothing."""

    keeps_values = False  # whether notes hold the values of operands and results

    def called(self, call: Call) -> None:
        """An operation was called, and returned."""

    def gradients(self, node: Node, g: Any, grads: Sequence[Any]) -> None:
        """The rules of `node` computed `grads`, one per input (or None), from the gradient `g`."""


def watchers() -> tuple[Watcher, ...]:
    """The watchers of this context."""
    return _here.get()


def set_watchers(new: tuple[Watcher, ...]) -> None:
    """Make these the watchers of this context."""
    old = _here.get()
    _here.set(new)
    watched.extend(w for w in new if w not in old)
    for watcher in old:
        if watcher not in new:
            watched.remove(watcher)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """A block whose operations another watcher sees, too."""
    before = watchers()
    set_watchers((*before, watcher))
    try:
        yield
    finally:
        set_watchers(before)


# --- where -------------------------------------------------------------------------------------

_FILES = (os.path.dirname(__file__), np.__file__)  # noqa: PTH120 - `pathlib` costs an import
_PACKAGES = tuple(os.path.dirname(file) for file in _FILES)  # noqa: PTH120 - as above


class Place(NamedTuple):
    """An instruction in a source file."""

    code: CodeType
    instruction: int

    @property
    def file(self) -> str:
        """The file's path."""
        return self.code.co_filename

    @property
    def position(self) -> tuple[int | None, int | None, int | None, int | None]:
        """First and last line, first and last column (in bytes)."""
        return next(islice(self.code.co_positions(), self.instruction // 2, None))

    @property
    def line(self) -> int:
        """The line's number."""
        return self.position[0] or self.code.co_firstlineno

    @property
    def short(self) -> str:
        """The file's name and the line's number: "train.py:12"."""
        name = os.path.basename(self.file)  # noqa: PTH119 - as above
        return f"{name}:{self.line}"

    @property
    def text(self) -> str:
        """The source of that line; empty if it is not available."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        """The line with the expression underlined, as in a traceback."""
        head = f'File "{self.file}", line {self.line}, in {self.code.co_name}'
        source = linecache.getline(self.file, self.line).rstrip("\n")
        if not source.strip():
            return head
        margin = len(source) - len(source.lstrip())
        lines = [head, f"  {source.strip()}"]
        _, last, start, end = self.position
        if start is not None and end is not None:
            first_column = len(source.encode()[:start].decode(errors="ignore"))
            last_column = len(source.encode()[:end].decode(errors="ignore"))
            last_column = last_column if last == self.line else len(source.rstrip())
            if (first_column, last_column) != (margin, len(source.rstrip())):
                lines.append(
                    "  " + " " * (first_column - margin) + "^" * (last_column - first_column)
                )
        return "\n".join(lines)


def users_frame() -> FrameType | None:
    """The innermost frame outside of dlframe and NumPy."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        # functions that dlframe made from text have no module
        ours = "__name__" not in frame.f_globals
        if not ours and not frame.f_code.co_filename.startswith(_PACKAGES):
            return frame
        frame = frame.f_back
    return None


# --- modules -----------------------------------------------------------------------------------


class Running(NamedTuple):
    """A module that is being called: its place in the outermost one, and its class."""

    module: Any
    path: str
    kind: str

    def __str__(self) -> str:
        return self.path if self.path == self.kind else f"{self.path} ({self.kind})"


_running: ContextVar[tuple[Running, ...]] = ContextVar("running", default=())


def running() -> tuple[Running, ...]:
    """The modules that are being called, the outermost first."""
    return _running.get()


@contextmanager
def inside(module: Any) -> Iterator[Callable[[Any], Any]]:
    """A context for a call of `module`; it gives a function that notes and returns its output."""
    outer = _running.get()
    stack = (*outer, Running(module, _path(outer, module), type(module).__name__))
    token = _running.set(stack)
    try:
        yield lambda output: _note_output(stack, output)
    finally:
        _running.reset(token)


def _path(outer: tuple[Running, ...], module: Any) -> str:
    """The module's name, from the outermost one on: "Net.encoder.0"."""
    kind = type(module).__name__
    for caller in reversed(outer):
        for name, part in caller.module.named_modules():
            if part is module:
                return f"{caller.path}.{name}" if name else caller.path
    return f"{outer[-1].path} → {kind}" if outer else kind


def _note_output(stack: tuple[Running, ...], output: Any) -> Any:
    module = stack[-1]
    entry = Output(module.path, module.kind, len(stack) - 1, ref(module.module))
    for value in output if isinstance(output, (tuple, list)) else (output,):
        note = note_of(value.node) if isinstance(value, TensorBase) else None
        if note is not None:
            note.outputs.append(entry)
    return output


# --- notes -------------------------------------------------------------------------------------


class Output(NamedTuple):
    """The module of which a value is the output."""

    path: str
    kind: str
    depth: int
    module: ref[Any]


class Call(NamedTuple):
    """A call of an operation, as watchers see it."""

    definition: Any
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    outputs: tuple[Any, ...]  # tensors
    note: Note


_VALUES = (np.ndarray, np.generic, bool, int, float)


class Note:
    """The origin of a node and, if values are kept, its operands and results."""

    __slots__ = ("args", "backward_of", "inputs", "names", "options", "outputs", "path", "place",
                 "result")  # fmt: skip

    def __init__(self) -> None:
        frame = users_frame()
        stack = _running.get()
        self.place = None if frame is None else Place(frame.f_code, frame.f_lasti)
        self.path = str(stack[-1]) if stack else None  # text: a module may refer to the values
        self.backward_of: Any = _backward_of.get()
        self.outputs: list[Output] = []
        self.names: tuple[str | None, ...] = ()
        self.inputs: tuple[Any, ...] | None = None  # arrays and numbers, if values are kept
        self.options: dict[str, Any] = {}
        self.result: Any = None
        self.args: Any = None  # the values for the rules; backward releases those of the node

    @classmethod
    def like(cls, other: Note) -> Note:
        """A note of the same place."""
        note = cls()
        note.place, note.path = other.place, other.path
        return note

    def keep(self, node: Node, inputs: Any, options: dict[str, Any], result: Any) -> None:
        """Keep the values of a call, but not tensors and modules, which may refer to the node."""
        arrays = [x.array if isinstance(x, TensorBase) else x for x in inputs]
        self.inputs = tuple(x if isinstance(x, _VALUES) else None for x in arrays)
        self.options, self.args = options, node.args
        self.result = None if result is None else result.array


_notes: WeakKeyDictionary[Node, Note] = WeakKeyDictionary()
_backward_of: ContextVar[Any] = ContextVar("backward_of", default=None)  # the op whose rules run


def note_of(node: Any) -> Note | None:
    """The note of `node`; None if there was no watcher when it was made."""
    return _notes.get(node) if node.__class__ is Node else None


def in_backward() -> bool:
    """Whether the operations now called belong to a backward pass that is being recorded."""
    return _backward_of.get() is not None


def observe(definition: Any, inputs: Any, options: dict[str, Any], result: Any) -> None:
    """Show a call to the watchers of this context, and note where its nodes came from."""
    here = _here.get()
    if not here:
        return
    note = Note()
    outputs = result if isinstance(result, tuple) else (result,)
    call = Call(definition, tuple(inputs), options, outputs, note)
    for watcher in here:
        watcher.called(call)
    keep = any(watcher.keeps_values for watcher in here)
    for i, output in enumerate(outputs):
        node = output.node if isinstance(output, TensorBase) else None
        if node is None or node is INFERENCE:
            continue
        if isinstance(result, tuple):  # each of several results has a node of its own
            part = _notes[node] = Note.like(note)
            if keep:
                part.keep(node, (), {"i": i}, output)
            node = node.targets[0]
        _notes[node] = note
        if keep:
            note.keep(node, inputs, options, None if isinstance(result, tuple) else output)


def watched_gradients(
    compute: Callable[..., Any], node: Node, targets: Any, g: Any, create_graph: bool
) -> Any:
    """The result of `compute` for `g`, the gradient of `node`; shown to this context's watchers."""
    token = _backward_of.set(node.op)
    try:
        grads = compute(node, targets, g, create_graph)
    except Exception as error:
        point_to_forward(error, node)
        raise
    finally:
        _backward_of.reset(token)
    for watcher in _here.get():
        watcher.gradients(node, g, grads)
    return grads


def point_to_forward(error: Exception, node: Node) -> None:
    """Let an error in the backward of `node` name the forward call, if that was noted."""
    note = note_of(node)
    if note is not None:
        module = "" if note.path is None else f" in {note.path}"
        error.add_note(f"In the backward of {node.op.name}, called{module} at\n{note.place}")


def located(by: str) -> str:
    """`by`, the operation that wrote to memory, with the user's line if there is a watcher."""
    frame = users_frame() if watched and _here.get() else None
    if frame is None:
        return by
    return f"{by}, {Place(frame.f_code, frame.f_lasti).short}"
