"""What may import what, and what `import dlframe` loads."""

from __future__ import annotations

import ast
import importlib
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dlframe.base.names import NAMES

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
EXTRAS = {"matplotlib", "numba", "safetensors", "onnx", "mpi4py", "cupy", "sklearn"}
EXTRAS |= {"starlette", "uvicorn", "pandas"}
EXTRAS |= {"tensorboard", "google", "mlflow", "wandb", "aim"}  # google.protobuf comes with it

FILES = sorted(PACKAGE.rglob("*.py"))


def module_name(file: Path) -> str:
    """`dlframe.nn.linear` for dlframe/nn/linear.py, `dlframe.nn` for dlframe/nn/__init__.py."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(file: Path) -> list[tuple[str, int]]:
    """The absolute names that a file imports, at its top or inside functions, with their lines.

    Imports that never run, under `if TYPE_CHECKING` or `if IN_ADVANCE`, do not count.
    """
    return list(_imports(file))


def _imports(file: Path) -> Iterator[tuple[str, int]]:
    package = module_name(file).split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    tree = ast.parse(file.read_text("utf-8"))
    typing_only = [
        block.body
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) in ("TYPE_CHECKING", "IN_ADVANCE")
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


ALL_MODULES = {module_name(file) for file in FILES}

# The doors upward, with what each is for. All are imported inside the function that opens them.
DOORS = {
    ("dlframe.tensor.tensor", "dlframe.viz.explain.explain"): "Tensor.explain()",
    ("dlframe.training.history", "dlframe.viz.curves.curves"): "History.plot()",
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
import json, sys, numpy
before = set(sys.modules)
import dlframe
loaded = {name.split(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(loaded - sys.stdlib_module_names)))
"""
    assert json.loads(in_new_process(code)) == ["dlframe"]


def test_import_dlframe_loads_the_tensor_and_leaves_the_rest_for_later() -> None:
    code = """
import json, sys, numpy
before = set(sys.modules)
import dlframe
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    loaded = json.loads(in_new_process(code))
    ours = [name for name in loaded if name.startswith("dlframe")]
    assert "dlframe.tensor.tensor" in ours
    # each costs some 0.3 ms: before one more is imported at once, see `dlframe.base.lazily`
    assert len(ours) <= 85, ours
    assert len(loaded) - len(ours) <= 20, loaded
    later = ("dlframe.nn", "dlframe.optim", "dlframe.random.", "dlframe.ops.numpy_api")
    assert [name for name in ours if name.startswith(later)] == []
    heavy = {"inspect", "numpy.random", "pathlib", "secrets", "typing_extensions"}
    assert sorted(heavy & set(loaded)) == []


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
heavy |= {"asyncio", "email", "http", "multiprocessing", "pathlib", "unittest"}
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


# --- imports on first use ----------------------------------------------------------------------


def test_the_list_of_names_is_up_to_date() -> None:
    command = [sys.executable, "-c", "import make_names; print(make_names.text(), end='')"]
    made = subprocess.run(
        command, cwd=ROOT / "tools", capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout
    there = (PACKAGE / "base" / "names.py").read_text("utf-8")
    assert there == made, "run python tools/make_names.py"


@pytest.mark.parametrize("package", NAMES)
def test_a_package_offers_what_its_list_says(package: str) -> None:
    here = importlib.import_module(package)
    names = [name for listed in NAMES[package].values() for name in listed.split()]
    assert set(here.__all__) <= {*names, *vars(here)}
    assert set(names) <= set(dir(here))
    for name in here.__all__:
        assert getattr(here, name) is getattr(here, name)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'no_such_name'"):
        here.no_such_name
    assert pickle.loads(pickle.dumps(here)) is here


def test_a_module_does_not_hide_the_function_of_its_name() -> None:
    """Python puts a module into its package when somebody imports it: `ops.erf` is a function."""
    pairs = [
        (package, name)
        for package, origins in NAMES.items()
        for module, names in origins.items()
        for name in names.split()
        if not module.endswith(".") and f"{package}.{name}" in ALL_MODULES
    ]
    assert ("dlframe.nn.functional", "linear") in pairs
    in_new_process(f"""
import importlib, types
for package, name in {pairs}:
    importlib.import_module(f"{{package}}.{{name}}")
    value = getattr(importlib.import_module(package), name)
    assert not isinstance(value, types.ModuleType), (package, name)
""")


def test_a_star_brings_every_name() -> None:
    in_new_process("""
from dlframe import *
from dlframe.nn import *
import dlframe, dlframe.nn
missing = {*dlframe.__all__, *dlframe.nn.__all__} - set(globals())
assert not missing, missing
""")


def test_methods_that_are_imported_on_first_use_are_methods() -> None:
    in_new_process("""
import inspect, dlframe as dl
assert dl.tensor([1.0, 4.0]).sqrt().tolist() == [1.0, 2.0]
assert dl.Tensor.sqrt is dl.sqrt, "found when the method was called"
assert dl.Tensor.absolute is dl.Tensor.abs is dl.abs, "found by its class"
assert "input" in inspect.signature(dl.Tensor.exp).parameters
x = dl.ones(2)
x += 1
assert x.tolist() == [2.0, 2.0]
class Mine(dl.Tensor):
    def log(self):
        return "mine"
assert Mine([1.0]).log() == "mine" and dl.Tensor.log is dl.log
""")


def test_several_threads_may_use_a_name_first() -> None:
    in_new_process("""
import random, sys, threading
import dlframe as dl
sys.setswitchinterval(1e-6)
names = [name for name in dl.__all__ if not name.startswith("_")]
errors, ready = [], threading.Barrier(8)
def use(seed):
    order = random.Random(seed).sample(names, len(names))
    ready.wait()
    for name in order:
        try:
            value = getattr(dl, name)
            assert getattr(dl, name) is value
            for inner in getattr(value, "__all__", [])[seed % 3 :: 3]:
                getattr(value, inner)
        except BaseException as error:
            errors.append((name, repr(error)))
threads = [threading.Thread(target=use, args=(seed,)) for seed in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not errors, errors[:5]
""")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_is_forked_during_an_import_can_import() -> None:
    printed = in_new_process("""
import os, sys, threading, time
import dlframe as dl
sys.setswitchinterval(1e-6)
names = [name for name in dl.__all__ if not name.startswith("_")]
def use(names):
    for name in names:
        value = getattr(dl, name)
        for inner in getattr(value, "__all__", []):
            getattr(value, inner)
threads = [threading.Thread(target=use, args=(names[i::3],)) for i in range(3)]
for thread in threads: thread.start()
for _ in range(10):
    if not (child := os.fork()):
        use(names[:40] + ["nn"])
        os._exit(0)
    end = time.monotonic() + 60
    while not (done := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < end:
        time.sleep(0.01)
    if not done[0]:
        os.kill(child, 9)
    print(done[1] if done[0] else "hangs")
for thread in threads: thread.join()
""")
    assert printed.split() == ["0"] * 10


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="one fork for each module")
def test_every_module_can_be_the_first_that_is_imported() -> None:
    """No module needs that another one was imported before it."""
    names = [module_name(file) for file in FILES if file.stem != "__main__"]
    in_new_process(f"""
import importlib, os, sys, traceback, numpy
import numpy.random
failed = []
for name in {names}:
    if child := os.fork():
        if os.waitpid(child, 0)[1]:
            failed.append(name)
        continue
    try:
        importlib.import_module(name)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
assert not failed, failed
""")
