"""A program that was written for PyTorch, with dlframe's own imports, so that it needs no hook.

The text is edited where it must be; comments, blanks and everything else stay as they are.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlframe.porting import absent, hook, places
from dlframe.porting.checking import NO_ARGUMENT, OUT, parameters
from dlframe.porting.reading import Found, Method, Program, Text, is_pytorch

SHORTER = {"torch.utils.data": "dlframe.data"}
"""Modules whose names dlframe has in a nearer place, if it has all that are imported there."""

FROM = {**SHORTER, "torchvision": "dlframe.data"}
"""The same for what is imported from modules."""

OF_DTYPES = {
    "is_floating_point": '({}.kind == "f")',
    "is_complex": '({}.kind == "c")',
    "is_signed": '({}.kind in "ifc")',
}
"""What the attributes of PyTorch's dtypes are for NumPy's."""


@dataclass(frozen=True)
class Note:
    """What could not be changed, or needs a look."""

    line: int
    words: str


def ported(path: Path) -> tuple[str, list[Note]]:
    """The text of a program with dlframe's imports, and what could not be changed.

    Raises:
        OSError: the file cannot be read.
        SyntaxError: it is no Python.
    """
    program = Program()
    text = program.read(path)
    writer = Writer(text)
    writer.all()
    for other in program.files.values():
        if other is not text and (other.imports or other.uses):
            writer.note(1, f"{other.path.name} belongs to it: port that file as well")
    return writer.result(), sorted(set(writer.notes), key=lambda note: (note.line, note.words))


class Writer:
    """Collects the edits of one file."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.lines = [line.encode() for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)", text.text)]
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.source = b"".join(self.lines)
        self.edits: dict[tuple[int, int], str] = {}
        self.notes: list[Note] = []
        self.imported = {
            alias.name
            for node, _ in text.imports
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        self.in_texts = {
            id(each)
            for node in ast.walk(text.tree)
            if isinstance(node, ast.JoinedStr)
            for each in ast.walk(node)
        }

    def all(self) -> None:
        """Every edit and note."""
        for node, _ in self.text.imports:
            new = self._import(node) if isinstance(node, ast.Import) else self._import_from(node)
            if new is not None:
                self.edit(node, new)
        for found in self.text.uses:
            self._use(found)
        for method in self.text.methods:
            self._attribute(method)
        for shown, words in _by_text(self.text.tree):
            self.note(shown.lineno, words)

    def note(self, line: int, words: str) -> None:
        """Say something of a line."""
        self.notes.append(Note(line, words))

    def edit(self, node: ast.expr | ast.stmt, new: str) -> None:
        """Put something in the place of a node."""
        self.edits[self._span(node)] = new

    def edit_end(self, node: ast.Attribute, pattern: str, new: str) -> None:
        """Put something in the place of an attribute's last names."""
        start, end = self._span(node)
        found = re.search(pattern + "$", self.source[start:end].decode())
        if found is None or not self._is_whole(node):
            self.note(node.lineno, f"write {new} instead of {ast.unparse(node)}")
            return
        self.edits[end - len(found[0].encode()), end] = new

    def _is_whole(self, node: ast.expr) -> bool:
        """Whether its position is right: in f-strings Python 3.11 gives others."""
        try:
            read = ast.parse(f"({self._segment(node)})", mode="eval").body
        except (SyntaxError, UnicodeDecodeError):
            return False
        return ast.dump(read) == ast.dump(node)

    def result(self) -> str:
        """The text with all edits."""
        parts, at = [], 0
        for (start, end), new in sorted(self.edits.items()):
            parts += [self.source[at:start], new.encode()]
            at = end
        return b"".join([*parts, self.source[at:]]).decode()

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None  # it was parsed
        assert node.end_col_offset is not None
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset

    def _segment(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self.source[start:end].decode()

    # --- imports -------------------------------------------------------------------------------

    def _import(self, node: ast.Import) -> str:
        """`import torch.nn as nn, os`."""
        names: list[str] = []
        after: list[str] = []
        for alias in node.names:
            if not is_pytorch(alias.name):
                names.append(alias.name + (f" as {alias.asname}" if alias.asname else ""))
                continue
            module = _module(alias.name)
            if module is None:
                self._lacking(node, alias.name)
                after += [_stand(alias.asname, alias.name, node)] if alias.asname else []
            elif alias.asname:
                names.append(f"{self._nearest(alias.name, module)} as {alias.asname}")
            elif not _is_reached(alias.name):
                names.append(module)
            if not alias.asname:
                root = alias.name.partition(".")[0]
                names.append(f"{hook.ROOTS[root]} as {root}")
        first = [f"import {', '.join(dict.fromkeys(names))}"] if names else []
        return "; ".join([*first, *after])

    def _nearest(self, name: str, module: str) -> str:
        """The nearer place of a module, if it has all that the program takes from it."""
        near = SHORTER.get(name)
        rest = [use.name.removeprefix(f"{name}.") for use in self.text.uses]
        firsts = {each.partition(".")[0] for each in rest if not is_pytorch(each)}
        if near is None or not all(_same(near, name, first) for first in firsts):
            return module
        return near

    def _import_from(self, node: ast.ImportFrom) -> str | None:
        """`from torch.nn import Linear as L`."""
        module = node.module or ""
        wanted = [alias.name for alias in node.names if alias.name != "*"]
        ours = _from(module, wanted)
        if ours is not None:  # only the name of the module changes
            pattern = re.compile(r"from[\s\\]+([\w.]+)(?=[\s\\]+import\b)")
            segment = self._segment(node)
            found = pattern.match(segment)
            if found is not None:
                return segment[: found.start(1)] + ours + segment[found.end(1) :]
        return "; ".join(self._one_by_one(node, module)) or "pass"

    def _one_by_one(self, node: ast.ImportFrom, module: str) -> Iterator[str]:
        for alias in node.names:
            name = f"{module}.{alias.name}"
            bound = alias.asname or alias.name
            place = places.place(name) if alias.name != "*" else None
            last = alias.name if place is None else (place.attributes or (alias.name,))[-1]
            if alias.name == "*" or place is None or isinstance(place.value, hook.Above):
                self._lacking(node, module if alias.name == "*" else name)
                if alias.name != "*":
                    yield _stand(bound, name, node)
            elif alias.name in hook.OWN.get(module, {}):
                yield f"{bound} = {place.value!r}"
            elif not place.attributes:
                yield f"import {place.module} as {bound}"
            else:
                yield f"from {place.module} import {last}" + (
                    f" as {bound}" if bound != last else ""
                )

    def _lacking(self, node: ast.stmt, name: str) -> None:
        self.note(node.lineno, f"{name} is not there: {_why(name)}")

    # --- uses ----------------------------------------------------------------------------------

    def _use(self, found: Found) -> None:
        """A chain such as `torch.nn.modules.linear.Linear`, where plain attributes do not do."""
        place = places.place(found.name)
        line = found.node.lineno
        if place is None:
            behind = " (behind a check)" if found.guarded else ""
            self.note(line, f"{found.name} is not there{behind}: {_why(found.name)}")
            return
        parent, _, last = found.name.rpartition(".")
        own = hook.OWN.get(parent, {})
        if last in own and place.attributes:
            if not isinstance(found.node, ast.Attribute):
                return
            if id(found.node) in self.in_texts:  # where quotes would be in others
                self.note(line, f"{found.name} is {own[last]!r} under `dlframe run`")
            else:
                self.edit(found.node, repr(own[last]))
            return
        if found.call is not None:
            self._keywords(found.name, found.call, parameters(place.value))
        if isinstance(found.node, ast.Attribute):
            self._chain(found.node, found.name, place)

    def _keywords(self, name: str, call: ast.Call, taken: set[str] | None) -> None:
        """Arguments by name that are not taken; None: nobody knows which are."""
        for keyword in call.keywords:
            if taken is not None and keyword.arg is not None and keyword.arg not in taken:
                words = OUT if keyword.arg == "out" else NO_ARGUMENT
                self.note(call.lineno, f"{name}({keyword.arg}=): {words}")

    def _chain(self, node: ast.Attribute, name: str, place: places.Place) -> None:
        """An attribute of modules: elsewhere in dlframe, its path is written out."""
        root, steps = _root(node)
        if root is None:
            return
        begins = name.rsplit(".", len(steps))[0]
        modules = [".".join(name.split(".")[: count + 1]) for count in range(name.count("."))]
        below = [each for each in modules if each.startswith(f"{begins}.")]
        below = [each for each in (*below, name) if each != begins and places.is_module(each)]
        if all(_is_reached(each) or each in self.imported for each in below):
            return
        for module in below:  # one that has it as well
            above = module.rpartition(".")[0]
            last = name.removeprefix(f"{module}.")
            if place.attributes and _same(_ours(above), above, last, place):
                self.edit(node, f"{root.id}{above.removeprefix(begins)}.{last}")
                return
        full = ".".join([place.module, *place.attributes])
        self.note(node.lineno, f"{name} is {full}: import {place.module}")

    def _attribute(self, method: Method) -> None:
        """`x.dtype.is_floating_point`, `x.shape.numel()`, and shapes that are printed."""
        node = method.node
        of = node.value
        if node.attr in OF_DTYPES and method.call is None and isinstance(node.ctx, ast.Load):
            if isinstance(of, ast.Attribute) and of.attr == "dtype":
                self.edit_end(node, rf"\.\s*dtype\s*\.\s*{node.attr}", f".{node.attr}()")
            elif isinstance(of, ast.Name) and "dtype" in of.id and id(node) not in self.in_texts:
                self.edit(node, OF_DTYPES[node.attr].format(of.id))
            else:
                self.note(node.lineno, f".{node.attr} of a dtype: write `x.{node.attr}()`")
        elif method.call is not None and ast.unparse(node).endswith(".shape.numel"):
            self.edit_end(node, r"\.\s*shape\s*\.\s*numel", ".numel")


def _module(name: str) -> str | None:
    """The module of dlframe for one of PyTorch's; None if it has none of its own."""
    if not places.is_module(name) or places.is_empty(name):
        return None
    place = places.place(name)
    assert place is not None  # it is a module
    return place.module


def _from(module: str, names: list[str]) -> str | None:
    """The module from which all names come; None if there is none."""
    near = FROM.get(module)
    if names and near is not None and all(_same(near, module, name) for name in names):
        return near
    ours = _module(module)
    if ours is None or any(not _same(ours, module, name) for name in names):
        return None
    return ours


def _is_reached(name: str) -> bool:
    """Whether dlframe has a module of PyTorch's as an attribute, without an import of it."""
    parent, _, last = name.rpartition(".")
    if not parent:
        return True
    above = places.place(parent)
    listed = getattr(None if above is None else above.value, "__all__", ())
    return last in listed or parent == "torch.nn.modules"


def _ours(name: str) -> str:
    place = places.place(name)
    return "dlframe" if place is None else place.module


def _same(ours: str, module: str, name: str, place: places.Place | None = None) -> bool:
    """Whether a module of dlframe has what PyTorch's has under a name."""
    place = places.place(f"{module}.{name}") if place is None else place
    if place is None or name in hook.OWN.get(module, {}):
        return False
    return getattr(importlib.import_module(ours), name, None) is place.value


def _stand(bound: str, name: str, node: ast.stmt) -> str:
    """What stands in for a name that is not there, as under the hook."""
    made = f'_absent.Missing("{name}", "line {node.lineno}")'
    return f"from dlframe.porting import absent as _absent; {bound} = {made}"


def _why(name: str) -> str:
    return absent.reason(name) or "dlframe does not have it"


def _root(node: ast.Attribute) -> tuple[ast.Name | None, list[str]]:
    """`torch` and ["nn", "Linear"] of `torch.nn.Linear`."""
    steps: list[str] = []
    value: ast.expr = node
    while isinstance(value, ast.Attribute):
        steps.insert(0, value.attr)
        value = value.value
    return (value if isinstance(value, ast.Name) else None), steps


def _walked(value: Any, steps: list[str]) -> Any:
    for step in steps:
        value = getattr(value, step, None)
    return value


# --- what only a look at the text can find -----------------------------------------------------

SHAPE = "here a shape is a plain tuple, which is printed as (2, 3); `x.size()` is a Size"


def _by_text(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Names of modules as texts, and shapes that are shown."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue):
            yield from _shown(node.value)
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            called = node.func.id if isinstance(node.func, ast.Name) else called
            if called in ("print", "str", "repr", "format", "Tensor", "FloatTensor"):
                for each in node.args:
                    yield from _shown(each)
            if called in ("import_module", "__import__", "patch") and _names_pytorch(node):
                yield node, f"{called} gets the name of a module as a text"


def _shown(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    if isinstance(node, ast.Attribute) and node.attr == "shape":
        yield node, SHAPE


def _names_pytorch(call: ast.Call) -> bool:
    values = [each.value for each in call.args if isinstance(each, ast.Constant)]
    return any(isinstance(value, str) and is_pytorch(value) for value in values)
