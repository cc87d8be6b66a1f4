"""Write dlframe/porting/names.json: PyTorch's public names that dlframe does not have.

    .venv-oracle/bin/python tools/make_absent.py

For each module of PyTorch (and torchvision, where it is installed) the names that `import torch`
under the hook does not give, such as `torch.jit.trace`. A name that a package above has as well, as
`torch.nn.modules.linear.Linear`, is not absent if it is the same object in PyTorch. Of tensors and
modules the methods are listed as well, but not those that other objects of Python have, such as
`values`: nobody could say whose they are.
"""

from __future__ import annotations

import importlib
import inspect
import io
import json
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PATH = ROOT / "dlframe" / "porting" / "names.json"
ROOTS = ("torch", "torchvision")
CLASSES = ("torch.Tensor", "torch.nn.Module")

# what other objects have as well; `resize` is a method of Pillow's images
PLAIN = (str, bytes, list, dict, set, int, float, complex, slice, range, io.StringIO, Path)
COMMON = {name for cls in (*PLAIN, np.ndarray) for name in dir(cls)} | {"resize", "name"}

# insides that no program uses, and what cannot be imported on a machine without a GPU
HIDDEN = (
    "._inductor", "._dynamo.", "._C", "._refs", "._prims", "._decomp", "._export", "._functorch",
    "._higher_order", "._lazy", "._library", "._logging", "._numpy", "._strobelight",
    "._subclasses", ".testing._internal", ".utils.benchmark", ".utils.bottleneck",
    ".utils.hipify", ".utils.serialization", ".distributed.", ".ao.", ".onnx.", ".fx.",
    ".export.", ".cuda._", ".package.", ".quantization.", ".csrc", ".include", "torchgen",
    ".backends._", ".utils.viz", ".utils.jit", "._vendor", ".jit.", ".__main__", "._sources",
    ".numa", ".fb", "._native", "._streambase", ".quantized", ".intrinsic", ".qat",
    ".quantizable", "._expanded_weights", ".datapipes",
)  # fmt: skip


def modules() -> Iterator[str]:
    """The names of PyTorch's modules."""
    for root in ROOTS:
        try:
            package = importlib.import_module(root)
        except ImportError:
            continue
        yield root
        for found in pkgutil.walk_packages(package.__path__, f"{root}.", onerror=lambda name: None):
            if not any(part in found.name for part in HIDDEN):
                yield found.name


def public(module: ModuleType) -> list[str]:
    """The names of a module that programs use: not modules that it happens to import."""
    names = set(getattr(module, "__all__", ())) | {n for n in vars(module) if not n.startswith("_")}
    if ".modules" in module.__name__ or module.__name__.endswith((".init", "._utils")):
        names |= {n for n in vars(module) if n.startswith("_") and not n.startswith("__")}
    return sorted(name for name in names if _is_own(module, name))


def _is_own(module: ModuleType, name: str) -> bool:
    value = getattr(module, name, None)
    if inspect.ismodule(value) or isinstance(value, TypeVar) or name == "TYPE_CHECKING":
        return False
    of = getattr(value, "__module__", None)
    return not isinstance(of, str) or of.partition(".")[0] in {*ROOTS, "builtins"}


def in_pytorch() -> dict[str, dict[str, Any]]:
    """Of each module its names with their objects."""
    found = {}
    for name in modules():
        try:
            module = importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001 # some need a GPU, or another package
            print(f"{name}: left out ({type(error).__name__})")
            continue
        found[name] = {each: getattr(module, each, None) for each in public(module)}
    return found


def main() -> None:
    """Write the file."""
    warnings.simplefilter("ignore")
    known = in_pytorch()
    methods = {name: _methods(name) for name in CLASSES}
    for name in [name for name in sys.modules if name.partition(".")[0] in ROOTS]:
        del sys.modules[name]
    PATH.write_text("{}", "utf-8")
    from dlframe.porting import install_torch

    install_torch()
    absent = {name: " ".join(_absent(name, known)) for name in known}
    absent |= {name: " ".join(_lacking(name, of)) for name, of in methods.items()}
    PATH.write_text(json.dumps(absent, indent=0, sort_keys=True) + "\n", "utf-8")
    print(sum(len(names.split()) for names in absent.values()), "names of", len(absent), "modules")


def _methods(name: str) -> list[str]:
    """The methods of a class of PyTorch's, now loaded."""
    module, _, last = name.rpartition(".")
    cls = getattr(importlib.import_module(module), last)
    return [each for each in dir(cls) if not each.startswith("_") and callable(getattr(cls, each))]


def _lacking(name: str, methods: list[str]) -> list[str]:
    """Those that dlframe's class lacks."""
    import dlframe

    cls = {"Tensor": dlframe.Tensor, "Module": dlframe.nn.Module}[name.rpartition(".")[2]]
    return [each for each in methods if not hasattr(cls, each) and each not in COMMON]


def _absent(module: str, known: dict[str, dict[str, Any]]) -> list[str]:
    from dlframe.porting.hook import _target

    try:
        target = _target(module)
    except ImportError:
        target = None
    lacking = []
    for name, value in known[module].items():
        if target is not None and hasattr(target, name):
            continue
        if target is None and _is_above(module, name, value, known):
            continue
        lacking.append(name)
    return lacking


def _is_above(module: str, name: str, value: Any, known: dict[str, dict[str, Any]]) -> bool:
    """Whether a package above has the same object, and dlframe has it there."""
    from dlframe.porting.hook import _target

    above = module.rpartition(".")[0]
    while above:
        if known.get(above, {}).get(name) is value and value is not None:
            try:
                return hasattr(_target(above), name)
            except ImportError:
                pass
        above = above.rpartition(".")[0]
    return False


if __name__ == "__main__":
    main()
