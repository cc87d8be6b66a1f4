"""What may import what, and what `import dlframe` loads."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dlframe"

# The rooms of the library, from the ground up, as the map in ARCHITECTURE.md lists them: each
# imports from its own line and from those above it, never from one below.
MAP = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
LEVELS = [
    [name.strip() for name in line.partition("#")[0].split(",")]
    for line in MAP.partition("```levels\n")[2].partition("```")[0].splitlines()
]
LEVEL_OF = {name: level for level, names in enumerate(LEVELS) for name in names}

# Used by tests, ours and those of plugins: sees everything, and nothing sees it.
FREE = {"testing"}

# The core needs the first line; each of the others is an extra, imported where it is used.
CORE = {"numpy", "scipy", "PIL", "requests", "tqdm", "h5py", "threadpoolctl"}
EXTRAS = {"matplotlib", "numba", "safetensors", "onnx", "mpi4py", "cupy"}

FILES = sorted(PACKAGE.rglob("*.py"))


def module_name(file: Path) -> str:
    """`dlframe.nn.linear` for dlframe/nn/linear.py, `dlframe.nn` for dlframe/nn/__init__.py."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """The absolute names that a file imports, at its top or inside functions, with their lines.

    Imports for annotations only, under `if TYPE_CHECKING`, never run and do not count.
    """
    package = module_name(file).split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    tree = ast.parse(file.read_text("utf-8"))
    typing_only = [
        block.body
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
    ]
    skipped = {id(node) for body in typing_only for top in body for node in ast.walk(top)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                yield f"{base}.{alias.name}", node.lineno


def room(name: str) -> str:
    """The longest entry of `LEVELS` that a name lies in: `nn` for `dlframe.nn.linear`."""
    parts = name.split(".")[1:]
    for n in range(len(parts), 0, -1):
        if (found := ".".join(parts[:n])) in LEVEL_OF or found in FREE:
            return found
    return parts[0] if parts else ""


# The doors upward, with what each is for. All are imported inside the function that opens them.
DOORS = {
    ("dlframe.tensor.tensor", "dlframe.viz.explain.explain"): "Tensor.explain()",
    ("dlframe.training.rate_range", "dlframe.viz.rate_range.rate_range"): "RateRange.plot()",
}


@pytest.mark.parametrize("file", FILES, ids=module_name)
def test_the_left_never_imports_the_right(file: Path) -> None:
    module = module_name(file)
    here = room(module)
    if here in FREE or not here or file.name == "__init__.py":
        return  # a package's __init__ gathers names, also those of its higher rooms
    assert here in LEVEL_OF, f"give {module} a line in ARCHITECTURE.md"
    faults = []
    for name, line in imports(file):
        if name.split(".")[0] != "dlframe" or (module, name) in DOORS:
            continue
        there = room(name)
        if there not in LEVEL_OF:
            faults.append(f"line {line}: {name}: import it from the module that defines it")
        elif LEVEL_OF[there] > LEVEL_OF[here]:
            faults.append(f"line {line}: {name} is above dlframe.{here}")
    assert faults == []


@pytest.mark.parametrize("file", FILES, ids=module_name)
def test_only_declared_packages_are_imported(file: Path) -> None:
    known = sys.stdlib_module_names | CORE | EXTRAS | {"dlframe"}
    assert [(n, line) for n, line in imports(file) if n.split(".")[0] not in known] == []


def test_the_map_names_what_is_there() -> None:
    """Files and folders, and the functions and classes said to be in a file."""
    paths = re.findall(r"`([a-z_]+/[\w/]*(?:\.py)?)`", MAP.partition("## One training step")[2])
    gone = [p for p in paths if not (PACKAGE / p).exists() and not (ROOT / p).exists()]
    assert gone == []
    for file, name in re.findall(r"`([a-z_]+/[\w/]+\.py)` `([\w.]+)`", MAP):
        source = (PACKAGE / file).read_text("utf-8")
        for part in name.split("."):
            assert re.search(rf"(def|class) {part}\b", source), f"{file} has no {part}"


def in_new_process(code: str) -> str:
    """What a fresh interpreter prints for the code."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_dlframe_loads_numpy_and_nothing_heavier() -> None:
    code = """
import json, sys
import numpy.random  # which numpy loads on first use, and dlframe.random uses at once
before = set(sys.modules)
import dlframe
loaded = {name.split(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(loaded - sys.stdlib_module_names)))
"""
    assert json.loads(in_new_process(code)) == ["dlframe"]


def test_heavy_packages_wait_for_their_first_use() -> None:
    """Training needs none of these; even the standard library's heavy parts are listed."""
    code = """
import sys
import dlframe as dl
from dlframe import nn, optim
model = nn.Linear(2, 1)
optimizer = optim.SGD(model.parameters(), lr=0.1)
nn.MSELoss()(model(dl.ones(3, 2)), dl.zeros(3, 1)).backward()
optimizer.step()
heavy = {"PIL", "h5py", "matplotlib", "requests", "scipy", "tqdm"}
heavy |= {"asyncio", "email", "http", "multiprocessing", "unittest"}
print(sorted(heavy & set(sys.modules)))
"""
    assert in_new_process(code).strip() == "[]"


def test_import_time_is_measured(record_property: pytest.RecordProperty) -> None:
    """Printed (`pytest -s`) and recorded, never judged: a busy machine would decide."""
    code = """
import time
start = time.perf_counter()
import numpy
middle = time.perf_counter()
import dlframe
print(middle - start, time.perf_counter() - middle)
"""
    runs = [[float(x) for x in in_new_process(code).split()] for _ in range(3)]
    numpy_ms, dlframe_ms = (1000 * min(column) for column in zip(*runs, strict=True))
    record_property("import_ms", {"numpy": numpy_ms, "dlframe": dlframe_ms})
    print(f"\nimport numpy {numpy_ms:.0f} ms, then import dlframe {dlframe_ms:.0f} ms")


def test_every_module_can_be_imported() -> None:
    """Those too that `import dlframe` leaves for later."""
    names = [module_name(file) for file in FILES if file.stem != "__main__"]
    in_new_process(f"import importlib\nfor name in {names}: importlib.import_module(name)")
