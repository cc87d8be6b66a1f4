"""What `dlframe run --check` finds in a program, without running it."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from dlframe.cli import main
from dlframe.porting import absent, checking, places
from dlframe.porting.differing import DIFFERENT, KEYWORDS, METHODS


def found(folder: Path, program: str, **files: str) -> list[tuple[int, str, str]]:
    """Line, name and verdict of each use in `program.py`; modules may lie beside it."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    path = folder / "program.py"
    path.write_text(textwrap.dedent(program).lstrip())
    uses = checking.check([path])
    return [(use.line, use.name, use.verdict) for use in uses if use.file == str(path)]


def test_names_are_followed_through_imports_and_aliases(tmp_path: Path) -> None:
    program = """
    import torch.nn as nn, torch.utils.data
    from torch import optim as o
    from torch.nn import *
    F = nn.functional
    relu = F.relu
    def f(torch):
        return torch.nothing, relu(Linear(2, 3)(torch.utils.data))
    o.Adam, torch.utils.data.DataLoader
    class A(nn.Module):
        nn = 3
        def g(self):
            return nn.Conv2d
    """
    assert found(tmp_path, program) == [
        (4, "torch.nn.functional", "there"),
        (5, "torch.nn.functional.relu", "there"),
        (7, "torch.nn.Linear", "there"),
        (7, "torch.nn.functional.relu", "there"),
        (8, "torch.optim.Adam", "there"),
        (8, "torch.utils.data.DataLoader", "there"),
        (9, "torch.nn.Module", "there"),
        (12, "torch.nn.Conv2d", "there"),
    ]


def test_what_is_missing_says_why_and_what_instead(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text("import torch\nfrom torch.fx import wrap, Graph\ntorch.rellu\nGraph()\n")
    words = {use.name: use.words for use in checking.check([path])}
    assert "Did you mean 'relu'?" in words["torch.rellu"]
    assert "dlframe.viz.graph" in words["torch.fx.Graph"]
    assert "torch.fx.wrap" not in words  # it can be imported


def test_modules_beside_a_program_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "__init__.py").write_text("from .inner import *\nfrom . import inner\n")
    (folder / "inner.py").write_text("import torch\nfrom torch import nn as layers\ntorch.rfft\n")
    program = """
    import parts, helper
    from parts import torch as t, inner
    from helper import *
    t.ones, parts.layers.ReLU, inner.layers.GELU, M.nothing, helper.M.abs
    """
    there = found(tmp_path, program, helper="import torch as M\nimport program\n")
    assert there == [
        (4, "torch.abs", "there"),
        (4, "torch.nn.GELU", "there"),
        (4, "torch.nn.ReLU", "there"),
        (4, "torch.nothing", "missing"),
        (4, "torch.ones", "there"),
    ]
    everything = checking.check([tmp_path])
    assert {Path(use.file).name for use in everything} == {"program.py", "inner.py"}
    assert not checking.is_ready(everything)


@pytest.mark.parametrize(
    "check",
    [
        "if torch.cuda.is_available(): {}",
        "if not use_cuda: pass\nelse: {}",
        "if device == 'cuda': {}",
        "if args.gpu and x: {}",
        "many = torch.cuda.device_count() > 1\nif many: {}",
        "x = {} if torch.backends.mps.is_available() else 3",
        "hasattr(torch, 'stft') and {}",
        "if torch.cuda.is_available():\n    def f(): {}",
    ],
)
def test_what_is_behind_a_check_does_not_count(tmp_path: Path, check: str) -> None:
    before = "import torch\nuse_cuda = args = x = device = None\n"
    names = found(tmp_path, before + check.format("torch.stft(x)"))
    assert {name: verdict for _, name, verdict in names}["torch.stft"] == "behind a check"


@pytest.mark.parametrize(
    "check",
    [
        "if not torch.cuda.is_available(): {}",
        "if use_cuda or x: {}",
        "if device != 'cuda': {}",
        "if no_cuda: {}",
        "x = 3 if torch.cuda.is_available() else {}",
        "if torch.cuda.device_count() == 0: {}",
        "if torch.cuda.device_count() >= 0: {}",
    ],
)
def test_what_runs_on_a_cpu_counts(tmp_path: Path, check: str) -> None:
    before = "import torch\nuse_cuda = no_cuda = x = device = None\n"
    names = found(tmp_path, before + check.format("torch.stft(x)"))
    assert {name: verdict for _, name, verdict in names}["torch.stft"] == "missing"


def test_arguments_methods_and_attributes(tmp_path: Path) -> None:
    program = """
    import torch, re, numpy as np
    def f(x, loader):
        torch.add(x, x, out=x)
        x.to_sparse(); re.stft(x); np.stft(x); self.mine.to_dense(); [].index(3)
        x.cuda()
        x.dtype.is_complex, x.is_complex(), x.shape.numel()
        torch.utils.data.DataLoader(x, num_workers=2, pin_memory=False)
        torch.sum(x, axis=0, keepdims=True)
        return torch.zeros(2, dtype=torch.float32, requires_grad=True)
    def to_dense(): pass
    """
    kept = [use for use in found(tmp_path, program) if use[2] != "there"]
    assert kept == [
        (3, "torch.add(out=)", "missing"),
        (4, ".to_sparse()", "probably missing"),
        (5, ".cuda()", "different"),
        (6, ".dtype.is_complex", "different"),
        (6, ".shape.numel", "different"),
        (7, "torch.utils.data.DataLoader(num_workers=)", "different"),
    ]


def test_a_name_that_is_bound_anew_is_followed_no_longer(tmp_path: Path) -> None:
    program = """
    try:
        import torch
    except ImportError:
        torch = None
    torch.ones
    F = torch.nn.functional
    F = print
    F.nothing
    for torch in []:
        torch.nothing
    """
    assert found(tmp_path, program) == [
        (5, "torch.ones", "there"),
        (6, "torch.nn.functional", "there"),
    ]


def test_imports_that_fail_are_missing(tmp_path: Path) -> None:
    program = """
    import torchvision.models, os
    from torch import nothing_of_this_name
    import torch.fx
    """
    assert found(tmp_path, program) == [
        (1, "torchvision.models", "missing"),
        (2, "torch.nothing_of_this_name", "missing"),
    ]


@pytest.mark.parametrize("name", [*DIFFERENT, *(name for name, _ in KEYWORDS)])
def test_what_is_said_to_differ_is_there(name: str) -> None:
    assert places.place(name) is not None


def test_arguments_and_methods_that_are_said_to_differ_are_there() -> None:
    for name, argument in KEYWORDS:
        place = places.place(name)
        assert place is not None
        assert argument in (checking.parameters(place.value) or {argument})
    assert set(METHODS.values()) <= set(DIFFERENT)


def test_methods_that_are_listed_as_absent_are_absent() -> None:
    listed = absent.methods()
    assert listed["to_sparse"] == "torch.Tensor"
    assert "index" not in listed  # lists and texts have it
    for name, cls in listed.items():
        assert places.place(f"{cls}.{name}") is None, f"{cls}.{name}: run tools/make_absent.py"


def test_the_command_prints_a_table_or_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, fine = tmp_path / "program.py", tmp_path / "fine.py"
    path.write_text("import torch\ntorch.ones(2)\ntorch.stft\n")
    fine.write_text("import torch\ntorch.ones(2)\n")
    assert main(["run", "--check", str(path)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["name", "is", "lines"]
    assert shown[1].split()[:3] == ["torch.stft", "missing", "3"]
    assert shown[-2:] == ["there (1): torch.ones", "1 missing."]
    assert main(["run", "--check", str(fine), "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    assert read["ready"] is True
    assert read["uses"][0]["name"] == "torch.ones"
    assert read["uses"][0]["line"] == 2
    assert main(["run", "--check", str(tmp_path / "no.py")]) == 2
    assert main(["run", "--json", str(fine)]) == 2
    path.write_text("x = (")
    assert main(["run", "--check", str(path)]) == 1
    assert "line 1" in capsys.readouterr().err
