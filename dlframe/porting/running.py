"""Runs a program that was written for PyTorch as the main program, in its workers as well."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from dlframe.porting import source
from dlframe.porting.hook import install_torch

SCRIPT = "DLFRAME_PROGRAM"
"""The variable of the environment that tells new processes which program they belong to."""

WORKER = "dlframe.porting.worker"


def run(script: str | os.PathLike[str], arguments: Sequence[str] = ()) -> None:
    """Run a program as `python script arguments…` would, with dlframe in PyTorch's place.

    It is `__main__`, `sys.argv` is its own, its folder is the first in `sys.path`, and processes
    that it starts through `multiprocessing` find dlframe, too. What it raises passes through.

    Raises:
        OSError: the file cannot be read.
        SyntaxError: it is no Python.
    """
    path = Path(script)
    if path.is_dir():
        path = path / "__main__.py"
    code = source.compiled(path.read_bytes(), str(path))
    install_torch()
    os.environ[SCRIPT] = str(path.resolve())
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(path.resolve().parent))
    main = ModuleType("__main__")
    main.__file__ = str(path)
    # new processes import the main program again: by this name, which installs the hook first
    main.__spec__ = ModuleSpec(WORKER, None, origin=str(path))
    vars(main).update(__builtins__=__builtins__, __cached__=None)
    sys.modules["__main__"] = main
    exec(code, vars(main))  # noqa: S102 # the program that the user asked to run


def in_worker() -> dict[str, Any]:
    """In a process that a program started: its names, as `__mp_main__`."""
    install_torch()
    path = Path(os.environ[SCRIPT])
    sys.argv[0] = str(path)
    names: dict[str, Any] = {"__name__": "__mp_main__", "__file__": str(path)}
    exec(source.compiled(path.read_bytes(), str(path)), names)  # noqa: S102 # as above
    return names
