"""What makes a run the run it is: its configuration, code, data, versions and seed, as one hash."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import inspect
import json
import math
import os
import platform
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor

Plain = None | bool | int | float | str | list[Any] | dict[str, Any]

ENOUGH = 32  # hexadecimal digits of a hash: two runs do not meet by chance


def resolved(where: str, value: Any) -> Plain:
    """A level as JSON holds it: numbers, texts and nests as they are, classes by their paths.

    >>> resolved("lr", 0.1), resolved("layer", Path)
    (0.1, {'class': 'pathlib.Path'})
    >>> resolved("rate", functools.partial(round, ndigits=2))
    {'partial': {'function': 'builtins.round'}, 'args': [], 'keywords': {'ndigits': 2}}

    Raises:
        ArgumentError: an object whose content cannot be read off, such as a module.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return resolved(where, value.item())
    if isinstance(value, (list, tuple)):
        return [resolved(where, entry) for entry in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: resolved(where, entry) for key, entry in value.items()}
    if isinstance(value, os.PathLike):
        return {"path": os.fspath(value)}
    if isinstance(value, (np.ndarray, Tensor)):
        return {"array": checksum(where, value)}
    if isinstance(value, functools.partial):
        return {
            "partial": resolved(where, value.func),
            "args": [resolved(where, entry) for entry in value.args],
            "keywords": {key: resolved(where, entry) for key, entry in value.keywords.items()},
        }
    if isinstance(value, type):
        return {"class": f"{value.__module__}.{value.__qualname__}", **_distribution(value)}
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
        name = f"{value.__module__}.{value.__qualname__}"
        source: dict[str, Plain] = {}
        if isinstance(value, types.FunctionType) and ("<lambda>" in name or "<locals>" in name):
            source = {"code": _compiled(value)}
        return {"function": name, **source, **_distribution(value)}
    raise ArgumentError(
        f"{where}: the level {value!r:.60} is a {type(value).__name__}, and a study could not tell "
        "whether it is the same next time. Use a name, a number, or the class or function that "
        "makes it, such as nn.ReLU or functools.partial(nn.LeakyReLU, 0.1)"
    )


def _compiled(function: types.FunctionType) -> str:
    """The hash of a function without a file: its compiled code, and that of those it calls.

    What it calls is followed as far as it is in no file either, such as other cells of a notebook.
    """
    total, seen = hashlib.sha256(), set[int]()
    waiting = [function]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        names = _add_code(total, one.__code__)
        total.update(repr((one.__defaults__, one.__kwdefaults__)).encode())
        for cell in one.__closure__ or ():
            total.update(repr(cell.cell_contents).encode())
        found = [one.__globals__.get(name) for name in sorted(names)]
        waiting += [f for f in found if isinstance(f, types.FunctionType) and not _file_of(f)]
    return total.hexdigest()[:ENOUGH]


def _add_code(total: Any, code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    total.update(code.co_code + repr((code.co_names, code.co_varnames)).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _add_code(total, constant)
        else:
            total.update(repr(constant).encode())
    return names


def _file_of(thing: Any) -> Path | None:
    try:
        file = inspect.getsourcefile(thing)
    except TypeError:  # built in
        return None
    return Path(file) if file and Path(file).is_file() else None


def _distribution(thing: Any) -> dict[str, Plain]:
    """The version of the package that a class or function of another package comes from."""
    top = str(thing.__module__).partition(".")[0]
    if top in ("dlframe", "__main__", *sys.stdlib_module_names):
        return {}
    for name in _packages().get(top, []):
        return {"version": f"{name} {importlib.metadata.version(name)}"}
    return {}


@functools.cache
def _packages() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


# --- code, data, versions ----------------------------------------------------------------------


def code_of(run: Callable[..., Any], uses: Iterable[Any] = ()) -> dict[str, str]:
    """The hashes of the code that a run is made by: its file, files it uses, and dlframe itself.

    A function that is in no file, as in a notebook, is known by its compiled code.

    Raises:
        ArgumentError: something in `uses` that has no code.
    """
    found = {"dlframe": _library()}
    seen = set[Path]()
    for thing in (run, *uses):
        file = _file_of(thing)
        if file in seen:
            continue
        if file is not None:
            parts = file.parts[-1:]
            while "/".join(parts) in found:  # two files of one name, such as __init__.py
                parts = file.parts[-len(parts) - 1 :]
            found["/".join(parts)] = _hash(file.read_bytes())
            seen.add(file)
        elif isinstance(thing, types.FunctionType):
            found[thing.__qualname__] = _compiled(thing)
        else:
            raise ArgumentError(
                f"study: {thing!r:.80} has no source code, so a study could not tell whether it "
                "changed. `run` and `uses` are functions, classes or modules"
            )
    return found


@functools.cache
def _library() -> str:
    """The hash of dlframe's own source."""
    package = Path(__file__).resolve().parent.parent
    total = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        total.update(file.relative_to(package).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:ENOUGH]


def versions() -> dict[str, str]:
    """Of what computes the numbers: Python, NumPy, SciPy, dlframe, and the kind of processor."""
    from dlframe.version import __version__

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": importlib.metadata.version("scipy"),
        "dlframe": __version__,
        "machine": platform.machine(),
    }


def checksum(where: str, data: Any) -> str:
    """The SHA-256 sum of a file, the files of a folder, an array, or a nest of them.

    Raises:
        ArgumentError: something else, or a file that is not there.
    """
    total = hashlib.sha256()
    _add(total, where, data)
    return total.hexdigest()[:ENOUGH]


def _add(total: Any, where: str, data: Any) -> None:
    if isinstance(data, Tensor):
        data = data.detach().numpy()
    if isinstance(data, np.ndarray) and data.dtype != object:
        total.update(f"{data.dtype.str}{data.shape}".encode())
        total.update(np.ascontiguousarray(data))
    elif isinstance(data, (str, os.PathLike)):
        path = Path(data)
        if not path.exists():
            raise ArgumentError(f"{where}: there is no file or folder {path}")
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            with file.open("rb") as content:
                total.update(name.encode() + hashlib.file_digest(content, "sha256").digest())
    elif isinstance(data, Mapping):
        for key in data:
            total.update(f"{key}\0".encode())
            _add(total, where, data[key])
    elif isinstance(data, (list, tuple)):
        for entry in data:
            _add(total, where, entry)
    elif hasattr(data, "__len__") and hasattr(data, "__getitem__"):  # a data set
        total.update(f"{len(data)}".encode())
        for index in range(len(data)):
            _add(total, where, data[index])
    elif isinstance(data, (bool, int, float, np.generic)):
        total.update(repr(data.item() if isinstance(data, np.generic) else data).encode())
    else:
        raise ArgumentError(
            f"{where}: data are files, folders, arrays, data sets, or lists and dicts of them; got "
            f"{type(data).__name__}"
        )


def key_of(parts: Mapping[str, Any]) -> str:
    """The name of a run: the hash of everything that makes it what it is."""
    text = json.dumps(parts, sort_keys=True, allow_nan=False, ensure_ascii=True)
    return _hash(text.encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:ENOUGH]
