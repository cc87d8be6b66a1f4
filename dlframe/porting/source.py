"""Changes in the text of a program: the few expressions that need PyTorch's own types.

`x.dtype.is_floating_point` is an attribute in PyTorch; dlframe's dtypes are NumPy's, which cannot
have it. So where a program reads such an attribute, it calls `attribute` instead. Nothing else of
the program is changed, and lines and columns stay what they are.
"""

from __future__ import annotations

import ast
import builtins
import sys
import sysconfig
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

OF_DTYPES: dict[str, Callable[[Any], bool]] = {
    "is_floating_point": lambda dtype: dtype.kind == "f",
    "is_complex": lambda dtype: dtype.kind == "c",
    "is_signed": lambda dtype: dtype.kind in "ifc",
}
"""Attributes of PyTorch's dtypes that NumPy's lack."""

CALLED = "__dlframe_attribute__"


def attribute(value: Any, name: str) -> Any:
    """`value.name`; of a dtype with PyTorch's meaning.

    >>> attribute(np.dtype("float32"), "is_floating_point"), attribute(1j, "real")
    (True, 0.0)
    """
    if isinstance(value, np.dtype):
        return OF_DTYPES[name](value)
    return getattr(value, name)


class Attributes(ast.NodeTransformer):
    """`x.is_complex` becomes `attribute(x, "is_complex")`, where it is read and not called."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A method of tensors that has the same name stays as it is."""
        if isinstance(node.func, ast.Attribute) and node.func.attr in OF_DTYPES:
            node.func.value = self.visit(node.func.value)
            node.args = [self.visit(argument) for argument in node.args]
            node.keywords = [self.visit(keyword) for keyword in node.keywords]
            return node
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """The attributes themselves."""
        self.generic_visit(node)
        if node.attr not in OF_DTYPES or not isinstance(node.ctx, ast.Load):
            return node
        call = ast.Call(ast.Name(CALLED, ast.Load()), [node.value, ast.Constant(node.attr)], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


def compiled(text: str | bytes, file: str) -> CodeType:
    """The code of a program's file.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = Attributes().visit(ast.parse(text, file))
    return compile(tree, file, "exec", dont_inherit=True)


# --- modules beside a program, cells of a notebook ---------------------------------------------


class Changed(SourceFileLoader):
    """Loads a module of the program; its code is not kept in __pycache__, where others read it."""

    def get_code(self, fullname: str) -> CodeType:
        """Compiled anew each time."""
        path = self.get_filename(fullname)
        return compiled(self.get_data(path), path)


class Beside(MetaPathFinder):
    """Finds modules as ever, and changes the text of those that are not installed packages."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The usual spec, with another loader for the program's own files."""
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or _is_installed(spec.origin):
            return None
        spec.loader = Changed(fullname, spec.loader.path)
        return spec


def _is_installed(file: str | None) -> bool:
    """Whether a file belongs to Python or to an installed package, or to dlframe."""
    if file is None:
        return True
    path = Path(file).resolve()
    places = [Path(__file__).resolve().parents[1], Path(sysconfig.get_path("stdlib")).resolve()]
    return any(path.is_relative_to(place) for place in places) or bool(
        {"site-packages", "dist-packages"} & set(path.parts)
    )


_finder, _transformer = Beside(), Attributes()


def begin() -> None:
    """Change what is imported from now on, and cells of a notebook."""
    setattr(builtins, CALLED, attribute)
    sys.meta_path.insert(0, _finder)
    shell = _shell()
    if shell is not None:
        shell.ast_transformers.append(_transformer)


def end() -> None:
    """Undo `begin`; `attribute` stays, for code that is loaded already."""
    sys.meta_path.remove(_finder)
    shell = _shell()
    if shell is not None and _transformer in shell.ast_transformers:
        shell.ast_transformers.remove(_transformer)


def _shell() -> Any:
    """IPython's shell, if this runs in one."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
