"""What errors say of PyTorch's names that dlframe does not have."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "name", "why"),
    [
        ("dlframe", "sparse_coo_tensor", "All tensors are dense: use `dlframe.zeros`"),
        ("dlframe", "complex64", "There are no complex tensors"),
        ("dlframe", "quantize_per_tensor", "Weights are not quantized"),
        ("dlframe", "FloatStorage", "`x.untyped_storage\\(\\)` says"),
        ("dlframe", "fx", "Modules are not traced into graphs"),
        ("dlframe.cuda", "CUDAGraph", "There is no GPU here, and `dlframe.cuda.is_available"),
        ("dlframe.linalg", "eigvals", "There are no complex tensors"),
        ("dlframe.nn.init", "_P", ""),
        ("dlframe.nn.functional", "ScalingType", "docs/differences.md lists what is there"),
        ("dlframe.optim", "swap_in_optimizer_params_and_state", "docs/differences.md"),
        ("dlframe.jit", "CompilationUnit", "There is no compiler"),
    ],
)
def test_pytorchs_names(module: str, name: str, why: str) -> None:
    told = rf"module '{module}' has no attribute '{name}'"
    if why:
        told += rf"\. PyTorch has it, dlframe does not yet\. .*{why}"
    with pytest.raises(AttributeError, match=told) as caught:
        getattr(importlib.import_module(module), name)
    assert caught.value.name == name
    assert "torch." not in str(caught.value).replace("PyTorch.", "")


@pytest.mark.parametrize("module", ["dlframe", "dlframe.cuda", "dlframe.nn.functional"])
def test_names_that_pytorch_lacks_too(module: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(importlib.import_module(module), "nosuch")  # noqa: B009 # type checkers know it is not there
    assert str(caught.value) == f"module {module!r} has no attribute 'nosuch'"


def test_the_list_is_read_only_for_an_error() -> None:
    program = """
import sys
import dlframe
from dlframe import nn, ops, tensor, training, utils, viz
assert not hasattr(dlframe, "__wrapped__")
assert not [name for name in sys.modules if name.startswith("dlframe.porting")]
assert not hasattr(dlframe, "sparse_coo_tensor")
assert "dlframe.porting.absent" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
