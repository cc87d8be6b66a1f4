"""Writes `dlframe/base/names.py`: which module defines each name that a package offers.

    python tools/make_names.py

It reads the imports under `if IN_ADVANCE` of the packages that end with
`__all__ = lazily(__name__)`, and `__all__` of the modules that are imported with a star. Nothing is
imported. A test compares the file with what this makes.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "dlframe" / "base" / "names.py"

HEAD = '''"""Which module defines each name of a package; made by `python tools/make_names.py`.

Of each package: where names come from, and the names. After a dot they are modules themselves.
"""

from __future__ import annotations

NAMES: dict[str, dict[str, str]] = {
'''


def file_of(module: str) -> Path | None:
    """The source of a module or package; None if there is no such module."""
    path = ROOT.joinpath(*module.split("."))
    files = [path / "__init__.py", path.with_suffix(".py")]
    return next((file for file in files if file.exists()), None)


@cache
def tree_of(module: str) -> ast.Module:
    """The syntax of a module."""
    file = file_of(module)
    if file is None:
        sys.exit(f"there is no module {module}")
    return ast.parse(file.read_text("utf-8"))


def listed(module: str) -> list[str]:
    """What `__all__` of a module lists, word for word."""
    for node in tree_of(module).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    sys.exit(f"{module} has no __all__, but is imported with a star")


@cache
def origins(package: str) -> dict[str, str]:
    """The module that defines each name of a package; with a dot at its end, if it is a module."""
    found: dict[str, str] = {}
    for block in tree_of(package).body:
        if not (isinstance(block, ast.If) and ast.unparse(block.test) == "IN_ADVANCE"):
            continue
        for node in block.body:
            if not isinstance(node, ast.ImportFrom):
                continue
            module = str(node.module)
            for alias in node.names:
                found |= _imported(package, module, alias.name, alias.asname or alias.name)
    return found


def _imported(package: str, module: str, name: str, known_as: str) -> dict[str, str]:
    """What `from module import name` in a package brings, with the modules that define it."""
    if name == "*":
        return origins(module) if is_lazy(module) else dict.fromkeys(listed(module), module)
    if known_as.startswith("_") and known_as != name:
        return {}
    if known_as != name:
        sys.exit(f"{package}: import {name} by its own name")
    if module != package and is_lazy(module) and name in origins(module):
        return {name: origins(module)[name]}
    is_module = file_of(f"{module}.{name}") and (module == package or name not in defined(module))
    return {name: f"{module}." if is_module else module}


def defined(module: str) -> set[str]:
    """The names that a module assigns, defines or imports at its top."""
    found = set()
    for node in tree_of(module).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def is_lazy(module: str) -> bool:
    """Whether a package imports on first use."""
    calls = [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call)]
    return any(isinstance(c.func, ast.Name) and c.func.id == "lazily" for c in calls)


def text() -> str:
    """The file."""
    lines = [HEAD]
    for file in sorted((ROOT / "dlframe").rglob("*.py")):
        package = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if not is_lazy(package):
            continue
        modules: dict[str, list[str]] = {}
        for name, module in origins(package).items():
            modules.setdefault(module, []).append(name)
        lines.append(f'    "{package}": {{\n')
        for module in sorted(modules):
            words = " ".join(sorted(modules[module]))
            names = [words] if len(words) <= 86 else textwrap.wrap(words, 85)
            one = f'        "{module}": "{names[0]}",\n'
            if len(names) == 1 and len(one) <= 101:
                lines.append(one)
                continue
            parts = [f"{part} " for part in names[:-1]] + names[-1:]
            rows = "".join(f'            "{part}"\n' for part in parts)
            lines.append(f'        "{module}": (\n{rows}        ),\n')
        lines.append("    },\n")
    return "".join([*lines, "}\n"])


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
