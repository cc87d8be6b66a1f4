"""The hook within a process: installed, refused, undone."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import numpy as np
import pytest

import dlframe as dl
from dlframe import porting
from dlframe.errors import DlframeError
from dlframe.porting import absent, source


@pytest.fixture
def installed() -> Iterator[None]:
    porting.install_torch()
    yield
    porting.uninstall_torch()


def imported(name: str) -> object:
    return importlib.import_module(name)


def test_it_can_be_undone() -> None:
    before = [*sys.meta_path]
    porting.install_torch()
    porting.install_torch()
    assert porting.is_installed()
    assert type(dl.ones(2, 3).shape) is dl.Size
    assert imported("torch.nn.functional").relu is dl.nn.functional.relu  # type: ignore[attr-defined] # it has
    porting.uninstall_torch()
    assert sys.meta_path == before
    assert type(dl.ones(2, 3).shape) is tuple
    assert not any(name.partition(".")[0] in ("torch", "torchvision") for name in sys.modules)


def test_a_real_torch_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", np)
    with pytest.raises(DlframeError, match="torch itself has been imported already"):
        porting.install_torch()
    assert not porting.is_installed()


@pytest.mark.usefixtures("installed")
def test_patches_and_settings_reach_dlframe(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = imported("torch")
    torch.backends.cudnn.benchmark = True  # type: ignore[attr-defined] # it has
    assert dl.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False  # type: ignore[attr-defined] # it has
    assert not torch.backends.cudnn.benchmark  # type: ignore[attr-defined] # it has
    functional = imported("torch.nn.functional")
    monkeypatch.setattr(functional, "relu", len)
    assert dl.nn.functional.relu is len


@pytest.mark.usefixtures("installed")
def test_every_module_of_pytorch_can_be_imported() -> None:
    for name in absent._names():
        if name.startswith("torch"):
            module = importlib.import_module(name)
            assert module.__name__ == name


def test_what_is_listed_as_absent_is_absent() -> None:
    for module, names in absent._names().items():
        ours = module.replace("torch", "dlframe", 1)
        found = sys.modules.get(ours)
        for name in names:
            assert not hasattr(found, name), f"{module}.{name}: run tools/make_absent.py"


def test_only_attributes_of_dtypes_are_changed() -> None:
    text = """
class A:
    is_complex = 5
    def is_signed(self, x): return x
a = A()
found = [np.dtype("f4").is_floating_point, a.is_complex, a.is_signed(3), a.is_signed is None,
         np.dtype("i4").is_signed, np.dtype("u1").is_signed, np.dtype("c8").is_complex]
a.is_complex = 6
last = a.is_complex
"""
    names = {"np": np, source.CALLED: source.attribute}
    exec(source.compiled(text, "text"), names)
    assert names["found"] == [True, 5, 3, False, True, False, True]
    assert names["last"] == 6


@pytest.mark.usefixtures("installed")
def test_the_old_path_of_mixed_precision() -> None:
    # there `enabled` comes first
    assert isinstance(imported("torch.cuda.amp").autocast(True), dl.amp.autocast)  # type: ignore[attr-defined] # it has
    assert imported("torch").cuda.amp.GradScaler is dl.cuda.amp.GradScaler  # type: ignore[attr-defined] # it has
