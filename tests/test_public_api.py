"""The public names: they exist, they are documented, and they are called as PyTorch's are.

tests/golden/signatures.json holds PyTorch's signatures. Whatever dlframe has under PyTorch's name
must have the same argument names, order, defaults and keyword-only mark; what differs on purpose is
listed below, with the reason. New functions are compared as soon as they exist.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import math
import pkgutil
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import dlframe as dl

GOLDEN = Path(__file__).resolve().parent / "golden"

# --- what differs from PyTorch on purpose ------------------------------------------------------

# Arguments of PyTorch that dlframe may have or not; they mean nothing on one device, in NumPy.
NOT_COMPARED = {
    "device": "there is one device; accepted where a PyTorch program commonly passes it",
    "layout": "strided is the only one",
    "memory_format": "NumPy decides the order in memory",
    "non_blocking": "there is one device",
    "out": "results are new arrays; in-place forms end in an underscore",
    "pin_memory": "there is one device",
    "pin_memory_device": "there is one device",
    "foreach": "chooses between PyTorch's kernels for one formula",
    "grad_variables": "deprecated in PyTorch since 0.2: grad_tensors",
    "fused": "chooses between PyTorch's kernels for one formula",
    "capturable": "for CUDA graphs",
    "differentiable": "chooses between PyTorch's kernels for one formula",
}

# Keyword-only arguments that dlframe has beyond PyTorch's.
OURS = {
    "check_inf": "detect_anomaly looks at infinities too",
    "generator": "everything random takes one",
    "axis": "NumPy's spelling of dim, which PyTorch accepts too without documenting it",
    "keepdims": "NumPy's spelling of keepdim",
    "worker_type": "a loader's workers are threads unless processes are asked for",
}

# Names whose signature differs altogether, each with its reason.
DIFFERENT: dict[str, str] = {
    **dict.fromkeys(
        [
            f"torch.Tensor.{name}"
            for name in (
                *("arctanh_", "atanh_", "bmm", "cholesky_solve"),
                *("div", "div_", "divide", "divide_"),
                *("dsplit", "hsplit", "vsplit"),
                *("floor_divide", "floor_divide_", "fmod", "fmod_", "frexp", "matmul", "mul"),
                *("mul_", "multiply", "multiply_", "narrow", "remainder", "remainder_"),
                *("true_divide", "true_divide_", "type_as", "where"),
                *("dot", "index_copy_", "masked_scatter", "orgqr", "ormqr", "put", "take"),
            )
        ],
        "PyTorch's documentation names the argument otherwise than PyTorch's parser (and dlframe)",
    ),
    "torch.Tensor.histogram": "the default of bins, 100, is not in the documentation",
    "torch.Tensor.mode": "the documentation has dim=None; the parser, and the function, have -1",
    "torch.Tensor.random_": "`from` is a keyword of Python: from_",
    "torch.Tensor.scatter_": "PyTorch has two forms; here a number may stand in the place of src",
    "torch.Tensor.uniform_": "`from` is a keyword of Python: from_",
    "torch.autograd.gradcheck": "no forward mode, no batches of gradients; seed= is ours",
    "torch.autograd.gradgradcheck": "as gradcheck",
    "torch.load": "files hold no pickles, so there is no module to read them with",
    "torch.save": "files hold no pickles",
    **dict.fromkeys(
        ["torch.set_num_threads", "torch.set_num_interop_threads"],
        "PyTorch's argument is called int",
    ),
    "torch.pow": "PyTorch calls the base `self` where it is a number; here it is `input` too",
    "torch.repeat_interleave": "the form of one argument, counts to indices, calls it `input` too",
    "torch.tensor_split": "its forms with `sections` and `indices` are keyword-only here",
    **dict.fromkeys(["torch.tril_indices", "torch.triu_indices"], "PyTorch calls int64 long"),
    "torch.utils.data.random_split": "PyTorch's default is its generator itself, ours is None",
}

# --- names and docstrings ----------------------------------------------------------------------


def modules() -> Iterator[ModuleType]:
    """dlframe and every module in it."""
    yield dl
    for info in pkgutil.walk_packages(dl.__path__, "dlframe."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


MODULES = list(modules())
PUBLIC = [
    pytest.param(module, name, id=f"{module.__name__}.{name}")
    for module in MODULES
    for name in getattr(module, "__all__", ())
]


def test_version_is_the_packages() -> None:
    from dlframe.version import __version__

    assert dl.__version__ == __version__


def test_packages_list_their_public_names() -> None:
    """Without `__all__`, whatever a package imports for itself would look public."""
    assert [
        m.__name__ for m in MODULES if hasattr(m, "__path__") and not hasattr(m, "__all__")
    ] == []


def test_constants_are_pythons() -> None:
    assert (dl.pi, dl.e, dl.inf, dl.newaxis) == (math.pi, math.e, math.inf, None)
    assert math.isnan(dl.nan)


@pytest.mark.parametrize(
    "module", [m for m in MODULES if hasattr(m, "__all__")], ids=lambda m: m.__name__
)
def test_all_names_each_name_once(module: ModuleType) -> None:
    names = list(module.__all__)
    assert sorted(set(names)) == sorted(names)
    assert [name for name in names if name.startswith("_") and name != "__version__"] == []


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_public_names_exist_and_have_a_docstring(module: ModuleType, name: str) -> None:
    value = getattr(module, name)
    if inspect.isclass(value) and value.__module__.split(".")[0] == "dlframe":
        doc = vars(value).get("__doc__")  # its own, not the base class's
    elif inspect.ismodule(value) or callable(value):
        doc = value.__doc__
    else:
        return  # a constant; comments beside it document it
    assert doc, f"{module.__name__}.{name} has no docstring"
    assert doc.strip()


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_examples_of_ops_and_aliases_run(module: ModuleType) -> None:
    """Pytest's doctest looks at functions and classes only; ops are objects with a docstring."""
    names = {"dl": dl, "nn": dl.nn, "optim": dl.optim, "np": np}
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed = []
    for name, value in vars(module).items():
        plain = inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value)
        if plain or type(value).__module__.split(".")[0] != "dlframe":
            continue
        doc = value.__doc__
        if not doc or doc == type(value).__doc__:
            continue
        test = doctest.DocTestParser().get_doctest(doc, dict(names), name, module.__file__, 0)
        if test.examples and doctest.DocTestRunner(optionflags=flags).run(test).failed:
            failed.append(name)
    assert failed == []


# --- PyTorch's signatures ----------------------------------------------------------------------

signatures = json.loads((GOLDEN / "signatures.json").read_text("utf-8"))
FROM_DOCSTRING = set(signatures["from_docstring"])

# The script that wrote the file describes our callables too, so both are read in one way.
describe: Callable[..., list[str] | None] = runpy.run_path(str(GOLDEN / "make_signatures.py"))[
    "describe"
]


def ours(torch_name: str) -> Any:
    """What dlframe has under PyTorch's name, or None."""
    path = torch_name.replace("torch.utils.data", "torch.data", 1).split(".")[1:]
    value: Any = dl
    for i, name in enumerate(path):
        owner = value
        value = getattr(owner, name, None)
        if value is None:
            return None
        inherited = inspect.isclass(owner) and owner is not dl.Tensor and name not in vars(owner)
        if inherited and i == len(path) - 1:
            return None  # compared where it is defined
    return value


def comparable(call: list[str]) -> list[str]:
    """The parameters without those that are not compared."""
    kept = [
        p
        for p in call
        if (name := p.split("=")[0]) not in NOT_COMPARED
        and (name == "*" or not name.startswith("_"))
    ]
    return kept[:-1] if kept and kept[-1] == "*" else kept  # a mark with nothing behind it


def without_ours(call: list[str], theirs: list[str]) -> list[str]:
    """The parameters without those that only dlframe has, if these are keyword-only."""
    known = {p.split("=")[0] for p in theirs}
    start = next((i for i, p in enumerate(call) if p.startswith("*")), len(call))
    kept = call[: start + 1] + [
        p for p in call[start + 1 :] if p.split("=")[0] not in OURS or p.split("=")[0] in known
    ]
    return kept[:-1] if kept and kept[-1] == "*" else kept


def mismatch(mine: list[str], calls: list[list[str]], *, exact: bool) -> str | None:
    """What keeps a call that PyTorch accepts from meaning the same here, or None.

    Where Python knows PyTorch's signature, ours must equal it. Where only the documentation is
    known, each documented form must be possible: the same names in the same places, the same
    defaults.
    """
    if exact:
        mine = without_ours(mine, calls[0])
        return None if mine == calls[0] else f"ours {mine}, PyTorch's {calls[0]}"
    if any(p.startswith("**") for p in mine):
        return None  # takes everything, and checks it itself
    names = [p.split("=")[0] for p in mine]
    defaults = dict(p.split("=", 1) for p in mine if "=" in p)
    positional = [p for p in names if not p.startswith("*")]
    gathers = any(p.startswith("*") and p != "*" for p in mine)
    for call in calls:
        keyword_only = False
        for position, p in enumerate(call):
            name, _, default = p.partition("=")
            if name.startswith("*"):
                keyword_only = True
                continue
            if name not in names and not gathers:
                return f"{name!r} of the form {call} is missing in {mine}"
            if not keyword_only and not gathers and positional.index(name) != position:
                return f"{name!r} is argument {position} of the form {call}, not so in {mine}"
            if default and len(calls) == 1 and name in defaults and defaults[name] != default:
                return f"{name!r} defaults to {default} in {call}, not so in {mine}"
    return None


COMMON = [name for name in signatures["calls"] if callable(ours(name))]


def test_there_is_something_to_compare() -> None:
    assert len(COMMON) > 200


@pytest.mark.parametrize("name", COMMON)
def test_signature_is_pytorchs(name: str) -> None:
    value = ours(name)
    if name.startswith("torch.Tensor."):
        value = value.__get__(dl.ones(1))  # functions are methods too: the first argument is bound
    mine = describe(value.__init__ if inspect.isclass(value) else value)
    assert mine is not None, f"Python does not know the signature of {value!r}"
    calls = [comparable(call) for call in signatures["calls"][name]]
    fault = mismatch(comparable(mine), calls, exact=name not in FROM_DOCSTRING)
    if name in DIFFERENT:
        assert fault, f"{name} does not differ: remove it from DIFFERENT"
        return
    assert fault is None, fault


def test_differences_name_something_that_exists() -> None:
    assert [name for name in DIFFERENT if name not in COMMON] == []
