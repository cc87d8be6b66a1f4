"""Which names of PyTorch's a program uses and where: read from its text, without running it.

Names are followed through imports, aliases and plain assignments (`F = nn.functional`), also into
modules that lie beside the program.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from dlframe.porting import places
from dlframe.porting.hook import ROOTS

OTHER = ""
"""What a name stands for that is an imported module of somebody else's."""

Scope: TypeAlias = "dict[str, str | Scope | None]"
"""Of each name: PyTorch's name for it, the names of a module beside, `OTHER`, or None (unknown)."""

DEVICES = ("cuda", "gpu", "mps", "xpu", "distributed", "ddp", "amp")
"""A condition on a name that has such a part asks whether there is more than a CPU."""


@dataclass
class Found:
    """A use of a name."""

    node: ast.expr
    name: str
    """PyTorch's, in full: `torch.nn.Linear`."""
    call: ast.Call | None = None
    """Where it is called."""
    guarded: bool = False
    """Behind a condition that is False without a GPU, or that asks whether the name is there."""


@dataclass
class Method:
    """An attribute of something whose type is not known."""

    node: ast.Attribute
    call: ast.Call | None
    guarded: bool


@dataclass
class Text:
    """A file, read."""

    path: Path
    text: str
    tree: ast.Module
    uses: list[Found] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)
    imports: list[tuple[ast.Import | ast.ImportFrom, bool]] = field(default_factory=list)
    """Those of PyTorch's modules, and whether they are guarded."""
    names: Scope = field(default_factory=dict)
    """What the names at its top level stand for."""
    defined: set[str] = field(default_factory=set)
    """Functions and classes that it defines."""


def text_of(path: Path) -> str:
    """The text of a file of Python, with its line ends as they are.

    Raises:
        OSError: it cannot be read.
        SyntaxError: its encoding is none.
    """
    data = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise SyntaxError(f"{path}: {error}") from None


class Program:
    """A program's file and those beside it that it imports: `files` has all of them, by path."""

    def __init__(self) -> None:
        self.files: dict[Path, Text] = {}

    def read(self, path: Path, root: Path | None = None) -> Text:
        """Read a file, and what it imports from the folder `root`; each file is read once.

        Raises:
            OSError: it cannot be read.
            SyntaxError: it is no Python.
        """
        key = path.resolve()
        if key not in self.files:
            text = text_of(path)
            read = Text(path, text, ast.parse(text, str(path)))
            self.files[key] = read  # before its imports, which may be in a circle
            reader = Reader(self, read, path.parent if root is None else root)
            reader.all()
        return self.files[key]

    def beside(self, name: str, root: Path) -> Text | None:
        """The module of a name in a folder, read; None if it is not there."""
        place = root.joinpath(*name.split(".")) if name else root
        for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if path.is_file():
                try:
                    return self.read(path, root)
                except (OSError, SyntaxError):
                    return None  # running the program says so
        return None


class Reader(ast.NodeVisitor):
    """Reads one file. The bodies of functions come after all that is outside of them."""

    def __init__(self, program: Program, text: Text, root: Path) -> None:
        self.program, self.text, self.root = program, text, root
        self.scopes: list[Scope] = [text.names]
        self.guards = 0
        self.handlers = 0
        self.flags: set[str] = set()
        self.later: list[tuple[list[Scope], int, Callable[[], None]]] = []

    def all(self) -> None:
        """Everything."""
        self.visit(self.text.tree)
        while self.later:
            self.scopes, self.guards, read = self.later.pop(0)
            read()

    # --- what a name stands for ----------------------------------------------------------------

    def meaning(self, node: ast.AST) -> str | Scope | None:
        """PyTorch's name of an expression, or the names of a module beside."""
        if isinstance(node, ast.Name):
            for scope in reversed(self.scopes):
                if node.id in scope:
                    return scope[node.id]
            return None
        if isinstance(node, ast.Attribute):
            of = self.meaning(node.value)
            if isinstance(of, dict):
                return of.get(node.attr)
            return f"{of}.{node.attr}" if of else of
        return None

    def bind(self, name: str, meaning: str | Scope | None) -> None:
        """Let a name stand for something; in `except ImportError: torch = None` it stays."""
        if meaning is None and self.handlers:
            return
        self.scopes[-1][name] = meaning

    def _bind_targets(self, target: ast.expr, meaning: str | Scope | None) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.bind(node.id, meaning if node is target else None)

    # --- imports -------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        """`import torch.nn as nn`."""
        if any(is_pytorch(alias.name) for alias in node.names):
            self.text.imports.append((node, bool(self.guards)))
        for alias in node.names:
            root = alias.name.partition(".")[0]
            if is_pytorch(alias.name):
                self.bind(alias.asname or root, alias.name if alias.asname else root)
                continue
            beside = self.program.beside(alias.name, self.root)
            whole = beside is not None and (alias.asname or "." not in alias.name)
            self.bind(alias.asname or root, beside.names if whole and beside else OTHER)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """`from torch import nn`."""
        module = node.module or ""
        if node.level == 0 and is_pytorch(module):
            self.text.imports.append((node, bool(self.guards)))
            for alias in node.names:
                if alias.name == "*":
                    for name in places.starred(module):
                        self.bind(name, f"{module}.{name}")
                else:
                    self.bind(alias.asname or alias.name, f"{module}.{alias.name}")
            return
        root = self.root
        if node.level:
            root = self.text.path.resolve().parents[node.level - 1]
        beside = self.program.beside(module, root)
        for alias in node.names:
            if alias.name == "*":
                for name, meaning in ({} if beside is None else beside.names).items():
                    self.bind(name, meaning)
                continue
            below = f"{module}.{alias.name}" if module else alias.name
            part = None
            if beside is None or alias.name not in beside.names:
                part = self.program.beside(below, root)
            if part is not None:
                self.bind(alias.asname or alias.name, part.names)
            elif beside is not None:
                self.bind(alias.asname or alias.name, beside.names.get(alias.name))
            else:
                self.bind(alias.asname or alias.name, OTHER)

    # --- bindings ------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        """`F = nn.functional`; another value makes the name unknown."""
        self.visit(node.value)
        asks = self._asks(node.value)
        for target in node.targets:
            self.visit(target)
            self._bind_targets(target, self.meaning(node.value))
            if asks and isinstance(target, ast.Name):
                self.flags.add(target.id)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """The same with an annotation."""
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self._bind_targets(node.target, self.meaning(node.value))
        self.visit(node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        """The variable of a loop is unknown."""
        self.visit(node.iter)
        self._bind_targets(node.target, None)
        for each in (*node.body, *node.orelse):
            self.visit(each)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        """What is bound here is bound where something else has failed."""
        self.handlers += 1
        self.generic_visit(node)
        self.handlers -= 1

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Its arguments are unknown; its body is read later."""
        self.text.defined.add(node.name)
        self.bind(node.name, None)
        for outer in (*node.decorator_list, node.args, *filter(None, [node.returns])):
            self.visit(outer)
        self._later(node.args, lambda: [self.visit(each) for each in node.body])

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """A function."""
        self.visit(node.args)
        self._later(node.args, lambda: self.visit(node.body))

    def _later(self, arguments: ast.arguments, read: Callable[[], object]) -> None:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += filter(None, [arguments.vararg, arguments.kwarg])
        scope: Scope = dict.fromkeys((each.arg for each in every), None)
        seen = [each for each in self.scopes if not each.get(IS_CLASS)]
        self.later.append(([*seen, scope], self.guards, lambda: (read(), None)[1]))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Its functions do not see its names."""
        self.text.defined.add(node.name)
        self.bind(node.name, None)
        for outer in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(outer)
        self.scopes = [*self.scopes, {IS_CLASS: "yes"}]
        for each in node.body:
            self.visit(each)
        self.scopes = self.scopes[:-1]

    # --- conditions ----------------------------------------------------------------------------

    def visit_If(self, node: ast.If) -> None:
        """`if torch.cuda.is_available():` guards what is in it."""
        self.visit(node.test)
        self._branches(node.test, node.body, node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """The same as an expression."""
        self.visit(node.test)
        self._branches(node.test, [node.body], [node.orelse])

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """`torch.cuda.is_available() and …` guards what follows."""
        before = self.guards
        for value in node.values:
            self.visit(value)
            self.guards += isinstance(node.op, ast.And) and self._asks(value)
        self.guards = before

    def _branches(
        self,
        test: ast.expr,
        body: list[ast.stmt] | list[ast.expr],
        other: list[ast.stmt] | list[ast.expr],
    ) -> None:
        is_not = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        asked = self._asks(test.operand if isinstance(test, ast.UnaryOp) and is_not else test)
        for branch, guarded in ((body, asked and not is_not), (other, asked and is_not)):
            self.guards += guarded
            for each in branch:
                self.visit(each)
            self.guards -= guarded

    def _asks(self, test: ast.expr) -> bool:
        """Whether a condition is False on a machine with nothing but a CPU."""
        if isinstance(test, ast.BoolOp):
            return isinstance(test.op, ast.And) and any(self._asks(each) for each in test.values)
        if isinstance(test, ast.Compare):
            return self._compares(test.ops[0], test.left, test.comparators[0])
        return self._is_flag(test)

    def _compares(self, how: ast.cmpop, left: ast.expr, right: ast.expr) -> bool:
        """`device == "cuda"`, `"cuda" in device`, `torch.cuda.device_count() > 1`."""
        if isinstance(how, ast.Eq | ast.In):
            is_true = isinstance(right, ast.Constant) and right.value is True
            return _is_device(left) or _is_device(right) or (is_true and self._is_flag(left))
        least = right.value if isinstance(right, ast.Constant) else 0
        if isinstance(how, ast.GtE):
            return self._is_flag(left) and isinstance(least, int) and least >= 1
        return isinstance(how, ast.Gt) and self._is_flag(left)

    def _is_flag(self, node: ast.expr) -> bool:
        """`torch.cuda.is_available()`, `use_cuda`, `args.gpu`, `hasattr(torch, "compile")`."""
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "hasattr" and node.args:
                return isinstance(self.meaning(node.args[0]), str)
            node = node.func
        name = self.meaning(node)
        if isinstance(name, str) and name:
            return name.startswith(ASKED)
        if isinstance(node, ast.Name):
            return node.id in self.flags or _of_device(node.id)
        return isinstance(node, ast.Attribute) and _of_device(node.attr)

    # --- uses ----------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        """A call, whose keywords may be looked at."""
        self._use(node.func, node)
        for each in (*node.args, *node.keywords):
            self.visit(each)

    def visit_Name(self, node: ast.Name) -> None:
        """A name."""
        self._use(node, None)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """An attribute."""
        self._use(node, None)

    def _use(self, node: ast.expr, call: ast.Call | None) -> None:
        meaning = self.meaning(node)
        if isinstance(meaning, str) and meaning:
            if isinstance(getattr(node, "ctx", None), ast.Load):
                self.text.uses.append(Found(node, meaning, call, bool(self.guards)))
        elif isinstance(node, ast.Attribute):
            if self.meaning(node.value) is None:
                self.text.methods.append(Method(node, call, bool(self.guards)))
            self.visit(node.value)
        elif not isinstance(node, ast.Name):
            self.visit(node)


IS_CLASS = "(class)"

ASKED = (
    "torch.cuda.is_", "torch.cuda.device_count", "torch.backends.mps.is_", "torch.mps.is_",
    "torch.xpu.is_", "torch.backends.cuda.is_", "torch.distributed.is_", "torch.accelerator.is_",
    "torch.version.cuda",
)  # fmt: skip
"""Questions to which the answer is no."""


def is_pytorch(module: str) -> bool:
    """Whether a module is PyTorch's or torchvision's."""
    return module.partition(".")[0] in ROOTS


def _of_device(name: str) -> bool:
    parts = name.lower().split("_")
    return "no" not in parts and "not" not in parts and any(part in DEVICES for part in parts)


def _is_device(node: ast.expr) -> bool:
    """The text of a device that is not the CPU: "cuda:0"."""
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, str) and value.partition(":")[0] in ("cuda", "mps", "xpu", "gpu")
